"""The plane shows every valley where it lies, and every walk from its first place to its last."""

import matplotlib.pyplot as plt
import pytest
import torch

from medmeta_ref.valleys import valley_plane

WALK = torch.tensor([[0.0, 0.0], [1.0, 0.5], [2.0, 2.0]])
SETTINGS = {"xlabel": "weight 1", "ylabel": "weight 2", "limits": (-3.0, 3.0, -2.0, 4.0)}


@pytest.fixture(autouse=True)
def no_figure_left():
    yield
    plt.close("all")


@pytest.mark.parametrize("line", [(1.0, 2.0, 3.0), (0.0, 2.0, -1.0), (3.0, 0.0, 1.5)])
def test_floor_of_a_valley_satisfies_its_equation(line):
    ax = valley_plane({"task": line}, {}, **SETTINGS)
    [drawn] = ax.get_lines()
    a, b, c = line
    for x, y in (drawn.get_xy1(), drawn.get_xy2()):
        assert a * x + b * y == pytest.approx(c)
    assert drawn.get_xy1() != drawn.get_xy2()


def test_walk_goes_through_all_places_and_ends_in_a_full_mark():
    ax = valley_plane({}, {"Reptile": WALK}, **SETTINGS)
    way, first, last = ax.get_lines()
    assert torch.equal(torch.tensor(way.get_xydata()).float(), WALK)
    assert first.get_xydata().tolist() == [WALK[0].tolist()]
    assert last.get_xydata().tolist() == [WALK[-1].tolist()]
    assert first.get_markerfacecolor() == "white" != last.get_markerfacecolor()


def test_axes_have_their_labels_limits_and_names():
    ax = valley_plane({"flat": (1.0, 0.0, 0.0)}, {"Reptile": WALK}, **SETTINGS)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("weight 1", "weight 2")
    assert (*ax.get_xlim(), *ax.get_ylim()) == SETTINGS["limits"]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["flat", "Reptile"]


def test_line_without_direction_and_walk_off_the_plane_are_refused():
    with pytest.raises(ValueError, match="'nowhere' has a = b = 0"):
        valley_plane({"nowhere": (0.0, 0.0, 1.0)}, {}, **SETTINGS)
    with pytest.raises(ValueError, match=r"\[n_points, 2\], got \(3,\)"):
        valley_plane({}, {"one axis": torch.zeros(3)}, **SETTINGS)
