"use strict";

/** The pulls: arrows against the gradients of the losses, and those of the output as they pass on. */
VQ.arrows = (() => {
  const { element, line } = VQ.plane;
  const { add, length, times } = VQ.vectors;

  const LONGEST = 0.3; // in the plane
  const LEAST = { codebook: 0.02, vectors: 0.002 }; // gradients whose arrow is the longest; larger ones shrink all
  const ESTIMATED = 0.22; // the length of the gradient that arrives
  const SHORTEST = 0.015;

  const HEAD = { viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 4, markerHeight: 4, orient: "auto" };

  const head = (name) =>
    element("marker", { id: `head-${name}`, class: name, ...HEAD }, element("path", { d: "M0 0 8 4 0 8Z" }));

  function arrow(name, from, along) {
    if (!(length(along) > SHORTEST)) return [];
    return [line(from, add(from, along), { class: `arrow ${name}`, "marker-end": `url(#head-${name})` })];
  }

  /** The gradients of the losses that are present, by the codebook or by the vectors. */
  function gradients(world, it, moved) {
    const names = VQ.world.losses(world).filter((name) => VQ.losses[name].moves === moved);
    return names.map((name) => ({ name, rows: VQ.losses[name].gradient(it, world.weights[name]) }));
  }

  /** The length of the longest of them. */
  const longest = (world, it, moved) =>
    Math.max(0, ...gradients(world, it, moved).flatMap(({ rows }) => rows.map(length)));

  function pulls(world, it, moved) {
    const factor = -LONGEST / Math.max(longest(world, it, moved), LEAST[moved]);
    return gradients(world, it, moved).flatMap(({ name, rows }) =>
      rows.flatMap((row, i) => arrow(name, world[moved][i], times(factor, row))),
    );
  }

  /** The gradient that arrives at each embedding in use, and what passes on to each vector. */
  function passedOn(world, it) {
    const arriving = VQ.clouds.polar(1, (world.angle * Math.PI) / 180);
    const estimator = VQ.estimators[world.estimator];
    const used = [...it.counts.keys()].filter((j) => it.counts[j] > 0);
    return [
      ...used.flatMap((j) => arrow("arriving", world.codebook[j], times(ESTIMATED, arriving))),
      ...world.vectors.flatMap((vector, i) =>
        arrow("passed", vector, times(ESTIMATED, estimator(vector, world.codebook[it.indices[i]], arriving))),
      ),
    ];
  }

  function elements(world, it) {
    return [
      element("defs", {}, ...[...Object.keys(VQ.losses), "arriving", "passed"].map(head)),
      ...(world.show.pulls ? [...pulls(world, it, "vectors"), ...pulls(world, it, "codebook")] : []),
      ...(world.estimator === "none" ? [] : passedOn(world, it)),
    ];
  }

  return { elements, longest };
})();
