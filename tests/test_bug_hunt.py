"""The key of the bug hunt of unit 03, proved by running the listing that learners read.

For each symptom: it is there in the listing, mending its line makes it vanish, and mending any of
the other lines does not.
"""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from medmeta_ref.grading.specs.unit_03.bug_lines import KEY
from tests.listings import function_of

MENDED = {
    2: "    teacher_out = teacher.eval()(images).detach()",
    4: '    divergence = F.kl_div(student_out.log(), teacher_out, reduction="batchmean")',
    5: "    loss = divergence",
    6: "    optimizer.zero_grad()",
}


def step_with(*mended):
    """Return the listing's function with some of its lines mended."""
    names = {"F": F, "torch": torch}
    return function_of("03_distillation", MENDED, mended=mended, names=names)


class Probabilities(nn.Module):
    """A network with batch norm that ends in a softmax."""

    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3))

    def forward(self, images):
        return self.layers(images).softmax(1)


def run(step, labels, *, n_steps=1, student_seed=1, same=False, lr=0.1):
    """Return teacher, student, the last loss and what the last step did to the weights."""
    teacher = Probabilities(0)
    student = teacher if same else Probabilities(student_seed)
    images = torch.randn(8, 4, generator=torch.Generator().manual_seed(2))
    optimizer = torch.optim.SGD(student.parameters(), lr=lr)
    for _ in range(n_steps):
        before = nn.utils.parameters_to_vector(student.parameters()).detach()
        loss = step(student, teacher, images, labels, optimizer)
    change = nn.utils.parameters_to_vector(student.parameters()).detach() - before
    return teacher, loss, change


def moving_teacher(step):
    before = {k: v.clone() for k, v in Probabilities(0).state_dict().items()}
    teacher, _, _ = run(step, torch.zeros(8, dtype=torch.int64))
    return any(not torch.equal(v, before[k]) for k, v in teacher.state_dict().items())


def not_a_divergence(step):
    # One network in both roles and labels 0, so that neither mode nor labels can matter.
    _, loss, _ = run(step, torch.zeros(8, dtype=torch.int64), same=True)
    return abs(loss.item()) > 1e-6


def harmful_labels(step):
    changes = [run(step, torch.full((8,), label))[2] for label in (0, 1, 2)]
    teaches = [bool(change.abs().max() > 1e-4) for change in changes]
    opposite = torch.allclose(changes[0], -changes[2], atol=1e-6)
    return teaches == [True, False, True] and opposite


def piling_gradients(step):
    labels = torch.zeros(8, dtype=torch.int64)
    teacher, student = Probabilities(0).eval(), Probabilities(1)
    images = torch.randn(8, 4, generator=torch.Generator().manual_seed(2))
    optimizer = torch.optim.SGD(student.parameters(), lr=0.0)  # the same step again and again
    step(student, teacher, images, labels, optimizer)
    once = student.layers[0].weight.grad.clone()
    step(student, teacher, images, labels, optimizer)
    return not torch.allclose(student.layers[0].weight.grad, once, rtol=1e-3)


SYMPTOMS = {
    "moving teacher": moving_teacher,
    "not a divergence": not_a_divergence,
    "harmful labels": harmful_labels,
    "piling gradients": piling_gradients,
}


@pytest.fixture(autouse=True)
def _own_randomness():
    with torch.random.fork_rng():
        yield


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")  # the listing's own mistake
@pytest.mark.parametrize("symptom", KEY)
def test_listing_shows_the_symptom(symptom):
    assert SYMPTOMS[symptom](step_with())


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize("symptom", KEY)
def test_mending_the_keyed_line_cures_the_symptom(symptom):
    assert not SYMPTOMS[symptom](step_with(KEY[symptom]))


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize("symptom", KEY)
def test_mending_all_other_lines_leaves_the_symptom(symptom):
    assert SYMPTOMS[symptom](step_with(*(line for line in MENDED if line != KEY[symptom])))


def test_with_every_line_mended_the_student_becomes_its_teacher():
    teacher, student = Probabilities(0), Probabilities(1)
    images = torch.randn(64, 4, generator=torch.Generator().manual_seed(2))
    optimizer = torch.optim.Adam(student.parameters(), lr=0.02)
    step = step_with(*MENDED)
    losses = [
        step(student, teacher, images, torch.zeros(64, dtype=torch.int64), optimizer).item()
        for _ in range(300)
    ]
    assert losses[-1] < 0.01 * losses[0]
