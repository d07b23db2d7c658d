"""Laws of the quantization by cosine similarity, with and without a vote, for every implementation (VQ-9, VQ-13)."""

from dataclasses import replace

import numpy as np
import pytest

from vq_verify.comparison import comparison_dtype, rounding
from vq_verify.comparison.cosine import (
    assert_identical,
    assert_same_endpoints,
    finite_vectors,
    indexed_rows,
    similarity_error,
    split_rows,
)
from vq_verify.protocol import CosineCase, Implementation, Vote
from vq_verify.strategies import cosine as strategies
from vq_verify.strategies.vectors import normal
from vq_verify.verify import verify


@verify("VQ-2.4", "VQ-2.5", "VQ-9.7", "VQ-10.13", case=strategies.plain_cosine_cases)
def test_each_piece_is_the_indexed_row_and_nothing_is_mapped_or_labelled(implementation, case):
    result = implementation.quantize_cosine(case)
    assert result.layer_out.shape == case.x.shape
    pieces = split_rows(result.layer_out, case.emb_space)
    assert_identical(pieces, indexed_rows(case, result.emb_index))
    assert result.percentage_identity_mapped == 0
    assert (result.identity_mapping_mask, result.most_common_label) == (None, None)


@verify("VQ-9.10", "VQ-10.12", drawn=strategies.cosine_cases_with_upstream)
def test_the_gradient_is_the_identity_where_x_is_mapped_to_itself_and_zero_elsewhere(implementation, drawn):
    case, upstream = drawn
    gradients = implementation.cosine_gradients(case, upstream)
    mapped = np.zeros((len(finite_vectors(case)), 1), bool)
    if case.vote is not None and case.vote.majority_threshold >= 0:
        mapped = implementation.quantize_cosine(case).identity_mapping_mask.reshape(-1, 1)
    expected = np.where(mapped, split_rows(upstream, case.emb_space), upstream.dtype.type(0))
    assert_identical(gradients.output_to_x, expected.reshape(case.x.shape))
    assert not gradients.output_to_emb_space.any()


@verify("VQ-9.1", case=strategies.cosine_cases)
def test_the_length_of_a_vector_does_not_matter(implementation, case):
    result = implementation.quantize_cosine(case)
    scaled = implementation.quantize_cosine(replace(case, x=case.x * case.x.dtype.type(8)))
    assert_same_endpoints(scaled, result, *(name for name in result._fields if name != "layer_out"))
    mapped = np.zeros(result.emb_index.shape, bool)
    if result.identity_mapping_mask is not None:
        mapped = result.identity_mapping_mask
    factor = np.where(mapped.reshape(-1, 1), 8, 1).astype(case.x.dtype)
    pieces = split_rows(result.layer_out, case.emb_space)
    assert_identical(split_rows(scaled.layer_out, case.emb_space), pieces * factor)


@verify("VQ-9.3", "VQ-9.5", case=strategies.plain_cosine_cases)
def test_a_zero_vector_has_similarity_0_to_everything_and_so_gets_the_first_finite_embedding(implementation, case):
    result = implementation.quantize_cosine(replace(case, x=np.zeros_like(case.x)))
    candidates = np.flatnonzero(np.isfinite(case.emb_space).all(axis=-1))
    first, similarity = (candidates[0], 0) if len(candidates) else (-1, np.nan)
    assert (result.emb_index == first).all()
    np.testing.assert_array_equal(result.similarity_values, np.full(result.emb_index.size, similarity))


@pytest.mark.clause("VQ-2.5", "VQ-10.9")
@pytest.mark.parametrize("threshold", [None, 1.5], ids=["plain", "all mapped"])
def test_a_zero_comes_out_with_its_sign(implementation: Implementation, threshold: float | None):
    x, emb_space = np.array([[[0.0, 1.0], [3.0, -0.0]]], np.float32), np.array([[-0.0, 2.0], [1.0, 0.0]], np.float32)
    vote = threshold and Vote(np.array([0, 1], np.int32), 2, 1, threshold)
    signs = np.signbit(implementation.quantize_cosine(CosineCase(x=x, emb_space=emb_space, vote=vote)).layer_out)
    rows = x if vote else emb_space[np.newaxis]
    np.testing.assert_array_equal(signs, np.signbit(rows))


@verify("VQ-9.1", "VQ-13.10", "VQ-14.4", case=strategies.cosine_cases)
def test_similarity_is_at_most_1_and_that_to_oneself_is_1(implementation, case):
    rows = case.emb_space.astype(case.x.dtype)
    x = np.tile(rows[:, np.newaxis], case.num_splits)
    result = implementation.quantize_cosine(replace(case, x=x, emb_space=rows.astype(case.emb_space.dtype)))
    similarity = result.similarity_values.reshape(len(rows), -1)
    assert similarity.dtype in (comparison_dtype(case.x.dtype), np.float64)
    finite = np.isfinite(rows).all(axis=-1)
    nonzero = finite & rows.any(axis=-1)
    error = similarity_error(rows.shape[1], rounding(case.x.dtype))
    assert (np.abs(similarity[finite]) <= 1 + error).all()
    assert (similarity[nonzero] >= 1 - error).all()
    assert np.isnan(similarity[~finite]).all()


@verify("VQ-9.5", case=strategies.exact_cosine_cases)
def test_the_first_of_embeddings_in_one_direction_is_chosen(implementation, case):
    n = len(case.emb_space)
    directions = case.emb_space[: (n + 1) // 2]
    lengths = np.repeat(case.emb_space.dtype.type([1, 4]), len(directions))[:n, np.newaxis]
    repeated = replace(case, emb_space=np.resize(directions, case.emb_space.shape) * lengths, vote=None)
    assert (implementation.quantize_cosine(repeated).emb_index < len(directions)).all()


@pytest.mark.clause("VQ-9.5")
@pytest.mark.parametrize("size", [3, 17, 64])
def test_the_first_of_equal_embeddings_is_chosen(implementation: Implementation, size: int) -> None:
    # So many that a matrix product would round some columns otherwise than others.
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((13, size))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)  # close to unit vectors, in float32
    case = CosineCase(x=rng.standard_normal((8, 2, size)), emb_space=np.concatenate([rows, rows, rows]))
    for dtype in implementation.dtypes:
        wide = comparison_dtype(dtype)
        case = replace(case, x=normal(case.x, dtype), emb_space=normal(case.emb_space, wide))
        assert (implementation.quantize_cosine(case).emb_index < len(rows)).all()


@verify("VQ-1.3", case=strategies.exact_cosine_cases)
def test_splits_and_batches_are_shapes_and_nothing_else(implementation, case):
    one_by_one = replace(case, x=split_rows(case.x, case.emb_space)[:, np.newaxis], num_splits=1)
    result, expected = implementation.quantize_cosine(case), implementation.quantize_cosine(one_by_one)
    for name in ("layer_out", "emb_index", "identity_mapping_mask", "most_common_label"):
        value, other = getattr(result, name), getattr(expected, name)
        assert_identical(value, other if value is None else other.reshape(value.shape), name)
    for name in ("similarity_values", "percentage_identity_mapped"):
        assert_identical(getattr(result, name), getattr(expected, name), name)


@pytest.mark.clause("VQ-2.4", "VQ-9.6", "VQ-10.11")
@pytest.mark.parametrize("vote", [None, Vote(np.array([0, 1], np.int32), 2, 2, 0.5)], ids=["plain", "vote"])
def test_an_empty_batch_gives_an_empty_output(implementation: Implementation, vote: Vote | None):
    case = CosineCase(x=np.zeros((0, 2, 6), np.float32), emb_space=np.ones((2, 3), np.float32), num_splits=2, vote=vote)
    result = implementation.quantize_cosine(case)
    assert_identical(result.layer_out, case.x)
    assert result.similarity_values.shape == (0,)
    assert result.emb_index.shape == (0, 4)
    assert result.percentage_identity_mapped == 0


@verify(
    "VQ-13.2", "VQ-13.3", "VQ-13.9", "VQ-13.10", "VQ-13.11", "VQ-13.12", case=strategies.exact_non_finite_cosine_cases
)
def test_a_vector_that_is_not_finite_comes_out_as_nan_and_changes_no_other(implementation, case):
    result = implementation.quantize_cosine(case)
    clean = implementation.quantize_cosine(replace(case, x=np.where(np.isfinite(case.x), case.x, case.x.dtype.type(0))))
    known = finite_vectors(case)
    absent = {"layer_out": np.nan, "similarity_values": np.nan, "emb_index": -1, "most_common_label": -1}
    for name in ("layer_out", "similarity_values", "emb_index", "most_common_label", "identity_mapping_mask"):
        if getattr(result, name) is not None:
            value, other = (getattr(it, name).reshape(len(known), -1) for it in (result, clean))
            assert_identical(value[known], other[known])
            assert_identical(value[~known], np.full_like(value[~known], absent.get(name, False)))


@verify("VQ-13.16", "VQ-13.20", "VQ-13.21", "VQ-13.25", case=strategies.exact_non_finite_cosine_cases)
def test_an_embedding_that_is_not_finite_is_never_chosen_nor_does_its_label_matter(implementation, case):
    known = np.isfinite(case.emb_space).all(axis=-1)
    result = implementation.quantize_cosine(case)
    assert known[result.emb_index[result.emb_index >= 0]].all()
    assert known.any() or (result.emb_index == -1).all()
    other = replace(case, emb_space=np.where(known[:, np.newaxis], case.emb_space, case.emb_space.dtype.type(np.inf)))
    if case.vote is not None:
        labels = np.where(known, case.vote.emb_labels, case.vote.num_classes - 1 - case.vote.emb_labels)
        other = replace(other, vote=replace(case.vote, emb_labels=labels.astype(case.vote.emb_labels.dtype)))
    assert_same_endpoints(implementation.quantize_cosine(other), result)
