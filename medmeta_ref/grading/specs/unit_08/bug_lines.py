"""bug_lines() -> which line of the listing causes which symptom."""

import pytest

# tests/test_bug_hunt_08.py proves the key: mending that line, and no other, cures its symptom.
KEY = {
    "deaf store": 5,
    "rates that never learn": 6,
    "idle late rates": 11,
    "upside down": 10,
    "only the end counts": 13,
}

HINTS = {
    "deaf store": "Which line decides whether the batch or the store normalises?",
    "rates that never learn": "Where does the path from the loss to the rates end?",
    "idle late rates": "Which rate is used in the second step?",
    "upside down": "For which value of first_order is the graph of the slope kept?",
    "only the end counts": "What happens to the total of the steps before?",
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
