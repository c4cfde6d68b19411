# %% [markdown]
# # Lesson 10: several views of one patient, and what if one is missing
#
# **Question.** Three slices through one gland, a CT beside an MRI, an X-ray from the front and from
# the side: how do you make one answer of several views? How do you notice that your network looks
# at one of them only? And what does it say when a view is missing?
#
# - **Time.** 50 minutes to read; the computer needs about 2 of them on two cores.
# - **Know first.** Lesson 09 (fusing predictions, AUROC), softmax, cross-entropy.
# - **Papers.** Ilse et al. 2018, arXiv 1802.04712 (gates); Neverova et al. 2016, arXiv 1501.00102
#   (dropping whole modalities); Yang et al. 2023 (MedMNIST).
# - **Then do** the exercises: `exercises/10_fusion_views`.

# %%
import itertools
import os

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from medmeta_ref import plots
from medmeta_ref.backbones import ConvNet
from medmeta_ref.clinical import auroc
from medmeta_ref.datasets import load_or_synthetic
from medmeta_ref.devices import count_parameters
from medmeta_ref.metrics import Interval, mean_and_ci95_of_few
from medmeta_ref.params import initial_params
from medmeta_ref.resampling import bootstrap_ci
from medmeta_ref.sliders import explore
from medmeta_ref.train import cosine, fit, sample_minibatch
from medmeta_ref.views import gated_fusion, modality_dropout, orthogonal_views, view_gates

# %% [markdown]
# The settings stand in one place. `MEDMETA_FAST=1` shrinks them so far that the lesson runs in
# seconds: good for testing the notebook, useless for conclusions. Another set of volumes is one
# word: `"nodulemnist3d"` has two classes as well.

# %%
FAST = os.environ.get("MEDMETA_FAST") == "1"
DATA_SET = "adrenalmnist3d"
STEPS = 3 if FAST else 300
SEEDS = (0, 1) if FAST else (0, 1, 2)
BATCH = 32
DROP_RATE = 0.5
N_RESAMPLES = 20 if FAST else 500

# %% [markdown]
# ## The problem, the data, the split
#
# AdrenalMNIST3D: shapes of adrenal glands, cut out of CT. 28 x 28 x 28 voxels, label 1 for a mass
# or a hyperplasia. A whole volume is a lot of data; a radiologist often looks at three slices
# through the middle: **axial**, **coronal**, **sagittal**. Those are our views. Training and test
# volumes are MedMNIST's official ones.
#
# They are *views*, not *modalities*. A modality is a way of measuring: CT, MRI, ECG, text. Three
# planes of one CT are three cuts through the same measurement, and many a "multi-modal" project is
# in truth multi-view. What follows works for both.

# %%
VIEWS = ("axial", "coronal", "sagittal")


def slices_of(split):
    """Return the three middle slices in -1..1, [n, 3, 28, 28], and the labels."""
    part = load_or_synthetic(DATA_SET, split)
    volumes = part.images.float() / 127.5 - 1
    print(f"{split}: {len(volumes)} volumes, {part.labels.double().mean():.0%} with label 1")
    return torch.stack(orthogonal_views(volumes), 1), part.labels, part.source


train_x, train_y, source = slices_of("train")
test_x, test_y, _ = slices_of("test")
print(source)


# %%
def show_volume(volume):
    """Show the three views of one test volume."""
    pictures = ((test_x[volume] + 1) * 127.5).to(torch.uint8)
    label = int(test_y[volume])
    grid = plots.image_grid(pictures, [f"{name}, label {label}" for name in VIEWS], columns=3)
    return plots.show(grid, alt=f"Three slices of test volume {volume}, label {label}.")


shown = [int((test_y == label).nonzero()[k]) for k in range(4) for label in (0, 1)]
explore(show_volume, volume=(shown[1], shown))

# %% [markdown]
# ### Which axis is which
#
# A batch of volumes is `[n, depth, height, width]`. Each view fixes one of the last three axes; the
# others keep their order. On a cube the wrong axis raises no error, it only shows another image. So
# plant one bright voxel in a volume with three *unequal* sides, and look where it appears:

# %%
marked = torch.zeros(1, 6, 8, 10)
marked[0, 3, 4, 2] = 1  # depth 3 and height 4 are in the middle, width 2 is not
for name, view in zip(VIEWS, orthogonal_views(marked), strict=True):
    places = view[0].nonzero().tolist()
    print(f"{name:8} {tuple(view.shape[1:])}: voxel (3, 4, 2) at {places or 'no place'}")

# %% [markdown]
# The sagittal slice is taken at width 5, so it misses a voxel at width 2. A test of this kind takes
# one minute and finds transposed, flipped and exchanged views.
#
# ## Are these views of one patient?
#
# The three slices of a volume surely are. Elsewhere one has to check. OrganAMNIST, OrganCMNIST and
# OrganSMNIST hold axial, coronal and sagittal slices of the same CT scans; it is tempting to take
# row $i$ of all three as one patient. The sizes alone forbid it: 34,561, 12,975 and 13,932 training
# images. And a test that needs no knowledge of the files: every row has a label. Compare the share
# of rows with **equal labels** with the share that *shuffled* rows would have,
#
# $$
# \text{chance} = \sum_c p_c\, q_c ,
# $$
#
# with $p_c$, $q_c$ the shares of class $c$ in the two sets.

# %%
organ = load_or_synthetic("organamnist", "train")


def partner_labels(name, n_rows, seed):
    """Return the labels of the file; without it, those of OrganAMNIST in an order of their own."""
    there = load_or_synthetic(name, "train")
    if "official" in there.source:
        return there.labels
    print(f"in place of {name}: rows of OrganAMNIST, shuffled")
    order = torch.randperm(len(organ.labels), generator=torch.Generator().manual_seed(seed))
    return organ.labels[order[:n_rows]]


partners = {
    "OrganC": partner_labels("organcmnist", 12_975, seed=1),
    "OrganS": partner_labels("organsmnist", 13_932, seed=2),
    "OrganA itself": organ.labels,
}

# %%
for name, labels in partners.items():
    n = min(len(labels), len(organ.labels))
    one, other = organ.labels[:n], labels[:n]
    n_classes = int(max(one.max(), other.max())) + 1
    shares = [each.bincount(minlength=n_classes) / n for each in (one, other)]
    chance = float(shares[0] @ shares[1])
    same = float((one == other).double().mean())
    print(f"OrganA and {name}, {n} rows: labels agree in {same:.3f}, by chance {chance:.3f}")

# %% [markdown]
# Where rows belong together the labels agree throughout, as in the last line. Where they do not,
# they agree as often as chance has it, about one time in nine here: row $i$ of one set is a kidney,
# row $i$ of the other a lung. Below we see what a network makes of such pairs. (When this was
# written the files of OrganC and OrganS were not at hand; shuffled rows show what the test says of
# unpaired sets. With the files in the folder the same cell tests them.)
#
# What the three files *do* share is their **split**: the same patients are in training, validation
# and test. So treat them as one source: train on OrganA's training images and test on OrganC's
# *test* images, if you like, but never on its training images.
#
# ## The equation: gates over what is there
#
# Every view has its encoder, which gives features $z_v$, and a linear layer that gives a gate logit
# $a_v$. With $m_v = 1$ where the view is present,
#
# $$
# g_v = \frac{m_v e^{a_v}}{\sum_u m_u e^{a_u}}, \qquad z = \sum_v g_v z_v,
# \qquad \text{answer} = W z + b .
# $$
#
# The gates sum to 1 over the views that are there, whatever is missing. So a view that is missing
# is the same as a view that is not in the list. Slide the axial gate logit, and take a view away:


# %%
def show_gates(axial, missing):
    """Draw the gates of three views, the other logits being 0."""
    mask = torch.tensor([[name != missing] for name in VIEWS])
    gates = view_gates(mask, torch.tensor([[axial], [0.0], [0.0]])).flatten()
    axes = plots.probability_bars({"gate": gates}, VIEWS, label="gate")
    axes.set_ylim(0, 1)
    said = ", ".join(f"{name} {gate:.2f}" for name, gate in zip(VIEWS, gates, strict=True))
    return plots.show(axes, alt=f"Axial logit {axial}, missing: {missing}. Gates: {said}.")


explore(
    show_gates,
    axial=(1.0, [-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0]),
    missing=("none", ["none", *VIEWS]),
)

# %% [markdown]
# ### Three ways to write it, two of them wrong

# %%
logits = torch.tensor([[1.0], [0.0], [0.0]])
mask = torch.tensor([[True], [True], [False]])
print("minus infinity for what is missing:", view_gates(mask, logits).flatten().tolist())
print(
    "0 for what is missing:             ",
    logits.masked_fill(~mask, 0).softmax(0).flatten().tolist(),
)
print("masked after the softmax:          ", (logits.softmax(0) * mask).flatten().tolist())
spoilt = torch.tensor([[[1.0]], [[2.0]], [[torch.nan]]])
print(
    "gate 0 times a missing nan:        ",
    (view_gates(mask, logits)[..., None] * spoilt).sum().item(),
)
print("gated_fusion:                      ", gated_fusion(spoilt, mask, logits).item())

# %% [markdown]
# A logit of 0 is a share like any other. Masked after the softmax, the rest no longer sums to 1.
# And a gate of 0 does not stop a nan: what is missing has to be *replaced* before it is multiplied.
#
# ## The code
#
# One class, with the gates learned or all alike. `mask` is `[3, n]`.


# %%
class ThreeViewNet(nn.Module):
    """An encoder for each view, gates over those present, one head.

    With `gated=False` all present views weigh the same.
    """

    def __init__(self, *, gated, n_features=16):
        super().__init__()
        self.gated = gated
        self.encoders = nn.ModuleList(
            ConvNet(1, (8, 16), n_outputs=n_features, norm="group") for _ in VIEWS
        )
        self.gates = nn.ModuleList(nn.Linear(n_features, 1) for _ in VIEWS)
        self.head = nn.Linear(n_features, 2)

    def forward(self, x, mask):
        features = [net(x[:, v : v + 1]).relu() for v, net in enumerate(self.encoders)]
        logits = torch.stack([g(z)[:, 0] for g, z in zip(self.gates, features, strict=True)])
        return self.head(gated_fusion(torch.stack(features), mask, self.gated * logits))


# %%
def mask_of(present, n):
    """Return the mask [3, n] in which all examples have the same views."""
    return torch.tensor(present).bool()[:, None].expand(3, n).clone()


def minibatch_of(x, rate, generator):
    """Return random training slices, their labels and a mask with views dropped at `rate`."""
    images, labels, _ = sample_minibatch(x, train_y, batch_size=BATCH, generator=generator)
    everything = mask_of((1, 1, 1), BATCH)
    return images, labels, modality_dropout(everything, rate=rate, generator=generator)


# %%
def fusion_trained(net, x, seed, *, rate=0.0):
    """Return parameters after STEPS minibatches, views dropped with probability `rate`."""
    generator = torch.Generator().manual_seed(seed)
    return fit(
        lambda params, drawn: F.cross_entropy(functional_call(net, params, drawn[::2]), drawn[1]),
        initial_params(net, generator=generator),
        lambda g: minibatch_of(x, rate, g),
        n_steps=STEPS,
        outer_lr=cosine(0.003, STEPS),
        generator=generator,
        progress=None,
    ).params


# %% [markdown]
# Against what? Single views, each with a network of its own, and the **late** fusion of the three:
# the mean of their probabilities, which needs no training together.


# %%
def single_net():
    """Return one encoder and the head of a ThreeViewNet."""
    return nn.Sequential(
        ConvNet(1, (8, 16), n_outputs=16, norm="group"), nn.ReLU(), nn.Linear(16, 2)
    )


# %%
def single_trained(view, seed):
    """Return what a network of this view alone answers to the test volumes."""
    net = single_net()
    generator = torch.Generator().manual_seed(seed)
    images, new = train_x[:, view : view + 1], test_x[:, view : view + 1]
    params = fit(
        lambda params, drawn: F.cross_entropy(functional_call(net, params, drawn[0]), drawn[1]),
        initial_params(net, generator=generator),
        lambda g: sample_minibatch(images, train_y, batch_size=BATCH, generator=g),
        n_steps=STEPS,
        outer_lr=cosine(0.003, STEPS),
        generator=generator,
        progress=None,
    ).params
    with torch.no_grad():
        return functional_call(net, params, new).softmax(1)


# %%
def ask_fusion(net, params, present=(1, 1, 1), x=test_x):
    """Return probabilities of the test volumes, [n, 2], with these views present."""
    with torch.no_grad():
        return functional_call(net, params, (x, mask_of(present, len(x)))).softmax(1)


singles = torch.stack(
    [torch.stack([single_trained(v, seed) for seed in SEEDS]) for v in range(3)]
)  # [views, seeds, n, 2]
nets = {"gated": ThreeViewNet(gated=True), "equal": ThreeViewNet(gated=False)}
nets["equal, dropout"] = nets["equal"]
runs = {
    name: [fusion_trained(net, train_x, s, rate=DROP_RATE * ("dropout" in name)) for s in SEEDS]
    for name, net in nets.items()
}
answers = dict(zip(VIEWS, singles, strict=True)) | {"late fusion": singles.mean(0)}
for name, each in runs.items():
    answers[name] = torch.stack([ask_fusion(nets[name], params) for params in each])

# %% [markdown]
# ## The result
#
# AUROC, the chance that an ill gland scores above a healthy one; each row is the mean over seeds of
# the AUROC of *one* network, its interval from resampled test volumes.


# %%
def mean_auroc(scores, labels):
    """Return the mean over seeds; scores [n, n_seeds]."""
    return sum(auroc(each, labels) for each in scores.T) / scores.shape[1]


def interval_of(metric, scores):
    """Return a metric of the test volumes with half the width of its bootstrap interval."""
    how = {"n_resamples": N_RESAMPLES, "generator": torch.Generator().manual_seed(0)}
    found = bootstrap_ci(metric, scores, test_y, torch.arange(len(test_y)), **how)
    return Interval(found.estimate, (found.high - found.low) / 2)


scores = {name: p[:, :, 1].T for name, p in answers.items()}  # [n, n_seeds]
rows = {name: interval_of(mean_auroc, each) for name, each in scores.items()}
label = f"AUROC on {len(test_y)} test volumes, 95 %"
axes = plots.intervals(rows, label=label, chance=0.5)
said = "; ".join(f"{name} {row}" for name, row in rows.items())
plots.show(axes, alt=f"AUROC of views and fusions: {said}.")

# %% [markdown]
# The intervals are wide, and they move together: a hard volume is hard for all. So take **paired**
# differences, on the same resampled volumes.

# %%
gaps = {}
for name, other in (
    ("late fusion", "coronal"),
    ("equal", "coronal"),
    ("gated", "coronal"),
    ("equal", "gated"),
    ("equal, dropout", "equal"),
):
    n_first = scores[name].shape[1]
    gaps[f"{name} - {other}"] = interval_of(
        lambda s, y, k=n_first: mean_auroc(s[:, :k], y) - mean_auroc(s[:, k:], y),
        torch.cat([scores[name], scores[other]], 1),
    )
axes = plots.intervals(
    gaps, label="difference of AUROC, paired, 95 %", references={"no difference": 0}
)
said = "; ".join(f"{name} {gap}" for name, gap in gaps.items())
plots.show(axes, alt=f"Paired differences of AUROC: {said}.")

# %% [markdown]
# Two views are about equally good, the axial one is poorer. The late mean of three networks and the
# network with **equal** weights come out highest, at the same place, some three or four points
# above the best single view: about as much as 298 volumes can show. And the network with **learned
# gates**, the most flexible of all, gains least. It can give every view the weight it deserves. Why
# does it not?
#
# (The intervals are over test volumes, for these three seeds. Both glands of a patient may be among
# the volumes, the file does not say which, and then the true interval is a little wider.)
#
# ## Which view does it live on?
#
# Leave one view out and see how much the test loss rises: the network's **reliance** on that view.


# %%
def loss_of(probabilities):
    """Return the mean test loss."""
    return F.nll_loss(probabilities.log(), test_y).item()


def reliance_of(net, params):
    """Return by how much the test loss rises without each view, [3]."""
    whole = loss_of(ask_fusion(net, params))
    others = [[int(u != v) for u in range(3)] for v in range(3)]
    return torch.tensor([loss_of(ask_fusion(net, params, left)) - whole for left in others])


reliance = {
    name: torch.stack([reliance_of(nets[name], params) for params in each])
    for name, each in runs.items()
}
for name, each in reliance.items():
    for seed, row in zip(SEEDS, each.tolist(), strict=True):
        told = ", ".join(f"{view} {rise:+.3f}" for view, rise in zip(VIEWS, row, strict=True))
        print(f"{name:15} seed {seed}: without {told}")

# %%
means = {name: each.mean(0) for name, each in reliance.items()}
axes = plots.probability_bars(means, VIEWS, label="rise of the test loss without the view")
axes.axhline(0, color="black", linewidth=0.8)
said = "; ".join(
    f"{name} " + ", ".join(f"{v} {r:+.3f}" for v, r in zip(VIEWS, each, strict=True))
    for name, each in means.items()
)
plots.show(axes, alt=f"Reliance on each view, mean over seeds: {said}.")

# %% [markdown]
# The gated network lives on the coronal view. Without the sagittal one, just as good a view when
# it is alone, nothing at all changes: it is not used, with any seed. This is **unimodal collapse**.
# It can feed on itself: the view that is learned first gets the larger gate, so more of the
# gradient, so a better encoder, so a larger gate. The AUROC does not tell; it is about that of the
# coronal view.
#
# With equal weights every encoder gets its share of the gradient from the first step on. No single
# view is then badly missed: what one says the others largely say, too. Mind the two meanings of a
# reliance near 0: *not used* (gated, sagittal) and *made up for* (equal). To tell them apart, leave
# everything else out, as the next section does.
#
# ## A view is missing
#
# At the clinic not everybody has every view. Seven patterns of what may be there, and the test loss
# for each. A fourth candidate does what one often sees: it hands in a **black image** for what is
# missing and tells nobody.

# %%
patterns = [p for p in itertools.product((1, 0), repeat=3) if any(p)]
short = ["".join(name[0] for name, here in zip(VIEWS, p, strict=True) if here) for p in patterns]


def blackened(present):
    """Return the test slices, black where a view is missing."""
    return torch.where(torch.tensor(present).bool()[:, None, None], test_x, -1.0)


losses = {
    name: [[loss_of(ask_fusion(nets[name], w, p)) for p in patterns] for w in each]
    for name, each in runs.items()
}
losses["equal, black images"] = [
    [loss_of(ask_fusion(nets["equal"], w, x=blackened(p))) for p in patterns] for w in runs["equal"]
]

# %%
found = {name: torch.tensor(each).mean(0) for name, each in losses.items()}
axes = plots.probability_bars(found, short, label="test loss, mean over seeds")
always = -sum(s * s.log() for s in test_y.bincount() / len(test_y)).item()
axes.axhline(always, color="black", linestyle="--", label=f"shares of the classes {always:.2f}")
axes.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
said = "; ".join(f"{n} {', '.join(f'{x:.2f}' for x in each)}" for n, each in found.items())
plots.show(axes, alt=f"Test loss with the views {', '.join(short)} present: {said}.")

# %%
for name, each in losses.items():
    table = torch.tensor(each)
    ones = mean_and_ci95_of_few(table[:, [sum(p) == 1 for p in patterns]].mean(1))
    print(f"{name:20} one view only, mean loss over seeds {ones}; worst {table.max():.2f}")

# %% [markdown]
# Compare with the dashed line: who always answers with the shares of the two classes pays that.
#
# - **gated**: without the coronal view its answers are *worse than no network*. It has an encoder
#   for the others, but has never listened to them.
# - **equal**: bears the loss of a view; alone, the poor axial view is over the line.
# - **equal, dropout**: no pattern over the line. It has practised. The price: with all views there
#   its loss is a little higher than without dropout. So drop as often as views are really missing.
# - **black images**: the same network as *equal*, and worse, most of all where the coronal view is
#   black. A black image is an image. Leave out what is not there.
#
# A mean over all patients would hide all this. Report each pattern in a row of its own.
#
# ## Pairs that are none
#
# Now the experiment that OrganA, C and S invite to. The coronal and the sagittal slices of the
# *training* set are shuffled among the volumes, so that each axial slice, with its label, gets the
# slices of strangers. Tested is on true triples.

# %%
strangers = train_x.clone()
for v in (1, 2):
    order = torch.randperm(len(train_x), generator=torch.Generator().manual_seed(v))
    strangers[:, v] = train_x[order, v]
misled = [fusion_trained(nets["equal"], strangers, seed) for seed in SEEDS]
p = torch.stack([ask_fusion(nets["equal"], params) for params in misled])
print(f"trained on strangers: AUROC {interval_of(mean_auroc, p[:, :, 1].T)}, ", end="")
print(f"on true triples {rows['equal']}, axial alone {rows['axial']}")
rises = torch.stack([reliance_of(nets["equal"], params) for params in misled]).mean(0)
told = ", ".join(f"{view} {rise:+.3f}" for view, rise in zip(VIEWS, rises, strict=True))
print(f"its loss rises without {told}")

# %% [markdown]
# On true triples the misled network is some ten points behind its twin, near the axial view alone,
# whose slices were the only ones that had to do with the label. And the reliance shows why: nothing
# changes without the coronal or the sagittal slices. From strangers it has learned, rightly, not to
# listen. No error, no warning, a falling loss: only a network that is not better than one view. So
# if fusion gains nothing, look at the pairs first.
#
# ## What it costs

# %%
for name, net in (
    ("gated or equal", nets["gated"]),
    ("one view", single_net()),
):
    size = count_parameters(initial_params(net, generator=torch.Generator().manual_seed(0)))
    print(f"{name}: {size:,} parameters")

# %% [markdown]
# Three encoders cost three times one. If the views are alike, as slices of one volume are, they may
# share **one** encoder: a third of the parameters, three times the examples for it. What
# multi-modal data cost besides is patients: only those count who have *both*. With 200 such
# patients and thousands with one of the two, late fusion of separately trained networks uses all of
# them; a network on pairs uses the 200.
#
# ## When not to use it
#
# - **One view says it all.** Then the others add noise and cost. Look at the single views first.
# - **You cannot say that rows belong together.** Join by patient and study, not by row.
# - **Views are missing for a reason.** If the very ill have no MRI, the mask itself is a finding.
#   It may not hold in the next clinic.
# - **Few pairs.** Late fusion first. It cannot collapse, and a missing view is left out of a mean.
#
# ## Is this meta-learning?
#
# No. A case such as "heart disease: ECG and ultrasound fused in one network" is one task, learned
# from several sources; nothing adapts to a new task. The features of such a network may of course
# serve few-shot tasks, as those of any other.
#
# ## What people get wrong
#
# "Multi-modal" for three planes of one scan. Rows for patients. A black image for a missing one. An
# AUROC for a proof that all views are used. And an accuracy over all patients, where those with and
# those without the MRI should stand in two rows.
#
# ## Two minutes aloud
#
# <details>
# <summary>How would you fuse CT and MRI, of which one may be missing?</summary>
#
# An encoder each, a mask beside the features, a mean or a softmax over what is present. Whole views
# dropped in training, never all of them. Single networks and their average as baselines; results
# apart for each pattern of what is missing.
#
# </details>
#
# <details>
# <summary>How do you find out that a network ignores one of its inputs?</summary>
#
# Leave the input out, or shuffle it among patients, and look at the loss. No change: it is ignored.
# Remedies: equal weights in place of learned gates, a loss for each view, dropped views, late
# fusion.
#
# </details>
#
# <details>
# <summary>How do you know that two data sets are paired?</summary>
#
# By a common key, patient and study. Without one, by what both rows say: labels, sex, age. If they
# agree as often as shuffled rows do, the rows have nothing to do with each other.
#
# </details>
