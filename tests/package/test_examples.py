"""The demonstration: its pure functions, and how it says that it cannot write or read."""

import doctest
import io
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
import pytest
from rich.console import Console

from examples.demo import (
    autoencoder,
    demonstration,
    digits,
    digits_figure,
    invention_figure,
    learning,
    measures,
    output,
    panels,
    photograph,
    photograph_figure,
    prior,
    replacement,
    replacement_figure,
    report,
    voting,
)
from examples.demo.digits import Digits, Split, Vote, Yardstick
from examples.demo.errors import DemoError
from examples.demo.invention import Invention
from examples.demo.measures import Quantization, Training
from vq_layer import VectorQuantization

ROOT = Path(__file__).parents[2]


def quantization(emb_space, emb_index):
    return Quantization("some", np.array(emb_space, np.float32), np.array(emb_index), seconds=0.0)


@pytest.mark.parametrize("module", [digits, digits_figure, measures, panels, photograph, prior, report])
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


def test_a_code_stands_at_its_place_in_the_image():
    codes = VectorQuantization(16, start=np.arange(16.0)[:, np.newaxis])
    twice = keras.layers.UpSampling2D(2)
    it = autoencoder.Autoencoder(keras.layers.AveragePooling2D(2), codes, twice)
    images = np.kron(np.arange(16.0).reshape(4, 4), np.ones([2, 2]))[np.newaxis, ..., np.newaxis]
    np.testing.assert_array_equal(it.encode(images.astype(np.float32)), [np.arange(16)])
    np.testing.assert_array_equal(it.decode(np.arange(16)[np.newaxis]), images)


def test_half_of_every_class_of_digits_is_held_out():
    halves = digits.load_halves(seed=0)
    assert halves.emb_space.shape == (898, 64)
    assert halves.x.shape == (899, 64)
    assert halves.x.dtype == np.float32
    np.testing.assert_allclose(np.bincount(halves.emb_labels), np.bincount(halves.labels), atol=1)
    scans = np.concatenate([halves.emb_space, halves.x])
    assert {tuple(scan) for scan in scans} == {tuple(scan) for scan in digits.load_digits().data}


def test_a_fifth_of_the_digits_is_held_out_and_labels_stay_with_their_scans():
    split, data = digits.load_split(seed=0), digits.load_digits()
    assert (len(split.x), len(split.x_test)) == (1437, 360)
    labels = {tuple(scan): label for scan, label in zip(data.data, data.target, strict=True)}
    assert len(labels) == 1797
    scans = [*zip(split.x, split.labels, strict=True), *zip(split.x_test, split.labels_test, strict=True)]
    assert {tuple(scan): label for scan, label in scans} == labels


@pytest.mark.long
@pytest.mark.slow
def test_a_prior_that_knows_what_follows_draws_it(monkeypatch):
    # Which would stay, and refuse other tests their random numbers.
    monkeypatch.setattr(learning.tf.config.experimental, "enable_op_determinism", lambda: None)
    following = np.array([[0, 1, 2, 0], [2, 1, 0, 2]])  # by label
    labels = np.tile([0, 1], 320)
    model = prior.learn_prior(following[labels], labels, n=3, seed=0)
    np.testing.assert_array_equal(prior.sample(model, labels[:10], seed=0), following[labels[:10]])
    assert 0 < prior.bits(model, following, np.array([0, 1])) < 0.1  # of 4 · log2(3) = 6.3


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


def an_invention(num_held_out):
    return Invention(
        reconstructions=np.zeros([num_held_out, 64]),
        emb_index=np.tile(np.arange(16), (num_held_out, 1)),
        error=0.0125,
        error_of_mean=0.25,
        bits=40.04,
        invented=np.repeat(np.arange(100)[:, np.newaxis] / 100, 64, axis=1),
        read_as_meant=0.5,
        seconds=1.0,
    )


def test_the_picture_of_the_invented_digits_has_a_column_for_each_class(tmp_path):
    labels = np.arange(20) % 10
    split = Split(None, None, np.arange(20)[:, np.newaxis] * np.ones(64), labels)
    figure = invention_figure.draw(split, an_invention(20))
    assert_drawn(figure, tmp_path / "vq_vae.png")
    shown = [ax.images[0].get_array()[0, 0] for ax in figure.axes]
    assert shown[:10] == list(range(10))
    np.testing.assert_allclose(np.reshape(shown[20:], [5, 10])[1], 16 * np.arange(10, 20) / 100)


def test_the_table_of_the_invented_digits_fits_eighty_columns():
    assert row(printed(report.invention_table(an_invention(20))), "VQ-VAE") == [
        *("0.0125", "0.2500", "16/64", "16.0", "96.0", "40.0", "1.0")
    ]


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
        timeout=600,  # the whole demonstration, on cores that others use, too
    )


def run_demo(folder):
    return run_python(["-m", "examples.demo"], folder)


SEEDED = """
from examples.demo import autoencoder, digits, invention, learning, prior

learning.EPOCHS = autoencoder.EPOCHS = prior.EPOCHS = 1
split = digits.load_split(seed=0)
for seed in (0, 0, 1):
    learned = learning.learn_with_layer(split.x, 8, seed).emb_space, invention.invent(split, seed).invented
    print(*(hash(it.tobytes()) for it in learned))
"""


@pytest.mark.process
def test_the_same_seed_learns_and_invents_the_same(tmp_path):
    result = run_python(["-c", SEEDED], tmp_path)
    assert result.returncode == 0, result.stderr
    first, second, other = (line.split() for line in result.stdout.splitlines())
    assert first == second
    assert not set(first) & set(other)


@pytest.fixture(scope="module")
def demonstrated(tmp_path_factory):
    """Run all of it once: the folder it ran in, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    result = run_demo(folder)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return folder, result.stdout


def row(text, name):
    """Return the fields of the line of a table that begins with a name."""
    (line,) = [line for line in text.splitlines() if line.startswith(name)]
    return line.removeprefix(name).split()


@pytest.mark.process
def test_a_run_writes_a_picture_for_each_part(demonstrated):
    folder, _ = demonstrated
    written = [path.name for path in (folder / "out").iterdir()]
    assert sorted(written) == sorted(["demo.png", "replacement.png", "vq_vae.png", "digits.png"])


@pytest.mark.process
def test_the_layer_comes_to_what_k_means_comes_to_and_uses_all_codes(demonstrated):
    _, text = demonstrated
    layer, k_means = row(text, "VectorQuantization"), row(text, "k-means ")
    # Of k-means the dB of five seeds lie within 0.015 of each other, and of the layer those of three within 0.025.
    assert float(layer[0]) >= float(k_means[0]) - 0.03
    assert layer[1] == k_means[1] == "256/256"


@pytest.mark.process
def test_replacement_brings_all_codes_into_use_which_stay_idle_without(demonstrated):
    _, text = demonstrated
    replaced, idle = row(text, "with replacement"), row(text, "without ")
    assert replaced[1] == "256/256"
    assert int(idle[1].removesuffix("/256")) < 128
    assert float(replaced[0]) > float(idle[0])


@pytest.mark.process
def test_the_codes_of_digits_explain_them_and_the_prior_explains_the_codes(demonstrated):
    _, text = demonstrated
    error, error_of_mean, used, _, fixed, bits, _ = row(text, "VQ-VAE")
    assert float(error) < 0.1 * float(error_of_mean)  # nine tenths of the variance
    assert used == "64/64"
    assert float(bits) < 0.75 * float(fixed)  # what the ten classes alone cannot give: log2(10) = 3.3 of 96 bits
    (read,) = [line for line in text.splitlines() if "read as what was asked for" in line]
    assert float(read.split()[2].removesuffix("%")) > 50  # at random 10, and 14 are twice its standard error of 2.1


@pytest.mark.process
def test_votes_are_those_of_scikit_learn(demonstrated):
    _, text = demonstrated
    for k in (5, 10):
        (line,) = [line for line in text.splitlines() if line.startswith(f"k = {k}: accuracy")]
        assert "; 0 of 899 votes differ" in line


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
