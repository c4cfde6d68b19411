"""Run the spec of one exercise, ordinary pytest, against a learner's function.

A spec is a file `specs/unit_NN/exercise.py`. Its tests take the fixtures

- `yours`: the learner's function (a `Learner`), or the learner's value where that is the answer;
- `generator`: a `torch.Generator`, seeded by the test's name and the seed of this run,

carry their points as `@pytest.mark.points(n)` and say what they check in the first line of their
docstring. The same file runs in the notebook and at grading.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from medmeta_ref.grading.results import ExerciseResult
from medmeta_ref.grading.spec_session import Seeds, SpecSession
from medmeta_ref.grading.spec_tests import options, plain_tests, shielded_environment

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
    unit, _, name = exercise.partition(".")
    path = SPECS / f"unit_{unit}" / f"{name}.py"
    if not (unit.isdigit() and name.isidentifier() and name[0] != "_" and path.is_file()):
        raise ValueError(f"no exercise {exercise!r}; there are {', '.join(exercises())}")
    return path


def max_points(exercise: str) -> float:
    """Return what all checks of an exercise are worth together, without running them."""
    path = spec_file(exercise)
    spec = importlib.util.spec_from_file_location(f"spec_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise SpecError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return _declared_points(module)


def run_spec(exercise: str, answer: Any, *, seed: int | Seeds = 0) -> ExerciseResult:
    """Return the verdict of every check of `exercise` on a learner's function or value.

    Args:
        exercise: for instance "03.distillation_loss".
        answer: the learner's function, or value; a `Learner` is taken as it is; a `NotAttempted` or
            `LearnerError` stands for an answer that is not there.
        seed: other seeds give other inputs of the same kind; or a function that gives the seed for
            the name of a test ("03.soft_targets::test_large_logits_stay_finite").

    Raises:
        ValueError: if there is no such exercise.
        SpecError: if the spec itself failed, or did not run all of its tests.
    """
    [result] = run_specs({exercise: answer}, seed=seed)
    return result


def run_specs(answers: Mapping[str, Any], *, seed: int | Seeds = 0) -> list[ExerciseResult]:
    """Return the verdicts on several exercises: as `run_spec` on each, in a fraction of the time.

    Args:
        answers: exercise -> function or value.
        seed: see `run_spec`. At grading, where it is a function, the tests are collected once for
            all submissions.

    Raises:
        ValueError, SpecError: as `run_spec` does.
    """
    paths = {exercise: spec_file(exercise) for exercise in answers}
    session = SpecSession(
        {paths[exercise]: (exercise, answers[exercise]) for exercise in paths}, seed
    )
    tests = plain_tests(tuple(paths.values()), SPECS) if callable(seed) else None
    with shielded_environment(), torch.random.fork_rng(devices=[]):
        if tests is None:
            code = pytest.main([*options(SPECS), *map(str, paths.values())], plugins=[session])
        else:
            code = pytest.ExitCode.OK
            for test in tests:
                session.run(test)
    names = ", ".join(answers)
    if session.interrupted:
        raise KeyboardInterrupt
    if session.spec_error:
        raise SpecError(f"a check of {session.failed or names} is broken: {session.spec_error}")
    ran = {exercise: session.checks[exercise] for exercise in answers}
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or not all(ran.values()):
        raise SpecError(f"the checks of {names} did not run (pytest exit code {code})")
    for exercise, checks in ran.items():
        if len(checks) != session.n_collected[exercise]:
            raise SpecError(
                f"{exercise} has {session.n_collected[exercise]} checks, but {len(checks)} ran"
            )
    return [
        ExerciseResult(exercise, tuple(checks), session.notes_on(exercise))
        for exercise, checks in ran.items()
    ]


def _declared_points(module: ModuleType) -> float:
    """Return the sum of all points marks: each times the number of parameters of its test.

    A parameter that carries points of its own counts with those.
    """
    total = 0.0
    for name, test in vars(module).items():
        if name.startswith("test_"):
            marks = getattr(test, "pytestmark", [])
            points = next((mark.args[0] for mark in marks if mark.name == "points"), 0.0)
            cases = [points]
            for mark in marks:
                if mark.name == "parametrize":
                    cases = [_points_of(case, each) for each in mark.args[1] for case in cases]
            total += sum(cases)
    return total


def _points_of(points: float, parameter: Any) -> float:
    """Return the points of one parameter of a test: its own, or else those of the test."""
    own = (mark.args[0] for mark in getattr(parameter, "marks", ()) if mark.name == "points")
    return next(own, points)
