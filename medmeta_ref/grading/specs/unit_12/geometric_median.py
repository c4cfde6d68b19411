"""geometric_median(examples) -> the point with the least sum of distances."""

import math

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_12 import _oracle

CLOSE = {"rtol": 0.0, "atol": 2e-3}


def _mistakes(examples):
    totals = [sum(_oracle.distances(examples, each)) for each in examples]
    n = len(examples)
    return {
        "That is the mean: it has the least sum of *squared* distances.": examples.mean(0),
        "That is the median of every feature: it does not turn with the examples.": (
            _oracle.trimmed(examples, (n - 1) // 2, (n - 1) // 2)
        ),
        "That is the best of the examples; other points may be better.": (
            examples[totals.index(min(totals))]
        ),
        "Weiszfeld's steps have hardly begun: that is where the first one leads.": _step(
            examples, examples.mean(0)
        ),
    }


def _step(examples, centre):
    weights = [1 / max(d, 1e-12) for d in _oracle.distances(examples, centre)]
    return torch.tensor(weights, dtype=torch.float64) @ examples / sum(weights)


def _off_centre(n, n_features, generator):
    """Return examples whose geometric median is none of them."""
    while True:
        examples = _oracle.draw(n, n_features, generator=generator).exp()
        median = _oracle.geometric_median(examples)
        if min(_oracle.distances(examples, median)) > 0.1:
            return examples, median


@pytest.mark.points(4)
def test_has_the_least_sum_of_distances(yours, generator):
    """Against Newton's method, to 2 thousandths, for lopsided examples of two shapes."""
    for n, n_features in ((8, 2), (11, 3)):
        examples, median = _off_centre(n, n_features, generator)
        assert_agrees(
            yours(examples),
            median,
            mistakes=_mistakes(examples),
            look_at=f"There were {n} examples of {n_features} features. Repeat: weigh each by 1 / "
            "its distance to the centre so far. 200 steps are plenty.",
            **CLOSE,
        )


@pytest.mark.points(3)
def test_of_four_corners_it_is_where_the_diagonals_cross(yours, generator):
    """In a four-cornered figure without dents the diagonals cross at the point, however turned."""
    for _ in range(2):
        angle = 2 * math.pi * float(torch.rand((), generator=generator))
        along = torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)
        across = torch.tensor([-math.sin(angle) + 0.4, math.cos(angle)], dtype=torch.float64)
        crossing = _oracle.draw(2, generator=generator)
        corners = (3.0 * along, -1.0 * along, 2.0 * across, -0.7 * across)
        examples = torch.stack([crossing + corner for corner in corners])
        assert_agrees(
            yours(examples),
            crossing,
            mistakes=_mistakes(examples),
            look_at="Four corners: the answer is where the diagonals cross.",
            **CLOSE,
        )


@pytest.mark.points(3)
def test_a_majority_in_one_place_decides_and_nothing_is_divided_by_0(yours, generator):
    """Where most examples are the same, they are the answer, strangers far away or not."""
    for n_same, n_far, n_features in ((4, 3, 2), (6, 4, 5)):
        place = _oracle.draw(n_features, generator=generator)
        far = place + 20 + 80 * torch.rand(n_far, n_features, generator=generator).double()
        examples = torch.cat([place.expand(n_same, -1), far])
        examples = examples[torch.randperm(len(examples), generator=generator)]
        assert_agrees(
            yours(examples),
            place,
            mistakes=_mistakes(examples) | {"": place},
            look_at=f"{n_same} of {len(examples)} examples are the same. If yours is nan, a "
            "distance was 0 and you divided by it: `.clamp(min=1e-9)`. If it is near, more steps.",
            **CLOSE,
        )
        assert_agrees(
            yours(place.expand(5, -1)),
            place,
            mistakes={},
            look_at="All five examples are the same. `.clamp(min=1e-9)` keeps 1 / 0 away.",
            **CLOSE,
        )
