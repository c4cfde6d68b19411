"""The peer that needs no library: the loops that a paper's reader would write in PyTorch.

They are also what all others are compared with before anything is timed.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call

from medmeta_ref.bench.workload import Design, Gradient, Workload
from medmeta_ref.episodes import Episode


def maml(work: Workload, *, first_order: bool = False) -> Design:
    """Return MAML as a loop over `functional_call`, one backward pass per task."""
    net, setting = work.net, work.setting

    def loss(params: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(net, params, (x,)), y)

    def run() -> Gradient:
        net.zero_grad()
        for task in work.tasks:
            params: dict[str, Tensor] = dict(net.named_parameters())
            for _ in range(setting.inner_steps):
                inner = loss(params, task.support_x, task.support_y)
                grads = torch.autograd.grad(
                    inner, list(params.values()), create_graph=not first_order
                )
                params = {
                    name: p - setting.inner_lr * g
                    for (name, p), g in zip(params.items(), grads, strict=True)
                }
            (loss(params, task.query_x, task.query_y) / len(work.tasks)).backward()
        return gradient(work)

    return run


def fomaml(work: Workload) -> Design:
    """Return first-order MAML: the same loop without the graph of the inner gradients."""
    return maml(work, first_order=True)


def reptile(work: Workload) -> Design:
    """Return Reptile's gradient, start minus mean of the ends: a copy per task, trained by SGD."""
    net, setting = work.net, work.setting

    def run() -> Gradient:
        moved = [torch.zeros_like(p) for p in net.parameters()]
        for task in work.tasks:
            learner = copy.deepcopy(net)
            optimiser = torch.optim.SGD(learner.parameters(), lr=setting.inner_lr)
            for _ in range(setting.inner_steps):
                optimiser.zero_grad()
                F.cross_entropy(learner(task.support_x), task.support_y).backward()
                optimiser.step()
            with torch.no_grad():
                for total, p, end in zip(
                    moved, net.parameters(), learner.parameters(), strict=True
                ):
                    total += (p - end) / len(work.tasks)
        return moved

    return run


def anil(work: Workload) -> Design:
    """Return ANIL: features once per task, then second-order steps of the head alone."""
    net, setting = work.net, work.setting

    def run() -> Gradient:
        net.zero_grad()
        for task in work.tasks:
            support, query = net.features(task.support_x), net.features(task.query_x)
            weights: list[Tensor] = list(net.head.parameters())
            for _ in range(setting.inner_steps):
                inner = F.cross_entropy(F.linear(support, *weights), task.support_y)
                grads = torch.autograd.grad(inner, weights, create_graph=True)
                weights = [w - setting.inner_lr * g for w, g in zip(weights, grads, strict=True)]
            outer = F.cross_entropy(F.linear(query, *weights), task.query_y)
            (outer / len(work.tasks)).backward()
        return gradient(work)

    return run


def prototypical(work: Workload) -> Design:
    """Return the gradient of prototypical networks, one backward pass per episode."""
    n_way = work.setting.n_way

    def loss(task: Episode) -> Tensor:
        features = work.net(torch.cat([task.support_x, task.query_x]))
        support, query = features.split([len(task.support_y), len(task.query_y)])
        means = torch.stack([support[task.support_y == c].mean(0) for c in range(n_way)])
        return F.cross_entropy(-(query[:, None] - means).square().sum(2), task.query_y)

    def run() -> Gradient:
        work.net.zero_grad()
        for task in work.tasks:
            (loss(task) / len(work.tasks)).backward()
        return gradient(work)

    return run


def gradient(work: Workload) -> Gradient:
    """Return what backward passes have left in the plain network, parameter by parameter."""
    return [p.grad if p.grad is not None else torch.zeros_like(p) for p in work.net.parameters()]
