"use strict";

/** The weights of the losses, and their arrows. */
{
  const { checkbox, range, section } = VQ.form;

  section("losses", "Losses", [
    checkbox({
      id: "show-pulls", label: "Pulls", setting: "show.pulls",
      says:
        "An arrow shows where gradient descent would move a point; “longest pull” tells how long the longest " +
        "arrow of an embedding is. A loss of weight 0 is absent.",
      read: ["7", "losses"],
    }),
    range({
      id: "codebook-loss",
      label: "Codebook",
      setting: "weights.codebook",
      from: -1,
      to: 1,
      step: 0.05,
      loss: "codebook",
      says: "Pulls an embedding to the vectors that chose it, by the square of the distance.",
      read: ["18.1", "losses"],
    }),
    range({
      id: "commitment",
      label: "Commitment",
      setting: "weights.commitment",
      from: -1,
      to: 1,
      step: 0.05,
      loss: "commitment",
      says: "Pulls each vector to its embedding. It is the one loss that moves vectors.",
      read: ["18.3", "losses"],
    }),
    range({
      id: "alpha",
      label: "Alpha",
      setting: "weights.alpha",
      from: -1,
      to: 1,
      step: 0.05,
      loss: "alpha",
      needsNorm: true,
      says: "Pulls an embedding to its vectors by the distance itself: far vectors pull no harder than near ones.",
      read: ["5.3"],
    }),
    range({
      id: "beta", label: "Beta", setting: "weights.beta", from: -1, to: 1, step: 0.05, loss: "beta", needsNorm: true,
      says: "Pulls every embedding to every vector, chosen or not. Alone, it draws all to one place.",
      read: ["5.4"],
    }),
    range({
      id: "coulomb",
      label: "Coulomb (gamma)",
      setting: "weights.coulomb",
      from: -1,
      to: 1,
      step: 0.05,
      loss: "coulomb",
      needsNorm: true,
      says:
        "Pushes each embedding away from its nearest other one. A negative weight reverses what a loss pulls " +
        "or pushes.",
      read: ["5.5"],
    }),
  ]);
}
