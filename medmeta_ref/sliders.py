"""A figure that follows sliders, and stays an ordinary figure where nothing can slide.

The picture is a normal output of its cell, with its words; the sliders below it only replace it.
So a book, a printed page and a run without widgets show the figure at the first choices.
"""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
from IPython.core.getipython import get_ipython
from IPython.display import display

from medmeta_ref.plots import Picture

WIDGET_MIME = "application/vnd.jupyter.widget-view+json"
_NOT_RUNNING = "Sliders move in a running notebook; the figure above shows the first choice."


def explore(draw: Callable[..., Picture], **choices: tuple[Any, Sequence[Any]]) -> None:
    """Show `draw(**first choices)`; in a running notebook, with a slider for every choice.

    Outside IPython the figure is shown alone.

    Args:
        draw: takes one value per choice by name, returns what `plots.show` returns.
        choices: name -> the first value, and all values that the slider offers.

    Raises:
        ValueError: if a first value is not among those on offer.

    Example:
        >>> from medmeta_ref import plots
        >>> def figure(power):
        ...     ys = {"x": [x**power for x in (0, 1, 2)]}
        ...     drawn = plots.lines([0, 1, 2], ys, xlabel="x", ylabel="power")
        ...     return plots.show(drawn, alt=f"The power {power} of x.")
        >>> explore(figure, power=(2, [1, 2, 3]))
        [figure: The power 2 of x.]
    """
    for name, (first, values) in choices.items():
        if first not in values:
            raise ValueError(f"{name} begins at {first!r}, which is not on offer: {list(values)}")
    picture = draw(**{name: first for name, (first, _) in choices.items()})
    if get_ipython() is None:
        display(picture)  # type: ignore[no-untyped-call]
        return
    shown = display(picture, display_id=True)  # type: ignore[no-untyped-call]
    box = sliders(lambda **values: shown.update(draw(**values)), choices)
    view = box._repr_mimebundle_()[WIDGET_MIME]
    # With words of its own for pages where no widget runs.
    bundle = {WIDGET_MIME: view, "text/html": _NOT_RUNNING, "text/plain": _NOT_RUNNING}
    display(bundle, raw=True)  # type: ignore[no-untyped-call]


def sliders(
    changed: Callable[..., None], choices: dict[str, tuple[Any, Sequence[Any]]]
) -> ipywidgets.VBox:
    """Return one slider per choice, below each other.

    Args:
        changed: called with the values of all choices, by name, when one of them has changed.
        choices: name -> the first value, and all values on offer.
    """
    each = {
        name: ipywidgets.SelectionSlider(
            options=list(values),
            value=first,
            description=name.replace("_", " "),
            continuous_update=False,
            style={"description_width": "initial"},
        )
        for name, (first, values) in choices.items()
    }

    def moved(_: object) -> None:
        changed(**{name: slider.value for name, slider in each.items()})

    for slider in each.values():
        slider.observe(moved, names="value")
    return ipywidgets.VBox(list(each.values()))
