"""The oracle as an implementation to verify: laws hold for it, too."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import reference
from reference import finite_scalar, gradients, quantizer
from reference.parts.estimators import Estimator
from reference.parts.losses import Loss
from tests.implementations.protocol import (
    ALL,
    DTYPES,
    LOSSES,
    START_METHODS,
    Case,
    CosineCase,
    CosineGradients,
    CosineQuantized,
    Gradients,
    Quantized,
    ScalarCase,
    ScalarGradients,
    ScalarQuantized,
)

_LOSSES: dict[str, Any] = {loss.name: loss for loss in Loss.__subclasses__()}
_ESTIMATORS: dict[str, Any] = {estimator.name: estimator for estimator in Estimator.__subclasses__()}


def quantizer_of(case: Case, **more: Any) -> reference.Quantizer:
    """Return the parts of the oracle that a case stands for."""
    comparison: Any = reference.Norm(case.lookup_ord)
    if case.dim_reduction is not None:
        comparison = reference.PCA(comparison, case.dim_reduction, case.num_dim_reduction_components)
    return reference.Quantizer(
        comparison=comparison,
        losses=tuple(_LOSSES[name](weight) for name, weight in case.weights.items()),
        update=case.update,
        estimator=_ESTIMATORS[case.estimator](),
        num_splits=case.num_splits,
        codebooks=case.codebooks,
        **more,
    )


def result_of(case: Case) -> reference.Result:
    """Return what the oracle makes of a case."""
    return reference.quantize(case.x, {"emb_space": case.emb_space}, quantizer_of(case), case.mask)


class Oracle:
    """`reference`, float64 throughout."""

    name = "oracle"
    dtypes = DTYPES
    offers: ClassVar = {
        "norms": ALL,
        "losses": tuple(LOSSES),
        "masks": ("x",),
        "estimators": tuple(_ESTIMATORS),
        "codebooks": ("shared", "per-split"),
        "replacements": ("within a pass",),
        "starts": tuple(START_METHODS),
        "updates": ALL,
        "policies": ALL,
    }
    effort = 0.1
    configurations = None
    validates = True

    def quantize(self, case: Case) -> Quantized:
        """Quantize one batch."""
        result = result_of(case)
        return Quantized(**{name: getattr(result, name) for name in Quantized._fields})

    def gradients(self, case: Case, upstream: NDArray[Any]) -> Gradients:
        """Put the closed forms together."""
        state = {"emb_space": case.emb_space}
        return Gradients(*quantizer.gradients(case.x, state, quantizer_of(case), upstream, case.mask))

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

    def quantize_scalar(self, case: ScalarCase) -> ScalarQuantized:
        """Quantize one batch."""
        return ScalarQuantized(*finite_scalar.finite_scalar_quantization(case.x, **case.arguments))

    def scalar_gradients(self, case: ScalarCase, upstream: NDArray[Any]) -> ScalarGradients:
        """Take the closed form."""
        return ScalarGradients(finite_scalar.finite_scalar_gradient(case.x, upstream=upstream, **case.arguments))

    def decode_scalar(self, case: ScalarCase, emb_index: NDArray[Any]) -> NDArray[Any]:
        """Decode."""
        rows = finite_scalar.decoded(emb_index, case.levels, case.x.dtype)
        return rows.reshape(*emb_index.shape[:-1], case.num_splits * len(case.levels))

    def training(self, case: Case, num_embeds_replaced: int) -> "OracleTraining":
        """Begin with an empty state."""
        return OracleTraining(case, num_embeds_replaced)


class OracleTraining:
    """The state of a quantizer of `reference`, float64 from the first embedding space on.

    Attributes
    ----------
    state : dict of str to array
        The state now.
    """

    def __init__(self, case: Case, num_embeds_replaced: int) -> None:
        self._case, self._replacement = case, case.replacement_of(num_embeds_replaced)
        self.state = reference.initial_state(case.emb_space.astype(np.float64), self._quantizer)

    @property
    def _quantizer(self) -> reference.Quantizer:
        start = None if self._case.start is None else reference.FromBatch(START_METHODS[self._case.start])
        return quantizer_of(self._case, replacement=self._replacement, start=start)

    def training_pass(self, x: NDArray[Any], mask: NDArray[Any] | None = None) -> None:
        """Quantize, and take the state that comes out."""
        self.state = reference.quantize(x, self.state, self._quantizer, mask, training=True).state

    def inference_pass(self, x: NDArray[Any]) -> None:
        """Quantize; the state that comes out is that which went in."""
        self.state = reference.quantize(x, self.state, self._quantizer).state

    def replace_embeds(self) -> None:
        """Replace."""
        if self._case.codebooks == "shared":
            self.state = quantizer.replaced(self.state, self._quantizer)
            return
        of_splits = [{name: value[s] for name, value in self.state.items()} for s in range(self._case.num_splits)]
        states = [quantizer.replaced(state, self._quantizer) for state in of_splits]
        self.state = {name: np.stack([state[name] for state in states]) for name in self.state}

    def initialize_from_batch(self, x: NDArray[Any]) -> None:
        """Take the first rows."""
        self.state = quantizer.started(x, self.state, self._quantizer)

    def save_and_load(self) -> None:
        """Values need no saving."""
