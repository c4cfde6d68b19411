"""Peak memory, judged by programs that take a known number of bytes."""

import os
import sys

import pytest

from medmeta_ref.bench.memory import MIB, MemoryMeter

LOADED = []  # what stays in memory after a first call, as compiled code does
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def take(*sizes):
    """Return a call that holds so many MiB, one amount after the other."""

    def run():
        for mib in sizes:
            held = bytearray(mib * MIB)
            held[:: 4096 // 2] = b"x" * len(held[:: 4096 // 2])
            del held

    return run


def take_before(mib):
    held = b"x" * (mib * MIB)
    del held
    kept = b"x" * (mib * MIB)
    return lambda: len(kept)


def imported(name):
    loaded = name in sys.modules
    return take(60 if loaded else 5)


def bring_in_wave():
    __import__("wave")


def loads_once(mib):
    def run():
        if not LOADED:
            LOADED.append(b"x" * (60 * MIB))
        take(mib)()

    return run


def fail():
    def run():
        raise ValueError("no such thing")

    return run


def die():
    return lambda: os._exit(9)


@pytest.fixture(scope="module")
def meter():
    with MemoryMeter() as meter:
        yield meter


@pytest.mark.parametrize("mib", [20, 100])
def test_the_peak_is_what_the_call_takes(meter, mib):
    assert meter.peak_mib(take, mib) == pytest.approx(mib, abs=4)


def test_what_is_freed_in_between_does_not_add_up(meter):
    assert meter.peak_mib(take, 60, 60, 60) == pytest.approx(60, abs=4)


def test_a_large_call_before_hides_nothing_of_a_smaller_one(meter):
    meter.peak_mib(take, 150)
    assert meter.peak_mib(take, 30) == pytest.approx(30, abs=4)


def test_what_preparing_takes_is_not_counted(meter):
    assert meter.peak_mib(take_before, 100) < 4


def test_imports_are_made_beforehand(meter):
    assert meter.peak_mib(imported, "wave") == pytest.approx(5, abs=4)
    assert meter.peak_mib(imported, "wave", imports=bring_in_wave) == pytest.approx(60, abs=4)


def test_what_a_first_call_loads_is_not_counted(meter):
    assert meter.peak_mib(loads_once, 5) == pytest.approx(65, abs=4)
    assert meter.peak_mib(loads_once, 5, warm_up=(1,)) == pytest.approx(5, abs=4)


def test_a_call_that_fails_says_how(meter):
    with pytest.raises(RuntimeError, match="ValueError: no such thing"):
        meter.peak_mib(fail)
    with pytest.raises(RuntimeError, match="killed"):
        meter.peak_mib(die)
    assert meter.peak_mib(take, 30) == pytest.approx(30, abs=4)  # the meter goes on
