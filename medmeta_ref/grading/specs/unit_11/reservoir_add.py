"""reservoir_add(memory, item, *, n_seen, capacity, generator) -> the memory afterwards."""

import pytest

from medmeta_ref.grading.specs.unit_01 import _drawing
from medmeta_ref.grading.specs.unit_11 import _memories

N_RUNS = 1500
ADAPTER = "streams"


@pytest.mark.points(8)
def test_every_item_of_the_stream_is_kept_equally_often(yours, generator):
    """After n items each is stored with probability capacity / n: the first, the last, and all."""
    # Small on purpose: among 10 of 50 an off-by-one hides behind the noise, among 2 of 6 it cannot.
    for n_items, capacity in ((6, 2), (5, 3), (3, 1)):
        items = _memories.stream(n_items, generator=generator)
        memories = _drawing.draws(
            yours, items, times=N_RUNS, generator=generator, adapter=ADAPTER, capacity=capacity
        )
        _memories.assert_all_kept_alike(memories, items, capacity)


@pytest.mark.points(3)
def test_the_memory_fills_up_and_never_overflows(yours, generator):
    """After m items it holds min(m, capacity) of them, all different; early on, all there were."""
    for capacity in (1, 3):
        items = _memories.stream(6, generator=generator)
        for m in range(1, 7):
            for memory in _drawing.draws(
                yours, items[:m], times=20, generator=generator, adapter=ADAPTER, capacity=capacity
            ):
                assert len(memory) == min(m, capacity), (
                    f"After {m} items a memory with capacity={capacity} should hold "
                    f"{min(m, capacity)}, yours holds {len(memory)}."
                )
                found = _memories.positions(memory, items[:m])
                assert -1 not in found, (
                    "Your memory holds something that was not in the stream. Store the items as "
                    "they are."
                )
                assert len(set(found)) == len(found), (
                    "Your memory holds an item twice. Each item passes by once: it is appended, or "
                    "takes the place of one stored item, or is let go."
                )


@pytest.mark.points(3)
def test_what_is_stored_is_a_copy(yours, generator):
    """A loader that reuses its array does not change what is stored."""
    for n_items, capacity in ((3, 4), (9, 3)):
        items = _memories.stream(n_items, generator=generator)
        for memory in _drawing.draws(
            yours,
            items,
            times=20,
            generator=generator,
            adapter=ADAPTER,
            capacity=capacity,
            reused=True,
        ):
            found = _memories.positions(memory, items)
            as_many = min(n_items, capacity)
            assert len(found) == as_many, (
                f"After {n_items} items the memory should hold {as_many}, yours holds {len(found)}."
            )
            copied = len(set(found)) == len(found) and -1 not in found
            assert copied, (
                "The items were handed over in one tensor that is filled anew each time, and the "
                "stored ones changed with it. Store a copy: item.clone()."
            )


@pytest.mark.points(2)
def test_the_generator_alone_decides(yours, generator):
    """The same seed gives the same memory; torch's global generator is not touched."""
    items = _memories.stream(9, generator=generator)
    _drawing.assert_generator_decides(
        yours, items, generator=generator, adapter=ADAPTER, by="torch.randint", capacity=3
    )
