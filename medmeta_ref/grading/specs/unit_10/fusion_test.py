"""fusion_test(fuse): the learner writes the test, and it is tested in turn."""

import pytest
import torch

from medmeta_ref.grading.trials import tried

# The weights of a "trained" fusion.
_DRAWN = torch.Generator().manual_seed(10)
IN = torch.randn(5, 4, generator=_DRAWN, dtype=torch.float64)
GATE = 0.5 * torch.randn(4, generator=_DRAWN, dtype=torch.float64)
OUT = torch.randn(3, 5, generator=_DRAWN, dtype=torch.float64)


def _squash(values):
    """Return values / (1 + |values|): it never saturates to the last digit, as tanh does."""
    return values / (1 + values.abs())


def _encoded(features):
    return _squash(features @ IN.T)


def _filled(features, mask, value=0.0):
    return features.masked_fill(~mask[..., None], value)


def _gate_logits(features):
    return 2 * _squash(features @ GATE)


def right(features, mask):
    """Gates over the present views."""
    clean = _filled(features, mask)
    gates = _gate_logits(clean).masked_fill(~mask, -torch.inf).softmax(0)
    return (gates[..., None] * _encoded(clean)).sum(0) @ OUT.T


def right_by_plain_means(features, mask):
    """The mean of the present views, patient by patient."""
    columns = zip(features.unbind(1), mask.unbind(1), strict=True)
    means = [_encoded(views[here]).mean(0) for views, here in columns]
    return torch.stack(means) @ OUT.T


def reads_missing_views(features, mask):
    """The mask is ignored."""
    return right(features, torch.ones_like(mask))


def counts_missing_views(features, mask):
    """Divided by the number of views in the list."""
    return (_encoded(_filled(features, mask)) * mask[..., None]).mean(0) @ OUT.T


def minds_the_order(features, mask):
    """Later views in the list weigh less."""
    clean = _filled(features, mask)
    logits = _gate_logits(clean) - 0.5 * mask.cumsum(0)
    gates = logits.masked_fill(~mask, -torch.inf).softmax(0)
    return (gates[..., None] * _encoded(clean)).sum(0) @ OUT.T


def hears_the_loudest(features, mask):
    """Unimodal collapse: the present view with the largest features decides alone."""
    clean = _filled(features, mask)
    loudness = clean.abs().sum(2).masked_fill(~mask, -1.0)
    rows = torch.arange(features.shape[1])
    return _encoded(clean[loudness.argmax(0), rows]) @ OUT.T


def gates_over_the_batch(features, mask):
    """The strongest gate of the batch sets the scale for all."""
    clean = _filled(features, mask)
    strength = _gate_logits(clean).exp() * mask
    sums = strength.sum(0)
    gates = strength / (sums + sums.mean())
    return (gates[..., None] * _encoded(clean)).sum(0) @ OUT.T


WRONG = {
    "reads what missing views hold": reads_missing_views,
    "counts missing views as zeros": counts_missing_views,
    "minds the order of the views": minds_the_order,
    "hears the loudest view only": hears_the_loudest,
    "shares gates among the batch": gates_over_the_batch,
}


@pytest.mark.points(2)
@pytest.mark.parametrize("mistake", WRONG)
def test_accepts_right_fusions_and_rejects(yours, mistake, generator):
    """Your test accepts two right fusions and rejects: {mistake}."""
    trial = tried(yours, [right, right_by_plain_means], WRONG, generator)
    assert trial.accepts_the_right(), (
        "Your test rejects a right fusion. Compare with torch.allclose and a tolerance; give every "
        "patient at least one view; and where the answer must change, make a large change."
    )
    assert trial.rejects(mistake), (
        f"A fusion with this mistake ({mistake}) passes your test. Change something that should "
        "not matter to a right fusion but does to this one, or the other way round."
    )
