// Two faces to choose from; see VoteTab in vote.py. Event: choose, with the ballot and the outcome.
const KEYS = { 1: "left", ArrowLeft: "left", 2: "right", ArrowRight: "right", 3: "skip", ArrowDown: "skip" };
const NAMES = { left: "← Left (1)", right: "Right (2) →", skip: "Skip (3 or ↓)" };

function choose(outcome) {
  const root = element.querySelector(".root");
  if (!props.value || root.dataset.chosen) return; // the next pair is loading
  root.dataset.chosen = outcome;
  setTimeout(() => delete root.dataset.chosen, 3000); // if no pair arrives, as without network, allow another try
  trigger("choose", { ballot: props.value.ballot, outcome });
}

function choiceButton(outcome) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = outcome;
  if (outcome !== "skip") {
    const picture = document.createElement("img");
    picture.src = props.value[outcome];
    picture.alt = outcome === "left" ? "The left face" : "The right face";
    button.append(picture);
  }
  const name = document.createElement("span");
  name.textContent = NAMES[outcome];
  button.append(name);
  button.addEventListener("click", () => choose(outcome));
  return button;
}

function show() {
  const root = element.querySelector(".root");
  root.replaceChildren();
  delete root.dataset.chosen;
  if (!props.value) return;
  root.dataset.ballot = props.value.ballot;
  const question = document.createElement("h3");
  question.textContent = "Which face is better?";
  const progress = document.createElement("small");
  progress.textContent = props.value.progress;
  const answer = document.createElement("p");
  answer.setAttribute("role", "status");
  answer.textContent = props.value.answer;
  root.append(question, progress, choiceButton("left"), choiceButton("right"), choiceButton("skip"), answer);
}

function press(event) {
  if (!element.isConnected) {
    document.removeEventListener("keydown", press);
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !element.offsetParent) return;
  if (event.target.closest("input, textarea, select, [contenteditable]") || !(event.key in KEYS)) return;
  event.preventDefault();
  choose(KEYS[event.key]);
}

document.addEventListener("keydown", press);
show();
watch("value", show);
