"""bug_lines() -> which line of the listing causes which symptom."""

import pytest

# tests/test_bug_hunt_04.py proves the key: mending that line, and no other, cures its symptom.
KEY = {
    "influenced": 4,
    "order of examples": 6,
    "bent boundary": 7,
    "never sure": 8,
    "above one": 9,
}

HINTS = {
    "influenced": "In which line does a query meet the other queries?",
    "order of examples": "Which line should use the support labels, and does not?",
    "bent boundary": "Which distance multiplies out to something linear in the query?",
    "never sure": "What does F.cross_entropy expect, and what does it do with it?",
    "above one": "What is counted, and what is it divided by?",
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
