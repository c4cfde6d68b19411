"""Lesson 14 shows on real cells what it says: what each step to the device costs."""

import re

import pytest

from tests.executed import in_full

pytestmark = [pytest.mark.slow, pytest.mark.full]


@pytest.fixture(scope="module")
def lesson():
    """Return what a full run on official images prints, and the words of its figures."""
    return in_full("14_small_devices_and_prospects", "bloodmnist")


def number(text):
    return float(text.replace(",", ""))


def test_it_uses_the_official_images(lesson):
    assert "BloodMNIST (official file, MD5 verified)" in lesson[0]
    assert "synthetic" not in lesson[0]


def test_the_student_is_a_fraction_of_its_teacher_and_stays_close(lesson):
    costs = {
        who: [number(each) for each in found]
        for who, *found in re.findall(
            r"(\w+): (\S+) parameters, (\S+) MACs, (\S+) bytes, (\S+) with int8", lesson[0]
        )
    }
    for student, teacher in zip(costs["student"][:2], costs["teacher"][:2], strict=True):
        assert student < 0.1 * teacher
    assert costs["teacher"][2] > 50 * costs["student"][3]
    (words,) = (alt for alt in lesson[1] if alt.startswith("Accuracy: student alone"))
    alone, distilled, teacher = (float(each) for each in re.findall(r"(0\.\d+)(?: ±|\.$)", words))
    assert teacher - 0.1 < min(alone, distilled)
    assert max(alone, distilled) < teacher + 0.01


def test_no_weight_is_more_than_half_a_step_off(lesson):
    steps = [float(each) for each in re.findall(r"at most (\S+) steps off", lesson[0])]
    assert len(steps) == 4
    assert max(steps) <= 0.5


def test_eight_bits_cost_nothing_that_shows_and_two_cost_a_lot(lesson):
    costs = re.findall(r"int8 minus float32: (\S+) ± (\S+)", lesson[0])
    assert len(costs) == 2
    assert all(abs(float(mean)) < 0.01 for mean, _ in costs)
    (words,) = (alt for alt in lesson[1] if alt.startswith("Accuracy of teacher and student"))
    by_bits = {
        int(bits): (float(teacher), float(student))
        for bits, teacher, student in re.findall(r"(\d) bits: ([\d.]+), (0\.\d+)", words)
    }
    for who in (0, 1):
        assert by_bits[2][who] < by_bits[8][who] - 0.1
        assert abs(by_bits[6][who] - by_bits[8][who]) < 0.05


def test_the_file_is_small_and_answers_as_pytorch_does(lesson):
    pytest.importorskip("onnxruntime")
    [(n_bytes, gap)] = re.findall(r"int8 file: (\S+) bytes, off by (\S+) from", lesson[0])
    assert number(n_bytes) < 20_000
    assert float(gap) < 1e-4
    assert "refused: batch norm" in lesson[0]


def test_modes_and_preprocessing_break_parity_and_group_norm_does_not(lesson):
    gaps = {
        name.strip(): float(gap)
        for name, gap in re.findall(r"^([^:]{32}) (\d\.\de[+-]\d\d)$", lesson[0], re.MULTILINE)
    }
    assert gaps.pop("group norm, alone or in a batch") < 1e-4
    assert len(gaps) == 3
    assert min(gaps.values()) > 0.1
