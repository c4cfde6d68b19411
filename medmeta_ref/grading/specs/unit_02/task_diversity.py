"""task_diversity(features) -> the mean distance between the tasks' mean feature vectors."""

import itertools
import math

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees


def _by_loops(features):
    """Return the mean over pairs of tasks of the distance between their means, in plain Python."""
    means = [[sum(column) / len(task) for column in zip(*task, strict=True)] for task in features]
    pairs = list(itertools.combinations(means, 2))
    return sum(math.dist(a, b) for a, b in pairs) / len(pairs)


def _rotation(size, generator):
    """Return a random orthogonal matrix."""
    return torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))[0]


def _is_number(value):
    """Return whether float(value) is what one would think."""
    if type(value) is torch.Tensor:
        ordinary = value.layout == torch.strided and not value.is_meta
        return ordinary and value.ndim == 0 and value.is_floating_point()
    return type(value) is float or (type(value) is int and abs(value) < 2**53)


@pytest.mark.points(8)
def test_is_the_mean_distance_between_task_means(yours, generator):
    """Every pair of tasks once, Euclidean distance of the means; for 5 and 3 tasks."""
    for n_tasks, n_images, n_features in ((5, 8, 3), (3, 4, 6)):
        features = torch.randn(n_tasks, n_images, n_features, generator=generator).double()
        features += 3 * torch.randn(n_tasks, 1, n_features, generator=generator).double()
        want = _by_loops(features.tolist())
        means = features.mean(1)
        gaps = means[:, None] - means[None]
        between = torch.cdist(features.flatten(0, 1), features.flatten(0, 1))
        n_pairs = n_tasks * (n_tasks - 1) / 2
        assert_agrees(
            yours(features),
            want,
            mistakes={
                "The distance of every task to itself, 0, is averaged in; only pairs of different "
                "tasks count.": want * (n_tasks - 1) / n_tasks,
                "That is a sum; the mean over the pairs was asked for.": want * n_pairs,
                "Every pair is counted twice.": 2 * want,
                "These are squared distances.": gaps.square().sum(2).sum() / (2 * n_pairs),
                "That is the mean over all pairs of images. It is large for a single blurred task, "
                "too: average the images of a task first.": between.mean(),
                "That is the distance to the mean of all tasks, not between tasks.": (
                    (means - means.mean(0)).square().sum(1).sqrt().mean()
                ),
                "That is the largest distance; the mean was asked for.": (
                    gaps.square().sum(2).sqrt().max()
                ),
                "That is the sum of |differences|; Euclidean distance was asked for.": (
                    gaps.abs().sum() / (2 * n_pairs)
                ),
            },
            look_at="Means over the images of each task, [n_tasks, n_features]; then the distance "
            "of every pair of rows, then the mean of these.",
        )


@pytest.mark.points(4)
def test_obeys_its_laws(yours, generator):
    """Copies of a task have 0; shifting, turning, reordering change nothing; scaling scales."""
    tasks = torch.randn(4, 6, 5, generator=generator).double()
    tasks += 2 * torch.randn(4, 1, 5, generator=generator).double()
    plain = yours(tasks)
    assert _is_number(plain), f"One number was expected, yours is of {type(plain).__name__}."
    assert float(plain) > 0, f"Four unlike tasks have {float(plain):.6g}; above 0 was expected."
    look_at = "Euclidean distances between means obey this law."
    assert_agrees(
        yours(tasks[:1].repeat(3, 1, 1)),
        0.0,
        mistakes={},
        look_at="Three copies of one task are not diverse at all, however different the images are "
        "inside it.",
        atol=1e-6,
    )
    turned = tasks @ _rotation(5, generator) + torch.randn(5, generator=generator).double()
    assert_agrees(
        yours(turned), float(plain), mistakes={}, look_at="Turned and shifted: " + look_at
    )
    assert_agrees(yours(3 * tasks), 3 * float(plain), mistakes={}, look_at="Scaled: " + look_at)
    mixed = tasks[torch.randperm(4, generator=generator)][:, torch.randperm(6, generator=generator)]
    assert_agrees(yours(mixed), float(plain), mistakes={}, look_at="Reordered: " + look_at)
