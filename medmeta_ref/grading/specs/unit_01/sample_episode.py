"""sample_episode(labels, *, n_way, k_shot, n_query, generator, classes=None) -> four tensors."""

import itertools
from typing import Any, NamedTuple

import pytest
import torch

from medmeta_ref.grading.specs.unit_01 import _chance, _drawing
from medmeta_ref.grading.specs.unit_01._drawing import CLASSES

N_DRAWS = 600
SHAPES: tuple[dict[str, Any], ...] = (
    {"n_way": 4, "k_shot": 1, "n_query": 3},
    {"n_way": 3, "k_shot": 2, "n_query": 4},
)
ONE_EACH = {"n_way": 3, "k_shot": 1, "n_query": 1}
NAMES = ("support", "support_y", "query", "query_y")


class _Episode(NamedTuple):
    support: list[int]
    support_y: list[int]
    query: list[int]
    query_y: list[int]


def _episode(got, labels, n_way, k_shot, n_query):
    """Return an answer as four lists of the right lengths, the positions in range."""
    missing = " Is the return statement missing?" if got is None else ""
    what = f"{len(got)} things" if isinstance(got, tuple | list) else type(got).__name__
    assert what == "4 things", (
        f"Four things were expected, support, support_y, query and query_y; you returned {what}."
        f"{missing}"
    )
    episode = _Episode(*(_drawing.integers(*each) for each in zip(got, NAMES, strict=True)))
    for name, size in zip(NAMES, (k_shot, k_shot, n_query, n_query), strict=True):
        n = len(getattr(episode, name))
        assert n == n_way * size, (
            f"{name} should have {n_way} x {size} = {n_way * size} numbers, yours has {n}."
        )
    for position in episode.support + episode.query:
        assert 0 <= position < len(labels), (
            f"support and query are positions in labels, 0 to {len(labels) - 1}; yours hold "
            f"{position}."
        )
    return episode


def _draw(yours, labels, generator, times, classes=None, **sizes):
    more: dict[str, Any] = {} if classes is None else {"classes": list(classes)}
    drawn = _drawing.draws(yours, labels, times=times, generator=generator, **sizes, **more)
    return [_episode(each, labels, **sizes) for each in drawn]


def _classes_in_turn(episode, labels):
    """Return the class of slot 0, 1, ... as the first support image of each slot shows it.

    Whether slots are sound is another check's business; what is not in 0.. comes last.
    """
    first: dict[int, int] = {}
    for position, slot in zip(episode.support, episode.support_y, strict=True):
        first.setdefault(slot, int(labels[position]))
    return [first[slot] for slot in sorted(first)]


@pytest.mark.points(4)
def test_labels_are_slots(yours, generator):
    """support_y and query_y hold the slots 0..n_way-1, each k_shot and n_query times."""
    for sizes in SHAPES:
        labels = _drawing.archive(8, generator=generator)
        for episode in _draw(yours, labels, generator, 20, **sizes):
            for name, n_each in (("support_y", sizes["k_shot"]), ("query_y", sizes["n_query"])):
                slots = getattr(episode, name)
                strange = sorted(set(slots) - set(range(sizes["n_way"])))
                codes = " These are the archive's own codes." if set(strange) <= {*CLASSES} else ""
                assert not strange, (
                    f"{name} holds {strange}, but slots go from 0 to {sizes['n_way'] - 1}.{codes} "
                    "The first class drawn is 0, the second 1, and so on, in every episode anew."
                )
                counts = [slots.count(slot) for slot in range(sizes["n_way"])]
                assert counts == [n_each] * sizes["n_way"], (
                    f"Each slot should be in {name} {n_each} times; in yours they are {counts} "
                    "times."
                )


@pytest.mark.points(5)
def test_each_slot_is_one_class_and_no_class_has_two(yours, generator):
    """All images of a slot, support and query, are of one class; different slots, other classes."""
    for sizes in SHAPES:
        labels = _drawing.archive(8, generator=generator)
        for episode in _draw(yours, labels, generator, 60, **sizes):
            class_of: dict[int, int] = {}
            support = zip(episode.support, episode.support_y, strict=True)
            query = zip(episode.query, episode.query_y, strict=True)
            for position, slot in (*support, *query):
                label = int(labels[position])
                assert class_of.setdefault(slot, label) == label, (
                    f"Slot {slot} has images of class {class_of[slot]} and of class {label}. "
                    "Positions and labels have to stay in the same order, in support and in query."
                )
            n_classes = len(set(class_of.values()))
            assert n_classes == len(class_of), (
                f"{len(class_of)} slots, but only {n_classes} classes: {list(class_of.values())}. "
                "A class was drawn twice. Draw classes without replacement: torch.randperm."
            )


@pytest.mark.points(5)
def test_no_image_is_in_an_episode_twice(yours, generator):
    """No query image is in the support set, and no image is drawn twice."""
    for sizes in SHAPES:
        labels = _drawing.archive(8, generator=generator)
        for episode in _draw(yours, labels, generator, 60, **sizes):
            both = sorted(set(episode.support) & set(episode.query))
            assert not both, (
                f"Image {both[0]} is in the support set and among the queries: the learner is "
                "asked what it was told. Draw k_shot + n_query images of a class at once."
            )
            for name in ("support", "query"):
                drawn = getattr(episode, name)
                twice = sorted({p for p in drawn if drawn.count(p) > 1})
                assert not twice, (
                    f"Image {twice[0]} is in the {name} set twice. torch.randint draws with "
                    "replacement, torch.randperm without."
                )


@pytest.mark.points(4)
def test_any_class_can_take_any_slot(yours, generator):
    """Over 600 episodes every class, and every pair of classes, takes every slot equally often."""
    labels = _drawing.archive(4, generator=generator)
    episodes = _draw(yours, labels, generator, N_DRAWS, **ONE_EACH)
    turns = [_classes_in_turn(episode, labels) for episode in episodes]
    n_slots = min(len(turn) for turn in turns)
    assert n_slots >= 2, "There are episodes in which all labels are the same slot."
    look_at = (
        "Draw the classes by torch.randperm, and let the first one drawn be slot 0: do not sort "
        "them. If a class tells its slot, a network can learn the slot by heart."
    )
    for slot in range(n_slots):
        _chance.assert_frequencies(
            {label: sum(turn[slot] == label for turn in turns) for label in CLASSES},
            N_DRAWS,
            1 / len(CLASSES),
            what=f"class {{}} in slot {slot}",
            look_at=look_at,
        )
    pairs = {
        pair: sum(tuple(turn[:2]) == pair for turn in turns)
        for pair in itertools.permutations(CLASSES, 2)
    }
    _chance.assert_frequencies(
        pairs, N_DRAWS, 1 / len(pairs), what="{} as the first two classes", look_at=look_at
    )


@pytest.mark.points(4)
def test_any_image_can_be_support_or_query(yours, generator):
    """Over 600 episodes every image is support equally often, and query equally often."""
    labels = _drawing.archive(4, generator=generator)
    sizes = {"n_way": 3, "k_shot": 1, "n_query": 2}
    episodes = _draw(yours, labels, generator, N_DRAWS, **sizes)
    for name, n_each in (("support", 1), ("query", 2)):
        counts = {image: sum(image in getattr(e, name) for e in episodes) for image in range(24)}
        _chance.assert_frequencies(
            counts,
            N_DRAWS,
            3 / 6 * n_each / 4,
            what=f"image {{}} as {name}",
            look_at="Shuffle the images of a class before you take the first ones. If the support "
            "set is always the same, you test how lucky these few images are.",
        )


@pytest.mark.points(3)
def test_the_generator_alone_decides(yours, generator):
    """The same seed gives the same episode; torch's global generator is not touched."""
    labels = _drawing.archive(12, generator=generator)
    _drawing.assert_generator_decides(yours, labels, generator=generator, **SHAPES[1])


@pytest.mark.points(2)
def test_only_the_classes_asked_for_are_drawn(yours, generator):
    """With classes=... all episodes are of these classes, and all of these classes come up."""
    labels = _drawing.archive(4, generator=generator)
    wanted = (3, 7, 11, 13)
    seen = set()
    for episode in _draw(yours, labels, generator, 150, classes=wanted, **ONE_EACH):
        seen |= {int(labels[p]) for p in episode.support + episode.query}
    strange = sorted(seen - set(wanted))
    assert not strange, (
        f"classes={list(wanted)} was asked for, and class {strange[0]} was drawn: with a held-out "
        "class in training, the test is none."
    )
    never = sorted(set(wanted) - seen)
    assert not never, f"In 150 episodes class {never} never came up. Shuffle all that are allowed."


@pytest.mark.points(3)
def test_what_cannot_be_drawn_is_refused(yours, generator):
    """Too few images in a class, or too few classes: a ValueError that names both numbers."""
    labels = _drawing.archive(8, generator=generator)
    labels = torch.cat([labels, torch.tensor([17, 17, 17, 17, 17])])
    seed = _drawing.seed_from(generator)

    def calling(**settings):
        how = {"seed": seed, "times": 1, "surroundings": 0}
        return lambda: yours.through("draws", labels, **how, **settings)

    _drawing.assert_refuses(
        calling(n_way=2, k_shot=2, n_query=4, classes=[17, 3]),
        17,
        5,
        what="Class 17 with 5 images, of which 2 + 4 are wanted,",
    )
    _drawing.assert_refuses(
        calling(n_way=9, k_shot=1, n_query=1), 9, 7, what="9 classes per episode out of 7"
    )
