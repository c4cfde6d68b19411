"""The key of the bug hunt of unit 08, proved by running the listing that learners read.

For each symptom: it is there in the listing, mending its line makes it vanish, and mending all the
other lines does not.
"""

import pytest
import torch
import torch.nn.functional as F

from medmeta_ref.grading.specs.unit_08.bug_lines import KEY
from tests.listings import function_of, listing

UNIT = "08_maml_pp"
N_STEPS, N_CLASSES = 3, 2
MENDED = {
    5: "        return F.batch_norm(z, means[step], variances[step], training=False)",
    6: "    rates = rates.clone()",
    10: "        [slope] = torch.autograd.grad(inner, weight, create_graph=not first_order)",
    11: "        weight = weight - rates[step] * slope",
    13: "        total = total + share * outer",
}


def loss_with(*mended):
    return function_of(UNIT, MENDED, mended=mended, names={"torch": torch, "F": F})


def drawn(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def inputs(**changed):
    """Return what the listing is called with, in order."""
    labels = torch.tensor([0, 1, 0, 1])
    given = {
        "task": (drawn(4, 3, seed=1), labels, drawn(4, 3, seed=2), labels),
        "weight": drawn(N_CLASSES, 3, seed=3),
        "rates": torch.tensor([0.3, 0.2, 0.4], dtype=torch.float64),
        "means": drawn(N_STEPS, N_CLASSES, seed=4),
        "variances": 1 + drawn(N_STEPS, N_CLASSES, seed=5).square(),
        "step_weights": torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64),
        "first_order": False,
    } | changed
    return {n: v.clone() if isinstance(v, torch.Tensor) else v for n, v in given.items()}


def run(loss, **changed):
    """Return the loss, and its gradients in weight and rates."""
    given = inputs(**changed)
    leaves = [given[name].requires_grad_() for name in ("weight", "rates")]
    value = loss(*given.values())
    return value.item(), torch.autograd.grad(value, leaves, allow_unused=True)


def deaf_store(loss):
    before = inputs()
    others = {name: before[name] + 1 for name in ("means", "variances")}
    return run(loss)[0] == run(loss, **others)[0]


def rates_that_never_learn(loss):
    return run(loss)[1][1] is None


def idle_late_rates(loss):
    rates = inputs()["rates"]
    rates[1:] *= 2
    return run(loss)[0] == run(loss, rates=rates)[0]


def upside_down(loss):
    """Is the gradient in the weight, with first_order=False, not the slope of what is returned?"""
    weight, slopes = inputs()["weight"], torch.zeros(N_CLASSES * 3, dtype=torch.float64)
    for i in range(len(slopes)):
        ends = []
        for change in (1e-5, -1e-5):
            moved = weight.clone()
            moved.view(-1)[i] += change
            ends.append(run(loss, weight=moved)[0])
        slopes[i] = (ends[0] - ends[1]) / 2e-5
    return not torch.allclose(run(loss)[1][0].flatten(), slopes, rtol=1e-4, atol=1e-7)


def only_the_end_counts(loss):
    other = torch.tensor([0.5, 0.1, 0.5], dtype=torch.float64)
    return run(loss)[0] == run(loss, step_weights=other)[0]


SYMPTOMS = {
    "deaf store": deaf_store,
    "rates that never learn": rates_that_never_learn,
    "idle late rates": idle_late_rates,
    "upside down": upside_down,
    "only the end counts": only_the_end_counts,
}


def test_every_repair_changes_its_line():
    lines = listing(UNIT)
    assert set(MENDED) == set(KEY.values())
    assert all(lines[number - 1] != line for number, line in MENDED.items())


@pytest.mark.parametrize("symptom", KEY)
def test_listing_shows_the_symptom(symptom):
    assert SYMPTOMS[symptom](loss_with())


@pytest.mark.parametrize("symptom", KEY)
def test_mending_the_keyed_line_cures_the_symptom(symptom):
    assert not SYMPTOMS[symptom](loss_with(KEY[symptom]))


@pytest.mark.parametrize("symptom", KEY)
def test_mending_all_other_lines_leaves_the_symptom(symptom):
    assert SYMPTOMS[symptom](loss_with(*(line for line in MENDED if line != KEY[symptom])))


def test_with_every_line_mended_it_is_the_weighted_query_loss_worked_out_step_by_step():
    given = inputs()
    xs, ys, xq, yq = given["task"]

    def logits(w, x, k):
        z = x @ w.T
        return (z - given["means"][k]) / (given["variances"][k] + 1e-5).sqrt()

    weight, total = given["weight"], 0.0
    for k in range(N_STEPS):
        p = logits(weight, xs, k).softmax(1) - F.one_hot(ys, N_CLASSES)
        slope = (p / (given["variances"][k] + 1e-5).sqrt()).T @ xs / len(xs)
        weight = weight - given["rates"][k] * slope
        total += given["step_weights"][k] * F.cross_entropy(logits(weight, xq, k), yq)
    value, gradients = run(loss_with(*MENDED))
    assert value == pytest.approx(total.item())
    assert all(gradient.abs().sum() > 0 for gradient in gradients)


def test_with_every_line_mended_first_order_leaves_something_out():
    loss = loss_with(*MENDED)
    exact, rough = (run(loss, first_order=order) for order in (False, True))
    assert exact[0] == rough[0]
    assert not torch.allclose(exact[1][0], rough[1][0])
