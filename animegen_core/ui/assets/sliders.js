// Corrects Gradio's sliders: reset arrows count as input, and a typed number counts if it is in range.
() => {
  const rangeOf = (target) => target.closest?.(".block")?.querySelector("input[type=range]");
  const isTyped = (target) => target.type === "number" && rangeOf(target);

  function tell(input) {
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function inRange(text, range) {
    const value = text.trim() === "" ? NaN : Number(text);
    return value >= Number(range.min) && value <= Number(range.max);
  }

  document.addEventListener("click", (event) => {
    const range = event.target.closest?.("button.reset-button") && rangeOf(event.target);
    if (range) setTimeout(() => tell(range), 50); // after the slider has moved
  });

  document.addEventListener("input", (event) => {
    if (isTyped(event.target) && !inRange(event.target.value, rangeOf(event.target))) event.stopImmediatePropagation();
  }, true);

  // On Enter or blur, clamp the value to the range.
  document.addEventListener("change", (event) => {
    const { target } = event;
    if (!isTyped(target) || inRange(target.value, rangeOf(target))) return;
    const range = rangeOf(target);
    const value = target.value.trim() === "" ? NaN : Number(target.value);
    target.value = Number.isNaN(value) ? range.value : Math.min(Math.max(value, Number(range.min)), Number(range.max));
    tell(target);
  }, true);
}
