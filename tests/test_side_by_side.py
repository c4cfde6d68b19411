"""The picture beside a check: there when it can be, silent about errors when it cannot."""

import pytest
import torch

from medmeta_ref.grading.look import look
from medmeta_ref.grading.side_by_side import side_by_side

RIGHT = torch.eye(2)
WORDS = {"xlabel": "input", "ylabel": "unit", "alt": "Your gradient beside the right one."}


def test_picture_says_how_large_the_largest_difference_is():
    picture = side_by_side(lambda: RIGHT, lambda: RIGHT + 0.5, **WORDS)
    assert picture.alt == "Your gradient beside the right one. Largest difference: 0.5."
    assert picture.png.startswith(b"\x89PNG")


def not_written():
    raise NotImplementedError


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (not_written, "Nothing to see yet"),
        (lambda: 1 / 0, "with your answers it raises ZeroDivisionError"),
        (lambda: None, r"a tensor of shape (2, 2) was expected"),
        (lambda: torch.zeros(3), r"a tensor of shape (2, 2) was expected"),
    ],
)
def test_without_an_answer_there_is_a_sentence_and_no_error(answer, said, capsys):
    assert side_by_side(lambda: RIGHT, answer, **WORDS) is None
    assert said in capsys.readouterr().out


def test_target_may_need_the_learners_functions_as_well(capsys):
    assert side_by_side(not_written, lambda: RIGHT, **WORDS) is None
    assert "Nothing to see yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "said"), [(NotImplementedError, "Nothing to see yet"), (KeyError, "raises KeyError")]
)
def test_cell_that_draws_goes_on_when_the_answers_fail(error, said, capsys):
    with look():
        raise error
    assert said in capsys.readouterr().out


def test_cell_that_draws_can_still_be_stopped():
    with pytest.raises(KeyboardInterrupt), look():
        raise KeyboardInterrupt
