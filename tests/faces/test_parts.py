"""The parts of a Keras layer: their forms, their configurations, which are refused and which do not go together."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import vq_layer
from vq_layer import (
    PCA,
    Alpha,
    Beta,
    Codebook,
    Commitment,
    Cosine,
    Coulomb,
    DeadCodes,
    DiVeQ,
    FromBatch,
    FromInitializer,
    Gradient,
    Majority,
    MostDistant,
    MovingAverage,
    Nearest,
    NoGradient,
    Norm,
    Rotation,
    StraightThrough,
    VectorQuantization,
)
from vq_layer.core.compatibility import TABLE
from vq_layer.parts.part import Part
from vq_layer.parts.updates import Update
from vq_layer.presets import adversarial_2018

X = np.random.default_rng(0).standard_normal((8, 4)).astype(np.float32)
LABELS = np.array([2, 0, 2], np.int32)

PARTS = [
    *(Norm(1), Norm(2.5), Norm(np.inf), Cosine(), PCA(), PCA(Norm(1), "pca-emb-space", 2), PCA(Cosine(), components=2)),
    *(Nearest(), Majority(LABELS, 3, 2, 0.5, "nearest"), Majority(LABELS, 3, 2, -np.inf)),
    *(Alpha(), Beta(-0.5), Coulomb(0), Codebook(2), Commitment(0.5)),
    *(Gradient(), StraightThrough(), Rotation(), DiVeQ(), NoGradient()),
    *(MovingAverage(), MovingAverage(0.5, 0), FromInitializer(), FromInitializer([[1.0, 2.0]])),
    *(FromBatch(), FromBatch("sample", seed=3), FromBatch("k-means", 5), MostDistant(2), MostDistant(2, every=3)),
    *(DeadCodes(), DeadCodes(0.5, 0.9, "most-distant", 2, None, 7)),
]
# Their representations may hold addresses, which no two workers share.
EACH_PART = pytest.mark.parametrize("part", PARTS, ids=[type(part).__name__ for part in PARTS])
# Arguments of layers in which every part occurs.
LAYERS = [
    {
        "comparison": Norm(2.5),
        "losses": [Alpha(0.5), Beta(0.25), Coulomb(0.125)],
        "replacement": MostDistant(2, every=3),
    },
    {"comparison": PCA(Norm(1), "pca-emb-space", 2), "replacement": MostDistant(1), "start": FromBatch()},
    {
        "comparison": "cosine",
        "losses": [Codebook(2), Commitment(0.5)],
        "start": keras.initializers.RandomUniform(seed=1),
        "estimator": "rotation",
    },
    {"comparison": PCA(Cosine(), components=2), "losses": "commitment", "estimator": "none"},
    {"comparison": "cosine", "choice": Majority(LABELS, 3, 2, 0.5, "nearest"), "losses": None, "num_splits": 2},
    {
        "losses": "commitment",
        "update": MovingAverage(0.5),
        "start": FromBatch("k-means"),
        "replacement": DeadCodes(0.5, 0.5, every=2),
        "num_splits": 2,
    },
    {
        "comparison": "linf",
        "codebooks": "per-split",
        "num_splits": 2,
        "losses": Alpha(1),
        "update": Gradient(),
        "estimator": "diveq",
    },
]


def through_json(config):
    return json.loads(json.dumps(config, allow_nan=False))


def assert_same(part, other):
    assert type(part) is type(other)
    assert part.get_config() == other.get_config()
    if not isinstance(part, Majority | FromInitializer):  # which hold arrays
        assert part == other


def test_every_public_part_is_among_those_tested_here_in_a_layer_too():
    public = {
        it for name in vq_layer.__all__ if isinstance(it := getattr(vq_layer, name), type) and issubclass(it, Part)
    }
    assert {type(part) for part in PARTS} == public
    in_layers = [part for arguments in LAYERS for part in adversarial_2018(3, **arguments).quantizer.parts]
    assert public <= {type(part) for part in in_layers}


@EACH_PART
def test_a_part_comes_back_from_its_configuration(part):
    assert_same(type(part).from_config(through_json(part.get_config())), part)
    kept = through_json(keras.saving.serialize_keras_object(part))
    assert_same(keras.saving.deserialize_keras_object(kept), part)


@EACH_PART
def test_a_part_cannot_be_changed(part):
    for field in dataclasses.fields(part):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, field.name, 1)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("arguments", LAYERS)
def test_a_layer_comes_back_with_its_parts_from_a_configuration_a_file_and_a_clone(tmp_path, arguments):
    model = keras.Sequential([keras.layers.Input((4,)), adversarial_2018(3, name="vq", **arguments)])
    layer = model.get_layer("vq")
    model(X, training=True)
    model.save(tmp_path / "model.keras")
    loaded, cloned = keras.models.load_model(tmp_path / "model.keras"), keras.models.clone_model(model)
    from_config = VectorQuantization.from_config(through_json(layer.get_config()))
    for again in (from_config, loaded.get_layer("vq"), cloned.get_layer("vq")):
        assert again.get_config() == layer.get_config()
        for part, other in zip(again.quantizer.parts[1:], layer.quantizer.parts[1:], strict=True):
            assert_same(part, other)
    for name, value in layer.state.items():
        np.testing.assert_array_equal(loaded.get_layer("vq").state[name], value, err_msg=name, strict=True)
    cloned.set_weights(model.get_weights())
    for again in (loaded, cloned):
        np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


# An argument, a name and what it names, and its class where that gives the same.
NAMED = [
    *(
        ("comparison", "l1", Norm(1), None),
        ("comparison", "l2", Norm(2), Norm),
        ("comparison", "linf", Norm(np.inf), None),
    ),
    ("comparison", "cosine", Cosine(), Cosine),
    ("choice", "nearest", Nearest(), Nearest),
    *(("losses", "alpha", Alpha(), Alpha), ("losses", "beta", Beta(), Beta), ("losses", "coulomb", Coulomb(), Coulomb)),
    *(("losses", "codebook", Codebook(), Codebook), ("losses", "commitment", Commitment(), Commitment)),
    ("update", "gradient", Gradient(), Gradient),
    ("replacement", "dead-codes", DeadCodes(), DeadCodes),
    *(
        ("estimator", "straight-through", StraightThrough(), StraightThrough),
        ("estimator", "rotation", Rotation(), Rotation),
        ("estimator", "diveq", DiVeQ(), DiVeQ),
        ("estimator", "none", NoGradient(), NoGradient),
    ),
    *(("start", None, FromBatch(), FromBatch), ("replacement", None, MostDistant(2, 3), None)),
]


@pytest.mark.parametrize(("argument", "name", "part", "kind"), NAMED)
def test_a_part_by_name_object_class_and_configuration_is_the_same(argument, name, part, kind):
    for form in (name, part, kind, keras.saving.serialize_keras_object(part)):
        if form is not None:
            given = getattr(VectorQuantization(3, **{argument: form}).quantizer, argument)
            assert given == ((part,) if argument == "losses" else part)


def test_losses_may_be_one_or_several_in_every_form():
    losses = ["alpha", Beta, Coulomb(2), keras.saving.serialize_keras_object(Codebook(3))]
    expected = (Alpha(), Beta(), Coulomb(2), Codebook(3))
    for form in (losses, tuple(losses), iter(losses)):
        assert adversarial_2018(3, losses=form).quantizer.losses == expected


def test_a_comparison_inside_pca_may_be_a_name_too():
    assert PCA("cosine") == PCA(Cosine())
    assert PCA("linf") == PCA(Norm(np.inf))


@pytest.mark.clause("VQ-16.2", "VQ-16.3", "VQ-17.24")
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"comparison": "l3"},
            ValueError,
            r"`comparison` must be a part of the kind Comparison, or one of the names 'l1', 'l2', 'linf', 'cosine'. "
            r"Received: comparison='l3'",
        ),
        ({"comparison": 2}, TypeError, r"`comparison` must be a part of the kind Comparison.* Received: comparison=2"),
        ({"choice": Alpha()}, TypeError, r"`choice` must be a part of the kind Chooser.* choice=Alpha\(weight=0.1\)"),
        ({"losses": ["alpha", "gamma"]}, ValueError, r"`losses` must be a part of the kind Loss.* losses='gamma'"),
        ({"losses": 0.1}, TypeError, r"`losses` must be a part of the kind Loss.* Received: losses=0.1"),
        ({"losses": Norm}, TypeError, r"`losses` must be a part of the kind Loss.* Received: losses=<class .*Norm"),
        ({"update": "ema"}, ValueError, r"`update` must be a part of the kind Update.* Received: update='ema'"),
        ({"estimator": None}, TypeError, r"`estimator` must be a part of the kind Estimator.* estimator=None"),
        (
            {"start": "batch"},
            ValueError,
            r"`start` must be an initializer of Keras.*, or FromBatch\('k-means'\).* start='batch'",
        ),
        ({"replacement": 2}, TypeError, r"`replacement` must be a part of the kind Replacement. .*replacement=2"),
        ({"codebooks": "own"}, ValueError, r"`codebooks` must be 'shared' or 'per-split'. Received: codebooks='own'"),
    ],
)
def test_what_is_no_part_of_its_kind_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        adversarial_2018(3, **arguments)


@pytest.mark.clause("VQ-16.2", "VQ-16.3", "VQ-16.19", "VQ-16.25", "VQ-17.1", "VQ-18.7", "VQ-23.1")
@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (
            lambda: FromBatch("last"),
            ValueError,
            r"`FromBatch.method` must be 'first' or 'sample' or 'k-means'. Received: FromBatch.method='last'",
        ),
        (
            lambda: MostDistant(0),
            ValueError,
            r"`MostDistant.number` must be at least 1. Received: MostDistant.number=0",
        ),
        (lambda: MostDistant(1, every=0), ValueError, r"`MostDistant.every` must be at least 1. .*MostDistant.every=0"),
        (lambda: MostDistant(1, every=1.5), TypeError, r"`MostDistant.every` must be an integer. .*every=1.5"),
        (lambda: PCA(PCA()), ValueError, r"`PCA.of` must be a Norm or Cosine. Received: PCA.of=PCA\("),
        (lambda: PCA("l3"), ValueError, r"`PCA.of` must be a part of the kind Comparison.* Received: PCA.of='l3'"),
        (lambda: Codebook(np.nan), ValueError, r"`Codebook.weight` must be finite. Received: Codebook.weight=nan"),
        (lambda: Commitment(None), TypeError, r"`Commitment.weight` must be a number. .*Commitment.weight=None"),
        (lambda: Majority([0.5], 1, 1), TypeError, r"`emb_labels` must have the dtype int32 or int64"),
        (
            lambda: adversarial_2018(3, replacement=MostDistant(4)),
            ValueError,
            r"`MostDistant.number` must be at most n=3",
        ),
        (
            lambda: vq_layer.CosineVectorQuantization(3, comparison=PCA("l2")),
            ValueError,
            r"`comparison` must be Cosine, or PCA of it. Received: comparison=PCA\(of=Norm\(p=2.0\)",
        ),
    ],
)
def test_a_part_refuses_what_breaks_its_rule(build, error, message):
    with pytest.raises(error, match=message):
        build()


VOTE = {"comparison": "cosine", "choice": Majority(LABELS, 3, 2), "losses": None}


class Moving(Update):
    """One that moves the embeddings by itself."""


# For each row of the table, arguments that break it.
BREAKING = {
    ("losses", Alpha, "comparison"): {"comparison": "cosine", "losses": "alpha"},
    ("losses", Beta, "comparison"): {"comparison": PCA("cosine"), "losses": ["codebook", "beta"]},
    ("losses", Coulomb, "comparison"): {"comparison": "cosine", "losses": Coulomb(0)},
    ("replacement", MostDistant, "comparison"): {"comparison": "cosine", "losses": None, "replacement": MostDistant(1)},
    ("choice", Majority, "comparison"): {**VOTE, "comparison": "l2", "losses": []},
    ("choice", Majority, "losses"): {**VOTE, "losses": "codebook"},
    ("choice", Majority, "update"): {**VOTE, "update": Moving()},
    ("choice", Majority, "replacement"): {**VOTE, "replacement": MostDistant(1)},
    ("choice", Majority, "start"): {**VOTE, "start": FromBatch()},
    ("choice", Majority, "codebooks"): {**VOTE, "codebooks": "per-split"},
    **{
        ("losses", loss, "update"): {"losses": [loss(1.0), "commitment"], "update": MovingAverage()}
        for loss in (Alpha, Beta, Coulomb, Codebook)
    },
}


@pytest.mark.clause("VQ-16.3", "VQ-17.20", "VQ-17.21", "VQ-17.22", "VQ-17.25")
@pytest.mark.parametrize("need", TABLE, ids=lambda need: f"{need.kind.__name__}-{need.of}")
def test_parts_that_do_not_go_together_are_refused(need):
    arguments = BREAKING[need.argument, need.kind, need.of]
    message = rf"`{need.argument}`: {need.kind.__name__} needs {need.what}. Received: {need.argument}=.*, {need.of}="
    with pytest.raises(ValueError, match=message):
        adversarial_2018(3, **arguments)


def test_every_row_of_the_table_is_broken_by_something_here():
    assert {(need.argument, need.kind, need.of) for need in TABLE} == BREAKING.keys()


def test_without_losses_given_there_is_the_commitment_and_in_the_layer_of_2018_those_of_a_norm():
    assert VectorQuantization(3, comparison="cosine").quantizer.losses == (Commitment(0.25),)
    assert adversarial_2018(3, comparison="l1").quantizer.losses == (Alpha(), Beta(), Coulomb())
    with pytest.raises(ValueError, match="`losses`: Alpha needs a comparison by a Norm"):
        adversarial_2018(3, comparison="cosine")


def test_a_cosine_learns_by_the_codebook_and_the_commitment_loss():
    layer = adversarial_2018(3, comparison="cosine", losses=["codebook", "commitment"])
    x = tf.constant(X)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        layer(x, training=True)
        codebook, commitment = layer.losses
    weight = layer.emb_space.value
    assert np.any(tape.gradient(codebook, weight))
    assert tape.gradient(codebook, x) is None
    assert np.any(tape.gradient(commitment, x))
    assert tape.gradient(commitment, weight) is None


def test_a_commitment_alone_leaves_the_embedding_space_untrained():
    layer = adversarial_2018(3, losses="commitment")
    layer(X)
    assert len(layer.losses) == 1
    assert layer.trainable_weights == []
