"""Grade a whole folder of submissions in a process of its own: `python -m tests.hostile.grading`.

`grade_everything` is all that the tests know of how grading is run.
"""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medmeta_ref.grading.intake import take_in
from medmeta_ref.grading.report import as_html, as_text
from medmeta_ref.grading.sandbox.confine import Limits
from medmeta_ref.grading.sandbox.grade import Sandbox, grade_answers
from tests.hostile import UNIT
from tests.hostile.course import CANARY
from tests.sandboxed import ROOT, SECRET

# Whoever waits for an end waits this long; honest answers take milliseconds.
LIMITS = Limits(call_seconds=4, memory_mib=512, tmpfs_mib=4, deaths=1)


def grade_everything(
    course: Path, backend: str, *, prefix: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Return student -> result of every submission in a course folder.

    Args:
        course: the folder.
        backend: which sandbox.
        prefix: a command that starts the grader, as another user say.

    Raises:
        subprocess.CalledProcessError: if the grader itself ends with an error.
    """
    command = [*prefix, sys.executable, "-m", "tests.hostile.grading", str(course), backend]
    done = subprocess.run(
        command,
        env=os.environ | {"MEDMETA_CANARY": CANARY, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


def _grade(course: Path, student: str, sandbox: Sandbox) -> dict[str, Any]:
    taken = take_in(course, UNIT, student)
    result = grade_answers(
        taken.rebuilt.answers, UNIT, secret=SECRET, student=student, sandbox=sandbox
    )
    return {
        "exercises": {e.exercise.partition(".")[2]: e.points for e in result.exercises},
        "states": sorted({str(check.state) for e in result.exercises for check in e.checks}),
        "told": [
            *taken.rebuilt.notes,
            *(note for e in result.exercises for note in e.notes),
            *(check.message for e in result.exercises for check in e.checks),
        ],
        "text": "\n".join(as_text(e) for e in result.exercises),
        "html": "\n".join(as_html(e) for e in result.exercises),
    }


def main(course: Path, backend: str) -> None:
    """Grade all, and print the results as JSON."""
    results: dict[str, dict[str, Any]] = {}
    with Sandbox(backend, limits=LIMITS) as sandbox:
        for student in sorted(os.listdir(course / "submitted")):
            try:
                results[student] = _grade(course, student, sandbox)
            # The test fails on every one of these, by the name of the submission.
            except Exception:  # noqa: BLE001
                results[student] = {"broke": traceback.format_exc()}
    print(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
