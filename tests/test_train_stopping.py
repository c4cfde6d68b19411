"""Early stopping on scores that are written down in advance."""

import math

import pytest
import torch

from medmeta_ref.train import Fit, Score, fit
from medmeta_ref.train.stopping import best_score, out_of_patience

# Scores after 2, 4, 6 ... steps; where patience 2 ends; where the best is.
CASES = {
    "falls at once": ((0.9, 0.8, 0.7, 1.0, 1.0), 6, 2),
    "rises, then falls": ((0.1, 0.5, 0.4, 0.3, 1.0), 8, 4),
    "one bad score is borne": ((0.1, 0.0, 0.5, 0.4, 0.6), 10, 10),
    "equal is no improvement": ((0.5, 0.5, 0.5, 0.6, 0.7), 6, 2),
    "rises throughout": ((0.1, 0.2, 0.3, 0.4, 0.5), 10, 10),
    "the last falls": ((0.1, 0.2, 0.3, 0.4, 0.3), 10, 8),
    "below zero": ((-5.0, -3.0, -4.0, -3.5, 0.0), 8, 4),
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def count(params, batch):
    """A loss whose slope is 1: Adam moves by the rate each step."""
    return params["w"] + 0 * batch


def call(function, scores, *, patience, validate=None, n_steps=10, drawn=None):
    left = iter(scores)

    def sample(generator):
        batch = torch.rand((), generator=generator, dtype=torch.float64)
        if drawn is not None:
            drawn.append(batch.item())
        return batch

    return function(
        count,
        {"w": torch.zeros((), dtype=torch.float64)},
        sample,
        n_steps=n_steps,
        outer_lr=1.0,
        generator=seeded(),
        progress=None,
        validate=validate or (lambda params: next(left)),
        validate_every=2,
        patience=patience,
    )


def assert_stops_early(function):
    undisturbed = [torch.rand((), generator=seeded(), dtype=torch.float64).item()]
    for scores, end, best in CASES.values():
        drawn = []
        found = call(function, scores, patience=2, drawn=drawn)
        assert len(found.history) == len(drawn) == end
        assert -found.params["w"].item() == pytest.approx(best)
        assert found.best == (best, scores[best // 2 - 1])
        assert found.scores == tuple((2 * k + 2, s) for k, s in enumerate(scores[: end // 2]))
        assert found.stopped_early == (end < 10)
        without = call(function, scores, patience=None)
        assert len(without.history) == 10
        assert -without.params["w"].item() == pytest.approx(10)
        assert not without.stopped_early
        assert without.best.value == max(scores)
        assert drawn[:1] == undisturbed


def changed(*, score=lambda s, step: s, patience=0, last=False, forget=False):
    """Return `fit` with another way to judge, to wait or to return."""

    def function(objective, params, sample, *, validate, **settings):
        steps, seen = [0], [torch.zeros(())]

        def counted(p, b):
            seen[0] = p["w"].detach()
            return objective(p, b)

        def judged(p):
            steps[0] += 2
            return score(validate(p), steps[0])

        waits = settings.pop("patience")
        found = fit(
            counted,
            params,
            sample,
            validate=judged,
            patience=None if waits is None else waits + patience,
            **settings,
        )
        trained = {"w": -torch.tensor(float(len(found.history)))} if last else found.params
        return Fit(trained, found.history, () if forget else found.scores, found.stopped_early)

    return function


WRONG = {
    "lower is better": changed(score=lambda s, step: -s),
    "equal is an improvement": changed(score=lambda s, step: s + 1e-9 * step),
    "one evaluation too patient": changed(patience=1),
    "one evaluation too impatient": changed(patience=-1),
    "the last parameters": changed(last=True),
    "does not say the score": changed(forget=True),
    "magnitudes": changed(score=lambda s, step: abs(s)),
}


def test_training_stops_where_the_scores_say_and_returns_the_best():
    assert_stops_early(fit)


def test_the_wrapper_behind_the_wrong_ones_is_right_itself():
    assert_stops_early(changed())


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_written_scores_tell_wrong_stopping(wrong):
    with pytest.raises((AssertionError, ValueError, AttributeError)):
        assert_stops_early(wrong)


@pytest.mark.parametrize("patience", [None, 3])
def test_validation_does_not_disturb_the_batches(patience):
    plain, watched, generator = [], [], seeded()
    call(fit, (), patience=None, validate=lambda params: 0.5, drawn=plain)

    def greedy(params):
        return torch.rand((), generator=generator).item()

    def sample(g):
        watched.append(torch.rand((), generator=g, dtype=torch.float64).item())
        return torch.zeros(())

    settings = {"n_steps": len(plain), "outer_lr": 1.0, "generator": generator, "progress": None}
    fit(count, {"w": torch.zeros(())}, sample, validate=greedy, validate_every=3, **settings)
    assert watched == plain


def test_validation_sees_the_parameters_after_so_many_steps_and_the_last_ones():
    seen = []

    def validate(params):
        seen.append(params)
        return 0.0

    found = call(fit, (), patience=None, validate=validate, n_steps=5)
    assert [-round(p["w"].item()) for p in seen] == [2, 4, 5]
    assert [score.step for score in found.scores] == [2, 4, 5]
    assert not any(p["w"].requires_grad for p in seen)


def test_what_validation_keeps_or_changes_in_its_dictionary_is_its_own():
    found = call(fit, (), patience=None, validate=lambda params: params.clear() or 0.0)
    assert list(found.params) == ["w"]


def test_a_score_that_is_no_number_is_refused_with_its_step():
    with pytest.raises(FloatingPointError, match="validate returned nan after 4 steps"):
        call(fit, (0.1, math.nan), patience=None)


def test_patience_without_validation_is_refused():
    with pytest.raises(ValueError, match="patience=3 has nothing to go by; pass validate"):
        fit(
            count,
            {"w": torch.zeros(())},
            lambda g: 0,
            n_steps=1,
            outer_lr=1.0,
            generator=seeded(),
            progress=None,
            patience=3,
        )


@pytest.mark.parametrize("name", ["n_steps", "patience", "validate_every", "checkpoint_every"])
def test_intervals_below_one_are_refused_by_name(name):
    settings = {"n_steps": 3, "outer_lr": 1.0, "generator": seeded(), "progress": None, name: 0}
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        fit(count, {"w": torch.zeros(())}, lambda g: 0, validate=lambda p: 0.0, **settings)


def test_nothing_measured_is_no_best_and_endless_patience():
    assert best_score([]) is None
    assert not out_of_patience([], 1)
    assert not out_of_patience([Score(k, -k) for k in range(50)], None)


def test_a_fit_unpacks_into_parameters_and_history():
    trained, history = found = call(fit, (0.5,) * 5, patience=None)
    assert (trained, history) == (found.params, found.history)
