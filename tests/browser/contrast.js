// The texts that stand out too little from what is behind them, by the formula of WCAG 2.2.
const LEAST = 4.5;
const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

function channels(color) {
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data];
}

function luminance(color) {
  const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const [red, green, blue] = channels(color).map((value) => linear(value / 255));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function ratio(...colors) {
  const [dark, light] = colors.map(luminance).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

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
