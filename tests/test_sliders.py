"""Sliders replace a figure that is there without them, too."""

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from medmeta_ref import plots, sliders


def figure(power, scale=1):
    ys = {"x": [scale * x**power for x in (0, 1, 2)]}
    drawn = plots.lines([0, 1, 2], ys, xlabel="x", ylabel="power of x")
    return plots.show(drawn, alt=f"{scale} times the power {power} of x.")


CHOICES = {"power": (2, [1, 2, 3]), "scale": (1, [1, 10])}


@pytest.fixture
def shell():
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def shown(shell):
    shell.user_ns.update(explore=sliders.explore, figure=figure, choices=CHOICES)
    with capture_output() as captured:
        outcome = shell.run_cell("explore(figure, **choices)")
    outcome.raise_error()
    return [output.data for output in captured.outputs]


def test_moving_a_slider_calls_with_the_values_of_all():
    seen = []
    box = sliders.sliders(lambda **values: seen.append(values), CHOICES)
    power, scale = box.children
    assert (power.value, scale.value) == (2, 1)
    assert power.description == "power"
    power.value = 3
    scale.value = 10
    assert seen == [{"power": 3, "scale": 1}, {"power": 3, "scale": 10}]


def test_notebook_gets_the_figure_as_an_ordinary_output_and_sliders_below(shell):
    picture, below = shown(shell)
    assert 'alt="1 times the power 2 of x."' in picture["text/html"]
    assert sliders.WIDGET_MIME not in picture
    assert set(below) == {sliders.WIDGET_MIME, "text/html", "text/plain"}
    assert "running notebook" in below["text/html"]


def test_program_without_a_notebook_shows_the_figure_alone():
    with capture_output() as captured:
        sliders.explore(figure, **CHOICES)
    assert captured.stdout == "[figure: 1 times the power 2 of x.]\n"


def test_first_value_has_to_be_on_offer():
    with pytest.raises(ValueError, match=r"power begins at 5, which is not on offer: \[1, 2\]"):
        sliders.explore(figure, power=(5, [1, 2]))
