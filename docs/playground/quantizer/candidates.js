"use strict";

/** Candidates for a replacement: vectors with a key each, the largest key first. */
VQ.candidates = (() => {
  /** The `number` candidates of the largest keys, earlier first on ties. */
  const largest = (candidates, number) => [...candidates].sort((a, b) => b.key - a.key).slice(0, number);

  /** The key of each vector by its distance to the nearest embedding, or by what its similarity lacks of 1. */
  function distances(it) {
    const known = it.values.map((row) => row.filter((value) => !Number.isNaN(value)));
    return known.map((row) => (it.p === null ? 1 - Math.max(...row) : Math.min(...row)));
  }

  /** The vectors that found an embedding, each with its key. */
  const found = (it, keys) =>
    it.vectors.map((vector, i) => ({ key: keys[i], vector })).filter((_, i) => it.indices[i] >= 0);

  /** Whether a vector equals one of these rows. */
  const isAmong = (vector, rows) => rows.some((row) => VQ.vectors.isEqual(vector, row));

  return { largest, distances, found, isAmong };
})();
