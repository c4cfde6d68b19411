"""prototypes(features, labels, n_way)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_04 import _oracle


@pytest.mark.points(10)
def test_prototype_is_the_mean_of_its_class(yours, generator):
    """The mean of every class, from loops: unequal shots, labels in any order, two shapes."""
    for counts, n_features in (((3, 2, 4, 3), 5), ((7, 1, 2), 2), ((2, 2), 3)):
        labels = _oracle.shuffled_labels(counts, generator=generator)
        features = _oracle.draw(len(labels), n_features, generator=generator)
        n_way = len(counts)
        sums, _ = _oracle.class_sums(features, labels, n_way)
        summed = torch.tensor(sums, dtype=torch.float64)
        in_order, _ = labels.sort()
        mistakes = {
            "Divided by the number of classes. The paper's Algorithm 1 prints 1/N_C; it must be "
            "the number of support examples of that class.": summed / n_way,
            "Divided by the number of all examples, not of those of the class.": (
                summed / len(labels)
            ),
            "Divided by the mean number of shots; each class has its own.": (
                summed * n_way / len(labels)
            ),
            "Summed, not averaged.": summed,
            "You took the examples for sorted by class. Use the labels to find a class.": (
                _oracle.prototypes(features, in_order, n_way)
            ),
            "That is the first example of every class, not the mean of all.": torch.stack(
                [features[(labels == c).nonzero()[0, 0]] for c in range(n_way)]
            ),
            "That is the median of every feature, not the mean.": torch.stack(
                [features[labels == c].median(0).values for c in range(n_way)]
            ),
        }
        assert_agrees(
            yours(features, labels, n_way),
            _oracle.prototypes(features, labels, n_way),
            mistakes=mistakes,
            look_at=f"There were {counts} examples of the classes. The result is [n_way, "
            "n_features].",
        )


@pytest.mark.points(4)
def test_with_one_shot_the_prototype_is_the_example(yours, generator):
    """One example of every class, in any order: each is its own prototype."""
    for n_way, n_features in ((4, 3), (3, 6)):
        labels = _oracle.shuffled_labels((1,) * n_way, generator=generator)
        features = _oracle.draw(n_way, n_features, generator=generator)
        want = torch.stack([features[labels.tolist().index(c)] for c in range(n_way)])
        assert_agrees(
            yours(features, labels, n_way),
            want,
            mistakes={
                "Divided by the number of classes, so every prototype has shrunk.": want / n_way,
                "You took the examples for sorted by class. Use the labels.": features,
            },
            look_at=f"The labels were {labels.tolist()}: row c of the result is the example with "
            "label c.",
        )
