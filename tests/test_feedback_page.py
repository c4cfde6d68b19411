"""A student's page: complete, readable by everybody, and harmless whatever the student wrote."""

import re

import pytest

from medmeta_ref.grading.reports.feedback_page import feedback_page
from medmeta_ref.grading.reports.messages import parts
from medmeta_ref.grading.reports.pages import render
from medmeta_ref.grading.reports.shown_text import visible
from medmeta_ref.grading.results import State
from medmeta_ref.grading.sandbox.grade import Sandbox, grade_answers
from medmeta_ref.grading.stored_result import StoredResult
from tests.graded_class import EXERCISES, SECRET, UNIT, a_class, graded, solutions, wrong_texts
from tests.pages import CHROMIUM, HOSTILE, Page, contrast, problems


def in_one_line(text):
    return " ".join(text.split())


def hostile_result(text):
    """Return a real result into which a text was put wherever a learner's text can come to."""
    stored = graded("student", {"label_weight": wrong_texts("label_weight")[0]}, notes=[text])
    exercises = []
    for exercise in stored.result.exercises:
        checks = [
            check._replace(
                state=state,
                message=f"ValueError: {text} at `cell {exercise.exercise} line 1: {text}`"
                if state is State.RAISED
                else f"Expected 1, got 2. {text}",
            )
            for check, state in zip(exercise.checks, 2 * list(State), strict=False)
        ]
        exercises.append(exercise._replace(checks=tuple(checks), notes=(text,)))
    return stored._replace(
        result=stored.result._replace(exercises=tuple(exercises)),
        answers=dict.fromkeys((*EXERCISES, "written", text), text),
    )


@pytest.mark.parametrize("i", range(8))
def test_every_check_is_there_with_its_state_points_title_and_message(i):
    stored = a_class(40)[i]
    html = feedback_page(stored)
    assert problems(html) == []
    shown = in_one_line(Page(html).shown)
    assert f"{stored.result.points:g} of {stored.result.max_points:g} points" in shown
    position = 0
    for exercise in stored.result.exercises:
        for check in exercise.checks:
            position = shown.index(in_one_line(check.title), position)
            if check.state is not State.RIGHT:
                told = shown[position : position + 2000]
                assert all(in_one_line(part) in told for part in parts(check)[:2])
    assert shown.count("/ 5 points") == sum(
        check.max_points == 5 for e in stored.result.exercises for check in e.checks
    )
    for text in stored.answers.values():
        assert in_one_line(text) in shown


def test_states_are_told_by_word_and_sign():
    html = feedback_page(hostile_result("x"))
    for state, sign in zip(State, "…✗!✓", strict=True):
        assert f'<span aria-hidden="true">{sign}</span> {state}</span>' in html


def test_an_error_shows_the_learners_own_line_apart_from_it():
    line = "cell soft_targets line 2: return undefined"
    stored = hostile_result("x")
    exercise = stored.result.exercises[0]
    check = exercise.checks[0]._replace(
        state=State.RAISED, message=f"NameError: name 'undefined' is not defined at `{line}`"
    )
    exercises = (exercise._replace(checks=(check,)),)
    html = feedback_page(stored._replace(result=stored.result._replace(exercises=exercises)))
    assert "<dt>Error</dt><dd>NameError: name &#39;undefined&#39; is not defined</dd>" in html
    assert "Your line, in cell soft_targets line 2:" in html
    assert "<code>return undefined</code>" in html


def test_the_line_that_raised_in_the_sandbox_is_found_in_its_message():
    answer = "def soft_targets(logits, *, temperature):\n    x = 1\n    return undefined + x\n"
    with Sandbox() as sandbox:
        result = grade_answers(
            {"soft_targets": answer}, UNIT, secret=SECRET, student="ada", sandbox=sandbox
        )
    stored = StoredResult("ada", "key", result, {"soft_targets": answer}, ())
    html = feedback_page(stored)
    assert "Your line, in cell soft_targets line 3:" in html
    assert "<code>return undefined + x</code>" in html
    assert "<dd>NameError: name &#39;undefined&#39; is not defined</dd>" in html


def test_notes_and_answers_without_a_check_are_shown():
    stored = graded("ada", {"written": "I think so."}, notes=["Cell 'a' was missing."])
    shown = Page(feedback_page(stored)).shown
    assert "I think so." in shown
    assert "Cell 'a' was missing." in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_learner_wrote_is_shown_as_text_everywhere(text):
    html = feedback_page(hostile_result(text))
    assert problems(html) == []
    page, harmless = Page(html), Page(feedback_page(hostile_result("x")))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in harmless.tags]
    # In notes and messages, and in every answer.
    assert page.shown.count(visible(text)) >= len(EXERCISES) * 3
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b]", html)


def test_a_template_cannot_forget_to_escape():
    html = render("page.html", title="<b>\u202e")
    assert "<title>&lt;b&gt;\\u202e</title>" in html


def test_page_allows_no_script_and_no_request():
    [policy] = [
        attrs["content"]
        for tag, attrs in Page(feedback_page(graded("a", {}))).tags
        if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy


def test_colours_have_enough_contrast_in_light_and_dark():
    """WCAG AA asks for 4.5 between text and what is behind it."""
    html = render("page.html", title="x")
    light, dark = (
        dict(re.findall(r"--(\w+): (#\w{6})", block))
        for block in re.findall(r":root \{([^}]*)\}", html)
    )
    assert light.keys() == dark.keys()
    for colours in (light, dark):
        for text in ("ink", "soft", "link"):
            for paper in ("paper", "card"):
                assert contrast(colours[text], colours[paper]) >= 4.5, (text, paper)
        assert contrast(colours["ink"], colours["mark"]) >= 4.5
    badges = re.findall(r"\.(right|wrong|raised|open) \{ background: (#\w{6})", html)
    assert len(badges) == 4
    assert all(contrast("#ffffff", colour) >= 4.5 for _, colour in badges)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
def test_in_a_browser_nothing_runs_and_nothing_is_cut_off(tmp_path):
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    pages = [feedback_page(hostile_result("\n".join(HOSTILE))), feedback_page(a_class(40)[3])]
    pages.append(feedback_page(graded("ada", solutions())))
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        for i, html in enumerate(pages):
            path = tmp_path / f"{i}.html"
            path.write_text(html, encoding="utf-8")
            for scheme in ("light", "dark"):
                for width in (1280, 390):
                    page = browser.new_page(
                        viewport={"width": width, "height": 900}, color_scheme=scheme
                    )
                    requests, messages = [], []
                    page.on("request", lambda r, to=requests: to.append(r.url))
                    page.on("console", lambda m, to=messages: to.append(m.text))
                    page.goto(path.as_uri())
                    assert page.title() == "Feedback on 03_distillation"
                    assert requests == [path.as_uri()]
                    assert messages == []
                    root = "document.documentElement"
                    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
                    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
                    light = background == "rgb(255, 255, 255)"
                    assert light == (scheme == "light")
                    page.close()
        browser.close()
