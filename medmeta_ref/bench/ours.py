"""The methods of this package, called as its users call them."""

from typing import Any

from medmeta_ref.anil import anil_gradient
from medmeta_ref.bench.workload import Design, Gradient, Workload
from medmeta_ref.maml import maml_gradient
from medmeta_ref.prototypical import prototypical_gradient
from medmeta_ref.reptile import reptile_gradient


def maml(work: Workload, **settings: Any) -> Design:
    """Return `maml_gradient`, with further settings of it if given."""
    return _design(maml_gradient, work, **_inner(work), **settings)


def maml_low_memory(work: Workload) -> Design:
    """Return `maml_gradient(..., memory="low")`: the same gradient in less memory."""
    return maml(work, memory="low")


def fomaml(work: Workload) -> Design:
    """Return `maml_gradient(..., first_order=True)`."""
    return maml(work, first_order=True)


def reptile(work: Workload) -> Design:
    """Return `reptile_gradient` of the support sets."""
    return _design(reptile_gradient, work, **_inner(work))


def anil(work: Workload) -> Design:
    """Return `anil_gradient`."""
    return _design(anil_gradient, work, **_inner(work), head="head")


def prototypical(work: Workload) -> Design:
    """Return `prototypical_gradient`."""
    return _design(prototypical_gradient, work)


def _inner(work: Workload) -> dict[str, Any]:
    return {"inner_lr": work.setting.inner_lr, "inner_steps": work.setting.inner_steps}


def _design(function: Any, work: Workload, **settings: Any) -> Design:
    threads = work.setting.threads

    def run() -> Gradient:
        _, grads = function(work.model, work.params, work.episodes, **settings, threads=threads)
        return list(grads.values())

    return run
