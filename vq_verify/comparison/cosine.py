"""The error of a computed cosine similarity, and what a lookup and a vote by such similarities may come to (VQ-15)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vq_verify.comparison.rounding import Array, Rounding
from vq_verify.protocol import CosineCase, CosineQuantized, Vote


def exact_similarity(case: CosineCase) -> Array:
    """Return the similarity of every vector to every embedding by the plain formula in float64, ``[batch * m, n]``.

    A power of 2 brings each row close to 1 first, which rounds nothing. NaN where a row is not finite. It has the
    roundings of a similarity that is computed from unit vectors, or fewer.
    """
    vectors, embeddings = (_leveled(rows) for rows in (split_rows(case.x, case.emb_space), case.emb_space))
    lengths = np.linalg.norm(vectors, axis=-1)[:, np.newaxis] * np.linalg.norm(embeddings, axis=-1)
    return np.asarray(vectors @ embeddings.T / np.where(lengths == 0, 1, lengths))


def _leveled(rows: NDArray[Any]) -> Array:
    finite = np.isfinite(rows).all(axis=-1, keepdims=True)
    rows = np.where(finite, rows.astype(np.float64), 0)
    _, exponent = np.frexp(np.abs(rows).max(axis=-1, keepdims=True))
    return np.where(finite, np.ldexp(rows, -exponent), np.nan)


def similarity_error(d: int, arithmetic: Rounding) -> float:
    """Bound the error of a similarity computed as the dot product of two unit vectors in d dimensions.

    A coordinate of a unit vector has d / 2 + 4 roundings: the division by the largest magnitude, 1 of its own and 1 by
    way of the norm; the square and the sum in the norm, d, halved by the root, and 1 for the root; the last division.
    The products of two such coordinates have one rounding more, and d - 1 for the sum: 2 (d / 2 + 4) + d in all, and 1
    for the sums and differences that this bound is compared in. They are relative to the sum of the magnitudes of the
    products, at most 1 by Cauchy and Schwarz.

    Per coordinate, two divisions of each vector, its square and the product may be flushed, at most 7 t, since no other
    factor exceeds 1.
    """
    return float(arithmetic.gamma(2 * d + 9) + 7 * d * arithmetic.smallest_normal)


def near_maxima(similarity: Array, error: float) -> NDArray[np.bool_]:
    """Tell which entries of each row may be its maximum once each is off by the error; NaN never is."""
    known = ~np.isnan(similarity)
    largest = np.max(similarity, axis=-1, keepdims=True, where=known, initial=-np.inf)
    return np.asarray(known & (similarity >= largest - 2 * error))


def admits_outcome(
    similarity: Array, error: float, vote: Vote, label: int, emb_index: int, is_mapped: bool | None
) -> bool:
    """Tell whether some k that may be the most similar embeddings elect the label, with this index and mapping.

    A set of k is admissible iff no embedding outside it is more similar than one inside by more than twice the error:
    then similarities within the error exist by which it is the set of the most similar ones. With the least similarity
    in the set at least v, those above ``v + 2 error`` are surely in, those in between may be, and any choice from
    these will do. So each embedding is tried for v.

    Parameters
    ----------
    similarity : array, shape [n], float64
        The exact similarities of one vector; NaN for embeddings that have no vote (VQ-13).
    error : float
        The bound on the error of each.
    vote : Vote
        The labels and the rule.
    label, emb_index : int
        The winning label and the index of its representative; -1 where nobody votes.
    is_mapped : bool or None
        Whether the vector is mapped to itself; None without a threshold.

    Examples
    --------
    >>> vote = Vote(np.array([4, 2, 3]), num_classes=5, k=1, representative="nearest")
    >>> [admits_outcome(np.array([0.8, 0.799, 0.1]), 0.001, vote, *it, None) for it in ((4, 0), (2, 1), (3, 2))]
    [True, True, False]
    """
    known = ~np.isnan(similarity)
    seats = min(vote.k, int(known.sum()))
    if seats == 0:
        return (label, emb_index) == (-1, -1) and not is_mapped
    bearers = np.flatnonzero(known & (vote.emb_labels == label))
    if emb_index not in bearers:
        return False
    if vote.representative == "first" and emb_index != bearers[0]:
        return False
    if vote.representative == "nearest" and similarity[emb_index] < similarity[bearers].max() - 2 * error:
        return False
    for least in similarity[known]:
        sure = similarity > least + 2 * error
        free = (similarity >= least) & ~sure
        represented = vote.representative == "first" or sure[emb_index] or free[emb_index]
        must_win = int(vote.representative == "nearest" and not sure[emb_index])
        for votes in _electing_votes(vote, sure, free, label, seats, must_win) if represented else ():
            if is_mapped is None or is_mapped == (votes / vote.k < vote.majority_threshold):
                return True
    return False


def _electing_votes(
    vote: Vote, sure: NDArray[np.bool_], free: NDArray[np.bool_], label: int, seats: int, must_win: int
) -> list[int]:
    """List the numbers of votes with which the label can win when some of the free ones fill the remaining seats.

    If the label has w of them, every other label has room for as many as keep it behind: below it for lower labels.
    """
    counts, chances = (np.bincount(vote.emb_labels[them], minlength=vote.num_classes) for them in (sure, free))
    remaining = seats - counts.sum()
    electing = []
    for won in range(must_win, min(chances[label], remaining) + 1):
        votes = counts[label] + won
        room = np.minimum(chances, votes - (np.arange(vote.num_classes) < label) - counts)
        room[label] = won
        if (room >= 0).all() and room.sum() >= remaining:
            electing.append(int(votes))
    return electing


def assert_same_endpoints(result: CosineQuantized, expected: CosineQuantized, *names: str) -> None:
    """Assert that endpoints, all unless some are named, are equal bit for bit, NaN in the same places."""
    for name in names or CosineQuantized._fields:
        value, wanted = getattr(result, name), getattr(expected, name)
        assert (value is None) == (wanted is None), name
        if wanted is not None:
            assert_identical(value, wanted, name)


def assert_identical(value: Any, expected: Any, name: str = "") -> None:
    """Assert that arrays have the same dtype, shape and values, NaN in the same places, in half types, too."""
    value, expected = np.asarray(value), np.asarray(expected)
    assert value.dtype == expected.dtype, name
    if value.dtype.kind not in "biu":  # NumPy knows no NaN of bfloat16
        value, expected = value.astype(np.float64), expected.astype(np.float64)
    np.testing.assert_array_equal(value, expected, err_msg=name, strict=True)


def split_rows(array: NDArray[Any], emb_space: NDArray[Any]) -> NDArray[Any]:
    """Cut inputs or outputs, ``[batch, r, q]``, into vectors of the size of the embeddings, ``[batch * m, d]``."""
    return array.reshape(-1, emb_space.shape[1])


def finite_vectors(case: CosineCase) -> NDArray[np.bool_]:
    """Tell which vectors of x are finite, ``[batch * m]``."""
    return np.asarray(np.isfinite(split_rows(case.x, case.emb_space)).all(axis=-1))


def indexed_rows(case: CosineCase, emb_index: NDArray[np.int64]) -> NDArray[Any]:
    """Return the embeddings at the indices, a row of NaN at -1, in the dtype of x: ``[batch * m, d]``."""
    with_nan = np.concatenate([case.emb_space, np.full_like(case.emb_space[:1], np.nan)])
    return np.asarray(with_nan.astype(case.x.dtype)[emb_index.reshape(-1)])
