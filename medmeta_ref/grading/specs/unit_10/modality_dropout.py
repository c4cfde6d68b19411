"""modality_dropout(mask, *, rate, generator) -> a mask with fewer views, and never with none."""

import pytest
import torch

from medmeta_ref.grading.specs.unit_01 import _chance, _drawing
from medmeta_ref.grading.specs.unit_10 import _oracle


def _draw(yours, mask, generator, times=1, **settings):
    """Return the masks of `times` calls, once it is sure that they are masks."""
    drawn = _drawing.draws(yours, mask, times=times, generator=generator, **settings)
    for got in drawn:
        missing = " Is the return statement missing?" if got is None else ""
        assert type(got) is torch.Tensor, f"A mask was expected, yours is {got!r:.60}.{missing}"
        ordinary = got.layout == torch.strided and not (got.is_nested or got.is_meta)
        assert ordinary, "An ordinary tensor was expected, yours is of another kind."
        assert got.dtype == torch.bool, f"A mask of bool was expected, yours is {got.dtype}."
        assert got.shape == mask.shape, (
            f"A mask of shape {tuple(mask.shape)} was expected, yours has {tuple(got.shape)}."
        )
    return drawn


@pytest.mark.points(4)
def test_only_present_views_stay_and_at_least_one(yours, generator):
    """Rate 0 changes nothing, rate 1 leaves one view, others something in between."""
    for n_views, n_examples in ((3, 40), (4, 30)):
        mask = _oracle.some_mask(n_views, n_examples, generator=generator)
        for rate in (0.0, 0.5, 0.8, 1.0):
            drawn = _draw(yours, mask, generator, times=3, rate=rate)
            for got in drawn:
                back = int((got & ~mask).sum())
                assert not back, f"{back} views are there at rate={rate} that were missing before."
                left = got.sum(0)
                empty = int((left == 0).sum())
                assert not empty, (
                    f"At rate={rate} {empty} of {n_examples} examples have no view left. Where "
                    "all would go, one of them stays."
                )
                if rate == 0:
                    assert torch.equal(got, mask), "At rate=0 views are dropped; none should be."
                if rate == 1:
                    assert bool((left == 1).all()), "At rate=1 exactly one view stays of each."
            if 0 < rate < 1:
                assert any(not torch.equal(drawn[0], got) for got in drawn[1:]), (
                    "Three calls in a row return the same mask. Did you write into `mask` itself, "
                    "or seed the generator? Make a new mask, and draw from the generator given."
                )


@pytest.mark.points(5)
def test_each_view_stays_as_often_as_promised(yours, generator):
    """1 - rate + rate^k / k for k present views, counted over thousands of examples."""
    for rate, pattern in ((0.6, (1, 1)), (0.5, (1, 1, 1)), (0.7, (1, 0, 1)), (0.3, (0, 1, 1))):
        k, n = sum(pattern), 12_000
        mask = torch.tensor(pattern).bool()[:, None].expand(-1, n).clone()
        [got] = _draw(yours, mask, generator, rate=rate)
        _chance.assert_frequencies(
            {v: int(got[v].sum()) for v, here in enumerate(pattern) if here},
            n,
            1 - rate + rate**k / k,
            what=f"at rate={rate}, of views {[v for v in range(len(pattern)) if pattern[v]]}, "
            "view {}",
            look_at="Every view of every example is dropped on its own; only where all would go, "
            "one of those present is drawn, uniformly, and stays.",
        )


@pytest.mark.points(3)
def test_generator_is_the_only_source_of_randomness(yours, generator):
    """The same seed gives the same mask, and nothing else is drawn from or seeded."""
    mask = _oracle.some_mask(3, 60, generator=generator)
    _draw(yours, mask, generator, rate=0.5)
    _drawing.assert_generator_decides(yours, mask, generator=generator, by="torch.rand", rate=0.5)
