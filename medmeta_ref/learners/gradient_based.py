"""Learners that adapt by gradient steps: MAML, FOMAML, ANIL; and how an adapted network answers."""

from functools import partial
from typing import Any

from torch import Tensor

from medmeta_ref.anil import anil_gradient
from medmeta_ref.backbones import ConvNet, conv4
from medmeta_ref.episodes import Episode
from medmeta_ref.inner_loop import adapt
from medmeta_ref.learners.learner import SUPPORT, TRANSDUCTIVE, Learner, Objective
from medmeta_ref.maml import maml_gradient
from medmeta_ref.params import Params, forward, initial_params
from medmeta_ref.support_statistics import support_statistics_forward

HEAD = "head"


def maml_learner(
    in_channels: int,
    n_way: int,
    *,
    width: int,
    inner_lr: float,
    inner_steps: int,
    first_order: bool = False,
    head_only: bool = False,
) -> Learner:
    """Return MAML (Finn et al. 2017) on conv4 with a linear head; or FOMAML, or ANIL.

    Args:
        in_channels: 1 for grey images, 3 for colour.
        n_way: outputs of the head.
        width: channels of every block.
        inner_lr: the inner step size (α).
        inner_steps: inner steps, in training and in the test alike.
        first_order: FOMAML.
        head_only: ANIL (Raghu et al. 2020).
    """
    model = conv4(in_channels, width=width, n_outputs=n_way)
    head = HEAD if head_only else None

    def objective(done: float) -> Objective:
        def outer(params: Params, episodes: Episode) -> tuple[Tensor, Params]:
            how: dict[str, Any] = {"inner_lr": inner_lr, "inner_steps": inner_steps}
            if head_only:
                return anil_gradient(model, params, episodes, head=HEAD, **how)
            return maml_gradient(model, params, episodes, first_order=first_order, **how)

        return outer

    title = "ANIL" if head_only else "FOMAML" if first_order else "MAML"
    return Learner(
        title,
        model,
        lambda generator: initial_params(model, generator=generator),
        objective,
        partial(adapted_answers, model, inner_lr=inner_lr, inner_steps=inner_steps, head=head),
        (TRANSDUCTIVE, SUPPORT),
        {"width": width, "inner_lr": inner_lr, "inner_steps": inner_steps},
    )


def adapted_answers(
    model: ConvNet,
    params: Params,
    episode: Episode,
    *,
    inner_lr: float,
    inner_steps: int,
    head: str | None = None,
) -> dict[str, Tensor]:
    """Return batch-norm mode -> query logits `[n_queries, n_way]` after adapting once.

    While adapting, the support images are normalised by their own statistics in either mode.

    Args:
        model: the architecture.
        params: where adaptation begins. Not changed.
        episode: its query labels are not read.
        inner_lr: the step size (α).
        inner_steps: steps on the whole support set.
        head: adapt only the submodule of this name.

    Raises:
        ValueError: as `inner_loop.adapt`.
    """
    adapted = adapt(
        model,
        params,
        episode.support_x,
        episode.support_y,
        inner_lr=inner_lr,
        inner_steps=inner_steps,
        first_order=True,  # nothing is differentiated further
        head=head,
    )
    return {
        TRANSDUCTIVE: forward(model, adapted, episode.query_x),
        SUPPORT: support_statistics_forward(model, adapted, episode.support_x, episode.query_x),
    }
