"""reader_test(read): the learner writes the test, and it is tested in turn."""

import pytest
import torch

from medmeta_ref.grading.trials import tried

# The weights of a "trained" reader: large enough that every slice is felt at the end.
_DRAWN = torch.Generator().manual_seed(9)
IN = torch.randn(12, 4, generator=_DRAWN, dtype=torch.float64)
AGAIN = torch.linalg.qr(torch.randn(4, 4, generator=_DRAWN, dtype=torch.float64)).Q
GATES = torch.randn(8, 4, generator=_DRAWN, dtype=torch.float64)
OUT = torch.randn(3, 4, generator=_DRAWN, dtype=torch.float64)


def _squash(values):
    """Return values / (1 + |values|): it never saturates to the last digit, as tanh does."""
    return values / (1 + values.abs())


def _plain_cell(z, state):
    return _squash(z @ IN[:4].T + state @ AGAIN.T)


def _gated_cell(z, state):
    keep = torch.sigmoid(0.5 * (z @ IN[4:8].T + state @ GATES[:4].T))
    new = _squash(z @ IN[8:12].T + state @ GATES[4:].T)
    return keep * state + (1 - keep) * new


def _read(features, lengths, cell):
    rows = []
    for slices, length in zip(features, lengths.tolist(), strict=True):
        state = torch.zeros(1, 4, dtype=torch.float64)
        for z in slices[:length]:
            state = cell(z[None], state)
        rows.append(state[0] @ OUT.T)
    return torch.stack(rows)


def right(features, lengths):
    """A plain recurrent cell, volume by volume."""
    return _read(features, lengths, _plain_cell)


def right_with_gates(features, lengths):
    """Another cell, all volumes at once: padding is passed over."""
    counts = torch.arange(features.shape[1]) < lengths[:, None]
    clean = features.masked_fill(~counts[..., None], 0.0)
    state = torch.zeros(len(features), 4, dtype=torch.float64)
    for t in range(features.shape[1]):
        state = torch.where(counts[:, t, None], _gated_cell(clean[:, t], state), state)
    return state @ OUT.T


def reads_the_padding(features, lengths):
    """Lengths are ignored."""
    return right(features, torch.full_like(lengths, features.shape[1]))


def cut_to_the_shortest(features, lengths):
    """All volumes are read as far as the shortest of the batch."""
    return right(features, lengths.min().expand_as(lengths))


def blind_to_the_order(features, lengths):
    """The mean of the slices, then one layer."""
    means = [f[:length].mean(0) for f, length in zip(features, lengths.tolist(), strict=True)]
    return _squash(torch.stack(means) @ IN[:4].T) @ OUT.T


def forgets_the_early_slices(features, lengths):
    """The state is set back before each slice: only the last one is heard."""
    last = [f[length - 1] for f, length in zip(features, lengths.tolist(), strict=True)]
    return _squash(torch.stack(last) @ IN[:4].T) @ OUT.T


def normalised_by_the_batch(features, lengths):
    """Features are divided by the spread that the slices of this batch happen to have."""
    counts = torch.arange(features.shape[1]) < lengths[:, None]
    return right(features / features[counts].std(correction=0), lengths)


WRONG = {
    "reads the padding": reads_the_padding,
    "cut to the shortest of the batch": cut_to_the_shortest,
    "blind to the order of slices": blind_to_the_order,
    "hears the last slice only": forgets_the_early_slices,
    "normalised by the batch": normalised_by_the_batch,
}


@pytest.mark.points(2)
@pytest.mark.parametrize("mistake", WRONG)
def test_accepts_right_readers_and_rejects(yours, mistake, generator):
    """Your test accepts two right readers and rejects: {mistake}."""
    trial = tried(yours, [right, right_with_gates], WRONG, generator)
    assert trial.accepts_the_right(), (
        "Your test rejects a right reader. Compare with torch.allclose and a tolerance; and "
        "where the answer must change, make a change that cannot be overlooked."
    )
    assert trial.rejects(mistake), (
        f"A reader with this mistake ({mistake}) passes your test. Change something that should "
        "not matter to a right reader but does to this one, or the other way round."
    )
