"""Tasks as valleys in a plane: lines on which a task is solved, and walks between them."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor

from medmeta_ref.plots import COLOURS, MARKERS

_DASHES = ("-", "--", "-.", ":")


def valley_plane(
    floors: Mapping[str, tuple[float, float, float]],
    walks: Mapping[str, Tensor],
    *,
    xlabel: str,
    ylabel: str,
    limits: tuple[float, float, float, float],
) -> Axes:
    """Return axes with one grey line per task, and one walk per name across them.

    Args:
        floors: task -> (a, b, c), the line a x + b y = c on which it is solved.
        walks: name -> `[n_points, 2]`, the places visited; the first is an open mark, the last a
            full one.
        xlabel: what the first parameter is.
        ylabel: what the second one is.
        limits: left, right, bottom and top of the plane.

    Raises:
        ValueError: if a walk is not `[n_points, 2]`, or a line has no direction.
    """
    left, right, bottom, top = limits
    _, ax = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
    for (name, (a, b, c)), dashes in zip(floors.items(), _DASHES * 8, strict=False):
        square = a * a + b * b
        if square == 0:
            raise ValueError(f"the line of {name!r} has a = b = 0; one of them must not be 0")
        foot = (a * c / square, b * c / square)
        along = (foot[0] - b, foot[1] + a)
        ax.axline(foot, along, color="0.45", linestyle=dashes, linewidth=1.2, label=name)
    for (name, places), colour, marker in zip(
        walks.items(), COLOURS * 8, MARKERS * 8, strict=False
    ):
        if places.ndim != 2 or places.shape[1] != 2:
            raise ValueError(f"the walk {name!r} must be [n_points, 2], got {tuple(places.shape)}")
        x, y = places.T.tolist()
        ax.plot(x, y, color=colour, linewidth=1.0, alpha=0.7)
        ax.plot(x[0], y[0], color=colour, marker=marker, markerfacecolor="white", markersize=8)
        ax.plot(x[-1], y[-1], color=colour, marker=marker, linestyle="", markersize=9, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=(left, right), ylim=(bottom, top))
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
