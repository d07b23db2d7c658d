"""How Sphinx builds the site: ``make docs``."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS.parent), str(DOCS)]

from extensions import gallery  # noqa: E402  found by that path

project = "vq-layer"
version = release = version_of(project)
html_title = project
author = copyright = f"{project} maintainers"  # noqa: A001  Sphinx's name

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_nb",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx-mathjax-offline",
    "extensions.finish",
    "sphinx_gallery.gen_gallery",
    "extensions.api",
    "extensions.gallery",
    "extensions.generated",
    "extensions.teaching",
]
exclude_patterns = ["_build", "extensions", "playground"]
suppress_warnings = ["mystnb.unknown_mime_type"]

# Pages.
myst_enable_extensions = ["attrs_inline", "colon_fence", "dollarmath", "substitution"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300

# Gallery.
sphinx_gallery_conf = gallery.CONFIGURATION

# API.
templates_path = ["_templates"]
default_role = "obj"  # a name in single backticks; plain where there is no page of it
autosummary_generate = True
autosummary_ignore_module_all = False
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # numpydoc's sections say it
numpydoc_show_class_members = False

# HTML.
html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_context = {"default_mode": "auto"}  # without it, the theme complains at the first visit
html_sidebars = {page: [] for page in ("index", "choose", "faq", "from-keras-io")}  # which have no pages below them
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
