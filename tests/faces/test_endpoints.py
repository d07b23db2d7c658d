"""The endpoints of a Keras layer: in functional models, files, `predict` and functions (VQ-17)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vq_layer import CosineKNNVectorQuantization, CosineVectorQuantization, Endpoints
from vq_layer.presets import adversarial_2018

X = np.random.default_rng(0).standard_normal((8, 3, 4)).astype(np.float32)
KINDS = {
    "norm": lambda: adversarial_2018(5, num_splits=2, return_endpoints=True),
    "per split": lambda: adversarial_2018(5, num_splits=2, codebooks="per-split", return_endpoints=True),
    "cosine": lambda: CosineVectorQuantization(5, return_endpoints=True),
    "vote": lambda: CosineKNNVectorQuantization(np.arange(5), 5, 2, 5, majority_threshold=1, return_endpoints=True),
}
every_kind = pytest.mark.parametrize("kind", KINDS)
ALWAYS = ("layer_out", "emb_index", "emb_space", "access_count")
DISTANCES = ("distance", "emb_spacing", "emb_closest_spacing")
SIMILARITIES = ("similarity_values", "percentage_identity_mapped")
PRESENT = {
    **{"norm": (*ALWAYS, *DISTANCES), "per split": (*ALWAYS, *DISTANCES), "cosine": (*ALWAYS, *SIMILARITIES)},
    "vote": (*ALWAYS, *SIMILARITIES, "identity_mapping_mask", "most_common_label"),
}


def assert_equal(values, expected):
    assert values.keys() == expected.keys()
    for name, value in values.items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


@every_kind
def test_a_layer_returns_those_that_it_has_in_the_order_of_their_names(kind):
    endpoints = KINDS[kind]()(X)
    assert isinstance(endpoints, Endpoints)
    assert endpoints._fields == PRESENT[kind]
    assert [name for name in Endpoints.NAMES if getattr(endpoints, name) is None] == [
        name for name in Endpoints.NAMES if name not in PRESENT[kind]
    ]


@pytest.mark.slow
@every_kind
def test_a_functional_model_over_them_is_saved_and_loaded(tmp_path, kind):
    layer, x = KINDS[kind](), keras.Input((3, 4))
    model, expected = keras.Model(x, layer(x)._asdict()), layer(X)._asdict()
    model.save(tmp_path / "model.keras")
    for each in (model, keras.models.load_model(tmp_path / "model.keras")):
        assert_equal(each(X), expected)


@pytest.mark.slow
@every_kind
def test_predict_gives_those_of_the_vectors_of_all_batches(kind):
    layer, x = KINDS[kind](), keras.Input((3, 4))
    endpoints, expected = layer(x), layer(X)
    of_vectors = ("layer_out", "emb_index", "distance", "similarity_values", "most_common_label")
    names = [name for name in of_vectors if name in endpoints._fields]
    predicted = keras.Model(x, {name: getattr(endpoints, name) for name in names}).predict(X, batch_size=3, verbose=0)
    assert_equal(predicted, {name: getattr(expected, name) for name in names})


@every_kind
@pytest.mark.parametrize("training", [False, True])
def test_a_function_returns_them_whole(kind, training):
    layer = KINDS[kind]()
    expected = layer(X, training=training)
    endpoints = tf.function(layer, input_signature=[tf.TensorSpec([None, None, 4])])(X)
    assert type(endpoints) is type(expected)
    assert_equal(endpoints._asdict(), expected._asdict())


@every_kind
def test_the_indices_are_those_that_encode_returns(kind):
    layer = KINDS[kind]()
    np.testing.assert_array_equal(layer(X).emb_index, np.reshape(layer.encode(X), [8, -1]))
