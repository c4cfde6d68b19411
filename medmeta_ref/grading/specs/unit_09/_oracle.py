"""Fusion by hand: pools number by number, folds row by row, a recurrent cell by its own loop.

Nothing here uses the vectorised forms that learners write, nor autograd: the gradient through the
cell is the textbook's backpropagation through time, for one example after the other.
"""

import math

import torch
from torch import Tensor

from medmeta_ref.grading.sandbox.adapters import Fn


def draw(*shape: int, generator: torch.Generator) -> Tensor:
    """Return random normal numbers in float64."""
    numbers: Tensor = torch.randn(*shape, generator=generator, dtype=torch.float64)
    return numbers


def panel(n_models: int, n_examples: int, n_classes: int, *, generator: torch.Generator) -> Tensor:
    """Return probabilities `[n_models, n_examples, n_classes]` of members that disagree."""
    raised = draw(n_models, n_examples, n_classes, generator=generator).mul(1.5).exp()
    return raised / raised.sum(2, keepdim=True)


def some_weights(n_models: int, *, generator: torch.Generator) -> Tensor:
    """Return weights that differ and do not sum to 1."""
    numbers: Tensor = torch.rand(n_models, generator=generator, dtype=torch.float64)
    return 0.5 + torch.arange(n_models, dtype=torch.float64) + 0.5 * numbers


def arithmetic(probabilities: Tensor, weights: Tensor) -> Tensor:
    """Return the arithmetic pool, number by number."""
    table, loud = probabilities.tolist(), weights.tolist()
    _, n_examples, n_classes = probabilities.shape
    rows = [
        [
            math.fsum(w * member[i][c] for w, member in zip(loud, table, strict=True))
            / math.fsum(loud)
            for c in range(n_classes)
        ]
        for i in range(n_examples)
    ]
    return torch.tensor(rows, dtype=torch.float64)


def products(probabilities: Tensor, exponents: Tensor) -> Tensor:
    """Return the products of powers, `[n_examples, n_classes]`, not normalised."""
    table, powers = probabilities.tolist(), exponents.tolist()
    _, n_examples, n_classes = probabilities.shape
    rows = [
        [
            math.prod(member[i][c] ** w for w, member in zip(powers, table, strict=True))
            for c in range(n_classes)
        ]
        for i in range(n_examples)
    ]
    return torch.tensor(rows, dtype=torch.float64)


def of_sum_one(rows: Tensor) -> Tensor:
    """Return the rows divided by their sums."""
    return rows / rows.sum(1, keepdim=True)


def votes(train_x: Tensor, train_labels: Tensor, new_x: Tensor, n_classes: int) -> Tensor:
    """Return what `neighbour_vote` says, example by example and vote by vote."""
    rows = []
    for query in new_x.tolist():
        shares = [0.0] * n_classes
        for point, label in zip(train_x.tolist(), train_labels.tolist(), strict=True):
            far = math.fsum((a - b) ** 2 for a, b in zip(query, point, strict=True))
            shares[label] += math.exp(-far)
        rows.append([share / math.fsum(shares) for share in shares])
    return torch.tensor(rows, dtype=torch.float64)


def vote_of(n_classes: int) -> Fn:
    """Return the member that every training example votes in, near ones louder."""
    return Fn("neighbour_vote", (n_classes,))


class Cell:
    """A tanh cell, s' = tanh(W z + U s), in plain numbers.

    Args:
        n_features: size of z.
        n_hidden: size of s.
        generator: draws W and U.
    """

    def __init__(self, n_features: int, n_hidden: int, *, generator: torch.Generator) -> None:
        self.weight = 0.7 * draw(n_hidden, n_features, generator=generator)
        self.recurrent = 0.7 * draw(n_hidden, n_hidden, generator=generator)

    @property
    def step(self) -> Fn:
        """The same cell as the learner's function gets it."""
        return Fn("tanh_step", (self.weight, self.recurrent))

    def states(self, start: Tensor, slices: Tensor) -> list[Tensor]:
        """Return the states `[n_hidden]` before the first and after each of the slices."""
        passed = [start]
        for z in slices:
            passed.append(torch.tanh(self.weight @ z + self.recurrent @ passed[-1]))
        return passed

    def read(self, start: Tensor, features: Tensor, lengths: Tensor) -> Tensor:
        """Return the state of every example after its own last slice, `[n, n_hidden]`."""
        ends = [
            self.states(s, slices[:length])[-1]
            for s, slices, length in zip(start, features, lengths.tolist(), strict=True)
        ]
        return torch.stack(ends)

    def slopes(self, start: Tensor, features: Tensor, lengths: Tensor, weights: Tensor) -> Tensor:
        """Return the gradient of sum(weights * read) in the features, 0 in the padding."""
        found = torch.zeros_like(features)
        for i, length in enumerate(lengths.tolist()):
            passed = self.states(start[i], features[i, :length])
            behind = weights[i]
            for t in range(length, 0, -1):
                inner = behind * (1 - passed[t] ** 2)
                found[i, t - 1] = self.weight.T @ inner
                behind = self.recurrent.T @ inner
        return found
