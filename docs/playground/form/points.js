"use strict";

/** How many vectors and embeddings there are, and where from. */
{
  const { button, range, select, section } = VQ.form;

  section("points", "Vectors and embeddings", [
    select({
      id: "shape", label: "Cloud", setting: "cloud.shape",
      options: [
        { value: "groups", label: "Four groups" },
        { value: "ring", label: "Ring" },
        { value: "square", label: "Square" },
        { value: "spot", label: "Spot" },
      ],
      says: "Where vectors are drawn from.",
      read: ["codebook"],
    }),
    range({
      id: "vector-count", label: "Number of vectors", setting: "cloud.count", from: 1, to: 120, step: 1,
      says: "How many vectors one batch holds.",
      read: ["1"],
    }),
    range({
      id: "n", label: "Number of embeddings", setting: "n", from: 1, to: 16, step: 1,
      says: "With more, cells get smaller, and so does the distance.",
      read: ["2", "codebook"],
    }),
    range({
      id: "drift", label: "Drift", setting: "drift", from: 0, to: 0.3, step: 0.01,
      says: "How far the cloud turns around the origin after each pass, as vectors do while an encoder learns.",
      read: ["26", "dead-codes"],
    }),
    button({
      action: "cloud", label: "New vectors",
      says: "Draws the cloud anew. The embeddings stay where they are.",
      read: ["2"],
    }),
  ]);
}
