"""`FSQ` of vector-quantize-pytorch as an implementation to verify.

Its bound is wider than that of VQ-29 by one in a thousand: it is `(L - 1) / 2 * 1.001`.
"""

from typing import ClassVar

import numpy as np
import torch
from vector_quantize_pytorch import FSQ

from vq_verify.protocol import NotOffered

from .torch_arrays import numpy, tensor


class FiniteScalar:
    """The quantization without a vote on two levels, which it refuses; splits are its codebooks."""

    name = "vector-quantize-pytorch, finite scalar"
    validates = False
    offers: ClassVar = {"dtypes": ("float32", "float16", "bfloat16"), "masks": ()}

    def layer(self, case):
        """Return a layer; all of its codes are listed, for which there must be room."""
        if 2 in case.levels:
            raise NotOffered("two levels")
        if np.prod(case.levels, dtype=float) > 2**20:
            raise NotOffered("more than 2^20 codes")
        return FSQ(list(case.levels), num_codebooks=case.num_splits, keep_num_codebooks_dim=True)

    def quantize_scalar(self, case):
        """Round."""
        layer_out, emb_index = self.layer(case)(tensor(case.x))
        emb_index = emb_index.numpy().reshape(len(case.x), case.x.shape[1] * case.num_splits)
        return {"layer_out": numpy(layer_out, like=case.x), "emb_index": emb_index.astype(np.int64)}

    def scalar_gradients(self, case, upstream):
        """Differentiate."""
        x = tensor(case.x).requires_grad_()
        (gradient,) = torch.autograd.grad(self.layer(case)(x)[0], x, tensor(upstream))
        return {"output_to_x": numpy(gradient, like=case.x)}

    def decode_scalar(self, case, emb_index):
        """Decode."""
        codes = self.layer(case).indices_to_codes(torch.tensor(emb_index).reshape(-1, 1, emb_index.shape[-1]))
        return numpy(codes, like=case.x).astype(case.x.dtype).reshape(*emb_index.shape[:-1], case.x.shape[-1])
