"""bug_lines() -> which line of the listing causes which symptom."""

import pytest

# tests/test_bug_hunt_13.py proves the key: mending that line, and no other, cures its symptom.
KEY = {
    "hidden behind another": 2,
    "old acquaintances": 3,
    "reads the exam": 5,
    "same everywhere": 8,
    "copies make sure": 9,
}

HINTS = {
    "hidden behind another": "How many labels per image does argmax leave?",
    "old acquaintances": "For what is the coin thrown, for an image or for a patient?",
    "reads the exam": "Whose scores and labels does `pick` get to see?",
    "same everywhere": "Where are ill and healthy put together, and in which proportion?",
    "copies make sure": "Which rows belong together, and where is that said?",
}


@pytest.mark.points(2)
@pytest.mark.parametrize("symptom", KEY)
def test_symptom_is_traced_to_its_line(yours, symptom):
    """The line behind "{symptom}"."""
    answer = yours()
    assert type(answer) is dict, f"A dict was expected, bug_lines returned {answer!r:.60}."
    line = answer.get(symptom)
    assert type(line) is int, f"A line number was expected, got {line!r:.60}. {HINTS[symptom]}"
    assert line == KEY[symptom], f"Line {line} is not the cause. {HINTS[symptom]}"
