// An open menu closes on Escape and when something else is chosen. Without this it stays open until
// its name is pressed again.
const menus = document.querySelectorAll("details.menu");

function close(except) {
  for (const menu of menus) if (menu !== except) menu.open = false;
}

document.addEventListener("click", (event) => close(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.activeElement.closest("details.menu[open]")?.querySelector("summary").focus();
  close();
});
