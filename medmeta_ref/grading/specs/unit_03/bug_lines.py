"""bug_lines() -> which line of the listing causes which symptom."""

import pytest

# tests/test_bug_hunt.py proves the key: mending that line, and no other, cures its symptom.
KEY = {"moving teacher": 2, "not a divergence": 4, "harmful labels": 5, "piling gradients": 6}

HINTS = {
    "moving teacher": "Which line runs the teacher, and in which mode?",
    "not a divergence": "Which line should be 0 for two equal outputs, and is not?",
    "harmful labels": "Put labels 0, 1 and 2 into every line that mentions them.",
    "piling gradients": "One line names a method without calling it.",
}


@pytest.mark.points(1.25)
@pytest.mark.parametrize("symptom", KEY)
def test_symptom_is_traced_to_its_line(yours, symptom):
    """The line behind "{symptom}"."""
    answer = yours()
    assert type(answer) is dict, f"A dict was expected, bug_lines returned {answer!r:.60}."
    line = answer.get(symptom)
    assert type(line) is int, f"A line number was expected, got {line!r:.60}. {HINTS[symptom]}"
    assert line == KEY[symptom], f"Line {line} is not the cause. {HINTS[symptom]}"
