// The file input itself takes dropped files; this spreads it over the whole area and says which
// files were chosen. Pasted code is kept in this tab until it is accepted, whatever happens to the
// page meanwhile. Without JavaScript both stay a plain file input and a plain text area.
"use strict";
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

  area.classList.add("enhanced");
  input.addEventListener("change", show);
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
