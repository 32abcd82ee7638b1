// Set the formulas of lessons and comments; without JavaScript their TeX is there to be read.
for (const element of document.querySelectorAll(".math")) {
  katex.render(element.textContent, element, {
    displayMode: element.tagName === "DIV",
    throwOnError: false, // what KaTeX does not know stays TeX
    maxExpand: 200,
    maxSize: 20,
  });
  if (element.tagName === "DIV") element.tabIndex = 0; // may be wider than the page, and scrolls
}
