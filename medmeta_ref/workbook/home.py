"""What a learner does from the home notebook: look at the map, start a unit.

Both work where the notebook lies, in `submitted/me/`.
"""

import html
from pathlib import Path
from typing import Any

from medmeta_ref.authoring.course_files import course_root
from medmeta_ref.progress import log
from medmeta_ref.progress.standing import Standing
from medmeta_ref.progress.units import find_unit
from medmeta_ref.workbook import folders
from medmeta_ref.workbook.overview import Overview, advice, overview
from medmeta_ref.workbook.status_table import SIGNS
from medmeta_ref.workbook.versions import versions

# From the home notebook to the course folder.
_UP = "../.."


def home() -> None:
    """Show the map of the course: what is done, points so far, links to everything."""
    _display(map_of(course_root()))


def start(unit: str) -> None:
    """Copy the exercises of a unit to submitted/me/ and show where they are.

    Args:
        unit: its number or name, "03" or "03_distillation". What is there already stays as it is.

    Raises:
        NoSuchUnit: if there is no such unit.
    """
    root = course_root()
    name = find_unit(root, unit)
    told = ""
    try:
        folders.start(root, name)
        step = log.Step(log.now(), "start", name, versions(root, name))
        told = log.note(log.log_file(root, folders.LEARNER), step)
        what = "Yours now"
    except folders.AlreadyThere:
        what = "Yours already, with your work in it"
    notebook, lesson = f"{name}/{name}.ipynb", f"{_UP}/lessons/{name}.ipynb"
    links = [_link(notebook, f"exercises {name}")]
    if (root / "lessons" / f"{name}.ipynb").is_file():
        links.append(_link(lesson, f"lesson {name}"))
    page = f"<p>{what}: {' · '.join(links)}</p>" + (f"<p>{html.escape(told)}</p>" if told else "")
    where = folders.my_notebook(root, name).relative_to(root)
    _display({"text/html": page, "text/plain": "\n".join(filter(None, [f"{what}: {where}", told]))})


def map_of(root: Path) -> dict[str, str]:
    """Return the map as HTML and as text, by MIME type; links are seen from `submitted/me/`."""
    found = overview(root)
    rows = "".join(_row(each, found) for each in found.standings)
    names = ("Unit", "Needs", "So far", "Points", "Exercises", "Lesson", "To do")
    heads = "".join(f'<th scope="col" style="text-align:left">{name}</th>' for name in names)
    points = f"{found.points:g} of {found.max_points:g} points so far"
    page = (
        f"<p><strong>{points}.</strong> {html.escape(_advice(root, found))}</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )
    lines = [
        f"{each.unit.number} {each.unit.title:24} {SIGNS[each.state]} {each.state:11} "
        f"{each.points:g}/{each.max_points:g}  {found.todo.get(each.unit.name, '')}".rstrip()
        for each in found.standings
    ]
    return {"text/html": page, "text/plain": "\n".join([points, *lines, advice(root, found)])}


def _advice(root: Path, found: Overview) -> str:
    """Return what to do next, in the words of the notebook: no terminal is needed there."""
    unit = found.next
    if unit is None or unit.open_exercise is None:
        return advice(root, found)
    if not unit.started:
        return f"Next: unit {unit.unit.number}. Read its lesson, then start it below."
    return f"Next: exercise {unit.open_exercise.name}."


def _row(each: Standing, found: Overview) -> str:
    name, is_next = each.unit.name, found.next is each
    title = html.escape(f"{each.unit.number} {each.unit.title}")
    todo = found.todo.get(name, "")
    if not each.started and not todo.startswith("after"):
        todo = f'start("{each.unit.number}")'
    lesson = _link(f"{_UP}/lessons/{name}.ipynb", f"lesson {each.unit.number}")
    cells = (
        ", ".join(each.unit.needs),
        f"{SIGNS[each.state]} {each.state}",
        f"{each.points:g} / {each.max_points:g}",
        _link(f"{name}/{name}.ipynb", f"exercises {each.unit.number}") if each.started else "",
        lesson if each.unit.has_lesson else "",
        html.escape(todo),
    )
    row = "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells)
    title = f"<strong>→ {title}</strong>" if is_next else title
    return f'<tr><th scope="row" style="text-align:left;font-weight:normal">{title}</th>{row}</tr>'


def _link(target: str, words: str) -> str:
    return f'<a href="{html.escape(target)}">{html.escape(words)}</a>'


def _display(shown: dict[str, Any]) -> None:
    """Show something where we are: a notebook cell, or a terminal."""
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(shown["text/plain"])
    else:
        display(shown, raw=True)  # type: ignore[no-untyped-call]
