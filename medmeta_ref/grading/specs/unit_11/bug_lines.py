"""bug_lines() -> which line of the listing causes which symptom."""

import pytest

# tests/test_bug_hunt_11.py proves the key: mending that line, and no other, cures its symptom.
KEY = {
    "exam in the memory": 4,
    "some never return": 5,
    "stored images change": 7,
    "newcomers favoured": 11,
    "forgetting unseen": 15,
}

HINTS = {
    "exam in the memory": "Follow a test image through the listing: where does it join the others?",
    "some never return": "Which of the stored items can be drawn for replay, and which cannot?",
    "stored images change": "What is stored: an image, or a view of an array that the loader owns?",
    "newcomers favoured": "With capacity 2, the third item comes. n_seen is 2. What can be drawn?",
    "forgetting unseen": "On which tasks is the learner tested after the second task?",
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
