"""schedules(epoch, *, n_epochs, switch_epoch, outer_lr, lowest_lr)."""

import math

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees

# Share of the training -> cosine of that share of half a turn, known without any cosine.
COSINES = {
    0: 1.0,
    2: math.sqrt(3) / 2,
    3: math.sqrt(2) / 2,
    4: 0.5,
    6: 0.0,
    8: -0.5,
    9: -math.sqrt(2) / 2,
    12: -1.0,
}


def _pair(yours, epoch, **how):
    got = yours(epoch, **how)
    kind = type(got).__name__
    assert type(got) is tuple, f"A pair (first_order, rate) was expected; yours is {kind}." + (
        " Is the return statement missing?" if got is None else ""
    )
    assert len(got) == 2, f"A pair was expected, yours has {len(got)} items."
    return got


@pytest.mark.points(4)
def test_first_order_comes_first_and_ends_at_the_switch(yours, generator):
    """Epochs 0 to switch_epoch - 1 are first-order, the others are not."""
    for switch in (1, 3, int(torch.randint(4, 7, (), generator=generator))):
        how = {"n_epochs": 10, "switch_epoch": switch, "outer_lr": 0.01, "lowest_lr": 0.0}
        got = [_pair(yours, epoch, **how)[0] for epoch in range(10)]
        assert all(type(each) is bool for each in got), (
            "The first of the pair should be True or False, yours is "
            f"{next(type(each).__name__ for each in got if type(each) is not bool)}."
        )
        says = f"For switch_epoch={switch} yours says {got}."
        assert got != [epoch >= switch for epoch in range(10)], (
            f"{says} The order is upside down: the cheap, first-order epochs come first."
        )
        assert got != [epoch <= switch for epoch in range(10)], (
            f"{says} One epoch too many: epochs count from 0, and switch_epoch of them are "
            "first-order."
        )
        assert got == [epoch < switch for epoch in range(10)], (
            f"{says} The first {switch} epochs, from 0 to {switch - 1}, are first-order."
        )


@pytest.mark.points(4)
def test_rate_falls_along_half_a_cosine(yours, generator):
    """From outer_lr to lowest_lr: slow, then fast, then slow."""
    for scale, lowest in ((1, 0.0), (2, 0.002)):
        high = float(0.01 + 0.01 * torch.rand((), generator=generator))
        for twelfths, cosine in COSINES.items():
            epoch, n_epochs = twelfths * scale, 12 * scale
            done = twelfths / 12
            _, got = _pair(
                yours,
                epoch,
                n_epochs=n_epochs,
                switch_epoch=3,
                outer_lr=high,
                lowest_lr=lowest,
            )
            mistakes = {
                "That is a straight line, not a cosine.": high + (lowest - high) * done,
                "The rate rises; it should fall from outer_lr.": (
                    lowest + (high - lowest) * (1 - cosine) / 2
                ),
                "That is a quarter of a turn; take half of one, cos(pi * epoch / n_epochs).": (
                    lowest + (high - lowest) * math.cos(math.pi * done / 2)
                ),
                "lowest_lr is not in it.": high * (1 + cosine) / 2,
                "It ends at outer_lr's share plus lowest_lr: scale the difference of the two.": (
                    lowest + high * (1 + cosine) / 2
                ),
            }
            right = lowest + (high - lowest) * (1 + cosine) / 2
            assert_agrees(
                got,
                right,
                mistakes={s: v for s, v in mistakes.items() if abs(v - right) > 1e-6},
                look_at=f"This was epoch {epoch} of {n_epochs}, from {high:.4f} to {lowest}. At "
                "the first epoch it is outer_lr, half way the mean of both, at the end lowest_lr.",
                atol=1e-8,
            )
