"""The directive ``taught``: the clauses that a page teaches, as docs/clauses.toml says."""

from typing import Any

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from extensions.clauses import known
from extensions.wording import page_of
from vq_verify import specification

LOGGER = logging.getLogger(__name__)


class Taught(SphinxDirective):
    """Lists the clauses that the page teaches, each a link to its page."""

    def run(self) -> list[nodes.Node]:
        """Return a line of links."""
        own = [clause for clause, it in known().items() if it.taught == self.env.docname]
        links = [f"{{doc}}`{it} {specification.specified()[it]} </clauses/{page_of(it)}>`" for it in own]
        if not own:
            raise self.error("docs/clauses.toml names no clause that this page teaches")
        return self.parse_text_to_nodes("**The rules:** " + ", ".join(links))


def check(_: Any, env: Any) -> None:
    """Warn of each page that is said to teach a clause, but does not list it."""
    for page in {it.taught for it in known().values()}:
        path = env.doc2path(page)
        if not path.exists() or "{taught}" not in path.read_text(encoding="utf-8"):
            LOGGER.warning("docs/clauses.toml: %s teaches a clause, but has no `taught` directive", page)


def setup(app: Any) -> dict[str, bool]:
    """Have Sphinx know it."""
    app.add_directive("taught", Taught)
    app.connect("env-check-consistency", check)
    return {"parallel_read_safe": True}
