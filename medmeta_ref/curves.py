"""How a result grows with something: one curve per method, each with its interval."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from medmeta_ref.metrics import Interval
from medmeta_ref.plots import COLOURS, MARKERS


def interval_curves(
    x: Sequence[float],
    results: Mapping[str, Sequence[Interval]],
    *,
    xlabel: str,
    ylabel: str,
    chance: float | None = None,
    log_x: bool = False,
) -> Axes:
    """Return axes with a marked line per name, its 95 % interval as a band, and the chance level.

    Args:
        x: positions.
        results: name -> one interval per position; 7 names at most.
        xlabel: what x is.
        ylabel: what is measured, and over what the interval goes.
        chance: drawn as a dashed line if given.
        log_x: logarithmic x axis, with a tick at every position.

    Raises:
        ValueError: if a curve has not as many intervals as there are positions, or names are too
            many to tell apart.
    """
    if len(results) > len(COLOURS):
        raise ValueError(f"{len(results)} curves, but only {len(COLOURS)} can be told apart")
    _, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    for (name, found), colour, marker in zip(results.items(), COLOURS, MARKERS, strict=False):
        if len(found) != len(x):
            raise ValueError(f"{name}: {len(found)} intervals for {len(x)} positions")
        low = [each.mean - each.half_width for each in found]
        high = [each.mean + each.half_width for each in found]
        ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        ax.plot(x, [each.mean for each in found], color=colour, marker=marker, label=name)
    if chance is not None:
        ax.axhline(chance, color="black", linestyle="--", label=f"chance {chance:.3g}")
    if log_x:
        ax.set_xscale("log")
        ax.set_xticks(x, labels=[f"{each:g}" for each in x], minor=False)
        ax.minorticks_off()
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="both", alpha=0.25)
    return ax
