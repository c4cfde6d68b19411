"""nbgrader's own commands, one after the other, as its documentation has them, on this course."""

import csv
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime

import nbformat
import pytest
from nbgrader.api import Gradebook

from medmeta_ref.authoring.builder import build, course_root
from medmeta_ref.grading.answers import fill_in, read_answers
from medmeta_ref.grading.gradebook import Course, grade, read_results
from medmeta_ref.grading.results import State
from medmeta_ref.grading.spec_runner import exercises, max_points

pytestmark = pytest.mark.slow

ROOT = course_root()
UNIT = "03_distillation"
SOLVED = read_answers(ROOT / "solutions" / f"{UNIT}.py")
SECRET = "a secret of the course"
MARKUP = "<script>alert(1)</script>"
ANSWERS = {
    "ada": SOLVED,
    "bob": {"label_weight": f"def label_weight(labels):\n    raise ValueError({MARKUP!r})"},
}


class Machine:
    """A machine with an exchange, an instructor's course, and homes of learners."""

    def __init__(self, folder):
        self.folder, self.course = folder, folder / "course"
        (folder / "exchange").mkdir(mode=0o777)
        (folder / "exchange").chmod(0o777)

    def home(self, student):
        return self.folder / student

    def run(self, line, *, user="instructor", cwd=None, code=0):
        home = self.folder / f"home-{user}"
        settings = home / ".jupyter"
        settings.mkdir(parents=True, exist_ok=True)
        (settings / "nbgrader_config.py").write_text(
            f"c = get_config()\nc.Exchange.root = {str(self.folder / 'exchange')!r}\n"
            f"c.Exchange.cache = {str(home / 'cache')!r}\nc.CourseDirectory.course_id = 'medmeta'\n"
        )
        environment = os.environ | {
            "HOME": str(home),
            "JUPYTER_CONFIG_DIR": str(settings),
            "USER": user,
            "LOGNAME": user,
            "MEDMETA_SECRET": SECRET,
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *line.split()],
            cwd=cwd or self.course,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """Return a machine on which everything has been done, from build to export."""
    machine = Machine(tmp_path_factory.mktemp("chain"))
    course = machine.course
    (course / "solutions").mkdir(parents=True)
    shutil.copy(ROOT / "nbgrader_config.py", course)
    shutil.copy(ROOT / "solutions" / f"{UNIT}.py", course / "solutions")
    build(course)
    machine.run(f"generate_assignment {UNIT} --force")
    machine.run(f"release_assignment {UNIT}")
    for student, answers in ANSWERS.items():
        home = machine.home(student)
        home.mkdir()
        machine.run(f"fetch_assignment {UNIT}", user=student, cwd=home)
        notebook = home / UNIT / f"{UNIT}.ipynb"
        notebook.write_text(fill_in(notebook, answers), encoding="utf-8")
        machine.run(f"submit {UNIT} --student={student}", user=student, cwd=home)
    machine.validated = machine.run(
        f"validate {UNIT}/{UNIT}.ipynb", user="ada", cwd=machine.home("ada")
    )
    machine.run(f"collect {UNIT}")
    # A link in a submission must lead nowhere, and nothing beside the notebook is taken.
    for student in sorted(os.listdir(course / "submitted")):
        (course / "submitted" / student / UNIT / "link.txt").symlink_to("/etc/passwd")
    machine.log = machine.run(f"autograde {UNIT} --Autograde.log_level=DEBUG")
    machine.run(f"generate_feedback {UNIT}")
    machine.run(f"release_feedback {UNIT}")
    machine.run("export --to grades.csv")
    return machine


def collected(machine):
    """Return learner -> the name nbgrader files them under; one user runs all of this here."""
    return sorted(path.name for path in (machine.course / "submitted").iterdir())


def test_points_in_notebook_metadata_equal_points_in_specs(machine):
    notebook = json.loads((machine.course / "exercises" / UNIT / f"{UNIT}.ipynb").read_text())
    fields = [cell["metadata"].get("nbgrader", {}) for cell in notebook["cells"]]
    points = {f["grade_id"].removesuffix("_check"): f["points"] for f in fields if f.get("grade")}
    assert points == {e.split(".")[1]: max_points(e) for e in exercises() if e.startswith("03.")}


def test_solved_notebook_validates(machine):
    assert "Success! Your notebook passes all the tests." in machine.validated


def test_autograding_starts_no_kernel_and_follows_no_link(machine):
    assert "kernel" not in machine.log.replace("kernelspec", "").lower()
    for folder in ("autograded", "feedback"):
        names = {path.name for path in (machine.course / folder).rglob("*") if path.is_file()}
        assert "link.txt" not in names
        assert {"timestamp.txt", "submission_secret.txt"} <= names


def test_gradebook_and_export_have_the_points_of_the_verdicts(machine):
    with (machine.course / "grades.csv").open() as file:
        exported = {row["student_id"]: float(row["raw_score"]) for row in csv.DictReader(file)}
    with Gradebook(f"sqlite:///{machine.course}/gradebook.db") as book:
        in_book = {one.student.id: one.score for one in book.assignment_submissions(UNIT)}
    verdicts = {}
    for student in collected(machine):
        path = machine.course / "autograded" / student / UNIT / f"{UNIT}.ipynb"
        verdicts[student] = sum(result.points for result in read_results(path))
    assert exported == in_book == verdicts
    assert verdicts == {"ada": 100, "bob": 0}


def test_learner_fetches_the_feedback_that_was_released(machine):
    home = machine.home("ada")
    machine.run(f"fetch_feedback {UNIT} --student=ada", user="ada", cwd=home)
    [page] = (home / UNIT / "feedback").rglob("*.html")
    assert "100.0" in page.read_text(encoding="utf-8")


def test_no_page_runs_what_a_learner_wrote(machine):
    for page in (machine.course / "feedback").rglob("*.html"):
        assert MARKUP not in page.read_text(encoding="utf-8")


def rows(course):
    """Return everything the gradebook says about submissions, without its random ids."""
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        found = {}
        for submission in book.assignment_submissions(UNIT):
            (notebook,) = submission.notebooks
            grades = {
                g.name: (g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade)
                for g in notebook.grades
            }
            comments = {c.name: (c.auto_comment, c.manual_comment) for c in notebook.comments}
            found[submission.student.id] = (
                *(submission.timestamp, submission.extension, submission.score),
                *(notebook.late_submission_penalty, notebook.failed_tests, grades, comments),
            )
        return found


def test_medmeta_grade_leaves_what_nbgrader_autograde_leaves(machine, tmp_path, monkeypatch):
    """Two copies of a course with a deadline, a late student and a penalty: the same in the end."""
    monkeypatch.setenv("MEDMETA_SECRET", SECRET)
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for course in (ours, theirs):
        ignored = shutil.ignore_patterns("submitted", "autograded", "feedback", "results")
        shutil.copytree(machine.course, course, ignore=ignored)
        with (course / "nbgrader_config.py").open("a") as file:
            file.write("\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
        with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
            for submission in book.assignment_submissions(UNIT):
                book.remove_submission(UNIT, submission.student.id)
            book.update_or_create_assignment(UNIT, duedate=datetime(2026, 3, 1))
        released = course / "exercises" / UNIT / f"{UNIT}.ipynb"
        for day, (student, answers) in zip((1, 28), ANSWERS.items(), strict=True):
            path = course / "submitted" / student / UNIT / f"{UNIT}.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(fill_in(released, answers), encoding="utf-8")
            month = 2 if day == 28 else 3
            stamp = f"2026-{month:02}-{day:02} 10:00:00.250000 UTC"
            (path.parent / "timestamp.txt").write_text(stamp)
            (path.parent / "submission_secret.txt").write_text("0123456789abcdef" * 8)
    scores = {one.student: one.score for one in grade(Course(ours), UNIT, sorted(ANSWERS))}
    machine.run(f"autograde {UNIT}", cwd=theirs)
    machine.run(f"generate_feedback {UNIT}", cwd=theirs)
    assert rows(ours) == rows(theirs)
    assert scores == {"ada": 0, "bob": 0}  # ada's 100 points were handed in too late
    assert {len(row[-1]) for row in rows(ours).values()} == {len(SOLVED)}
    for student in ANSWERS:
        for folder, suffix in (("autograded", "ipynb"), ("feedback", "html")):
            one, other = (c / folder / student / UNIT for c in (ours, theirs))
            assert sorted(p.name for p in one.iterdir()) == sorted(p.name for p in other.iterdir())
            for path in one.iterdir():
                assert path.stat().st_mode == (other / path.name).stat().st_mode, path
            mine, nbgraders = ((f / f"{UNIT}.{suffix}").read_text() for f in (one, other))
            if suffix == "ipynb":
                assert nbformat.reads(mine, 4) == nbformat.reads(nbgraders, 4)
            else:
                assert in_words(mine) == in_words(nbgraders)


def in_words(page):
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(page, features="html.parser")
    tags = [(tag.name, tag.get("id"), tag.get("class")) for tag in soup.find_all(True)]
    return tags, soup.get_text().split()


def test_manual_grade_stays_and_is_shown_again(machine, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDMETA_SECRET", SECRET)
    course = tmp_path / "course"
    shutil.copytree(
        machine.course, course, ignore=shutil.ignore_patterns("submitted", "autograded")
    )
    path = course / "submitted" / "eve" / UNIT / f"{UNIT}.ipynb"
    path.parent.mkdir(parents=True)
    released = course / "exercises" / UNIT / f"{UNIT}.ipynb"
    path.write_text(fill_in(released, ANSWERS["bob"]), encoding="utf-8")
    list(grade(Course(course), UNIT, ["eve"]))
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        book.find_grade("label_weight_check", UNIT, UNIT, "eve").manual_score = 3
        book.db.commit()
    path.write_text(fill_in(released, SOLVED), encoding="utf-8")
    [again] = grade(Course(course), UNIT, ["eve"])
    assert again.score == 100 - 5 + 3
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        assert book.find_grade("label_weight_check", UNIT, UNIT, "eve").needs_manual_grade
    assert {check.state for each in again.exercises for check in each.checks} == {State.RIGHT}
