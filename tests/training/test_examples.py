"""The examples, run in small: each shows what it says that it shows."""

import signal
import subprocess
import sys

import numpy as np
import pytest

from examples import graph_loop, monitor, purification, residual_codes, vq_vae, vq_vae_2

pytestmark = [pytest.mark.training, pytest.mark.slow]


@pytest.fixture
def picture(tmp_path):
    """Return where an example is to draw, in a folder that it must make; afterwards it must have drawn."""
    path = tmp_path / "new" / "picture.png"
    yield path
    assert path.read_bytes().startswith(b"\x89PNG")


def test_each_residual_stage_lowers_the_error(picture):
    table = residual_codes.main(["--small", "--picture", str(picture)])
    assert [row.stages for row in table] == list(range(1, 9))
    np.testing.assert_allclose([row.bits for row in table], 6 / 16 * np.arange(1, 9))  # log2(64) bits for 16 samples
    assert np.all(np.diff([row.decibels for row in table]) > 1)  # 2 to 3 were seen
    assert np.all(np.diff([row.error for row in table]) < 0)


def test_a_graph_goes_on_from_what_another_saved(picture):
    seen = graph_loop.main(["--small", "--picture", str(picture)])
    saved, restored = seen["saved"].variables, seen["restored"].variables
    assert saved.keys() == restored.keys()
    for name, value in saved.items():
        np.testing.assert_array_equal(restored[name], value)
    assert saved["vq/accumulated_usage_count:0"].sum() == 10 * graph_loop.BATCH * graph_loop.NUM_CODES
    errors, used = zip(*((it.error, it.used) for it in seen.values()), strict=True)
    assert errors[0] > errors[1] == errors[2] > errors[3]
    assert used[3] > used[0]


def test_neighbours_undo_much_of_an_attack_and_a_higher_threshold_decides_less_but_more_surely(picture):
    clean, attacked = np.split(np.array(purification.main(["--small", "--picture", str(picture)])), 2)
    _, threshold, before, after, coverage, decided = attacked.T
    assert np.all(np.diff(threshold) > 0)
    assert np.all(after > before + 0.2)
    for table in (clean, attacked):
        assert np.all(np.diff(table[:, 4]) < 0)
        assert np.all(np.diff(table[:, 5]) > 0)
    assert np.all(np.diff(after) < 0)  # as it says, what is not decided is left to the network
    assert np.all(coverage * decided <= after)
    # Of 360 digits the share that is read has a standard error of 0.9 %.
    np.testing.assert_allclose(clean[:, 3], clean[:, 2], atol=0.02)


def test_a_monitor_warns_of_the_training_that_goes_wrong_and_not_of_the_one_by_default(tmp_path):
    dead, apart = monitor.main(["--small", "--folder", str(tmp_path)])
    assert "the layer 'loose' used " in dead
    assert '`replacement=DeadCodes()`, `start=FromBatch("k-means")`' in dead
    assert "the inputs of the layer 'loose' " in apart
    assert "`Commitment(0.25)`" in apart
    assert len(list(tmp_path.glob("epoch_*.png"))) == 6


def test_both_levels_of_codes_are_used(picture):
    error, levels = vq_vae_2.main(["--small", "--picture", str(picture)])
    assert error < 0.074 / 4  # of the mean digit
    for name, n in (("top", vq_vae_2.NUM_TOP), ("bottom", vq_vae_2.NUM_BOTTOM)):
        assert n / 2 < levels[name].perplexity <= levels[name].in_use <= n
        assert levels[name].error_exchanged > 1.2 * error  # 1.35 and 13 times were seen


def test_a_prior_of_codes_draws_digits_that_can_be_read(picture):
    it = vq_vae.main(["--small", "--picture", str(picture)])
    assert it.error < it.error_of_mean / 3
    assert it.bits == 16 * 6
    assert 0 < it.bits_of_prior < it.bits * 2 / 3
    assert it.read_as_meant > 0.3  # by chance it would be a tenth; half was seen after so few epochs


def run(*arguments):
    """Run an example in a process of its own and return what it prints.

    Once more where the process crashes: of some thirty trainings on two devices one did, in native code.
    """
    command = [sys.executable, "-X", "faulthandler", "-m", *arguments]
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != -signal.SIGSEGV:
            break
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_two_devices_learn_the_same_and_what_one_learns():
    printed = run("examples.two_devices", "--small")
    assert "the codebooks of the two replicas are identical" in printed
    logs = [line.split() for line in printed.splitlines() if "   two " in line]
    assert {"loss", "val_loss", "perplexity", "commitment_loss"} <= {name for name, *_ in logs}
    for name, *_, one, _, two in logs:
        # Two epochs make a difference of rounding, 6e-8, hundreds of times larger.
        np.testing.assert_allclose(float(two), float(one), rtol=1e-3, err_msg=name)


def test_two_processes_agree_and_go_on_after_one_was_killed():
    printed = run("examples.two_processes", "--small", "--kill")
    assert "the workers' codebooks are identical" in printed
    assert "worker 1 was killed" in printed
    assert "and the same as without the interruption" in printed


def test_fit_does_not_run_on_several_workers_as_the_example_says():
    assert "fails under this strategy" in run("examples.two_processes", "--small", "--fit")
