"""What training is between two steps: all that decides how it goes on."""

from typing import NamedTuple

import torch
from torch import Tensor

from medmeta_ref.params import Params
from medmeta_ref.train.adam import AdamMoments, no_moments
from medmeta_ref.train.stopping import Score


class State(NamedTuple):
    """All that decides how training goes on, between two steps. Never changed, only replaced.

    Attributes:
        step: how many steps have been taken.
        params: the parameters after them, without gradient.
        moments: Adam's.
        generator: the state of the generator of batches.
        history: the loss before every step; what lies behind `step` does not count yet.
        scores: of validation so far.
        best: the parameters of the highest score; None before the first.
    """

    step: int
    params: Params
    moments: AdamMoments
    generator: Tensor
    history: list[float]
    scores: tuple[Score, ...]
    best: Params | None


def initial_state(params: Params, *, generator: torch.Generator) -> State:
    """Return the state before the first step.

    Args:
        params: where to start.
        generator: read, not moved.
    """
    start = {name: p.detach() for name, p in params.items()}
    return State(0, start, no_moments(start), generator.get_state(), [], (), None)
