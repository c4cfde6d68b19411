"""The key of the bug hunt of unit 02, proved by running the listing that learners read.

For each symptom: it is there in the listing, mending its line makes it vanish, and mending all the
other lines does not.
"""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from medmeta_ref.grading.specs.unit_02.bug_lines import KEY
from tests.listings import function_of, listing

UNIT = "02_families_and_challenges"
MENDED = {
    2: "    novel = [c for c in classes if c not in base]",
    7: "            generator.manual_seed(episode)",
    8: "            model = copy.deepcopy(head)",
    11: "                loss = F.cross_entropy(model(xs), ys)",
    14: "            found.append((model(xq).argmax(1) == yq).double().mean().item())",
}


def sgd(model, grads, lr):
    with torch.no_grad():
        for p, g in zip(model.parameters(), grads, strict=True):
            p -= lr * g


def crawl(model, grads, lr):
    sgd(model, grads, lr / 20)


def no_step(model, grads, lr):
    """Fine-tune by doing nothing."""


def study_with(*mended, step=sgd):
    names = {"torch": torch, "F": F, "copy": copy, "step": step}
    return function_of(UNIT, MENDED, mended=mended, names=names)


def head():
    made = nn.Linear(4, 2, dtype=torch.float64)
    with torch.no_grad():
        made.weight.copy_(torch.linspace(-1, 1, 8).reshape(2, 4))
        made.bias.zero_()
    return made


class Draws:
    """Draws episodes of two slots from noise with a little signal, and keeps a record of them.

    Args:
        same: whether every episode is the same one.
        shuffled: whether the support labels are wrong on purpose.
        twice: whether every query is asked twice.
    """

    def __init__(self, *, same=False, shuffled=False, twice=False):
        self.same, self.shuffled, self.twice = same, shuffled, twice
        self.classes = []

    def __call__(self, novel, k, generator):
        self.classes.append(list(novel))
        if self.same:
            generator = torch.Generator().manual_seed(3)
        # Queries are drawn first: the same for every k, as long as the seed is.
        yq = torch.arange(2).repeat(4)
        xq = self._images(yq, generator)
        ys = torch.arange(2).repeat(k)
        xs = self._images(ys, generator)
        if self.twice:
            xq, yq = xq.repeat(2, 1), yq.repeat(2)
        return xs, 1 - ys if self.shuffled else ys, xq, yq

    def _images(self, labels, generator):
        noise = torch.randn(len(labels), 4, generator=generator, dtype=torch.float64)
        return noise + 0.7 * labels[:, None]


def run(study, draw, shots=(3,), n_episodes=6):
    return study(head(), draw, [0, 1], [0, 1, 2, 3], shots, n_episodes, torch.Generator())


def old_acquaintances(mended):
    draw = Draws()
    run(study_with(*mended), draw)
    return any({0, 1} & set(classes) for classes in draw.classes)


def other_questions(mended):
    results = run(study_with(*mended, step=no_step), Draws(), shots=(1, 5), n_episodes=40)
    return bool(results[1][0] != results[5][0])


def long_memory(mended):
    # One episode again and again, learned so slowly that a second visit still makes a difference.
    study = study_with(*mended, step=crawl)
    few, many = (run(study, Draws(same=True), n_episodes=n)[3][0] for n in (2, 60))
    return not torch.allclose(few, many)


def answers_known(mended):
    told, fooled = (run(study_with(*mended), Draws(shuffled=s))[3][0] for s in (False, True))
    return bool(told == fooled)


def too_sure(mended):
    once, twice = (
        run(study_with(*mended, step=no_step), Draws(twice=t), n_episodes=40)[3][1]
        for t in (False, True)
    )
    return bool(twice < 0.9 * once)


SYMPTOMS = {
    "old acquaintances": old_acquaintances,
    "other questions": other_questions,
    "long memory": long_memory,
    "answers known": answers_known,
    "too sure": too_sure,
}


def test_every_repair_changes_its_line():
    lines = listing(UNIT)
    assert set(MENDED) == set(KEY.values())
    assert all(lines[number - 1] != line for number, line in MENDED.items())


@pytest.mark.parametrize("symptom", KEY)
def test_listing_shows_the_symptom(symptom):
    assert SYMPTOMS[symptom](())


@pytest.mark.parametrize("symptom", KEY)
def test_mending_the_keyed_line_cures_the_symptom(symptom):
    assert not SYMPTOMS[symptom]((KEY[symptom],))


@pytest.mark.parametrize("symptom", KEY)
def test_mending_all_other_lines_leaves_the_symptom(symptom):
    assert SYMPTOMS[symptom](tuple(line for line in MENDED if line != KEY[symptom]))


def test_with_every_line_mended_the_study_is_one_written_out_by_hand():
    results = run(study_with(*MENDED), Draws(), shots=(1, 4), n_episodes=5)
    for k in (1, 4):
        found = []
        for episode in range(5):
            xs, ys, xq, yq = Draws()([2, 3], k, torch.Generator().manual_seed(episode))
            model = head()
            for _ in range(20):
                model.zero_grad()
                F.cross_entropy(model(xs), ys).backward()
                torch.optim.SGD(model.parameters(), lr=0.5).step()
            found.append((model(xq).argmax(1) == yq).double().mean().item())
        mean = sum(found) / 5
        squares = sum((f - mean) ** 2 for f in found) / 4
        assert results[k][0].item() == pytest.approx(mean)
        assert results[k][1].item() == pytest.approx(1.96 * (squares / 5) ** 0.5, rel=1e-5)
