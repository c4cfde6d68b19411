"""A picture of a learner's answer beside the right one, before and after it is right."""

from collections.abc import Callable

import torch
from torch import Tensor

from medmeta_ref.grading.look import look
from medmeta_ref.plots import Picture, show, target_yours_difference


def side_by_side(
    target: Callable[[], Tensor], yours: Callable[[], Tensor], *, xlabel: str, ylabel: str, alt: str
) -> Picture | None:
    """Return the picture "target | yours | difference", or say why there is none yet.

    It earns no points and never raises for what the learner has not written: the cell can stand in
    a notebook that is run from top to bottom.

    Args:
        target: returns the right matrix `[n_rows, n_columns]`; it may call the learner's functions.
        yours: returns the learner's.
        xlabel: what a column is.
        ylabel: what a row is.
        alt: what the picture compares; the largest difference is added.
    """
    found: list[Tensor] = []
    with look():
        found += target(), yours()
    if not found:
        return None
    right, got = found
    if type(got) is not Tensor or got.shape != right.shape or got.dtype == torch.bool:
        print(f"No picture: a tensor of shape {tuple(right.shape)} was expected.")
        return None
    figure = target_yours_difference(right, got.detach(), xlabel=xlabel, ylabel=ylabel)
    most = float((got - right).abs().max())
    return show(figure, alt=f"{alt} Largest difference: {most:.2g}.")
