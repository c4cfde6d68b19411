"""ANIL: adapt the head only, because the body hardly moves anyway.

Raghu, Raghu, Bengio and Vinyals 2020, "Rapid Learning or Feature Reuse? Towards Understanding the
Effectiveness of MAML", arXiv 1909.09157. "Almost No Inner Loop": in the inner loop only the last
layer learns; the outer gradient still reaches the body, through the query loss.
"""

from typing import Any

from torch import Tensor, nn

from medmeta_ref.episode_gradients import one_by_one
from medmeta_ref.episodes import Episode
from medmeta_ref.fast import gradients as fast
from medmeta_ref.inner_loop import InnerRate, Loss, require_steps, task_loss
from medmeta_ref.maml import maml_loss
from medmeta_ref.params import Params


def anil_loss(
    model: nn.Module,
    params: Params,
    episodes: Episode,
    *,
    inner_lr: InnerRate,
    inner_steps: int,
    head: str,
    loss: Loss = task_loss,
) -> Tensor:
    """Return the query loss after adapting the head to the support set, averaged over episodes.

    Args:
        model: the architecture.
        params: the meta-parameters of body and head. Not changed.
        episodes: one episode, or a batch with a leading `[n_episodes]` axis.
        inner_lr: the inner step size (α), see `inner_loop.adapt`.
        inner_steps: inner steps of the head.
        head: name of the submodule that adapts, "head" in `backbones.ConvNet`.
        loss: of the inner and of the outer problem; cross-entropy by default.

    Returns:
        a 0-dim tensor, differentiable in all of `params`.

    Raises:
        ValueError: if no parameter belongs to `head`, or `inner_steps` is negative.
    """
    return maml_loss(
        model, params, episodes, inner_lr=inner_lr, inner_steps=inner_steps, head=head, loss=loss
    )


def anil_gradient(
    model: nn.Module,
    params: Params,
    episodes: Episode,
    *,
    inner_lr: float,
    inner_steps: int,
    head: str,
    threads: int | None = None,
) -> tuple[Tensor, Params]:
    """Return the ANIL loss and its gradient: what differentiating `anil_loss` would, but sooner.

    The body does not change within an episode, so a `ConvNet` with batch norm on the CPU computes
    its features once (`medmeta_ref.fast`); other networks once a step, as `anil_loss` does.

    Args:
        model: the architecture.
        params: the meta-parameters of body and head. Not changed.
        episodes: one episode, or a batch with a leading `[n_episodes]` axis.
        inner_lr: the inner step size (α).
        inner_steps: inner steps of the head.
        head: name of the submodule that adapts, "head" in `backbones.ConvNet`.
        threads: see `maml.maml_gradient`.

    Returns:
        the loss, a 0-dim tensor without graph, and name -> gradient, shaped like `params`.

    Raises:
        ValueError: as `anil_loss`, or if `threads` is below 1.
    """
    require_steps(inner_steps)
    settings: dict[str, Any] = {"inner_lr": inner_lr, "inner_steps": inner_steps}
    if head == "head" and fast.runs(model, params, episodes) and model.head:
        return fast.anil(model, params, episodes, threads=threads, **settings)

    def one(params: Params, episode: Episode) -> Tensor:
        return anil_loss(model, params, episode, head=head, **settings)

    return one_by_one(one, params, episodes)
