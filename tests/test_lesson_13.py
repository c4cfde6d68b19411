"""Lesson 13 shows on real images what it says: where numbers flatter, and who won the capstone."""

import re

import pytest

from tests.executed import in_full

pytestmark = [pytest.mark.slow, pytest.mark.full]


@pytest.fixture(scope="module")
def lesson():
    """Return what a full run on official images prints."""
    return in_full("13_medical_cases", "pneumoniamnist", "organamnist", "adrenalmnist3d")[0]


def numbers(lesson, beginning):
    """Return the numbers of the one line that begins so, after that beginning."""
    [line] = [line for line in lesson.splitlines() if line.strip().startswith(beginning)]
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", line.partition(beginning)[2])]


def gain(lesson, case, method):
    """Return mean and half-width of a method minus raw pixels."""
    block = lesson.partition(f"\n{case}: n = ")[2]
    [line, *_] = [line for line in block.splitlines() if line.startswith(f"  {method},")]
    mean, width = re.search(r"minus raw pixels (\S+) ± (\S+)", line).groups()
    return float(mean), float(width)


def test_it_uses_the_official_images(lesson):
    for name in ("PneumoniaMNIST", "OrganAMNIST", "AdrenalMNIST3D"):
        assert f"{name} (official file, MD5 verified)" in lesson


def test_eight_validation_images_are_training_images(lesson):
    assert "val: 8 of 524 images are in the training split" in lesson
    assert "test: 0 of 624 images are in the training split" in lesson


def test_validation_flatters_and_its_threshold_does_not_travel(lesson):
    assert numbers(lesson, "val: accuracy")[0] > numbers(lesson, "test: accuracy")[0] + 0.05
    _, specificity = numbers(lesson, "chosen on validation:")
    assert specificity < 0.82


def test_a_prevalence_of_25_in_1000_makes_most_alarms_false(lesson):
    assert "prevalence 0.025: PPV 0.1875" in lesson


def test_intervals_over_images_hold_the_truth_far_too_seldom(lesson):
    width, held = numbers(lesson, "images resampled:")
    wide, held_by_patient = numbers(lesson, "patients resampled:")
    assert wide > 2 * width
    assert held < 75
    assert held_by_patient > 82


def test_leaving_out_doubtful_ratings_flatters_where_the_rating_is_the_label(lesson):
    everything = numbers(lesson, "reader's labels, all cases: AUROC")
    clear = numbers(lesson, "reader's labels, doubtful ones left out: AUROC")
    assert clear[0] > everything[0]
    assert clear[0] > numbers(lesson, "true labels, doubtful ones left out: AUROC")[0]


def test_calibration_is_above_its_null_on_all_images(lesson):
    error, mean, percentile = (numbers(lesson, "624 test images:")[i] for i in (0, 1, 3))
    assert error > 1.5 * percentile > mean
    sure, right = numbers(lesson, "all test images: mean confidence")
    assert sure > right + 0.02


def test_negatives_are_free_of_the_finding_and_not_healthy(lesson):
    assert "negatives with finding 6: 0 of 200" in lesson
    assert numbers(lesson, "negatives with another finding:")[0] > 100


def test_the_capstone_is_as_told(lesson):
    for method in ("prototypical", "student"):
        mean, width = gain(lesson, "lung", method)
        assert mean - width > 0
    mean, width = gain(lesson, "heart", "MAML")
    assert mean + width < -0.08
    mean, width = gain(lesson, "heart", "prototypical")
    assert mean - width < 0.02
    assert gain(lesson, "lung", "fused")[0] < 0.02
