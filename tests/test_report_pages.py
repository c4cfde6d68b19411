"""The instructor's pages and tables: the numbers are there, and nothing a learner wrote acts."""

import base64
import io
import re

import pytest
from PIL import Image
from rich.console import Console

from medmeta_ref.grading.reports.item_statistics import item_statistics
from medmeta_ref.grading.reports.shown_text import visible
from medmeta_ref.grading.reports.similarity import SOLUTION, Finding, similar_answers
from medmeta_ref.grading.reports.similarity_page import (
    MAX_SHOWN,
    similarity_json,
    similarity_page,
)
from medmeta_ref.grading.reports.statistics_figure import DARK, LIGHT, statistics_figure, words_for
from medmeta_ref.grading.reports.statistics_views import (
    mistake_lines,
    statistics_page,
    statistics_table,
)
from medmeta_ref.grading.results import State
from tests.graded_class import UNIT, a_class, solutions
from tests.pages import CHROMIUM, HOSTILE, Page, contrast, problems

ITEMS = item_statistics(a_class(40))


def with_message(text):
    """Return the statistics of real results in which every lost check says `text`."""
    results = []
    for stored in a_class(40)[:3]:
        exercises = [
            exercise._replace(
                checks=tuple(
                    check._replace(message=text, title=text)
                    if check.state is not State.RIGHT
                    else check
                    for check in exercise.checks
                )
            )
            for exercise in stored.result.exercises
        ]
        results.append(stored._replace(result=stored.result._replace(exercises=tuple(exercises))))
    return item_statistics(results)[:4]


def finding(left="x = 1", right="x = 1", names=("a", "b")):
    lines = (frozenset({1}), frozenset({1}))
    return Finding("loss_test", names[:1], names[1:], 42.0, 0.9, lines, (left, right))


def printed(table):
    console = Console(width=200, file=io.StringIO(), color_system=None)
    console.print(table)
    return console.file.getvalue()


# Statistics


def test_table_and_page_hold_the_counts_of_every_check():
    html = statistics_page(ITEMS, unit=UNIT)
    table = printed(statistics_table(ITEMS, unit=UNIT))
    counts = [tuple(map(str, (i.n_right, i.n_wrong, i.n_raised, i.n_not_attempted))) for i in ITEMS]
    assert re.findall(r"│ +(\d+) │ +(\d+) │ +(\d+) │ +(\d+) │", table) == counts
    points = r'<td class="n">[\d.]+</td>'
    assert re.findall(points + 4 * r'<td class="n">(\d+)</td>', html) == counts
    shown = " ".join(Page(html).shown.split())
    for item in ITEMS:
        assert " ".join(item.title.split()) in shown
        assert all(line in shown for line in mistake_lines(item, 8))


def test_mistakes_beyond_the_first_are_counted_together():
    item = max(ITEMS, key=lambda item: len(item.mistakes))
    lines = mistake_lines(item, 2)
    assert len(lines) == 3
    counts = [int(line.split()[0]) for line in lines]
    assert sum(counts) == item.n_wrong + item.n_raised


def test_page_stands_alone_with_a_figure_for_light_and_one_for_dark():
    html = statistics_page(ITEMS, unit=UNIT)
    assert problems(html) == []
    corners = []
    for data in re.findall(r'(?:srcset|src)="data:image/png;base64,([^"]+)"', html):
        image = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
        corners.append("#{:02x}{:02x}{:02x}".format(*image.getpixel((1, 1))))
    assert corners == [DARK.paper, LIGHT.paper]
    for theme in (LIGHT, DARK):
        assert contrast(theme.ink, theme.paper) >= 4.5
        assert f"--paper: {theme.paper}; --ink: {theme.ink}" in html


def test_figure_parts_every_bar_into_the_counts_and_labels_it():
    figure = statistics_figure(ITEMS)
    [ax] = figure.axes
    assert ax.get_xlabel() == "submissions"
    assert len(ax.get_yticklabels()) == len(ITEMS)
    # Tests that differ in a parameter have labels that differ.
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert len(set(labels)) == len(labels)
    for i, item in enumerate(ITEMS):
        widths = [bars[i].get_width() for bars in ax.containers]
        assert widths == [item.n_right, item.n_wrong, item.n_raised, item.n_not_attempted]
        assert sum(widths) == item.n_submissions
    hatches = {bars[0].get_hatch() for bars in ax.containers}
    assert len(hatches) == len(ax.containers) == 4


def test_the_figure_is_told_in_words():
    words = words_for(ITEMS)
    best = max(ITEMS, key=lambda item: item.n_right)
    assert f"{len(ITEMS)} checks" in words
    assert f"{best.n_right}." in words


@pytest.mark.parametrize("text", HOSTILE)
def test_messages_do_not_act_in_page_figure_or_terminal(text):
    items = with_message(text)
    html = statistics_page(items, unit=UNIT)
    assert problems(html) == []
    harmless = Page(statistics_page(with_message("x"), unit=UNIT))
    assert [tag for tag, _ in Page(html).tags] == [tag for tag, _ in harmless.tags]
    table = printed(statistics_table(items, unit=UNIT))
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b\x07]", table + html)
    assert " ".join(visible(text).split())[:20] in " ".join(table.split())


def test_a_formula_in_a_title_is_not_typeset():
    items = [item._replace(title="$\\frac{1}{$ and $x^$") for item in ITEMS]
    statistics_page(items, unit=UNIT)


# Similar answers


def test_page_gives_no_verdict_and_says_so():
    html = similarity_page([finding()], unit=UNIT, n_submissions=2)
    assert problems(html) == []
    shown = Page(html).shown
    assert "This page gives no verdict." in shown
    assert "no probability" in shown
    assert not re.search("plagiar|cheat|guilt", shown, flags=re.IGNORECASE)


def test_both_texts_are_shown_whole_and_shared_lines_marked():
    left, right = "def f():\n    return 1\n# mine", "def g():\n    return 1"
    shared = (frozenset({2}), frozenset({1, 2}))
    html = similarity_page(
        [finding(left, right)._replace(shared_lines=shared)], unit=UNIT, n_submissions=2
    )
    assert re.findall("<mark>(.*?)</mark>", html) == ["    return 1", "def g():", "    return 1"]
    shown = Page(html).shown
    assert left in shown
    assert right in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_answers_and_names_are_shown_as_text(text):
    found = finding(text, f"{text}\n{text}", names=(text, text))
    html = similarity_page([found], unit=UNIT, n_submissions=2)
    assert problems(html) == []
    assert Page(html).shown.count(visible(text)) >= 5
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b]", html)


def test_no_finding_many_findings_many_names_and_long_texts_are_told():
    assert "No answers stand out." in similarity_page([], unit=UNIT, n_submissions=3)
    many = [finding()] * (MAX_SHOWN + 5)
    html = similarity_page(many, unit=UNIT, n_submissions=3)
    assert html.count("<section") == MAX_SHOWN
    assert f"{MAX_SHOWN + 5} findings; the first {MAX_SHOWN} are shown" in html
    assert len(similarity_json(many)) == MAX_SHOWN + 5
    names = tuple(f"n{i}" for i in range(30))
    html = similarity_page([finding("x\n" * 1000, names=names)], unit=UNIT, n_submissions=3)
    assert "and 17 more" in html
    assert "… 701 more lines" in html


def test_json_names_both_sides_and_the_solution():
    text = solutions()["loss_test"]
    [found] = similar_answers("loss_test", {"a": text}, released="", solution=text)
    [data] = similarity_json([found])
    assert (data["left"], data["right"], data["solution"]) == (["a"], [SOLUTION], True)
    assert data["verbatim"] is True


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
def test_in_a_browser_nothing_runs_and_the_figure_follows_the_theme(tmp_path):
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    text = "\n".join(HOSTILE)
    pages = {
        "statistics": statistics_page(with_message(text), unit=UNIT),
        "similarity": similarity_page([finding(text, text)], unit=UNIT, n_submissions=2),
    }
    root = "document.documentElement"
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        shown = []
        for name, html in pages.items():
            path = tmp_path / f"{name}.html"
            path.write_text(html, encoding="utf-8")
            title = re.search("<title>(.*)</title>", html)[1]
            for scheme in ("light", "dark"):
                for width in (1280, 390):
                    page = browser.new_page(
                        viewport={"width": width, "height": 900}, color_scheme=scheme
                    )
                    requests, messages = [], []
                    page.on("request", lambda r, to=requests: to.append(r.url))
                    page.on("console", lambda m, to=messages: to.append(m.text))
                    page.goto(path.as_uri())
                    assert page.title() == title
                    assert [r for r in requests if not r.startswith("data:")] == [path.as_uri()]
                    assert messages == []
                    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
                    if name == "statistics":
                        image = "document.querySelector('img')"
                        assert page.evaluate(f"{image}.naturalWidth > 0")
                        shown.append(page.evaluate(f"{image}.currentSrc"))
                    page.close()
        assert shown[0] == shown[1] != shown[2] == shown[3]
        browser.close()
