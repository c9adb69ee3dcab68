// The gallery: tiles to choose and to star; see face_grid in components.py.
// Stars are kept by the history, which lists them in window.animegen.picks.
const root = element.querySelector(".root");
let chosen = -1;

const keyOf = (face) => JSON.stringify(face.description);
const isPicked = (face) => Boolean(window.animegen?.picks.has(keyOf(face)));

function makeTile(index) {
  const tile = document.createElement("div");
  tile.className = "gallery-item";
  const face = document.createElement("button");
  face.type = "button";
  face.className = "thumbnail-item";
  const picture = document.createElement("img");
  const label = document.createElement("span");
  label.className = "caption-label";
  face.append(picture, label);
  face.addEventListener("click", () => {
    chosen = index;
    mark();
    trigger("pick", { index });
  });
  const star = document.createElement("button");
  star.type = "button";
  star.className = "star";
  star.addEventListener("click", () => {
    const { label: words, description } = tile.face;
    const starred = !isPicked(tile.face);
    const detail = { src: picture.src, label: words, description, starred };
    document.dispatchEvent(new CustomEvent("animegen-star", { detail }));
  });
  tile.append(face, star);
  return tile;
}

function fill(tile, face, isOld) {
  tile.face = face;
  tile.classList.toggle("old", isOld);
  const [button, star] = tile.children;
  const [picture, label] = button.children;
  const source = face.image?.url || "";
  if (!source) picture.removeAttribute("src");
  else if (picture.getAttribute("src") !== source) picture.setAttribute("src", source);
  picture.alt = label.textContent = face.label;
  button.disabled = star.hidden = isOld;
}

function mark() {
  [...root.children].forEach((tile, index) => {
    const [button, star] = tile.children;
    button.classList.toggle("selected", index === chosen);
    button.setAttribute("aria-pressed", String(index === chosen));
    const picked = isPicked(tile.face);
    star.textContent = picked ? "★" : "☆";
    star.title = picked ? "Remove from the picks" : "Add to the picks";
    star.setAttribute("aria-label", `Pick: ${tile.face.label}`);
    star.setAttribute("aria-pressed", String(picked));
  });
}

function show() {
  const { faces = [], fresh = null, selected = null } = props.value || {};
  root.className = fresh === null ? "root face-grid" : `root face-grid drawn-${fresh}`;
  while (root.children.length > faces.length) root.lastChild.remove();
  while (root.children.length < faces.length) root.append(makeTile(root.children.length));
  faces.forEach((face, index) => fill(root.children[index], face, fresh !== null && index >= fresh));
  if (selected !== null) chosen = selected;
  mark();
}

// Choose the face so many places on; if it is still being drawn, as soon as it is there.
let waiting;
function walk({ detail: step }) {
  if (!element.isConnected) return document.removeEventListener("animegen-walk", walk);
  clearTimeout(waiting);
  const face = root.children[Math.min(Math.max(chosen + step, 0), root.children.length - 1)]?.firstChild;
  if (face?.disabled) waiting = setTimeout(walk, 100, { detail: step });
  else face?.click();
}

function follow() {
  if (element.isConnected) mark();
  else document.removeEventListener("animegen-picks", follow);
}

document.addEventListener("animegen-walk", walk);
document.addEventListener("animegen-picks", follow);
show();
watch("value", show);
