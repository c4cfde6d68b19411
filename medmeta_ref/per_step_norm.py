"""Per-step batch norm: every inner step has its own statistics, and evaluation reads them.

Antoniou, Edwards and Storkey 2019, arXiv 1810.09502, section 4, BNRS and BNWB. The authors' code
stores statistics per step but normalises with `training=True` always, by the batch at hand, so
that nothing stored is ever read (issues #3 and #24 of its repository). Here it is, and a
prediction then depends on its own image and the support set alone: it is *inductive*.

Statistics go in and come out; no module remembers any. Averages over episodes can misfit a network
adapted to one, down to chance: measure. What `adapt_per_step` returns for the episode's own support
set is inductive too (MetaBN in Bronskill et al. 2020, arXiv 2003.03284). The query after step k is
normalised by step k, as in the authors' code, but the support set was seen before that update.
Left out: the multi-step loss, and adapting the norms' own scales and shifts.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad

from medmeta_ref.maml_pp import require_rates
from medmeta_ref.params import Params


class Moments(NamedTuple):
    """Mean and unbiased variance per channel: `[channels]`, or `[n_steps, channels]` if stored."""

    mean: Tensor
    var: Tensor


PerStepStatistics = tuple[Moments, ...]  # one per norm layer, from the input to the output


class PerStepBatchNorm2d(nn.Module):
    """Batch norm with a scale and a shift of its own for each of `n_steps` inner steps.

    Returns the normalised images and the moments used: at evaluation those stored for this step,
    otherwise the batch's (returned without gradient, which does pass through the normalisation).
    """

    def __init__(self, channels: int, n_steps: int) -> None:
        super().__init__()
        # Not one [n_steps, channels] parameter: `initial_params` would take it for a linear layer.
        self.steps = nn.ModuleList(
            nn.BatchNorm2d(channels, track_running_stats=False) for _ in range(n_steps)
        )

    def forward(self, x: Tensor, step: int, stored: Moments | None) -> tuple[Tensor, Moments]:
        """Return `x`, `[n, channels, height, width]`, normalised, and the moments used."""
        n_steps = len(self.steps) if stored is None else min(len(self.steps), len(stored.mean))
        if not 0 <= step < n_steps:
            raise ValueError(
                f"step {step} asked for, but there are norms and statistics for steps 0 to "
                f"{n_steps - 1}; take at most {n_steps} inner steps, or train with more"
            )
        norm: Any = self.steps[step]
        if stored is None:
            normalised, seen = norm(x), x.detach()
            return normalised, Moments(seen.mean((0, 2, 3)), seen.var((0, 2, 3)))
        used = Moments(stored.mean[step], stored.var[step])
        return F.batch_norm(x, *used, norm.weight, norm.bias, eps=norm.eps), used


class PerStepConvNet(nn.Module):
    """The network `backbones.ConvNet` with per-step batch norm; a call names its step."""

    def __init__(
        self, in_channels: int, widths: Sequence[int], *, n_outputs: int, n_steps: int
    ) -> None:
        super().__init__()
        ins = (in_channels, *widths[:-1])
        self.convs = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in zip(ins, widths, strict=True)
        )
        self.norms = nn.ModuleList(PerStepBatchNorm2d(width, n_steps) for width in widths)
        self.head = nn.Linear(widths[-1], n_outputs)

    def forward(
        self, x: Tensor, step: int, statistics: PerStepStatistics | None = None
    ) -> tuple[Tensor, PerStepStatistics]:
        """Return logits `[n, n_outputs]`, and the moments that every norm used."""
        used, stored = [], statistics if statistics is not None else [None] * len(self.norms)
        for conv, norm, moments in zip(self.convs, self.norms, stored, strict=True):
            x, seen = norm(conv(x), step, moments)
            x = F.relu(F.max_pool2d(x, 2))
            used.append(seen)
        return self.head(x.mean((-2, -1))), tuple(used)


def adapt_per_step(
    model: PerStepConvNet,
    params: Params,
    support_x: Tensor,
    support_y: Tensor,
    *,
    inner_rates: Mapping[str, Tensor],
    inner_steps: int,
    statistics: PerStepStatistics | None = None,
    first_order: bool = False,
) -> tuple[Params, PerStepStatistics]:
    """Return the adapted parameters and the moments used at each step, without gradient.

    These are the support set's own, or `statistics` if given. The norms' scales and shifts stay:
    only the outer loop learns them, the default in the authors' code.
    """
    if inner_steps < 1:
        raise ValueError(f"inner_steps must be at least 1, got {inner_steps}")
    norms = {name: p for name, p in params.items() if name.startswith("norms.")}
    adapted = {name: p for name, p in params.items() if name not in norms}
    require_rates(adapted, inner_rates, inner_steps)

    def support_loss(adapted: Params, step: int) -> tuple[Tensor, PerStepStatistics]:
        logits, used = functional_call(model, {**norms, **adapted}, (support_x, step, statistics))
        return F.cross_entropy(logits, support_y), used

    steps = []
    for step in range(inner_steps):
        grads, used = grad(support_loss, has_aux=True)(adapted, step)
        if first_order:
            grads = {name: g.detach() for name, g in grads.items()}
        adapted = {name: p - inner_rates[name][step] * grads[name] for name, p in adapted.items()}
        steps.append(used)
    layers = (zip(*layer, strict=True) for layer in zip(*steps, strict=True))
    return {**params, **adapted}, tuple(Moments(*map(torch.stack, layer)) for layer in layers)


def update_statistics(
    statistics: PerStepStatistics, moments: PerStepStatistics, *, momentum: float
) -> PerStepStatistics:
    """Return (1 - momentum) * statistics + momentum * moments; begin with the first moments."""
    return tuple(
        Moments(*((1 - momentum) * old + momentum * new for old, new in zip(*pair, strict=True)))
        for pair in zip(statistics, moments, strict=True)
    )


def per_step_logits(
    model: PerStepConvNet,
    params: Params,
    x: Tensor,
    *,
    step: int,
    statistics: PerStepStatistics | None = None,
) -> Tensor:
    """Return `[n, n_outputs]` logits after step + 1 inner steps; transductive if no statistics."""
    logits, _ = functional_call(model, params, (x, step, statistics))
    return logits  # type: ignore[no-any-return]
