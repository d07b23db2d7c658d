"use strict";

/** How a training pass moves the embeddings: down a gradient, or as moving averages (VQ-24). */
VQ.updates = (() => {
  const { add, normalize, subtract, times, total, zerosLike } = VQ.vectors;

  /** Rows after a step of gradient descent. */
  const descended = (rows, gradient, rate) => rows.map((row, i) => subtract(row, times(rate, gradient[i])));

  /** The sum of the gradients of weighed losses, by the codebook or by the vectors; weight 0 means absent. */
  function gradientOf(weights, it, moved) {
    const losses = Object.entries(VQ.losses).filter(([, loss]) => loss.moves === moved);
    const usable = losses.filter(([name, loss]) => weights[name] && (it.p !== null || !loss.needsNorm));
    const sum = (rows, gradient) => rows.map((row, i) => add(row, gradient[i]));
    return usable.map(([name, loss]) => loss.gradient(it, weights[name])).reduce(sum, zerosLike(it[moved]));
  }

  /** The codebook and its moving counts after a pass; under the cosine all is on the unit circle. */
  function movingAverage(it, averageCounts, decay, epsilon) {
    const onSphere = it.p === null;
    const scaled = onSphere ? normalize : (vector) => vector;
    const sums = zerosLike(it.codebook);
    it.indices.forEach((j, i) => {
      if (j >= 0) sums[j] = add(sums[j], scaled(it.vectors[i]));
    });
    const counts = averageCounts.map((count, j) => decay * count + (1 - decay) * it.counts[j]);
    const all = total(counts);
    const codebook = it.codebook.map((row, j) => {
      if (it.counts[j] === 0) return row;
      const smoothed = ((counts[j] + epsilon) / (all + counts.length * epsilon)) * all;
      const before = scaled(row);
      const pull = subtract(sums[j], times(it.counts[j], before));
      const moved = add(before, times((1 - decay) / smoothed, pull));
      return onSphere && moved.every((value) => value === 0) ? row : scaled(moved);
    });
    return { codebook, averageCounts: counts };
  }

  /** Which rows something else has written (VQ-24.9). */
  const written = (before, after) => before.map((row, j) => row !== after[j]);

  /** The moving counts after these rows were written: as if they were chosen as often as all are on average. */
  const restarted = (averageCounts, rows) =>
    averageCounts.map((count, j) => (rows[j] ? total(averageCounts) / rows.length : count));

  return { descended, gradientOf, movingAverage, written, restarted };
})();
