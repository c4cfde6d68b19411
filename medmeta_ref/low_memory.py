"""MAML's gradient in memory that does not grow with the number of inner steps.

The chain rule through θ_{k+1} = θ_k - α ∇L(θ_k) carries the query gradient v back by

    v <- v - α H(θ_k) v

and needs of step k only where it started. The product with the Hessian is the directional
derivative of the gradient, forward over reverse (Pearlmutter 1994, "Fast Exact Multiplication by
the Hessian", Neural Computation 6:147): no graph over the steps is ever built.
"""

import torch
from torch import Tensor, nn
from torch.func import grad, grad_and_value, jvp

from medmeta_ref.episodes import Episode, each_episode
from medmeta_ref.inner_loop import Loss, task_loss
from medmeta_ref.params import Params


def forward_over_reverse(
    model: nn.Module,
    params: Params,
    episodes: Episode,
    *,
    inner_lr: float,
    inner_steps: int,
    loss: Loss = task_loss,
) -> tuple[Tensor, Params]:
    """Return the MAML loss and its gradient, of second order and exact.

    Args:
        model: the architecture.
        params: the meta-parameters (θ). Not changed.
        episodes: one episode, or a batch with a leading `[n_episodes]` axis.
        inner_lr: the inner step size (α).
        inner_steps: inner steps.
        loss: of the inner and of the outer problem; cross-entropy by default.

    Returns:
        the loss, a 0-dim tensor, and name -> gradient, both means over episodes, without graph.
    """
    batch = each_episode(episodes)
    start = {name: p.detach() for name, p in params.items()}
    value, total = torch.zeros(()), {name: torch.zeros_like(p) for name, p in start.items()}
    for episode in batch:

        def support_loss(params: Params, episode: Episode = episode) -> Tensor:
            return loss(model, params, episode.support_x, episode.support_y)

        def query_loss(params: Params, episode: Episode = episode) -> Tensor:
            return loss(model, params, episode.query_x, episode.query_y)

        path = [start]
        for _ in range(inner_steps):
            gradient = grad(support_loss)(path[-1])
            path.append({name: p - inner_lr * gradient[name] for name, p in path[-1].items()})
        vector, one = grad_and_value(query_loss)(path.pop())
        for at in reversed(path):
            product = jvp(grad(support_loss), (at,), (vector,))[1]
            vector = {name: v - inner_lr * product[name] for name, v in vector.items()}
        value = value + one / len(batch)
        total = {name: t + vector[name] / len(batch) for name, t in total.items()}
    return value, total
