"use strict";

/** The points that can be moved, by mouse, touch and keyboard. They stay while they move, so that focus stays, too. */
VQ.handles = (() => {
  const { element, fromScreen, held, hue, toScreen } = VQ.plane;

  const STEP = 0.05;
  const FINE = 0.01; // with Shift
  const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const NEIGHBORS = { PageUp: -1, PageDown: 1, "[": -1, "]": 1 };
  const LAYERS = { vectors: document.getElementById("vectors"), codebook: document.getElementById("codebook") };

  const place = (point) => `at ${point.map((value) => VQ.numbers.fixed(value)).join(", ")}`;
  const times = (count) => (count === 1 ? "1 vector" : `${count} vectors`);

  const CROSS = "M-19-19 19 19M-19 19 19-19";

  function create(kind, index) {
    const role = { role: "button", "aria-roledescription": "movable point" };
    const attributes = { class: "handle", ...role, "data-kind": kind, "data-index": index };
    const isEmbedding = kind === "codebook";
    const reach = element("circle", { class: "reach", r: isEmbedding ? 22 : 14 });
    const dot = element("circle", { class: "dot", r: isEmbedding ? 13 : 5 });
    const cross = element("path", { class: "cross", d: CROSS });
    return element("g", attributes, reach, ...(isEmbedding ? [cross, dot, element("text", {}, index)] : [dot]));
  }

  /** Make as many handles as there are points; that of the lower index lies on top, since it wins. */
  function match(kind, count) {
    const layer = LAYERS[kind];
    while (layer.children.length > count) layer.firstChild.remove();
    while (layer.children.length < count) layer.prepend(create(kind, layer.children.length));
  }

  const identity = (handle) => [handle.dataset.kind, Number(handle.dataset.index)];
  const handleOf = (kind, index) => [...LAYERS[kind].children].at(-1 - index);

  /** Of each kind one point is reached by Tab; of both, the last that was chosen is the selected one. */
  function show(handle, point, name, j, selected) {
    const [x, y] = toScreen(point);
    const [kind, index] = identity(handle);
    const isReached = selected[kind] === index;
    handle.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)})`);
    handle.setAttribute("aria-label", name);
    handle.setAttribute("tabindex", isReached ? 0 : -1);
    handle.classList.toggle("is-selected", isReached && selected.last === kind);
    handle.style.setProperty("--hue", hue(j));
  }

  function draw(world, it, selected) {
    const dead = VQ.world.dead(world);
    match("codebook", world.codebook.length);
    match("vectors", world.vectors.length);
    world.codebook.forEach((row, j) => {
      const state = dead.includes(j) ? "dead, " : "";
      const name = `Embedding ${j}, ${state}${place(row)}, chosen by ${times(it.counts[j])}`;
      const handle = handleOf("codebook", j);
      show(handle, row, name, j, selected);
      handle.classList.toggle("is-dead", dead.includes(j));
      handle.classList.toggle("is-unused", it.counts[j] === 0);
    });
    world.vectors.forEach((vector, i) => {
      const name = `Vector ${i}, ${place(vector)}, gets embedding ${it.indices[i]}`;
      show(handleOf("vectors", i), vector, name, it.indices[i], selected);
    });
  }

  /** Call `move` with kind, index and point, and `select` with kind and index, as the user does so. */
  function listen({ move, select, pointOf }) {
    const svg = document.getElementById("points");
    let dragged = null;
    svg.addEventListener("pointerdown", (event) => {
      dragged = event.target.closest(".handle");
      if (dragged) svg.setPointerCapture(event.pointerId);
      dragged?.focus({ preventScroll: true });
    });
    svg.addEventListener("pointermove", (event) => {
      if (!dragged) return;
      const corner = svg.getBoundingClientRect();
      move(...identity(dragged), held(fromScreen([event.clientX - corner.left, event.clientY - corner.top])));
    });
    for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => (dragged = null));
    svg.addEventListener("focusin", (event) => select(...identity(event.target.closest(".handle"))));
    svg.addEventListener("keydown", (event) => {
      const [kind, index] = identity(event.target.closest(".handle"));
      const [direction, neighbor] = [DIRECTIONS[event.key], NEIGHBORS[event.key]];
      if (!direction && !neighbor) return;
      event.preventDefault();
      if (direction) {
        const step = VQ.vectors.times(event.shiftKey ? FINE : STEP, direction);
        move(kind, index, held(VQ.vectors.add(pointOf(kind, index), step)));
      } else {
        const count = LAYERS[kind].children.length;
        handleOf(kind, (index + neighbor + count) % count).focus();
      }
    });
  }

  return { draw, listen, place };
})();
