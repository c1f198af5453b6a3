"use strict";
(() => {
  const all = (what, where = document) => [...where.querySelectorAll(what)];
  const read = (id) => JSON.parse(document.getElementById(id).textContent);

  // A search: a head sorts by its column, the first lines and those of its front are seen at once. Without scripts it is
  // a plain table.
  const number = (text) => Number.parseFloat(text.replace("\u2212", "-").replace(",", ""));
  const order = (one, other) => {
    const [a, b] = [number(one), number(other)];
    if (Number.isFinite(a) !== Number.isFinite(b)) return Number.isFinite(a) ? -1 : 1;
    return Number.isFinite(a) ? a - b : one.localeCompare(other);
  };
  const sortable = (table) => {
    const body = table.tBodies[0], first = 5;
    const lines = [...body.rows];
    const folds = (row, i) => i >= first && !row.classList.contains("kept");
    let open = lines.filter(folds).length <= 1;
    const show = () => [...body.rows].forEach((row, i) => { row.hidden = !open && folds(row, i); });
    if (!open) {
      const more = document.createElement("button");
      more.className = "more";
      more.type = "button";
      const label = () => { more.textContent = open ? "Show fewer" : `Show all ${lines.length}`; };
      more.setAttribute("aria-expanded", "false");
      more.addEventListener("click", () => {
        open = !open;
        more.setAttribute("aria-expanded", String(open));
        label();
        show();
      });
      label();
      table.closest(".wide").after(more);
      addEventListener("beforeprint", () => { if (!open) more.click(); });
    }
    // The heads stand in two rows; those of one column stand in the last row that they reach.
    const heads = [];
    let place = 0;
    const lower = table.tHead.rows[1] ? [...table.tHead.rows[1].cells] : [];
    for (const cell of table.tHead.rows[0].cells) {
      if (cell.scope === "colgroup") for (let i = 0; i < cell.colSpan; i++) heads[place++] = lower.shift();
      else heads[place++] = cell;
    }
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") === "descending";
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const text = (row) => (row.cells[column].firstChild?.textContent ?? "").trim();
        const empty = (row) => text(row) === "";
        const sorted = [...lines].sort((a, b) => {
          if (empty(a) || empty(b)) return empty(a) - empty(b);
          return (up ? 1 : -1) * order(text(a), text(b));
        });
        body.append(...sorted);
        show();
      });
    });
    show();
  };
  all("table.sortable").forEach(sortable);

  // Figures: described by data, drawn when the reader comes near. What a narrow page changes in one stands beside it.
  const load = () => {
    if (window.Plotly) return;
    const script = document.createElement("script");
    script.textContent = document.getElementById("plotly").textContent;
    document.head.append(script);
  };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const coarse = matchMedia("(pointer: coarse)").matches;
  const look = read("figures-look");
  const PAPER_PX = 680, HALF_PAPER_PX = 330;
  const description = (plot, onPaper) => {
    const toned = (text) => JSON.parse(
      dark.matches && !onPaper ? text.replace(/#[0-9a-f]{6}/g, (tone) => look.dark[tone] ?? tone) : text,
    );
    const { data, layout, narrow } = toned(document.getElementById(plot.dataset.from).textContent);
    const paper = plot.closest(".across") ? PAPER_PX : HALF_PAPER_PX;
    const room = onPaper ? paper : plot.parentElement.clientWidth;
    const small = narrow && room < look.narrow;
    const width = Math.max(Math.floor(room), small ? 0 : Number(plot.dataset.least));
    const traces = small ? narrow.data ?? data.map((trace, i) => ({ ...trace, ...narrow.traces?.[i] })) : data;
    const drawn = { ...(small ? narrow.layout : layout), width, template: toned(JSON.stringify(look.template)) };
    if (coarse) drawn.dragmode = false; // a finger scrolls the page, it does not zoom the figure
    return { traces, drawn };
  };
  const draw = (plot, onPaper = false) => {
    load();
    const { traces, drawn } = description(plot, onPaper);
    if (!plot.dataset.drawn) plot.replaceChildren();
    plot.dataset.drawn = `${drawn.width} ${dark.matches && !onPaper}`;
    plot.style.height = `${drawn.height}px`;
    plot.style.zoom = onPaper ? Math.min(1, PAPER_PX / drawn.width) : 1; // matrices have a least width
    Plotly.react(plot, traces, drawn, { displayModeBar: false, responsive: false });
  };
  const plots = all(".plot");
  const near = new IntersectionObserver(
    (entries) => entries.filter((one) => one.isIntersecting).forEach((one) => {
      near.unobserve(one.target);
      if (!one.target.dataset.drawn) draw(one.target);
    }),
    { rootMargin: "600px" },
  );
  plots.forEach((plot) => near.observe(plot));
  // What is far is drawn later, one by one, with pauses for the reader: find and save see it all.
  const rest = () => {
    const next = plots.find((plot) => !plot.dataset.drawn);
    if (next) {
      draw(next);
      setTimeout(rest, 200);
    }
  };
  addEventListener("load", () => setTimeout(rest, 1000));
  const again = () => plots.filter((plot) => plot.dataset.drawn).forEach((plot) => {
    const { drawn } = description(plot);
    if (plot.dataset.drawn !== `${drawn.width} ${dark.matches}`) draw(plot);
  });
  let waiting = 0;
  new ResizeObserver(() => { // a scroll bar that comes or goes resizes the page, not the window
    clearTimeout(waiting);
    waiting = setTimeout(again, 150);
  }).observe(document.body);
  dark.addEventListener("change", again);
  // On paper: light, all of it, every part that opens open.
  addEventListener("beforeprint", () => {
    all("details").forEach((one) => { one.open = true; });
    plots.forEach((plot) => draw(plot, true));
  });
  addEventListener("afterprint", () => plots.forEach((plot) => draw(plot)));
})();
