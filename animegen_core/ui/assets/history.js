// All results so far, kept in the browser's storage; see history_strip in components.py.
// Other tabs write to the storage too, so it is read before each change and after a change by another tab.
const KEY = "animegen-history";
const MOST = 200; // results beside the favourites
let entries = []; // newest first: {label, description, starred}
let stored = true; // false if the storage is blocked or full; then results are lost with the page
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
  const star = button("star", starred ? "★" : "☆", `Favourite: ${entry.label}`, () => setStar(entry, !starred), starred);
  item.append(face, star);
  if (pictures.has(keyOf(entry))) picture.src = pictures.get(keyOf(entry));
  else sight.observe(item);
  return item;
}

function headOf(count) {
  const head = document.createElement("div");
  head.className = "head";
  const title = document.createElement("h2");
  title.textContent = "History";
  head.append(title);
  if (cleared) head.append(button("undo", "Undo", "Restore what Clear removed", undoClear));
  if (count) head.append(button("clear", "Clear", "Remove all but the favourites", clear));
  return head;
}

function show() {
  const root = element.querySelector(".root");
  const scrolled = root.querySelector(".strip")?.scrollLeft || 0;
  const focused = root.contains(document.activeElement) ? document.activeElement : null;
  const focusedEntry = focused?.closest(".item")?.entry;
  sight.disconnect();
  root.classList.add("history");
  const strip = document.createElement("div");
  strip.className = "strip";
  const ordered = [...entries.filter((entry) => entry.starred), ...entries.filter((entry) => !entry.starred)];
  strip.append(...ordered.map(itemOf));
  if (!ordered.length) {
    const hint = document.createElement("p");
    hint.className = "hint";
    hint.textContent = "Every result appears here; click it to restore it. The history is stored in this browser.";
    strip.append(hint);
  }
  root.replaceChildren(headOf(ordered.length), strip);
  strip.scrollLeft = scrolled;
  if (focusedEntry) {
    const same = [...strip.children].find((item) => item.entry && keyOf(item.entry) === keyOf(focusedEntry));
    same?.querySelector(`.${focused.className}`)?.focus({ preventScroll: true });
  }
}

function add() {
  if (!props.value) return;
  const { src, label, description } = props.value;
  const key = JSON.stringify(description);
  if (src) pictures.set(key, src);
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

window.addEventListener("storage", follow);
entries = read();
show();
watch("value", add);
