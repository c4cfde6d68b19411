from itertools import chain

import pytest
import torch

from medmeta_ref.reptile import adapt_on_minibatches, reptile_update
from tests.quadratics import Nothing, double


def assert_updates(update):
    """Judge a Reptile update by plain numbers."""
    params = {"a": double(1.0, 2.0), "b": double(-1.0)}
    tasks = [{"a": double(3.0, 2.0), "b": double(0.0)}, {"a": double(5.0, 0.0), "b": double(4.0)}]
    mean = {"a": (4.0, 1.0), "b": (2.0,)}
    for outer_lr in (0.0, 0.25, 1.0):
        got = update(params, tasks, outer_lr=outer_lr)
        for name, p in params.items():
            wanted = [x + outer_lr * (m - x) for x, m in zip(p.tolist(), mean[name], strict=True)]
            assert got[name].tolist() == pytest.approx(wanted)
    assert params["a"].tolist() == [1.0, 2.0]


def away(params, adapted, *, outer_lr):
    return reptile_update(params, adapted, outer_lr=-outer_lr)


def last_task_only(params, adapted, *, outer_lr):
    return reptile_update(params, adapted[-1:], outer_lr=outer_lr)


def summed(params, adapted, *, outer_lr):
    return reptile_update(params, adapted, outer_lr=outer_lr * len(adapted))


def one_after_the_other(params, adapted, *, outer_lr):
    for task in adapted:
        params = reptile_update(params, [task], outer_lr=outer_lr)
    return params


def swapped_weights(params, adapted, *, outer_lr):
    return reptile_update(params, adapted, outer_lr=1 - outer_lr)


def in_place(params, adapted, *, outer_lr):
    return {
        n: p.copy_(reptile_update(params, adapted, outer_lr=outer_lr)[n]) for n, p in params.items()
    }


def test_update_moves_towards_the_mean_of_the_tasks():
    assert_updates(reptile_update)


@pytest.mark.parametrize(
    "wrong", [away, last_task_only, summed, one_after_the_other, swapped_weights, in_place]
)
def test_judge_of_the_update_rejects(wrong):
    with pytest.raises(AssertionError):
        assert_updates(wrong)


def mean_bowl(model, params, h, c):
    """The mean of bowls h (θ - c)² / 2, one per example, so that minibatches are bowls as well."""
    return 0.5 * (h * (params["theta"] - c) ** 2).mean()


def run(theta, h, c, *, inner_steps, batch_size, seed, inner_lr=0.1):
    generator = torch.Generator().manual_seed(seed)
    settings = {"inner_lr": inner_lr, "inner_steps": inner_steps, "batch_size": batch_size}
    return adapt_on_minibatches(
        Nothing(), {"theta": theta}, h, c, **settings, generator=generator, loss=mean_bowl
    )["theta"]


def test_one_step_over_tasks_is_joint_gradient_descent():
    theta = double(1.0)
    tasks = [(double(1.0, 3.0), double(0.0, 2.0)), (double(2.0, 2.0), double(-1.0, 1.0))]
    ends = [{"theta": run(theta, h, c, inner_steps=1, batch_size=2, seed=0)} for h, c in tasks]
    got = reptile_update({"theta": theta}, ends, outer_lr=0.5)["theta"]
    joint = sum((h * (theta - c)).mean() for h, c in tasks) / 2
    torch.testing.assert_close(got, theta - 0.5 * 0.1 * joint)


def test_two_steps_on_two_minibatches_leave_the_curvature_term():
    """(φ - U) / α = g1 + g2 - α h2 g1: exact for bowls, whichever minibatch comes first."""
    theta, h, c = double(1.0), double(1.0, 5.0), double(3.0, -2.0)
    got = (theta - run(theta, h, c, inner_steps=2, batch_size=1, seed=0)) / 0.1
    g = h * (theta - c)
    orders = [g.sum() - 0.1 * h[second] * g[first] for first, second in ((0, 1), (1, 0))]
    assert min(abs(got - wanted).item() for wanted in orders) < 1e-12


def test_inner_gradient_product_is_recovered_by_averaging_over_orders():
    """E[(φ - U) / α] = 2 AvgGrad - α AvgGradInner for two steps (section 5.1 of the paper)."""
    theta, h, c, alpha = double(1.0), double(1.0, 5.0), double(3.0, -2.0), 1e-4
    runs = [
        (theta - run(theta, h, c, inner_steps=2, batch_size=1, seed=s, inner_lr=alpha)) / alpha
        for s in range(40)
    ]
    assert len({round(r.item(), 9) for r in runs}) == 2, "both orders occur"
    both = torch.stack([min(runs), max(runs)]).mean()
    g = h * (theta - c)
    inner = (h[1] * g[0] + h[0] * g[1]) / 2
    torch.testing.assert_close(both, 2 * g.mean() - alpha * inner, rtol=1e-9, atol=0)


def test_minibatches_differ_until_the_examples_run_out():
    seen = []

    def spy(model, params, x, y):
        seen.append(sorted(x.tolist()))
        return (params["theta"] * 0).sum()

    x = torch.arange(6, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    settings = {"inner_lr": 0.1, "inner_steps": 6, "batch_size": 2, "generator": generator}
    adapt_on_minibatches(Nothing(), {"theta": double(0.0)}, x, x, **settings, loss=spy)
    first, second = (sorted(chain(*seen[k : k + 3])) for k in (0, 3))
    assert first == second == x.tolist()


def test_same_generator_gives_the_same_path_and_no_graph():
    theta, h, c = double(1.0).requires_grad_(), double(1.0, 5.0, 2.0), double(3.0, -2.0, 0.0)
    one, two, other = (run(theta, h, c, inner_steps=4, batch_size=1, seed=s) for s in (0, 0, 3))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert not one.requires_grad


@pytest.mark.parametrize("batch_size", [0, 4])
def test_batch_size_beyond_the_task_is_refused(batch_size):
    with pytest.raises(ValueError, match=rf"batch_size must be in 1\.\.3.*got {batch_size}"):
        run(double(1.0), torch.ones(3), torch.ones(3), inner_steps=1, batch_size=batch_size, seed=0)


def test_no_task_is_refused():
    with pytest.raises(ValueError, match="adapted is empty"):
        reptile_update({"a": double(1.0)}, [], outer_lr=0.1)


def test_other_parameter_names_are_named():
    with pytest.raises(
        ValueError, match=r"adapted\[0\] and params differ in the names \['a', 'b'\]"
    ):
        reptile_update({"a": double(1.0)}, [{"b": double(1.0)}], outer_lr=0.1)
