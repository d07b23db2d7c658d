"""What was written before there were parts: arguments say what to write now, configurations and files are read."""

import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest

from vq_layer import (
    PCA,
    Alpha,
    Beta,
    Cosine,
    CosineKNNVectorQuantization,
    CosineVectorQuantization,
    Coulomb,
    FromBatch,
    MostDistant,
    Norm,
    VectorQuantization,
)
from vq_layer.layers.arguments import BECAME

X = np.random.default_rng(0).standard_normal((32, 4)).astype(np.float32)
NORMAL = {"module": "keras.initializers", "class_name": "RandomNormal", "registered_name": None}
NORMAL["config"] = {"seed": None, "mean": 0.0, "stddev": 1.0}
POLICY = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}
COMMON = {
    **{"name": "vq", "trainable": True, "dtype": POLICY, "n": 5, "num_splits": 2, "return_endpoints": False},
    **{"dim_reduction": None, "num_dim_reduction_components": -1, "embedding_initializer": NORMAL},
}
PLAIN = {**COMMON, "alpha": 0.1, "beta": 0.0001, "gamma": 1e-06, "lookup_ord": 2.0, "num_embeds_replaced": 0}
LABELS = {"class_name": "__numpy__", "config": {"value": [0, 1, 2, 3, 4], "dtype": "int64"}}
VOTE = {"num_classes": 5, "k": 2, "majority_threshold": 0.5, "representative": "first"}

# A layer's configuration of before, and the quantizer that it is of now, by what differs from the defaults.
CONFIGURATIONS = {
    "defaults": (VectorQuantization, PLAIN, {}),
    "infinite order": (VectorQuantization, {**PLAIN, "lookup_ord": "inf"}, {"comparison": Norm(np.inf)}),
    "weights": (
        VectorQuantization,
        {**PLAIN, "alpha": 0.5, "beta": 0.0, "gamma": -0.25},
        {"losses": (Alpha(0.5), Coulomb(-0.25))},
    ),
    "no loss": (VectorQuantization, {**PLAIN, "alpha": 0.0, "beta": 0.0, "gamma": 0.0}, {"losses": ()}),
    "reduced": (
        VectorQuantization,
        {**PLAIN, "dim_reduction": "pca-batch", "num_dim_reduction_components": 2},
        {"comparison": PCA("l2", "pca-batch", 2)},
    ),
    "from a batch": (VectorQuantization, {**PLAIN, "embedding_initializer": "batch"}, {"start": FromBatch()}),
    "replaced": (VectorQuantization, {**PLAIN, "num_embeds_replaced": 2}, {"replacement": MostDistant(2)}),
    "cosine": (
        CosineVectorQuantization,
        {**COMMON, "dim_reduction": "pca-emb-space", "num_dim_reduction_components": 2},
        {"comparison": PCA(Cosine(), "pca-emb-space", 2)},
    ),
    "vote": (CosineKNNVectorQuantization, {**COMMON, **VOTE, "emb_labels": LABELS}, {"comparison": Cosine()}),
}
OF_NOW = {"comparison": Norm(2), "losses": (Alpha(), Beta(), Coulomb()), "replacement": None, "n": 5, "num_splits": 2}


@pytest.mark.parametrize("of", CONFIGURATIONS)
def test_a_configuration_of_before_gives_a_layer_of_parts(of):
    kind, config, parts = CONFIGURATIONS[of]
    layer = kind.from_config(json.loads(json.dumps(config)))
    expected = {**OF_NOW, **({} if kind is VectorQuantization else {"losses": ()}), **parts}
    assert {name: getattr(layer.quantizer, name) for name in expected} == expected
    if "start" not in parts:
        assert layer.quantizer.start.values.get_config() == NORMAL["config"]
    assert layer.name == "vq"
    assert not BECAME.keys() & layer.get_config().keys()
    layer(X, training=True)


@keras.saving.register_keras_serializable(package="test")
class Derived(VectorQuantization):
    """A user's own."""


def test_a_configuration_of_before_of_a_derived_layer_is_read_as_that_of_its_base():
    assert Derived.from_config(PLAIN).quantizer.comparison == Norm(2)


@pytest.mark.clause("VQ-16.3")
@pytest.mark.parametrize(
    ("build", "received", "write"),
    [
        (lambda old: VectorQuantization(5, **old), {"alpha": 1}, r"losses=\[Alpha\(weight=1.0\), Beta\(.*Coulomb\("),
        (lambda old: Derived(5, **old), {"beta": 0, "gamma": 0}, r"losses=\[Alpha\(weight=0.1\)\]`"),
        (lambda old: VectorQuantization(5, **old), {"lookup_ord": np.inf}, r"comparison=Norm\(p=inf\)`"),
        (
            lambda old: Derived(5, **old),
            {"dim_reduction": "pca-batch", "num_dim_reduction_components": 3},
            r"comparison=PCA\(of=Norm\(p=2.0\), fit='pca-batch', components=3\)`",
        ),
        (lambda old: VectorQuantization(5, **old), {"embedding_initializer": "batch"}, r"start=FromBatch\("),
        (lambda old: VectorQuantization(5, **old), {"embedding_initializer": "zeros"}, r"start='zeros'`"),
        (lambda old: VectorQuantization(5, **old), {"num_embeds_replaced": 2}, r"replacement=MostDistant\(number=2"),
        (lambda old: VectorQuantization(5, **old), {"num_embeds_replaced": 0}, r"replacement=None`"),
        (
            lambda old: CosineVectorQuantization(5, **old),
            {"dim_reduction": "pca-batch", "num_dim_reduction_components": 3},
            r"comparison=PCA\(of=Cosine\(\), fit='pca-batch', components=3\)`",
        ),
        (
            lambda old: CosineKNNVectorQuantization([0] * 5, 1, 1, 5, **old),
            {"embedding_initializer": "ones"},
            r"start='ones'`",
        ),
    ],
)
def test_an_argument_of_before_is_an_error_that_says_what_to_write(build, received, write):
    names, values = ", ".join(f"`{name}`" for name in received), ", ".join(f"{n}={v!r}" for n, v in received.items())
    with pytest.raises(TypeError, match=rf"{names} of \w+ became a part: write `{write}.*Received: {values}$"):
        build(received)


def as_before(path, config):
    """Write a saved model as it was before: the configuration of its one layer, and counts of float32."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    model = json.loads(files["config.json"])
    model["config"]["layers"][-1]["config"] = config
    files["config.json"] = json.dumps(model).encode()
    weights = io.BytesIO(files["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        variables = file["layers/vector_quantization/vars"]
        counts = variables["2"][()]  # the third weight
        assert counts.dtype == np.int64
        del variables["2"]
        variables["2"] = counts.astype(np.float32)
    files["model.weights.h5"] = weights.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


@pytest.mark.long
@pytest.mark.slow
def test_a_file_of_before_comes_back_with_its_weights_in_the_midst_of_gathering(tmp_path):
    config = {**PLAIN, "embedding_initializer": "batch", "num_embeds_replaced": 2}
    layer = VectorQuantization.from_config(config)
    model = keras.Sequential([keras.layers.Input((4,)), layer])
    model.compile("adam")
    model.fit(X, batch_size=8, verbose=0)
    of_before = ["emb_space", "initialized", "accumulated_usage_count", "distant_inputs", "input_distances"]
    assert [weight.name for weight in layer.weights] == [*of_before, "passes_since_replacement"]
    model.save(tmp_path / "model.keras")
    as_before(tmp_path / "model.keras", config)
    loaded = keras.models.load_model(tmp_path / "model.keras")
    again = loaded.get_layer("vq")
    assert again.accumulated_usage_count.numpy().sum() == 64
    assert again.input_distances.numpy().all()
    for name, value in layer.state.items():
        np.testing.assert_array_equal(again.state[name], value, err_msg=name, strict=True)
    for each in (model, loaded):
        each.fit(X[:8], batch_size=8, verbose=0)
    for name, value in layer.state.items():
        np.testing.assert_array_equal(again.state[name], value, err_msg=name)
