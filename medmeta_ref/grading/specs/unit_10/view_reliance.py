"""view_reliance(predict, features, mask, labels)."""

import math

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_10 import _oracle

SHAPES = ((3, 14, 2, 3), (2, 9, 4, 2))  # views, examples, features, classes


def _mean(values):
    return math.fsum(values) / max(len(values), 1)


def _judge(yours, shape, all_there, generator):
    n_views, n_examples, n_features, n_classes = shape
    network = _oracle.Network(n_views, n_features, n_classes, generator=generator)
    features = _oracle.draw(n_views, n_examples, n_features, generator=generator)
    mask = _oracle.some_mask(n_views, n_examples, generator=generator)
    mask[:, 1] = True  # two views of some example, whatever was drawn
    if all_there:
        mask = torch.ones_like(mask)
    labels = torch.randint(n_classes, (n_examples,), generator=generator)
    before = network.losses(features, mask, labels)
    names = ("right", "of all", "orphans", "zeros", "alone", "after")
    found: dict[str, list[float]] = {name: [] for name in names}
    for v in range(n_views):
        without, only = mask.clone(), torch.zeros_like(mask)
        without[v], only[v] = False, mask[v]
        black = features.clone()
        black[v] = 0
        after = network.losses(features, without, labels)
        rises = [a - b for a, b in zip(after, before, strict=True)]
        has = [i for i in range(n_examples) if mask[v, i]]
        counts = [i for i in has if without[:, i].any()]
        dark = network.losses(black, mask, labels)
        single = network.losses(features, only, labels)
        found["right"].append(_mean([rises[i] for i in counts]))
        found["of all"].append(math.fsum(rises[i] for i in counts) / n_examples)
        found["orphans"].append(_mean([rises[i] for i in has]))
        found["zeros"].append(_mean([dark[i] - before[i] for i in counts]))
        found["alone"].append(_mean([single[i] - before[i] for i in counts]))
        found["after"].append(_mean([after[i] for i in counts]))
    value = {name: torch.tensor(each, dtype=torch.float64) for name, each in found.items()}
    assert_agrees(
        yours(network.predict, features, mask, labels),
        value["right"],
        mistakes={
            "The sign is reversed: loss without the view minus loss with it.": -value["right"],
            "Examples that lack the view are counted as well, and cannot lose it: average over "
            "those that have it and another.": value["of all"],
            "Examples with this view alone are counted, and have nothing left without it.": (
                value["orphans"]
            ),
            "The view is set to zeros, not left out. Zeros are an image, too: change the mask.": (
                value["zeros"]
            ),
            "All *other* views are left out; only this one should be.": value["alone"],
            "That is the loss without the view; the loss with it is to be subtracted.": (
                value["after"]
            ),
        },
        look_at="For view v: a mask without row v, and of the examples those that had v and still "
        "have a view. Mean cross-entropy without v minus with v.",
    )


@pytest.mark.points(4)
def test_rise_of_the_loss_with_complete_examples(yours, generator):
    """All views are there: the loss without view v minus that with it, two shapes."""
    for shape in SHAPES:
        _judge(yours, shape, True, generator)


@pytest.mark.points(4)
def test_only_examples_that_lose_the_view_and_keep_another_count(yours, generator):
    """Some views are missing, and some examples have one view only."""
    for shape in SHAPES:
        _judge(yours, shape, False, generator)
