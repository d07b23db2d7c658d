"use strict";

/** The cells: each spot of the plane in the color of the embedding that it would get. */
VQ.cells = (() => {
  const COARSE = 8; // CSS pixels between two looks; what is thinner may be missed
  const FINE = 0.25; // how closely a border is found
  const BORDER = 1.1; // the radius of the dots that it is made of
  const canvas = document.getElementById("cells");

  /** Where the index changes between two places on a line, by bisection. */
  function changes(indexAt, from, to, first, last) {
    if (first === last) return [];
    if (to - from < FINE) return [{ at: (from + to) / 2, index: last }];
    const [middle, between] = [(from + to) / 2, indexAt((from + to) / 2)];
    return [...changes(indexAt, from, middle, first, between), ...changes(indexAt, middle, to, between, last)];
  }

  /** The runs of equal indices on a line of the canvas: where each starts, and its index. */
  function runs(indexAt, size) {
    const result = [{ at: 0, index: indexAt(0) }];
    for (let from = 0; from < size; from += COARSE) {
      const to = Math.min(from + COARSE, size);
      result.push(...changes(indexAt, from, to, result.at(-1).index, indexAt(to)));
    }
    return result;
  }

  function fillRow(context, row, top, size) {
    row.forEach(({ at, index }, i) => {
      context.fillStyle = `oklch(0.72 0.15 ${VQ.plane.hue(index)})`;
      context.fillRect(at, top, (row[i + 1]?.at ?? size) - at, 1);
    });
  }

  /** Fill the cells row by row, then take out their borders, as the rows and the columns cross them. */
  function fill(context, search, size) {
    const indexAt = (left, top) => search(VQ.plane.fromScreen([left, top])).index;
    const lines = Array.from({ length: size }, (_, i) => i + 0.5);
    const rows = lines.map((top) => runs((left) => indexAt(left, top), size));
    const columns = lines.map((left) => runs((top) => indexAt(left, top), size));
    rows.forEach((row, i) => fillRow(context, row, i, size));
    context.globalCompositeOperation = "destination-out";
    context.beginPath();
    const dot = (x, y) => {
      context.moveTo(x, y);
      context.arc(x, y, BORDER, 0, 2 * Math.PI);
    };
    rows.forEach((row, i) => row.slice(1).forEach(({ at }) => dot(at, i + 0.5)));
    columns.forEach((column, i) => column.slice(1).forEach(({ at }) => dot(i + 0.5, at)));
    context.fill();
  }

  let drawn = [];

  /** Draw the cells, unless nothing has changed that they depend on. */
  function draw(world) {
    const size = Math.round(VQ.plane.size());
    const { codebook, comparison, show } = world;
    const wanted = [codebook, comparison, show.cells, size];
    if (wanted.every((value, i) => value === drawn[i])) return;
    drawn = wanted;
    canvas.width = size;
    canvas.height = size;
    if (show.cells) fill(canvas.getContext("2d"), VQ.lookup.searcher(codebook, comparison), size);
  }

  return { draw };
})();
