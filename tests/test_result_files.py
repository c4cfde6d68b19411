"""Result files are there as a whole, or not at all, and say what they are."""

import os
import resource
import signal

import pytest

from medmeta_ref.grading.result_files import (
    BusyError,
    ResultError,
    only_run,
    read_result,
    result_file,
    write_result,
    write_whole,
)
from medmeta_ref.grading.results import CheckResult, ExerciseResult, State
from medmeta_ref.grading.sandbox.grade import UnitResult
from medmeta_ref.grading.stored_result import StoredResult

CHECK = CheckResult("test_a", "Title.", State.WRONG, 2.0, "Expected 1, got \u2028 \udcff.")
UNIT = UnitResult("03_x", (ExerciseResult("03.a", (CHECK,), ("a note",)),), "digest", 0.5, 1.0)
STORED = StoredResult("ada", "key", UNIT, {"a": "x = 1"}, ("note",))


@pytest.fixture
def path(tmp_path):
    return result_file(tmp_path, "03_x", "ada")


def test_what_is_written_is_read(path):
    write_result(path, STORED)
    assert read_result(path) == STORED
    assert [each.name for each in path.parent.iterdir()] == ["ada.json"]


def test_no_file_is_no_result(path):
    assert read_result(path) is None


@pytest.mark.parametrize("keep", [0, 1, 0.5, -2])
def test_torn_file_is_named(path, keep):
    write_result(path, STORED)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(ResultError, match=r"ada\.json is damaged"):
        read_result(path)


def test_result_of_another_student_is_not_taken(path):
    write_result(path, STORED._replace(student="bob"))
    with pytest.raises(ResultError, match="holds the result of bob"):
        read_result(path)


def test_write_that_fails_leaves_the_old_file(path):
    write_whole(path, b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_whole(path, b"new" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, heard)
    assert path.read_bytes() == b"old"
    assert [each.name for each in path.parent.iterdir()] == ["ada.json"]


def test_read_only_file_is_replaced_and_keeps_its_mode(path):
    for data in (b"one", b"two"):
        write_whole(path, data, mode=0o444)
        assert path.read_bytes() == data
        assert path.stat().st_mode & 0o777 == 0o444


def test_leftover_of_a_killed_run_is_no_obstacle(path):
    path.parent.mkdir(parents=True)
    part = path.with_name(".ada.json.part")
    part.write_bytes(b"half")
    part.chmod(0o444)
    write_whole(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert not part.exists()


def test_second_run_is_refused_until_the_first_has_ended(tmp_path):
    with only_run(tmp_path, "03_x"):
        with pytest.raises(BusyError), only_run(tmp_path, "03_x"):
            pass
        with only_run(tmp_path, "04_y"):
            pass
    with only_run(tmp_path, "03_x"):
        pass


def test_lock_ends_with_a_process_that_is_killed(tmp_path):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        with only_run(tmp_path, "03_x"):
            os.write(writing, b"x")
            signal.pause()
    os.read(reading, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
    with only_run(tmp_path, "03_x"):
        pass
