"""auroc(scores, labels) -> the share of pairs in the right order."""

import pytest

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_13 import _oracle


def _judge(yours, scores, labels, look_at):
    right = _oracle.pair_share(scores, labels)
    ill, healthy = _oracle.by_class(scores, labels)
    calls = list(zip(scores.tolist(), labels.tolist(), strict=True))
    mistakes = {
        "Your function seems to make all these scores equal: compare them as they are.": 0.5,
        "Reversed: a *higher* score means more likely ill.": 1 - right,
        "A tie counts one half; yours counts nothing.": _oracle.pair_share(scores, labels, tie=0),
        "A tie counts one half; yours counts as won.": _oracle.pair_share(scores, labels, tie=1),
        "That is an accuracy at the threshold 0.5; the share of pairs needs none.": (
            sum((s >= 0.5) == (y == 1) for s, y in calls) / len(calls)
        ),
        "That is the balanced accuracy at 0.5, the area of a curve with one threshold.": (
            (_oracle.reaching(ill, 0.5) + 1 - _oracle.reaching(healthy, 0.5)) / 2
        ),
        "The pairs were divided by the square of all cases; each has one ill and one healthy.": (
            right * len(ill) * len(healthy) / len(calls) ** 2
        ),
    }
    mistakes = {what: value for what, value in mistakes.items() if value != right}
    assert_agrees(yours(scores, labels), right, mistakes=mistakes, look_at=look_at)


@pytest.mark.points(3)
def test_is_the_share_of_pairs_in_the_right_order(yours, generator):
    """Every ill against every healthy case, by loops: three sizes, few and many ill."""
    for n, n_ill in ((31, 9), (24, 17), (40, 3)):
        labels = _oracle.cases(n, n_ill, generator=generator)
        scores = (_oracle.draw(n, generator=generator) + labels).sigmoid()
        _judge(yours, scores, labels, f"There were {n} cases, {n_ill} of them ill.")


@pytest.mark.points(3)
def test_ties_count_one_half(yours, generator):
    """A rating from 1 to 5, as a reader gives it, so that many scores are equal."""
    for n, n_ill in ((24, 10), (31, 7)):
        labels = _oracle.cases(n, n_ill, generator=generator)
        scores = (2.5 + labels + _oracle.draw(n, generator=generator)).round().clamp(1, 5) / 10
        _judge(yours, scores, labels, "Many scores were equal here: such a pair is half won.")
    _judge(yours, scores * 0 + 0.3, labels, "All scores were equal here: one half is right.")


@pytest.mark.points(2)
def test_only_the_order_of_the_scores_counts(yours, generator):
    """The same cases as logits, and squeezed between 0.5010 and 0.5011: the same share."""
    for n, n_ill in ((28, 12), (35, 8)):
        labels = _oracle.cases(n, n_ill, generator=generator)
        scores = _oracle.draw(n, generator=generator) + 0.8 * labels
        for stretched in (3 * scores - 9, 0.501 + 1e-4 * scores.sigmoid(), 5e4 + 2e4 * scores):
            _judge(
                yours,
                stretched,
                labels,
                f"Scores went from {float(stretched.min()):.4f} to {float(stretched.max()):.4f}. "
                "They may be any numbers: compare them with each other and with nothing else.",
            )
