"use strict";

/** The replacement of 2018: the most distant vectors over the least used embeddings (VQ-11). */
VQ.mostDistant = (() => {
  const { largest, distances, found, isAmong } = VQ.candidates;

  /** What is gathered before any pass. */
  const initial = (n) => ({ usage: Array(n).fill(0), candidates: [] });

  /** What is gathered after a pass: usage added up, and the most distant of the candidates before and the new ones. */
  const gathered = (state, it, number) => ({
    usage: state.usage.map((count, j) => count + it.counts[j]),
    candidates: largest([...state.candidates, ...found(it, distances(it))], number),
  });

  /** The codebook after a replacement. A candidate at distance 0, or one known before, is skipped. */
  function replaced(state, codebook) {
    const after = [...codebook];
    const leastUsed = [...codebook.keys()].sort((a, b) => state.usage[a] - state.usage[b]);
    const known = [...codebook];
    for (const { key, vector } of state.candidates) {
      if (leastUsed.length && key > 0 && !isAmong(vector, known)) after[leastUsed.shift()] = vector;
      known.push(vector);
    }
    return after;
  }

  return { initial, gathered, replaced };
})();
