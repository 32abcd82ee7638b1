// Marking by keyboard: everything that a key does is a button, a link or a box of the page.
const form = document.querySelector("[data-marking]");
const keys = document.querySelector("[data-keys]");
const find = (what) => document.querySelector(what);
const state = () => (form ? new URLSearchParams(new FormData(form)).toString() : "");

try { // some browsers keep nothing for pages within another site's
  keys.checked = localStorage.getItem("marking-keys") !== "off";
  keys.addEventListener("change", () => {
    localStorage.setItem("marking-keys", keys.checked ? "on" : "off");
  });
} catch {}

const before = state();
const changed = () => state() !== before;

function total() {
  const chosen = [...form.querySelectorAll("[data-points]:checked")];
  const given = [find("[data-extra]"), form.elements.new_text.value ? form.elements.new_points : null];
  const sum =
    Number(form.dataset.begin) +
    chosen.reduce((points, box) => points + Number(box.dataset.points), 0) +
    given.reduce((points, field) => points + Number(field?.value || 0), 0);
  const points = Math.min(Number(form.dataset.worth), Math.max(0, sum));
  find("#total").textContent = String(Math.round(100 * points) / 100);
}

function go(then, link) {
  if (form && changed()) form.querySelector(`button[value=${then}]`).click();
  else link?.click();
}

const actions = {
  j: () => go("next", find("[data-next]")),
  k: () => go("previous", find("[data-previous]")),
  s: () => form?.querySelector("button[value=next]").click(),
  c: () => find("[data-comment]")?.focus(),
  p: () => find("[data-extra]")?.focus(),
  n: () => find("[data-new]")?.focus(),
};

document.addEventListener("keydown", (event) => {
  const field = event.target.closest("input:not([type=checkbox]), textarea, select");
  if (field && event.key === "Escape") field.blur();
  if (field || !keys.checked || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^[0-9]$/.test(event.key)) {
    form?.querySelectorAll("[data-points]")[(Number(event.key) + 9) % 10]?.click();
  } else if (event.key in actions) {
    actions[event.key]();
  } else {
    return;
  }
  event.preventDefault();
});

form?.addEventListener("input", total);

// A change of the rubric leads away from the page: what was chosen goes along.
for (const rubric of document.querySelectorAll("[data-rubric]")) {
  rubric.addEventListener("submit", async (event) => {
    if (!form || !changed()) return;
    event.preventDefault();
    const button = event.submitter;
    await fetch(form.action, { method: "POST", body: new FormData(form) });
    if (button?.name) {
      const sent = Object.assign(document.createElement("input"), { type: "hidden" });
      sent.name = button.name;
      sent.value = button.value;
      rubric.append(sent);
    }
    rubric.submit();
  });
}
