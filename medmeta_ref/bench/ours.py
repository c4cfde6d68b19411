"""The methods of this package, called as its users call them."""

import inspect
from typing import Any

import torch

from medmeta_ref import anil as anil_method
from medmeta_ref import maml as maml_method
from medmeta_ref import reptile as reptile_method
from medmeta_ref.bench.workload import Design, Gradient, Workload
from medmeta_ref.episodes import each_episode
from medmeta_ref.inner_loop import adapt
from medmeta_ref.prototypical import prototypical_loss


def maml(work: Workload, **settings: Any) -> Design:
    """Return `maml_gradient`, with further settings of it if given."""

    def run() -> Gradient:
        _, grads = _call(maml_method.maml_gradient, work, **_inner(work), **settings)
        return list(grads.values())

    return run


def maml_low_memory(work: Workload) -> Design:
    """Return `maml_gradient(..., memory="low")`: the same gradient in less memory."""
    return maml(work, memory="low")


def fomaml(work: Workload) -> Design:
    """Return `maml_gradient(..., first_order=True)`."""
    return maml(work, first_order=True)


def reptile(work: Workload) -> Design:
    """Return `reptile_gradient` of the support sets."""

    def run() -> Gradient:
        _, grads = _call(
            getattr(reptile_method, "reptile_gradient", _reptile_gradient), work, **_inner(work)
        )
        return list(grads.values())

    return run


def anil(work: Workload) -> Design:
    """Return `anil_gradient`."""

    def run() -> Gradient:
        _, grads = _call(
            getattr(anil_method, "anil_gradient", _anil_gradient), work, **_inner(work), head="head"
        )
        return list(grads.values())

    return run


def prototypical(work: Workload) -> Design:
    """Return the gradient of `prototypical_loss`, one episode's graph at a time."""

    def run() -> Gradient:
        leaves = {name: p.detach().requires_grad_() for name, p in work.params.items()}
        total = [torch.zeros_like(p) for p in leaves.values()]
        for episode in each_episode(work.episodes):
            loss = prototypical_loss(work.model, leaves, episode) / work.setting.n_tasks
            for t, g in zip(total, torch.autograd.grad(loss, list(leaves.values())), strict=True):
                t += g
        return total

    return run


def _inner(work: Workload) -> dict[str, Any]:
    return {"inner_lr": work.setting.inner_lr, "inner_steps": work.setting.inner_steps}


def _call(function: Any, work: Workload, **settings: Any) -> Any:
    if "threads" in inspect.signature(function).parameters:
        settings["threads"] = work.setting.threads
    return function(work.model, work.params, work.episodes, **settings)


def _reptile_gradient(model: Any, params: Any, episodes: Any, **inner: Any) -> Any:
    adapted = [
        adapt(model, params, e.support_x, e.support_y, first_order=True, **inner)
        for e in each_episode(episodes)
    ]
    return None, {n: p - torch.stack([a[n] for a in adapted]).mean(0) for n, p in params.items()}


def _anil_gradient(model: Any, params: Any, episodes: Any, **settings: Any) -> Any:
    return maml_method.maml_gradient(model, params, episodes, **settings)
