"""Intervals side by side stand where they should, and say which of them hold the value."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_hex

from medmeta_ref import plots
from medmeta_ref.metrics import Interval

RESULTS = [Interval(0.8, 0.05), Interval(0.5, 0.3), Interval(0.6, 0.1)]
WORDS = {"value_name": "mean", "xlabel": "sets of classes", "ylabel": "accuracy"}


@pytest.fixture(autouse=True)
def no_figure_left():
    yield
    plt.close("all")


def drawn(**more):
    return plots.caterpillar(RESULTS, value=0.65, chance=1 / 3, **WORDS, **more)


def spans(container):
    """Return (place, low, high) of every bar."""
    [bars] = container.lines[2]
    return [(*low, high[1]) for low, high in bars.get_segments()]


def test_intervals_stand_in_the_order_of_their_means():
    found = sorted(span for container in drawn().containers for span in spans(container))
    want = [(0, 0.2, 0.8), (1, 0.5, 0.7), (2, 0.75, 0.85)]
    assert [pytest.approx(each) for each in want] == found


def test_those_that_hold_the_value_are_counted_filled_and_round():
    inside, outside = drawn().containers
    assert (inside.get_label(), outside.get_label()) == ("holds it (2 of 3)", "does not (1 of 3)")
    marked = [container.lines[0] for container in (inside, outside)]
    assert [line.get_marker() for line in marked] == ["o", "s"]
    assert to_hex(marked[1].get_markerfacecolor()) == "#ffffff"


def test_interval_that_ends_at_the_value_holds_it():
    assert Interval(0.5, 0.25).holds(0.75)
    assert Interval(0.5, 0.25).holds(0.25)
    assert not Interval(0.5, 0.25).holds(0.7501)


def test_value_and_chance_are_lines_with_names():
    ax = drawn()
    levels = {line.get_label(): line.get_ydata()[0] for line in ax.get_lines() if line.get_label()}
    assert levels["mean 0.650"] == 0.65
    assert levels["chance 0.333"] == pytest.approx(1 / 3)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("sets of classes", "accuracy")


def test_all_inside_and_all_outside_can_be_drawn_on_given_limits():
    for value in (0.7, 2.0):
        ax = plots.caterpillar([RESULTS[0], RESULTS[1]], value=value, limits=(0, 1), **WORDS)
        assert ax.get_ylim() == (0, 1)
        assert plots.show(ax, alt="two intervals").png
