"""Unit 07 gives full points to right answers, however they are written."""

import pytest
import torch

from medmeta_ref import feature_reuse, inner_loop, reptile
from medmeta_ref.grading.spec_runner import run_spec
from tests.quadratics import Nothing


def update_as_pseudo_gradient(params, adapted, *, outer_lr):
    """By SGD on params - mean of adapted, as section 2 of the paper puts it."""
    leaves = {name: p.detach().clone().requires_grad_() for name, p in params.items()}
    for name, leaf in leaves.items():
        leaf.grad = sum(params[name] - end[name] for end in adapted) / len(adapted)
    torch.optim.SGD(leaves.values(), lr=outer_lr).step()
    return {name: leaf.detach() for name, leaf in leaves.items()}


def update_by_lerp(params, adapted, *, outer_lr):
    means = {n: sum(end[n] for end in adapted) / len(adapted) for n in params}
    return {n: torch.lerp(p, means[n], outer_lr) for n, p in params.items()}


def step_by_autograd(loss, params, tasks, *, inner_lr, outer_lr):
    """By backward() and an optimiser, on copies of its own."""
    ways = {name: torch.zeros_like(p) for name, p in params.items()}
    for minibatches in tasks:
        own = {name: p.detach().clone().requires_grad_() for name, p in params.items()}
        sgd = torch.optim.SGD(own.values(), lr=inner_lr)
        for x, y in minibatches:
            sgd.zero_grad()
            loss(own, x, y).backward()
            sgd.step()
        for name, p in params.items():
            ways[name] += (own[name] - p).detach() / len(tasks)
    return {name: p.detach() + outer_lr * ways[name] for name, p in params.items()}


def step_by_the_library(loss, params, tasks, *, inner_lr, outer_lr):
    ends = []
    for minibatches in tasks:
        end = params
        for x, y in minibatches:
            how = {"inner_lr": inner_lr, "inner_steps": 1, "loss": lambda m, *args: loss(*args)}
            end = inner_loop.adapt(Nothing(), end, x, y, **how)
        ends.append(end)
    return reptile.reptile_update(params, ends, outer_lr=outer_lr)


def rest_by_loops(curvatures, centres, *, inner_lr, inner_steps):
    """Each step walks a share of what the steps before have left."""
    over = under = 0.0
    for h, c in zip(curvatures.tolist(), centres.tolist(), strict=True):
        walked = sum(inner_lr * h * (1 - inner_lr * h) ** k for k in range(inner_steps))
        over, under = over + walked * c, under + walked
    return over / under


def anil_by_the_library(loss, params, support_x, support_y, **how):
    return inner_loop.adapt(
        Nothing(), params, support_x, support_y, loss=lambda m, *args: loss(*args), **how
    )


def anil_by_masks(loss, params, support_x, support_y, *, inner_lr, inner_steps, head):
    """Every gradient is taken, and those outside the head are multiplied by 0."""
    rate = {n: inner_lr * (n.split(".")[0] == head) for n in params}
    for _ in range(inner_steps):
        slopes = torch.func.grad(loss)(params, support_x, support_y)
        params = {n: p - rate[n] * slopes[n] for n, p in params.items()}
    return params


def cka_by_gram_matrices(x, y):
    n = len(x)
    centring = torch.eye(n, dtype=x.dtype) - 1 / n
    k, l_ = centring @ x @ x.T @ centring, centring @ y @ y.T @ centring
    return torch.trace(k @ l_) / (torch.trace(k @ k) * torch.trace(l_ @ l_)).sqrt()


def cka_by_covariances(x, y):
    p, joint = x.shape[1], torch.cov(torch.cat([x, y], 1).T)
    own_x, own_y, cross = joint[:p, :p], joint[p:, p:], joint[:p, p:]
    return float((cross**2).sum() / ((own_x**2).sum() * (own_y**2).sum()) ** 0.5)


def checked_by_walking(step):
    """The learner's test without any matrix power."""
    tasks = [
        (torch.tensor([[2.0, 0.5], [0.5, 1.0]]).double(), torch.tensor([1.0, 0.0]).double()),
        (torch.tensor([[0.5, 0.0], [0.0, 3.0]]).double(), torch.tensor([0.0, -1.0]).double()),
    ]
    theta, ends = torch.tensor([3.0, 2.0], dtype=torch.float64), []
    for a, c in tasks:
        end = theta
        for _ in range(2):
            end = end - 0.25 * a @ (end - c)
        ends.append(end)
    got = step(theta, tasks, inner_lr=0.25, inner_steps=2, outer_lr=0.5)
    assert (got - (theta + (ends[0] + ends[1]) / 2) / 2).abs().max() < 1e-9


RIGHT = {
    "reptile_update": (reptile.reptile_update, update_as_pseudo_gradient, update_by_lerp),
    "reptile_step": (step_by_autograd, step_by_the_library),
    "reptile_rest": (rest_by_loops,),
    "anil_adapt": (anil_by_the_library, anil_by_masks),
    "linear_cka": (feature_reuse.linear_cka, cka_by_gram_matrices, cka_by_covariances),
    "reptile_test": (checked_by_walking,),
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "function"), [(name, f) for name, each in RIGHT.items() for f in each]
)
def test_right_answer_written_differently_gets_every_point(name, function, seed):
    result = run_spec(f"07.{name}", function, seed=seed)
    assert result.points == result.max_points, result


def test_rest_is_joint_training_for_one_step_and_the_mean_of_the_centres_for_many():
    """The two limits that the exercise's text states."""
    h, c = torch.tensor([1.0, 9.0]).double(), torch.tensor([0.0, 1.0]).double()
    assert rest_by_loops(h, c, inner_lr=0.1, inner_steps=1) == pytest.approx(0.9)
    assert rest_by_loops(h, c, inner_lr=0.1, inner_steps=500) == pytest.approx(0.5)
