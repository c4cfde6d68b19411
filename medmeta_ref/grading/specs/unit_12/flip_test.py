"""flip_test(flip): the learner writes the test, and it is tested in turn."""

import pytest
import torch

from medmeta_ref.grading.trials import tried


def _seeded(seed):
    return torch.Generator().manual_seed(int(seed))


def _moved(labels, positions, steps, n_classes):
    flipped = labels.clone()
    flipped[positions] = (labels[positions] + steps) % n_classes
    return flipped


def _steps(n, n_classes, generator, lowest=1):
    return torch.randint(lowest, n_classes, (n,), generator=generator)


def right(labels, *, rate, n_classes, seed):
    """The first positions of a permutation, and a step around the circle."""
    g = _seeded(seed)
    positions = torch.randperm(len(labels), generator=g)[: round(rate * len(labels))]
    return _moved(labels, positions, _steps(len(positions), n_classes, g), n_classes)


def right_one_by_one(labels, *, rate, n_classes, seed):
    """Drawn from a list of the other classes, and the smallest of random numbers are hit."""
    g = _seeded(seed)
    flipped = labels.clone()
    for position in torch.rand(len(labels), generator=g).argsort()[: round(rate * len(labels))]:
        others = [c for c in range(n_classes) if c != int(labels[position])]
        flipped[position] = others[int(torch.randint(len(others), (), generator=g))]
    return flipped


def coin_for_each(labels, *, rate, n_classes, seed):
    """Each label with this chance."""
    g = _seeded(seed)
    positions = (torch.rand(len(labels), generator=g) < rate).nonzero().flatten()
    return _moved(labels, positions, _steps(len(positions), n_classes, g), n_classes)


def may_stay(labels, *, rate, n_classes, seed):
    """The new class is drawn from all of them."""
    g = _seeded(seed)
    positions = torch.randperm(len(labels), generator=g)[: round(rate * len(labels))]
    return _moved(labels, positions, _steps(len(positions), n_classes, g, lowest=0), n_classes)


def next_class(labels, *, rate, n_classes, seed):
    """Always the class after."""
    positions = torch.randperm(len(labels), generator=_seeded(seed))[: round(rate * len(labels))]
    return _moved(labels, positions, 1, n_classes)


def first_ones(labels, *, rate, n_classes, seed):
    """The first labels of the list."""
    n_wrong = round(rate * len(labels))
    steps = _steps(n_wrong, n_classes, _seeded(seed))
    return _moved(labels, torch.arange(n_wrong), steps, n_classes)


def deaf_to_its_seed(labels, *, rate, n_classes, seed):
    """One drawing for all seeds."""
    return right(labels, rate=rate, n_classes=n_classes, seed=0)


WRONG = {
    "a coin for each label": coin_for_each,
    "the new class may be the old one": may_stay,
    "always the next class": next_class,
    "always the first labels": first_ones,
    "the same labels for every seed": deaf_to_its_seed,
}


@pytest.mark.points(2)
@pytest.mark.parametrize("mistake", WRONG)
def test_accepts_right_functions_and_rejects(yours, mistake, generator):
    """Your test accepts two right functions and rejects: {mistake}."""
    trial = tried(yours, [right, right_one_by_one], WRONG, generator)
    assert trial.accepts_the_right(), (
        "Your test rejects a right function. Right ones draw different labels: ask only for "
        "what every one of them has to fulfil."
    )
    assert trial.rejects(mistake), (
        f"A function with this mistake ({mistake}) passes your test. Find labels, a rate and seeds "
        "for which it does what no right one does."
    )
