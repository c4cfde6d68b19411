"""`check` and its table: four verdicts in words, points nbgrader can read, nothing on stderr."""

import json
import logging
import os
import re
import sys
import warnings
from html.parser import HTMLParser

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbformat.v4 import output_from_msg
from nbgrader.utils import get_partial_grade

from medmeta_ref import distillation
from medmeta_ref.grading import check as check_module
from medmeta_ref.grading.check import RESULT_MIME, ChecksFailed, check
from medmeta_ref.grading.logged import as_check
from medmeta_ref.grading.report import SIGNS, as_html, as_text, headline
from medmeta_ref.grading.results import CheckResult, ExerciseResult, State
from medmeta_ref.grading.spec_runner import run_spec
from medmeta_ref.progress import log

INJECTION = "<script>alert(1)</script> & <img src=x onerror=alert(1)> *bold* `code`"

ALL_FOUR = ExerciseResult(
    "03.example",
    (
        CheckResult("test_a", "The first check.", State.RIGHT, 2.0, ""),
        CheckResult("test_b", "The cross-entropy check.", State.WRONG, 1.25, "Expected 2, got 4."),
        CheckResult("test_c", "The third check.", State.RAISED, 3.0, f"ValueError: {INJECTION}"),
        CheckResult("test_d", "The fourth check.", State.NOT_ATTEMPTED, 4.0, "replace the line"),
    ),
    (f"UserWarning: {INJECTION}",),
)


@pytest.fixture(autouse=True)
def _no_nbgrader(monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)


def half_right(logits, *, temperature):
    """Right, except for logits so large that exp overflows."""
    powers = torch.exp(logits / temperature)
    return powers / powers.sum(1, keepdim=True)


def placeholder(logits, *, temperature):
    raise NotImplementedError("your code goes here")


# ---- points ----


@pytest.mark.parametrize(
    ("answer", "points"), [(distillation.soft_targets, 8), (half_right, 5), (placeholder, 0)]
)
def test_points_are_a_plain_float_that_nbgrader_reads_as_it_is(answer, points):
    got = check("03.soft_targets", answer)
    assert type(got) is float
    assert got == points
    # What nbgrader sees is the repr of the cell's last expression.
    output = output_from_msg(
        {
            "header": {"msg_type": "execute_result"},
            "content": {"execution_count": 1, "data": {"text/plain": repr(got)}, "metadata": {}},
        }
    )
    assert get_partial_grade(output, 8.0) == points


def test_unknown_exercise_is_a_value_error_that_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"no exercise '03\.x'; there are .*03\.soft_targets"):
        check("03.x", placeholder)


def test_seed_reaches_the_checks(monkeypatch):
    seen = []

    def run_spec(exercise, answer, *, seed):
        seen.append((exercise, answer, seed))
        return ALL_FOUR

    monkeypatch.setattr(check_module, "run_spec", run_spec)
    assert check("03.example", 42, seed=5) == 2.0
    assert seen == [("03.example", 42, 5)]


# ---- the table as text ----


def test_terminal_shows_the_table(capsys):
    check("03.soft_targets", half_right)
    shown = capsys.readouterr().out
    assert "03.soft_targets: 5 of 8 points, 1 of 2 checks to mend" in shown
    assert "exp(10000) overflows." in shown


def test_text_holds_titles_points_states_signs_and_messages():
    text = " ".join(as_text(ALL_FOUR).split())
    for result in ALL_FOUR.checks:
        assert result.title in text
        assert f"{SIGNS[result.state]} {result.state.value}" in text
        assert f"{result.points:g} / {result.max_points:g}" in text
    assert "→ Expected 2, got 4." in text
    assert f"→ ValueError: {INJECTION}" in text
    assert f"note: UserWarning: {INJECTION}" in text


def test_placeholder_needs_no_message_under_each_check():
    assert "replace the line" not in as_text(ALL_FOUR)
    assert "replace the line" not in as_html(ALL_FOUR)


@pytest.mark.parametrize("width", [60, 80])
def test_text_keeps_to_its_width_whatever_is_said(width):
    checks = tuple(c._replace(title=c.title * 9, message=c.message * 9) for c in ALL_FOUR.checks)
    long = ALL_FOUR._replace(checks=checks, notes=("a note\nof two lines " * 20,))
    lines = as_text(long, width=width).splitlines()
    assert max(map(len, lines)) <= width


def test_text_fits_into_what_nbgraders_validate_shows_of_a_line():
    from nbgrader.validator import Validator

    long = ALL_FOUR._replace(notes=("word " * 100,))
    shown = Validator()._indent(as_text(long))
    assert "..." not in shown


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ([State.RIGHT, State.RIGHT], "4 of 4 points, all checks passed"),
        ([State.NOT_ATTEMPTED] * 2, "0 of 4 points, not attempted"),
        ([State.RIGHT, State.NOT_ATTEMPTED], "2 of 4 points, 1 of 2 checks to mend"),
        ([State.WRONG, State.RAISED], "0 of 4 points, 2 of 2 checks to mend"),
    ],
)
def test_headline_says_what_the_points_mean(states, words):
    checks = tuple(CheckResult("t", "T.", state, 2.0, "") for state in states)
    assert headline(ExerciseResult("03.example", checks)) == f"03.example: {words}"


# ---- the table as HTML ----


class Page(HTMLParser):
    """Tags and text of a piece of HTML, as a browser reads them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data + " "


def test_html_holds_what_the_text_holds():
    text = " ".join(Page(as_html(ALL_FOUR)).text.split())
    assert headline(ALL_FOUR) in text
    for result in ALL_FOUR.checks:
        assert result.title in text
        assert f"{SIGNS[result.state]} {result.state.value}" in text
        assert f"{result.points:g} / {result.max_points:g}" in text
    assert "Notes (they cost no points):" in text


def test_html_shows_a_learners_markup_and_never_obeys_it():
    evil = ALL_FOUR._replace(
        exercise=INJECTION,
        checks=tuple(c._replace(title=INJECTION, message=INJECTION) for c in ALL_FOUR.checks),
    )
    page = Page(as_html(evil))
    allowed = {"p", "strong", "table", "thead", "tbody", "tr", "th", "td", "span", "br", "em"}
    assert {tag for tag, _ in page.tags} <= allowed | {"ul", "li", "code"}
    assert {name for _, attributes in page.tags for name in attributes} <= {"style", "scope"}
    # Exercise, four titles and a note; three messages (a placeholder has none), with marks set.
    assert page.text.count(INJECTION) == 6
    assert "".join(page.text.split()).count("".join(re.sub("[*`]", "", INJECTION).split())) == 3


@pytest.mark.parametrize(
    ("message", "page"),
    [
        (
            "Of *all* images: `a * b * c`.",
            "Of <strong>all</strong> images: <code>a * b * c</code>.",
        ),
        ("`*x*`, 2*a*b and 2 * a * b", "<code>*x*</code>, 2*a*b and 2 * a * b"),
        ("one ` alone, *x* <b>", "one ` alone, *x* &lt;b&gt;"),
        ("`<b>` & `</code>`", "<code>&lt;b&gt;</code> &amp; <code>&lt;/code&gt;</code>"),
    ],
)
def test_html_sets_code_and_stress_of_a_message(message, page):
    wrong = CheckResult("t", "T.", State.WRONG, 1.0, message)
    assert f"<em>{page}</em>" in as_html(ExerciseResult("03.example", (wrong,)))


def test_html_without_notes_has_no_list_of_them():
    assert "Notes" not in as_html(ALL_FOUR._replace(notes=()))


def test_columns_have_headings_a_screen_reader_can_use():
    heads = [attributes for tag, attributes in Page(as_html(ALL_FOUR)).tags if tag == "th"]
    assert [head["scope"] for head in heads] == ["col"] * 3


def luminance(colour):
    """Return the relative luminance of "#rrggbb" (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_formula_gives_the_standards_extremes():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == 1


def test_every_badge_is_readable_and_told_apart_without_colour():
    styles = re.findall(r"background-color:(#\w{6});color:(#\w{6})", as_html(ALL_FOUR))
    assert len({background for background, _ in styles}) == len(State)
    for background, text in styles:
        assert contrast(background, text) >= 4.5
    assert len(set(SIGNS.values())) == len({str(state) for state in State}) == len(State)


# ---- in a notebook ----


@pytest.fixture
def shell():
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def run_in(shell, source):
    """Return (outcome, what was displayed) of one cell."""
    shell.user_ns.update(check=check, half_right=half_right, right=distillation.soft_targets)
    with capture_output() as captured:
        outcome = shell.run_cell(source)
    return outcome, captured


def test_notebook_gets_text_html_and_data_and_nothing_on_stderr(shell):
    outcome, captured = run_in(shell, "check('03.soft_targets', half_right)")
    assert outcome.result == 5.0
    assert captured.stderr == ""
    (table, *_) = captured.outputs
    assert set(table.data) == {"text/plain", "text/html", RESULT_MIME}
    result = ExerciseResult.from_json(table.data[RESULT_MIME])
    assert table.data["text/plain"] == as_text(result)
    assert table.data["text/html"] == as_html(result)
    assert (result.exercise, result.points, result.max_points) == ("03.soft_targets", 5, 8)


def test_feedback_page_gets_the_table_as_text(shell, monkeypatch):
    # nbgrader sanitises pages, and what it leaves of a table has no columns.
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    _, captured = run_in(shell, "check('03.soft_targets', half_right)")
    assert set(captured.outputs[0].data) == {"text/plain", RESULT_MIME}


def test_notes_of_every_kind_stand_below_the_table_and_cost_nothing(capfd):
    handler, logger = logging.StreamHandler(sys.stderr), logging.getLogger("noisy")
    logger.addHandler(handler)

    def noisy(logits, *, temperature):
        warnings.warn("a warning", stacklevel=1)
        print("a print", file=sys.stderr)
        logger.error("a log")
        os.write(2, b"from C\n")
        return distillation.soft_targets(logits, temperature=temperature)

    try:
        assert check("03.soft_targets", noisy) == 8
    finally:
        logger.removeHandler(handler)
    out, err = capfd.readouterr()
    assert err == ""
    for words in ("UserWarning: a warning", "a print", "a log", "from C"):
        assert words in out


# ---- while nbgrader validates ----


def test_validate_raises_the_table_where_points_are_missing(monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    with pytest.raises(ChecksFailed) as failed:
        check("03.soft_targets", half_right)
    assert str(failed.value).startswith("03.soft_targets: 5 of 8 points, 1 of 2 checks to mend\n")
    assert "exp(10000) overflows." in str(failed.value)
    assert capsys.readouterr().out == ""


def test_validate_returns_the_points_where_all_is_right(monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    points = check("03.soft_targets", distillation.soft_targets)
    assert (type(points), points) == (float, 8.0)
    assert capsys.readouterr().out == ""


def test_notebook_shows_the_table_in_place_of_a_traceback(shell, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    outcome, captured = run_in(shell, "check('03.soft_targets', half_right)")
    assert isinstance(outcome.error_in_exec, ChecksFailed)
    assert captured.stdout.strip() == str(outcome.error_in_exec).strip()
    assert ChecksFailed(ALL_FOUR)._render_traceback_() == as_text(ALL_FOUR).splitlines()


# ---- as data ----


def test_result_survives_json():
    assert ExerciseResult.from_json(json.loads(json.dumps(ALL_FOUR.to_json()))) == ALL_FOUR


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda data: data.pop("notes"), KeyError),
        (lambda data: data["checks"][0].pop("state"), KeyError),
        (lambda data: data["checks"][0].update(state="perfect"), ValueError),
        (lambda data: data["checks"][0].update(extra=1), TypeError),
    ],
)
def test_data_of_another_form_are_refused(change, error):
    data = ALL_FOUR.to_json()
    change(data)
    with pytest.raises(error):
        ExerciseResult.from_json(data)


def test_points_are_all_or_none_per_check():
    assert [result.points for result in ALL_FOUR.checks] == [2, 0, 0, 0]
    assert (ALL_FOUR.points, ALL_FOUR.max_points) == (2, 10.25)


# ---- the learner's log ----


@pytest.fixture
def unit_folder(tmp_path, monkeypatch):
    """Return the folder of a learner's notebook; a kernel runs where its notebook lies."""
    (tmp_path / "nbgrader_config.py").touch()
    folder = tmp_path / "submitted" / "me" / "03_distillation"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def test_in_a_learners_folder_every_check_is_noted(unit_folder, capsys):
    check("03.soft_targets", half_right)
    check("03.soft_targets", placeholder)
    first, second = log.read(unit_folder.parent / log.FILE_NAME).checks
    assert (first.exercise, first.points, first.max_points) == ("03.soft_targets", 5, 8)
    assert (first.attempted, first.where) == (True, "notebook")
    assert (second.points, second.attempted) == (0, False)
    assert "noted" not in capsys.readouterr().out


def test_a_cell_and_the_same_text_in_the_file_are_one_answer(unit_folder):
    source = "def soft_targets(logits, *, temperature):\n    return torch.softmax(logits, 1)\n"
    shell = InteractiveShell()
    with capture_output():
        shell.run_cell("import torch\nfrom medmeta_ref.grading.check import check")
        shell.run_cell(source + "\n")
        assert shell.run_cell('check("03.soft_targets", soft_targets)').success
    [noted] = log.read(unit_folder.parent / log.FILE_NAME).checks
    result = run_spec("03.soft_targets", placeholder)
    assert noted.answer == as_check(result, source.rstrip(), where="terminal").answer != ""


@pytest.mark.parametrize("execution", ["validate", "autograde"])
def test_nothing_is_noted_while_nbgrader_runs_a_notebook(execution, unit_folder, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", execution)
    check("03.soft_targets", distillation.soft_targets)
    assert not (unit_folder.parent / log.FILE_NAME).exists()


def test_a_log_that_cannot_be_written_costs_one_line_and_no_points(unit_folder, capsys):
    (unit_folder.parent / log.FILE_NAME).mkdir()
    assert check("03.soft_targets", distillation.soft_targets) == 8
    shown = capsys.readouterr()
    assert shown.err == ""
    assert len([line for line in shown.out.splitlines() if "could not be noted" in line]) == 1
