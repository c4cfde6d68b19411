"""Adam, as a function from one step's values to the next one's.

Kingma and Ba 2015, "Adam", arXiv 1412.6980, Algorithm 1. `torch.optim.Adam` gives the same bits but
changes its tensors in place, so that an interruption may leave half a step behind. Here a step has
either happened or not, and the parameters of an earlier one can be kept without a copy.
"""

import math
from typing import NamedTuple

import torch

from medmeta_ref.params import Params


class AdamMoments(NamedTuple):
    """What Adam remembers of the gradients so far.

    Attributes:
        mean: name -> running mean of the gradient (m).
        square: name -> running mean of the gradient's square (v).
    """

    mean: Params
    square: Params


def no_moments(params: Params) -> AdamMoments:
    """Return the moments before the first step: zeros, shaped like `params`."""
    zeros = {name: torch.zeros_like(p) for name, p in params.items()}
    return AdamMoments(zeros, dict(zeros))


def adam_step(
    params: Params,
    gradient: Params,
    moments: AdamMoments,
    *,
    step: int,
    outer_lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> tuple[Params, AdamMoments]:
    """Return the parameters and moments after one step of Adam.

    Args:
        params: name -> tensor (θ). Not changed.
        gradient: name -> gradient of the same shape (g).
        moments: of the steps before. Not changed.
        step: the number of steps before this one, so 0 for the first.
        outer_lr: the step size (α of the paper).
        betas: how much of the mean and of the square is kept (β1, β2).
        eps: what keeps the division finite (ε).

    Example:
        >>> start, slope = {"w": torch.tensor(1.0)}, {"w": torch.tensor(-40.0)}
        >>> params, _ = adam_step(start, slope, no_moments(start), step=0, outer_lr=0.5)
        >>> params["w"].item()  # the first step has the length of the rate, whatever the slope
        1.5
    """
    mean = {n: m.lerp(gradient[n], 1 - betas[0]) for n, m in moments.mean.items()}
    square = {
        n: (v * betas[1]).addcmul(gradient[n], gradient[n], value=1 - betas[1])
        for n, v in moments.square.items()
    }
    # Both start at zero; these undo the pull towards it.
    mean_share, square_share = (1 - beta ** (step + 1) for beta in betas)
    return {
        n: p.addcdiv(
            mean[n],
            square[n].sqrt() / math.sqrt(square_share) + eps,
            value=-outer_lr / mean_share,
        )
        for n, p in params.items()
    }, AdamMoments(mean, square)
