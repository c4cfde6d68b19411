"""What every figure has: labels, intervals, chance, a text for those who do not see it."""

import itertools
import re
from html.parser import HTMLParser
from io import BytesIO

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from skimage.color import deltaE_ciede2000, rgb2lab

from medmeta_ref import plots
from medmeta_ref.metrics import Interval


@pytest.fixture(autouse=True)
def no_figure_left():
    plt.close("all")
    yield
    plt.close("all")


HISTORIES = {"MAML": [3.0, 2.0, 1.0, 1.0], "Reptile": [4.0, 2.0, 2.0, 1.0]}
RESULTS = {"trained": Interval(0.8, 0.05), "raw pixels": Interval(0.5, 0.1)}
DRAWINGS = {
    "training_curves": lambda: plots.training_curves(HISTORIES, window=2),
    "intervals": lambda: plots.intervals(RESULTS, label="accuracy over episodes", chance=0.2),
    "probability_bars": lambda: plots.probability_bars(
        {"teacher": torch.tensor([0.7, 0.3]), "student": torch.tensor([0.6, 0.4])},
        ["basophil", "monocyte"],
        label="probability",
    ),
    "lines": lambda: plots.lines(
        [1, 2, 4], {"a": [1, 2, 3], "b": [3, 2, 1]}, xlabel="shots", ylabel="accuracy"
    ),
    "bands": lambda: plots.bands(
        [0, 1],
        {"MAML": list(RESULTS.values()), "Reptile": list(RESULTS.values())},
        xlabel="inner steps",
        ylabel="accuracy",
    ),
    "fits": lambda: plots.fits(
        [0, 1, 2], {"MAML": [0, 1, 4]}, {"Reptile": ([1], [1])}, xlabel="x", ylabel="y"
    ),
}
draw = pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS.keys())


@draw
def test_axes_come_back_labelled(draw):
    ax = draw()
    assert isinstance(ax, Axes)
    assert ax.get_ylabel() or [t.get_text() for t in ax.get_yticklabels()]
    assert ax.get_xlabel() or [t.get_text() for t in ax.get_xticklabels()]


@draw
def test_drawing_shows_nothing_by_itself_and_makes_one_figure(draw, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *a, **k: pytest.fail("a function showed its figure"))
    draw()
    assert len(plt.get_fignums()) == 1


@draw
def test_groups_are_named_in_a_legend_or_on_the_axis(draw):
    ax = draw()
    legend = [t.get_text() for t in ax.get_legend().get_texts()]
    named = legend + [t.get_text() for t in ax.get_yticklabels()]
    assert {"MAML", "Reptile"} <= set(named) or {*RESULTS} <= set(named) or len(legend) == 2


def test_training_curves_are_running_means_that_start_when_the_window_is_full():
    ax = plots.training_curves(HISTORIES, window=2)
    first, second = ax.get_lines()
    assert list(first.get_xdata()) == [2, 3, 4]
    assert list(first.get_ydata()) == [2.5, 1.5, 1.0]
    assert list(second.get_ydata()) == [3.0, 2.0, 1.5]
    assert ax.get_xlabel() == "outer step"
    assert ax.get_ylabel() == "loss (mean of 2 steps)"


def test_the_label_names_the_window_that_was_used_on_a_short_run():
    ax = plots.training_curves({"short": [3.0, 2.0, 1.0]}, window=25)
    [line] = ax.get_lines()
    assert list(line.get_ydata()) == [2.0]
    assert ax.get_ylabel() == "loss (mean of 3 steps)"


def test_one_curve_needs_no_legend():
    assert plots.training_curves({"only": [1.0, 2.0]}, window=1).get_legend() is None


def test_intervals_stand_at_their_mean_with_their_half_width():
    ax = plots.intervals(RESULTS, label="accuracy, 95 % interval over 600 episodes")
    assert ax.get_xlabel() == "accuracy, 95 % interval over 600 episodes"
    assert [t.get_text() for t in ax.get_yticklabels()] == ["trained", "raw pixels"]
    for row, (container, (mean, half)) in enumerate(
        zip(ax.containers, RESULTS.values(), strict=True)
    ):
        [bar] = container.lines[2]
        [[left, right]] = bar.get_segments()
        assert left == pytest.approx([mean - half, row])
        assert right == pytest.approx([mean + half, row])
    assert {t.get_text() for t in ax.texts} == {"0.800", "0.500"}
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the first name stands on top"


def dashed(ax):
    return [line for line in ax.get_lines() if line.get_linestyle() == "--"]


def test_intervals_draw_chance_where_it_is_and_name_it():
    ax = plots.intervals(RESULTS, label="accuracy", chance=0.2)
    [line] = dashed(ax)
    assert list(line.get_xdata()) == [0.2, 0.2]
    [text] = ax.get_legend().get_texts()
    name, value = text.get_text().split()
    assert (name, float(value)) == ("chance", 0.2)


def test_further_lines_to_compare_with_are_drawn_named_and_differ_in_style():
    levels = {"teacher": 0.9, "always the commonest": 0.4}
    ax = plots.intervals(RESULTS, label="accuracy", chance=0.25, references=levels)
    verticals = {x[0]: line for line in ax.get_lines() if len(set(x := line.get_xdata())) < len(x)}
    assert set(verticals) == {0.25, 0.9, 0.4}
    assert len({line.get_linestyle() for line in verticals.values()}) == 3
    texts = [t.get_text().rpartition(" ") for t in ax.get_legend().get_texts()]
    assert {name: float(value) for name, _, value in texts} == {"chance": 0.25, **levels}


def test_chance_zero_is_a_level_and_none_is_not():
    assert len(dashed(plots.intervals(RESULTS, label="correlation", chance=0.0))) == 1
    assert dashed(plots.intervals(RESULTS, label="accuracy")) == []


def test_bars_have_the_height_of_the_probability_at_their_class():
    ax = DRAWINGS["probability_bars"]()
    heights = [[bar.get_height() for bar in bars] for bars in ax.containers]
    assert heights == [pytest.approx([0.7, 0.3]), pytest.approx([0.6, 0.4])]
    for bars in ax.containers:
        for c, bar in enumerate(bars):
            assert abs(bar.get_x() + bar.get_width() / 2 - c) < 0.5
    spans = sorted((b.get_x(), b.get_x() + b.get_width()) for bars in ax.containers for b in bars)
    assert all(a[1] <= b[0] + 1e-9 for a, b in itertools.pairwise(spans)), "bars overlap"
    assert [t.get_text() for t in ax.get_xticklabels()] == ["basophil", "monocyte"]
    assert ax.containers[0][0].get_hatch() != ax.containers[1][0].get_hatch()


@pytest.mark.parametrize("log_x", [False, True])
@pytest.mark.parametrize("log_y", [False, True])
def test_lines_keep_their_values_and_take_the_scales_asked_for(log_x, log_y):
    ax = plots.lines(
        [1, 2, 4], {"a": [3, 2, 1]}, xlabel="T", ylabel="loss", log_x=log_x, log_y=log_y
    )
    [line] = ax.get_lines()
    assert (list(line.get_xdata()), list(line.get_ydata())) == ([1, 2, 4], [3, 2, 1])
    scales = {False: "linear", True: "log"}
    assert (ax.get_xscale(), ax.get_yscale()) == (scales[log_x], scales[log_y])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("T", "loss")


def test_lines_differ_by_colour_and_by_marker():
    ys = {str(k): [k, k + 1] for k in range(len(plots.COLOURS))}
    drawn = plots.lines([0, 1], ys, xlabel="x", ylabel="y").get_lines()
    assert len({line.get_color() for line in drawn}) == len(ys)
    assert len({line.get_marker() for line in drawn}) == len(ys)


def test_logarithmic_bands_have_a_tick_at_every_position():
    ys = {"MAML": [Interval(0.4, 0.1)] * 3}
    ax = plots.bands([1, 4, 16], ys, xlabel="shots", ylabel="accuracy", log_x=True)
    assert ax.get_xscale() == "log"
    assert [text.get_text() for text in ax.get_xticklabels()] == ["1", "4", "16"]
    assert len(ax.get_xticks(minor=True)) == 0


def test_bands_reach_one_half_width_to_each_side_of_the_mean():
    ys = {"MAML": [Interval(0.5, 0.1), Interval(0.8, 0.05)]}
    ax = plots.bands([0, 3], ys, xlabel="steps", ylabel="accuracy", chance=0.25)
    (line, chance) = ax.get_lines()
    assert list(line.get_ydata()) == [0.5, 0.8]
    assert set(chance.get_ydata()) == {0.25}
    [band] = ax.collections
    corners = {(round(x, 6), round(y, 6)) for x, y in band.get_paths()[0].vertices}
    assert corners >= {(0, 0.4), (0, 0.6), (3, 0.75), (3, 0.85)}
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["MAML", "chance 0.25"]


def test_descents_show_every_curve_in_every_panel_and_the_walk_from_open_to_full_mark():
    curves = {"flat": [1.0, 0.0, 1.0], "steep": [4.0, 0.0, 4.0]}
    walks = {"joint": {"flat": [(-1, 1), (0, 0)]}, "MAML": {"steep": [(1, 4), (0.5, 1), (0, 0)]}}
    figure = plots.descents([-1, 0, 1], curves, walks, xlabel="t", ylabel="loss")
    assert [ax.get_title() for ax in figure.axes] == ["joint", "MAML"]
    for ax, n_arrows, ends in zip(figure.axes, (1, 2), ([-1, 0], [1, 0]), strict=True):
        drawn = [line for line in ax.get_lines() if len(line.get_xdata()) == 3]
        assert [list(line.get_ydata()) for line in drawn] == list(curves.values())
        marks = [line for line in ax.get_lines() if len(line.get_xdata()) == 1]
        assert [mark.get_xdata()[0] for mark in marks] == ends
        assert [mark.get_markerfacecolor() == "white" for mark in marks] == [True, False]
        assert len(ax.texts) == n_arrows
        assert ax.get_xlabel() == "t"
    assert figure.axes[0].get_ylabel() == "loss"


def test_fits_differ_by_dashes_and_points_are_not_joined():
    curves = {"truth": [0, 1], "MAML": [1, 1], "joint": [0, 0]}
    ax = plots.fits([0, 1], curves, {"support": ([0.5], [0.2])}, xlabel="x", ylabel="y")
    *drawn, support = ax.get_lines()
    assert len({line.get_linestyle() for line in drawn}) == 3
    assert support.get_linestyle() == "None"
    assert (list(support.get_xdata()), list(support.get_ydata())) == ([0.5], [0.2])


def test_target_yours_and_difference_share_one_scale_around_zero():
    target, yours = torch.tensor([[1.0, -2.0]]), torch.tensor([[1.0, 1.0]])
    figure = plots.target_yours_difference(target, yours, xlabel="input", ylabel="unit")
    shown = [ax for ax in figure.axes if ax.images]
    wanted = [target, yours, yours - target]
    assert [ax.images[0].get_array().tolist() for ax in shown] == [w.tolist() for w in wanted]
    assert {ax.images[0].get_clim() for ax in shown} == {(-3.0, 3.0)}
    assert [ax.get_title() for ax in shown] == [
        "target, up to 2",
        "yours, up to 1",
        "yours - target, up to 3",
    ]
    with pytest.raises(ValueError, match=r"two matrices of one shape .* \(1, 2\) and \(2,\)"):
        plots.target_yours_difference(target, yours[0], xlabel="input", ylabel="unit")


@pytest.mark.parametrize("shape", [(5, 8, 8), (5, 8, 8, 3)], ids=["grey", "colour"])
def test_a_grid_shows_every_image_once_under_its_title(shape):
    images = torch.randint(
        256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    figure = plots.image_grid(images, list("abcde"), columns=3)
    shown = [ax for ax in figure.axes if ax.images]
    assert len(figure.axes) == 6
    assert [ax.get_title() for ax in shown] == list("abcde")
    for ax, image in zip(shown, images, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), image.numpy())
        assert ax.images[0].get_clim() == (0, 255), "images are stretched one by one"
    assert not any(ax.axison for ax in figure.axes)


def test_a_grid_refuses_titles_that_do_not_pair_up():
    with pytest.raises(ValueError, match="2 images but 1 titles; give one to each"):
        plots.image_grid(torch.zeros(2, 4, 4, dtype=torch.uint8), ["a"])


# What a notebook shows


class Image(HTMLParser):
    """Reads the attributes of the images of a page, as a browser would."""

    def __init__(self, page):
        super().__init__()
        self.images, self.other = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        (self.images if tag == "img" else self.other).append(dict(attributes))


@draw
def test_show_gives_an_image_with_its_text_and_closes_the_figure(draw):
    picture = plots.show(draw(), alt="accuracy rises")
    assert plt.get_fignums() == []
    [image] = Image(picture._repr_html_()).images
    assert image["alt"] == "accuracy rises"
    assert image["src"].startswith("data:image/png;base64,")
    assert repr(picture) == "[figure: accuracy rises]"
    pixels = plt.imread(BytesIO(picture.png), format="png")
    assert pixels.ndim == 3
    assert pixels.std() > 0, "the picture is empty"


def test_show_takes_a_whole_figure():
    figure = plots.image_grid(torch.zeros(2, 4, 4, dtype=torch.uint8), ["a", "b"])
    assert plots.show(figure, alt="two black squares").png.startswith(b"\x89PNG")
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    "alt", ['5 < 6 & 7 > 2, "quoted"', '"><script>alert(1)</script>', "the student's curve"]
)
def test_the_text_is_escaped_and_comes_back_as_written(alt):
    page = plots.show(DRAWINGS["lines"](), alt=alt)._repr_html_()
    read = Image(page)
    assert [image["alt"] for image in read.images] == [alt]
    assert read.other == []


@pytest.mark.parametrize("alt", ["", "  \n"])
def test_no_text_is_refused(alt):
    with pytest.raises(ValueError, match="alt is empty; say in one sentence"):
        plots.show(DRAWINGS["lines"](), alt=alt)


def test_the_text_has_no_default():
    with pytest.raises(TypeError, match="alt"):
        plots.show(DRAWINGS["lines"]())


# Colours. Full dichromacy after Machado, Oliveira and Fernandes 2009, table 1, severity 1.0.

MACHADO = {
    "full colour vision": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def seen(colours, matrix):
    """Return colours in CIELAB as an eye with this matrix sees them; it acts on linear RGB."""
    rgb = np.array([to_rgb(colour) for colour in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(matrix).T, 0, 1)
    return rgb2lab(
        np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    )


def closest(colours, matrix):
    lab = seen(colours, matrix)
    return min(deltaE_ciede2000(a, b) for a, b in itertools.combinations(lab, 2))


@pytest.mark.parametrize("matrix", MACHADO.values(), ids=MACHADO.keys())
def test_any_two_colours_differ_for_every_eye(matrix):
    assert closest(plots.COLOURS, matrix) > 8  # 1 is just noticeable side by side


@pytest.mark.parametrize("eye", ["protanopia", "deuteranopia"])
def test_the_measure_tells_matplotlibs_own_colours(eye):
    assert closest(plt.rcParamsDefault["axes.prop_cycle"].by_key()["color"][:7], MACHADO[eye]) < 8


def test_every_colour_has_a_marker_of_its_own():
    assert len(set(plots.COLOURS)) == len(plots.COLOURS) == len(plots.MARKERS)
    assert len(set(plots.MARKERS)) == len(plots.MARKERS)
    assert all(re.fullmatch("#[0-9A-F]{6}", colour) for colour in plots.COLOURS)


def test_history_as_short_as_the_window_is_seen_as_a_dot():
    short, long = (plots.training_curves({"a": [2.0] * n}, window=5) for n in (5, 6))
    assert [axes.lines[0].get_marker() for axes in (short, long)] == ["o", "None"]
