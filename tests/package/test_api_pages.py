"""The pages of the API, of whose tables autosummary makes a page for each name: they list all that is public."""

import re

import pytest

import reference
import vq_layer
import vq_verify
from tests.package.code_of_pages import ROOT


def listed(package):
    """Return the names of a package that the tables list."""
    text = "\n".join(page.read_text() for page in (ROOT / "docs" / "api").glob("*.rst"))
    _, *parts = re.split(r"^\.\. currentmodule:: (\S+)$", text, flags=re.MULTILINE)
    own = [body for module, body in zip(parts[::2], parts[1::2], strict=True) if module == package]
    return set(re.findall(r"^   (?:~[\w.]+\.)?(\w+)$", "\n".join(own), re.MULTILINE))


@pytest.mark.parametrize("package", [vq_layer, reference, vq_verify], ids=lambda it: it.__name__)
def test_each_public_name_is_on_a_page(package):
    assert set(package.__all__) - listed(package.__name__) == set()


def test_each_module_of_the_oracle_is_on_a_page():
    modules = {path.stem for path in (ROOT / "reference").glob("[!_]*.py")}
    assert modules - {"losses"} <= listed("reference")  # the losses are those of the parts
