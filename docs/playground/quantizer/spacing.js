"use strict";

/** How far apart the embeddings lie (VQ-6). */
VQ.spacing = (() => {
  const { isFinite } = VQ.vectors;

  /** The distances of all embeddings to each other; NaN where one of both is not finite. */
  function between(codebook, p) {
    const known = (a, b) => isFinite(a) && isFinite(b);
    return codebook.map((a) => codebook.map((b) => (known(a, b) ? VQ.norms.distance(a, b, p) : NaN)));
  }

  /** The strict upper triangle of these distances, row by row (VQ-6.1). */
  const pairs = (codebook, p) => between(codebook, p).flatMap((row, i) => row.slice(i + 1));

  /** For each embedding the distance to the nearest other one, and which ones are so near. */
  function neighbors(codebook, p) {
    return between(codebook, p).map((row, i) => {
      const others = row.map((value, j) => (j === i ? NaN : value));
      const known = others.filter((value) => !Number.isNaN(value));
      const distance = known.length ? Math.min(...known) : 0;
      const tied = known.length ? [...row.keys()].filter((j) => others[j] === distance) : [];
      return { distance: Number.isNaN(row[i]) ? NaN : distance, tied };
    });
  }

  /** The distance of each embedding to the nearest other one (VQ-6.2); 0 without another, NaN of one not finite. */
  const closest = (codebook, p) => neighbors(codebook, p).map((each) => each.distance);

  return { pairs, neighbors, closest };
})();
