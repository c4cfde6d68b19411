"""Pages that stand alone: one file, no script, nothing loaded, light and dark, narrow and wide.

Every value that a template shows is escaped and made visible, without the template's doing: a
learner wrote much of it. A policy in the page forbids scripts and requests, should that ever fail.
"""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from medmeta_ref.grading.reports.shown_text import visible
from medmeta_ref.grading.results import State

# The part of a class name in `page.html`; colours and contrast are set there.
STATE_CLASSES = {
    State.RIGHT: "right",
    State.WRONG: "wrong",
    State.RAISED: "raised",
    State.NOT_ATTEMPTED: "open",
}


def render(template: str, **values: Any) -> str:
    """Return a page.

    Args:
        template: the name of a file in `templates/`.
        values: what it shows. Only `Markup`, which nobody but this package makes, is taken as HTML.
    """
    return _ENVIRONMENT.get_template(template).render(**values)


def _made_visible(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_ENVIRONMENT = Environment(
    loader=PackageLoader("medmeta_ref.grading.reports"),
    autoescape=True,
    finalize=_made_visible,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
