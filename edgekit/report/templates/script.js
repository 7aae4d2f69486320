"use strict";
// Tables: a click on a column's head sorts by it, the next one turns the order; what has no value stays last.
for (const table of document.querySelectorAll("table.sorts")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const body = table.tBodies[0];
      const rows = [...body.rows];
      const numeric = rows.some((row) => row.cells[column].dataset.v !== undefined);
      const key = (row) => {
        const cell = row.cells[column];
        if (!numeric) return cell.textContent.trim();
        return cell.dataset.v === undefined ? null : Number(cell.dataset.v);
      };
      const compare = (a, b) => (numeric ? a - b : a.localeCompare(b, undefined, { numeric: true }));
      const keyed = rows.map((row) => [key(row), row]);
      keyed.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        return up ? compare(a, b) : compare(b, a);
      });
      body.append(...keyed.map(([, row]) => row));
    });
  });
}

// Charts: a tip at the mark that is pointed at, tapped or focused.
const tip = document.getElementById("tip");
const hide = () => { tip.hidden = true; };
const show = (mark) => {
  const box = (mark.querySelector(".shape") || mark).getBoundingClientRect();
  tip.textContent = mark.dataset.tip;
  tip.hidden = false;
  const left = Math.min(Math.max(8, box.left + box.width / 2 - tip.offsetWidth / 2), document.documentElement.clientWidth - tip.offsetWidth - 8);
  const above = box.top - tip.offsetHeight - 12;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 8 ? above : box.bottom + 12}px`;
};
for (const chart of document.querySelectorAll("svg.chart")) {
  const marks = [...chart.querySelectorAll(".mark")];
  // One stop for the Tab key; the arrows go on from left to right.
  marks.sort((a, b) => a.getBBox().x - b.getBBox().x);
  marks.forEach((mark, at) => {
    mark.setAttribute("tabindex", at ? "-1" : "0");
    mark.addEventListener("pointerenter", () => show(mark));
    mark.addEventListener("pointerleave", hide);
    mark.addEventListener("focus", () => show(mark));
    mark.addEventListener("blur", hide);
    mark.addEventListener("keydown", (event) => {
      const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
      if (!(event.key in steps)) return;
      event.preventDefault();
      const seen = marks.filter((one) => !one.classList.contains("off"));
      const next = seen[seen.indexOf(mark) + steps[event.key]];
      if (!next) return;
      mark.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  });
}
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
addEventListener("scroll", hide, { passive: true });

// Legends: a series can be put away.
for (const button of document.querySelectorAll(".legend button")) {
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    for (const part of button.closest("figure").querySelectorAll(`svg.chart [data-series="${button.dataset.series}"]`)) {
      part.classList.toggle("off", !on);
    }
  });
}
