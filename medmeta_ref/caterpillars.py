"""Many intervals side by side, from the lowest mean to the highest: do they hold one value?"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from medmeta_ref.metrics import Interval


def caterpillar(
    results: Sequence[Interval],
    *,
    value: float,
    value_name: str,
    xlabel: str,
    ylabel: str,
    chance: float | None = None,
    limits: tuple[float, float] | None = None,
) -> Axes:
    """Return axes with one interval per result, ordered by mean, and a line at `value`.

    Intervals that hold the value are filled circles, the others hollow squares.

    Args:
        results: means and half-widths.
        value: where the line is.
        value_name: what it is.
        xlabel: what is repeated.
        ylabel: what is measured.
        chance: drawn as a dotted line if given.
        limits: of the y axis, where several figures are to be compared.
    """
    _, ax = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
    ordered = sorted(results)
    styles = {True: ("o", "#0072B2", "#0072B2"), False: ("s", "#D55E00", "white")}
    for is_held, words in ((True, "holds it"), (False, "does not")):
        marker, colour, face = styles[is_held]
        chosen = [(k, *each) for k, each in enumerate(ordered) if each.holds(value) is is_held]
        if not chosen:
            continue
        places, means, widths = zip(*chosen, strict=True)
        ax.errorbar(
            places,
            means,
            yerr=widths,
            linestyle="none",
            marker=marker,
            markersize=4,
            color=colour,
            markerfacecolor=face,
            capsize=2,
            label=f"{words} ({len(chosen)} of {len(ordered)})",
        )
    ax.axhline(value, color="black", linestyle="--", label=f"{value_name} {value:.3f}")
    if chance is not None:
        ax.axhline(chance, color="black", linestyle=":", label=f"chance {chance:.3g}")
    ax.set(xlabel=xlabel, ylabel=ylabel, xticks=[])
    if limits is not None:
        ax.set_ylim(limits)
    ax.legend(frameon=False, fontsize=8, ncols=4, loc="lower left", bbox_to_anchor=(0, 1))
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", alpha=0.25)
    return ax
