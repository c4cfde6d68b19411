"""Learners that compare in a learned embedding: prototypical networks."""

from functools import partial

import torch
from torch import Tensor

from medmeta_ref.backbones import conv4
from medmeta_ref.episodes import Episode
from medmeta_ref.learners.learner import SUPPORT, TRANSDUCTIVE, Learner, Objective
from medmeta_ref.params import Params, forward, initial_params
from medmeta_ref.prototypical import (
    episode_logits,
    prototypes,
    prototypical_logits,
    prototypical_loss,
)
from medmeta_ref.support_statistics import with_support_statistics


def prototypical_learner(in_channels: int, n_way: int, *, width: int) -> Learner:
    """Return a prototypical network (Snell et al. 2017) on conv4.

    Args:
        in_channels: 1 for grey images, 3 for colour.
        n_way: classes per episode; the network itself does not depend on it.
        width: channels of every block.
    """
    model = conv4(in_channels, width=width)

    def objective(done: float) -> Objective:
        return partial(prototypical_loss, model)

    def answers(params: Params, episode: Episode) -> dict[str, Tensor]:
        n_support = len(episode.support_y)
        n_slots = int(episode.support_y.max()) + 1
        inductive = with_support_statistics(model, n_support=n_support)
        together = torch.cat([episode.support_x, episode.query_x])
        features = forward(inductive, params, together).flatten(1)
        means = prototypes(features[:n_support], episode.support_y, n_slots)
        return {
            TRANSDUCTIVE: episode_logits(model, params, episode),
            SUPPORT: prototypical_logits(features[n_support:], means),
        }

    return Learner(
        "prototypical network",
        model,
        lambda generator: initial_params(model, generator=generator),
        objective,
        answers,
        (TRANSDUCTIVE, SUPPORT),
        {"width": width},
    )
