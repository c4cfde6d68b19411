"""What an outer step costs, found out by running it: losses, gradients, graphs held at once.

The methods are written out here once more, on bowls, in plain torch; what is counted are the calls
themselves and the tensors that autograd really keeps. Nothing here knows a formula for the answer.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Params = dict[str, Tensor]


class Counter:
    """Counts losses, gradients, and how many losses' graphs are alive at the worst moment."""

    def __init__(self) -> None:
        self.losses = self.gradients = self.graphs = 0
        self._alive: dict[int, int] = {}  # loss -> tensors that its graph keeps

    def loss(self, params: Params, centre: Tensor) -> Tensor:
        """Return a loss with curvature, whose graph is watched."""
        self.losses += 1
        with self._watched():
            away = params["theta"] - centre
            return (away.square() + away.pow(4)).sum()

    def gradient(self, value: Tensor, params: Params, *, keep: bool = False) -> list[Tensor]:
        """Return the gradient; with `keep` it can be differentiated again."""
        self.gradients += 1
        with self._watched():  # the gradient's own graph belongs to the same loss
            return list(torch.autograd.grad(value, list(params.values()), create_graph=keep))

    def counts(self) -> dict[str, int]:
        """Return what was counted."""
        return {"losses": self.losses, "gradients": self.gradients, "graphs": self.graphs}

    def _watched(self) -> Any:
        number, alive = self.losses, self._alive

        class Kept:
            """A tensor that some graph keeps; leaves the count when the graph is freed."""

            def __init__(self, tensor: Tensor) -> None:
                self.tensor = tensor
                alive[number] = alive.get(number, 0) + 1

            def __del__(self) -> None:
                alive[number] -= 1

        def pack(tensor: Tensor) -> Kept:
            kept = Kept(tensor)
            self.graphs = max(self.graphs, sum(n > 0 for n in alive.values()))
            return kept

        return torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept.tensor)


def _sgd(params: Params, slopes: list[Tensor]) -> Params:
    return {n: p - 0.01 * g for (n, p), g in zip(params.items(), slopes, strict=True)}


def _adapted(count: Counter, params: Params, centre: Tensor, steps: int, keep: bool) -> Params:
    for _ in range(steps):
        value = count.loss(params, centre)
        slopes = count.gradient(value, params, keep=keep)
        del value  # as when a function returns; its graph stays only if something needs it
        params = _sgd(params, slopes)
    return params


def _maml(count: Counter, params: Params, centre: Tensor, steps: int, keep: bool = True) -> None:
    adapted = _adapted(count, params, centre, steps, keep)
    count.gradient(count.loss(adapted, centre + 1), params)


def _fomaml(count: Counter, params: Params, centre: Tensor, steps: int) -> None:
    _maml(count, params, centre, steps, keep=False)


def _reptile(count: Counter, params: Params, centre: Tensor, steps: int) -> None:
    for _ in range(steps):
        start = {name: p.detach().requires_grad_() for name, p in params.items()}
        params = _adapted(count, start, centre, 1, keep=False)


def _prototypes(count: Counter, params: Params, centre: Tensor, steps: int) -> None:
    count.gradient(count.loss(params, centre), params)


METHODS: dict[str, Callable[[Counter, Params, Tensor, int], None]] = {
    "prototypes": _prototypes,
    "reptile": _reptile,
    "fomaml": _fomaml,
    "maml": _maml,
}


def counted(method: str, *, inner_steps: int, n_tasks: int) -> dict[str, int]:
    """Return what one outer step over `n_tasks` tasks costs, one task after the other."""
    count = Counter()
    for task in range(n_tasks):
        theta = torch.zeros(3, dtype=torch.float64, requires_grad=True)
        METHODS[method](count, {"theta": theta}, torch.full((3,), 0.1 * task).double(), inner_steps)
    return count.counts()
