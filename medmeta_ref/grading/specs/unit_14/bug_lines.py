"""bug_lines() -> which line of the listing causes which symptom."""

import pytest

# tests/test_bug_hunt_14.py proves the key: mending that line, and no other, cures its symptom.
KEY = {
    "teacher ruined": 2,
    "far off": 5,
    "never the same": 8,
    "suspiciously equal": 14,
    "one hiccup": 15,
}

HINTS = {
    "teacher ruined": "How many networks are there, and how many names?",
    "far off": "With weights of 1 and -2, how many steps is -2?",
    "never the same": "Which of the two compared outputs changes from call to call, and why?",
    "suspiciously equal": "What is the mean of 1 and -1?",
    "one hiccup": "Which summary of a list of times does not follow its largest?",
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
