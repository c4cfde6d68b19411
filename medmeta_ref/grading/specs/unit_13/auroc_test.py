"""auroc_test(auroc): the learner writes the test, and it is tested in turn."""

import pytest

from medmeta_ref.grading.trials import tried


def _pairs(scores, labels, tie):
    ill, healthy = scores[labels == 1][:, None], scores[labels == 0]
    return ((ill > healthy).double() + tie * (ill == healthy).double()).mean()


def right(scores, labels):
    """The share of pairs."""
    return _pairs(scores, labels, 0.5)


def right_by_ranks(scores, labels):
    """By mean ranks, in Python's own numbers."""
    values, ys = scores.tolist(), labels.tolist()
    ranks = [sum(v < s for v in values) + (values.count(s) + 1) / 2 for s in values]
    n_ill = sum(int(y) for y in ys)
    below = sum(r for r, y in zip(ranks, ys, strict=True) if y == 1) - n_ill * (n_ill + 1) / 2
    return below / (n_ill * (len(ys) - n_ill))


def ties_lost(scores, labels):
    """> alone."""
    return _pairs(scores, labels, 0.0)


def ties_won(scores, labels):
    """>= alone."""
    return _pairs(scores, labels, 1.0)


def turned_round(scores, labels):
    """High for the healthy."""
    return 1 - _pairs(scores, labels, 0.5)


def one_threshold(scores, labels):
    """The area under two lines, by the calls at 0.5."""
    return _pairs((scores >= 0.5).double(), labels, 0.5)


def in_0_to_1(scores, labels):
    """Reads scores as probabilities: what lies outside is cut off."""
    return _pairs(scores.double().clamp(0, 1), labels, 0.5)


WRONG = {
    "ties count nothing": ties_lost,
    "ties count as won": ties_won,
    "high scores mean healthy": turned_round,
    "scores are first called 0 or 1 at 0.5": one_threshold,
    "scores are first cut off to 0..1": in_0_to_1,
}


@pytest.mark.points(2)
@pytest.mark.parametrize("mistake", WRONG)
def test_accepts_right_functions_and_rejects(yours, mistake, generator):
    """Your test accepts two right functions and rejects: {mistake}."""
    trial = tried(yours, [right, right_by_ranks], WRONG, generator)
    assert trial.accepts_the_right(), (
        "Your test rejects a right function. Count your pairs again, a tie as one half, and "
        "compare with a tolerance."
    )
    assert trial.rejects(mistake), (
        f"A function with this mistake ({mistake}) passes your test. Find a few scores and labels "
        "for which it gives another number than the right one."
    )
