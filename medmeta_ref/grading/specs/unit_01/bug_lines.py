"""bug_lines() -> which line of the listing causes which symptom."""

import pytest

# tests/test_bug_hunt_01.py proves the key: mending that line, and no other, cures its symptom.
KEY = {"twin classes": 3, "telling slots": 5, "frozen images": 7, "seen queries": 9}

HINTS = {
    "twin classes": "Which line decides on the classes? Does it draw with or without replacement?",
    "telling slots": "Which line decides on the order in which classes get their slots?",
    "frozen images": "Where does the shuffle of a class get its randomness from, and what is the "
    "seed of that?",
    "seen queries": "Write both slices of the order out, for k_shot = 2 and n_query = 3.",
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
