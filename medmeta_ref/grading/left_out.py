"""What a submission holds beside its answers: it is left out, and the student is told.

The one case that costs honest learners points: an answer that calls a helper from a cell of their
own. It worked in their notebook and will not at grading, so the note names the helper.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from medmeta_ref.grading.submitted_json import SubmittedCell

_MOST_NAMED = 8

_BINDING = re.compile(
    r"^[ \t]*(?:(?:async[ \t]+)?(?:def|class)[ \t]+(?P<made>\w+)"
    r"|(?:from[ \t]+[\w.]+[ \t]+)?import[ \t]+(?P<imported>[^\n#]+))",
    re.MULTILINE,
)


def missing_helpers(
    answers: Mapping[str, str], given: Iterable[str], left_out: Sequence[SubmittedCell]
) -> list[str]:
    """Return a note for every answer that uses a function or import of a cell that is left out.

    Args:
        answers: grade id -> text.
        given: the texts of the released cells; what they define is there.
        left_out: the submitted cells whose texts are not used.
    """
    there = {name for text in (*given, *answers.values()) for name in _bound(text)}
    gone = {name: cell for cell in left_out for name in _bound(cell.source) if name not in there}
    notes = []
    for grade_id, text in answers.items():
        used = set(re.findall(r"(?<![\w.])(\w+)[ \t]*[.(]", text))
        names = sorted(used & set(gone), key=lambda name: gone[name].position)
        if names:
            words = ", ".join(f"'{name[:40]}' (cell {gone[name].position})" for name in names[:5])
            notes.append(
                f"Cell '{grade_id}' uses {words}, which no answer cell defines. Other cells are "
                "left out at grading; move it into the answer cell and hand in again."
            )
    return notes


def named(names: Sequence[str]) -> str:
    """Return names in quotes, the first few of them."""
    words = ", ".join(f"'{name}'" for name in names[:_MOST_NAMED])
    rest = len(names) - _MOST_NAMED
    return f"{words} and {rest} more" if rest > 0 else words


def _bound(text: str) -> set[str]:
    """Return the names that a text defines or imports, at any depth."""
    names = set()
    for found in _BINDING.finditer(text):
        if found["made"]:
            names.add(found["made"])
            continue
        for part in found["imported"].strip("() \t\\").split(","):
            module, _, alias = part.strip().partition(" as ")
            name = alias.strip() or module.strip().split(".")[0]
            if name.isidentifier():
                names.add(name)
    return names
