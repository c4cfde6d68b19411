"""TorchOpt, used as in its own example (examples/few-shot/maml_omniglot.py of version 0.7.3).

Ren et al. 2023, "TorchOpt: An Efficient Library for Differentiable Optimization", arXiv
2211.06934. It has no switch for first-order MAML.
"""

from typing import Any

import torch
import torch.nn.functional as F

from medmeta_ref.bench.plain_loop import gradient
from medmeta_ref.bench.workload import Design, Gradient, Workload


def maml(torchopt: Any, work: Workload) -> Design:
    """Return MAML with `MetaSGD`: states stored and restored, one backward pass for all tasks."""
    setting = work.setting
    optimiser = torchopt.MetaSGD(work.net, lr=setting.inner_lr)

    def run() -> Gradient:
        work.net.zero_grad()
        start = torchopt.extract_state_dict(work.net)
        optimiser_start = torchopt.extract_state_dict(optimiser)
        losses = []
        for task in work.tasks:
            for _ in range(setting.inner_steps):
                optimiser.step(F.cross_entropy(work.net(task.support_x), task.support_y))
            losses.append(F.cross_entropy(work.net(task.query_x), task.query_y))
            torchopt.recover_state_dict(work.net, start)
            torchopt.recover_state_dict(optimiser, optimiser_start)
        torch.stack(losses).mean().backward()
        return gradient(work)

    return run
