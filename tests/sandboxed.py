"""What the tests of the sandbox share: the published answers, and a way to run one function."""

import os
from pathlib import Path

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.grading.answers import read_answers
from medmeta_ref.grading.sandbox.grade import grade_answers
from medmeta_ref.grading.sandbox.remote import Submission

ROOT = course_root()
UNIT = "03_distillation"
SECRET = b"a secret of the course"
BACKENDS = ("bubblewrap", "landlock")


def solutions():
    return read_answers(ROOT / "solutions" / f"{UNIT}.py")


def graded(answers, sandbox, *, student="ada"):
    """Return exercise -> result of a graded submission."""
    result = grade_answers(answers, UNIT, secret=SECRET, student=student, sandbox=sandbox)
    return {each.exercise.partition(".")[2]: each for each in result.exercises}


def points(answers, sandbox):
    return {name: result.points for name, result in graded(answers, sandbox).items()}


FULL = {
    "soft_targets": 8,
    "distillation_loss": 24,
    "distillation_gradient": 16,
    "feature_distillation_loss": 12,
    "bug_lines": 5,
    "label_weight": 5,
    "loss_test": 10,
    "questions": 20,
}


def submission(cells, sandbox, *, preamble=""):
    return Submission(cells, sandbox.worker, preamble=preamble, limits=sandbox.limits)


def run(source, sandbox, *args):
    """Return what the function `f`, defined in a cell of that source, returns in the sandbox."""
    held = submission({"f": source}, sandbox)
    try:
        answer = held.answer("f")
        if isinstance(answer, Exception):
            raise answer
        return answer(*args)
    finally:
        held.close()


def children(pid):
    """Return the processes below `pid`: pid -> start time, so that a number used again counts not.

    A process of another namespace is among them, under the number it has in ours.
    """
    parents, starts = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(folder.name)] = int(fields[1])
            starts[int(folder.name)] = fields[19]
            if fields[0] == "Z":
                del parents[int(folder.name)]
    found, border = {}, {pid}
    while border:
        border = {child for child, parent in parents.items() if parent in border}
        found |= {child: starts[child] for child in border}
    return found


def alive(processes):
    """Return which of those processes are still there."""
    left = {}
    for pid, start in processes.items():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[19] == start and fields[0] not in "ZX":
            left[pid] = os.readlink(f"/proc/{pid}/exe")
    return left
