"""Lesson 05 shows on real images what it says: derivatives, a cliff, and a rate that overfits."""

import re

import pytest

from tests.executed import in_full, mean_of

pytestmark = [pytest.mark.slow, pytest.mark.full]


@pytest.fixture(scope="module")
def lesson():
    """Return what a full run on official images prints, and the words of its figures."""
    return in_full("05_gradient_based", "bloodmnist")


def words_of(lesson, beginning):
    (words,) = (alt for alt in lesson[1] if alt.startswith(beginning))
    return words


def accuracy_at(lesson, steps, rate):
    """Return the mean in the figure of the grid."""
    words = words_of(lesson, "Accuracy on new cells by inner rate")
    (row,) = re.findall(rf"steps: {steps}: (.*?)(?:; |\.$)", words)
    return float(re.search(rf"(?:^|, ){rate} (\d\.\d+) ±", row)[1])


def test_it_uses_the_official_images(lesson):
    assert "BloodMNIST (official file, MD5 verified)" in lesson[0]


def test_only_the_exact_step_knows_how_its_end_moves(lesson):
    text = lesson[0]
    assert "exact     end 1.0416, slope of the end 0.0040, t is now 1.2000" in text
    assert "no graph  end 1.0416, slope of the end 1.0000, t is now 1.2000" in text
    assert "no_grad   end 1.0416, slope of the end nan, t is now 1.2000" in text
    assert "in place  end 1.0416, slope of the end 1.0000, t is now 1.0416" in text


def test_exact_gradient_agrees_with_differences_and_first_order_does_not(lesson):
    words = words_of(lesson, "Distance to central differences")
    exact, rough = re.search(r"exact (\S+); first order (\S+)\.$", words).groups()
    assert float(exact) < 1e-6
    assert float(rough) > 0.1


def test_curvature_grows_along_the_way(lesson):
    before = float(re.search(r"largest curvature at the start (\d+\.\d)", lesson[0])[1])
    after = float(re.search(r"half the limit: largest curvature (\d+\.\d)", lesson[0])[1])
    assert after > 2 * before


def test_steps_beyond_the_limit_are_thrown_up_and_short_ones_are_not(lesson):
    words = words_of(lesson, "Support loss along 15 steps")
    tops = dict(re.findall(r"(\d\.?\d*) of the limit (\d\.\d\d)", words))
    assert float(tops["0.25"]) <= 1.1  # log 3, where a head of zeros begins
    assert float(tops["0.5"]) <= 1.1
    assert float(tops["2.5"]) > 1.5


def test_after_one_step_the_rate_does_not_matter(lesson):
    found = {accuracy_at(lesson, 1, rate) for rate in ("0.003", "0.01", "0.03", "0.1", "0.3")}
    assert max(found) - min(found) < 0.005


def test_five_long_steps_are_worse_than_two_and_than_five_short_ones(lesson):
    cliff = accuracy_at(lesson, 5, "0.1")
    assert cliff < accuracy_at(lesson, 2, "0.1") - 0.1
    assert cliff < accuracy_at(lesson, 5, "0.03") - 0.1


def test_rate_is_learned_upwards_and_harms_new_cells(lesson):
    assert float(re.search(r"one rate: from 0.01 to (\d\.\d+)", lesson[0])[1]) > 0.05
    gain, half_width = re.search(
        r"one rate +minus rate 0.01 +([+-]\d\.\d+) ± (\d\.\d+)", lesson[0]
    ).groups()
    assert float(gain) < -float(half_width)


def test_learned_rate_does_no_harm_to_known_types(lesson):
    for name in ("learned", "0.01"):
        home = re.search(rf"known types, 5 steps, rate {name} *: (\d\.\d+)", lesson[0])
        assert float(home[1]) > 0.9


def test_no_setting_is_shown_to_beat_nearest_means(lesson):
    words = words_of(lesson, "BloodMNIST (official file, MD5 verified), 3-way")
    pixels = mean_of("pixels, nearest mean", words)
    rows = (mean_of(f"rate {rate}", words) for rate in ("0.003", "0.01", "0.03", "0.1", "0.3"))
    assert max(rows) < pixels


def test_exact_gradient_costs_a_constant_factor(lesson):
    ratios = [float(r) for r in re.findall(r"steps: exact .* ratio (\d\.\d\d)", lesson[0])]
    assert len(ratios) == 4
    assert all(1 < ratio < 4 for ratio in ratios)
