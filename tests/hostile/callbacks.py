"""Attacks through the functions of a check that a learner's code may call."""

from tests.hostile import code

TEST = "def loss_test(loss):\n    z, y = torch.zeros(2, 3), torch.tensor([0, 1])\n"

code(
    "callback_for_ever",
    "It calls the loss without end.",
    loss_test=TEST + "    while True: loss(z, z, y, temperature=1.0, alpha=0.5)",
    waits=True,
)
code(
    "callback_of_wrong_shapes",
    "It calls the loss with shapes, types and numbers of arguments that make no sense.",
    loss_test=TEST
    + """
    for args in ((), (z,), (z, z, z), (z[0], z, y), (y, y, y), ("x", None, [1]), (z, z, y, y, y)):
        try: loss(*args, temperature=1.0, alpha=0.5)
        except RuntimeError: pass
    loss(z, z, torch.tensor([10**9, -5]), temperature=0.0, alpha=float("nan"))
""",
)
code(
    "callback_that_repeats_text",
    "It has the grader multiply a text by a number of nine million.",
    loss_test=TEST + "    loss(z, z, y, temperature=3000, alpha='x' * 1000)",
)
code(
    "callback_that_repeats_a_list",
    "It has the grader multiply a list likewise.",
    loss_test=TEST + "    loss(z, z, y, temperature=3000, alpha=[0] * 1000)",
)
code(
    "callback_on_empty_axes",
    "It hands over a tensor of no elements in a thousand million rows.",
    loss_test=TEST
    + "    loss(torch.zeros(10**9, 0), torch.zeros(10**9, 0), y, temperature=1.0, alpha=0.5)",
)
code(
    "callback_that_broadcasts",
    "It hands over three thin tensors that broadcast to a hundred million numbers.",
    loss_test="""
def loss_test(loss):
    a, b, c = torch.zeros(600, 1, 1), torch.zeros(1, 600, 1), torch.ones(1, 1, 600)
    loss(a, b, torch.zeros(600, 600, dtype=torch.long), temperature=c, alpha=0.5)
""",
)
code(
    "callback_of_a_huge_view",
    "It hands over a tensor with a small storage that is a million times as large.",
    loss_test=TEST
    + "    huge = torch.zeros(1).expand(10**6, 10**3)\n"
    + "    loss(huge, huge, y, temperature=1.0, alpha=0.5)",
)
code(
    "callback_with_a_gradient_of_another",
    "It asks for gradients in arguments that are none, and of a result that has none.",
    loss_test="""
import sys
def loss_test(loss):
    z = torch.zeros(2, 3, requires_grad=True)
    value = loss(z, z, torch.tensor([0, 1]), temperature=z, alpha=z)
    value.backward(torch.ones(7, 7))
""",
)
code(
    "callback_kept_for_later",
    "It keeps the loss of one check, and calls it when another function is asked.",
    spoils="-loss_test",
    loss_test="""
kept = []
def loss_test(loss):
    kept.append(loss)
    student = torch.tensor([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0]], dtype=torch.float64)
    teacher = torch.tensor([[3.0, 1.0, 0.0], [0.0, 1.0, 2.5]], dtype=torch.float64)
    labels = torch.tensor([0, 2])
    hard = -torch.stack([student[0].log_softmax(0)[0], student[1].log_softmax(0)[2]]).mean()
    p, q = (teacher / 3).softmax(1), (student / 3).softmax(1)
    soft = 9 * (p * (p / q).log()).sum() / 2
    assert torch.allclose(kept[-1](student, teacher, labels, temperature=3.0, alpha=0.0), hard)
    assert torch.allclose(kept[-1](student, teacher, labels, temperature=3.0, alpha=1.0), soft)
""",
    soft_targets="""
import sys
def soft_targets(logits, *, temperature):
    return kept[0](logits, logits, logits[:, 0].long(), temperature=temperature, alpha=0.0)
""",
)
