"""`medmeta report` as somebody types it."""

import csv
import json
import shlex
import shutil

import pytest
from rich.console import Console
from typer.testing import CliRunner

from medmeta_ref import cli, cli_report
from tests.graded_class import ROOT, UNIT, a_class, graded, solutions, write_results
from tests.pages import HOSTILE, problems


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Return a course folder with a released unit; the current folder is it."""
    root = tmp_path / "course"
    shutil.copytree(ROOT / "exercises" / UNIT, root / "exercises" / UNIT)
    (root / "solutions").mkdir()
    shutil.copy(ROOT / "solutions" / f"{UNIT}.py", root / "solutions")
    (root / "nbgrader_config.py").touch()
    monkeypatch.chdir(root)
    monkeypatch.setattr(cli_report, "out", Console(width=160))
    return root


def medmeta(line):
    return CliRunner().invoke(cli.app, shlex.split(line))


def test_one_command_writes_every_report(course):
    results = [*a_class(40)[:4], graded("copy", solutions()), graded("me", {"soft_targets": "x"})]
    write_results(results, course)
    roster = course / "class.csv"
    roster.write_text("Student,ID,folder\nAda,17,copy\nGrace,18,\n", encoding="utf-8")
    done = medmeta(f"report {UNIT} --roster class.csv")
    assert done.exit_code == 0, done.output
    out = course / "results" / UNIT / "report"
    students = {stored.student for stored in results}
    assert {path.stem for path in (out / "feedback").iterdir()} == students
    for stored in results:
        data = json.loads((out / "gradescope" / stored.student / "results.json").read_text("utf-8"))
        assert data["score"] == stored.result.points
    for page in out.rglob("*.html"):
        assert problems(page.read_text(encoding="utf-8")) == [], page
    rows = list(csv.reader((out / "canvas.csv").read_text(encoding="utf-8").splitlines()))
    assert ["Ada", "17", "", "", "", "100"] in rows
    assert {row[0] for row in rows[2:]} == {"Ada", "Grace", *students - {"copy"}}
    similar = json.loads((out / "similarity.json").read_text(encoding="utf-8"))
    assert any("copy" in each["left"] and each["solution"] for each in similar)
    assert f"{UNIT}: 6 submissions" in done.stdout
    assert f"{out / 'canvas.csv'}: grades for Canvas" in done.stdout
    assert "5 graded, but not in the roster" in done.stdout
    assert "1 in the roster, but not graded: Grace" in done.stdout


def test_folders_and_the_column_can_be_chosen_and_json_holds_what_the_table_does(course, tmp_path):
    write_results(a_class(40)[:2], tmp_path / "elsewhere")
    line = f"report {UNIT} --results {tmp_path}/elsewhere/results --out {tmp_path}/out --json"
    done = medmeta(f"{line} --column 'Unit 3 (42)'")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert data["folder"] == str(tmp_path / "out")
    assert {item["n_submissions"] for item in data["items"]} == {2}
    for name in data["files"]:
        assert (tmp_path / "out" / name).exists(), name
    header = (tmp_path / "out" / "moodle.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.endswith(",Unit 3 (42)")
    assert not (course / "results").exists()


def test_writing_twice_gives_the_same_and_what_is_left_of_others_is_told(course):
    folder = write_results(a_class(40)[:3], course)
    assert medmeta(f"report {UNIT}").exit_code == 0
    out = folder / "report"
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert medmeta(f"report {UNIT}").exit_code == 0
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    (folder / "student01.json").unlink()
    done = medmeta(f"report {UNIT}")
    assert "not of these results: feedback/student01.html" in done.stdout


def test_without_the_solutions_the_rest_is_written_and_a_note_says_so(course):
    write_results([graded("copy", solutions())], course)
    shutil.rmtree(course / "solutions")
    done = medmeta(f"report {UNIT}")
    assert done.exit_code == 0, done.output
    assert "no answer was compared with it" in done.stdout


def test_hostile_texts_reach_neither_terminal_nor_file_as_more_than_text(course):
    text = "\n".join(HOSTILE)
    stored = graded("student", dict.fromkeys(["written"], text), notes=[text])
    write_results([stored._replace(answers={"loss_test": text})], course)
    done = medmeta(f"report {UNIT}")
    assert done.exit_code == 0, done.output
    assert "\x1b[31m" not in done.stdout
    for page in (course / "results").rglob("*.html"):
        assert problems(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("report 99_none", f"no exercise '99_none'; there are {UNIT}"),
        ("report ..", "no exercise '..'"),
        (f"report {UNIT}", "grade the unit first"),
        (f"report {UNIT} --results nowhere", "grade the unit first"),
    ],
)
def test_what_is_not_there_is_named(line, says, course):
    done = medmeta(line)
    assert done.exit_code == 1
    assert says in done.stderr
    assert not (course / "results").exists()


def test_a_broken_result_or_roster_is_named_and_nothing_is_written(course):
    folder = write_results(a_class(40)[:1], course)
    done = medmeta(f"report {UNIT} --roster missing.csv")
    assert done.exit_code == 1
    assert "missing.csv cannot be read" in done.stderr
    (folder / "bad.json").write_text("{", encoding="utf-8")
    done = medmeta(f"report {UNIT}")
    assert done.exit_code == 1
    assert "bad.json: no JSON" in done.stderr
    assert not (folder / "report").exists()
