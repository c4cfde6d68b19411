"""int8_test(quantise): the learner writes the test, and it is tested in turn."""

import pytest
import torch

from medmeta_ref.grading.trials import tried


def _scale(weight, largest=None, steps=127.0):
    largest = weight.abs().amax(1) if largest is None else largest
    return torch.where(weight.abs().amax(1) > 0, largest / steps, torch.ones_like(largest))


def _values(exact):
    """Return int8; what does not fit wraps round, as it does in a computer."""
    exact = torch.nan_to_num(exact)
    return ((exact.long() + 128) % 256 - 128).to(torch.int8)


def right(weight):
    """Half a step goes to the even neighbour."""
    scale = _scale(weight)
    return _values((weight / scale[:, None]).round()), scale


def right_half_up(weight):
    """Half a step goes away from zero, channel by channel."""
    rows, scales = [], []
    for row in weight.double():
        scale = row.abs().max() / 127 if row.any() else torch.tensor(1.0).double()
        steps = row.sign() * (row.abs() / scale + 0.5).floor().clamp(max=127)
        rows.append(steps)
        scales.append(scale)
    return _values(torch.stack(rows)), torch.stack(scales).to(weight.dtype)


def cut_off(weight):
    """Cuts digits off instead of rounding."""
    scale = _scale(weight)
    return _values((weight / scale[:, None]).trunc()), scale


def one_scale(weight):
    """One scale for all channels."""
    scale = _scale(weight, weight.abs().max().expand(len(weight)))
    return _values((weight / scale[:, None]).round()), scale


def by_128(weight):
    """A 128th of the largest: what fits on the left only."""
    scale = _scale(weight, steps=128.0)
    return _values((weight / scale[:, None]).round()), scale


def by_largest(weight):
    """The largest, not the largest in size."""
    largest = weight.amax(1)
    scale = torch.where(largest > 0, largest / 127, torch.ones_like(largest))
    return _values((weight / scale[:, None]).round()), scale


def zero_scale(weight):
    """A channel of zeros gets the scale 0, and later 0 / 0."""
    scale = weight.abs().amax(1) / 127
    return _values((weight / scale[:, None]).round()), scale


WRONG = {
    "digits are cut off": cut_off,
    "one scale for all channels": one_scale,
    "the largest weight does not fit": by_128,
    "a channel's largest weight is below zero": by_largest,
    "a channel of zeros has the scale 0": zero_scale,
}


@pytest.mark.points(2)
@pytest.mark.parametrize("mistake", WRONG)
def test_accepts_right_functions_and_rejects(yours, mistake, generator):
    """Your test accepts two right functions and rejects: {mistake}."""
    trial = tried(yours, [right, right_half_up], WRONG, generator)
    assert trial.accepts_the_right(), (
        "Your test rejects a right function. Exact halves may go either way, and float32 is not "
        "exact: allow half a step and a little more."
    )
    assert trial.rejects(mistake), (
        f"A function with this mistake ({mistake}) passes your test. Find a weight for which it "
        "does what no right one does."
    )
