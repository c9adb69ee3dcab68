// The large face over the whole window; arrows walk the gallery behind it.
() => {
  const dialog = document.createElement("dialog");
  const picture = document.createElement("img");
  const caption = document.createElement("p");
  let shown = null; // the large face that is enlarged

  function button(className, sign, name, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = className;
    made.textContent = sign;
    made.title = name;
    made.setAttribute("aria-label", name);
    made.addEventListener("click", action);
    return made;
  }

  function walk(step) {
    if (shown?.closest("#portrait")) document.dispatchEvent(new CustomEvent("animegen-walk", { detail: step })); // face_grid.js
  }

  function follow() {
    const face = shown?.querySelector("img");
    if (!dialog.open || !face || face.src === picture.src) return;
    picture.src = face.src;
    picture.alt = face.alt;
    caption.textContent = shown.querySelector("p").textContent;
  }

  dialog.className = "lightbox";
  dialog.setAttribute("aria-label", "The face, enlarged");
  const arrows = [
    button("previous", "‹", "Previous face", () => walk(-1)),
    button("next", "›", "Next face", () => walk(1)),
  ];
  dialog.append(picture, caption, ...arrows, button("close", "×", "Close", () => dialog.close()));
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation(); // of the page's keys only arrows work here
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) walk(step);
  });
  (document.querySelector(".gradio-container") || document.body).append(dialog);

  const watch = new MutationObserver(follow);
  dialog.addEventListener("close", () => watch.disconnect());
  document.addEventListener("click", ({ target }) => {
    const face = target.closest(".live-face .enlarge")?.closest(".live-face");
    if (!face) return;
    shown = face;
    for (const arrow of arrows) arrow.hidden = !face.closest("#portrait");
    picture.removeAttribute("src");
    dialog.showModal();
    watch.observe(face, { subtree: true, attributes: true, characterData: true, childList: true });
    follow();
  });
}
