"use strict";

/** Where vectors come from: functions of a way to draw, one point each. */
VQ.clouds = (() => {
  const { add, times } = VQ.vectors;
  const { normal, uniform } = VQ.random;
  const polar = (radius, angle) => [radius * Math.cos(angle), radius * Math.sin(angle)];

  const CENTERS = [[-0.6, 0.5], [0.55, 0.6], [-0.45, -0.6], [0.6, -0.45]];

  const shapes = {
    groups: (draw) => add(CENTERS[Math.floor(4 * draw())], times(0.13, normal(draw))),
    ring: (draw) => add(polar(0.6, 2 * Math.PI * draw()), times(0.04, normal(draw))),
    square: (draw) => [1.6 * draw() - 0.8, 1.6 * draw() - 0.8],
    spot: (draw) => add([0.6, 0], times(0.12, normal(draw))),
  };

  /** So many points of a cloud, the same for the same seed. */
  function points(shape, count, seed) {
    const draw = uniform(seed);
    return Array.from({ length: count }, () => shapes[shape](draw));
  }

  /** A point turned around the origin, by which a cloud drifts without leaving the plane. */
  const turned = ([x, y], angle) => [
    Math.cos(angle) * x - Math.sin(angle) * y,
    Math.sin(angle) * x + Math.cos(angle) * y,
  ];

  return { points, polar, turned };
})();
