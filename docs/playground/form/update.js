"use strict";

/** How a training pass moves embeddings and vectors. */
{
  const { radios, range, section } = VQ.form;

  section("update", "Update", [
    radios({
      id: "update-rule", label: "A training pass moves embeddings by", setting: "update",
      options: [
        { value: "gradient", label: "Gradient descent" },
        { value: "average", label: "Moving average" },
      ],
      says:
        "Gradient descent follows the arrows. A moving average leaves out all losses but Commitment: each embedding " +
        "follows the vectors that chose it.",
      read: ["17.25", "moving-averages"],
    }),
    range({
      id: "rate", label: "Rate of the embeddings", setting: "rates.codebook", from: 0, to: 5, step: 0.1,
      says: "How far embeddings move along the gradients of their losses in one step.",
      read: ["5", "losses"],
    }),
    range({
      id: "vectors-rate", label: "Rate of the vectors", setting: "rates.vectors", from: 0, to: 50, step: 1,
      says: "How far vectors move along the gradient of the commitment-loss, as if an encoder learned.",
      read: ["18.4", "losses"],
    }),
    range({
      id: "decay", label: "Decay", setting: "decay", from: 0, to: 0.99, step: 0.01,
      says: "How much a moving average keeps of what it was. At 0, an embedding jumps to the mean of its vectors.",
      read: ["24", "moving-averages"],
    }),
    range({
      id: "epsilon", label: "Epsilon", setting: "epsilon", from: 0, to: 5, step: 0.1,
      says:
        "Smooths the counts. A large one makes seldom chosen embeddings slower; the layer’s default, 0.00001, " +
        "is too small to see.",
      read: ["24.3"],
    }),
  ]);
}
