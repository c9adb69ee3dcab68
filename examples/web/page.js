// The page: its controls, and one canvas.

import { EYES, FaceModel, HAIR, MAX_SEED } from "./face.js";

const [form, canvas, status] = ["form", "canvas", "#status"].map((name) => document.querySelector(name));
const { seed, random, psi, hair, eyes } = form.elements;

let drawing = Promise.resolve(); // one face after the other: a session runs once at a time

function draw(model) {
  if (!form.reportValidity()) {
    return;
  }
  const number = Number(seed.value);
  const looks = { psi: Number(psi.value), hair: hair.value, eyes: eyes.value };
  drawing = drawing.then(async () => {
    const start = performance.now();
    const picture = await model.draw(number, looks);
    [canvas.width, canvas.height] = [picture.width, picture.height];
    canvas.getContext("2d").putImageData(picture, 0, 0);
    canvas.hidden = false;
    canvas.setAttribute("aria-label", `Face of seed ${number}`);
    status.textContent = `Seed ${number}, drawn in ${Math.round(performance.now() - start)} ms`;
  }).catch(tell);
}

function tell(error) {
  status.textContent = error.message;
}

function offer(select, colours) {
  select.append(...colours.map((colour) => new Option(colour)));
}

async function start() {
  const model = await FaceModel.load("face.onnx");
  offer(hair, HAIR);
  offer(eyes, EYES);
  document.querySelector("#colours").hidden = !model.hasColours;
  psi.value = model.hasStyles ? 0.7 : 1;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    draw(model);
  });
  form.addEventListener("change", () => draw(model));
  random.addEventListener("click", () => {
    seed.value = Math.floor(Math.random() * (MAX_SEED + 1));
    draw(model);
  });
  form.querySelector("fieldset").disabled = false;
  draw(model);
}

start().catch(tell);
