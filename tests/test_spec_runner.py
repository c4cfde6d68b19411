"""`run_spec`: the same checks anywhere, a verdict for every check, and no 0 for a broken spec."""

import os
import random
import sys
import textwrap

import numpy as np
import pytest
import torch

from medmeta_ref import distillation
from medmeta_ref.grading import spec_runner
from medmeta_ref.grading.results import State
from medmeta_ref.grading.spec_runner import (
    SpecError,
    exercises,
    max_points,
    run_spec,
    spec_file,
)

PLANTED = """\
import pytest
import torch


@pytest.mark.points(3)
def test_first(yours, generator):
    '''The first of two.

    This part is for authors.
    '''
    assert yours(torch.rand(2, generator=generator)) == 1, "one was expected"


@pytest.mark.points(0.5)
@pytest.mark.parametrize("n", [1, 2])
def test_second(yours, n):
    '''Check number {n}.'''
    assert yours(n) == 1, "one was expected"
"""


@pytest.fixture
def plant(tmp_path, monkeypatch):
    """Return a function that makes a spec of a course with no other spec, and names it."""
    folder = tmp_path / "unit_99"
    folder.mkdir()
    monkeypatch.setattr(spec_runner, "SPECS", tmp_path)

    def planted(source=PLANTED):
        # pytest remembers modules by name, so every spec has one of its own.
        name = f"planted_{random.getrandbits(64):x}"
        (folder / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        return f"99.{name}"

    return planted


def states(result):
    return [check.state for check in result.checks]


def placeholder(*args, **kwargs):
    raise NotImplementedError("your code goes here")


# ---- which exercises there are ----


def test_unknown_exercise_lists_the_ones_there_are():
    for call in (spec_file, max_points, lambda name: run_spec(name, placeholder)):
        with pytest.raises(ValueError, match=r"^no exercise '03\.nothing'; there are 0") as said:
            call("03.nothing")
        assert str(said.value).partition("there are ")[2] == ", ".join(exercises())


def test_helpers_of_the_specs_are_no_exercises():
    assert all(spec_file(name).is_file() for name in exercises())
    assert not any("_oracle" in name for name in exercises())


@pytest.mark.parametrize("exercise", exercises())
def test_declared_points_are_the_points_of_a_run(exercise):
    result = run_spec(exercise, placeholder)
    assert result.max_points == max_points(exercise) > 0
    assert all(check.max_points > 0 for check in result.checks)


# ---- inputs ----


def inputs(exercise, seed):
    """Return all tensors that an answer is called with, as lists."""
    seen = []

    def spy(*args, **kwargs):
        seen.extend(a.tolist() for a in (*args, *kwargs.values()) if isinstance(a, torch.Tensor))
        return getattr(distillation, exercise.split(".")[1])(*args, **kwargs)

    run_spec(exercise, spy, seed=seed)
    return seen


@pytest.mark.parametrize("exercise", ["03.soft_targets", "03.distillation_loss"])
def test_same_seed_gives_the_same_inputs_and_another_seed_others(exercise):
    assert inputs(exercise, 7) == inputs(exercise, 7)
    assert inputs(exercise, 7) != inputs(exercise, 8)
    assert len(inputs(exercise, 7)) == len(inputs(exercise, 8))


def test_each_check_has_inputs_of_its_own(plant):
    exercise = plant(PLANTED + PLANTED.replace("test_", "test_another_"))
    drawn = []
    run_spec(exercise, lambda x: drawn.append(x) or 1)
    first, again = (x for x in drawn if isinstance(x, torch.Tensor))
    assert first.tolist() != again.tolist()


def test_random_numbers_of_the_notebook_go_on_as_if_nothing_had_run():
    def greedy(logits, *, temperature):
        torch.manual_seed(5)
        return torch.rand_like(logits)

    torch.manual_seed(3)
    before = torch.get_rng_state()
    run_spec("03.soft_targets", greedy)
    assert torch.equal(torch.get_rng_state(), before)


def test_answer_that_draws_at_random_gets_the_same_verdict_each_time(plant):
    exercise, drawn = plant(), []
    for _ in range(2):
        drawn.append([])
        run_spec(exercise, lambda x: drawn[-1].append(torch.rand(2).tolist()) or 1)
    assert drawn[0] == drawn[1]


# ---- verdicts ----


def test_every_check_has_a_verdict_with_title_and_points(plant):
    result = run_spec(plant(), lambda x: 1 if isinstance(x, torch.Tensor) or x == 2 else 0)
    assert [(c.test, c.title, c.state, c.points, c.max_points) for c in result.checks] == [
        ("test_first", "The first of two.", State.RIGHT, 3, 3),
        ("test_second[1]", "Check number 1.", State.WRONG, 0, 0.5),
        ("test_second[2]", "Check number 2.", State.RIGHT, 0.5, 0.5),
    ]
    assert [c.message for c in result.checks] == ["", "one was expected", ""]
    assert (result.points, result.max_points) == (3.5, 4)


@pytest.mark.parametrize("exercise", exercises())
def test_untouched_answer_is_not_attempted_in_every_check(exercise):
    result = run_spec(exercise, placeholder)
    assert set(states(result)) == {State.NOT_ATTEMPTED}
    assert {check.message for check in result.checks} == {
        "replace the placeholder line with your code"
    }
    assert result.points == 0


def test_assertion_in_the_learners_own_code_is_told_as_raised_with_its_line(plant):
    # Not as wrong: the message would be the learner's own, and nothing was compared.
    def answer(x):
        assert x is None, "I want None"
        return 1

    result = run_spec(plant(), answer)
    assert set(states(result)) == {State.RAISED}
    message = result.checks[0].message
    assert message.startswith("AssertionError: I want None")
    assert message.endswith('at `assert x is None, "I want None"`')


@pytest.mark.parametrize("error", [SystemExit, RecursionError, pytest.skip.Exception])
def test_answer_that_tries_to_leave_is_told_as_raised(plant, error):
    def answer(x):
        raise error("out")

    result = run_spec(plant(), answer)
    assert states(result) == [State.RAISED] * 3
    assert result.points == 0


def test_stop_button_stops_the_checks(plant):
    def answer(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_spec(plant(), answer)


def test_answer_may_be_a_value(plant):
    exercise = plant(
        """
        import pytest

        @pytest.mark.points(1)
        def test_value(yours):
            '''The value.'''
            assert yours == 42, "42 was expected"
        """
    )
    assert run_spec(exercise, 42).points == 1
    assert states(run_spec(exercise, 41)) == [State.WRONG]


def test_notes_of_the_answer_come_with_the_result(plant):
    def answer(x):
        print("loud", file=sys.stderr)
        return 1

    assert run_spec(plant(), answer).notes == ("loud",)


class Obliging:
    def __eq__(self, other):
        return True

    __hash__ = object.__hash__

    def __getattr__(self, name):
        return lambda *args, **kwargs: True


ODD = {
    "obliging": lambda: Obliging(),
    "numpy": lambda: np.ones((2, 3)),
    "huge": lambda: 10**400,
    "complex": lambda: torch.ones((), dtype=torch.complex64),
    "sparse": lambda: torch.eye(3).to_sparse(),
    "meta": lambda: torch.ones(3, device="meta"),
    "nan": lambda: float("nan"),
    "empty": lambda: torch.ones(0),
    "class": lambda: int,
    "generator": lambda: iter(()),
    "bool": lambda: True,
    "dict": lambda: {"moving teacher": True, "piling gradients": [6]},
}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("exercise", exercises())
def test_no_odd_value_earns_points_or_breaks_a_check(exercise, value):
    result = run_spec(exercise, lambda *args, **kwargs: value())
    assert result.points == 0
    assert all(check.message for check in result.checks)


@pytest.mark.parametrize("exercise", exercises())
def test_answer_of_changing_shape_earns_nothing_and_breaks_no_check(exercise):
    sizes = iter(range(2, 1000))
    result = run_spec(exercise, lambda *args, **kwargs: torch.ones(next(sizes)))
    assert result.points == 0


# ---- broken specs are the author's, never the learner's ----

BROKEN = {
    "a check divides by zero": (
        "def test_a(yours):\n    '''A.'''\n    1 / 0\n",
        r"^a check of 99\.\w+ is broken: ZeroDivisionError\('division by zero'\)$",
    ),
    "a check calls a missing fixture": (
        "def test_a(yours, nothing):\n    '''A.'''\n",
        r"^a check of 99\.\w+ is broken: .*nothing",
    ),
    "a fixture fails": (
        "import pytest\n@pytest.fixture\ndef broken():\n    raise OSError('no file')\n"
        "def test_a(broken):\n    '''A.'''\n",
        r"^a check of 99\.\w+ is broken: OSError\('no file'\)$",
    ),
    "a fixture fails afterwards": (
        "import pytest\n@pytest.fixture\ndef broken():\n    yield\n    raise OSError('no file')\n"
        "def test_a(broken):\n    '''A.'''\n",
        r"^a check of 99\.\w+ is broken: OSError\('no file'\)$",
    ),
    "a check is skipped": (
        "import pytest\n@pytest.mark.skip\ndef test_a(yours):\n    '''A.'''\n",
        r"^a check of 99\.\w+ is broken: .*skip",
    ),
    "the import fails": (
        "import no_such_module\n",
        r"^a check of 99\.\w+ is broken: .*ModuleNotFoundError: No module named 'no_such_module'$",
    ),
    "the syntax is wrong": ("def test_a(:\n", r"^a check of 99\.\w+ is broken: .*SyntaxError"),
    "the title cannot be filled in": (
        "import pytest\n@pytest.mark.parametrize('n', [1])\n"
        "def test_a(n):\n    '''Title of {m}.'''\n",
        r"^the checks of 99\.\w+ did not run \(pytest exit code 3\)$",
    ),
    "there is no check": ("x = 1\n", r"^the checks of 99\.\w+ did not run \(pytest exit code 5\)$"),
}


@pytest.mark.parametrize(("source", "says"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_spec_is_an_error_and_never_a_0(plant, source, says):
    with pytest.raises(SpecError, match=says):
        run_spec(plant(source), lambda *args: 1)


def test_check_that_did_not_run_is_an_error(plant):
    # A spec that ends the run early would hide the checks behind it.
    source = PLANTED + "\n\ndef test_early(request):\n    request.session.shouldstop = 'enough'\n"
    with pytest.raises(SpecError, match=r"did not run|has 4 checks, but \d ran") as said:
        run_spec(plant(source.replace("test_first", "test_zero_first")), lambda x: 1)
    assert "99." in str(said.value)


# ---- surroundings ----


@pytest.mark.parametrize("name", ["PYTEST_ADDOPTS", "PYTEST_PLUGINS"])
def test_settings_of_the_surroundings_are_ignored_and_restored(plant, monkeypatch, name):
    monkeypatch.setenv(name, "--no-such-option")
    assert run_spec(plant(), lambda x: 1).points == 4
    assert os.environ[name] == "--no-such-option"


def test_conftest_beside_the_specs_is_not_read(plant, tmp_path):
    (tmp_path / "conftest.py").write_text("raise OSError\n", encoding="utf-8")
    (tmp_path / "unit_99" / "conftest.py").write_text("raise OSError\n", encoding="utf-8")
    exercise = plant()
    assert "99.conftest" in exercises()  # it is a file of the folder, but no plugin
    assert run_spec(exercise, lambda x: 1).points == 4


def test_working_folder_and_its_settings_do_not_matter(plant, tmp_path, monkeypatch):
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (tmp_path / "conftest.py").write_text("raise OSError\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run_spec(plant(), lambda x: 1).points == 4


def test_run_inside_a_pytest_run_leaves_the_outer_one_intact(plant, request, capsys):
    path, flag = list(sys.path), sys.dont_write_bytecode
    failed, running = request.session.testsfailed, os.environ["PYTEST_VERSION"]
    run_spec(plant(), lambda x: 0)
    assert sys.path == path
    assert sys.dont_write_bytecode is flag
    assert capsys.readouterr() == ("", "")
    assert request.session.testsfailed == failed
    assert os.environ["PYTEST_VERSION"] == running


def test_specs_leave_no_compiled_files(plant, tmp_path):
    run_spec(plant(), lambda x: 1)
    assert list(tmp_path.rglob("__pycache__")) == []


def test_answer_may_run_checks_itself(plant):
    inner = plant()

    def answer(x):
        return run_spec(inner, lambda x: 1).points - 3

    assert run_spec(plant(), answer).points == 4
