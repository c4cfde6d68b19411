# %% [markdown]
# # Lesson 03: knowledge distillation, and when a teacher is worth asking
#
# **Question.** A hospital has trained a good network on thousands of labelled cells. Your clinic
# has a small device and a few labelled images. What can the large network hand over to a small one,
# and how do you know that it did?
#
# - **Time.** 40 minutes to read; the computer needs about 2 of them on two cores.
# - **Know first.** Softmax, cross-entropy, how a network is trained.
# - **Papers.** Hinton, Vinyals and Dean 2015, arXiv 1503.02531 (the method); Stanton et al. 2021,
#   arXiv 2106.05945 (does it really work?).
# - **Then do** the exercises: `exercises/03_distillation`.

# %%
import os

import torch
import torch.nn.functional as F
from tqdm.auto import tqdm

from medmeta_ref import plots
from medmeta_ref.backbones import ConvNet
from medmeta_ref.datasets import load_or_synthetic
from medmeta_ref.devices import count_macs, count_parameters, quantize_params, size_in_bytes
from medmeta_ref.distillation import distillation_loss, soft_targets
from medmeta_ref.metrics import accuracy, balanced_accuracy, mean_and_ci95_of_few
from medmeta_ref.params import forward, initial_params
from medmeta_ref.pixels import as_float
from medmeta_ref.sliders import explore
from medmeta_ref.train import cosine, fit, sample_minibatch

# %% [markdown]
# The settings stand in one place. `MEDMETA_FAST=1` shrinks them so far that the lesson runs in
# seconds: good for testing the notebook, useless for conclusions.

# %%
FAST = os.environ.get("MEDMETA_FAST") == "1"
N_SEEDS = 2 if FAST else 5
TEACHER_STEPS = 30 if FAST else 600
STUDENT_STEPS = 20 if FAST else 300
BATCH_SIZE = 64  # or all there are
FEW_PER_CLASS = 5
TEMPERATURE = 4.0
ALPHA = 0.9

# %% [markdown]
# ## The problem
#
# BloodMNIST holds single blood cells of eight types, 28 pixels wide, from people without infection
# or blood disease (Acevedo et al. 2020). It is split by cell, not by person, so its test accuracy
# says little about a new hospital. Without the file, the lesson draws its own cells and says so.

# %%
train, test = (load_or_synthetic("bloodmnist", split) for split in ("train", "test"))
n_classes = len(train.class_names)
short_names = [name.split("(")[0] for name in train.class_names]  # one is a list in brackets
print(train.source)
for name, count in zip(train.class_names, train.labels.bincount().tolist(), strict=True):
    print(f"{count:6,}  {name}")

# %%
examples = [int((train.labels == c).nonzero()[k]) for k in (0, 1) for c in range(n_classes)]
names = [short_names[train.labels[i]] for i in examples]
grid = plots.image_grid(train.images[examples], names, columns=n_classes)
plots.show(grid, alt=f"Two example images of each of the {n_classes} classes of {train.source}.")

# %% [markdown]
# The classes are far from equally common, so a network that always answered with the commonest one
# would not look hopeless. Keep that number beside every accuracy below.

# %%
majority = test.labels.bincount().max().item() / len(test.labels)
print(f"always the commonest class: {majority:.3f}; chance: {1 / n_classes:.3f}")

# %% [markdown]
# ## A teacher
#
# Three convolutional blocks, 24,000 parameters, trained on **all** labels. The normalisation is per
# image (`norm="group"`), so that a prediction never depends on which other images happen to be in
# the batch: a device in a clinic sees one at a time.

# %%
N_CHANNELS = 3 if train.images.shape[-1] == 3 else 1
teacher = ConvNet(N_CHANNELS, (16, 32, 64), n_outputs=n_classes, norm="group")


def predict(model, params, images):
    """Return logits [n_images, n_classes], a few hundred images at a time."""
    with torch.no_grad():
        return torch.cat([forward(model, params, as_float(part)) for part in images.split(512)])


# %%
def train_network(model, images, labels, loss, *, n_steps, seed, progress=None):
    """Return parameters trained on random minibatches; loss(logits, labels, positions)."""
    generator = torch.Generator().manual_seed(seed)
    batch_size = min(BATCH_SIZE, len(images))
    return fit(
        lambda params, batch: loss(forward(model, params, batch[0]), batch[1], batch[2]),
        initial_params(model, generator=generator),
        lambda g: sample_minibatch(images, labels, batch_size=batch_size, generator=g),
        n_steps=n_steps,
        outer_lr=cosine(0.01, n_steps),
        generator=generator,
        progress=progress,
    )


# %%
def from_labels(logits, labels, positions):
    """Learn from the labels alone."""
    return F.cross_entropy(logits, labels)


settings = {"n_steps": TEACHER_STEPS, "seed": 0, "progress": "teacher"}
taught = train_network(teacher, train.images, train.labels, from_labels, **settings)
teacher_logits = predict(teacher, taught.params, train.images)
teacher_test_logits = predict(teacher, taught.params, test.images)

# %%
teacher_accuracy = accuracy(teacher_test_logits, test.labels)
print(f"teacher, test accuracy {teacher_accuracy:.3f}, ", end="")
print(f"balanced {balanced_accuracy(teacher_test_logits, test.labels):.3f}")
curve = plots.training_curves({"teacher": taught.history})
plots.show(curve, alt=f"The teacher's loss falls from {taught.history[0]:.1f} and flattens out.")

# %% [markdown]
# ## What the teacher knows beyond the label
#
# Take the test image whose second guess the teacher takes most seriously while still being right.
# At temperature 1 the label dominates. Divided by $T = 4$ before the softmax, the same logits show
# an order among the wrong answers: *this one would have been a sensible mistake, that one not.*
# Hinton called it dark knowledge. A label cannot hold it.

# %%
probabilities = soft_targets(teacher_test_logits, temperature=1.0)
right = teacher_test_logits.argmax(1) == test.labels
second = torch.where(right, probabilities.topk(2, dim=1).values[:, 1], 0.0)
chosen = int(second.argmax())
truth = short_names[test.labels[chosen]]


# %%
def softened(temperature):
    """Draw the teacher's probabilities for that image, at temperature 1 and at another one."""
    logits = teacher_test_logits[chosen : chosen + 1]
    pair = {f"T = {t:g}": soft_targets(logits, temperature=t)[0] for t in (1.0, temperature)}
    bars = plots.probability_bars(pair, short_names, label="probability")
    first, next_best = pair[f"T = {temperature:g}"].topk(2).values.tolist()
    alt = f"The teacher on one image of class {truth}: at T = {temperature:g} the first guess has "
    return plots.show(bars, alt=f"{alt}{first:.2f}, the second {next_best:.2f}.")


explore(softened, temperature=(TEMPERATURE, [1.5, 2.0, TEMPERATURE, 8.0, 16.0, 64.0]))

# %% [markdown]
# Move the slider. The order of the guesses never changes, only how far they are apart. At 64 they
# are nearly equal: what a student could learn is still there, but in small differences. Hence the
# factor $T^2$ in what follows.

# %% [markdown]
# ## The loss, and why $T^2$
#
# $$
# L = \alpha\,T^2\,\mathrm{KL}\bigl(p_T\,\|\,q_T\bigr) + (1-\alpha)\,\mathrm{CE}(q_1, y),
# \qquad p_T = \mathrm{softmax}(v/T),\; q_T = \mathrm{softmax}(z/T)
# $$
#
# for teacher logits $v$, student logits $z$ and label $y$. The gradient of the KL term in $z$ is
# $(q_T - p_T)/T$. At high temperature the difference $q_T - p_T$ itself shrinks as $1/T$, so the
# whole gradient shrinks as $1/T^2$. The factor puts it back: then $\alpha$ means the same at every
# temperature. Measure it:

# %%
untrained = initial_params(teacher, generator=torch.Generator().manual_seed(9))
z = predict(teacher, untrained, test.images[:64]).requires_grad_()
v, y = teacher_test_logits[:64], test.labels[:64]
temperatures = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
norms = [
    torch.autograd.grad(distillation_loss(z, v, y, temperature=t, alpha=1.0), z)[0].norm().item()
    for t in temperatures
]
without = [norm / t**2 for norm, t in zip(norms, temperatures, strict=True)]

# %%
curves = {"with T²": norms, "without": without}
words = {"xlabel": "temperature T", "ylabel": "norm of the gradient"}
axes = plots.lines(temperatures, curves, **words, log_x=True, log_y=True)
plots.show(axes, alt="With T squared the gradient norm levels off; without it falls as 1 over T².")

# %% [markdown]
# The left end is worth a second look: with the factor the gradient is *not* constant at low
# temperature, where the teacher's probabilities are nearly one-hot. "T² makes it independent of T"
# is true in the limit only.

# %% [markdown]
# ## The experiment
#
# A student with about 2,000 parameters, a twelfth of the teacher's, in five situations:
#
# | images | learns from | who is in that situation |
# | --- | --- | --- |
# | few | labels | a clinic on its own: 5 labelled images per class |
# | few | labels and teacher | the same clinic with access to the teacher |
# | all | teacher | a clinic with many images, none of them labelled, and the teacher |
# | all | labels | the honest rival: somebody labelled everything |
# | all | labels and teacher | does the teacher still add something? |
#
# Every situation is run with several seeds; the same seed means the same first weights and the same
# order of images, so differences within a row of images are paired. Mind what the table hides: the
# teacher has seen *all* labels. Where it helps, it may simply be the way they reach the student.

# %%
student = ConvNet(N_CHANNELS, (8, 8, 16), n_outputs=n_classes, norm="group")
shuffled = torch.randperm(len(train.labels), generator=torch.Generator().manual_seed(1))
few = torch.cat([shuffled[train.labels[shuffled] == c][:FEW_PER_CLASS] for c in range(n_classes)])


def from_teacher(soft_logits, *, alpha=ALPHA):
    """Learn from the teacher's logits of the same images, and from labels unless alpha is 1."""
    return lambda logits, labels, positions: distillation_loss(
        logits, soft_logits[positions], labels, temperature=TEMPERATURE, alpha=alpha
    )


def test_logits(model, images, labels, loss, test_images, *, n_seeds):
    """Return the logits on the test images of one trained network per seed."""
    trained = (
        train_network(model, images, labels, loss, n_steps=STUDENT_STEPS, seed=seed).params
        for seed in tqdm(range(n_seeds), desc="students")
    )
    return [predict(model, params, test_images) for params in trained]


# %%
situations = {
    "few, labels": (few, from_labels),
    "few, labels and teacher": (few, from_teacher(teacher_logits[few])),
    "all, teacher": (shuffled, from_teacher(teacher_logits[shuffled], alpha=1.0)),
    "all, labels": (shuffled, from_labels),
    "all, labels and teacher": (shuffled, from_teacher(teacher_logits[shuffled])),
}
runs = {
    name: test_logits(
        student, train.images[pool], train.labels[pool], loss, test.images, n_seeds=N_SEEDS
    )
    for name, (pool, loss) in situations.items()
}

# %% [markdown]
# ## The result
#
# Points are means over seeds, bars 95 % intervals by Student's t: with five seeds 1.96 standard
# errors would promise too much. They cover the seeds, not the drawing of the test cells, nor
# another hospital.

# %%
scores = {
    name: torch.tensor([accuracy(logits, test.labels) for logits in outputs])
    for name, outputs in runs.items()
}
points = {name: mean_and_ci95_of_few(values) for name, values in scores.items()}
label = f"test accuracy, 95 % interval over {N_SEEDS} seeds"
teacher_line = {"teacher": teacher_accuracy}
axes = plots.intervals(points, label=label, chance=1 / n_classes, references=teacher_line)
summary = "; ".join(f"{name} {interval}" for name, interval in points.items())
plots.show(axes, alt=f"Test accuracy: {summary}; teacher {teacher_accuracy:.3f}.")


# %%
def reading(difference):
    """Return what an interval of paired differences allows one to say."""
    low, high = difference.mean - difference.half_width, difference.mean + difference.half_width
    verdict = "helps" if low > 0 else "hurts" if high < 0 else "may help or hurt: 0 is inside"
    return f"{difference}: the teacher {verdict}"


for size in ("few", "all"):
    gain = scores[f"{size}, labels and teacher"] - scores[f"{size}, labels"]
    print(f"{size} images, labels and teacher minus labels: {reading(mean_and_ci95_of_few(gain))}")

# %% [markdown]
# ## An honest reading
#
# What we got on BloodMNIST, five seeds (your digits may differ in the last place):
#
# - **Few labels.** The teacher lifts the student from 0.626 ± 0.028 to 0.719 ± 0.037; the paired
#   gain is 0.094 ± 0.049. It helps.
# - **No labels, many images.** The teacher alone takes the student to 0.779 ± 0.025, no worse than
#   labels for every image (0.749 ± 0.058). What the teacher handed over is, first of all, labels.
# - **All labels.** 0.027 ± 0.032 more with the teacher. The interval holds 0, so we cannot say that
#   it helps; nor that it does not.
#
# All students stay far below their teacher (0.857): two thousand parameters and 300 steps.
#
# That is the pattern of the literature, too. Distillation is a way to bring knowledge to where
# there is little of it, not a law that students of teachers win. Stanton et al. find surprisingly
# large gaps between student and teacher, and that a closer match need not generalise better.
# Tables with a single seed are worthless here: the spread between seeds is as large as many
# published gains.

# %%
for name, outputs in runs.items():
    same = torch.tensor([accuracy(o, teacher_test_logits.argmax(1)) for o in outputs])
    nll = torch.tensor([F.cross_entropy(o, test.labels).item() for o in outputs])
    print(f"{name:24} agrees with the teacher {mean_and_ci95_of_few(same)}", end="   ")
    print(f"negative log-likelihood {mean_and_ci95_of_few(nll)}")

# %% [markdown]
# Two more columns, because accuracy alone is a narrow view: how often the student gives the
# teacher's answer (right or wrong), and how good its probabilities are. A distilled student tends
# to have the better probabilities even where it is not more accurate.

# %% [markdown]
# ## The trap: a wrong loss that accuracy does not see
#
# Many published snippets get the loss wrong. Here is one common shape, made runnable: the arguments
# of `kl_div` swapped, probabilities where log-probabilities belong, and the labels as weights.
# Train with it on **two** classes, chest X-rays with and without pneumonia, and look at nothing but
# the accuracy.


# %%
def published(soft_logits):
    """Return a loss as it is found in the wild. Wrong in at least four ways."""

    def loss(logits, labels, positions):
        teacher_out = soft_logits[positions].softmax(1)
        divergence = F.kl_div(teacher_out, logits.softmax(1), reduction="batchmean")
        return ((1 - labels) * divergence).mean()

    return loss


# %%
lung_train, lung_test = (load_or_synthetic("pneumoniamnist", split) for split in ("train", "test"))
n_findings = len(lung_train.class_names)
lung_teacher = ConvNet(1, (16, 32, 64), n_outputs=n_findings, norm="group")
lung_student = ConvNet(1, (8, 8, 16), n_outputs=n_findings, norm="group")
lungs = (lung_train.images, lung_train.labels)
lung_taught = train_network(lung_teacher, *lungs, from_labels, n_steps=TEACHER_STEPS // 3, seed=0)
lung_logits = predict(lung_teacher, lung_taught.params, lung_train.images)

# %%
losses = {
    "labels": from_labels,
    "labels and teacher": from_teacher(lung_logits),
    "published": published(lung_logits),
}
two_classes = {
    name: test_logits(lung_student, *lungs, loss, lung_test.images, n_seeds=N_SEEDS)
    for name, loss in losses.items()
}


def accuracies(outputs, labels):
    """Return the mean accuracy over seeds and its interval."""
    return mean_and_ci95_of_few(torch.tensor([accuracy(logits, labels) for logits in outputs]))


# %%
points = {name: accuracies(outputs, lung_test.labels) for name, outputs in two_classes.items()}
lung_majority = {"always pneumonia": lung_test.labels.double().mean().item()}
label = f"accuracy on two classes, 95 % interval over {N_SEEDS} seeds"
axes = plots.intervals(points, label=label, chance=0.5, references=lung_majority)
summary = "; ".join(f"{name} {interval}" for name, interval in points.items())
plots.show(axes, alt=f"Accuracy on two classes of {lung_train.source}: {summary}.")

# %% [markdown]
# Would you have noticed? Now the very same loss on the blood cells.

# %%
cells = (train.images, train.labels)
wrong = test_logits(student, *cells, published(teacher_logits), test.images, n_seeds=N_SEEDS)
points = {
    "labels and teacher": mean_and_ci95_of_few(scores["all, labels and teacher"]),
    "published": accuracies(wrong, test.labels),
}
label = f"accuracy on {n_classes} classes, 95 % interval over {N_SEEDS} seeds"
axes = plots.intervals(points, label=label, chance=1 / n_classes)
summary = "; ".join(f"{name} {interval}" for name, interval in points.items())
plots.show(axes, alt=f"Accuracy on {n_classes} classes: {summary}; chance {1 / n_classes:.3f}.")

# %% [markdown]
# Why? `F.kl_div` returns one number for the batch, so after `.mean()` the labels act only through
# $1 - \bar y$. With labels 0 and 1 that is positive and small: the student drifts towards
# something like its teacher. With labels 0 to 7 it is negative: **the training maximises what it
# should minimise**. An experiment on two classes cannot tell the two apart; a test of the loss
# against a value worked out by hand can, in a millisecond. You write that test in the exercises.

# %% [markdown]
# ## What it costs
#
# The teacher is trained once and asked once per training image. What the clinic pays for, image
# after image, is the student.

# %%
for name, model in {"teacher": teacher, "student": student}.items():
    params = initial_params(model, generator=torch.Generator().manual_seed(0))
    macs = count_macs(model, params, as_float(test.images[:1]))
    print(f"{name}: {count_parameters(params):6,} parameters, {macs:9,} multiplications, ", end="")
    kib = size_in_bytes(params) / 1024, size_in_bytes(quantize_params(params)) / 1024
    print(f"{kib[0]:5.1f} KiB as float32, {kib[1]:4.1f} KiB with int8 weights")

# %% [markdown]
# ## When not to use it
#
# - **The labels are plentiful and the student is large enough.** Then the teacher adds mostly its
#   own mistakes: the student learns those too.
# - **The teacher is worse where it matters.** It was trained elsewhere; under a shift its soft
#   labels are confidently wrong, and what it systematically overlooks the student will overlook.
# - **You need an uncertainty you can defend.** A student inherits miscalibration.
# - **The images must not leave, and neither may what a model remembers of them.** A teacher's
#   outputs can leak information about its training patients.
#
# ## Is this meta-learning?
#
# Not by itself. Nothing here *learns to learn*: there is one task, and no loss measured after
# adaptation to a new one. Distillation is compression, or transfer. It meets meta-learning where
# the teacher is an ensemble of networks adapted to many tasks, or where what is distilled is itself
# meta-learned. If an interviewer lists "distillation, fusion, gradient-based" as the three families
# of meta-learning, the standard answer is metric-, model- and optimisation-based.
#
# ## Two minutes aloud
#
# <details>
# <summary>Why is the soft term multiplied by T²?</summary>
#
# Its gradient in the student's logits is (q − p)/T, and for large T the difference itself is of
# order 1/T, so the gradient falls as 1/T². T² restores the balance with the hard term, so that
# alpha can be chosen once for all temperatures. In the limit it becomes matching of centred logits.
#
# </details>
#
# <details>
# <summary>Your distilled student scores like one trained on labels. What do you check?</summary>
#
# Whether the loss is right (a value by hand, unequal logits, more than two classes); whether the
# teacher was in evaluation mode and detached; agreement and likelihood, not only accuracy; several
# seeds and a paired interval; whether labels were scarce enough for a teacher to matter at all.
#
# </details>
#
# <details>
# <summary>Distil an ensemble of five networks for a laptop in a clinic: how, and what do you
# report?</summary>
#
# Average the members' probabilities, distil that average with T chosen on validation data, compare
# with a student trained on labels alone and with one single member; report accuracy and balanced
# accuracy with intervals, calibration, parameters, median latency on that laptop, and how the
# student does on images from another scanner.
#
# </details>
