"""Lesson 03 on real images says what its text says."""

import re

import pytest

from tests.executed import in_full, mean_of

pytestmark = [pytest.mark.slow, pytest.mark.full]


@pytest.fixture(scope="module")
def lesson():
    """Return what a full run on official images prints, and the words of its figures."""
    return in_full("03_distillation", "bloodmnist", "pneumoniamnist")


def test_it_uses_the_official_images(lesson):
    text, alts = lesson
    assert "BloodMNIST (official file, MD5 verified)" in text
    assert "synthetic" not in text + "".join(alts)


def test_it_trains_a_teacher_worth_asking(lesson):
    text, _ = lesson
    assert float(re.search(r"teacher, test accuracy (\d\.\d+)", text)[1]) > 0.8


def test_it_shows_that_a_teacher_helps_where_labels_are_few(lesson):
    text, alts = lesson
    line = re.search(r"few images, labels and teacher minus labels: (\S+) ± (\S+): (.*)", text)
    assert float(line[1]) > float(line[2]) > 0  # the whole interval of the paired gain
    assert line[3] == "the teacher helps"
    (words,) = (alt for alt in alts if alt.startswith("Test accuracy:"))
    few, helped = mean_of("few, labels", words), mean_of("few, labels and teacher", words)
    assert helped - few == pytest.approx(float(line[1]), abs=0.0011)  # both were rounded


def test_it_shows_a_wrong_loss_that_two_classes_hide(lesson):
    _, alts = lesson
    (two,) = (alt for alt in alts if alt.startswith("Accuracy on two classes"))
    (eight,) = (alt for alt in alts if alt.startswith("Accuracy on 8 classes"))
    assert mean_of("published", two) > 0.75
    assert mean_of("published", eight) < 0.3 < mean_of("labels and teacher", eight)
