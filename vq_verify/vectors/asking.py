"""Questions of every kind but trainings, from cases: the claims come from the oracle and from the bounds."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import reference
from vq_verify.adapters.oracle import Oracle, result_of
from vq_verify.cases import Case, CosineCase, ResidualCase, ScalarCase
from vq_verify.comparison import Interval, comparison_dtype, rounding, scalar
from vq_verify.comparison.cosine import admits_outcome, near_maxima, similarity_error
from vq_verify.comparison.reduction import reduced_similarity_error
from vq_verify.vectors import arguments, bounds
from vq_verify.vectors.claims import between, exactly, one_of, within
from vq_verify.vectors.counted import codebooks, counted
from vq_verify.vectors.encoding import Json, array_as_json
from vq_verify.vectors.questions import Of, Question


def quantize(of: Of, case: Case, leaves_out: Collection[str] = ()) -> Question:
    """Ask for all endpoints of a quantization, but those that are left out.

    Where several indices are right, what depends on the choice is left out, too.
    """
    result, dtype = result_of(case), comparison_dtype(case.x.dtype)
    sets = bounds.admitted(case)
    expected: Json = {"emb_index": one_of(sets, result.emb_index.shape)}
    if all(len(it) == 1 for it in sets):
        expected["layer_out"] = exactly(result.layer_out, bits=True)
        expected["access_count"] = exactly(result.access_count, np.float32)
        expected["losses"] = {name: within(*pair, dtype) for name, pair in bounds.losses(case).items()}
    expected["distance"] = within(result.distance, _distance_error(case, result.distance), dtype)
    for name in ("emb_spacing", "emb_closest_spacing"):
        value = getattr(result, name)
        expected[name] = within(value, bounds.of_norm(case, value), dtype)
    kept = {name: claim for name, claim in expected.items() if name not in leaves_out}
    return Question(*of, "quantize", arguments.of_case(case), kept)


def _distance_error(case: Case, distance: Any) -> NDArray[np.float64]:
    error = np.zeros((case.x.size // case.emb_space.shape[-1], distance.shape[-1]))
    for part in counted(case):
        error[np.ix_(part.vectors, part.rows)] = bounds.of_distances(part)[1]
    return error.reshape(distance.shape)


def gradients(of: Of, case: Case, upstream: NDArray[Any] | None = None) -> Question:
    """Ask for the gradients of ``sum(layer_out * upstream)`` and of each loss.

    Each vector must have one right index.
    """
    if upstream is None:
        upstream = (np.arange(case.x.size) % 5 - 2).reshape(case.x.shape).astype(case.x.dtype)
    _check_decided(bounds.admitted(case))
    dtype = comparison_dtype(case.x.dtype)
    zeros = exactly(np.zeros(case.x.shape), case.x.dtype)
    to_x = dict.fromkeys(case.losses, zeros)
    if "commitment_loss" in to_x:
        to_x["commitment_loss"] = within(*bounds.commitment_gradient_to_x(case), case.x.dtype)
    to_emb_space = bounds.gradients_to_emb_space(case)
    expected = {
        "output_to_x": within(*bounds.gradient_of_output(case, upstream), case.x.dtype),
        "output_to_emb_space": exactly(np.zeros(case.emb_space.shape), dtype),
        "losses_to_x": to_x,
        "losses_to_emb_space": {name: _enclosed(interval, dtype) for name, interval in to_emb_space.items()},
    }
    return Question(*of, "gradients", {**arguments.of_case(case), "upstream": array_as_json(upstream)}, expected)


def _enclosed(interval: Interval, dtype: Any) -> Json:
    return between(interval, dtype) if interval.magnitude.any() else exactly(interval.low, dtype)


def _check_decided(sets: list[list[int]]) -> None:
    if any(len(it) > 1 for it in sets):
        raise ValueError(f"each vector must have one right index. Received: {sets}")


def cosine(of: Of, case: CosineCase, exact: bool = False) -> Question:
    """Ask for all endpoints by cosine similarity; of an `exact` case similarities do not round."""
    result, dtype = Oracle().quantize_cosine(case), comparison_dtype(case.x.dtype)
    similarity = _similarity(case)
    error = np.zeros(similarity.shape) if exact else _similarity_error(case, similarity)
    sets = [_outcomes(case, *of_one) for of_one in zip(similarity, error, strict=True)]
    shape = result.emb_index.shape
    value_error = np.max(error, axis=-1, where=~np.isnan(similarity), initial=0)
    expected = {
        "emb_index": one_of([sorted({it[0] for it in of_one}) for of_one in sets], shape),
        "similarity_values": within(result.similarity_values, value_error, dtype),
    }
    if all(len(of_one) == 1 for of_one in sets):
        expected["layer_out"] = exactly(result.layer_out, bits=True)
        share = np.asarray(result.percentage_identity_mapped)
        expected["percentage_identity_mapped"] = within(share, 0 if exact else rounding(dtype).gamma(1) * share, dtype)
        for name in ("most_common_label", "identity_mapping_mask"):
            if getattr(result, name) is not None:
                expected[name] = exactly(getattr(result, name), bits=name == "most_common_label")  # VQ-10.5
    return Question(*of, "quantize_cosine", arguments.of_cosine_case(case), expected)


def _similarity(case: CosineCase) -> NDArray[np.float64]:
    plain = reference.cosine_vector_quantization(case.x, case.emb_space, **case.arguments)
    return plain.similarity.reshape(-1, len(case.emb_space))


def _similarity_error(case: CosineCase, similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    if case.dim_reduction is None:
        return np.full(similarity.shape, similarity_error(case.emb_space.shape[1], rounding(case.x.dtype)))
    return reduced_similarity_error(case)


def _outcomes(case: CosineCase, similarity: NDArray[np.float64], error: NDArray[np.float64]) -> list[tuple[Any, ...]]:
    """Return all that may come out for a vector: the index, and with a vote the label, and whether it is mapped."""
    most = float(error.max())
    if np.isnan(similarity).all():
        return [(-1, -1, False)]
    if case.vote is None:
        return [(int(j),) for j in np.flatnonzero(near_maxima(similarity, most))][: 1 if most == 0 else None]
    if most == 0:
        similarity = similarity - np.arange(len(similarity)) * 2.0**-40  # of equal ones the first is first (VQ-10.2)
    mapped = (True, False) if case.vote.majority_threshold >= 0 else (None,)
    return [
        (j, label, is_mapped)
        for j in range(len(similarity))
        for label in range(case.vote.num_classes)
        for is_mapped in mapped
        if admits_outcome(similarity, most, case.vote, label, j, is_mapped)
    ]


def cosine_gradients(of: Of, case: CosineCase) -> Question:
    """Ask for the gradients of ``sum(layer_out * upstream)``."""
    upstream = (np.arange(case.x.size) % 5 - 2).reshape(case.x.shape).astype(case.x.dtype)
    found = Oracle().cosine_gradients(case, upstream)
    expected = {
        "output_to_x": exactly(found.output_to_x, case.x.dtype),
        "output_to_emb_space": exactly(found.output_to_emb_space, case.emb_space.dtype),
    }
    given = {**arguments.of_cosine_case(case), "upstream": array_as_json(upstream)}
    return Question(*of, "cosine_gradients", given, expected)


def finite_scalar(of: Of, case: ScalarCase) -> Question:
    """Ask for all endpoints of a finite scalar quantization."""
    result = Oracle().quantize_scalar(case)
    sets = [[int(j)] if j < 0 else it for j, it in zip(result.emb_index.reshape(-1), _codes(case), strict=True)]
    expected: Json = {"emb_index": one_of(sets, result.emb_index.shape)}
    if all(len(it) == 1 for it in sets):
        expected["layer_out"] = exactly(result.layer_out, bits=True)
        if result.access_count is not None:
            expected["access_count"] = exactly(result.access_count, np.float32)
    return Question(*of, "quantize_scalar", arguments.of_scalar_case(case), expected)


def _codes(case: ScalarCase) -> list[list[int]]:
    """Return for each vector the indices of all levels that are within 1/2 and the error of its bound (VQ-29.11)."""
    finite = replace(case, x=np.where(np.isfinite(case.x), case.x, np.zeros_like(case.x)))
    exact, error = (it.reshape(-1, len(case.levels)) for it in scalar.bound(finite))
    half = np.array(case.levels) // 2
    found = []
    for value, slack in zip(exact, error, strict=True):
        ranges = [
            [k for k in range(size) if abs(k - h - it) <= 0.5 + e]
            for size, h, it, e in zip(case.levels, half, value, slack, strict=True)
        ]
        grid = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, len(case.levels))
        found.append(sorted(int(j) for j in scalar.index_at(grid, case.levels)))
    return found


def scalar_gradients(of: Of, case: ScalarCase) -> Question:
    """Ask for the gradient of ``sum(layer_out * upstream)``."""
    upstream = (np.arange(case.x.size) % 5 - 2).reshape(case.x.shape).astype(case.x.dtype)
    exact = Oracle().scalar_gradients(case, upstream).output_to_x.astype(np.float64)
    finite = replace(case, x=np.where(np.isfinite(case.x), case.x, np.zeros_like(case.x)))
    closed, error = scalar.gradient(finite, upstream)
    error = np.where((exact == 0) | (exact == upstream), 0, error)  # what does not count, or is masked
    exact = np.where(error > 0, closed, exact)
    given = {**arguments.of_scalar_case(case), "upstream": array_as_json(upstream)}
    return Question(*of, "scalar_gradients", given, {"output_to_x": within(exact, error, case.x.dtype)})


def decode_scalar(of: Of, case: ScalarCase, emb_index: NDArray[Any]) -> Question:
    """Ask what indices, ``[..., num_splits]``, stand for; the x of the case gives its dtype."""
    given = {"dtype": case.x.dtype.name, "levels": list(case.levels), "num_splits": case.num_splits}
    rows = exactly(Oracle().decode_scalar(case, emb_index), bits=True)
    return Question(*of, "decode_scalar", {**given, "emb_index": array_as_json(emb_index)}, {"layer_out": rows})


def decode(of: Of, case: Case, emb_index: NDArray[Any]) -> Question:
    """Ask what indices, ``[..., num_splits]``, stand for; the x of the case gives its dtype."""
    given = {"dtype": case.x.dtype.name, "emb_space": array_as_json(case.emb_space), "num_splits": case.num_splits}
    rows = exactly(Oracle().decode(case, emb_index), bits=True)
    return Question(*of, "decode", {**given, "emb_index": array_as_json(emb_index)}, {"layer_out": rows})


def residual(of: Of, case: ResidualCase) -> Question:
    """Ask for output, indices, counts and losses of all stages of an exact case."""
    result, dtype = Oracle().quantize_residual(case), comparison_dtype(case.case.x.dtype)
    stages = [bounds.losses(stage) for stage in _stages(case, result.emb_index)]
    expected = {
        "layer_out": exactly(result.layer_out, bits=True),
        "emb_index": exactly(result.emb_index),
        "access_count": exactly(result.access_count, np.float32),
        "losses": [{name: within(*pair, dtype) for name, pair in of_stage.items()} for of_stage in stages],
    }
    return Question(*of, "quantize_residual", arguments.of_residual_case(case), expected)


def _stages(case: ResidualCase, emb_index: NDArray[np.int64]) -> list[Case]:
    """Return the case of each stage, over what those before it left."""
    d, dtype = case.emb_spaces.shape[-1], comparison_dtype(case.case.x.dtype)
    vectors, stages = case.case.vectors, []
    for i in range(len(case.order)):
        stages.append(case.stage(i, x=vectors.reshape(case.case.x.shape).astype(dtype)))
        of_split = codebooks(stages[-1])
        index = emb_index[..., i].reshape(-1)
        split = np.arange(len(index)) % len(of_split)
        rows = np.where(index[:, np.newaxis] < 0, 0, of_split[split, index])
        vectors = vectors - rows.reshape(-1, d)
    return stages


def residual_gradients(of: Of, case: ResidualCase) -> Question:
    """Ask for the gradients of the output, straight-through or none, and of each loss of each stage of an exact case.

    Its x is float32 or float64: what reaches a smaller dtype is rounded on the way.
    """
    x, dtype = case.case.x, comparison_dtype(case.case.x.dtype)
    upstream = (np.arange(x.size) % 5 - 2).reshape(x.shape).astype(x.dtype)
    found = Oracle().residual_gradients(case, upstream)
    zeros, to_x, to_emb_spaces = exactly(np.zeros(x.shape), x.dtype), [], []
    for i, stage in enumerate(_stages(case, Oracle().quantize_residual(case).emb_index)):
        of_stage = dict.fromkeys(stage.losses, zeros)
        if "commitment_loss" in of_stage:
            of_stage["commitment_loss"] = within(*bounds.commitment_gradient_to_x(stage), dtype)
        to_x.append(of_stage)
        enclosed = {name: _widened(it, case, i) for name, it in bounds.gradients_to_emb_space(stage).items()}
        to_emb_spaces.append({name: _enclosed(it, dtype) for name, it in enclosed.items()})
    expected = {
        "output_to_x": exactly(found.output_to_x, x.dtype),
        "output_to_emb_spaces": exactly(np.zeros(case.emb_spaces.shape), dtype),
        "losses_to_x": to_x,
        "losses_to_emb_spaces": to_emb_spaces,
    }
    given = {**arguments.of_residual_case(case), "upstream": array_as_json(upstream)}
    return Question(*of, "residual_gradients", given, expected)


def _widened(interval: Interval, case: ResidualCase, i: int) -> Interval:
    """Return the enclosure for all codebooks, of which the loss of a stage reaches its own alone."""
    ends = np.zeros((2, *case.emb_spaces.shape))
    ends[:, case.order[i]] = interval
    return Interval(*ends)


def encode_residual(of: Of, case: ResidualCase, num_stages: int) -> Question:
    """Ask for the indices of the first stages."""
    index = Oracle().encode_residual(case, num_stages)
    given = {**arguments.of_residual_case(case), "num_stages": num_stages}
    return Question(*of, "encode_residual", given, {"emb_index": exactly(index)})


def decode_residual(of: Of, case: ResidualCase, emb_index: NDArray[Any]) -> Question:
    """Ask what indices of the first stages stand for."""
    given = {**arguments.of_residual_case(case), "emb_index": array_as_json(emb_index)}
    del given["x"]
    given["dtype"] = case.case.x.dtype.name
    rows = exactly(Oracle().decode_residual(case, emb_index), bits=True)
    return Question(*of, "decode_residual", given, {"layer_out": rows})
