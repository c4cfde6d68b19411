"""The key of the bug hunt of unit 10, proved by running the listing that learners read.

For each symptom: it is there in the listing, mending its line makes it vanish, and mending all the
other lines does not.
"""

import pytest
import torch

from medmeta_ref import views
from medmeta_ref.grading.specs.unit_10.bug_lines import KEY
from tests.listings import function_of, listing

UNIT = "10_fusion_views"
MENDED = {
    3: "    coronal = volumes[:, :, volumes.shape[2] // 2]",
    4: "    sagittal = volumes[:, :, :, volumes.shape[3] // 2]",
    7: "    keep = present & ((luck >= rate) | (luck == (luck * present).amax(0)))",
    8: "    logits = features.mean(2).masked_fill(~keep, -torch.inf)",
    9: "    gates = logits.softmax(0)",
}
ALL_THERE = torch.ones(3, 4, dtype=torch.bool)


def fuse_with(*mended):
    return function_of(UNIT, MENDED, mended=mended, names={"torch": torch})


def cubes(n=4, size=6):
    return torch.rand(n, size, size, size, generator=torch.Generator().manual_seed(1)).double()


class Probe:
    """A net that remembers what it is given, and says what it was told to say."""

    def __init__(self, features):
        self.features, self.seen = features, []

    def __call__(self, view):
        self.seen.append(view)
        return self.features[len(self.seen) - 1]


def answers(n=4):
    return torch.randn(3, n, 5, generator=torch.Generator().manual_seed(2)).double()


def run(fuse, features, present=ALL_THERE, rate=0.0, volumes=None):
    """Return what the listing makes of views with these features, and what it gave the net."""
    net = Probe(features)
    volumes = cubes(features.shape[1]) if volumes is None else volumes
    fused, keep = fuse(net, volumes, present, rate, torch.Generator().manual_seed(0))
    return fused, keep, net.seen


def twins(fuse):
    seen = run(fuse, answers())[2]
    return any(torch.equal(seen[i], seen[j]) for i, j in ((0, 1), (0, 2), (1, 2)))


def lying_down(fuse):
    """Voxels of one depth are a row in one view and a column in another."""
    volumes = torch.arange(6).double()[None, :, None, None].expand(4, 6, 6, 6)
    _, coronal, sagittal = run(fuse, answers(), volumes=volumes)[2]
    is_row = (coronal == torch.arange(6).double()[:, None]).all()
    return not bool(is_row) and sagittal.shape == coronal.shape


def nobody_left(fuse):
    many = torch.ones(3, 200, dtype=torch.bool)
    keep = run(fuse, answers(200), many, rate=0.9)[1]
    return bool((~keep.any(0)).double().mean() > 0.5)


def ghosts(fuse):
    present = ALL_THERE.clone()
    present[2, 0] = False
    features, other = answers(), answers()
    other[2, 0] = 9.0
    rows = [run(fuse, each, present)[0][0] for each in (features, other)]
    return not torch.allclose(*rows)


def company(fuse):
    alone = run(fuse, answers()[:, :1], ALL_THERE[:, :1])[0]
    return not torch.allclose(alone, run(fuse, answers())[0][:1])


SYMPTOMS = {
    "twins": twins,
    "lying down": lying_down,
    "nobody left": nobody_left,
    "ghosts": ghosts,
    "company": company,
}


def test_every_repair_changes_its_line():
    lines = listing(UNIT)
    assert set(MENDED) == set(KEY.values())
    assert all(lines[number - 1] != line for number, line in MENDED.items())


@pytest.mark.parametrize("symptom", KEY)
def test_listing_shows_the_symptom(symptom):
    assert SYMPTOMS[symptom](fuse_with())


@pytest.mark.parametrize("symptom", KEY)
def test_mending_the_keyed_line_cures_the_symptom(symptom):
    assert not SYMPTOMS[symptom](fuse_with(KEY[symptom]))


@pytest.mark.parametrize("symptom", KEY)
def test_mending_all_other_lines_leaves_the_symptom(symptom):
    assert SYMPTOMS[symptom](fuse_with(*(line for line in MENDED if line != KEY[symptom])))


def test_with_every_line_mended_the_views_and_the_fusion_are_those_of_the_library():
    present = torch.tensor([[1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]]).bool()
    features = answers()
    fused, keep, seen = run(fuse_with(*MENDED), features, present)
    for got, want in zip(seen, views.orthogonal_views(cubes()), strict=True):
        assert torch.equal(got, want)
    assert torch.equal(keep, present)
    torch.testing.assert_close(fused, views.gated_fusion(features, present, features.mean(2)))
