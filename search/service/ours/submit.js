// Faults beside their lines as one types. Without this script, the button "Check" does the same.
"use strict";
(() => {
  const text = document.getElementById("text");
  const margin = document.getElementById("margin");
  const said = document.getElementById("said");
  if (!text || !margin) return;
  let timer = 0;
  let asked = 0;
  const grow = () => { text.rows = Math.max(12, text.value.split("\n").length + 1); };
  const show = (faults) => {
    const lines = text.value.split("\n").length;
    const by = new Map();
    for (const fault of faults) {
      const line = Math.min(Math.max(fault.line, 1), lines);
      const told = `${fault.key ? `${fault.key}: ` : ""}${fault.message}`;
      by.set(line, by.has(line) ? `${by.get(line)}\n${told}` : `line ${line}: ${told}`);
    }
    margin.replaceChildren(...Array.from({ length: lines }, (_, place) => {
      const item = document.createElement("li");
      item.textContent = by.get(place + 1) || "";
      return item;
    }));
  };
  const check = async () => {
    const mine = ++asked;
    const form = new FormData(text.form);
    const options = form.get("data") ? { data: form.get("data") } : {};
    const body = { text: text.value, name: form.get("name") || "study", options };
    try {
      const answer = await fetch("/api/v1/check", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
      });
      const found = await answer.json();
      if (mine !== asked) return;
      show(found.faults || []);
      said.textContent = (found.faults || []).length
        ? `${found.faults.length} fault${found.faults.length === 1 ? "" : "s"}`
        : found.reason || `Sound: study ${found.name}, ${found.trials} trials.`;
    } catch {
      said.textContent = "The server does not answer.";
    }
  };
  text.addEventListener("input", () => { grow(); clearTimeout(timer); timer = setTimeout(check, 500); });
  const file = document.getElementById("file");
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    text.value = await file.files[0].text();
    document.getElementById("name").value = file.files[0].name.replace(/\.ya?ml$/, "");
    file.value = "";
    grow();
    check();
  });
  grow();
})();
