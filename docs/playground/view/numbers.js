"use strict";

/** What is told in words and numbers: the line of what happened, measures, losses, and a row for each embedding. */
VQ.numbers = (() => {
  const { perplexity } = VQ.lookup;

  const NAMES = {
    alpha: "alpha-loss",
    beta: "beta-loss",
    coulomb: "Coulomb-loss",
    codebook: "codebook-loss",
    commitment: "commitment-loss",
  };

  const fixed = (value, digits = 2) => (Number.isFinite(value) ? value.toFixed(digits).replace("-", "−") : "–");
  const used = (it) => it.counts.filter((count) => count > 0).length;
  const mean = (values) => VQ.vectors.total(values) / values.length;
  const chosen = (it) => it.indices.map((j, i) => it.values[i][j]);

  /** "step 12: 5 of 8 codes in use, perplexity 4.1" */
  const told = (world, it) =>
    `step ${world.passes}: ${used(it)} of ${world.n} codes in use, perplexity ${fixed(perplexity(it.counts), 1)}`;

  /** How long the longest arrow of an embedding is, where there is one. */
  function longestPull(world, it) {
    const longest = VQ.arrows.longest(world, it, "codebook");
    return world.show.pulls && longest > 0 ? [["longest pull", fixed(longest, 3)]] : [];
  }

  const measures = (world, it) => [
    ["usage", `${Math.round(100 * VQ.lookup.usage(it.counts))}%`],
    ["perplexity", fixed(perplexity(it.counts))],
    [it.p === null ? "mean similarity" : "mean distance", fixed(mean(chosen(it)), 3)],
    ["dead codes", String(VQ.world.dead(world).length)],
    ...(it.p === null ? [] : [["least spacing", fixed(Math.min(...VQ.spacing.pairs(world.codebook, it.p)))]]),
    ...longestPull(world, it),
    ...VQ.world.losses(world).map((name) => [NAMES[name], fixed(VQ.losses[name].value(it, world.weights[name]), 4)]),
  ];

  function rows(world, it) {
    const spacings = it.p === null ? world.codebook.map(() => NaN) : VQ.spacing.closest(world.codebook, it.p);
    const dead = VQ.world.dead(world);
    return world.codebook.map((row, j) => [
      String(j),
      row.map((value) => fixed(value)).join(", "),
      String(it.counts[j]),
      fixed(spacings[j]),
      fixed(world.shares[j]),
      dead.includes(j) ? "dead" : it.counts[j] ? "in use" : "unused",
    ]);
  }

  function node(name, text, attributes = {}) {
    return Object.assign(document.createElement(name), { textContent: text, ...attributes });
  }

  function draw(world, it) {
    const pairs = measures(world, it).map(([name, value]) => {
      const pair = document.createElement("div");
      pair.append(node("dt", name), node("dd", value));
      return pair;
    });
    document.getElementById("measures").replaceChildren(...pairs);
    const lines = rows(world, it).map(([index, ...cells]) => {
      const line = document.createElement("tr");
      line.append(node("th", index, { scope: "row" }), ...cells.map((cell) => node("td", cell)));
      return line;
    });
    document.getElementById("rows").replaceChildren(...lines);
  }

  /** Say what happened; while passes run, screen readers are not told of each. */
  function say(text, isRunning) {
    const status = document.getElementById("status");
    status.setAttribute("aria-live", isRunning ? "off" : "polite");
    status.textContent = text;
  }

  return { draw, fixed, say, told };
})();
