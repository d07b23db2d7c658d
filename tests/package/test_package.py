"""The packages as installed, and their structure."""

import importlib.metadata
import inspect
import os
import pkgutil
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

import reference
import vq_layer
import vq_verify

ROOT = Path(__file__).parents[2]
TWINLESS = {"layers", "graph"}  # faces, which the oracle does without
OF_TENSORS = {
    "backend",
    "shapes",
    "tracing",
    "assertions",
    "core",
    "fitting",
    "part",
    "presets",
    "initializers",
}  # of NumPy, all is known; parts of the oracle are not saved


def run_elsewhere(code, folder, **environment):
    command = [sys.executable, "-I", "-c", code]
    given = {**os.environ, **environment}
    return subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)


@pytest.mark.process
def test_the_packages_import_from_another_folder(tmp_path):
    done = run_elsewhere("from vq_layer import vector_quantization; import reference", tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.process
def test_another_backend_of_keras_is_refused_in_a_sentence_whether_it_is_installed_or_not(tmp_path):
    done = run_elsewhere(
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import vq_layer", tmp_path, KERAS_BACKEND="jax"
    )
    assert done.stderr.splitlines()[-1] == (
        "ImportError: vq_layer runs on TensorFlow: set the environment variable KERAS_BACKEND to 'tensorflow', or "
        "leave it out, before Keras is imported. Received: KERAS_BACKEND='jax'"
    )


@pytest.mark.parametrize(
    ("named", "is_imported", "found"),
    [("jax", False, "jax"), ("jax", True, "tensorflow"), ("", False, "tensorflow"), (None, False, "tensorflow")],
)
def test_keras_itself_tells_its_backend_once_it_is_imported(monkeypatch, named, is_imported, found):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    if named is not None:
        monkeypatch.setenv("KERAS_BACKEND", named)
    if not is_imported:
        monkeypatch.setattr(vq_layer.backend, "sys", SimpleNamespace(modules={}))
    assert vq_layer.backend.backend() == found


@pytest.mark.process
@pytest.mark.parametrize("package", ["reference", "vq_verify"])
def test_neither_the_oracle_nor_the_suite_imports_tensorflow(tmp_path, package):
    # All of the suite but the adapters of the layers, and what one of these needs.
    code = f"import sys, pkgutil, importlib, {package} as p\n"
    code += "names = [module.name for module in pkgutil.walk_packages(p.__path__, p.__name__ + '.')]\n"
    code += "skipped = ('graph', 'keras_layers', 'migrated', 'threads', '__main__')\n"
    code += "[importlib.import_module(name) for name in names if name.split('.')[-1] not in skipped]\n"
    code += "sys.exit('tensorflow' in sys.modules)"
    done = run_elsewhere(code, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", [reference, vq_layer, vq_verify])
def test_every_public_name_is_there_and_documented(package):
    for name in package.__all__:
        assert inspect.getdoc(getattr(package, name))


def test_the_version_is_that_of_the_distribution():
    assert vq_layer.__version__ == version("vq-layer")


@pytest.mark.process
def test_every_public_name_imports_from_an_installed_wheel(tmp_path):
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "--target", tmp_path / "site", ROOT], check=True, stdin=subprocess.DEVNULL)
    names = {package.__name__: package.__all__ for package in (reference, vq_layer, vq_verify)}
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import reference, vq_layer, vq_verify\n"
    code += f"for package, public in {names!r}.items():\n    [getattr(sys.modules[package], name) for name in public]\n"
    code += "print(reference.__file__, vq_layer.__file__, vq_verify.__file__)"
    done = run_elsewhere(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "site" / name / "__init__.py") for name in names]
    laws = "vq_verify/laws/property/test_lookup.py", "vq_verify/laws/parity/test_cosine.py", "vq_verify/laws.ini"
    for shipped in ("reference/py.typed", "vq_layer/py.typed", "vq_verify/py.typed", "reference/SPEC.md", *laws):
        assert (tmp_path / "site" / shipped).exists()
    assert not (tmp_path / "site" / "tests").exists()


def public_functions(module):
    return {
        name: list(inspect.signature(value).parameters)
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }


def modules_of(package):
    """Return the modules of a package by their last names, those of faces left out."""
    names = [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return {name.split(".")[-1]: import_module(name) for name in names if name.split(".")[1] not in TWINLESS}


ORACLE, PRODUCTION = modules_of(reference), modules_of(vq_layer)


@pytest.mark.parametrize(
    "concept",
    [
        "decoding",
        "distances",
        "finite_scalar",
        "lookup",
        "losses",
        "non_finite",
        "replacement",
        "similarity",
        "spacing",
        "splitting",
        "starts",
        "voting",
    ],
)
def test_a_concept_has_the_same_functions_with_the_same_parameters_on_both_sides(concept):
    oracle, production = (public_functions(modules[concept]) for modules in (ORACLE, PRODUCTION))
    shared = oracle.keys() & production.keys()
    assert shared
    assert {name: oracle[name] for name in shared} == {name: production[name] for name in shared}


def test_every_concept_of_the_layer_has_a_twin_in_the_oracle():
    shared = {name for name, module in PRODUCTION.items() if "kernels" not in module.__name__.split(".")}
    assert shared - OF_TENSORS <= ORACLE.keys()


def test_a_package_that_is_not_installed_says_that_its_version_is_unknown(monkeypatch):
    def unknown(name):
        raise importlib.metadata.PackageNotFoundError(name)

    installed = vq_layer.__version__
    with monkeypatch.context() as patched:
        patched.setattr(importlib.metadata, "version", unknown)
        assert importlib.reload(vq_layer).__version__ == "0+unknown"
    assert importlib.reload(vq_layer).__version__ == installed
