"""ANIL and prototypical networks on the papers' networks: the body runs once per image.

Neither changes the body within an episode, so its features are computed once; the adaptation works
on them, and their gradient is then brought back through the body once.
"""

import torch
from torch import Tensor

from medmeta_ref.backbones import ConvNet
from medmeta_ref.episodes import Episode
from medmeta_ref.fast.adaptation import as_leaves
from medmeta_ref.fast.tasks import features, fold, head_logits, sum_of_losses
from medmeta_ref.params import Params


def anil_chunk(
    model: ConvNet, params: Params, episodes: Episode, *, inner_lr: float, inner_steps: int
) -> tuple[Tensor, Params]:
    """Return the sum of the episodes' query losses after adapting the heads, and its gradient.

    Args:
        model: a network with batch norm and a head.
        params: the meta-parameters of body and head.
        episodes: a batch of G.
        inner_lr: the inner step size (α).
        inner_steps: inner steps of the head.
    """
    n_tasks = len(episodes.support_y)
    leaves = as_leaves({n: p.expand(n_tasks, *p.shape) for n, p in params.items()})
    support = features(model, leaves, fold(episodes.support_x))
    # One task at a time: query sets are large, and side by side they would not fit the cache.
    query = [
        features(model, {n: p[t : t + 1] for n, p in leaves.items()}, fold(x[None]))
        for t, x in enumerate(episodes.query_x)
    ]
    head = {name: leaves[name] for name in ("head.weight", "head.bias")}
    for _ in range(inner_steps):
        loss = sum_of_losses(head_logits(head, support), episodes.support_y)
        gradient = torch.autograd.grad(loss, list(head.values()), create_graph=True)
        pairs = zip(head.items(), gradient, strict=True)
        head = {name: p - inner_lr * g for (name, p), g in pairs}
    loss = sum_of_losses(head_logits(head, torch.cat(query, 1)), episodes.query_y)
    gradient = torch.autograd.grad(loss, list(leaves.values()))
    return loss.detach(), {n: g.sum(0) for n, g in zip(params, gradient, strict=True)}


def embed(model: ConvNet, params: Params, x: Tensor) -> Tensor:
    """Return the flattened features `[n, n_features]` of one set of images, differentiable.

    Args:
        model: a network with batch norm.
        params: its parameters.
        x: `[n, channels, height, width]`.
    """
    return features(model, {name: p[None] for name, p in params.items()}, x).flatten(1)
