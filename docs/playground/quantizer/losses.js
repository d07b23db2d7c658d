"use strict";

/**
 * The losses, by name: functions of a lookup and a weight (VQ-5, VQ-18).
 *
 * Each has a value and a gradient; `moves` says whether that is by the codebook or by the vectors. All but the last
 * two need the order of a norm.
 */
VQ.losses = (() => {
  const { add, subtract, times, total, zerosLike } = VQ.vectors;
  const { distance, gradient } = VQ.norms;

  /** The vectors that found an embedding, each with it. */
  const matched = (it) =>
    it.indices.map((j, i) => ({ i, j, vector: it.vectors[i], embedding: it.codebook[j] })).filter(({ j }) => j >= 0);

  const mean = (values) => total(values) / Math.max(values.length, 1);

  /** Rows like those of the codebook, in which the terms of each are summed up. */
  function summed(codebook, terms) {
    const rows = zerosLike(codebook);
    for (const { j, term } of terms) rows[j] = add(rows[j], term);
    return rows;
  }

  const scaled = (rows, weight, count) => rows.map((row) => row.map((value) => (value * weight) / Math.max(count, 1)));

  const alpha = {
    moves: "codebook",
    needsNorm: true,
    value: (it, weight) => mean(matched(it).map(({ vector, embedding }) => weight * distance(embedding, vector, it.p))),
    gradient(it, weight) {
      const pairs = matched(it);
      const terms = pairs.map(({ j, vector, embedding }) => ({ j, term: gradient(subtract(embedding, vector), it.p) }));
      return scaled(summed(it.codebook, terms), weight, pairs.length);
    },
  };

  const beta = {
    moves: "codebook",
    needsNorm: true,
    value(it, weight) {
      const known = it.values.map((row) => row.filter((value) => !Number.isNaN(value))).filter((row) => row.length);
      return mean(known.map((row) => weight * total(row)));
    },
    gradient(it, weight) {
      const vectors = it.vectors.filter(VQ.vectors.isFinite);
      const terms = it.codebook.flatMap((row, j) =>
        VQ.vectors.isFinite(row) ? vectors.map((vector) => ({ j, term: gradient(subtract(row, vector), it.p) })) : [],
      );
      return scaled(summed(it.codebook, terms), weight, vectors.length);
    },
  };

  const coulomb = {
    moves: "codebook",
    needsNorm: true,
    value(it, weight) {
      const spacings = VQ.spacing.closest(it.codebook, it.p).filter((value) => !Number.isNaN(value));
      return -weight * total(spacings);
    },
    gradient(it, weight) {
      const terms = VQ.spacing.neighbors(it.codebook, it.p).flatMap(({ tied }, i) =>
        tied.flatMap((j) => {
          const away = gradient(subtract(it.codebook[i], it.codebook[j]), it.p);
          const share = times(-weight / tied.length, away);
          return [{ j: i, term: share }, { j, term: times(-1, share) }];
        }),
      );
      return summed(it.codebook, terms);
    },
  };

  /** The mean of the squared differences of all coordinates. */
  function meanSquare(it, weight) {
    const differences = matched(it).flatMap(({ vector, embedding }) => subtract(embedding, vector));
    return weight * mean(differences.map((value) => value * value));
  }

  const coordinates = (pairs) => pairs.reduce((count, { vector }) => count + vector.length, 0);

  const codebook = {
    moves: "codebook",
    value: meanSquare,
    gradient(it, weight) {
      const pairs = matched(it);
      const terms = pairs.map(({ j, vector, embedding }) => ({ j, term: subtract(embedding, vector) }));
      return scaled(summed(it.codebook, terms), 2 * weight, coordinates(pairs));
    },
  };

  const commitment = {
    moves: "vectors",
    value: meanSquare,
    gradient(it, weight) {
      const pairs = matched(it);
      const rows = zerosLike(it.vectors);
      for (const { i, vector, embedding } of pairs) rows[i] = subtract(vector, embedding);
      return scaled(rows, 2 * weight, coordinates(pairs));
    },
  };

  return { alpha, beta, coulomb, codebook, commitment };
})();
