// How far the ring of the selected point stands apart from the cell of each embedding; by 1 if there is no ring.
const { stroke } = getComputedStyle(document.querySelector(".is-selected .reach"));
const cells = document.getElementById("cells");
const share = 100 * getComputedStyle(cells).opacity;
const ground = getComputedStyle(document.documentElement).backgroundColor;

function cell(handle) {
  const { e: x, f: y } = handle.transform.baseVal[0].matrix;
  context.clearRect(0, 0, 1, 1);
  context.drawImage(cells, x, y, 1, 1, 0, 0, 1, 1);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
  return `color-mix(in srgb, rgb(${red} ${green} ${blue}) ${share}%, ${ground})`;
}

const handles = [...document.querySelectorAll("#codebook .handle")];
return handles.map((it) => (stroke === "none" ? 1 : ratio(stroke, cell(it))));
