"""Vector quantization in exact arithmetic: integers, fractions, lists and loops.

A third route to the numbers of ``reference/SPEC.md``, written from its clauses. It shares neither code nor algorithm
with the NumPy oracle that it checks, and nothing in it rounds, but for roots, which are cut after 60 digits.

A number is a `fractions.Fraction`, or None where a float is not finite; a vector is a list of numbers; None as a
distance says that one of the two vectors is not finite. The order of a norm is a number that a fraction of small
integers holds, or `math.inf`.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

Number = Fraction | None
Vector = list[Number]

_SCALE = 10**60


def rationals(nested: Any) -> Any:
    """Replace every float of a nested list by its exact value, or by None where it is not finite."""
    if isinstance(nested, list):
        return [rationals(item) for item in nested]
    return Fraction(nested) if math.isfinite(nested) else None


def is_finite(vector: Vector) -> bool:
    """Tell whether no coordinate is None (VQ-13)."""
    return all(coordinate is not None for coordinate in vector)


def split(x: list[list[Vector]], num_splits: int) -> list[list[Vector]]:
    """Cut the last axis into equal vectors: ``[batch][r][q] -> [batch][m][d]`` (VQ-1)."""
    vectors = []
    for sample in x:
        pieces = []
        for row in sample:
            d = len(row) // num_splits
            for part in range(num_splits):
                pieces.append([row[part * d + c] for c in range(d)])
        vectors.append(pieces)
    return vectors


def root(square: Fraction) -> Fraction:
    """Return the square root, exact where it is rational, else cut after 60 digits: ``sqrt(a / b) = sqrt(a b) / b``.

    Examples
    --------
    >>> root(Fraction(25, 4))
    Fraction(5, 2)
    >>> 0 < 2 - root(Fraction(2)) ** 2 < Fraction(3, 10**60)
    True
    """
    a, b = square.numerator, square.denominator
    return Fraction(math.isqrt(a * b * _SCALE**2), b * _SCALE)


def power(base: Fraction, exponent: Fraction) -> Fraction:
    """Return ``base^(a / b)``, the b-th root of ``base^a``, cut after 60 digits; neither is negative.

    Examples
    --------
    >>> power(Fraction(27, 8), Fraction(2, 3))
    Fraction(9, 4)
    """
    degree, scaled = exponent.denominator, base**exponent.numerator * _SCALE**exponent.denominator
    low, high = 0, 1 + int(scaled)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**degree <= scaled else (low, middle)
    return Fraction(low, _SCALE)


def norm(vector: Vector, lookup_ord: float) -> Fraction:
    """Return the length of a finite vector (VQ-1)."""
    magnitudes = [abs(coordinate) for coordinate in vector]
    if lookup_ord == 1:
        return sum(magnitudes, Fraction(0))
    if lookup_ord == 2:
        return root(sum((magnitude * magnitude for magnitude in magnitudes), Fraction(0)))
    if lookup_ord == math.inf:
        return max(magnitudes)
    p = Fraction(lookup_ord)
    return power(sum((power(magnitude, p) for magnitude in magnitudes), Fraction(0)), 1 / p)


def distance(vector: Vector, embedding: Vector, lookup_ord: float) -> Number:
    """Return the distance of two vectors, None where one is not finite (VQ-1, VQ-13)."""
    if not (is_finite(vector) and is_finite(embedding)):
        return None
    return norm(difference(vector, embedding), lookup_ord)


def difference(vector: Vector, other: Vector) -> Vector:
    """Subtract two finite vectors."""
    return [a - b for a, b in zip(vector, other, strict=True)]


def distances(vector: Vector, emb_space: list[Vector], lookup_ord: float) -> list[Number]:
    """Return the distance of a vector to every embedding."""
    return [distance(vector, embedding, lookup_ord) for embedding in emb_space]


def nearest(row: Sequence[Number]) -> int:
    """Return where the smallest distance stands, the lowest index on ties, -1 if there is none (VQ-2, VQ-13)."""
    best = -1
    for j, candidate in enumerate(row):
        if candidate is not None and (best == -1 or candidate < row[best]):
            best = j
    return best


def access_count(indices: Sequence[int], n: int) -> list[int]:
    """Count how often each of n indices occurs (VQ-4)."""
    return [sum(1 for index in indices if index == j) for j in range(n)]


def alpha_loss(vectors: list[Vector], emb_space: list[Vector], lookup_ord: float, alpha: Fraction) -> Fraction:
    """Return the mean over the finite vectors of alpha times the distance to the nearest embedding (VQ-5)."""
    known = [_known(distances(vector, emb_space, lookup_ord)) for vector in vectors]
    return alpha * _mean([min(row) for row in known if row])


def beta_loss(vectors: list[Vector], emb_space: list[Vector], lookup_ord: float, beta: Fraction) -> Fraction:
    """Return the mean over the finite vectors of beta times the sum of the distances to all embeddings (VQ-5)."""
    known = [_known(distances(vector, emb_space, lookup_ord)) for vector in vectors]
    return beta * _mean([sum(row, Fraction(0)) for row in known if row])


def coulomb_loss(emb_space: list[Vector], lookup_ord: float, gamma: Fraction) -> Fraction:
    """Return minus gamma times the sum of the closest spacings (VQ-5)."""
    return -gamma * sum(_known(emb_closest_spacing(emb_space, lookup_ord)), Fraction(0))


def codebook_loss(vectors: list[Vector], emb_space: list[Vector], lookup_ord: float, weight: Fraction) -> Fraction:
    """Return the mean over the coordinates of weight times the squared difference to the nearest embedding (VQ-18)."""
    squares = []
    for vector in vectors:
        j = nearest(distances(vector, emb_space, lookup_ord))
        squares += [it * it for it in difference(vector, emb_space[j])] if j >= 0 else []
    return weight * _mean(squares)


def emb_spacing(emb_space: list[Vector], lookup_ord: float) -> list[Number]:
    """Return the distances of the pairs (0, 1), (0, 2), ..., (1, 2), ... of embeddings (VQ-6)."""
    n = len(emb_space)
    return [distance(emb_space[i], emb_space[j], lookup_ord) for i in range(n) for j in range(i + 1, n)]


def emb_closest_spacing(emb_space: list[Vector], lookup_ord: float) -> list[Number]:
    """Return the distance of each embedding to the nearest other one, 0 if there is no other (VQ-6)."""
    spacing: list[Number] = []
    for i, embedding in enumerate(emb_space):
        others = [distance(embedding, other, lookup_ord) for j, other in enumerate(emb_space) if j != i]
        spacing.append(min(_known(others), default=Fraction(0)) if is_finite(embedding) else None)
    return spacing


def norm_gradient(vector: Vector, lookup_ord: float) -> Vector:
    """Return the chosen subgradient of the norm at a finite vector (VQ-7)."""
    length = norm(vector, lookup_ord)
    if length == 0:
        return [Fraction(0) for _ in vector]
    if lookup_ord == 1:
        return [_sign(coordinate) for coordinate in vector]
    if lookup_ord == 2:
        return [coordinate / length for coordinate in vector]
    if lookup_ord != math.inf:
        return [_sign(it) * power(abs(it) / length, Fraction(lookup_ord) - 1) for it in vector]
    largest = [c for c, coordinate in enumerate(vector) if abs(coordinate) == length]
    return [_sign(vector[c]) / len(largest) if c in largest else Fraction(0) for c in range(len(vector))]


def alpha_gradient(vectors: list[Vector], emb_space: list[Vector], lookup_ord: float, alpha: Fraction) -> list[Vector]:
    """Return the gradient of `alpha_loss` by the embedding space (VQ-5, VQ-7)."""
    gradient = _zeros_like(emb_space)
    finite = [vector for vector in vectors if is_finite(vector)]
    for vector in finite:
        j = nearest(distances(vector, emb_space, lookup_ord))
        if j == -1:
            continue
        _add(gradient[j], alpha / len(finite), norm_gradient(difference(emb_space[j], vector), lookup_ord))
    return gradient


def beta_gradient(vectors: list[Vector], emb_space: list[Vector], lookup_ord: float, beta: Fraction) -> list[Vector]:
    """Return the gradient of `beta_loss` by the embedding space (VQ-5, VQ-7)."""
    gradient = _zeros_like(emb_space)
    finite = [vector for vector in vectors if is_finite(vector)]
    for vector in finite:
        for j, embedding in enumerate(emb_space):
            if is_finite(embedding):
                _add(gradient[j], beta / len(finite), norm_gradient(difference(embedding, vector), lookup_ord))
    return gradient


def coulomb_gradient(emb_space: list[Vector], lookup_ord: float, gamma: Fraction) -> list[Vector]:
    """Return the gradient of `coulomb_loss` by the embedding space (VQ-5, VQ-7)."""
    gradient = _zeros_like(emb_space)
    for i, closest in enumerate(emb_closest_spacing(emb_space, lookup_ord)):
        to_all = distances(emb_space[i], emb_space, lookup_ord)
        tied = [j for j, it in enumerate(to_all) if j != i and it is not None and it == closest]
        for j in tied:
            direction = norm_gradient(difference(emb_space[i], emb_space[j]), lookup_ord)
            _add(gradient[i], -gamma / len(tied), direction)
            _add(gradient[j], gamma / len(tied), direction)
    return gradient


def central_difference(
    loss: Callable[[list[Vector]], Fraction], emb_space: list[Vector], step: Fraction
) -> list[Vector]:
    """Return ``(loss(E + step) - loss(E - step)) / (2 step)`` for each coordinate of each embedding of E.

    Exact where the loss is linear between the two; elsewhere off by ``step^2 / 6`` times the third derivative.
    """
    return [
        [
            (loss(_moved(emb_space, j, c, step)) - loss(_moved(emb_space, j, c, -step))) / (2 * step)
            for c in range(len(embedding))
        ]
        for j, embedding in enumerate(emb_space)
    ]


def _moved(emb_space: list[Vector], j: int, c: int, step: Fraction) -> list[Vector]:
    moved = [list(embedding) for embedding in emb_space]
    moved[j][c] += step
    return moved


def _known(row: Sequence[Number]) -> list[Fraction]:
    return [it for it in row if it is not None]


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values) if values else Fraction(0)


def _sign(value: Fraction) -> Fraction:
    return Fraction((value > 0) - (value < 0))


def _zeros_like(emb_space: list[Vector]) -> list[Vector]:
    return [[Fraction(0) for _ in embedding] for embedding in emb_space]


def _add(row: Vector, weight: Fraction, direction: Vector) -> None:
    for c, coordinate in enumerate(direction):
        row[c] += weight * coordinate
