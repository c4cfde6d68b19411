"""balanced_slot(stored, label, *, n_seen, is_full, generator) -> a slot, or None."""

import pytest
from torch import Tensor

from medmeta_ref.grading.specs.unit_01 import _chance, _drawing

N_DRAWS = 800
# Labels in the memory, and the label of the newcomer: of a stored class, or of one not stored.
SMALL_CLASSES = (
    ([3, 5, 3, 7, 3, 5], 7),
    ([5, 7, 7, 5, 3], 3),
    ([2, 9, 9, 2, 2, 9, 4], 11),
)
# And how many of its class have passed by before it.
FULL_CLASSES = (
    ([5, 7, 7, 5, 3], 7, 4),
    ([3, 5, 3, 7, 3, 5], 3, 3),
    ([4, 2, 9, 9], 4, 2),
)


def _slots(yours, stored, label, times, generator, **settings):
    """Return the answers of many draws, as slots or None."""
    drawn = _drawing.draws(yours, stored, label, times=times, generator=generator, **settings)
    return [_slot(each, len(stored)) for each in drawn]


def _slot(got, n_slots):
    if type(got) is Tensor and got.numel() == 1 and not got.is_meta:
        got = got.item()
    if got is None:
        return None
    assert type(got) is int, (
        f"A slot (a whole number) or None was expected, yours is {type(got).__name__}."
    )
    assert 0 <= got < n_slots, f"Slots go from 0 to {n_slots - 1}; your function returned {got}."
    return got


def _assert_uniform(slots, wanted, probability, stored, label, look_at):
    counts = {slot: slots.count(slot) for slot in wanted}
    _chance.assert_frequencies(
        counts,
        len(slots),
        probability,
        what=f"slot {{}} of {stored} for a newcomer of class {label}",
        look_at=look_at,
    )


@pytest.mark.points(5)
def test_newcomer_of_a_small_class_replaces_a_random_one_of_the_largest(yours, generator):
    """The largest class gives way; of several, all of their items are equally likely."""
    for stored, label in SMALL_CLASSES:
        most = max(stored.count(c) for c in stored)
        wanted = [i for i, c in enumerate(stored) if stored.count(c) == most]
        slots = _slots(yours, stored, label, N_DRAWS, generator, n_seen=9, is_full=False)
        assert None not in slots, (
            f"With {stored} stored, a newcomer of class {label} was let go. A class that is not "
            "full always enters. (A missing return statement gives None, too.)"
        )
        others = sorted({stored[slot] for slot in slots} - {stored[slot] for slot in wanted})
        assert not others, (
            f"With {stored} stored, an item of class {others[0]} had to leave. Only the largest "
            f"class gives way, here {sorted({stored[slot] for slot in wanted})}."
        )
        _assert_uniform(
            slots,
            wanted,
            1 / len(wanted),
            stored,
            label,
            "Draw among the slots of *all* classes that are largest, each as likely.",
        )


@pytest.mark.points(5)
def test_item_of_a_full_class_enters_its_own_share_as_in_a_reservoir(yours, generator):
    """It enters with probability (stored of it) / (n_seen + 1), for an item of its own class."""
    for stored, label, n_seen in FULL_CLASSES:
        own = [i for i, c in enumerate(stored) if c == label]
        slots = _slots(yours, stored, label, N_DRAWS, generator, n_seen=n_seen, is_full=True)
        others = sorted({stored[s] for s in slots if s is not None} - {label})
        assert not others, (
            f"A newcomer of class {label}, which is full, took the place of one of class "
            f"{others[0]}. A full class may only replace its own."
        )
        _assert_uniform(
            slots,
            own,
            1 / (n_seen + 1),
            stored,
            label,
            f"{len(own)} of its class are stored and n_seen={n_seen} came before it: with it there "
            f"are {n_seen + 1}, so each of its slots is drawn with probability 1/{n_seen + 1}, and "
            "otherwise the answer is None.",
        )
    # A class that lost its last place stays out.
    for stored in ([2, 3, 3, 5], [7, 7]):
        slots = _slots(yours, stored, 9, 20, generator, n_seen=4, is_full=True)
        assert slots == [None] * 20, (
            "A full class of which nothing is stored has no slot to take: None was expected."
        )


@pytest.mark.points(2)
def test_the_generator_alone_decides(yours, generator):
    """The same seed gives the same slots; torch's global generator is not touched."""
    stored = list(range(5)) * 8
    how = {"generator": generator, "by": "torch.randint"}
    _drawing.assert_generator_decides(yours, stored, 11, n_seen=0, is_full=False, **how)
    _drawing.assert_generator_decides(yours, [3] * 40, 3, n_seen=40, is_full=True, **how)
