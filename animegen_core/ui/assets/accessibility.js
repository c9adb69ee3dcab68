// Corrects Gradio: its empty pictures have a name without a role, which screen readers do not read.
() => {
  const correct = () => {
    for (const empty of document.querySelectorAll(".empty[aria-label]:not([role])")) empty.setAttribute("role", "img");
  };
  new MutationObserver(correct).observe(document.body, { subtree: true, childList: true });
  correct();
}
