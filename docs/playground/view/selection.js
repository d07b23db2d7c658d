"use strict";

/** The selected point in the form: which one it is, and its coordinates as numbers. */
VQ.selection = (() => {
  const point = document.getElementById("point");
  const fields = ["x", "y"].map((name) => document.getElementById(`point-${name}`));

  const chosen = () => point.value.split(" ");
  const option = (kind, name, index) => new Option(`${name} ${index}`, `${kind} ${index}`);

  function draw(world, selected) {
    const size = `${world.codebook.length} ${world.vectors.length}`;
    if (point.dataset.size !== size) {
      point.dataset.size = size;
      point.replaceChildren(
        ...world.codebook.map((_, j) => option("codebook", "Embedding", j)),
        ...world.vectors.map((_, i) => option("vectors", "Vector", i)),
      );
    }
    const kind = selected.last;
    point.value = `${kind} ${selected[kind]}`;
    fields.forEach((field, c) => {
      if (document.activeElement !== field) field.value = world[kind][selected[kind]][c].toFixed(2);
    });
  }

  /** Call `move` and `select`, as the user does so, and `redraw` when a field may say what its point does not. */
  function listen({ move, select, redraw }) {
    point.addEventListener("change", () => select(chosen()[0], Number(chosen()[1])));
    for (const field of fields) {
      field.addEventListener("input", () => {
        const values = fields.map((each) => each.valueAsNumber);
        if (values.every(Number.isFinite)) move(chosen()[0], Number(chosen()[1]), VQ.plane.held(values));
      });
      field.addEventListener("blur", redraw);
    }
  }

  return { draw, listen };
})();
