"""Lesson 08 shows what it says: learned rates help, and the store is unread, for good reason."""

import re

import pytest

from tests.executed import in_full, mean_of

pytestmark = [pytest.mark.slow, pytest.mark.full]


@pytest.fixture(scope="module")
def lesson():
    """Return what a full run on official images prints, and the words of its figures."""
    return in_full("08_maml_pp", "bloodmnist")


def words_of(lesson, beginning):
    (words,) = (alt for alt in lesson[1] if alt.startswith(beginning))
    return words


def test_it_uses_the_official_images(lesson):
    assert "BloodMNIST (official file, MD5 verified)" in lesson[0]


def test_two_learned_rates_are_one_over_the_two_curvatures(lesson):
    found = re.findall(r"large (\w+): rates (\S+) and (\S+), loss after two steps (\S+)", lesson[0])
    assert [name for name, *_ in found] == ["first", "last"]
    for name, *numbers in found:
        one, two, loss = map(float, numbers)
        large, small = (one, two) if name == "first" else (two, one)
        assert large == pytest.approx(1, abs=0.05)
        assert small == pytest.approx(1 / 9, abs=0.01)
        assert loss < 0.001


def test_repeating_a_large_last_rate_explodes(lesson):
    words = words_of(lesson, "Loss along 5 steps")
    first, last = (
        float(re.search(rf"large {n} ([\d.e+-]+\d)", words)[1]) for n in ("first", "last")
    )
    assert first < 0.01
    assert last > 1


def test_learned_rates_help_where_the_fixed_rate_was_sensible(lesson):
    mean, half = re.search(
        r"rate 0.05: learned rates +minus MAML (\S+) ± (\S+)", lesson[0]
    ).groups()
    assert float(mean) < -float(half)


def test_at_the_large_rate_maml_depends_on_the_seed(lesson):
    words = words_of(lesson, "Inner rate 0.2")
    best, worst = map(float, re.search(r": MAML (\S+) to ([\d.]+\d);", words).groups())
    assert worst > 2 * best


def test_training_true_reads_nothing_that_is_stored(lesson):
    assert "training=True: largest difference 0\n" in lesson[0]
    assert float(re.search(r"training=False: largest difference (\S+)", lesson[0])[1]) > 1


def test_stored_averages_fall_towards_chance_and_support_moments_do_not(lesson):
    words = words_of(lesson, "The same weights, five ways")
    support, throughout = (mean_of(name, words) for name in ("support", "stored, throughout"))
    assert throughout < 0.42
    assert support > throughout + 0.1
    assert mean_of("one class", words) < support


def test_no_variant_beats_raw_pixels_without_other_queries(lesson):
    words = words_of(lesson, "BloodMNIST (official file, MD5 verified), support statistics")
    pixels = mean_of("raw pixels", words)
    for name in ("MAML", "+ multi-step loss", "+ learned rates", "+ first order first"):
        assert mean_of(name, words) < pixels + 0.02


def test_the_store_fails_by_giving_most_queries_one_answer(lesson):
    found = re.search(
        r"stored, queries only +accuracy (\S+), commonest answer (\d+)%, .* logits (\S+)", lesson[0]
    )
    accuracy, commonest, centred = map(float, found.groups())
    assert commonest > 70
    assert centred > accuracy + 0.1
    support, stored = re.findall(r"on the support set itself (\d\.\d+)", lesson[0])
    assert float(stored) < 0.45 < 0.6 < float(support)
