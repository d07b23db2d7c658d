"""The oracle's parts check themselves and each other, and its heart puts them together in the order that it must."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import reference
from reference import (
    PCA,
    Alpha,
    Beta,
    Codebook,
    Commitment,
    Cosine,
    Coulomb,
    DeadCodes,
    FromBatch,
    Gradient,
    Majority,
    MostDistant,
    MovingAverage,
    Nearest,
    NoGradient,
    Norm,
    Quantizer,
    StraightThrough,
    cosine_knn_vector_quantization,
    cosine_vector_quantization,
    initial_state,
    quantize,
    vector_quantization,
)
from reference.compatibility import INCOMPATIBLE
from reference.gradients import alpha_gradient, beta_gradient, coulomb_gradient
from reference.parts.updates import Update
from reference.quantizer import gradients
from tests.oracle.cases import LOOKUP_ORDS, Case, cases

LABELS = np.array([0, 1])
VOTE = Majority(LABELS, 2, 1)

WRONG_PARTS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (
        lambda: Norm(0.5),
        ValueError,
        "`p` of Norm (lookup_ord) must be a number of at least 1, or infinity. Received: p=0.5",
    ),
    (lambda: Norm(True), TypeError, "`p` of Norm (lookup_ord) must be a number. Received: p=True"),
    (
        lambda: PCA(Norm(2), "pca"),
        ValueError,
        "`fit` of PCA (dim_reduction) must be 'pca-batch' or 'pca-emb-space'. Received: fit='pca'",
    ),
    (lambda: PCA(Norm(2), None), TypeError, "`fit` of PCA (dim_reduction) must be a string. Received: fit=None"),
    (
        lambda: PCA(components=0),
        ValueError,
        "`components` of PCA (num_dim_reduction_components) must be greater than 0. Received: components=0",
    ),
    (lambda: PCA(PCA()), TypeError, "`of` of PCA must be Norm or Cosine. Received: of=PCA("),
    (lambda: Alpha(np.nan), ValueError, "`weight` of Alpha (alpha) must be finite. Received: weight=nan"),
    (lambda: Beta("1"), TypeError, "`weight` of Beta (beta) must be a number. Received: weight='1'"),
    (lambda: Coulomb(np.inf), ValueError, "`weight` of Coulomb (gamma) must be finite. Received: weight=inf"),
    (lambda: Majority(LABELS, 2, 3), ValueError, "`k` of Majority must be between 1 and n=2. Received: k=3"),
    (
        lambda: Majority(LABELS, 1, 1),
        ValueError,
        "`emb_labels` of Majority must lie in [0, num_classes) = [0, 1). Received: labels from 0 to 1",
    ),
    (
        lambda: Majority(LABELS[np.newaxis], 2, 1),
        ValueError,
        "`emb_labels` of Majority must have the shape [n] = [2]. Received: (1, 2)",
    ),
    (
        lambda: Majority(LABELS, 2, 1, np.nan),
        ValueError,
        "`majority_threshold` of Majority must not be NaN. Received: majority_threshold=nan",
    ),
    (
        lambda: Majority(LABELS, 2, 1, 0, "last"),
        ValueError,
        "`representative` of Majority must be 'first' or 'nearest'. Received: representative='last'",
    ),
    (
        lambda: FromBatch("last"),
        ValueError,
        "`method` of FromBatch (embedding_initializer) must be 'first', 'sample' or 'k-means'. Received: method='last'",
    ),
    (
        lambda: FromBatch("k-means", -1),
        ValueError,
        "`iterations` of FromBatch (embedding_initializer) must not be negative. Received: iterations=-1",
    ),
    (
        lambda: FromBatch("sample", seed=0.5),
        TypeError,
        "`seed` of FromBatch (embedding_initializer) must be an integer. Received: seed=0.5",
    ),
    (
        lambda: MovingAverage(1.0),
        ValueError,
        "`decay` of MovingAverage must be at least 0 and below 1. Received: decay=1.0",
    ),
    (
        lambda: MovingAverage(epsilon=np.inf),
        ValueError,
        "`epsilon` of MovingAverage must be finite and not negative. Received: epsilon=inf",
    ),
    (
        lambda: MovingAverage(epsilon=-1),
        ValueError,
        "`epsilon` of MovingAverage must be finite and not negative. Received: epsilon=-1",
    ),
    (lambda: MovingAverage("0.9"), TypeError, "`decay` of MovingAverage must be a number. Received: decay='0.9'"),
    (lambda: DeadCodes(0), ValueError, "`fraction` of DeadCodes must be between 0 and 1. Received: fraction=0"),
    (lambda: DeadCodes(1), ValueError, "`fraction` of DeadCodes must be between 0 and 1. Received: fraction=1"),
    (
        lambda: DeadCodes(decay=-1),
        ValueError,
        "`decay` of DeadCodes must be at least 0 and below 1. Received: decay=-1",
    ),
    (
        lambda: DeadCodes(source="all"),
        ValueError,
        "`source` of DeadCodes must be 'sample' or 'most-distant'. Received: source='all'",
    ),
    (lambda: DeadCodes(seed=-1), ValueError, "`seed` of DeadCodes must not be negative. Received: seed=-1"),
    (lambda: DeadCodes(every=0), ValueError, "`every` of DeadCodes must be greater than 0. Received: every=0"),
    (lambda: Quantizer(num_splits=0), ValueError, "`num_splits` must be greater than 0. Received: num_splits=0"),
    (
        lambda: Quantizer(codebooks="two"),
        ValueError,
        "`codebooks` must be 'shared' or 'per-split'. Received: codebooks='two'",
    ),
    (
        lambda: Quantizer(comparison=2),
        TypeError,
        "`comparison` must be of one of these kinds: Norm, Cosine, PCA. Received: comparison=2",
    ),
    (lambda: Quantizer(losses=[Alpha(1)]), TypeError, "`losses` must be of one of these kinds: tuple. "),
    (
        lambda: Quantizer(losses=(1,)),
        TypeError,
        "`losses` must be of one of these kinds: Alpha, Beta, Coulomb, Codebook, Commitment. Received: losses=1",
    ),
    (
        lambda: Quantizer(start="batch"),
        TypeError,
        "`start` must be of one of these kinds: FromBatch, None. Received: start='batch'",
    ),
]


class Moving(Update):
    """One that moves the embeddings by itself."""


# One for each row of the table.
APART: list[tuple[dict[str, Any], str]] = [
    ({"choice": VOTE}, "`choice` Majority needs `comparison` Cosine"),
    ({"comparison": Cosine(), "losses": (Alpha(1),)}, "`losses` Alpha needs `comparison` Norm"),
    ({"comparison": PCA(Cosine()), "losses": (Beta(1),)}, "`losses` Beta needs `comparison` Norm"),
    ({"comparison": Cosine(), "losses": (Coulomb(1),)}, "`losses` Coulomb needs `comparison` Norm"),
    ({"comparison": Cosine(), "replacement": MostDistant(1)}, "`replacement` needs `comparison` Norm"),
    ({"comparison": Cosine(), "choice": VOTE, "losses": (Codebook(),)}, "`choice` Majority admits no `losses`"),
    (
        {"comparison": Cosine(), "choice": VOTE, "update": Moving()},
        "`choice` Majority admits no `update` of its embeddings",
    ),
    (
        {"comparison": Norm(), "choice": VOTE, "replacement": MostDistant(1)},
        "`choice` Majority admits no `replacement`",
    ),
    ({"comparison": Cosine(), "choice": VOTE, "start": FromBatch()}, "`choice` Majority admits no `start` FromBatch"),
    ({"comparison": Cosine(), "choice": VOTE, "codebooks": "per-split"}, "`choice` Majority admits no `codebooks`"),
    (
        {"losses": (Commitment(1), Codebook(1)), "update": MovingAverage()},
        "`losses` that train the embedding space need the `update` Gradient",
    ),
    ({"losses": (Alpha(1), Beta(1), Alpha(2))}, "`losses` must be of different kinds"),
]


@pytest.mark.clause("VQ-16.2", "VQ-16.3", "VQ-17.1", "VQ-17.24", "VQ-24.14", "VQ-25.10", "VQ-26.14")
@pytest.mark.parametrize(("make", "raised", "message"), WRONG_PARTS)
def test_a_wrong_part_names_its_field_its_rule_and_the_value(
    make: Callable[[], Any], raised: type[Exception], message: str
) -> None:
    with pytest.raises(raised) as caught:
        make()
    assert str(caught.value).startswith(message)


@pytest.mark.clause("VQ-17.20", "VQ-17.21", "VQ-17.22", "VQ-17.23", "VQ-17.25")
@pytest.mark.parametrize(("parts", "sentence"), APART)
def test_parts_that_do_not_go_together_are_refused(parts: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=r"Received: Quantizer\(") as caught:
        Quantizer(**parts)
    broken = [rule for is_broken, rule in INCOMPATIBLE if is_broken(_Unchecked(parts))]
    assert any(rule.startswith(sentence) for rule in broken)
    assert str(caught.value).startswith(broken[0])


def test_each_incompatibility_has_an_example() -> None:
    for (_, rule), (_, sentence) in zip(INCOMPATIBLE, APART, strict=True):
        assert rule.startswith(sentence)


@pytest.mark.clause("VQ-17.2", "VQ-17.3", "VQ-17.4", "VQ-17.5", "VQ-17.6", "VQ-17.7", "VQ-17.8", "VQ-17.25", "VQ-18.14")
@pytest.mark.parametrize(
    "parts",
    [
        {"comparison": PCA(Norm(1)), "losses": (Alpha(1), Beta(1), Coulomb(1)), "replacement": MostDistant(1)},
        {"comparison": PCA(Cosine()), "choice": VOTE, "estimator": StraightThrough()},
        {"comparison": Cosine(), "losses": (Codebook(), Commitment()), "start": FromBatch(), "codebooks": "per-split"},
        {"comparison": Cosine(), "update": MovingAverage(), "start": FromBatch("k-means"), "replacement": DeadCodes()},
        {"losses": (Commitment(), Codebook(0), Alpha(0)), "update": MovingAverage(), "codebooks": "per-split"},
        {"comparison": Norm(3), "losses": (Codebook(), Alpha(1)), "start": FromBatch(), "replacement": MostDistant(0)},
    ],
)
def test_parts_that_go_together_are_not_refused(parts: dict[str, Any]) -> None:
    assert Quantizer(**parts).num_splits == 1


@pytest.mark.clause("VQ-17.10", "VQ-17.11")
@given(case=cases(finite=False))
def test_the_function_is_its_parts_put_together(case: Case) -> None:
    losses = (Alpha(0.5), Beta(0.75), Coulomb(4.0))
    for lookup_ord in LOOKUP_ORDS:
        quantizer = Quantizer(Norm(lookup_ord), losses=losses, num_splits=case.num_splits)
        result = quantize(case.x, {"emb_space": case.emb_space}, quantizer)
        expected = vector_quantization(
            case.x, case.emb_space, alpha=0.5, beta=0.75, gamma=4, lookup_ord=lookup_ord, num_splits=case.num_splits
        )
        for name in set(expected._fields) - {"losses", "replacement_state"}:
            np.testing.assert_array_equal(getattr(result, name), getattr(expected, name))
        assert list(result.losses.items()) == list(expected.losses.items())


@pytest.mark.clause("VQ-17.11")
@given(case=cases(finite=False))
def test_gradients_of_the_heart_are_the_closed_forms(case: Case) -> None:
    losses = (Alpha(0.5), Beta(0.75), Coulomb(4.0))
    for lookup_ord in LOOKUP_ORDS:
        quantizer = Quantizer(Norm(lookup_ord), losses=losses, num_splits=case.num_splits)
        found = gradients(case.x, {"emb_space": case.emb_space}, quantizer, np.ones(case.x.shape))
        emb_index = np.array(case.exact_indices(lookup_ord), np.int64).reshape(case.vectors.shape[:2])
        expected = {
            "alpha_loss": alpha_gradient(case.vectors, case.emb_space, emb_index, lookup_ord, 0.5),
            "beta_loss": beta_gradient(case.vectors, case.emb_space, lookup_ord, 0.75),
            "coulomb_loss": coulomb_gradient(case.emb_space, lookup_ord, 4.0),
        }
        for name, gradient in expected.items():
            assert found.losses_to_emb_space[name].tobytes() == gradient.tobytes()
            assert found.losses_to_x[name].tolist() == np.zeros(case.x.shape).tolist()


@pytest.mark.clause("VQ-8.9")
def test_under_pca_the_heart_pulls_the_gradient_of_the_beta_loss_back() -> None:
    # The first axis is kept: what lies on the second pulls nowhere.
    x, emb_space = np.array([[[1.0, 9.0]]]), np.array([[0.0, 0.0], [4.0, 0.0]])
    quantizer = Quantizer(PCA(Norm(1), "pca-emb-space"), losses=(Beta(2.0),))
    found = gradients(x, {"emb_space": emb_space}, quantizer, x)
    assert found.losses_to_emb_space["beta_loss"].tolist() == [[-2.0, 0.0], [2.0, 0.0]]


@pytest.mark.clause("VQ-17.12")
def test_the_cosine_functions_are_their_parts_put_together() -> None:
    x, emb_space = np.array([[[3.0, 4.0], [-1.0, 0.5]]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    plain = quantize(x, {"emb_space": emb_space}, Quantizer(Cosine(), estimator=NoGradient()))
    vote = quantize(x, {"emb_space": emb_space}, Quantizer(Cosine(), Majority(LABELS, 2, 2, 0.75)))
    expected_vote = cosine_knn_vector_quantization(x, LABELS, 2, 2, emb_space, majority_threshold=0.75)
    for result, expected in ((plain, cosine_vector_quantization(x, emb_space)), (vote, expected_vote)):
        for name in expected._fields:
            np.testing.assert_array_equal(getattr(result, name), getattr(expected, name))
    assert (plain.distance, plain.emb_spacing, plain.emb_closest_spacing) == (None, None, None)


@pytest.mark.clause("VQ-17.13", "VQ-17.14")
def test_a_training_pass_starts_looks_up_and_then_replaces() -> None:
    # It starts with 0 and 1; 6 is nearest to 1, which is at 5, so that 0 and 1 are used once and twice: 6 replaces 0.
    quantizer = Quantizer(Norm(1), losses=(Alpha(3.0),), start=FromBatch(), replacement=MostDistant(1, every=1))
    state = initial_state(np.full((2, 1), 99.0), quantizer)
    result = quantize(np.array([[[0.0], [1.0], [6.0]]]), state, quantizer, training=True)
    assert result.emb_index.tolist() == [[0, 1, 1]]
    assert result.layer_out.tolist() == [[[0], [1], [1]]]
    assert result.losses == {"alpha_loss": 5.0}
    assert result.emb_closest_spacing.tolist() == [1, 1]
    assert result.state["emb_space"].tolist() == [[6], [1]]
    assert state["emb_space"].tolist() == [[99], [99]]


@pytest.mark.clause("VQ-17.15", "VQ-17.16", "VQ-17.17", "VQ-17.18")
def test_the_first_training_pass_starts_and_no_later_one() -> None:
    quantizer = Quantizer(start=FromBatch())
    state = initial_state(np.zeros((1, 1), np.float32), quantizer)
    assert not state["initialized"]
    inferred = quantize(np.array([[[5.0]]]), state, quantizer)
    assert (inferred.layer_out.tolist(), inferred.state["initialized"].tolist()) == ([[[0]]], False)
    for x in (7.0, 8.0):
        result = quantize(np.array([[[x]]]), state, quantizer, training=True)
        state = result.state
        assert (result.layer_out.tolist(), state["initialized"].tolist()) == ([[[7]]], True)
        assert state["emb_space"].dtype == np.float32


@pytest.mark.clause("VQ-17.19")
@pytest.mark.parametrize(
    "state",
    [
        {},
        {"emb_space": np.eye(2)},
        {"emb_space": np.eye(2), "initialized": [False]},
        {"emb_space": np.eye(2), "initialized": False, "usage": 1},
        {"emb_space": np.eye(3), "initialized": False},
    ],
)
def test_a_state_of_other_names_or_shapes_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^`(state|emb_space)` must .*Received: "):
        quantize(np.ones((1, 1, 2)), state, Quantizer(start=FromBatch()))


@pytest.mark.clause("VQ-16.25")
def test_a_vote_needs_a_label_for_each_embedding() -> None:
    with pytest.raises(
        ValueError, match=r"^`emb_labels` of Majority must have the shape \[n\] = \[3\]. Received: \(2,\)"
    ):
        quantize(np.ones((1, 1, 3)), {"emb_space": np.eye(3)}, Quantizer(Cosine(), VOTE))


def test_parts_left_out_are_l2_the_nearest_and_the_straight_through_estimator() -> None:
    assert Quantizer() == Quantizer(Norm(2), Nearest(), (), Gradient(), StraightThrough(), None, None, 1, "shared")
    assert PCA() == PCA(Norm(2), "pca-batch", 1)
    assert reference.quantize is quantize


class _Unchecked:
    """The fields of a quantizer that no check has seen."""

    def __init__(self, parts: dict[str, Any]) -> None:
        self.__dict__.update({**vars(Quantizer()), **parts})
