"""Lesson 04 shows on real images what it says: who is ahead depends on classes and backbone."""

import re

import pytest

from tests.executed import in_full

pytestmark = [pytest.mark.slow, pytest.mark.full]


@pytest.fixture(scope="module")
def lesson():
    """Return what a full run on official images prints, and the words of its figures."""
    return in_full("04_prototypes", "bloodmnist", "organamnist")


def words_of(lesson, beginning):
    (words,) = (alt for alt in lesson[1] if alt.startswith(beginning))
    return words


def gains(words):
    """Return name -> (mean, half-width) of "name -0.011 ± 0.009; ..."."""
    found = re.findall(r"(?:: |; )([^;:]+?) (-?\d\.\d+) ± (\d\.\d+)", words)
    return {name: (float(mean), float(half_width)) for name, mean, half_width in found}


def test_it_uses_the_official_images(lesson):
    assert "BloodMNIST (official file, MD5 verified)" in lesson[0]
    assert "OrganAMNIST (official file, MD5 verified)" in lesson[0]


def test_one_shot_is_the_nearest_neighbour(lesson):
    assert "agree on 100.0% of the queries" in lesson[0]


def test_misprint_is_right_only_with_as_many_shots_as_classes(lesson):
    words = words_of(lesson, "Accuracy of raw-pixel prototypes")
    meant, printed_ = (re.findall(r"\d\.\d\d", part) for part in words.split(";"))
    assert [a == b for a, b in zip(meant, printed_, strict=True)] == [False, False, True] + [
        False
    ] * 2


def test_with_four_blocks_no_learned_embedding_is_shown_to_beat_raw_pixels(lesson):
    found = gains(words_of(lesson, "At 4 shots, accuracy minus raw pixels"))
    assert len(found) == 12
    for data in ("blood", "organa"):
        for method in ("prototypical", "supervised"):
            mean, half_width = found[f"{data}, 4 blocks, {method}"]
            assert abs(mean) < half_width


def test_single_splits_contradict_each_other(lesson):
    found = re.findall(r"4 blocks: prototypical (-?\d\.\d+) ± (\d\.\d+)", lesson[0])
    sides = {float(mean) > 0 for mean, half_width in found if abs(float(mean)) > float(half_width)}
    assert len(found) == 6
    assert sides == {True, False}


def test_learning_pays_on_drawn_cells(lesson):
    words = words_of(lesson, "synthetic cells")
    ends = dict(re.findall(r"(?:: |; )([^;:]+?) \d\.\d\d to (\d\.\d\d)", words))
    assert float(ends["prototypical network"]) > float(ends["raw pixels"]) + 0.2


def test_training_on_organs_helps_at_home_and_harms_on_cells(lesson):
    found = gains(words_of(lesson, "Gain of training"))
    for depth in (3, 4):
        home, half_width = found[f"trained on organa, tested on organa, {depth} blocks"]
        assert home > half_width
        away, half_width = found[f"trained on organa, tested on blood, {depth} blocks"]
        assert away < -half_width
