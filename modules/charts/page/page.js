"use strict";
document.documentElement.classList.add("js");

function tipFor(marks, tip) {
  const head = document.createElement("b");
  head.textContent = marks[0].dataset.at;
  const lines = marks.map((mark) => {
    const line = document.createElement("span");
    for (const text of [mark.dataset.name, mark.dataset.text]) {
      const part = document.createElement("i");
      part.style.fontStyle = "normal";
      part.textContent = text;
      line.append(part);
    }
    return line;
  });
  tip.replaceChildren(head, ...lines);
}

function nearest(canvas, event) {
  const shown = [...canvas.querySelectorAll("[data-text]")].filter((mark) => !mark.closest(".off"));
  const boxes = shown.map((mark) => [mark, mark.getBoundingClientRect()]);
  const inside = boxes.filter(([mark, box]) => mark.tagName === "rect" && box.left <= event.clientX &&
    event.clientX <= box.right && box.top - 4 <= event.clientY && event.clientY <= box.bottom + 4);
  if (inside.length) return inside.slice(-2).map(([mark]) => mark);
  const dots = boxes.filter(([mark]) => mark.tagName === "circle");
  if (!dots.length) return [];
  const rows = canvas.parentElement.classList.contains("rows");
  const far = ([, box]) => rows
    ? Math.hypot(box.left + box.width / 2 - event.clientX, box.top + box.height / 2 - event.clientY)
    : Math.abs(box.left + box.width / 2 - event.clientX);
  const first = dots.reduce((best, each) => far(each) < far(best) ? each : best);
  if (rows) return far(first) < 24 ? [first[0]] : [];
  return dots.filter(([mark]) => mark.dataset.at === first[0].dataset.at)
    .sort((one, other) => one[1].top - other[1].top).map(([mark]) => mark);
}

for (const canvas of document.querySelectorAll(".canvas")) {
  const tip = canvas.querySelector(".tip");
  const leave = () => {
    tip.hidden = true;
    canvas.querySelectorAll(".near").forEach((mark) => mark.classList.remove("near"));
  };
  canvas.addEventListener("pointermove", (event) => {
    leave();
    const marks = nearest(canvas, event);
    if (!marks.length) return;
    marks.forEach((mark) => mark.classList.add("near"));
    tipFor(marks, tip);
    tip.hidden = false;
    const place = canvas.getBoundingClientRect();
    const box = marks[0].getBoundingClientRect();
    const middle = box.left + box.width / 2 - place.left;
    const rect = marks[0].tagName === "rect";
    const left = rect ? middle - tip.offsetWidth / 2
      : middle + 14 + tip.offsetWidth > place.width ? middle - 14 - tip.offsetWidth : middle + 14;
    tip.style.left = `${Math.max(0, Math.min(left, place.width - tip.offsetWidth))}px`;
    tip.style.top = `${rect ? box.bottom - place.top + 8 : Math.max(0, event.clientY - place.top - tip.offsetHeight / 2)}px`;
  });
  canvas.addEventListener("pointerleave", leave);
}

for (const button of document.querySelectorAll("[data-key]")) {
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    button.closest("figure").querySelectorAll(`[data-series="${button.dataset.key}"]`)
      .forEach((part) => part.classList.toggle("off", !on));
  });
}

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.querySelectorAll("thead th")];
  heads.forEach((head, column) => head.querySelector("button")?.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach((each) => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (body) => body.rows[0].cells[column].dataset.sort ?? body.rows[0].cells[column].textContent;
    const order = (one, other) => {
      const [left, right] = [key(one), key(other)];
      const numbers = left !== "" && right !== "" && !Number.isNaN(Number(left)) && !Number.isNaN(Number(right));
      return (numbers ? Number(left) - Number(right) : left.localeCompare(right)) * (down ? -1 : 1);
    };
    table.append(...[...table.tBodies].sort(order));
  }));
}
