"""norm_test(norm): the learner writes the test, and it is tested in turn."""

import pytest
import torch.nn.functional as F

from medmeta_ref.grading.trials import tried


def _row(means, step):
    return min(int(step), len(means) - 1)


def _normalised(x, mean, variance):
    shape = (1, -1, 1, 1)
    return (x - mean.view(shape)) / (variance.view(shape) + 1e-5).sqrt()


def right(x, means, variances, step, *, training, momentum=0.1):
    """By the formulas."""
    row, axes = _row(means, step), (0, 2, 3)
    if not training:
        return _normalised(x, means[row], variances[row]), means, variances
    moved = means.clone(), variances.clone()
    for stored, seen in zip(moved, (x.mean(axes), x.var(axes)), strict=True):
        stored[row] = (1 - momentum) * stored[row] + momentum * seen
    return _normalised(x, x.mean(axes), x.var(axes, unbiased=False)), *moved


def right_by_batch_norm(x, means, variances, step, *, training, momentum=0.1):
    """The same by PyTorch's own function: it differs in the last digits."""
    row, moved = _row(means, step), (means.clone(), variances.clone())
    mean, variance = (stored[row] for stored in moved)
    out = F.batch_norm(x, mean, variance, training=training, momentum=momentum, eps=1e-5)
    return out, *moved


def never_read(x, means, variances, step, *, training, momentum=0.1):
    """The batch normalises in evaluation, too; the store is kept as it should."""
    _, *stored = right(x, means, variances, step, training=training, momentum=momentum)
    axes = (0, 2, 3)
    return _normalised(x, x.mean(axes), x.var(axes, unbiased=False)), *stored


def one_row_for_all(x, means, variances, step, *, training, momentum=0.1):
    """Statistics without steps: always the first row."""
    return right(x, means, variances, 0, training=training, momentum=momentum)


def changed_in_evaluation(x, means, variances, step, *, training, momentum=0.1):
    """Evaluation goes on storing."""
    out, *_ = right(x, means, variances, step, training=training, momentum=momentum)
    _, *stored = right(x, means, variances, step, training=True, momentum=momentum)
    return out, *stored


def never_stored(x, means, variances, step, *, training, momentum=0.1):
    """Training stores nothing."""
    out, *_ = right(x, means, variances, step, training=training, momentum=momentum)
    return out, means, variances


def momentum_of_the_old(x, means, variances, step, *, training, momentum=0.1):
    """Momentum is the share of the old, not of the new."""
    return right(x, means, variances, step, training=training, momentum=1 - momentum)


WRONG = {
    "nothing stored is ever read": never_read,
    "one row serves all steps": one_row_for_all,
    "evaluation changes the store": changed_in_evaluation,
    "training stores nothing": never_stored,
    "momentum is the share of the old": momentum_of_the_old,
}


@pytest.mark.points(2)
@pytest.mark.parametrize("mistake", WRONG)
def test_accepts_right_norms_and_rejects(yours, mistake, generator):
    """Your test accepts two right norms and rejects: {mistake}."""
    trial = tried(yours, [right, right_by_batch_norm], WRONG, generator)
    assert trial.accepts_the_right(), (
        "Your test rejects a right norm. Compare with torch.allclose, and remember what is "
        "biased: the batch is normalised by the biased variance, the unbiased one is stored."
    )
    assert trial.rejects(mistake), (
        f"A norm with this mistake ({mistake}) passes your test. Find images, stored numbers and a "
        "step for which it returns something else than the right one."
    )
