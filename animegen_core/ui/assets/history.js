// All results so far, kept in the browser's storage; see history_strip in components.py.
const KEY = "animegen-history";
const MOST = 60; // results kept beside the favourites
let entries = []; // newest first: {label, group, description, starred}
const pictures = new Map(); // an entry's description as JSON -> data URL

function load() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) || "[]");
    entries = Array.isArray(stored) ? stored.filter((entry) => entry && typeof entry.description === "object") : [];
  } catch {
    entries = []; // storage is closed or damaged: begin anew
  }
}

function save() {
  let plain = 0;
  entries = entries.filter((entry) => entry.starred || plain++ < MOST);
  try {
    localStorage.setItem(KEY, JSON.stringify(entries));
  } catch {
    // storage is closed or full: the strip lives as long as the page
  }
}

const keyOf = (entry) => JSON.stringify(entry.description);

async function fillIn(picture, entry) {
  const key = keyOf(entry);
  if (!pictures.has(key)) {
    const src = await server.thumbnail(entry.description).catch(() => null);
    if (!src) {
      picture.closest(".item")?.classList.add("lost"); // its checkpoint is not here today
      return;
    }
    pictures.set(key, src);
  }
  picture.src = pictures.get(key);
}

function button(className, sign, name, action, pressed) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = className;
  made.textContent = sign;
  made.title = name;
  made.setAttribute("aria-label", name);
  if (pressed !== undefined) made.setAttribute("aria-pressed", String(pressed));
  made.addEventListener("click", action);
  return made;
}

function itemOf(entry) {
  const item = document.createElement("div");
  item.className = "item";
  const face = button("face", "", `Bring back: ${entry.label}`, () => trigger("pick", { description: entry.description }));
  const picture = document.createElement("img");
  picture.alt = entry.label;
  face.append(picture);
  const star = button("star", entry.starred ? "★" : "☆", `Favourite: ${entry.label}`, () => {
    entry.starred = !entry.starred;
    save();
    show();
  }, Boolean(entry.starred));
  item.append(face, star);
  fillIn(picture, entry);
  return item;
}

function show() {
  const root = element.querySelector(".root");
  root.classList.add("history");
  const head = document.createElement("div");
  head.className = "head";
  const title = document.createElement("h2");
  title.textContent = "History";
  head.append(title);
  const strip = document.createElement("div");
  strip.className = "strip";
  const ordered = [...entries.filter((entry) => entry.starred), ...entries.filter((entry) => !entry.starred)];
  strip.append(...ordered.map(itemOf));
  if (ordered.length) {
    head.append(button("clear", "Clear", "Forget all but the favourites", () => {
      entries = entries.filter((entry) => entry.starred);
      save();
      show();
    }));
  } else {
    const hint = document.createElement("p");
    hint.className = "hint";
    hint.textContent = "Every result leaves a thumbnail here; a click brings it back. It stays in this browser.";
    strip.append(hint);
  }
  root.replaceChildren(head, strip);
}

function add() {
  const newest = props.value;
  if (newest) {
    const { src, label, group, description } = newest;
    const key = JSON.stringify(description);
    if (src) pictures.set(key, src);
    if (entries[0] && entries[0].group === group && !entries[0].starred) entries.shift();
    const starred = entries.some((entry) => entry.starred && keyOf(entry) === key);
    entries = entries.filter((entry) => keyOf(entry) !== key);
    entries.unshift({ label, group, description, starred });
    save();
  }
  show();
}

load();
show();
watch("value", add);
