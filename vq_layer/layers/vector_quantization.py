"""The layer for everyday use: a quantizer put together from parts."""

from typing import Any

import keras

from vq_layer import validation
from vq_layer.core.quantizer import Quantizer
from vq_layer.layers import arguments
from vq_layer.layers.on_demand import flattened
from vq_layer.layers.quantizer import QuantizerLayer
from vq_layer.parts.choices import Majority, choice_of
from vq_layer.parts.comparisons import comparison_of
from vq_layer.parts.estimators import estimator_of
from vq_layer.parts.losses import Commitment, losses_of
from vq_layer.parts.replacement import replacement_of
from vq_layer.parts.starts import FromBatch, start_of
from vq_layer.parts.updates import Gradient, MovingAverage, update_of

DEFAULT = "default"  # of an argument whose default depends on the others


@keras.saving.register_keras_serializable(package="vq_layer")
class VectorQuantization(QuantizerLayer):
    """Replace every vector of the input by an embedding of a learned embedding space, the codebook.

    By default it trains in a model as it is: the embeddings start from k-means of the first batch, follow the vectors
    that choose them as moving averages, and move elsewhere when they are hardly ever chosen; a commitment loss keeps
    the layers before near them. `vq_layer.presets` has what papers and the layer of 2018 do instead.

    It is put together from parts, each given as an object or by its name. The losses come out through `add_loss`, in
    `keras.config.floatx()`, so that `fit` adds them to the objective. `fit` and `evaluate` report over their batches
    the metrics ``perplexity`` and ``codebook_usage``, each loss by its name, such as ``commitment_loss``, a mean over
    all vectors, and with `DeadCodes` ``dead_share``, the mean over passes of the share that was dead in them. Where the
    model that is called holds several such layers, they are ``<layer name>_perplexity`` and so on, from its first
    training or evaluation on. An inference pass counts when the losses of the layer or of the model are read after it,
    as an evaluation does; called eagerly, it computes the losses only then: read them inside the gradient tape.

    In the replicas of a `tf.distribute` strategy, a training pass is one over the batches of all of them: all are left
    with the same embeddings, and the mean of a loss over replicas, as Keras takes it, is that over all vectors. A loop
    of its own divides the losses by the number of replicas.

    While the layer is frozen, ``trainable = False``, training changes nothing. `initialize_from_batch` and
    `replace_embeds` act whenever they are called.

    Parameters
    ----------
    n : int
        The number of embeddings.
    comparison : a part of `vq_layer.parts.comparisons`, such as ``Norm(1)``, or its name: "l1", "l2", "linf", "cosine"
        What near means.
    choice : a part of `vq_layer.parts.choices`, or its name
        Which of the embeddings that are found stands for a vector.
    losses : list of parts of `vq_layer.parts.losses`, or their names, or one of these
        What trains the layers before, and with another than `Commitment` the embeddings; by default
        ``Commitment(0.25)``. A loss whose weight is 0 is absent.
    update : a part of `vq_layer.parts.updates`, or its name: "moving-average", "gradient"
        How the embedding space moves; by default ``MovingAverage(0.95)``, and `Gradient` where one of the losses trains
        the embeddings. Where neither moves them, they are not trainable.
    estimator : a part of `vq_layer.parts.estimators`, or its name: "straight-through", "rotation", "diveq", "none"
        How a gradient passes to the input.
    start : a part of `vq_layer.parts.starts`, an initializer of Keras, an array, or None
        What the embedding space begins with; by default ``FromBatch("k-means")``, what k-means finds in the first
        training batch. An array, tensor or list of the shape [n, d] holds its values; the configuration keeps them.
        None is a normal distribution of standard deviation 1.
    replacement : a part of `vq_layer.parts.replacement`, or its name: "dead-codes", or None
        What becomes of embeddings that are of little use; by default ``DeadCodes(0.05)`` moves those that are hardly
        ever chosen to inputs, within the training step.
    num_splits : int
        How many vectors the last axis of the input holds, a divisor of q.
    codebooks : {"shared", "per-split"}
        Whether all splits share one embedding space. With one for each, what belongs to the embeddings, in `state` and
        in the endpoints, has one axis more, the first: that of the splits.
    return_endpoints : bool
        Whether a call returns `Endpoints`.
    **kwargs
        Those of `keras.layers.Layer`.

    Notes
    -----
    The input has the shape ``[batch, ..., q]``, any rank from 2, q static.

    The output has that of the input. Each vector of size ``d = q / num_splits`` is a row of the embedding space, bit
    for bit. Ties go to the lowest index. A vector with a NaN or infinite coordinate comes out as NaN. A masked one
    comes out as it is, and is otherwise as if it were not there; the mask passes through.

    By a cosine, too, the row of the embedding space comes out as it is; `MovingAverage` keeps its norm at 1.

    All that a layer keeps is in its weights: a training that goes on from a file of Keras, or from a checkpoint of
    TensorFlow, is the one that was not interrupted, bit for bit, on the same batches and machine. Keras reads what an
    optimizer keeps from a file of weights only if it is built, ``model.optimizer.build(model.trainable_variables)``.

    An optimizer that accumulates the gradients of several batches, with ``gradient_accumulation_steps=k``, is nothing
    to the layer: each batch is a pass. It starts from the first one, averages and shares move with each, and `every` of
    a replacement counts them; ``decay ** (1 / k)`` remembers as many steps as `decay` does without. Embeddings that
    the optimizer trains move at its steps alone. What it has accumulated for a replaced row is forgotten.

    What others call the parts: the beta of a VQ-VAE and `commitment_cost` (Sonnet, keras.io) are ``Commitment(w)``; the
    second term of its loss is ``Codebook(1.0)``; `decay` is ``MovingAverage(decay)``; `kmeans_init` is
    ``FromBatch("k-means")``; `threshold_ema_dead_code`, in accesses, is ``DeadCodes(fraction)``, of the even share
    (vector-quantize-pytorch). The alpha, beta and gamma of 2018 are ``Alpha``, ``Beta`` and ``Coulomb``, the second of
    which pulls all embeddings to every input; its `num_embeds_replaced` is ``MostDistant(number)``.

    Examples
    --------
    >>> layer = VectorQuantization(2, num_splits=2, start="normal")
    >>> layer.build((None, 2))
    >>> _ = layer.emb_space.assign([[0.0], [1.0]])
    >>> layer.encode([[0.2, 0.9]]).numpy()
    array([[0, 1]])
    >>> layer(keras.ops.array([[0.2, 0.9]])).numpy()
    array([[0., 1.]], dtype=float32)

    References
    ----------
    van den Oord, Vinyals, Kavukcuoglu, "Neural Discrete Representation Learning", 2017; its moving averages in appendix
    A.1. k-means++: Arthur, Vassilvitskii, 2007. Dead codes moved to inputs: Zeghidour et al., "SoundStream", 2021.
    """

    def __init__(
        self,
        n: Any = None,  # for `refuse`, which knows what others call it
        *,
        comparison: Any = "l2",
        choice: Any = "nearest",
        losses: Any = DEFAULT,
        update: Any = DEFAULT,
        estimator: Any = "straight-through",
        start: Any = DEFAULT,
        replacement: Any = DEFAULT,
        num_splits: int = 1,
        codebooks: str = "shared",
        return_endpoints: bool = False,
        **kwargs: Any,
    ) -> None:
        arguments.refuse(type(self).__name__, self.default_comparison, kwargs)
        validation.check_num_embeds(n)
        choice = choice_of(choice)
        learned = not isinstance(choice, Majority)  # whose embeddings stay with their labels
        losses = losses_of(_given(losses, Commitment() if learned else None))
        by_gradient = not learned or any(it.trains_emb_space and not it.is_absent for it in losses)
        quantizer = Quantizer(
            n=n,
            comparison=comparison_of(comparison),
            choice=choice,
            losses=losses,
            update=update_of(_given(update, Gradient() if by_gradient else MovingAverage(0.95))),
            estimator=estimator_of(estimator),
            start=start_of(_given(start, FromBatch("k-means") if learned else None)),
            replacement=replacement_of(_given(replacement, "dead-codes" if learned else None)),
            num_splits=num_splits,
            codebooks=codebooks,
        )
        super().__init__(quantizer, return_endpoints, counts_usage=True, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serializable."""
        it, kept = self.quantizer, keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "n": it.n,
            **{name: kept(getattr(it, name)) for name in ("comparison", "choice", "update", "estimator")},
            "losses": [kept(loss) for loss in it.losses],
            "start": kept(it.start),
            "replacement": None if it.replacement is None else kept(it.replacement),
            "num_splits": it.num_splits,
            "codebooks": it.codebooks,
            "return_endpoints": self.return_endpoints,
        }


def _given(value: Any, default: Any) -> Any:
    """Return the value of an argument; the default where it was left out."""
    return default if isinstance(value, str) and value == DEFAULT else value


def vector_quantizations(layer: keras.layers.Layer) -> list[VectorQuantization]:
    """Return those in a layer or a model, at any depth, each once."""
    return [it for it in flattened(layer) if isinstance(it, VectorQuantization)]
