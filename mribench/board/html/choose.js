// Filter of rows, and the comparison of two. Both stay hidden without this file; nothing is computed here that the
// page does not hold.
const data = JSON.parse(document.getElementById("data").textContent);
const filter = document.getElementById("filter");
const comparing = document.getElementById("comparing");

function fill(select, options) {
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
}
function unique(values) {
  return [...new Set(values)].filter(Boolean).sort();
}

// filter: trained rows by variant, sampler and text; boards and drawings by organ; columns by task
const wanted = filter.elements;
const organs = [...document.querySelectorAll("section.board")].map((board) => [
  board.dataset.organ, board.querySelector("h2").dataset.organ,
]);
fill(wanted.organ, [["", "all organs"], ...new Map(organs)]);
fill(wanted.variant, [["", "all variants"], ...unique(Object.values(data.rows).map(([v]) => v)).map((v) => [v, v])]);
fill(wanted.sampler, [["", "all samplers"], ...unique(Object.values(data.rows).map(([, s]) => s)).map((s) => [s, s])]);
const tasks = unique([...document.querySelectorAll("th[data-task]")].map((heading) => heading.dataset.task));
fill(wanted.task, [["", "all tasks"], ...tasks.map((task) => [task, task])]);

const filtered = [...document.querySelectorAll("tr.trained, tbody.trained")]
  .map((row) => [row, row.dataset.row ?? row.cells?.[0]?.dataset.value])
  .filter(([, name]) => name in data.rows);
const headings = [...document.querySelectorAll("th[data-task]")].filter((heading) => heading.dataset.task);

function isShown(name) {
  const [variant, sampler] = data.rows[name];
  const text = wanted.text.value.trim().toLowerCase();
  return (!wanted.variant.value || variant === wanted.variant.value)
    && (!wanted.sampler.value || sampler === wanted.sampler.value)
    && (!text || name.toLowerCase().includes(text));
}
function hideColumn(heading, hidden) {
  if (heading.hidden === hidden) return;
  for (const row of heading.closest("table").rows) row.cells[heading.cellIndex].hidden = hidden;
}
function applyFilter() {
  const organ = wanted.organ.value;
  for (const part of document.querySelectorAll("[data-organ]:not(h2, tr, th)")) {
    part.hidden = Boolean(organ) && part.dataset.organ !== organ;
  }
  for (const [row, name] of filtered) {
    row.hidden = !isShown(name) || (Boolean(organ) && (row.dataset.organ ?? organ) !== organ);
  }
  for (const heading of headings) {
    hideColumn(heading, Boolean(wanted.task.value) && heading.dataset.task !== wanted.task.value);
  }
  for (const heading of document.querySelectorAll("th[data-organ]")) {
    hideColumn(heading, Boolean(organ) && heading.dataset.organ !== organ);
  }
  const names = Object.keys(data.rows);
  const count = names.filter(isShown).length;
  document.getElementById("shown").textContent = count < names.length ? `${count} of ${names.length} rows` : "";
}
filter.hidden = false;
filter.addEventListener("input", applyFilter);
filter.addEventListener("reset", () => setTimeout(applyFilter));
filter.addEventListener("submit", (event) => event.preventDefault());
applyFilter();

// comparison of two rows of a board
const asked = comparing.querySelector("form").elements;
const answer = document.getElementById("answer");
const differences = document.getElementById("differences");
const boards = data.boards.filter((board) => board.ranked.length + Object.keys(board.unranked).length > 1);

function namesOf(board) {
  return [...board.ranked, ...Object.keys(board.same), ...Object.keys(board.unranked)];
}
function chooseBoard() {
  const names = namesOf(boards[asked.board.value]).map((name) => [name, name]);
  const before = [asked.first.value, asked.second.value];
  fill(asked.first, names);
  fill(asked.second, names);
  asked.second.selectedIndex = Math.min(1, names.length - 1);
  [asked.first, asked.second].forEach((select, i) => {
    if (names.some(([name]) => name === before[i])) select.value = before[i];
  });
  compareRows();
}
// as itertools.combinations counts
function pairOf(board, i, j) {
  const n = board.ranked.length;
  return board.pairs[(i * (2 * n - i - 1)) / 2 + (j - i - 1)];
}
function textOf(board, name, number) {
  const table = document.getElementById(board.id).closest("section").querySelector("table");
  const heading = [...table.tHead.rows[0].cells].find((cell) => cell.textContent === number);
  const row = [...table.tBodies[0].rows].find((one) => one.cells[0].dataset.value === name);
  return heading && row ? row.cells[heading.cellIndex].textContent.trim() : "";
}
function digits(value) {
  return value === 0 ? "0" : String(Number(value.toPrecision(3)));
}
function pText(p) {
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}
// outcomes of pairs.py that are significant and yet no claim
const DOUBTS = {
  3: "no row of the board has several seeds to say what another training would give",
  4: "the feature spaces contradict each other, or the two differ by the same number everywhere",
};
function said(board, first, second) {
  if (first === second) return ["Choose two different rows."];
  for (const name of [first, second]) {
    if (board.unranked[name]) return [`Undecided: nothing is claimed of ${name}, because: ${board.unranked[name]}.`];
  }
  const [i, j] = [first, second].map((name) => board.ranked.indexOf(board.same[name] ?? name));
  if (i === j) return ["Both rows hold the same outputs."];
  const pair = i < j ? pairOf(board, i, j) : pairOf(board, j, i);
  if (!pair?.length) return ["Undecided: the records hold no values of the same subjects."];
  const [outcome, sign] = [pair[1], i < j ? 1 : -1];
  const p = `p ${pText(pair[0])} after the correction over all pairs of the board`;
  if (outcome in DOUBTS) {
    return [`Undecided: ${first} and ${second} differ on these subjects (${p}), but ${DOUBTS[outcome]}.`, pair, sign];
  }
  if (!outcome) return [`Undecided: ${first} and ${second} are not told apart (${p}).`, pair, sign];
  const word = (outcome === 1) === (i < j) ? "ahead of" : "behind";
  return [`${first} is ${word} ${second} (${p}).`, pair, sign];
}
function compareRows() {
  const board = boards[asked.board.value], first = asked.first.value, second = asked.second.value;
  const [sentence, pair, sign] = said(board, first, second);
  answer.textContent = sentence;
  const rows = board.numbers.map((number, k) => {
    const [value, half, p] = pair ? pair.slice(2 + 3 * k, 5 + 3 * k) : [null, null, null];
    const known = typeof value === "number";
    const texts = [textOf(board, first, number), textOf(board, second, number)];
    texts.push(known ? `${digits(sign * value)} [${digits(sign * value - half)}, ${digits(sign * value + half)}]` : "–");
    texts.push(known ? pText(p) : "–", k < board.deciding ? "decides" : "beside it");
    const row = document.createElement("tr");
    const heading = document.createElement("th");
    heading.scope = "row";
    heading.textContent = number;
    row.append(heading);
    for (const text of texts) row.insertCell().textContent = text;
    return row;
  });
  differences.tBodies[0].replaceChildren(...rows);
  ["first", "second"].forEach((which, i) => {
    differences.tHead.rows[0].cells[i + 1].textContent = asked[which].value;
  });
}
if (boards.length) {
  comparing.hidden = false;
  fill(asked.board, boards.map((board, i) => [i, board.title]));
  chooseBoard();
  asked.board.addEventListener("change", chooseBoard);
  asked.first.addEventListener("change", compareRows);
  asked.second.addEventListener("change", compareRows);
}
