"""Fusion of views by hand: voxel by voxel, example by example, in plain numbers.

The gradient of a gated mean is written out: d z / d z_v = g_v, d z / d a_v = g_v (z_v - z).
"""

import math

import torch
from torch import Tensor

from medmeta_ref.grading.sandbox.adapters import Fn


def draw(*shape: int, generator: torch.Generator) -> Tensor:
    """Return random normal numbers in float64."""
    numbers: Tensor = torch.randn(*shape, generator=generator, dtype=torch.float64)
    return numbers


def some_mask(n_views: int, n_examples: int, *, generator: torch.Generator) -> Tensor:
    """Return a mask: the first example has all views, every other misses one to all but one."""
    columns = [torch.ones(n_views, dtype=torch.bool)]
    for i in range(1, n_examples):
        n_missing = 1 + (i - 1) % (n_views - 1)
        column = torch.ones(n_views, dtype=torch.bool)
        column[torch.randperm(n_views, generator=generator)[:n_missing]] = False
        columns.append(column)
    return torch.stack(columns, 1)


def gates(mask: Tensor, logits: Tensor) -> Tensor:
    """Return e^a over its sum, over the present views of each example."""
    found = torch.zeros_like(logits)
    for i in range(mask.shape[1]):
        here = [v for v in range(len(mask)) if mask[v, i]]
        top = max(logits[v, i].item() for v in here)
        raised = {v: math.exp(logits[v, i].item() - top) for v in here}
        for v in here:
            found[v, i] = raised[v] / math.fsum(raised.values())
    return found


def fused(features: Tensor, mask: Tensor, shares: Tensor) -> Tensor:
    """Return the sum of share times features over the views in the mask."""
    _, n_examples, n_features = features.shape
    rows = [
        [
            math.fsum(
                shares[v, i].item() * features[v, i, k].item()
                for v in range(len(mask))
                if mask[v, i]
            )
            for k in range(n_features)
        ]
        for i in range(n_examples)
    ]
    return torch.tensor(rows, dtype=torch.float64)


class Network:
    """Logits that add up over the present views: mask times (features weights + bias).

    Args:
        n_views: number of views.
        n_features: features of a view.
        n_classes: number of classes.
        generator: draws the weights.
    """

    def __init__(
        self, n_views: int, n_features: int, n_classes: int, *, generator: torch.Generator
    ) -> None:
        self.weights = draw(n_views, n_features, n_classes, generator=generator)
        self.biases = draw(n_views, n_classes, generator=generator)

    @property
    def predict(self) -> Fn:
        """The same network as the learner's function gets it."""
        return Fn("sum_of_present", (self.weights, self.biases))

    def losses(self, features: Tensor, mask: Tensor, labels: Tensor) -> list[float]:
        """Return the cross-entropy of every example."""
        found = []
        for i, label in enumerate(labels.tolist()):
            logits = [0.0] * self.biases.shape[1]
            for v in range(len(mask)):
                if mask[v, i]:
                    view = (features[v, i] @ self.weights[v] + self.biases[v]).tolist()
                    logits = [a + b for a, b in zip(logits, view, strict=True)]
            found.append(math.log(math.fsum(math.exp(a - logits[label]) for a in logits)))
        return found
