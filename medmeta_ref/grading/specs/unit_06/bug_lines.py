"""bug_lines() -> which line of the listing causes which symptom."""

import pytest

# tests/test_bug_hunt.py proves the key: mending that line, and no other, cures its symptom.
KEY = {
    "idle": 5,
    "silent first order": 7,
    "blind to queries": 9,
    "louder in company": 10,
    "order of tasks": 11,
}

HINTS = {
    "idle": "How often does the inner loop run when inner_steps is 1?",
    "silent first order": "What would autograd need to remember, so that it can differentiate a "
    "gradient?",
    "blind to queries": "Where should the query set come in, and does not?",
    "louder in company": "One task or four alike: where would the mean be taken?",
    "order of tasks": "What happens to params between the first task and the second?",
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
