"""Quantization by cosine similarity against the oracle, value by value (VQ-9, VQ-10, VQ-15)."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from vq_verify.comparison import assert_within, rounding
from vq_verify.comparison.cosine import (
    admits_outcome,
    assert_identical,
    assert_same_endpoints,
    near_maxima,
    similarity_error,
)
from vq_verify.protocol import CosineQuantized, Vote
from vq_verify.strategies import cosine as strategies
from vq_verify.verify import verify


def oracle(case):
    if case.vote is None:
        return reference.cosine_vector_quantization(case.x, case.emb_space, **case.arguments)
    return reference.cosine_knn_vector_quantization(
        case.x, emb_space=case.emb_space, **vars(case.vote), **case.arguments
    )


def error_of(case):
    return similarity_error(case.emb_space.shape[1], rounding(case.x.dtype))


@verify(
    "VQ-9.1",
    "VQ-9.3",
    "VQ-9.4",
    "VQ-9.5",
    "VQ-9.6",
    "VQ-10.1",
    "VQ-10.2",
    "VQ-10.3",
    "VQ-10.4",
    "VQ-10.5",
    "VQ-10.6",
    "VQ-10.7",
    "VQ-10.8",
    "VQ-10.9",
    "VQ-10.10",
    "VQ-10.11",
    case=strategies.exact_cosine_cases,
)
def test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit(implementation, case):
    result, expected = implementation.quantize_cosine(case), oracle(case)
    values = {name: getattr(expected, name) for name in CosineQuantized._fields}
    for name in ("similarity_values", "percentage_identity_mapped"):
        # Similarities are exact, and a quotient of integers below 2^24 rounds alike once or twice.
        values[name] = values[name].astype(getattr(result, name).dtype)
    assert_same_endpoints(result, CosineQuantized(**values))


@verify("VQ-9.1", "VQ-9.2", "VQ-9.4", "VQ-9.6", "VQ-13.2", "VQ-13.10", "VQ-15.6", case=strategies.plain_cosine_cases)
def test_each_index_is_the_most_similar_within_rounding_and_so_is_its_similarity(implementation, case):
    result, expected = implementation.quantize_cosine(case), oracle(case)
    admitted = near_maxima(expected.similarity, error_of(case))
    found = admitted.any(axis=-1)
    assert_identical(result.emb_index >= 0, found)
    assert np.take_along_axis(admitted, result.emb_index[..., np.newaxis], axis=-1)[found].all()
    found = found.reshape(-1)
    values, exact = (np.asarray(it.similarity_values)[found] for it in (result, expected))
    assert_identical(np.isnan(result.similarity_values), ~found)
    assert_within(values, exact, error_of(case), "similarity_values")
    chosen = np.take_along_axis(expected.similarity, result.emb_index[..., np.newaxis], axis=-1).reshape(-1)[found]
    assert_within(chosen, exact, 2 * error_of(case), "emb_index")


@verify(
    "VQ-10.1",
    "VQ-10.3",
    "VQ-10.4",
    "VQ-10.5",
    "VQ-10.6",
    "VQ-10.7",
    "VQ-10.8",
    "VQ-10.10",
    "VQ-15.7",
    "VQ-15.8",
    case=strategies.vote_cases,
)
def test_each_label_is_elected_by_some_k_most_similar_within_rounding(implementation, case):
    result, similarity = implementation.quantize_cosine(case), oracle(case).similarity
    for place in np.ndindex(*similarity.shape[:-1]):
        label, emb_index = result.most_common_label[place], result.emb_index[place]
        is_mapped = None if result.identity_mapping_mask is None else result.identity_mapping_mask[place]
        assert admits_outcome(similarity[place], error_of(case), case.vote, label, emb_index, is_mapped), place


@pytest.mark.clause("VQ-15.7")
@given(data=st.data())
def test_an_outcome_is_admitted_iff_a_set_of_k_within_the_error_elects_it(data):
    similarity = np.array(data.draw(st.lists(st.sampled_from([*range(7), np.nan]), min_size=1, max_size=6)), float)
    n = len(similarity)
    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    k, representative = data.draw(st.integers(1, n)), data.draw(st.sampled_from(["first", "nearest"]))
    vote = Vote(labels, 3, k, data.draw(st.sampled_from([0.0, 0.4, 0.5, 1.0, 1.5])), representative)
    error = data.draw(st.sampled_from([0.0, 0.5, 1.0]))
    expected = outcomes(similarity, error, vote)
    for label in range(-1, 3):
        for emb_index in range(-1, n):
            for is_mapped in (False, True):
                admitted = admits_outcome(similarity, error, vote, label, emb_index, is_mapped)
                assert admitted == ((label, emb_index, is_mapped) in expected)


def outcomes(similarity, error, vote):
    """Return all outcomes, by trying every set of k."""
    known = np.flatnonzero(~np.isnan(similarity))
    found = set()
    for chosen in map(list, combinations(known, min(vote.k, len(known)))):
        others = np.setdiff1d(known, chosen)
        if not chosen or (len(others) and similarity[others].max() - similarity[chosen].min() > 2 * error):
            continue
        counts = np.bincount(vote.emb_labels[chosen])
        label = counts.argmax()
        bearers = [i for i in (known if vote.representative == "first" else chosen) if vote.emb_labels[i] == label]
        if vote.representative == "first":
            bearers = bearers[:1]
        nearest = [i for i in bearers if similarity[i] >= similarity[bearers].max() - 2 * error]
        found |= {(label, i, counts[label] / vote.k < vote.majority_threshold) for i in nearest}
    return found if len(known) else {(-1, -1, False)}
