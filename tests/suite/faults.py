"""Deliberately wrong implementations: the oracle, each time with one fault that a real programmer makes.

A fault is a function that takes a case and the right result, and returns the fields that come out wrong.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from reference.gradients import norm_gradient
from tests.comparison import METRICS, comparison_dtype, distance_error, rounding
from tests.implementations.oracle import Oracle
from tests.implementations.protocol import Case, Gradients, Quantized

Array = NDArray[Any]
Fields = dict[str, Any]


class Faulty(Oracle):
    """The oracle with one fault.

    Parameters
    ----------
    fault : function
        Takes a case and the right `Quantized` or `Gradients`; returns the fields that it gets wrong.
    of : {"quantize", "gradients"}
        Which of the two results it spoils.
    """

    def __init__(self, fault: Callable[..., Fields], of: str) -> None:
        self.name = fault.__name__
        self._faults = {of: fault}

    def quantize(self, case: Case) -> Quantized:
        """Quantize wrongly."""
        return self._spoiled("quantize", case, super().quantize(case))

    def gradients(self, case: Case, upstream: Array) -> Gradients:
        """Differentiate wrongly."""
        return self._spoiled("gradients", case, super().gradients(case, upstream))

    def _spoiled(self, method: str, case: Case, right: Any) -> Any:
        with np.errstate(all="ignore"):  # wrong arithmetic overflows and divides by zero at will
            return right._replace(**self._faults[method](case, right)) if method in self._faults else right


def in_quantize(fault: Callable[[Case, Quantized], Fields]) -> Faulty:
    """Let the fault spoil what is quantized."""
    return Faulty(fault, "quantize")


def in_gradients(fault: Callable[[Case, Gradients], Fields]) -> Faulty:
    """Let the fault spoil the gradients."""
    return Faulty(fault, "gradients")


# What the faults are made of.


def chosen(case: Case, emb_index: Array) -> Fields:
    """Return what follows from the indices alone."""
    rows = case.emb_space.astype(case.x.dtype)[emb_index]
    count = np.bincount(emb_index.reshape(-1), minlength=len(case.emb_space))
    return {"emb_index": emb_index, "layer_out": rows.reshape(case.x.shape), "access_count": count}


def looked_up(case: Case, distance: Array) -> Fields:
    """Return what follows from distances, the losses left as they are."""
    return {"distance": distance, **chosen(case, distance.argmin(axis=-1))}


def distances(case: Case, vectors: Array, emb_space: Array) -> Array:
    """Return distances by direct differences in the dtype of the operands, ``[batch, m, n]``."""
    difference = np.abs(vectors[:, np.newaxis] - emb_space)
    if case.lookup_ord == 1:
        distance = difference.sum(axis=-1)
    elif case.lookup_ord == 2:
        distance = np.sqrt((difference**2).sum(axis=-1))
    else:
        distance = difference.max(axis=-1)
    m = case.x.shape[1] * case.num_splits
    return distance.reshape(len(case.x), m, len(emb_space))


def compared(case: Case, dtype: Any) -> tuple[Array, Array]:
    """Return the vectors and the embedding space rounded to a dtype."""
    return case.vectors.astype(dtype), case.emb_space.astype(dtype)


def weighted_loss(case: Case, right: Quantized, name: str, value: Any) -> Fields:
    """Return the losses with the named one, if it is present, replaced by its weight times a value."""
    wrong = {name: case.weights[name] * np.float64(value)} if name in right.losses else {}
    return {"losses": right.losses | wrong}


def gradient(right: Gradients, name: str, value: Array) -> Fields:
    """Return the gradients by the embedding space with that of the named loss, if it is present, replaced."""
    wrong = {name: value} if name in right.losses_to_emb_space else {}
    return {"losses_to_emb_space": right.losses_to_emb_space | wrong}


def leaked(case: Case, right: Gradients, name: str, leak: Array) -> Fields:
    """Return the gradients by x with that of the named loss, if it is present, replaced."""
    wrong = {name: leak.reshape(case.x.shape)} if name in right.losses_to_x else {}
    return {"losses_to_x": right.losses_to_x | wrong}


def spacing_matrix(case: Case) -> Array:
    """Return the distances of the embeddings among each other, ``[n, n]``."""
    return cdist(case.emb_space.astype(np.float64), case.emb_space.astype(np.float64), METRICS[case.lookup_ord])


def pulls(case: Case, norm_gradient: Callable[..., Array] = norm_gradient) -> tuple[Array, Array]:
    """Return ``g(E[j] - X[i])``, ``[M, n, d]``, and whether i chose j, ``[M, n, 1]``."""
    difference = case.emb_space.astype(np.float64) - case.vectors[:, np.newaxis]
    emb_index = Oracle().quantize(case).emb_index.reshape(-1, 1)
    return norm_gradient(difference, case.lookup_ord), (emb_index == np.arange(len(case.emb_space)))[..., np.newaxis]


def mean_gradients(case: Case, right: Gradients, norm_gradient: Callable[..., Array]) -> Fields:
    """Return the gradients of the alpha- and the beta-loss that follow from another gradient of the norm."""
    pull, chosen_by = pulls(case, norm_gradient)
    wrong = {"alpha_loss": case.alpha * (pull * chosen_by).mean(axis=0), "beta_loss": case.beta * pull.mean(axis=0)}
    present = {name: value for name, value in wrong.items() if name in right.losses_to_emb_space}
    return {"losses_to_emb_space": right.losses_to_emb_space | present}


def coulomb_shares(case: Case) -> tuple[Array, Array]:
    """Return ``-gamma * g(E[i] - E[j])``, ``[n, n, d]``, and which j tie for the nearest to i, ``[n, n]``."""
    distance = spacing_matrix(case)
    np.fill_diagonal(distance, np.inf)
    tied = np.isfinite(distance) & (distance == distance.min(axis=-1, keepdims=True))
    emb_space = case.emb_space.astype(np.float64)
    return -case.gamma * norm_gradient(emb_space[:, np.newaxis] - emb_space, case.lookup_ord), tied


# Distances and lookup.


@in_quantize
def the_last_of_tied_embeddings_is_chosen(case: Case, right: Quantized) -> Fields:
    n = right.distance.shape[-1]
    return chosen(case, n - 1 - right.distance[..., ::-1].argmin(axis=-1))


@in_quantize
def the_farthest_embedding_is_chosen(case: Case, right: Quantized) -> Fields:
    return chosen(case, right.distance.argmax(axis=-1))


@in_quantize
def the_lookup_is_by_l2_whatever_the_norm(case: Case, right: Quantized) -> Fields:
    return chosen(case, cdist(case.vectors, case.emb_space).argmin(axis=-1).reshape(right.emb_index.shape))


@in_quantize
def l2_is_squared(case: Case, right: Quantized) -> Fields:
    names = ("distance", "emb_spacing", "emb_closest_spacing") if case.lookup_ord == 2 else ()
    return {name: getattr(right, name) ** 2 for name in names}


@in_quantize
def l2_has_an_epsilon_under_its_root(case: Case, right: Quantized) -> Fields:
    if case.lookup_ord != 2:
        return {}
    distance = np.sqrt(right.distance**2 + 1e-12)  # as one adds against the NaN of the gradient at 0
    losses = weighted_loss(case, right, "alpha_loss", distance.min(axis=-1).sum() / max(len(case.vectors), 1))
    return {"distance": distance, **losses}


@in_quantize
def l2_is_expanded(case: Case, right: Quantized) -> Fields:
    if case.lookup_ord != 2:
        return {}
    vectors, emb_space = compared(case, comparison_dtype(case.x.dtype))
    squared = (emb_space**2).sum(axis=-1) - 2 * vectors @ emb_space.T  # ||e||^2 - 2 x e
    whole = np.maximum(squared + (vectors**2).sum(axis=-1, keepdims=True), 0)
    emb_index = squared.argmin(axis=-1).reshape(right.emb_index.shape)
    return {**chosen(case, emb_index), "distance": np.sqrt(whole).reshape(right.distance.shape)}


@in_quantize
def an_expansion_preselects_without_a_margin(case: Case, _: Quantized) -> Fields:
    return chosen(case, l2_is_expanded.quantize(case).emb_index)


@in_quantize
def half_types_are_compared_in_half_precision(case: Case, right: Quantized) -> Fields:
    distance = distances(case, *compared(case, case.x.dtype)) if case.x.dtype.itemsize == 2 else right.distance
    return looked_up(case, distance.astype(right.distance.dtype))


@in_quantize
def float64_is_compared_in_float32(case: Case, right: Quantized) -> Fields:
    distance = distances(case, *compared(case, np.float32)) if case.x.dtype == np.float64 else right.distance
    return looked_up(case, distance.astype(np.float64))


@in_quantize
def the_embeddings_are_rounded_to_the_dtype_of_x_before_the_lookup(case: Case, right: Quantized) -> Fields:
    distance = cdist(case.vectors, case.emb_space.astype(case.x.dtype).astype(np.float64), METRICS[case.lookup_ord])
    return looked_up(case, distance.reshape(right.distance.shape))


@in_quantize
def distances_are_off_by_ten_times_their_bound(case: Case, right: Quantized) -> Fields:
    error = distance_error(right.distance, case.emb_space.shape[1], case.lookup_ord, rounding(case.x.dtype))
    return {"distance": right.distance + 10 * error}


@in_quantize
def distances_are_sorted(_: Case, right: Quantized) -> Fields:
    return {"distance": np.sort(right.distance, axis=-1)}  # as top_k returns them


@in_quantize
def the_inputs_are_centred_and_the_embeddings_are_not(case: Case, right: Quantized) -> Fields:
    centred = case.vectors - case.vectors.sum(axis=0) / max(len(case.vectors), 1)
    distance = cdist(centred, case.emb_space, METRICS[case.lookup_ord])
    return looked_up(case, distance.reshape(right.distance.shape))


@in_quantize
def splits_are_column_major(case: Case, right: Quantized) -> Fields:
    batch, r, q = case.x.shape
    d = q // case.num_splits
    vectors = case.x.reshape(batch, r, d, case.num_splits).swapaxes(-1, -2).astype(np.float64)
    distance = cdist(vectors.reshape(-1, d), case.emb_space, METRICS[case.lookup_ord]).reshape(right.distance.shape)
    emb_index = distance.argmin(axis=-1)
    rows = case.emb_space.astype(case.x.dtype)[emb_index].reshape(batch, r, case.num_splits, d)
    layer_out = rows.swapaxes(-1, -2).reshape(case.x.shape)
    return {**looked_up(case, distance), "layer_out": layer_out}


@in_quantize
def the_output_is_a_rounded_sum(case: Case, right: Quantized) -> Fields:
    dtype = comparison_dtype(case.x.dtype)
    x, y = case.x.astype(dtype), right.layer_out.astype(dtype)
    return {"layer_out": (x + (y - x)).astype(case.x.dtype)}


@in_quantize
def the_output_has_the_dtype_of_the_comparison(case: Case, right: Quantized) -> Fields:
    rows = case.emb_space.astype(comparison_dtype(case.x.dtype))[right.emb_index]
    return {"layer_out": rows.reshape(case.x.shape)}


@in_quantize
def access_counts_are_divided_by_the_batch(case: Case, right: Quantized) -> Fields:
    return {"access_count": right.access_count / len(case.x)}


@in_quantize
def access_counts_tell_only_whether(_: Case, right: Quantized) -> Fields:
    return {"access_count": np.minimum(right.access_count, 1)}


# Losses.


@in_quantize
def the_losses_come_in_the_wrong_order(_: Case, right: Quantized) -> Fields:
    return {"losses": dict(sorted(right.losses.items(), reverse=True))}


@in_quantize
def a_loss_of_weight_zero_is_present(case: Case, right: Quantized) -> Fields:
    return {"losses": {name: right.losses.get(name, np.float64(0)) for name in case.weights}}


@in_quantize
def a_loss_has_an_axis(_: Case, right: Quantized) -> Fields:
    return {"losses": {name: np.reshape(loss, [1]) for name, loss in right.losses.items()}}


@in_quantize
def the_alpha_loss_is_a_sum_over_m(case: Case, right: Quantized) -> Fields:
    return weighted_loss(case, right, "alpha_loss", right.distance.min(axis=-1).sum() / max(len(case.x), 1))


@in_quantize
def the_alpha_loss_is_squared(case: Case, right: Quantized) -> Fields:
    return weighted_loss(
        case, right, "alpha_loss", (right.distance.min(axis=-1) ** 2).sum() / max(len(case.vectors), 1)
    )


@in_quantize
def the_alpha_loss_is_weighted_twice(case: Case, right: Quantized) -> Fields:
    return weighted_loss(case, right, "alpha_loss", right.losses.get("alpha_loss", 0))


@in_quantize
def the_beta_loss_is_a_mean_over_the_embeddings(case: Case, right: Quantized) -> Fields:
    return weighted_loss(case, right, "beta_loss", right.distance.sum() / max(right.distance.size, 1))


@in_quantize
def the_beta_loss_is_over_the_chosen_embeddings(case: Case, right: Quantized) -> Fields:
    return weighted_loss(case, right, "beta_loss", right.distance.min(axis=-1).sum() / max(len(case.vectors), 1))


@in_quantize
def the_coulomb_loss_attracts(_: Case, right: Quantized) -> Fields:
    return {"losses": {name: np.abs(loss) for name, loss in right.losses.items()}}


@in_quantize
def the_coulomb_loss_is_a_mean(case: Case, right: Quantized) -> Fields:
    return weighted_loss(case, right, "coulomb_loss", -right.emb_closest_spacing.mean())


@in_quantize
def an_empty_batch_divides_zero_by_zero(case: Case, right: Quantized) -> Fields:
    means = {name: loss * len(case.x) / np.float64(len(case.x)) for name, loss in right.losses.items()}
    return {"losses": means, "access_count": right.access_count.sum() * right.access_count / right.access_count.sum()}


@in_quantize
def losses_and_endpoints_have_the_dtype_of_x(case: Case, right: Quantized) -> Fields:
    names = ("distance", "emb_spacing", "emb_closest_spacing")
    losses = {name: np.asarray(loss).astype(case.x.dtype) for name, loss in right.losses.items()}
    return {name: getattr(right, name).astype(case.x.dtype) for name in names} | {"losses": losses}


# Spacing.


@in_quantize
def the_spacing_includes_the_diagonal(case: Case, _: Quantized) -> Fields:
    return {"emb_spacing": spacing_matrix(case)[np.triu_indices(len(case.emb_space))]}


@in_quantize
def the_spacing_is_the_lower_triangle(case: Case, _: Quantized) -> Fields:
    return {"emb_spacing": spacing_matrix(case)[np.tril_indices(len(case.emb_space), k=-1)]}


@in_quantize
def the_closest_spacing_is_to_itself(_: Case, right: Quantized) -> Fields:
    return {"emb_closest_spacing": np.zeros_like(right.emb_closest_spacing)}


@in_quantize
def the_closest_spacing_is_to_a_later_embedding(case: Case, right: Quantized) -> Fields:
    matrix = spacing_matrix(case)
    matrix[np.tril_indices(len(matrix))] = np.inf
    closest = matrix.min(axis=-1)
    return {"emb_closest_spacing": np.where(np.isinf(closest), right.emb_closest_spacing, closest)}


@in_quantize
def the_closest_spacing_of_a_single_embedding_is_infinite(case: Case, right: Quantized) -> Fields:
    return {"emb_closest_spacing": right.emb_closest_spacing + (np.inf if len(case.emb_space) == 1 else 0)}


@in_quantize
def the_closest_spacing_is_to_an_embedding_in_use(case: Case, right: Quantized) -> Fields:
    matrix = np.where(right.access_count > 0, spacing_matrix(case), np.inf)
    np.fill_diagonal(matrix, np.inf)
    closest = matrix.min(axis=-1)
    return {"emb_closest_spacing": np.where(np.isinf(closest), right.emb_closest_spacing, closest)}


# Gradients of the output.


@in_gradients
def the_output_passes_no_gradient_to_x(_: Case, right: Gradients) -> Fields:
    return {"output_to_x": np.zeros_like(right.output_to_x)}


@in_gradients
def the_output_passes_its_gradient_to_the_embeddings(case: Case, right: Gradients) -> Fields:
    emb_index = Oracle().quantize(case).emb_index.reshape(-1)
    to_emb_space = np.zeros(case.emb_space.shape)
    np.add.at(to_emb_space, emb_index, right.output_to_x.reshape(-1, case.emb_space.shape[1]).astype(np.float64))
    return {"output_to_emb_space": to_emb_space}


# Gradients of the losses.


@in_gradients
def the_alpha_loss_reaches_x(case: Case, right: Gradients) -> Fields:
    pull, chosen_by = pulls(case)
    leak = -case.alpha / len(case.vectors) * (pull * chosen_by).sum(axis=1)
    return leaked(case, right, "alpha_loss", leak)


@in_gradients
def the_beta_loss_reaches_x(case: Case, right: Gradients) -> Fields:
    leak = -case.beta / len(case.vectors) * pulls(case)[0].sum(axis=1)
    return leaked(case, right, "beta_loss", leak)


@in_gradients
def gradients_at_a_zero_difference_are_nan(case: Case, right: Gradients) -> Fields:
    def unguarded(vectors: Array, lookup_ord: float) -> Array:
        return norm_gradient(vectors, lookup_ord) + 0 / vectors.any(axis=-1, keepdims=True)

    return mean_gradients(case, right, unguarded)


@in_gradients
def the_l1_gradient_at_zero_is_one(case: Case, right: Gradients) -> Fields:
    def of_relu(vectors: Array, lookup_ord: float) -> Array:
        return np.where(vectors >= 0, 1.0, -1.0) if lookup_ord == 1 else norm_gradient(vectors, lookup_ord)

    return mean_gradients(case, right, of_relu)


@in_gradients
def the_l2_gradient_is_that_of_half_the_square(case: Case, right: Gradients) -> Fields:
    def unnormalised(vectors: Array, lookup_ord: float) -> Array:
        return vectors if lookup_ord == 2 else norm_gradient(vectors, lookup_ord)

    return mean_gradients(case, right, unnormalised)


@in_gradients
def the_linf_gradient_goes_to_the_first_maximum(case: Case, right: Gradients) -> Fields:
    def to_the_first(vectors: Array, lookup_ord: float) -> Array:
        largest = np.abs(vectors).argmax(axis=-1)[..., np.newaxis] == np.arange(vectors.shape[-1])
        return np.sign(vectors) * largest if np.isinf(lookup_ord) else norm_gradient(vectors, lookup_ord)

    return mean_gradients(case, right, to_the_first)


@in_gradients
def the_linf_gradient_goes_to_each_maximum_in_full(case: Case, right: Gradients) -> Fields:
    def unshared(vectors: Array, lookup_ord: float) -> Array:
        shared = norm_gradient(vectors, lookup_ord)
        return np.sign(shared) if np.isinf(lookup_ord) else shared

    return mean_gradients(case, right, unshared)


@in_gradients
def the_alpha_gradient_keeps_the_last_input_of_each_embedding(case: Case, right: Gradients) -> Fields:
    pull, chosen_by = pulls(case)
    kept = np.zeros(case.emb_space.shape)
    i, j = np.nonzero(chosen_by[..., 0])
    kept[j] = pull[i, j]  # as `kept[j] += pull[i, j]` does
    return gradient(right, "alpha_loss", case.alpha / max(len(pull), 1) * kept)


@in_gradients
def the_alpha_gradient_pushes(_: Case, right: Gradients) -> Fields:
    return gradient(right, "alpha_loss", -right.losses_to_emb_space.get("alpha_loss", np.zeros(0)))


@in_gradients
def the_beta_gradient_is_a_sum(case: Case, right: Gradients) -> Fields:
    return gradient(right, "beta_loss", case.beta * pulls(case)[0].sum(axis=0))


@in_gradients
def the_beta_gradient_is_over_the_chosen_embeddings(case: Case, right: Gradients) -> Fields:
    pull, chosen_by = pulls(case)
    return gradient(right, "beta_loss", case.beta * (pull * chosen_by).mean(axis=0))


@in_gradients
def the_coulomb_gradient_attracts(_: Case, right: Gradients) -> Fields:
    return gradient(right, "coulomb_loss", -right.losses_to_emb_space.get("coulomb_loss", np.zeros(0)))


@in_gradients
def the_coulomb_gradient_reaches_only_the_row_itself(case: Case, right: Gradients) -> Fields:
    share, tied = coulomb_shares(case)
    weight = tied / np.maximum(tied.sum(axis=-1, keepdims=True), 1)
    return gradient(right, "coulomb_loss", (share * weight[..., np.newaxis]).sum(axis=1))


@in_gradients
def the_coulomb_gradient_goes_to_the_first_of_tied_embeddings(case: Case, right: Gradients) -> Fields:
    share, tied = coulomb_shares(case)
    first = tied & (tied.cumsum(axis=-1) == 1)
    part = share * first[..., np.newaxis]
    return gradient(right, "coulomb_loss", part.sum(axis=1) - part.sum(axis=0))


@in_gradients
def the_coulomb_gradient_goes_to_each_of_tied_embeddings_in_full(case: Case, right: Gradients) -> Fields:
    share, tied = coulomb_shares(case)
    part = share * tied[..., np.newaxis]
    return gradient(right, "coulomb_loss", part.sum(axis=1) - part.sum(axis=0))
