"""The figure of the item statistics: one bar per check, parted by what became of it.

Colours and hatches are those of `medmeta_ref.plots`: told apart without colour, and by eyes that
see few colours. It is drawn twice, for light and for dark pages.
"""

import io
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font

from medmeta_ref.grading.reports.item_statistics import ItemStatistics
from medmeta_ref.grading.reports.shown_text import one_line
from medmeta_ref.plots import COLOURS

# What became of a check, with its colour and hatch; grey for what was not handed in.
_PARTS = (
    ("right", COLOURS[2], ""),
    ("wrong", COLOURS[1], "//"),
    ("your code raised", COLOURS[5], ".."),
    ("not attempted", "#8a8f94", "xx"),
)
_MAX_LABEL = 56
# Behind a count, so that it can be read on every colour and hatch.
_BOX = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}


def drawable(text: str) -> str:
    """Return a text without what matplotlib's own font cannot draw, such as Chinese titles.

    Example:
        >>> drawable("No retraining? 不需要重新训练？")
        'No retraining?'
    """
    glyphs = get_font(findfont("DejaVu Sans")).get_charmap()
    return "".join(c for c in text if ord(c) in glyphs).strip(" /·")


class Theme(NamedTuple):
    """The colours of a page.

    Attributes:
        paper: what is behind the figure.
        ink: its words and lines.
    """

    paper: str
    ink: str


LIGHT, DARK = Theme("#ffffff", "#1f2328"), Theme("#14171a", "#e6e8ea")


def statistics_figure(items: Sequence[ItemStatistics], theme: Theme = LIGHT) -> Figure:
    """Return a figure with one bar per check; the first check is on top.

    Args:
        items: the statistics of one unit.
        theme: the colours of the page that shows it.
    """
    figure = Figure(figsize=(9, 0.34 * len(items) + 1.2), layout="constrained")
    figure.set_facecolor(theme.paper)
    ax = figure.subplots()
    ax.set_facecolor(theme.paper)
    rows, left = range(len(items)), [0] * len(items)
    for (name, colour, hatch), counts in zip(_PARTS, _columns(items), strict=True):
        bars = ax.barh(
            rows, counts, left=left, color=colour, hatch=hatch, edgecolor=theme.paper, label=name
        )
        for bar, n in zip(bars, counts, strict=True):
            if n:
                middle = bar.get_x() + bar.get_width() / 2, bar.get_y() + bar.get_height() / 2
                ax.text(*middle, str(n), fontsize=7, ha="center", va="center", bbox=_BOX)
        left = [a + b for a, b in zip(left, counts, strict=True)]
    ax.set_yticks(rows, [_label(item) for item in items], fontsize=8)
    ax.set_ylim(len(items) - 0.4, -0.6)
    ax.set_xlabel("submissions")
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(colors=theme.ink)
    ax.xaxis.label.set_color(theme.ink)
    for spine in ax.spines.values():
        spine.set_color(theme.ink)
    figure.legend(loc="outside upper center", ncols=4, frameon=False, labelcolor=theme.ink)
    return figure


def png(figure: Figure) -> bytes:
    """Return a figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, facecolor=figure.get_facecolor())
    return buffer.getvalue()


def words_for(items: Sequence[ItemStatistics]) -> str:
    """Return what the figure says, for those who do not see it."""
    n = max(item.n_submissions for item in items)
    best, worst = (f(items, key=lambda item: item.n_right / item.n_submissions) for f in (max, min))
    return (
        f"One bar for each of {len(items)} checks, parted into right, wrong, raised and not "
        f"attempted, of {n} submissions. Most often right: {_label(best)}, {best.n_right}. Least "
        f"often: {_label(worst)}, {worst.n_right}. The table below holds all numbers."
    )


def _columns(items: Sequence[ItemStatistics]) -> list[list[int]]:
    """Return the counts: one list per part, one number per check."""
    return [
        [item.n_right for item in items],
        [item.n_wrong for item in items],
        [item.n_raised for item in items],
        [item.n_not_attempted for item in items],
    ]


def _label(item: ItemStatistics) -> str:
    # A dollar sign would begin a formula.
    title = drawable(f"{item.exercise.partition('.')[2]}: {item.title}".replace("$", ""))
    text = one_line(title, 1000)
    if len(text) <= _MAX_LABEL:
        return text
    # Tests with several parameters differ at the end of their titles.
    half = _MAX_LABEL // 2
    return f"{text[:half].rstrip()} … {text[-half:].lstrip()}"
