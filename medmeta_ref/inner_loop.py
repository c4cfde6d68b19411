"""The inner loop: a few gradient steps on one support set, themselves differentiable.

Finn, Abbeel and Levine 2017, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
arXiv 1703.03400, Algorithm 2, lines 5 to 7. MAML, FOMAML, ANIL and evaluation share it.
"""

from collections.abc import Callable, Mapping

import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import grad

from medmeta_ref.params import Params, forward

Loss = Callable[[nn.Module, Params, Tensor, Tensor], Tensor]
InnerRate = float | Mapping[str, Tensor]


def task_loss(model: nn.Module, params: Params, x: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy of the model on one set of images, a mean over them.

    Args:
        model: the architecture, `[n, channels, height, width]` to `[n, n_way]`.
        params: its parameters.
        x: `[n, channels, height, width]`.
        y: `[n]`, int64 in `0..n_way-1`.

    Returns:
        a 0-dim tensor, in nats.
    """
    return F.cross_entropy(forward(model, params, x), y)


def adapt(
    model: nn.Module,
    params: Params,
    support_x: Tensor,
    support_y: Tensor,
    *,
    inner_lr: InnerRate,
    inner_steps: int,
    first_order: bool = False,
    head: str | None = None,
    loss: Loss = task_loss,
) -> Params:
    """Return the parameters after `inner_steps` steps of gradient descent on one support set.

    The result is a differentiable function of `params`, so that an outer loss can be traced back
    to where the steps began. The gradient passes through the steps themselves (second order)
    unless `first_order` declares them constants.

    Args:
        model: the architecture.
        params: where to start (θ). Not changed.
        support_x: `[n_way * k_shot, channels, height, width]`.
        support_y: `[n_way * k_shot]`, int64 in `0..n_way-1`.
        inner_lr: the step size (α); or one tensor per parameter name, without axes for all steps
            alike or `[inner_steps]` with one rate per step, which may be learned.
        inner_steps: number of steps; 0 returns `params` as they are.
        first_order: treat the inner gradients as constants (FOMAML).
        head: adapt only the parameters of the submodule of this name (ANIL).
        loss: what the steps descend; cross-entropy by default.

    Raises:
        ValueError: if `inner_steps` is negative, or there is no parameter to adapt.

    Example:
        >>> import torch
        >>> model = nn.Linear(2, 2)
        >>> start = {"weight": torch.zeros(2, 2), "bias": torch.zeros(2)}
        >>> x, y = torch.eye(2), torch.tensor([0, 1])
        >>> adapted = adapt(model, start, x, y, inner_lr=1.0, inner_steps=1)
        >>> adapted["weight"]
        tensor([[ 0.2500, -0.2500],
                [-0.2500,  0.2500]])
    """
    require_steps(inner_steps)
    fixed, adapted = split_head(params, head)

    def support_loss(adapted: Params) -> Tensor:
        return loss(model, {**fixed, **adapted}, support_x, support_y)

    for step in range(inner_steps):
        grads = grad(support_loss)(adapted)
        if first_order:
            grads = {name: g.detach() for name, g in grads.items()}
        adapted = {
            name: p - _rate(inner_lr, name, step) * grads[name] for name, p in adapted.items()
        }
    return {**params, **adapted}


def require_steps(inner_steps: int, *, least: int = 0) -> None:
    """Raise a `ValueError` if there are fewer than `least` inner steps."""
    if inner_steps < least:
        raise ValueError(f"inner_steps must be {least} or more, got {inner_steps}")


def split_head(params: Params, head: str | None) -> tuple[Params, Params]:
    """Return the parameters that stay fixed in the inner loop and those that adapt.

    Args:
        params: all parameters.
        head: name of the submodule that adapts; None stands for all of them.

    Raises:
        ValueError: if no parameter belongs to `head`.
    """
    if head is None:
        return {}, dict(params)
    adapting = {name: p for name, p in params.items() if name.startswith(f"{head}.")}
    if not adapting:
        modules = sorted({name.rpartition(".")[0] for name in params})
        raise ValueError(f"no parameter belongs to head={head!r}; there are {', '.join(modules)}")
    return {name: p for name, p in params.items() if name not in adapting}, adapting


def _rate(inner_lr: InnerRate, name: str, step: int) -> Tensor | float:
    """Return the step size of one parameter at one step."""
    if isinstance(inner_lr, Mapping):
        rate = inner_lr[name]
        return rate[step] if rate.ndim else rate
    return inner_lr
