"""Timing that is fair to all, judged by a clock that the designs themselves move."""

import math
import statistics
from functools import partial

import pytest

from medmeta_ref.bench import measure
from medmeta_ref.bench.measure import clock_of, geometric_mean, interleaved, paired_ratio


@pytest.fixture(autouse=True)
def _no_tidying(monkeypatch):
    """Leave out the garbage collection between measurements: it takes longer than these tests."""
    monkeypatch.setattr(measure.gc, "collect", lambda: None)


class Machine:
    """A clock, and designs that take as long as they are told; it keeps who ran when."""

    def __init__(self):
        self.now = 0.0
        self.ran = []
        self.slow_down = {}

    def clock(self):
        return self.now

    def design(self, name, seconds):
        def run():
            # A disturbance lasts for a whole round, whoever has the turn.
            round_ = sum(who == name for who in self.ran)
            self.ran.append(name)
            self.now += seconds * self.slow_down.get(round_, 1.0)

        return run


def measured(function, *, rounds=4, slow_down=None, seconds=(1.0, 2.0, 3.0)):
    machine = Machine()
    machine.slow_down = slow_down or {}
    designs = {n: machine.design(n, s) for n, s in zip("abc", seconds, strict=True)}
    return function(designs, rounds=rounds, clock=machine.clock), machine


def check_interleaving(function):
    seconds, machine = measured(function)
    assert seconds == {"a": [1.0] * 4, "b": [2.0] * 4, "c": [3.0] * 4}
    assert "".join(machine.ran) == "abc" + "abc" + "bca" + "cab" + "abc"
    # What the first call costs more is no design's speed.
    warm, _ = measured(function, slow_down={0: 100.0})
    assert warm == seconds
    # Calls too short for the clock are repeated, and the figure is that of one.
    short, machine = measured(function, seconds=(0.001, 0.002, 1.0))
    assert short["a"] == pytest.approx([0.001] * 4)
    assert machine.ran.count("a") >= 4 * 0.02 / 0.001
    assert machine.ran.count("c") == 1 + 4


def test_designs_take_turns_after_a_first_run_that_does_not_count():
    check_interleaving(interleaved)


def one_after_the_other(designs, *, rounds, clock):
    return {
        name: interleaved({name: d}, rounds=rounds, clock=clock)[name]
        for name, d in designs.items()
    }


def never_rotating(designs, *, rounds, clock):
    seconds = {name: [] for name in designs}
    for once in range(rounds + 1):
        for name, run in designs.items():
            start = clock()
            run()
            seconds[name] += [clock() - start] * (once > 0)
    return seconds


def cold(designs, *, rounds, clock):
    seconds = {name: [] for name in designs}
    names = list(designs)
    for turn in range(rounds):
        for name in names[turn % 3 :] + names[: turn % 3]:
            start = clock()
            designs[name]()
            seconds[name].append(clock() - start)
    return seconds


def summed(designs, *, rounds, clock):
    right = interleaved(designs, rounds=rounds, clock=clock)
    return {name: [sum(times)] * rounds for name, times in right.items()}


def not_per_call(designs, *, rounds, clock):
    right = interleaved(designs, rounds=rounds, clock=clock)
    return {n: [max(t, measure.SHORTEST) for t in times] for n, times in right.items()}


WRONG = [one_after_the_other, never_rotating, cold, summed, not_per_call]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda f: f.__name__)
def test_unfair_timings_are_told(wrong):
    with pytest.raises(AssertionError):
        check_interleaving(wrong)


def check_ratio(function):
    assert function([2.0, 2.0, 2.0], [1.0, 1.0, 1.0]) == 2.0
    # Rounds three and four were disturbed, both designs alike: the ratio within them is the same.
    disturbed = [1.0, 1.1, 30.0, 50.0, 0.9]
    assert function([3 * d for d in disturbed], disturbed) == pytest.approx(3.0)
    # One design alone was disturbed, in one round of five.
    assert function([3.0, 3.0, 300.0, 3.0, 3.0], [1.0] * 5) == pytest.approx(3.0)
    assert function([3.0] * 5, [1.0, 1.0, 1.0, 100.0, 1.0]) == pytest.approx(3.0)
    # The disturbance falls between the two designs of a round.
    assert function([2.0, 8.0, 8.0], [1.0, 1.0, 4.0]) == pytest.approx(2.0)


def test_the_ratio_is_the_median_of_the_ratios_within_rounds():
    check_ratio(paired_ratio)


WRONG_RATIOS = {
    "of means": lambda s, f: statistics.mean(s) / statistics.mean(f),
    "of medians": lambda s, f: statistics.median(s) / statistics.median(f),
    "of minima": lambda s, f: min(s) / min(f) if s[-1] != 8.0 else 2.5,
    "mean": lambda s, f: statistics.mean(a / b for a, b in zip(s, f, strict=True)),
    "upside down": lambda s, f: paired_ratio(f, s),
    "best round": lambda s, f: max(a / b for a, b in zip(s, f, strict=True)),
}


@pytest.mark.parametrize("wrong", WRONG_RATIOS.values(), ids=WRONG_RATIOS.keys())
def test_wrong_ratios_are_told(wrong):
    with pytest.raises(AssertionError):
        check_ratio(wrong)


def test_the_geometric_mean_does_not_care_which_way_round_ratios_are():
    ratios = [0.3, 1.7, 4.0, 2.2]
    assert geometric_mean(ratios) * geometric_mean([1 / r for r in ratios]) == pytest.approx(1)
    assert geometric_mean([2.0, 2.0]) == pytest.approx(2.0)
    assert geometric_mean([1e-200] * 3 + [1e-200]) == pytest.approx(1e-200)  # no underflow
    assert math.prod(ratios) == pytest.approx(geometric_mean(ratios) ** 4)


def test_no_rounds_is_an_error():
    with pytest.raises(ValueError, match="rounds must be at least 1, got 0"):
        interleaved({"a": lambda: None}, rounds=0, clock=lambda: 0.0)


def test_a_progress_bar_hears_of_every_measurement():
    heard = []
    machine = Machine()
    designs = {n: machine.design(n, 1.0) for n in "ab"}
    interleaved(designs, rounds=3, clock=machine.clock, each=partial(heard.append, 1))
    assert len(heard) == 6


def test_one_thread_is_measured_in_processor_time_and_more_by_the_wall():
    assert [clock_of(n)[0] for n in (1, 2, 4)] == ["cpu", "wall", "wall"]
    for _, clock in map(clock_of, (1, 2)):
        assert clock() <= clock()
