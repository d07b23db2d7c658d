"""The demonstration: its pure functions, and how it says that it cannot write or read."""

import doctest
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from examples import demo, figures, measures, output, photograph
from examples.errors import DemoError
from examples.measures import Quantization

ROOT = Path(__file__).parents[2]


def quantization(emb_space, emb_index):
    return Quantization("some", np.array(emb_space, np.float32), np.array(emb_index), seconds=0.0)


@pytest.mark.parametrize("module", [figures, measures, photograph])
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


@pytest.mark.parametrize(
    ("count", "expected"),
    [([3, 3], 2), ([0, 9, 0], 1), ([2, 0, 2, 2, 2], 4), ([2, 1, 1], 2**1.5)],
)
def test_perplexity_of_known_counts(count, expected):
    assert measures.perplexity(np.array(count)) == pytest.approx(expected)


def test_unused_codes_are_counted_as_unused():
    learned = quantization([[0.0], [1.0], [2.0]], [1, 1, 0])
    np.testing.assert_array_equal(measures.access_count(learned), [1, 2, 0])
    np.testing.assert_array_equal(measures.reconstruction(learned), [[1.0], [1.0], [0.0]])


def test_duplicate_codes_are_at_spacing_zero():
    np.testing.assert_array_equal(measures.closest_spacing(np.array([[1.0], [4.0], [1.0]])), [0, 3, 0])


def test_tiles_keep_the_order_of_the_codes():
    emb_space = np.random.default_rng(0).random([5, 48])
    image = figures.tile(emb_space)
    assert image.shape == (11, 16, 3)
    np.testing.assert_array_equal(image[1:5, 6:10].ravel(), emb_space[1])
    np.testing.assert_array_equal(image[6:10, 6:10].ravel(), emb_space[4])


def test_the_picture_is_drawn(tmp_path):
    image = np.random.default_rng(0).random([8, 16, 3], np.float32)
    patches = photograph.to_patches(image)
    learned = quantization(patches[:4], [0, 1, 2, 3, 3, 3, 3, 3])
    output.save(figures.draw(image, patches, [learned, learned]), tmp_path / "demo.png")
    assert (tmp_path / "demo.png").read_bytes().startswith(b"\x89PNG")


def test_a_check_leaves_no_file_behind_and_none_changed(tmp_path):
    new, old = tmp_path / "out" / "new.png", tmp_path / "old.png"
    old.write_bytes(b"earlier")
    output.check_writable(new)
    output.check_writable(old)
    assert new.parent.is_dir()
    assert not new.exists()
    assert old.read_bytes() == b"earlier"


def run_demo(folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "examples.demo"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def assert_one_line_error(result, *words):
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words)


def test_a_file_named_out_is_a_one_line_error(tmp_path):
    (tmp_path / "out").write_text("not a folder")
    assert_one_line_error(run_demo(tmp_path), "out/demo.png", "Not a directory")


def test_a_folder_in_the_place_of_the_picture_is_a_one_line_error(tmp_path):
    (tmp_path / "out" / "demo.png").mkdir(parents=True)
    assert_one_line_error(run_demo(tmp_path), "out/demo.png", "Is a directory")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only folder")
def test_a_read_only_out_is_a_one_line_error(tmp_path):
    (tmp_path / "out").mkdir(mode=0o555)
    assert_one_line_error(run_demo(tmp_path), "out/demo.png", "Permission denied")


def test_a_refusal_of_the_system_is_a_one_line_error(tmp_path, monkeypatch, capsys):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(demo, "PICTURE", tmp_path / "out" / "demo.png")
    monkeypatch.setattr(Path, "open", refuse)
    assert demo.main() == 1
    assert capsys.readouterr().err == f"error: cannot write {tmp_path}/out/demo.png: Permission denied\n"


@pytest.mark.parametrize(
    "error", [OSError("no such\nfile"), ImportError("no\nPillow"), AttributeError("no such image")]
)
def test_a_photograph_that_cannot_be_loaded_is_a_one_line_error(tmp_path, monkeypatch, capsys, error):
    def fail(_name):
        raise error

    monkeypatch.setattr(demo, "PICTURE", tmp_path / "demo.png")
    monkeypatch.setattr(photograph, "load_sample_image", fail)
    assert demo.main() == 1
    message = capsys.readouterr().err
    assert message.startswith("error: cannot load china.jpg from scikit-learn: no ")
    assert message.count("\n") == 1


def test_hidden_messages_appear_when_an_exception_comes_of_them(capfd):
    with output.native_messages_hidden():
        os.write(2, b"chatter")
    with suppress(DemoError), output.native_messages_hidden():
        os.write(2, b"cause")
        raise DemoError
    assert capfd.readouterr().err == "cause"
