"""The key of the bug hunt of unit 14, proved by running the listing that learners read.

For each symptom: it is there in the listing, mending its line makes it vanish, and mending all the
other lines does not.
"""

import copy
import statistics

import pytest
import torch
from torch import nn

from medmeta_ref.grading.specs.unit_14.bug_lines import KEY
from tests.listings import function_of, listing

UNIT = "14_small_devices_and_prospects"
MENDED = {
    2: "    small = copy.deepcopy(net)",
    5: "            scale = layer.weight.detach().abs().max() / 127",
    8: "    expected = small.eval()(images)",
    14: "    difference = (got - expected).abs().max()",
    15: "    return small, difference, statistics.median(times)",
}
NAMES = {"torch": torch, "nn": nn, "copy": copy, "statistics": statistics}


def release_with(*mended):
    return function_of(UNIT, MENDED, mended=mended, names=NAMES)


def network(*, dropout=0.0, largest=(2.0, -1.0)):
    """Return a network as it comes from training; `largest` are the extremes of its weights."""
    net = nn.Sequential(nn.Linear(4, 6), nn.Dropout(dropout), nn.Linear(6, 2))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for layer in (net[0], net[2]):
            layer.weight.copy_(2 * torch.rand(layer.weight.shape, generator=generator) - 1)
            layer.weight[0, 0], layer.weight[0, 1] = largest
    return net.train()


def as_pytorch_does(net, images):
    """Return what a faultless device computes: the network in evaluation mode."""
    return copy.deepcopy(net).eval()(images)


def clock_of(durations):
    """Return a clock by which the runs take so long, in turn."""
    now, ticks = 0.0, []
    for duration in durations:
        ticks += [now, now + duration]
        now += duration + 1.0
    return iter(ticks).__next__


def run(release, *, net=None, on_device=as_pytorch_does, durations=(0.01,) * 5):
    images = torch.ones(3, 4)
    net = network() if net is None else net
    return release(net, images, on_device, clock_of(durations), len(durations))


def teacher_ruined(release):
    net = network()
    before = as_pytorch_does(net, torch.ones(3, 4))
    run(release, net=net)
    return not torch.equal(before, as_pytorch_does(net, torch.ones(3, 4)))


def far_off(release):
    net = network(largest=(1.0, -2.0))
    before = net[0].weight.detach().clone()
    after = run(release, net=net)[0][0].weight.detach()
    return bool((before - after).abs().max() > 0.51 * before.abs().max() / 127)


def never_the_same(release):
    found = []
    with torch.random.fork_rng(devices=[]):
        for seed in range(4):
            torch.manual_seed(seed)
            found.append(run(release, net=network(dropout=0.5))[1].item())
    assert len(set(found)) > 1 or found[0] == 0
    return len(set(found)) > 1


def suspiciously_equal(release):
    def crooked(net, images):
        return as_pytorch_does(net, images) + torch.tensor([1.0, -1.0])

    # Without dropout, so that the mode does not matter here.
    return abs(run(release, on_device=crooked)[1].item()) < 1e-5


def one_hiccup(release):
    return run(release, durations=(0.01,) * 99 + (9.01,))[2] > 0.09


SYMPTOMS = {
    "teacher ruined": teacher_ruined,
    "far off": far_off,
    "never the same": never_the_same,
    "suspiciously equal": suspiciously_equal,
    "one hiccup": one_hiccup,
}


def test_every_repair_changes_its_line():
    lines = listing(UNIT)
    assert set(MENDED) == set(KEY.values())
    assert all(lines[number - 1] != line for number, line in MENDED.items())


@pytest.mark.parametrize("symptom", KEY)
def test_listing_shows_the_symptom(symptom):
    assert SYMPTOMS[symptom](release_with())


@pytest.mark.parametrize("symptom", KEY)
def test_mending_the_keyed_line_cures_the_symptom(symptom):
    assert not SYMPTOMS[symptom](release_with(KEY[symptom]))


@pytest.mark.parametrize("symptom", KEY)
def test_mending_all_other_lines_leaves_the_symptom(symptom):
    assert SYMPTOMS[symptom](release_with(*(line for line in MENDED if line != KEY[symptom])))


def test_with_every_line_mended_a_faultless_device_passes():
    net = network(dropout=0.5, largest=(1.0, -2.0))
    small, difference, latency = run(release_with(*MENDED), net=net)
    assert difference.item() == 0
    assert latency == pytest.approx(0.01)
    assert small is not net
