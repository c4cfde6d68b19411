"""bug_lines() -> which line of the listing causes which symptom."""

import pytest

# tests/test_bug_hunt_10.py proves the key: mending that line, and no other, cures its symptom.
KEY = {"twins": 4, "lying down": 3, "nobody left": 7, "ghosts": 8, "company": 9}

HINTS = {
    "twins": "Which two inputs are cut along the same axis?",
    "lying down": "In which view have the axes that are left changed places?",
    "nobody left": "Where is it decided which views stay, and what if luck drops all three?",
    "ghosts": "What gate logit does a missing view get, and what does a softmax make of it?",
    "company": "Over what do the gates sum to 1: over the views of a volume, or over the volumes?",
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
