"""`VectorQuantize` of vector-quantize-pytorch in inference, where it has neither losses nor gradients."""

from typing import ClassVar

import torch
from vector_quantize_pytorch import VectorQuantize

from .torch_arrays import numpy, tensor


def quantized(case, emb_space, **arguments):
    """Return output and indices of a layer with this embedding space; splits are its heads."""
    n, d = emb_space.shape
    layer = VectorQuantize(
        dim=case.x.shape[-1],
        codebook_dim=d,
        codebook_size=n,
        heads=case.num_splits,
        return_zeros_for_masked_padding=False,
        **arguments,
    )
    layer.codebook = emb_space
    mask = getattr(case, "mask", None)
    layer_out, emb_index, _ = layer.eval()(tensor(case.x), mask=None if mask is None else torch.tensor(mask))
    return numpy(layer_out, like=case.x), emb_index.numpy().reshape(len(case.x), case.x.shape[1] * case.num_splits)


class Euclidean:
    """The lookup by the Euclidean distance."""

    name = "vector-quantize-pytorch in inference"
    validates = False
    offers: ClassVar = {
        "dtypes": ("float32", "float16", "bfloat16"),
        "norms": (2,),
        "losses": (),
        "dim_reductions": (),
        "masks": ("x",),
    }

    def quantize(self, case):
        """Look up."""
        layer_out, emb_index = quantized(case, tensor(case.emb_space))
        return {"layer_out": layer_out, "emb_index": emb_index}


class Cosine:
    """The lookup with `use_cosine_sim=True`, by a codebook of norm 1; so is what comes out, which is not offered."""

    name = "vector-quantize-pytorch by cosine similarity"
    validates = False
    offers: ClassVar = {"dtypes": ("float32", "float16", "bfloat16"), "dim_reductions": (), "votes": ()}

    def quantize_cosine(self, case):
        """Look up."""
        unit = torch.nn.functional.normalize(tensor(case.emb_space), dim=-1)
        return {"emb_index": quantized(case, unit, use_cosine_sim=True)[1]}
