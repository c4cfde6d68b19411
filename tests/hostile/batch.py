"""Grade a course folder as `medmeta grade` does: `python -m tests.hostile.batch COURSE`.

It differs from the command by its limits alone: whoever waits for an end need not wait long.
"""

import json
import sys
from functools import partial
from pathlib import Path

from medmeta_ref.grading.executors import local
from medmeta_ref.grading.grade_one import SandboxChoice
from medmeta_ref.grading.gradebook import Course, grade, submitted_students
from tests.hostile import UNIT
from tests.hostile.grading import LIMITS


def main(root: Path) -> None:
    """Grade all, and print the scores, the pages and who could not be graded, as JSON."""
    failed: dict[str, str] = {}
    course = Course(
        root,
        sandbox=SandboxChoice(limits=LIMITS),
        start=partial(local, 2),
        on_failure=failed.__setitem__,
    )
    graded = list(grade(course, UNIT, submitted_students(root, UNIT)))
    told = {
        "scores": {one.student: one.score for one in graded},
        "pages": {one.student: str(one.feedback) for one in graded},
        "failed": failed,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
