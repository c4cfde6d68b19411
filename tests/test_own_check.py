"""`medmeta check`: the verdicts of the notebook, in a terminal, and in the learner's log."""

import json
import os
import shlex
from datetime import datetime

import pytest
from rich.console import Console
from typer.testing import CliRunner

from medmeta_ref import cli, cli_learner
from medmeta_ref.grading.report import as_text
from medmeta_ref.grading.results import ExerciseResult
from medmeta_ref.grading.sandbox.backend import SandboxError
from medmeta_ref.grading.sandbox.grade import Sandbox
from medmeta_ref.grading.spec_runner import run_spec
from medmeta_ref.progress import log
from medmeta_ref.workbook import folders, own_check
from tests.learner_course import EXERCISES, SOLVED, UNIT, answer, learner_course
from tests.wrong_answers.unit_03 import mean_reduction

WRONG = """\
def distillation_loss(student_logits, teacher_logits, labels, *, temperature, alpha):
    log_student = F.log_softmax(student_logits / temperature, dim=1)
    teacher = F.softmax(teacher_logits.detach() / temperature, dim=1)
    soft = F.kl_div(log_student, teacher, reduction="mean")
    hard = F.cross_entropy(student_logits, labels)
    return alpha * temperature**2 * soft + (1 - alpha) * hard
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    root = learner_course(tmp_path / "course")
    monkeypatch.chdir(root / "lessons")
    return root


@pytest.fixture
def medmeta():
    def run(line):
        return CliRunner().invoke(cli.app, shlex.split(line))

    return run


def test_all_points_exit_with_0_and_are_noted(course, medmeta):
    folders.start(course, UNIT)
    answer(course, SOLVED)
    result = medmeta("check 03")
    assert result.exit_code == 0, result.output
    assert "03_distillation: 100 of 100 points" in result.stdout
    noted = log.read(log.log_file(course)).checks
    assert [check.exercise for check in noted] == [f"03.{name}" for name in EXERCISES]
    assert sum(check.points for check in noted) == 100
    assert {check.where for check in noted} == {"terminal"}
    assert all(check.attempted and check.answer for check in noted)


def test_verdicts_are_those_of_the_notebook_to_the_last_digit(course, medmeta):
    folders.start(course, UNIT)
    answer(course, {"distillation_loss": WRONG})
    result = medmeta("check 03_distillation --json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    shown = {each["exercise"]: each for each in found["exercises"]}
    here = ExerciseResult.from_json(shown["03.distillation_loss"])
    assert here.checks == run_spec("03.distillation_loss", mean_reduction).checks
    assert found["points"] == here.points == shown["03.distillation_loss"]["points"]
    assert (found["unit"], found["max_points"]) == (UNIT, 100)


def test_without_a_terminal_the_table_is_plain_text(course, medmeta):
    folders.start(course, UNIT)
    answer(course, {"distillation_loss": WRONG})
    result = medmeta("check 03")
    assert result.exit_code == 1
    assert as_text(run_spec("03.distillation_loss", mean_reduction)) in result.stdout
    assert "\n03.soft_targets: 0 of 8 points, not attempted\n" in "\n" + result.stdout
    assert "\x1b" not in result.stdout


def test_in_a_terminal_the_table_has_words_and_colours(course, medmeta, monkeypatch):
    folders.start(course, UNIT)
    answer(course, {"soft_targets": "def soft_targets(logits, *, temperature):\n    return 1 / 0"})
    monkeypatch.setattr(cli_learner, "out", Console(force_terminal=True, width=100, no_color=False))
    monkeypatch.delenv("NO_COLOR", raising=False)
    result = medmeta("check 03.soft_targets")
    assert "\x1b[35m! your code raised" in result.stdout
    assert "ZeroDivisionError" in result.stdout


def test_one_exercise_alone(course, medmeta):
    folders.start(course, UNIT)
    answer(course, {"label_weight": SOLVED["label_weight"]})
    result = medmeta("check 3.label_weight")
    assert result.exit_code == 0
    assert "5 of 5 points" in result.stdout
    assert [check.exercise for check in log.read(log.log_file(course)).checks] == [
        "03.label_weight"
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("check 03", "start with: medmeta start 03_distillation"),
        ("check 99", "no exercise '99'; there are 03_distillation"),
        ("check 03.nothing", "no exercise '03.nothing'"),
        ("check", "Missing argument"),
        ("check 03 --jsn", "No such option"),
    ],
)
def test_what_cannot_be_checked_exits_with_2_and_a_way_out(line, says, course, medmeta):
    if "nothing" in line:
        folders.start(course, UNIT)
    result = medmeta(line)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())
    assert result.stdout == ""


def test_outside_a_course_nothing_is_checked(tmp_path, medmeta, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = medmeta("check 03")
    assert result.exit_code == 2
    assert "inside a clone" in result.stderr


def test_a_helper_in_another_cell_is_told_as_at_grading(course, medmeta):
    folders.start(course, UNIT)
    mine = answer(
        course,
        {"soft_targets": "def soft_targets(logits, *, temperature):\n    return helper(logits)"},
    )
    notebook = json.loads(mine.read_text(encoding="utf-8"))
    own = {"cell_type": "code", "id": "own", "metadata": {}, "outputs": [], "execution_count": None}
    notebook["cells"].insert(2, own | {"source": "def helper(x):\n    return x"})
    mine.write_text(json.dumps(notebook), encoding="utf-8")
    result = medmeta("check 03.soft_targets")
    assert "'helper' (cell 3), which no answer cell defines" in result.stdout


def test_without_a_sandbox_ones_own_answers_run_and_that_is_said(course):
    folders.start(course, UNIT)
    answer(course, SOLVED)
    asked = []

    def none_works(name):
        asked.append(name)
        if name == "auto":
            raise SandboxError("no sandbox")
        return Sandbox(name)

    found = own_check.check_own(course, UNIT, only="03.label_weight", open_sandbox=none_works)
    assert asked == ["auto", "unsafe"]
    assert found.points == 5
    assert own_check.NO_SANDBOX in found.notes


def test_points_are_shown_when_they_cannot_be_noted(course, medmeta):
    folders.start(course, UNIT)
    answer(course, {"label_weight": SOLVED["label_weight"]})
    log.log_file(course).mkdir()
    result = medmeta("check 03.label_weight")
    assert result.exit_code == 0
    assert "5 of 5 points" in result.stdout
    [line] = [line for line in result.stdout.splitlines() if "could not be noted" in line]
    assert str(log.log_file(course)) in line


@pytest.mark.parametrize(
    ("text", "says"), [("{", "is no JSON"), (" " * 11_000_000, "Clear all outputs")]
)
def test_a_file_that_cannot_be_read_is_no_lost_points(text, says, course, medmeta):
    folders.start(course, UNIT)
    folders.my_notebook(course, UNIT).write_text(text, encoding="utf-8")
    result = medmeta("check 03")
    assert result.exit_code == 2
    assert says in result.stderr
    assert "medmeta reset 03_distillation" in result.stderr
    assert not log.log_file(course).exists()


def test_it_is_told_which_state_of_the_file_was_checked(course, medmeta):
    folders.start(course, UNIT)
    mine = answer(course, {"label_weight": SOLVED["label_weight"]})
    moment = datetime(2026, 3, 1, 12, 30, 15)
    os.utime(mine, (moment.timestamp(), moment.timestamp()))
    assert "As saved on 2026-03-01 at 12:30:15" in medmeta("check 03.label_weight").stdout
