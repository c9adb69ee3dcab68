// Undo and redo over all results of this page: Ctrl+Z, Ctrl+Y, and the buttons of the header.
() => {
  const TYPED = "input:not([type=checkbox], [type=radio], [type=range], [type=file]), textarea, select, [contenteditable]";
  const MOST = 200;
  const trail = []; // descriptions as JSON
  let at = -1; // the one that is shown
  let isWaiting = false; // for the result of the last step

  function update() {
    document.querySelector("#undo").disabled = at <= 0;
    document.querySelector("#redo").disabled = at >= trail.length - 1;
  }

  function add(key) {
    const isShown = trail[at] === key;
    if (isShown || (isWaiting && trail.includes(key))) { // the answer to a step, or to one before it
      isWaiting &&= !isShown;
      return;
    }
    isWaiting = false;
    trail.splice(at + 1, Infinity, key);
    if (trail.length > MOST) trail.shift();
    at = trail.length - 1;
    update();
  }

  function step(by) {
    if (trail[at + by] === undefined) return;
    at += by;
    isWaiting = true;
    update();
    document.dispatchEvent(new CustomEvent("animegen-open", { detail: trail[at] }));
  }

  document.addEventListener("animegen-result", ({ detail }) => add(detail));
  document.addEventListener("click", ({ target }) => {
    if (target.closest("#undo")) step(-1);
    else if (target.closest("#redo")) step(1);
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.target.closest(TYPED)) return;
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) step(-1);
    else if (key === "y" || key === "z") step(1);
    else return;
    event.preventDefault();
  });
}
