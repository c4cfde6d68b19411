"""Target, yours and difference show what they say."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from medmeta_ref import plots
from medmeta_ref.heat_maps import tables

TARGET = torch.tensor([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
YOURS = torch.tensor([[0.1, 0.2, 0.3], [0.4, 0.9, 0.6]])
WORDS = {"xlabel": "slot", "ylabel": "code"}


@pytest.fixture(autouse=True)
def no_figure_left():
    yield
    plt.close("all")


def drawn(**more):
    return plots.target_and_yours(TARGET, YOURS, **WORDS, **more)


def test_three_tables_are_target_yours_and_yours_minus_target():
    shown = [np.asarray(ax.images[0].get_array()) for ax in drawn().axes]
    for table, want in zip(shown, (TARGET, YOURS, YOURS - TARGET), strict=True):
        np.testing.assert_allclose(table, want.double().numpy())
    assert [ax.get_title() for ax in drawn().axes] == ["target", "yours", "yours - target"]


def test_target_and_yours_share_their_colours_and_no_difference_is_white():
    one, two, difference = (ax.images[0] for ax in drawn().axes)
    assert one.get_clim() == two.get_clim()
    low, high = difference.get_clim()
    assert low == -high
    assert difference.to_rgba(0.0)[:3] == pytest.approx((1, 1, 1), abs=0.05)


def test_values_are_written_in_so_that_colour_is_not_all():
    for ax, table in zip(drawn().axes, (TARGET, YOURS, YOURS - TARGET), strict=True):
        assert [t.get_text() for t in ax.texts] == [f"{v:.2f}" for v in table.flatten().tolist()]


def test_a_large_table_has_no_numbers():
    large = torch.rand(20, 20)
    assert not any(ax.texts for ax in plots.target_and_yours(large, large, **WORDS).axes)


def test_axes_are_labelled_and_named():
    figure = drawn(rows=[20, 31], columns="abc")
    first = figure.axes[0]
    assert first.get_ylabel() == "code"
    assert {ax.get_xlabel() for ax in figure.axes} == {"slot"}
    assert [t.get_text() for t in first.get_yticklabels()] == ["20", "31"]
    assert [t.get_text() for t in first.get_xticklabels()] == ["a", "b", "c"]


def test_equal_constant_tables_can_be_drawn():
    flat = torch.full((2, 2), 0.0)
    assert plots.show(plots.target_and_yours(flat, flat, **WORDS), alt="nothing differs").png


@pytest.mark.parametrize("shape", [(3, 2), (6,)])
def test_tables_of_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="two tables of one shape"):
        plots.target_and_yours(TARGET, torch.zeros(shape), **WORDS)


def test_tables_stand_side_by_side_on_one_scale_from_0_to_1():
    panels = {"without": torch.tensor([[0.25, 0.5]]), "with": torch.tensor([[1.0, 0.0]])}
    figure = tables(panels, xlabel="tested on", ylabel="after")
    assert [ax.get_title() for ax in figure.axes] == ["without", "with"]
    assert [ax.images[0].get_clim() for ax in figure.axes] == [(0, 1), (0, 1)]
    assert [t.get_text() for t in figure.axes[0].texts] == ["0.25", "0.50"]
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["1", "2"]
    assert [ax.get_xlabel() for ax in figure.axes] == ["tested on"] * 2
    assert figure.axes[0].get_ylabel() == "after"


@pytest.mark.parametrize(
    "panels", [{}, {"a": torch.zeros(2)}, {"a": torch.zeros(2, 2), "b": torch.zeros(2, 3)}]
)
def test_tables_that_do_not_match_are_refused(panels):
    with pytest.raises(ValueError, match="tables of one shape are needed"):
        tables(panels, xlabel="x", ylabel="y")
