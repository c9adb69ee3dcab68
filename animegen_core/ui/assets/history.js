// All results so far, and of these the picks, which have a star, kept in the browser's storage; see history_strip in components.py.
// Other tabs write to the storage too, so it is read before each change and after a change by another tab.
const KEY = "animegen-history";
const MOST = 200; // results beside the picks
let entries = []; // newest first: {label, description, starred}
let stored = true; // false if the storage is blocked or full; then results are lost with the page
let isZipping = false;
let cleared = null; // all entries before the last Clear, for Undo
const pictures = new Map(); // an entry's description as JSON -> data URL

const keyOf = (entry) => JSON.stringify(entry.description);

function read() {
  if (!stored) return entries;
  try {
    const found = JSON.parse(localStorage.getItem(KEY) || "[]");
    return Array.isArray(found) ? found.filter((entry) => entry?.description && typeof entry.description === "object") : [];
  } catch {
    return entries; // the storage is blocked or damaged
  }
}

function change(edit) {
  let plain = 0;
  entries = edit(read()).filter((entry) => entry.starred || plain++ < MOST);
  try {
    localStorage.setItem(KEY, JSON.stringify(entries));
  } catch {
    stored = false;
  }
  show();
}

function setStar(entry, starred) {
  const key = keyOf(entry);
  change((all) => {
    const others = all.filter((other) => keyOf(other) !== key);
    if (others.length === all.length || !starred) return [{ ...entry, starred }, ...others]; // first, so that it is not dropped next
    return all.map((other) => (keyOf(other) === key ? { ...other, starred } : other));
  });
}

function clear() {
  change((all) => {
    const kept = all.filter((entry) => entry.starred);
    if (kept.length < all.length) cleared = all;
    return kept;
  });
}

function undoClear() {
  const before = cleared;
  cleared = null;
  change((all) => {
    const now = new Map(all.map((entry) => [keyOf(entry), entry]));
    const back = before.map((entry) => now.get(keyOf(entry)) || entry);
    const known = new Set(back.map(keyOf));
    return [...all.filter((entry) => !known.has(keyOf(entry))), ...back];
  });
}

async function fillIn(item) {
  const key = keyOf(item.entry);
  if (!pictures.has(key)) {
    const src = await server.thumbnail(item.entry.description).catch(() => null);
    if (!src) {
      item.classList.add("lost"); // its checkpoint is not available
      return;
    }
    pictures.set(key, src);
  }
  item.querySelector("img").src = pictures.get(key);
}

// Only visible thumbnails are drawn.
const sight = new IntersectionObserver((changes) => {
  for (const { isIntersecting, target } of changes) {
    if (!isIntersecting) continue;
    sight.unobserve(target);
    fillIn(target);
  }
});

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
  item.entry = entry;
  const face = button("face", "", `Restore: ${entry.label}`, () => trigger("pick", { description: keyOf(entry) }));
  const picture = document.createElement("img");
  picture.alt = entry.label;
  face.append(picture);
  const starred = Boolean(entry.starred);
  const star = button("star", starred ? "★" : "☆", `Pick: ${entry.label}`, () => setStar(entry, !starred), starred);
  item.append(face, star);
  if (pictures.has(keyOf(entry))) picture.src = pictures.get(keyOf(entry));
  else sight.observe(item);
  return item;
}

// The faces among the picks go into a zip; films and matrices have files of their own.
function zipPicks() {
  const faces = entries.filter((entry) => entry.starred && entry.description.character);
  isZipping = true;
  show();
  trigger("zip", { picks: JSON.stringify({ picks: faces.map((entry) => entry.description) }) });
}

function headOf(name, ...buttons) {
  const head = document.createElement("div");
  head.className = "head";
  const title = document.createElement("h2");
  title.textContent = name;
  head.append(title, ...buttons.filter(Boolean));
  return head;
}

function stripOf(className, shown, words) {
  const strip = document.createElement("div");
  strip.className = `strip ${className}`;
  strip.append(...shown.map(itemOf));
  if (!shown.length) {
    const hint = document.createElement("p");
    hint.className = "hint";
    hint.textContent = words;
    strip.append(hint);
  }
  return strip;
}

function parts() {
  const picks = entries.filter((entry) => entry.starred);
  const others = entries.filter((entry) => !entry.starred);
  const zip = picks.length && button("zip", isZipping ? "Preparing ..." : "Download picks", "Download the picked faces as a zip", zipPicks);
  if (zip) zip.disabled = isZipping;
  return [
    headOf(picks.length ? `Picks (${picks.length})` : "Picks", zip),
    stripOf("picks", picks, "Star a face to keep it here, also after the page is closed."),
    headOf(
      "History",
      cleared && button("undo", "Undo", "Restore what Clear removed", undoClear),
      entries.length && button("clear", "Clear", "Remove all but the picks", clear),
    ),
    stripOf("others", others, "Every result appears here; click it to restore it. The history is stored in this browser."),
  ];
}

function show() {
  const root = element.querySelector(".root");
  const scrolled = [...root.querySelectorAll(".strip")].map((strip) => strip.scrollLeft);
  const focused = root.contains(document.activeElement) ? document.activeElement : null;
  const focusedEntry = focused?.closest(".item")?.entry;
  sight.disconnect();
  root.classList.add("history");
  root.replaceChildren(...parts());
  root.querySelectorAll(".strip").forEach((strip, index) => { strip.scrollLeft = scrolled[index] || 0; });
  if (focusedEntry) {
    const same = [...root.querySelectorAll(".item")].find((item) => keyOf(item.entry) === keyOf(focusedEntry));
    same?.querySelector(`.${focused.className}`)?.focus({ preventScroll: true });
  }
  window.animegen = { picks: new Set(entries.filter((entry) => entry.starred).map(keyOf)) };
  document.dispatchEvent(new CustomEvent("animegen-picks"));
}

function add() {
  if (!props.value) return;
  const { src, label, description } = props.value;
  const key = JSON.stringify(description);
  if (src) pictures.set(key, src);
  document.dispatchEvent(new CustomEvent("animegen-result", { detail: key }));
  change((all) => {
    const starred = all.some((entry) => entry.starred && keyOf(entry) === key);
    return [{ label, description, starred }, ...all.filter((entry) => keyOf(entry) !== key)];
  });
}

function follow(event) {
  if (!element.isConnected) window.removeEventListener("storage", follow);
  else if (event.key === KEY || event.key === null) {
    entries = read();
    show();
  }
}

// What other parts of the page ask for: a star, to open a description, and the end of a zip.
const LISTENERS = {
  "animegen-star": ({ detail: { src, label, description, starred } }) => {
    const entry = { label, description };
    if (src && !pictures.has(keyOf(entry))) pictures.set(keyOf(entry), src);
    setStar(entry, starred);
  },
  "animegen-open": ({ detail }) => trigger("pick", { description: detail }),
  "animegen-zipped": () => {
    isZipping = false;
    show();
  },
};

for (const [name, listener] of Object.entries(LISTENERS)) {
  document.addEventListener(name, function listen(event) {
    if (element.isConnected) listener(event);
    else document.removeEventListener(name, listen);
  });
}
window.addEventListener("storage", follow);
entries = read();
show();
watch("value", add);
