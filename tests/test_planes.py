"""The plane shows every example, every prototype, and each point's nearest prototype."""

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.colors import to_rgb

from medmeta_ref.planes import prototype_plane
from medmeta_ref.plots import COLOURS, MARKERS

CENTRES = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 6.0]])
LABELS = torch.tensor([1, 0, 2, 1])
FEATURES = CENTRES[LABELS] + torch.tensor([[0.5, 0.0], [0.0, 0.5], [0.2, 0.2], [-0.5, 0.0]])
NAMES = ["liver", "spleen", "bladder"]


@pytest.fixture(autouse=True)
def no_figure_left():
    yield
    plt.close("all")


def drawn(**changes):
    settings = {"xlabel": "mean red", "ylabel": "mean blue"} | changes
    return prototype_plane(FEATURES, LABELS, CENTRES, NAMES, **settings)


def test_every_example_and_every_prototype_is_where_it_belongs():
    lines = drawn().get_lines()
    for c in range(3):
        examples, centre = (torch.tensor(lines[2 * c + k].get_xydata()) for k in (0, 1))
        torch.testing.assert_close(examples.float(), FEATURES[LABELS == c])
        torch.testing.assert_close(centre.float()[0], CENTRES[c])
        assert {line.get_marker() for line in lines[2 * c : 2 * c + 2]} == {MARKERS[c]}


def test_regions_are_those_of_the_nearest_prototype():
    ax = drawn(limits=(-1.0, 6.0, -1.0, 8.0))
    regions = ax.collections[0]
    for c, path in enumerate(regions.get_paths()):
        assert to_rgb(regions.get_facecolors()[c]) == to_rgb(COLOURS[c])
        for k, centre in enumerate(CENTRES.tolist()):
            assert path.contains_point(centre) == (k == c)
    # Halfway between liver and spleen, one grid cell to the left and to the right of x = 2.
    liver, spleen = regions.get_paths()[:2]
    assert liver.contains_point((1.95, 0.0))
    assert spleen.contains_point((2.05, 0.0))


def test_axes_are_labelled_and_the_classes_named():
    ax = drawn()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("mean red", "mean blue")
    assert [t.get_text() for t in ax.get_legend().get_texts()] == NAMES


def test_given_limits_are_kept():
    ax = drawn(limits=(-10.0, 10.0, -20.0, 20.0))
    assert (*ax.get_xlim(), *ax.get_ylim()) == (-10, 10, -20, 20)


def test_features_that_are_no_plane_are_refused():
    with pytest.raises(ValueError, match=r"2 features, got \(4, 3\)"):
        prototype_plane(torch.zeros(4, 3), LABELS, CENTRES, NAMES, xlabel="x", ylabel="y")


def test_names_have_to_fit_the_prototypes():
    with pytest.raises(ValueError, match="3 prototypes and 2 names"):
        prototype_plane(FEATURES, LABELS, CENTRES, NAMES[:2], xlabel="x", ylabel="y")
