"""Curves show means, intervals as bands, and chance."""

import matplotlib.pyplot as plt
import pytest

from medmeta_ref.curves import interval_curves
from medmeta_ref.metrics import Interval

SHOTS = (1, 4, 16)
RESULTS = {
    "raw pixels": [Interval(0.4, 0.02), Interval(0.5, 0.01), Interval(0.6, 0.005)],
    "learned": [Interval(0.5, 0.03), Interval(0.6, 0.02), Interval(0.7, 0.01)],
}
WORDS = {"xlabel": "shots", "ylabel": "accuracy"}


@pytest.fixture(autouse=True)
def no_figure_left():
    yield
    plt.close("all")


def test_lines_are_the_means_and_bands_the_intervals():
    ax = interval_curves(SHOTS, RESULTS, **WORDS)
    for line, band, found in zip(ax.get_lines(), ax.collections, RESULTS.values(), strict=True):
        assert list(line.get_ydata()) == [each.mean for each in found]
        edges = {(round(x), round(float(y), 6)) for x, y in band.get_paths()[0].vertices}
        for x, (mean, half) in zip(SHOTS, found, strict=True):
            assert {(x, round(mean - half, 6)), (x, round(mean + half, 6))} <= edges


def test_curves_differ_by_colour_and_by_marker():
    lines = interval_curves(SHOTS, RESULTS, **WORDS).get_lines()
    assert len({line.get_color() for line in lines}) == 2
    assert len({line.get_marker() for line in lines}) == 2


def test_chance_is_drawn_and_named():
    ax = interval_curves(SHOTS, RESULTS, chance=0.25, **WORDS)
    assert "chance 0.25" in [t.get_text() for t in ax.get_legend().get_texts()]
    assert list(ax.get_lines()[-1].get_ydata()) == [0.25, 0.25]


def test_logarithmic_axis_has_its_ticks_at_the_positions():
    ax = interval_curves(SHOTS, RESULTS, log_x=True, **WORDS)
    assert ax.get_xscale() == "log"
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "4", "16"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("shots", "accuracy")


def test_curve_of_another_length_is_refused():
    with pytest.raises(ValueError, match="learned: 2 intervals for 3 positions"):
        interval_curves(SHOTS, RESULTS | {"learned": RESULTS["learned"][:2]}, **WORDS)


def test_more_curves_than_colours_are_refused():
    with pytest.raises(ValueError, match="8 curves, but only 7"):
        interval_curves((1,), {str(i): [Interval(0, 1)] for i in range(8)}, **WORDS)
