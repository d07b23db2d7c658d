"""What near means: a norm or the cosine, in the full space or in one of principal components (VQ-1, VQ-8, VQ-9)."""

import math
from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, ClassVar

import tensorflow as tf

from vq_layer import validation
from vq_layer.kernels import reduction
from vq_layer.kernels.distances import norm
from vq_layer.kernels.lookup import Ranking, nearest, select
from vq_layer.kernels.pairs import all_distances
from vq_layer.kernels.ranking import top_k_similar
from vq_layer.kernels.route import route
from vq_layer.kernels.search import by_product, nearest_index
from vq_layer.kernels.similarity import normalize
from vq_layer.kernels.sums import sum_of, sum_of_distances
from vq_layer.parts.part import Part, number_of, part, resolved

__all__ = ["PCA", "Cosine", "Norm"]


class Search:
    """What a comparison finds among vectors and embeddings; each result is computed once, and only if asked for.

    Size and XLA are decided here, once for all of them.

    Parameters
    ----------
    vectors : tf.Tensor, shape [batch, m, d]
        As they are compared; NaN in the place of those that do not count.
    emb_space : tf.Tensor, shape [n, d]
    """

    absent_endpoints: ClassVar[tuple[str, ...]]  # what makes no sense under the comparison

    def __init__(self, vectors: tf.Tensor, emb_space: tf.Tensor) -> None:
        self.vectors, self.emb_space = vectors, emb_space
        self.route = route(vectors, emb_space)

    @property
    @abstractmethod
    def emb_index(self) -> tf.Tensor:
        """The index of the nearest embedding, ``[batch, m]``, int64; -1 where there is none."""


class SearchByNorm(Search):
    """Under the p-norm, ``p = lookup_ord``."""

    absent_endpoints = ("similarity_values", "percentage_identity_mapped")

    def __init__(self, vectors: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> None:
        super().__init__(vectors, emb_space)
        self.lookup_ord = lookup_ord

    @cached_property
    def emb_index(self) -> tf.Tensor:
        """The index of the nearest embedding, ``[batch, m]``, int64; -1 where there is none."""
        if self.route.small and not by_product(self.vectors, self.emb_space, self.lookup_ord):
            return nearest(self.distance)
        return nearest_index(self.vectors, self.emb_space, self.lookup_ord, self.route)

    @cached_property
    def distance(self) -> tf.Tensor:
        """All distances, ``[batch, m, n]``."""
        return all_distances(self.vectors, self.emb_space, self.lookup_ord, self.route)

    @cached_property
    def total(self) -> tf.Tensor:
        """The sum of all distances, ``[]``."""
        with tf.control_dependencies([self.emb_index]):  # one after the other, so that they are not compiled at once
            if self.route.small:
                return sum_of(self.distance)
            return sum_of_distances(self.vectors, self.emb_space, self.lookup_ord, self.route)

    def distance_to(self, emb_index: tf.Tensor) -> tf.Tensor:
        """Return the distance of each vector to the embedding at its index, ``[batch, m]``."""
        return norm(self.vectors - select(self.emb_space, emb_index), self.lookup_ord)


class SearchByCosine(Search):
    """By the cosine of the angle."""

    absent_endpoints = ("distance", "emb_spacing", "emb_closest_spacing")

    def __init__(self, vectors: tf.Tensor, emb_space: tf.Tensor) -> None:
        super().__init__(vectors, emb_space)
        self._ranking: tuple[int, Ranking] | None = None

    def ranking(self, k: int) -> Ranking:
        """Return the k most similar embeddings of each vector, ``[batch, m, k]``; no gradient passes."""
        if self._ranking is None or self._ranking[0] < k:
            self._ranking = k, top_k_similar(self.vectors, self.emb_space, k, self.route)
        found, ranking = self._ranking
        return ranking if found == k else Ranking(*(ranked[..., :k] for ranked in ranking))

    @cached_property
    def emb_index(self) -> tf.Tensor:
        """The index of the most similar embedding, ``[batch, m]``, int64; -1 where there is none."""
        return self.ranking(1).emb_index[..., 0]

    @property
    def largest_similarity(self) -> tf.Tensor:
        """The similarity to the most similar embedding, ``[batch, m]``; NaN where there is none."""
        return self.ranking(1).similarity[..., 0]

    def distance_to(self, emb_index: tf.Tensor) -> tf.Tensor:
        """Return what the largest similarity of each vector, that to the embedding at its index, lacks of 1."""
        del emb_index
        return 1 - self.largest_similarity


class Comparison(Part):
    """How vectors and embeddings are compared."""

    on_sphere: ClassVar[bool] = False  # whether only directions matter, so that averages are of vectors of norm 1

    def scaled(self, vectors: tf.Tensor) -> tf.Tensor:
        """Return vectors, ``[..., d]``, as they enter an average, and as an average is scaled itself."""
        return normalize(vectors) if self.on_sphere else vectors

    @abstractmethod
    def search(self, vectors: tf.Tensor, emb_space: tf.Tensor) -> Any:
        """Return what is found, a `SearchByNorm` or `SearchByCosine`, among ``[batch, m, d], [n, d]``."""


@part
class Norm(Comparison):
    """By the p-norm of the difference; L2 is not squared.

    Parameters
    ----------
    p : float
        Its order, at least 1; infinity is the largest magnitude.
    """

    p: float = 2

    def __post_init__(self) -> None:
        p = number_of(self.p)
        validation.check_lookup_ord("Norm.p", p)
        object.__setattr__(self, "p", float(p))

    def search(self, vectors: tf.Tensor, emb_space: tf.Tensor) -> SearchByNorm:
        """Return what is found."""
        return SearchByNorm(vectors, emb_space, self.p)


@part
class Cosine(Comparison):
    """By the cosine of the angle: the most similar is the nearest; a zero vector has similarity 0 to everything."""

    on_sphere: ClassVar[bool] = True

    def search(self, vectors: tf.Tensor, emb_space: tf.Tensor) -> SearchByCosine:
        """Return what is found."""
        return SearchByCosine(vectors, emb_space)


@part
class PCA(Comparison):
    """In a space of principal components, by another comparison.

    Parameters
    ----------
    of : Norm or Cosine, or its name
        The comparison there.
    fit : {"pca-batch", "pca-emb-space"}
        Whether the components are fitted on the embedding space followed by the batch, or on the embedding space alone.
    components : int
        How many, at most ``min(d, fitted rows - 1)``.

    Raises
    ------
    tf.errors.InvalidArgumentError
        When it runs, with more components than the finite rows admit.
    """

    of: Any = Norm(2)
    fit: str = "pca-batch"
    components: int = 1

    supports_jit: ClassVar[bool] = False  # XLA drops the assertion, and its singular value decomposition is slow

    def __post_init__(self) -> None:
        if isinstance(self.of, PCA):
            raise ValueError(f"`PCA.of` must be a Norm or Cosine. Received: PCA.of={self.of}")
        object.__setattr__(self, "of", comparison_of(self.of, "PCA.of"))
        validation.check_dim_reduction(self.fit, self.components, "PCA.fit", "PCA.components")
        object.__setattr__(self, "components", int(self.components))

    def check_sizes(self, n: int, d: int | None) -> None:
        """Raise a ValueError for more components than can be fitted."""
        validation.check_num_components(self.fit, self.components, n, d, "PCA.components")

    def search(self, vectors: tf.Tensor, emb_space: tf.Tensor) -> Any:
        """Return what is found among the projections; the projection is a constant under differentiation."""
        projection = reduction.projection(vectors, emb_space, self.fit, self.components)
        return self.of.search(projection.apply(vectors), projection.apply(emb_space))


NAMES: dict[str, Callable[[], Comparison]] = {
    "l1": partial(Norm, 1),
    "l2": partial(Norm, 2),
    "linf": partial(Norm, math.inf),
    "cosine": Cosine,
}


def comparison_of(value: Any, argument: str = "comparison") -> Comparison:
    """Return the comparison that an argument stands for."""
    return resolved(argument, value, Comparison, NAMES)  # type: ignore[type-abstract]


def is_norm(comparison: Comparison) -> bool:
    """Tell whether it is one by a norm, in whatever space."""
    return isinstance(comparison.of if isinstance(comparison, PCA) else comparison, Norm)


def cosine_of(value: Any) -> Comparison:
    """Return the comparison that an argument of a layer by cosine similarity stands for."""
    comparison = comparison_of(value)
    if is_norm(comparison):
        raise ValueError(f"`comparison` must be Cosine, or PCA of it. Received: comparison={value!r}")
    return comparison
