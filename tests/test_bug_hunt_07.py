"""The key of the bug hunt of unit 07, proved by running the listing that learners read.

For each symptom: it is there in the listing, mending its line makes it vanish, and mending all the
other lines does not.
"""

import pytest
import torch

from medmeta_ref.grading.specs.unit_07.bug_lines import KEY
from tests.listings import function_of, listing

UNIT = "07_reptile_and_anil"
MENDED = {
    4: "        fast = dict(params)",
    6: "            x, y = minibatches[step]",
    7: "            slopes = torch.func.grad(loss)(fast, x, y)",
    11: "    mean = {name: sum(end[name] for end in ends) / len(ends) for name in params}",
    12: "    return {n: p + outer_lr * (mean[n] - p) for n, p in params.items()}",
}
START = torch.tensor([1.0, -1.0, 0.5], dtype=torch.float64)


def round_with(*mended):
    return function_of(UNIT, MENDED, mended=mended, names={"torch": torch})


def bowl(params, curvature, centre):
    away = params["theta"] - centre
    return 0.5 * away @ curvature @ away


def drawn(n_tasks, n_minibatches=2, seed=0):
    """Return tasks of minibatches of their own: bowls that are steep in other directions."""
    generator = torch.Generator().manual_seed(seed)

    def one():
        factor = torch.randn(3, 3, generator=generator, dtype=torch.float64)
        centre = torch.randn(3, generator=generator, dtype=torch.float64)
        return factor @ factor.T / 3 + torch.eye(3) / 2, centre

    return [[one() for _ in range(n_minibatches)] for _ in range(n_tasks)]


def run(step, tasks, *, inner_lr=0.2, inner_steps=2, outer_lr=0.3):
    """Return where the listing moves the parameters."""
    return step(bowl, {"theta": START}, tasks, inner_lr, inner_steps, outer_lr)["theta"]


def order_of_tasks(step):
    tasks = drawn(3)
    return not torch.allclose(run(step, tasks), run(step, tasks[::-1]))


def one_minibatch(step):
    [[first, (curvature, centre)]] = drawn(1)
    here, there = ([[first, (curvature, c)]] for c in (centre, centre + 1))
    return torch.equal(run(step, here), run(step, there))


def no_second_step(step):
    [[first, _]] = drawn(1)
    twice = run(step, [[first, first]], inner_steps=2, inner_lr=0.1)
    once = run(step, [[first, first]], inner_steps=1, inner_lr=0.2)
    return torch.allclose(twice, once)


def restless(step):
    alone = run(step, drawn(1), inner_lr=0.0)
    assert torch.allclose(alone, START), "with one task nobody moves, mended or not"
    return not torch.allclose(run(step, drawn(2), inner_lr=0.0), START)


def walks_away(step):
    [task] = drawn(1)
    end = run(step, [task], inner_steps=1, inner_lr=0.05)
    before, after = (bowl({"theta": theta}, *task[0]) for theta in (START, end))
    assert after != before
    return bool(after > before)


SYMPTOMS = {
    "order of tasks": order_of_tasks,
    "one minibatch": one_minibatch,
    "no second step": no_second_step,
    "restless": restless,
    "walks away": walks_away,
}


def test_every_repair_changes_its_line():
    lines = listing(UNIT)
    assert set(MENDED) == set(KEY.values())
    assert all(lines[number - 1] != line for number, line in MENDED.items())


@pytest.mark.parametrize("symptom", KEY)
def test_listing_shows_the_symptom(symptom):
    assert SYMPTOMS[symptom](round_with())


@pytest.mark.parametrize("symptom", KEY)
def test_mending_the_keyed_line_cures_the_symptom(symptom):
    assert not SYMPTOMS[symptom](round_with(KEY[symptom]))


@pytest.mark.parametrize("symptom", KEY)
def test_mending_all_other_lines_leaves_the_symptom(symptom):
    assert SYMPTOMS[symptom](round_with(*(line for line in MENDED if line != KEY[symptom])))


def test_with_every_line_mended_it_goes_a_part_of_the_way_to_the_mean_of_the_ends():
    tasks, ends = drawn(3), []
    for minibatches in tasks:
        end = START
        for curvature, centre in minibatches:
            end = end - 0.2 * curvature @ (end - centre)
        ends.append(end)
    wanted = START + 0.3 * (torch.stack(ends).mean(0) - START)
    torch.testing.assert_close(run(round_with(*MENDED), tasks), wanted)
