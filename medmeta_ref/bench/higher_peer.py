"""higher, used as in its own example (examples/maml-omniglot.py of version 0.2.1).

Grefenstette et al. 2019, "Generalized Inner Loop Meta-Learning", arXiv 1910.01727.
"""

from typing import Any

import torch
import torch.nn.functional as F

from medmeta_ref.bench.plain_loop import gradient
from medmeta_ref.bench.workload import Design, Gradient, Workload


def maml(higher: Any, work: Workload) -> Design:
    """Return MAML with `innerloop_ctx`, one backward pass per task."""
    setting = work.setting
    optimiser = torch.optim.SGD(work.net.parameters(), lr=setting.inner_lr)

    def run() -> Gradient:
        work.net.zero_grad()
        for task in work.tasks:
            inner_loop = higher.innerloop_ctx(work.net, optimiser, copy_initial_weights=False)
            with inner_loop as (learner, steps):
                for _ in range(setting.inner_steps):
                    steps.step(F.cross_entropy(learner(task.support_x), task.support_y))
                outer = F.cross_entropy(learner(task.query_x), task.query_y)
                (outer / len(work.tasks)).backward()
        return gradient(work)

    return run


def fomaml(higher: Any, work: Workload) -> Design:
    """Return first-order MAML: no graph of the steps, so the gradient is taken at their end."""
    setting = work.setting
    optimiser = torch.optim.SGD(work.net.parameters(), lr=setting.inner_lr)

    def run() -> Gradient:
        total = [torch.zeros_like(p) for p in work.net.parameters()]
        for task in work.tasks:
            inner_loop = higher.innerloop_ctx(work.net, optimiser, track_higher_grads=False)
            with inner_loop as (learner, steps):
                for _ in range(setting.inner_steps):
                    steps.step(F.cross_entropy(learner(task.support_x), task.support_y))
                outer = F.cross_entropy(learner(task.query_x), task.query_y)
                grads = torch.autograd.grad(outer, list(learner.parameters()))
            for t, g in zip(total, grads, strict=True):
                t += g / len(work.tasks)
        return total

    return run
