"""A learner's first exercise and lesson in JupyterLab, in a real browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from medmeta_ref.authoring.builder import build, course_root

pytestmark = pytest.mark.slow

ROOT = course_root()
UNIT = "03_distillation"
LESSON = "06_maml"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SECONDS = 120  # for a busy machine; nothing here is a measurement


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Run JupyterLab on a course with one started exercise and one lesson; give its address."""
    root = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    (root / "solutions").mkdir()
    shutil.copy(ROOT / "solutions" / f"{UNIT}.py", root / "solutions")
    build(root)
    shutil.copytree(root / "exercises" / UNIT, root / "submitted" / "me" / UNIT)
    (root / "lessons").mkdir(exist_ok=True)
    shutil.copy(ROOT / "lessons" / f"{LESSON}.ipynb", root / "lessons")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("home")
    bin_folder = Path(sys.executable).parent
    path = os.pathsep.join([str(bin_folder), os.environ["PATH"]])
    server = subprocess.Popen(
        [
            bin_folder / "jupyter",
            "lab",
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            f"--port={port}",
            "--ServerApp.port_retries=0",
            "--IdentityProvider.token=secret",
        ],
        cwd=root,
        env=os.environ | {"HOME": str(home), "PATH": path, "MEDMETA_FAST": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/api", server)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_for(address, server):
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"JupyterLab did not answer at {address}; exit code {server.poll()}")


@contextmanager
def opened(lab, notebook):
    """Give a page with a notebook of the course; in the end no error may be on its console."""
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        page.set_default_timeout(SECONDS * 1000)
        errors = []
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{lab}/lab/tree/{notebook}?token=secret")
        yield page
        browser.close()
    assert errors == []


def choose(page, entry):
    """Choose an entry of the menu Run."""
    page.locator(".lm-MenuBar-item", has_text="Run").click()
    page.get_by_text(entry, exact=True).click()


@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
def test_slider_of_a_lesson_changes_its_figure_without_a_console_error(lab):
    with opened(lab, f"lessons/{LESSON}.ipynb") as page:
        cell = page.locator(".jp-CodeCell", has_text="explore(two_bowls").first
        cell.locator(".jp-InputPrompt").click()
        choose(page, "Run All Above Selected Cell")
        choose(page, "Run Selected Cell and Do not Advance")

        figure = cell.locator("img")
        figure.wait_for()
        assert figure.get_attribute("alt").startswith("1 steps of 0.1: joint training")
        steps, rate = cell.locator(".noUi-handle").all()
        before = figure.get_attribute("src")
        steps.press("ArrowRight")
        page.locator('img[alt^="2 steps of 0.1: joint training"]').wait_for()
        rate.press("ArrowLeft")
        page.locator('img[alt^="2 steps of 0.05: joint training"]').wait_for()
        assert figure.count() == 1  # the new figure took the place of the old one
        assert figure.get_attribute("src") != before


@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
def test_learner_answers_and_checks_without_a_console_error(lab):
    with opened(lab, f"submitted/me/{UNIT}/{UNIT}.ipynb") as page:
        page.locator(".jp-Notebook h1", has_text="distil a teacher").wait_for()
        page.locator("summary", has_text="Hint 1").first.click()
        page.locator("details[open]", has_text="not the probabilities after it").wait_for()

        answer = page.locator(".jp-CodeCell", has_text="def soft_targets").first
        answer.locator(".cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(
            "def soft_targets(logits, *, temperature):\n"
            "    return torch.softmax(logits * temperature, dim=1)\n"
        )
        choose(page, "Run All Cells")

        table = page.locator(".jp-OutputArea", has_text="03.soft_targets: 3 of 8 points")
        table.first.wait_for()
        table.first.get_by_text("You multiply by the temperature; divide by it.").wait_for()
        page.get_by_text("03.loss_test: 0 of 10 points, not attempted").first.wait_for()

        asked = page.locator('.jp-OutputArea div[lang="en"]')
        asked.locator("h3", has_text="Why T squared").wait_for()
        asked.locator("mjx-container").first.wait_for()  # formulas are set
        asked.locator("li", has_text="keeps its balance").wait_for()
        asked.locator("summary").first.click()
        asked.locator("details[open]", has_text="A good answer mentions").wait_for()
        page.get_by_text("03.questions: 0 of 20 points, not attempted").first.wait_for()
