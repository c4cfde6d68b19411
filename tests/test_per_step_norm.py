import pytest
import torch
import torch.nn.functional as F
from torch import nn

from medmeta_ref.backbones import ConvNet
from medmeta_ref.episodes import Episode
from medmeta_ref.inner_loop import adapt
from medmeta_ref.maml_pp import initial_rates
from medmeta_ref.params import forward, initial_params
from medmeta_ref.per_step_norm import (
    Moments,
    PerStepBatchNorm2d,
    PerStepConvNet,
    adapt_per_step,
    per_step_logits,
    update_statistics,
)

N_STEPS = 3


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


def problem():
    """Return a network, parameters with different norms at every step, rates and an episode."""
    model = PerStepConvNet(1, (3, 4), n_outputs=2, n_steps=N_STEPS)
    params = {n: p.double() for n, p in initial_params(model, generator=seeded()).items()}
    params = {
        n: p + 0.2 * normal(*p.shape, seed=k) if n.startswith("norms.") else p
        for k, (n, p) in enumerate(params.items())
    }
    rates = initial_rates(params, inner_lr=0.3, inner_steps=N_STEPS)
    labels = torch.arange(8) % 2
    shift = labels.view(-1, 1, 1, 1) * torch.linspace(-1, 2, 8, dtype=torch.float64)
    support_x, query_x = (2 * normal(8, 1, 8, 8, seed=s) + 1 + shift for s in (2, 3))
    return model, params, rates, Episode(support_x, labels, query_x, labels)


def recorded():
    model, params, rates, episode = problem()
    _, moments = adapt_per_step(
        model, params, episode.support_x, episode.support_y, inner_rates=rates, inner_steps=N_STEPS
    )
    return moments


def predict(x, statistics=None):
    """Return logits of `x` after adaptation to the support set of the problem."""
    model, params, rates, episode = problem()
    adapted, _ = adapt_per_step(
        model,
        params,
        episode.support_x,
        episode.support_y,
        inner_rates=rates,
        inner_steps=N_STEPS,
        statistics=statistics,
    )
    return per_step_logits(model, adapted, x, step=N_STEPS - 1, statistics=statistics)


# The norm


def layer():
    norm = PerStepBatchNorm2d(2, N_STEPS).double()
    with torch.no_grad():
        for k, p in enumerate(norm.parameters()):
            p.copy_(1 + 0.5 * normal(2, seed=k))
    return norm


def assert_norm(normalise):
    """Judge by the formula, spelled out for every number, with the batch's and stored moments."""
    norm, x = layer(), (3 * normal(5, 2, 2, 2) + 1).requires_grad_()
    stored = Moments(normal(N_STEPS, 2, seed=5), normal(N_STEPS, 2, seed=6).exp())
    before = Moments(*(m.clone() for m in stored))
    for step in range(N_STEPS):
        scale, shift = norm.steps[step].weight, norm.steps[step].bias
        columns = x.transpose(0, 1).flatten(1)  # [channels, numbers]
        mean = torch.stack([c.sum() / 20 for c in columns])
        spread = torch.stack([(c - c.sum() / 20).square().sum() for c in columns])
        for given, m, v, seen in (
            (None, mean, spread / 20, Moments(mean, spread / 19)),
            (stored, stored.mean[step], stored.var[step], None),
        ):
            out, used = normalise(norm, x, step, given)
            for n, c, i, j in [(0, 0, 0, 0), (4, 1, 1, 0), (2, 0, 1, 1)]:
                wanted = (x[n, c, i, j] - m[c]) / (v[c] + 1e-5).sqrt() * scale[c] + shift[c]
                torch.testing.assert_close(out[n, c, i, j], wanted)
            if seen is not None:
                torch.testing.assert_close(used.mean, seen.mean)
                torch.testing.assert_close(used.var, seen.var)
                assert not used.mean.requires_grad
                assert not used.var.requires_grad
        for kept, original in zip(stored, before, strict=True):
            assert torch.equal(kept, original), "the stored moments changed"


def call(norm, x, step, stored):
    return norm(x, step, stored)


def training_always(norm, x, step, stored):
    """The authors' code: what is stored is moved along, but never read."""
    own = norm.steps[step]
    rows = (None, None) if stored is None else (stored.mean[step], stored.var[step])
    out = F.batch_norm(x, *rows, own.weight, own.bias, training=True)
    return out, norm(x, step, None)[1]


def only_stored_moments(norm, x, step, stored):
    if stored is None:
        stored = Moments(x.new_zeros(N_STEPS, 2), x.new_ones(N_STEPS, 2))
    return norm(x, step, stored)


def biased_variance(norm, x, step, stored):
    out, used = norm(x, step, stored)
    return out, Moments(used.mean, x.detach().var((0, 2, 3), unbiased=False))


def deviation_for_variance(norm, x, step, stored):
    return norm(x, step, None if stored is None else Moments(stored.mean, stored.var.sqrt()))


def moments_with_gradient(norm, x, step, stored):
    out, used = norm(x, step, stored)
    return out, Moments(used.mean * norm.steps[0].weight / norm.steps[0].weight, used.var)


def moves_the_stored_moments(norm, x, step, stored):
    out = norm(x, step, stored)
    if stored is not None:
        stored.mean[step] += 0.1 * (x.mean((0, 2, 3)) - stored.mean[step])
    return out


def stored_of_the_first_step(norm, x, step, stored):
    first = None if stored is None else Moments(*(m[:1].expand(N_STEPS, 2) for m in stored))
    return norm(x, step, first)


WRONG_NORMS = {
    "training=True always": training_always,
    "stored moments always": only_stored_moments,
    "one scale and shift for all steps": lambda norm, x, step, s: norm(
        x, 0, s if s is None else Moments(*(m[step:] for m in s))
    ),
    "stored moments of the first step": stored_of_the_first_step,
    "step ahead": lambda norm, x, step, stored: norm(x, (step + 1) % N_STEPS, stored),
    "biased variance recorded": biased_variance,
    "deviation for variance": deviation_for_variance,
    "moments with gradient": moments_with_gradient,
    "evaluation moves what is stored": moves_the_stored_moments,
    "image by image": lambda norm, x, step, s: (
        torch.cat([norm(image[None], step, s)[0] for image in x]),
        norm(x, step, s)[1],
    ),
}


def test_norm_follows_the_formula_with_both_kinds_of_moments():
    assert_norm(call)


@pytest.mark.parametrize("wrong", WRONG_NORMS.values(), ids=WRONG_NORMS.keys())
def test_judge_of_the_norm_rejects(wrong):
    with pytest.raises(AssertionError):
        assert_norm(wrong)


def test_batch_norm_in_training_mode_does_not_read_what_is_stored():
    """What issues #3 and #24 of the authors' repository are about, shown on PyTorch itself."""
    x = normal(4, 2, 3, 3)
    read, unread = (
        [F.batch_norm(x, m * torch.ones(2).double(), x.new_ones(2), training=t) for m in (0.0, 9.0)]
        for t in (False, True)
    )
    assert torch.equal(*unread)
    assert not torch.allclose(*read)


@pytest.mark.parametrize("step", [-1, 3, 7])
def test_a_step_past_the_end_is_refused(step):
    with pytest.raises(ValueError, match="asked for") as caught:
        layer()(normal(4, 2, 2, 2), step, None)
    assert str(caught.value) == (
        f"step {step} asked for, but there are norms and statistics for steps 0 to 2; take at most "
        "3 inner steps, or train with more"
    )


def test_a_step_past_the_end_of_the_statistics_is_refused():
    short = Moments(torch.zeros(2, 2).double(), torch.ones(2, 2).double())
    with pytest.raises(ValueError, match=r"^step 2 asked for, .* steps 0 to 1; take at most 2"):
        layer()(normal(4, 2, 2, 2), 2, short)


# The network


def test_network_is_the_course_network_where_all_steps_are_alike():
    plain = ConvNet(1, (3, 4), n_outputs=2)
    params = initial_params(plain, generator=seeded())
    model = PerStepConvNet(1, (3, 4), n_outputs=2, n_steps=2)
    copied = {}
    for name in initial_params(model, generator=seeded()):
        parts = name.split(".")
        source = name
        if parts[0] in ("convs", "norms"):
            source = f"blocks.{parts[1]}.{int(parts[0] == 'norms')}.{parts[-1]}"
        copied[name] = params[source]
    x = normal(6, 1, 8, 8).float()
    for step in (0, 1):
        torch.testing.assert_close(
            per_step_logits(model, copied, x, step=step), forward(plain, params, x)
        )


def test_fresh_norms_scale_by_one_and_shift_by_zero_at_every_step():
    model = PerStepConvNet(1, (3, 4), n_outputs=2, n_steps=N_STEPS)
    fresh = initial_params(model, generator=seeded())
    norms = {n: p for n, p in fresh.items() if n.startswith("norms.")}
    assert len(norms) == 2 * 2 * N_STEPS  # layers, scale and shift, steps
    for name, p in norms.items():
        assert torch.equal(p, torch.full_like(p, float(name.endswith("weight"))))


def test_statistics_of_another_depth_are_refused():
    model, params, _, episode = problem()
    for layers in ((), recorded()[:1]):
        with pytest.raises(ValueError, match="shorter"):
            per_step_logits(model, params, episode.query_x, step=0, statistics=layers)


# Recording


class AtStep(nn.Module):
    """The network at one step and with the batch's moments, as `inner_loop.adapt` takes it."""

    def __init__(self, model, step):
        super().__init__()
        self.model, self.step = model, step

    def forward(self, x):
        return self.model(x, self.step)[0]


def assert_adaptation(adapt_with):
    """Judge by plain `adapt`, a step at a time, and by the moments of the features in between."""
    model, params, rates, episode = problem()
    support = (episode.support_x, episode.support_y)
    adapted, moments = adapt_with(
        model, params, *support, inner_rates=rates, inner_steps=N_STEPS, first_order=False
    )
    wanted = params
    for step in range(N_STEPS):
        conv = F.conv2d(support[0], wanted["convs.0.weight"], padding=1)
        columns = conv.transpose(0, 1).flatten(1)
        torch.testing.assert_close(moments[0].mean[step], columns.mean(1))
        torch.testing.assert_close(moments[0].var[step], columns.var(1))
        once = {f"model.{n}": torch.zeros(()) for n in params}
        once |= {f"model.{n}": r[step] for n, r in rates.items() if not n.startswith("norms.")}
        named = {f"model.{n}": p for n, p in wanted.items()}
        stepped = adapt(AtStep(model, step), named, *support, inner_lr=once, inner_steps=1)
        wanted = {n.removeprefix("model."): p for n, p in stepped.items()}
    assert len(moments) == 2
    assert list(adapted) == list(params)
    for name, p in wanted.items():
        torch.testing.assert_close(adapted[name], p)


def remembers(change):
    def adapt_with(model, params, *support, **settings):
        adapted, moments = adapt_per_step(model, params, *support, **settings)
        return adapted, tuple(change(m) for m in moments)

    return adapt_with


def step_zero_throughout(model, params, *support, inner_rates, inner_steps, **settings):
    rows = []
    for k in range(inner_steps):
        one = {n: r[k : k + 1] for n, r in inner_rates.items()}
        params, moments = adapt_per_step(
            model, params, *support, inner_rates=one, inner_steps=1, **settings
        )
        rows.append(moments)
    stacked = [[torch.cat(part) for part in zip(*m, strict=True)] for m in zip(*rows, strict=True)]
    return params, tuple(Moments(*m) for m in stacked)


def norms_adapt_too(model, params, *support, **settings):
    adapted, moments = adapt_per_step(model, params, *support, **settings)
    return {n: p * 0.99 if n.startswith("norms.") else p for n, p in adapted.items()}, moments


def stored_statistics_used(model, params, *support, **settings):
    first = Moments(torch.zeros(N_STEPS, 3).double(), torch.ones(N_STEPS, 3).double())
    second = Moments(torch.zeros(N_STEPS, 4).double(), torch.ones(N_STEPS, 4).double())
    return adapt_per_step(model, params, *support, statistics=(first, second), **settings)


def rates_reversed(model, params, *support, inner_rates, **settings):
    uneven = {n: r * torch.linspace(1, 2, N_STEPS) for n, r in inner_rates.items()}
    return adapt_per_step(model, params, *support, inner_rates=uneven, **settings)


WRONG_ADAPTATIONS = {
    "norm of the first step throughout": step_zero_throughout,
    "first step's moments throughout": remembers(
        lambda m: Moments(*(part[:1].expand_as(part) for part in m))
    ),
    "steps mixed": remembers(lambda m: Moments(*(part.mean(0).expand_as(part) for part in m))),
    "moments in reverse": remembers(lambda m: Moments(*(part.flip(0) for part in m))),
    "mean and variance swapped": remembers(lambda m: Moments(m.var, m.mean)),
    "norms adapt too": norms_adapt_too,
    "stored statistics used": stored_statistics_used,
    "other rates": rates_reversed,
}


def test_adaptation_is_plain_adaptation_with_the_norm_of_each_step():
    assert_adaptation(adapt_per_step)


@pytest.mark.parametrize("wrong", WRONG_ADAPTATIONS.values(), ids=WRONG_ADAPTATIONS.keys())
def test_judge_of_the_adaptation_rejects(wrong):
    with pytest.raises(AssertionError):
        assert_adaptation(wrong)


def test_every_step_has_statistics_of_its_own():
    for moments, channels in zip(recorded(), (3, 4), strict=True):
        assert moments.mean.shape == moments.var.shape == (N_STEPS, channels)
        for a, b in ((0, 1), (1, 2), (0, 2)):
            assert not torch.allclose(moments.mean[a], moments.mean[b])
            assert not torch.allclose(moments.var[a], moments.var[b])


def test_recorded_moments_carry_no_gradient_but_the_adapted_parameters_do():
    model, params, rates, episode = problem()
    leaf = {n: p.clone().requires_grad_() for n, p in params.items()}
    adapted, moments = adapt_per_step(
        model, leaf, episode.support_x, episode.support_y, inner_rates=rates, inner_steps=N_STEPS
    )
    assert not any(part.requires_grad for m in moments for part in m)
    logits = per_step_logits(model, adapted, episode.query_x, step=N_STEPS - 1)
    loss = F.cross_entropy(logits, episode.query_y)
    grads = torch.autograd.grad(loss, list(leaf.values()))
    for name, g in zip(leaf, grads, strict=True):
        assert g.abs().sum() > 0, name  # also the norms of earlier steps: second order


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("name", ["convs.0.weight", "norms.0.steps.0.weight", "head.bias"])
def test_meta_gradient_equals_finite_differences(stored, name):
    model, params, rates, episode = problem()
    statistics = recorded() if stored else None

    def loss(moved):
        adapted, _ = adapt_per_step(
            model,
            {**params, name: moved},
            episode.support_x,
            episode.support_y,
            inner_rates=rates,
            inner_steps=N_STEPS,
            statistics=statistics,
        )
        logits = per_step_logits(model, adapted, episode.query_x, step=2, statistics=statistics)
        return F.cross_entropy(logits, episode.query_y)

    leaf = params[name].clone().requires_grad_()
    got = torch.autograd.grad(loss(leaf), leaf)[0]
    step = torch.zeros_like(leaf.detach())
    step.view(-1)[1] = 1e-6
    with torch.no_grad():
        difference = (loss(params[name] + step) - loss(params[name] - step)) / 2e-6
    assert got.view(-1)[1].item() == pytest.approx(difference.item(), rel=1e-4, abs=1e-8)


def test_first_order_takes_the_same_path_with_less_gradient():
    model, params, rates, episode = problem()
    leaf = {n: p.clone().requires_grad_() for n, p in params.items()}
    ends, grads = [], []
    for first_order in (False, True):
        adapted, _ = adapt_per_step(
            model,
            leaf,
            episode.support_x,
            episode.support_y,
            inner_rates=rates,
            inner_steps=N_STEPS,
            first_order=first_order,
        )
        ends.append(adapted["head.weight"])
        grads.append(torch.autograd.grad(ends[-1].square().sum(), leaf["head.weight"])[0])
    assert torch.equal(*ends)
    torch.testing.assert_close(grads[1], 2 * ends[1].detach())
    assert not torch.allclose(*grads)


# The moving average


def assert_moving_average(update):
    """Judge three updates by the average written out, 0.7³ of the first and so on."""
    made = [
        tuple(
            Moments(normal(N_STEPS, c, seed=s + c), normal(N_STEPS, c, seed=s).exp())
            for c in (3, 4)
        )
        for s in (10, 20, 30, 40)
    ]
    before = [[part.clone() for m in each for part in m] for each in made]
    running = made[0]
    for new in made[1:]:
        running = update(running, new, momentum=0.3)
    shares = (0.7**3, 0.3 * 0.7**2, 0.3 * 0.7, 0.3)
    for k in range(2):
        for part in (0, 1):
            wanted = sum(w * each[k][part] for w, each in zip(shares, made, strict=True))
            torch.testing.assert_close(running[k][part], wanted)
    for each, kept in zip(made, before, strict=True):
        flat = [part for m in each for part in m]
        assert all(torch.equal(a, b) for a, b in zip(flat, kept, strict=True)), "changed"


def in_place(statistics, moments, *, momentum):
    for old, new in zip(statistics, moments, strict=True):
        for a, b in zip(old, new, strict=True):
            a.lerp_(b, momentum)
    return statistics


WRONG_AVERAGES = {
    "momentum of the old": lambda s, m, *, momentum: update_statistics(s, m, momentum=1 - momentum),
    "newest only": lambda s, m, *, momentum: m,
    "never moves": lambda s, m, *, momentum: s,
    "variance stays": lambda s, m, *, momentum: tuple(
        Moments(new.mean, old.var)
        for new, old in zip(update_statistics(s, m, momentum=momentum), s, strict=True)
    ),
    "not normalised": lambda s, m, *, momentum: tuple(
        Moments(*(a + momentum * b for a, b in zip(*pair, strict=True)))
        for pair in zip(s, m, strict=True)
    ),
    "first step only": lambda s, m, *, momentum: tuple(
        Moments(*(torch.cat([a[:1], b[1:]]) for a, b in zip(*pair, strict=True)))
        for pair in zip(update_statistics(s, m, momentum=momentum), s, strict=True)
    ),
    "in place": in_place,
}


def test_statistics_are_the_exponential_moving_average_of_the_moments():
    assert_moving_average(update_statistics)


@pytest.mark.parametrize("wrong", WRONG_AVERAGES.values(), ids=WRONG_AVERAGES.keys())
def test_judge_of_the_moving_average_rejects(wrong):
    with pytest.raises(AssertionError):
        assert_moving_average(wrong)


# Evaluation


def test_a_prediction_with_statistics_depends_on_its_own_image_only():
    x, statistics = problem()[3].query_x, recorded()
    together = predict(x, statistics)
    for i in range(len(x)):
        torch.testing.assert_close(predict(x[i : i + 1], statistics)[0], together[i])
    beside_others = predict(torch.cat([x[:1], 50 + 9 * x[1:]]), statistics)
    torch.testing.assert_close(beside_others[0], together[0])


def test_the_moments_of_the_support_set_itself_predict_inductively_too():
    model, params, rates, episode = problem()
    support = (episode.support_x, episode.support_y)
    adapted, own = adapt_per_step(model, params, *support, inner_rates=rates, inner_steps=N_STEPS)
    together, alone = (
        per_step_logits(model, adapted, x, step=N_STEPS - 1, statistics=own)
        for x in (episode.query_x, episode.query_x[:1])
    )
    torch.testing.assert_close(alone[0], together[0])


def test_a_prediction_without_statistics_depends_on_the_images_beside_it():
    x = problem()[3].query_x
    assert not torch.allclose(predict(x)[0], predict(x[:4])[0])


@pytest.mark.parametrize("layer_index", [0, 1])
@pytest.mark.parametrize("step", range(N_STEPS))
@pytest.mark.parametrize("part", ["mean", "var"])
def test_every_stored_number_is_read(layer_index, step, part):
    """The mutant `training=True` reads none; one that reads the last step only misses the rest."""
    x, statistics = problem()[3].query_x, recorded()
    before = predict(x, statistics)
    changed = getattr(statistics[layer_index], part).clone()
    changed[step] = changed[step] * 1.5 + 0.5
    moved = [*statistics]
    moved[layer_index] = statistics[layer_index]._replace(**{part: changed})
    assert not torch.allclose(predict(x, tuple(moved)), before)


def test_evaluation_changes_neither_statistics_nor_parameters_nor_module():
    model, params, rates, episode = problem()
    statistics = recorded()
    values = [*params.values(), *rates.values(), *(part for m in statistics for part in m)]
    values += [*model.parameters(), *model.buffers()]
    before = [(v.clone(), v._version) for v in values]
    settings = {"inner_rates": rates, "inner_steps": N_STEPS, "statistics": statistics}
    runs = []
    for _ in range(2):
        adapted, used = adapt_per_step(
            model, params, episode.support_x, episode.support_y, **settings
        )
        runs.append(per_step_logits(model, adapted, episode.query_x, step=2, statistics=statistics))
        for a, b in zip(used, statistics, strict=True):
            assert torch.equal(a.mean, b.mean)
            assert torch.equal(a.var, b.var)
    assert torch.equal(*runs)
    for value, (copy, version) in zip(values, before, strict=True):
        assert torch.equal(value, copy)
        assert value._version == version
    assert list(model.buffers()) == []


def test_statistics_of_the_support_set_itself_change_next_to_nothing_at_the_first_layer():
    """With its own moments stored, a batch is normalised as without, but for n / (n - 1)."""
    norm, x = layer(), normal(8, 2, 6, 6)
    plain, seen = norm(x, 1, None)
    stored = Moments(*(part.expand(N_STEPS, 2) for part in seen))
    corrected = stored._replace(var=stored.var * (8 * 36 - 1) / (8 * 36))
    torch.testing.assert_close(norm(x, 1, corrected)[0], plain)


@pytest.mark.parametrize("inner_steps", [0, -1])
def test_no_steps_are_refused(inner_steps):
    model, params, rates, episode = problem()
    support = (episode.support_x, episode.support_y)
    with pytest.raises(ValueError, match=f"^inner_steps must be at least 1, got {inner_steps}$"):
        adapt_per_step(model, params, *support, inner_rates=rates, inner_steps=inner_steps)


def test_more_steps_than_norms_or_rates_are_refused():
    model, params, rates, episode = problem()
    support = (episode.support_x, episode.support_y)
    with pytest.raises(ValueError, match=r"^4 inner steps, but inner_rates\['convs.0.weight'\]"):
        adapt_per_step(model, params, *support, inner_rates=rates, inner_steps=4)
    longer = {n: torch.cat([r, r[-1:]]) for n, r in rates.items()}
    with pytest.raises(ValueError, match=r"^step 3 asked for, .* steps 0 to 2; take at most 3"):
        adapt_per_step(model, params, *support, inner_rates=longer, inner_steps=4)
