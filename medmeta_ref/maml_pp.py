"""MAML++: MAML with the causes of its instability taken away one by one.

Antoniou, Edwards and Storkey 2019, "How to train your MAML", arXiv 1810.09502, section 4. Here:

    multi-step loss              the query counts after every inner step, not after the last only
    derivative-order annealing   first-order epochs at the start, second-order ones after
    learned inner rates          one per layer and inner step (LSLR), trained with the rest

Also in the paper: the cosine outer rate, which is `train.cosine`, and batch norm with statistics
per step, in `per_step_norm`. Weights of 0, ..., 0, 1 and equal rates give `maml.maml_loss`.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from medmeta_ref.episodes import Episode, each_episode
from medmeta_ref.inner_loop import Loss, adapt, task_loss
from medmeta_ref.params import Params


def multi_step_weights(inner_steps: int, epoch: int, anneal_epochs: int) -> Tensor:
    """Return what the query loss after each inner step weighs: all alike first, the last at last.

    All but the last weigh max(1/K - e/(KE), 0.03/K), and the last takes what they lose,
    min(1/K + e(K-1)/(KE), 1 - (K-1) 0.03/K), as in the authors' code. That code goes on with the
    last step alone from epoch E on; weights of 0, ..., 0, 1 do so here.

    Args:
        inner_steps: inner steps (K), the length of what is returned; it sums to 1.
        epoch: the current epoch (e), from 0.
        anneal_epochs: epochs until nearly all the weight is on the last step (E).

    Raises:
        ValueError: if `inner_steps` or `anneal_epochs` is below 1, or `epoch` is negative.

    Example:
        >>> multi_step_weights(5, 5, 10)
        tensor([0.1000, 0.1000, 0.1000, 0.1000, 0.6000])
    """
    for name, value in {"inner_steps": inner_steps, "anneal_epochs": anneal_epochs}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    if epoch < 0:
        raise ValueError(f"epoch must be 0 or more, got {epoch}")
    uniform, floor = 1 / inner_steps, 0.03 / inner_steps
    lost = epoch / (inner_steps * anneal_epochs)
    early = max(uniform - lost, floor)
    last = min(uniform + (inner_steps - 1) * lost, 1 - (inner_steps - 1) * floor)
    return torch.tensor([early] * (inner_steps - 1) + [last])


def first_order_at(epoch: int, *, switch_epoch: int) -> bool:
    """Return whether this epoch, counted from 0, still leaves the second derivatives out.

    The first `switch_epoch` epochs do, 50 in the paper; one more in the authors' code.

    Example:
        >>> [first_order_at(epoch, switch_epoch=2) for epoch in range(4)]
        [True, True, False, False]
    """
    return epoch < switch_epoch


def initial_rates(params: Params, *, inner_lr: float, inner_steps: int) -> Params:
    """Return name -> `[inner_steps]` inner rates, all equal for a start.

    To learn them, hand them to `train.fit` with the parameters, in one dictionary under names of
    their own. As in the authors' code, the weight and the bias of a layer count as two.

    Raises:
        ValueError: if `inner_steps` is below 1.

    Example:
        >>> initial_rates({"weight": torch.zeros(4, 3)}, inner_lr=0.1, inner_steps=2)
        {'weight': tensor([0.1000, 0.1000])}
    """
    if inner_steps < 1:
        raise ValueError(f"inner_steps must be at least 1, got {inner_steps}")
    return {name: p.new_full((inner_steps,), inner_lr) for name, p in params.items()}


def maml_pp_loss(
    model: nn.Module,
    params: Params,
    episodes: Episode,
    *,
    inner_rates: Mapping[str, Tensor],
    step_weights: Tensor,
    first_order: bool = False,
    loss: Loss = task_loss,
) -> Tensor:
    """Return the weighted query losses after each inner step, averaged over episodes.

    Args:
        model: the architecture.
        params: the meta-parameters (θ). Not changed.
        episodes: one episode, or a batch with a leading `[n_episodes]` axis.
        inner_rates: name -> `[inner_steps]` or more, see `initial_rates`.
        step_weights: `[inner_steps]`, see `multi_step_weights`; a weight of exactly 0 saves the
            forward pass.
        first_order: FOMAML, see `first_order_at`. The rates get their gradient all the same.
        loss: of the inner and of the outer problem; cross-entropy by default.

    Returns:
        a 0-dim tensor, differentiable in `params` and in `inner_rates`.

    Raises:
        ValueError: if the weights are all 0 or no row, or a parameter or a step has no rate.
    """
    if step_weights.ndim != 1 or not step_weights.any():
        raise ValueError(
            "step_weights must be one row, [inner_steps], with a weight other than 0; got shape "
            f"{tuple(step_weights.shape)} and sum {step_weights.sum().item():g}"
        )
    require_rates(params, inner_rates, len(step_weights))
    losses = []
    for episode in each_episode(episodes):
        adapted, weighted = params, []
        for step, weight in enumerate(step_weights):
            adapted = adapt(
                model,
                adapted,
                episode.support_x,
                episode.support_y,
                inner_lr={name: inner_rates[name][step] for name in params},
                inner_steps=1,
                first_order=first_order,
                loss=loss,
            )
            if weight != 0:
                weighted.append(weight * loss(model, adapted, episode.query_x, episode.query_y))
        losses.append(torch.stack(weighted).sum())
    return torch.stack(losses).mean()


def require_rates(params: Params, inner_rates: Mapping[str, Tensor], inner_steps: int) -> None:
    """Raise a ValueError if the rates lack a parameter or a step."""
    missing = sorted(params.keys() - inner_rates.keys())
    if missing:
        raise ValueError(f"inner_rates has no rate for {missing}; see initial_rates")
    for name in params:
        rates = inner_rates[name]
        if rates.ndim != 1 or len(rates) < inner_steps:
            raise ValueError(
                f"{inner_steps} inner steps, but inner_rates[{name!r}] has shape "
                f"{tuple(rates.shape)}: nothing was learned for the steps beyond. Take at most as "
                "many steps as there are rates, or repeat the last: torch.cat([rates, rates[-1:]])"
            )
