"""Grade a submission's answers in the sandbox: the entry for the batch, and for nbgrader.

with Sandbox() as sandbox:
for student, answers in submissions:
result = grade_answers(
answers, "03_distillation", secret=secret, student=student, sandbox=sandbox
)
"""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple

from medmeta_ref.grading.results import ExerciseResult
from medmeta_ref.grading.sandbox.asking import Worker
from medmeta_ref.grading.sandbox.backend import Backend, SandboxError, backends, refusal
from medmeta_ref.grading.sandbox.confine import Limits
from medmeta_ref.grading.sandbox.container_process import Container
from medmeta_ref.grading.sandbox.remote import Submission
from medmeta_ref.grading.sandbox.seeds import check_seed, submission_digest
from medmeta_ref.grading.sandbox.zygote_process import Zygote
from medmeta_ref.grading.spec_runner import exercises, run_specs
from medmeta_ref.grading.spec_session import Seeds

# What an exercise notebook of the course imports above its answers.
PREAMBLE = """\
import math
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor
"""


class UnitResult(NamedTuple):
    """The verdicts on one submission.

    Attributes:
        unit: for instance "03_distillation".
        exercises: one per exercise of the unit.
        digest: `submission_digest` of the answers that were graded.
        cpu_seconds: CPU time of the learner's code.
        wall_seconds: time from start to end.
    """

    unit: str
    exercises: tuple[ExerciseResult, ...]
    digest: str
    cpu_seconds: float
    wall_seconds: float

    @property
    def points(self) -> float:
        """The points earned."""
        return float(sum(exercise.points for exercise in self.exercises))

    @property
    def max_points(self) -> float:
        """The points there are."""
        return float(sum(exercise.max_points for exercise in self.exercises))

    def to_json(self) -> dict[str, Any]:
        """Return plain dictionaries and lists, as `from_json` reads them."""
        return self._asdict() | {"exercises": [each.to_json() for each in self.exercises]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "UnitResult":
        """Return the result that `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: if `data` is not of that form.
        """
        graded = tuple(ExerciseResult.from_json(each) for each in data["exercises"])
        return cls(**(data | {"exercises": graded}))


class Sandbox:
    """A sandbox that grades one submission after the other; a context manager.

    Use it in the thread that made it: when a thread ends, the kernel ends the sandbox it started.

    Args:
        name: "auto" takes bubblewrap, or Landlock and seccomp alone; "bubblewrap", "landlock",
            "podman", "docker" take that one; "unsafe" runs without any, for trusted work only.
        limits: what each submission may use.
        fresh: whether each submission gets a whole new sandbox, not a fork of a running one.

    Raises:
        ValueError: if there is no sandbox of that name.
        SandboxError: if it does not start here; the message says what is missing.
    """

    def __init__(
        self, name: str = "auto", *, limits: Limits | None = None, fresh: bool = False
    ) -> None:
        self.limits, self.fresh = limits or Limits(), fresh
        self._host: Zygote | Container | None = None
        self._backend, self._host = self._first_that_works(name)

    @property
    def name(self) -> str:
        """Which sandbox it is."""
        return self._backend.name

    def worker(self) -> Worker:
        """Return a new, confined process; the one before has to be stopped.

        Raises:
            SandboxError: if there is none to be had.
        """
        if self._host is None:
            self._host = _start(self._backend)
        return self._host.fork(self.limits)

    def renew(self) -> None:
        """End what the last submission ran in, if every submission gets a sandbox of its own."""
        if self.fresh:
            self.close()

    def close(self) -> None:
        """End all of the sandbox's processes."""
        if self._host is not None:
            self._host.close()
            self._host = None

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _first_that_works(self, name: str) -> tuple[Backend, Zygote | Container]:
        reasons = []
        for backend in backends(name):
            try:
                host = _start(backend)
                host.fork(self.limits).stop()
                return backend, host
            except SandboxError as error:
                reasons.append(f"{backend.name}: {error}")
        raise refusal(reasons)


def grade_answers(
    answers: Mapping[str, str],
    unit: str,
    *,
    secret: bytes,
    student: str,
    sandbox: Sandbox,
    preamble: str = PREAMBLE,
) -> UnitResult:
    """Return the verdicts on a learner's answers, run in a sandbox.

    Args:
        answers: grade id -> source of the answer cells, in the order of the notebook.
        unit: for instance "03_distillation".
        secret: the course's; see `seeds.check_seed`.
        student: whose answers.
        sandbox: where to run them.
        preamble: the imports that the notebook has above the answers.

    Raises:
        ValueError: if the unit has no exercises, or the secret is too short.
        SandboxError: if the sandbox itself fails. There is no result then, and no score.
        SpecError: if a check is broken.
    """
    started = time.monotonic()
    names = exercises_of(unit)
    digest = submission_digest(answers)
    check_seed(secret, student, digest, "")
    found, cpu_seconds = judge_answers(
        answers,
        names,
        seed=lambda test: check_seed(secret, student, digest, test),
        sandbox=sandbox,
        preamble=preamble,
    )
    seconds = time.monotonic() - started
    return UnitResult(unit, found, digest, cpu_seconds, seconds)


def judge_answers(
    answers: Mapping[str, str],
    names: Sequence[str],
    *,
    seed: int | Seeds,
    sandbox: Sandbox,
    preamble: str = PREAMBLE,
) -> tuple[tuple[ExerciseResult, ...], float]:
    """Return the verdicts on some exercises, and the CPU seconds of the learner's code.

    Args:
        answers: grade id -> source of the answer cells, in the order of the notebook.
        names: exercises, for instance "03.soft_targets".
        seed: see `run_spec`.
        sandbox: where to run the answers.
        preamble: the imports that the notebook has above the answers.

    Raises:
        SandboxError: if the sandbox itself fails. There is no verdict then.
        SpecError: if a check is broken.
    """
    submission = Submission(answers, sandbox.worker, preamble=preamble, limits=sandbox.limits)
    try:
        found = run_specs(
            {name: submission.answer(name.partition(".")[2]) for name in names}, seed=seed
        )
    finally:
        submission.close()
        sandbox.renew()
    return tuple(found), submission.cpu_seconds


def exercises_of(unit: str) -> list[str]:
    """Return the names of the exercises of a unit.

    Args:
        unit: for instance "03_distillation".

    Raises:
        ValueError: if it has none.
    """
    number = unit.partition("_")[0]
    names = [name for name in exercises() if name.partition(".")[0] == number]
    if not names:
        raise ValueError(f"unit {unit!r} has no exercises; there are {', '.join(exercises())}")
    return names


def _start(backend: Backend) -> Zygote | Container:
    return Container(backend) if backend.zygote is None else Zygote(backend)
