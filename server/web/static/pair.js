// Two files side by side: a stretch that is chosen in one is shown in both, and both scroll together,
// held at the stretch that is nearest to the top.
const panes = [...document.querySelectorAll("[data-side]")];
const links = [...document.querySelectorAll('.matches a[href^="#first-"]')].map((link) => [
  document.getElementById(link.hash.slice(1)),
  document.getElementById(link.dataset.with),
]).filter(([one, other]) => one && other);
const both = document.querySelector("[data-linked]");
let chosen = -1;
let led = null; // the pane that is being scrolled by whoever looks

const paneOf = (mark) => mark.closest("[data-side]");
const top = (mark) => mark.getBoundingClientRect().top - paneOf(mark).getBoundingClientRect().top;

function show(number) {
  chosen = Math.min(Math.max(number, 0), links.length - 1);
  for (const mark of document.querySelectorAll("mark.chosen")) mark.classList.remove("chosen");
  led = null;
  for (const mark of links[chosen]) {
    for (const line of paneOf(mark).querySelectorAll(`[data-of="${mark.dataset.of}"]`)) line.classList.add("chosen");
    paneOf(mark).scrollTop += top(mark) - 40;
  }
}

function follow(pane) {
  if (led !== pane || !both.querySelector("input").checked) return;
  const side = panes.indexOf(pane);
  const pair = links.reduce((best, one) => (!best || Math.abs(top(one[side])) < Math.abs(top(best[side])) ? one : best), null);
  const other = pair[1 - side];
  paneOf(other).scrollTop += top(other) - top(pair[side]);
}

if (links.length) {
  both.hidden = false;
  for (const pane of panes) {
    for (const event of ["wheel", "pointerdown", "keydown", "focus"]) pane.addEventListener(event, () => { led = pane; }, { passive: true });
    pane.addEventListener("scroll", () => requestAnimationFrame(() => follow(pane)), { passive: true });
    pane.addEventListener("click", (event) => {
      const mark = event.target.closest("mark");
      const at = mark ? links.findIndex((pair) => pair.some((one) => paneOf(one) === pane && one.dataset.of === mark.dataset.of)) : -1;
      if (at >= 0) show(at);
    });
  }
  for (const link of document.querySelectorAll(".matches a"))
    link.addEventListener("click", (event) => {
      event.preventDefault();
      show(links.findIndex((pair) => pair.some((mark) => mark.id === link.hash.slice(1)) && pair.some((mark) => mark.id === link.dataset.with)));
    });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    if (event.key === "n") show(chosen + 1);
    if (event.key === "p") show(chosen - 1);
  });
}
