"""A folder that a stranger filled: one notebook, a time and a secret come out of it, or a note."""

import json
import os
import shutil
import socket
import stat
import types
from datetime import UTC, datetime, timedelta

import pytest
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.grading import submission_files
from medmeta_ref.grading.answers import fill_in, read_answers
from medmeta_ref.grading.hand_in_time import read_time, write_time
from medmeta_ref.grading.intake import hand_on, take_in
from medmeta_ref.grading.submission_files import (
    MAX_BYTES,
    Refused,
    open_folder,
    read_file,
    shown,
)

UNIT = "03_distillation"
RELEASED = course_root() / "exercises" / UNIT / f"{UNIT}.ipynb"
SOLVED = read_answers(course_root() / "solutions" / f"{UNIT}.py")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
STAMP = "2026-11-05 22:59:30.500000 UTC"
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def root(tmp_path):
    """Return a course folder with the release and one student's folder, ann's, in order."""
    root = tmp_path / "course"
    (root / "exercises" / UNIT).mkdir(parents=True)
    shutil.copy(RELEASED, root / "exercises" / UNIT)
    hand_in(root, "ann")
    return root


def hand_in(root, student, answers=SOLVED):
    folder = root / "submitted" / student / UNIT
    folder.mkdir(parents=True)
    (folder / f"{UNIT}.ipynb").write_text(fill_in(RELEASED, answers), encoding="utf-8")
    (folder / "timestamp.txt").write_text(STAMP)
    (folder / "submission_secret.txt").write_text("ab" * 64)
    return folder


@pytest.fixture
def ann(root):
    return root / "submitted" / "ann" / UNIT


def notebook_of(folder):
    return folder / f"{UNIT}.ipynb"


def taken(root, student="ann", **more):
    return take_in(root, UNIT, student, now=NOW, **more)


def assert_refused(found, *words):
    assert found.rebuilt.notebook == json.loads(RELEASED.read_text(encoding="utf-8"))
    assert found.rebuilt.answers == {}
    assert all(word in found.rebuilt.notes[0] for word in words), found.rebuilt.notes
    assert found.rebuilt.notes[0].endswith("All exercises count as not attempted.")


def test_submission_in_order_is_taken_without_a_note(root):
    found = taken(root)
    assert found.rebuilt.answers == SOLVED
    assert found.rebuilt.notes == ()
    assert (found.unit, found.student, found.secret) == (UNIT, "ann", "ab" * 64)
    assert write_time(found.handed_in) == STAMP


def test_another_folder_of_the_same_shape_can_be_read(root):
    (root / "submitted").rename(root / "raw")
    assert taken(root, submitted="raw").rebuilt.answers == SOLVED


# What stands where the notebook should.


def canary(tmp_path):
    """Return a file of the instructor's that must not be read: a solved notebook."""
    path = tmp_path / "canary.ipynb"
    path.write_text(fill_in(RELEASED, SOLVED), encoding="utf-8")
    return path


def test_link_in_place_of_the_notebook_is_not_followed(root, ann, tmp_path):
    notebook_of(ann).unlink()
    notebook_of(ann).symlink_to(canary(tmp_path))
    assert_refused(taken(root), "is a link")


@pytest.mark.parametrize("depth", ["submitted", "student", "unit"])
def test_link_in_place_of_a_folder_is_not_followed(root, ann, depth):
    at = {"submitted": ann.parent.parent, "student": ann.parent, "unit": ann}[depth]
    elsewhere = root / "elsewhere"
    at.rename(elsewhere)
    at.symlink_to(elsewhere)
    found = taken(root)
    assert_refused(found, "is a link or no folder")
    assert found.handed_in == NOW


@pytest.mark.parametrize("depth", ["student", "unit"])
def test_file_in_place_of_a_folder_is_refused(root, ann, depth):
    at = {"student": ann.parent, "unit": ann}[depth]
    shutil.rmtree(at)
    at.write_text("x")
    assert_refused(taken(root), "is a link or no folder")


def test_missing_folder_and_missing_notebook_are_told_apart(root, ann):
    assert_refused(taken(root, "bob"), "Nothing was handed in", "submitted/bob")
    notebook_of(ann).unlink()
    found = taken(root)
    assert_refused(found, f"There is no notebook '{UNIT}.ipynb'")
    assert write_time(found.handed_in) == STAMP


def test_pipe_is_refused_at_once(root, ann):
    notebook_of(ann).unlink()
    os.mkfifo(notebook_of(ann))
    assert_refused(taken(root), "is a pipe")


def test_folder_in_place_of_the_notebook_is_refused(root, ann):
    notebook_of(ann).unlink()
    notebook_of(ann).mkdir()
    assert_refused(taken(root), "is a folder")


def test_socket_is_refused(root, ann, monkeypatch):
    notebook_of(ann).unlink()
    monkeypatch.chdir(ann)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(notebook_of(ann).name)
        assert_refused(taken(root), "device or socket")


@pytest.mark.skipif(not IS_ROOT, reason="only root makes devices")
def test_device_is_refused_and_not_opened(root, ann):
    notebook_of(ann).unlink()
    try:
        os.mknod(notebook_of(ann), stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        pytest.skip("no devices in this container")
    assert_refused(taken(root), "device or socket")


def test_pipe_that_appears_between_look_and_opening_does_not_block(root, ann, monkeypatch):
    look = os.stat(notebook_of(ann))
    notebook_of(ann).unlink()
    os.mkfifo(notebook_of(ann))
    monkeypatch.setattr(submission_files.os, "stat", lambda *_, **__: look)
    with open_folder(root, ["submitted", "ann", UNIT]) as folder, pytest.raises(Refused):
        read_file(folder, f"{UNIT}.ipynb")


def test_link_that_appears_between_look_and_opening_is_not_followed(
    root, ann, tmp_path, monkeypatch
):
    look = os.stat(notebook_of(ann))
    notebook_of(ann).unlink()
    notebook_of(ann).symlink_to(canary(tmp_path))
    monkeypatch.setattr(submission_files.os, "stat", lambda *_, **__: look)
    with open_folder(root, ["submitted", "ann", UNIT]) as folder, pytest.raises(Refused):
        read_file(folder, f"{UNIT}.ipynb")


def test_second_name_of_ones_own_file_is_taken_with_a_note(root, ann):
    os.link(notebook_of(ann), root / "backup.ipynb")
    found = taken(root)
    assert found.rebuilt.answers == SOLVED
    assert "hard link" in found.rebuilt.notes[0]


@pytest.mark.skipif(not IS_ROOT, reason="only root gives files away")
def test_second_name_of_somebody_elses_file_is_refused(root, ann):
    other = hand_in(root, "bob")
    os.chown(notebook_of(other), 4321, 4321)
    notebook_of(ann).unlink()
    os.link(notebook_of(other), notebook_of(ann))
    assert_refused(taken(root), "belongs to somebody else")


@pytest.mark.skipif(IS_ROOT, reason="root may read everything")
def test_file_without_the_right_to_read_is_noted(root, ann):
    notebook_of(ann).chmod(0)
    assert_refused(taken(root), "cannot be read", "Permission denied")


def test_60_mb_are_refused_before_they_are_read(root, ann, monkeypatch):
    os.truncate(notebook_of(ann), 60 * 2**20)
    read = []
    monkeypatch.setattr(submission_files, "MAX_BYTES", MAX_BYTES)
    monkeypatch.setattr(submission_files.os, "fdopen", _counting(read))
    assert_refused(taken(root), "62,914,560 bytes; 10,485,760 are the most", "Clear all outputs")
    assert sum(read) < 1000  # the time and the secret


def test_file_that_grows_while_it_is_read_is_refused(root, ann, monkeypatch):
    with notebook_of(ann).open("ab") as file:
        file.write(b" " * (MAX_BYTES + 10))
    looked = os.fstat

    def before(descriptor):
        info = looked(descriptor)
        names = ("st_mode", "st_uid", "st_nlink", "st_mtime")
        return types.SimpleNamespace(st_size=100, **{name: getattr(info, name) for name in names})

    read = []
    monkeypatch.setattr(submission_files.os, "fstat", before)
    monkeypatch.setattr(submission_files.os, "fdopen", _counting(read))
    assert_refused(taken(root), "are the most that is taken")
    with open_folder(root, ["submitted", "ann", UNIT]) as folder, pytest.raises(Refused):
        read_file(folder, f"{UNIT}.ipynb")
    assert sum(read) <= 2 * MAX_BYTES + 1000


def _counting(read):
    """Return an `os.fdopen` that notes how many bytes are read."""
    fdopen = os.fdopen

    def opened(*args, **kwargs):
        file = fdopen(*args, **kwargs)

        class Counting:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()

            def read(self, size):
                piece = file.read(size)
                read.append(len(piece))
                return piece

        return Counting()

    return opened


def test_file_at_the_limit_is_taken_whole(root, ann):
    text = notebook_of(ann).read_bytes()
    notebook_of(ann).write_bytes(text + b" " * (MAX_BYTES - len(text)))
    assert taken(root).rebuilt.answers == SOLVED


def test_no_descriptor_stays_open(root, ann):
    before = len(os.listdir("/proc/self/fd"))
    for student in ("ann", "bob"):
        taken(root, student)
    notebook_of(ann).unlink()
    notebook_of(ann).symlink_to("/etc/passwd")
    taken(root)
    assert len(os.listdir("/proc/self/fd")) == before


# What else is in the folder.


def test_single_notebook_of_another_name_is_taken_with_a_note(root, ann):
    notebook_of(ann).rename(ann / "my work.ipynb")
    found = taken(root)
    assert found.rebuilt.answers == SOLVED
    assert found.rebuilt.notes == (
        f"The notebook is named 'my work.ipynb', not '{UNIT}.ipynb'; it was taken.",
    )


def test_of_several_notebooks_the_named_one_is_taken(root, ann):
    shutil.copy(notebook_of(ann), ann / "other.ipynb")
    found = taken(root)
    assert found.rebuilt.answers == SOLVED
    assert "'other.ipynb'" in found.rebuilt.notes[0]


def test_of_several_notebooks_the_one_named_alike_is_taken(root, ann):
    notebook_of(ann).rename(ann / f"{UNIT} (1).ipynb")
    (ann / "scratch.ipynb").write_text("{}")
    assert taken(root).rebuilt.answers == SOLVED


def test_several_notebooks_of_other_names_are_refused_and_named(root, ann):
    shutil.copy(notebook_of(ann), ann / "b.ipynb")
    notebook_of(ann).rename(ann / "a.ipynb")
    assert_refused(taken(root), "'a.ipynb', 'b.ipynb'", f"none named '{UNIT}.ipynb'")


def test_other_files_are_named_and_never_copied(root, ann, tmp_path):
    for name in ("torch.py", "medmeta_ref.py", "<img src=x>.txt"):
        (ann / name).write_text("raise SystemExit")
    (ann / "medmeta_ref").mkdir()
    (ann / ".ipynb_checkpoints").mkdir()
    found = taken(root)
    assert found.rebuilt.answers == SOLVED
    (note,) = found.rebuilt.notes
    assert "'?img src?x?.txt', 'medmeta_ref', 'medmeta_ref.py', 'torch.py'" in note
    written = hand_on(found, tmp_path / "clean").parent
    assert sorted(path.name for path in written.iterdir()) == [
        f"{UNIT}.ipynb",
        "submission_secret.txt",
        "timestamp.txt",
    ]


def test_names_that_no_terminal_should_see_are_made_readable(root, ann):
    (ann / "\x1b[2J\n=cmd|x.csv").write_text("")
    (ann / os.fsdecode(b"\xff\xfe")).write_text("")
    (ann / ("a" * 200)).write_text("")
    (note,) = taken(root).rebuilt.notes
    assert note.isprintable()
    assert note.isascii()
    assert len(note) < 300


def test_folder_of_thousands_of_files_gives_one_short_note(root, ann):
    for number in range(1500):
        (ann / f"z{number}").touch()
    found = taken(root)
    assert len(found.rebuilt.notes) == 1
    assert len(found.rebuilt.notes[0]) < 300


def test_shown_keeps_letters_of_all_languages():
    assert shown("Übung-1 (Kopie).ipynb") == "Übung-1 (Kopie).ipynb"


# The time.

GOOD = [
    "2026-11-05 22:59:30.500000 UTC",
    "2026-11-05 22:59:30 UTC",
    "2026-11-05 22:59:30.5",
    "2026-11-05 22:59",
    "2026-11-05T22:59:30Z",
    "2026-11-05T23:59:30+01:00",
    "2026-07-05 23:59:30.123456 Europe/Berlin",
    "2015-02-02 15:58:23.948203 America/Los_Angeles",
    " 2026-11-05 22:59:30 UTC \n",
]


@pytest.mark.parametrize("text", GOOD)
def test_time_is_read_as_nbgrader_reads_it(text):
    found = read_time(text)
    assert found.note == ""
    assert found.moment.replace(tzinfo=None) == parse_utc(text.strip())


def test_written_time_is_nbgraders_own_form():
    moment = read_time(STAMP).moment
    assert write_time(moment) == moment.strftime("%Y-%m-%d %H:%M:%S.%f %Z") == STAMP
    assert parse_utc(write_time(moment)) == moment.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("text", "hour", "minute"), [("+0200", 20, 59), ("-0330", 2, 29), ("+00:00", 22, 59)]
)
def test_offset_is_read_as_hours_and_minutes(text, hour, minute):
    moment = read_time(f"2026-11-05 22:59:30 {text}").moment
    assert (moment.hour, moment.minute) == (hour, minute)


@pytest.mark.parametrize("zone", ["CEST", "Mars/Olympus", "America", "PDT"])
def test_unknown_zone_is_read_as_utc_with_a_note(zone):
    found = read_time(f"2026-11-05 22:59:30 {zone}")
    assert write_time(found.moment) == "2026-11-05 22:59:30.000000 UTC"
    assert zone in found.note


BAD = [
    "",
    "5",
    "yesterday",
    "2026-13-05 22:59:30",
    "2026-11-31 22:59:30",
    "2026-11-05 25:59:30",
    "1066-10-14 09:00:00",
    "9999-12-31 23:59:59 -1400",
    "2026-11-05 22:59:30 +9900",
    "2026-11-05 22:59:30 +2000",
    "2026-11-05 22:59:30 +0175",
    "2026-11-05 22:59:30 /etc/localtime",
    "2026-11-05 22:59:30 ../../x",
    "2026-11-05 22:59:30 UTC\n2026-11-05 22:59:30 UTC",
    "٢٠٢٦-11-05 22:59:30",
    "<script>",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"form|between|month|day|hour|from UTC"):
        read_time(text)


@pytest.mark.parametrize("text", [*BAD, "x" * 500, b"\xff\xfe"])
def test_unreadable_time_gives_that_of_the_file_and_says_so(root, ann, text):
    content = text if isinstance(text, bytes) else text.encode()
    (ann / "timestamp.txt").write_bytes(content)
    os.utime(notebook_of(ann), (1_795_000_000, 1_795_000_000))
    found = taken(root)
    assert found.rebuilt.answers == SOLVED
    assert found.handed_in == datetime.fromtimestamp(1_795_000_000, UTC)
    assert "timestamp.txt" in found.rebuilt.notes[0]
    assert write_time(found.handed_in) in found.rebuilt.notes[-1]
    assert "<" not in "".join(found.rebuilt.notes)


def test_time_of_the_file_counts_only_up_to_now(root, ann):
    (ann / "timestamp.txt").unlink()
    later = (NOW + timedelta(days=3)).timestamp()
    os.utime(notebook_of(ann), (later, later))
    assert taken(root).handed_in == NOW


@pytest.mark.parametrize("name", ["timestamp.txt", "submission_secret.txt"])
def test_link_in_place_of_a_small_file_is_not_followed(root, ann, tmp_path, name):
    (tmp_path / "canary").write_text(STAMP if name == "timestamp.txt" else "cd" * 64)
    (ann / name).unlink()
    (ann / name).symlink_to(tmp_path / "canary")
    found = taken(root)
    assert found.rebuilt.answers == SOLVED
    assert write_time(found.handed_in) != STAMP or name != "timestamp.txt"
    assert found.secret != "cd" * 64


@pytest.mark.parametrize("secret", ["../../x", "short", "a b" * 20, "x" * 300, "é" * 40, ""])
def test_odd_secret_is_not_passed_on(root, ann, secret):
    (ann / "submission_secret.txt").write_text(secret)
    assert taken(root).secret == ""


# What is handed on.


def test_nbgrader_reads_what_is_handed_on(root, tmp_path):
    notebook = hand_on(taken(root), tmp_path / "clean")
    assert notebook == tmp_path / "clean" / "ann" / UNIT / f"{UNIT}.ipynb"
    assert json.loads(notebook.read_text(encoding="utf-8")) == taken(root).rebuilt.notebook
    stamp = CourseDirectory().get_existing_timestamp(str(notebook.parent))
    assert stamp == taken(root).handed_in.replace(tzinfo=None)
    assert (notebook.parent / "submission_secret.txt").read_text() == "ab" * 64


def test_untouched_submission_is_handed_on_as_the_release_byte_for_byte(root, tmp_path):
    hand_in(root, "bob", {})
    notebook = hand_on(taken(root, "bob"), tmp_path / "clean")
    assert notebook.read_bytes() == RELEASED.read_bytes()


def test_nobody_is_left_without_time_and_secret(root, tmp_path):
    folder = hand_on(taken(root, "nobody"), tmp_path / "clean").parent
    assert parse_utc((folder / "timestamp.txt").read_text()) == NOW.replace(tzinfo=None)
    secret = (folder / "submission_secret.txt").read_text()
    assert len(secret) == 128
    hand_on(taken(root, "nobody"), tmp_path / "clean")
    assert (folder / "submission_secret.txt").read_text() == secret


def test_handing_on_twice_gives_the_same_files(root, tmp_path):
    clean = tmp_path / "clean"
    first = {p.name: p.read_bytes() for p in hand_on(taken(root), clean).parent.iterdir()}
    (clean / "ann" / UNIT / f".{UNIT}.ipynb.part").write_text("killed here")
    again = {p.name: p.read_bytes() for p in hand_on(taken(root), clean).parent.iterdir()}
    assert first == again


def test_folder_that_holds_something_else_is_not_written_to(root, ann):
    (ann / "notes.txt").write_text("mine")
    before = notebook_of(ann).read_bytes()
    with pytest.raises(ValueError, match=r"notes\.txt.*give a folder that only intake fills"):
        hand_on(taken(root), root / "submitted")
    assert notebook_of(ann).read_bytes() == before


# The instructor's own faults.


def test_unit_without_a_release_stops_the_run(root):
    with pytest.raises(
        ValueError, match=r"no exercises/04_fusion/04_fusion\.ipynb .*medmeta build"
    ):
        take_in(root, "04_fusion", "ann", now=NOW)


@pytest.mark.parametrize("student", ["", ".", "..", "a/b", "/etc", "a\0b"])
def test_student_that_is_no_name_stops_the_run(root, student):
    with pytest.raises(ValueError, match="is no name of a folder"):
        taken(root, student)


# Wrong ways to read a file of a stranger's.


def assert_reads_safely(read, tmp_path):
    """Judge a function (folder, name) -> bytes or Refused on files that it must (not) read."""
    tmp_path.mkdir()
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    base = tmp_path / "base"
    (base / "inside").mkdir(parents=True)
    (base / "inside" / "good").write_bytes(b"good")
    (base / "inside" / "link").symlink_to(secret)
    (base / "inside" / "relative").symlink_to("../../secret")
    (base / "inside" / "large").touch()
    os.truncate(base / "inside" / "large", MAX_BYTES + 1)
    (base / "inside" / "folder").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "good").write_bytes(b"secret")
    (base / "moved").symlink_to(tmp_path / "elsewhere")
    assert read(base, "inside", "good") == b"good"
    for folder, name in [
        ("inside", "link"),
        ("inside", "relative"),
        ("inside", "large"),
        ("inside", "folder"),
        ("inside", "missing"),
        ("moved", "good"),
    ]:
        with pytest.raises(Refused):
            read(base, folder, name)


def right(base, folder, name):
    with open_folder(base, [folder]) as inside:
        return read_file(inside, name).data


def plainly(base, folder, name):
    try:
        return (base / folder / name).read_bytes()
    except OSError as error:
        raise Refused("x") from error


def links_looked_for_in_the_last_part_only(base, folder, name):
    if (base / folder / name).is_symlink() or (base / folder / name).stat().st_size > MAX_BYTES:
        raise Refused("x")
    return plainly(base, folder, name)


def without_limit(base, folder, name):
    with open_folder(base, [folder]) as inside:
        return read_file(inside, name, max_bytes=2**40).data


def error_of_the_system(base, folder, name):
    if not (base / folder / name).exists():
        raise FileNotFoundError(name)
    return right(base, folder, name)


def cut_at_the_limit(base, folder, name):
    try:
        return right(base, folder, name)
    except Refused as refused:
        if "are the most" in str(refused):
            return b""
        raise


def test_judge_accepts_the_reading(tmp_path):
    assert_reads_safely(right, tmp_path / "x")


@pytest.mark.parametrize(
    "wrong",
    [
        plainly,
        links_looked_for_in_the_last_part_only,
        without_limit,
        error_of_the_system,
        cut_at_the_limit,
    ],
)
def test_judge_of_the_reading_rejects(wrong, tmp_path):
    with pytest.raises((AssertionError, pytest.fail.Exception, FileNotFoundError)):
        assert_reads_safely(wrong, tmp_path / "x")
