"use strict";

/** Which embeddings are replaced, by what, and when. */
{
  const { button, radios, range, section } = VQ.form;

  section("replacement", "Replacement", [
    radios({
      id: "replacement-rule", label: "Rule", setting: "replacement",
      options: [
        { value: "none", label: "None" },
        { value: "dead-codes", label: "Dead codes" },
        { value: "most-distant", label: "Most distant (2018)", needsNorm: true },
      ],
      says:
        "Dead codes writes vectors over embeddings that are hardly ever chosen. Most distant writes the most " +
        "distant vectors over the least used embeddings, dead or not.",
      read: ["26", "11", "dead-codes"],
    }),
    range({
      id: "every", label: "By itself after so many passes", setting: "every", from: 0, to: 20, step: 1,
      says: "At 0, only the button replaces.",
      read: ["23"],
    }),
    range({
      id: "number", label: "At most", setting: "number", from: 1, to: 8, step: 1,
      says: "How many embeddings one replacement may write.",
      read: ["26.5"],
    }),
    button({
      action: "replace", label: "Replace now",
      says: "Writes vectors over embeddings at once, with what the passes since the last replacement gathered.",
      read: ["26.4", "11.6"],
    }),
    radios({
      id: "source", label: "Dead codes take", setting: "source",
      options: [
        { value: "sample", label: "Any vector" },
        { value: "most-distant", label: "The most distant" },
      ],
      says: "A sample follows the cloud; the most distant vectors may be outliers.",
      read: ["26.7", "26.8"],
    }),
    range({
      id: "fraction", label: "Dead below", setting: "fraction", from: 0.01, to: 0.5, step: 0.01,
      says: "An embedding is dead when its moving share is below this fraction of the even share.",
      read: ["26.3", "dead-codes"],
    }),
    range({
      id: "share-decay", label: "Decay of the share", setting: "shareDecay", from: 0, to: 0.99, step: 0.01,
      says: "How long an embedding is remembered. The layer’s default is 0.95: 59 passes until it is dead.",
      read: ["26.14"],
    }),
  ]);
}
