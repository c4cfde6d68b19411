"""Every task comes back once, with its result or with what is broken; or the run stops."""

from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager

import pytest

from medmeta_ref.grading import batch
from medmeta_ref.grading.batch import MAX_RESTARTS, BatchError, grade_all
from medmeta_ref.grading.executors import Crew, local
from medmeta_ref.grading.grade_one import GradingTask, SandboxChoice
from medmeta_ref.grading.sandbox.backend import SandboxError
from medmeta_ref.grading.spec_runner import SpecError


def task(student):
    return GradingTask(student, "03_x", {}, {}, (), "key", b"secret", SandboxChoice())


NAMES = [f"s{number}" for number in range(20)]


@pytest.fixture(autouse=True)
def grading(monkeypatch):
    """Stand in for the sandbox: the result of a task is its student."""
    monkeypatch.setattr(batch, "grade_one", lambda task: task.student)


class Falling(Executor):
    """Breaks down after some tasks, as a pool does whose process was killed."""

    def __init__(self, after):
        self.left = after

    def submit(self, function, *arguments):
        future = Future()
        self.left -= 1
        if self.left < 0:
            future.set_exception(BrokenExecutor("a process ended"))
        else:
            future.set_result(function(*arguments))
        return future


def falling(*afters):
    """Return a way to start executors that last for so many tasks each."""
    lives = iter(afters)

    @contextmanager
    def start():
        yield Crew(Falling(next(lives)), 4)

    return start


def here():
    return local(1)


def test_results_are_those_of_their_tasks():
    found = list(grade_all(map(task, NAMES), here))
    assert [(given.student, result) for given, result in found] == [(n, n) for n in NAMES]


def test_tasks_are_made_when_somebody_is_free():
    made = []

    def tasks():
        for name in NAMES:
            made.append(name)
            yield task(name)

    graded = grade_all(tasks(), falling(1000))
    next(graded)
    assert len(made) == 4
    assert len(list(graded)) == len(NAMES) - 1


def test_tasks_of_a_broken_pool_go_to_the_next_and_come_back_once():
    found = [given.student for given, _ in grade_all(map(task, NAMES), falling(7, 2, 1000))]
    assert sorted(found) == sorted(NAMES)


def test_pools_that_keep_breaking_stop_the_run_and_keep_what_is_graded():
    graded = grade_all(map(task, NAMES), falling(*[2] * (1 + MAX_RESTARTS)))
    found = []

    def collect():
        for given, _ in graded:
            found.append(given.student)

    with pytest.raises(BatchError, match="is there enough memory"):
        collect()
    assert len(found) == len(set(found)) == 2 * (1 + MAX_RESTARTS)


def test_broken_check_takes_the_place_of_a_result(monkeypatch):
    def picky(given):
        if given.student == "s3":
            raise SpecError("a check is broken")
        return given.student

    monkeypatch.setattr(batch, "grade_one", picky)
    found = {given.student: result for given, result in grade_all(map(task, NAMES), here)}
    assert isinstance(found.pop("s3"), SpecError)
    assert found == {name: name for name in NAMES if name != "s3"}


def test_sandbox_that_fails_stops_the_run(monkeypatch):
    asked = []

    def nothing(given):
        asked.append(given)
        raise SandboxError("no sandbox")

    monkeypatch.setattr(batch, "grade_one", nothing)
    with pytest.raises(SandboxError):
        list(grade_all(map(task, NAMES), here))
    assert len(asked) == 1
