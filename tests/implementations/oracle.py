"""The oracle as an implementation to verify: laws hold for it, too."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import reference
from reference import gradients, reduction
from reference.dtypes import comparison_unit_roundoff
from reference.parts import replacement, starts
from reference.splitting import split
from tests.implementations.protocol import (
    DTYPES,
    STATE,
    Case,
    CosineCase,
    CosineGradients,
    CosineQuantized,
    Gradients,
    Quantized,
)

Indices = NDArray[np.int64]


def _alpha_gradient(case: Case, emb_index: Indices) -> NDArray[np.float64]:
    return gradients.alpha_gradient(case.vectors, _emb_space(case), emb_index, case.lookup_ord, case.alpha)


def _beta_gradient(case: Case, _: Indices) -> NDArray[np.float64]:
    projection = _projection(case)
    reduced = projection.apply(case.vectors), projection.apply(_emb_space(case))
    return projection.pull_back(gradients.beta_gradient(*reduced, case.lookup_ord, case.beta))


def _coulomb_gradient(case: Case, _: Indices) -> NDArray[np.float64]:
    return gradients.coulomb_gradient(_emb_space(case), case.lookup_ord, case.gamma)


# The gradient of every loss to the embeddings, by its name.
_GRADIENTS: dict[str, Callable[[Case, Indices], NDArray[np.float64]]] = {
    "alpha_loss": _alpha_gradient,
    "beta_loss": _beta_gradient,
    "coulomb_loss": _coulomb_gradient,
}


class Oracle:
    """`reference`, float64 throughout."""

    name = "oracle"
    dtypes = DTYPES
    offers: ClassVar = {"losses": tuple(_GRADIENTS)}
    effort = 0.15
    configurations = None
    validates = True

    def quantize(self, case: Case) -> Quantized:
        """Quantize one batch."""
        result = reference.vector_quantization(case.x, case.emb_space, **case.arguments)
        return Quantized(**{name: getattr(result, name) for name in Quantized._fields})

    def gradients(self, case: Case, upstream: NDArray[Any]) -> Gradients:
        """Put the closed forms together."""
        emb_index = self.quantize(case).emb_index.reshape(-1)
        return Gradients(
            output_to_x=gradients.output_gradient_to_x(upstream),
            output_to_emb_space=np.zeros(case.emb_space.shape),
            losses_to_x={name: np.zeros(case.x.shape) for name in case.losses},
            losses_to_emb_space={name: _GRADIENTS[name](case, emb_index) for name in case.losses},
        )

    def quantize_cosine(self, case: CosineCase) -> CosineQuantized:
        """Quantize one batch."""
        if case.vote is None:
            result = reference.cosine_vector_quantization(case.x, case.emb_space, **case.arguments)
        else:
            result = reference.cosine_knn_vector_quantization(
                case.x, emb_space=case.emb_space, **vars(case.vote), **case.arguments
            )
        return CosineQuantized(**{name: getattr(result, name) for name in CosineQuantized._fields})

    def cosine_gradients(self, case: CosineCase, upstream: NDArray[Any]) -> CosineGradients:
        """Put the closed forms together."""
        mask = self.quantize_cosine(case).identity_mapping_mask
        to_x = gradients.identity_mapped_gradient_to_x(upstream, mask, case.num_splits)
        return CosineGradients(to_x, np.zeros(case.emb_space.shape))

    def training(self, case: Case, num_embeds_replaced: int) -> "OracleTraining":
        """Begin with an empty state."""
        return OracleTraining(case, num_embeds_replaced)


class OracleTraining:
    """The state machine of `reference.parts.replacement`, its state rounded to the dtype of the embedding space."""

    def __init__(self, case: Case, num_embeds_replaced: int) -> None:
        self._case = case
        self._emb_space = case.emb_space.astype(np.float64)
        n, d = case.emb_space.shape
        self._state = replacement.initial_state(n, num_embeds_replaced, d)

    def training_pass(self, x: NDArray[Any]) -> None:
        """Quantize, and take the state that comes out."""
        result = reference.vector_quantization(
            x, self._emb_space, **self._case.arguments, replacement_state=self._state
        )
        assert result.replacement_state is not None
        self._state = result.replacement_state

    def inference_pass(self, x: NDArray[Any]) -> None:
        """Quantize, no state going in or out."""
        reference.vector_quantization(x, self._emb_space, **self._case.arguments)

    def replace_embeds(self) -> None:
        """Replace."""
        self._emb_space, self._state = replacement.replace_embeds(self._state, self._emb_space)

    def initialize_from_batch(self, x: NDArray[Any]) -> None:
        """Take the first rows."""
        self._emb_space = starts.first_rows(split(x, self._case.num_splits), len(self._emb_space))

    def save_and_load(self) -> None:
        """Values need no saving."""

    @property
    def state(self) -> dict[str, NDArray[np.float64]]:
        """The state now."""
        return dict(zip(STATE, (self._emb_space, *self._state), strict=True))


def _projection(case: Case) -> reduction.Projection:
    return reduction.projection(
        case.vectors[np.newaxis],
        _emb_space(case),
        case.dim_reduction,
        case.num_dim_reduction_components,
        comparison_unit_roundoff(case.x),
    )


def _emb_space(case: Case) -> NDArray[np.float64]:
    return case.emb_space.astype(np.float64)
