"""The table of all checks of a unit, for a terminal. States are told by word and sign, too."""

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from medmeta_ref.grading.report import SIGNS
from medmeta_ref.grading.results import ExerciseResult, State

# Of the terminal's own colours, so that they can be read on whatever it has behind them.
_STYLES = {
    State.RIGHT: "green",
    State.WRONG: "red",
    State.RAISED: "magenta",
    State.NOT_ATTEMPTED: "dim",
}


def checks_table(title: str, exercises: Iterable[ExerciseResult]) -> Table:
    """Return a table of all checks, with the likely cause of what went wrong.

    An exercise that was not attempted takes one row.

    Args:
        title: what stands above it.
        exercises: the verdicts.
    """
    table = Table(title=title)
    table.add_column("result", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("check; → what went wrong and the likely cause")
    for exercise in exercises:
        table.add_section()
        points = f"[bold]{exercise.points:g} / {exercise.max_points:g}[/]"
        untouched = {check.state for check in exercise.checks} == {State.NOT_ATTEMPTED}
        result = _result(State.NOT_ATTEMPTED) if untouched else ""
        table.add_row(result, points, f"[bold]{exercise.exercise}[/]")
        for check in () if untouched else exercise.checks:
            told = check.title + (f"\n→ {check.message}" if check.message else "")
            points = f"{check.points:g} / {check.max_points:g}"
            table.add_row(_result(check.state), points, escape(told))
    return table


def _result(state: State) -> str:
    return f"[{_STYLES[state]}]{SIGNS[state]} {state}[/]"
