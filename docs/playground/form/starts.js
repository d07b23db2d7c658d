"use strict";

/** How the embeddings start. */
{
  const { button, section } = VQ.form;

  section("starts", "Start", [
    button({
      action: "first", label: "First vectors",
      says: "Embeddings become the first vectors of the batch, whatever these are.",
      read: ["12"],
    }),
    button({
      action: "sample", label: "Sample",
      says: "Embeddings become vectors drawn at random; two may fall into one group.",
      read: ["25.1", "k-means"],
    }),
    button({
      action: "seeds", label: "K-means++ seeds",
      says: "Each is likelier drawn the farther it is from those before, so that they are spread out.",
      read: ["25.3", "k-means"],
    }),
    button({
      action: "lloyd", label: "Lloyd step",
      says: "Moves each embedding to the mean of the vectors nearest to it by L2. One that is nearest to none stays.",
      read: ["25.4", "k-means"],
    }),
    button({
      action: "kMeans", label: "K-means start",
      says: "The seeds and ten Lloyd steps at once: what a layer starts from.",
      read: ["25", "k-means"],
    }),
  ]);
}
