"use strict";

/** The replacement of dead codes (VQ-26). */
VQ.deadCodes = (() => {
  const { isAmong } = VQ.candidates;

  /** The moving shares after a pass, in multiples of the even share (VQ-26.1). */
  function shares(before, counts, decay) {
    const even = VQ.vectors.total(counts) / counts.length;
    if (even === 0) return before;
    return before.map((share, j) => share + (1 - decay) * Math.min(even, 1) * (counts[j] / even - share));
  }

  /** The dead embeddings: those whose share is below the fraction, the least first. */
  const dead = (moving, fraction) =>
    [...moving.keys()].filter((j) => moving[j] < fraction).sort((a, b) => moving[a] - moving[b]);

  /** The codebook after a replacement by candidates, the largest key first, over these dead embeddings. */
  function replaced(codebook, candidates, places) {
    const [after, known, left] = [[...codebook], [...codebook], [...places]];
    for (const { key, vector } of candidates) {
      if (left.length && key > 0 && !isAmong(vector, known)) {
        after[left.shift()] = vector;
        known.push(vector);
      }
    }
    return after;
  }

  /** How many embeddings a replacement may write, unless a number is given (VQ-26.5). */
  const number = (n) => Math.max(1, Math.floor(n / 8));

  return { shares, dead, replaced, number };
})();
