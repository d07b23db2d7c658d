"use strict";

/**
 * All that the page shows: what the controls say, the points, and the state that training passes leave.
 *
 * A world is never changed; each function returns a new one.
 */
VQ.world = (() => {
  const { points } = VQ.clouds;

  const FARTHEST = 100; // a coordinate beyond this only grows

  /** What the controls say at first. */
  const SETTINGS = {
    comparison: "l2",
    show: { cells: true, assignments: true, counts: true, spacing: false, pulls: true },
    weights: { alpha: 0, beta: 0, coulomb: 0, codebook: 1, commitment: 0 },
    update: "gradient",
    rates: { codebook: 1, vectors: 10 },
    decay: 0.9,
    epsilon: 0,
    replacement: "none",
    source: "sample",
    every: 1,
    fraction: 0.05,
    shareDecay: 0.8,
    estimator: "none",
    angle: 90,
    drift: 0,
    cloud: { shape: "groups", count: 60, seed: 1 },
    n: 8,
  };

  /** The state before any pass (VQ-11.1, VQ-24.1, VQ-26). */
  const untrained = (n) => ({
    averageCounts: Array(n).fill(0),
    shares: Array(n).fill(1),
    gathered: VQ.mostDistant.initial(n),
    passes: 0,
    passesSinceReplacement: 0,
  });

  /** A world with some settings of its own; without a codebook, it starts from a sample of the vectors. */
  function create(own) {
    const settings = { ...SETTINGS, ...own };
    const vectors = own.vectors ?? points(settings.cloud.shape, settings.cloud.count, settings.cloud.seed);
    const codebook = own.codebook ?? vectors.slice(0, settings.n);
    const [n, cloud] = [codebook.length, { ...settings.cloud, count: vectors.length }];
    return { ...settings, ...untrained(n), n, number: VQ.deadCodes.number(n), cloud, vectors, codebook };
  }

  /** The world with new vectors of its cloud; a whole new one, if the seed is another. */
  function withCloud(world, changes) {
    const cloud = { ...world.cloud, ...changes };
    return { ...world, cloud, vectors: points(cloud.shape, cloud.count, cloud.seed) };
  }

  /** The world with another codebook, as after a start: nothing is counted yet. */
  const withCodebook = (world, codebook) => ({ ...world, ...untrained(codebook.length), n: codebook.length, codebook });

  /** The world with so many embeddings: the first of those that there are, then vectors, those that are none first. */
  function withNumber(world, n) {
    const isTaken = (vector) => VQ.candidates.isAmong(vector, world.codebook);
    const free = world.vectors.filter((vector) => !isTaken(vector));
    return withCodebook(world, [...world.codebook, ...free, ...world.vectors.filter(isTaken)].slice(0, n));
  }

  /** The world with a point moved: of `kind` "codebook" or "vectors". */
  const withPoint = (world, kind, index, point) => ({
    ...world,
    [kind]: world[kind].map((row, i) => (i === index ? point : row)),
  });

  /** Whether no point flew off; one that is NaN did. */
  const isBounded = ({ codebook, vectors }) =>
    [...codebook, ...vectors].every((point) => VQ.vectors.largest(point) <= FARTHEST);

  /** What a lookup finds in a world. */
  const found = (world) => VQ.lookup.lookUp(world.vectors, world.codebook, world.comparison);

  /** The embeddings that count as dead. */
  const dead = (world) => VQ.deadCodes.dead(world.shares, world.fraction);

  /** The names of the losses that are present; those that train embeddings go with gradients alone (VQ-17.25). */
  const losses = (world) =>
    Object.keys(VQ.losses).filter((name) => {
      const { moves, needsNorm } = VQ.losses[name];
      const isApplied = moves === "vectors" || world.update === "gradient";
      return world.weights[name] !== 0 && isApplied && !(needsNorm && world.comparison === "cosine");
    });

  return { create, withCloud, withCodebook, withNumber, withPoint, isBounded, found, dead, losses };
})();
