"""MAML, FOMAML and Reptile on chunks of tasks, without one graph over all inner steps.

Where Finn et al. 2017 (arXiv 1703.03400) step θ_{k+1} = θ_k - α ∇L(θ_k), the chain rule carries
the gradient v of the query loss back by v <- v - α H(θ_k) v. The product with the Hessian H is the
derivative of <∇L(θ_k), v>, so every step needs its own graph only.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from medmeta_ref.backbones import ConvNet
from medmeta_ref.episodes import Episode
from medmeta_ref.fast.tasks import features, fold, head_logits, sum_of_losses
from medmeta_ref.params import Params


class Step(NamedTuple):
    """One inner step: where it started, and the gradient there.

    Attributes:
        params: name -> `[G, ...]`, leaves of the graph.
        gradient: as `params`, with the graph that leads back to them, if it was kept.
    """

    params: Params
    gradient: tuple[Tensor, ...]


def chunk_loss(model: ConvNet, params: Params, x: Tensor, y: Tensor) -> Tensor:
    """Return the sum over tasks of the cross-entropy.

    Args:
        model: a network with batch norm and a head.
        params: name -> `[G, ...]`.
        x: `[n, G * channels, height, width]`.
        y: `[G, n]`.
    """
    return sum_of_losses(head_logits(params, features(model, params, x)), y)


def inner_step(
    model: ConvNet, params: Params, x: Tensor, y: Tensor, *, keep_graph: bool
) -> tuple[Tensor, Step]:
    """Return the loss of `chunk_loss` and its gradient at `params`."""
    leaves = as_leaves(params)
    loss = chunk_loss(model, leaves, x, y)
    gradient = torch.autograd.grad(loss, list(leaves.values()), create_graph=keep_graph)
    return loss.detach(), Step(leaves, gradient)


def adapt_chunk(
    model: ConvNet,
    params: Params,
    support_x: Tensor,
    support_y: Tensor,
    *,
    inner_lr: float,
    inner_steps: int,
    keep_graphs: bool,
) -> tuple[Params, list[Step], Tensor]:
    """Return the adapted parameters `[G, ...]`, the steps to them and the last step's loss.

    Args:
        model: a network with batch norm and a head.
        params: where all tasks start.
        support_x: `[n, G * channels, height, width]`.
        support_y: `[G, n]`.
        inner_lr: the step size (α).
        inner_steps: number of steps.
        keep_graphs: whether the steps will be differentiated.
    """
    n_tasks = len(support_y)
    adapted = {name: p.detach().expand(n_tasks, *p.shape) for name, p in params.items()}
    steps, loss = [], torch.zeros(())
    for _ in range(inner_steps):
        loss, step = inner_step(model, adapted, support_x, support_y, keep_graph=keep_graphs)
        steps.append(step)
        with torch.no_grad():
            pairs = zip(adapted.items(), step.gradient, strict=True)
            adapted = {name: p - inner_lr * g for (name, p), g in pairs}
    return adapted, steps, loss


def query_gradient(
    model: ConvNet, adapted: Params, query_x: Tensor, query_y: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """Return the sum of the tasks' query losses and its gradient `[G, ...]` at `adapted`.

    One task at a time: query sets are large, and side by side they would not fit the cache.
    """
    total, gradients = torch.zeros(()), []
    for t in range(len(query_y)):
        own = {name: p[t : t + 1] for name, p in adapted.items()}
        task = slice(t, t + 1)
        loss, step = inner_step(model, own, fold(query_x[task]), query_y[task], keep_graph=False)
        total = total + loss
        gradients.append(step.gradient)
    return total, [torch.cat(g) for g in zip(*gradients, strict=True)]


def maml_chunk(
    model: ConvNet,
    params: Params,
    episodes: Episode,
    *,
    inner_lr: float,
    inner_steps: int,
    first_order: bool,
    recompute: bool,
) -> tuple[Tensor, Params]:
    """Return the sum of the episodes' query losses after adaptation, and its gradient.

    Args:
        model: a network with batch norm and a head.
        params: the meta-parameters (θ).
        episodes: a batch of G.
        inner_lr: the inner step size (α).
        inner_steps: inner steps.
        first_order: leave the products with the Hessian out.
        recompute: build the graph of a step when it is differentiated, in place of keeping all:
            a third more work, and memory that does not grow with the number of steps.
    """
    support_x, support_y = fold(episodes.support_x), episodes.support_y
    keep = not (first_order or recompute)
    adapted, steps, _ = adapt_chunk(
        model,
        params,
        support_x,
        support_y,
        inner_lr=inner_lr,
        inner_steps=inner_steps,
        keep_graphs=keep,
    )
    loss, vector = query_gradient(model, adapted, episodes.query_x, episodes.query_y)
    while steps and not first_order:
        step = steps.pop()
        if recompute:
            _, step = inner_step(model, step.params, support_x, support_y, keep_graph=True)
        leaves = list(step.params.values())
        products = torch.autograd.grad(step.gradient, leaves, vector, materialize_grads=True)
        vector = [v - inner_lr * hv for v, hv in zip(vector, products, strict=True)]
    return loss, {name: v.sum(0) for name, v in zip(params, vector, strict=True)}


def as_leaves(params: Params) -> Params:
    """Return parameters that a graph can start from."""
    return {name: p.detach().requires_grad_() for name, p in params.items()}
