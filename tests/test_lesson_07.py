"""Lesson 07 shows what it says of one step, of freezing, and of likeness with a yardstick."""

import re

import pytest

from tests.executed import in_full, mean_of

pytestmark = [pytest.mark.slow, pytest.mark.full]


@pytest.fixture(scope="module")
def lesson():
    """Return what a full run on official images prints, and the words of its figures."""
    return in_full("07_reptile_and_anil", "bloodmnist")


def words_of(lesson, beginning):
    (words,) = (alt for alt in lesson[1] if alt.startswith(beginning))
    return words


def likeness(lesson, name):
    """Return the CKA of block 1 to 4 and of the head."""
    words = words_of(lesson, "Likeness of features")
    (found,) = re.findall(rf"(?:: |; ){name} ([\d., ]*\d)", words)
    return [float(value) for value in found.split(", ")]


def test_it_uses_the_official_images(lesson):
    assert "BloodMNIST (official file, MD5 verified)" in lesson[0]


def test_one_inner_step_rests_where_joint_training_ends_and_five_do_not(lesson):
    found = dict(re.findall(r"(\d+) inner steps: Reptile rests (\d\.\d+)", lesson[0]))
    assert float(found["1"]) < 0.02 < 0.2 < float(found["5"])


def test_in_the_valleys_five_steps_beat_joint_training_and_not_maml(lesson):
    (line,) = re.findall(r"  5 inner steps.*", lesson[0])
    after = {n: float(v) for n, v in re.findall(r"(Reptile|training|MAML) (0\.\d+)", line)}
    assert after["MAML"] < after["Reptile"] / 10
    assert after["Reptile"] < 0.7 * after["training"]


def test_reptile_with_one_step_stays_at_the_loss_of_chance(lesson):
    losses = words_of(lesson, "Training losses")
    assert float(re.search(r"Reptile, 1 step (\d\.\d+)", losses)[1]) > 1.05
    assert float(re.search(r"Reptile (\d\.\d+)", losses)[1]) < 0.8


def test_anil_is_worse_than_maml_and_reptile_is_not(lesson):
    assert re.search(r"ANIL, 5 steps .* worse than MAML", lesson[0])
    assert not re.search(r"Reptile, 5 steps .* worse than MAML", lesson[0])


def test_freezing_the_whole_body_costs_more_than_a_tenth_of_the_answers(lesson):
    words = words_of(lesson, "Accuracy lost by freezing")
    for name in ("MAML", "Reptile"):
        found = re.search(rf"{name} \S+ ± \S+ with 2, (\S+) ± (\S+) with 4", words)
        loss, half_width = map(float, found.groups())
        assert loss + half_width < -0.1


def test_early_blocks_are_alike_even_to_an_untrained_network(lesson):
    before_and_after = likeness(lesson, "MAML, before and after")
    strangers = likeness(lesson, "MAML and untrained")
    assert before_and_after[0] > 0.98
    assert strangers[0] > 0.95
    assert before_and_after[3] < 0.9
    assert strangers[3] < before_and_after[3] - 0.2


def test_an_untrained_network_and_raw_pixels_stand_beside_the_methods(lesson):
    words = words_of(lesson, "BloodMNIST")
    assert mean_of("raw pixels", words) > 0.5
    assert mean_of("ANIL, 5 steps", words) < mean_of("untrained, 5 steps", words)
