"""bug_lines() -> which line of the listing causes which symptom."""

import pytest

# tests/test_bug_hunt_07.py proves the key: mending that line, and no other, cures its symptom.
KEY = {
    "order of tasks": 4,
    "one minibatch": 6,
    "no second step": 7,
    "restless": 11,
    "walks away": 12,
}

HINTS = {
    "order of tasks": "Where does the second task begin?",
    "one minibatch": "Which data does step 2 see?",
    "no second step": "At which parameters is the slope of step 2 taken?",
    "restless": "If nobody moves, every entry of `ends` is `params`. What should `mean` be then?",
    "walks away": "From params, in which direction does the mean of the ends lie?",
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
