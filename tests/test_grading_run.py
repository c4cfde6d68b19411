"""A batch that is killed, hindered or given broken things loses nothing and says what happened."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from medmeta_ref.authoring.builder import build, course_root
from medmeta_ref.grading import gradebook
from medmeta_ref.grading.answers import fill_in, read_answers
from medmeta_ref.grading.executors import ClusterError, dask, local
from medmeta_ref.grading.grade_one import SandboxChoice
from medmeta_ref.grading.gradebook import Course, grade, submitted_students
from medmeta_ref.grading.nbgrader_course import GradingError
from medmeta_ref.grading.result_files import BusyError, only_run, read_result, result_file
from medmeta_ref.grading.sandbox.backend import SandboxError
from medmeta_ref.grading.spec_runner import SpecError

pytestmark = pytest.mark.slow

ROOT = course_root()
UNIT = "03_distillation"
SOLVED = read_answers(ROOT / "solutions" / f"{UNIT}.py")
STUDENTS = [f"s{number:02}" for number in range(12)]


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("MEDMETA_SECRET", "a secret of the course")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Return a built course with a dozen submissions, each of another number of answers."""
    root = tmp_path_factory.mktemp("template") / "course"
    (root / "solutions").mkdir(parents=True)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    shutil.copy(ROOT / "solutions" / f"{UNIT}.py", root / "solutions")
    build(root)
    released = root / "exercises" / UNIT / f"{UNIT}.ipynb"
    names = list(SOLVED)
    for number, student in enumerate(STUDENTS):
        path = root / "submitted" / student / UNIT / f"{UNIT}.ipynb"
        path.parent.mkdir(parents=True)
        some = {name: SOLVED[name] for name in names[: number % (len(names) + 1)]}
        path.write_text(fill_in(released, some), encoding="utf-8")
    return root


@pytest.fixture
def root(template, tmp_path):
    return shutil.copytree(template, tmp_path / "course")


def scores(root):
    """Return student -> score, as the gradebook has it."""
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        return {one.student.id: one.score for one in book.assignment_submissions(UNIT)}


def run(root, students=STUDENTS, **settings):
    return {one.student: one for one in grade(Course(root, **settings), UNIT, students)}


@pytest.fixture(scope="module")
def expected(template, tmp_path_factory):
    """Return student -> score, from a run that nothing hinders."""
    root = shutil.copytree(template, tmp_path_factory.mktemp("expected") / "course")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDMETA_SECRET", "a secret of the course")
        return {student: one.score for student, one in run(root).items()}


def test_scores_grow_with_the_answers(expected):
    found = [expected[student] for student in STUDENTS[: len(SOLVED) + 1]]
    assert found[0] == 0
    assert found[-1] == 100
    assert found == sorted(set(found))


COMMAND = [sys.executable, "-m", "medmeta_ref", "grade", UNIT]


def start(root, *options):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*COMMAND, *options],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def members(session):
    """Return the processes of a session that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] not in "ZX":
            found.append(int(stat.parent.name))
    return found


def test_killed_three_times_it_grades_each_submission_once(root, expected):
    folder = root / "results" / UNIT
    graded = {}
    for wanted in (2, 5, 9):
        process = start(root, "--jobs", "2")
        while process.poll() is None and len(list(folder.glob("s*.json"))) < wanted:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        for _ in range(500):
            if not members(process.pid):
                break
            time.sleep(0.02)
        assert members(process.pid) == []
        for path in folder.glob("s*.json"):
            read_result(path)  # whole, or not there
            assert graded.setdefault(path.name, path.stat().st_ino) == path.stat().st_ino
    assert len(graded) >= 9
    process = start(root, "--jobs", "2")
    said, complaints = process.communicate(timeout=300)
    assert process.returncode == 0, complaints
    assert len(said.splitlines()) == len(STUDENTS)
    kept = {path.name: path.stat().st_ino for path in folder.glob("s*.json")}
    assert graded.items() <= kept.items()
    assert scores(root) == expected
    for student in STUDENTS:
        assert (root / "feedback" / student / UNIT / f"{UNIT}.html").stat().st_size > 10_000


def test_second_run_grades_nothing_and_writes_nothing(root):
    first = run(root, STUDENTS[:3])
    files = [*root.glob("results/**/*"), *root.glob("autograded/**/*"), *root.glob("feedback/**/*")]
    before = {path: path.stat().st_mtime_ns for path in files if path.suffix != ".lock"}
    assert run(root, STUDENTS[:3]) == first
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_changed_answer_is_graded_again_and_nothing_else(root):
    run(root, STUDENTS[:3])
    before = {s: result_file(root, UNIT, s).stat().st_ino for s in STUDENTS[:3]}
    shutil.copy(
        root / "submitted" / STUDENTS[len(SOLVED)] / UNIT / f"{UNIT}.ipynb",
        root / "submitted" / STUDENTS[1] / UNIT,
    )
    assert run(root, STUDENTS[:3])[STUDENTS[1]].score == 100
    after = {s: result_file(root, UNIT, s).stat().st_ino for s in STUDENTS[:3]}
    assert {s for s in before if after[s] != before[s]} == {STUDENTS[1]}


def test_result_reached_without_a_sandbox_is_not_taken_for_one_with(root):
    run(root, STUDENTS[1:2], sandbox=SandboxChoice("unsafe"))
    unsafe = read_result(result_file(root, UNIT, STUDENTS[1])).key
    run(root, STUDENTS[1:2])
    assert read_result(result_file(root, UNIT, STUDENTS[1])).key != unsafe


@pytest.mark.parametrize("damage", [b'{"student": "s01"}', b"\xff\xfe"])
def test_damaged_result_is_named_and_graded_again(root, damage, expected):
    run(root, STUDENTS[1:2])
    path = result_file(root, UNIT, STUDENTS[1])
    path.write_bytes(damage)
    told = []
    graded = run(root, STUDENTS[1:2], tell=told.append)
    assert graded[STUDENTS[1]].score == expected[STUDENTS[1]]
    [message] = told
    assert str(path) in message
    assert message.endswith("; it is graded again")
    assert read_result(path).student == STUDENTS[1]


def test_read_only_gradebook_is_named_and_the_result_is_kept(root, expected):
    run(root, STUDENTS[:1])
    readonly = f"sqlite:///file:{root}/gradebook.db?mode=ro&uri=true"
    with pytest.raises(GradingError) as refused:
        run(root, STUDENTS[1:2], gradebook=readonly)
    assert "readonly database" in str(refused.value)
    assert "Nothing is lost" in str(refused.value)
    assert scores(root) == {STUDENTS[0]: 0}
    inode = result_file(root, UNIT, STUDENTS[1]).stat().st_ino
    assert run(root, STUDENTS[1:2])[STUDENTS[1]].score == expected[STUDENTS[1]]
    assert result_file(root, UNIT, STUDENTS[1]).stat().st_ino == inode


def test_gradebook_that_refuses_a_student_keeps_the_result(root, expected):
    run(root, STUDENTS[:1])
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        book.db.execute(gradebook_trigger())
        book.db.commit()
    with pytest.raises(GradingError) as refused:
        run(root, STUDENTS[1:2])
    assert "no more students" in str(refused.value)
    assert "Nothing is lost" in str(refused.value)
    inode = result_file(root, UNIT, STUDENTS[1]).stat().st_ino
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        book.db.execute(gradebook_trigger("DROP TRIGGER shut"))
        book.db.commit()
    assert run(root, STUDENTS[1:2])[STUDENTS[1]].score == expected[STUDENTS[1]]
    assert result_file(root, UNIT, STUDENTS[1]).stat().st_ino == inode


def gradebook_trigger(sql=""):
    from sqlalchemy import text

    shut = "CREATE TRIGGER shut BEFORE INSERT ON student BEGIN "
    return text(sql or shut + "SELECT RAISE(ABORT, 'no more students'); END")


def test_full_disk_is_told_and_the_next_run_goes_on(root, expected):
    """A limit on the size of files stands for the disk: results fit in, pages do not."""
    run(root, STUDENTS[:1])
    limit = (root / "gradebook.db").stat().st_size
    page = root / "feedback" / STUDENTS[0] / UNIT / f"{UNIT}.html"
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    small = min(limit - 4096, page.stat().st_size - 4096)
    resource.setrlimit(resource.RLIMIT_FSIZE, (small, old[1]))
    try:
        with pytest.raises(GradingError):
            run(root, STUDENTS[1:2])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, heard)
    assert not list(root.glob("**/.*.part"))
    assert run(root, STUDENTS[:2])[STUDENTS[1]].score == expected[STUDENTS[1]]


def test_broken_spec_is_named_gives_no_score_and_stops_early(root, monkeypatch):
    from medmeta_ref.grading import batch

    asked = []

    def broken(task):
        asked.append(task.student)
        raise SpecError("a check of 03.soft_targets is broken: ZeroDivisionError()")

    monkeypatch.setattr(batch, "grade_one", broken)
    failures = []
    with pytest.raises(SpecError, match=r"(?s)03\.soft_targets.*No score was written"):
        run(root, on_failure=lambda student, why: failures.append(student))
    assert asked == failures == STUDENTS[: gradebook.MAX_BROKEN]
    assert scores(root) == {}
    assert not list((root / "results" / UNIT).glob("*.json"))


def test_check_that_one_submission_breaks_does_not_stop_the_others(root, monkeypatch, expected):
    from medmeta_ref.grading import batch

    real = batch.grade_one

    def picky(task):
        if task.student == STUDENTS[1]:
            raise SpecError("a check of 03.soft_targets is broken: ZeroDivisionError()")
        return real(task)

    monkeypatch.setattr(batch, "grade_one", picky)
    with pytest.raises(SpecError, match=STUDENTS[1]):
        run(root, STUDENTS[:3])
    assert scores(root) == {student: expected[student] for student in (STUDENTS[0], STUDENTS[2])}


def test_sandbox_that_does_not_start_stops_the_run_without_a_score(root, monkeypatch):
    from medmeta_ref.grading.sandbox import grade as sandboxes

    def nothing(name):
        raise SandboxError("No sandbox can be started here")

    monkeypatch.setattr(sandboxes, "backends", nothing)
    with pytest.raises(SandboxError):
        run(root)
    assert scores(root) == {}


def test_second_run_at_the_same_time_is_refused(root):
    with only_run(root, UNIT), pytest.raises(BusyError, match="another run is grading"):
        run(root, STUDENTS[:1])


def test_folder_elsewhere_is_graded_like_the_courses_own(root, tmp_path, expected):
    shutil.move(root / "submitted", tmp_path / "elsewhere")
    elsewhere = str(tmp_path / "elsewhere")
    assert submitted_students(root, UNIT, elsewhere) == STUDENTS
    graded = run(root, STUDENTS[3:4], submitted=elsewhere)
    assert graded[STUDENTS[3]].score == expected[STUDENTS[3]]


def listening(process, word):
    """Return the first line of a process's stderr that holds a word."""
    for line in process.stderr:
        if word in line:
            return line
    raise AssertionError(f"ended without saying {word}")


@pytest.fixture
def cluster(tmp_path):
    """Return the address of a Dask scheduler, and its two workers, all processes of their own."""
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    running = []

    def begin(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
            env=environment,
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        running.append(process)
        return process

    scheduler = begin("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    line = listening(scheduler, "Scheduler at:")
    address = "tcp://" + line.split("tcp://")[1].strip()
    workers = [
        begin("dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
        for _ in range(2)
    ]
    for worker in workers:
        listening(worker, "Registered to")
    yield address, workers
    for process in reversed(running):
        process.kill()
        process.communicate()


def test_cluster_that_loses_a_worker_grades_each_submission_once(root, cluster, expected):
    address, workers = cluster
    found = []
    for one in grade(Course(root, start=partial(dask, address)), UNIT, STUDENTS):
        found.append(one.student)
        if len(found) == 2:
            workers[0].kill()
    assert sorted(found) == STUDENTS
    assert scores(root) == expected


def test_cluster_that_is_not_there_is_named(root):
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with pytest.raises(ClusterError, match=r"tcp://127\.0\.0\.1:9"):
        run(root, STUDENTS[:1], start=partial(dask, "tcp://127.0.0.1:9"))


def test_processes_that_end_are_replaced(root, monkeypatch, expected):
    students = STUDENTS[:4]
    graded = grade(Course(root, start=partial(local, 2)), UNIT, students)
    first = next(graded)
    for stat in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = stat.read_bytes()
            parent = int((stat.parent / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if b"spawn_main" in command and parent == os.getpid():
            os.kill(int(stat.parent.name), signal.SIGKILL)
    found = {one.student: one.score for one in (first, *graded)}
    assert found == {student: expected[student] for student in students}


def test_result_file_reads_as_the_reports_read_it(root):
    run(root, STUDENTS[len(SOLVED) : len(SOLVED) + 1])
    data = json.loads(result_file(root, UNIT, STUDENTS[len(SOLVED)]).read_text())
    assert data["student"] == STUDENTS[len(SOLVED)]
    assert data["result"]["unit"] == UNIT
    assert set(data["answers"]) == set(SOLVED)
