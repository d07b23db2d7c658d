"""What an implementation is asked: the arguments of one quantization, as NumPy arrays, and what it takes to answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.parts.losses import Loss
from reference.parts.replacement import MostDistant, Replacement
from reference.parts.updates import Gradient, Update

# These have a weight in every case, 0 if it is left out: adapters have read them from the first on.
_ALWAYS = {"alpha_loss": "alpha", "beta_loss": "beta", "coulomb_loss": "gamma"}

# The losses that the suite asks for, in the order of the specification, and how errors name their weights: by the
# argument, or else by the part.
LOSSES = {part.name: _ALWAYS.get(part.name, part.__name__) for part in Loss.__subclasses__()}

# The starts from the first batch, and what `FromBatch` calls them; the first is as old as the cases with a start.
START_METHODS = {"batch": "first", "sample": "sample", "k-means": "k-means"}

Needs = dict[str, tuple[Any, ...]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """The arguments of one quantization.

    Attributes
    ----------
    x : array, shape [batch, r, q]
        The inputs, of the dtype under test.
    emb_space : array, shape [n, d], or [num_splits, n, d] with codebooks per split
        The embedding space, float64 if x is, else float32.
    lookup_ord : float
        The p of the norm, 1 or more.
    num_splits : int
    weights : mapping of str to float
        The weights of the losses by the names of these, in the order of `LOSSES`. A loss is asked for if its weight is
        not 0. Of the ones left out, those of the alpha-, beta- and Coulomb-loss are 0, the others stay left out.
    schedule : bool
        Whether weights other than 0 are tensors, where the implementation distinguishes.
    exact : bool
        Whether all numbers are such that float32 computes sums of their differences and of those squares exactly.
    dim_reduction : {None, "pca-batch", "pca-emb-space"}
    num_dim_reduction_components : int
    mask : array, bool, of the shape of x without its last axis or of the first of these axes, or None
        Which vectors count.
    estimator : {"straight-through", "rotation", "diveq", "none"}
        How the gradient of the output passes to x.
    codebooks : {"shared", "per-split"}
        Whether all splits have one codebook or each its own.
    every : int or None
        After how many passes of a training the pass itself replaces; None leaves it to `Training.replace_embeds`.
    start : {None, "batch", "sample", "k-means"}
        What of the first pass of a training it begins with, or with `emb_space`: the first vectors, some drawn at
        random, the centres of k-means.
    update : reference.parts.updates.Update
        How a training moves the embedding space: the oracle's part, which adapters know by its class and fields.
    replacement : reference.parts.replacement.Replacement or None
        How a training replaces, likewise; None for `MostDistant` with the number that `training` is given, and `every`.
    replicas : bool
        Whether replicas make its passes of training together (VQ-30).
    """

    x: NDArray[Any]
    emb_space: NDArray[Any]
    lookup_ord: float = 2
    num_splits: int = 1
    weights: Mapping[str, float] = field(
        default_factory=lambda: {"alpha_loss": 0.1, "beta_loss": 0.01, "coulomb_loss": 0.001}
    )
    schedule: bool = False
    exact: bool = False
    dim_reduction: str | None = None
    num_dim_reduction_components: int = -1
    mask: NDArray[np.bool_] | None = None
    estimator: str = "straight-through"
    codebooks: str = "shared"
    every: int | None = None
    start: str | None = None
    update: Update = Gradient()  # noqa: RUF009 - frozen
    replacement: Replacement | None = None
    replicas: bool = False

    def replacement_of(self, num_embeds_replaced: int) -> Replacement:
        """Return how a training replaces so many embeddings."""
        return self.replacement or MostDistant(num_embeds_replaced, self.every)

    def __post_init__(self) -> None:
        """Bring the weights into order."""
        if unknown := self.weights.keys() - LOSSES.keys():
            raise ValueError(f"weights must be of {', '.join(LOSSES)}. Received: {', '.join(sorted(unknown))}")
        names = [name for name in LOSSES if name in self.weights or name in _ALWAYS]
        object.__setattr__(self, "weights", {name: self.weights.get(name, 0.0) for name in names})

    def weighted(self, **weights: float) -> "Case":
        """Return the case with other weights of these losses.

        Examples
        --------
        >>> case = Case(x=np.zeros((1, 1, 2)), emb_space=np.ones((3, 2)))
        >>> case.weighted(beta_loss=2.0).weights
        {'alpha_loss': 0.1, 'beta_loss': 2.0, 'coulomb_loss': 0.001}
        """
        return replace(self, weights={**self.weights, **weights})

    def scaled(self, factor: float) -> "Case":
        """Return the case with all weights times a factor."""
        return replace(self, weights={name: factor * weight for name, weight in self.weights.items()})

    @property
    def alpha(self) -> float:
        """The weight of the alpha-loss."""
        return self.weights["alpha_loss"]

    @property
    def beta(self) -> float:
        """The weight of the beta-loss."""
        return self.weights["beta_loss"]

    @property
    def gamma(self) -> float:
        """The weight of the Coulomb-loss."""
        return self.weights["coulomb_loss"]

    @property
    def losses(self) -> list[str]:
        """The names of the losses that are asked for, in order."""
        return [name for name, weight in self.weights.items() if weight != 0]

    @property
    def vectors(self) -> NDArray[np.float64]:
        """The inputs as they are compared, ``[batch * m, d]``, float64."""
        return self.x.astype(np.float64).reshape(-1, self.emb_space.shape[-1])

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments that the function of the oracle takes beside x and the embedding space."""
        names = ("lookup_ord", "num_splits", "dim_reduction", "num_dim_reduction_components")
        weights = {argument: self.weights[name] for name, argument in _ALWAYS.items()}
        return {**weights, **{name: getattr(self, name) for name in names}}

    @property
    def needs(self) -> Needs:
        """What must be offered for it, by the kinds of `vq_verify.offers`."""
        return {
            "dtypes": (_dtype(self.x),),
            "norms": (self.lookup_ord,),
            "losses": tuple(self.losses),
            "dim_reductions": _unless_none(self.dim_reduction),
            "inputs": _inputs(self.x, self.emb_space),
            "masks": () if self.mask is None else ("x",),
            "estimators": (self.estimator,),
            "codebooks": (self.codebooks,),
            "replacements": () if self.every is None else ("within a pass",),
            "starts": _unless_none(self.start),
            "updates": (type(self.update).__name__,),
            "policies": () if self.replacement is None else (type(self.replacement).__name__,),
            "replicas": ("in training",) if self.replicas else (),
        }


@dataclass(frozen=True, eq=False)
class Vote:
    """The arguments of a vote, as in `reference.cosine_knn_vector_quantization`."""

    emb_labels: NDArray[Any]
    num_classes: int
    k: int
    majority_threshold: float = -1
    representative: str = "first"


@dataclass(frozen=True, eq=False, kw_only=True)
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

    @property
    def needs(self) -> Needs:
        """What must be offered for it, by the kinds of `vq_verify.offers`."""
        return {
            "dtypes": (_dtype(self.x),),
            "inputs": _inputs(self.x, self.emb_space),
            "dim_reductions": _unless_none(self.dim_reduction),
            "votes": () if self.vote is None else (self.vote.representative,),
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class ScalarCase:
    """The arguments of one finite scalar quantization, as in `reference.finite_scalar_quantization`."""

    x: NDArray[Any]
    levels: tuple[int, ...]
    num_splits: int = 1
    mask: NDArray[np.bool_] | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments that the oracle takes beside x."""
        return {name: getattr(self, name) for name in ("levels", "num_splits", "mask")}

    @property
    def needs(self) -> Needs:
        """What must be offered for it, by the kinds of `vq_verify.offers`."""
        masks = () if self.mask is None else ("x",)
        return {"dtypes": (_dtype(self.x),), "inputs": _inputs(self.x), "masks": masks}


@dataclass(frozen=True, eq=False, kw_only=True)
class ResidualCase:
    """The arguments of one residual quantization.

    Attributes
    ----------
    case : Case
        All that the stages have in common; its x is that of the first. Its embedding space only gives the shape.
    emb_spaces : array, shape [codebooks, n, d], or [codebooks, num_splits, n, d]
        The embedding spaces.
    order : tuple of int
        Which of them each stage has: (0, 1, 2), or (0, 0, 0) if they share one.
    training : bool
        Whether it is a pass of training, in which nothing of `case` may move the embedding spaces.
    quantizer_dropout : bool
    """

    case: Case
    emb_spaces: NDArray[Any]
    order: tuple[int, ...]
    training: bool = False
    quantizer_dropout: bool = False

    def stage(self, i: int, **changes: Any) -> Case:
        """Return the case of the quantizer of a stage."""
        return replace(self.case, emb_space=self.emb_spaces[self.order[i]], **changes)

    @property
    def needs(self) -> Needs:
        """What must be offered for it, by the kinds of `vq_verify.offers`."""
        codebooks = "shared" if len(set(self.order)) < len(self.order) else "apart"
        return {**self.case.needs, "stages": (codebooks, *(("dropout",) if self.quantizer_dropout else ()))}


def _dtype(x: Any) -> str:
    return np.asarray(x).dtype.name


def _inputs(*arrays: NDArray[Any]) -> tuple[str, ...]:
    return () if all(np.isfinite(array).all() for array in arrays) else ("not finite",)


def _unless_none(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)
