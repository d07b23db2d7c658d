"""What an implementation offers to be verified. It speaks NumPy only."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

LOSSES = ("alpha_loss", "beta_loss", "coulomb_loss")


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
        return {name: getattr(self, name) for name in names}


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


class Implementation(Protocol):
    """One implementation of the specification.

    Attributes
    ----------
    name : str
        How reports call it.
    dtypes : tuple of str
        The dtypes of x that it offers, of float64, float32, float16 and bfloat16.
    effort : float
        The share of a profile's examples that it is given.
    configurations : int or None
        How many combinations of dtype, sizes, norm and weights it is given; None for any. One that is slow to set up
        for a combination names a number, and less effort.
    """

    name: str
    dtypes: tuple[str, ...]
    effort: float
    configurations: int | None

    def quantize(self, case: Case) -> Quantized:
        """Quantize one batch."""

    def gradients(self, case: Case, upstream: NDArray[Any]) -> Gradients:
        """Differentiate ``sum(layer_out * upstream)`` and each loss."""
