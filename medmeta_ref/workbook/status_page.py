"""How a learner stands, as a page that stands alone: a table, three figures, all exercises."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from medmeta_ref.grading.reports.pages import render
from medmeta_ref.progress.standing import PAUSE, Standing
from medmeta_ref.workbook.overview import Overview
from medmeta_ref.workbook.status_table import SIGNS

_CLASSES = {"done": "right", "in progress": "raised", "started": "raised", "not started": "open"}
_WIDTH = 300  # of the longest bar, in the figure's own units


class Bar(NamedTuple):
    """One row of a figure.

    Attributes:
        label: what stands before it.
        value: what stands behind it.
        length: of the bar.
        frame: of the outline that stands for all that could be; 0 for none.
    """

    label: str
    value: str
    length: float
    frame: float


def status_page(found: Overview, advice: str) -> str:
    """Return the page, as HTML.

    Args:
        found: how the learner stands.
        advice: what to do next.
    """
    return render(
        "progress.html",
        title="My progress in medmeta",
        points=f"{found.points:g}",
        max_points=f"{found.max_points:g}",
        done=sum(each.done for each in found.standings),
        advice=advice,
        units=[_unit(each, found) for each in found.standings],
        figures=_figures(found.standings),
        pause=f"{PAUSE.total_seconds() / 60:g}",
        unreadable=found.log.unreadable,
    )


def _unit(each: Standing, found: Overview) -> dict[str, Any]:
    last = each.last
    return {
        "name": each.unit.name,
        "number": each.unit.number,
        "title": each.unit.title,
        "needs": ", ".join(each.unit.needs) or "none",
        "css": _CLASSES[each.state],
        "sign": SIGNS[each.state],
        "state": each.state,
        "points": f"{each.points:g}",
        "max_points": f"{each.max_points:g}",
        "attempts": each.attempts,
        "minutes": f"{each.minutes:.0f}",
        "last": f"{last:%Y-%m-%d %H:%M} UTC" if last else "never",
        "todo": found.todo.get(each.unit.name, ""),
        "exercises": [
            {
                "name": one.name,
                "points": f"{one.points:g}",
                "max_points": f"{one.max_points:g}",
                "attempts": one.attempts,
            }
            for one in each.exercises
        ],
    }


def _figures(standings: Sequence[Standing]) -> list[dict[str, Any]]:
    points = [(each, each.points, each.max_points, "points") for each in standings]
    attempts = [(each, each.attempts, 0, "attempts") for each in standings]
    minutes = [(each, round(each.minutes), 0, "minutes") for each in standings]
    return [
        _figure("Points by unit", points),
        _figure("Attempts by unit", attempts),
        _figure("Time by unit", minutes),
    ]


def _figure(title: str, rows: Sequence[tuple[Standing, float, float, str]]) -> dict[str, Any]:
    longest = max((max(value, whole) for _, value, whole, _ in rows), default=0) or 1
    bars, words = [], []
    for each, value, whole, what in rows:
        shown = f"{value:g} of {whole:g}" if whole else f"{value:g}"
        label = f"{each.unit.number} {each.unit.title}"
        bars.append(Bar(label, shown, _WIDTH * value / longest, _WIDTH * whole / longest))
        words.append(f"{label}: {shown} {what}")
    return {"title": title, "bars": bars, "alt": f"{title}. {'; '.join(words)}."}
