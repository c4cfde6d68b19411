"""Target, yours, and the difference: three tables of numbers side by side."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch import Tensor

_MOST_NUMBERS = 120  # cells of a table with their value written in; more would be unreadable


def target_and_yours(
    target: Tensor,
    yours: Tensor,
    *,
    xlabel: str,
    ylabel: str,
    rows: Sequence[object] | None = None,
    columns: Sequence[object] | None = None,
) -> Figure:
    """Return a figure of three tables: what should be, what is, and the second minus the first.

    The first two share one scale of colours, from dark to light; in the third, white is no
    difference. Small tables have their numbers written in.

    Args:
        target: `[n_rows, n_columns]`.
        yours: of the same shape.
        xlabel: what the columns are.
        ylabel: what the rows are.
        rows: a name for each row; else their numbers.
        columns: a name for each column; else their numbers.

    Raises:
        ValueError: if the shapes differ or are no tables.
    """
    if target.ndim != 2 or target.shape != yours.shape:
        raise ValueError(
            f"two tables of one shape are needed, got {tuple(target.shape)} and "
            f"{tuple(yours.shape)}"
        )
    low = min(float(target.min()), float(yours.min()), 0.0)
    high = max(float(target.max()), float(yours.max()), low + 1e-9)
    # Half of the common scale at least: what is small beside the values should look small.
    furthest = max(float((yours - target).abs().max()), (high - low) / 2)
    n_rows, n_columns = target.shape
    size = (max(8.0, 1.8 * n_columns + 2), max(2.4, 0.42 * n_rows + 1.2))
    figure, axes = plt.subplots(1, 3, figsize=size, sharey=True, layout="constrained")
    for ax, title, table, (cmap, least, most) in zip(
        axes,
        ("target", "yours", "yours - target"),
        (target, yours, yours - target),
        (("cividis", low, high),) * 2 + (("PuOr", -furthest, furthest),),
        strict=True,
    ):
        image = ax.imshow(table.double().numpy(), cmap=cmap, vmin=least, vmax=most, aspect="auto")
        ax.set(title=title, xlabel=xlabel, xticks=range(n_columns), yticks=range(n_rows))
        ax.set_xticklabels([str(name) for name in (columns or range(n_columns))])
        ax.set_yticklabels([str(name) for name in (rows or range(n_rows))])
        if table.numel() <= _MOST_NUMBERS:
            _write_numbers(ax, table, image)
    axes[0].set_ylabel(ylabel)
    return figure


def tables(panels: Mapping[str, Tensor], *, xlabel: str, ylabel: str) -> Figure:
    """Return a figure of tables side by side, on one scale of colours from 0 to 1.

    Args:
        panels: title -> `[n_rows, n_columns]`, values from 0 to 1. Rows and columns are counted
            from 1.
        xlabel: what the columns are.
        ylabel: what the rows are.

    Raises:
        ValueError: if there is no table, or the shapes differ.
    """
    shapes = {tuple(table.shape) for table in panels.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise ValueError(f"tables of one shape are needed, got {sorted(shapes)}")
    [(n_rows, n_columns)] = shapes
    size = (max(4.0, (0.7 * n_columns + 0.6) * len(panels)), max(2.4, 0.5 * n_rows + 1.2))
    figure, axes = plt.subplots(
        1, len(panels), figsize=size, sharey=True, squeeze=False, layout="constrained"
    )
    for ax, (title, table) in zip(axes.flat, panels.items(), strict=True):
        image = ax.imshow(table.double().numpy(), cmap="cividis", vmin=0, vmax=1, aspect="auto")
        ax.set(title=title, xlabel=xlabel, xticks=range(n_columns), yticks=range(n_rows))
        ax.set_xticklabels(range(1, n_columns + 1))
        ax.set_yticklabels(range(1, n_rows + 1))
        _write_numbers(ax, table, image)
    axes[0, 0].set_ylabel(ylabel)
    return figure


def _write_numbers(ax: Axes, table: Tensor, image: AxesImage) -> None:
    """Write every value into its cell, black on light and white on dark."""
    for i, row in enumerate(table.tolist()):
        for j, value in enumerate(row):
            red, green, blue, _ = image.to_rgba(value)
            is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
            colour = "white" if is_dark else "black"
            ax.text(
                j,
                i,
                f"{value:.2f}".replace("-0.00", "0.00"),
                ha="center",
                va="center",
                color=colour,
                fontsize=8,
            )
