"""What an implementation offers to be verified. It speaks NumPy only.

What it does not offer it leaves out, or raises `NotOffered` for, from any method and for any arguments: a check of that
is then reported as not offered, never as passed. Every other exception is a failure.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

DTYPES = ("float64", "float32", "float16", "bfloat16")
LOSSES = ("alpha_loss", "beta_loss", "coulomb_loss")


class NotOffered(pytest.skip.Exception):  # of pytest, which skips what raises it, and no check takes it for an error
    """What an adapter raises for what its implementation does not offer.

    Parameters
    ----------
    what : str
        What is missing, in words of the specification: ``lookup_ord=1``, ``a vote``.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"not offered: {what}")
        self.what = what


@dataclass(frozen=True, eq=False)
class Case:
    """The arguments of one quantization.

    Attributes
    ----------
    x : array, shape [batch, r, q]
        The inputs, of the dtype under test.
    emb_space : array, shape [n, d]
        The embedding space, float64 if x is, else float32.
    lookup_ord : {1, 2, numpy.inf}
    num_splits : int
    alpha, beta, gamma : float
        The weights of the losses.
    schedule : bool
        Whether weights other than 0 are tensors, where the implementation distinguishes.
    exact : bool
        Whether all numbers are such that float32 computes sums of their differences and of those squares exactly.
    dim_reduction : {None, "pca-batch", "pca-emb-space"}
    num_dim_reduction_components : int
    """

    x: NDArray[Any]
    emb_space: NDArray[Any]
    lookup_ord: float = 2
    num_splits: int = 1
    alpha: float = 0.1
    beta: float = 0.01
    gamma: float = 0.001
    schedule: bool = False
    exact: bool = False
    dim_reduction: str | None = None
    num_dim_reduction_components: int = -1

    @property
    def vectors(self) -> NDArray[np.float64]:
        """The inputs as they are compared, ``[batch * m, d]``, float64."""
        return self.x.astype(np.float64).reshape(-1, self.emb_space.shape[1])

    @property
    def weights(self) -> dict[str, float]:
        """The weights by the names of their losses."""
        return dict(zip(LOSSES, (self.alpha, self.beta, self.gamma), strict=True))

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments that the oracle takes beside x and the embedding space."""
        names = ("alpha", "beta", "gamma", "lookup_ord", "num_splits")
        return {name: getattr(self, name) for name in (*names, "dim_reduction", "num_dim_reduction_components")}


@dataclass(frozen=True, eq=False)
class Vote:
    """The arguments of a vote, as in `reference.cosine_knn_vector_quantization`."""

    emb_labels: NDArray[Any]
    num_classes: int
    k: int
    majority_threshold: float = -1
    representative: str = "first"


@dataclass(frozen=True, eq=False)
class CosineCase:
    """The arguments of one quantization by cosine similarity; with a vote, one by k nearest neighbours."""

    x: NDArray[Any]
    emb_space: NDArray[Any]
    num_splits: int = 1
    dim_reduction: str | None = None
    num_dim_reduction_components: int = -1
    vote: Vote | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments that the oracle takes beside x, the embedding space and the vote."""
        return {name: getattr(self, name) for name in ("num_splits", "dim_reduction", "num_dim_reduction_components")}


class Quantized(NamedTuple):
    """All endpoints and losses of one quantization; shapes as in `reference.VQResult`."""

    layer_out: NDArray[Any]
    emb_index: NDArray[Any]
    access_count: NDArray[Any]
    distance: NDArray[Any]
    emb_spacing: NDArray[Any]
    emb_closest_spacing: NDArray[Any]
    losses: dict[str, Any]


class Gradients(NamedTuple):
    """Gradients of one quantization; a gradient that an implementation does not connect is zero."""

    output_to_x: NDArray[Any]
    output_to_emb_space: NDArray[Any]
    losses_to_x: dict[str, NDArray[Any]]
    losses_to_emb_space: dict[str, NDArray[Any]]


class CosineQuantized(NamedTuple):
    """All endpoints of one quantization by cosine similarity; shapes as in `reference.CosineVQResult`."""

    layer_out: NDArray[Any]
    emb_index: NDArray[Any]
    similarity_values: NDArray[Any]
    percentage_identity_mapped: Any
    identity_mapping_mask: NDArray[Any] | None
    most_common_label: NDArray[Any] | None


class CosineGradients(NamedTuple):
    """Gradients of ``sum(layer_out * upstream)``; one that is not connected is zero."""

    output_to_x: NDArray[Any]
    output_to_emb_space: NDArray[Any]


class TrainingState(NamedTuple):
    """All that training with replacement leaves behind; shapes as in `reference.ReplacementState`."""

    emb_space: NDArray[Any]
    usage: NDArray[Any]
    distant_inputs: NDArray[Any]
    input_distances: NDArray[Any]


class Training(Protocol):
    """A quantizer that is trained by replacement and initialized from batches; its losses move nothing here."""

    def training_pass(self, x: NDArray[Any]) -> None:
        """Quantize a batch, ``[batch, r, q]``, in training."""

    def inference_pass(self, x: NDArray[Any]) -> None:
        """Quantize a batch in inference."""

    def replace_embeds(self) -> None:
        """Replace the least used embeddings by the most distant inputs."""

    def initialize_from_batch(self, x: NDArray[Any]) -> None:
        """Initialize the embedding space; raise an error where the batch does not allow it."""

    def save_and_load(self) -> None:
        """Go on as what comes back from a saved copy."""

    @property
    def state(self) -> TrainingState:
        """The state now."""


class Implementation(Protocol):
    """One implementation of the specification, or of a part of it: every method may be left out.

    Attributes
    ----------
    name : str
        How reports call it.
    dtypes : tuple of str, optional
        The dtypes of x that it offers, of float64, float32, float16 and bfloat16; all if left out.
    effort : float, optional
        The share of a profile's examples that it is given; 1 if left out.
    configurations : int or None, optional
        How many combinations of dtype, sizes, norm and weights it is given; None for any. One that is slow to set up
        for a combination names a number, and less effort.
    validates : bool, optional
        Whether it refuses wrong arguments (VQ-16); True if left out.
    """

    name: str
    dtypes: tuple[str, ...]
    effort: float
    configurations: int | None
    validates: bool

    def quantize(self, case: Case) -> Quantized:
        """Quantize one batch."""

    def gradients(self, case: Case, upstream: NDArray[Any]) -> Gradients:
        """Differentiate ``sum(layer_out * upstream)`` and each loss."""

    def quantize_cosine(self, case: CosineCase) -> CosineQuantized:
        """Quantize one batch by cosine similarity, with a vote if the case has one."""

    def cosine_gradients(self, case: CosineCase, upstream: NDArray[Any]) -> CosineGradients:
        """Differentiate ``sum(layer_out * upstream)``."""

    def training(self, case: Case, num_embeds_replaced: int) -> Training:
        """Begin a training with the embedding space and the parameters of the case; its x only gives the shape."""
