"use strict";

/** The plane on the screen: where its points are, in CSS pixels, and what its elements are made of. */
VQ.plane = (() => {
  const REACH = 1.15; // the plane shows coordinates from -REACH to REACH

  const box = document.getElementById("plane");
  let scale = 1; // CSS pixels for a unit of the plane
  const fit = () => (scale = box.clientWidth / (2 * REACH));
  const size = () => 2 * REACH * scale;

  const toScreen = ([x, y]) => [(x + REACH) * scale, (REACH - y) * scale];
  const fromScreen = ([left, top]) => [left / scale - REACH, REACH - top / scale];

  /** A point held inside the plane, and rounded, so that ties can be made by hand. */
  const held = (point) => point.map((value) => Math.round(Math.min(1.1, Math.max(-1.1, value)) * 100) / 100);

  /** An SVG element with attributes, and with a text or children. */
  function element(name, attributes = {}, ...children) {
    const result = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) result.setAttribute(key, value);
    result.append(...children);
    return result;
  }

  /** A straight line between two points of the plane. */
  function line(from, to, attributes) {
    const [[x1, y1], [x2, y2]] = [toScreen(from), toScreen(to)];
    return element("line", { x1, y1, x2, y2, ...attributes });
  }

  /** The hue of an embedding, far from those of the indices near by. */
  const hue = (j) => (25 + 137.5 * j) % 360;

  return { REACH, box, fit, size, toScreen, fromScreen, held, element, line, hue };
})();
