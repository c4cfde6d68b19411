"""The benchmark of the grader has both engines do the whole of the same work."""

import pytest

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.bench import grading
from medmeta_ref.bench.grading import Timing, compare

pytestmark = pytest.mark.slow


def test_both_engines_give_all_points_and_ours_takes_less():
    stock, ours = compare(course_root(), submissions=3, stock=1, jobs=1)
    assert (stock.submissions, ours.submissions) == (1, 3)
    assert 0 < ours.start_cpu_seconds < ours.cpu_seconds
    # Kernels and sandboxes import torch: neither is forgotten in the count.
    assert min(stock.peak_mib, ours.peak_mib) > 100
    after_start = (ours.cpu_seconds - ours.start_cpu_seconds) / 2
    assert after_start < stock.cpu_per_submission


def test_wrong_answers_are_no_benchmark(monkeypatch):
    monkeypatch.setattr(grading, "_signed", lambda answers, number: {})
    with pytest.raises(RuntimeError, match="got 0 of 100"):
        list(compare(course_root(), submissions=1, stock=0, jobs=1))


def test_rates_are_those_of_the_whole_run():
    timing = Timing("x", 10, 1.0, 5.0, 20.0, 300.0)
    assert timing.cpu_per_submission == 0.5
    assert timing.a_minute == 30
    assert timing.to_json()["a_minute"] == 30
