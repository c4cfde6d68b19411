"""trimmed_centre(examples, *, n_cut) -> the mean of every feature without its extremes."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_12 import _oracle


def _mistakes(examples, n_cut):
    n = len(examples)
    kept = _oracle.trimmed(examples, n_cut, n_cut)
    order = examples.norm(dim=1).argsort()
    by_first = examples[examples[:, 0].argsort()]
    return {
        "That is the mean of all: nothing was cut.": _oracle.trimmed(examples, 0, 0),
        "Only the highest values were cut; the lowest go, too.": _oracle.trimmed(
            examples, 0, n_cut
        ),
        "Only the lowest values were cut; the highest go, too.": _oracle.trimmed(
            examples, n_cut, 0
        ),
        "The sum of what is left was divided by all examples.": kept * (n - 2 * n_cut) / n,
        "Whole examples were cut, by their length; each feature is sorted for itself.": (
            examples[order[n_cut : n - n_cut]].mean(0)
        ),
        "Whole examples were cut, by their first feature; each feature is sorted for itself.": (
            by_first[n_cut : n - n_cut].mean(0)
        ),
        "That is the median, whatever n_cut is.": _oracle.trimmed(
            examples, (n - 1) // 2, (n - 1) // 2
        ),
        "torch.median gives the lower of the two middle values, not their mean.": (
            examples.median(0).values
        ),
    }


@pytest.mark.points(4)
def test_is_the_mean_of_what_is_left(yours, generator):
    """Nothing cut, some cut, and all but the middle: by sorted lists, for several sizes."""
    for n, n_features, n_cut in ((7, 3, 2), (10, 2, 1), (9, 4, 3), (8, 3, 3), (5, 2, 0)):
        examples = _oracle.draw(n, n_features, generator=generator)
        assert_agrees(
            yours(examples, n_cut=n_cut),
            _oracle.trimmed(examples, n_cut, n_cut),
            mistakes=_mistakes(examples, n_cut) if n_cut else {},
            look_at=f"This was n_cut={n_cut} with {n} examples of {n_features} features. The "
            "result is [n_features].",
        )


@pytest.mark.points(4)
def test_bears_as_many_strangers_as_it_cuts_and_no_more(yours, generator):
    """n_cut examples far away on one side change little; one more carries the centre off."""
    for n, n_cut in ((10, 1), (11, 3), (9, 4)):
        for n_strangers in (n_cut, n_cut + 1):
            examples = _oracle.draw(n, 3, generator=generator)
            examples[torch.randperm(n, generator=generator)[:n_strangers]] += 1e6
            want = _oracle.trimmed(examples, n_cut, n_cut)
            assert_agrees(
                yours(examples, n_cut=n_cut),
                want,
                mistakes=_mistakes(examples, n_cut),
                look_at=f"{n_strangers} of {n} examples were 1,000,000 away, n_cut was {n_cut}.",
            )
