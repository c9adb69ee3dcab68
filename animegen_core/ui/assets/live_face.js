// A large face that follows sliders while they are dragged; see live_face in components.py.
const REST = 250; // ms without a change until sliders count as resting
const picture = document.createElement("img");
const enlarge = document.createElement("button"); // lightbox.js listens to it
enlarge.type = "button";
enlarge.className = "enlarge";
enlarge.title = "Enlarge";
enlarge.append(picture);
const caption = document.createElement("p");
caption.setAttribute("aria-live", "polite");
let asking = false;
let askAgain = false;
let rest = null;

function show() {
  const root = element.querySelector(".root");
  root.classList.add("live-face");
  root.replaceChildren();
  if (!props.value) return;
  picture.src = props.value.src;
  picture.alt = props.value.alt;
  caption.textContent = props.value.caption;
  root.append(enlarge, caption);
}

function read(id) {
  const holder = document.querySelector(`#${id}`);
  const input = holder?.querySelector("input[type=range]") || holder?.querySelector("input[type=number]");
  return input ? Number(input.value) : null;
}

// One request at a time; the last position is always requested.
async function preview() {
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  do {
    askAgain = false;
    const shown = props.value;
    const character = { ...shown.character };
    for (const [field, id] of Object.entries(props.controls)) {
      const value = read(id);
      if (value !== null) character[field] = value;
    }
    const src = await server.preview({ checkpoint: shown.checkpoint, character }).catch(() => null);
    if (src && shown === props.value) picture.src = src;
  } while (askAgain);
  asking = false;
}

function follow(event) {
  if (!element.isConnected) {
    document.removeEventListener("input", follow);
    return;
  }
  const ids = Object.values(props.controls);
  if (!props.value || !ids.some((id) => event.target.closest(`#${id}`))) return;
  preview();
  clearTimeout(rest);
  rest = setTimeout(() => trigger("release"), REST);
}

document.addEventListener("input", follow);
show();
watch("value", show);
