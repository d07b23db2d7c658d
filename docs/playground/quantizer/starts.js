"use strict";

/**
 * How the codebook starts: from vectors (VQ-12, VQ-25).
 *
 * What is drawn at random is given: `draws` are numbers from 0 to below 1.
 */
VQ.starts = (() => {
  const { add, normalize, total, zerosLike } = VQ.vectors;

  /** The first n vectors; null where there are fewer, or one of them is not finite. */
  function first(vectors, n) {
    const rows = vectors.slice(0, n);
    return rows.length === n && rows.every(VQ.vectors.isFinite) ? rows : null;
  }

  /** n vectors in a given order of all of them, which is gone through again where there are fewer. */
  const sample = (vectors, n, order) => Array.from({ length: n }, (_, j) => vectors[order[j % order.length]]);

  /** The index that a draw falls on, where each has a share in proportion to its weight. */
  function drawn(weights, draw) {
    const target = draw * total(weights);
    let sum = 0;
    return weights.findIndex((weight) => (sum += weight) > target);
  }

  /** n vectors, each drawn in proportion to its squared distance to the nearest drawn before (k-means++). */
  function seeds(vectors, n, draws) {
    const even = vectors.map(() => 1);
    const centers = [vectors[drawn(even, draws[0])]];
    while (centers.length < n) {
      const distances = VQ.lookup.lookUp(vectors, centers, "l2").values;
      const squares = distances.map((row) => Math.min(...row) ** 2);
      centers.push(vectors[drawn(total(squares) > 0 ? squares : even, draws[centers.length])]);
    }
    return centers;
  }

  /** The mean of the vectors that each center is nearest to by L2; one that is nearest to none stays. */
  function lloydStep(vectors, centers) {
    const it = VQ.lookup.lookUp(vectors, centers, "l2");
    const sums = zerosLike(centers);
    it.indices.forEach((j, i) => (sums[j] = add(sums[j], vectors[i])));
    return centers.map((center, j) => (it.counts[j] ? sums[j].map((value) => value / it.counts[j]) : center));
  }

  /** The centers after Lloyd's steps from the seeds; under the cosine all is scaled to norm 1. */
  function kMeans(vectors, n, iterations, draws, comparison) {
    const scaled = (rows) => (comparison === "cosine" ? rows.map(normalize) : rows);
    const rows = scaled(vectors.filter(VQ.vectors.isFinite));
    let centers = seeds(rows, n, draws);
    for (let i = 0; i < iterations; i += 1) centers = lloydStep(rows, centers);
    return scaled(centers);
  }

  return { first, sample, seeds, lloydStep, kMeans };
})();
