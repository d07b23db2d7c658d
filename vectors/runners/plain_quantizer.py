"""A vector quantization in plain Python, in double precision: lists of numbers, no library at all."""

import math


def distance(x, e, p):
    """Return the p-norm of the difference of two vectors; NaN where one is not finite."""
    if not all(map(math.isfinite, [*x, *e])):
        return math.nan
    apart = [abs(a - b) for a, b in zip(x, e, strict=True)]
    if p == math.inf:
        return max(apart)
    return math.hypot(*apart) if p == 2 else sum(c**p for c in apart) ** (1 / p)


def known(numbers):
    """Return those that are not NaN."""
    return [it for it in numbers if not math.isnan(it)]


def nearest(row):
    """Return the index of the least number, the first on ties; -1 where all are NaN."""
    return row.index(min(known(row))) if known(row) else -1


def closest(among, i):
    """Return the distance of an embedding to the nearest other one (VQ-6)."""
    if math.isnan(among[i][i]):
        return math.nan
    return min(known(among[i][:i] + among[i][i + 1 :]), default=0.0)


def quantize(vectors, counted, codebook, p, weights):
    """Return all endpoints and losses for vectors, of which some are masked, and a codebook (VQ-1 to VQ-6)."""
    away = [[distance(x, e, p) if ok else math.nan for e in codebook] for x, ok in zip(vectors, counted, strict=True)]
    index = [nearest(row) for row in away]
    rows = [codebook[j] if j >= 0 else [math.nan] * len(x) for x, j in zip(vectors, index, strict=True)]
    among = [[distance(a, b, p) for b in codebook] for a in codebook]
    spacings = [closest(among, i) for i in range(len(codebook))]
    found = [i for i, j in enumerate(index) if j >= 0]
    squares = [(a - b) ** 2 for i in found for a, b in zip(vectors[i], rows[i], strict=True)]
    values = {
        "alpha_loss": sum(away[i][index[i]] for i in found) / max(len(found), 1),
        "beta_loss": sum(sum(known(away[i])) for i in found) / max(len(found), 1),
        "coulomb_loss": -sum(known(spacings)),
        "codebook_loss": sum(squares) / max(len(squares), 1),
        "commitment_loss": sum(squares) / max(len(squares), 1),
    }
    return {
        "layer_out": [c for x, e, ok in zip(vectors, rows, counted, strict=True) for c in (e if ok else x)],
        "emb_index": index,
        "access_count": [index.count(j) for j in range(len(codebook))],
        "distance": [d for row in away for d in row],
        "emb_spacing": [d for i, row in enumerate(among) for d in row[i + 1 :]],
        "emb_closest_spacing": spacings,
        "losses": {name: [weight * values[name]] for name, weight in weights.items() if weight != 0},
    }
