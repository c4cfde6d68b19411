# %% [markdown]
# # Exercises 03: distil a teacher, and find out why a published loss cannot
#
# **Question.** What exactly does a student learn from a teacher's probabilities, and how would you
# notice that a loss which runs, falls and even scores well is wrong?
#
# - **Time.** About 75 minutes of your own, under 10 seconds of the computer's.
# - **Know first.** Softmax, cross-entropy, `torch.autograd`; the lesson `lessons/03_distillation`.
# - **Papers.** Hinton, Vinyals and Dean 2015, arXiv 1503.02531; Romero et al. 2015, arXiv
#   1412.6550.
#
# You write seven functions and answer thirteen questions. Replace the line that raises
# `NotImplementedError`, run the cell, run the check below it. A check says one of four things: *not
# attempted*, *wrong* (with the likely mistake), *your code raised* (with your line), *right*.
# Warnings cost nothing. The checks call your functions with random float64 tensors, other ones at
# grading than here.
#
# Nothing is trained here: every check compares exact numbers.

# %%
import torch
import torch.nn.functional as F

from medmeta_ref.grading.check import check
from medmeta_ref.questions import ask

# %% [markdown]
# ## Part 1: the loss
#
# A teacher's logits for one image of a blood cell might be (4, 2, 1) for *neutrophil*, *immature
# granulocyte*, *monocyte*. At temperature 1 that is (0.84, 0.11, 0.04): nearly the bare label. At
# temperature 4 it is (0.48, 0.29, 0.23), and a student can see that an immature granulocyte would
# have been the better mistake.

# %% [markdown] card="soft_targets"
# title: "Exercise 1: soft targets"
# difficulty: 1
# importance: 5
# minutes: 5
# points: 8
# objective: Turn logits into probabilities at a temperature, without overflow.
# hints:
#   - "The temperature divides the *logits*, before the softmax, not the probabilities after it."
#   - "`torch.softmax` already subtracts the largest logit. If you write it yourself, do so too."
# help:
#   "my columns sum to 1 instead of my rows": >-
#     `dim=0` runs over the examples. Classes are the second axis, `dim=1`.
#   "I get nan for large logits": >-
#     `exp(10000)` is infinite and infinite over infinite is nan. Subtract the row's maximum first;
#     it cancels in the ratio.


# %% grade_id="soft_targets"
def soft_targets(logits, *, temperature):
    """Return softmax(logits / temperature).

    logits: [n_examples, n_classes]; temperature: above 0.
    Returns [n_examples, n_classes], every row sums to 1.
    """
    ### BEGIN SOLUTION
    return torch.softmax(logits / temperature, dim=1)
    ### END SOLUTION


# %% grade_id="soft_targets_check" points=8
check("03.soft_targets", soft_targets)

# %% [markdown]
# ### The loss of Hinton, Vinyals and Dean
#
# With teacher logits $v$, student logits $z$, label $y$, temperature $T$ and weight $\alpha$:
#
# $$
# L = \alpha\,T^2\,\mathrm{KL}\bigl(\mathrm{softmax}(v/T)\,\|\,\mathrm{softmax}(z/T)\bigr)
#   + (1-\alpha)\,\mathrm{CE}(z, y),
# $$
#
# both terms averaged over the examples. Two things are easily lost: the factor $T^2$, and that the
# cross-entropy is taken at temperature 1.

# %% [markdown] card="distillation_loss"
# title: "Exercise 2: the distillation loss"
# difficulty: 3
# importance: 5
# minutes: 15
# points: 24
# objective: Write the loss so that value, gradient and extreme logits are all right.
# hints:
#   - >-
#     `F.kl_div(input, target)` computes KL(target || input) and expects `input` as
#     **log**-probabilities. So the student goes first, and through `log_softmax`.
#   - >-
#     Look up what `reduction="mean"` divides by. The name you want is `"batchmean"`.
#   - >-
#     The teacher is a fixed target: nothing should flow back into it.
# help:
#   "my loss is nan": >-
#     `log(softmax(x))` takes the logarithm of an exact 0 when logits are far apart.
#     `log_softmax` never forms that 0.
#   "my soft term is too small by the number of classes": >-
#     `reduction="mean"` divides by examples *and* classes. It is not a KL divergence.
#   "my loss is negative": >-
#     A KL divergence is never negative; one computed from probabilities in place of
#     log-probabilities can be.


# %% grade_id="distillation_loss"
def distillation_loss(student_logits, teacher_logits, labels, *, temperature, alpha):
    """Return alpha T² KL(teacher_T || student_T) + (1 - alpha) CE(student, labels), a batch mean.

    student_logits, teacher_logits: [n_examples, n_classes]; labels: [n_examples], integers.
    Returns a tensor without axes. No gradient flows into teacher_logits.
    """
    ### BEGIN SOLUTION
    log_student = F.log_softmax(student_logits / temperature, dim=1)
    teacher = F.softmax(teacher_logits.detach() / temperature, dim=1)
    soft = F.kl_div(log_student, teacher, reduction="batchmean")
    hard = F.cross_entropy(student_logits, labels)
    return alpha * temperature**2 * soft + (1 - alpha) * hard
    ### END SOLUTION


# %% grade_id="distillation_loss_check" points=24
check("03.distillation_loss", distillation_loss)

# %% [markdown]
# ## Part 2: why T squared
#
# "Why multiply by $T^2$?" is the question about distillation that interviewers ask most. The answer
# is one derivative long. Write the gradient of the *soft term including its $T^2$* with respect to
# the student's logits as a formula: no autograd.

# %% [markdown] card="distillation_gradient"
# title: "Exercise 3: the gradient by hand"
# difficulty: 3
# importance: 4
# minutes: 15
# points: 16
# objective: Derive the gradient of the soft term, and see what is left of it at high temperature.
# hints:
#   - >-
#     For one example and T = 1 the gradient of KL(p || softmax(z)) is q - p, where q = softmax(z).
#     Where does the chain rule bring in 1/T?
#   - >-
#     T² from the loss, 1/T from the chain rule, 1/n from the batch mean.
# help:
#   "my gradient is right only at temperature 1": >-
#     Both softmaxes are taken at T, and one factor T is left over.
#   "I want to compare with autograd": >-
#     Do: `z.requires_grad_()`, your loss with `alpha=1.0`, `torch.autograd.grad(loss, z)`. The
#     answer itself should still be the formula.


# %% grade_id="distillation_gradient"
def distillation_gradient(student_logits, teacher_logits, *, temperature):
    """Return the gradient of T² KL(teacher_T || student_T), a batch mean, in the student's logits.

    student_logits, teacher_logits: [n_examples, n_classes].
    Returns [n_examples, n_classes]. By formula, without autograd.
    """
    ### BEGIN SOLUTION
    student = torch.softmax(student_logits / temperature, dim=1)
    teacher = torch.softmax(teacher_logits / temperature, dim=1)
    return temperature * (student - teacher) / len(student_logits)
    ### END SOLUTION


# %% grade_id="distillation_gradient_check" points=16
check("03.distillation_gradient", distillation_gradient)

# %% [markdown]
# Read the second check again: at high temperature the gradient no longer depends on $T$ and pulls
# the student's *centred logits* to the teacher's. Without $T^2$ it would vanish as $1/T^2$, and the
# labels would take over whenever somebody raised the temperature.

# %% [markdown]
# ## Part 3: features instead of probabilities
#
# A teacher can also be imitated from the inside: make the student's features, mapped by a learned
# matrix, look like the teacher's (FitNets). The course takes the plain mean of the squared errors.

# %% [markdown] card="feature_distillation_loss"
# title: "Exercise 4: hints from the inside"
# difficulty: 2
# importance: 3
# minutes: 8
# points: 12
# objective: Compare features of different width through a learned projection.
# hints:
#   - "`student_features @ projection` has the shape of `teacher_features`."
#   - "Mean over examples and features. The teacher is a target, so detach it."
# help:
#   "mat1 and mat2 shapes cannot be multiplied": >-
#     `projection` is [n_student_features, n_teacher_features]: it maps student to teacher.
#   "the check says that gradient flows into the teacher": >-
#     `teacher_features.detach()`. A target that moves towards the student is a cheap way to agree.


# %% grade_id="feature_distillation_loss"
def feature_distillation_loss(student_features, teacher_features, projection):
    """Return the mean squared error between projected student features and teacher features.

    student_features: [n_examples, n_student_features]
    teacher_features: [n_examples, n_teacher_features]
    projection: [n_student_features, n_teacher_features]
    Returns a tensor without axes. No gradient flows into teacher_features.
    """
    ### BEGIN SOLUTION
    return F.mse_loss(student_features @ projection, teacher_features.detach())
    ### END SOLUTION


# %% grade_id="feature_distillation_loss_check" points=12
check("03.feature_distillation_loss", feature_distillation_loss)

# %% [markdown]
# ## Part 4: find the bugs
#
# A listing in the style of many that are passed around, said to distil a teacher into a student.
# Both networks end in a softmax, so what they return are probabilities.
#
# ```text
# 1  def distillation_step(student, teacher, images, labels, optimizer):
# 2      teacher_out = teacher(images)
# 3      student_out = student(images)
# 4      divergence = F.kl_div(teacher_out, student_out)
# 5      loss = (1 - labels) * divergence
# 6      optimizer.zero_grad
# 7      loss.mean().backward()
# 8      optimizer.step()
# 9      return loss.mean()
# ```
#
# It runs without an error and trains something. People who looked closer saw four things:
#
# | symptom | what was seen |
# | --- | --- |
# | `"moving teacher"` | the batch-norm statistics of the teacher drift while the student trains |
# | `"not a divergence"` | a student equal to its teacher does not get 0 |
# | `"harmful labels"` | batches of class 1 teach nothing, of class 2 the opposite of the teacher |
# | `"piling gradients"` | each step is also driven by all the batches before it |

# %% [markdown] card="bug_lines"
# title: "Exercise 5: symptom and line"
# difficulty: 2
# importance: 4
# minutes: 10
# points: 5
# objective: Trace each symptom to the one line whose repair cures it.
# hints:
#   - "Take the symptoms one at a time and ask which line would have to change for it to go away."
#   - "Which line mentions the labels? Which one is a name of a method, not a call of it?"
# help:
#   "two lines seem guilty of one symptom": >-
#     Mend only one of them in your head. If the symptom is still there, it was the other one.
#   "optimizer.zero_grad looks right to me": >-
#     Compare it with `optimizer.step()` two lines below.


# %% grade_id="bug_lines"
def bug_lines():
    """Return a dict from each of the four symptoms to the number of the line that causes it."""
    ### BEGIN SOLUTION
    return {
        "moving teacher": 2,
        "not a divergence": 4,
        "harmful labels": 5,
        "piling gradients": 6,
    }
    ### END SOLUTION


# %% grade_id="bug_lines_check" points=5
check("03.bug_lines", bug_lines)

# %% [markdown]
# ### Why nobody noticed
#
# `F.kl_div` returns one number for the whole batch. So after `.mean()` the labels act only through
# a single number that multiplies it.

# %% [markdown] card="label_weight"
# title: "Exercise 6: all that is left of the labels"
# difficulty: 2
# importance: 4
# minutes: 5
# points: 5
# objective: Reduce line 5 and the mean after it to one number, and read off when it turns negative.
# hints:
#   - "If d is one number, mean((1 - labels) * d) is d times what?"
#   - "It is 0.3 for labels of which 70 % are 1. What is it for eight equally common classes?"
# help:
#   "the error says that mean() wants a floating point dtype": >-
#     Labels are integers; turn them into floats first.
#   "I do not see what this has to do with accuracy": >-
#     Read on below the check: there the number gets its sign from two data sets.


# %% grade_id="label_weight"
def label_weight(labels):
    """Return the number w for which mean((1 - labels) * d) = w * d, whatever the number d is.

    labels: [n_examples], integers. Returns a float or a tensor without axes.
    """
    ### BEGIN SOLUTION
    return 1 - labels.double().mean()
    ### END SOLUTION


# %% grade_id="label_weight_check" points=5
check("03.label_weight", label_weight)

# %% [markdown]
# Now the trap. In the training set of PneumoniaMNIST 74 % of the labels are 1, so the weight is
# $1 - 0.74 = +0.26$: a small positive number. The student is drawn to *something* like its teacher,
# and its accuracy on two classes looks respectable. In BloodMNIST the mean label is 3.70, and the
# weight is $-2.70$: the very same code drives the student away from its teacher. An accuracy
# measured on two classes could not have told you. A test of the loss can, and you write it next.

# %% [markdown] card="loss_test"
# title: "Exercise 7: a test that would have told"
# difficulty: 4
# importance: 5
# minutes: 15
# points: 10
# objective: Write a test that every right loss passes and every loss with a known mistake fails.
# hints:
#   - >-
#     Choose a case whose value you know by other means. `alpha=0` must be the cross-entropy; a
#     student equal to its teacher must get 0 at `alpha=1`.
#   - >-
#     Those two cannot see a missing T², nor a division by the classes, nor a reversed divergence.
#     One pair of unequal logits with the KL worked out term by term can.
#   - >-
#     Two classes are too symmetric: with logits (a, b) and (b, a) both directions of the KL agree.
# help:
#   "my test rejects a right loss": >-
#     Floating point: compare with `torch.allclose` or `abs(...) < 1e-6`, never with `==`.
#   "one wrong loss slips through": >-
#     Read which one, and find logits, labels, temperature and alpha for which it gives another
#     number than the right one.


# %% grade_id="loss_test"
def loss_test(loss):
    """Raise an AssertionError unless `loss` is a right distillation loss.

    loss: called as loss(student_logits, teacher_logits, labels, temperature=..., alpha=...).
    """
    ### BEGIN SOLUTION
    student = torch.tensor([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0]], dtype=torch.float64)
    teacher = torch.tensor([[3.0, 1.0, 0.0], [0.0, 1.0, 2.5]], dtype=torch.float64)
    labels = torch.tensor([0, 2])

    hard = -torch.stack([student[0].log_softmax(0)[0], student[1].log_softmax(0)[2]]).mean()
    assert torch.allclose(loss(student, teacher, labels, temperature=3.0, alpha=0.0), hard)

    p, q = (teacher / 3).softmax(1), (student / 3).softmax(1)
    soft = 9 * (p * (p / q).log()).sum() / 2
    assert torch.allclose(loss(student, teacher, labels, temperature=3.0, alpha=1.0), soft)
    ### END SOLUTION


# %% grade_id="loss_test_check" points=10
check("03.loss_test", loss_test)

# %% [markdown]
# ## Part 5: interview questions
#
# What an interviewer asks about distillation, put so that you can check it yourself. Run the next
# cell to read the questions; `ask("03", language="zh")` shows them in Chinese. Some draw their
# numbers from a name: after `ask("03", student="ada")` the answers must hold `"student": "ada"`, as
# the template below the questions does. Any name will do; the questions are equally hard for all.

# %%
ask("03")

# %% [markdown] card="questions"
# title: "Exercise 8: thirteen questions"
# difficulty: 3
# importance: 4
# minutes: 30
# points: 20
# objective: Answer, in a sentence or a number, what an interviewer asks about distillation.
# hints:
#   - "Start with those you could answer aloud. `...` stands for an answer you do not have yet."
#   - "Numbers may be computed: open a cell, run the formula, copy the result."
# help:
#   "my numbers are right and the check says they are not": >-
#     Do the answers name the student whose questions you read? `"student"` decides the numbers.
#   "I got a part of the points": >-
#     Sets, orders and matchings earn points for being nearly right, less what guessing would earn.


# %% grade_id="questions"
def questions():
    """Return a dict from the name of each question to your answer; ask("03") prints a template."""
    ### BEGIN SOLUTION
    return {
        "t_squared": "b",
        "hot_gradient": "(z - v) / (C * n)",
        "batchmean": 14,
        "bug_report": "c",
        "dark_knowledge": {"a", "c", "e"},
        "kl_facts": (False, True, 0),
        "ensemble_targets": (16, 8),
        "protocol": "dfabec",
        "smaller_models": {1: "e", 2: "d", 3: "b", 4: "a", 5: "c"},
        "stored_logits": (8, "d"),
        "second_guess": 0.3486,
        "interval": "d",
        "is_it_meta": "a",
    }
    ### END SOLUTION


# %% grade_id="questions_check" points=20
check("03.questions", questions)

# %% [markdown]
# ## Room of your own
#
# The next cell is yours: nobody checks it and nobody grades it. Try what the right loss and the
# listing's make of a teacher with probabilities (0.70, 0.20, 0.08, 0.02), say.

# %% scratch=true
logits = torch.tensor([[4.0, 2.0, 1.0]])
F.softmax(logits / 4, dim=1)
