"""Lesson 11 shows on real images what it says: what is forgotten, and how much a memory keeps."""

import re

import pytest

from tests.executed import in_full, mean_of

pytestmark = [pytest.mark.slow, pytest.mark.full]


@pytest.fixture(scope="module")
def lesson():
    """Return what a full run on official images prints, and the words of its figures."""
    return in_full("11_replay", "bloodmnist")


def words_of(lesson, beginning):
    (words,) = (alt for alt in lesson[1] if alt.startswith(beginning))
    return words


def test_it_uses_the_official_images(lesson):
    assert "BloodMNIST (official file, MD5 verified)" in lesson[0]


def test_a_small_memory_tells_the_reservoir_from_its_off_by_one(lesson):
    found = dict(
        re.findall(
            r"(reservoir|off by one|always)[^;]*? z = ([\d.]+)", words_of(lesson, "A memory")
        )
    )
    assert float(found["reservoir"]) < 5
    assert float(found["off by one"]) > 10
    assert float(found["always"]) > 50


def test_only_the_queue_holds_nothing_but_the_last_group(lesson):
    words = words_of(lesson, "What is stored of each class")
    rows = {
        name: [int(n) for n in counts.split(", ")]
        for name, counts in re.findall(r"(queue|reservoir|balanced) \[([\d, ]+)\]", words)
    }
    assert sum(rows["queue"][:6]) == 0
    assert min(rows["reservoir"]) > 0
    assert max(rows["balanced"]) - min(rows["balanced"]) <= 1
    assert {sum(counts) for counts in rows.values()} == {120}


def test_without_a_memory_only_the_last_group_is_left(lesson):
    words = words_of(lesson, "Accuracy on each group after each group")
    ends = {
        name: [float(v) for v in re.findall(r"\d\.\d\d", row)]
        for name, row in re.findall(r"(no memory|queue|reservoir|balanced) \[([^\]]+)\]", words)
    }
    assert max(ends["no memory"][:3]) < 0.05
    assert max(ends["queue"][:2]) < 0.1
    assert sum(ends["reservoir"][:2]) > 0.15


def test_a_memory_brings_back_a_part_and_far_from_all(lesson):
    words = words_of(lesson, "BloodMNIST")
    none, kept, joint = (mean_of(n, words) for n in ("no memory", "reservoir", "all at once"))
    assert none < 0.2
    assert none + 0.08 < kept < joint - 0.2


def test_order_of_two_steps_follows_the_scalar_product(lesson):
    assert float(re.search(r"relative error (\d\.\d+)", lesson[0])[1]) < 0.05


def test_meta_experience_replay_is_not_shown_to_beat_plain_replay(lesson):
    found = re.search(r"MER minus replay, paired: (-?\d\.\d+) ± (\d\.\d+)", lesson[0])
    assert float(found[1]) < float(found[2])
    words = words_of(lesson, "Online")
    assert mean_of("no memory", words) + 0.1 < mean_of("replay", words)
