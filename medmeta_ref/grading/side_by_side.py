"""A picture of a learner's answer beside the right one, before and after it is right."""

from collections.abc import Callable

import torch
from torch import Tensor

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
    try:
        right, got = target(), yours()
    except NotImplementedError:
        print("Nothing to see yet: the picture comes when the functions above are written.")
        return None
    except Exception as error:  # noqa: BLE001 - the check above shows the error with its line
        print(f"No picture: your code raised {type(error).__name__}. See the check above.")
        return None
    if type(got) is not Tensor or got.shape != right.shape or got.dtype == torch.bool:
        print(f"No picture: a tensor of shape {tuple(right.shape)} was expected.")
        return None
    figure = target_yours_difference(right, got.detach(), xlabel=xlabel, ylabel=ylabel)
    most = float((got - right).abs().max())
    return show(figure, alt=f"{alt} Largest difference: {most:.2g}.")
