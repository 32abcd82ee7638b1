// Follow a submission until it is graded, then load its report. Asks often while it is graded or soon
// will be, so that the page never lags the report; less often in a queue that does not move, and not
// at all while nobody looks.
const card = document.getElementById("status");
const sentence = card.querySelector(".sentence");
const bar = card.querySelector("progress");
const retrying = card.querySelector("[data-retrying]");
const steps = [...card.querySelectorAll("[data-step]")];
const SHORTEST = 400;
const NEAR = 3; // in the queue: may be graded by the next question
const PATIENCE = 150; // answers without a change: then nothing is about to happen
const LONGEST = 5000;
const LONGEST_SILENCE = 30000;

sessionStorage.removeItem(`draft:${card.dataset.draft}`); // what was pasted is accepted

let pause = SHORTEST;
let timer = 0;
let last = "";
let unchanged = 0;

function say(words) {
  // Only changes are written, so that a screen reader speaks only of those.
  if (sentence.textContent !== words) sentence.textContent = words;
}

function show({ state, sentence: words, progress, retrying: again }) {
  const current = steps.findIndex((step) => step.dataset.step === state);
  steps.forEach((step, index) => {
    step.className = index < current ? "past" : index === current ? "now" : "";
  });
  retrying.hidden = !again;
  bar.max = progress.total || 1;
  bar.value = progress.done;
  say(words);
}

async function follow() {
  try {
    const response = await fetch(card.dataset.url, { cache: "no-store" });
    if (response.redirected || response.status === 404) return location.reload(); // logged out
    if (!response.ok) throw new Error(response.statusText);
    const text = await response.text();
    const status = JSON.parse(text);
    if (status.final) return location.reload();
    show(status);
    unchanged = text === last ? unchanged + 1 : 0;
    const near = (status.position ?? 0) <= NEAR && unchanged < PATIENCE;
    pause = near || !unchanged ? SHORTEST : Math.min(pause * 1.3, LONGEST);
    last = text;
  } catch {
    say(card.dataset.away);
    pause = Math.min(pause * 2, LONGEST_SILENCE);
  }
  timer = setTimeout(follow, pause);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  pause = SHORTEST;
  unchanged = 0;
  if (!document.hidden) follow();
});
if (!document.hidden) follow();
