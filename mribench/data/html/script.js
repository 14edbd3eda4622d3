"use strict";
const byId = (id) => document.getElementById(id);
const form = byId("filters"), list = byId("cards");
const cards = [...list.querySelectorAll(".card")];
const texts = ["words", "organ", "modality", "access", "order"], ticks = ["fetched", "commercial", "labelled"];

function suits(data) {
  const words = byId("words").value.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => data.words.includes(word))
    && (!byId("organ").value || data.organs.split(" ").includes(byId("organ").value))
    && ["modality", "access"].every((name) => !byId(name).value || data[name] === byId(name).value)
    && ticks.every((name) => !byId(name).checked || data[name] === "true");
}

function sorted() {
  const order = byId("order").value;
  if (order === "subjects") return [...cards].sort((a, b) => b.dataset.subjects - a.dataset.subjects);
  return order === "id" ? [...cards].sort((a, b) => a.id.localeCompare(b.id, "en")) : cards;
}

function show() {
  let left = 0;
  for (const card of cards) {
    card.hidden = !suits(card.dataset);
    left += !card.hidden;
  }
  list.prepend(...sorted());
  byId("count").textContent = `${left} of ${cards.length} cards`;
  byId("none").hidden = left > 0;
}

// a link to a card opens it, also where a filter hides it
function openNamed() {
  const card = cards.find((one) => one.id === decodeURIComponent(location.hash.slice(1)));
  if (!card) return;
  if (card.hidden) clear();
  card.open = true;
  card.scrollIntoView();
}

function clear() {
  for (const name of texts) byId(name).value = "";
  for (const name of ticks) byId(name).checked = false;
  show();
}

form.hidden = false;
form.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", (event) => { event.preventDefault(); clear(); });
byId("again").addEventListener("click", clear);
list.addEventListener("toggle", (event) => {
  // so that the address can be kept
  if (event.target.open && event.target.id) history.replaceState(null, "", `#${event.target.id}`);
}, true);
addEventListener("hashchange", openNamed);
show();
openNamed();
