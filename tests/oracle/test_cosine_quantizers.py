"""The oracle's quantizers by cosine similarity, worked by hand."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from reference import CosineVQResult, cosine_knn_vector_quantization, cosine_vector_quantization

# Along the axes, so that all similarities are 0, 0.6, 0.8 or 1, up to their sign.
EMB_SPACE = np.array([[5.0, 0.0], [0.0, 2.0], [-3.0, 0.0], [0.0, 7.0]])
LABELS = np.array([1, 0, 1, 2], np.int32)
X = np.array([[[3.0, 4.0, -2.0, 0.0]], [[0.0, 0.0, np.nan, 1.0]]])

vote = partial(cosine_knn_vector_quantization, X, LABELS, 3, 3, EMB_SPACE, num_splits=2)
Quantizer = Callable[..., CosineVQResult]
QUANTIZERS: list[Quantizer] = [
    cosine_vector_quantization,
    lambda x, emb_space, **arguments: cosine_knn_vector_quantization(x, LABELS, 3, 3, emb_space, **arguments),
]


@pytest.mark.clause("VQ-9.1", "VQ-9.4", "VQ-9.6")
def test_a_worked_lookup() -> None:
    result = cosine_vector_quantization(X, EMB_SPACE, num_splits=2)
    np.testing.assert_allclose(
        result.similarity,
        [[[0.6, 0.8, -0.6, 0.8], [-1, 0, 1, 0]], [[0, 0, 0, 0], [np.nan] * 4]],
        rtol=4 * 2.0**-53,  # three quotients and a root
    )
    assert result.emb_index.tolist() == [[1, 2], [0, -1]]
    np.testing.assert_array_equal(result.layer_out, [[[0, 2, -3, 0]], [[5, 0, np.nan, np.nan]]])
    np.testing.assert_array_equal(result.similarity_values, result.similarity.max(axis=-1).reshape(-1))
    assert result.percentage_identity_mapped == 0
    assert (result.identity_mapping_mask, result.most_common_label) == (None, None)


@pytest.mark.clause("VQ-10.1", "VQ-10.3", "VQ-10.8", "VQ-10.9", "VQ-10.10")
def test_a_worked_vote() -> None:
    # (3, 4) is most similar to 1, 3, 0, which all vote for another label; (-2, 0) to 2, 1, 3, likewise; the zero
    # vector to 0, 1, 2, which give label 1 two votes.
    result = vote(majority_threshold=0.5)
    np.testing.assert_array_equal(result.most_common_label, [[0, 0], [1, -1]])
    assert result.most_common_label is not None
    assert result.most_common_label.dtype == np.int32
    np.testing.assert_array_equal(result.identity_mapping_mask, [[True, True], [False, False]])
    np.testing.assert_array_equal(result.layer_out, [[[3, 4, -2, 0]], [[5, 0, np.nan, np.nan]]])
    assert result.emb_index.tolist() == [[1, 1], [0, -1]]
    assert result.percentage_identity_mapped == 2 / 3


@pytest.mark.clause("VQ-10.6", "VQ-10.13")
def test_without_a_threshold_nothing_is_mapped_and_the_first_bearer_represents_a_label() -> None:
    for result in (vote(), vote(majority_threshold=-0.1)):
        assert result.identity_mapping_mask is None
        assert result.percentage_identity_mapped == 0
        np.testing.assert_array_equal(result.layer_out, [[[0, 2, 0, 2]], [[5, 0, np.nan, np.nan]]])
    none_mapped = vote(majority_threshold=0)
    np.testing.assert_array_equal(none_mapped.identity_mapping_mask, np.zeros((2, 2), bool))
    # Of the two that bear label 1, embedding 2 is the more similar to (-2, 1).
    nearest = cosine_knn_vector_quantization(
        np.array([[[-2.0, 1.0]]]), np.array([1, 1, 1, 2]), 3, 3, EMB_SPACE, representative="nearest"
    )
    assert nearest.emb_index.tolist() == [[2]]


@pytest.mark.clause("VQ-10.11")
def test_the_share_of_one_vector_is_all_or_nothing() -> None:
    for threshold, share in ((1, 1.0), (0, 0.0)):
        result = cosine_knn_vector_quantization(X[:1, :, :2], LABELS, 3, 3, EMB_SPACE, majority_threshold=threshold)
        assert result.percentage_identity_mapped == share


@pytest.mark.clause("VQ-10.11")
def test_where_no_vector_is_finite_the_share_is_zero() -> None:
    result = cosine_knn_vector_quantization(np.full((1, 1, 2), np.nan), LABELS, 3, 3, EMB_SPACE, majority_threshold=1)
    assert result.percentage_identity_mapped == 0
    assert np.isnan(result.similarity_values).all()


@pytest.mark.clause("VQ-13.10", "VQ-13.19")
def test_similarities_of_and_to_what_is_not_finite_are_nan() -> None:
    x, emb_space = np.array([[[2.0, 0.0], [np.inf, 0.0]]]), np.array([[1.0, 0.0], [np.nan, 1.0], [-3.0, 0.0]])
    result = cosine_vector_quantization(x, emb_space)
    np.testing.assert_array_equal(result.similarity, [[[1, np.nan, -1], [np.nan] * 3]])


@pytest.mark.clause("VQ-8.10")
@pytest.mark.parametrize("quantize", QUANTIZERS, ids=["plain", "vote"])
@pytest.mark.parametrize("dim_reduction", ["pca-batch", "pca-emb-space"])
def test_similarities_are_those_of_projections(quantize: Quantizer, dim_reduction: str) -> None:
    # All on the first axis, about the mean (1, 5): along it the embeddings are at -3, 3, 6, -6, and x at 3.
    emb_space = np.array([[-2.0, 5.0], [4.0, 5.0], [7.0, 5.0], [-5.0, 5.0]])
    x = np.array([[[4.0, 5.0]], [[-2.0, 5.0]]])
    result = quantize(x, emb_space, dim_reduction=dim_reduction, num_dim_reduction_components=1)
    np.testing.assert_allclose(result.similarity[0, 0], [-1, 1, 1, -1], rtol=4 * 2.0**-53)


@pytest.mark.clause("VQ-16.3")
@pytest.mark.parametrize("quantize", QUANTIZERS, ids=["plain", "vote"])
@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"num_splits": 3}, "num_splits"),
        ({"dim_reduction": "pca"}, "dim_reduction"),
        ({"dim_reduction": "pca-batch", "num_dim_reduction_components": 0}, "num_dim_reduction_components"),
        ({"dim_reduction": "pca-emb-space"}, "num_dim_reduction_components"),
    ],
)
def test_a_wrong_argument_is_named(quantize: Quantizer, arguments: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"^`{name}` must"):
        quantize(np.ones((1, 1, 2)), EMB_SPACE, **arguments)


@pytest.mark.clause("VQ-16.25")
def test_a_wrong_vote_is_refused() -> None:
    for labels, error in ((LABELS.astype(float), TypeError), (LABELS[:3], ValueError), (LABELS + 1, ValueError)):
        with pytest.raises(error, match=r"^`emb_labels` must"):
            cosine_knn_vector_quantization(X, labels, 3, 3, EMB_SPACE, num_splits=2)
