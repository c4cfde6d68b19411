"""Unit 05 gives full points to right answers, however they are written."""

import pytest
import torch

from medmeta_ref import inner_loop
from medmeta_ref.grading.spec_runner import run_spec
from tests.quadratics import Nothing


def gradient_by_autograd(theta, a, c, b, d, *, inner_lr, inner_steps):
    start = theta.clone().requires_grad_()
    end = start
    for _ in range(inner_steps):
        end = end - inner_lr * (a @ (end - c))
    height = (end - d) @ b @ (end - d) / 2
    return torch.autograd.grad(height, start)[0]


def gradient_by_eigenvectors(theta, a, c, b, d, *, inner_lr, inner_steps):
    heights, axes = torch.linalg.eigh(a)
    factors = (1 - inner_lr * heights) ** inner_steps
    end = c + axes @ (factors * (axes.T @ (theta - c)))
    return axes @ (factors * (axes.T @ (b @ (end - d))))


def step_by_func(loss, params, *, inner_lr, create_graph, frozen=()):
    """By torch.func.grad: what is not used has a slope of zeros there."""
    slopes = torch.func.grad(loss)(params)
    after = {}
    for name, p in params.items():
        slope = slopes[name] if create_graph else slopes[name].detach()
        after[name] = p if name in frozen else torch.sub(p, slope, alpha=inner_lr)
    return after


def step_by_masks(loss, params, *, inner_lr, create_graph, frozen=()):
    """Frozen parameters take a step of rate 0."""
    slopes = torch.autograd.grad(
        loss(params), list(params.values()), create_graph=create_graph, materialize_grads=True
    )
    rates = [0.0 if name in frozen else inner_lr for name in params]
    pairs = zip(params.items(), slopes, rates, strict=True)
    return {name: p - rate * slope for (name, p), slope, rate in pairs}


def library_unrolled(loss, params, *, inner_lr, inner_steps, through):
    """The library's inner loop, first the forgotten steps, then the remembered ones."""

    def steps(params, n, first_order):
        how = {"inner_lr": inner_lr, "inner_steps": n, "first_order": first_order}
        nothing = torch.zeros(0)
        return inner_loop.adapt(
            Nothing(), params, nothing, nothing, **how, loss=lambda model, p, x, y: loss(p)
        )

    return steps(steps(params, inner_steps - through, True), through, False)


def recursive_unrolled(loss, params, *, inner_lr, inner_steps, through):
    if inner_steps == 0:
        return params
    how = {"inner_lr": inner_lr, "create_graph": inner_steps <= through}
    moved = step_by_masks(loss, params, **how)
    return recursive_unrolled(
        loss, moved, inner_lr=inner_lr, inner_steps=inner_steps - 1, through=through
    )


def product_by_jvp(loss, params, direction):
    """Forward over reverse."""
    return torch.func.jvp(torch.func.grad(loss), (params,), (direction,))[1]


def product_by_cotangents(loss, params, direction):
    """The direction goes in as grad_outputs."""
    values = list(params.values())
    slopes = torch.autograd.grad(loss(params), values, create_graph=True, materialize_grads=True)
    # What is constant has no graph to go back through.
    known = [(s, direction[name]) for name, s in zip(params, slopes, strict=True) if s.grad_fn]
    outputs, cotangents = zip(*known, strict=True)
    products = torch.autograd.grad(outputs, values, cotangents, materialize_grads=True)
    return dict(zip(params, products, strict=True))


def rate_of_a_vector(loss, params, direction, *, n_iterations):
    """All parameters as one long vector, and the length of the product as the curvature."""
    sizes = [p.numel() for p in params.values()]
    vector = torch.cat([v.flatten() for v in direction.values()])
    for _ in range(n_iterations):
        parts = (vector / vector.norm()).split(sizes)
        pairs = zip(params.items(), parts, strict=True)
        unit = {name: part.view_as(p) for (name, p), part in pairs}
        product = product_by_jvp(loss, params, unit)
        vector = torch.cat([v.flatten() for v in product.values()])
    return 2 / vector.norm().item()


def test_by_symmetry_and_differences(product):
    """A learner's test without the Hessian on paper."""
    theta, v = torch.tensor([[0.8, -1.1, 0.3], [1.0, 2.0, -0.5]]).double()

    def slope(t):
        return t**3 + t.sum()

    wanted = (slope(theta + 1e-5 * v) - slope(theta - 1e-5 * v)) / 2e-5
    assert (product(theta, v) - wanted).abs().max() < 1e-6
    w = torch.tensor([0.2, 0.7, -1.0]).double()
    assert abs(product(theta, v) @ w - product(theta, w) @ v) < 1e-6


test_by_symmetry_and_differences.__test__ = False  # an answer, not a test of this file

RIGHT = {
    "gradient_on_bowls": (gradient_by_autograd, gradient_by_eigenvectors),
    "inner_step": (step_by_func, step_by_masks),
    "unrolled": (library_unrolled, recursive_unrolled),
    "hessian_product": (product_by_jvp, product_by_cotangents),
    "stable_rate": (rate_of_a_vector,),
    "product_test": (test_by_symmetry_and_differences,),
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "function"), [(name, f) for name, each in RIGHT.items() for f in each]
)
def test_right_answer_written_differently_gets_every_point(name, function, seed):
    result = run_spec(f"05.{name}", function, seed=seed)
    assert result.points == result.max_points, result
