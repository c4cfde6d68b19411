"""MAML++ as a learner: its inner rates are trained, and its objective changes as training goes on.

Antoniou, Edwards and Storkey 2019, arXiv 1810.09502. Training, however long, counts as the 100
epochs of the paper: the first 50 leave second derivatives out, and the loss of the early inner
steps fades over the first 15, as in the settings the authors published for Mini-ImageNet. The
cosine outer rate is `few_shot.study`'s, for all methods alike.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from medmeta_ref.episodes import Episode, each_episode
from medmeta_ref.inner_loop import adapt
from medmeta_ref.learners.learner import PER_STEP, SUPPORT, TRANSDUCTIVE, Learner, Objective
from medmeta_ref.maml_pp import first_order_at, initial_rates, multi_step_weights
from medmeta_ref.params import Params, initial_params
from medmeta_ref.per_step_norm import PerStepConvNet, adapt_per_step, per_step_logits
from medmeta_ref.support_statistics import with_support_statistics

EPOCHS, SWITCH_EPOCH, ANNEAL_EPOCHS = 100, 50, 15
RATES = "inner_rates."  # in front of the name of what the rate is for


def maml_pp_learner(
    in_channels: int, n_way: int, *, width: int, inner_lr: float, inner_steps: int
) -> Learner:
    """Return MAML++ on four conv blocks with per-step batch norm and a linear head.

    Args:
        in_channels: 1 for grey images, 3 for colour.
        n_way: outputs of the head.
        width: channels of every block.
        inner_lr: what the learned inner step sizes (α) begin with.
        inner_steps: inner steps, in training and in the test alike.

    Raises:
        ValueError: if `inner_steps` is below 1.
    """
    if inner_steps < 1:
        raise ValueError(f"inner_steps must be at least 1, got {inner_steps}; rates are per step")
    model = PerStepConvNet(in_channels, (width,) * 4, n_outputs=n_way, n_steps=inner_steps)

    def start(generator: torch.Generator) -> Params:
        network = initial_params(model, generator=generator)
        adapting = {name: p for name, p in network.items() if not name.startswith("norms.")}
        rates = initial_rates(adapting, inner_lr=inner_lr, inner_steps=inner_steps)
        return network | {RATES + name: rate for name, rate in rates.items()}

    def objective(done: float) -> Objective:
        epoch = int(done * EPOCHS)
        last_only = F.one_hot(torch.tensor(inner_steps - 1), inner_steps).float()
        fading = multi_step_weights(inner_steps, epoch, ANNEAL_EPOCHS)
        return partial(
            per_step_gradient,
            model,
            step_weights=fading if epoch < ANNEAL_EPOCHS else last_only,
            first_order=first_order_at(epoch, switch_epoch=SWITCH_EPOCH),
        )

    return Learner(
        "MAML++",
        model,
        start,
        objective,
        partial(_answers, model, inner_steps=inner_steps),
        (TRANSDUCTIVE, SUPPORT, PER_STEP),
        {"width": width, "inner_lr": inner_lr, "inner_steps": inner_steps},
    )


def per_step_gradient(
    model: PerStepConvNet,
    params: Params,
    episodes: Episode,
    *,
    step_weights: Tensor,
    first_order: bool,
) -> tuple[Tensor, Params]:
    """Return the MAML++ loss with per-step batch norm, and its gradient, one episode at a time.

    As `maml_pp.maml_pp_loss`, but the network is told its step, and the norms' scales and shifts
    stay in the inner loop. Only one episode's graph is in memory.

    Args:
        model: the architecture.
        params: the network's parameters, and under `RATES` + name the rates `[inner_steps]` of
            all that adapts. Not changed.
        episodes: one episode, or a batch with a leading `[n_episodes]` axis.
        step_weights: `[inner_steps]`, what the query loss after each step weighs.
        first_order: treat the inner gradients as constants; the rates learn all the same.

    Returns:
        a 0-dim tensor without graph, and name -> gradient, shaped like `params`.
    """
    leaves = {name: p.detach().requires_grad_() for name, p in params.items()}
    total = {name: torch.zeros_like(p) for name, p in leaves.items()}
    batch, value = each_episode(episodes), torch.zeros(())
    for episode in batch:
        loss = _episode_loss(
            model, leaves, episode, step_weights=step_weights, first_order=first_order
        )
        grads = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
        value = value + loss.detach() / len(batch)
        total = {n: t + g / len(batch) for (n, t), g in zip(total.items(), grads, strict=True)}
    return value, total


def _episode_loss(
    model: PerStepConvNet,
    params: Params,
    episode: Episode,
    *,
    step_weights: Tensor,
    first_order: bool,
) -> Tensor:
    network, rates = split_rates(params)
    norms = {name: p for name, p in network.items() if name not in rates}
    adapted = {name: network[name] for name in rates}
    weighted = []
    for step, weight in enumerate(step_weights):

        def loss(_: nn.Module, p: Params, x: Tensor, y: Tensor, step: int = step) -> Tensor:
            return F.cross_entropy(per_step_logits(model, norms | p, x, step=step), y)

        adapted = adapt(
            model,
            adapted,
            episode.support_x,
            episode.support_y,
            inner_lr={name: rate[step] for name, rate in rates.items()},
            inner_steps=1,
            first_order=first_order,
            loss=loss,
        )
        if weight != 0:
            weighted.append(weight * loss(model, adapted, episode.query_x, episode.query_y))
    return torch.stack(weighted).sum()


def split_rates(params: Params) -> tuple[Params, Params]:
    """Return the network's parameters, and name -> rates `[inner_steps]` of those that adapt."""
    network = {name: p for name, p in params.items() if not name.startswith(RATES)}
    rates = {name.removeprefix(RATES): p for name, p in params.items() if name not in network}
    return network, rates


def _answers(
    model: PerStepConvNet, params: Params, episode: Episode, *, inner_steps: int
) -> dict[str, Tensor]:
    network, rates = split_rates(params)
    adapted, moments = adapt_per_step(
        model,
        network,
        episode.support_x,
        episode.support_y,
        inner_rates=rates,
        inner_steps=inner_steps,
        first_order=True,  # nothing is differentiated further
    )
    last, n_support = inner_steps - 1, len(episode.support_y)
    inductive = with_support_statistics(model, n_support=n_support)
    together = torch.cat([episode.support_x, episode.query_x])
    return {
        TRANSDUCTIVE: per_step_logits(model, adapted, episode.query_x, step=last),
        SUPPORT: per_step_logits(inductive, adapted, together, step=last)[n_support:],
        # Seen before the last update: the support set passes once per step, and not once more.
        PER_STEP: per_step_logits(model, adapted, episode.query_x, step=last, statistics=moments),
    }
