// The file input itself takes a dropped file; this spreads it over the whole area and says
// which file was chosen. Without JavaScript it stays a plain file input.
"use strict";
const area = document.querySelector(".drop");
const input = area.querySelector("input");
const text = area.querySelector(".drop-text");
const invitation = [...text.childNodes];

function show() {
  const [file] = input.files;
  text.replaceChildren(...(file ? [file.name] : invitation));
  area.classList.toggle("chosen", Boolean(file));
}

area.classList.add("enhanced");
input.addEventListener("change", show);
for (const kind of ["dragenter", "dragover"]) {
  area.addEventListener(kind, () => area.classList.add("over"));
}
for (const kind of ["dragleave", "drop"]) {
  area.addEventListener(kind, () => area.classList.remove("over"));
}
show(); // after "back", browsers keep the file
