"use strict";

/** Random numbers that are the same each time, from a seed (the generator Mulberry32). */
VQ.random = (() => {
  /** A function that draws numbers from 0 to below 1. */
  function uniform(seed) {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  /** A point of the standard normal distribution in the plane (Box and Muller). */
  function normal(draw) {
    const [radius, angle] = [Math.sqrt(-2 * Math.log(1 - draw())), 2 * Math.PI * draw()];
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  }

  /** The indices from 0 to below the count, in a random order. */
  const permutation = (count, draw) =>
    Array.from({ length: count }, (_, i) => [draw(), i]).sort((a, b) => a[0] - b[0]).map(([, i]) => i);

  return { uniform, normal, permutation };
})();
