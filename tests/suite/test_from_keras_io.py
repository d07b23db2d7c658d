"""Each step from the layer of keras.io to ours keeps one law more than the step before it."""

import pytest

import tests.property
from examples.from_keras_io.steps import FIRST, LAWS, STEPS, broken
from tests.suite.catalogue import laws_of, sentences_of
from vq_verify import check_quantizer

ADAPTERS = (FIRST, *(step.adapter for step in STEPS))


def test_the_law_of_a_step_cites_its_sentence():
    laws = {law.__name__: law for law in laws_of(tests.property)}
    assert all(step.sentence in sentences_of(laws[step.function]) for step in STEPS)


@pytest.mark.long
@pytest.mark.parametrize("number", range(len(ADAPTERS)), ids=[adapter.name for adapter in ADAPTERS])
def test_a_step_keeps_its_law_and_those_of_the_steps_before_and_no_other(number):
    assert broken(ADAPTERS[number]) == list(LAWS[number:])


@pytest.mark.long
def test_the_last_step_by_hand_breaks_nothing_else_of_what_it_offers():
    *_, by_hand, ours = STEPS
    expected = {ours.law: "where every distance overflows, they tie with those that are not finite"}
    check_quantizer(by_hand.adapter, expected, profile="training", examples="few", verbose=False)
