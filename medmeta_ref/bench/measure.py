"""Seconds of several designs, so that a busy machine is unfair to none.

All designs take a turn in every round, and the next round begins with the next design. What is
compared is the time within a round: the ratio of two designs is the median over rounds.
"""

import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

Run = Callable[[], object]
Clock = Callable[[], float]
SHORTEST = 0.02  # seconds of one measurement; quicker calls are repeated within it


def clock_of(threads: int) -> tuple[str, Clock]:
    """Return the name of the clock to use, and the clock.

    One thread is measured in processor time, which other programs on the machine hardly change;
    several threads only by the clock on the wall.
    """
    return ("cpu", time.process_time) if threads == 1 else ("wall", time.perf_counter)


def interleaved(
    designs: Mapping[str, Run],
    *,
    rounds: int,
    clock: Clock,
    each: Callable[[], object] = lambda: None,
) -> dict[str, list[float]]:
    """Return the seconds of every design in every round.

    Each design runs once before, unmeasured: first calls allocate and choose kernels.

    Args:
        designs: name -> function to call.
        rounds: how often each is measured.
        clock: returns seconds.
        each: called after every measurement, for a progress bar.

    Returns:
        name -> `rounds` figures, seconds per call.

    Raises:
        ValueError: if `rounds` is below 1.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, got {rounds}")
    names = list(designs)
    calls = {name: _calls_in(SHORTEST, run, clock) for name, run in designs.items()}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            gc.collect()  # reference cycles of one design are not to be paid for by the next
            start = clock()
            for _ in range(calls[name]):
                designs[name]()
            seconds[name].append((clock() - start) / calls[name])
            each()
    return seconds


def paired_ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    """Return the median over rounds of slow / fast, both measured in the same rounds.

    Example:
        >>> paired_ratio([2.0, 9.0, 4.0], [1.0, 3.0, 2.0])  # the second round was disturbed
        2.0
    """
    return statistics.median(s / f for s, f in zip(slow, fast, strict=True))


def geometric_mean(ratios: Sequence[float]) -> float:
    """Return the geometric mean: the mean for ratios, where 2 and 1/2 cancel.

    Example:
        >>> geometric_mean([0.5, 2.0])
        1.0
    """
    return math.exp(math.fsum(math.log(r) for r in ratios) / len(ratios))


def _calls_in(seconds: float, run: Run, clock: Clock) -> int:
    """Return how many calls take about that long; the first one warms up and is timed if slow."""
    once = 0.0
    for _ in range(2):
        start = clock()
        run()
        once = clock() - start
        if once > seconds:
            break
    return max(1, math.ceil(seconds / max(once, 1e-6)))
