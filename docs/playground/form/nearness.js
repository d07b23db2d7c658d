"use strict";

/** What is compared, and what of it is shown. */
{
  const { checkbox, radios, section } = VQ.form;

  section("nearness", "What is near", [
    radios({
      id: "comparison", label: "Comparison", setting: "comparison",
      options: [
        { value: "l1", label: "L1" },
        { value: "l2", label: "L2" },
        { value: "linf", label: "L∞" },
        { value: "cosine", label: "Cosine" },
      ],
      says:
        "A cell holds all points that get the same embedding. Norms compare distances; the cosine compares " +
        "directions, so its cells are wedges around the origin.",
      read: ["2", "norms", "cosine"],
    }),
    checkbox({
      id: "show-cells", label: "Cells", setting: "show.cells",
      says: "Each spot has the color of the embedding that it would get. Where two tie, the lowest index wins.",
      read: ["2.3"],
    }),
    checkbox({
      id: "show-assignments", label: "Assignments", setting: "show.assignments",
      says: "A line leads from each vector to its embedding, which takes the vector’s place in the output.",
      read: ["2.1", "codebook"],
    }),
    checkbox({
      id: "show-counts", label: "Access counts", setting: "show.counts",
      says:
        "Under each embedding stands how many vectors chose it. Perplexity sums that up: 8 if eight are " +
        "chosen equally often, 1 if only one is.",
      read: ["4"],
    }),
    checkbox({
      id: "show-spacing", label: "Spacing", setting: "show.spacing", needsNorm: true,
      says: "A dashed line leads from each embedding to its nearest other one, with their distance. It needs a norm.",
      read: ["6"],
    }),
  ]);
}
