"""What happens to a site that is built: the playground joins it, and its links are checked."""

import shutil
from pathlib import Path
from typing import Any

from sphinx.errors import ExtensionError

from extensions.links import broken

PLAYGROUND = Path(__file__).parents[1] / "playground"


def finish(app: Any, exception: Exception | None) -> None:
    """Copy the playground, and raise an error where a link is broken."""
    if exception is not None or app.builder.name != "html":
        return
    folder = Path(app.outdir)
    shutil.copytree(PLAYGROUND, folder / "playground", dirs_exist_ok=True)
    wrong = list(broken(folder))
    if wrong:
        raise ExtensionError("these links lead nowhere:\n" + "\n".join(wrong))


def setup(app: Any) -> dict[str, bool]:
    """Have Sphinx call it after all others, which may still write files."""
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": True}
