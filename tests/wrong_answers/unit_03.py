"""Wrong answers to unit 03, most of them seen in public code."""

import torch
import torch.nn.functional as F

from tests.wrong_answers import wrong

SOFTMAX = "test_is_the_softmax_of_the_logits_over_the_temperature"
LARGE = "test_large_logits_stay_finite"
HARD = "test_alpha_0_is_the_cross_entropy"
SOFT = "test_soft_term_is_t_squared_times_the_divergence"
MIXED = "test_both_terms_are_mixed_by_alpha"
GRADIENT = "test_gradient_trains_the_student_and_spares_the_teacher"
DIFFERENCES = "test_equals_finite_differences_of_the_soft_term"
LIMIT = "test_high_temperature_matches_centred_logits"
MSE = "test_is_the_mean_squared_error_after_projection"
LEARNERS = "test_student_and_projection_learn_and_the_teacher_does_not"


def _loss(student, teacher, labels, temperature, alpha):
    log_q = F.log_softmax(student / temperature, dim=1)
    p = F.softmax(teacher.detach() / temperature, dim=1)
    return F.kl_div(log_q, p, reduction="batchmean"), F.cross_entropy(student, labels)


@wrong("03.soft_targets", SOFTMAX, says="makes no difference")
def temperature_ignored(logits, *, temperature):
    """The temperature is taken and not used."""
    return torch.softmax(logits, dim=1)


@wrong("03.soft_targets", SOFTMAX, says="divide by it")
def temperature_multiplied(logits, *, temperature):
    """Sharpens where it should soften."""
    return torch.softmax(logits * temperature, dim=1)


@wrong("03.soft_targets", SOFTMAX, LARGE, says="check dim")
def softmax_over_examples(logits, *, temperature):
    """Softmax over dim 0: the columns sum to 1."""
    return torch.softmax(logits / temperature, dim=0)


@wrong("03.soft_targets", SOFTMAX, LARGE, says="instead of the logits")
def probabilities_divided(logits, *, temperature):
    """The division comes after the softmax."""
    return torch.softmax(logits, dim=1) / temperature


@wrong("03.soft_targets", LARGE, says="overflows")
def naive_exponential(logits, *, temperature):
    """exp(z / T) without subtracting the largest logit."""
    powers = torch.exp(logits / temperature)
    return powers / powers.sum(1, keepdim=True)


@wrong("03.distillation_loss", SOFT, MIXED, GRADIENT, LARGE, says="T² is missing")
def no_t_squared(student_logits, teacher_logits, labels, *, temperature, alpha):
    """The teacher hardly counts at high temperature."""
    soft, hard = _loss(student_logits, teacher_logits, labels, temperature, alpha)
    return alpha * soft + (1 - alpha) * hard


@wrong("03.distillation_loss", SOFT, MIXED, GRADIENT, LARGE, says="reduction='mean'")
def mean_reduction(student_logits, teacher_logits, labels, *, temperature, alpha):
    """kl_div's default divides by the classes as well."""
    soft, hard = _loss(student_logits, teacher_logits, labels, temperature, alpha)
    return alpha * temperature**2 * soft / student_logits.shape[1] + (1 - alpha) * hard


@wrong("03.distillation_loss", SOFT, MIXED, GRADIENT, LARGE, says="log-probabilities; yours are")
def softmax_for_log_softmax(student_logits, teacher_logits, labels, *, temperature, alpha):
    """kl_div gets the student's probabilities."""
    q = F.softmax(student_logits / temperature, dim=1)
    p = F.softmax(teacher_logits.detach() / temperature, dim=1)
    soft = F.kl_div(q, p, reduction="batchmean")
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student_logits, labels)


@wrong("03.distillation_loss", SOFT, MIXED, GRADIENT, LARGE, says="arguments are swapped")
def reversed_divergence(student_logits, teacher_logits, labels, *, temperature, alpha):
    """KL(student || teacher)."""
    soft, _ = _loss(teacher_logits, student_logits, labels, temperature, alpha)
    log_p = F.log_softmax(teacher_logits.detach() / temperature, dim=1)
    q = F.softmax(student_logits / temperature, dim=1)
    soft = F.kl_div(log_p, q, reduction="batchmean")
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student_logits, labels)


@wrong("03.distillation_loss", HARD, MIXED, GRADIENT, says="at temperature T")
def hard_term_at_t(student_logits, teacher_logits, labels, *, temperature, alpha):
    """The labels' cross-entropy is softened too."""
    soft, _ = _loss(student_logits, teacher_logits, labels, temperature, alpha)
    hard = F.cross_entropy(student_logits / temperature, labels)
    return alpha * temperature**2 * soft + (1 - alpha) * hard


@wrong("03.distillation_loss", HARD, SOFT, MIXED, GRADIENT, LARGE, says="swapped")
def swapped_alpha(student_logits, teacher_logits, labels, *, temperature, alpha):
    """Alpha weighs the hard term."""
    soft, hard = _loss(student_logits, teacher_logits, labels, temperature, alpha)
    return (1 - alpha) * temperature**2 * soft + alpha * hard


@wrong("03.distillation_loss", HARD, MIXED, GRADIENT, says="only the soft term")
def both_terms_scaled(student_logits, teacher_logits, labels, *, temperature, alpha):
    """T² multiplies the sum."""
    soft, hard = _loss(student_logits, teacher_logits, labels, temperature, alpha)
    return temperature**2 * (alpha * soft + (1 - alpha) * hard)


@wrong("03.distillation_loss", LARGE, says="log_softmax")
def log_of_softmax(student_logits, teacher_logits, labels, *, temperature, alpha):
    """log(softmax(x)): right until a probability is exactly 0."""
    log_q = torch.log(F.softmax(student_logits / temperature, dim=1))
    p = F.softmax(teacher_logits.detach() / temperature, dim=1)
    soft = F.kl_div(log_q, p, reduction="batchmean")
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student_logits, labels)


@wrong("03.distillation_loss", GRADIENT, says="flows into the teacher")
def teacher_not_detached(student_logits, teacher_logits, labels, *, temperature, alpha):
    """The teacher is pulled towards the student."""
    log_q = F.log_softmax(student_logits / temperature, dim=1)
    p = F.softmax(teacher_logits / temperature, dim=1)
    soft = F.kl_div(log_q, p, reduction="batchmean")
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student_logits, labels)


@wrong("03.distillation_loss", GRADIENT, says="cut off from its inputs")
def detached_loss(student_logits, teacher_logits, labels, *, temperature, alpha):
    """The value is right, and nothing can be trained with it."""
    soft, hard = _loss(student_logits, teacher_logits, labels, temperature, alpha)
    return torch.tensor((alpha * temperature**2 * soft + (1 - alpha) * hard).item())


@wrong("03.distillation_gradient", DIFFERENCES, LIMIT, says="sign is reversed")
def reversed_sign(student_logits, teacher_logits, *, temperature):
    """Teacher minus student."""
    q, p = ((x / temperature).softmax(1) for x in (student_logits, teacher_logits))
    return temperature * (p - q) / len(student_logits)


@wrong("03.distillation_gradient", DIFFERENCES, LIMIT, says="number of examples")
def not_a_mean(student_logits, teacher_logits, *, temperature):
    """The batch mean is forgotten."""
    q, p = ((x / temperature).softmax(1) for x in (student_logits, teacher_logits))
    return temperature * (q - p)


@wrong("03.distillation_gradient", DIFFERENCES, LIMIT, says="T too many")
def t_squared_kept(student_logits, teacher_logits, *, temperature):
    """The chain rule's 1/T is forgotten."""
    q, p = ((x / temperature).softmax(1) for x in (student_logits, teacher_logits))
    return temperature**2 * (q - p) / len(student_logits)


@wrong("03.distillation_gradient", DIFFERENCES, LIMIT, says="unscaled divergence")
def unscaled(student_logits, teacher_logits, *, temperature):
    """The gradient of the divergence without T²."""
    q, p = ((x / temperature).softmax(1) for x in (student_logits, teacher_logits))
    return (q - p) / temperature / len(student_logits)


@wrong("03.distillation_gradient", DIFFERENCES, LIMIT, says="temperature 1")
def probabilities_at_one(student_logits, teacher_logits, *, temperature):
    """Only the factor knows the temperature."""
    q, p = student_logits.softmax(1), teacher_logits.softmax(1)
    return temperature * (q - p) / len(student_logits)


@wrong("03.feature_distillation_loss", MSE, LEARNERS, says="Summed over everything")
def summed(student_features, teacher_features, projection):
    """A sum in place of the mean."""
    return (student_features @ projection - teacher_features.detach()).square().sum()


@wrong("03.feature_distillation_loss", MSE, LEARNERS, says="Summed over the features")
def summed_over_features(student_features, teacher_features, projection):
    """A mean over examples only."""
    return (student_features @ projection - teacher_features.detach()).square().sum(1).mean()


@wrong("03.feature_distillation_loss", MSE, LEARNERS, says="Halved")
def halved(student_features, teacher_features, projection):
    """The paper's factor 1/2."""
    return F.mse_loss(student_features @ projection, teacher_features.detach()) / 2


@wrong("03.feature_distillation_loss", MSE, LEARNERS, says="Absolute")
def absolute(student_features, teacher_features, projection):
    """L1 in place of L2."""
    return F.l1_loss(student_features @ projection, teacher_features.detach())


@wrong("03.feature_distillation_loss", LEARNERS, says="No gradient reaches the projection")
def frozen_projection(student_features, teacher_features, projection):
    """The projection never learns."""
    return F.mse_loss(student_features @ projection.detach(), teacher_features.detach())


@wrong("03.feature_distillation_loss", LEARNERS, says="into the teacher")
def moving_target(student_features, teacher_features, projection):
    """The teacher's features are trained as well."""
    return F.mse_loss(student_features @ projection, teacher_features)


SYMPTOMS = ("moving teacher", "not a divergence", "harmful labels", "piling gradients")
LINE = "test_symptom_is_traced_to_its_line"


@wrong("03.bug_lines", f"{LINE}[moving teacher]", says="Line 3 is not the cause")
def student_line_blamed():
    """The student's forward pass is blamed for the teacher's statistics."""
    return dict(zip(SYMPTOMS, (3, 4, 5, 6), strict=True))


@wrong("03.bug_lines", f"{LINE}[harmful labels]", says="Line 4 is not the cause")
def kl_blamed_for_labels():
    """The divergence is blamed for what the labels do."""
    return dict(zip(SYMPTOMS, (2, 4, 4, 6), strict=True))


@wrong("03.bug_lines", f"{LINE}[piling gradients]", says="Line 8 is not the cause")
def step_blamed():
    """optimizer.step() is blamed for what zero_grad does not do."""
    return dict(zip(SYMPTOMS, (2, 4, 5, 8), strict=True))


@wrong("03.bug_lines", *(f"{LINE}[{s}]" for s in SYMPTOMS), says="A line number was expected")
def lines_as_text():
    """Line numbers as strings."""
    return dict(zip(SYMPTOMS, "2456", strict=True))


@wrong("03.bug_lines", *(f"{LINE}[{s}]" for s in SYMPTOMS), says="A dict was expected")
def bare_list():
    """The lines without the symptoms."""
    return [2, 4, 5, 6]


WEIGHT = "test_equals_what_the_mean_leaves_of_the_labels"


@wrong("03.label_weight", WEIGHT, says="mean of the labels")
def mean_label(labels):
    """Forgets the 1 minus."""
    return labels.double().mean()


@wrong("03.label_weight", WEIGHT, says="That is the sum")
def summed_weight(labels):
    """A sum in place of the mean."""
    return (1 - labels.double()).sum()


@wrong("03.label_weight", WEIGHT, says="sign is reversed")
def reversed_weight(labels):
    """Labels minus 1."""
    return labels.double().mean() - 1


@wrong("03.label_weight", WEIGHT, says="Shape ()")
def weight_per_image(labels):
    """The weights before the mean."""
    return 1 - labels.double()


@wrong("03.label_weight", WEIGHT, says="returned NoneType")
def nothing_returned(labels):
    """The return statement is missing."""
    1 - labels.double().mean()


ACCEPTS = "test_accepts_right_losses_and_rejects"
MISTAKES = (
    "T squared is missing",
    "divided by the number of classes",
    "KL(student || teacher)",
    "alpha on the hard term",
    "cross-entropy at temperature T",
)


def _lost(*mistakes):
    return tuple(f"{ACCEPTS}[{mistake}]" for mistake in mistakes)


def _example(n_classes=3):
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, 4, n_classes, generator=generator, dtype=torch.float64)
    return student, teacher, torch.tensor([0, 1, 0, 1])


@wrong("03.loss_test", *_lost(*MISTAKES), says="passes your test")
def asserts_nothing(loss):
    """Calls the loss and looks at nothing."""
    loss(*_example(), temperature=2.0, alpha=0.5)


@wrong("03.loss_test", *_lost(*MISTAKES), says="passes your test")
def asserts_positive(loss):
    """Every mistake here leaves the loss positive."""
    assert loss(*_example(), temperature=2.0, alpha=0.5) > 0


@wrong("03.loss_test", *_lost(*MISTAKES[:3]), says="T squared is missing")
def only_alpha_0(loss):
    """With alpha = 0 the soft term is never looked at."""
    student, teacher, labels = _example()
    value = loss(student, teacher, labels, temperature=2.0, alpha=0.0)
    assert torch.allclose(value, F.cross_entropy(student, labels))


@wrong("03.loss_test", *_lost(*MISTAKES[:3], MISTAKES[4]), says="T squared is missing")
def only_equal_outputs(loss):
    """0 for a student equal to its teacher: most wrong losses manage that as well."""
    student, _, labels = _example()
    assert abs(loss(student, student, labels, temperature=2.0, alpha=1.0)) < 1e-9


@wrong("03.loss_test", *_lost(*MISTAKES), says="rejects a right loss")
def compares_exactly(loss):
    """== between floating point numbers that were added in another order."""
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        student, teacher = torch.randn(2, 7, 5, generator=generator, dtype=torch.float64)
        labels = torch.randint(5, (7,), generator=generator)
        soft, hard = _loss(student, teacher, labels, 3.0, 0.5)
        assert loss(student, teacher, labels, temperature=3.0, alpha=0.3) == (
            0.3 * 3.0**2 * soft + 0.7 * hard
        )
