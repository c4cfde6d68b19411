"""replay_loss(loss, params, new_x, new_y, old_x, old_y, *, ratio) -> a scalar."""

import pytest

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_06 import _oracle

SIZES = ((4, 9, 0.5), (6, 2, 2.0))  # new examples, replayed ones, ratio


def _drawn(n_new, n_old, generator):
    params = _oracle.network_params(2, 3, generator=generator)
    both = []
    for n in (n_new, n_old):
        task = _oracle.network_task(2, 3, generator=generator)
        x = _oracle.draw(n, 2, generator=generator)
        both += [x, task.query_y.repeat(2)[:n]]
    return params, both


def _asked(yours, params, both, ratio):
    return yours.through("loss_gradient", _oracle.NETWORK, params, *both, ratio=ratio)


@pytest.mark.points(4)
def test_is_the_new_mean_plus_ratio_times_the_replayed_mean(yours, generator):
    """Each mean over its own examples, so that their numbers do not shift the balance."""
    for n_new, n_old, ratio in SIZES:
        params, both = _drawn(n_new, n_old, generator)
        new, old = (_oracle.network_loss(params, *both[i : i + 2]) for i in (0, 2))
        pooled = (n_new * new + n_old * old) / (n_new + n_old)
        value, _ = _asked(yours, params, both, ratio)
        assert_agrees(
            value,
            new + ratio * old,
            mistakes={
                "That is one mean over new and replayed examples together: how many of each there "
                "are now decides, in place of `ratio`.": pooled,
                "`ratio` is missing.": new + old,
                "`ratio` weighs the new examples; it belongs to the replayed ones.": (
                    ratio * new + old
                ),
                "That is a mixture (1 - ratio) * new + ratio * replayed; the new examples count in "
                "full.": (1 - ratio) * new + ratio * old,
                "The replayed examples do not count.": new,
                "The new examples do not count.": ratio * old,
                "Halved: a sum was asked for.": (new + ratio * old) / 2,
            },
            look_at="loss(params, x, y) is a mean over the examples it is given: call it twice.",
        )


@pytest.mark.points(2)
def test_gradient_comes_from_both_parts(yours, generator):
    """The gradient is that of the new loss plus ratio times that of the replayed one, by hand."""
    for n_new, n_old, ratio in SIZES:
        params, both = _drawn(n_new, n_old, generator)
        new, old = (_oracle.network_slope(params, *both[i : i + 2]) for i in (0, 2))
        _, got = _asked(yours, params, both, ratio)
        for name in params:
            assert got[name] is not None, f"No gradient reaches {name!r}. Look for .detach()."
            assert_agrees(
                got[name],
                new[name] + ratio * old[name],
                mistakes={
                    "The gradient comes from the new examples alone: the memory would be looked "
                    "at, and not learned from.": new[name],
                    "The gradient comes from the replayed examples alone.": ratio * old[name],
                },
                look_at=f"This is the gradient in {name!r}.",
            )


@pytest.mark.points(2)
def test_an_empty_memory_counts_as_zero(yours, generator):
    """With nothing to replay it is the loss of the new examples: a number, not nan."""
    for n_new in (3, 5):
        params, both = _drawn(n_new, 0, generator)
        value, _ = _asked(yours, params, both, 1.5)
        assert_agrees(
            value,
            _oracle.network_loss(params, *both[:2]),
            mistakes={},
            look_at="Nothing had been stored yet, so old_x had no rows. The mean over no examples "
            "is nan, and 0 * nan is nan as well: leave that part out.",
        )
