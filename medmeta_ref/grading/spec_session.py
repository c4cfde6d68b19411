"""The pytest plugin of one run of specs: it hands out the answers and collects the verdicts."""

import hashlib
import inspect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from medmeta_ref.grading.learner import Learner, LearnerError, NotAttempted
from medmeta_ref.grading.results import CheckResult, Scored, State

# The name of a test -> its seed.
Seeds = Callable[[str], int]


class SpecSession:
    """The pytest plugin of one run: it provides the fixtures and collects the verdicts."""

    def __init__(self, answers: Mapping[Path, tuple[str, Any]], seed: int | Seeds) -> None:
        self.exercises = {path: exercise for path, (exercise, _) in answers.items()}
        self.yours = {exercise: _as_learner(answer) for exercise, answer in answers.values()}
        self.seed = seed
        self.checks: dict[str, list[CheckResult]] = defaultdict(list)
        self.n_collected: Counter[str] = Counter()
        self.spec_error = self.failed = ""
        self.interrupted = False
        self._begun = ""
        self._root = Path()

    def notes_on(self, exercise: str) -> tuple[str, ...]:
        """Return what the learner's code said while the checks of an exercise ran."""
        yours = self.yours[exercise]
        return tuple(yours.notes) if isinstance(yours, Learner) else ()

    @pytest.fixture(name="yours")
    def _yours(self, request: pytest.FixtureRequest) -> Any:
        return self.yours[self.exercises[request.node.path]]

    @pytest.fixture(name="generator")
    def _generator(self, request: pytest.FixtureRequest) -> torch.Generator:
        return self._new_generator(self.exercises[request.node.path], request.node)

    def _new_generator(self, exercise: str, item: pytest.Item) -> torch.Generator:
        return torch.Generator().manual_seed(self._seed_of(exercise, item.name))

    def _seed_of(self, exercise: str, test: str) -> int:
        if callable(self.seed):
            return self.seed(f"{exercise}::{test}")
        key = f"{self.seed}:{test}".encode()
        return int.from_bytes(hashlib.sha256(key).digest()[:7], "big")

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> None:
        """Tell a function that its exercise begins; raise what stands for a missing one."""
        exercise = self.exercises[pyfuncitem.path]
        yours = self.yours[exercise]
        if isinstance(yours, NotAttempted | LearnerError):
            raise yours
        if exercise != self._begun and isinstance(yours, Learner):
            yours.begin(self.seed(exercise) if callable(self.seed) else self.seed)
        self._begun = exercise

    def pytest_configure(self, config: pytest.Config) -> None:
        """Declare the mark that carries points."""
        self._root = config.rootpath
        config.addinivalue_line("markers", "points(n): what the check is worth")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember that somebody stopped the run."""
        # pytest keeps the exception for itself; its own reasons to stop are subclasses.
        self.interrupted = excinfo.type is KeyboardInterrupt

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a spec that cannot be read."""
        if report.failed:
            self.spec_error = str(report.longrepr).strip().splitlines()[-1]
            self.failed = self.exercises.get(self._root / report.nodeid, "")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Count the tests that have to leave a verdict."""
        self.n_collected.update(self.exercises[item.path] for item in items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Function, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        """Turn what became of a test into a verdict."""
        report = yield
        error = call.excinfo.value if call.excinfo is not None else None
        if call.when == "call":
            self._judge(item, error)
        elif error is not None:  # a fixture failed: that is never the learner's doing
            self._blame(item, error)
        return report

    def run(self, item: pytest.Function) -> None:
        """Run a test that needs nothing of pytest's but its parameters; see `spec_tests`."""
        exercise, error = self.exercises[item.path], None
        self.n_collected[exercise] += 1
        given = {**item.callspec.params} if hasattr(item, "callspec") else {}
        for name in inspect.signature(item.obj).parameters.keys() - given.keys():
            given[name] = (
                self.yours[exercise] if name == "yours" else self._new_generator(exercise, item)
            )
        try:
            self.pytest_pyfunc_call(item)
            item.obj(**given)
        except KeyboardInterrupt:
            raise
        except BaseException as raised:  # noqa: BLE001 - as pytest does; _judge tells them apart
            error = raised
        self._judge(item, error)

    def _blame(self, item: pytest.Item, error: BaseException) -> None:
        self.spec_error, self.failed = repr(error), self.exercises[item.path]

    def _judge(self, item: pytest.Function, error: BaseException | None) -> None:
        state, message, share = State.RIGHT, "", 0.0
        match error:
            case None:
                pass
            case Scored():
                state, message = State.RIGHT if error.share == 1 else State.WRONG, str(error)
                share = error.share
            case NotAttempted():
                default = "replace the placeholder line with your code"
                state, message = State.NOT_ATTEMPTED, str(error) or default
            case LearnerError():
                state, message = State.RAISED, str(error)
            case AssertionError():
                state, message = State.WRONG, str(error)
            case TypeError() | AttributeError() | LookupError() | ValueError() if not isinstance(
                self.yours[self.exercises[item.path]], Learner
            ):
                kind = type(self.yours[self.exercises[item.path]]).__name__
                state = State.WRONG
                message = f"your answer is of type {kind}, which is of no use here ({error})"
            case _:
                self._blame(item, error)
        mark = item.get_closest_marker("points")
        title = (item.function.__doc__ or item.name).strip().splitlines()[0]
        if hasattr(item, "callspec"):
            title = title.format(**item.callspec.params)
        points = float(mark.args[0]) if mark else 0.0
        check = CheckResult(item.name, title, state, points, message, share)
        self.checks[self.exercises[item.path]].append(check)


def _as_learner(answer: Any) -> Any:
    is_function = callable(answer) and not isinstance(answer, Learner)
    return Learner(answer) if is_function else answer
