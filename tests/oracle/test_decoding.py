"""Decoding, by examples (VQ-13)."""

import numpy as np
import pytest

from reference.decoding import decoded

EMB_SPACE = np.array([[1, 2], [3, 4]], np.float32)


@pytest.mark.clause("VQ-2.5")
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64"])
def test_an_index_stands_for_its_embedding_in_every_integer_dtype(dtype):
    rows = decoded(EMB_SPACE, np.array([[1], [0]], dtype))
    np.testing.assert_array_equal(rows, [[[3, 4]], [[1, 2]]])
    assert rows.dtype == np.float32


@pytest.mark.clause("VQ-13.26", "VQ-13.27")
def test_minus_one_stands_for_a_row_of_nan_and_any_other_index_out_of_range_is_refused():
    np.testing.assert_array_equal(decoded(EMB_SPACE, np.array([-1, 1])), [[np.nan, np.nan], [3, 4]])
    for index in (-2, 2, np.uint64(2**64 - 1), np.int8(-128)):
        with pytest.raises(ValueError, match=rf"`emb_index` must lie in \[0, n\) = \[0, 2\).*Received: {index}"):
            decoded(EMB_SPACE, np.array([index]))
