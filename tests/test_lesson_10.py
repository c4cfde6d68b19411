"""Lesson 10 on real volumes says what its text says."""

import re

import pytest

from tests.executed import in_full

pytestmark = [pytest.mark.slow, pytest.mark.full]


@pytest.fixture(scope="module")
def lesson():
    """Return what a full run on official volumes prints, and the words of its figures."""
    return in_full("10_fusion_views", "adrenalmnist3d", "organamnist")


def rows_of(lesson, beginning):
    """Return name -> (mean, half-width) of a figure's "name 0.1 ± 0.2; ..."."""
    (words,) = (alt for alt in lesson[1] if alt.startswith(beginning))
    found = re.findall(r"(?:: |; )([^;:]+?) (-?\d\.\d+) ± (\d\.\d+)", words)
    return {name: (float(mean), float(half)) for name, mean, half in found}


def rises(lesson, name):
    """Return the reliance on the three views, one list per seed."""
    lines = [line for line in lesson[0].splitlines() if line.startswith(f"{name:15} seed")]
    assert len(lines) == 3
    return [[float(n) for n in re.findall(r"[+-]\d\.\d+", line)] for line in lines]


def patterns(lesson):
    """Return name -> views that are there -> test loss."""
    (words,) = (alt for alt in lesson[1] if alt.startswith("Test loss with"))
    views, losses = re.fullmatch(r"Test loss with the views (.*) present: (.*)\.", words).groups()
    found = {}
    for part in losses.split("; "):
        name, numbers = re.fullmatch(r"(.*?) (\d\.\d+.*)", part).groups()
        values = [float(n) for n in numbers.split(", ")]
        found[name] = dict(zip(views.split(", "), values, strict=True))
    return found


def test_it_uses_the_official_volumes(lesson):
    assert "AdrenalMNIST3D (official file, MD5 verified)" in lesson[0]


def test_a_planted_voxel_is_where_the_axes_say(lesson):
    assert "axial    (8, 10): voxel (3, 4, 2) at [[4, 2]]" in lesson[0]
    assert "coronal  (6, 10): voxel (3, 4, 2) at [[3, 2]]" in lesson[0]
    assert "sagittal (6, 8): voxel (3, 4, 2) at no place" in lesson[0]


def test_labels_of_unpaired_rows_agree_by_chance_and_of_paired_ones_always(lesson):
    found = re.findall(
        r"OrganA and (.*), \d+ rows: labels agree in (\S+), by chance (\S+)", lesson[0]
    )
    agreement = {name: (float(same), float(chance)) for name, same, chance in found}
    assert agreement.pop("OrganA itself")[0] == 1
    assert len(agreement) == 2
    assert all(abs(same - chance) < 0.02 for same, chance in agreement.values())


def test_fusion_with_equal_weights_and_late_fusion_beat_the_single_views(lesson):
    rows = rows_of(lesson, "AUROC of views")
    best = max(rows[view][0] for view in ("axial", "coronal", "sagittal"))
    assert min(rows["equal"][0], rows["late fusion"][0]) > best + 0.01
    assert abs(rows["equal"][0] - rows["late fusion"][0]) < 0.02
    assert rows["axial"][0] < best - 0.05
    assert abs(rows["coronal"][0] - rows["sagittal"][0]) < 0.03


def test_learned_gates_gain_least(lesson):
    rows = rows_of(lesson, "AUROC of views")
    fused = ("late fusion", "equal", "equal, dropout")
    assert all(rows["gated"][0] < rows[name][0] for name in fused)


def test_gated_network_lives_on_the_coronal_view_and_never_uses_the_sagittal_one(lesson):
    for axial, coronal, sagittal in rises(lesson, "gated"):
        assert coronal > 0.05
        assert coronal > axial
        assert abs(sagittal) < 0.01
    for name in ("equal", "equal, dropout"):
        assert all(abs(rise) < 0.12 for row in rises(lesson, name) for rise in row)


def test_gated_network_is_worse_than_no_network_without_the_coronal_view(lesson):
    found = patterns(lesson)
    assert all(found["gated"][here] > 0.58 for here in ("as", "a", "s"))


def test_only_the_network_that_has_practised_bears_every_pattern(lesson):
    found = patterns(lesson)
    assert max(found["equal, dropout"].values()) < 0.55
    assert max(found["equal"].values()) > max(found["equal, dropout"].values())
    assert found["equal, dropout"]["acs"] > found["equal"]["acs"]


def test_black_images_are_worse_than_left_out_ones(lesson):
    found = patterns(lesson)
    black, left_out = found["equal, black images"], found["equal"]
    assert black["acs"] == left_out["acs"]
    assert all(black[here] > left_out[here] - 0.01 for here in black)
    assert all(black[here] > left_out[here] + 0.03 for here in ("as", "a", "s"))


def test_network_trained_on_strangers_does_not_listen_to_them(lesson):
    (line,) = (x for x in lesson[0].splitlines() if x.startswith("trained on strangers"))
    misled, true, axial = (float(n) for n in re.findall(r"(\d\.\d+) ±", line))
    assert misled < true - 0.06
    assert abs(misled - axial) < 0.08
    (told,) = (x for x in lesson[0].splitlines() if x.startswith("its loss rises without"))
    _, coronal, sagittal = (float(n) for n in re.findall(r"[+-]\d\.\d+", told))
    assert max(abs(coronal), abs(sagittal)) < 0.01
