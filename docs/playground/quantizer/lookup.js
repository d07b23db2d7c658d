"use strict";

/** Which embedding is nearest or most similar, and how often each was (VQ-2, VQ-4, VQ-9, VQ-13). */
VQ.lookup = (() => {
  const { dot, isFinite, normalize, total } = VQ.vectors;

  /** What vectors are compared by: the order of a norm, or null for the cosine. */
  const COMPARISONS = { l1: 1, l2: 2, linf: Infinity, cosine: null };

  /** The function from a vector to its distances to all embeddings, NaN where one of both is not finite. */
  function distancesTo(codebook, p) {
    const usable = codebook.map(isFinite);
    return (vector) => {
      const finite = isFinite(vector);
      return codebook.map((row, j) => (finite && usable[j] ? VQ.norms.distance(vector, row, p) : NaN));
    };
  }

  /** The function from a vector to its cosine similarities to all embeddings. */
  function similaritiesTo(codebook) {
    const units = codebook.map(normalize);
    return (vector) => {
      const unit = normalize(vector);
      return units.map((row) => dot(unit, row));
    };
  }

  /** The index of the least value, the lowest on ties; NaN is never chosen, and -1 stands for none. */
  function nearest(values) {
    let best = -1;
    for (let j = 0; j < values.length; j += 1) {
      if (!Number.isNaN(values[j]) && (best < 0 || values[j] < values[best])) best = j;
    }
    return best;
  }

  /** The function from a vector to the index of its embedding, and to what it was compared by. */
  function searcher(codebook, comparison) {
    const p = COMPARISONS[comparison];
    if (p !== null) {
      const distances = distancesTo(codebook, p);
      return (vector) => {
        const values = distances(vector);
        return { index: nearest(values), values };
      };
    }
    const similarities = similaritiesTo(codebook);
    return (vector) => {
      const values = similarities(vector);
      return { index: nearest(values.map((value) => -value)), values };
    };
  }

  /** How often each of n embeddings was chosen; -1 is not counted (VQ-4). */
  function accessCounts(indices, n) {
    const counts = Array(n).fill(0);
    for (const j of indices) if (j >= 0) counts[j] += 1;
    return counts;
  }

  /** One lookup of all vectors: all that losses, updates and replacements look at. */
  function lookUp(vectors, codebook, comparison) {
    const found = vectors.map(searcher(codebook, comparison));
    const indices = found.map((each) => each.index);
    return {
      vectors,
      codebook,
      comparison,
      p: COMPARISONS[comparison],
      values: found.map((each) => each.values),
      indices,
      counts: accessCounts(indices, codebook.length),
    };
  }

  /** The exponential of the entropy of the usage; NaN when nothing was counted. */
  function perplexity(counts) {
    const shares = counts.filter((count) => count > 0).map((count) => count / total(counts));
    return shares.length ? Math.exp(-total(shares.map((share) => share * Math.log(share)))) : NaN;
  }

  /** The share of embeddings that were used at all; NaN when nothing was counted. */
  const usage = (counts) =>
    total(counts) ? counts.filter((count) => count > 0).length / counts.length : NaN;

  return { searcher, lookUp, perplexity, usage };
})();
