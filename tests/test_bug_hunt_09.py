"""The key of the bug hunt of unit 09, proved by running the listing that learners read.

For each symptom: it is there in the listing, mending its line makes it vanish, and mending all the
other lines does not.
"""

import pytest
import torch
import torch.nn.functional as F

from medmeta_ref.grading.specs.unit_09.bug_lines import KEY
from tests.listings import function_of, listing

UNIT = "09_fusion_ensembles"
MENDED = {
    5: "        loss = F.nll_loss(model(val_x).log(), val_y)",
    6: "        weight = 1 / loss",
    7: "        shares = answers",
    8: "        fused = fused + weight * shares",
    9: "    total = fused.sum(1, keepdim=True)",
}


def fuse_with(*mended):
    return function_of(UNIT, MENDED, mended=mended, names={"F": F})


def member(*levels):
    """Return a model: its scans are [n, 2], the label and which of the levels is the label's."""

    def model(scans):
        at_label = torch.tensor(levels).double()[scans[:, 1]]
        rows = torch.stack([at_label, 1 - at_label], 1)
        return torch.where((scans[:, 0] == 0)[:, None], rows, rows.flip(1))

    return model


def scans(labels, columns):
    return torch.stack([torch.tensor(labels), torch.tensor(columns)], 1)


EVEN = scans([0, 1, 0, 1], [0, 0, 1, 1])  # as many of class 0 as of class 1, at each level
LABELS = EVEN[:, 0]


def run(fuse, models, test_x=EVEN, test_y=None):
    return fuse(models, EVEN, LABELS, test_x, test_x[:, 0] if test_y is None else test_y)


def exam_answers(fuse):
    models = [member(0.9, 0.6), member(0.7, 0.8)]
    turned = torch.tensor([0, 1, 1, 0])
    return not torch.allclose(run(fuse, models), run(fuse, models, test_y=turned))


def upside_down(fuse):
    good, bad = member(0.95, 0.95), member(0.5, 0.5)  # losses 0.05 and 0.69
    wrong_way = []
    for models in ([good, bad], [bad, good]):
        # Is the label's share of the row nearer to what the bad model alone would give?
        rows = [run(fuse, each)[0] for each in ([good], [bad], models)]
        of_good, of_bad, of_both = (row[0] / row.sum() for row in rows)
        wrong_way.append(abs(of_both - of_bad) < abs(of_both - of_good))
    return all(wrong_way)


def never_sure(fuse):
    row = run(fuse, [member(0.999, 0.999)] * 3)[0]
    return bool(row[0] / row.sum() < 0.74)


def order_of_models(fuse):
    # Equally good on average, sure of different scans.
    models = [member(0.9, 0.6), member(0.6, 0.9)]
    return not torch.allclose(run(fuse, models), run(fuse, models[::-1]))


def company(fuse):
    alone, together = (run(fuse, [member(0.9, 0.6)], x)[0] for x in (EVEN[:1], EVEN))
    return not torch.allclose(alone, together)


SYMPTOMS = {
    "exam answers": exam_answers,
    "upside down": upside_down,
    "never sure": never_sure,
    "order of models": order_of_models,
    "company": company,
}


def test_every_repair_changes_its_line():
    lines = listing(UNIT)
    assert set(MENDED) == set(KEY.values())
    assert all(lines[number - 1] != line for number, line in MENDED.items())


@pytest.mark.parametrize("symptom", KEY)
def test_listing_shows_the_symptom(symptom):
    assert SYMPTOMS[symptom](fuse_with())


@pytest.mark.parametrize("symptom", KEY)
def test_mending_the_keyed_line_cures_the_symptom(symptom):
    assert not SYMPTOMS[symptom](fuse_with(KEY[symptom]))


@pytest.mark.parametrize("symptom", KEY)
def test_mending_all_other_lines_leaves_the_symptom(symptom):
    assert SYMPTOMS[symptom](fuse_with(*(line for line in MENDED if line != KEY[symptom])))


def test_numbers_of_the_table_are_those_of_the_listing():
    row = run(fuse_with(), [member(0.999, 0.999)] * 3)[0]
    assert round(float(100 * row[0] / row.sum())) == 73
    losses = [F.nll_loss(m(EVEN).log(), LABELS) for m in (member(0.95, 0.95), member(0.5, 0.5))]
    assert losses[1] > 10 * losses[0]


def test_accuracy_of_the_listing_looks_fine():
    models = [member(0.9, 0.6), member(0.7, 0.8)]
    assert torch.equal(run(fuse_with(), models).argmax(1), LABELS)


def test_with_every_line_mended_it_is_the_weighted_mean():
    models = [member(0.9, 0.6), member(0.7, 0.8)]
    losses = [F.nll_loss(model(EVEN).log(), LABELS) for model in models]
    rows = sum(model(EVEN) / loss for model, loss in zip(models, losses, strict=True))
    want = rows / sum(1 / loss for loss in losses)
    torch.testing.assert_close(run(fuse_with(*MENDED), models), want)
