// Keys for the whole page: G generates, L locks the seed, arrows walk the gallery.
() => {
  const typing = (target) => target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

  function walk(step) {
    const faces = [...document.querySelectorAll("#gallery .thumbnail-item")];
    const at = faces.findIndex((face) => face.classList.contains("selected"));
    faces[Math.min(Math.max(at + step, 0), faces.length - 1)]?.click();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (!document.querySelector("#generate")?.offsetParent) return; // another tab is open
    if (event.key === "g") document.querySelector("#generate").click();
    else if (event.key === "l") document.querySelector("#lock input").click();
    else if (event.key === "ArrowRight") walk(1);
    else if (event.key === "ArrowLeft") walk(-1);
    else return;
    event.preventDefault();
  });
}
