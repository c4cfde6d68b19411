"""bug_lines() -> which line of the listing causes which symptom."""

import pytest

# tests/test_bug_hunt_09.py proves the key: mending that line, and no other, cures its symptom.
KEY = {
    "exam answers": 5,
    "upside down": 6,
    "never sure": 7,
    "order of models": 8,
    "company": 9,
}

HINTS = {
    "exam answers": "Where are the test labels used, and what should stand there?",
    "upside down": "Is a large loss good or bad, and what is made of it?",
    "never sure": "What do the models return, and what is done with it before it is added up?",
    "order of models": "What happens to the first model's share when the second one comes?",
    "company": "Over which axis does a row of probabilities sum to 1?",
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
