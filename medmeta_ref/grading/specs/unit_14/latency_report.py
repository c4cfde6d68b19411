"""latency_report(seconds, *, n_warm_up) -> (median, 95th percentile) in milliseconds."""

import math
import statistics

import pytest
import torch

from medmeta_ref.grading.specs.unit_14._oracle import between, pair


def _times(n, n_warm_up, generator):
    """Return slow warm-up runs, then runs of 1 to 3 ms in random order."""
    slow = (0.05 + torch.rand(n_warm_up, generator=generator, dtype=torch.float64)).tolist()
    return slow + (0.001 + 0.002 * torch.rand(n, generator=generator).double()).tolist()


def _slow_end(times):
    """Return the smallest measured time with at least 95 % at or below it, by counting."""
    reach = [t for t in times if 100 * sum(other <= t for other in times) >= 95 * len(times)]
    return min(reach)


def _number(got, what):
    if type(got) is torch.Tensor and got.numel() == 1 and not got.is_complex():
        got = got.item()
    assert type(got) in (int, float), f"The {what} should be a number, yours is {got!r:.60}."
    return got


def _judge(yours, times, n_warm_up, here):
    kept = times[n_warm_up:]
    got = pair(yours(list(times), n_warm_up=n_warm_up), "(median, 95th percentile)")
    want = 1000 * statistics.median(kept), 1000 * _slow_end(kept)
    in_order = sorted(kept)
    all_sorted = sorted(times)
    mistakes = (
        {
            "That is the mean: one hiccup moves it.": 1000 * statistics.fmean(kept),
            "That is the lower of the middle two.": 1000 * statistics.median_low(kept),
            "That is the upper of the middle two.": 1000 * statistics.median_high(kept),
            "That is in seconds; milliseconds were asked for.": statistics.median(kept),
            "The warm-up is still in it.": 1000 * statistics.median(times),
            "Sort only after the warm-up is cut off.": (
                1000 * statistics.median(all_sorted[n_warm_up:])
            ),
            "The middle of the list is the median only after sorting.": 1000 * kept[len(kept) // 2],
        },
        {
            "That is the slowest run.": 1000 * in_order[-1],
            "One place too far: ceil(0.95 n) counts from 1, lists from 0.": (
                1000 * in_order[min(math.ceil(95 * len(kept) / 100), len(kept) - 1)]
            ),
            "The warm-up is still in it.": 1000 * _slow_end(times),
        },
    )
    for value, right, tempting, what in zip(
        got, want, mistakes, ("median", "95th percentile"), strict=True
    ):
        value = _number(value, what)
        if math.isclose(value, right, rel_tol=1e-5):
            continue
        for sentence, wrong in tempting.items():
            assert not math.isclose(value, wrong, rel_tol=1e-5), f"{here} {what}: {sentence}"
        raise AssertionError(f"{here} The {what} is {right:.6g} ms, yours is {value:.6g}.")


@pytest.mark.points(4)
def test_both_numbers_of_the_runs_after_the_warm_up(yours, generator):
    """Odd and even numbers of runs, after three slow ones."""
    for n in (101, 22, 40, 21):
        _judge(yours, _times(n, 3, generator), 3, f"{n} runs after 3 of warm-up.")


@pytest.mark.points(2)
def test_no_warm_up_leaves_all_runs(yours, generator):
    """n_warm_up=0, with as few as one run."""
    for n in (1, 2, 20, 33):
        _judge(yours, _times(n, 0, generator), 0, f"{n} runs, no warm-up.")


@pytest.mark.points(2)
def test_hiccups_move_neither_median_nor_a_rare_percentile(yours, generator):
    """One run of forty takes a second."""
    for n in (40, 60):
        times = _times(n, 2, generator)
        times[between(2, n + 1, generator)] = 1.0
        _judge(yours, times, 2, f"{n} runs, one of which took a second.")
