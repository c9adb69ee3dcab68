// An animation that plays and can be scrubbed, drawn from one image of all frames; see film_view in components.py.
const canvas = document.createElement("canvas");
canvas.setAttribute("role", "img");
canvas.setAttribute("aria-label", "The animation");
const play = document.createElement("button");
play.type = "button";
play.className = "play";
const scrub = document.createElement("input");
scrub.type = "range";
scrub.min = 0;
scrub.setAttribute("aria-label", "Frame");
const counter = document.createElement("output");
const hint = document.createElement("p");
hint.className = "hint";
hint.textContent = "Add at least two key faces.";
const bar = document.createElement("div");
bar.className = "bar";
bar.append(play, scrub, counter);

let sheet = null; // the image of all frames, after it is decoded
let film = null; // the value that it belongs to
let playing = true;
let started = 0; // when frame 0 of the current round was due, in ms

const speed = () => Number(document.querySelector(`#${props.fps} input[type=range]`)?.value || 30);

function draw(frame) {
  if (!sheet) return;
  const { columns, size } = film;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(sheet, (frame % columns) * size, Math.floor(frame / columns) * size, size, size, 0, 0, canvas.width, canvas.height);
  Object.assign(canvas.dataset, { frame, side: size });
  scrub.style.setProperty("--range_progress", `${(100 * frame) / Math.max(1, film.frames - 1)}%`);
  counter.textContent = `${frame + 1} / ${film.frames}`;
}

function setPlaying(wish) {
  playing = wish;
  play.textContent = playing ? "❚❚" : "►";
  play.setAttribute("aria-label", playing ? "Pause" : "Play");
  started = performance.now() - (Number(scrub.value) * 1000) / speed();
}

function tick(now) {
  if (!element.isConnected) return;
  if (playing && sheet && canvas.offsetParent) {
    const frame = Math.floor(((now - started) * speed()) / 1000);
    if (frame >= film.frames && film.loop === "once") {
      setPlaying(false);
    } else if (Number(scrub.value) !== frame % film.frames) {
      scrub.value = frame % film.frames;
      draw(Number(scrub.value));
    }
  }
  requestAnimationFrame(tick);
}

async function show() {
  const root = element.querySelector(".root");
  root.classList.add("film");
  if (!props.value) {
    [sheet, film] = [null, null];
    root.replaceChildren(hint);
    return;
  }
  const next = props.value;
  const picture = new Image();
  picture.src = next.src;
  await picture.decode();
  if (next !== props.value) return; // a newer value has arrived
  [sheet, film] = [picture, next];
  canvas.width = canvas.height = Math.max(512, next.size);
  scrub.max = next.frames - 1;
  if (!canvas.isConnected) root.replaceChildren(canvas, bar);
  draw(Math.min(Number(scrub.value), next.frames - 1));
}

play.addEventListener("click", () => {
  if (!playing && film && Number(scrub.value) === film.frames - 1) scrub.value = 0;
  setPlaying(!playing);
});
scrub.addEventListener("input", (event) => {
  event.stopPropagation();
  if (playing) setPlaying(false);
  draw(Number(scrub.value));
});
document.addEventListener("input", (event) => {
  if (event.target.closest(`#${props.fps}`)) setPlaying(playing); // continue from this frame
});
setPlaying(true);
show();
watch("value", show);
requestAnimationFrame(tick);
