"""The key of the bug hunt of unit 06, proved by running the listing that learners read.

For each symptom: it is there in the listing, mending its line makes it vanish, and mending all the
other lines does not.
"""

import pytest
import torch

from medmeta_ref.grading.specs.unit_06.bug_lines import KEY
from tests.listings import function_of, listing
from tests.quadratics import meta_gradient_by_hand, random_task

UNIT = "06_maml"
MENDED = {
    5: "        for _ in range(inner_steps):",
    7: "            grads = torch.autograd.grad(inner, fast.values(), create_graph=True)",
    9: "        outer = loss(fast, xq, yq)",
    10: "        (outer / len(tasks)).backward()",
    11: "    optimizer.step()",
}


def step_with(*mended):
    return function_of(UNIT, MENDED, mended=mended, names={"torch": torch})


def bowl(params, curvature, centre):
    away = params["theta"] - centre
    return 0.5 * away @ curvature @ away


def drawn(n_tasks, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [random_task(generator) for _ in range(n_tasks)]


def run(step, tasks, *, outer_lr=0.0, inner_lr=0.2, inner_steps=3, start=(1.0, -1.0, 0.5)):
    """Return what the listing returns, the gradient it leaves, and where it moves the parameters.

    An outer learning rate of 0 keeps the parameters where they are.
    """
    theta = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([theta], lr=outer_lr)
    returned = step(bowl, {"theta": theta}, tasks, optimizer, inner_lr, inner_steps)
    return returned, theta.grad, theta.detach()


def idle(step):
    slow, fast = (run(step, drawn(1), inner_lr=lr, inner_steps=1)[1] for lr in (0.1, 0.3))
    return torch.equal(slow, fast)


def silent_first_order(step):
    """Does `.grad` differ from central differences of what is returned?"""
    task, start, slopes = drawn(1), torch.tensor([1.0, -1.0, 0.5], dtype=torch.float64), []
    for i in range(3):
        ends = []
        for change in (1e-5, -1e-5):
            moved = start.clone()
            moved[i] += change
            ends.append(run(step, task, start=tuple(moved.tolist()))[0])
        slopes.append((ends[0] - ends[1]) / 2e-5)
    gradient = run(step, task, start=tuple(start.tolist()))[1]
    return not torch.allclose(gradient, torch.tensor(slopes).double(), rtol=1e-4, atol=1e-7)


def blind_to_queries(step):
    [task] = drawn(1)
    other = task._replace(query_y=task.query_y + 1)
    return torch.equal(run(step, [task])[1], run(step, [other])[1])


def louder_in_company(step):
    [task] = drawn(1)
    alone, four = run(step, [task])[1], run(step, [task] * 4)[1]
    assert torch.allclose(four, alone) or torch.allclose(four, 4 * alone)
    return torch.allclose(four, 4 * alone)


def order_of_tasks(step):
    tasks = drawn(3)
    there, back = (run(step, each, outer_lr=0.1)[2] for each in (tasks, tasks[::-1]))
    return not torch.allclose(there, back)


SYMPTOMS = {
    "idle": idle,
    "silent first order": silent_first_order,
    "blind to queries": blind_to_queries,
    "louder in company": louder_in_company,
    "order of tasks": order_of_tasks,
}


def test_every_repair_changes_its_line():
    lines = listing(UNIT)
    assert set(MENDED) == set(KEY.values())
    assert all(lines[number - 1] != line for number, line in MENDED.items())


@pytest.mark.parametrize("symptom", KEY)
def test_listing_shows_the_symptom(symptom):
    assert SYMPTOMS[symptom](step_with())


@pytest.mark.parametrize("symptom", KEY)
def test_mending_the_keyed_line_cures_the_symptom(symptom):
    assert not SYMPTOMS[symptom](step_with(KEY[symptom]))


@pytest.mark.parametrize("symptom", KEY)
def test_mending_all_other_lines_leaves_the_symptom(symptom):
    assert SYMPTOMS[symptom](step_with(*(line for line in MENDED if line != KEY[symptom])))


def test_with_every_line_mended_it_leaves_the_closed_form():
    theta = torch.tensor([1.0, -1.0, 0.5], dtype=torch.float64)
    tasks = drawn(3)
    _, gradient, _ = run(step_with(*MENDED), tasks)
    by_hand = [meta_gradient_by_hand(theta, t, inner_lr=0.2, inner_steps=3) for t in tasks]
    torch.testing.assert_close(gradient, torch.stack(by_hand).mean(0))
