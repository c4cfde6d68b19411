"""The cells of a notebook file that a stranger wrote: kind, text and name of each, and no more.

nbformat is kept away from such files: it upgrades and validates with code that a file can lead
astray. Read leniently where an honest tool may have been sloppy, because only texts are taken: a
repeated key counts as in Jupyter (the last one), a number of any kind is worth nothing.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from medmeta_ref.grading.submission_files import MAX_BYTES, Refused, shown, too_large

# Python's own white space stays; a form feed is some people's page break.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n?")
# Far above an honest notebook of 10 MiB; more would take seconds and gigabytes to read.
_MOST_PARTS = 500_000
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class SubmittedCell(NamedTuple):
    """One cell.

    Attributes:
        position: from 1, as a reader counts.
        kind: "code", "markdown" or whatever else the file says.
        source: its text; lines end with a newline character.
        grade_id: what nbgrader's metadata call it, or "".
        cell_id: what the notebook calls it, or "".
        mended: what was replaced in the text, or "".
    """

    position: int
    kind: str
    source: str
    grade_id: str
    cell_id: str
    mended: str


class Submitted(NamedTuple):
    """What is used of a notebook file.

    Attributes:
        cells: the cells that hold text.
        kernel: the name of its kernel, or "".
        notes: what is unusual about the file, in words for the student.
    """

    cells: tuple[SubmittedCell, ...]
    kernel: str
    notes: tuple[str, ...]


def read_submitted(data: bytes, *, name: str) -> Submitted:
    """Return the cells of a notebook file.

    Args:
        data: the bytes of the file.
        name: what to call it in notes.

    Raises:
        Refused: if no cells can be read from it.
    """
    if len(data) > MAX_BYTES:
        raise Refused(too_large(name, len(data), MAX_BYTES))
    notebook, notes = _parse(data, f"The file '{shown(name)}'")
    unreadable = list[int]()
    cells = tuple(_cells(notebook, notes, unreadable))
    if unreadable:
        which = ", ".join(map(str, unreadable[:5])) + (", ..." if len(unreadable) > 5 else "")
        notes.append(f"The source of cell {which} is no text; it was left out.")
    kernel = _get(_get(notebook, "metadata"), "kernelspec").get("name")
    return Submitted(
        cells,
        kernel if isinstance(kernel, str) else "",
        tuple(notes),
    )


def _parse(data: bytes, what: str) -> tuple[dict[str, Any], list[str]]:
    notes, sloppy = [], set[str]()
    if data.startswith(_BOM):
        notes.append(f"{what} begins with a byte order mark; it was skipped.")
    if not data.removeprefix(_BOM).strip():
        raise Refused(f"{what} is empty. Save your notebook and hand it in again.")
    try:
        text = data.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        kind = "UTF-16" if data.startswith(_UTF16) else f"not UTF-8 (see byte {error.start})"
        raise Refused(f"{what} is {kind}. Save it as UTF-8, as JupyterLab does.") from error

    n_parts = text.count("{") + text.count("[")
    if n_parts > _MOST_PARTS:
        raise Refused(f"{what} has {n_parts:,} parts; {_MOST_PARTS:,} are the most. {_AGAIN}")

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(found)
        if len(made) < len(found):
            sloppy.add(f"{what} repeats a key; the last one counted, as in Jupyter.")
        for unused in ("outputs", "attachments"):  # the bulk of a file, so it goes at once
            made.pop(unused, None)
        return made

    def constant(_: str) -> None:
        sloppy.add(f"{what} holds NaN or Infinity, which JSON has not; they were left out.")

    try:
        notebook = json.loads(
            text,
            object_pairs_hook=pairs,
            parse_constant=constant,
            parse_float=lambda _: 0.0,
            # Python refuses to convert thousands of digits; no number but the version is used.
            parse_int=lambda digits: int(digits) if len(digits) < 5 else 0,
        )
    except RecursionError as error:
        raise Refused(f"{what} is nested too deeply for a notebook. {_AGAIN}") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Refused(f"{what} is no JSON ({shown(error.msg)}: {where}). {_AGAIN}") from error
    if not isinstance(notebook, dict):
        raise Refused(f"{what} is JSON, but no notebook. {_AGAIN}")
    return notebook, [*notes, *sorted(sloppy)]


_AGAIN = "Open it in JupyterLab, save it, and hand it in again."


def _cells(
    notebook: dict[str, Any], notes: list[str], unreadable: list[int]
) -> Iterator[SubmittedCell]:
    """Yield the cells that hold text, of any version of the format, in order."""
    version, found = notebook.get("nbformat"), notebook.get("cells")
    if not isinstance(found, list):
        sheets = notebook.get("worksheets")
        if not isinstance(sheets, list):
            raise Refused(f"The notebook has no list of cells. {_AGAIN}")
        lists = [_get({"sheet": sheet}, "sheet").get("cells") for sheet in sheets]
        found = [cell for cells in lists if isinstance(cells, list) for cell in cells]
        notes.append("The notebook is in an old format (nbformat 3); its texts were taken.")
    elif version != 4:
        notes.append("The notebook is not in nbformat 4; its cells were read as if it were.")
    for position, cell in enumerate(found, start=1):
        # "input" is nbformat 3's name for the text of a code cell.
        source = cell.get("source", cell.get("input")) if isinstance(cell, dict) else None
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str):
            unreadable.append(position)
        elif source.strip():
            metadata = _get(cell, "metadata")
            cell_id = cell.get("id", metadata.get("id"))  # Colab keeps it among the metadata
            names = (cell.get("cell_type"), _get(metadata, "nbgrader").get("grade_id"), cell_id)
            kind, grade_id, cell_id = (name if isinstance(name, str) else "" for name in names)
            text, mended = _mend(source)
            if text.strip():
                yield SubmittedCell(position, kind, text, grade_id, cell_id, mended)


def _mend(source: str) -> tuple[str, str]:
    """Return a text with line ends as Python has them, and what was replaced in it."""
    if source.isprintable():
        return source, ""
    text, n_control = _CONTROL.subn("", _LINE_END.sub("\n", source))
    text, n_surrogates = _SURROGATE.subn("\ufffd", text)
    counts = ((n_control, "control characters"), (n_surrogates, "broken characters"))
    return text, " and ".join(f"{what} ({count})" for count, what in counts if count)


def _get(holder: dict[str, Any], key: str) -> dict[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}
