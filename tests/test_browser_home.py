"""From the home notebook to the first checked answer and back, in a real browser."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from medmeta_ref.progress import log
from medmeta_ref.workbook.folders import my_notebook
from tests.learner_course import SOLVED, UNIT, learner_course
from tests.pages import CHROMIUM
from tests.test_browser import SECONDS, choose, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium"),
]

ROOT = Path(__file__).parent.parent


@pytest.fixture
def course(tmp_path):
    return learner_course(tmp_path / "course", "00_orientation", UNIT)


@pytest.fixture
def lab(course, tmp_path):
    """Run `medmeta lab` in the course; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    settings = ["--ServerApp.port_retries=0", "--IdentityProvider.token=secret"]
    server = subprocess.Popen(
        [sys.executable, "-m", "medmeta_ref", "lab", *options, *settings],
        cwd=course / "lessons",
        env=os.environ | {"HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/api", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)


@contextmanager
def opened(lab):
    """Give the page that JupyterLab opens by itself; in the end no error is on its console."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        page.set_default_timeout(SECONDS * 1000)
        errors = []
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{lab}/?token=secret")
        yield page
        browser.close()
    assert errors == []


def shown(page):
    """Return the notebook that is in front."""
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")


def test_from_the_map_to_a_checked_answer_and_back(lab, course):
    with opened(lab) as page:
        # The map is there before anything runs.
        home = shown(page)
        home.get_by_text("0 of 130 points so far.").wait_for()
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        assert page.url.endswith("/lab/tree/submitted/me/home.ipynb")

        start = home.locator(".jp-CodeCell", has_text="import start")
        start.locator(".cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text('from medmeta_ref.workbook.home import start\nstart("03")')
        page.keyboard.press("Control+Enter")
        link = home.get_by_role("link", name=f"exercises {UNIT}")
        link.wait_for()
        assert my_notebook(course, UNIT).is_file()
        link.click()

        exercise = page.locator(
            ".jp-NotebookPanel:not(.lm-mod-hidden)", has_text="distil a teacher"
        )
        answer = exercise.locator(".jp-CodeCell", has_text="def soft_targets").first
        answer.locator(".cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(SOLVED["soft_targets"])
        choose(page, "Run All Above Selected Cell")
        choose(page, "Run Selected Cell and Do not Advance")
        # The keyboard's way to a check: Escape, the arrow, Shift and Enter.
        page.keyboard.press("Escape")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Shift+Enter")
        exercise.get_by_text("03.soft_targets: 8 of 8 points, all checks passed").first.wait_for()

        # nbgrader's button runs the whole notebook and shows what is left to do, as our tables.
        exercise.get_by_role("button", name="Validate").click()
        dialog = page.locator(".jp-Dialog, dialog[open]")
        dialog.get_by_text("03.distillation_loss: 0 of 24 points, not attempted").wait_for()
        assert dialog.get_by_text("03.soft_targets").count() == 0  # nothing is wrong with it
        dialog.get_by_role("button").last.click()

        page.locator(".lm-TabBar-tab", has_text="home.ipynb").click()
        page.locator(".jp-CodeCell", has_text="home()").first.locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        shown(page).get_by_text("8 of 130 points so far.").wait_for()
        shown(page).get_by_text("◐ in progress").wait_for()
    [noted] = [c for c in log.read(log.log_file(course)).checks if c.attempted]
    assert (noted.exercise, noted.points, noted.where) == ("03.soft_targets", 8, "notebook")
