"""learn2learn, used as in its own examples (examples/vision of version 0.2.0).

Arnold et al. 2020, "learn2learn: A Library for Meta-Learning Research", arXiv 2008.12284.
"""

from typing import Any

import torch
import torch.nn.functional as F

from medmeta_ref.bench.plain_loop import gradient
from medmeta_ref.bench.workload import Design, Gradient, Workload


def maml(l2l: Any, work: Workload, *, first_order: bool = False) -> Design:
    """Return MAML as in maml_miniimagenet.py: clone, adapt, backward."""
    setting = work.setting
    learner_of = l2l.algorithms.MAML(work.net, lr=setting.inner_lr, first_order=first_order)

    def run() -> Gradient:
        work.net.zero_grad()
        for task in work.tasks:
            learner = learner_of.clone()
            for _ in range(setting.inner_steps):
                learner.adapt(F.cross_entropy(learner(task.support_x), task.support_y))
            F.cross_entropy(learner(task.query_x), task.query_y).backward()
        return _averaged(work)

    return run


def fomaml(l2l: Any, work: Workload) -> Design:
    """Return first-order MAML: the same with the library's switch."""
    return maml(l2l, work, first_order=True)


def reptile(l2l: Any, work: Workload) -> Design:
    """Return Reptile's gradient with the library's clones.

    Its own example, reptile_miniimagenet.py, copies the network and trains it with an optimiser,
    without the library: that is what the plain loop does.
    """
    setting = work.setting
    learner_of = l2l.algorithms.MAML(work.net, lr=setting.inner_lr, first_order=True)

    def run() -> Gradient:
        moved = [torch.zeros_like(p) for p in work.net.parameters()]
        for task in work.tasks:
            learner = learner_of.clone()
            for _ in range(setting.inner_steps):
                learner.adapt(F.cross_entropy(learner(task.support_x), task.support_y))
            with torch.no_grad():
                pairs = zip(work.net.parameters(), learner.parameters(), strict=True)
                for total, (p, end) in zip(moved, pairs, strict=True):
                    total += (p - end) / len(work.tasks)
        return moved

    return run


def anil(l2l: Any, work: Workload) -> Design:
    """Return ANIL as in anil_fc100.py: features once per task, clones of the head alone.

    The example embeds support and query in one batch, so that their batch statistics mix; here
    they are embedded apart, as in MAML, or the gradients would not be the same.
    """
    setting = work.setting
    head = l2l.algorithms.MAML(work.net.head, lr=setting.inner_lr)

    def run() -> Gradient:
        work.net.zero_grad()
        for task in work.tasks:
            learner = head.clone()
            support, query = work.net.features(task.support_x), work.net.features(task.query_x)
            for _ in range(setting.inner_steps):
                learner.adapt(F.cross_entropy(learner(support), task.support_y))
            F.cross_entropy(learner(query), task.query_y).backward()
        return _averaged(work)

    return run


def prototypical(l2l: Any, work: Workload) -> Design:
    """Return prototypical networks with `PrototypicalClassifier`, embedding all images at once."""
    classifier = l2l.nn.PrototypicalClassifier()

    def run() -> Gradient:
        work.net.zero_grad()
        for task in work.tasks:
            features = work.net(torch.cat([task.support_x, task.query_x]))
            support, query = features.split([len(task.support_y), len(task.query_y)])
            classifier.fit_(support, task.support_y)
            F.cross_entropy(classifier(query), task.query_y).backward()
        return _averaged(work)

    return run


def _averaged(work: Workload) -> Gradient:
    """Divide the accumulated gradients by the number of tasks, as the examples do at the end."""
    for p in work.net.parameters():
        if p.grad is not None:
            p.grad.data.mul_(1.0 / len(work.tasks))
    return gradient(work)
