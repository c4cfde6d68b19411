"""Grade one submission: a pure function of its task, which any executor can run anywhere."""

import hashlib
import json
import threading
from collections.abc import Mapping
from typing import NamedTuple

from medmeta_ref.grading.course_secret import fingerprint
from medmeta_ref.grading.intake import TakenIn
from medmeta_ref.grading.sandbox.backend import SandboxError
from medmeta_ref.grading.sandbox.confine import Limits
from medmeta_ref.grading.sandbox.grade import Sandbox, grade_answers
from medmeta_ref.grading.spec_version import spec_version
from medmeta_ref.grading.stored_result import StoredResult


class SandboxChoice(NamedTuple):
    """Where learners' code runs.

    Attributes:
        name: see `Sandbox`.
        fresh: whether each submission gets a whole new sandbox.
        limits: what each submission may use.
    """

    name: str = "auto"
    fresh: bool = False
    limits: Limits = Limits()


class GradingTask(NamedTuple):
    """All that grading a submission takes.

    Attributes:
        student: the name of the folder below `submitted/`.
        unit: for instance "03_distillation".
        cells: grade id -> source, of all code cells that learners answer, in order.
        answers: those that differ from the release, for the reports.
        notes: what the student should know about how the notebook was read.
        key: says what the verdicts depend on; equal keys, equal verdicts.
        secret: the course's.
        sandbox: where to run the cells.
    """

    student: str
    unit: str
    cells: dict[str, str]
    answers: dict[str, str]
    notes: tuple[str, ...]
    key: str
    secret: bytes
    sandbox: SandboxChoice


def task_of(taken: TakenIn, *, secret: bytes, sandbox: SandboxChoice) -> GradingTask:
    """Return the task of grading a submission.

    Args:
        taken: what `take_in` returned.
        secret: the course's.
        sandbox: where to run the cells.

    Raises:
        ValueError: if the unit has no exercises.
    """
    cells = answer_sources(taken.rebuilt.notebook)
    # What was graded without a sandbox is worth no more than the learner's word: it is never taken
    # for the result of a run that asked for one.
    trusted = sandbox.name == "unsafe"
    depends_on = [
        *(taken.unit, taken.student, spec_version(taken.unit), fingerprint(secret)),
        *(list(cells.items()), taken.rebuilt.answers, taken.rebuilt.notes),
        *(trusted, sandbox.limits),
    ]
    key = hashlib.sha256(json.dumps(depends_on).encode()).hexdigest()
    rebuilt = taken.rebuilt
    return GradingTask(
        taken.student, taken.unit, cells, rebuilt.answers, rebuilt.notes, key, secret, sandbox
    )


def grade_one(task: GradingTask) -> StoredResult:
    """Return the verdicts on a submission.

    Each thread keeps its sandbox for the next submission, as long as the thread lives. Threads of
    one process take turns: specs and torch's generators are the process's, not the thread's.

    Raises:
        SandboxError: if the sandbox itself fails. There is no result then, and no score.
        SpecError: if a check is broken.
    """
    with _TURNS:
        sandbox = _sandbox(task.sandbox)
        try:
            result = grade_answers(
                task.cells,
                task.unit,
                secret=task.secret,
                student=task.student,
                sandbox=sandbox,
            )
        except SandboxError:
            close_sandbox()  # the next task gets a new one
            raise
    return StoredResult(task.student, task.key, result, task.answers, task.notes)


def close_sandbox() -> None:
    """End the sandbox that this thread has kept, if there is one."""
    kept = vars(_THREAD).pop("sandbox", None)
    if kept is not None:
        kept[1].close()


def answer_sources(notebook: Mapping[str, object]) -> dict[str, str]:
    """Return grade id -> source of the code cells that learners answer, in order.

    Args:
        notebook: as read from JSON. Written answers are for people, so they are left out.
    """
    sources = {}
    cells = notebook["cells"]
    assert isinstance(cells, list)
    for cell in cells:
        fields = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] == "code" and fields.get("solution"):
            sources[fields["grade_id"]] = "".join(cell["source"])
    return sources


_TURNS = threading.Lock()
_THREAD = threading.local()


def _sandbox(choice: SandboxChoice) -> Sandbox:
    kept = vars(_THREAD).get("sandbox")
    if kept is None or kept[0] != choice:
        close_sandbox()
        made = Sandbox(choice.name, limits=choice.limits, fresh=choice.fresh)
        kept = vars(_THREAD)["sandbox"] = (choice, made)
    sandbox: Sandbox = kept[1]
    return sandbox
