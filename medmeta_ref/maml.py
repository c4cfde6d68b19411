"""MAML: parameters from which a few gradient steps lead far.

Finn, Abbeel and Levine 2017, arXiv 1703.03400, Algorithm 2. The outer loss is taken on the query
set *after* adapting to the support set, and its gradient goes through the adaptation:

    θ' = θ - α ∇L_support(θ)                   inner step
    ∇_θ L_query(θ') = (I - α H(θ)) ∇L_query(θ')  outer gradient, H the Hessian of L_support

FOMAML leaves the factor with the Hessian out.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from medmeta_ref.episode_gradients import all_at_once, one_by_one
from medmeta_ref.episodes import Episode, each_episode
from medmeta_ref.fast import gradients as fast
from medmeta_ref.inner_loop import InnerRate, Loss, adapt, require_steps, task_loss
from medmeta_ref.low_memory import forward_over_reverse
from medmeta_ref.params import Params


def maml_loss(
    model: nn.Module,
    params: Params,
    episodes: Episode,
    *,
    inner_lr: InnerRate,
    inner_steps: int,
    first_order: bool = False,
    head: str | None = None,
    loss: Loss = task_loss,
) -> Tensor:
    """Return the query loss after adaptation to the support set, averaged over episodes.

    Args:
        model: the architecture.
        params: the meta-parameters (θ). Not changed.
        episodes: one episode, or a batch with a leading `[n_episodes]` axis.
        inner_lr: the inner step size (α), see `adapt`.
        inner_steps: inner steps.
        first_order: FOMAML, see `adapt`.
        head: see `adapt`.
        loss: of the inner and of the outer problem; cross-entropy by default.

    Returns:
        a 0-dim tensor, differentiable in `params`.

    Raises:
        ValueError: as `adapt`.
    """
    losses = []
    for episode in each_episode(episodes):
        adapted = adapt(
            model,
            params,
            episode.support_x,
            episode.support_y,
            inner_lr=inner_lr,
            inner_steps=inner_steps,
            first_order=first_order,
            head=head,
            loss=loss,
        )
        losses.append(loss(model, adapted, episode.query_x, episode.query_y))
    return torch.stack(losses).mean()


def maml_gradient(
    model: nn.Module,
    params: Params,
    episodes: Episode,
    *,
    inner_lr: float,
    inner_steps: int,
    first_order: bool = False,
    head: str | None = None,
    loss: Loss = task_loss,
    memory: Literal["fast", "low"] = "fast",
    threads: int | None = None,
) -> tuple[Tensor, Params]:
    """Return the MAML loss and its gradient: what differentiating `maml_loss` would, but sooner.

    On the CPU, a `ConvNet` with batch norm, all of whose parameters adapt, is computed by
    `medmeta_ref.fast`, with tasks side by side and shared out to threads. A batch on a GPU is one
    `vmap`; anything else goes episode by episode. All of them agree to rounding.

    Args:
        model: the architecture.
        params: the meta-parameters (θ). Not changed.
        episodes: one episode, or a batch with a leading `[n_episodes]` axis.
        inner_lr: the inner step size (α).
        inner_steps: inner steps.
        first_order: FOMAML.
        head: see `adapt`.
        loss: of the inner and of the outer problem; cross-entropy by default.
        memory: "fast" keeps the graphs of all inner steps; "low" at most one step's, of one task
            a thread, for a third more work there and thrice as much elsewhere. FOMAML and ANIL
            need no more than that anyway.
        threads: how many tasks (or chunks of them) to work on at a time in `medmeta_ref.fast`; by
            default as many as PyTorch may use.

    Returns:
        the loss, a 0-dim tensor without graph, and name -> gradient, shaped like `params`.

    Raises:
        ValueError: as `adapt`, or if `memory` is unknown or `threads` below 1.

    Example:
        >>> from medmeta_ref.backbones import conv4
        >>> model = conv4(1, width=4, n_outputs=2)
        >>> params = {name: p.detach() for name, p in model.named_parameters()}
        >>> x, y = torch.rand(3, 4, 1, 28, 28), torch.tensor([[0, 0, 1, 1]] * 3)  # three episodes
        >>> value, gradient = maml_gradient(model, params, Episode(x, y, x, y), inner_lr=0.1,
        ...                                 inner_steps=1)
        >>> value.shape, gradient["head.bias"].shape
        (torch.Size([]), torch.Size([2]))
    """
    if memory not in ("fast", "low"):
        raise ValueError(f'memory must be "fast" or "low", got {memory!r}')
    require_steps(inner_steps)
    if head is None and loss is task_loss and fast.runs(model, params, episodes) and model.head:
        return fast.maml(
            model,
            params,
            episodes,
            inner_lr=inner_lr,
            inner_steps=inner_steps,
            first_order=first_order,
            recompute=memory == "low",
            threads=threads,
        )
    settings: dict[str, Any] = {"inner_lr": inner_lr, "inner_steps": inner_steps, "loss": loss}
    if memory == "low" and not first_order and head is None:
        return forward_over_reverse(model, params, episodes, **settings)

    def one(params: Params, episode: Episode) -> Tensor:
        return maml_loss(model, params, episode, first_order=first_order, head=head, **settings)

    if episodes.support_y.ndim == 2 and episodes.support_x.device.type != "cpu":
        return all_at_once(one, params, episodes)
    return one_by_one(one, params, episodes)
