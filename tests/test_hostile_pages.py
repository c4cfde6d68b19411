"""A batch of hostile submissions, and every page that comes of it, in a real browser.

Whatever a submission says, no script of its own runs on the student's feedback page, nor on the
page beside whose buttons an instructor gives points.
"""

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from contextlib import contextmanager
from pathlib import Path

import pytest

from medmeta_ref.grading.submission_files import is_plain_name, shown
from tests.hostile import HOSTILE, POINTS, UNIT
from tests.hostile.course import CANARY, NEIGHBOURS, listener, make_course, snapshot
from tests.hostile.pages import IMAGE, SCRIPT
from tests.sandboxed import ROOT, SECRET

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
GRADED = [each for each in HOSTILE if not each.waits]
# What the batch itself writes.
OUTPUTS = ("results", "gradebook.db", "autograded", "feedback", "exercises")


ENVIRONMENT = {
    "MEDMETA_CANARY": CANARY,
    "MEDMETA_SECRET": SECRET.decode(),
    "PYTHONPATH": str(ROOT),
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
}


def nbgraders(course):
    """Return the course with all that nbgrader needs in it."""
    (course.root / "gradebook.db").unlink()  # not nbgrader's
    shutil.copy(ROOT / "nbgrader_config.py", course.root)
    shutil.copytree(ROOT / "solutions" / UNIT, course.root / "solutions" / UNIT)
    return course


@pytest.fixture(scope="module")
def batch():
    """Run the batch; give the course, what it told, what changed and who came to the listener."""
    folder = Path(tempfile.mkdtemp(prefix="hostile"))
    try:
        with listener() as (port, reached):
            course = nbgraders(make_course(folder, GRADED, port=port))
            before = snapshot(course)
            done = subprocess.run(
                [sys.executable, "-m", "tests.hostile.batch", str(course.root)],
                env=os.environ | ENVIRONMENT,
                cwd=ROOT,
                stdout=subprocess.PIPE,
                check=True,  # the exit code is 0
            )
            after = snapshot(course)
        told = json.loads(done.stdout)
        changed = [
            path
            for path in before | after
            if before.get(path) != after.get(path)
            and Path(path).relative_to(folder).parts[1:2] not in [(name,) for name in OUTPUTS]
            and Path(path) != course.root
        ]
        yield course, told, changed, reached
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("hostile", GRADED, ids=lambda each: each.name)
def test_gradebook_holds_the_fair_score(batch, hostile):
    course, told, _, _ = batch
    student = course.students[hostile.name]
    if is_plain_name(student):
        assert told["scores"][student] == hostile.fair
    else:
        assert student not in told["scores"]
        assert "rename the folder" in told["failed"][shown(student)]


def test_neighbours_keep_every_point_and_nobody_else_fails(batch):
    course, told, _, _ = batch
    assert {told["scores"][name] for name in NEIGHBOURS} == {sum(POINTS.values())}
    odd = {shown(s) for s in course.students.values() if not is_plain_name(s)}
    assert len(odd) >= 5
    assert set(told["failed"]) == odd


def test_batch_changes_nothing_but_its_outputs(batch):
    _, _, changed, reached = batch
    assert (changed, reached) == ([], [])


def test_outputs_hold_nothing_of_the_instructors(batch):
    course, _, _, _ = batch
    for name in ("results", "autograded", "feedback"):
        for path in (course.root / name).rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                assert CANARY.encode() not in data
                assert SECRET not in data


def test_nbgraders_own_command_leaves_folders_out_whose_names_are_markup(tmp_path):
    few = [each for each in HOSTILE if each.name in ("student_markup", "student_script", "bidi")]
    course = nbgraders(make_course(tmp_path, few, port=9))
    for command in (["generate_assignment", "--create", "--force"], ["autograde", "--create"]):
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *command, UNIT],
            env=os.environ | ENVIRONMENT,
            cwd=course.root,
            capture_output=True,
            text=True,
            check=True,
        )
    left_out = {name for name in course.students.values() if not is_plain_name(name)}
    assert len(left_out) == 2
    graded = {path.name for path in (course.root / "autograded").iterdir()}
    assert graded == set(course.students.values()) - left_out
    assert done.stderr.count("rename the folder") >= 2


@contextmanager
def served(folder):
    """Serve a folder on a port of this machine; give the address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def write_formgrader_pages(course, told, folder):
    """Write the page on which an instructor grades each submission, as formgrader renders it."""
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader import handlers
    from traitlets.config.loader import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    exporter = HTMLExporter(config=config)
    for number, student in enumerate(told["scores"]):
        notebook = course.root / "autograded" / student / UNIT / f"{UNIT}.ipynb"
        resources = {
            **{"assignment_id": UNIT, "notebook_id": UNIT, "submission_id": "0" * 32},
            **{"index": number, "total": len(told["scores"]), "base_url": "/", "student": student},
            **{"last_name": None, "first_name": None, "notebook_path": f"/notebooks/{UNIT}.ipynb"},
        }
        page, _ = exporter.from_filename(str(notebook), resources=resources)
        (folder / f"{number}.html").write_text(page, encoding="utf-8")


@pytest.fixture(scope="module")
def visit():
    """Return a function that opens a page and gives its title, and whom else it asked."""
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium")
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        page = browser.new_page()
        asked = set()

        def go(address):
            own = urllib.parse.urlsplit(address).netloc
            asked.clear()

            def pass_on(route):
                host = urllib.parse.urlsplit(route.request.url).netloc
                if host == own:
                    route.continue_()
                else:
                    asked.add(host)
                    route.abort()

            page.unroute_all()
            page.route("**/*", pass_on)
            page.goto(address, wait_until="load", timeout=120_000)
            page.evaluate("new Promise(done => setTimeout(done, 30))")
            return page.title(), set(asked)

        yield go
        browser.close()


def test_browser_would_notice(visit, tmp_path):
    (tmp_path / "a.html").write_text(f"<title>a</title>{SCRIPT}")
    (tmp_path / "b.html").write_text(
        f"<title>b</title>{IMAGE}".replace("\\", "").replace("PORT", "9")
    )
    with served(tmp_path) as address:
        assert visit(f"{address}/a.html") == ("owned", set())
        assert visit(f"{address}/b.html") == ("owned", {"127.0.0.1:9"})


def assert_harmless(visit, root, pages, honest):
    """Open pages; each keeps the title that its text gives it, and asks whom an honest one asks."""
    with served(root) as address:

        def look(path):
            return visit(f"{address}/{urllib.parse.quote(str(path.relative_to(root)))}")

        _, fine = look(honest)
        for name, path in pages.items():
            text = path.read_text(encoding="utf-8")
            [title] = re.findall(r"<title>([^<]*)</title>", text)[:1]
            got, asked = look(path)
            assert got.split() == title.split(), name
            assert asked <= fine, name


def test_no_script_of_a_submission_runs_on_its_feedback_page(batch, visit):
    course, told, _, _ = batch
    pages = {student: Path(page) for student, page in told["pages"].items()}
    assert len(pages) > 150
    assert_harmless(visit, course.root / "feedback", pages, pages["honest_a"])


def test_no_script_of_a_submission_runs_on_the_page_that_gives_points(batch, visit, tmp_path):
    course, told, _, _ = batch
    write_formgrader_pages(course, told, tmp_path)
    pages = {student: tmp_path / f"{i}.html" for i, student in enumerate(told["scores"])}
    assert_harmless(visit, tmp_path, pages, pages["honest_a"])
