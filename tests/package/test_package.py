"""The packages as installed, and their structure."""

import inspect
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

import reference
import vq_layer

FACES = {"__init__", "functions", "graph", "layers", "callbacks"}


def run_elsewhere(code, folder):
    return subprocess.run([sys.executable, "-I", "-c", code], cwd=folder, capture_output=True, text=True, check=False)


def test_the_packages_import_from_another_folder(tmp_path):
    done = run_elsewhere("from vq_layer import vector_quantization; import reference", tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_oracle_never_imports_tensorflow(tmp_path):
    code = "import sys, pkgutil, importlib, reference; [importlib.import_module(m.name) for m in "
    code += "pkgutil.walk_packages(reference.__path__, 'reference.')]; sys.exit('tensorflow' in sys.modules)"
    assert run_elsewhere(code, tmp_path).returncode == 0


@pytest.mark.parametrize("package", [reference, vq_layer])
def test_every_public_name_is_there_and_documented(package):
    for name in package.__all__:
        assert inspect.getdoc(getattr(package, name))


def test_the_version_is_that_of_the_distribution():
    assert vq_layer.__version__ == version("vq-layer")


@pytest.mark.parametrize("package", [reference, vq_layer])
def test_types_and_specification_ship_with_the_packages(package):
    folder = Path(inspect.getfile(package)).parent
    assert (folder / "py.typed").exists()
    assert (Path(inspect.getfile(reference)).parent / "SPEC.md").exists()


def public_functions(module):
    return {
        name: list(inspect.signature(value).parameters)
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }


@pytest.mark.parametrize(
    "concept",
    [
        "splitting",
        "distances",
        "lookup",
        "spacing",
        "losses",
        "similarity",
        "voting",
        "replacement",
        "initialization",
        "metrics",
    ],
)
def test_a_concept_has_the_same_functions_with_the_same_parameters_on_both_sides(concept):
    oracle = public_functions(import_module(f"reference.{concept}"))
    production = public_functions(import_module(f"vq_layer.{concept}"))
    shared = oracle.keys() & production.keys()
    assert shared
    assert {name: oracle[name] for name in shared} == {name: production[name] for name in shared}


def test_every_module_of_the_layer_has_a_twin_in_the_oracle():
    modules = {path.stem for path in Path(inspect.getfile(vq_layer)).parent.glob("*.py")} - FACES
    assert modules <= {path.stem for path in Path(inspect.getfile(reference)).parent.glob("*.py")}
