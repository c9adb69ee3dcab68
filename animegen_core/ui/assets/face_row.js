// A row of small faces; see face_row in components.py.
const NAMES = { left: ["←", "Move left"], right: ["→", "Move right"], remove: ["×", "Remove"] };

function faceButton(face, index) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "face";
  button.title = face.label;
  button.setAttribute("aria-pressed", String(Boolean(face.selected)));
  const picture = document.createElement("img");
  picture.src = face.src;
  picture.alt = face.label;
  const label = document.createElement("span");
  label.textContent = face.short || face.label;
  button.append(picture, label);
  button.addEventListener("click", () => trigger("pick", { index, key: face.key }));
  return button;
}

function actionButton(action, index, count) {
  const button = document.createElement("button");
  const [sign, name] = NAMES[action];
  button.type = "button";
  button.className = "action";
  button.textContent = sign;
  button.title = name;
  button.setAttribute("aria-label", `${name}: face ${index + 1}`);
  button.disabled = (action === "left" && index === 0) || (action === "right" && index === count - 1);
  button.addEventListener("click", () => trigger("act", { index, action }));
  return button;
}

function makeDraggable(item, index) {
  item.draggable = true;
  item.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/x-face", String(index)));
  item.addEventListener("dragover", (event) => event.preventDefault());
  item.addEventListener("drop", (event) => {
    event.preventDefault();
    const from = Number(event.dataTransfer.getData("text/x-face"));
    if (from !== index) trigger("move", { index: from, to: index });
  });
}

function show() {
  const actions = props.actions || [];
  const root = element.querySelector(".root");
  root.classList.add("face-row");
  const faces = props.value || [];
  root.replaceChildren();
  if (props.title) {
    const title = document.createElement("h3");
    title.textContent = props.title;
    root.append(title);
  }
  if (!faces.length && props.hint) {
    const hint = document.createElement("p");
    hint.className = "hint";
    hint.textContent = props.hint;
    root.append(hint);
  }
  faces.forEach((face, index) => {
    const item = document.createElement("div");
    item.className = "item";
    item.append(faceButton(face, index));
    if (actions.length) {
      const bar = document.createElement("div");
      bar.className = "actions";
      bar.append(...actions.map((action) => actionButton(action, index, faces.length)));
      item.append(bar);
    }
    if (actions.includes("left")) makeDraggable(item, index);
    root.append(item);
  });
}

show();
watch("value", show);
