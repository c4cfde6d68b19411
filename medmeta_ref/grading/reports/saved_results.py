"""Read the results of a batch: `results/UNIT/STUDENT.json`, one file per student."""

import json
from pathlib import Path

from medmeta_ref.grading.stored_result import StoredResult

# What JSON of another form makes of the reader, and files that cannot be read at all.
_UNREADABLE = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


class ResultsError(Exception):
    """Results cannot be read; the message names every file and what is wrong with it."""


def read_results(folder: Path) -> list[StoredResult]:
    """Return the results in a folder, by student.

    Hidden files and folders are none: a file that is being written begins with a dot.

    Args:
        folder: for instance `results/03_distillation`.

    Raises:
        ResultsError: if there is no result, or a file is none. A report on a part of the class
            would look like one on all of it, so there is none then.
    """
    files = sorted(path for path in folder.glob("*.json") if path.name[0] != ".")
    if not files:
        raise ResultsError(f"no results in {folder}; grade the unit first")
    results, problems = list[StoredResult](), list[str]()
    for path in files:
        try:
            results.append(_read(path, unit=folder.name))
        except _UNREADABLE as error:
            problems.append(f"{path}: {_reason(error)}")
    if problems:
        rest = f"and {len(problems) - 10} more files" if len(problems) > 10 else ""
        raise ResultsError(
            "\n".join(filter(None, ["these are no results:", *problems[:10], rest]))
            + "\nDelete them and grade those students again."
        )
    return results


def _read(path: Path, *, unit: str) -> StoredResult:
    result = StoredResult.from_json(json.loads(path.read_text(encoding="utf-8")))
    if result.student != path.stem:
        raise ValueError(f"it is the result of {result.student!r}")
    if result.unit != unit:
        raise ValueError(f"it is a result of unit {result.unit!r}")
    texts = [result.student, result.unit, *result.notes, *result.answers, *result.answers.values()]
    for exercise in result.result.exercises:
        texts += [exercise.exercise, *exercise.notes]
        for check in exercise.checks:
            texts += [check.test, check.title, check.message]
            if type(check.max_points) not in (int, float):
                raise TypeError(f"{check.test!r} has {check.max_points!r} points")
    for text in texts:
        if type(text) is not str:
            raise TypeError(f"{text!r:.60} should be a text")
    return result


def _reason(error: Exception) -> str:
    match error:
        case json.JSONDecodeError():
            return f"no JSON ({error})"
        case KeyError():
            return f"{error} is missing"
        case RecursionError():
            return "nested too deeply"
    return str(error)
