"""Classes that come one group after another, learned with a small memory of the past and without.

Class-incremental learning (van de Ven and Tolias 2019, arXiv 1904.07734): one output per class
from the start, and no hint at test time which group an image is from. The baselines are the same
network trained on the groups in turn without a memory, and on all classes at once.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from medmeta_ref.backbones import ConvNet
from medmeta_ref.classifier import group_norm_net, predict, require_classes, train_classifier
from medmeta_ref.continual import average_accuracy, forgetting
from medmeta_ref.image_set import ImageSet
from medmeta_ref.params import Params, initial_params
from medmeta_ref.pixels import as_float
from medmeta_ref.replay import BalancedBuffer, Examples, replay_loss
from medmeta_ref.train import cosine, fit, sample_minibatch

REPLAY, SEQUENTIAL, JOINT = "replay", "sequential, no memory", "all classes at once"
CLASSES_PER_TASK = 2


class ReplayStudy(NamedTuple):
    """What came out, on the official test split.

    Attributes:
        tasks: the groups of classes, in the order they came with the first seed.
        matrices: replay, sequential -> `[n_seeds, n_tasks, n_tasks]`, accuracies: row after each
            task, column for each task's classes (R of `continual`).
        joint: `[n_seeds]`, the mean over tasks of the accuracy of training on all at once.
        history: the loss with replay before every step of the first seed, task after task.
        n_classes: chance is one over it.
    """

    tasks: tuple[tuple[int, ...], ...]
    matrices: dict[str, Tensor]
    joint: Tensor
    history: list[float]
    n_classes: int

    def averages(self) -> dict[str, Tensor]:
        """Return row -> `[n_seeds]`, the accuracy over all tasks at the end."""
        found = {row: _each(average_accuracy, seeds) for row, seeds in self.matrices.items()}
        return found | {JOINT: self.joint}

    def forgotten(self) -> dict[str, Tensor]:
        """Return row -> `[n_seeds]`, the mean forgetting; training at once has none to speak of."""
        return {row: _each(forgetting, seeds) for row, seeds in self.matrices.items()}


def replay_study(
    name: str,
    train: ImageSet,
    test: ImageSet,
    *,
    width: int,
    capacity: int,
    ratio: float,
    n_steps: int,
    batch_size: int,
    n_seeds: int,
    outer_lr: float,
    generator: torch.Generator,
    progress: bool = True,
) -> ReplayStudy:
    """Learn groups of two classes in turn, with replay and without, and all of them at once.

    Args:
        name: of the data set, for messages.
        train: the official training split.
        test: the official test split.
        width: of the network's middle block; the others have half of it and twice as many.
        capacity: images that the buffer holds, about equally many of every class seen.
        ratio: weight of the replayed images, see `replay_loss`.
        n_steps: minibatches for each group; at once, as many as for all groups together.
        batch_size: new images in each, and at most as many replayed ones.
        n_seeds: runs, each with its own order of classes and first weights, alike for all rows.
        outer_lr: Adam's first learning rate; it falls along a cosine, anew for each group.
        generator: the only source of randomness.
        progress: whether to show progress bars.

    Raises:
        ValueError: if the images do not fit or have fewer than 4 classes, `n_seeds` is below 2,
            or as `BalancedBuffer`, `replay_loss` and `train.fit`.
    """
    n_classes = require_classes(name, train, at_least=2 * CLASSES_PER_TASK)
    if n_seeds < 2:
        raise ValueError(f"n_seeds must be at least 2 for an interval, got {n_seeds}")
    if width < 2:
        raise ValueError(f"width must be at least 2, got {width}; the first block has half of it")
    model = group_norm_net(train, (width // 2, width, 2 * width), n_outputs=n_classes)
    matrices: dict[str, list[Tensor]] = {REPLAY: [], SEQUENTIAL: []}
    joint: list[float] = []
    first: tuple[tuple[tuple[int, ...], ...], list[float]] | None = None
    for number, seed in enumerate(torch.randint(2**31, (n_seeds,), generator=generator).tolist()):
        order = torch.randperm(n_classes, generator=torch.Generator().manual_seed(seed)).tolist()
        tasks = class_groups(order)
        for row, kept in ((REPLAY, capacity), (SEQUENTIAL, None)):
            own = torch.Generator().manual_seed(seed)
            label = f"{row} {number + 1} of {n_seeds}" if progress else None
            rows, history = _in_turn(
                model,
                train,
                tasks,
                partial(_recalls, model, test, tasks),
                capacity=kept,
                ratio=ratio,
                n_steps=n_steps,
                batch_size=batch_size,
                outer_lr=outer_lr,
                generator=own,
                progress=label,
            )
            matrices[row].append(rows)
            first = first or (tasks, history)
        own = torch.Generator().manual_seed(seed)
        at_once = train_classifier(
            model,
            initial_params(model, generator=own),
            train.images,
            train.labels,
            lambda logits, labels, positions: F.cross_entropy(logits, labels),
            n_steps=n_steps * len(tasks),
            batch_size=batch_size,
            outer_lr=outer_lr,
            generator=own,
            progress=f"{JOINT} {number + 1} of {n_seeds}" if progress else None,
        )
        joint.append(float(_recalls(model, test, tasks, at_once.params).mean()))
    assert first is not None  # n_seeds is 2 or more
    return ReplayStudy(
        first[0],
        {row: torch.stack(seeds) for row, seeds in matrices.items()},
        torch.tensor(joint, dtype=torch.float64),
        first[1],
        n_classes,
    )


def class_groups(order: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Return groups of two classes in this order; the last has three if the number is odd.

    Example:
        >>> class_groups([3, 0, 4, 1, 2])
        ((3, 0), (4, 1, 2))
    """
    n_tasks = len(order) // CLASSES_PER_TASK
    starts = [task * CLASSES_PER_TASK for task in range(n_tasks)]
    return tuple(tuple(order[a:b]) for a, b in zip(starts, [*starts[1:], len(order)], strict=True))


def _in_turn(
    model: ConvNet,
    train: ImageSet,
    tasks: Sequence[Sequence[int]],
    test: Callable[[Params], Tensor],
    *,
    capacity: int | None,
    ratio: float,
    n_steps: int,
    batch_size: int,
    outer_lr: float,
    generator: torch.Generator,
    progress: str | None,
) -> tuple[Tensor, list[float]]:
    """Return the matrix of accuracies and the losses of training on one task after the other."""
    params = initial_params(model, generator=generator)
    buffer = None if capacity is None else BalancedBuffer(capacity, generator=generator)
    rows, history = [], []
    for number, classes in enumerate(tasks):
        own = torch.isin(train.labels, torch.tensor(classes))
        images, labels = train.images[own], train.labels[own]

        def sample(
            g: torch.Generator, images: Tensor = images, labels: Tensor = labels
        ) -> tuple[Examples, Examples]:
            size = min(batch_size, len(images))
            new = sample_minibatch(images, labels, batch_size=size, generator=g)[:2]
            if buffer is None or len(buffer) == 0:
                return new, (torch.empty(0), torch.empty(0, dtype=torch.int64))
            old_images, old_labels = buffer.sample(min(batch_size, len(buffer)))
            return new, (as_float(old_images), old_labels)

        fitted = fit(
            lambda p, batch: replay_loss(model, p, *batch, ratio=ratio),
            params,
            sample,
            n_steps=n_steps,
            outer_lr=cosine(outer_lr, n_steps),
            generator=generator,
            progress=f"{progress}, task {number + 1} of {len(tasks)}" if progress else None,
        )
        params = fitted.params
        history += fitted.history
        if buffer is not None:  # after the task: each of its images passes by once
            buffer.add(images, labels)
        rows.append(test(params))
    return torch.stack(rows), history


def _recalls(
    model: ConvNet, test: ImageSet, tasks: Sequence[Sequence[int]], params: Params
) -> Tensor:
    """Return `[n_tasks]`, the accuracy on the test images of each task's classes."""
    right = (predict(model, params, test.images).argmax(1) == test.labels).double()
    return torch.stack([right[torch.isin(test.labels, torch.tensor(t))].mean() for t in tasks])


def _each(measure: Callable[[Tensor], float], seeds: Tensor) -> Tensor:
    return torch.tensor([measure(matrix) for matrix in seeds], dtype=torch.float64)
