"use strict";

/** Training passes and replacements: functions from a world to the next (VQ-17.13). */
VQ.training = (() => {
  const { descended, gradientOf, movingAverage, restarted, written } = VQ.updates;

  const descent = (world, it, moved) =>
    descended(world[moved], gradientOf(world.weights, it, moved), world.rates[moved]);

  /** The world after the update: of the embeddings by gradients or averages, of the vectors by gradients. */
  function updated(world, it) {
    const vectors = descent(world, it, "vectors");
    if (world.update === "gradient") return { ...world, vectors, codebook: descent(world, it, "codebook") };
    return { ...world, vectors, ...movingAverage(it, world.averageCounts, world.decay, world.epsilon) };
  }

  /** What a replacement by the chosen rule may use later: usage and candidates (VQ-11.2, VQ-26.4). */
  function gathered(world, it) {
    if (world.replacement !== "dead-codes") return VQ.mostDistant.gathered(world.gathered, it, world.number);
    const draw = VQ.random.uniform(world.passes);
    const keys = world.source === "sample" ? it.vectors.map(() => 1 - draw()) : VQ.candidates.distances(it);
    const candidates = VQ.candidates.largest(VQ.candidates.found(it, keys), world.number);
    return { ...world.gathered, candidates };
  }

  /** The world after a replacement, and the embeddings that it wrote. */
  function replaced(world) {
    const codebook =
      world.replacement === "dead-codes"
        ? VQ.deadCodes.replaced(world.codebook, world.gathered.candidates, VQ.world.dead(world))
        : VQ.mostDistant.replaced(world.gathered, world.codebook);
    const rows = written(world.codebook, codebook);
    const isOnCircle = world.update === "average" && world.comparison === "cosine"; // VQ-24.12
    const after = {
      ...world,
      codebook: codebook.map((row, j) => (rows[j] && isOnCircle ? VQ.vectors.normalize(row) : row)),
      averageCounts: restarted(world.averageCounts, rows),
      shares: world.shares.map((share, j) => (rows[j] ? 1 : share)),
      gathered: VQ.mostDistant.initial(world.n),
      passesSinceReplacement: 0,
    };
    return { world: after, written: [...rows.keys()].filter((j) => rows[j]) };
  }

  /** The world after a training pass, and the embeddings that a replacement wrote in it. */
  function passed(before) {
    const it = VQ.world.found(before);
    const world = {
      ...updated(before, it),
      gathered: gathered(before, it),
      shares: VQ.deadCodes.shares(before.shares, it.counts, before.shareDecay),
      passes: before.passes + 1,
      passesSinceReplacement: before.passesSinceReplacement + 1,
    };
    const isDue = world.replacement !== "none" && world.every > 0 && world.passesSinceReplacement >= world.every;
    const result = isDue ? replaced(world) : { world, written: [] };
    const vectors = result.world.vectors.map((vector) => VQ.clouds.turned(vector, world.drift));
    return { ...result, world: { ...result.world, vectors } };
  }

  return { passed, replaced };
})();
