"""The oracle's codebooks per split against as many quantizers of one split."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference import (
    Alpha,
    Beta,
    Codebook,
    Commitment,
    Cosine,
    Coulomb,
    FromBatch,
    MostDistant,
    Norm,
    Quantizer,
    initial_state,
    quantize,
)
from reference.quantizer import gradients
from tests.oracle.cases import Case, cases

A_THIRD = settings(max_examples=max(1, settings.default.max_examples // 3))  # per comparison
LOSSES = (Alpha(0.5), Beta(0.75), Coulomb(4.0), Codebook(), Commitment())


def _parts(of: Any) -> dict[str, Any]:
    """Return a few parts that differ in what they keep and put out."""
    if of == Cosine():
        return {"comparison": of, "losses": (Codebook(), Commitment())}
    return {"comparison": of, "losses": LOSSES, "replacement": MostDistant(1, every=2)}


def _emb_spaces(case: Case) -> np.ndarray:
    """Return an embedding space for each split: the same rows, turned on."""
    return np.stack([np.roll(case.emb_space, i, axis=0) + i / 8 for i in range(case.num_splits)])


def _assert_same(actual: Any, expected: Any) -> None:
    assert np.shape(actual) == np.shape(expected)
    assert np.asarray(actual).tobytes() == np.asarray(expected).tobytes()


@pytest.mark.clause("VQ-20.2", "VQ-20.3", "VQ-20.4", "VQ-20.5", "VQ-20.6")
@pytest.mark.parametrize("comparison", [Norm(1), Norm(2), Cosine()], ids=str)
@A_THIRD
@given(case=cases(finite=False), masks=st.booleans())
def test_all_is_bit_for_bit_what_separate_quantizers_give(case: Case, masks: bool, comparison: Any) -> None:
    s, d = case.num_splits, case.emb_space.shape[1]
    parts, emb_spaces = _parts(comparison), _emb_spaces(case)
    together = Quantizer(**parts, num_splits=s, codebooks="per-split")
    apart = Quantizer(**parts)
    mask = np.arange(case.x.size // case.x.shape[-1]).reshape(case.x.shape[:2]) % 3 > 0 if masks else None
    state = initial_state(emb_spaces, together)
    states = [initial_state(emb_space, apart) for emb_space in emb_spaces]
    pieces = [case.x[..., i * d : (i + 1) * d] for i in range(s)]
    for _ in range(2):
        result = quantize(case.x, state, together, mask, training=True)
        results = [quantize(x, state, apart, mask, training=True) for x, state in zip(pieces, states, strict=True)]
        for i, one in enumerate(results):
            _assert_same(result.layer_out[..., i * d : (i + 1) * d], one.layer_out)
            for name in ("emb_index", "distance", "similarity"):
                if getattr(one, name) is not None:
                    _assert_same(getattr(result, name)[:, i::s], getattr(one, name))
            for name in ("access_count", "emb_spacing", "emb_closest_spacing"):
                if getattr(one, name) is not None:
                    _assert_same(getattr(result, name)[i], getattr(one, name))
            if one.similarity_values is not None:
                _assert_same(result.similarity_values[i::s], one.similarity_values)
            for name, value in one.state.items():
                _assert_same(result.state[name][i], value)
        for name, loss in result.losses.items():
            assert loss == sum(one.losses[name] for one in results)
        absent = [name for name, value in result._asdict().items() if value is None]
        assert absent == [name for name, value in results[0]._asdict().items() if value is None]
        state, states = result.state, [one.state for one in results]


@pytest.mark.clause("VQ-20.2", "VQ-20.4")
@given(case=cases(finite=False))
def test_gradients_are_bit_for_bit_those_of_separate_quantizers(case: Case) -> None:
    s, d = case.num_splits, case.emb_space.shape[1]
    emb_spaces, upstream = _emb_spaces(case), np.arange(case.x.size).reshape(case.x.shape) / 8
    together = Quantizer(losses=LOSSES, num_splits=s, codebooks="per-split")
    found = gradients(case.x, {"emb_space": emb_spaces}, together, upstream)
    assert found.output_to_emb_space.shape == emb_spaces.shape
    for i, emb_space in enumerate(emb_spaces):
        piece = np.s_[..., i * d : (i + 1) * d]
        one = gradients(case.x[piece], {"emb_space": emb_space}, Quantizer(losses=LOSSES), upstream[piece])
        _assert_same(found.output_to_x[piece], one.output_to_x)
        for name in one.losses_to_x:
            _assert_same(found.losses_to_x[name][piece], one.losses_to_x[name])
            _assert_same(found.losses_to_emb_space[name][i], one.losses_to_emb_space[name])


@pytest.mark.clause("VQ-20.3", "VQ-20.4", "VQ-20.5")
def test_a_worked_codebook_per_split() -> None:
    # The first split has embeddings at 0 and 4, the second at 10 and 20.
    x, emb_space = np.array([[[1.0, 14.0], [3.0, 19.0]]]), np.array([[[0.0], [4.0]], [[10.0], [20.0]]])
    quantizer = Quantizer(losses=(Alpha(2),), num_splits=2, codebooks="per-split")
    result = quantize(x, {"emb_space": emb_space}, quantizer)
    assert result.layer_out.tolist() == [[[0, 10], [4, 20]]]
    assert result.emb_index.tolist() == [[0, 0, 1, 1]]
    assert result.distance.tolist() == [[[1, 3], [4, 6], [3, 1], [9, 1]]]
    assert result.access_count.tolist() == [[1, 1], [1, 1]]
    assert (result.emb_spacing.tolist(), result.emb_closest_spacing.tolist()) == ([[4], [10]], [[4, 4], [10, 10]])
    assert result.losses == {"alpha_loss": 2 * (1 + 1) / 2 + 2 * (4 + 1) / 2}


@pytest.mark.clause("VQ-20.6")
def test_each_split_starts_by_itself() -> None:
    quantizer = Quantizer(start=FromBatch(), num_splits=2, codebooks="per-split")
    state = initial_state(np.zeros((2, 2, 1)), quantizer)
    result = quantize(np.array([[[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]]]), state, quantizer, training=True)
    assert result.state["emb_space"].tolist() == [[[1], [2]], [[5], [6]]]
    assert result.state["initialized"].tolist() == [True, True]


@pytest.mark.clause("VQ-20.7")
@given(case=cases())
def test_with_one_split_values_are_those_of_the_shared_codebook(case: Case) -> None:
    x = case.vectors
    shared = quantize(x, {"emb_space": case.emb_space}, Quantizer(losses=LOSSES))
    alone = quantize(x, {"emb_space": case.emb_space[np.newaxis]}, Quantizer(losses=LOSSES, codebooks="per-split"))
    _assert_same(alone.layer_out, shared.layer_out)
    _assert_same(alone.access_count, shared.access_count[np.newaxis])
    assert alone.losses == shared.losses


@pytest.mark.clause("VQ-20.1")
@pytest.mark.parametrize("shape", [(), (3, 1), (1, 3, 1), (3, 3, 1), (2, 3, 2), (2, 3, 1, 1)])
def test_embedding_spaces_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    quantizer = Quantizer(num_splits=2, codebooks="per-split")
    with pytest.raises(ValueError, match=r"^`(state|emb_space)` must .*Received: "):
        quantize(np.zeros((1, 1, 2)), {"emb_space": np.zeros(shape)}, quantizer)
