"use strict";
(() => {
  // The library is text until the first figure comes near: reading the page does not wait for it.
  const load = () => {
    if (window.Plotly) return;
    const script = document.createElement("script");
    script.textContent = document.getElementById("plotly").textContent;
    document.head.append(script);
  };
  const coarse = matchMedia("(pointer: coarse)").matches;
  const draw = (plot) => {
    if (plot.dataset.drawn) return;
    plot.dataset.drawn = "yes";
    load();
    const { data, layout } = JSON.parse(document.getElementById(plot.dataset.from).textContent);
    if (coarse) layout.dragmode = false; // a finger scrolls the page, it does not zoom the figure
    plot.replaceChildren();
    Plotly.newPlot(plot, data, layout, { displayModeBar: false, responsive: false });
  };
  const plots = [...document.querySelectorAll(".plot")];
  addEventListener("beforeprint", () => plots.forEach(draw));
  const near = new IntersectionObserver(
    (entries) => entries.filter((one) => one.isIntersecting).forEach((one) => {
      near.unobserve(one.target);
      draw(one.target);
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
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
})();
