"""The gallery: which examples run while the site is built, with which arguments, and the pictures that they write."""

import shutil
from pathlib import Path
from typing import Any

from sphinx_gallery.scrapers import figure_rst

DOCS = Path(__file__).parents[1]

# The gallery's order, and the arguments of each example. What takes longer runs in small.
ARGUMENTS = {
    "vq_vae": [],
    "vq_vae_2": ["--small"],
    "residual_codes": ["--small"],
    "monitor": ["--small"],
    "purification": [],
    "graph_loop": [],
}
# Shown without running, with a drawing from docs/thumbnails: what these need, the process of Sphinx has not.
SHOWN = ("two_devices", "two_processes", "bulk_encoding", "numpy_adapter")

CONFIGURATION = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": rf"/({'|'.join(ARGUMENTS)})\.py$",
    "ignore_pattern": r"(^|/)(__\w+__|pictures)\.py$",
    "within_subsection_order": "extensions.gallery.place",
    "reset_argv": "extensions.gallery.arguments",
    "image_scrapers": ("extensions.gallery.pictures",),
    "abort_on_example_error": True,
    "backreferences_dir": "gallery/backreferences",
    "doc_module": ("vq_layer", "reference", "vq_verify"),
    "download_all_examples": False,
    "notebook_extensions": set(),  # a notebook has no command line
    "show_signature": False,
    "min_reported_time": 3600,  # how long an example takes says more of the machine
    "write_computation_times": False,
}


def place(file: str) -> int:
    """Return where an example stands in the gallery.

    Examples
    --------
    >>> place("vq_vae_2.py")
    1
    """
    return [*ARGUMENTS, *SHOWN].index(Path(file).stem)


def arguments(_: Any, script: dict[str, Any]) -> list[str]:
    """Return the command line of an example."""
    return ARGUMENTS[Path(script["src_file"]).stem]


def pictures(_block: Any, script: dict[str, Any], configuration: dict[str, Any]) -> str:
    """Take what an example wrote to ``out``, and show its picture: of a folder the last."""
    written = Path(script["src_file"]).parent / "out"  # Sphinx-Gallery runs it in its folder
    last = {path.parent: path for path in sorted(written.rglob("*.png"))}
    paths = [shutil.copy(path, script["image_path_iterator"].next()) for path in last.values()]
    shutil.rmtree(written, ignore_errors=True)
    return figure_rst(paths, configuration["src_dir"])


def draw(_: Any) -> None:
    """Put the drawings where Sphinx-Gallery looks for the first picture of an example, to make its thumbnail."""
    shutil.rmtree(DOCS.parent / "examples" / "out", ignore_errors=True)  # of a build that was broken off
    images = DOCS / "gallery" / "images"
    images.mkdir(parents=True, exist_ok=True)
    for name in SHOWN:
        shutil.copy(DOCS / "thumbnails" / f"{name}.svg", images / f"sphx_glr_{name}_001.svg")


def setup(app: Any) -> dict[str, bool]:
    """Have Sphinx call it, before Sphinx-Gallery."""
    app.connect("builder-inited", draw, priority=100)
    return {"parallel_read_safe": True}
