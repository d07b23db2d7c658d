"""`VectorQuantize` of vector-quantize-pytorch as an implementation to verify.

Its moving averages begin at a count of 1 and a sum of their own, which the setter of the codebook does not touch: they
are not those of VQ-24, and so not offered. It computes in float32 whatever it is given: float64 is not offered.
"""

from typing import ClassVar

import numpy as np
import torch
from vector_quantize_pytorch import VectorQuantize

from vq_verify.protocol import NotOffered

from .torch_arrays import gradient, mask_of, numpy, tensor


def layer_of(case):
    """Return a layer with this embedding space."""
    weight = case.weights.get("commitment_loss", 0)
    if weight < 0:
        raise NotOffered("a negative weight")
    if weight and case.codebooks == "per-split":
        raise NotOffered("a loss that is a sum over the splits")  # it is their mean
    layer = VectorQuantize(
        dim=case.x.shape[-1],
        codebook_dim=case.emb_space.shape[-1],
        codebook_size=case.emb_space.shape[-2],
        heads=case.num_splits,
        separate_codebook_per_head=case.codebooks == "per-split",
        freeze_codebook=True,
        commitment_weight=weight,
        rotation_trick=case.estimator == "rotation",
        route_gradients_to_input=case.estimator != "none",
        return_zeros_for_masked_padding=False,
    )
    layer.codebook = tensor(case.emb_space)
    return layer


class Euclidean:
    """A pass of training with a frozen codebook, which gives the losses; splits are its heads."""

    name = "vector-quantize-pytorch"
    validates = False
    offers: ClassVar = {
        "dtypes": ("float32", "float16", "bfloat16"),
        "norms": (2,),
        "losses": ("commitment_loss",),
        "dim_reductions": (),
        "votes": (),
        "masks": ("x",),
        "estimators": ("straight-through", "rotation", "none"),
        "codebooks": ("shared", "per-split"),
    }

    def call(self, case):
        """Return the input, and output, indices and loss of a layer for it."""
        x = tensor(case.x).requires_grad_()
        return x, layer_of(case)(x, mask=mask_of(case))

    def quantize(self, case):
        """Look up."""
        _, (layer_out, emb_index, loss) = self.call(case)
        return {
            "layer_out": numpy(layer_out, like=case.x),
            "emb_index": emb_index.numpy().reshape(len(case.x), case.x.shape[1] * case.num_splits),
            "losses": {name: numpy(loss, like=case.emb_space) for name in case.losses},
        }

    def gradients(self, case, upstream):
        """Differentiate; the codebook is no parameter, and has no gradient."""
        x, (layer_out, _, loss) = self.call(case)
        return {
            "output_to_x": gradient(layer_out, x, case.x, tensor(upstream)),
            "output_to_emb_space": np.zeros_like(case.emb_space),
            "losses_to_x": {name: gradient(loss, x, case.x) for name in case.losses},
            "losses_to_emb_space": {name: np.zeros_like(case.emb_space) for name in case.losses},
        }

    def decode(self, case, emb_index):
        """Decode, to the dtype of the codebook."""
        codes = layer_of(case).get_output_from_indices(torch.tensor(emb_index).reshape(1, -1, case.num_splits))
        return numpy(codes, case.emb_space).reshape(*emb_index.shape[:-1], case.x.shape[-1]).astype(case.x.dtype)
