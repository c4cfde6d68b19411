import re

import pytest
from markdown_it import MarkdownIt

from medmeta_ref.authoring.cards import FIELDS, CardError, parse_card, render_card

CARD = """\
title: Soft targets
difficulty: 3
importance: 4
minutes: 10
points: 4
objective: Turn logits into probabilities.
hints:
  - Divide **before** the softmax.
  - |
    Which axis?

    $\\sum_i p_i = 1$
help:
  "my loss is `nan` < 0": Look for a *logarithm*.
  "AssertionError: rows": Sum over classes.
"""


def refusal(text: str) -> str:
    with pytest.raises(CardError) as refused:
        parse_card(text)
    return str(refused.value)


def html_of(card_text: str) -> str:
    """What a CommonMark reader makes of the card; JupyterLab follows the same rules for blocks."""
    return MarkdownIt("commonmark").render(render_card(parse_card(card_text)))


def test_difficulty_importance_minutes_and_points_are_one_line_of_text():
    facts = "Difficulty 3 of 5 · Importance 4 of 5 · about 10 minutes · 4 points"
    assert f"<p>{facts}</p>" in html_of(CARD)


def test_one_point_is_no_points():
    assert "· 1 point\n" in render_card(parse_card(CARD.replace("points: 4", "points: 1")))


def test_the_title_is_the_only_heading_and_of_level_three():
    assert re.findall(r"<h\d>.*?</h\d>", html_of(CARD)) == ["<h3>Soft targets</h3>"]


def test_every_hint_and_every_symptom_opens_on_its_own():
    drawers = re.findall(r"<details><summary>(.*?)</summary>(.*?)</details>", html_of(CARD), re.S)
    assert [summary for summary, _ in drawers] == [
        "Hint 1",
        "Hint 2",
        "Help: my loss is <code>nan</code> &lt; 0",
        "Help: AssertionError: rows",
    ]
    assert not any("<details>" in body for _, body in drawers)


def test_markdown_and_formulas_inside_a_drawer_are_rendered():
    page = html_of(CARD)
    assert "<strong>before</strong>" in page
    assert "<em>logarithm</em>" in page
    assert "<p>$\\sum_i p_i = 1$</p>" in page


@pytest.mark.parametrize("field", FIELDS)
def test_a_card_without_a_field_is_refused_by_name(field):
    lines = CARD.splitlines(keepends=True)
    start = next(n for n, line in enumerate(lines) if line.startswith(f"{field}:"))
    end = next(
        (n for n in range(start + 1, len(lines)) if not lines[n].startswith((" ", "\n"))),
        len(lines),
    )
    message = refusal("".join(lines[:start] + lines[end:]))
    assert message == f"the card has no {field}; add '{field}:'"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("difficulty: 3", "difficulty: 6", "difficulty is 6; write a whole number, 1 to 5"),
        ("difficulty: 3", "difficulty: yes", "difficulty is True; write a whole number, 1 to 5"),
        ("importance: 4", "importance: 0", "importance is 0; write a whole number, 1 to 5"),
        ("minutes: 10", "minutes: 2.5", "minutes is 2.5; write a whole number, 1 to 120"),
        ("points: 4", 'points: "4"', "points is '4'; write a whole number, 1 to 100"),
        ("title: Soft targets", 'title: ""', "title is ''; write text"),
        ("objective: Turn", "objective: [Turn]\n# ", "objective is ['Turn']; write text"),
        ("  - Divide **before** the softmax.\n", "", "1 hints, at least 2 needed"),
        ("  - Divide", "  - First: divide", "is no text; put it between quotes"),
        ("hints:", "hint:", "unknown card field 'hint'"),
    ],
)
def test_a_wrong_value_is_refused_with_its_limit(old, new, message):
    assert old in CARD
    assert message in refusal(CARD.replace(old, new))


def test_a_card_without_help_is_refused():
    assert "no help; add a symptom" in refusal(CARD[: CARD.index("help:")] + "help: {}\n")


def test_advice_that_is_no_text_is_refused():
    assert "the help 'my loss': None is no text" in refusal(
        CARD[: CARD.index("help:")] + 'help:\n  "my loss":\n'
    )


def test_all_problems_of_a_card_come_at_once():
    message = refusal(CARD.replace("difficulty: 3", "difficulty: 9").replace("title:", "name:"))
    assert "difficulty is 9" in message
    assert "no title" in message
    assert "unknown card field 'name'" in message


def test_text_that_is_no_yaml_is_refused_with_its_line():
    with pytest.raises(CardError, match="between quotes") as refused:
        parse_card(CARD.replace("objective: Turn", "objective: Goal: turn"))
    assert [line for line, _ in refused.value.problems] == [5]


def test_an_empty_card_is_refused_with_all_that_it_needs():
    assert "title, difficulty, importance, minutes, points, objective, hints, help" in refusal("")
