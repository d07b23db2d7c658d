"use strict";

/** Situations worth a look: a lesson, and the settings that it needs. */
VQ.presets = (() => {
  const { polar } = VQ.clouds;
  const around = (count, radius, first = 0) =>
    Array.from({ length: count }, (_, i) => polar(radius, first + (2 * Math.PI * i) / count));

  const corners = [[1.05, 1.05], [-1.05, 1.05], [-1.05, -1.05], [1.05, -1.05]];
  const hidden = { cells: true, assignments: true, counts: true, spacing: false, pulls: false };

  return {
    start: {
      lesson:
        "Eight embeddings, taken from the vectors. Press Step: gradient descent moves each to the vectors that " +
        "chose it. Drag an embedding, and see who changes sides.",
      settings: {},
    },
    collapse: {
      lesson:
        "Embedding 0 is nearest to all vectors. Nothing pulls the other seven, so they stay where they are. Press " +
        "Run until they are marked dead. Then choose dead codes under Replacement, and run on.",
      settings: {
        cloud: { shape: "ring", count: 60, seed: 3 },
        codebook: [[0, 0], ...corners, [0.82, 1.05], [-1.05, 0.82], [-0.82, -1.05]],
        update: "average",
        show: hidden,
      },
    },
    drift: {
      lesson:
        "The cloud wanders. Press Run: embeddings that cannot keep up are left behind, and die. Then choose dead " +
        "codes under Replacement: they jump to where the vectors are now.",
      settings: {
        cloud: { shape: "spot", count: 60, seed: 5 },
        update: "average",
        drift: 0.04,
        show: hidden,
      },
    },
    kMeans: {
      lesson:
        "All embeddings start in one group. Press Lloyd step under Start a few times: one embedding is left with " +
        "two groups. Press k-means++ seeds, which are spread out, and then Lloyd step again.",
      settings: {
        codebook: around(4, 0.1).map(([x, y]) => [x - 0.6, y + 0.5]),
        show: hidden,
      },
    },
    tie: {
      lesson:
        "Vectors that are equally far from several embeddings get the lowest index. Embedding 5 lies under 4, " +
        "which it equals, so it gets none: drag 4 away. Choose L1 or L∞, under which whole regions tie.",
      settings: {
        codebook: [[-0.5, 0], [0.5, 0], [0, 0.5], [0, -0.5], [0.75, 0.75], [0.75, 0.75]],
        vectors: [[0, 0], [0.25, 0.25], [-0.25, 0.25], [0.25, -0.25], [-0.25, -0.25], [0.5, 0.5], [0.75, 1], [0, 0.9]],
        show: hidden,
      },
    },
    rotation: {
      lesson:
        "A gradient arrives at each embedding and passes on to its vectors. Straight-through passes it on as it " +
        "is; rotation turns it with the vector, and scales it. Switch between the two under Gradient of the " +
        "output.",
      settings: {
        codebook: around(3, 0.6, Math.PI / 2),
        vectors: [...around(9, 0.85, 0.3), ...around(3, 0.35, 1.1)],
        estimator: "rotation",
        show: hidden,
      },
    },
  };
})();
