"""bug_lines() -> which line of the listing causes which symptom."""

import pytest

# tests/test_bug_hunt_05.py proves the key: mending that line, and no other, cures its symptom.
KEY = {
    "piling up": 2,
    "straight world": 6,
    "deaf rate": 7,
    "never arrives": 8,
    "hoarder": 11,
}

HINTS = {
    "piling up": "What does backward() do to a .grad that is already there?",
    "straight world": "What would autograd have to remember about the slopes, and does not?",
    "deaf rate": "Where does the tensor become a number without a past?",
    "never arrives": "Where does the second step begin?",
    "hoarder": "What hangs on to the whole graph after the function has returned?",
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
