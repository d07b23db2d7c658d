"""Faults of vectors and embeddings that are not finite in a quantization by cosine similarity (VQ-13)."""

import numpy as np

from reference import similarity as cosine
from reference import voting
from reference.voting import Vote
from tests.property import test_cosine as laws
from tests.property import test_voting as votes
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import in_cosine, instead_of
from vq_verify.protocol import CosineCase, CosineQuantized

vectors_alone = laws.test_a_vector_that_is_not_finite_comes_out_as_nan_and_changes_no_other
embeddings_alone = laws.test_an_embedding_that_is_not_finite_is_never_chosen_nor_does_its_label_matter
mapped = votes.test_a_mapped_vector_comes_out_as_it_is_and_any_other_as_the_indexed_row

right_similarity, right_vote = cosine.cosine_similarity, voting.majority_vote


@instead_of("reference.similarity.cosine_similarity", "VQ-13.10", vectors_alone, embeddings_alone)
def similarities_that_are_not_finite_are_zero(vectors: Array, emb_space: Array) -> Array:
    return np.nan_to_num(right_similarity(vectors, emb_space))


@instead_of("reference.lookup.most_similar", "VQ-13.16", embeddings_alone)
def an_embedding_that_is_not_finite_is_most_similar(similarity: Array) -> Array:
    return np.where(np.isnan(similarity).all(axis=-1), -1, similarity.argmax(axis=-1))  # argmax finds NaN


@instead_of("reference.lookup.most_similar", "VQ-13.2", vectors_alone)
def a_vector_that_is_not_finite_has_a_most_similar_embedding(similarity: Array) -> Array:
    return np.where(np.isnan(similarity), -np.inf, similarity).argmax(axis=-1)


def _in_place_of_nan(similarity: Array, value: float) -> Array:
    """Put a value in the place of NaN, unless a row has nothing else."""
    unknown = np.isnan(similarity)
    return np.where(unknown & ~unknown.all(axis=-1, keepdims=True), value, similarity)


@instead_of("reference.voting.majority_vote", "VQ-13.20", embeddings_alone)
def an_embedding_that_is_not_finite_votes(
    similarity: Array, emb_labels: Array, num_classes: int, k: int, representative: str
) -> Vote:
    return right_vote(_in_place_of_nan(similarity, 2.0), emb_labels, num_classes, k, representative)


@instead_of("reference.voting.majority_vote", "VQ-13.20", embeddings_alone)
def embeddings_that_are_not_finite_fill_up_the_votes(
    similarity: Array, emb_labels: Array, num_classes: int, k: int, representative: str
) -> Vote:
    return right_vote(_in_place_of_nan(similarity, -2.0), emb_labels, num_classes, k, representative)


@instead_of("reference.voting.majority_vote", "VQ-13.21", embeddings_alone)
def an_embedding_that_is_not_finite_represents_its_label(
    similarity: Array, emb_labels: Array, num_classes: int, k: int, representative: str
) -> Vote:
    vote = right_vote(similarity, emb_labels, num_classes, k, representative)
    if representative == "nearest":
        return vote
    first = (emb_labels == vote.label[..., np.newaxis]).argmax(axis=-1)
    return vote._replace(emb_index=np.where(vote.label < 0, -1, first))


@in_cosine("VQ-13.11", vectors_alone)
def a_vector_that_is_not_finite_has_label_0(case: CosineCase, right: CosineQuantized) -> Fields:
    return {"most_common_label": np.abs(right.most_common_label) * (right.emb_index >= 0)} if case.vote else {}


@in_cosine("VQ-13.12", vectors_alone, mapped)
def a_vector_that_is_not_finite_is_mapped_to_itself(_: CosineCase, right: CosineQuantized) -> Fields:
    mask = right.identity_mapping_mask
    return {} if mask is None else {"identity_mapping_mask": mask | (right.emb_index < 0)}


@in_cosine("VQ-13.3", vectors_alone)
def an_output_that_is_not_finite_is_that_of_zeros(_: CosineCase, right: CosineQuantized) -> Fields:
    return {"layer_out": np.where(np.isfinite(right.layer_out), right.layer_out, right.layer_out.dtype.type(0))}
