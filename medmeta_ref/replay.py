"""Two ways to learn from a stream with a small memory of it.

Riemer et al. 2019, "Learning to Learn without Forgetting by Maximizing Transfer and Minimizing
Interference", arXiv 1810.11910. Replay as such is no meta-learning: it fights forgetting when the
data come in an order. Meta-experience replay is where the two meet.
"""

import math

import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import grad

from medmeta_ref.buffers import BalancedBuffer, Examples, ReservoirBuffer, require_pairs
from medmeta_ref.params import Params, forward

__all__ = [
    "BalancedBuffer",
    "Examples",
    "ReservoirBuffer",
    "meta_experience_replay_update",
    "replay_loss",
]


def replay_loss(
    model: nn.Module, params: Params, batch: Examples, replayed: Examples, *, ratio: float
) -> Tensor:
    """Return CE(batch) + ratio * CE(replayed), each a mean over its own examples.

    So the balance of new and old does not depend on how many of each there are.

    Args:
        model: a classifier, `[n, ...]` to logits `[n, n_classes]`.
        params: its parameters.
        batch: images `[n, ...]`, floating point, and integer labels `[n]` in `0..n_classes-1`.
        replayed: the same for what a buffer gave; with no example it counts as 0.
        ratio: weight of the replayed examples, 0 or more; 0 is learning without a memory.

    Returns:
        a 0-dim tensor, in nats.

    Raises:
        ValueError: if images, labels or `ratio` do not fit, or `batch` is empty.

    Example:
        >>> import torch
        >>> model, params = nn.Flatten(), {}  # the pixels are the logits
        >>> new = torch.zeros(1, 2), torch.tensor([0])
        >>> old = torch.zeros(3, 2), torch.tensor([0, 1, 1])
        >>> replay_loss(model, params, new, old, ratio=1.0)  # 2 log 2
        tensor(1.3863)
    """
    if not 0 <= ratio < math.inf:
        raise ValueError(f"ratio must be 0 or more and finite, got {ratio}; 1 weighs both alike")
    _require_examples(batch)
    loss = _cross_entropy(model, params, *batch)
    if len(replayed[1]) == 0:
        return loss
    return loss + ratio * _cross_entropy(model, params, *replayed)


def meta_experience_replay_update(
    model: nn.Module,
    params: Params,
    batch: Examples,
    replayed: Examples,
    *,
    inner_lr: float,
    outer_lr: float,
) -> Params:
    """Return params + outer_lr * (adapted - params), after one SGD step on each example in turn.

    A Reptile step over the replayed examples and then the new ones, one at a time. With one new
    example it is one round of Algorithm 6 of Riemer et al. ("one big batch") in the order of the
    authors' code, and Algorithm 1 with a single batch, s = 1 and `outer_lr` = βγ, but for the place
    of the new example. Left out: the two levels of Algorithm 1, a within-batch update (β) after
    each of s batches and one across them (γ); the larger learning rate for the new example
    (Algorithm 7); and filling the buffer, which is `buffer.add` after the update. Several new
    examples share a round here; in the paper each has rounds and replayed examples of its own.

    Args:
        model: a classifier, `[n, ...]` to logits `[n, n_classes]`.
        params: its parameters. Not changed.
        batch: images `[n, ...]`, floating point, and integer labels `[n]` in `0..n_classes-1`.
        replayed: the same for what a buffer gave, in the order of the steps; may be empty.
        inner_lr: (α) of each SGD step.
        outer_lr: (γ) in 0..1: 0 keeps `params`, 1 is plain SGD over the examples in turn.

    Returns:
        new parameters, detached: no gradient flows through the steps.

    Raises:
        ValueError: if images, labels or a learning rate do not fit, or `batch` is empty.

    Example:
        >>> import torch
        >>> model, params = nn.Linear(1, 2, bias=False), {"weight": torch.zeros(2, 1)}
        >>> batch, none = (torch.ones(1, 1), torch.tensor([0])), (torch.empty(0), torch.empty(0))
        >>> meta_experience_replay_update(model, params, batch, none, inner_lr=1.0, outer_lr=0.5)
        {'weight': tensor([[ 0.2500],
                [-0.2500]])}
    """
    if not 0 < inner_lr < math.inf:
        raise ValueError(f"inner_lr must be above 0 and finite, got {inner_lr}; try 0.01")
    if not 0 <= outer_lr <= 1:
        raise ValueError(
            f"outer_lr must be between 0 (keep the old parameters) and 1 (take those of the last "
            f"step), got {outer_lr}"
        )
    _require_examples(batch)
    start = {name: p.detach() for name, p in params.items()}
    adapted = start
    inner_grad = grad(lambda p, x, y: _cross_entropy(model, p, x, y))
    for images, labels in (replayed, batch):
        require_pairs(images, labels)
        for i in range(len(labels)):
            grads = inner_grad(adapted, images[i : i + 1], labels[i : i + 1])
            adapted = {name: p - inner_lr * grads[name] for name, p in adapted.items()}
    return {name: p + outer_lr * (adapted[name] - p) for name, p in start.items()}


def _cross_entropy(model: nn.Module, params: Params, images: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy; refuse what torch would meet with a puzzle, or accept."""
    require_pairs(images, labels)
    if not images.is_floating_point():
        raise ValueError(f"images are {images.dtype}, a network wants floats; use pixels.as_float")
    logits = forward(model, params, images)
    low, high, n_classes = int(labels.min()), int(labels.max()), logits.shape[1]
    if low < 0 or high >= n_classes:  # torch would skip a label of -100 without a word
        raise ValueError(
            f"labels must be in 0..{n_classes - 1} for a model with {n_classes} outputs, got "
            f"{low}..{high}; give the model an output for every class of the stream"
        )
    return F.cross_entropy(logits, labels.long())


def _require_examples(batch: Examples) -> None:
    if len(batch[1]) == 0:
        raise ValueError("the new batch holds 0 examples; at least 1 is needed to learn from")
