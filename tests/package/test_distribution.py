"""The wheel, built from the sdist, in empty environments: what a stranger installs."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.install


def run(*command, folder, check=True):
    """Run a command in a folder, with nothing of this repository on the path of Python."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(list(map(str, command)), cwd=folder, env=known, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the sdist, and the wheel from it."""
    folder = tmp_path_factory.mktemp("distribution")
    build = f"import hatchling.build as b, os; os.chdir({str(ROOT)!r}); print(b.build_sdist({str(folder)!r}))"
    name = run(sys.executable, "-c", build, folder=ROOT).stdout.split()[-1]
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run(*pip, "--wheel-dir", folder, folder / name, folder=folder)
    (built,) = folder.glob("*.whl")
    return built


def environment(folder, wheel, extras):
    """Make an environment that holds nothing but the wheel with some extras."""
    venv.create(folder, with_pip=True)
    run(folder / "bin" / "pip", "install", "--quiet", f"{wheel}[{extras}]", folder=folder)
    return folder / "bin"


@pytest.fixture(scope="module")
def without_tensorflow(tmp_path_factory, wheel):
    """Return where the commands of an environment are that verifies, and has no TensorFlow."""
    return environment(tmp_path_factory.mktemp("without"), wheel, "verify")


@pytest.fixture
def adapter(tmp_path):
    """Put the example of an adapter into an empty folder."""
    (tmp_path / "mine.py").write_text((ROOT / "examples/numpy_adapter.py").read_text())
    return tmp_path


def test_the_suite_runs_where_tensorflow_is_not_installed(without_tensorflow, tmp_path):
    installed = run(without_tensorflow / "pip", "list", folder=tmp_path).stdout.lower()
    assert "tensorflow" not in installed
    assert "keras" not in installed
    command = without_tensorflow / "vq-verify", "vq_verify.adapters.oracle:Oracle", "--examples", "few"
    assert "FAIL" not in run(*command, folder=tmp_path).stdout
    assert [it.name for it in tmp_path.iterdir()] in ([], [".hypothesis"])  # nothing but what Hypothesis keeps


def test_the_layers_say_what_they_lack(without_tensorflow, tmp_path):
    done = run(without_tensorflow / "python", "-c", "import vq_layer", folder=tmp_path, check=False)
    assert "vq_layer needs tensorflow and keras: pip install 'vq-layer[tensorflow]'" in done.stderr


def test_an_adapter_of_a_strangers_is_verified_from_its_folder(without_tensorflow, adapter):
    command = without_tensorflow / "vq-verify", "mine:NumpyAdapter", "--examples", "few", "--report", "out"
    assert "FAIL" not in run(*command, folder=adapter).stdout
    assert {it.name for it in (adapter / "out").iterdir()} == {"badge.svg", "report.html", "report.json", "report.md"}
    assert json.loads((adapter / "out" / "report.json").read_text())["profile"] == "all"


def test_a_failure_is_expected_once_it_is_written_down(without_tensorflow, adapter):
    wrong = "from mine import NumpyAdapter\n\n\nclass Wrong(NumpyAdapter):\n    def quantize(self, case):\n"
    wrong += "        return {**super().quantize(case), 'access_count': 1}\n"
    (adapter / "wrong.py").write_text(wrong)
    command = without_tensorflow / "vq-verify", "wrong:Wrong", "--examples", "few", "--profile", "lookup"
    assert run(*command, folder=adapter, check=False).returncode == 1
    expecting = *command, "--expect", "failures.json"
    assert run(*expecting, "--update-expectations", folder=adapter).returncode == 0
    assert "property/test_lookup.py::test_access_counts_count_the_indices" in (adapter / "failures.json").read_text()
    assert "fails as expected" in run(*expecting, folder=adapter).stdout
    right = run(without_tensorflow / "vq-verify", "mine:NumpyAdapter", *expecting[2:], folder=adapter, check=False)
    assert right.returncode == 1
    assert "passed, but is expected to fail: to be explained" in right.stdout


def test_the_shipped_layer_is_verified_from_the_wheel(tmp_path_factory, wheel, tmp_path):
    commands = environment(tmp_path_factory.mktemp("with"), wheel, "tensorflow,verify")
    command = commands / "vq-verify", "vq_verify.adapters.keras_layers:KerasLayers", "--examples", "few"
    done = run(*command, folder=tmp_path)
    assert "FAIL" not in done.stdout
    assert "not offered" not in done.stdout
    code = "import vq_layer, vq_verify; print(vq_layer.__version__, vq_layer.__file__)"
    assert str(commands.parent) in run(commands / "python", "-c", code, folder=tmp_path).stdout
