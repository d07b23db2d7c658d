"use strict";

/** The norms L1, L2 and Linf: p is 1, 2 or Infinity (VQ-1, VQ-7). */
VQ.norms = (() => {
  const { largest, normalize, total } = VQ.vectors;

  /** The distance of two vectors, by direct differences (VQ-1). */
  function distance(a, b, p) {
    let result = 0;
    for (let c = 0; c < a.length; c += 1) {
      const difference = Math.abs(a[c] - b[c]);
      if (p === 1) result += difference;
      else if (p === 2) result += difference * difference;
      else result = Math.max(result, difference);
    }
    return p === 2 ? Math.sqrt(result) : result;
  }

  const signs = (vector) => vector.map(Math.sign);

  /** The sign, shared equally between the coordinates that tie for the largest magnitude (VQ-7.4). */
  function sharedSigns(vector) {
    const tied = vector.map((value) => Number(Math.abs(value) === largest(vector)));
    return vector.map((value, c) => (Math.sign(value) * tied[c]) / total(tied));
  }

  /** The subgradient of the norm by its vector; 0 at 0 (VQ-7). */
  const gradient = (vector, p) => ({ 1: signs, 2: normalize, Infinity: sharedSigns })[p](vector);

  return { distance, gradient };
})();
