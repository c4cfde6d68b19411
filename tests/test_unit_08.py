"""Unit 08 gives full points to right answers, however they are written."""

import math

import pytest
import torch

from medmeta_ref import maml_pp
from medmeta_ref.episodes import Episode
from medmeta_ref.grading.spec_runner import run_spec
from tests.quadratics import Nothing


def weights_epoch_by_epoch(inner_steps, epoch, anneal_epochs):
    weights, floor = [1 / inner_steps] * inner_steps, 0.03 / inner_steps
    for _ in range(epoch):
        for step in range(inner_steps - 1):
            given = min(1 / (inner_steps * anneal_epochs), weights[step] - floor)
            weights[step] -= given
            weights[-1] += given
    return torch.tensor(weights, dtype=torch.float64)


def weights_by_clamp(inner_steps, epoch, anneal_epochs):
    early = (1 - torch.tensor(epoch / anneal_epochs)).clamp(min=0.03) / inner_steps
    weights = early.repeat(inner_steps)
    weights[-1] = 1 - weights[:-1].sum()
    return weights


def loss_by_the_library(loss, params, rates, tasks, *, weights, first_order=False):
    each = [
        maml_pp.maml_pp_loss(
            Nothing(),
            params,
            Episode(*task),
            inner_rates=rates,
            step_weights=weights,
            first_order=first_order,
            loss=lambda model, p, x, y: loss(p, x, y),
        )
        for task in tasks
    ]
    return torch.stack(each).mean()


def loss_by_recursion(loss, params, rates, tasks, *, weights, first_order=False):
    """By torch.func.grad; the rates are peeled off step by step."""

    def rest(here, step, task):
        if step == len(weights):
            return 0.0
        slopes = torch.func.grad(loss)(here, task[0], task[1])
        if first_order:
            slopes = {name: slope.detach() for name, slope in slopes.items()}
        there = {name: p - slopes[name] * rates[name][step] for name, p in here.items()}
        return weights[step] * loss(there, task[2], task[3]) + rest(there, step + 1, task)

    return sum(rest(params, 0, task) for task in tasks) / len(tasks)


def norm_by_einsum(x, means, variances, step, *, training, momentum=0.1):
    row = step if step < len(means) else len(means) - 1
    columns = x.transpose(0, 1).flatten(1)
    mean, variance = means[row], variances[row]
    if training:
        mean, n = columns.mean(1), columns.shape[1]
        variance = torch.einsum("cn,cn->c", columns, columns) / n - mean**2
        one = torch.eye(len(means), dtype=x.dtype)[row].unsqueeze(1)
        means = means + momentum * one * (mean - means)
        variances = variances + momentum * one * (variance * n / (n - 1) - variances)
    scale = torch.rsqrt(variance + 1e-5)
    return torch.einsum("nchw,c->nchw", x - mean.view(1, -1, 1, 1), scale), means, variances


def norm_in_place(x, means, variances, step, *, training, momentum=0.1):
    """Writes into the tables that it got: they are its own copies at grading."""
    row = min(step, means.shape[0] - 1)
    out = torch.nn.functional.batch_norm(
        x, means[row], variances[row], training=training, momentum=momentum
    )
    return out, means, variances


def schedules_by_sine(epoch, *, n_epochs, switch_epoch, outer_lr, lowest_lr):
    fallen = math.sin(math.pi * epoch / n_epochs / 2) ** 2
    return not epoch >= switch_epoch, outer_lr - (outer_lr - lowest_lr) * fallen


def schedules_with_a_tensor(epoch, *, n_epochs, switch_epoch, outer_lr, lowest_lr):
    turn = torch.cos(torch.tensor(math.pi * epoch / n_epochs))
    return switch_epoch > epoch, lowest_lr + (outer_lr - lowest_lr) * (1 + turn) / 2


def norm_test_by_changing_numbers(norm):
    """No value is worked out by hand: what has to change, and what must not."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(6, 2, 2, 2, generator=generator)
    means, variances = torch.randn(3, 2, generator=generator), torch.ones(3, 2)
    how = {"momentum": 0.2}

    plain, *stored = norm(x, means, variances, 2, training=False, **how)
    assert torch.equal(stored[0], means)
    assert torch.equal(stored[1], variances)
    for row, matters in enumerate((False, False, True)):
        other = means.clone()
        other[row] += 1
        moved, *_ = norm(x, other, variances, 2, training=False, **how)
        assert torch.allclose(moved, plain) is not matters

    _, seen, _ = norm(x, means, variances, 2, training=True, **how)
    assert torch.allclose(seen[:2], means[:2])
    assert torch.allclose(seen[2], 0.8 * means[2] + 0.2 * x.mean((0, 2, 3)), atol=1e-5)


RIGHT = {
    "multi_step_weights": (weights_epoch_by_epoch, weights_by_clamp, maml_pp.multi_step_weights),
    "multi_step_loss": (loss_by_the_library, loss_by_recursion),
    "per_step_norm": (norm_by_einsum, norm_in_place),
    "schedules": (schedules_by_sine, schedules_with_a_tensor),
    "norm_test": (norm_test_by_changing_numbers,),
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "function"), [(name, f) for name, each in RIGHT.items() for f in each]
)
def test_right_answer_written_differently_gets_every_point(name, function, seed):
    result = run_spec(f"08.{name}", function, seed=seed)
    assert result.points == result.max_points, result
