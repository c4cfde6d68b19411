"""Right answers written another way get every point: by the library, by loops, by torch.func."""

import pytest
import torch

from medmeta_ref import inner_loop, maml
from medmeta_ref.episodes import Episode
from medmeta_ref.grading.spec_runner import run_spec
from tests.quadratics import Nothing


def of_model(loss):
    """Return a loss as the library wants it, of a model that is not asked."""
    return lambda model, params, x, y: loss(params, x, y)


def library_adapt(loss, params, support_x, support_y, **how):
    return inner_loop.adapt(Nothing(), params, support_x, support_y, loss=of_model(loss), **how)


def library_loss(loss, params, tasks, **how):
    each = [
        maml.maml_loss(Nothing(), params, Episode(*t), loss=of_model(loss), **how) for t in tasks
    ]
    return sum(each) / len(each)


def library_gradient(loss, params, tasks, **how):
    pairs = [
        maml.maml_gradient(Nothing(), params, Episode(*t), loss=of_model(loss), **how)
        for t in tasks
    ]
    values, gradients = zip(*pairs, strict=True)
    mean = {name: sum(g[name] for g in gradients) / len(tasks) for name in params}
    return sum(values) / len(tasks), mean


def functional_adapt(
    loss, params, support_x, support_y, *, inner_lr, inner_steps, first_order=False
):
    """By torch.func.grad, recursively."""
    if inner_steps == 0:
        return params
    slopes = torch.func.grad(loss)(params, support_x, support_y)
    if first_order:
        slopes = {name: slope.detach() for name, slope in slopes.items()}
    moved = {name: torch.sub(p, slopes[name], alpha=inner_lr) for name, p in params.items()}
    how = {"inner_lr": inner_lr, "inner_steps": inner_steps - 1, "first_order": first_order}
    return functional_adapt(loss, moved, support_x, support_y, **how)


def gradient_by_backward(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """By backward(), task after task, on parameters of its own."""
    own = {name: p.detach().clone().requires_grad_() for name, p in params.items()}
    total = 0.0
    how = {"inner_lr": inner_lr, "inner_steps": inner_steps, "first_order": first_order}
    for xs, ys, xq, yq in tasks:
        share = loss(functional_adapt(loss, own, xs, ys, **how), xq, yq) / len(tasks)
        share.backward()
        total += share.item()
    return total, {name: p.grad for name, p in own.items()}


def start_by_loops(curvatures, centres, *, inner_lr, inner_steps):
    over, under = 0.0, 0.0
    for h, c in zip(curvatures.tolist(), centres.tolist(), strict=True):
        left = 1.0
        for _ in range(inner_steps):
            left *= 1 - inner_lr * h
        over, under = over + h * left * left * c, under + h * left * left
    return over / under


def by_finite_differences(meta_gradient):
    """The learner's test without any formula for the gradient."""
    generator = torch.Generator().manual_seed(3)
    tasks = []
    for _ in range(2):
        h, b, c, d = torch.rand(4, 2, generator=generator, dtype=torch.float64)
        tasks.append((torch.diag(h), c, torch.diag(b), d))
    theta = torch.tensor([2.0, -1.0], dtype=torch.float64)

    def after(start):
        total = 0.0
        for a, c, b, d in tasks:
            end = start
            for _ in range(3):
                end = end - 0.4 * a @ (end - c)
            total += ((end - d) @ b @ (end - d)).item() / 4
        return total

    moves = 1e-5 * torch.eye(2, dtype=torch.float64)
    slopes = torch.tensor([(after(theta + m) - after(theta - m)) / 2e-5 for m in moves])
    got = meta_gradient(theta, tasks, inner_lr=0.4, inner_steps=3)
    assert (got - slopes).abs().max() < 1e-4


VARIANTS = [
    ("06.best_start", start_by_loops),
    ("06.adapt", library_adapt),
    ("06.adapt", functional_adapt),
    ("06.maml_loss", library_loss),
    ("06.maml_gradient", library_gradient),
    ("06.maml_gradient", gradient_by_backward),
    ("06.gradient_test", by_finite_differences),
]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("exercise", "answer"), VARIANTS, ids=lambda x: getattr(x, "__name__", x))
def test_right_answer_gets_every_point_however_it_is_written(exercise, answer, seed):
    result = run_spec(exercise, answer, seed=seed)
    assert result.points == result.max_points, result
