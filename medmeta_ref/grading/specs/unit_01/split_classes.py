"""split_classes(labels, *, n_train, n_val, n_test, generator) -> {"train": [...], ...}."""

import itertools
from typing import Any

import pytest

from medmeta_ref.grading.specs.unit_01 import _chance, _drawing

GROUPS = ("train", "val", "test")
N_DRAWS = 400


def _groups(got, labels, sizes):
    """Return the three groups of a split, if it is one."""
    missing = " Is the return statement missing?" if got is None else ""
    assert type(got) is dict, f"A dict was expected, you returned {type(got).__name__}.{missing}"
    assert sorted(map(str, got)) == sorted(GROUPS), (
        f'The dict should have the keys "train", "val" and "test", yours has {list(got)!r:.80}.'
    )
    groups = {name: _drawing.integers(got[name], f'"{name}"') for name in GROUPS}
    present = set(labels.tolist())
    for name, group in groups.items():
        strange = sorted(set(group) - present)
        assert not strange, (
            f'"{name}" holds {strange[:6]}, which are no labels here. It is *labels* that are '
            "split, neither images nor positions: start from labels.unique()."
        )
        assert len(group) == sizes[name], (
            f'"{name}" should have {sizes[name]} classes, yours has {len(group)}: {group[:12]}.'
        )
        twice = sorted({label for label in group if group.count(label) > 1})
        assert not twice, f'Class {twice[0]} is in "{name}" twice: draw without replacement.'
    for one, other in itertools.combinations(GROUPS, 2):
        both = sorted(set(groups[one]) & set(groups[other]))
        assert not both, f'Class {both[0]} is in "{one}" and in "{other}": that is a leak.'
    return groups


def _draw(yours, labels, generator, times, train, val, test):
    sizes = {"train": train, "val": val, "test": test}
    settings = {f"n_{name}": size for name, size in sizes.items()}
    drawn = _drawing.draws(yours, labels, times=times, generator=generator, **settings)
    return [_groups(each, labels, sizes) for each in drawn]


@pytest.mark.points(4)
def test_groups_are_disjoint_and_as_large_as_asked(yours, generator):
    """Each group has as many classes as asked for, and no class is in two groups."""
    labels = _drawing.archive(5, generator=generator)
    for sizes in ((3, 1, 2), (2, 0, 3), (1, 1, 1)):
        _draw(yours, labels, generator, 40, *sizes)


@pytest.mark.points(3)
def test_every_class_can_land_in_every_group(yours, generator):
    """Over 400 splits every class, and every pair, is in the test group equally often."""
    labels = _drawing.archive(5, generator=generator)
    splits = _draw(yours, labels, generator, N_DRAWS, 3, 1, 2)
    for name, size in (("train", 3), ("val", 1), ("test", 2)):
        counts = {c: sum(c in split[name] for split in splits) for c in _drawing.CLASSES}
        _chance.assert_frequencies(
            counts,
            N_DRAWS,
            size / len(_drawing.CLASSES),
            what=f'class {{}} in "{name}"',
            look_at="Shuffle the classes before you cut them into groups.",
        )
    pairs = {
        pair: sum(set(pair) <= set(split["test"]) for split in splits)
        for pair in itertools.combinations(_drawing.CLASSES, 2)
    }
    _chance.assert_frequencies(
        pairs,
        N_DRAWS,
        1 / len(pairs),
        what='the pair {} in "test"',
        look_at="Each class alone comes up as it should; neighbours must not stay together.",
    )


@pytest.mark.points(2)
def test_the_generator_alone_decides(yours, generator):
    """The same seed gives the same split; torch's global generator is not touched."""
    labels = _drawing.archive(5, generator=generator)
    # 24 classes have twelve million splits like this: no two are the same by chance.
    settings: dict[str, Any] = {"n_train": 2, "n_val": 2, "n_test": 2}
    wide = (labels[:, None] * 10 + labels.new_tensor([0, 1, 2, 3])).flatten()
    _drawing.assert_generator_decides(yours, wide, generator=generator, **settings)


@pytest.mark.points(1)
def test_too_few_classes_are_refused(yours, generator):
    """Asking for more classes than there are raises a ValueError with both numbers."""
    labels = _drawing.archive(4, generator=generator)
    seed = _drawing.seed_from(generator)

    def call():
        how = {"seed": seed, "times": 1, "surroundings": 0}
        yours.through("draws", labels, **how, n_train=4, n_val=2, n_test=3)

    _drawing.assert_refuses(call, 9, 6, what="4 + 2 + 3 = 9 classes out of 6")
