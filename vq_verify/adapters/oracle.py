"""The oracle as an implementation to verify: laws hold for it, too."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import reference
from reference import finite_scalar, gradients, quantizer, replicas, residual
from reference.decoding import decoded
from reference.parts.estimators import Estimator
from reference.parts.losses import Loss
from vq_verify.protocol import (
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
    Replica,
    ResidualCase,
    ResidualGradients,
    ResidualQuantized,
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


def _started(case: Case, num_embeds_replaced: int) -> reference.Quantizer:
    """Return the parts of a training."""
    start = None if case.start is None else reference.FromBatch(START_METHODS[case.start])
    return quantizer_of(case, replacement=case.replacement_of(num_embeds_replaced), start=start)


def residual_of(case: ResidualCase, one: reference.Quantizer) -> reference.ResidualQuantizer:
    """Return the stages of a case, each with these parts."""
    quantizers = (one,) * len(case.emb_spaces)
    return reference.ResidualQuantizer(quantizers, case.order, _ESTIMATORS[case.case.estimator]())


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
        "stages": ALL,
        "replicas": ALL,
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

    def decode(self, case: Case, emb_index: NDArray[Any]) -> NDArray[Any]:
        """Decode."""
        with np.errstate(over="ignore"):  # what a half type cannot hold is infinite in it
            rows = decoded(case.emb_space, emb_index).astype(case.x.dtype)
        return rows.reshape(*emb_index.shape[:-1], case.num_splits * case.emb_space.shape[1])

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

    def quantize_residual(self, case: ResidualCase) -> ResidualQuantized:
        """Quantize one batch in stages, by equal draws for equal sizes."""
        x, stages = case.case.x, residual_of(case, quantizer_of(case.case))
        drawn = None
        if case.quantizer_dropout and case.training:
            drawn = residual.drawn_num_stages(np.random.default_rng(len(x)), len(x), len(case.order))
        result = reference.quantize_residual(x, _states(case), stages, case.case.mask, case.training, drawn)
        return ResidualQuantized(
            layer_out=result.layer_out,
            emb_index=result.emb_index,
            access_count=np.stack([it.access_count for it in result.stages]),
            losses=[it.losses for it in result.stages],
        )

    def residual_gradients(self, case: ResidualCase, upstream: NDArray[Any]) -> ResidualGradients:
        """Put the closed forms together."""
        stages = residual_of(case, quantizer_of(case.case))
        found = residual.gradients(case.case.x, _states(case), stages, upstream, case.case.mask)
        zeros = np.zeros(case.emb_spaces.shape)
        to_emb_spaces = [{name: zeros.copy() for name in it.losses_to_emb_space} for it in found.stages]
        for to_all, it, which in zip(to_emb_spaces, found.stages, case.order, strict=True):
            for name, gradient in it.losses_to_emb_space.items():
                to_all[name][which] = gradient
        return ResidualGradients(found.output_to_x, zeros, [it.losses_to_x for it in found.stages], to_emb_spaces)

    def encode_residual(self, case: ResidualCase, num_stages: int) -> NDArray[Any]:
        """Quantize, and cut."""
        stages = residual_of(case, quantizer_of(case.case))
        return residual.encoded(case.case.x, _states(case), stages, num_stages)

    def decode_residual(self, case: ResidualCase, emb_index: NDArray[Any]) -> NDArray[Any]:
        """Sum the rows up."""
        stages = residual_of(case, quantizer_of(case.case))
        return residual.decoded(emb_index, _states(case), stages).astype(case.case.x.dtype)

    def residual_training(self, case: ResidualCase, num_embeds_replaced: int) -> "OracleResidualTraining":
        """Begin with an empty state."""
        return OracleResidualTraining(case, num_embeds_replaced)

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
        self._case, self._number = case, num_embeds_replaced
        self.state = reference.initial_state(case.emb_space.astype(np.float64), self._quantizer)

    @property
    def _quantizer(self) -> reference.Quantizer:
        return _started(self._case, self._number)

    def training_pass(self, x: NDArray[Any], mask: NDArray[Any] | None = None) -> None:
        """Quantize, and take the state that comes out."""
        self.state = reference.quantize(x, self.state, self._quantizer, mask, training=True).state

    def replicas_pass(self, parts: list[NDArray[Any]], masks: list[NDArray[Any] | None]) -> list[Replica]:
        """Make a pass together, and take the state that comes out."""
        results = replicas.train_replicas(parts, self.state, self._quantizer, masks)
        self.state = results[0].state
        return [Replica(it.layer_out, it.losses, it.state) for it in results]

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


def _states(case: ResidualCase) -> list[dict[str, Any]]:
    return [{"emb_space": emb_space} for emb_space in case.emb_spaces]


class OracleResidualTraining:
    """The states of a residual quantizer of `reference`, float64 from the first embedding space on.

    Attributes
    ----------
    states : list of dict of str to array
        The state of each codebook now.
    """

    def __init__(self, case: ResidualCase, num_embeds_replaced: int) -> None:
        one = _started(case.case, num_embeds_replaced)
        self._residual = residual_of(case, one)
        self.states = [reference.initial_state(it.astype(np.float64), one) for it in case.emb_spaces]

    def training_pass(self, x: NDArray[Any], mask: NDArray[Any] | None = None) -> None:
        """Quantize, and take the states that come out."""
        self.states = reference.quantize_residual(x, self.states, self._residual, mask, training=True).states
