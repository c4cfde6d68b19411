# %% [markdown]
# # Lesson 14: a small network in a small file, what may come next, and the course in review
#
# **Question.** A handheld device has to sort blood cells without a network connection. How small
# can the classifier get, what is lost on each step of the way, and how do you know that the file on
# the device still is the network that you tested?
#
# - **Time.** 50 minutes to read, the review included; the computer needs about 2 of them.
# - **Know first.** Distillation (lesson 03), batch statistics (lesson 04), paired differences
#   (lesson 01).
# - **Papers.** Krishnamoorthi 2018, arXiv 1806.08342 (8 bits); Jacob et al. 2018, arXiv 1712.05877
#   (folding, int8 arithmetic); Hinton et al. 2015, arXiv 1503.02531 (distillation).
# - **Then do** the exercises: `exercises/14_small_devices_and_prospects`.

# %%
import os
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F

from medmeta_ref import devices, plots
from medmeta_ref.backbones import ConvNet
from medmeta_ref.classifier import predict, train_classifier
from medmeta_ref.datasets import load_or_synthetic
from medmeta_ref.distillation import distillation_loss
from medmeta_ref.metrics import mean_and_ci95, mean_and_ci95_of_few
from medmeta_ref.onnx_export import PACKAGES, export_onnx
from medmeta_ref.onnx_int8 import store_in_int8
from medmeta_ref.params import forward, initial_params
from medmeta_ref.pixels import as_float
from medmeta_ref.sliders import explore

# %% [markdown]
# The settings stand in one place. `MEDMETA_FAST=1` shrinks them so far that the lesson runs in
# seconds: good for testing the notebook, useless for conclusions.

# %%
FAST = os.environ.get("MEDMETA_FAST") == "1"
TEACHER_STEPS, STUDENT_STEPS = (4, 3) if FAST else (400, 300)
BATCH_SIZE, TEACHER_LR, STUDENT_LR = 64, 0.003, 0.01
TEMPERATURE, ALPHA = 4.0, 0.9  # of the soft targets, and their weight
N_SEEDS = 2 if FAST else 5
N_TEST = 60 if FAST else 3421  # all of the official test images
N_RUNS, N_WARM_UP = (10, 2) if FAST else (200, 20)  # for the latency
BITS = (8, 7, 6, 5, 4, 3, 2)
ONNX = all(find_spec(name) for name in PACKAGES)
if not ONNX:
    print('No ONNX packages here, so no file is written: pip install "medmeta[onnx]" and restart.')

# %% [markdown]
# ## The problem: what makes a device small?
#
# Bytes to store, bytes to fetch, multiplications, energy. Their prices differ widely. In 45 nm
# technology a 32-bit float multiplication takes about 3.7 pJ, reading 32 bits from memory on the
# chip 5 pJ, and from memory beside it 640 pJ (Han et al. 2015, arXiv 1506.02626, table 1). So a
# network whose weights fit on the chip is worth more than one with fewer multiplications. Three
# ways to get there, which combine:
#
# | way | changes | needs |
# | --- | --- | --- |
# | distillation | the architecture: fewer layers, channels, multiplications | training images |
# | quantisation | the numbers: 8 bits for a weight instead of 32 | nothing, or a few images |
# | pruning | single weights or whole channels are left out | some more training, usually |
#
# "Meta-learning lowers the compute and so suits small devices" is printed in places. It does not:
# the MAML++ paper calls MAML *very computationally expensive at both training and inference*. What
# meta-learning lowers is the number of labels for a new task. The size of the network it leaves as
# it was; that is what this lesson is about.

# %% [markdown]
# ## The data and the split
#
# BloodMNIST, eight types of cell: the official training images to train on, the official test
# images once, at the end. It is split by cell, not by person, so that the accuracies are those of
# new cells and not of new people. For *differences* between networks that matters less.

# %%
train, test = (load_or_synthetic("bloodmnist", split) for split in ("train", "test"))
exam_images, exam_labels = test.images[:N_TEST], test.labels[:N_TEST]
n_classes = len(train.class_names)
channels = 3 if train.images.ndim == 4 else 1
print(f"{train.source}: {len(train.labels):,} to train on, {len(exam_labels):,} for the test")
names = [train.class_names[c].split("(")[0][:16] for c in exam_labels[:8].tolist()]
alt = "Eight test cells: " + ", ".join(names) + "."
plots.show(plots.image_grid(exam_images[:8], names, columns=4), alt=alt)

# %% [markdown]
# ## Step 1: a smaller network
#
# The student has a quarter of the teacher's channels in every block, so about a sixteenth of its
# weights. Group norm in both: each image is normalised by itself, whoever is beside it. Every pair
# of students starts alike and sees the same images; one of them hears the teacher, too.

# %%
NETWORKS = {
    "teacher": ConvNet(channels, (32, 64, 128), n_outputs=n_classes, norm="group"),
    "student": ConvNet(channels, (8, 16, 32), n_outputs=n_classes, norm="group"),
}


def from_labels_alone(logits, labels, positions):
    return F.cross_entropy(logits, labels)


def trained_cells(name, loss, n_steps, rate, seed):
    """Return the parameters of a network after training on the official training images."""
    model, g = NETWORKS[name], torch.Generator().manual_seed(seed)
    how = {"n_steps": n_steps, "batch_size": BATCH_SIZE, "outer_lr": rate, "progress": None}
    start = initial_params(model, generator=g)
    return train_classifier(
        model, start, train.images, train.labels, loss, generator=g, **how
    ).params


# %%
taught = trained_cells("teacher", from_labels_alone, TEACHER_STEPS, TEACHER_LR, seed=0)
soft = predict(NETWORKS["teacher"], taught, train.images)


def with_teacher(logits, labels, positions):
    how = {"temperature": TEMPERATURE, "alpha": ALPHA}
    return distillation_loss(logits, soft[positions], labels, **how)


LOSSES = {"student alone": from_labels_alone, "student distilled": with_teacher}
students = {
    name: [trained_cells("student", loss, STUDENT_STEPS, STUDENT_LR, s) for s in range(N_SEEDS)]
    for name, loss in LOSSES.items()
}


# %%
def exam(name, params):
    """Return whether each test image was classified right, [n_test]."""
    return (predict(NETWORKS[name], params, exam_images).argmax(1) == exam_labels).double()


scores = {
    name: torch.stack([exam("student", params).mean() for params in each])
    for name, each in students.items()
}
gain = mean_and_ci95_of_few(scores["student distilled"] - scores["student alone"])
teacher_right = exam("teacher", taught)
points = {name: mean_and_ci95_of_few(values) for name, values in scores.items()}
label = f"accuracy on new cells, 95 % interval over {N_SEEDS} seeds"
level = {"teacher, one seed": teacher_right.mean().item()}
axes = plots.intervals(points, label=label, chance=1 / n_classes, references=level)
summary = "; ".join(f"{name} {interval}" for name, interval in points.items())
plots.show(axes, alt=f"Accuracy: {summary}; teacher {level['teacher, one seed']:.3f}.")

# %%
print(f"distilled minus alone, paired by seed: {gain}")
one_image = as_float(exam_images[:1])
for name, params in {"teacher": taught, "student": students["student distilled"][0]}.items():
    macs = devices.count_macs(NETWORKS[name], params, one_image)
    n, n_bytes = devices.count_parameters(params), devices.size_in_bytes(params)
    small = devices.size_in_bytes(devices.quantize_params(params))
    print(f"{name}: {n:,} parameters, {macs:,} MACs, {n_bytes:,} bytes, {small:,} with int8")

# %% [markdown]
# ## Step 2: smaller numbers. The equation
#
# An output channel's weights become whole numbers of steps, and the step is kept beside them:
#
# $$
# w \approx q\,s, \qquad s = \frac{\max|w|}{127}, \qquad q \in \{-127, \dots, 127\}, \qquad
# |w - q\,s| \le \frac{s}{2}
# $$
#
# The bound is no statistics: the nearest whole number is never more than a half away. Zero stays
# zero. `quantize_params` does it; below, every weight of the student is held against the bound.

# %%
chosen = students["student distilled"][0]
for name, stored in devices.quantize_params(chosen).items():
    if isinstance(stored, devices.Quantized):
        off = ((chosen[name] - devices.dequantize(stored)).abs() / stored.scale).max().item()
        scales = f"{stored.scale.min():.4f} to {stored.scale.max():.4f}"
        print(f"{name:16} {tuple(chosen[name].shape)}: at most {off:.3f} steps off, steps {scales}")

# %% [markdown]
# Eight bits are a choice. What if only the upper few were kept? Slide the number of bits, and see
# where the weights go and what the accuracy does.


# %%
def with_upper_bits(params, bits):
    """Return parameters whose steps were rounded again, to so many of their 8 bits."""
    coarse, left = 2 ** (8 - bits), {}
    for name, stored in devices.quantize_params(params).items():
        left[name] = stored
        if isinstance(stored, devices.Quantized):
            left[name] = (stored.values / coarse).round() * coarse * stored.scale
    return left


by_bits = {
    bits: {
        "teacher": exam("teacher", with_upper_bits(taught, bits)).mean().item(),
        "student": exam("student", with_upper_bits(chosen, bits)).mean().item(),
    }
    for bits in BITS
}


# %%
def rounded_weights(bits):
    """Draw a channel of the student's second layer before and after rounding to so many bits."""
    name = "blocks.1.0.weight"
    before = chosen[name][0].flatten().sort().values
    after = with_upper_bits(chosen, bits)[name][0].flatten().sort().values
    ys = {"float32": before.tolist(), f"{bits} bits": after.tolist()}
    words = {"xlabel": "weights of one output channel, in order", "ylabel": "weight"}
    axes = plots.lines(range(len(before)), ys, **words)
    found = ", ".join(f"{who} {value:.3f}" for who, value in by_bits[bits].items())
    axes.set_title(f"accuracy with {bits} bits: {found}")
    return plots.show(axes, alt=f"Weights of a channel in {bits} bits; accuracy: {found}.")


explore(rounded_weights, bits=(4, list(BITS)))

# %%
ys = {who: [by_bits[bits][who] for bits in BITS] for who in ("teacher", "student")}
words = {"xlabel": "bits of a weight", "ylabel": "accuracy on new cells"}
axes = plots.lines(BITS, ys, **words)
axes.axhline(1 / n_classes, color="black", linestyle="--", label=f"chance {1 / n_classes:.3g}")
axes.legend(frameon=False)
ends = "; ".join(f"{b} bits: {v['teacher']:.3f}, {v['student']:.3f}" for b, v in by_bits.items())
plots.show(axes, alt=f"Accuracy of teacher and student: {ends}.")

# %% [markdown]
# What do 8 bits cost? The same images, so the difference is paired, image by image:

# %%
for who, params in {"teacher": taught, "student": chosen}.items():
    before, after = exam(who, params), exam(who, devices.fake_quantised(params))
    logits = [
        predict(NETWORKS[who], p, exam_images) for p in (params, devices.fake_quantised(params))
    ]
    changed = int((logits[0].argmax(1) != logits[1].argmax(1)).sum())
    print(f"{who}, int8 minus float32: {mean_and_ci95(after - before)} (interval over images), ")
    print(f"    {changed} of {len(exam_labels)} decisions changed")

# %% [markdown]
# ## Step 3: a file that another program reads
#
# ONNX describes a network as a graph of standard operators; ONNX Runtime executes it without
# PyTorch. The rounded weights are exported, then stored in int8 with an operator that turns them
# into floats when the file is loaded. So the *file* is small and the arithmetic still is of floats:
# that is weight-only quantisation. Integer arithmetic needs the activations quantised as well.
#
# **Parity** is the question whether the file gives PyTorch's answers. `export_onnx` asks it for
# single images and for batches, and writes no file that fails.

# %%
folder = Path(tempfile.mkdtemp())
float_file, int8_file = folder / "student.onnx", folder / "student_int8.onnx"


def run_onnx(path, images):
    """Return what ONNX Runtime makes of the images, [n, n_classes]."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"images": images.numpy()})[0])


# %%
inputs = as_float(exam_images[:256])
if ONNX:
    rounded = devices.fake_quantised(chosen)
    written = export_onnx(NETWORKS["student"], rounded, inputs, float_file)
    n_bytes = store_in_int8(float_file, int8_file, chosen)
    with torch.no_grad():
        eager = forward(NETWORKS["student"], rounded, inputs)
    gap = (run_onnx(int8_file, inputs) - eager).abs().max().item()
    print(f"float file: {written.size_in_bytes:,} bytes, off by {written.largest_difference:.1e}")
    print(f"int8 file: {n_bytes:,} bytes, off by {gap:.1e} from the rounded network in PyTorch")

# %% [markdown]
# ## What breaks parity
#
# Four classics, each tried. The yardstick is the largest difference in any output.
#
# - **Training mode.** A layer with running statistics, asked in training mode and in evaluation
#   mode: two networks.
# - **Batch statistics.** The batch norm of few-shot networks normalises by the images at hand.
#   Asked about one image alone, it is another network than asked about a batch.
# - **Preprocessing.** The file begins behind it. Feed 0..255 where -1..1 was learnt.
# - **Rounding** alone, for comparison.


# %%
def largest_gap(a, b):
    return (a - b).abs().max().item()


g = torch.Generator().manual_seed(0)
by_batch = ConvNet(channels, (8, 16, 32), n_outputs=n_classes, norm="batch")
batch_params = initial_params(by_batch, generator=g)
usual = torch.nn.Sequential(
    torch.nn.Conv2d(channels, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.Flatten()
)
usual.load_state_dict(usual.state_dict() | initial_params(usual, generator=g))

# %%
with torch.no_grad():
    for _ in range(20):
        usual(inputs)  # the running statistics gather
    training, evaluation = usual.train()(inputs[:8]), usual.eval()(inputs[:8])

# %%


def student_of(x):
    return forward(NETWORKS["student"], chosen, x)


def batch_of(x):
    return forward(by_batch, batch_params, x)


# %%
with torch.no_grad():
    gaps = {
        "training mode": largest_gap(training, evaluation),
        "batch norm, alone or in a batch": largest_gap(batch_of(inputs[:1]), batch_of(inputs)[:1]),
        "0..255 for -1..1": largest_gap(student_of(127.5 * (inputs + 1)), student_of(inputs)),
        "group norm, alone or in a batch": largest_gap(
            student_of(inputs[:1]), student_of(inputs)[:1]
        ),
    }
for name, gap in gaps.items():
    print(f"{name:32} {gap:.1e}")

# %% [markdown]
# For batch norm there is a way out: freeze it at the mean and variance that the *support set*
# shows it, so that every query is normalised alike. `export_onnx` insists.

# %%
if ONNX:
    try:
        export_onnx(by_batch, batch_params, inputs, folder / "batch.onnx")
    except ValueError as refusal:
        print("refused:", refusal)
    frozen = export_onnx(
        by_batch, batch_params, inputs, folder / "batch.onnx", statistics_from=inputs[:40]
    )
    print(f"frozen at the support set: off by {frozen.largest_difference:.1e}")

# %% [markdown]
# ## How long does one image take?
#
# Measured here, on this computer: a stand-in for the device, where it has to be measured again. The
# first runs are left out as a warm-up. The median tells the usual run, the 95th percentile the slow
# end; a mean would tell what else the computer was doing.


# %%
def measured_times(run):
    """Return the running times after the warm-up, in milliseconds, in order of size."""
    times = []
    for _ in range(N_WARM_UP + N_RUNS):
        before = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - before))
    return torch.tensor(times[N_WARM_UP:], dtype=torch.float64).sort().values


runs = {
    "teacher, PyTorch": lambda: forward(NETWORKS["teacher"], taught, one_image),
    "student, PyTorch": lambda: forward(NETWORKS["student"], chosen, one_image),
}
if ONNX:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(int8_file), providers=["CPUExecutionProvider"])
    runs["student, int8 file"] = lambda: session.run(None, {"images": one_image.numpy()})

# %%
with torch.no_grad():
    for name, run in runs.items():
        times = measured_times(run)
        middle, slow = times.quantile(0.5).item(), times.quantile(0.95).item()
        print(f"{name:20} median {middle:.2f} ms, 95th percentile {slow:.2f} ms")

# %% [markdown]
# ## An honest reading
#
# What we got (another machine may differ a little in the last digits; times differ a lot):
#
# - **The small network lost a little, and the teacher did not help.** 6.7 % of the teacher's
#   parameters and 7.9 % of its multiplications took the accuracy from 0.851 (one seed) to 0.814 ±
#   0.009. Distilled it was 0.800 ± 0.023; the paired difference, -0.014 ± 0.024, holds 0. With
#   twelve thousand labels there is little for a teacher to add; lesson 03 shows where there is
#   more. The lesson goes on with a distilled student; the rest would hold for the other as well.
# - **Eight bits cost nothing that we could see.** 5 of 3,421 decisions of the teacher changed and
#   15 of the student's, some for better and some for worse: 0.000 ± 0.001 and 0.002 ± 0.002. Every
#   weight is within half a step, as it must be.
# - **Fewer bits cost something in the end, and not in a straight line.** At four bits the student
#   was still at 0.80, at three at 0.69, at two at 0.54. One network each: small ups and downs
#   between neighbours mean nothing.
# - **378,016 bytes of numbers became 6,968,** a factor of 54: 15 by the architecture, 3.6 by the
#   rounding. The file is larger than its numbers: 12,028 bytes with the graph. The float file had
#   69,603, most of them notes on which line of Python made which operator.
# - **Parity is a matter of the mode, not of the format.** The int8 file is off by less than
#   0.0001. Training mode, batch statistics and raw pixels are off by 0.6 to 20.
# - **Fewer multiplications are not proportionally less time.** The student has a thirteenth of the
#   multiplications and took more than half of the teacher's time in PyTorch: at this size most of
#   it goes into calling the operators. Another runtime saved more than a smaller network.
#
# What these numbers cannot show: energy, which was not measured; another device; people whose cells
# were not in the training set; what happens to rare classes; integer arithmetic, since only weights
# were rounded; and one student of five seeds was rounded and exported, not all.

# %% [markdown]
# ## What it costs
#
# Training a teacher and a student, once. Rounding takes no time. The dear part is the testing: the
# exported file is another program, so *it* has to be tested, with the device's own preprocessing,
# and again after every change.
#
# ## When not to use it
#
# - **The network already fits.** Every step is one more thing that may break.
# - **Small groups of patients matter and were not tested.** An accuracy that falls by 0.001 on the
#   whole may fall by more for a rare class. Look at recall by class, before and after.
# - **Weights with outliers.** One huge weight makes the step of its channel large; look at the
#   scales before you trust 8 bits.
# - **The method adapts on the device.** Rounded weights take no small gradient steps. Prototypes
#   need none: a mean of features is all.

# %% [markdown]
# ## Prospects: what is known, what is hope
#
# - **Features of large pre-trained networks and a simple head.** *Known:* a very strong rival (Hu
#   et al. 2022, arXiv 2204.07305). *Hope:* that they serve every modality and every hospital.
# - **Federated meta-learning.** *Known:* a shared start can be personalised at each site (Fallah et
#   al. 2020, arXiv 2002.07948). *Hope:* that it pays in practice, with privacy that was proved.
# - **In-context learning.** *Known:* transformers can learn simple classes of functions from
#   examples in the prompt (Garg et al. 2022, arXiv 2208.01066). *Hope:* diagnoses from a few images
#   in a prompt, measured without leaks.
# - **Test-time adaptation.** *Known:* it can recover accuracy under shift without labels (Wang et
#   al. 2021, arXiv 2006.10726). *Hope:* that it never makes things worse on a stream of patients.
# - **Abstaining.** *Known:* conformal prediction keeps a promised coverage if old and new cases are
#   exchangeable (Angelopoulos and Bates 2021, arXiv 2107.07511). *Hope:* the same under shift, and
#   for every group of patients.
#
# What stands in the way is the same everywhere:
#
# - **Tasks are scarce.** Images are many, public medical data sets few, hospitals in them fewer.
# - **Comparisons are weak.** Without a simple rival, several class splits and intervals nobody
#   knows whether a new method gained anything.
# - **Compute** in training, and who pays for it.
# - **A model that changes** at the clinic is another model than the one that was tested. Whoever
#   lets it adapt has to say how it is monitored, and by whom it is approved.
#
# Generalisation, robustness and lower compute are often listed as what meta-learning *will bring*.
# Better: they are what has to be *measured*. Lesson 12 measured robustness, this one the compute.

# %% [markdown]
# ## The course in review
#
# For each unit: what it taught, and the questions that you should be able to answer aloud. If an
# answer does not come, that is the unit to open again. Numbers stand in the lessons, with their
# intervals; here are the ideas.
#
# **00 Orientation.** A claim is worth what its check is worth. An accuracy comes with an interval,
# a chance level, a split and the name of the data. *What does a ± cover? How many positive cases
# does an AUC need?*
#
# **01 Episodes.** Meta-learning trains on many small tasks: a support set to adapt to, a query set
# to be judged on, novel classes apart from base classes. An interval over episodes covers the draw
# of images and says nothing of other classes. *What may support and query share? Why are labels
# renumbered in every episode? What is a paired difference?*
#
# **02 Families and challenges.** Metric-based, model-based, optimisation-based; distillation and
# ensembles are neighbours. What is scarce are tasks, more than images; what is saved are labels for
# a new task, and not compute. *Name one method of each family. Which challenge does each meet?
# What is task memorisation?*
#
# **03 Distillation.** A student learns from a teacher's softened probabilities,
# $\alpha T^2\,\mathrm{KL} + (1-\alpha)\,\mathrm{CE}$. It helps most where labels are few, and not
# always. *Why $T^2$? Which argument of `kl_div` is in logarithms? Why is this not meta-learning by
# itself?*
#
# **04 Prototypical networks.** A class is the mean of its support features, a query goes to the
# nearest one. Prototypes are computed, only the embedding is learned. With squared distances it is
# a linear classifier. *Derive its weights. What do batch statistics do to a query's answer? What
# is the simple rival?*
#
# **05 Gradients.** A few steps from a good start: step length against curvature, unrolled
# derivatives, memory that grows with the steps. *Why does the meta-gradient hold a Hessian? What
# does `create_graph` do? When does a step diverge?*
#
# **06 MAML.** Learn the start so that the query loss *after* the inner steps is low. FOMAML treats
# the inner gradient as a constant, and errs by the order of the inner rate. *Write the
# meta-gradient for one step. Where is the support set used, where the query set? What does one
# check with a quadratic?*
#
# **07 Reptile and ANIL.** Reptile moves the start towards where training on a task ends; with one
# inner step that is joint training. ANIL adapts the head alone and loses little: features are
# reused. *Why more than one inner step? Does Reptile need a query set? What does NIL leave out?*
#
# **08 MAML++.** Six repairs of MAML: a loss after every step, first order first, statistics and
# norm weights for each step, learned rates for each layer and step, a cosine for the outer rate.
# Not "a more complex objective". *Which problem does each repair meet? What happens beyond the last
# trained step?*
#
# **09 Fusion of models.** Averaging probabilities is never worse than the *average* member under a
# convex loss (Jensen), and may be worse than the best; accuracy has no such law. Learned weights
# need data of their own. *Prove it for the squared error. Arithmetic or geometric mean? What leaks
# in stacking?*
#
# **10 Fusion of views.** Slices, planes and modalities are fused early, late or by gates; a missing
# view must count as absent and not as black. Rows of OrganA, C and S are *not* paired. *How do you
# notice that two tables are not paired? Early or late for two hundred patients?*
#
# **11 Replay.** A reservoir keeps each of $n$ items with chance capacity$/n$; replay fights
# forgetting. It is no principle of meta-learning; Meta-Experience Replay is the bridge, Reptile
# over replayed batches. *Where is the famous off-by-one? What is backward transfer? What about
# patients' consent?*
#
# **12 Robustness.** No method is robust by default. Wrong labels, damage, strangers: before and
# after, one harm at a time, settings chosen elsewhere. *Why does cross-entropy learn wrong labels?
# What is a breakdown point? What may the damaged test set be used for?*
#
# **13 Medical cases.** A score at the prevalence of the clinic, intervals by patient, calibration
# against its null, a register of leaks. Cardiomegaly is a sign and not a disease; a nodule set
# without its doubtful cases is easier than life. *PPV at 2.5 % prevalence? What does a split by
# image leak? Which steps lead to "better"?*
#
# **14 Small devices.** Distil for fewer products, round for fewer bytes, at most half a step off;
# test the file that is shipped. *What breaks parity? Why the median? What is known and what is
# hope?*
#
# ### Three sentences to take along
#
# 1. Meta-learning turns many tasks into few labels: what is optimised is the query loss after
#    adapting to the support set.
# 2. Distillation, fusion and replay are good neighbours, each with its own aim and its own limits.
# 3. Believe a gain when it is paired, has an interval, stands beside a simple rival, and was
#    measured on patients whom nothing in training had seen.

# %% [markdown]
# ## Two minutes aloud
#
# <details>
# <summary>Your classifier has to run on a handheld device. What do you do?</summary>
#
# Budget first: bytes, multiplications, milliseconds on that device. Distil into a smaller network,
# held against the same network without a teacher, over several seeds. Weights to int8 with a scale
# per channel. Export in evaluation mode; parity on real images, one at a time and in batches. Then
# the accuracy of the *file*, and latency as median and 95th percentile on the device.
#
# </details>
#
# <details>
# <summary>How far off can an int8 weight be, and why per channel?</summary>
#
# Half a step; a step is the channel's largest weight in size over 127. With one scale for all
# channels the largest channel sets the step, and small channels are left with a few levels.
#
# </details>
#
# <details>
# <summary>What would you try in the next two years?</summary>
#
# Class means over frozen pre-trained features first: the rival to beat. Then one question with an
# experiment that could refute it: does meta-training on top gain anything for a new hospital, over
# several class splits, paired? And can the model abstain at a promised rate? In the way: few tasks,
# weak comparisons, and the approval of a model that changes.
#
# </details>
