"""What a monitor warns of, and what it says to try: rules of what was seen of a layer, look by look."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vq_layer.layers.monitor.look import Look, ratio
from vq_layer.layers.vector_quantization import VectorQuantization
from vq_layer.parts.choices import Majority
from vq_layer.parts.comparisons import is_norm
from vq_layer.parts.losses import Commitment

IN_USE = 1 / 2  # of the embeddings: the least that needs no warning
SEEN = 10  # vectors for each embedding: of equally good ones, a share of e^-10 is never chosen by chance
APART = 10.0  # the largest ratio of the two magnitudes that needs no warning, one way or the other
GROWTH, TIMES = 1.5, 3  # of the magnitude of the inputs, from one look to the next, so often in a row
MEMORY = TIMES + 1  # looks that the rules ask for, at most

NORMALIZE = "a normalization before it, as `keras.layers.LayerNormalization`"
FROM_BATCH = '`start=FromBatch("k-means")`'


def of_usage(looks: Sequence[Look]) -> str | None:
    """Warn of a layer in training that has used few of its embeddings in the last two looks, of at least three.

    One look may fall into a time in which the layers before move fast: of a VQ-VAE of digits, the second epoch was seen
    to use half of the embeddings, and the third nearly all.
    """
    now = looks[-1]
    if len(looks) < 3 or not _learns(now.layer) or not all(map(_uses_few, looks[-2:])):
        return None
    return (
        f"the layer {now.layer.name!r} used {now.num_used} of its {now.num_embeds:,} embeddings in an epoch of "
        f"{now.num_vectors:,} vectors. Try {_one_of(_for_usage(now.layer))}."
    )


def of_magnitudes(looks: Sequence[Look]) -> str | None:
    """Warn of a layer in training whose inputs and embeddings are of other magnitudes, from the second look on.

    And of one whose inputs grow and grow. By a cosine, magnitudes do not matter.
    """
    layer = looks[-1].layer
    if len(looks) < 2 or not _learns(layer) or not is_norm(layer.quantizer.comparison):
        return None
    inputs, embeddings = looks[-1].rms_of_inputs, looks[-1].rms_of_embeddings
    seen = f"a root mean square of {inputs:.3g}, its embeddings of {embeddings:.3g}"
    if _grow([look.rms_of_inputs for look in looks]):
        return f"the inputs of the layer {layer.name!r} grow and grow: they have {seen}. Try {_one_of(_hold(layer))}."
    if ratio(inputs, embeddings) > APART:
        return f"the inputs of the layer {layer.name!r} have {seen}. Try {_one_of(_hold(layer))}."
    if ratio(inputs, embeddings) < 1 / APART:
        starts = [] if layer.quantizer.start.from_inputs else [FROM_BATCH]
        return f"the inputs of the layer {layer.name!r} have {seen}. Try {_one_of([*starts, NORMALIZE])}."
    return None


def _learns(layer: Any) -> bool:
    """Tell whether the layer trains embeddings, or has such as it might train."""
    if not isinstance(layer, VectorQuantization) or isinstance(layer.quantizer.choice, Majority):
        return False
    return bool(layer.trainable)


def _uses_few(look: Look) -> bool:
    return look.num_vectors >= SEEN * look.num_embeds and look.num_used < IN_USE * look.num_embeds


def _grow(magnitudes: list[float]) -> bool:
    last = np.array(magnitudes[-MEMORY:])
    return len(last) == MEMORY and bool(np.all(last[1:] > GROWTH * last[:-1]))


def _for_usage(layer: Any) -> list[str]:
    """Return what may bring embeddings into use, of what the layer does not have yet."""
    replaces = [] if layer.quantizer.replacement is not None else ["`replacement=DeadCodes()`"]
    starts = [] if layer.quantizer.start.from_inputs else [FROM_BATCH]
    return [*replaces, *starts, "fewer embeddings"]


def _hold(layer: Any) -> list[str]:
    """Return what holds the inputs near the embeddings."""
    is_held = any(isinstance(loss, Commitment) and not loss.is_absent for loss in layer.quantizer.losses)
    return ["a larger weight of `Commitment`" if is_held else "`Commitment(0.25)` among the losses", NORMALIZE]


def _one_of(options: list[str]) -> str:
    return ", or ".join([*([", ".join(options[:-1])] if options[1:] else []), options[-1]])
