"""house_rules() -> what grading makes of five situations."""

import pytest

KEY = {"noisy": "a", "stuck": "b", "helper": "c", "half": "d", "deleted": "a"}

WHY = {
    "noisy": "Warnings and progress bars become notes. They never cost points.",
    "stuck": "The line that raises NotImplementedError is how a check knows that you have not "
    "begun. That is no mistake, and nothing crashed.",
    "helper": "Only the text of answer cells is taken to grading. A name from another cell is not "
    "there: Python raises a NameError in your code. Define helpers inside the answer.",
    "half": "A check gives all of its points or none, so that luck on one of two cases earns "
    "nothing. The exercise's other checks still count.",
    "deleted": "Your answers are put into a fresh copy of the notebook, and its checks are all "
    "there. Nothing that you do to a check cell matters, for better or worse.",
}


@pytest.mark.points(2)
@pytest.mark.parametrize("situation", KEY)
def test_situation(yours, situation):
    """What happens to "{situation}"."""
    answer = yours()
    assert type(answer) is dict, f"A dict was expected, house_rules returned {answer!r:.60}."
    letter = answer.get(situation)
    assert type(letter) is str, f'A letter such as "a" was expected, got {letter!r:.60}.'
    assert letter in {"a", "b", "c", "d"}, f"a, b, c or d were expected, got {letter!r:.20}."
    assert letter == KEY[situation], f"It is not {letter!r}. {WHY[situation]}"
