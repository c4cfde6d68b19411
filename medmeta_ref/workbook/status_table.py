"""How a learner stands, as a table for a terminal of 80 columns."""

from rich import box
from rich.markup import escape
from rich.table import Table

from medmeta_ref.progress.standing import Standing
from medmeta_ref.workbook.overview import Overview

SIGNS = {"done": "✓", "in progress": "◐", "started": "◐", "not started": "○"}
_STYLES = {"done": "green", "in progress": "yellow", "started": "yellow", "not started": "dim"}


def status_table(found: Overview) -> Table:
    """Return a row for every unit: what it needs, how far it is, what to do."""
    title = f"{found.points:g} of {found.max_points:g} points so far"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("unit", no_wrap=True)
    table.add_column("needs", max_width=8)
    table.add_column("so far", no_wrap=True)
    table.add_column("tries", justify="right")
    table.add_column("min", justify="right")
    table.add_column("to do", overflow="fold")
    for each in found.standings:
        is_next = found.next is not None and each.unit.name == found.next.unit.name
        table.add_row(
            escape(f"{each.unit.number} {each.unit.title}"),
            " ".join(each.unit.needs),
            _so_far(each),
            str(each.attempts or ""),
            str(round(each.minutes) or ""),
            escape(found.todo.get(each.unit.name, "")),
            style="bold" if is_next else "",
        )
    return table


def _so_far(each: Standing) -> str:
    state = each.state if each.state in ("done", "not started") else ""
    points = f"{each.points:g} of {each.max_points:g}" if each.started else ""
    shown = " ".join(filter(None, [SIGNS[each.state], state or points]))
    return f"[{_STYLES[each.state]}]{shown}[/]"
