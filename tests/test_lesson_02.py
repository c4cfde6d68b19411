"""Lesson 02 on real images says what its text says."""

import re

import pytest

from tests.executed import in_full

pytestmark = [pytest.mark.slow, pytest.mark.full]


@pytest.fixture(scope="module")
def lesson():
    """Return what a full run on official images prints, and the words of its figures."""
    return in_full("02_families_and_challenges", "bloodmnist", "organamnist")


def verdict(lesson, beginning):
    """Return the verdict on a paired difference."""
    (line,) = (line for line in lesson[0].splitlines() if line.startswith(beginning))
    return line.rpartition(": ")[2]


def mean_of(lesson, row, column):
    """Return the mean accuracy of a learner in a row of the readers' table."""
    (line,) = (line for line in lesson[0].splitlines() if line.startswith(f"{row}: reader"))
    return float(re.search(rf"{re.escape(column)} (\d\.\d+) ±", line)[1])


def test_it_uses_the_official_images(lesson):
    text, alts = lesson
    assert "OrganAMNIST (official file, MD5 verified)" in text
    assert "synthetic" not in text + "".join(alts)


def test_prototypes_lead_with_one_label_and_less_with_every_further_one(lesson):
    rival = "prototypical minus pre-trained"
    found = re.findall(rf"{rival}, +\d+ shots: (\S+) ±", lesson[0])
    one, four, sixteen = map(float, found)
    assert verdict(lesson, f"{rival},  1 shots") == "better"
    assert one > four > sixteen
    assert verdict(lesson, f"{rival}, 16 shots") != "better"


def test_more_classes_help_and_more_images_of_two_classes_do_not(lesson):
    assert verdict(lesson, "all images: 7 minus 2") == "better"
    assert verdict(lesson, "280 images: 7 minus 2") == "better"
    assert verdict(lesson, "two classes: all images minus 280") == "no difference that we can see"


def test_reader_with_fixed_slots_has_learned_by_heart(lesson):
    fixed = "reader, fixed slots"
    assert mean_of(lesson, "fixed slots", fixed) > 0.75
    assert mean_of(lesson, "slots given out anew", fixed) < 0.4
    losses = re.findall(r"training loss with (.*): (\d\.\d+) ", lesson[0])
    assert min(losses, key=lambda each: float(each[1]))[0] == "fixed slots"


def test_only_made_up_tasks_teach_a_reader_to_compare(lesson):
    anew, made_up = "reader, slots given out anew", "reader, made-up tasks"
    assert mean_of(lesson, "slots given out anew", anew) > 0.65
    assert mean_of(lesson, "novel classes", anew) < 0.5
    assert mean_of(lesson, "novel classes", made_up) > 0.6


def test_training_pays_at_home_and_nowhere_else(lesson):
    assert verdict(lesson, "organamnist, trained on organs minus untrained") == "better"
    assert verdict(lesson, "bloodmnist, trained on cells minus untrained") == "better"
    assert verdict(lesson, "organamnist, trained on cells minus untrained") != "better"
    assert verdict(lesson, "bloodmnist, trained on organs minus untrained") != "better"


def test_every_network_costs_the_same_per_query_and_maml_most_before(lesson):
    rows = re.findall(r"^(\S.*?) {2,}([\d,]+) +([\d,]+) +([\d,]+) +(\d+)$", lesson[0], re.MULTILINE)
    before = {name: int(number.replace(",", "")) for name, number, *_ in rows}
    new = {name: int(number.replace(",", "")) for name, _, _, number, _ in rows}
    assert max(before, key=before.get) == "MAML, 5 steps"
    assert min(new, key=new.get) == "prototypical"
    assert before["from scratch, 20 steps"] == 0
