"""A codebook in shards, each searched apart: the least by (distance, lowest global index) is that of the whole (VQ-2).

So devices that hold a part of the embeddings each need only send, for each vector, a distance and an index.
"""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from reference.distances import pairwise_distance
from reference.lookup import nearest
from vq_layer import Norm
from vq_layer.kernels import compilation
from vq_verify.strategies.choices import chooser, integers, sample

SHARDS = 8
ORDS = (1, 2, np.inf)


def search_of_the_oracle(vectors, emb_space, lookup_ord):
    """Return the index of the nearest embedding and its distance, ``[m], [m]``; -1 and NaN for none."""
    distance = pairwise_distance(vectors, emb_space, lookup_ord)
    index = nearest(distance[np.newaxis])[0]
    return index, np.where(index < 0, np.nan, distance[np.arange(len(index)), index])


def search_of_the_layer(vectors, emb_space, lookup_ord):
    """Return the same in float32; a distance where there is no index means nothing."""
    search = Norm(lookup_ord).search(*(tf.constant(rows, tf.float32) for rows in (vectors, emb_space)))
    return search.emb_index.numpy(), search.distance_to(search.emb_index).numpy()


def merged(index, distance):
    """Return the least of each column, ``[shards, m], [shards, m] -> [m], [m]``: by distance, then by global index."""
    first = np.lexsort((index, distance, index < 0), axis=0)[0]
    return tuple(np.take_along_axis(it, first[np.newaxis], axis=0)[0] for it in (index, distance))


def in_shards(search, vectors, emb_space, lookup_ord):
    """Search shards of about equal size apart, and merge what is found."""
    places = np.array_split(np.arange(len(emb_space)), SHARDS)
    found = [search(vectors, emb_space[place], lookup_ord) for place in places]
    index = [np.where(local < 0, -1, place[0] + local) for (local, _), place in zip(found, places, strict=True)]
    return merged(np.stack(index), np.stack([distance for _, distance in found]))


def check(search, vectors, emb_space, lookup_ord):
    whole = search(vectors, emb_space, lookup_ord)
    for of_shards, expected in zip(in_shards(search, vectors, emb_space, lookup_ord), whole, strict=True):
        np.testing.assert_array_equal(of_shards, expected)


@st.composite
def codebooks(draw):
    """Draw vectors and embeddings of few small integers: exact distances, many ties and duplicates, some not finite."""
    choose = chooser(draw, 4)
    n, m, d, largest = choose((8, 11, 16, 29)), choose((1, 5)), choose((1, 2, 3)), choose((1, 3))
    pool = integers(draw, (6, d), -largest, largest).astype(float)
    pool[-1, 0] = np.nan
    return sample(draw, pool, m), sample(draw, pool, n)


@pytest.mark.clause("VQ-2.1", "VQ-2.2", "VQ-2.3", "VQ-13.2")
@given(drawn=codebooks(), lookup_ord=st.sampled_from(ORDS))
def test_shards_searched_apart_find_what_the_whole_does(drawn, lookup_ord):
    check(search_of_the_oracle, *drawn, lookup_ord)


@pytest.mark.slow
@pytest.mark.clause("VQ-2.1", "VQ-2.2", "VQ-2.3", "VQ-13.2")
@pytest.mark.parametrize(
    ("compilation_mode", "lookup_ord", "d"),
    [
        ("plain", 1, 3),
        ("plain", 2, 3),
        ("plain", np.inf, 3),
        ("compiled", 1, 3),
        ("compiled", 2, 30),
        ("fused", 1, 3),
        ("fused", 2, 30),
    ],
)  # those of 30 by a product, the others by differences
def test_those_of_the_layer_do_too(monkeypatch, compilation_mode, lookup_ord, d):
    monkeypatch.setattr(compilation, "_chosen", compilation_mode)
    rng = np.random.default_rng(0)
    emb_space = rng.integers(-2, 3, [40, d]).astype(float)
    emb_space[20:] = emb_space[:20]  # each in two shards
    emb_space[5:10] = np.nan  # all of a shard
    vectors = np.concatenate([emb_space, rng.integers(-2, 3, [60, d])])
    check(search_of_the_layer, vectors, emb_space, lookup_ord)


@pytest.mark.clause("VQ-2.3")
def test_a_tie_across_shards_goes_to_the_lowest_index_of_all():
    emb_space = np.array([[9.0], [9], [9], [1], [9], [-1], [9], [9]])
    for search in (search_of_the_oracle, search_of_the_layer):
        index, distance = in_shards(search, np.array([[0.0], [np.nan]]), emb_space, 1)
        np.testing.assert_array_equal(index, [3, -1])
        np.testing.assert_array_equal(distance, [1, np.nan])
