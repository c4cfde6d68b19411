"""bug_lines() -> which line of the listing causes which symptom."""

import pytest

# tests/test_bug_hunt_02.py proves the key: mending that line, and no other, cures its symptom.
KEY = {
    "old acquaintances": 2,
    "other questions": 7,
    "long memory": 8,
    "answers known": 11,
    "too sure": 14,
}

HINTS = {
    "old acquaintances": "Which line decides what classes an episode may have?",
    "other questions": "What decides which episodes are drawn, and when does it change?",
    "long memory": "Which object is trained in one episode and used again in the next?",
    "answers known": "Which labels does the network learn from, and which may it learn from?",
    "too sure": "How many independent numbers go into the standard deviation?",
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
