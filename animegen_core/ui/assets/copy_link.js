// Puts the link with this query into the clipboard, or shows it where the browser allows no clipboard (plain http).
(query) => {
  const link = location.origin + location.pathname + query;
  const show = () => window.prompt("Copy this link:", link);
  const said = (button) => {
    const label = button.textContent;
    button.textContent = "Link copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  };
  if (!navigator.clipboard) return show();
  const button = [...document.querySelectorAll("button[id$='copy-link']")].find((one) => one.offsetParent);
  navigator.clipboard.writeText(link).then(() => button && said(button), show);
}
