"""bug_lines() -> which line of the listing causes which symptom."""

import pytest

# tests/test_bug_hunt_12.py proves the key: mending that line, and no other, cures its symptom.
KEY = {
    "uneven noise": 3,
    "half the noise": 4,
    "spoilt archive": 5,
    "reads the exam": 8,
    "harmless damage": 9,
}

HINTS = {
    "uneven noise": "A coin is thrown for each label. How many heads are there?",
    "half the noise": "Which classes can a label become that was hit? Is its own one among them?",
    "spoilt archive": "Are `noisy_y` and `train_y` two tensors, or two names of one?",
    "reads the exam": "Which images and labels decide about `best`?",
    "harmless damage": "On which images is `before` measured, and on which `after`?",
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
