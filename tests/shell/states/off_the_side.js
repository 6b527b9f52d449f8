// What runs off the side of the window, or is cut where nobody can get at it.
const wide = innerWidth;
const found = [];
const unseen = (one) => one.closest(".unseen, dialog:not([open])") !== null || one.matches("input, textarea, select, .label");
// What can be scrolled to, and the rows of the log, which end with … and open to all of it.
const scrolls = (one) => {
  for (let at = one.parentElement; at; at = at.parentElement) {
    const { overflowX, textOverflow } = getComputedStyle(at);
    if (["auto", "scroll"].includes(overflowX) || (overflowX === "hidden" && textOverflow === "ellipsis")) return true;
  }
  return false;
};
const words = (one) => `${one.localName}.${one.getAttribute("class") ?? ""} “${(one.textContent ?? "").trim().slice(0, 40)}”`;
if (document.scrollingElement.scrollWidth > wide) found.push(`the page is ${document.scrollingElement.scrollWidth} wide in ${wide}`);
for (const one of document.querySelectorAll("body *")) {
  const box = one.getBoundingClientRect();
  if (box.width === 0 || box.height === 0 || unseen(one)) continue;
  const style = getComputedStyle(one);
  if ((box.right > wide + 1 || box.left < -1) && !scrolls(one)) found.push(`${words(one)} is from ${Math.round(box.left)} to ${Math.round(box.right)}`);
  else if (one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 1 && style.overflowX !== "visible" && style.display !== "inline" && style.textOverflow !== "ellipsis" && !scrolls(one)) found.push(`${words(one)} is cut: ${one.scrollWidth} in ${one.clientWidth}`);
}
return found.slice(0, 6);
