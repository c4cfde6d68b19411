"""Two features of every example as a plane, and which class each point of it belongs to."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor

from medmeta_ref.plots import COLOURS, MARKERS

_FINENESS = 240  # points of the grid along each axis


def prototype_plane(
    features: Tensor,
    labels: Tensor,
    prototypes: Tensor,
    class_names: Sequence[str],
    *,
    xlabel: str,
    ylabel: str,
    limits: tuple[float, float, float, float] | None = None,
) -> Axes:
    """Return axes with examples, class prototypes, and the lines where the nearest one changes.

    Args:
        features: `[n_examples, 2]`.
        labels: `[n_examples]`, integers in `0..n_way-1`.
        prototypes: `[n_way, 2]`.
        class_names: one per class, 7 at most.
        xlabel: what the first feature is.
        ylabel: what the second one is.
        limits: left, right, bottom and top of the plane; by default a little more than all points.

    Raises:
        ValueError: if there are not two features, or not as many names as prototypes.
    """
    if features.shape[1:] != (2,) or prototypes.shape[1:] != (2,):
        raise ValueError(
            f"a plane needs 2 features, got {tuple(features.shape)} and {tuple(prototypes.shape)}"
        )
    if not len(prototypes) == len(class_names) <= len(MARKERS):
        raise ValueError(
            f"{len(prototypes)} prototypes and {len(class_names)} names; as many of both are "
            f"needed, {len(MARKERS)} at most"
        )
    _, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    left, right, bottom, top = limits or _around(torch.cat([features, prototypes]))
    x, y = torch.linspace(left, right, _FINENESS), torch.linspace(bottom, top, _FINENESS)
    points = torch.cartesian_prod(x, y)
    nearest = (points[:, None] - prototypes).square().sum(2).argmin(1)
    nearest = nearest.reshape(_FINENESS, _FINENESS).T
    levels = [c - 0.5 for c in range(len(prototypes) + 1)]
    ax.contourf(x, y, nearest, levels=levels, colors=COLOURS[: len(prototypes)], alpha=0.12)
    for c, name in enumerate(class_names):
        # The line round each region; lines of equal `nearest` would join regions at random.
        ax.contour(x, y, nearest == c, levels=[0.5], colors="black", linewidths=0.6)
        style: dict[str, Any] = {"color": COLOURS[c], "marker": MARKERS[c], "linestyle": "none"}
        ax.plot(*features[labels == c].T, **style, markersize=4, alpha=0.7)
        ax.plot(*prototypes[c], **style, markersize=12, markeredgecolor="black", label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=(left, right), ylim=(bottom, top))
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), title="prototype of")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _around(points: Tensor) -> tuple[float, float, float, float]:
    """Return the limits of a plane with a margin of a tenth around all points."""
    low, high = points.min(0).values, points.max(0).values
    margin = 0.1 * (high - low) + 1e-6
    (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
    return left, right, bottom, top
