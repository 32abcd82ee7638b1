// The file input itself takes dropped files; this spreads it over the whole area and says which
// files were chosen, and what is seen in them, before anything counts. Pasted code is kept in this tab
// until it is accepted, whatever happens to the page meanwhile. Without JavaScript both stay a plain
// file input and a plain text area, and the page looks when it is asked to.
const area = document.querySelector(".drop");
if (area) {
  const input = area.querySelector("input");
  const text = area.querySelector(".drop-text");
  const invitation = [...text.childNodes];

  const show = () => {
    const names = [...input.files].map((file) => file.name).join(", ");
    text.replaceChildren(...(names ? [names] : invitation));
    area.classList.toggle("chosen", Boolean(names));
  };

  const form = area.closest("form");
  const found = document.getElementById("look");
  let latest = 0;

  const look = async () => {
    const mine = ++latest;
    found.replaceChildren();
    if (!input.files.length && !form.elements.code.value.trim()) return;
    try {
      const answer = await fetch(form.dataset.look, { method: "POST", body: new FormData(form) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const said = page.querySelector("#look > *") ?? page.querySelector(".refusal");
      if (mine === latest && said) found.replaceChildren(said);
    } catch {
      // it is looked at again when it is handed in
    }
  };

  area.classList.add("enhanced");
  input.addEventListener("change", show);
  input.addEventListener("change", look);
  form.addEventListener("submit", (event) => {
    if (!event.submitter?.formAction.endsWith("/look")) return;
    event.preventDefault(); // the page keeps what was chosen
    look();
  });
  for (const kind of ["dragenter", "dragover"]) {
    area.addEventListener(kind, () => area.classList.add("over"));
  }
  for (const kind of ["dragleave", "drop"]) {
    area.addEventListener(kind, () => area.classList.remove("over"));
  }
  show(); // after "back", browsers keep the files

  const code = document.getElementById("code");
  const draft = `draft:${location.pathname}`;
  if (!code.value && sessionStorage.getItem(draft)) {
    code.value = sessionStorage.getItem(draft);
    code.closest("details").open = true;
  }
  code.addEventListener("input", () => {
    try {
      sessionStorage.setItem(draft, code.value);
    } catch {
      // more than the browser keeps: it stays in the text area only
    }
  });
}
