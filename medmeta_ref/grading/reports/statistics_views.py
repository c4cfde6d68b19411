"""The item statistics as a table in the terminal and as a page."""

import base64
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from medmeta_ref.grading.reports.item_statistics import MIN_ATTEMPTS, MIN_EACH, ItemStatistics
from medmeta_ref.grading.reports.pages import render
from medmeta_ref.grading.reports.shown_text import one_line, visible
from medmeta_ref.grading.reports.statistics_figure import (
    DARK,
    LIGHT,
    png,
    statistics_figure,
    words_for,
)

_ON_SCREEN = 2
_ON_PAGE = 8


def statistics_table(items: Sequence[ItemStatistics], *, unit: str) -> Table:
    """Return a table for the terminal, with the most frequent mistakes of every check.

    Args:
        items: the statistics.
        unit: for the title.
    """
    table = Table(title=f"{unit}: {max(item.n_submissions for item in items)} submissions")
    table.add_column("right", justify="right", no_wrap=True)
    table.add_column("wrong", justify="right", no_wrap=True)
    table.add_column("raised", justify="right", no_wrap=True)
    table.add_column("open", justify="right", no_wrap=True)
    table.add_column("discr. (n)", justify="right", no_wrap=True)
    table.add_column("check; → how many made which mistake")
    exercise = ""
    for item in items:
        if item.exercise != exercise:
            exercise = item.exercise
            table.add_section()
            table.add_row("", "", "", "", "", f"[bold]{escape(visible(exercise))}[/]")
        told = [item.title, *(f"→ {line}" for line in mistake_lines(item, _ON_SCREEN))]
        table.add_row(
            str(item.n_right),
            str(item.n_wrong),
            str(item.n_raised),
            str(item.n_not_attempted),
            discrimination(item),
            escape("\n".join(one_line(line, 300) for line in told)),
        )
    return table


def statistics_page(items: Sequence[ItemStatistics], *, unit: str) -> str:
    """Return the statistics as a page that stands alone.

    Args:
        items: the statistics.
        unit: for the title.
    """
    rows = [
        {
            "exercise": item.exercise,
            "title": item.title,
            "points": f"{item.max_points:g}",
            "n": item.n_submissions,
            "right": item.n_right,
            "wrong": item.n_wrong,
            "raised": item.n_raised,
            "open": item.n_not_attempted,
            "discrimination": discrimination(item),
            "mistakes": mistake_lines(item, _ON_PAGE),
        }
        for item in items
    ]
    return render(
        "statistics.html",
        title=f"Item statistics of {unit}",
        unit=unit,
        n=max(item.n_submissions for item in items),
        rows=rows,
        light=_data(png(statistics_figure(items, LIGHT))),
        dark=_data(png(statistics_figure(items, DARK))),
        alt=words_for(items),
        min_attempts=MIN_ATTEMPTS,
        min_each=MIN_EACH,
    )


def mistake_lines(item: ItemStatistics, most: int) -> list[str]:
    """Return "12 of 40: T² is missing." for the most frequent mistakes, and how many are left."""
    lines = [f"{n} of {item.n_submissions}: {mistake}" for mistake, n in item.mistakes[:most]]
    left = item.mistakes[most:]
    if left:
        more = "one more mistake" if len(left) == 1 else f"{len(left)} more mistakes"
        lines.append(f"{sum(n for _, n in left)} of {item.n_submissions}: {more}")
    return lines


def discrimination(item: ItemStatistics) -> str:
    """Return the correlation and its n, or a dash and n."""
    value = "-" if item.discrimination is None else f"{item.discrimination:.2f}"
    return f"{value} ({item.n_attempted})"


def _data(image: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"
