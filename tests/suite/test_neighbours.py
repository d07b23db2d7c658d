"""Right implementations that work as the wrong ones beside them do, but to the end, are not accused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from reference import distances as right_distances
from reference import reduction
from reference.reduction import Projection
from reference.voting import Vote
from tests.suite.faults import everyday_sizes as sizes
from tests.suite.faults import half_types as half
from tests.suite.faults import reduced_parts as reduced
from tests.suite.faults.consequences import Array, Fields, weighted_loss
from tests.suite.faults.machinery import Check, Faulty, in_quantize, instead_of
from tests.suite.profiles import under
from vq_verify.protocol import Case, Quantized
from vq_verify.strategies.everyday import CLASSES

right_pairwise, right_fit = right_distances.pairwise_distance, reduction.fit


@instead_of(
    "reference.distances.pairwise_distance",
    "VQ-1.1",
    sizes.quantized("coordinates", lookup_ord=1),
    sizes.quantized("more coordinates"),
    sizes.quantized("splits", lookup_ord=np.inf),
    sizes.trained(sizes.replaced, "embeddings"),
)
def groups_of_coordinates_and_the_rest_are_put_together(vectors: Array, emb_space: Array, lookup_ord: float) -> Array:
    parts = range(0, emb_space.shape[-1], sizes.GROUP)
    of_groups = np.stack(
        [
            right_pairwise(vectors[..., i : i + sizes.GROUP], emb_space[:, i : i + sizes.GROUP], lookup_ord)
            for i in parts
        ]
    )
    # The root of a square that was rounded is off; squares of integers are themselves again.
    together = {
        1: lambda it: it.sum(axis=0),
        2: lambda it: np.sqrt(np.rint(it**2).sum(axis=0)),
        np.inf: lambda it: it.max(axis=0),
    }
    return together[lookup_ord](of_groups)


@instead_of(
    "reference.distances.pairwise_distance",
    "VQ-2.1",
    sizes.quantized("embeddings"),
    sizes.more_embeddings,
    sizes.trained(sizes.dead, "embeddings"),
)
def blocks_of_embeddings_and_the_rest_are_put_together(vectors: Array, emb_space: Array, lookup_ord: float) -> Array:
    blocks = np.split(emb_space, range(sizes.BLOCK, len(emb_space), sizes.BLOCK))
    return np.concatenate([right_pairwise(vectors, block, lookup_ord) for block in blocks], axis=-1)


@instead_of(
    "reference.lookup.access_count",
    "VQ-4.2",
    *half.many_vectors,
    sizes.trained(sizes.averaged, "vectors", "bfloat16"),
    sizes.trained(sizes.replaced, "vectors", "bfloat16"),
)
def counts_are_added_up_in_float32(emb_index: Array, n: int) -> Array:
    count = np.zeros(n, np.float32)
    np.add.at(count, emb_index[emb_index >= 0], np.float32(1))
    return count.astype(np.float64)


@in_quantize("VQ-5.3", *half.many_vectors)
def a_mean_is_added_up_in_float32_one_by_one(case: Case, right: Quantized) -> Fields:
    found = right.emb_index.reshape(-1) >= 0
    terms = right.distance.min(axis=-1).reshape(-1)[found].astype(np.float32)
    return weighted_loss(case, right, "alpha_loss", np.cumsum(terms)[-1] / np.float32(len(terms)))


@instead_of("reference.voting.majority_vote", "VQ-10.3", sizes.compared("embeddings", vote=True))
def ties_are_broken_by_less_than_a_vote_for_all_labels(
    similarity: Array, emb_labels: Array, _: int, k: int, representative: str
) -> Vote:
    return sizes.elected(
        similarity, emb_labels, k, representative, lambda labels, counts: counts - labels / (2 * CLASSES)
    )


@instead_of(
    "reference.reduction.fit",
    "VQ-8.7",
    reduced.among,
    reduced.similar,
    *reduced.of_splits,
    reduced.replaced("pca-batch"),
    reduced.trained("dead codes"),
)
def the_axes_have_other_signs(rows: Array, num_components: int, unit_roundoff: float) -> Projection:
    right = right_fit(rows, num_components, unit_roundoff)
    assert right.axes is not None
    return right._replace(axes=right.axes * np.where(np.arange(num_components) % 2, 1, -1))


@pytest.mark.parametrize(
    ("neighbour", "check"),
    [
        pytest.param(it, check, id=f"{it.name}-{i}")
        for it in list(globals().values())
        if isinstance(it, Faulty)
        for i, check in enumerate(it.checks)
    ],
)
def test_a_right_implementation_near_a_wrong_one_passes(neighbour: Any, check: Callable[..., None] | Check) -> None:
    with under("quick"):
        check(neighbour)
