"""`ResidualVQ` of vector-quantize-pytorch as an implementation to verify."""

from typing import ClassVar

import numpy as np
import torch
from vector_quantize_pytorch import ResidualVQ

from vq_verify.protocol import NotOffered

from .lucidrains import Euclidean
from .torch_arrays import gradient, mask_of, numpy, tensor


class Residual:
    """A pass of training with frozen codebooks, which gives the losses; it has no splits."""

    name = "vector-quantize-pytorch, residual"
    validates = False
    offers: ClassVar = {**Euclidean.offers, "codebooks": ("shared",), "stages": ("apart",)}

    def layer(self, case, **arguments):
        """Return a layer with these embedding spaces."""
        weight = case.case.weights.get("commitment_loss", 0)
        if weight < 0 or case.case.num_splits > 1:
            raise NotOffered("splits in residual quantization, or a negative weight")
        (_, n, d), k = case.emb_spaces.shape, len(case.order)
        layer = ResidualVQ(dim=d, codebook_size=n, num_quantizers=k, commitment_weight=weight, **arguments)
        for stage, which in zip(layer.layers, case.order, strict=True):
            stage.codebook = tensor(case.emb_spaces[which])
        return layer

    def call(self, case):
        """Return the input, and output, indices and losses of a layer for it."""
        one, x = case.case, tensor(case.case.x).requires_grad_()
        layer = self.layer(
            case,
            rotation_trick=one.estimator == "rotation",
            route_gradients_to_input=one.estimator != "none",
            return_zeros_for_masked_padding=False,
        )
        return x, layer(x, mask=mask_of(one), freeze_codebook=True)

    def quantize_residual(self, case):
        """Look up."""
        _, (layer_out, emb_index, losses) = self.call(case)
        return {
            "layer_out": numpy(layer_out, like=case.case.x),
            "emb_index": emb_index.numpy(),
            "losses": [dict.fromkeys(case.case.losses, value) for value in numpy(losses, like=case.emb_spaces)],
        }

    def residual_gradients(self, case, upstream):
        """Differentiate by x; the losses of the stages, not each by the codebooks, which are no parameters."""
        x, (layer_out, _, losses) = self.call(case)
        to_x, none = [gradient(loss, x, case.case.x) for loss in losses], np.zeros_like(case.emb_spaces)
        return {
            "output_to_x": gradient(layer_out, x, case.case.x, tensor(upstream)),
            "output_to_emb_spaces": none,
            "losses_to_x": [dict.fromkeys(case.case.losses, it) for it in to_x],
            "losses_to_emb_spaces": [dict.fromkeys(case.case.losses, none) for _ in losses],
        }

    def encode_residual(self, case, num_stages):
        """Encode in inference."""
        return self.layer(case).eval()(tensor(case.case.x))[1].numpy()[:, :, np.newaxis, :num_stages]

    def decode_residual(self, case, emb_index):
        """Decode."""
        if case.case.x.dtype != np.float32:
            raise NotOffered("decoding to half types")
        layer = self.layer(case, quantize_dropout=True)  # without, fewer stages than all are refused
        codes = layer.get_output_from_indices(torch.tensor(emb_index).reshape(-1, *emb_index.shape[-2:]))
        return numpy(codes, like=case.case.x).reshape(*emb_index.shape[:-2], case.case.x.shape[-1])
