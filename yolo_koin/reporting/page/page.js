"use strict";
// Tables are sorted by a heading: the first number of a cell where there is one, "all" above every number, else the text.
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  if (body.rows.length < 2) continue;
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      const value = row => {
        const text = row.cells[column].textContent.trim(), found = /^-?[\d,]*\.?\d+/.exec(text);
        return found ? Number(found[0].replaceAll(",", "")) : ["all", "전체"].includes(text) ? Infinity : text;
      };
      const compare = (a, b) => typeof a !== typeof b ? (typeof a === "string" ? 1 : -1)  // words, and empty cells, come last
        : typeof a === "number" ? (a < b ? -1 : a > b ? 1 : 0) : a.localeCompare(b, undefined, {numeric: true});
      const rows = [...body.rows].map(row => [value(row), row]);
      rows.sort(([a], [b]) => (down && typeof a === typeof b ? -1 : 1) * compare(a, b));
      body.append(...rows.map(([, row]) => row));
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    });
  });
}
// The gallery shows the photos that have an answer which all filters let through, some at a time.
for (const gallery of document.querySelectorAll(".failures")) {
  const step = 24, form = gallery.querySelector("form"), more = gallery.querySelector(".more"), range = form.querySelector("input");
  const by = name => form.querySelector(`[data-by=${name}]`).value;
  let most = step;
  const update = () => {
    const least = Number(range.value) / 100, [split, person, model] = ["split", "person", "model"].map(by);
    let found = 0;
    for (const card of gallery.querySelector(".cards").children) {
      let any = false;
      for (const answer of card.querySelectorAll("[data-model]")) {
        answer.hidden = Boolean(model && answer.dataset.model !== model) || Number(answer.dataset.confidence) < least;
        any ||= !answer.hidden;
      }
      const fits = any && (!split || card.dataset.split === split) && (!person || card.dataset.person === person);
      card.hidden = !fits || found++ >= most;
    }
    form.querySelector("label output").value = `${range.value} %`;
    form.querySelector(".count output").value = found;
    more.hidden = found <= most;
  };
  form.addEventListener("input", () => { most = step; update(); });
  form.addEventListener("submit", event => event.preventDefault());
  more.addEventListener("click", () => { most += step; update(); });
  form.hidden = false;
  update();
}
