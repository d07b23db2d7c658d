"""Trainings against the oracle, step by step, the whole state after each (VQ-11, VQ-12, VQ-13)."""

from contextlib import contextmanager

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from scipy.optimize import linear_sum_assignment

import reference
from reference.parts.replacement import ReplacementState, initial_state, replace_embeds
from reference.parts.starts import first_rows
from reference.splitting import split
from vq_verify.comparison import distance_error, rounding
from vq_verify.protocol import STATE, Implementation, NotOffered
from vq_verify.report import measurements
from vq_verify.strategies import training
from vq_verify.subject import Subject

pytestmark = pytest.mark.slow  # it trains

# A training takes longer than a quantization: fewer of them, of many steps each.
SHARE_OF_EXAMPLES = 0.1
LEAST_EXAMPLES = 10
STEPS = 15


@pytest.mark.clause(
    "VQ-11.2",
    "VQ-11.3",
    "VQ-11.4",
    "VQ-11.5",
    "VQ-11.6",
    "VQ-11.7",
    "VQ-11.8",
    "VQ-11.9",
    "VQ-12.1",
    "VQ-12.2",
    "VQ-12.3",
    "VQ-13.14",
    "VQ-13.15",
    "VQ-15.9",
)
def test_every_step_of_a_training_leaves_the_state_that_it_must(implementation: Implementation) -> None:
    examples = round(hypothesis.settings.default.max_examples * implementation.effort * SHARE_OF_EXAMPLES)
    settings = hypothesis.settings(max_examples=max(LEAST_EXAMPLES, examples), stateful_step_count=STEPS)
    run_state_machine_as_test(lambda: Training(Subject.of(implementation)), settings=settings)


@contextmanager
def unless_not_offered():
    """Leave a step out, and say so in the report, where an implementation does not offer it."""
    try:
        yield
    except NotOffered as missing:
        measurements.running().missing[missing.what] += 1


class Training(RuleBasedStateMachine):
    """An implementation and the oracle, led through the same steps."""

    def __init__(self, implementation: Implementation) -> None:
        super().__init__()
        self.implementation, self.saves_left = implementation, 2

    @initialize(data=st.data())
    def begin(self, data):
        """Begin with nothing gathered."""
        cases = training.training_cases(self.implementation) | training.exact_training_cases(self.implementation)
        self.case, num_embeds_replaced = data.draw(cases)
        self.implementation.begin_example()
        measurements.running().examples += 1
        self.training = self.implementation.training(self.case, num_embeds_replaced)
        (n, d), self.emb_space = self.case.emb_space.shape, self.case.emb_space.astype(np.float64)
        self.state = initial_state(n, num_embeds_replaced, d)

    @invariant()
    def the_states_are_equal(self):
        """Compare the whole state."""
        state = self.training.state
        for name, expected in self.expected().items():
            # Where the case is exact, the oracle rounds here for the first time, as a root does in the implementation.
            np.testing.assert_array_equal(state[name], expected.astype(state[name].dtype), err_msg=name)

    def expected(self):
        """Return the state of the oracle by name."""
        return dict(zip(STATE, (self.emb_space, *self.state), strict=True))

    @rule(data=st.data())
    def train(self, data):
        """Quantize a batch in training."""
        x = data.draw(training.batches(self.case))
        self.training.training_pass(x)
        arguments = {**self.case.arguments, "replacement_state": self.state}
        result = reference.vector_quantization(x, self.emb_space, **arguments)
        if self.case.exact:
            self.state = result.replacement_state
        else:
            after = self.training.state
            self.admit(split(x, self.case.num_splits), result.distance, self.expected(), after)
            self.state = ReplacementState(*(after[name].astype(np.float64) for name in STATE[1:]))

    @rule(data=st.data())
    def infer(self, data):
        """Quantize a batch in inference, which changes nothing."""
        x = data.draw(training.batches(self.case))
        with unless_not_offered():
            self.training.inference_pass(x)

    @rule()
    def replace(self):
        """Replace the least used embeddings."""
        with unless_not_offered():
            self.training.replace_embeds()
            self.emb_space, self.state = replace_embeds(self.state, self.emb_space)

    @rule(data=st.data(), finite=st.booleans())
    def initialize_from_batch(self, data, finite):
        """Initialize from a batch that may be refused, which changes nothing."""
        n = len(self.emb_space)
        x = data.draw(training.batches(self.case, finite=finite, vectors=n))
        try:
            emb_space = first_rows(split(x, self.case.num_splits), n)
        except ValueError:
            with unless_not_offered(), pytest.raises(Exception):  # noqa: B017, PT011 - of any kind and words
                self.training.initialize_from_batch(x)
        else:
            with unless_not_offered():
                self.training.initialize_from_batch(x)
                self.emb_space = emb_space

    @precondition(lambda self: self.saves_left)  # it takes longer than all other steps together
    @rule()
    def save_and_load(self):
        """Go on as what comes back, which is the same."""
        self.saves_left -= 1
        with unless_not_offered():
            self.training.save_and_load()

    def admit(self, vectors, distance, before, after):
        """Require the state after a training pass to be one that distances within their errors lead to (VQ-15)."""
        finite, d = np.isfinite(self.emb_space).all(axis=-1), vectors.shape[-1]
        distance = distance.reshape(-1, len(finite))[:, finite]
        found = np.isfinite(distance).any(axis=-1)
        vectors, distance = vectors.reshape(-1, d)[found], distance[found]
        error = distance_error(distance, d, self.case.lookup_ord, rounding(self.case.x.dtype))
        low, high = (np.min(bound, axis=-1, initial=np.inf) for bound in (distance - error, distance + error))
        access_count = after["accumulated_usage_count"] - before["accumulated_usage_count"]
        assert_votes(access_count[finite], distance - error <= high[:, np.newaxis])
        # What may be kept: the stored inputs, whose distances are given, and then the batch.
        inputs = np.concatenate([before["distant_inputs"], vectors])
        low, high = (np.concatenate([before["input_distances"], bound]) for bound in (low, high))
        assert_kept(after, inputs, low, high)


def assert_votes(access_count, near):
    """Require that each vector can be counted for one embedding near it, ``[M, n]``, so that the counts come out."""
    np.testing.assert_array_equal(access_count.sum(), len(near))
    impossible = ~np.repeat(near, access_count.astype(int), axis=-1)
    assert not impossible[linear_sum_assignment(impossible)].any()


def assert_kept(state, inputs, low, high):
    """Require the slots to hold the largest of distances that lie within bounds, earlier first on ties."""
    left, order, distances = np.ones(len(inputs), bool), [], state["input_distances"]
    for row, distance in zip(state["distant_inputs"], distances, strict=True):
        origin = left & (inputs == row).all(axis=-1) & (low <= distance) & (distance <= high)
        assert origin.any(), (row, distance, inputs, low, high)
        order.append(int(origin.argmax()))  # the first, if inputs repeat
        left[order[-1]] = False
    slots = list(zip(-distances, order, strict=True))
    assert slots == sorted(slots)
    later = np.arange(len(inputs)) > order[-1]
    assert np.where(later, low <= distances[-1], low < distances[-1])[left].all()
