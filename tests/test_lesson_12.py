"""Lesson 12 shows on real images what it says: what each harm costs, and which remedy helps."""

import re

import pytest

from tests.executed import in_full

pytestmark = [pytest.mark.slow, pytest.mark.full]


@pytest.fixture(scope="module")
def lesson():
    """Return what a full run on official images prints, and the words of its figures."""
    return in_full("12_robustness", "bloodmnist", "organamnist")


def the_words(lesson, beginning):
    (words,) = (alt for alt in lesson[1] if alt.startswith(beginning))
    return words


def measured(lesson, beginning):
    """Return name -> (mean, half-width) of a figure: "NAME -0.011 ± 0.009; NAME ..."."""
    results = the_words(lesson, beginning)[len(beginning) :].strip(":. ").split("; ")
    found = [re.fullmatch(r"(.+) (-?\d\.\d+) ± (\d\.\d+)", each) for each in results]
    return {each[1]: (float(each[2]), float(each[3])) for each in found}


def test_it_uses_the_official_images(lesson):
    assert "BloodMNIST (official file, MD5 verified)" in lesson[0]
    assert "OrganAMNIST (official file, MD5 verified)" in lesson[0]
    assert "synthetic" not in lesson[0]


def test_each_centre_gives_way_at_its_breakdown_point(lesson):
    words = the_words(lesson, "How far each centre moves").partition("of 11: ")[2]
    moved = {
        name: [int(n) for n in numbers.split(", ")]
        for name, numbers in re.findall(r"(\w+) ([\d, ]+\d)", words)
    }
    for name, n_borne in {"mean": 0, "trimmed": 3, "median": 5, "geometric_median": 5}.items():
        assert max(moved[name][: n_borne + 1]) < 20, name
        assert moved[name][n_borne + 1] > 80, name


def test_more_shots_bear_wrong_support_labels_better(lesson):
    costs = {
        int(k): (float(mean), float(width))
        for k, mean, width in re.findall(
            r"(\d+) shots?: a fifth of the support labels wrong costs (\S+) ± (\S+)", lesson[0]
        )
    }
    assert costs[1][0] - costs[1][1] > costs[5][0] + costs[5][1]
    assert costs[10][0] < costs[5][0] + costs[5][1]


def test_a_wrong_support_label_costs_much_more_than_a_wrong_query_label(lesson):
    found = measured(lesson, "Accuracy lost by wrong labels")
    assert found["one support label"][0] > 5 * found["one query label"][0] > 0


def test_the_bounded_loss_learns_fewer_wrong_labels_by_heart(lesson):
    shares = {
        name: int(share)
        for name, share in re.findall(
            r"(\S+): 40 % wrong labels cost \S+ ± \S+; (\d+)% of them", lesson[0]
        )
    }
    assert shares["generalised"] < shares["cross-entropy"] - 10
    found = measured(lesson, "Test accuracy with right and wrong training labels")
    assert found["40 % wrong, generalised"][0] > found["40 % wrong, cross-entropy"][0]
    for name in shares:
        assert found[f"40 % wrong, {name}"][0] < found[f"labels right, {name}"][0] - 0.1


def test_robust_centres_help_against_strangers_and_hardly_against_wrong_labels(lesson):
    found = measured(lesson, "Gain over the mean at 10 shots")
    for centre in ("trimmed", "median", "geometric median"):
        gain, width = found[f"2 of 10 strangers: {centre}"]
        assert gain - width > 0.08
        assert found[f"2 of 10 labels wrong: {centre}"][0] < 0.03
        assert abs(found[f"all well: {centre}"][0]) < 0.02


def test_new_support_images_win_back_what_damage_took(lesson):
    lines = re.findall(r"(\w+), severity 3, .*: new support (\S+) ± (\S+), raw", lesson[0])
    gains = {kind: float(mean) - float(width) for kind, mean, width in lines}
    assert len(gains) == 5
    assert all(gains[kind] > 0.05 for kind in ("gaussian_noise", "contrast", "brightness"))
    lost = measured(lesson, "Accuracy lost at severity 3")
    for kind in gains:
        assert lost[f"{kind}: network, new support"][0] < lost[f"{kind}: network"][0]
    assert lost["gaussian_noise: network"][0] > lost["gaussian_noise: raw pixels"][0] + 0.05


def test_distance_finds_other_organs_and_hardly_other_cells(lesson):
    found = measured(lesson, "AUROC of outlier scores")
    for name in ("network", "untrained", "raw pixels"):
        assert found[f"CT slices: {name}"][0] > 0.98
        assert found[f"a cell type not shown: {name}"][0] < 0.85
