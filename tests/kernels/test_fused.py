"""The few large programs that a GPU takes: what they launch, and that what it rounds decides nothing wrong."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import gpu
from benchmarks.programs import Count, count
from vq_layer.kernels import chunks, fused
from vq_layer.kernels.arithmetic import leading_bits

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("fused")]
FUSES_LESS = tuple(map(int, tf.__version__.split(".")[:2])) < (2, 21)


@pytest.mark.long
@pytest.mark.skipif(
    FUSES_LESS, reason="XLA for processors did not fuse differences with their sums before TensorFlow 2.21"
)
@pytest.mark.parametrize(
    ("work", "lookup_ord", "task", "most_kernels"),
    # About half as many more as XLA makes of them now; a loop over small chunks takes thousands.
    [("W1", 1, "training", 20), ("W3", 2, "lookup", 60), ("W5", 2, "training", 150)],
)
def test_works_take_few_kernels_and_no_more_than_eight_chunks(work, lookup_ord, task, most_kernels):
    (sizes,) = (one for one in gpu.WORKS if one.name == work)
    launched = count(gpu.for_this_processor(gpu.program(task, "fused", sizes, lookup_ord)))
    loops = 2 if task == "training" else 1
    assert launched.steps <= 8 * loops
    assert launched.kernels <= most_kernels


@pytest.mark.parametrize(("n", "d"), [(1024, 4), (8192, 256), (1000, 7), (16, 512), (1 << 27, 4)])
def test_chunks_hold_no_more_than_they_may_and_few_hold_all(n, d):
    sizes = chunks.fused_sizes(n, d)
    assert sizes[0] == 1 or sizes[0] * max(n, d) <= 1 << 26
    assert all(larger <= 8 * smaller for larger, smaller in itertools.pairwise(sizes))
    assert sizes[0] // sizes[-1] <= 64


@pytest.mark.clause("VQ-15.3")
def test_factors_cut_off_to_eleven_bits_decide_nothing_wrong(monkeypatch):
    product = tf.matmul
    monkeypatch.setattr(
        tf, "matmul", lambda *factors, transpose_b: product(*map(leading_bits, factors), transpose_b=transpose_b)
    )
    rng = np.random.default_rng(0)
    emb_space = rng.standard_normal([300, 30]).astype(np.float32)
    pair = rng.integers(300, size=[2, 2000])
    # Close to the middle between two, where what is lost of a product tells which is nearer.
    share = 0.5 + rng.choice([1e-2, 1e-4, 1e-6], [2000, 1]) * rng.standard_normal([2000, 1])
    x = (share * emb_space[pair[0]] + (1 - share) * emb_space[pair[1]]).astype(np.float32)
    index = fused.decided(tf.constant(x), tf.constant(emb_space)).numpy()
    distance = np.linalg.norm(x.astype(np.float64)[:, np.newaxis] - emb_space, axis=-1)
    found = index >= 0
    np.testing.assert_array_equal(index[found], distance.argmin(axis=1)[found])
    assert 0.5 < found.mean() < 1


PROGRAM = """
%body (a: (s32[], f32[8])) -> (s32[], f32[8]) {
  %a = (s32[], f32[8]{0}) parameter(0)
  %b = f32[8]{0} get-tuple-element(%a), index=1
  %c = f32[8]{0} fusion(%b), kind=kLoop, calls=%fused
  ROOT %d = (s32[], f32[8]{0}) tuple(%b, %c)
}

%condition (a.1: (s32[], f32[8])) -> pred[] {
  %a.1 = (s32[], f32[8]{0}) parameter(0)
  ROOT %e = pred[] compare(%a.1, %a.1), direction=LT
}

%little (f: f32[8]) -> f32[8] {
  ROOT %f = f32[8]{0} parameter(0)
}

%much (g: f32[8]) -> f32[8] {
  %g = f32[8]{0} parameter(0)
  ROOT %h = pred[4,100]{1,0} sort(%g), dimensions={0}
}

ENTRY %main (i: f32[8]) -> f32[8] {
  %i = f32[8]{0} parameter(0)
  %j = (s32[], f32[8]{0}) while(%i), condition=%condition, body=%body, backend_config={"known_trip_count":{"n":"5"}}
  %k = f32[8]{0} conditional(%i, %i), branch_computations={%much, %little}, metadata={op_name="k"}
  ROOT %l = f32[4,10]{1,0} dot(%i, %i), lhs_contracting_dims={0}
}
"""


def test_a_loop_counts_as_often_as_it_runs_and_of_branches_the_one_that_launches_least():
    assert count(PROGRAM) == Count(kernels=5 * 2 + 1, steps=5, largest=160)
