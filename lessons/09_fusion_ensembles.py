# %% [markdown]
# # Lesson 09: model fusion, or what to make of networks that disagree
#
# **Question.** Five laboratories have trained a network each, and for one blood cell you get five
# different answers. How do you make one of them? What does it gain, when does it harm, and what if
# the thing to be read is no image but a stack of slices?
#
# - **Time.** 60 minutes to read; the computer needs about 2 of them on two cores.
# - **Know first.** Softmax, cross-entropy, what a validation set is for.
# - **Papers.** Genest and Zidek 1986 (opinion pools); Krogh and Vedelsby 1995 (ambiguity); Wolpert
#   1992 (stacking); Cho et al. 2014, arXiv 1406.1078 (the GRU); Yang et al. 2023 (MedMNIST).
# - **Then do** the exercises: `exercises/09_fusion_ensembles`.

# %%
import os

import torch
import torch.nn.functional as F
from torch import nn

from medmeta_ref import fusion, plots
from medmeta_ref.backbones import ConvNet
from medmeta_ref.clinical import auroc
from medmeta_ref.datasets import load_or_synthetic
from medmeta_ref.devices import count_macs, count_parameters
from medmeta_ref.metrics import Interval, accuracy, mean_and_ci95, mean_and_ci95_of_few
from medmeta_ref.params import forward, initial_params
from medmeta_ref.pixels import as_float
from medmeta_ref.resampling import bootstrap_ci
from medmeta_ref.sliders import explore
from medmeta_ref.train import cosine, fit, sample_minibatch
from medmeta_ref.views import SliceCNNGRU

# %% [markdown]
# The settings stand in one place. `MEDMETA_FAST=1` shrinks them so far that the lesson runs in
# seconds: good for testing the notebook, useless for conclusions.

# %%
FAST = os.environ.get("MEDMETA_FAST") == "1"
N_LABS = 5
N_IMAGES = 40 if FAST else 400  # training images of each laboratory
LAB_STEPS = 5 if FAST else 400
N_VAL, N_TEST = (200, 200) if FAST else (1712, 3421)
VALIDATION_SIZES = (8, 16, 64) if FAST else (8, 16, 32, 64, 128, 256, 512, 1024)
N_DRAWS = 3 if FAST else 20  # of validation images, for each size
STACK_STEPS = 5 if FAST else 300
N_FOLDS = 2 if FAST else 5
SLICE_STEPS, PHASE_STEPS = (2, 2) if FAST else (300, 200)
N_VOLUMES = 40 if FAST else 1188
SEEDS = (0, 1) if FAST else (0, 1, 2)
N_RESAMPLES = 20 if FAST else 500

# %% [markdown]
# ## The problem, the data, the split
#
# BloodMNIST: eight types of blood cell. Each of five laboratories has 400 images of its own, which
# it may not give away, and trains the same small network on them. What the laboratories do share is
# their *networks*. We may ask all five, and we have a few hundred labelled validation images.
#
# Training, validation and test images are MedMNIST's official ones, split by cell and not by
# person. So read every number here as "new cells of known people".

# %%
parts = {split: load_or_synthetic("bloodmnist", split) for split in ("train", "val", "test")}
train, val, test = parts["train"], parts["val"], parts["test"]
print(
    f"{train.source}: {len(train.labels)} training, {len(val.labels)} validation images, ", end=""
)
print(f"{len(test.labels)} test images")
CLASSES = train.class_names
test_x, test_y = test.images[:N_TEST], test.labels[:N_TEST]
val_x, val_y = val.images[:N_VAL], val.labels[:N_VAL]

# %%
first = [int((test.labels == c).nonzero()[0]) for c in range(len(CLASSES))]
grid = plots.image_grid(test.images[first], [name.split("(")[0][:20] for name in CLASSES])
plots.show(grid, alt=f"One test image of each class: {', '.join(CLASSES)}.")


# %%
def trained(net, images, labels, *, steps, seed, batch=32, rate=0.003):
    """Return parameters after `steps` minibatches of cross-entropy."""
    generator = torch.Generator().manual_seed(seed)
    return fit(
        lambda params, drawn: F.cross_entropy(forward(net, params, drawn[0]), drawn[1]),
        initial_params(net, generator=generator),
        lambda g: sample_minibatch(images, labels, batch_size=batch, generator=g),
        n_steps=steps,
        outer_lr=cosine(rate, steps),
        generator=generator,
        progress=None,
    ).params


@torch.no_grad()
def asked_of(net, params, images):
    """Return probabilities, [n_images, n_classes]."""
    chunks = (as_float(x) if x.dtype == torch.uint8 else x for x in images.split(500))
    return torch.cat([forward(net, params, x).softmax(1) for x in chunks])


# %%
cell_net = ConvNet(3, (16, 32, 32), n_outputs=len(CLASSES), norm="group")
shuffled = torch.randperm(len(train.labels), generator=torch.Generator().manual_seed(0))
labs = shuffled[: (N_LABS + 1) * N_IMAGES].split(N_IMAGES)  # one more, for later


def network_of(number, change=lambda images: images):
    """Return what one laboratory's network answers to validation and test images."""
    images, labels = change(train.images[labs[number]]), train.labels[labs[number]]
    params = trained(cell_net, images, labels, steps=LAB_STEPS, seed=number)
    return [asked_of(cell_net, params, x) for x in (val_x, test_x)]


each = [network_of(number) for number in range(N_LABS)]
val_p, test_p = (torch.stack(part) for part in zip(*each, strict=True))
print("answers to the test images:", tuple(test_p.shape), "models, examples, classes")

# %% [markdown]
# ## The picture: why an average cannot lose against the average
#
# A member gives the right class the probability $p$ and pays $-\log p$, the negative
# log-likelihood (NLL). That curve is **convex**: it hangs below every straight line between two of
# its points. Two members stand on the curve. Halfway *between* them, on the line, is their mean
# loss. On the curve below it is the loss of their mean probability.


# %%
def two_members(first, second):
    """Draw what two members and their mean pay."""
    p = torch.linspace(0.02, 1, 99)
    ends = -torch.tensor([first, second]).log()
    slope = (ends[1] - ends[0]) / ((second - first) or 1)
    line = ends[0] + slope * (p - first)
    line[(p < min(first, second)) | (p > max(first, second))] = torch.nan
    curves = {"loss of p": (-p.log()).tolist(), "straight line": line.tolist()}
    middle, fused = (first + second) / 2, -torch.tensor((first + second) / 2).log().item()
    points = {
        "members": ([first, second], ends.tolist()),
        f"mean loss {ends.mean():.2f}": ([middle], [ends.mean().item()]),
        f"loss of the mean {fused:.2f}": ([middle], [fused]),
    }
    words = {"xlabel": "probability of the right class", "ylabel": "loss, -log p"}
    axes = plots.fits(p.tolist(), curves, points, **words)
    alt = f"Members at {first} and {second}: mean loss {ends.mean():.2f}, of the mean {fused:.2f}."
    return plots.show(axes, alt=alt)


# %%
levels = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.95]
explore(two_members, first=(0.9, levels), second=(0.1, levels))

# %% [markdown]
# Slide them together: the gap closes. **What is gained comes from disagreement.** It is never
# negative, on no image: that is Jensen's inequality, and with it
#
# $$
# -\log \tfrac1M \textstyle\sum_m p_m(y) \;\le\; \tfrac1M \sum_m -\log p_m(y).
# $$
#
# The same holds for every convex loss, so for squared errors of probabilities (Brier's score), too.
# Read what it does *not* say. It compares with the **mean** member, not with the best one. And it
# is silent about accuracy, which is not convex.
#
# ## Three ways to fuse
#
# - the **arithmetic** pool averages the probabilities ("soft vote");
# - the **logarithmic** pool averages their logarithms and normalises: a geometric mean, in which a
#   member that gives a class nearly 0 nearly vetoes it;
# - the **majority vote** counts first choices, and throws away how sure they were.

# %%
example = torch.tensor([[0.6, 0.4], [0.6, 0.4], [0.02, 0.98]])[:, None]
print("arithmetic ", fusion.average_probabilities(example).tolist())
print("logarithmic", fusion.log_opinion_pool(example).tolist())
print("majority    class", fusion.majority_vote(example).item())


# %%
def losses(probabilities):
    """Return the loss of every test image."""
    return F.nll_loss(probabilities.log(), test_y, reduction="none")


pools = {
    "arithmetic pool": fusion.average_probabilities(test_p),
    "log pool": fusion.log_opinion_pool(test_p),
}
scores = {f"laboratory {k}": losses(p) for k, p in enumerate(test_p)}
scores |= {name: losses(p) for name, p in pools.items()}
rows = {name: mean_and_ci95(each) for name, each in scores.items()}
mean_member = sum(rows[f"laboratory {k}"].mean for k in range(N_LABS)) / N_LABS
axes = plots.intervals(
    rows, label=f"loss on {len(test_y)} test cells, 95 %", references={"mean member": mean_member}
)
said = "; ".join(f"{name} {row}" for name, row in rows.items())
plots.show(axes, alt=f"Loss of members and pools: {said}. Mean member {mean_member:.3f}.")

# %% [markdown]
# Both pools lie left of the line, as they must. Whether they beat the *best* member the theorem
# leaves open. The intervals above overlap, because the same hard cells are hard for everybody. So
# compare **pairs**: on each cell, fused minus member, and the interval of that difference.

# %%
best = int(torch.stack([F.nll_loss(p.log(), val_y) for p in val_p]).argmin())
gaps = {
    f"{name}, loss": mean_and_ci95(losses(p) - losses(test_p[best])) for name, p in pools.items()
}
hits = (test_p[best].argmax(1) == test_y).double()
choices = {name: p.argmax(1) for name, p in pools.items()} | {"vote": fusion.majority_vote(test_p)}
for name, chosen in choices.items():
    gaps[f"{name}, accuracy"] = mean_and_ci95((chosen == test_y).double() - hits)
label = f"fused minus laboratory {best} (best in validation), paired, 95 %"
axes = plots.intervals(gaps, label=label, references={"no difference": 0})
said = "; ".join(f"{name} {gap}" for name, gap in gaps.items())
plots.show(axes, alt=f"Fused minus the member chosen on validation images: {said}.")

# %% [markdown]
# Against the laboratory that the validation images chose, fusing brings one to two points of
# accuracy, about as much as intervals of this size can show. The loss of the logarithmic pool falls
# clearly, that of the arithmetic one less. Why? Look at how sure they are:

# %%
for name, p in {"members": test_p.flatten(0, 1), **pools}.items():
    labels = test_y.repeat(len(p) // len(test_y))
    sure = p.max(1).values.mean()
    print(f"{name:15} sure {sure:.3f}, right {accuracy(p, labels):.3f}")

# %% [markdown]
# These members are *less* sure than they are right. An arithmetic mean makes softer still; a
# geometric one keeps the members' sureness. With members that are too sure of themselves the
# arithmetic pool may well be the better one. And mind what the intervals cover: other test cells.
# Not other laboratories, nor other seeds.
#
# ## What disagreement buys, exactly
#
# For squared errors the gain can be written down. With $\bar f$ the mean of the members' answers,
#
# $$
# \underbrace{(\bar f - y)^2}_{\text{ensemble}} =
# \underbrace{\tfrac1M \textstyle\sum_m (f_m - y)^2}_{\text{mean member}} -
# \underbrace{\tfrac1M \textstyle\sum_m (f_m - \bar f)^2}_{\text{ambiguity}} .
# $$
#
# (Krogh and Vedelsby 1995.) No average over anything is needed: it holds on every single image.
# And the ambiguity contains no labels. Take one-hot labels for $y$, and all ensembles of 1 to 5
# laboratories:

# %%
one_hot = F.one_hot(test_y, len(CLASSES)).double()
members = range(N_LABS)
sizes = list(range(1, N_LABS + 1))
split = {"ensemble error": [], "mean member": [], "ambiguity": []}
for size in sizes:
    chosen = torch.combinations(torch.arange(N_LABS), size)
    found = torch.tensor([fusion.ambiguity(test_p[c], one_hot) for c in chosen]).mean(0)
    for name, value in zip(split, (found[0], found[1], found[2]), strict=True):
        split[name].append(value.item())
axes = plots.lines(sizes, split, xlabel="members", ylabel="squared error per class")
axes.set_xticks(sizes)
said = ", ".join(f"{error:.4f}" for error in split["ensemble error"])
plots.show(axes, alt=f"Ensemble error for 1 to {N_LABS} members, over all choices: {said}.")

# %%
whole = fusion.ambiguity(test_p, one_hot)
rest = whole.mean_error - whole.ambiguity - whole.ensemble_error
print(f"mean member {whole.mean_error:.4f} - ambiguity {whole.ambiguity:.4f} = ", end="")
print(f"ensemble {whole.ensemble_error:.4f}; what is left over: {rest:.1e}")
print(f"the ambiguity is {whole.ambiguity / whole.mean_error:.0%} of the mean member's error")
copies = test_p[:1].expand(N_LABS, -1, -1)
print(f"five copies of laboratory 0: ambiguity {fusion.ambiguity(copies, one_hot).ambiguity:.1e}")

# %% [markdown]
# What is left over is rounding. The curve flattens, and not by chance: over all choices of members
# the ambiguity of $M$ of them is exactly proportional to $1 - 1/M$. The second laboratory brings
# more than half of what all five bring, the hundredth would bring next to nothing. And the whole
# ambiguity is small beside the error: mostly, the five are wrong **together**. Copies have none.
#
# ## Learned weights, and where they hurt
#
# Why not give the better laboratories more weight? The weights $w \ge 0$, $\sum w = 1$, with the
# lowest loss of $\sum_m w_m p_m$ on labelled images can be found exactly: the problem is convex
# (`fit_weights` does it by EM). The question is on **how many** images. Draw $n$ validation
# images, fit, and look at the *test* loss, minus that of equal weights; twenty draws for each $n$.
#
# And a second panel: one of the five laboratories reads its images with red and blue exchanged, as
# some image libraries do. Its network is fine at home and poor here.

# %%
odd_one = network_of(N_LABS, change=lambda images: images.flip(-1))
with_odd = [torch.cat([p[:-1], o[None]]) for p, o in zip((val_p, test_p), odd_one, strict=True)]
panels = {"five alike": (val_p, test_p), "one with red and blue exchanged": tuple(with_odd)}
for name, (_, tested) in panels.items():
    shown = " ".join(f"{accuracy(p, test_y):.2f}" for p in tested)
    equal = fusion.average_probabilities(tested)
    print(f"{name}: test accuracies {shown}; equal weights {accuracy(equal, test_y):.2f}, ", end="")
    print(f"loss {losses(equal).mean():.2f}")


# %%
def learned_minus_equal(fitted_on, tested, n_labels, draw):
    """Return how much the test loss changes by fitting weights to `n_labels` images."""
    rows = torch.randperm(len(val_y), generator=torch.Generator().manual_seed(draw))[:n_labels]
    weights = fusion.fit_weights(fitted_on[:, rows], val_y[rows])
    learned, equal = (
        fusion.average_probabilities(tested, weights),
        fusion.average_probabilities(tested),
    )
    return (losses(learned).mean() - losses(equal).mean()).item()


counts = [n for n in VALIDATION_SIZES if n <= len(val_y)]
changes = {
    name: [
        mean_and_ci95_of_few(torch.tensor([learned_minus_equal(*p, n, d) for d in range(N_DRAWS)]))
        for n in counts
    ]
    for name, p in panels.items()
}

# %%
words = {"xlabel": "validation images", "ylabel": f"change of test loss, {N_DRAWS} draws"}
alike = {"five alike": changes["five alike"]}
axes = plots.bands(counts, alike, **words, log_x=True)
axes.axhline(0, color="black", linestyle="--", label="equal weights")
axes.legend(frameon=False)
said = ", ".join(map(str, changes["five alike"]))
plots.show(
    axes,
    alt=f"Five alike, loss of learned minus equal weights, at {counts} images: {said}.",
)

# %%
for name, row in changes.items():
    print(name)
    for n, change in zip(counts, row, strict=True):
        verdict = "hurts" if change.mean > change.half_width else "helps"
        verdict = "no difference shown" if change.holds(0) else verdict
        print(f"  {n:4} validation images: {change}  {verdict}")

# %% [markdown]
# **Five alike.** With 8 to 32 images, learned weights are *worse* than equal ones; 8 images cost
# more loss than the arithmetic pool had gained. The fit follows luck, drops most members, and their
# diversity with them. Around 100 or 200 images it no longer matters, and with many hundreds there
# is a gain, a small one. "A weighted average is better" has a price in labels.
#
# **One with red and blue exchanged.** Here weights pay from the first 8 images on: a member that is
# mostly wrong is soon found out. See also what equal weights did with it: the
# accuracy hardly suffered, the loss did. Four right first choices outweigh one wrong one, but they
# are diluted by it.
#
# So ask first: are my members unequal? Look at each of them alone before anything is learned.
# (The intervals are over draws of the validation images, for one set of networks.)
#
# ## A learned combiner, and its leak
#
# *Stacking* goes further: a second model, here a logistic regression, gets the members'
# probabilities as inputs and learns whom to believe about what. It needs answers to labelled
# images. Take the training images, they have labels? Then each member answers about what it was
# trained on. Three members, on purpose of different kinds: the **nearest neighbour** in pixels, a
# **linear** softmax regression, a small **CNN**. All learn from the same images, twice as many as
# a laboratory has.


# %%
def nearest(images, labels, new):
    """Return the class of the nearest training image, with 1 % left for the others."""
    gaps = torch.cdist(as_float(new).flatten(1), as_float(images).flatten(1))
    return 0.99 * F.one_hot(labels[gaps.argmin(1)], len(CLASSES)).float() + 0.01 / len(CLASSES)


def linear(images, labels, new):
    """Return what a softmax regression on pixels answers."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 28 * 28, len(CLASSES)))
    params = trained(net, images, labels, steps=STACK_STEPS, seed=1, rate=0.0005)
    return asked_of(net, params, new)


def convolutional(images, labels, new):
    net = ConvNet(3, (16, 16, 16), n_outputs=len(CLASSES), norm="group")
    return asked_of(net, trained(net, images, labels, steps=STACK_STEPS, seed=2), new)


# %%
kinds = {"nearest": nearest, "linear": linear, "CNN": convolutional}
own = shuffled[: 2 * N_IMAGES]
x, y = train.images[own], train.labels[own]
fold_of = torch.randint(N_FOLDS, (len(y),), generator=torch.Generator().manual_seed(3))

both = torch.stack([member(x, y, torch.cat([x, test_x])) for member in kinds.values()])
at_home, away = both[:, : len(y)], both[:, len(y) :]
honest = torch.zeros_like(at_home)
for fold in range(N_FOLDS):
    here = fold_of == fold
    for row, member in enumerate(kinds.values()):
        honest[row, here] = member(x[~here], y[~here], x[here])

# %%
for name, known, unseen, new in zip(kinds, at_home, honest, away, strict=True):
    print(f"{name:8} accuracy on its training images {accuracy(known, y):.2f}, ", end="")
    print(f"out of fold {accuracy(unseen, y):.2f}, on the test set {accuracy(new, test_y):.2f}")

# %% [markdown]
# *Out of fold* means: cut the images into five folds, train each member on four of them, let it
# answer the fifth, and so on round. Every image then has an answer from a member that does not know
# it. The nearest neighbour of a training image is the image itself: right, always. Out of fold it
# shows what it can do. Fit the same combiner to both:

# %%
fitted = {"leaky": at_home, "out of fold": honest}
combiners = {name: fusion.stacking(inputs, y, l2=0.001) for name, inputs in fitted.items()}
stacked = {name: fusion.stacked_logits(c, away).softmax(1) for name, c in combiners.items()}
outcomes = dict(zip(kinds, away, strict=True)) | {"plain mean": fusion.average_probabilities(away)}
outcomes |= {f"stacking, {name}": p for name, p in stacked.items()}
rows = {name: mean_and_ci95((p.argmax(1) == test_y).double()) for name, p in outcomes.items()}
label = f"accuracy on {len(test_y)} test cells, 95 %"
axes = plots.intervals(rows, label=label, chance=1 / len(CLASSES))
said = "; ".join(f"{name} {row}" for name, row in rows.items())
plots.show(axes, alt=f"Accuracy of members and combinations: {said}.")

# %%
n_classes = len(CLASSES)
for name, combiner in combiners.items():
    sizes_of = combiner.weight.view(n_classes, len(kinds), n_classes).norm(dim=(0, 2))
    told = ", ".join(f"{kind} {size:.1f}" for kind, size in zip(kinds, sizes_of, strict=True))
    seen = accuracy(fusion.stacked_logits(combiner, fitted[name]), y)
    print(f"{name:11} accuracy where it was fitted {seen:.2f}; size of its weights: {told}")

# %% [markdown]
# The leaky combiner is *the nearest neighbour with extra steps*: it saw a member that is never
# wrong. On new cells it is worse than the CNN alone, and worse than the plain mean that learned
# nothing. Nothing warned: where it was fitted, its accuracy is perfect. Out of fold, the same
# regression on the same three members beats each of them, and the mean: the mean gives a poor
# member the same say, the combiner knows whom to believe.
#
# (The members that are used in the end are trained on all folds, those that were stacked on four
# of five. That small mismatch is the price.)
#
# **The control.** Shuffle the labels, so that there is nothing to learn, and do the whole thing
# again. What is above chance now is leak, all of it. It costs little and should be in every test
# suite:

# %%
nonsense = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(4))]
leaky = nearest(x, nonsense, x)
folded = torch.zeros_like(leaky)
for fold in range(N_FOLDS):
    here = fold_of == fold
    folded[here] = nearest(x[~here], nonsense[~here], x[here])
print(f"shuffled labels, leaky {accuracy(leaky, nonsense):.2f}, ", end="")
print(f"out of fold {accuracy(folded, nonsense):.2f}; the commonest class has a share of ", end="")
print(f"{(nonsense.bincount() / len(y)).max():.2f}")

# %% [markdown]
# ## CNN and GRU: fusing the slices of a volume
#
# "Combine a CNN with an RNN" stands in many lists of fusion methods, sometimes under *multi-modal*.
# It is neither: a modality is where data come from (CT, MRI, ECG). What the pair is good for is a
# **stack of slices**. One small CNN, the same for all slices, turns each into features $z_t$; a
# recurrent cell reads them in order and keeps a state,
#
# $$
# s_t = \mathrm{GRU}(z_t, s_{t-1}), \qquad \text{answer} = W s_{\text{last}} + b .
# $$
#
# AdrenalMNIST3D: shapes of adrenal glands cut out of CT, 28 slices of 28 x 28. Label 1 is a mass or
# a hyperplasia, in fewer than a quarter of the volumes. To save time every 2 x 2 x 2 voxels are
# averaged into one: 14 slices of 14 x 14.

# %%
glands = {split: load_or_synthetic("adrenalmnist3d", split) for split in ("train", "test")}
print(glands["train"].source)


def volumes(part):
    """Return [n, 1, 14, 14, 14] in -1..1, and the labels."""
    images = part.images[:N_VOLUMES].float() / 127.5 - 1
    return F.avg_pool3d(images[:, None], 2), part.labels[:N_VOLUMES]


gland_x, gland_y = volumes(glands["train"])
new_x, new_y = volumes(glands["test"])
for name, labels in {"training": gland_y, "test": new_y}.items():
    print(f"{name}: {len(labels)} volumes, {labels.double().mean():.0%} with label 1")


# %%
def stack_of_slices(volume):
    """Show all slices of one test volume, from the first to the last."""
    slices = ((new_x[volume, 0] + 1) * 127.5).to(torch.uint8)
    grid = plots.image_grid(slices, [f"slice {t}" for t in range(len(slices))], columns=7)
    label = int(new_y[volume])
    return plots.show(grid, alt=f"The 14 slices of test volume {volume}, label {label}.")


shown = [int((new_y == label).nonzero()[k]) for k in range(3) for label in (0, 1)]
explore(stack_of_slices, volume=(shown[1], shown))


# %% [markdown]
# The rival has the same CNN and is blind to the order: it **averages** the features of the slices.


# %%
class MeanOfSlices(nn.Module):
    """The slice network of `SliceCNNGRU`; then the mean over the slices."""

    def __init__(self, widths, *, n_hidden, n_outputs):
        super().__init__()
        self.slice_net = ConvNet(1, widths, n_outputs=n_hidden, norm="group")
        self.head = nn.Linear(n_hidden, n_outputs)

    def forward(self, volume):
        n, _, depth, height, width = volume.shape
        features = self.slice_net(volume.reshape(n * depth, 1, height, width))
        return self.head(features.relu().reshape(n, depth, -1).mean(1))


# %%
SIZE = {"widths": (8, 16), "n_hidden": 16, "n_outputs": 2}
readers = {"CNN + GRU": SliceCNNGRU(**SIZE), "CNN + mean": MeanOfSlices(**SIZE)}


def read_with(net):
    """Return the trained parameters and the test answers, one for each seed."""
    runs = [trained(net, gland_x, gland_y, steps=SLICE_STEPS, seed=seed) for seed in SEEDS]
    return runs, torch.stack([asked_of(net, params, new_x) for params in runs])


runs = {name: read_with(net) for name, net in readers.items()}
read = {name: p for name, (_, p) in runs.items()}
for name, each in read.items():
    aucs = torch.tensor([auroc(p[:, 1], new_y) for p in each])
    spread = " ".join(f"{a:.3f}" for a in aucs)
    print(f"{name}: AUROC per seed {spread}, mean {mean_and_ci95_of_few(aucs)}")


# %%
def auroc_interval(probabilities, labels):
    """Return the AUROC with half the width of its bootstrap interval over test volumes."""
    how = {"n_resamples": N_RESAMPLES, "generator": torch.Generator().manual_seed(0)}
    scores, groups = probabilities[:, 1], torch.arange(len(labels))
    found = bootstrap_ci(auroc, scores, labels, groups, **how)
    return Interval(found.estimate, (found.high - found.low) / 2)


fused = {f"{name}, {len(SEEDS)} seeds": p.mean(0) for name, p in read.items()}
fused["all of them"] = torch.cat(list(read.values())).mean(0)
rows = {name: auroc_interval(p, new_y) for name, p in fused.items()}
axes = plots.intervals(rows, label=f"AUROC, {len(new_y)} test volumes, 95 %", chance=0.5)
said = "; ".join(f"{name} {row}" for name, row in rows.items())
plots.show(axes, alt=f"AUROC of the ensembles of slice readers: {said}.")

# %% [markdown]
# Nothing to choose here: the intervals overlap almost wholly, and the seeds of one kind of network
# differ more than the two kinds do. What fusing *does* do is make the seed matter less. Trained
# longer (600 steps, twice the width, three seeds of each kind, measured once for this text) the GRU
# reached AUROCs of 0.79 to 0.82 and the mean 0.80 to 0.81: level again. If order carried anything
# about these glands, 298 volumes do not show it.
#
# The interval takes volumes for independent. Both glands of a patient may be among them, the file
# does not say which, and then the true interval is a little wider.
#
# ### A question that only the order can answer
#
# Averaging cannot see the order, whatever it is trained on. Let us ask for it. In every volume one
# random slice is made brighter and another one darker, like contrast medium that arrives and washes
# out. **Label 1: the bright slice comes first.** The volumes are real, the question is made.


# %%
def with_phases(volumes, seed):
    """Return the volumes with a bright and a dark slice, and whether the bright one is first."""
    generator, rows = torch.Generator().manual_seed(seed), torch.arange(len(volumes))
    depth, bright_first = volumes.shape[2], rows % 2
    drawn = [torch.randperm(depth, generator=generator)[:2].sort().values for _ in rows]
    places, changed = torch.stack(drawn), volumes.clone()
    changed[rows, 0, places[rows, 1 - bright_first]] += 1
    changed[rows, 0, places[rows, bright_first]] -= 1
    return changed, bright_first


phase_x, phase_y = with_phases(gland_x, seed=0)
asked_x, asked_y = with_phases(new_x, seed=1)
for name, net in readers.items():
    learned = trained(net, phase_x, phase_y, steps=PHASE_STEPS, seed=0, rate=0.006)
    found = auroc_interval(asked_of(net, learned, asked_x), asked_y)
    print(f"{name}: AUROC {found} for the order of two slices")

# %% [markdown]
# The GRU can; the mean over slices is at chance, and no training could change that much. That is
# the use of a recurrent network: not "more power" but one kind of information. Ask whether your
# question needs it, and let the order-blind network be the baseline.
#
# ### Padding
#
# Real stacks have unequal lengths; in a batch the short ones are filled up. Cut every test volume
# after 10 slices, fill up with background, with bright slices or with noise, and ask the diagnosing
# network twice: with `lengths`, so that it stops after slice 10, and without.

# %%
gru, (params, *_) = readers["CNN + GRU"], runs["CNN + GRU"][0]
lengths = torch.full((len(new_x),), 10)
noise = torch.randn(new_x.shape, generator=torch.Generator().manual_seed(0))
fillings = {"background": torch.full_like(new_x, -1), "bright": torch.ones_like(new_x)}
fillings["noise"] = noise
alone = asked_of(gru, params, new_x[:, :, :10])[:, 1]
for name, filling in fillings.items():
    padded = torch.cat([new_x[:, :, :10], filling[:, :, 10:]], 2)
    with torch.no_grad():
        masked = torch.func.functional_call(gru, params, (padded, lengths)).softmax(1)[:, 1]
    ignored = asked_of(gru, params, padded)[:, 1]
    print(
        f"filled with {name:12}: off by {(masked - alone).abs().max():.1e} at most with lengths, ",
        end="",
    )
    print(f"{(ignored - alone).abs().mean():.3f} on average without")

# %% [markdown]
# With `lengths` the padding makes no difference but rounding. Without, the network reads ten slices
# of gland and then four of nonsense, and what it says depends on the nonsense; no error is raised.
# `SliceCNNGRU` sets what is behind an example's length to zero *before* the CNN: even nan there
# does no harm, neither to the answer nor to the gradient.
#
# ## A bug that accuracy does not show: softmax twice
#
# `F.cross_entropy` takes logits. Give it the mean of *probabilities*, or take a softmax of a fused
# answer "to be safe", and everything is squeezed: with $C$ classes no class can get more than
# $e/(e + C - 1)$.

# %%
pooled = fusion.average_probabilities(test_p)
again = pooled.softmax(1)
for name, p in {"once": pooled, "twice": again}.items():
    print(f"softmax {name:5}: accuracy {accuracy(p, test_y):.3f}, ", end="")
    print(f"loss {losses(p).mean():.3f}, surest answer {p.max():.3f}")
ceiling = torch.e / (torch.e + len(CLASSES) - 1)
print(f"ceiling e / (e + {len(CLASSES)} - 1) = {ceiling:.3f}")

# %% [markdown]
# The ranking is untouched, so the accuracy is the same to the last digit; the loss and every
# threshold are wrong. Test the *probabilities* of what you fuse.
#
# ## What it costs

# %%
one = as_float(test_x[:1])
cell_params = initial_params(cell_net, generator=torch.Generator().manual_seed(0))
macs, size = count_macs(cell_net, cell_params, one), count_parameters(cell_params)
print(f"one network: {macs / 1e6:.2f} million multiplications, {size:,} parameters per cell image")
print(f"five of them: {N_LABS * macs / 1e6:.2f} million, {N_LABS * size:,}")
slice_net, depth = gru.slice_net, new_x.shape[2]
start = initial_params(slice_net, generator=torch.Generator().manual_seed(0))
macs = depth * count_macs(slice_net, start, new_x[:1, :, 0])
recurrent = depth * (gru.cell.weight_ih.numel() + gru.cell.weight_hh.numel())
print(
    f"a volume of {depth} slices: CNN {macs / 1e6:.2f} million, GRU {recurrent / 1e6:.2f} million"
)

# %% [markdown]
# An ensemble of five costs five times as much **at every use**, for ever; a learned weight of 0
# saves a member, a small one saves nothing. What can be done: distil the ensemble into one network
# (lesson 03); ask the others only when the first is unsure; let them share their first layers. For
# networks that were fine-tuned from *one* start, averaging the **parameters** leaves a single
# network (Wortsman et al. 2022, arXiv 2203.05482). For networks with starts of their own that gives
# rubbish: their units come in different orders.
#
# ## When not to use it
#
# - **One member is clearly better.** Equal weights then pull it down. Take it alone, or learn
#   weights.
# - **Few labels and members alike.** Do not learn weights.
# - **All members make the same mistake.** The same training images, the same scanner: what they
#   share no average removes.
# - **The budget is one network.** Compare with *one larger* network of the same price, too.
# - **You need to know why.** Five networks are five explanations.
#
# ## Is this meta-learning?
#
# By itself, no. A list of "three methods of meta-learning: distillation, model fusion,
# gradient-based" puts tools beside a family (lesson 02 has both maps). Averaging learns nothing,
# and nothing adapts to a new task. *Stacking* is "meta" in an older sense: a learner on top of
# learners. Fusion does belong in the toolbox: an ensemble is a steadier answer, and a teacher for
# lesson 03.
#
# ## What people get wrong
#
# "A weighted average gives a better prediction": better than the *mean* member, in convex losses;
# the rest has to be measured, and learned weights can make it worse. "Multi-modal fusion combines
# CNN and RNN": that mixes up kinds of networks with kinds of data. Three slices through one CT are
# three views of one modality (lesson 10).
#
# ## Two minutes aloud
#
# <details>
# <summary>Why does averaging help at all?</summary>
#
# The loss is convex, so the loss of the mean is at most the mean of the losses, on every example.
# For squared errors the difference is exactly the spread of the members around their mean. Members
# that agree gain nothing.
#
# </details>
#
# <details>
# <summary>When would you learn the weights?</summary>
#
# When members are clearly unequal, or validation images count in hundreds. With few images and
# similar members the fit follows luck, drops members, and their diversity with them.
#
# </details>
#
# <details>
# <summary>How would you fuse a CNN and an RNN for CT stacks?</summary>
#
# The same CNN on each slice, a GRU over the features in order, the state after the last *real*
# slice to a linear layer. Mask the padding before the CNN. Test padding, company and order; compare
# with the mean over slices and a 3-D network, patient by patient.
#
# </details>
