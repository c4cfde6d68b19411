"""Answers that people who do not know each other could have written, in any number.

Every choice that a learner makes (which function, which names, one line or three, which order) is
drawn on its own, so that what two answers share they share by chance.
"""

import random

NAMES = {
    "q": ("q", "log_q", "log_student", "s_log", "student_lp", "logp_s", "a"),
    "p": ("p", "teacher", "t_prob", "soft_targets", "teacher_p", "targets", "b"),
    "soft": ("soft", "kl", "kd", "distill", "soft_loss", "divergence"),
    "hard": ("hard", "ce", "hard_loss", "nll", "label_loss"),
    "T": ("T", "temp", "tau"),
}


def _log_softmax(rng, x):
    dim = rng.choice(("dim=1", "dim=-1", "1", "-1"))
    return rng.choice(
        (
            f"F.log_softmax({x}, {dim})",
            f"torch.log_softmax({x}, {dim})",
            f"({x}).log_softmax({dim})",
        )
    )


def _softmax(rng, x):
    return _log_softmax(rng, x).replace("log_softmax", "softmax")


def soft_targets(rng):
    """Return an answer of one line, or of two."""
    body = _softmax(rng, "logits / temperature")
    if rng.random() < 0.3:
        body = f"scaled = logits / temperature\n    return {_softmax(rng, 'scaled')}"
    else:
        body = f"return {body}"
    return f"def soft_targets(logits, *, temperature):\n    {body}\n"


def distillation_loss(rng):
    """Return a longer answer: about six lines."""
    n = {key: rng.choice(names) for key, names in NAMES.items()}
    lines, t = [], "temperature"
    if rng.random() < 0.3:
        lines, t = [f"{n['T']} = temperature"], n["T"]
    detached = rng.choice(("teacher_logits.detach()", "teacher_logits"))
    first = f"{n['q']} = {_log_softmax(rng, f'student_logits / {t}')}"
    second = f"{n['p']} = {_softmax(rng, f'{detached} / {t}')}"
    if detached == "teacher_logits" and rng.random() < 0.5:
        second = f"with torch.no_grad():\n        {second}"
    elif detached == "teacher_logits":
        second += f"\n    {n['p']} = {n['p']}.detach()"
    lines += rng.sample((first, second), 2)
    square = rng.choice((f"{t}**2", f"{t} * {t}", f"{t} ** 2", f"pow({t}, 2)"))
    kl = rng.choice(
        (
            f"F.kl_div({n['q']}, {n['p']}, reduction='batchmean')",
            f"F.kl_div({n['q']}, {n['p']}, reduction='sum') / len({n['q']})",
            f"({n['p']} * ({n['p']}.log() - {n['q']})).sum(1).mean()",
            f"({n['p']} * ({n['p']}.log() - {n['q']})).sum(dim=1).mean()",
            f"torch.nn.functional.kl_div({n['q']}, {n['p']}, reduction='batchmean')",
            f"torch.nn.KLDivLoss(reduction='batchmean')({n['q']}, {n['p']})",
            f"({n['p']} * {n['p']}.log()).sum(1).mean() - ({n['p']} * {n['q']}).sum(1).mean()",
        )
    )
    scaled_here = rng.random() < 0.4
    lines.append(f"{n['soft']} = {f'{kl} * {square}' if scaled_here else kl}")
    ce = rng.choice(
        (
            "F.cross_entropy(student_logits, labels)",
            "torch.nn.functional.cross_entropy(student_logits, labels)",
            "F.nll_loss(F.log_softmax(student_logits, dim=1), labels)",
            "-F.log_softmax(student_logits, 1)[torch.arange(len(labels)), labels].mean()",
        )
    )
    if rng.random() < 0.7:
        lines.insert(rng.randrange(len(lines)), f"{n['hard']} = {ce}")
        ce = n["hard"]
    soft = (
        n["soft"]
        if scaled_here
        else rng.choice((f"{square} * {n['soft']}", f"{n['soft']} * {square}"))
    )
    total = rng.choice(
        (
            f"alpha * {soft} + (1 - alpha) * {ce}",
            f"(1 - alpha) * {ce} + alpha * {soft}",
            f"{ce} + alpha * ({soft} - {ce})",
            f"{soft} * alpha + {ce} * (1 - alpha)",
        )
    )
    if rng.random() < 0.3:
        lines += [f"loss = {total}", "return loss"]
    else:
        lines.append(f"return {total}")
    body = "\n".join(f"    {line}" for line in lines)
    head = "def distillation_loss(student_logits, teacher_logits, labels, *, temperature, alpha):"
    return f"{head}\n{body}\n"


def loss_test(rng):
    """Return a long answer: its numbers and its order are the learner's own."""
    number = lambda: round(rng.uniform(-3, 3), 1)  # noqa: E731
    rows = lambda: [[number(), number(), number()] for _ in range(2)]  # noqa: E731
    a, b = rng.choice((("s", "t"), ("student", "teacher"), ("z", "v")))
    t, alpha = rng.choice((2.0, 3.0, 4.0)), rng.choice((0.3, 0.5, 0.7))
    lines = [
        f"{a} = torch.tensor({rows()}, dtype=torch.float64)",
        f"{b} = torch.tensor({rows()}, dtype=torch.float64)",
        f"y = torch.tensor([{rng.randrange(3)}, {rng.randrange(3)}])",
        f"q, p = {_log_softmax(rng, f'{a} / {t}')}, {_softmax(rng, f'{b} / {t}')}",
        f"want = {alpha} * {t}**2 * (p * (p.log() - q)).sum(1).mean()",
        f"want = want + {round(1 - alpha, 1)} * F.cross_entropy({a}, y)",
        f"got = loss({a}, {b}, y, temperature={t}, alpha={alpha})",
        rng.choice(
            (
                "assert torch.allclose(got, want)",
                "assert abs(got - want) < 1e-6",
                "torch.testing.assert_close(got, want)",
                "assert (got - want).abs().item() < 1e-8, 'differs'",
            )
        ),
    ]
    return "def loss_test(loss):\n" + "\n".join(f"    {line}" for line in lines) + "\n"


WRITERS = {f.__name__: f for f in (soft_targets, distillation_loss, loss_test)}


def honest(exercise, n, seed=0):
    """Return student -> answer for `n` students."""
    rng = random.Random(seed)
    return {f"h{i:04}": WRITERS[exercise](rng) for i in range(n)}
