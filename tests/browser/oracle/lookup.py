"""What a lookup finds, how it is used, and how far the embeddings lie apart."""

from dataclasses import replace
from typing import Any

import numpy as np

from reference import Cosine, Norm, Quantizer, lookup, metrics, spacing
from reference.distances import pairwise_distance
from reference.parts.choices import Choice
from reference.passes import Pass, look_up
from tests.browser.oracle.bounds import Numbers, bound
from vq_verify.comparison.rounding import distance_error, rounding

COMPARISONS = {"l1": Norm(1), "l2": Norm(2), "linf": Norm(np.inf), "cosine": Cosine()}


def found(setting: dict[str, Any], values: Any) -> tuple[Pass, Numbers]:
    """Return the pass of the oracle with the distances that the page computed, and what these must be."""
    comparison = COMPARISONS[setting["comparison"]]
    vectors, codebook = setting["vectors"][np.newaxis], setting["codebook"]
    it = look_up(vectors, np.ones(vectors.shape[:-1], bool), codebook, Quantizer(comparison=comparison))
    if isinstance(comparison, Norm):
        name, wanted, choose = "distance", it.search.distance, lookup.nearest
        error = 0 if setting["exact"] else _distance_error(wanted, comparison.p)
    else:
        name, wanted, choose = "similarity", it.search.similarity, lookup.most_similar
        error = bound(10, 1)  # each unit vector has 4 roundings, products and sum add 2
    index = choose(values[np.newaxis])
    search = replace(it.search, index=index, **{name: values[np.newaxis]})
    it = it._replace(search=search, choice=Choice(index))
    return it, {"values": (wanted[0], error if np.ndim(error) == 0 else error[0]), "indices": (index[0], 0)}


def _distance_error(distance: Any, p: float) -> Any:
    return np.nan_to_num(distance_error(distance, 2, p, rounding(np.float64)))


def usage(it: Pass) -> Numbers:
    counts = lookup.access_count(it.emb_index, len(it.codebook))
    perplexity = metrics.perplexity(counts)
    # The entropy is below 4, and as good as its roundings: a share, a logarithm, a product and a sum for each.
    return {
        "counts": (counts, 0),
        "usage": (metrics.codebook_usage(counts), 0),
        "perplexity": (perplexity, bound(4 * (len(counts) + 4), perplexity)),
    }


def spacings(setting: dict[str, Any], it: Pass) -> Numbers:
    p = it.comparison.p
    among = pairwise_distance(it.codebook, it.codebook, p)
    values = {"pairs": spacing.emb_spacing(among), "closest": spacing.emb_closest_spacing(among)}
    return {name: (value, 0 if setting["exact"] else _distance_error(value, p)) for name, value in values.items()}
