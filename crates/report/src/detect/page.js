"use strict";
const query = document.getElementById("q");
if (query) {
  const rows = [...document.querySelectorAll("details.finding")].map((row) => ({ row, text: row.textContent.toLowerCase(), severity: row.dataset.severity }));
  const boxes = [...document.querySelectorAll("input[data-severity]")];
  const shown = document.getElementById("shown");
  const template = shown.dataset.template;
  const filter = () => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const levels = new Set(boxes.filter((b) => b.checked).map((b) => b.dataset.severity));
    let n = 0;
    for (const { row, text, severity } of rows) {
      row.hidden = !(levels.has(severity) && words.every((w) => text.includes(w)));
      n += row.hidden ? 0 : 1;
    }
    shown.textContent = template.replace("{n}", n).replace("{all}", rows.length);
  };
  query.addEventListener("input", filter);
  for (const box of boxes) box.addEventListener("change", filter);
  document.addEventListener("keydown", (e) => {
    if (e.key === "/" && document.activeElement !== query) {
      e.preventDefault();
      query.focus();
    }
  });
  filter();
}
