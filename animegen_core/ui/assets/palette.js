// The main colours of a face; a click copies a colour's code. See palette_row in components.py.
const said = document.createElement("p");
said.className = "info-text";
said.setAttribute("role", "status");

function swatch({ hex, percent }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "colour";
  button.title = `Copy ${hex}`;
  button.setAttribute("aria-label", `Copy ${hex}, ${percent} % of the face`);
  const chip = document.createElement("i");
  chip.style.background = hex;
  const code = document.createElement("span");
  code.textContent = hex;
  button.append(chip, code);
  button.addEventListener("click", () => {
    const done = () => { said.textContent = `${hex} is copied.`; };
    if (navigator.clipboard) navigator.clipboard.writeText(hex).then(done, () => window.prompt("Copy this colour:", hex));
    else window.prompt("Copy this colour:", hex); // plain http has no clipboard
  });
  return button;
}

function show() {
  const root = element.querySelector(".root");
  root.classList.add("palette");
  root.replaceChildren();
  said.textContent = "";
  if (props.value?.length) root.append(...props.value.map(swatch), said);
}

show();
watch("value", show);
