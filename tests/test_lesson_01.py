"""Lesson 01 shows on real images what it says: class sets matter, and patients leak."""

import re

import pytest

from tests.executed import in_full

pytestmark = [pytest.mark.slow, pytest.mark.full]
NEEDED = ("bloodmnist", "breastmnist", "organamnist", "pneumoniamnist")


@pytest.fixture(scope="module")
def lesson():
    """Return what a full run on official images prints, and the words of its figures."""
    return in_full("01_episodes", *NEEDED)


def test_it_uses_the_official_images(lesson):
    text, alts = lesson
    assert "BloodMNIST (official file, MD5 verified)" in text
    assert "synthetic" not in text + "".join(alts)


def test_the_usual_interval_seldom_holds_the_mean_over_class_sets(lesson):
    held, of = re.search(r"intervals that hold the mean: (\d+) of (\d+)", lesson[0]).groups()
    assert int(of) == 56
    assert int(held) <= 6


def test_training_helps_the_network_over_splits(lesson):
    found = re.search(r"trained minus untrained: (\S+) ± (\S+), above 0 in 8 of 8", lesson[0])
    mean, half_width = map(float, found.groups())
    assert mean > half_width


def test_training_is_not_shown_to_beat_raw_pixels_over_splits(lesson):
    mean, half_width = re.search(r"trained minus raw pixels: (\S+) ± (\S+),", lesson[0]).groups()
    assert abs(float(mean)) < float(half_width)


def test_same_patients_are_easier_and_more_so_with_more_images(lesson):
    gaps = [float(g) for g in re.findall(r"same patients minus other patients (\S+) ±", lesson[0])]
    assert len(gaps) == 5
    assert gaps == sorted(gaps)
    assert gaps[-1] > 0.2


def test_twins_in_pneumoniamnist_are_found(lesson):
    assert "pneumoniamnist: of 524 validation images 8 are training images" in lesson[0]


def test_batch_norm_is_transductive_and_group_norm_is_not(lesson):
    assert re.search(r'norm="batch".*: transductive', lesson[0])
    assert re.search(r'norm="group".*: inductive', lesson[0])
