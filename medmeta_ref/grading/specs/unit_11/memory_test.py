"""memory_test(remember): the learner writes the test, and it is tested in turn."""

import pytest
import torch

from medmeta_ref.grading.trials import tried

MOST_NUMBERS = 2_000_000  # runs times items of one call


def _streamed(n_items, capacity, n_runs, seed, enters):
    """Return what is stored after all items, `[n_runs, min(n_items, capacity)]`.

    Args:
        n_items: length of the stream.
        capacity: of each memory.
        n_runs: independent memories.
        seed: of their generator.
        enters: from how many items came before to how many numbers are drawn from; an item enters
            the slot that is drawn if there is such a slot. None lets every item in.
    """
    _require_sizes(n_items, capacity, n_runs)
    generator = torch.Generator().manual_seed(seed)
    stored = torch.arange(min(n_items, capacity)).repeat(n_runs, 1)
    rows = torch.arange(n_runs)
    for n_seen in range(capacity, n_items):
        slot = torch.randint(enters(n_seen, capacity), (n_runs,), generator=generator)
        inside = slot < capacity
        stored[rows[inside], slot[inside]] = n_seen
    return stored


def _require_sizes(n_items, capacity, n_runs):
    """Refuse what cannot be asked for: the numbers are the learner's."""
    for name, number in (("n_items", n_items), ("capacity", capacity), ("n_runs", n_runs)):
        if type(number) is not int or number < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {number!r:.30}")
    if n_items * n_runs > MOST_NUMBERS:
        raise ValueError(f"n_items * n_runs is {n_items * n_runs:,}; {MOST_NUMBERS:,} are the most")


def right(n_items, capacity, *, n_runs, seed):
    """Algorithm R."""
    return _streamed(n_items, capacity, n_runs, seed, lambda n_seen, capacity: n_seen + 1)


def right_by_ranks(n_items, capacity, *, n_runs, seed):
    """Another right one: every item gets a random number, the largest stay. In random order."""
    _require_sizes(n_items, capacity, n_runs)
    numbers = torch.rand(n_runs, n_items, generator=torch.Generator().manual_seed(seed))
    return numbers.topk(min(n_items, capacity), dim=1).indices


def draw_too_small(n_items, capacity, *, n_runs, seed):
    """Off by one: the newcomer is not counted."""
    return _streamed(n_items, capacity, n_runs, seed, lambda n_seen, capacity: n_seen)


def draw_too_large(n_items, capacity, *, n_runs, seed):
    """Off by one on the other side: the newcomer is counted twice."""
    return _streamed(n_items, capacity, n_runs, seed, lambda n_seen, capacity: n_seen + 2)


def always_enters(n_items, capacity, *, n_runs, seed):
    """Every newcomer overwrites a random slot."""
    return _streamed(n_items, capacity, n_runs, seed, lambda n_seen, capacity: capacity)


def newest_only(n_items, capacity, *, n_runs, seed):
    """A queue."""
    _require_sizes(n_items, capacity, n_runs)
    stored = _streamed(min(n_items, capacity), capacity, n_runs, seed, None)
    return stored + max(n_items - capacity, 0)


def oldest_only(n_items, capacity, *, n_runs, seed):
    """Full is full."""
    _require_sizes(n_items, capacity, n_runs)
    return _streamed(min(n_items, capacity), capacity, n_runs, seed, None)


WRONG = {
    "the draw is one too small": draw_too_small,
    "the draw is one too large": draw_too_large,
    "every newcomer enters": always_enters,
    "only the newest are kept": newest_only,
    "only the oldest are kept": oldest_only,
}


@pytest.mark.points(2)
@pytest.mark.parametrize("mistake", WRONG)
def test_accepts_right_memories_and_rejects(yours, mistake, generator):
    """Your test accepts two right memories and rejects one where {mistake}."""
    trial = tried(yours, [right, right_by_ranks], WRONG, generator)
    assert trial.accepts_the_right(), (
        "Your test rejects a right memory. Frequencies scatter by about sqrt(p (1 - p) / "
        "n_runs): allow for five times that. In which slot an item is does not matter."
    )
    assert trial.rejects(mistake), (
        f"A memory where {mistake} passes your test. Take a small capacity and a short stream: "
        "there the shares of the items differ most. Look at the first item and at the last."
    )
