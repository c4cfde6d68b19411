"""sensitivity_at_specificity(scores, labels, *, specificity) -> the share of ill found."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_13 import _oracle


def _judge(yours, scores, labels, specificity):
    ill, healthy = _oracle.by_class(scores, labels)
    right = _oracle.found_at(scores, labels, specificity)
    cut = torch.tensor(healthy, dtype=torch.float64).quantile(specificity).item()
    of_all = scores.double().quantile(specificity).item()
    loose = sorted(healthy)[max(0, min(len(healthy) - 1, int(specificity * len(healthy))) - 1)]
    both = [
        _oracle.reaching(ill, t)
        for t in (*ill, *healthy)
        if sum(s <= t for s in healthy) / len(healthy) >= specificity
    ]
    mistakes = {
        "Cases on the threshold were counted as cleared and as found.": max(both, default=0.0),
        "Exchanged: that many of the *healthy* were to be cleared, yours found that many ill.": (
            _oracle.found_at(-scores, 1 - labels, specificity)
        ),
        "The threshold was interpolated: too few are cleared, or ill ones missed without need.": (
            _oracle.reaching(ill, cut)
        ),
        "The threshold was set among all scores; it is a share of the *healthy* that counts.": (
            _oracle.reaching(ill, of_all)
        ),
        "Fewer of the healthy were cleared than asked for.": (_oracle.reaching(ill, loose)),
        "1 - specificity of the healthy were cleared: that is the share that may be alarmed.": (
            _oracle.found_at(scores, labels, 1 - specificity)
        ),
        "That is the sensitivity at the threshold 0.5.": _oracle.reaching(ill, 0.5),
    }
    assert_agrees(
        yours(scores, labels, specificity=specificity),
        right,
        mistakes={what: value for what, value in mistakes.items() if value != right},
        look_at=f"This was specificity={specificity}, {len(ill)} ill and {len(healthy)} healthy. "
        "Try every score as a threshold, and one above all: of those that clear enough of the "
        "healthy, take the one that finds most of the ill.",
    )


@pytest.mark.points(4)
def test_is_the_best_of_all_thresholds_that_clear_enough(yours, generator):
    """Against a loop over all thresholds, at four specificities and two sizes."""
    for n, n_ill in ((41, 17), (30, 11)):
        labels = _oracle.cases(n, n_ill, generator=generator)
        scores = _oracle.draw(n, generator=generator) + 0.9 * labels
        for specificity in (0.31, 0.62, 0.81, 0.93):
            _judge(yours, scores, labels, specificity)


@pytest.mark.points(3)
def test_equal_scores_are_called_alike(yours, generator):
    """A rating from 1 to 5: whoever shares the threshold's score is called ill as well."""
    for n, n_ill in ((38, 16), (45, 20)):
        labels = _oracle.cases(n, n_ill, generator=generator)
        scores = (2.5 + labels + _oracle.draw(n, generator=generator)).round().clamp(1, 5)
        scores[torch.nonzero(labels == 0)[:2]] = 2.0
        for specificity in (0.42, 0.67, 0.88):
            _judge(yours, scores, labels, specificity)


@pytest.mark.points(3)
def test_nobody_and_everybody_cleared(yours, generator):
    """At 0 all ill are found; at 1 those above every healthy case, and maybe that is none."""
    for n, n_ill in ((26, 9), (33, 14)):
        labels = _oracle.cases(n, n_ill, generator=generator)
        scores = _oracle.draw(n, generator=generator) + labels
        top = torch.nonzero(labels)[0]
        scores[top] = scores.max() + 1
        _judge(yours, scores, labels, 0.0)
        _judge(yours, scores, labels, 1.0)
        scores[torch.nonzero(labels == 0)[0]] = scores.max() + 1
        _judge(yours, scores, labels, 1.0)
