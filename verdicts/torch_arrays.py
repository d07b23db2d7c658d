"""Arrays of NumPy as tensors of PyTorch, and back."""

import numpy as np
import torch

from vq_verify.protocol import NotOffered


def tensor(array):
    """Return a tensor of the same dtype; PyTorch does not know NumPy's bfloat16."""
    return torch.tensor(array.astype(np.float32), dtype=getattr(torch, array.dtype.name))


def numpy(tensor, like):
    """Return an array: of the dtype of another one if its own is that, else float32, which holds the half types."""
    array = tensor.detach().float().numpy()
    return array.astype(like.dtype) if str(tensor.dtype) == f"torch.{like.dtype.name}" else array


def gradient(target, x, like, upstream=None):
    """Return the gradient by x as an array; one that is not connected is zero."""
    if not target.requires_grad:
        return np.zeros_like(like)
    (found,) = torch.autograd.grad(target, x, upstream, retain_graph=True, materialize_grads=True)
    return numpy(found, like)


def mask_of(case):
    """Return the mask as a tensor, or None."""
    if case.mask is None:
        return None
    if case.mask.ndim != 2:
        raise NotOffered("a mask of the first axis")
    return torch.tensor(case.mask)
