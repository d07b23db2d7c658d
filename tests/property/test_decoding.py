"""Laws of decoding, for every implementation (VQ-13)."""

from dataclasses import replace

import numpy as np
import pytest

from vq_verify.protocol import Case, Implementation
from vq_verify.strategies import training
from vq_verify.verify import verify

CASE = Case(
    x=np.zeros((1, 1, 4), np.float32),
    emb_space=np.array([[1, 1 + 2**-20], [3, -0.0], [70000, 0.5]], np.float32),
    num_splits=2,
    weights={},
)
NAN = np.nan


@verify("VQ-13.3", "VQ-13.26", "VQ-13.29", drawn=training.interrupted_cases)
def test_what_was_found_decodes_to_what_came_out(implementation, drawn):
    case = drawn.interrupted
    result = implementation.quantize(case)
    emb_index = result.emb_index.reshape(*case.x.shape[:2], case.num_splits)
    found, came = implementation.decode(case, emb_index), result.layer_out
    assert found.dtype == came.dtype
    np.testing.assert_array_equal(found.astype(np.float64), came.astype(np.float64), strict=True)


@pytest.mark.clause("VQ-13.26", "VQ-13.29")
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_an_index_decodes_to_its_row_in_the_dtype_of_x_and_minus_one_to_nan(
    implementation: Implementation, dtype: str
) -> None:
    case = replace(CASE, x=CASE.x.astype(dtype))
    found = implementation.decode(case, np.array([[2, -1], [1, 0]], np.int32))
    with np.errstate(over="ignore"):  # 70,000 is infinite in float16
        rows = np.array([[70000, 0.5, NAN, NAN], [3, -0.0, 1, 1 + 2**-20]], np.float32).astype(dtype)
    np.testing.assert_array_equal(found, rows, strict=True)
    np.testing.assert_array_equal(np.signbit(found)[rows == 0], np.signbit(rows)[rows == 0])


@pytest.mark.clause("VQ-13.27", "VQ-13.28")
@pytest.mark.parametrize("index", [-2, 3, 300])
def test_an_index_of_no_row_is_an_error_or_nan_where_nothing_can_raise_one(
    implementation: Implementation, index: int
) -> None:
    try:
        found = implementation.decode(CASE, np.array([[0, index]], np.int32))
    except Exception:
        return
    np.testing.assert_array_equal(np.isnan(found), [[False, False, True, True]])
