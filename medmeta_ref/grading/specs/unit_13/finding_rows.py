"""finding_rows(labels, *, finding, k_shot, n_query, generator) -> (support, query) of a finding."""

from typing import Any

import pytest
import torch

from medmeta_ref.grading.specs.unit_01 import _chance, _drawing

SIZES = ({"k_shot": 2, "n_query": 3}, {"k_shot": 4, "n_query": 1})


def _clinic(n, n_labels, generator):
    """Return labels [n, n_labels], each 1 in about 2 of 5 rows, so that many rows have several."""
    labels = (torch.rand(n, n_labels, generator=generator) < 0.4).long()
    # Whatever chance does: findings alone, with all others, all but one, and healthy rows.
    alone = torch.eye(n_labels).repeat(8, 1)
    special = torch.cat([alone, torch.ones(8, n_labels), torch.zeros(2, n_labels)])
    labels = torch.cat([labels, special.long(), 1 - torch.eye(n_labels).long()])
    return labels[torch.randperm(len(labels), generator=generator)]


def _pair(got, labels, k_shot, n_query):
    missing = " Is the return statement missing?" if got is None else ""
    what = f"{len(got)} things" if isinstance(got, tuple | list) else type(got).__name__
    assert what == "2 things", (
        f"Two things were expected, support and query; you returned {what}.{missing}"
    )
    support, query = map(_drawing.integers, got, ("support", "query"))
    for name, rows, each in (("support", support, k_shot), ("query", query, n_query)):
        assert len(rows) == 2 * each, (
            f"{name} should have 2 x {each} = {2 * each} rows, yours has {len(rows)}."
        )
        strange = [row for row in rows if not 0 <= row < len(labels)]
        assert not strange, f"{name} holds row {strange[:1]}, there are 0 to {len(labels) - 1}."
    return support, query


def _draw(yours, labels, finding, generator, times, **sizes):
    drawn = _drawing.draws(
        yours, labels, times=times, generator=generator, finding=finding, **sizes
    )
    return [_pair(each, labels, **sizes) for each in drawn]


@pytest.mark.points(4)
def test_first_those_without_the_finding_then_those_with_it(yours, generator):
    """The column of the finding decides alone: for two findings and sizes, in 30 episodes each."""
    for finding, sizes in ((2, SIZES[0]), (0, SIZES[1])):
        labels = _clinic(30, 4, generator)
        for support, query in _draw(yours, labels, finding, generator, 30, **sizes):
            for name, rows in (("support", support), ("query", query)):
                half = len(rows) // 2
                sides = [int(labels[row, finding]) for row in rows]
                assert sides != [1] * half + [0] * half, (
                    f"In {name} those with the finding come first: those without it should."
                )
                for position, row in enumerate(rows):
                    wanted, there = int(position >= half), labels[row].tolist()
                    advice = (
                        "It is one of the positives, whatever else it shows."
                        if wanted == 0
                        else "Those without the finding come first, then those with it."
                    )
                    assert there[finding] == wanted, (
                        f"{name}[{position}] should be {'with' if wanted else 'without'} finding "
                        f"{finding}, and its labels are {there}. {advice}"
                    )


@pytest.mark.points(3)
def test_no_image_is_in_an_episode_twice(yours, generator):
    """Support and query share no image, and none is drawn twice."""
    for finding, sizes in ((1, SIZES[0]), (3, SIZES[1])):
        labels = _clinic(12, 4, generator)
        for support, query in _draw(yours, labels, finding, generator, 60, **sizes):
            both = sorted(set(support) & set(query))
            assert not both, (
                f"Image {both[0]} is in the support set and among the queries. Draw k_shot + "
                "n_query of a side at once, and divide them."
            )
            for name, rows in (("support", support), ("query", query)):
                assert len(set(rows)) == len(rows), (
                    f"An image is in the {name} set twice. torch.randint draws with replacement, "
                    "torch.randperm without."
                )


@pytest.mark.points(3)
def test_all_images_of_a_side_are_equally_likely(yours, generator):
    """Over 500 episodes: healthy or with other findings, alone or not, support or query."""
    labels = _clinic(6, 3, generator)
    episodes = _draw(yours, labels, 1, generator, 500, k_shot=2, n_query=1)
    for part, n_each, name in ((0, 2, "support"), (1, 1, "query")):
        for side in (0, 1):
            rows = torch.nonzero(labels[:, 1] == side).flatten().tolist()
            drawn = [episode[part][side * n_each : (side + 1) * n_each] for episode in episodes]
            _chance.assert_frequencies(
                {f"{r} {labels[r].tolist()}": sum(r in each for each in drawn) for r in rows},
                500,
                n_each / len(rows),
                what=f"image {{}} as {name}",
                look_at="On a side all images are alike: negatives may be healthy or have other "
                "findings, positives may have others, too. Shuffle each side, then take the first.",
            )


@pytest.mark.points(2)
def test_generator_is_the_only_source_of_randomness(yours, generator):
    """The same seed gives the same episode, and nothing else is drawn from or seeded."""
    labels = _clinic(40, 4, generator)
    settings: dict[str, Any] = {"finding": 2, "k_shot": 3, "n_query": 4}
    [drawn] = _drawing.draws(yours, labels, times=1, generator=generator, **settings)
    _pair(drawn, labels, 3, 4)
    _drawing.assert_generator_decides(yours, labels, generator=generator, **settings)
