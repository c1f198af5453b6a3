// An entry while it runs: what the server sends is put in its place, as text or as a part of the page. Without this script, reloading does the same.
"use strict";
(() => {
  const output = document.getElementById("output");
  if (output) output.scrollTop = output.scrollHeight;
  const place = document.getElementById("live");
  if (!place || !place.dataset.events || !window.EventSource) return;
  const set = (id, text) => {
    const node = document.getElementById(id);
    if (node && node.textContent !== text) node.textContent = text;
  };
  const source = new EventSource(place.dataset.events);
  source.addEventListener("live", (event) => {
    const found = JSON.parse(event.data);
    if (found.bar || found.last) set("bar", found.bar || found.last);
    set("comparison", (found.comparison || []).map((line) => line.text).join("\n"));
    document.getElementById("comparison").hidden = !(found.comparison || []).length;
    set("workers", (found.workers || []).map((worker) => worker.text).join("\n"));
    document.getElementById("workers").parentElement.hidden = !(found.workers || []).length;
    const progress = document.getElementById("progress");
    if (found.trials) {
      progress.max = found.trials;
      progress.value = found.trials_ended;
      progress.hidden = false;
    }
  });
  let version = 0;
  let interim = "";
  source.addEventListener("growth", (event) => {
    const found = JSON.parse(event.data);
    version += 1;
    document.getElementById("narrow").srcset = `${found.curves}?width=narrow&version=${version}`;
    document.getElementById("curves").src = `${found.curves}?version=${version}`;
    document.getElementById("curves").alt = found.words;
    document.getElementById("growth").hidden = false;
    set("note", found.note);
    if (found.interim && found.interim !== interim) {
      interim = found.interim;
      document.getElementById("interim").innerHTML = interim; // of the page's own template, its texts escaped
      document.getElementById("between").hidden = false;
    }
    for (const id of ["training", "rungs"]) {
      set(id, found[id]);
      document.getElementById(id).parentElement.hidden = !found[id];
    }
  });
  source.addEventListener("output", (event) => {
    const follows = output.scrollTop + output.clientHeight >= output.scrollHeight - 30;
    output.append(JSON.parse(event.data).text);
    if (follows) output.scrollTop = output.scrollHeight;
  });
  source.addEventListener("phase", () => {
    source.close();
    location.reload();
  });
})();
