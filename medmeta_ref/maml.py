"""MAML: parameters from which a few gradient steps lead far.

Finn, Abbeel and Levine 2017, arXiv 1703.03400, Algorithm 2. The outer loss is taken on the query
set *after* adapting to the support set, and its gradient goes through the adaptation:

    θ' = θ - α ∇L_support(θ)                   inner step
    ∇_θ L_query(θ') = (I - α H(θ)) ∇L_query(θ')  outer gradient, H the Hessian of L_support

FOMAML leaves the factor with the Hessian out.
"""

import torch
from torch import Tensor, nn

from medmeta_ref.episodes import Episode, each_episode
from medmeta_ref.inner_loop import InnerRate, Loss, adapt, task_loss
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
) -> tuple[Tensor, Params]:
    """Return the MAML loss and its gradient, one episode's graph in memory at a time.

    Takes the arguments of `maml_loss`, and gives what differentiating it would, but the memory of
    one task in place of all.

    Returns:
        the loss, a 0-dim tensor without graph, and name -> gradient, shaped like `params`.

    Raises:
        ValueError: as `adapt`.
    """
    leaves = {name: p.detach().requires_grad_() for name, p in params.items()}
    total = {name: torch.zeros_like(p) for name, p in leaves.items()}
    batch = each_episode(episodes)
    value = torch.zeros(())
    for episode in batch:
        one = maml_loss(
            model,
            leaves,
            episode,
            inner_lr=inner_lr,
            inner_steps=inner_steps,
            first_order=first_order,
            head=head,
            loss=loss,
        )
        grads = torch.autograd.grad(one, list(leaves.values()), materialize_grads=True)
        value = value + one.detach() / len(batch)
        total = {n: t + g / len(batch) for (n, t), g in zip(total.items(), grads, strict=True)}
    return value, total
