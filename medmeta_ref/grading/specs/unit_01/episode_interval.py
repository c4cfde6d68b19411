"""episode_interval(accuracies) -> (mean, half-width of the usual 95 % interval)."""

import math

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_01._drawing import assert_refuses
from medmeta_ref.grading.specs.unit_01._intervals import by_hand, pair


@pytest.mark.points(5)
def test_is_the_mean_and_1_96_standard_errors(yours, generator):
    """The mean, and 1.96 s / √n with n - 1 in the standard deviation s; for 7 and 40 episodes."""
    for n in (7, 40):
        accuracies = torch.rand(n, generator=generator, dtype=torch.float64)
        mean, squares, _ = by_hand(accuracies.tolist())
        s = math.sqrt(squares / (n - 1))
        got = pair(yours(accuracies))
        swapped = {"Mean first, then half-width: yours are swapped.": 1.96 * s / math.sqrt(n)}
        look_at = "The first of the two is the mean."
        assert_agrees(got[0], mean, mistakes=swapped, look_at=look_at)
        assert_agrees(
            got[1],
            1.96 * s / math.sqrt(n),
            mistakes={
                "That is the standard deviation over √n with n in it; n - 1 belongs there.": (
                    1.96 * math.sqrt(squares / n / n)
                ),
                "That is 1.96 s: the spread of single episodes, not of their mean. The √n is "
                "missing.": 1.96 * s,
                "Divided by n instead of √n.": 1.96 * s / n,
                "That is one standard error; a 95 % interval has 1.96 of them.": s / math.sqrt(n),
                "That is the standard deviation.": s,
                "That is the whole width; half of it was asked for.": 2 * 1.96 * s / math.sqrt(n),
                "You used the variance where the standard deviation belongs.": (
                    1.96 * s * s / math.sqrt(n)
                ),
                "That is 2 standard errors; 1.96 was asked for.": 2 * s / math.sqrt(n),
            },
            look_at="The second of the two is 1.96 * s / sqrt(n).",
        )


@pytest.mark.points(2)
def test_four_times_as_many_episodes_halve_the_interval(yours):
    """Copies of the same episodes: 4 n of them have half the width, but for n - 1 against n."""
    few = torch.tensor([0.2, 0.4, 0.6, 0.8], dtype=torch.float64)
    narrow, wide = pair(yours(few.repeat(400)))[1], pair(yours(few.repeat(100)))[1]
    assert_agrees(
        wide / narrow,
        2.0,
        mistakes={
            "The width does not depend on how many episodes there are.": 1.0,
            "The width falls as 1/n; it should fall as 1/√n.": 4.0,
        },
        look_at="The half-width should fall as 1 over the root of the number of episodes.",
        rtol=0.002,
    )


@pytest.mark.points(1)
def test_one_episode_is_refused(yours):
    """A single episode says nothing about the spread: a ValueError, not nan."""
    assert_refuses(lambda: yours(torch.tensor([0.6])), 1, what="An interval from 1 episode")
