"""The demonstration: its pure functions, and how it says that it cannot write or read."""

import doctest
import io
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from examples.demo import (
    demonstration,
    digits,
    digits_figure,
    measures,
    output,
    panels,
    photograph,
    photograph_figure,
    replacement,
    replacement_figure,
    report,
    voting,
)
from examples.demo.digits import Digits, Vote, Yardstick
from examples.demo.errors import DemoError
from examples.demo.measures import Quantization, Training

ROOT = Path(__file__).parents[2]


def quantization(emb_space, emb_index):
    return Quantization("some", np.array(emb_space, np.float32), np.array(emb_index), seconds=0.0)


@pytest.mark.parametrize("module", [digits, digits_figure, measures, panels, photograph, report])
def test_the_examples_in_docstrings_hold(module):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


def test_patches_put_together_give_the_image_back():
    image = np.random.default_rng(0).random([12, 20, 3])
    patches = photograph.to_patches(image)
    assert patches.shape == (15, 48)
    np.testing.assert_array_equal(photograph.to_image(patches, image.shape), image)


def test_a_patch_is_a_square_of_the_image_row_by_row():
    image = np.random.default_rng(0).random([8, 12, 3])
    np.testing.assert_array_equal(photograph.to_patches(image)[4], image[4:8, 4:8].ravel())


def test_the_photograph_is_real_and_covered_by_patches():
    image = photograph.load_photograph()
    assert image.shape == (424, 640, 3)
    assert image.dtype == np.float32
    assert image.min() == 0
    assert image.max() == 1
    assert photograph.to_patches(image).shape == (16960, 48)


def test_psnr_of_known_errors():
    original = np.array([0.0, 0.5, 1.0])
    assert measures.psnr(original, original) == np.inf
    assert measures.psnr(original, original + 0.01) == pytest.approx(40)
    assert measures.psnr([0.0, 0.0], [1.0, 0.0]) == pytest.approx(10 * np.log10(2))


def test_unused_codes_are_counted_as_unused():
    learned = quantization([[0.0], [1.0], [2.0]], [1, 1, 0])
    np.testing.assert_array_equal(measures.access_count(learned), [1, 2, 0])
    np.testing.assert_array_equal(measures.reconstruction(learned), [[1.0], [1.0], [0.0]])


def test_duplicate_codes_are_at_spacing_zero():
    np.testing.assert_array_equal(measures.closest_spacing(np.array([[1.0], [4.0], [1.0]])), [0, 3, 0])


def test_tiles_keep_the_order_of_the_codes():
    emb_space = np.random.default_rng(0).random([5, 48])
    image = panels.tile(emb_space)
    assert image.shape == (11, 16, 3)
    np.testing.assert_array_equal(image[1:5, 6:10].ravel(), emb_space[1])
    np.testing.assert_array_equal(image[6:10, 6:10].ravel(), emb_space[4])


def test_a_code_that_is_never_chosen_is_pale():
    figure = panels.blank(2, 2)
    panels.show_codebook(figure.subplots(), quantization(np.full([2, 48], 0.5), [1]))
    shown = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(shown[1:5, 1:5], 0.5)
    np.testing.assert_allclose(shown[1:5, 6:10], 0.85, rtol=1e-6)


def assert_drawn(figure, path):
    output.save(figure, path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_picture_of_the_photograph_is_drawn(tmp_path):
    image = np.random.default_rng(0).random([8, 16, 3], np.float32)
    patches = photograph.to_patches(image)
    learned = quantization(patches[:4], [0, 1, 2, 3, 3, 3, 3, 3])
    assert_drawn(photograph_figure.draw(image, patches, [learned, learned]), tmp_path / "demo.png")


def test_the_picture_of_the_replacement_is_drawn(tmp_path):
    patches = np.random.default_rng(0).random([8, 48], np.float32)
    training = Training(quantization(patches[:4], [0, 1, 2, 2, 2, 2, 2, 2]), {"codebook_usage": [0.5, 0.75]})
    figure = replacement_figure.draw(patches, [training, training])
    assert_drawn(figure, tmp_path / "replacement.png")
    assert figure.axes[0].get_title().startswith("Some: 3 of 4 codes in use")
    np.testing.assert_array_equal(figure.axes[2].lines[0].get_ydata(), [2, 3])


def test_all_codes_start_near_one_point_and_differ():
    emb_space = replacement.nearly_white(256, 48, seed=0)
    assert emb_space.shape == (256, 48)
    np.testing.assert_allclose(emb_space, 1, atol=0.01)
    assert len(np.unique(emb_space, axis=0)) == 256
    np.testing.assert_array_equal(emb_space, replacement.nearly_white(256, 48, seed=0))


def test_half_of_every_class_of_digits_is_held_out():
    halves = digits.load_halves(seed=0)
    assert halves.emb_space.shape == (898, 64)
    assert halves.x.shape == (899, 64)
    assert halves.x.dtype == np.float32
    np.testing.assert_allclose(np.bincount(halves.emb_labels), np.bincount(halves.labels), atol=1)
    scans = np.concatenate([halves.emb_space, halves.x])
    assert {tuple(scan) for scan in scans} == {tuple(scan) for scan in digits.load_digits().data}


def test_noise_is_seeded_and_stays_within_the_range_of_the_scans():
    scans = np.full([100, 64], 3, np.float32)
    noisy = digits.with_noise(scans, seed=0)
    assert noisy.dtype == np.float32
    assert noisy.min() == 0
    assert noisy.max() <= 16
    assert np.median(noisy) == pytest.approx(3, abs=0.2)  # four standard errors of a median of 6400
    np.testing.assert_array_equal(noisy, digits.with_noise(scans, seed=0))


def test_accuracy_counts_only_what_is_not_mapped_to_itself():
    predicted, labels = np.array([1, 2, 3, 4]), np.array([1, 2, 0, 0])
    assert digits.accuracy(predicted, labels, np.array([False, False, False, False])) == 0.5
    assert digits.accuracy(predicted, labels, np.array([False, True, True, True])) == 1
    assert np.isnan(digits.accuracy(predicted, labels, np.array([True, True, True, True])))


def scans_on_axes(labels, num_inputs=1):
    """Return digits of which the i-th that votes lies on the i-th axis; the inputs are most similar to the first."""
    emb_space = np.eye(64, dtype=np.float32)[: len(labels)]
    inputs = np.tile(np.linspace(3, 1, 64, dtype=np.float32), (num_inputs, 1))
    return Digits(emb_space, np.array(labels), inputs, np.zeros(num_inputs, int))


@pytest.mark.parametrize(
    ("labels", "winner", "tied"), [([7, 3], 3, True), ([7, 3, 7], 7, False), ([9, 1, 9, 1, 0], 1, True)]
)
def test_layer_and_yardstick_agree_on_ties(labels, winner, tied):
    halves = scans_on_axes(labels)
    yardstick = digits.vote_of_scikit_learn(halves, halves.x, k=len(labels))
    np.testing.assert_array_equal(yardstick.label, [winner])
    np.testing.assert_array_equal(yardstick.tied, [tied])
    np.testing.assert_array_equal(voting.vote(halves, halves.x, k=len(labels)).label, [winner])


def test_an_unsure_vote_puts_out_the_input_and_a_sure_one_the_most_similar_scan():
    halves = scans_on_axes([7, 3, 7], num_inputs=2)
    for threshold, mapped in [(None, False), (0.5, False), (0.7, True)]:
        vote = voting.vote(halves, halves.x, k=3, majority_threshold=threshold)
        np.testing.assert_array_equal(vote.identity_mapped, [mapped, mapped])
        assert vote.identity_mapped_share == mapped
        expected = halves.x if mapped else np.stack([halves.emb_space[0]] * 2)
        np.testing.assert_array_equal(vote.layer_out, expected)
        assert vote.similarity.shape == (2,)


def some_votes(num_inputs):
    def vote(share):
        mapped = np.arange(num_inputs) < share * num_inputs
        similarity = np.linspace(0.5, 1, num_inputs)
        return Vote(np.zeros([num_inputs, 64]), np.zeros(num_inputs, int), mapped, share, similarity)

    by_threshold = {None: vote(0.0), **{votes / 10: vote(votes / 20) for votes in range(1, 11)}}
    return {"clean": by_threshold, "noisy": by_threshold}


def test_the_picture_of_the_digits_is_drawn(tmp_path):
    halves = scans_on_axes([7, 3, 7], num_inputs=20)
    figure = digits_figure.draw(10, halves, {"clean": halves.x, "noisy": halves.x}, some_votes(20))
    assert_drawn(figure, tmp_path / "digits.png")


def printed(table):
    text = io.StringIO()
    Console(width=80, file=text).print(table)
    return text.getvalue()


def test_the_table_of_the_vote_has_a_share_for_every_threshold():
    lines = printed(report.vote_table(10, np.repeat([1, 0], 10), some_votes(20))).splitlines()
    rows = [line.split() for line in lines if "accuracy " in line or "identity-mapped " in line]
    assert rows[0] == ["clean", "accuracy", "0.500", "0.667", "0.769", "0.909", "1.000"]
    assert rows[1] == ["identity-mapped", "0.0%", "25.0%", "35.0%", "45.0%", "50.0%"]
    assert rows[2][0] == "noisy"


def test_the_tables_of_codebooks_fit_eighty_columns_and_show_what_is_used():
    patches = np.random.default_rng(0).random([8, 48], np.float32)
    learned = quantization(patches[:4], [0, 1, 2, 2, 2, 2, 2, 2])._replace(name="VectorQuantization")
    for table in (report.codebook_table, report.replacement_table):
        (row,) = [line for line in printed(table(patches, [learned])).splitlines() if "VectorQ" in line]
        assert row.split()[2:4] == ["3/4", "2.1"]  # exp(2 · ln(8) / 8 + 6 / 8 · ln(8 / 6)) = 2.09


def test_votes_that_agree_are_said_to():
    yardstick = Yardstick(np.array([1, 1]), np.array([False, True]))
    assert report.agreement(5, np.array([1, 2]), np.array([1, 1]), yardstick).endswith(
        "0 of 2 votes differ, 0 of 1 ties"
    )


def test_a_check_leaves_no_file_behind_and_none_changed(tmp_path):
    new, old = tmp_path / "out" / "new.png", tmp_path / "old.png"
    old.write_bytes(b"earlier")
    output.check_writable(new)
    output.check_writable(old)
    assert new.parent.is_dir()
    assert not new.exists()
    assert old.read_bytes() == b"earlier"


def run_python(arguments, folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def run_demo(folder):
    return run_python(["-m", "examples.demo"], folder)


SMALL = """
import sys
from examples.demo import demonstration, digits, output, panels, photograph

with output.native_messages_hidden():
    from examples.demo import learning, replacement
panels.DOTS_PER_INCH = 30
demonstration.load_photograph = lambda: photograph.load_photograph()[:64, :64]
demonstration.load_halves = lambda seed: digits.Digits(*(part[:100] for part in digits.load_halves(seed)))
demonstration.NUM_EMBEDS = 32
learning.BATCH_SIZE, learning.EPOCHS, replacement.EPOCHS = 64, 2, 2
replacement.NUM_EMBEDS_REPLACED, replacement.EVERY = 8, 3
sys.exit(demonstration.main())
"""


@pytest.mark.process
def test_a_small_run_prints_three_tables_and_writes_three_pictures(tmp_path):
    result = run_python(["-c", SMALL], tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["demo.png", "digits.png", "replacement.png"]
    for words in (
        "VectorQuantization",
        "k-means",
        "with replacement",
        "without",
        "identity-mapped",
        "k = 10: accuracy",
    ):
        assert words in result.stdout


def assert_one_line_error(result, *words):
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words)


@pytest.mark.process
def test_a_file_named_out_is_a_one_line_error(tmp_path):
    (tmp_path / "out").write_text("not a folder")
    assert_one_line_error(run_demo(tmp_path), "out/demo.png", "Not a directory")


@pytest.mark.process
@pytest.mark.parametrize("name", demonstration.PICTURES)
def test_a_folder_in_the_place_of_a_picture_is_a_one_line_error(tmp_path, name):
    (tmp_path / "out" / name).mkdir(parents=True)
    assert_one_line_error(run_demo(tmp_path), f"out/{name}", "Is a directory")


def test_a_refusal_of_the_system_is_a_one_line_error(tmp_path, monkeypatch, capsys):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(demonstration, "OUT", tmp_path / "out")
    monkeypatch.setattr(Path, "open", refuse)
    assert demonstration.main() == 1
    assert capsys.readouterr().err == f"error: cannot write {tmp_path}/out/demo.png: Permission denied\n"


@pytest.mark.parametrize(
    "error", [OSError("no such\nfile"), ImportError("no\nPillow"), AttributeError("no such image")]
)
def test_a_photograph_that_cannot_be_loaded_is_a_one_line_error(tmp_path, monkeypatch, capsys, error):
    def fail(_name):
        raise error

    monkeypatch.setattr(demonstration, "OUT", tmp_path)
    monkeypatch.setattr(photograph, "load_sample_image", fail)
    assert demonstration.main() == 1
    message = capsys.readouterr().err
    assert message.startswith("error: cannot load china.jpg from scikit-learn: no ")
    assert message.count("\n") == 1


@pytest.mark.parametrize("error", [OSError("no such\nfile"), EOFError("no\nend"), ValueError("no\nnumber")])
def test_digits_that_cannot_be_loaded_are_a_one_line_error(tmp_path, monkeypatch, capsys, error):
    def fail(**_arguments):
        raise error

    monkeypatch.setattr(demonstration, "OUT", tmp_path)
    monkeypatch.setattr(digits, "load_digits", fail)
    assert demonstration.main() == 1
    message = capsys.readouterr().err
    assert message.startswith("error: cannot load the digits from scikit-learn: no ")
    assert message.count("\n") == 1


def test_hidden_messages_appear_when_an_exception_comes_of_them(capfd):
    with output.native_messages_hidden():
        os.write(2, b"chatter")
    with suppress(DemoError), output.native_messages_hidden():
        os.write(2, b"cause")
        raise DemoError
    assert capfd.readouterr().err == "cause"
