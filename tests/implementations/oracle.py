"""The oracle as an implementation to verify: laws hold for it, too."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import reference
from reference import gradients, reduction
from reference.dtypes import comparison_unit_roundoff
from reference.parts import replacement, starts
from reference.splitting import split
from tests.implementations.protocol import (
    DTYPES,
    Case,
    CosineCase,
    CosineGradients,
    CosineQuantized,
    Gradients,
    Quantized,
    TrainingState,
)


class Oracle:
    """`reference`, float64 throughout."""

    name = "oracle"
    dtypes = DTYPES
    effort = 0.15
    configurations = None
    validates = True

    def quantize(self, case: Case) -> Quantized:
        """Quantize one batch."""
        result = reference.vector_quantization(case.x, case.emb_space, **case.arguments)
        return Quantized(**{name: getattr(result, name) for name in Quantized._fields})

    def gradients(self, case: Case, upstream: NDArray[Any]) -> Gradients:
        """Put the closed forms together."""
        emb_space = case.emb_space.astype(np.float64)
        emb_index = self.quantize(case).emb_index.reshape(-1)
        projection = _projection(case)
        beta = gradients.beta_gradient(
            projection.apply(case.vectors), projection.apply(emb_space), case.lookup_ord, case.beta
        )
        by_loss = {
            "alpha_loss": gradients.alpha_gradient(case.vectors, emb_space, emb_index, case.lookup_ord, case.alpha),
            "beta_loss": projection.pull_back(beta),
            "coulomb_loss": gradients.coulomb_gradient(emb_space, case.lookup_ord, case.gamma),
        }
        present = [name for name, weight in case.weights.items() if weight != 0]
        return Gradients(
            output_to_x=gradients.output_gradient_to_x(upstream),
            output_to_emb_space=np.zeros_like(emb_space),
            losses_to_x={name: np.zeros(case.x.shape) for name in present},
            losses_to_emb_space={name: by_loss[name] for name in present},
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
    def state(self) -> TrainingState:
        """The state now."""
        return TrainingState(self._emb_space, *self._state)


def _projection(case: Case) -> reduction.Projection:
    return reduction.projection(
        case.vectors[np.newaxis],
        case.emb_space.astype(np.float64),
        case.dim_reduction,
        case.num_dim_reduction_components,
        comparison_unit_roundoff(case.x),
    )
