"""An exported model is served by TensorFlow alone, where the package is not imported."""

import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest

import vq_layer

pytestmark = pytest.mark.process

X = np.random.default_rng(0).standard_normal((40, 4)).astype(np.float32)
X[0] = np.nan
LAYERS = {
    "default": vq_layer.VectorQuantization(5, num_splits=2),
    "residual": vq_layer.ResidualVectorQuantization(5, 3, quantizer_dropout=True),
    "finite_scalar": vq_layer.FiniteScalarQuantization([3, 5], num_splits=2),
    "cosine": vq_layer.CosineVectorQuantization(5),
    "vote": vq_layer.CosineKNNVectorQuantization([0, 1, 0, 1, 2], 3, 2, 5),
}
SERVER = """
    import sys
    import numpy as np
    import tensorflow as tf

    def nodes_of(function):
        return function.node if hasattr(function, "node") else function.node_def

    x = np.load("x.npy")
    for name in sys.argv[1:]:
        served = tf.saved_model.load(name)
        np.savez(f"{name}.npz", served.serve(x), served.serve(x), served.serve(x[:1]))
        graph = served.signatures["serving_default"].graph.as_graph_def()
        operations = [node.op for function in [graph, *graph.library.function] for node in nodes_of(function)]
        assert "IsFinite" in operations  # these are what computes the answers
        assert not [operation for operation in operations if operation.startswith("Assign")]
    assert not [module for module in sys.modules if module.startswith(("vq_layer", "reference"))]
"""


def test_an_exported_model_is_served_without_the_package_and_counts_nothing(tmp_path):
    models = {name: keras.Sequential([keras.layers.Input((4,)), layer]) for name, layer in LAYERS.items()}
    for name, model in models.items():
        model(X, training=True)  # from which the embeddings start
        counted = [variable.numpy() for variable in model.metrics_variables]
        model.export(tmp_path / name, verbose=False)
        for variable, value in zip(model.metrics_variables, counted, strict=True):
            np.testing.assert_array_equal(variable, value)
    np.save(tmp_path / "x.npy", X)
    server = [sys.executable, "-I", "-c", textwrap.dedent(SERVER), *models]
    subprocess.run(server, cwd=tmp_path, check=True, timeout=300)
    for name, model in models.items():
        with np.load(tmp_path / f"{name}.npz") as answers:
            for x, answer in zip((X, X, X[:1]), answers.values(), strict=True):
                np.testing.assert_array_equal(answer, model(x), err_msg=name)
