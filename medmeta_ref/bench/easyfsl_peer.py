"""easyfsl's prototypical networks, used as in its notebooks (version 1.5.0).

They compute something else: the distance is not squared, and support and query are embedded apart,
each with batch statistics of its own. The time is comparable, the gradient is not.
"""

import importlib
from typing import Any

import torch.nn.functional as F

from medmeta_ref.bench.plain_loop import gradient
from medmeta_ref.bench.workload import Design, Gradient, Workload

DIFFERS = "distances are not squared; support and query are normalised apart"


def prototypical(easyfsl: Any, work: Workload) -> Design:
    """Return `PrototypicalNetworks`: process the support set, classify the queries, backward."""
    methods = importlib.import_module(f"{easyfsl.__name__}.methods")
    classifier = methods.PrototypicalNetworks(work.net)

    def run() -> Gradient:
        work.net.zero_grad()
        for task in work.tasks:
            classifier.process_support_set(task.support_x, task.support_y)
            loss = F.cross_entropy(classifier(task.query_x), task.query_y)
            (loss / len(work.tasks)).backward()
        return gradient(work)

    return run
