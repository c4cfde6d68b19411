"""Distillation by hand: plain Python numbers, loops and `math`, no tensor operation."""

import math

import torch
from torch import Tensor


def logits(*shape: int, generator: torch.Generator) -> Tensor:
    """Return random float64 logits of standard deviation 2."""
    return 2 * torch.randn(*shape, generator=generator, dtype=torch.float64)


def far_apart(rows: list[list[float]], *, generator: torch.Generator) -> Tensor:
    """Return rows of logits, each moved a little at random; float32 holds them exactly."""
    moved = torch.tensor(rows, dtype=torch.float64)
    return moved + (64 * logits(*moved.shape, generator=generator)).round() / 64


def softmax(row: list[float], temperature: float = 1.0) -> list[float]:
    """Return exp(z/T) / sum exp(z/T), shifted by the largest so that nothing overflows."""
    top = max(row)
    powers = [math.exp((z - top) / temperature) for z in row]
    return [p / sum(powers) for p in powers]


def log_softmax(row: list[float], temperature: float = 1.0) -> list[float]:
    """Return z/T - log sum exp(z/T), shifted likewise: finite where the softmax is 0."""
    top = max(row)
    log_sum = math.log(sum(math.exp((z - top) / temperature) for z in row))
    return [(z - top) / temperature - log_sum for z in row]


def soft_targets(logits: Tensor, temperature: float) -> Tensor:
    """Return the softmax of every row at a temperature."""
    return torch.tensor([softmax(row, temperature) for row in logits.tolist()], dtype=torch.float64)


def divergence(teacher: Tensor, student: Tensor, temperature: float) -> float:
    """Return the batch mean of KL(teacher || student) at a temperature, without T²."""
    total = 0.0
    for v, z in zip(teacher.tolist(), student.tolist(), strict=True):
        p = softmax(v, temperature)
        log_p, log_q = log_softmax(v, temperature), log_softmax(z, temperature)
        total += sum(p[c] * (log_p[c] - log_q[c]) for c in range(len(p)))
    return total / len(student)


def cross_entropy(student: Tensor, labels: Tensor, temperature: float = 1.0) -> float:
    """Return the batch mean of -log q(label)."""
    rows = zip(student.tolist(), labels.tolist(), strict=True)
    total: float = sum(log_softmax(z, temperature)[y] for z, y in rows)
    return -total / len(student)
