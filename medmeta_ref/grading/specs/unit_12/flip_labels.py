"""flip_labels(labels, *, rate, n_classes, generator) -> labels of which a share is wrong."""

from typing import Any

import pytest
import torch

from medmeta_ref.grading.specs.unit_01 import _chance, _drawing

# None of the counts is a half, so it does not matter how halves are rounded.
CASES = ((30, 0.3, 5), (41, 0.2, 2), (12, 1.0, 3), (9, 0.0, 4))


def _draw(yours, labels, generator, times, **settings):
    drawn = _drawing.draws(yours, labels, times=times, generator=generator, **settings)
    flipped = [_drawing.integers(each, "The result") for each in drawn]
    for each in flipped:
        assert len(each) == len(labels), (
            f"As many labels as were given were expected, {len(labels)}; yours are {len(each)}."
        )
        strange = sorted(set(each) - set(range(settings["n_classes"])))
        assert not strange, (
            f"Labels go from 0 to {settings['n_classes'] - 1}, yours hold {strange}. "
            "After a step around the circle of classes, % n_classes brings them back."
        )
    return flipped


def _n_wrong(flipped, labels):
    return sum(a != b for a, b in zip(flipped, labels.tolist(), strict=True))


def _advice(counts, n, wanted):
    """Return what numbers of wrong labels tell."""
    if len(set(counts)) > 1 and max(counts) <= wanted:
        return "Some of the new labels are the old ones: only the *other* classes may be drawn."
    if len(set(counts)) > 1:
        return "The count changes from call to call: draw so many positions, not a coin for each."
    if set(counts) == {n - wanted}:
        return "That is the number that should have stayed right."
    return "The number is rate times the number of labels, rounded."


@pytest.mark.points(4)
def test_exactly_so_many_labels_are_wrong(yours, generator):
    """round(rate * n) labels differ from the given ones, in every draw, at four rates."""
    for n, rate, n_classes in CASES:
        labels = torch.randint(n_classes, (n,), generator=generator)
        settings = {"rate": rate, "n_classes": n_classes}
        flipped = _draw(yours, labels, generator, 5, **settings)
        counts, wanted = [_n_wrong(each, labels) for each in flipped], round(rate * n)
        same = all(each == flipped[0] for each in flipped) and 0 < rate < 1
        repeated = (
            " All five calls returned the same labels. Did you write into `labels` itself, or seed "
            "the generator? Work on labels.clone()."
        )
        assert counts == [wanted] * 5, (
            f"At rate={rate}, {wanted} of {n} labels should be wrong; in five draws {counts} were. "
            + _advice(counts, n, wanted)
            + (repeated if same else "")
        )


@pytest.mark.points(4)
def test_every_position_and_every_other_class_has_the_same_chance(yours, generator):
    """Over 400 draws each position is hit equally often, and each wrong class comes up equally."""
    labels = torch.arange(4).repeat_interleave(3)
    hits = dict.fromkeys(range(12), 0)
    for flipped in _draw(yours, labels, generator, 400, rate=1 / 3, n_classes=4):
        for position, label in enumerate(flipped):
            hits[position] += label != position // 3
    _chance.assert_frequencies(
        hits,
        400,
        1 / 3,
        what="a wrong label at position {}",
        look_at="Which positions are hit should be drawn: torch.randperm(n)[:count].",
    )
    pairs = {(old, new): 0 for old in range(4) for new in range(4) if old != new}
    for flipped in _draw(yours, labels, generator, 400, rate=1.0, n_classes=4):
        for old in range(4):
            pair = (old, flipped[3 * old])
            assert pair in pairs, f"At rate=1 a label {old} stayed {old}. Every one has to change."
            pairs[pair] += 1
    for old in range(4):
        _chance.assert_frequencies(
            {pair: n for pair, n in pairs.items() if pair[0] == old},
            400,
            1 / 3,
            what="(old, new) = {}",
            look_at="Each of the other classes should be as likely as the next.",
        )


@pytest.mark.points(2)
def test_generator_is_the_only_source_of_randomness(yours, generator):
    """The same seed gives the same wrong labels, and nothing else is drawn from or seeded."""
    labels = torch.randint(5, (40,), generator=generator)
    settings: dict[str, Any] = {"rate": 0.5, "n_classes": 5}
    [flipped] = _draw(yours, labels, generator, 1, **settings)
    assert flipped != labels.tolist(), "At rate=0.5 not one label changed."
    _drawing.assert_generator_decides(yours, labels, generator=generator, **settings)
