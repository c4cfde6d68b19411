"""Mark the Chinese pages as Chinese, so that browsers choose the font and screen readers the voice.

Sphinx knows one language for the whole site. Its writers take a class `language-xx` of a node as
the `lang` attribute of the element, so the sections of those pages get one.
"""

from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

CHINESE = "_zh"  # the end of a page's name


def setup(app: "Sphinx") -> dict[str, Any]:
    """Look at every page after it was read."""
    app.connect("doctree-read", _mark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _mark(app: "Sphinx", doctree: nodes.document) -> None:
    if app.env.docname.endswith(CHINESE):
        for section in doctree.children:
            if isinstance(section, nodes.section):
                section["classes"].append("language-zh-Hans")
