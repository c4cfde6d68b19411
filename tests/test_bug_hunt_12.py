"""The key of the bug hunt of unit 12, proved by running the listing that learners read.

For each symptom: it is there in the listing, mending its line makes it vanish, and mending all the
other lines does not.
"""

import pytest
import torch

from medmeta_ref.grading.specs.unit_12.bug_lines import KEY
from tests.listings import function_of, listing

UNIT = "12_robustness"
MENDED = {
    3: "    hit = torch.randperm(len(train_y), generator=generator)[: round(rate * len(train_y))]",
    4: "    drawn = (train_y + torch.randint(1, n_classes, train_y.shape, generator=generator))"
    " % n_classes",
    5: "    noisy_y = train_y.clone()",
    8: "    best = max(qs, key=lambda q: accuracy(models[q], val_x, val_y))",
    9: "    before = accuracy(models[best], test_x, test_y)",
}
QS = (0.1, 0.5, 0.9)


def study_with(*mended):
    return function_of(UNIT, MENDED, mended=mended, names={"torch": torch})


def archive(n, n_classes, seed):
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(n_classes, (n,), generator=generator)
    return y.double()[:, None], y


def threshold_fit(x, y, q):
    """A "model" that answers class 1 above a share q of the way: no training is needed."""
    return lambda x: (x[:, 0] > q).long()


def accuracy(model, x, y):
    return (model(x) == y).double().mean().item()


def run(study, *, seed=0, n=400, n_classes=2, rate=0.4, damage=lambda x: x, test_y=None, fit=None):
    """Return what the study returns, and the archive's labels before and after it."""
    train = archive(n, n_classes, seed=1)
    before = train[1].clone()
    test = archive(60, 2, seed=2)
    test = (test[0], test[1] if test_y is None else test_y)
    returned = study(
        fit or threshold_fit,
        accuracy,
        damage,
        train,
        archive(60, 2, seed=3),
        test,
        qs=QS,
        rate=rate,
        n_classes=n_classes,
        generator=torch.Generator().manual_seed(seed),
    )
    return returned, before, train[1]


def n_wrong(study, **how):
    (_, _, noisy), right, _ = run(study, **how)
    return int((noisy != right).sum())


def uneven_noise(study):
    # Among a million classes nobody draws the old one again.
    return len({n_wrong(study, seed=s, n_classes=10**6) for s in range(8)}) > 1


def half_the_noise(study):
    share = sum(n_wrong(study, seed=s) for s in range(20)) / (20 * 400)
    assert abs(share - 0.2) < 0.02 or abs(share - 0.4) < 0.02
    return abs(share - 0.2) < 0.02


def spoilt_archive(study):
    _, right, left = run(study)
    return not torch.equal(left, right)


def reads_the_exam(study):
    def fit(x, y, q):
        # Each model has one answer for everything: the middle one says 1, the others 0.
        return lambda x: torch.full((len(x),), QS.index(q) % 2)

    ones = run(study, fit=fit, test_y=torch.ones(60).long())[0][0]
    zeros = run(study, fit=fit, test_y=torch.zeros(60).long())[0][0]
    return ones != zeros


def harmless_damage(study):
    def fit(x, y, q):
        # Knows the training labels by heart, and says 0 elsewhere.
        heart = y.clone()
        return lambda x: heart if len(x) == len(heart) else torch.zeros(len(x)).long()

    return run(study, fit=fit, rate=0.0)[0][1] > 0.2


SYMPTOMS = {
    "uneven noise": uneven_noise,
    "half the noise": half_the_noise,
    "spoilt archive": spoilt_archive,
    "reads the exam": reads_the_exam,
    "harmless damage": harmless_damage,
}


def test_every_repair_changes_its_line():
    lines = listing(UNIT)
    assert set(MENDED) == set(KEY.values())
    assert all(lines[number - 1] != line for number, line in MENDED.items())


@pytest.mark.parametrize("symptom", KEY)
def test_listing_shows_the_symptom(symptom):
    assert SYMPTOMS[symptom](study_with())


@pytest.mark.parametrize("symptom", KEY)
def test_mending_the_keyed_line_cures_the_symptom(symptom):
    assert not SYMPTOMS[symptom](study_with(KEY[symptom]))


@pytest.mark.parametrize("symptom", KEY)
def test_mending_all_other_lines_leaves_the_symptom(symptom):
    assert SYMPTOMS[symptom](study_with(*(line for line in MENDED if line != KEY[symptom])))


def test_with_every_line_mended_it_says_what_damage_costs():
    """Damage that turns every image round costs a right model its whole accuracy."""
    (best, drop, noisy), right, left = run(study_with(*MENDED), damage=lambda x: 1 - x)
    assert best in QS
    assert drop == 1.0
    assert int((noisy != right).sum()) == 160
    assert torch.equal(left, right)
