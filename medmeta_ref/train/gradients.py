"""The outer loss and its gradient, from an objective that knows its own gradient or does not."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from medmeta_ref.params import Params

Batch = TypeVar("Batch")
Objective = Callable[[Params, Batch], Tensor | tuple[Tensor, Params]]


def loss_and_gradient(
    objective: Objective[Batch], params: Params, batch: Batch
) -> tuple[Tensor, Params]:
    """Return the loss on one batch and its gradient, both without graph.

    Args:
        objective: returns a 0-dim loss, which is differentiated here; or the pair of a loss and
            name -> gradient, as `maml.maml_gradient` does, which is taken at its word.
        params: name -> tensor. Not changed, and asked for no gradient.
        batch: what the objective takes.

    Returns:
        the loss, 0-dim, and name -> gradient with the names, shapes and dtypes of `params`.

    Raises:
        ValueError: if the loss is not 0-dim, does not depend on a parameter, or the gradient has
            other names, shapes or dtypes than the parameters; the odd one is named.

    Example:
        >>> loss, gradient = loss_and_gradient(
        ...     lambda params, x: (params["w"] * x).sum(), {"w": torch.zeros(2)}, torch.ones(2)
        ... )
        >>> gradient["w"]
        tensor([1., 1.])
    """
    leaves = {name: p.detach().requires_grad_() for name, p in params.items()}
    outcome = objective(leaves, batch)
    loss, given = outcome if isinstance(outcome, tuple) else (outcome, None)
    if not isinstance(loss, Tensor) or loss.ndim != 0:
        got = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(
            f"the objective has to return a 0-dim loss tensor, got {got}; take the mean of losses"
        )
    gradient = _differentiate(loss, leaves) if given is None else given
    require_like(gradient, params)
    return loss.detach(), {name: gradient[name].detach() for name in params}


def require_like(gradient: Params, params: Params) -> None:
    """Raise a ValueError that names the first gradient which is not like its parameter.

    Args:
        gradient: name -> gradient.
        params: name -> tensor.

    Raises:
        ValueError: if a name is missing or too many, or a shape or dtype differs.
    """
    for name, p in params.items():
        if name not in gradient:
            raise ValueError(f"the objective gives no gradient for {name!r}, one of the parameters")
        g = gradient[name]
        if g.shape != p.shape or g.dtype != p.dtype:
            raise ValueError(
                f"the gradient of {name!r} is {tuple(g.shape)} {g.dtype}, "
                f"but the parameter is {tuple(p.shape)} {p.dtype}"
            )
    for name in gradient:
        if name not in params:
            raise ValueError(f"the objective gives a gradient for {name!r}, which is no parameter")


def require_finite(loss: Tensor, gradient: Params, *, step: int, outer_lr: float) -> None:
    """Raise a FloatingPointError if the loss or a gradient is nan or infinite.

    Args:
        loss: 0-dim.
        gradient: name -> gradient.
        step: which one it is, for the message.
        outer_lr: its learning rate, for the message.

    Raises:
        FloatingPointError: naming the loss, or the parameters whose gradient it is.
    """
    advice = f"at step {step}; a lower outer_lr than {outer_lr:.3g} usually prevents that"
    if not torch.isfinite(loss):
        raise FloatingPointError(f"the loss is {loss.item()} {advice}")
    finite = torch.stack([torch.isfinite(g).all() for g in gradient.values()])
    if not finite.all():  # one answer from the device, not one per parameter
        odd = [name for name, ok in zip(gradient, finite.tolist(), strict=True) if not ok]
        raise FloatingPointError(f"the gradient of {', '.join(odd)} is nan or infinite {advice}")


def _differentiate(loss: Tensor, leaves: Params) -> Params:
    if not loss.requires_grad:
        raise ValueError(
            "the loss does not depend on the parameters; was it detached, or computed under "
            "torch.no_grad()? An objective may also return (loss, name -> gradient)"
        )
    grads = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    unused = [name for name, g in zip(leaves, grads, strict=True) if g is None]
    if unused:
        raise ValueError(
            f"the loss does not depend on {', '.join(unused)}; leave out of params what is not "
            "to be trained"
        )
    return dict(zip(leaves, grads, strict=True))
