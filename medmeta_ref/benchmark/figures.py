"""The findings of one run as a figure: every method, its interval for each K, and chance."""

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from medmeta_ref.benchmark.findings import Findings
from medmeta_ref.benchmark.methods import METHODS
from medmeta_ref.benchmark.tables import METRIC_WORDS
from medmeta_ref.plots import COLOURS, MARKERS


def means_figure(found: Findings) -> Axes:
    """Return axes with one row per method and one mark with its 95 % interval per K."""
    k_shots = list(found.rows)
    names = [row.method for row in found.rows[k_shots[0]]]
    _, ax = plt.subplots(figsize=(7.5, 0.36 * len(names) + 1.3), layout="constrained")
    for n, k in enumerate(k_shots):
        # Side by side, or the intervals would hide each other; and told apart by mark and colour.
        shift = 0.5 * ((n + 0.5) / len(k_shots) - 0.5)
        means = [row.mean for row in found.rows[k]]
        ax.errorbar(
            [m.estimate for m in means],
            [place + shift for place in range(len(names))],
            xerr=[
                [m.estimate - m.low for m in means],
                [m.high - m.estimate for m in means],
            ],
            linestyle="none",
            marker=MARKERS[n],
            color=COLOURS[n],
            markersize=5,
            capsize=2,
            label=f"K = {k}",
        )
    over = "class splits, seeds, episodes" if len(found.splits) > 1 else "training seeds, episodes"
    ax.axvline(found.chance, color="black", linestyle="--", label=f"chance {found.chance:.3g}")
    ax.set(
        xlabel=f"{METRIC_WORDS[found.metric]}, 95 % interval over {over}",
        yticks=range(len(names)),
        yticklabels=[METHODS[name].title for name in names],
    )
    ax.set_ylim(len(names) - 0.4, -0.6)  # the first name on top
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(k_shots) + 1)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
    return ax


def alternative(found: Findings) -> str:
    """Return what the figure shows, for those who do not see it."""
    k = max(found.rows)
    ranked = sorted(found.rows[k], key=lambda row: row.mean.estimate)
    low, high = ranked[0], ranked[-1]
    return (
        f"{METRIC_WORDS[found.metric]} of {len(ranked)} methods on {found.data}, one mark with its "
        f"interval for each K. At K = {k} the means go from {low.mean.estimate:.3f}, "
        f"{METHODS[low.method].title}, to {high.mean.estimate:.3f}, {METHODS[high.method].title}; "
        f"chance is {found.chance:.3g}."
    )
