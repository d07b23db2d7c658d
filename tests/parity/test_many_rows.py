"""More embeddings and vectors than an implementation may handle at a time, against the oracle.

The inputs are exact, and so few that vectors tie between embeddings of all places.
"""

import numpy as np
import pytest

from vq_verify.offers import offered
from vq_verify.protocol import Case, CosineCase, Implementation, Vote

from . import test_cosine as cosine
from . import test_vector_quantization as parity

EMBEDDINGS, BATCH, R, SPLITS, D = 200, 75, 4, 2, 8
K = 41


def exact_case(implementation: Implementation, lookup_ord: float) -> Case:
    """Draw small integers; half of the vectors equal one embedding, more often than half types can count."""
    losses = offered(implementation, "losses", ("alpha_loss", "beta_loss", "coulomb_loss"))
    rng = np.random.default_rng(0)
    emb_space = rng.integers(-3, 4, [EMBEDDINGS, D])
    x = rng.integers(-3, 4, [BATCH, R, SPLITS * D])
    x[: BATCH // 2] = np.tile(emb_space[150], SPLITS)
    return Case(
        x=x.astype(np.float32),
        emb_space=emb_space.astype(np.float32),
        lookup_ord=lookup_ord,
        num_splits=SPLITS,
        weights=dict.fromkeys(losses, 0.125),
        exact=True,
    )


def exact_directions(rng: np.random.Generator, count: int) -> np.ndarray:
    """Draw vectors of one or of four nonzero coordinates of magnitude 1, so that their norms are 1 and 2."""
    signs = rng.choice([-1, 1], [count, D])
    place = rng.permuted(np.tile(np.arange(D), (count, 1)), axis=1)
    return signs * (place < rng.choice([1, 4], [count, 1]))


@pytest.mark.clause(
    "VQ-1.1",
    "VQ-1.2",
    "VQ-1.3",
    "VQ-1.4",
    "VQ-2.1",
    "VQ-2.3",
    "VQ-2.5",
    "VQ-4.1",
    "VQ-4.2",
    "VQ-6.1",
    "VQ-6.2",
    "VQ-15.10",
)
@pytest.mark.parametrize("lookup_ord", [1, 2, np.inf])
def test_many_vectors_are_quantized_bit_for_bit(implementation: Implementation, lookup_ord: float) -> None:
    case = exact_case(implementation, lookup_ord)
    parity.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit.check(implementation, case)


@pytest.mark.clause("VQ-5.3", "VQ-5.4", "VQ-5.5", "VQ-7.2", "VQ-7.3", "VQ-7.4", "VQ-15.2")
@pytest.mark.parametrize("lookup_ord", [1])  # of the others, the everyday sizes
def test_many_vectors_give_the_losses_and_gradients_of_all(implementation: Implementation, lookup_ord: float) -> None:
    case = exact_case(implementation, lookup_ord)
    parity.test_losses_are_within_their_rounding_errors.check(implementation, case)
    parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential.check(implementation, case)


@pytest.mark.clause("VQ-9.4", "VQ-9.5", "VQ-9.6", "VQ-10.1", "VQ-10.2", "VQ-10.3", "VQ-10.7", "VQ-10.8")
@pytest.mark.parametrize("voting", [False, True], ids=["plain", "vote"])
def test_many_vectors_find_their_most_similar_embeddings_bit_for_bit(
    implementation: Implementation, voting: bool
) -> None:
    rng = np.random.default_rng(0)
    emb_space = exact_directions(rng, EMBEDDINGS).astype(np.float32)
    x = exact_directions(rng, BATCH * R * SPLITS).reshape(BATCH, R, -1).astype(np.float32)
    vote = Vote(rng.integers(0, 7, EMBEDDINGS), 7, K, 9 / K, "nearest") if voting else None
    case = CosineCase(x=x, emb_space=emb_space, num_splits=SPLITS, vote=vote)
    cosine.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit.check(implementation, case)
