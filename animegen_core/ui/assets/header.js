// The header's buttons: light or dark, which is remembered, and the menu.
() => {
  const KEY = "animegen-theme";
  const menuButton = () => document.querySelector("#menu-button");
  const header = () => document.querySelector("#header");
  const isOpen = () => header()?.dataset.menu === "open";

  function setMenu(open) {
    header().dataset.menu = open ? "open" : "";
    menuButton()?.setAttribute("aria-expanded", String(open));
  }

  function stored() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // the storage is blocked
    }
  }

  function switchTheme() {
    const dark = document.body.classList.toggle("dark");
    try {
      localStorage.setItem(KEY, dark ? "dark" : "light");
    } catch {
      // it is not remembered
    }
  }

  if (stored()) document.body.classList.toggle("dark", stored() === "dark");
  document.addEventListener("click", ({ target }) => {
    if (target.closest("#theme-switch")) switchTheme();
    else if (target.closest("#menu-button")) setMenu(!isOpen());
    else if (isOpen() && !target.closest("#menu, [data-testid='Restore from a file-upload-button']")) setMenu(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !isOpen()) return;
    setMenu(false);
    menuButton().focus();
  });
}
