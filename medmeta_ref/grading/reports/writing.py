"""Write every report of a unit into one folder."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from medmeta_ref.authoring.course_files import exercise_of
from medmeta_ref.grading.answers import read_answers, read_released
from medmeta_ref.grading.reports.feedback_page import feedback_page
from medmeta_ref.grading.reports.grade_files import canvas_csv, match_roster, moodle_csv
from medmeta_ref.grading.reports.gradescope import gradescope_results
from medmeta_ref.grading.reports.item_statistics import ItemStatistics, item_statistics
from medmeta_ref.grading.reports.roster import Person
from medmeta_ref.grading.reports.similarity import Finding, similar_answers
from medmeta_ref.grading.reports.similarity_page import similarity_json, similarity_page
from medmeta_ref.grading.reports.statistics_views import statistics_page
from medmeta_ref.grading.stored_result import StoredResult


class Written(NamedTuple):
    """What was written.

    Attributes:
        folder: where.
        files: name of a file or folder in it -> what it is.
        items: the statistics.
        findings: the answers that look alike.
        notes: what the instructor should look after.
    """

    folder: Path
    files: dict[str, str]
    items: list[ItemStatistics]
    findings: list[Finding]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain dictionaries and lists."""
        return {
            "folder": str(self.folder),
            "files": self.files,
            "items": [item.to_json() for item in self.items],
            "similar": similarity_json(self.findings),
            "notes": list(self.notes),
        }


def write_reports(
    root: Path,
    results: Sequence[StoredResult],
    out: Path,
    *,
    roster: Sequence[Person] | None = None,
    assignment: str = "",
) -> Written:
    """Write the grade files, the statistics, the similarity report and the feedback pages.

    Args:
        root: the course folder, for the released notebook and the published answers.
        results: of one unit, one per student; at least one.
        out: the folder to write into; it is made.
        roster: see `grade_files.match_roster`.
        assignment: the head of the column of grades; by default the unit's name.

    Raises:
        OSError: if something cannot be written, or the released notebook cannot be read.
        BuildError: if the text of the published answers is not in order.
    """
    unit = results[0].unit
    assignment = assignment or unit
    rows, notes = match_roster(results, roster)
    items, findings = item_statistics(results), find_similar(root, results)
    if not _solutions(root, unit).is_file():
        notes = (*notes, f"No solutions/{unit}.py here, so no answer was compared with it.")
    max_points = max(stored.result.max_points for stored in results)
    texts = {
        "canvas.csv": canvas_csv(rows, assignment=assignment, max_points=max_points),
        "moodle.csv": moodle_csv(rows, assignment=assignment),
        "statistics.json": _json([item.to_json() for item in items]),
        "statistics.html": statistics_page(items, unit=unit),
        "similarity.json": _json(similarity_json(findings)),
        "similarity.html": similarity_page(findings, unit=unit, n_submissions=len(results)),
    }
    for stored in results:
        texts[f"feedback/{stored.student}.html"] = feedback_page(stored)
        gradescope = _json(gradescope_results(stored))
        texts[f"gradescope/{stored.student}/results.json"] = gradescope
    for name, text in texts.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    left = _left_over(out, {out / name for name in texts})
    if left:
        notes = (*notes, f"From an earlier run, and not of these results: {', '.join(left)}.")
    files = {
        "canvas.csv": "grades for Canvas",
        "moodle.csv": "grades for Moodle",
        "gradescope/": f"results.json for Gradescope, {len(results)} students",
        "feedback/": f"a page for each of {len(results)} students",
        "statistics.html": f"{len(items)} checks: who got them right, which mistakes",
        "statistics.json": "the same as numbers",
        "similarity.html": f"{len(findings)} findings of similar answers, for you to read",
        "similarity.json": "the same without the texts",
    }
    return Written(out, files, items, findings, notes)


def find_similar(root: Path, results: Sequence[StoredResult]) -> list[Finding]:
    """Return the answers of a class that look alike, the most surprising first.

    Args:
        root: the course folder.
        results: of one unit.

    Raises:
        OSError: if the released notebook cannot be read.
        BuildError: if the text of the published answers is not in order.
    """
    unit = results[0].unit
    released = read_released(root / exercise_of(unit))
    solutions = _solutions(root, unit)
    published = read_answers(solutions) if solutions.is_file() else {}
    found: list[Finding] = []
    for name, cell in released.items():
        answers = {r.student: r.answers[name] for r in results if name in r.answers}
        found += similar_answers(name, answers, released=cell, solution=published.get(name, ""))
    return sorted(found, key=lambda finding: -finding.surprise)


def _solutions(root: Path, unit: str) -> Path:
    return root / "solutions" / f"{unit}.py"


def _left_over(out: Path, written: set[Path]) -> list[str]:
    """Return a few names of pages in our folders that this run has not written."""
    there = {*(out / "feedback").glob("*.html"), *(out / "gradescope").glob("*/results.json")}
    names = sorted(str(path.relative_to(out)) for path in there - written)
    return names[:5] + ([f"and {len(names) - 5} more"] if len(names) > 5 else [])


def _json(data: Any) -> str:
    return json.dumps(data, indent=1) + "\n"
