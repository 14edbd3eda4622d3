"use strict";
// The page holds every number without this file. It adds sorting, a theme switch, single images out of grids, and the
// strips of the tables that are closed at first.

// theme: as the system prefers, until someone chooses
const theme = document.getElementById("theme");
const root = document.documentElement;
const systemDark = matchMedia("(prefers-color-scheme: dark)");
function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches;
}
function nameTheme() {
  theme.textContent = isDark() ? "Light" : "Dark";
  theme.setAttribute("aria-label", `switch to ${isDark() ? "light" : "dark"} colours`);
}
theme.hidden = false;
theme.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  nameTheme();
});
systemDark.addEventListener("change", nameTheme);
nameTheme();

// sorting: numbers by value, text by alphabet, blanks always last
const NUMBER = /^(-?[\d.]+)(?: ± [\d.]+)?(?: \[(-?[\d.]+), (-?[\d.]+)\])?$/;
function keyOf(cell) {
  if (cell.dataset.value !== undefined) return cell.dataset.value;
  if (cell.querySelector(".blank")) return undefined;
  const number = cell.textContent.match(NUMBER);
  if (number) return number[1];
  return (cell.querySelector("b") ?? cell).textContent.trim() || undefined;
}
function compare(a, b) {
  const [x, y] = [a, b].map((key) => Number(key.replaceAll(",", "")));
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
}
function sortBy(table, column, heading) {
  const ascending = heading.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [keyOf(row.cells[column]), row]);
  rows.sort(([a], [b]) => {
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    return ascending ? compare(a, b) : compare(b, a);
  });
  body.append(...rows.map(([, row]) => row));
}
for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    if (![...table.tBodies[0].rows].some((row) => keyOf(row.cells[column]) !== undefined)) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sortBy(table, column, heading));
  });
}

// intervals: read from the text of the cells and drawn on one scale down a column, as strips.py draws the open tables
const WIDTH = 136, HEIGHT = 18, MIDDLE = 9, EDGE = 6;
function numbersOf(cell) {
  const found = cell.textContent.match(NUMBER);
  return found ? found.slice(1).filter((part) => part !== undefined).map(Number) : [];
}
function strip(kind, axis, [value, low, high], band) {
  const at = (v) => axis.start + axis.perUnit * (Math.min(Math.max(v, axis.low), axis.high) - axis.low);
  const tenths = (pixels) => Math.round(10 * pixels) / 10;
  const place = (v) => tenths(at(v));
  const path = (name, d) => `<path d="${d}" class="${name}"/>`;
  let drawn = "";
  if (band.length) {
    const width = tenths(Math.max(at(band[1]) - at(band[0]), 2));
    drawn += path("floor", `M${place(band[0])} 0h${width}v${HEIGHT}h-${width}z`);
  }
  if (value < axis.low) drawn += path("off", `M1 ${MIDDLE}l7 -5v10z`);
  else if (value > axis.high) drawn += path("off", `M${WIDTH - 1} ${MIDDLE}l-7 -5v10z`);
  else {
    if (low !== undefined) {
      drawn += path("whisker", `M${place(low)} ${MIDDLE}H${place(high)}M${place(low)} 5v8M${place(high)} 5v8`);
    }
    drawn += `<use href="#mark-${kind}" x="${place(value)}" y="${MIDDLE}"/>`;
  }
  return `<svg class="strip ${kind}" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true">${drawn}</svg>`;
}
function drawColumn(rows, column) {
  const found = rows.map((row) => [row.classList, row.cells[column], numbersOf(row.cells[column])]);
  const scale = found.filter(([kinds]) => !kinds.contains("beyond")).flatMap(([, , numbers]) => numbers);
  const low = Math.min(...scale), high = Math.max(...scale);
  const perUnit = high > low ? (WIDTH - 2 * EDGE) / (high - low) : 0;
  const axis = { low, high, perUnit, start: perUnit ? EDGE : WIDTH / 2 };
  const band = found.find(([kinds]) => kinds.contains("band"))?.[2].slice(1) ?? [];
  for (const [kinds, cell, numbers] of found) {
    if (numbers.length) cell.insertAdjacentHTML("beforeend", strip(kinds[0], axis, numbers, band));
  }
}
function drawTable(table) {
  const rows = [...table.tBodies[0].rows];
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    if (heading.dataset.task !== undefined) drawColumn(rows, column);
  });
}
// thousands of drawings: each table when it comes near the window, and all of them for a printer
const undrawn = new Set(document.querySelectorAll("table.intervals"));
function drawNow(table) {
  if (undrawn.delete(table)) drawTable(table);
}
const near = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) if (isIntersecting) drawNow(target);
}, { rootMargin: "100% 100%" });
for (const table of undrawn) near.observe(table);

// single images: the viewer draws one tile of the grid that was opened
const viewer = document.getElementById("viewer");
const canvas = document.getElementById("viewer-canvas");
const caption = document.getElementById("viewer-caption");
const GAP = 2; // pixels between the images of a grid
let shown = null;
function show(image, index) {
  const count = Number(image.dataset.count), columns = Number(image.dataset.columns);
  const [width, height] = image.dataset.tile.split(" ").map(Number);
  shown = { image, columns, index: Math.min(Math.max(index, 0), count - 1) };
  const left = (shown.index % columns) * (width + GAP);
  const top = Math.floor(shown.index / columns) * (height + GAP);
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").drawImage(image, left, top, width, height, 0, 0, width, height);
  caption.textContent = `Image ${shown.index + 1} of ${count}. ${image.closest("figure").querySelector("figcaption").textContent}`;
  canvas.setAttribute("aria-label", caption.textContent);
  if (!viewer.open) viewer.showModal();
}
function at(image, event) {
  // a click made by the keyboard has no place: the first image
  if (event.detail === 0) return 0;
  const box = image.getBoundingClientRect();
  const [width, height] = image.dataset.tile.split(" ").map(Number);
  const scale = image.naturalWidth / box.width;
  const column = Math.floor(((event.clientX - box.left) * scale) / (width + GAP));
  const row = Math.floor(((event.clientY - box.top) * scale) / (height + GAP));
  return row * Number(image.dataset.columns) + column;
}
for (const image of document.querySelectorAll("img[data-tile]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "open";
  button.setAttribute("aria-label", `open single images. ${image.alt}`);
  image.replaceWith(button);
  button.append(image);
  button.addEventListener("click", (event) => show(image, at(image, event)));
}
function move(by) {
  if (shown) show(shown.image, shown.index + by);
}
viewer.addEventListener("keydown", (event) => {
  const columns = shown.columns;
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -Infinity, End: Infinity };
  if (!(event.key in by)) return;
  event.preventDefault();
  move(by[event.key]);
});
viewer.addEventListener("click", (event) => {
  if (event.target === viewer) viewer.close();
});
document.getElementById("viewer-previous").addEventListener("click", () => move(-1));
document.getElementById("viewer-next").addEventListener("click", () => move(1));
document.getElementById("viewer-close").addEventListener("click", () => viewer.close());

// a link to a closed block opens it; print shows every number, and how it was made only where that is open
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  const block = target?.closest("details");
  if (!block || block.open) return;
  block.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", openTarget);
openTarget();
let closed = [];
addEventListener("beforeprint", () => {
  undrawn.forEach(drawNow);
  closed = [...document.querySelectorAll("details.printed:not([open])")];
  for (const block of closed) block.open = true;
});
addEventListener("afterprint", () => {
  for (const block of closed) block.open = false;
});
