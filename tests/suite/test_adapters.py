"""Adapters of any age: what an older one was not written for is not offered, and never fails it."""

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar

import hypothesis
import numpy as np
import pytest

import reference
from reference.parts.replacement import Replacement
from reference.parts.updates import Update
from tests.parity import test_vector_quantization as parity
from tests.suite.verification import verification
from vq_verify import strategies
from vq_verify.adapters.keras_layers import KerasLayers
from vq_verify.adapters.oracle import Oracle
from vq_verify.offers import ALL, offers_of
from vq_verify.protocol import (
    LOSSES,
    STATE,
    Case,
    CosineCase,
    CosineGradients,
    CosineQuantized,
    Gradients,
    NotOffered,
    Quantized,
    ResidualCase,
    TrainingState,
    Vote,
)
from vq_verify.strategies.cosine import cosine_cases
from vq_verify.strategies.reduction import reduced_cases
from vq_verify.strategies.vectors import ORDERS
from vq_verify.subject import Subject

X, EMB_SPACE = np.array([[[3.0, 0.0], [0.0, 1.0]]]), np.array([[0.0, 0.0], [2.0, 1.0], [0.0, 2.0]])
CASE = Case(x=X, emb_space=EMB_SPACE)
PER_SPLIT = Case(x=X, emb_space=np.array([[[0.0], [2.0]], [[0.0], [1.0]]]), num_splits=2, codebooks="per-split")
VOTE = Vote(np.array([0, 1, 1], np.int32), num_classes=2, k=2)


class Older:
    """The oracle, by an adapter as the first ones were: results by position, a state as a tuple, and no offers."""

    name = "older"
    dtypes = ("float64", "float32")
    effort = 0.15

    def quantize(self, case):
        """Read the weights by their own names."""
        result = reference.vector_quantization(
            case.x,
            case.emb_space,
            alpha=case.alpha,
            beta=case.beta,
            gamma=case.gamma,
            lookup_ord=case.lookup_ord,
            num_splits=case.num_splits,
            dim_reduction=case.dim_reduction,
            num_dim_reduction_components=case.num_dim_reduction_components,
        )
        return Quantized(*(getattr(result, name) for name in Quantized._fields))

    def gradients(self, case, upstream):
        """Name the losses by the weights that are not 0."""
        gradients = Oracle().gradients(case, upstream)
        present = [name for name, weight in case.weights.items() if weight != 0]
        return Gradients(
            gradients.output_to_x,
            gradients.output_to_emb_space,
            {name: gradients.losses_to_x[name] for name in present},
            {name: gradients.losses_to_emb_space[name] for name in present},
        )

    def quantize_cosine(self, case):
        """Return them by position."""
        return CosineQuantized(*Oracle().quantize_cosine(case))

    def cosine_gradients(self, case, upstream):
        """Return them by position."""
        return CosineGradients(*Oracle().cosine_gradients(case, upstream))

    def training(self, case, num_embeds_replaced):
        """Begin one."""
        return OlderTraining(Oracle().training(case, num_embeds_replaced))


class OlderTraining:
    """A training whose state is a tuple."""

    def __init__(self, training):
        self._training = training

    def __getattr__(self, name):
        return getattr(self._training, name)

    @property
    def state(self):
        """The state by position."""
        return TrainingState(*(self._training.state[name] for name in STATE))


@contextmanager
def nothing_left_out():
    """Fail where something is not offered, which would skip the test."""
    try:
        yield
    except NotOffered as missing:
        pytest.fail(missing.msg)


# An older adapter.


class Moving(Update):
    """An update that comes after the adapter."""


@dataclass(frozen=True)
class Other(Replacement):
    """A replacement that comes after the adapter."""

    number: int
    every: int | None = None


@pytest.mark.process
def test_an_older_adapter_passes_all_checks_of_its_time(tmp_path):
    table, output = verification(tmp_path, "tests.suite.test_adapters:Older", "tests/property", "tests/parity")
    assert "FAILED" not in output
    of_its_time = [row for clause, row in table.items() if int(clause.removeprefix("VQ-")) <= 16]
    assert {row["verdict"] for row in of_its_time} <= {"pass", "partly offered"}
    came_later = {
        "`decode`",
        "a mask of x",
        *(f"lookup_ord={order:g}" for order in ORDERS),
        *list(LOSSES)[3:],
        'start="batch"',
    }
    assert {what for row in of_its_time for what in row["missing"]} <= {"float16", "bfloat16", *came_later}


@pytest.mark.parametrize(
    ("case", "what"),
    [
        (replace(CASE, lookup_ord=3), "lookup_ord=3"),
        (replace(CASE, mask=np.array([[True, False]])), "a mask of x"),
        (replace(CASE, estimator="none"), 'estimator="none"'),
        (PER_SPLIT, 'codebooks="per-split"'),
        (replace(CASE, every=2), "replacement within a pass"),
        (replace(CASE, update=Moving()), "update=Moving"),
        (replace(CASE, replacement=Other(1)), "replacement=Other"),
        (replace(CASE, x=X.astype(np.float16)), "float16"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_came_after_an_adapter_is_not_offered_by_it(case, what):
    subject = Subject(Older())
    for ask in (
        lambda: subject.quantize(case),
        lambda: subject.gradients(case, case.x),
        lambda: subject.training(case, 1),
    ):
        with pytest.raises(NotOffered) as missing:
            ask()
        assert missing.value.what == what


@pytest.mark.parametrize(("order", "what"), [((0, 1), "apart"), ((0, 0), "shared")])
def test_stages_came_after_an_adapter_and_are_not_offered_by_it(order, what):
    case = ResidualCase(case=CASE, emb_spaces=np.stack([EMB_SPACE] * (1 + max(order))), order=order)
    subject = Subject(Older())
    for ask in (
        lambda: subject.quantize_residual(case),
        lambda: subject.residual_gradients(case, X),
        lambda: subject.encode_residual(case, 1),
        lambda: subject.decode_residual(case, np.zeros((1, 2, 1, 1), int)),
        lambda: subject.residual_training(case, 1),
    ):
        with pytest.raises(NotOffered) as missing:
            ask()
        assert missing.value.what == f"residual quantization, {what}"


def test_a_loss_that_came_after_an_adapter_is_not_offered_by_it():
    with pytest.raises(NotOffered, match="not offered: codebook_loss"):
        Subject(Older()).quantize(CASE.weighted(codebook_loss=1.0))


def test_an_older_adapter_sees_the_weights_that_it_knows_and_no_others():
    case = Case(x=X, emb_space=EMB_SPACE, weights={"coulomb_loss": 3.0})
    assert list(case.weights.items()) == [("alpha_loss", 0.0), ("beta_loss", 0.0), ("coulomb_loss", 3.0)]
    assert (case.alpha, case.beta, case.gamma) == (0.0, 0.0, 3.0)


# What is offered.


class Less(Older):
    """Offers L2 and one loss, one fit, and no votes."""

    offers: ClassVar = {
        "dtypes": ("float32",),
        "norms": (2,),
        "losses": ("alpha_loss",),
        "dim_reductions": ("pca-batch",),
        "votes": (),
        "of_my_own": ALL,
    }


@pytest.mark.parametrize(
    ("case", "what"),
    [
        (replace(CASE, lookup_ord=np.inf), "lookup_ord=inf"),
        (replace(CASE, lookup_ord=2.5), "lookup_ord=2.5"),
        (CASE, "beta_loss"),
        (replace(CASE, weights={}, dim_reduction="pca-emb-space"), 'dim_reduction="pca-emb-space"'),
    ],
)
def test_what_is_not_among_the_offers_is_not_asked_for(case, what):
    with pytest.raises(NotOffered) as missing:
        Subject(Less()).quantize(replace(case, x=X.astype(np.float32)))
    assert missing.value.what == what


def test_a_vote_is_offered_by_its_representative():
    case = CosineCase(x=X.astype(np.float32), emb_space=EMB_SPACE, vote=VOTE)
    with pytest.raises(NotOffered, match='a vote with representative="first"'):
        Subject(Less()).quantize_cosine(case)
    assert Subject(Less()).quantize_cosine(replace(case, vote=None)).most_common_label is None


def test_offers_stand_before_the_attribute_of_the_dtypes():
    assert Subject(Less()).dtypes == ("float32",)
    assert Subject(Older()).dtypes == ("float64", "float32")
    assert offers_of(Subject(Less())) == offers_of(Less())


@pytest.mark.parametrize("argument", [{"lookup_ord": 0.5}, {"lookup_ord": np.nan}, {"dim_reduction": "pca"}])
def test_a_wrong_argument_is_asked_for_so_that_it_can_be_refused(argument):
    with nothing_left_out(), pytest.raises(ValueError, match=next(iter(argument))):
        Subject(Older()).quantize(replace(CASE, **argument))


def test_a_weight_of_a_loss_that_is_none_is_an_error():
    with pytest.raises(ValueError, match=r"weights must be of alpha_loss, .*Received: alpha"):
        Case(x=X, emb_space=EMB_SPACE, weights={"alpha": 1.0})


@hypothesis.given(strategies.all_cases(Subject(Less())))
def test_only_norms_and_losses_that_are_offered_are_drawn(case):
    assert case.lookup_ord == 2
    assert case.losses in ([], ["alpha_loss"])


@hypothesis.given(cosine_cases(Subject(Less())), reduced_cases(Subject(Less())))
def test_only_votes_and_fits_that_are_offered_are_drawn(cosine_case, reduced_case):
    assert cosine_case.vote is None
    assert reduced_case.dim_reduction == "pca-batch"


def test_a_new_loss_is_drawn_for_those_who_offer_it():

    def asked(case):
        return "codebook_loss" in case.losses

    hypothesis.find(strategies.cases(KerasLayers()), asked)
    with pytest.raises(hypothesis.errors.NoSuchExample):
        hypothesis.find(strategies.cases(Subject(Older())), asked)


# Results by name.


class ByName(Older):
    """Returns some endpoints by name, one of its own among them."""

    def quantize(self, case):
        """Leave out the counts."""
        values = super().quantize(case)._asdict()
        del values["access_count"]
        return {**values, "of_my_own": 1}

    def training(self, case, num_embeds_replaced):
        """Begin one that has no usage."""
        training = super().training(case, num_embeds_replaced)
        training.__class__ = WithoutUsage
        return training


class WithoutUsage(OlderTraining):
    """A training whose state is by name, without the usage."""

    @property
    def state(self):
        """The rest."""
        state = self._training.state
        return {"emb_space": state["emb_space"], "of_my_own": 1}


def test_what_a_result_by_name_leaves_out_is_not_offered_and_what_it_has_is_compared():
    result = Subject(ByName()).quantize(CASE)
    assert isinstance(result, Quantized)
    np.testing.assert_array_equal(result.emb_index, [[1, 0]])
    with pytest.raises(NotOffered, match="`access_count`"):
        _ = result.access_count
    assert not hasattr(result, "of_my_own")
    parity.test_losses_are_within_their_rounding_errors.check(Subject(ByName()), CASE)


def test_what_a_state_leaves_out_is_not_offered():
    state = Subject(ByName()).training(CASE, 1).state
    np.testing.assert_array_equal(state["emb_space"], EMB_SPACE)
    with pytest.raises(NotOffered, match="`accumulated_usage_count` of the state"):
        _ = state["accumulated_usage_count"]


def test_the_usage_of_a_state_by_position_is_the_accumulated_usage_count():
    training = Subject(Older()).training(CASE, 1)
    training.training_pass(X)
    assert list(training.state) == list(STATE)
    np.testing.assert_array_equal(training.state["accumulated_usage_count"], [1, 1, 0])


# What the layers offer beyond.


@nothing_left_out()
def test_the_layers_take_each_thing_that_they_offer():
    subject = Subject(KerasLayers())
    masked = subject.quantize(replace(CASE, mask=np.array([[True, False]])))
    np.testing.assert_array_equal(masked.layer_out, [[[2, 1], [0, 1]]])
    np.testing.assert_array_equal(masked.emb_index, [[1, -1]])
    assert not subject.gradients(replace(CASE, estimator="none"), np.ones_like(X)).output_to_x.any()
    np.testing.assert_array_equal(subject.quantize(PER_SPLIT).access_count, [[1, 1], [1, 1]])
    assert subject.quantize(replace(CASE, weights={"codebook_loss": 4.0})).losses == {"codebook_loss": 4 * 3 / 4}
    training = subject.training(replace(CASE, every=1), 1)
    training.training_pass(X)
    assert not training.state["accumulated_usage_count"].any()
