"""The distillation losses against plain Python loops, closed forms, limits and symmetries."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from medmeta_ref.distillation import (
    distillation_gradient,
    distillation_loss,
    feature_distillation_loss,
    soft_targets,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def logits(n, n_classes, seed, *, spread=2.0, dtype=torch.float64):
    return spread * torch.randn(n, n_classes, generator=seeded(seed), dtype=dtype)


def batch(n=6, n_classes=7, seed=0, dtype=torch.float64):
    student, teacher = (logits(n, n_classes, 2 * seed + k, dtype=dtype) for k in (0, 1))
    return student, teacher, torch.randint(n_classes, (n,), generator=seeded(seed))


# Plain Python: no tensor arithmetic, and exp only of numbers that are not positive.


def log_probabilities(row, temperature=1.0):
    scaled = [z / temperature for z in row]
    top = max(scaled)
    log_sum = top + math.log(math.fsum(math.exp(z - top) for z in scaled))
    return [z - log_sum for z in scaled]


def divergence(teacher_row, student_row, temperature):
    """Return KL(teacher || student) of one example."""
    p, q = (log_probabilities(row, temperature) for row in (teacher_row, student_row))
    return math.fsum(math.exp(a) * (a - b) for a, b in zip(p, q, strict=True))


def loss_by_hand(student, teacher, labels, temperature, alpha):
    rows = list(zip(student.tolist(), teacher.tolist(), labels.tolist(), strict=True))
    soft = math.fsum(divergence(t, s, temperature) for s, t, _ in rows) / len(rows)
    hard = -math.fsum(log_probabilities(s)[y] for s, _, y in rows) / len(rows)
    return alpha * temperature * temperature * soft + (1 - alpha) * hard


# soft_targets


def assert_is_softmax_at_temperature(function):
    huge = torch.tensor([[1e4, -1e4, 0.0], [-1e4, -1e4 + 1, -1e4 + 2]], dtype=torch.float64)
    for z in (logits(4, 5, 0), logits(2, 3, 1), logits(5, 5, 2), huge):
        for temperature in (0.5, 1.0, 4.0, 20.0):
            result = function(z, temperature=temperature)
            assert result.shape == z.shape
            wanted = [[math.exp(a) for a in log_probabilities(r, temperature)] for r in z.tolist()]
            for row, wanted_row in zip(result.tolist(), wanted, strict=True):
                assert row == pytest.approx(wanted_row, abs=1e-12)


WRONG_SOFT_TARGETS = {
    "no temperature": lambda z, temperature: z.softmax(1),
    "times T": lambda z, temperature: (z * temperature).softmax(1),
    "T squared": lambda z, temperature: (z / temperature**2).softmax(1),
    "divided after the softmax": lambda z, temperature: z.softmax(1) / temperature,
    "softmax over the examples": lambda z, temperature: (z / temperature).softmax(0),
    "softmax over everything": lambda z, temperature: (
        (z / temperature).flatten().softmax(0).reshape(z.shape)
    ),
    "log-probabilities": lambda z, temperature: (z / temperature).log_softmax(1),
    "exp that overflows": lambda z, temperature: (
        (z / temperature).exp() / (z / temperature).exp().sum(1, keepdim=True)
    ),
    "sigmoid": lambda z, temperature: (z / temperature).sigmoid(),
    "plain share": lambda z, temperature: z / z.sum(1, keepdim=True),
}


def test_soft_targets_are_the_softmax_at_a_temperature():
    assert_is_softmax_at_temperature(soft_targets)


@pytest.mark.parametrize("wrong", WRONG_SOFT_TARGETS.values(), ids=WRONG_SOFT_TARGETS.keys())
def test_the_loop_tells_wrong_soft_targets(wrong):
    with pytest.raises(AssertionError):
        assert_is_softmax_at_temperature(wrong)


def test_a_hot_teacher_is_uniform_and_a_cold_one_is_sure():
    z = logits(4, 5, 0)
    torch.testing.assert_close(soft_targets(z, temperature=1e9), torch.full_like(z, 1 / 5))
    one_hot = F.one_hot(z.argmax(1), 5).double()
    torch.testing.assert_close(soft_targets(z, temperature=1e-3), one_hot)


def test_temperature_never_changes_which_class_is_largest():
    z = logits(50, 5, 0)
    for temperature in (0.1, 3.0, 100.0):
        assert torch.equal(soft_targets(z, temperature=temperature).argmax(1), z.argmax(1))


def test_entropy_grows_with_temperature():
    z = logits(8, 5, 0)
    entropies = [
        torch.special.entr(soft_targets(z, temperature=t)).sum(1) for t in (0.5, 1, 2, 4, 8)
    ]
    assert bool((torch.stack(entropies).diff(dim=0) > 0).all())


# distillation_loss

SETTINGS = [(1.0, 1.0), (4.0, 1.0), (4.0, 0.0), (2.0, 0.3), (20.0, 0.9), (0.5, 0.5)]


def assert_is_distillation_loss(function):
    """Compare with the loops, then look at where gradient flows."""
    huge = (
        torch.tensor([[1e4, 0.0, -1e4], [0.0, 1.0, 2.0]], dtype=torch.float64),
        torch.tensor([[-1e4, 1e4, 0.0], [1e4, 0.0, 1e4]], dtype=torch.float64),
        torch.tensor([0, 2]),
    )
    for student, teacher, labels in (batch(), batch(3, 4, seed=1), batch(5, 5, seed=2), huge):
        for temperature, alpha in SETTINGS:
            value = function(student, teacher, labels, temperature=temperature, alpha=alpha)
            wanted = loss_by_hand(student, teacher, labels, temperature, alpha)
            assert value.ndim == 0
            assert value.item() == pytest.approx(wanted, rel=1e-10, abs=1e-12)
    student, teacher, labels = batch()
    student.requires_grad_()
    teacher.requires_grad_()
    value = function(student, teacher, labels, temperature=4.0, alpha=0.5)
    found = torch.autograd.grad(value, [student, teacher], allow_unused=True)
    assert found[0] is not None
    assert found[1] is None or not found[1].any(), "the teacher is trained"


def loss_variant(
    *,
    factor=lambda t: t**2,
    hard_factor=lambda t: 1.0,
    reduce=lambda terms: terms.sum(1).mean(),
    teacher_t=lambda t: t,
    student_t=lambda t: t,
    hard_t=lambda t: 1.0,
    swapped=False,
    dim=1,
    detach=True,
    weights=lambda alpha: (alpha, 1 - alpha),
):
    """Return the loss in plain steps, right by default; each keyword makes one step wrong."""

    def function(student, teacher, labels, *, temperature, alpha):
        if detach:
            teacher = teacher.detach()
        p = (teacher / teacher_t(temperature)).log_softmax(dim)
        q = (student / student_t(temperature)).log_softmax(dim)
        if swapped:
            p, q = q, p
        soft = reduce(p.exp() * (p - q))
        hard = F.cross_entropy(student / hard_t(temperature), labels) * hard_factor(temperature)
        soft_weight, hard_weight = weights(alpha)
        return soft_weight * factor(temperature) * soft + hard_weight * hard

    return function


def naive_loss(student, teacher, labels, *, temperature, alpha):
    p, q = ((z / temperature).exp() for z in (teacher.detach(), student))
    p, q = p / p.sum(1, keepdim=True), q / q.sum(1, keepdim=True)
    soft = (p * (p / q).log()).sum(1).mean()
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student, labels)


def probabilities_for_logs(student, teacher, labels, *, temperature, alpha):
    p, q = ((z / temperature).softmax(1) for z in (teacher.detach(), student))
    soft = F.kl_div(q, p, reduction="batchmean")
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student, labels)


def soft_cross_entropy(student, teacher, labels, *, temperature, alpha):
    p = (teacher.detach() / temperature).softmax(1)
    soft = -(p * (student / temperature).log_softmax(1)).sum(1).mean()
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student, labels)


WRONG_LOSSES = {
    "no T squared": loss_variant(factor=lambda t: 1.0),
    "T for T squared": loss_variant(factor=lambda t: t),
    "divided by T squared": loss_variant(factor=lambda t: t**-2),
    "T squared on both terms": loss_variant(hard_factor=lambda t: t**2),
    "mean over classes too": loss_variant(reduce=torch.mean),
    "sum over the batch": loss_variant(reduce=torch.sum),
    "arguments swapped": loss_variant(swapped=True),
    "softmax over the examples": loss_variant(dim=0),
    "cross-entropy at T": loss_variant(hard_t=lambda t: t),
    "temperature on the student only": loss_variant(teacher_t=lambda t: 1.0),
    "temperature on the teacher only": loss_variant(student_t=lambda t: 1.0),
    "alpha on the hard term": loss_variant(weights=lambda a: (1 - a, a)),
    "hard term unweighted": loss_variant(weights=lambda a: (a, 1.0)),
    "soft term unweighted": loss_variant(weights=lambda a: (1.0, 1 - a)),
    "the teacher gets gradient": loss_variant(detach=False),
    "exp that overflows": naive_loss,
    "probabilities for log-probabilities": probabilities_for_logs,
    "cross-entropy with the teacher": soft_cross_entropy,
}


def test_the_loss_is_the_sum_done_by_hand_and_trains_the_student_only():
    assert_is_distillation_loss(distillation_loss)


def test_the_plain_steps_behind_the_wrong_losses_are_right_themselves():
    assert_is_distillation_loss(loss_variant())


@pytest.mark.parametrize("wrong", WRONG_LOSSES.values(), ids=WRONG_LOSSES.keys())
def test_the_loops_tell_wrong_losses(wrong):
    with pytest.raises(AssertionError):
        assert_is_distillation_loss(wrong)


def test_alpha_0_is_plain_cross_entropy_at_any_temperature_and_teacher():
    student, teacher, labels = batch()
    for temperature in (1.0, 7.0):
        loss = distillation_loss(student, teacher, labels, temperature=temperature, alpha=0.0)
        torch.testing.assert_close(loss, F.cross_entropy(student, labels), rtol=1e-14, atol=0)


def test_a_one_hot_teacher_at_temperature_1_is_the_labels():
    student, _, labels = batch()
    sure = 1e4 * F.one_hot(labels, student.shape[1]).double()
    loss = distillation_loss(student, sure, labels, temperature=1.0, alpha=1.0)
    torch.testing.assert_close(loss, F.cross_entropy(student, labels), rtol=1e-14, atol=0)


def test_the_soft_term_is_zero_for_equal_logits_and_positive_for_others():
    _, teacher, labels = batch()
    settings = {"temperature": 3.0, "alpha": 1.0}
    assert abs(distillation_loss(teacher, teacher, labels, **settings).item()) < 1e-14
    shifted = teacher + torch.arange(6.0, dtype=torch.float64)[:, None]
    assert abs(distillation_loss(shifted, teacher, labels, **settings).item()) < 1e-14
    for seed in range(20):
        assert distillation_loss(*batch(seed=seed), **settings) > 1e-3


def test_adding_a_constant_to_a_row_of_either_changes_nothing():
    student, teacher, labels = batch()
    settings = {"temperature": 3.0, "alpha": 0.4}
    base = distillation_loss(student, teacher, labels, **settings)
    by_row = torch.randn(6, 1, generator=seeded(5), dtype=torch.float64) * 10
    for a, b in ((student + by_row, teacher), (student, teacher + by_row)):
        torch.testing.assert_close(distillation_loss(a, b, labels, **settings), base)


def test_soft_cross_entropy_minus_the_teachers_entropy_is_the_soft_term():
    student, teacher, labels = batch()
    p = (teacher / 2.0).softmax(1)
    cross_entropy = -(p * (student / 2.0).log_softmax(1)).sum(1).mean()
    entropy = torch.special.entr(p).sum(1).mean()
    loss = distillation_loss(student, teacher, labels, temperature=2.0, alpha=1.0)
    torch.testing.assert_close(loss, 4 * (cross_entropy - entropy))


def test_batchmean_is_n_classes_times_mean():
    """The library's number is C times what `reduction="mean"` gives: 7 here."""
    student, teacher, labels = batch(6, 7)
    with pytest.warns(UserWarning, match="batchmean"):
        by_mean = F.kl_div(
            student.log_softmax(1), teacher.log_softmax(1), reduction="mean", log_target=True
        )
    loss = distillation_loss(student, teacher, labels, temperature=1.0, alpha=1.0)
    torch.testing.assert_close(loss, 7 * by_mean)


def test_renaming_the_classes_changes_nothing_and_renames_the_gradient():
    student, teacher, labels = batch()
    order = torch.randperm(7, generator=seeded(3))
    settings = {"temperature": 3.0, "alpha": 0.4}
    renamed = (student[:, order], teacher[:, order], torch.argsort(order)[labels])
    torch.testing.assert_close(
        distillation_loss(*renamed, **settings),
        distillation_loss(student, teacher, labels, **settings),
    )
    torch.testing.assert_close(
        distillation_gradient(*renamed[:2], temperature=3.0),
        distillation_gradient(student, teacher, temperature=3.0)[:, order],
    )


def test_the_order_of_the_examples_does_not_matter():
    student, teacher, labels = batch()
    order = torch.randperm(6, generator=seeded(3))
    settings = {"temperature": 3.0, "alpha": 0.4}
    torch.testing.assert_close(
        distillation_loss(student[order], teacher[order], labels[order], **settings),
        distillation_loss(student, teacher, labels, **settings),
    )


def test_teacher_its_statistics_and_the_generator_are_as_before_after_a_step():
    teacher = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    student = nn.Linear(4, 3)
    x, labels = torch.randn(10, 4, generator=seeded()), torch.arange(10) % 3
    teacher_logits = teacher.eval()(x)
    kept = {name: value.clone() for name, value in teacher.state_dict().items()}
    rng = torch.get_rng_state()
    loss = distillation_loss(student(x), teacher_logits, labels, temperature=4.0, alpha=0.5)
    loss.backward()
    assert all(p.grad is None for p in teacher.parameters())
    assert all(p.grad is not None for p in student.parameters())
    assert all(torch.equal(value, kept[name]) for name, value in teacher.state_dict().items())
    assert torch.equal(torch.get_rng_state(), rng)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1e4, 1e30])
def test_extreme_logits_give_finite_losses_and_gradients(dtype, size):
    student = torch.tensor([[size, -size, 0.0]], dtype=dtype, requires_grad=True)
    teacher = torch.tensor([[-size, 0.0, size]], dtype=dtype)
    for temperature in (1.0, 4.0):
        loss = distillation_loss(
            student, teacher, torch.tensor([1]), temperature=temperature, alpha=0.5
        )
        [gradient] = torch.autograd.grad(loss, [student])
        assert loss.dtype == gradient.dtype == dtype
        assert bool(torch.isfinite(loss))
        assert bool(torch.isfinite(gradient).all())


def test_float32_agrees_with_float64():
    arguments = batch(dtype=torch.float64)
    single = (arguments[0].float(), arguments[1].float(), arguments[2])
    settings = {"temperature": 4.0, "alpha": 0.5}
    assert distillation_loss(*single, **settings).item() == pytest.approx(
        distillation_loss(*arguments, **settings).item(), rel=1e-5
    )


# distillation_gradient


def assert_is_the_gradient(function):
    """Compare with (finite) differences of the sums done by hand, and with autograd."""
    step = 1e-5
    for n, n_classes, temperature in ((3, 4, 2.0), (2, 5, 5.0), (4, 3, 1.0)):
        student, teacher, labels = batch(n, n_classes, seed=n)
        result = function(student, teacher, temperature=temperature)
        assert result.shape == student.shape
        for i in range(n):
            for c in range(n_classes):
                sides = []
                for sign in (1, -1):
                    moved = student.clone()
                    moved[i, c] += sign * step
                    sides.append(loss_by_hand(moved, teacher, labels, temperature, 1.0))
                slope = (sides[0] - sides[1]) / (2 * step)
                assert result[i, c].item() == pytest.approx(slope, abs=1e-8)
        student.requires_grad_()
        loss = loss_variant()(student, teacher, labels, temperature=temperature, alpha=1.0)
        torch.testing.assert_close(result, torch.autograd.grad(loss, student)[0])


def difference(student, teacher, t, teacher_t=None):
    return (student / t).softmax(1) - (teacher / (teacher_t or t)).softmax(1)


WRONG_GRADIENTS = {
    "of the loss without T squared": lambda s, t, temperature: (
        difference(s, t, temperature) / temperature / len(s)
    ),
    "no T": lambda s, t, temperature: difference(s, t, temperature) / len(s),
    "T squared": lambda s, t, temperature: temperature**2 * difference(s, t, temperature) / len(s),
    "uphill": lambda s, t, temperature: temperature * difference(t, s, temperature) / len(s),
    "of the sum": lambda s, t, temperature: temperature * difference(s, t, temperature),
    "mean over classes too": lambda s, t, temperature: (
        temperature * difference(s, t, temperature) / s.numel()
    ),
    "teacher at T = 1": lambda s, t, temperature: (
        temperature * difference(s, t, temperature, teacher_t=1.0) / len(s)
    ),
    "matching logits": lambda s, t, temperature: (
        ((s - s.mean(1, keepdim=True)) - (t - t.mean(1, keepdim=True))) / s.numel()
    ),
}


def test_the_gradient_is_that_of_the_loss():
    assert_is_the_gradient(distillation_gradient)


@pytest.mark.parametrize("wrong", WRONG_GRADIENTS.values(), ids=WRONG_GRADIENTS.keys())
def test_finite_differences_tell_wrong_gradients(wrong):
    with pytest.raises(AssertionError):
        assert_is_the_gradient(wrong)


def test_closed_form_equals_autograd_of_the_loss_here():
    student, teacher, labels = batch()
    student.requires_grad_()
    for temperature in (0.5, 1.0, 4.0, 20.0):
        loss = distillation_loss(student, teacher, labels, temperature=temperature, alpha=1.0)
        closed = distillation_gradient(student.detach(), teacher, temperature=temperature)
        torch.testing.assert_close(torch.autograd.grad(loss, student)[0], closed)


def test_both_terms_and_their_weights_pass_gradcheck():
    student, teacher, labels = batch(3, 4)
    student.requires_grad_()

    def loss(z):
        return distillation_loss(z, teacher, labels, temperature=3.0, alpha=0.3)

    assert torch.autograd.gradcheck(loss, (student,))


def test_rows_of_the_gradient_sum_to_zero():
    student, teacher, _ = batch()
    sums = distillation_gradient(student, teacher, temperature=4.0).sum(1)
    torch.testing.assert_close(sums, torch.zeros_like(sums))


def test_a_hot_gradient_matches_logits_with_an_error_that_falls_as_one_over_t():
    student, teacher, _ = batch(1, 7)
    centred = [z - z.mean(1, keepdim=True) for z in (student, teacher)]
    limit = (centred[0] - centred[1]) / 7
    errors = [
        (distillation_gradient(student, teacher, temperature=t) - limit).abs().max().item()
        for t in (100.0, 1000.0, 10_000.0)
    ]
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(10, rel=0.1)


def test_a_hot_loss_is_half_the_squared_distance_of_centred_logits():
    student, teacher, labels = batch()
    centred = [z - z.mean(1, keepdim=True) for z in (student, teacher)]
    limit = (centred[0] - centred[1]).square().sum(1).mean() / (2 * 7)
    loss = distillation_loss(student, teacher, labels, temperature=1e4, alpha=1.0)
    assert loss.item() == pytest.approx(limit.item(), rel=1e-3)


# What minimising does: the scientific point of the direction of the divergence.

TEACHER = torch.tensor([0.70, 0.20, 0.08, 0.02], dtype=torch.float64)


def optimum(loss):
    """Return the student's probabilities after minimising a loss over its logits."""
    student = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [student], lr=0.5, max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-15
    )

    def closure():
        optimiser.zero_grad()
        value = loss(student)
        value.backward()
        return value

    optimiser.step(closure)
    return student.detach().softmax(1)[0]


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_minimising_the_loss_gives_the_teachers_probabilities(temperature):
    def loss(student):
        return distillation_loss(
            student, TEACHER.log()[None], torch.tensor([0]), temperature=temperature, alpha=1.0
        )

    torch.testing.assert_close(optimum(loss), TEACHER, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("label", "wanted"),
    [
        (0, [0.523, 0.192, 0.151, 0.134]),
        (1, [0.377, 0.229, 0.203, 0.191]),
        (2, [0.250, 0.250, 0.250, 0.250]),
        (3, [0.154, 0.254, 0.287, 0.305]),
    ],
)
def test_the_interview_answers_loss_has_its_optimum_elsewhere(label, wanted):
    """The published answer made runnable is kl_div(p, q) + (1 - y) kl_div(q, p), q the student's.

    Both with probabilities where log-probabilities belong, so its optimum is softmax((2 - y) p),
    p the teacher's probabilities: never the teacher, and for label 3 in reversed order.
    """

    def loss(student):
        q, p = student.softmax(1), TEACHER[None]
        first = F.kl_div(p, q, reduction="batchmean")
        return first + (1 - label) * F.kl_div(q, p, reduction="batchmean")

    found = optimum(loss)
    assert found.tolist() == pytest.approx(wanted, abs=6e-4)
    torch.testing.assert_close(found, ((2 - label) * TEACHER).softmax(0), atol=1e-5, rtol=0)
    assert (found - TEACHER).abs().max() > 0.1


# feature_distillation_loss


def features():
    return (
        torch.randn(5, 3, generator=seeded(1), dtype=torch.float64),
        torch.randn(5, 4, generator=seeded(2), dtype=torch.float64),
        torch.randn(3, 4, generator=seeded(3), dtype=torch.float64),
    )


def assert_is_feature_loss(function):
    student, teacher, projection = (x.requires_grad_() for x in features())
    total = 0.0
    for i in range(5):
        for j in range(4):
            projected = math.fsum(student[i, k].item() * projection[k, j].item() for k in range(3))
            total += (projected - teacher[i, j].item()) ** 2
    value = function(student, teacher, projection)
    assert value.ndim == 0
    assert value.item() == pytest.approx(total / 20, rel=1e-12)
    found = torch.autograd.grad(value, [student, projection, teacher], allow_unused=True)
    assert found[0] is not None
    assert found[1] is not None
    assert found[2] is None or not found[2].any(), "the teacher is trained"


WRONG_FEATURE_LOSSES = {
    "half": lambda s, t, w: F.mse_loss(s @ w, t.detach()) / 2,
    "sum": lambda s, t, w: F.mse_loss(s @ w, t.detach(), reduction="sum"),
    "sum over features": lambda s, t, w: (s @ w - t.detach()).square().sum(1).mean(),
    "absolute": lambda s, t, w: (s @ w - t.detach()).abs().mean(),
    "root": lambda s, t, w: F.mse_loss(s @ w, t.detach()).sqrt(),
    "teacher gets gradient": lambda s, t, w: F.mse_loss(s @ w, t),
    "student gets none": lambda s, t, w: F.mse_loss(s.detach() @ w, t.detach()),
    "projection gets none": lambda s, t, w: F.mse_loss(s @ w.detach(), t.detach()),
    "teacher projected": lambda s, t, w: F.mse_loss(s, t.detach() @ w.T),
    "directions only": lambda s, t, w: F.mse_loss(F.normalize(s @ w), F.normalize(t.detach())),
}


def test_feature_loss_is_the_mean_square_done_by_hand():
    assert_is_feature_loss(feature_distillation_loss)


@pytest.mark.parametrize("wrong", WRONG_FEATURE_LOSSES.values(), ids=WRONG_FEATURE_LOSSES.keys())
def test_the_loop_tells_wrong_feature_losses(wrong):
    with pytest.raises(AssertionError):
        assert_is_feature_loss(wrong)


def test_feature_loss_passes_gradcheck():
    student, teacher, projection = features()
    inputs = (student.requires_grad_(), projection.requires_grad_())
    assert torch.autograd.gradcheck(lambda s, w: feature_distillation_loss(s, teacher, w), inputs)


def test_the_best_projection_is_the_least_squares_one():
    student, teacher, _ = features()
    best = torch.linalg.lstsq(student, teacher).solution.requires_grad_()
    [gradient] = torch.autograd.grad(feature_distillation_loss(student, teacher, best), [best])
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), atol=1e-12, rtol=0)


# Messages

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("temperature", "shown"), [(0.0, "0.0"), (-2.0, "-2.0"), (NAN, "nan"), (INF, "inf")]
)
def test_a_temperature_that_is_none_is_refused_with_its_value(temperature, shown):
    student, teacher, labels = batch()
    for call in (
        lambda: soft_targets(student, temperature=temperature),
        lambda: distillation_loss(student, teacher, labels, temperature=temperature, alpha=0.5),
        lambda: distillation_gradient(student, teacher, temperature=temperature),
    ):
        with pytest.raises(
            ValueError, match=f"temperature must be above 0 and finite, got {shown}"
        ):
            call()


@pytest.mark.parametrize("alpha", [-0.1, 1.1, NAN])
def test_an_alpha_outside_0_to_1_is_refused_with_its_value(alpha):
    with pytest.raises(ValueError, match=f"alpha must be between 0 and 1, got {alpha}"):
        distillation_loss(*batch(), temperature=2.0, alpha=alpha)


@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_logits_that_are_no_numbers_are_refused_by_name_and_count(position, bad):
    arguments = list(batch())
    arguments[position] = arguments[position].clone()
    arguments[position][0, :2] = bad
    name = ("student_logits", "teacher_logits")[position]
    with pytest.raises(ValueError, match=f"{name} holds 2 values that are nan or infinite"):
        distillation_loss(*arguments, temperature=2.0, alpha=0.5)
    with pytest.raises(ValueError, match="logits holds 2 values that are nan or infinite"):
        soft_targets(arguments[position], temperature=2.0)
    with pytest.raises(ValueError, match="logits holds 2 values that are nan or infinite"):
        distillation_gradient(*arguments[:2], temperature=2.0)


def test_logits_of_another_shape_are_refused_with_it():
    student, teacher, labels = batch()
    wanted = r"student_logits must be \[n_examples, n_classes\], got shape \(7,\)"
    with pytest.raises(ValueError, match=wanted):
        distillation_loss(student[0], teacher[0], labels[:1], temperature=2.0, alpha=0.5)
    with pytest.raises(ValueError, match=r"logits must be .*, got shape \(0, 7\)"):
        soft_targets(student[:0], temperature=2.0)


def test_student_and_teacher_of_different_shapes_are_refused_with_both():
    student, teacher, labels = batch()
    both = r"same shape, got \(6, 7\) and \(6, 6\)"
    with pytest.raises(ValueError, match=both):
        distillation_loss(student, teacher[:, :6], labels, temperature=2.0, alpha=0.5)
    with pytest.raises(ValueError, match=both):
        distillation_gradient(student, teacher[:, :6], temperature=2.0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.zeros(5, dtype=torch.int64), r"shape \(6,\), got torch.int64 with shape \(5,\)"),
        (torch.zeros(6, 1, dtype=torch.int64), r"shape \(6,\), got .* with shape \(6, 1\)"),
        (torch.zeros(6), r"labels must be int64 .*got torch.float32"),
        (torch.full((6,), 7), r"labels must be in 0\.\.6, got 7\.\.7"),
        (torch.tensor([0, 1, 2, 3, -1, 4]), r"labels must be in 0\.\.6, got -1\.\.4"),
    ],
    ids=["too few", "in a column", "floats", "too large", "negative"],
)
def test_labels_that_do_not_fit_are_refused_with_the_range(labels, message):
    student, teacher, _ = batch()
    with pytest.raises(ValueError, match=message):
        distillation_loss(student, teacher, labels, temperature=2.0, alpha=0.5)


@pytest.mark.parametrize(
    "change",
    [
        lambda s, t, w: (s, t, w.T),
        lambda s, t, w: (s[:4], t, w),
        lambda s, t, w: (s, t[:, :3], w),
        lambda s, t, w: (s, t[:, None], w),
        lambda s, t, w: (s[0], t[0], w),
    ],
    ids=["projection transposed", "rows differ", "widths differ", "three axes", "one axis"],
)
def test_features_that_do_not_fit_are_refused_with_all_three_shapes(change):
    student, teacher, projection = change(*features())
    with pytest.raises(ValueError, match="student features") as raised:
        feature_distillation_loss(student, teacher, projection)
    for tensor in (student, teacher, projection):
        assert str(tuple(tensor.shape)) in str(raised.value)
