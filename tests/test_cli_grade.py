"""`medmeta grade` and `medmeta demo` as somebody types them."""

import json
import shlex
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from medmeta_ref import cli, cli_grade
from medmeta_ref.authoring.builder import build, course_root
from medmeta_ref.grading.answers import fill_in, read_answers
from medmeta_ref.grading.sandbox import grade as sandboxes
from medmeta_ref.grading.sandbox.backend import refusal

pytestmark = pytest.mark.slow

ROOT = course_root()
UNIT = "03_distillation"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    (root / "solutions").mkdir()
    shutil.copy(ROOT / "nbgrader_config.py", root)
    shutil.copy(ROOT / "solutions" / f"{UNIT}.py", root / "solutions")
    shutil.copytree(ROOT / "tests" / "samples", root / "tests" / "samples")
    build(root)
    released = root / "exercises" / UNIT / f"{UNIT}.ipynb"
    for student, answers in {"ada": read_answers(ROOT / f"solutions/{UNIT}.py"), "bob": {}}.items():
        path = root / "submitted" / student / UNIT / f"{UNIT}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(fill_in(released, answers), encoding="utf-8")
    return root


@pytest.fixture
def course(built, tmp_path, monkeypatch):
    root = shutil.copytree(built, tmp_path / "course")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setenv("MEDMNIST_ROOT", str(tmp_path / "data"))
    monkeypatch.setenv("MEDMETA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cli_grade, "out", Console(width=160))
    monkeypatch.chdir(root)
    return root


def medmeta(line):
    return CliRunner().invoke(cli.app, shlex.split(line))


def without_a_sandbox(monkeypatch):
    real = sandboxes.backends

    def nothing(name):
        if name == "unsafe":
            return real(name)
        raise refusal(["the program `bwrap` is not there"])

    monkeypatch.setattr(sandboxes, "backends", nothing)


def test_json_has_a_line_for_each_and_progress_stays_out_of_it(course):
    result = medmeta(f"grade {UNIT} --json --jobs 1")
    assert result.exit_code == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {line["student"]: line["score"] for line in lines} == {"ada": 100, "bob": 0}
    assert all(Path(line["feedback"]).is_file() for line in lines)


def test_secret_is_made_outside_the_course(course, tmp_path):
    assert medmeta(f"grade {UNIT} --student bob --jobs 1").exit_code == 0
    assert (tmp_path / "settings" / "medmeta" / "course_secret").is_file()
    assert not list(course.rglob("*secret"))


def test_without_a_sandbox_nothing_is_graded_unless_it_is_said_to_be_safe(course, monkeypatch):
    without_a_sandbox(monkeypatch)
    refused = medmeta(f"grade {UNIT} --jobs 1")
    assert refused.exit_code == 1
    assert "No sandbox can be started here" in refused.stderr
    assert "--unsafe" in refused.stderr
    assert not list((course / "results").rglob("*.json"))
    graded = medmeta(f"grade {UNIT} --jobs 1 --unsafe --student ada")
    assert graded.exit_code == 0, graded.stderr
    assert "100 of 100" in graded.stdout


def test_demo_without_a_sandbox_grades_the_courses_own_sample_and_says_so(course, monkeypatch):
    without_a_sandbox(monkeypatch)
    result = medmeta("demo")
    assert result.exit_code == 0, result.stderr
    assert "graded without a sandbox" in result.stdout
    assert "feedback/sample/" in result.stdout


def test_unknown_sandbox_is_named(course):
    result = medmeta(f"grade {UNIT} --sandbox jail")
    assert result.exit_code == 1
    assert "no sandbox 'jail'; there are auto, bubblewrap, landlock" in result.stderr


def test_folder_without_submissions_is_named(course, tmp_path):
    result = medmeta(f"grade {UNIT} {tmp_path}/nothing")
    assert result.exit_code == 1
    assert "nothing in" in result.stderr
