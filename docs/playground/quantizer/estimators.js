"use strict";

/** How the gradient of the output passes on to a vector (VQ-3, VQ-19, VQ-27). */
VQ.estimators = (() => {
  const { add, dot, isFinite, length, normalize, subtract, times } = VQ.vectors;

  /** The straight-through estimator: as it arrives. */
  const identity = (vector, embedding, arriving) => arriving;

  const reflected = (vector, unit) => subtract(vector, times(2 * dot(unit, vector), unit));

  /** Turned back by the rotation of the vector onto its embedding, and scaled likewise (VQ-27). */
  function rotation(vector, embedding, arriving) {
    if (!embedding || !isFinite(vector) || !isFinite(embedding)) return arriving;
    const [before, after] = [length(vector), length(embedding)];
    const scale = after / before;
    if (before === 0 || after === 0 || scale === Infinity) return arriving;
    const start = normalize(vector);
    const middle = normalize(add(start, normalize(embedding)));
    return times(scale, reflected(reflected(arriving, middle), start));
  }

  return { identity, rotation };
})();
