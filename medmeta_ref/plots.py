"""Every figure of the course: labelled, with chance level and interval, safe for colour-blind eyes.

The functions draw and return Matplotlib axes; `show` displays a figure together with its
alternative text, which is what a screen reader reads and what a notebook must not lack.
Colours are Okabe and Ito's (Color Universal Design, 2008); groups also differ by marker.
"""

import base64
import html
import io
import itertools
import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from torch import Tensor

from medmeta_ref.caterpillars import caterpillar as caterpillar  # drawn there
from medmeta_ref.heat_maps import target_and_yours as target_and_yours  # drawn there
from medmeta_ref.metrics import Interval

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


class Picture:
    """A figure as a notebook shows it: an image with alternative text.

    Args:
        figure: the figure to show; it is closed, so that it is not shown twice.
        alt: what the figure says, for those who do not see it.
    """

    def __init__(self, figure: Figure, alt: str) -> None:
        self.alt = alt
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight", facecolor="white")
        plt.close(figure)
        self.png = buffer.getvalue()

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.png).decode()
        return f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{data}">'

    def __repr__(self) -> str:
        return f"[figure: {self.alt}]"


def show(drawn: Axes | Figure, *, alt: str) -> Picture:
    """Return the figure ready for display as the last expression of a cell.

    Args:
        drawn: axes or figure, as the functions here return them.
        alt: one or two sentences: what is plotted, and what it shows.

    Raises:
        ValueError: if `alt` is empty.
    """
    if not alt.strip():
        raise ValueError("alt is empty; say in one sentence what the figure shows")
    figure = drawn if isinstance(drawn, Figure) else drawn.figure
    return Picture(figure, alt)  # type: ignore[arg-type]


def image_grid(images: Tensor, titles: Sequence[str], *, columns: int = 8) -> Figure:
    """Return a figure of small images, each under its title.

    Args:
        images: uint8, `[n, height, width]` or `[n, height, width, 3]`.
        titles: one per image.
        columns: images per row.

    Raises:
        ValueError: if there are not as many titles as images.
    """
    if len(images) != len(titles):
        raise ValueError(f"{len(images)} images but {len(titles)} titles; give one to each")
    rows = math.ceil(len(images) / columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(1.45 * columns, 1.75 * rows), squeeze=False, layout="constrained"
    )
    for ax in axes.flat:
        ax.axis("off")
    for ax, image, title in zip(axes.flat, images, titles, strict=False):
        ax.imshow(image.numpy(), cmap=None if image.ndim == 3 else "gray", vmin=0, vmax=255)
        ax.set_title(title, fontsize=8)
    return figure


def training_curves(histories: Mapping[str, Sequence[float]], *, window: int = 25) -> Axes:
    """Return axes with one smoothed loss curve per name.

    Args:
        histories: name -> loss before every step.
        window: steps of the running mean, at most as many as the shortest history has; a curve
            starts where the window is full.
    """
    window = min([window, *map(len, histories.values())])
    _, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
    for (name, history), colour in zip(histories.items(), _cycle(COLOURS), strict=False):
        smooth = torch.tensor(history).unfold(0, window, 1).mean(1)
        steps, dot = range(window, len(history) + 1), "o" if len(smooth) == 1 else "None"
        ax.plot(steps, smooth.tolist(), color=colour, label=name, marker=dot)
    ax.set(xlabel="outer step", ylabel=f"loss (mean of {window} steps)")
    if len(histories) > 1:
        ax.legend(frameon=False)
    return _tidy(ax)


def intervals(
    results: Mapping[str, Interval],
    *,
    label: str,
    chance: float | None = None,
    references: Mapping[str, float] | None = None,
) -> Axes:
    """Return axes with a point and its 95 % interval per name, and the chance level.

    Args:
        results: name -> mean and half-width.
        label: what is measured, over what the interval goes.
        chance: drawn as a dashed line if given.
        references: name -> value of further lines to compare with.
    """
    _, ax = plt.subplots(figsize=(6, 0.5 * len(results) + 1.1), layout="constrained")
    names = list(results)
    for row, (name, colour, marker) in enumerate(
        zip(names, _cycle(COLOURS), _cycle(MARKERS), strict=False)
    ):
        mean, half_width = results[name]
        ax.errorbar(mean, row, xerr=half_width, color=colour, marker=marker, capsize=4)
        number = ax.annotate(
            f"{mean:.3f}", (mean, row), (0, 6), textcoords="offset points", ha="center"
        )
        # A rim, so that a line of chance through the number does not strike it out.
        number.set_path_effects([withStroke(linewidth=3, foreground="white")])
    levels = {} if chance is None else {"chance": chance}
    levels |= references or {}
    for (name, level), style in zip(levels.items(), _cycle(("--", ":", "-.")), strict=False):
        ax.axvline(level, color="black", linestyle=style, label=f"{name} {level:.3g}")
    if levels:
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(levels))
    ax.set(xlabel=label, yticks=range(len(names)), yticklabels=names)
    ax.set_ylim(len(names) - 0.5, -0.7)  # the first name on top
    return _tidy(ax)


def probability_bars(rows: Mapping[str, Tensor], class_names: Sequence[str], *, label: str) -> Axes:
    """Return axes with one group of bars per class and one bar per name.

    Args:
        rows: name -> `[n_classes]`.
        class_names: one per class.
        label: what the bars measure.
    """
    _, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
    width = 0.8 / len(rows)
    hatches = ("", "//", "..", "xx")
    for k, (name, values) in enumerate(rows.items()):
        ax.bar(
            [c + (k - (len(rows) - 1) / 2) * width for c in range(len(values))],
            values.tolist(),
            width,
            color=COLOURS[k % len(COLOURS)],
            hatch=hatches[k % len(hatches)],
            edgecolor="white",
            label=name,
        )
    ax.set(ylabel=label, xticks=range(len(class_names)))
    ax.set_xticklabels(class_names, rotation=30, ha="right")
    ax.legend(frameon=False)
    return _tidy(ax)


def lines(
    x: Sequence[float],
    ys: Mapping[str, Sequence[float]],
    *,
    xlabel: str,
    ylabel: str,
    log_x: bool = False,
    log_y: bool = False,
) -> Axes:
    """Return axes with one marked line per name over common x values.

    Args:
        x: positions.
        ys: name -> one value per position.
        xlabel: what x is, with its unit.
        ylabel: what the lines measure, with its unit.
        log_x: logarithmic x axis.
        log_y: logarithmic y axis.
    """
    _, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
    for (name, y), colour, marker in zip(
        ys.items(), _cycle(COLOURS), _cycle(MARKERS), strict=False
    ):
        ax.plot(x, y, color=colour, marker=marker, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if log_x:
        ax.set_xscale("log")
    if log_y:
        ax.set_yscale("log")
    ax.legend(frameon=False)
    return _tidy(ax)


def bands(
    x: Sequence[float],
    ys: Mapping[str, Sequence[Interval]],
    *,
    xlabel: str,
    ylabel: str,
    chance: float | None = None,
    log_x: bool = False,
    log_y: bool = False,
) -> Axes:
    """Return axes with one line of means per name, each in the band of its 95 % intervals.

    Args:
        x: positions.
        ys: name -> one mean and half-width per position.
        xlabel: what x is, with its unit.
        ylabel: what is measured, and over what the intervals go.
        chance: drawn as a dashed line if given.
        log_x: logarithmic x axis, with a tick at every position.
        log_y: logarithmic y axis.
    """
    means = {name: [each.mean for each in y] for name, y in ys.items()}
    ax = lines(x, means, xlabel=xlabel, ylabel=ylabel, log_x=log_x, log_y=log_y)
    ax.minorticks_off()
    ax.set_xticks(x, [f"{each:g}" for each in x])
    for y, colour in zip(ys.values(), _cycle(COLOURS), strict=False):
        low, high = ([m + sign * h for m, h in y] for sign in (-1, 1))
        ax.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    if chance is not None:
        ax.axhline(chance, color="black", linestyle="--", label=f"chance {chance:.3g}")
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return ax


def descents(
    x: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    walks: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]],
    *,
    xlabel: str,
    ylabel: str,
) -> Figure:
    """Return a figure with one panel per title: the same curves, and a walk down each of them.

    Args:
        x: positions.
        curves: name -> one value per position, drawn in every panel.
        walks: title -> name of a curve -> the points visited, (x, y), the start first. The start
            is an open mark, the end a full one.
        xlabel: what x is.
        ylabel: what the curves measure.
    """
    figure, axes = plt.subplots(
        1,
        len(walks),
        figsize=(4.3 * len(walks), 3.4),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for ax, (title, panel) in zip(axes.flat, walks.items(), strict=True):
        for (name, y), colour, marker in zip(
            curves.items(), _cycle(COLOURS), _cycle(MARKERS), strict=False
        ):
            ax.plot(x, y, color=colour, label=name)
            points = panel.get(name, ())
            for start, end in itertools.pairwise(points):
                arrow = {"arrowstyle": "->", "color": colour, "linewidth": 1.6}
                ax.annotate("", end, start, arrowprops=arrow)
            for point, face in ((points[0], "white"), (points[-1], colour)) if points else ():
                ax.plot(*point, marker=marker, color=colour, markerfacecolor=face, markersize=8)
        ax.set(title=title, xlabel=xlabel, ylim=(0, max(map(max, curves.values()))))
        _tidy(ax)
    axes[0, 0].set_ylabel(ylabel)
    axes[0, 0].legend(frameon=False)
    return figure


def fits(
    x: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    points: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    xlabel: str,
    ylabel: str,
) -> Axes:
    """Return axes with curves over common x values, told apart by dashes too, and loose points.

    Args:
        x: positions.
        curves: name -> one value per position.
        points: name -> their x and their y.
        xlabel: what x is.
        ylabel: what y is.
    """
    _, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
    for (name, y), colour, dashes in zip(
        curves.items(), _cycle(COLOURS), _cycle(("-", "--", "-.", ":")), strict=False
    ):
        ax.plot(x, y, color=colour, linestyle=dashes, label=name)
    for (name, (px, py)), marker, face in zip(
        points.items(), _cycle(MARKERS), _cycle(("black", "white")), strict=False
    ):
        (drawn,) = ax.plot(px, py, color="black", marker=marker, linestyle="", label=name)
        drawn.set(markerfacecolor=face, markersize=5, zorder=3)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(frameon=False, fontsize=8)
    return _tidy(ax)


def target_yours_difference(target: Tensor, yours: Tensor, *, xlabel: str, ylabel: str) -> Figure:
    """Return a figure of two matrices and their difference, all on one scale around 0.

    Args:
        target: `[n_rows, n_columns]`, what it should be.
        yours: the same shape, what it is.
        xlabel: what a column is.
        ylabel: what a row is.

    Raises:
        ValueError: if the shapes differ, or are not those of matrices.
    """
    if target.ndim != 2 or yours.shape != target.shape:
        raise ValueError(
            f"two matrices of one shape are needed, got {tuple(target.shape)} and "
            f"{tuple(yours.shape)}"
        )
    panels = {"target": target, "yours": yours, "yours - target": yours - target}
    most = max(float(panel.abs().max()) for panel in panels.values()) or 1.0
    figure, axes = plt.subplots(1, 3, figsize=(8, 2.6), layout="constrained")
    for ax, (title, panel) in zip(axes, panels.items(), strict=True):
        drawn = ax.imshow(panel.detach().numpy(), cmap="PuOr", vmin=-most, vmax=most)
        ax.set(title=f"{title}, up to {panel.abs().max():.2g}", xlabel=xlabel)
        ax.set(xticks=range(panel.shape[1]), yticks=range(panel.shape[0]))
    axes[0].set_ylabel(ylabel)
    figure.colorbar(drawn, ax=axes)
    return figure


def _cycle(values: Sequence[str]) -> Sequence[str]:
    """Return the values over and over, enough for any figure worth looking at."""
    return tuple(values) * 8


def _tidy(ax: Axes) -> Axes:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="both", alpha=0.25)
    return ax
