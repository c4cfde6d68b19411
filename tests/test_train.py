"""The outer loop against Adam's formulas, written out in plain Python."""

import itertools
import math

import pytest
import torch

from medmeta_ref.train import Fit, cosine, fit, sample_minibatch


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def adam_by_hand(start, slope, rates, *, beta1=0.9, beta2=0.999, eps=1e-8):
    """Return w after Adam (Kingma and Ba 2015, Algorithm 1) with one learning rate per step."""
    w, m, v = start, 0.0, 0.0
    for t, rate in enumerate(rates, 1):
        g = slope(w, t - 1)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        w -= rate * (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + eps)
    return w


def bowl(params, target):
    return ((params["w"] - target) ** 2).sum()


TARGETS = (3.0, -1.0, 2.0, 0.5, 4.0, -2.0, 1.0)


def run(function, *, n_steps, outer_lr, start=1.0):
    """Fit one number to targets that change from step to step."""
    left = iter(TARGETS)
    return function(
        bowl,
        {"w": torch.tensor([start], dtype=torch.float64)},
        lambda generator: next(left),
        n_steps=n_steps,
        outer_lr=outer_lr,
        generator=seeded(),
        progress=None,
    )


def assert_is_adam(function):
    for n_steps, outer_lr in ((1, 0.1), (2, 0.1), (7, 0.3), (7, lambda step: 0.2 / (step + 1))):
        rates = [outer_lr(k) if callable(outer_lr) else outer_lr for k in range(n_steps)]
        trained = run(function, n_steps=n_steps, outer_lr=outer_lr)
        wanted = adam_by_hand(1.0, lambda w, step: 2 * (w - TARGETS[step]), rates)
        assert trained.params["w"].item() == pytest.approx(wanted, rel=1e-9)
        assert len(trained.history) == n_steps
        assert trained.history[0] == pytest.approx((1.0 - TARGETS[0]) ** 2)
        if n_steps > 1:
            before_second = adam_by_hand(1.0, lambda w, step: 2 * (w - TARGETS[step]), rates[:1])
            assert trained.history[1] == pytest.approx((before_second - TARGETS[1]) ** 2)


def fit_variant(step_rule, *, rate=lambda lr, step: lr(step), history=lambda before, after: before):
    """Return a `fit` for one number with another rule for the step."""

    def function(loss, params, sample, *, n_steps, outer_lr, generator, progress):
        lr = outer_lr if callable(outer_lr) else lambda _: outer_lr
        w, state, values = params["w"].clone().requires_grad_(), {}, []
        for step in range(n_steps):
            batch = sample(generator)
            value = loss({"w": w}, batch)
            [g] = torch.autograd.grad(value, [w])
            w = (w - step_rule(g, rate(lr, step), step + 1, state)).detach().requires_grad_()
            values.append(history(value.item(), loss({"w": w}, batch).item()))
        return Fit({"w": w.detach()}, values)

    return function


def adam(g, rate, t, state, *, beta1=0.9, beta2=0.999, correct=True, eps=1e-8):
    state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * g * g
    m, v = state["m"], state["v"]
    if correct:
        m, v = m / (1 - beta1**t), v / (1 - beta2**t)
    return rate * m / (v.sqrt() + eps)


WRONG_FITS = {
    "plain gradient descent": fit_variant(lambda g, rate, t, state: rate * g),
    "uphill": fit_variant(lambda g, rate, t, state: -adam(g, rate, t, state)),
    "moments not corrected": fit_variant(
        lambda g, rate, t, state: adam(g, rate, t, state, correct=False)
    ),
    "no memory between steps": fit_variant(lambda g, rate, t, state: adam(g, rate, 1, {})),
    "no first moment": fit_variant(lambda g, rate, t, state: adam(g, rate, t, state, beta1=0.0)),
    "gradients summed up": fit_variant(
        lambda g, rate, t, state: adam(
            state.setdefault("sum", torch.zeros_like(g)).add_(g).clone(), rate, t, state
        )
    ),
    "schedule of the first step throughout": fit_variant(adam, rate=lambda lr, step: lr(0)),
    "schedule one step late": fit_variant(adam, rate=lambda lr, step: lr(max(0, step - 1))),
    "schedule one step early": fit_variant(adam, rate=lambda lr, step: lr(step + 1)),
    "loss after the step": fit_variant(adam, history=lambda before, after: after),
}


def test_steps_are_adams_with_the_schedule_of_each_step():
    assert_is_adam(fit)


def test_the_plain_steps_behind_the_wrong_loops_are_right_themselves():
    assert_is_adam(fit_variant(adam))


@pytest.mark.parametrize("wrong", WRONG_FITS.values(), ids=WRONG_FITS.keys())
def test_adam_by_hand_tells_wrong_loops(wrong):
    with pytest.raises(AssertionError):
        assert_is_adam(wrong)


def test_the_rate_of_a_step_is_asked_for_right_before_its_batch_and_loss():
    """An objective that changes with the step may learn from its schedule where it stands."""
    asked_for = []
    fit(
        lambda params, batch: asked_for.append("loss") or params["w"].sum(),
        {"w": torch.zeros(1)},
        lambda g: asked_for.append("batch"),
        n_steps=3,
        outer_lr=lambda step: asked_for.append(step) or 0.1,
        generator=seeded(),
        progress=None,
    )
    assert asked_for == [0, "batch", "loss", 1, "batch", "loss", 2, "batch", "loss"]


def test_the_first_step_goes_by_the_learning_rate_whatever_the_gradient():
    for start in (-1000.0, 2.0, 50.0):
        trained = run(fit, n_steps=1, outer_lr=0.25, start=start)
        direction = -1 if start > TARGETS[0] else 1
        assert trained.params["w"].item() - start == pytest.approx(0.25 * direction)


def start():
    return {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor(3.0)}


def noisy(params, batch):
    return (params["a"] * batch).sum() ** 2 + params["b"] ** 2


def noisy_fit(params, seed):
    return fit(
        noisy,
        params,
        lambda generator: torch.randn(2, generator=generator),
        n_steps=10,
        outer_lr=0.1,
        generator=seeded(seed),
        progress=None,
    )


def test_the_starting_parameters_are_left_alone():
    params = start()
    trained = noisy_fit(params, 0).params
    assert all(torch.equal(p, start()[name]) and not p.requires_grad for name, p in params.items())
    assert list(trained) == list(params)
    for name, p in trained.items():
        assert not p.requires_grad
        assert p.data_ptr() != params[name].data_ptr()
        assert not torch.equal(p, params[name])


def test_starting_parameters_that_require_gradient_get_none():
    params = {name: p.requires_grad_() for name, p in start().items()}
    assert all(not p.requires_grad for p in noisy_fit(params, 0).params.values())
    assert all(p.grad is None for p in params.values())


def test_the_generator_decides_everything():
    state = torch.get_rng_state()
    first, again, other = (noisy_fit(start(), seed) for seed in (1, 1, 2))
    assert first.history == again.history
    assert all(torch.equal(first.params[name], again.params[name]) for name in first.params)
    assert first.history != other.history
    assert torch.equal(torch.get_rng_state(), state)


def test_the_samples_get_the_generator_itself_once_per_step():
    generator, seen = seeded(), []
    fit(
        bowl,
        {"w": torch.zeros(1)},
        lambda g: seen.append(g) or 1.0,
        n_steps=4,
        outer_lr=0.1,
        generator=generator,
        progress=None,
    )
    assert len(seen) == 4
    assert all(g is generator for g in seen)


@pytest.mark.parametrize(("bad", "shown"), [(math.nan, "nan"), (math.inf, "inf")])
def test_a_loss_that_is_no_number_stops_training_at_its_step(bad, shown):
    batches = iter([1.0, 1.0, bad])
    with pytest.raises(FloatingPointError) as raised:
        fit(
            lambda params, batch: (params["w"] * batch).sum(),
            {"w": torch.ones(1)},
            lambda generator: next(batches),
            n_steps=9,
            outer_lr=0.125,
            generator=seeded(),
            progress=None,
        )
    assert str(raised.value).startswith(
        f"the loss is {shown} at step 2; a lower outer_lr than 0.125"
    )


@pytest.mark.parametrize("n_steps", [0, -3])
def test_no_steps_are_refused_with_the_number(n_steps):
    with pytest.raises(ValueError, match=f"n_steps must be at least 1, got {n_steps}"):
        run(fit, n_steps=n_steps, outer_lr=0.1)


def test_silence_is_silence_and_a_label_is_shown(capsys):
    run(fit, n_steps=2, outer_lr=0.1)
    assert capsys.readouterr() == ("", "")
    fit(
        bowl,
        {"w": torch.zeros(1)},
        lambda g: 1.0,
        n_steps=2,
        outer_lr=0.1,
        generator=seeded(),
        progress="meta-training",
    )
    out, err = capsys.readouterr()
    assert out == ""
    assert "meta-training" in err


def assert_is_half_a_cosine(function):
    for top, n_steps in ((1.0, 4), (0.002, 300)):
        schedule = function(top, n_steps)
        assert schedule(0) == pytest.approx(top)
        assert schedule(n_steps // 2) == pytest.approx(top / 2)
        assert schedule(n_steps) == pytest.approx(0, abs=1e-15)
        assert schedule(n_steps + 10) == pytest.approx(0, abs=1e-15)
        values = [schedule(k) for k in range(n_steps + 1)]
        assert all(a > b for a, b in itertools.pairwise(values))
        for k in range(n_steps + 1):  # point symmetry about the middle
            assert values[k] + values[n_steps - k] == pytest.approx(top)
        assert schedule(n_steps // 4) == pytest.approx(top * (0.5 + math.sqrt(0.5) / 2))


WRONG_SCHEDULES = {
    "constant": lambda lr, n: lambda k: lr,
    "a straight line": lambda lr, n: lambda k: lr * max(0.0, 1 - k / n),
    "upwards": lambda lr, n: lambda k: lr * 0.5 * (1 - math.cos(math.pi * min(k, n) / n)),
    "quarter of a cosine": lambda lr, n: lambda k: lr * math.cos(math.pi / 2 * min(k, n) / n),
    "half height": lambda lr, n: lambda k: lr * 0.25 * (1 + math.cos(math.pi * min(k, n) / n)),
    "rises again after the end": lambda lr, n: lambda k: lr * 0.5 * (1 + math.cos(math.pi * k / n)),
    "ends one step early": lambda lr, n: (
        lambda k: lr * 0.5 * (1 + math.cos(math.pi * min(k, n - 1) / (n - 1)))
    ),
}


def test_the_schedule_is_half_a_cosine():
    assert_is_half_a_cosine(cosine)


@pytest.mark.parametrize("wrong", WRONG_SCHEDULES.values(), ids=WRONG_SCHEDULES.keys())
def test_its_ends_middle_and_symmetry_tell_wrong_schedules(wrong):
    with pytest.raises(AssertionError):
        assert_is_half_a_cosine(wrong)


IMAGES = torch.arange(10, dtype=torch.float64).reshape(10, 1, 1, 1)
LABELS = torch.arange(10) * 7


def assert_draws_minibatches(function):
    generator, state = seeded(3), torch.get_rng_state()
    drawn = [function(IMAGES, LABELS, batch_size=4, generator=generator) for _ in range(500)]
    assert torch.equal(torch.get_rng_state(), state)
    repeated = function(IMAGES, LABELS, batch_size=4, generator=seeded(3))
    assert all(torch.equal(a, b) for a, b in zip(drawn[0], repeated, strict=True))
    for images, labels, positions in drawn:
        assert (images.shape, labels.shape, positions.shape) == ((4, 1, 1, 1), (4,), (4,))
        assert len(set(positions.tolist())) == 4
        assert images.flatten().tolist() == positions.tolist()
        assert labels.tolist() == [7 * k for k in positions.tolist()]
    for place in range(4):  # 500 draws of 10: 50 each, within 4.5 standard deviations
        counts = torch.bincount(torch.stack([p for *_, p in drawn])[:, place], minlength=10)
        assert bool(((counts - 50).abs() < 4.5 * math.sqrt(500 * 0.1 * 0.9)).all())


def minibatch_variant(positions_of, *, pairs=lambda positions: positions):
    def function(images, labels, *, batch_size, generator):
        positions = positions_of(len(images), batch_size, generator)
        return images[positions], labels[pairs(positions)], positions

    return function


WRONG_MINIBATCHES = {
    "with replacement": minibatch_variant(lambda n, b, g: torch.randint(n, (b,), generator=g)),
    "the first images": minibatch_variant(lambda n, b, g: torch.randperm(b, generator=g)),
    "a block": minibatch_variant(
        lambda n, b, g: torch.arange(b) + torch.randint(n - b + 1, (1,), generator=g)
    ),
    "sorted": minibatch_variant(lambda n, b, g: torch.randperm(n, generator=g)[:b].sort().values),
    "global generator": minibatch_variant(lambda n, b, g: torch.randperm(n)[:b]),
    "labels in another order": minibatch_variant(
        lambda n, b, g: torch.randperm(n, generator=g)[:b], pairs=lambda p: p.flip(0)
    ),
    "positions in the batch": lambda images, labels, *, batch_size, generator: (
        *sample_minibatch(images, labels, batch_size=batch_size, generator=generator)[:2],
        torch.arange(batch_size),
    ),
    "one too many": lambda images, labels, *, batch_size, generator: sample_minibatch(
        images, labels, batch_size=batch_size + 1, generator=generator
    ),
}


def test_minibatches_are_different_images_with_their_labels_and_positions():
    assert_draws_minibatches(sample_minibatch)


@pytest.mark.parametrize("wrong", WRONG_MINIBATCHES.values(), ids=WRONG_MINIBATCHES.keys())
def test_the_judge_rejects_wrong_minibatches(wrong):
    with pytest.raises(AssertionError):
        assert_draws_minibatches(wrong)


def test_the_whole_set_is_a_minibatch_too():
    _, _, positions = sample_minibatch(IMAGES, LABELS, batch_size=10, generator=seeded())
    assert sorted(positions.tolist()) == list(range(10))


def test_bytes_come_out_scaled_and_channels_first():
    images = torch.arange(10, dtype=torch.uint8).reshape(10, 1, 1, 1).expand(10, 4, 5, 3)
    taken, _, positions = sample_minibatch(images, LABELS, batch_size=3, generator=seeded())
    assert taken.shape == (3, 3, 4, 5)
    assert taken.dtype == torch.float32
    torch.testing.assert_close(taken[:, 0, 0, 0], positions / 127.5 - 1)


@pytest.mark.parametrize("batch_size", [0, -1, 11])
def test_an_impossible_batch_size_is_refused_with_the_range(batch_size):
    with pytest.raises(ValueError, match=rf"batch_size must be in 1\.\.10, got {batch_size}"):
        sample_minibatch(IMAGES, LABELS, batch_size=batch_size, generator=seeded())
