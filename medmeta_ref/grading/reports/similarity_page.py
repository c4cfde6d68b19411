"""Answers that look alike, side by side, for a person to judge."""

from collections.abc import Collection, Sequence
from typing import Any

from medmeta_ref.grading.reports.pages import render
from medmeta_ref.grading.reports.similarity import SOLUTION, Finding

# More than anybody reads; the JSON file has them all.
MAX_SHOWN = 200
_MAX_NAMES = 12
_MAX_LINES = 300


def similarity_page(findings: Sequence[Finding], *, unit: str, n_submissions: int) -> str:
    """Return the findings as a page that stands alone.

    Args:
        findings: the most surprising first.
        unit: for the title.
        n_submissions: how many were compared.
    """
    return render(
        "similarity.html",
        title=f"Similar answers in {unit}",
        unit=unit,
        n=n_submissions,
        n_findings=len(findings),
        findings=[_shown(finding) for finding in findings[:MAX_SHOWN]],
    )


def similarity_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return the findings as plain dictionaries and lists, without the texts."""
    return [
        {
            "exercise": finding.exercise,
            "left": list(finding.left),
            "right": list(finding.right),
            "solution": finding.right == (SOLUTION,),
            "surprise_bits": round(finding.surprise, 1),
            "containment": round(finding.containment, 3),
            "verbatim": finding.verbatim,
        }
        for finding in findings
    ]


def _shown(finding: Finding) -> dict[str, Any]:
    sides = zip((finding.left, finding.right), finding.texts, finding.shared_lines, strict=True)
    return {
        "exercise": finding.exercise,
        "names": f"{_named(finding.left)} and {_named(finding.right)}",
        "surprise": f"{finding.surprise:.0f}",
        "containment": f"{100 * finding.containment:.0f}",
        "verbatim": finding.verbatim,
        "sides": [
            {"name": _named(names), "lines": _lines(text, shared)} for names, text, shared in sides
        ],
    }


def _named(names: Sequence[str]) -> str:
    rest = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def _lines(text: str, shared: Collection[int]) -> list[tuple[bool, str]]:
    """Return (is shared, line) of the first lines of a text."""
    # Only where the tokens see a line end: form feeds and their like are no line ends.
    lines = [
        (number in shared and bool(line.strip()), line)
        for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1)
    ]
    rest = len(lines) - _MAX_LINES
    more = [(False, f"… {rest} more lines")] if rest > 0 else []
    return lines[:_MAX_LINES] + more
