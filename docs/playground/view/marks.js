"use strict";

/** What is drawn between and beside the points: axes, assignments, spacings and counts. */
VQ.marks = (() => {
  const { REACH, element, hue, line, toScreen } = VQ.plane;
  const { add, times } = VQ.vectors;

  const BESIDE = 30; // CSS pixels between an embedding and its count

  function label(point, text, name, down = 0) {
    const [x, y] = toScreen(point);
    return element("text", { x, y: y + down, class: name }, text);
  }

  const axes = () => [
    line([-REACH, 0], [REACH, 0], { class: "axis" }),
    line([0, -REACH], [0, REACH], { class: "axis" }),
  ];

  /** The line from each vector that found an embedding to it. */
  function assignments(world, it) {
    const attributes = (j) => ({ class: "assignment", style: `--hue: ${hue(j)}` });
    const connected = (j, i) => (j < 0 ? [] : [line(world.vectors[i], world.codebook[j], attributes(j))]);
    return it.indices.flatMap(connected);
  }

  /** The line from an embedding to the nearest other one, and the distance in its middle. */
  function spacing(codebook, i, { distance, tied: [j] }) {
    if (j === undefined) return [];
    const middle = times(0.5, add(codebook[i], codebook[j]));
    return [line(codebook[i], codebook[j], { class: "spacing" }), label(middle, distance.toFixed(2), "note")];
  }

  const spacings = ({ codebook }, it) =>
    VQ.spacing.neighbors(codebook, it.p).flatMap((neighbor, i) => spacing(codebook, i, neighbor));

  function counts(world, it) {
    const dead = VQ.world.dead(world);
    const isHidden = (j) => VQ.candidates.isAmong(world.codebook[j], world.codebook.slice(0, j)); // under its equal
    const told = [...world.codebook.keys()].filter((j) => !dead.includes(j) && !isHidden(j));
    return told.map((j) => label(world.codebook[j], `×${it.counts[j]}`, "note", BESIDE));
  }

  const under = (world, it) => [
    ...axes(),
    ...(world.show.assignments ? assignments(world, it) : []),
    ...(world.show.spacing && it.p !== null ? spacings(world, it) : []),
  ];

  const over = (world, it) => (world.show.counts ? counts(world, it) : []);

  return { under, over };
})();
