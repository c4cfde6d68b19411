"""A figure with a slider: move it, and the figure is drawn anew.

Where nothing is there to redraw it (a page on the web, a script, `MEDMETA_FAST=1`) the figure for
the starting value is shown, with its alternative text.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

from medmeta_ref.plots import Picture


class Slider:
    """A figure that depends on one value, as the last expression of a notebook cell.

    Args:
        draw: takes a value and returns what `plots.show` returns.
        values: what can be chosen, in order.
        label: what the values are; beside the slider.
        start: the value to begin with, and the one of the figure that does not move.

    Raises:
        ValueError: if `start` is not one of the values.
    """

    def __init__(
        self, draw: Callable[[Any], Picture], values: Sequence[Any], *, label: str, start: Any
    ) -> None:
        if start not in values:
            raise ValueError(f"start is {start!r}, but the values are {list(values)}; take one")
        self._draw, self._values, self._label, self._start = draw, list(values), label, start

    def widget(self) -> Any:
        """Return the slider above its figure, an ipywidgets box."""
        import ipywidgets  # only notebooks need it

        slider = ipywidgets.SelectionSlider(
            options=self._values,
            value=self._start,
            description=self._label,
            continuous_update=False,
            style={"description_width": "initial"},
        )
        figure = ipywidgets.HTML(self._draw(self._start)._repr_html_())

        def redraw(change: dict[str, Any]) -> None:
            figure.value = self._draw(change["new"])._repr_html_()

        slider.observe(redraw, names="value")
        return ipywidgets.VBox([slider, figure])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        picture = self._draw(self._start)
        still = {"text/html": picture._repr_html_(), "text/plain": repr(picture)}
        if not _is_live():
            return still
        # A page that knows no widgets takes the next best, which is the still figure.
        return {**self.widget()._repr_mimebundle_(), **still}


def _is_live() -> bool:
    """Return whether a kernel is there to answer the slider, and is wanted."""
    from IPython.core.getipython import get_ipython

    return (
        getattr(get_ipython(), "kernel", None) is not None and os.environ.get("MEDMETA_FAST") != "1"
    )
