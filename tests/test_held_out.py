"""That classes of the test are never trained on, nor their twins."""

import pytest
import torch
from medmnist.info import INFO

from medmeta_ref.held_out import HELD_OUT, held_out_split


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def labels_of(n_classes, per_class=3):
    return torch.arange(n_classes).repeat(per_class)


def class_names(name):
    return {int(k): text for k, text in INFO[name]["label"].items()}


# Every set with one label per image and at least 4 classes, by MedMNIST's own list.
FLAT = [
    name
    for name, facts in INFO.items()
    if "multi-label" not in facts["task"] and len(facts["label"]) >= 4 and not name.endswith("3d")
]


@pytest.mark.parametrize("name", FLAT)
def test_sides_of_a_split_are_disjoint_and_hold_every_class(name):
    n_classes = len(class_names(name))
    for seed in range(10):
        split = held_out_split(name, labels_of(n_classes), generator=seeded(seed))
        together = split.train + split.val + split.test
        assert sorted(together) == list(range(n_classes))
        assert len(split.train) >= 2
        assert len(split.test) >= 2
        assert split.test == tuple(sorted(split.test))


def assert_keeps_pairs_together(split_of):
    """Left and right of an organ, by MedMNIST's own names, lie on one side of the split."""
    n_pairs = 0
    for name in ("organamnist", "organcmnist", "organsmnist"):
        names = class_names(name)
        split = split_of(name, labels_of(len(names)), generator=seeded())
        for left, text in names.items():
            if not text.endswith("-left"):
                continue
            [right] = [c for c, t in names.items() if t == text.replace("-left", "-right")]
            assert (left in split.test) == (right in split.test), f"{text} is torn apart"
            n_pairs += 1
    assert n_pairs == 9  # femur, kidney and lung, three times


def test_organs_that_come_left_and_right_stay_on_one_side():
    assert_keeps_pairs_together(held_out_split)


@pytest.mark.parametrize("seed", range(5))
def test_a_random_split_would_tear_pairs_apart(seed):
    def random_split(name, labels, *, generator):
        return held_out_split("another", labels, generator=seeded(seed))

    with pytest.raises(AssertionError, match="torn apart"):
        assert_keeps_pairs_together(random_split)


def test_the_three_views_of_the_same_patients_share_one_split():
    views = ("organamnist", "organcmnist", "organsmnist")
    assert len({HELD_OUT[view] for view in views}) == 1
    assert len({tuple(class_names(view).values()) for view in views}) == 1


def test_the_trivial_classes_of_path_do_not_make_up_a_side():
    trivial = {c for c, t in class_names("pathmnist").items() if t in ("background", "adipose")}
    split = held_out_split("pathmnist", labels_of(9), generator=seeded())
    assert len(trivial & set(split.test)) == 1
    assert len(trivial & set(split.train)) == 1


@pytest.mark.parametrize("name", sorted(HELD_OUT))
def test_a_fixed_split_is_the_same_for_every_generator(name):
    labels = labels_of(len(class_names(name)))
    splits = {held_out_split(name, labels, generator=seeded(seed)) for seed in range(5)}
    assert len(splits) == 1


@pytest.mark.parametrize(("n_classes", "n_test"), [(4, 2), (5, 2), (8, 3), (10, 4), (11, 4)])
def test_other_sets_get_a_random_split_of_60_to_40(n_classes, n_test):
    splits = {
        held_out_split("synthetic", labels_of(n_classes), generator=seeded(s)) for s in range(20)
    }
    assert {len(split.test) for split in splits} == {n_test}
    assert {c for split in splits for c in split.test} == set(range(n_classes))


@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_too_few_classes_are_refused_with_a_way_out(n_classes):
    message = rf"breastmnist has {n_classes} classes; 2 to train on .* need 4, as bloodmnist"
    with pytest.raises(ValueError, match=message):
        held_out_split("breastmnist", labels_of(n_classes), generator=seeded())


def test_several_labels_per_image_are_refused_with_a_way_out():
    message = "chestmnist has several labels per image; choose a set with one, bloodmnist"
    with pytest.raises(ValueError, match=message):
        held_out_split("chestmnist", torch.zeros(5, 14, dtype=torch.int64), generator=seeded())
