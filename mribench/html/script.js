"use strict";
// The page is complete without this file: it adds sorting, a theme switch, and single images out of grids.

// theme: what the system prefers, until someone chooses
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

// sorting: numbers by value, words by alphabet, blanks always last
function compare(a, b) {
  const x = Number(a), y = Number(b);
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
}
function sortBy(table, column, heading) {
  const ascending = heading.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [row.cells[column].dataset.value, row]);
  rows.sort(([a], [b]) => {
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    return ascending ? compare(a, b) : compare(b, a);
  });
  body.append(...rows.map(([, row]) => row));
}
for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    if (![...table.tBodies[0].rows].some((row) => row.cells[column].dataset.value !== undefined)) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sortBy(table, column, heading));
  });
}

// single images: the viewer draws one tile of the grid that was opened
const viewer = document.getElementById("viewer");
const canvas = document.getElementById("viewer-canvas");
const words = document.getElementById("viewer-words");
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
  words.textContent = `Image ${shown.index + 1} of ${count}. ${image.closest("figure").querySelector("figcaption").textContent}`;
  canvas.setAttribute("aria-label", words.textContent);
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

// a link to a closed block opens it; paper shows every number, and of the origins what is open
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details.paper:not([open])")];
  for (const block of closed) block.open = true;
});
addEventListener("afterprint", () => {
  for (const block of closed) block.open = false;
});
