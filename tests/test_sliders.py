"""A slider redraws its figure, and leaves a figure where nothing can redraw it."""

import pytest

from medmeta_ref import plots, sliders
from medmeta_ref.sliders import Slider

VIEW = "application/vnd.jupyter.widget-view+json"


def draw(shots):
    axes = plots.lines([1, 2], {"a": [shots, 0]}, xlabel="x", ylabel="y")
    return plots.show(axes, alt=f"A line that begins at {shots}.")


def slider(**changes):
    return Slider(draw, **{"values": (1, 4, 16), "label": "shots", "start": 4} | changes)


def test_without_a_kernel_the_figure_of_the_start_is_shown_with_its_words():
    bundle = slider()._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert 'alt="A line that begins at 4."' in bundle["text/html"]
    assert bundle["text/plain"] == "[figure: A line that begins at 4.]"


def test_with_a_kernel_the_widget_comes_with_the_still_figure(monkeypatch):
    monkeypatch.setattr(sliders, "_is_live", lambda: True)
    bundle = slider()._repr_mimebundle_()
    assert VIEW in bundle
    assert 'alt="A line that begins at 4."' in bundle["text/html"]


def test_moving_the_slider_redraws_the_figure():
    handle, figure = slider().widget().children
    assert "begins at 4" in figure.value
    handle.value = 16
    assert "begins at 16" in figure.value
    assert handle.description == "shots"


def test_fast_mode_leaves_the_figure_still(monkeypatch):
    class Shell:
        kernel = object()

    monkeypatch.setattr("IPython.core.getipython.get_ipython", Shell)
    monkeypatch.setenv("MEDMETA_FAST", "0")
    assert sliders._is_live()
    monkeypatch.setenv("MEDMETA_FAST", "1")
    assert not sliders._is_live()


def test_start_that_cannot_be_chosen_is_refused():
    with pytest.raises(ValueError, match=r"start is 3.*\[1, 4, 16\]"):
        slider(start=3)
