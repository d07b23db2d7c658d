"""What a layer gathers is in float32 or wider under every policy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vq_layer import (
    CosineKNNVectorQuantization,
    CosineVectorQuantization,
    FiniteScalarQuantization,
    MostDistant,
    MovingAverage,
    ResidualVectorQuantization,
    VectorQuantization,
)

POLICIES = ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16", "float32", "float64"]
LAYERS = {
    "averages": lambda dtype: VectorQuantization(3, dtype=dtype),
    "gradient": lambda dtype: VectorQuantization(3, losses=["codebook"], replacement=MostDistant(2), dtype=dtype),
    "residual": lambda dtype: ResidualVectorQuantization(3, 2, quantizer_dropout=True, dtype=dtype),
    "cosine": lambda dtype: CosineVectorQuantization(3, dtype=dtype),
    "vote": lambda dtype: CosineKNNVectorQuantization([0, 1, 0], 2, 1, 3, dtype=dtype),
    "finite scalar": lambda dtype: FiniteScalarQuantization([3, 5], dtype=dtype),
}
WIDE = {"float32", "float64", "int32", "int64", "bool"}


@pytest.mark.clause("VQ-14.3", "VQ-14.6", "VQ-24.1")
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", LAYERS)
def test_no_weight_metric_or_slot_is_of_a_half_type(kind, policy):
    layer = LAYERS[kind](policy)
    layer.build((None, 2))
    optimizer = keras.optimizers.Adam()
    optimizer.build(layer.trainable_variables)
    dtypes = {it.path: it.dtype for it in [*layer.variables, *layer.metrics_variables, *optimizer.variables]}
    assert set(dtypes.values()) <= WIDE, dtypes
    expected = "float64" if policy == "float64" else "float32"
    assert {weight.dtype for weight in layer.weights if weight.name == "emb_space"} <= {expected}


@pytest.mark.clause("VQ-14.3", "VQ-14.6", "VQ-24.1", "VQ-24.2")
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16"])
def test_five_thousand_vectors_of_one_embedding_are_summed_as_in_float32(policy):
    # In bfloat16 there is no 5,001, and in float16 no sum of 64 times 5,001.
    layer = VectorQuantization(
        2,
        start=np.array([[60.0, 0.0], [-2.0, 0.0]], np.float32),
        update=MovingAverage(0.0, epsilon=0.0),
        replacement=MostDistant(1),
        return_endpoints=True,
        dtype=policy,
    )
    x = np.concatenate([np.tile([[64.0, 1.0]], (4999, 1)), [[32.0, 1.0]] * 2, [[-2.0, 0.0]]])
    endpoints = layer(tf.cast(x, layer.compute_dtype), training=True)
    assert endpoints.access_count.dtype == "float32"
    for count in (endpoints.access_count, layer.average_count, layer.accumulated_usage_count):
        np.testing.assert_array_equal(count, [5001, 1])
    # The sums are exact; the mean, as the row and a step from there, has five roundings of numbers up to 64.
    np.testing.assert_allclose(layer.emb_space[0], [64 - 64 / 5001, 1], rtol=5 * 2.0**-24)
    np.testing.assert_array_equal(layer.metrics[0].access_count, [5001, 1])
    # Squares of 4, of 28 and of 1 are summed exactly, and the mean is a rounding.
    commitment = 0.25 * (4999 * (4**2 + 1) + 2 * (28**2 + 1)) / (2 * 5002)
    np.testing.assert_allclose(layer.losses[0], commitment, rtol=3 * 2.0**-24)
