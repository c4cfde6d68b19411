"""The key of the bug hunt of unit 05, proved by running the listing that learners read.

For each symptom: it is there in the listing, mending its line makes it vanish, and mending all the
other lines does not.
"""

import pytest
import torch

from medmeta_ref.grading.specs.unit_05.bug_lines import KEY
from tests.listings import function_of, listing
from tests.quadratics import meta_gradient_by_hand, random_task

UNIT = "05_gradient_based"
MENDED = {
    2: "    for p in [rate, *params.values()]: p.grad = None",
    6: "        grads = torch.autograd.grad(inner, list(fast.values()), create_graph=True)",
    7: "        size = rate",
    8: "        fast = {n: p - size * g for (n, p), g in zip(fast.items(), grads)}",
    11: "    return outer.detach(), {n: p.grad for n, p in params.items()}, rate.grad",
}
START = (1.0, -1.0, 0.5)


def function_with(*mended):
    return function_of(UNIT, MENDED, mended=mended, names={"torch": torch})


def bowl(params, curvature, centre):
    away = params["theta"] - centre
    return 0.5 * away @ curvature @ away


def task():
    return random_task(torch.Generator().manual_seed(0))


def leaf(values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def run(function, *, start=START, rate=0.2, n_steps=3, times=1):
    """Return what the last of `times` equal calls returns, gradients copied: they change later."""
    params, size, (xs, ys, xq, yq) = {"theta": leaf(start)}, leaf(rate), task()
    for _ in range(times):
        loss, slopes, slope = function(bowl, params, size, (xs, ys), (xq, yq), n_steps)
    return loss, slopes["theta"].clone(), None if slope is None else slope.clone()


def differences(f, values):
    """Return central differences of f in every one of some numbers."""
    slopes = []
    for i in range(len(values)):
        ends = []
        for change in (1e-5, -1e-5):
            moved = list(values)
            moved[i] += change
            ends.append(f(tuple(moved)).item())
        slopes.append((ends[0] - ends[1]) / 2e-5)
    return torch.tensor(slopes, dtype=torch.float64)


def piling_up(function):
    once, twice = (run(function, times=n)[1] for n in (1, 2))
    assert torch.allclose(twice, once) or torch.allclose(twice, 2 * once)
    return not torch.allclose(twice, once)


def straight_world(function):
    wanted = differences(lambda start: run(function, start=start)[0], START)
    return not torch.allclose(run(function)[1], wanted, rtol=1e-4, atol=1e-7)


def deaf_rate(function):
    slow, fast = (run(function, rate=rate)[0].item() for rate in (0.1, 0.3))
    return slow != fast and run(function)[2] is None


def never_arrives(function):
    """Is a thousand steps' loss that of the bottom of the support bowl?"""
    _, ys, xq, yq = task()
    at_the_bottom = bowl({"theta": ys}, xq, yq)
    return not torch.allclose(run(function, n_steps=1000)[0], at_the_bottom)


def hoarder(function):
    return run(function)[0].grad_fn is not None


SYMPTOMS = {
    "piling up": piling_up,
    "straight world": straight_world,
    "deaf rate": deaf_rate,
    "never arrives": never_arrives,
    "hoarder": hoarder,
}


def test_every_repair_changes_its_line():
    lines = listing(UNIT)
    assert set(MENDED) == set(KEY.values())
    assert all(lines[number - 1] != line for number, line in MENDED.items())


@pytest.mark.parametrize("symptom", KEY)
def test_listing_shows_the_symptom(symptom):
    assert SYMPTOMS[symptom](function_with())


@pytest.mark.parametrize("symptom", KEY)
def test_mending_the_keyed_line_cures_the_symptom(symptom):
    assert not SYMPTOMS[symptom](function_with(KEY[symptom]))


@pytest.mark.parametrize("symptom", KEY)
def test_mending_all_other_lines_leaves_the_symptom(symptom):
    assert SYMPTOMS[symptom](function_with(*(line for line in MENDED if line != KEY[symptom])))


def test_with_every_line_mended_it_leaves_the_closed_form_in_the_start():
    theta = torch.tensor(START, dtype=torch.float64)
    _, slopes, _ = run(function_with(*MENDED), times=2)
    by_hand = meta_gradient_by_hand(theta, task(), inner_lr=0.2, inner_steps=3)
    torch.testing.assert_close(slopes, by_hand)


def test_with_every_line_mended_the_slope_in_the_rate_is_that_of_differences():
    function = function_with(*MENDED)
    wanted = differences(lambda rate: run(function, rate=rate[0])[0], (0.2,))
    torch.testing.assert_close(run(function, times=2)[2], wanted[0], rtol=1e-6, atol=1e-9)
