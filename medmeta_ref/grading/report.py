"""The table a learner sees after a check: as text in a terminal, as HTML in a notebook.

Both come from the same rows. States are told by a word and a sign, never by colour alone.
"""

import html
import re
import textwrap
from functools import partial

from medmeta_ref.grading.results import CheckResult, ExerciseResult, State

SIGNS = {State.RIGHT: "✓", State.WRONG: "✗", State.RAISED: "!", State.NOT_ATTEMPTED: "…"}

# A word is found again in the page only if it stays whole: "cross-entropy", `-x`.
_wrap = partial(textwrap.wrap, break_on_hyphens=False)

# White on these is readable (contrast above 4.5) on light and on dark pages alike.
_COLOURS = {
    State.RIGHT: "#1b7a3d",
    State.WRONG: "#b3261e",
    State.RAISED: "#9a4a00",
    State.NOT_ATTEMPTED: "#5f6368",
}


def headline(result: ExerciseResult) -> str:
    """Return one line: the exercise, its points and what they mean."""
    states = {check.state for check in result.checks}
    if states == {State.NOT_ATTEMPTED}:
        verdict = "not attempted"
    elif states == {State.RIGHT}:
        verdict = "all checks passed"
    else:
        n_open = sum(check.state is not State.RIGHT for check in result.checks)
        verdict = f"{n_open} of {len(result.checks)} checks to mend"
    return f"{result.exercise}: {result.points:g} of {result.max_points:g} points, {verdict}"


def as_text(result: ExerciseResult, *, width: int = 80) -> str:
    """Return the table as plain text, in `width` columns; nbgrader's Validate cuts after 83."""
    lines = _wrap(headline(result), width)
    for check in result.checks:
        label = f"  {SIGNS[check.state]} {check.state:<16} {_points(check):>7}  "
        lines += _wrap(check.title, width, initial_indent=label, subsequent_indent=" " * len(label))
        if check.message and check.state is not State.NOT_ATTEMPTED:
            indent = " " * len(label) + "→ "
            lines += _wrap(
                check.message, width, initial_indent=indent, subsequent_indent=" " * len(indent)
            )
    for note in result.notes:
        lines += _wrap(note, width, initial_indent="  note: ", subsequent_indent=" " * 8)
    return "\n".join(lines)


def brief_text(result: ExerciseResult) -> str:
    """Return the table as plain text; of an exercise that was not attempted its first line."""
    if {check.state for check in result.checks} == {State.NOT_ATTEMPTED}:
        return headline(result)
    return as_text(result)


def as_html(result: ExerciseResult) -> str:
    """Return the table as HTML. Whatever a learner could have written is escaped."""
    heads = "".join(
        f'<th scope="col" style="text-align:{side}">{name}</th>'
        for name, side in (("Result", "left"), ("Points", "right"), ("Check", "left"))
    )
    rows = "".join(_row(check) for check in result.checks)
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in result.notes)
    notes = f"<p>Notes (they cost no points):</p><ul>{notes}</ul>" if notes else ""
    return (
        f"<p><strong>{html.escape(headline(result))}</strong></p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{notes}"
    )


def _row(check: CheckResult) -> str:
    badge = (
        f'<span style="background-color:{_COLOURS[check.state]};color:#ffffff;padding:1px 6px;'
        f'border-radius:3px;white-space:nowrap">{SIGNS[check.state]} {check.state}</span>'
    )
    message = "" if check.state is State.NOT_ATTEMPTED else _marked(check.message)
    message = f"<br><em>{message}</em>" if message else ""
    return (
        f'<tr><td style="text-align:left">{badge}</td>'
        f'<td style="text-align:right;white-space:nowrap">{_points(check)}</td>'
        f'<td style="text-align:left">{html.escape(check.title)}{message}</td></tr>'
    )


def _marked(message: str) -> str:
    """Return a message as HTML, with `code` and *stress* as a notebook would set them."""
    parts = html.escape(message).split("`")
    if len(parts) % 2 == 0:  # a mark without its partner
        return html.escape(message)
    # Stress has no blanks inside its marks, a product in a formula has.
    stressed = [re.sub(r"(?<!\S)\*(\w+)\*", r"<strong>\1</strong>", part) for part in parts]
    stressed[1::2] = [f"<code>{part}</code>" for part in parts[1::2]]
    return "".join(stressed)


def _points(check: CheckResult) -> str:
    return f"{check.points:g} / {check.max_points:g}"
