"""Lesson 09 on real images says what its text says."""

import re

import pytest

from tests.executed import in_full

pytestmark = [pytest.mark.slow, pytest.mark.full]


@pytest.fixture(scope="module")
def lesson():
    """Return what a full run on official images prints, and the words of its figures."""
    return in_full("09_fusion_ensembles", "bloodmnist", "adrenalmnist3d")


def rows_of(lesson, beginning):
    """Return name -> (mean, half-width) of a figure's "name 0.1 ± 0.2; ..."."""
    (words,) = (alt for alt in lesson[1] if alt.startswith(beginning))
    found = re.findall(r"(?:: |; )([^;:]+?) (-?\d\.\d+) ± (\d\.\d+)", words)
    return {name: (float(mean), float(half)) for name, mean, half in found}


def numbers_after(lesson, words):
    """Return the numbers in the first line that holds these words, after them."""
    line = next(line for line in lesson[0].splitlines() if words in line)
    return [float(n) for n in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", line.split(words, 1)[1])]


def changes(lesson, panel):
    """Return validation images -> (mean, half-width) of learned minus equal weights."""
    block = lesson[0].split(f"\n{panel}\n")[1]
    found = {}
    for line in block.splitlines():
        match = re.match(r" +(\d+) validation images: (-?\d\.\d+) ± (\d\.\d+)", line)
        if not match:
            break
        found[int(match[1])] = float(match[2]), float(match[3])
    return found


def test_it_uses_the_official_images(lesson):
    assert "BloodMNIST (official file, MD5 verified)" in lesson[0]
    assert "AdrenalMNIST3D (official file, MD5 verified)" in lesson[0]


def test_pools_are_below_the_mean_member_as_jensen_says(lesson):
    rows = rows_of(lesson, "Loss of members and pools")
    mean_member = sum(rows[f"laboratory {k}"][0] for k in range(5)) / 5
    assert max(rows["arithmetic pool"][0], rows["log pool"][0]) < mean_member


def test_log_pool_clearly_beats_the_member_that_validation_chose(lesson):
    rows = rows_of(lesson, "Fused minus")
    assert rows["log pool, loss"][0] + rows["log pool, loss"][1] < 0
    assert rows["log pool, loss"][0] < rows["arithmetic pool, loss"][0]
    assert all(rows[f"{name}, accuracy"][0] > 0 for name in ("arithmetic pool", "log pool", "vote"))


def test_members_are_less_sure_than_right_and_the_arithmetic_pool_still_less(lesson):
    sure, right = {}, {}
    for name in ("members", "arithmetic pool", "log pool"):
        sure[name], right[name] = numbers_after(lesson, f"{name:15} sure")
    assert sure["members"] < right["members"] - 0.02
    assert sure["arithmetic pool"] < sure["members"]
    assert sure["log pool"] > sure["arithmetic pool"]


def test_ambiguity_explains_the_gain_exactly_and_is_small(lesson):
    mean, spread, ensemble, left_over = numbers_after(lesson, "mean member")
    assert abs(left_over) < 1e-12
    assert abs(mean - spread - ensemble) < 2e-4
    assert spread < 0.15 * mean
    assert numbers_after(lesson, "five copies of laboratory 0: ambiguity") == [0]


def test_learned_weights_hurt_with_few_images_and_barely_help_with_many(lesson):
    found = changes(lesson, "five alike")
    for few in (8, 16):
        assert found[few][0] > found[few][1]
    assert -0.02 < found[1024][0] < 0.003


def test_one_bad_member_is_found_from_eight_images(lesson):
    found = changes(lesson, "one with red and blue exchanged")
    assert all(mean + half < -0.05 for mean, half in found.values())


def test_leaky_stacking_is_the_nearest_neighbour_and_honest_stacking_beats_all(lesson):
    rows = rows_of(lesson, "Accuracy of members and combinations")
    leaky, honest = rows["stacking, leaky"][0], rows["stacking, out of fold"][0]
    assert abs(leaky - rows["nearest"][0]) < 0.02
    assert leaky < min(rows["plain mean"][0], rows["CNN"][0]) - 0.03
    assert honest > max(rows[name][0] for name in ("nearest", "linear", "CNN", "plain mean")) + 0.01
    assert numbers_after(lesson, "leaky       accuracy where it was fitted")[0] == 1


def test_shuffled_labels_betray_the_leak(lesson):
    leaky, folded, commonest = numbers_after(lesson, "shuffled labels")
    assert leaky == 1
    assert folded < commonest + 0.05


def test_kinds_of_slice_readers_cannot_be_told_apart(lesson):
    rows = rows_of(lesson, "AUROC of the ensembles")
    (one, half), (other, _) = (rows[f"CNN + {kind}, 3 seeds"] for kind in ("GRU", "mean"))
    assert abs(one - other) < half


def test_only_the_gru_answers_the_question_of_order(lesson):
    lines = [line for line in lesson[0].splitlines() if "for the order of two slices" in line]
    gru, mean = (float(re.search(r"AUROC (\d\.\d+)", line)[1]) for line in lines)
    assert gru > 0.7
    assert 0.4 < mean < 0.6


def test_padding_does_no_harm_with_lengths(lesson):
    lines = [line for line in lesson[0].splitlines() if line.startswith("filled with")]
    assert len(lines) == 3
    for line in lines:
        masked, ignored = re.search(r"off by (\S+) at most with lengths, (\S+) on", line).groups()
        assert float(masked) < 1e-4
        if "background" not in line:
            assert float(ignored) > 0.02


def test_softmax_twice_keeps_the_accuracy_and_caps_the_surest_answer(lesson):
    once, twice = (
        numbers_after(lesson, f"softmax {name:5}: accuracy") for name in ("once", "twice")
    )
    assert once[0] == twice[0]
    assert twice[1] > once[1] + 0.5
    assert twice[2] <= 0.281
