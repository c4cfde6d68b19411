"""Submissions that misbehave: each gets its fair score, and nobody else notices.

What each one tries stands beside it in `tests/hostile/`; here they are graded in one go, between
two honest neighbours, in three ways.
"""

import ctypes
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.hostile import HOSTILE, POINTS, ROWS
from tests.hostile.course import CANARY, NEIGHBOURS, Course, listener, make_course, snapshot
from tests.hostile.graders import Missing, as_ordinary_user, need_landlock
from tests.hostile.grading import grade_everything
from tests.sandboxed import children

# In every way but the first, those are left out that only wait, and those that only concern the
# reading of files, which happens before any sandbox.
IN_THE_SANDBOX = [each for each in HOSTILE if each.answers and not each.waits]
PR_SET_CHILD_SUBREAPER = 36  # in <linux/prctl.h>
WAYS = {
    "as whoever runs the tests": HOSTILE,
    "as an ordinary user": IN_THE_SANDBOX,
    "with Landlock alone": IN_THE_SANDBOX,
}


class Graded(NamedTuple):
    """What grading left behind.

    Attributes:
        course: the folders.
        results: student -> what was found.
        changed: paths in and beside the course folder that are not as before.
        reached: who came to the listener.
        left: processes that are still there.
    """

    course: Course
    results: dict
    changed: list
    reached: list
    left: dict


@functools.cache
def grade(way):
    """Return what grading in that way left behind, or what this machine lacks for it."""
    folder = Path(tempfile.mkdtemp(prefix="hostile"))
    folder.chmod(0o755)
    try:
        with listener() as (port, reached):
            course = make_course(folder, WAYS[way], port=port)
            before, processes = snapshot(course), children(os.getpid())
            prefix, backend = [], "auto"
            if way == "as an ordinary user":
                prefix = as_ordinary_user(course.root)
            if way == "with Landlock alone":
                need_landlock()
                backend = "landlock"
            results = grade_everything(course.root, backend, prefix=prefix)
            after = snapshot(course)
            changed = [path for path in before | after if before.get(path) != after.get(path)]
            left = children(os.getpid()).keys() - processes.keys()
        return Graded(course, results, changed, reached, left)
    except Missing as missing:
        return missing
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module", autouse=True)
def orphans():
    """Have whatever a grader leaves behind become a child of this process, where it is seen."""
    libc = ctypes.CDLL(None)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@pytest.fixture(params=WAYS)
def graded(request):
    found = grade(request.param)
    if isinstance(found, Missing):
        pytest.skip(str(found))
    return found


def each_way(told=lambda each: True):
    """Return the parameters of a test that looks at submissions one by one, in every way."""
    pairs = [(way, each) for way in WAYS for each in WAYS[way] if told(each)]
    return pytest.mark.parametrize(
        ("graded", "hostile"),
        pairs,
        indirect=["graded"],
        ids=[f"{way}-{each.name}" for way, each in pairs],
    )


@each_way()
def test_submission_gets_its_fair_score(graded, hostile):
    result = graded.results[graded.course.students[hostile.name]]
    assert "broke" not in result, result["broke"]
    got = {name: points for name, points in result["exercises"].items() if points}
    assert got == {name: POINTS[name] for name in hostile.earns}, result["told"]
    assert sum(got.values()) == hostile.fair


@each_way(told=lambda each: each.says)
def test_student_is_told_why(graded, hostile):
    told = graded.results[graded.course.students[hostile.name]]["told"]
    assert any(hostile.says in text for text in told), told


@pytest.mark.parametrize("neighbour", NEIGHBOURS)
def test_neighbour_keeps_every_point(graded, neighbour):
    result = graded.results[neighbour]
    assert result["exercises"] == POINTS
    assert result["states"] == ["right"]


def test_every_submission_has_a_result(graded):
    assert set(graded.results) == set(graded.course.students.values())


def test_no_file_in_or_beside_the_course_is_changed(graded):
    assert graded.changed == []


def test_nobody_reaches_the_listener(graded):
    assert graded.reached == []


def test_no_process_is_left(graded):
    assert graded.left == set()


def test_nothing_of_the_instructors_is_told(graded):
    """Neither the file beside the course nor the grader's environment holds a word of theirs."""
    assert CANARY not in json.dumps(graded.results)


def test_texts_are_fit_for_a_terminal(graded):
    signs = Counter(
        sign
        for result in graded.results.values()
        for text in (result["text"], *result["told"])
        for sign in text
        if not sign.isprintable() and sign != "\n"
    )
    assert signs == {}


def test_texts_are_short(graded):
    longest = max(len(t) for result in graded.results.values() for t in result["told"])
    assert longest < 2000


# ---- the corpus, and what watches it ----


def test_corpus_covers_what_other_graders_were_attacked_with():
    names = [each.name for each in HOSTILE]
    assert len(names) == len(set(names))
    assert set(ROWS) <= set(names)
    assert len(set(names) - set(ROWS)) >= 10
    assert len(names) >= 80


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda each: each.name)
def test_every_submission_says_in_a_sentence_what_it_tries(hostile):
    assert hostile.tries.endswith(".")
    assert 10 < len(hostile.tries) < 120


def test_watchers_notice_a_process_a_file_and_a_connection(tmp_path):
    with listener() as (port, reached):
        course = make_course(tmp_path, [], port=port)
        before, processes = snapshot(course), children(os.getpid())
        script = (
            "import socket, subprocess, sys\n"
            f"socket.create_connection(('127.0.0.1', {port})).close()\n"
            f"open({str(course.canary)!r}, 'w').write('mine')\n"
            "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'],"
            " start_new_session=True)\n"
        )
        subprocess.run([sys.executable, "-c", script], check=True)
        left = children(os.getpid()).keys() - processes.keys()
        deadline = time.monotonic() + 30
        while not reached and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(reached) == 1
        assert len(left) == 1
        for pid in left:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        after = snapshot(course)
        assert [p for p in before if before[p] != after.get(p)] == [str(course.canary)]
