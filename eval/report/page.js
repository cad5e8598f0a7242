"use strict";
(() => {
  const AT_ONCE = 25;

  // sort: a click on a heading orders its table; a second click turns it round
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, place) => head.querySelector(".sort")?.addEventListener("click", () => {
      const numbers = head.classList.contains("num");
      const now = head.getAttribute("aria-sort");
      const up = now ? now === "descending" : !numbers;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = (row) => row.cells[place].dataset.sort ?? row.cells[place].textContent.trim();
      const order = (a, b) => {
        const [x, y] = [value(a), value(b)];
        if (!numbers) return x.localeCompare(y);
        if (x === "" || y === "") return x === y ? 0 : x === "" ? (up ? 1 : -1) : up ? -1 : 1; // nothing measured: last
        return Number(x) - Number(y);
      };
      const rows = [...table.tBodies[0].rows].sort((a, b) => (up ? order(a, b) : order(b, a)));
      table.tBodies[0].append(...rows);
    }));
  }

  // filter: failed cases by suite, slice, kind of fault, newness and words
  const form = document.querySelector(".filters");
  if (form) {
    const cases = [...document.querySelectorAll(".case")];
    const texts = new Map();
    const more = document.getElementById("more");
    const said = form.querySelector(".matching");
    let most = AT_ONCE;
    const text = (found) => {
      if (!texts.has(found)) texts.set(found, found.textContent.toLowerCase());
      return texts.get(found);
    };
    const show = () => {
      const want = Object.fromEntries(new FormData(form));
      const words = (want.find || "").toLowerCase().split(/\s+/).filter(Boolean);
      const fits = cases.filter((found) =>
        (!want.suite || found.dataset.suite === want.suite) &&
        (!want.slice || found.dataset.slices.includes(`|${want.slice}|`)) &&
        (!want.kind || found.dataset.kinds.includes(`|${want.kind}|`)) &&
        (!want.new || found.dataset.new === "1") &&
        words.every((word) => text(found).includes(word)));
      const seen = new Set(fits.slice(0, most));
      for (const found of cases) found.hidden = !seen.has(found);
      const left = fits.length - seen.size;
      more.hidden = left === 0;
      more.textContent = `Show ${Math.min(AT_ONCE, left)} more of ${left}`;
      said.textContent = fits.length === 0 ? "No failed case fits." : left ? `${seen.size} of ${fits.length} shown.` : `${fits.length} shown.`;
    };
    form.addEventListener("input", () => { most = AT_ONCE; show(); });
    form.addEventListener("submit", (event) => event.preventDefault());
    more.addEventListener("click", () => {
      const first = most;
      most += AT_ONCE;
      show();
      cases.filter((found) => !found.hidden)[first]?.querySelector("summary").focus();
    });
    show();
  }

  // fold: on paper, what can be folded out is folded out, but traces and evidence
  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details:not(.more)")) {
      fold.dataset.was = fold.open ? "open" : "";
      fold.open = true;
    }
  });
  addEventListener("afterprint", () => {
    for (const fold of document.querySelectorAll("details:not(.more)")) fold.open = fold.dataset.was === "open";
  });
})();
