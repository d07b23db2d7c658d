"use strict";

/** The page itself: the world as it is now, drawn anew after each change. */
(() => {
  const INTERVAL = 120; // milliseconds between two passes

  const draw = VQ.random.uniform(11);

  let world = null;
  let preset = "start";
  let selected = null; // a point of each kind, and which kind was the last
  let timer = null;
  let isDue = false;

  /** Draw all, at most once for each frame. */
  function redraw() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      const it = VQ.world.found(world);
      VQ.plane.fit();
      VQ.cells.draw(world);
      document.getElementById("under").replaceChildren(...VQ.marks.under(world, it));
      document.getElementById("arrows").replaceChildren(...VQ.arrows.elements(world, it));
      document.getElementById("over").replaceChildren(...VQ.marks.over(world, it));
      VQ.handles.draw(world, it, selected);
      VQ.numbers.draw(world, it);
      VQ.controls.draw(world);
      VQ.selection.draw(world, selected);
    });
  }

  const say = (text) => VQ.numbers.say(text, timer !== null);
  const list = (indices) => (indices.length === 1 ? `embedding ${indices[0]}` : `embeddings ${indices.join(", ")}`);

  /** Show another world, and tell what happened to it. */
  function become(next, told = "") {
    world = next;
    for (const kind of ["codebook", "vectors"]) selected[kind] = Math.min(selected[kind], world[kind].length - 1);
    say(VQ.numbers.told(world, VQ.world.found(world)) + (told && `; ${told}`));
    redraw();
  }

  function load(name) {
    pause();
    preset = name;
    selected = { codebook: 0, vectors: 0, last: "codebook" };
    document.getElementById("lesson").textContent = VQ.presets[name].lesson;
    for (const button of document.querySelectorAll("[data-preset]"))
      button.setAttribute("aria-pressed", button.dataset.preset === name);
    become(VQ.world.create(VQ.presets[name].settings));
  }

  function step() {
    const { world: next, written } = VQ.training.passed(world);
    if (!VQ.world.isBounded(next)) {
      pause();
      return become(world, "stopped: at this rate points fly off. Lower it, or press Reset");
    }
    become(next, written.length ? `replaced ${list(written)}` : "");
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    document.getElementById("run").textContent = "Run";
  }

  function run() {
    if (timer !== null) {
      pause();
      return become(world);
    }
    timer = setInterval(step, INTERVAL);
    document.getElementById("run").textContent = "Pause";
  }

  function replace() {
    if (world.replacement === "none") return become(world, "choose a replacement first");
    const { world: next, written } = VQ.training.replaced(world);
    become(next, written.length ? `replaced ${list(written)}` : "nothing to replace, or nothing gathered: take a step");
  }

  function kMeans(iterations) {
    const draws = Array.from({ length: world.n }, draw);
    return VQ.starts.kMeans(world.vectors, world.n, iterations, draws, world.comparison);
  }

  const first = () => VQ.starts.first(world.vectors, world.n);
  const sample = () =>
    VQ.starts.sample(world.vectors, world.n, VQ.random.permutation(world.vectors.length, draw));

  const start = (codebook, told) => become(VQ.world.withCodebook(world, codebook), told);

  const actions = {
    step,
    run,
    replace,
    reset: () => load(preset),
    cloud: () => become(VQ.world.withCloud(world, { seed: world.cloud.seed + 1 }), "new vectors"),
    first: () => start(first() ?? world.codebook, first() ? "the first vectors" : "there are too few vectors"),
    sample: () => start(sample(), "a sample of the vectors"),
    seeds: () => start(kMeans(0), "seeds of k-means++"),
    lloyd: () => start(VQ.starts.lloydStep(world.vectors, world.codebook), "one Lloyd step"),
    kMeans: () => start(kMeans(10), "seeds, then ten Lloyd steps"),
  };

  /** What a changed setting brings with it. */
  function change(path, value) {
    const next = VQ.controls.changed(world, path, value);
    const name = path.join(".");
    if (name === "n") return become(VQ.world.withNumber(world, value));
    if (path[0] === "cloud") return become(VQ.world.withCloud(world, { [path[1]]: value }));
    if (name === "replacement") return become({ ...next, gathered: VQ.mostDistant.initial(world.n) });
    const isLost = next.comparison === "cosine" && next.replacement === "most-distant"; // VQ-17.21
    become(isLost ? { ...next, replacement: "none" } : next);
  }

  function select(kind, index) {
    selected = { ...selected, [kind]: index, last: kind };
    redraw();
  }

  function move(kind, index, point) {
    const name = kind === "codebook" ? "embedding" : "vector";
    become(VQ.world.withPoint(world, kind, index, point), `${name} ${index} ${VQ.handles.place(point)}`);
  }

  VQ.controls.listen(change);
  VQ.handles.listen({ move, select, pointOf: (kind, index) => world[kind][index] });
  VQ.selection.listen({ move, select, redraw });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button?.dataset.action) actions[button.dataset.action]();
    if (button?.dataset.preset) load(button.dataset.preset);
  });
  document.getElementById("theme").addEventListener("click", Theme.toggle);
  new ResizeObserver(redraw).observe(VQ.plane.box);
  load(preset);
})();
