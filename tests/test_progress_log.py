"""A learner's log: whatever becomes of the process that writes it, no line is lost again."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from medmeta_ref.progress import log
from medmeta_ref.progress.log import Check, Log, Step

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def check(n=0, exercise="03.soft_targets", points=3.0, **fields):
    return Check(NOON + timedelta(minutes=n), exercise, points, 8.0, True, **fields)


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "submitted" / "me" / log.FILE_NAME
    first, second = check(answer="abc", where="notebook"), check(1, points=8.0)
    step = Step(NOON, "start", "03_distillation", {"03.soft_targets": "f00"})
    log.append(path, first, step)
    log.append(path, second)
    assert log.read(path) == Log((first, second), (step,), 0)


def test_a_log_that_is_not_there_is_empty(tmp_path):
    assert log.read(tmp_path / log.FILE_NAME) == Log()


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_last_line_costs_that_line_only(cut, tmp_path):
    path = tmp_path / log.FILE_NAME
    log.append(path, check(0), check(1))
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    # With the line's end alone missing, nothing is lost; else the second check is.
    kept = 2 if cut == 1 else 1
    assert len(log.read(path).checks) == kept
    log.append(path, check(2))
    found = log.read(path)
    assert found.checks[-1] == check(2)
    assert len(found.checks) == kept + 1
    assert found.unreadable == 2 - kept


def test_a_killed_writer_leaves_whole_lines(tmp_path):
    path = tmp_path / log.FILE_NAME
    program = (
        "import pathlib, sys\n"
        "from medmeta_ref.progress import log\n"
        "while True:\n"
        "    log.append(pathlib.Path(sys.argv[1]), log.Check(log.now(), '03.a', 1, 2, True))\n"
    )
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", program, path])
        size = path.stat().st_size if path.exists() else 0
        while not path.exists() or path.stat().st_size < size + 2000:
            assert writer.poll() is None
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    found = log.read(path)
    assert found.unreadable == 0
    assert len(found.checks) == len(path.read_bytes().splitlines()) > 30


def test_writers_at_the_same_time_do_not_mix_their_lines(tmp_path):
    path = tmp_path / log.FILE_NAME
    program = (
        "import pathlib, sys\n"
        "from medmeta_ref.progress import log\n"
        "for k in range(100):\n"
        "    check = log.Check(log.now(), sys.argv[2], k, 99, True)\n"
        "    log.append(pathlib.Path(sys.argv[1]), check)\n"
    )
    names = ("03.one", "03.another", "03.third")
    writers = [subprocess.Popen([sys.executable, "-c", program, path, name]) for name in names]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    found = log.read(path)
    assert found.unreadable == 0
    for name in names:
        assert [c.points for c in found.checks if c.exercise == name] == list(range(100))


def test_lines_of_a_newer_version_are_passed_over_and_kept(tmp_path):
    path = tmp_path / log.FILE_NAME
    newer = {"v": 9, "event": "applause", "time": NOON.isoformat(), "how": "loud"}
    more = log.as_json(check()) | {"v": 9, "mood": "content"}
    text = json.dumps(newer) + "\n" + json.dumps(more) + "\n"
    path.write_text(text, encoding="utf-8")
    log.append(path, check(1))
    assert log.read(path) == Log((check(), check(1)), (), 0)
    assert path.read_text(encoding="utf-8").startswith(text)


def test_lines_of_an_older_version_may_lack_what_came_later(tmp_path):
    path = tmp_path / log.FILE_NAME
    line = {"event": "check", "time": "2026-03-01T12:00:00", "exercise": "03.soft_targets"}
    path.write_text(json.dumps(line | {"points": 3, "max_points": 8}) + "\n", encoding="utf-8")
    assert log.read(path).checks == (check(),)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "7",
        '{"event": "check"}',
        '{"event": 3, "time": "2026-03-01T12:00:00"}',
        '{"event": "check", "time": "noon", "exercise": "03.a", "points": 1, "max_points": 2}',
        '{"event": "check", "time": "2026-03-01", "exercise": "03.a", "points": NaN, '
        '"max_points": 2}',
        '{"event": "check", "time": "2026-03-01", "exercise": "03.a", "points": 3, '
        '"max_points": 2}',
        "\ufeff\ud7ff",
    ],
)
def test_a_line_that_is_none_is_counted_and_the_others_are_read(line, tmp_path):
    path = tmp_path / log.FILE_NAME
    log.append(path, check(0))
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    log.append(path, check(1))
    assert log.read(path) == Log((check(0), check(1)), (), 1)


def test_a_log_belongs_to_the_learner_in_whose_folder_one_is(tmp_path):
    unit = tmp_path / "submitted" / "me" / "03_distillation"
    unit.mkdir(parents=True)
    assert log.log_of(unit) is None  # this is no course
    (tmp_path / "nbgrader_config.py").touch()
    assert log.log_of(unit) == log.log_file(tmp_path) == unit.parent / log.FILE_NAME
    assert log.log_of(tmp_path) is None
    assert log.log_of(tmp_path / "submitted") is None
    assert log.log_of(tmp_path / "solutions" / "03_distillation") is None


def test_a_log_that_cannot_be_written_is_told_in_one_line(tmp_path):
    path = tmp_path / log.FILE_NAME
    path.mkdir()
    told = log.note(path, check())
    assert str(path) in told
    assert os.strerror(21) in told  # it is a directory
    assert "\n" not in told
    assert log.note(tmp_path / "other", check()) == ""


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    path = tmp_path / log.FILE_NAME
    log.append(path, check(0))
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:30]))
    assert "the disk is full" in log.note(path, check(1))
    monkeypatch.undo()
    log.append(path, check(2))
    assert log.read(path) == Log((check(0), check(2)), (), 1)
