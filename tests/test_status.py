"""`medmeta status`: the same numbers as a table, as JSON, as a page and as an export."""

import csv
import json
import re
import shlex
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console
from typer.testing import CliRunner

from medmeta_ref import cli, cli_status
from medmeta_ref.progress import log
from medmeta_ref.workbook import folders
from tests.learner_course import UNIT, learner_course
from tests.pages import CHROMIUM, Page, problems

FIRST, LAST = "00_orientation", "04_prototypes"


def medmeta(line):
    return CliRunner().invoke(cli.app, shlex.split(line))


def note(root, minute, exercise, points, max_points, answer):
    time = datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(minutes=minute)
    check = log.Check(time, exercise, points, max_points, True, answer, "notebook")
    log.append(log.log_file(root), check)


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Return a course of three units; of one a learner has done two exercises in 9 minutes."""
    root = learner_course(tmp_path / "course", FIRST, UNIT, LAST)
    monkeypatch.chdir(root)
    monkeypatch.setattr(cli_status, "out", Console(width=80))
    folders.start(root, UNIT)
    note(root, 0, "03.soft_targets", 5, 8, "a")
    note(root, 4, "03.soft_targets", 8, 8, "b")
    note(root, 9, "03.label_weight", 5, 5, "c")
    return root


def test_table_fits_80_columns_and_says_what_is_next(course):
    result = medmeta("status")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    table = lines[: next(n for n, line in enumerate(lines) if line.startswith("Next:"))]
    assert max(map(len, table)) <= 80
    assert "13 of 230 points so far" in result.stdout
    row = next(line.split() for line in table if "Distillation" in line)
    assert row == [
        "03",
        "Distillation",
        "00",
        "◐",
        "13",
        "of",
        "100",
        "3",
        "9",
        "distillation_loss",
    ]
    assert "medmeta start 00" in result.stdout
    where = f"submitted/me/{UNIT}/{UNIT}.ipynb"
    assert f"Next: 03.distillation_loss (0 of 24 points so far) in {where}" in result.stdout


def test_json_has_the_numbers_of_the_table(course):
    found = json.loads(medmeta("status --json").stdout)
    assert (found["points"], found["max_points"], found["next"]) == (13, 230, UNIT)
    unit = {each["unit"]: each for each in found["units"]}
    assert list(unit) == [FIRST, UNIT, LAST]
    mine = unit[UNIT]
    assert (mine["points"], mine["attempts"], mine["minutes"], mine["state"]) == (
        (13, 3, 9.0, "in progress")
    )
    assert unit[FIRST]["todo"] == "medmeta start 00"
    assert unit[LAST]["state"] == "not started"
    first = mine["exercises"][0]
    assert first["name"] == "03.soft_targets"
    assert (first["points"], first["max_points"], first["attempts"]) == (8, 8, 2)


def test_export_holds_every_check(course, tmp_path):
    table, everything = tmp_path / "checks.csv", tmp_path / "all.json"
    assert medmeta(f"status --export {table}").exit_code == 0
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["exercise"], row["points"]) for row in rows] == [
        ("03.soft_targets", "5"),
        ("03.soft_targets", "8"),
        ("03.label_weight", "5"),
    ]
    assert datetime.fromisoformat(rows[0]["time"]) == datetime(2026, 3, 1, 12, tzinfo=UTC)
    medmeta(f"status --export {everything}")
    found = json.loads(everything.read_text(encoding="utf-8"))
    assert [event["event"] for event in found["events"]] == ["check"] * 3
    assert found["points"] == 13


def test_before_the_first_step_the_way_in_is_told(tmp_path, monkeypatch):
    root = learner_course(tmp_path / "course", FIRST)
    monkeypatch.chdir(root)
    result = medmeta("status")
    assert result.exit_code == 0
    assert f"Next: read lessons/{FIRST}.ipynb, then medmeta start {FIRST}" in result.stdout
    assert not (root / "submitted").exists()


def test_damaged_lines_are_told(course):
    with log.log_file(course).open("a", encoding="utf-8") as file:
        file.write("torn\n")
    assert "submitted/me/progress.jsonl 1 damaged line" in medmeta("status").stdout


@pytest.mark.parametrize("option", ["--html", "--export"])
def test_a_file_that_cannot_be_written_is_named(option, course):
    result = medmeta(f"status {option} nowhere/page")
    assert result.exit_code == 1
    assert "nowhere/page" in result.stderr


def test_without_units_the_way_out_is_told(tmp_path, monkeypatch):
    (tmp_path / "nbgrader_config.py").touch()
    monkeypatch.chdir(tmp_path)
    result = medmeta("status")
    assert result.exit_code == 1
    assert "medmeta build" in result.stderr


# the page


@pytest.fixture
def page(course):
    path = course / "progress.html"
    assert medmeta(f"status --html {path}").exit_code == 0
    return path


def test_page_stands_alone_in_order_and_with_words_for_its_figures(page):
    html = page.read_text(encoding="utf-8")
    assert [each for each in problems(html) if each != "<svg>"] == []
    figures = [attrs for tag, attrs in Page(html).tags if tag == "svg"]
    assert [attrs["role"] for attrs in figures] == ["img"] * 3
    points, attempts, minutes = (attrs["aria-label"] for attrs in figures)
    assert "03 Distillation: 13 of 100 points" in points
    assert "03 Distillation: 3 attempts" in attempts
    assert "03 Distillation: 9 minutes" in minutes


def test_bars_are_as_long_as_their_numbers(page):
    html = page.read_text(encoding="utf-8")
    points = html.split("<svg")[1]
    bars = [float(w) for w in re.findall(r'class="bar"[^>]*width="([\d.]+)"', points)]
    frames = [float(w) for w in re.findall(r'class="frame"[^>]*width="([\d.]+)"', points)]
    assert bars == [0, 39, 0]
    assert frames == [90, 300, 300]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
def test_axe_finds_nothing_on_the_page_light_or_dark_narrow_or_wide(page):
    sync_api = pytest.importorskip("playwright.sync_api")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    asked = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        # The page forbids scripts, and axe is one.
        tab = browser.new_context(bypass_csp=True).new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(page.as_uri())
        for scheme in ("light", "dark"):
            tab.emulate_media(color_scheme=scheme)
            for width in (360, 1200):
                tab.set_viewport_size({"width": width, "height": 900})
                found = axe.Axe().run(tab).response["violations"]
                assert [each["id"] for each in found] == [], (scheme, width)
                # No scrolling sideways.
                assert tab.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
    assert asked == [page.as_uri()]
