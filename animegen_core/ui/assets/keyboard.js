// Keys for the whole page: G generates, L locks the seed, arrows walk the gallery, or the choices of a focused row.
() => {
  const TYPED = "input:not([type=checkbox], [type=radio], [type=range], [type=file]), textarea, select, [contenteditable]";
  const MOVED_BY_ARROWS = "input, [role=tab], [role=listbox], [role=slider]"; // these use arrow keys themselves

  // Gradio puts each radio button into a separate group, so browsers do not move between them.
  function choose(radio, step) {
    const radios = [...radio.closest(".block").querySelectorAll("input[type=radio]")];
    const next = radios[(radios.indexOf(radio) + step + radios.length) % radios.length];
    next.click();
    next.focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(TYPED)) return;
    const along = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (along && event.target.type === "radio") {
      choose(event.target, along);
      event.preventDefault();
      return;
    }
    if (!document.querySelector("#generate")?.offsetParent) return; // another tab is open
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const key = event.repeat ? "" : event.key.toLowerCase(); // only arrows repeat while held down
    if (key === "g") document.querySelector("#generate").click();
    else if (key === "l") document.querySelector("#lock input").click();
    else if (step && !event.target.closest(MOVED_BY_ARROWS)) {
      document.dispatchEvent(new CustomEvent("animegen-walk", { detail: step })); // face_grid.js
    } else return;
    event.preventDefault();
  });
}
