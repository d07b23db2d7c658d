"""What an implementation offers to be verified. It speaks NumPy only.

What it does not offer it says in `offers`, leaves out, or raises `NotOffered` for, from any method and for any
arguments: a check of that is then reported as not offered, never as passed. Every other exception is a failure.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from vq_verify.cases import LOSSES, START_METHODS, Case, CosineCase, ResidualCase, ScalarCase, Vote
from vq_verify.offers import ALL, DTYPES, NotOffered, Offers
from vq_verify.results import (
    STATE,
    CosineGradients,
    CosineQuantized,
    Gradients,
    Quantized,
    Replica,
    ResidualGradients,
    ResidualQuantized,
    ScalarGradients,
    ScalarQuantized,
    TrainingState,
)

__all__ = [
    "ALL",
    "DTYPES",
    "LOSSES",
    "START_METHODS",
    "STATE",
    "Case",
    "CosineCase",
    "CosineGradients",
    "CosineQuantized",
    "Gradients",
    "Implementation",
    "NotOffered",
    "Quantized",
    "Replica",
    "ResidualCase",
    "ResidualGradients",
    "ResidualQuantized",
    "ResidualTraining",
    "ScalarCase",
    "ScalarGradients",
    "ScalarQuantized",
    "Training",
    "TrainingState",
    "Vote",
]

ByName = Mapping[str, Any]


class Training(Protocol):
    """A quantizer that is trained by replacement and initialized from batches; its losses move nothing here."""

    def training_pass(self, x: NDArray[Any], mask: NDArray[Any] | None = None) -> None:
        """Quantize a batch, ``[batch, r, q]``, in training; a mask is given only to those who offer masks."""

    def inference_pass(self, x: NDArray[Any]) -> None:
        """Quantize a batch in inference."""

    def replicas_pass(self, parts: list[NDArray[Any]], masks: list[NDArray[Any] | None]) -> list[Replica | ByName]:
        """Quantize the parts of a batch in training, each by a replica of its own (VQ-30)."""

    def replace_embeds(self) -> None:
        """Replace the least used embeddings by the most distant inputs."""

    def initialize_from_batch(self, x: NDArray[Any]) -> None:
        """Initialize the embedding space; raise an error where the batch does not allow it."""

    def save_and_load(self) -> None:
        """Go on as what comes back from a saved copy."""

    @property
    def state(self) -> ByName | TrainingState:
        """The state now, by the names of the specification: `STATE`, and `passes_since_replacement` (VQ-23)."""


class ResidualTraining(Protocol):
    """A residual quantizer that is trained by replacement and starts from batches; its losses move nothing here."""

    def training_pass(self, x: NDArray[Any], mask: NDArray[Any] | None = None) -> None:
        """Quantize a batch, ``[batch, r, q]``, in training; a mask is given only to those who offer masks."""

    @property
    def states(self) -> list[ByName]:
        """The state of each codebook now, by the names of the specification."""


class Implementation(Protocol):
    """One implementation of the specification, or of a part of it: every method may be left out.

    A result is the named tuple of its kind, or a mapping by the names of its fields. What a mapping leaves out is not
    offered, and a name that is no field is ignored.

    Attributes
    ----------
    name : str
        How reports call it.
    offers : mapping of str to container, optional
        What it offers, by kind: see `vq_verify.offers`. Of a kind left out, what the first adapters did.
    dtypes : tuple of str, optional
        The dtypes of x that it offers, of float64, float32, float16 and bfloat16, where `offers` does not say; all if
        left out.
    effort : float, optional
        The share of a profile's examples that it is given; 1 if left out.
    configurations : int or None, optional
        How many combinations of dtype, sizes, norm and weights it is given; None for any. One that is slow to set up
        for a combination names a number, and less effort.
    validates : bool, optional
        Whether it refuses wrong arguments (VQ-16); True if left out.
    """

    name: str
    offers: Offers
    dtypes: tuple[str, ...]
    effort: float
    configurations: int | None
    validates: bool

    def quantize(self, case: Case) -> Quantized | ByName:
        """Quantize one batch."""

    def gradients(self, case: Case, upstream: NDArray[Any]) -> Gradients | ByName:
        """Differentiate ``sum(layer_out * upstream)`` and each loss."""

    def decode(self, case: Case, emb_index: NDArray[Any]) -> NDArray[Any]:
        """Return what indices, ``[..., num_splits]``, stand for, ``[..., q]`` in the dtype of x; its x is not used."""

    def quantize_cosine(self, case: CosineCase) -> CosineQuantized | ByName:
        """Quantize one batch by cosine similarity, with a vote if the case has one."""

    def cosine_gradients(self, case: CosineCase, upstream: NDArray[Any]) -> CosineGradients | ByName:
        """Differentiate ``sum(layer_out * upstream)``."""

    def quantize_scalar(self, case: ScalarCase) -> ScalarQuantized | ByName:
        """Quantize one batch by rounding its coordinates (VQ-29)."""

    def scalar_gradients(self, case: ScalarCase, upstream: NDArray[Any]) -> ScalarGradients | ByName:
        """Differentiate ``sum(layer_out * upstream)``."""

    def decode_scalar(self, case: ScalarCase, emb_index: NDArray[Any]) -> NDArray[Any]:
        """Return what indices, ``[..., num_splits]``, stand for, ``[..., q]`` in the dtype of x; its x is not used."""

    def training(self, case: Case, num_embeds_replaced: int) -> Training:
        """Begin a training with the embedding space and the parameters of the case; its x only gives the shape."""

    def quantize_residual(self, case: ResidualCase) -> ResidualQuantized | ByName:
        """Quantize one batch in stages."""

    def residual_gradients(self, case: ResidualCase, upstream: NDArray[Any]) -> ResidualGradients | ByName:
        """Differentiate ``sum(layer_out * upstream)`` and each loss of each stage."""

    def encode_residual(self, case: ResidualCase, num_stages: int) -> NDArray[Any]:
        """Return the indices of the first stages, ``[batch, r, num_splits, num_stages]``; a case without a mask."""

    def decode_residual(self, case: ResidualCase, emb_index: NDArray[Any]) -> NDArray[Any]:
        """Return what indices of the first k stages stand for, ``[..., num_splits, k] -> [..., q]``, as `layer_out`."""

    def residual_training(self, case: ResidualCase, num_embeds_replaced: int) -> ResidualTraining:
        """Begin a training with these embedding spaces; the x of the case only gives the shape."""
