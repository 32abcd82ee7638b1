// Follow a submission until it is graded, then load its report.
"use strict";
const card = document.getElementById("status");
const sentence = card.querySelector(".sentence");
const bar = card.querySelector("progress");
const retrying = card.querySelector("[data-retrying]");
const steps = [...card.querySelectorAll("[data-step]")];

function say(words) {
  // Only changes are written, so that a screen reader speaks only of those.
  if (sentence.textContent !== words) sentence.textContent = words;
}

function show({ state, position, progress, retrying: again }) {
  const current = steps.findIndex((step) => step.dataset.step === state);
  steps.forEach((step, index) => {
    step.className = index < current ? "past" : index === current ? "now" : "";
  });
  retrying.hidden = !again;
  bar.max = progress.total || 1;
  bar.value = progress.done;
  if (state === "grading") {
    const { exercise, done, total } = progress;
    say(total ? `Exercise ${done + 1} of ${total}: ${exercise}` : "Grading has begun.");
  } else if (position === 1) {
    say("Yours is next.");
  } else {
    const ahead = position - 1;
    say(`${ahead} ${ahead === 1 ? "submission is" : "submissions are"} graded before yours.`);
  }
}

async function follow() {
  let pause = 700;
  try {
    const response = await fetch(card.dataset.url, { cache: "no-store" });
    if (!response.ok) throw new Error(response.statusText);
    const status = await response.json();
    if (status.final) return location.reload();
    show(status);
    if (status.position > 3) pause = 3000; // far back in the queue, nothing happens quickly
  } catch {
    say("The server does not answer at the moment; your file is safe. Trying again.");
    pause = 5000;
  }
  setTimeout(follow, pause);
}

follow();
