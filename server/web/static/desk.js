// Keys of the desk. Each leads to something that is on the page without them: `data-key` is pressed,
// `data-do` is opened in the exercise that one is at.
const parts = [...document.querySelectorAll(".part")];
const wrong = parts.filter((part) => "wrong" in part.dataset);
let current = parts.find((part) => part.open);

function reveal(target) {
  for (let inside = target; inside; inside = inside.parentElement?.closest("details"))
    if (inside.matches("details")) inside.open = true;
}

function go(part) {
  if (!part) return;
  current?.classList.remove("now");
  current = part;
  part.classList.add("now");
  part.open = true;
  part.querySelector("summary").focus({ preventScroll: true });
  part.scrollIntoView({ block: "start" });
}

function step(by) {
  const among = wrong.length ? wrong : parts;
  const at = among.indexOf(current);
  go(among[at < 0 ? 0 : Math.min(Math.max(at + by, 0), among.length - 1)]);
}

function begin(what, among = current) {
  const place = among?.querySelector(`[data-do="${what}"]`) ?? document.querySelector(`[data-do="${what}"]`);
  if (!place) return;
  reveal(place);
  const field = place.querySelector("textarea, input:not([type=hidden])");
  field.focus();
  field.select(); // a line's number is filled in: what is typed takes its place
}

const moves = { e: () => step(1), r: () => step(-1), c: () => begin("c"), a: () => begin("a"), g: () => begin("g") };

document.addEventListener("keydown", (event) => {
  const writing = event.target.closest("input, textarea, select");
  if (writing) {
    if (event.key === "Escape") writing.blur();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) writing.form?.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const pressed = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (pressed) pressed.click();
  else if (Object.hasOwn(moves, event.key)) moves[event.key]();
  else return;
  event.preventDefault();
});

// A click on a line's number: a comment at that line.
for (const part of parts) {
  const form = part.querySelector('[data-do="c"] form');
  if (!form) continue;
  part.classList.add("commentable");
  part.querySelector(".written").addEventListener("click", (event) => {
    const line = event.target.closest(".line");
    if (!line || event.clientX - line.getBoundingClientRect().left > 4 * parseFloat(getComputedStyle(line).fontSize) * 0.7) return;
    form.elements.line.value = line.dataset.n;
    form.elements.place.value = line.closest("[data-piece]").dataset.piece;
    choose(part, form);
    go(part);
    begin("c", part);
  });
  form.elements.line.addEventListener("input", () => choose(part, form));
  form.closest("details").addEventListener("toggle", () => choose(part, form));
}

function choose(part, form) {
  for (const line of part.querySelectorAll(".line.chosen")) line.classList.remove("chosen");
  if (!form.closest("details").open) return;
  const piece = [...part.querySelectorAll("[data-piece]")].find(
    (one) => one.dataset.piece === form.elements.place.value && one.querySelector(`[data-n="${CSS.escape(form.elements.line.value)}"]`));
  piece?.querySelector(`[data-n="${CSS.escape(form.elements.line.value)}"]`).classList.add("chosen");
}

for (const saved of document.querySelectorAll("[data-saved]"))
  saved.addEventListener("change", () => {
    const text = saved.selectedOptions[0].dataset.text;
    if (text) saved.form.elements.text.value = text;
  });

function arrive() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  reveal(target);
  target.scrollIntoView({ block: "start" });
  current = target.closest(".part") ?? current;
}
window.addEventListener("hashchange", arrive);
arrive();
