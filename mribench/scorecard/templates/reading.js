"use strict";
const questions = [...document.querySelectorAll(".question")];
const at = (id) => document.getElementById(id);
const answers = [];

function show() {
  questions.forEach((question, i) => { question.hidden = i !== answers.length; });
  const done = answers.length === questions.length;
  at("real").disabled = at("generated").disabled = done;
  at("back").disabled = answers.length === 0;
  at("end").hidden = !done;
}

function answer(word) {
  if (answers.length < questions.length) answers.push(word);
  show();
}

function back() {
  answers.pop();
  show();
}

at("real").addEventListener("click", () => answer("real"));
at("generated").addEventListener("click", () => answer("generated"));
at("back").addEventListener("click", back);
document.addEventListener("keydown", (event) => {
  if (event.target === at("reader") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "r" || event.key === "R") answer("real");
  if (event.key === "g" || event.key === "G") answer("generated");
  if (event.key === "Backspace") back();
});
at("save").addEventListener("click", () => {
  const reader = at("reader").value.trim() || "unnamed";
  const text = JSON.stringify({ sheet: document.body.dataset.sheet, reader, answers }, null, 1);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "answers-" + reader.replace(/[^A-Za-z0-9_-]/g, "_") + ".json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});
show();
