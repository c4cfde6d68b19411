"""The face that every few-shot method shows: where it starts, what trains it, how it answers."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from medmeta_ref.episodes import Episode
from medmeta_ref.params import Params

# Which statistics batch norm uses when a method answers; the words stand beside every number.
TRANSDUCTIVE, SUPPORT, PER_STEP = "transductive", "support", "per-step"
BATCH_NORM = {
    TRANSDUCTIVE: "an image is normalised together with the episode's queries and depends on them",
    SUPPORT: "an image is normalised by what the support set shows; no other query matters",
    PER_STEP: "by what the support set showed before the last inner step; no other query matters",
}
# How a row of a table calls them.
ROW_WORDS = {
    TRANSDUCTIVE: "transductive",
    SUPPORT: "support statistics",
    PER_STEP: "per-step statistics",
}

Objective = Callable[[Params, Episode], Tensor | tuple[Tensor, Params]]


class Learner(NamedTuple):
    """A few-shot method with its network.

    Attributes:
        title: what to call it in a table.
        model: the architecture.
        start: draws the parameters that training begins with; may hold more than the network's.
        objective: takes the share of training that is over, in 0..1, and returns the function
            from parameters and a batch of episodes to the 0-dim outer loss, or to the loss and
            name -> gradient where the method knows a cheaper way to it than autograd.
        answers: parameters and one episode to batch-norm mode -> query logits
            `[n_way * n_query, n_way]`. It may look at the support set and its labels and at the
            query images; never at the query labels.
        modes: the batch-norm modes that it answers in, keys of `BATCH_NORM`.
        settings: name -> value of what it was made with; a checkpoint of others is refused.
    """

    title: str
    model: nn.Module
    start: Callable[[torch.Generator], Params]
    objective: Callable[[float], Objective]
    answers: Callable[[Params, Episode], dict[str, Tensor]]
    modes: tuple[str, ...]
    settings: dict[str, object]
