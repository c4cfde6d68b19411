"""Run the spec of one exercise, ordinary pytest, against a learner's function.

A spec is a file `specs/unit_NN/exercise.py`. Its tests take the fixtures

- `yours`: the learner's function (a `Learner`), or the learner's value where that is the answer;
- `generator`: a `torch.Generator`, seeded by the test's name and the seed of this run,

carry their points as `@pytest.mark.points(n)` and say what they check in the first line of their
docstring. The same file runs in the notebook and at grading.
"""

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from medmeta_ref.grading.learner import Learner, LearnerError, NotAttempted
from medmeta_ref.grading.results import CheckResult, ExerciseResult, State

SPECS = Path(__file__).parent / "specs"


class SpecError(Exception):
    """A spec is at fault, not the learner: nothing may be graded by it."""


def exercises() -> list[str]:
    """Return the names of all exercises that have a spec, "03.soft_targets" for instance."""
    files = sorted(SPECS.glob("unit_*/*.py"))
    return [f"{f.parent.name.removeprefix('unit_')}.{f.stem}" for f in files if f.stem[0] != "_"]


def spec_file(exercise: str) -> Path:
    """Return the spec of an exercise.

    Raises:
        ValueError: if there is none.
    """
    known = exercises()
    if exercise not in known:
        raise ValueError(f"no exercise {exercise!r}; there are {', '.join(known)}")
    unit, _, name = exercise.partition(".")
    return SPECS / f"unit_{unit}" / f"{name}.py"


def max_points(exercise: str) -> float:
    """Return what all checks of an exercise are worth together, without running them."""
    path = spec_file(exercise)
    spec = importlib.util.spec_from_file_location(f"spec_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise SpecError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return _declared_points(module)


def run_spec(exercise: str, answer: Any, *, seed: int = 0) -> ExerciseResult:
    """Return the verdict of every check of `exercise` on a learner's function or value.

    Args:
        exercise: for instance "03.distillation_loss".
        answer: the learner's function, or value.
        seed: other seeds give other inputs of the same kind.

    Raises:
        ValueError: if there is no such exercise.
        SpecError: if the spec itself failed, or did not run all of its tests.
    """
    path = spec_file(exercise)
    session = _Session(answer, seed)
    options = [
        "--import-mode=importlib",
        "--assert=plain",
        "--capture=no",
        "--disable-plugin-autoload",
        "--noconftest",
    ]
    for plugin in (
        "cacheprovider",
        "terminal",
        "warnings",
        "unraisableexception",
        "threadexception",
    ):
        options += ["-p", f"no:{plugin}"]
    with _shielded_environment(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # an answer that draws from it stays reproducible
        code = pytest.main(
            [*options, "-c", os.devnull, "--rootdir", str(SPECS), str(path)], plugins=[session]
        )
    if session.interrupted:
        raise KeyboardInterrupt
    if session.spec_error:
        raise SpecError(f"a check of {exercise} is broken: {session.spec_error}")
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or not session.checks:
        raise SpecError(f"the checks of {exercise} did not run (pytest exit code {code})")
    if len(session.checks) != session.n_collected:
        raise SpecError(
            f"{exercise} has {session.n_collected} checks, but {len(session.checks)} ran"
        )
    notes = tuple(session.yours.notes) if isinstance(session.yours, Learner) else ()
    return ExerciseResult(exercise, tuple(session.checks), notes)


class _Session:
    """The pytest plugin of one run: it provides the fixtures and collects the verdicts."""

    def __init__(self, answer: Any, seed: int) -> None:
        self.yours = Learner(answer) if callable(answer) else answer
        self.seed = seed
        self.checks: list[CheckResult] = []
        self.n_collected = 0
        self.spec_error = ""
        self.interrupted = False

    @pytest.fixture(name="yours")
    def _yours(self) -> Any:
        return self.yours

    @pytest.fixture(name="generator")
    def _generator(self, request: pytest.FixtureRequest) -> torch.Generator:
        key = f"{self.seed}:{request.node.name}".encode()
        return torch.Generator().manual_seed(
            int.from_bytes(hashlib.sha256(key).digest()[:7], "big")
        )

    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line("markers", "points(n): what the check is worth")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        # pytest keeps the exception for itself; its own reasons to stop are subclasses.
        self.interrupted = excinfo.type is KeyboardInterrupt

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.spec_error = str(report.longrepr).strip().splitlines()[-1]

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.n_collected = len(items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Function, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        report = yield
        error = call.excinfo.value if call.excinfo is not None else None
        if call.when == "call":
            self._judge(item, error)
        elif error is not None:  # a fixture failed: that is never the learner's doing
            self.spec_error = repr(error)
        return report

    def _judge(self, item: pytest.Function, error: BaseException | None) -> None:
        state, message = State.RIGHT, ""
        match error:
            case None:
                pass
            case NotAttempted():
                state, message = State.NOT_ATTEMPTED, "replace the placeholder line with your code"
            case LearnerError():
                state, message = State.RAISED, str(error)
            case AssertionError():
                state, message = State.WRONG, str(error)
            case _:
                self.spec_error = repr(error)
        mark = item.get_closest_marker("points")
        title = (item.function.__doc__ or item.name).strip().splitlines()[0]
        if hasattr(item, "callspec"):
            title = title.format(**item.callspec.params)
        self.checks.append(
            CheckResult(item.name, title, state, float(mark.args[0]) if mark else 0.0, message)
        )


def _declared_points(module: ModuleType) -> float:
    """Return the sum of all points marks, each times the number of parameters of its test."""
    total = 0.0
    for name, test in vars(module).items():
        if name.startswith("test_"):
            points, times = 0.0, 1
            for mark in getattr(test, "pytestmark", []):
                if mark.name == "points":
                    points = mark.args[0]
                elif mark.name == "parametrize":
                    times *= len(mark.args[1])
            total += points * times
    return total


@contextmanager
def _shielded_environment() -> Iterator[None]:
    """Keep pytest's settings of the surroundings, and compiled specs, away from the run."""
    names = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
    saved = {name: os.environ.pop(name) for name in names if name in os.environ}
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes_bytecode
        os.environ.update(saved)
