"""The vote of the k most similar, labelled embeddings, by the Keras layer."""

import numpy as np
from numpy.typing import NDArray

from examples.demo.digits import NUM_CLASSES, Digits, Vote
from vq_layer import CosineKNNVectorQuantization


def vote(digits: Digits, x: NDArray[np.float32], k: int, majority_threshold: float | None = None) -> Vote:
    """Let the layer vote on inputs, ``[m, 64]``; with a threshold, map the unsure to themselves."""
    layer = CosineKNNVectorQuantization(
        digits.emb_labels,
        NUM_CLASSES,
        k,
        n=len(digits.emb_space),
        majority_threshold=-1 if majority_threshold is None else majority_threshold,
        representative="nearest",
        return_endpoints=True,
    )
    layer.build(x.shape)
    layer.emb_space.assign(digits.emb_space)
    endpoints = layer(x)
    mask = endpoints.identity_mapping_mask
    return Vote(
        layer_out=endpoints.layer_out.numpy(),
        label=endpoints.most_common_label.numpy()[:, 0],
        identity_mapped=np.zeros(len(x), bool) if mask is None else mask.numpy()[:, 0],
        identity_mapped_share=float(endpoints.percentage_identity_mapped),
        similarity=endpoints.similarity_values.numpy(),
    )
