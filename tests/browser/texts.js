// The texts that stand out too little from what is behind them.
const LEAST = 4.5;

/** The color behind an element: that of the nearest around it that has one. */
function behind(element) {
  if (element.matches(".handle text")) return getComputedStyle(element.parentElement.querySelector(".dot")).fill;
  const color = getComputedStyle(element).backgroundColor;
  return channels(color)[3] === 255 ? color : behind(element.parentElement);
}

const own = (element) => getComputedStyle(element)[element.closest("svg") ? "fill" : "color"];
const hasText = (it) => [...it.childNodes].some((node) => node.data?.trim());
const isShown = (it) => it.checkVisibility() && !it.matches("script, option, :disabled");
const texts = [...document.querySelectorAll("body *")].filter((it) => isShown(it) && hasText(it));
return texts
  .map((it) => [it.textContent.trim(), ratio(own(it), behind(it))])
  .filter(([, value]) => value < LEAST);
