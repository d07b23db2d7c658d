"use strict";

/** Everything on this page, by concept: the mathematics in `quantizer/`, what one sees beside it. */
const VQ = {};

/** Arithmetic of vectors, which are arrays of numbers. */
VQ.vectors = (() => {
  const add = (a, b) => a.map((value, c) => value + b[c]);
  const subtract = (a, b) => a.map((value, c) => value - b[c]);
  const times = (factor, a) => a.map((value) => factor * value);
  const dot = (a, b) => a.reduce((sum, value, c) => sum + value * b[c], 0);
  const total = (values) => values.reduce((sum, value) => sum + value, 0);
  const zerosLike = (rows) => rows.map((row) => row.map(() => 0));
  const isFinite = (vector) => vector.every(Number.isFinite);
  const isEqual = (a, b) => a.every((value, c) => value === b[c]);
  const largest = (vector) => Math.max(...vector.map(Math.abs));

  /** The L2 norm; the largest magnitude is divided out first, so that no square overflows or underflows. */
  function length(vector) {
    const scale = largest(vector) || 1;
    const scaled = vector.map((value) => value / scale);
    return scale * Math.sqrt(dot(scaled, scaled));
  }

  /** A vector scaled to L2 norm 1; zero stays zero, and one that is not finite becomes NaN (VQ-9.2, VQ-24.13). */
  function normalize(vector) {
    if (!isFinite(vector)) return vector.map(() => NaN);
    const scale = largest(vector) || 1;
    const scaled = vector.map((value) => value / scale);
    const norm = Math.sqrt(dot(scaled, scaled)) || 1;
    return scaled.map((value) => value / norm);
  }

  return { add, subtract, times, dot, total, zerosLike, isFinite, isEqual, largest, length, normalize };
})();
