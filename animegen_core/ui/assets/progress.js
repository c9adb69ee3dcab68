// The progress of a task; see progress_bar in components.py.
const words = (seconds) => (seconds >= 90 ? `${Math.round(seconds / 60)} min left` : `${Math.max(1, Math.round(seconds))} s left`);

function show() {
  const root = element.querySelector(".root");
  root.classList.add("progress");
  root.replaceChildren();
  if (!props.value) return;
  const { done, total, seconds } = props.value;
  const bar = document.createElement("div");
  bar.className = "bar";
  bar.style.setProperty("--done", `${(100 * done) / total}%`);
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", "Drawn so far");
  bar.setAttribute("aria-valuemax", total);
  bar.setAttribute("aria-valuenow", done);
  const text = document.createElement("span");
  text.textContent = [`${done} of ${total}`, ...(seconds === null ? [] : [words(seconds)])].join(" · ");
  root.append(bar, text);
  if (!props.cancellable) return;
  const cancel = document.createElement("button");
  cancel.type = "button";
  cancel.textContent = "Cancel";
  cancel.addEventListener("click", () => trigger("cancel"));
  root.append(cancel);
}

show();
watch("value", show);
