# %% [markdown]
# # Lesson 11: experience replay, or how a network remembers what it no longer sees
#
# **Question.** A network learns two kinds of blood cell today, two others tomorrow, and so on. By
# Friday it has forgotten Monday. How much does it help to keep a few old images, which ones, and
# what has that to do with meta-learning?
#
# - **Time.** 50 minutes to read; the computer needs about 3 of them on two cores.
# - **Know first.** Training by minibatches, cross-entropy, confidence intervals (lesson 01).
# - **Papers.** Vitter 1985 (reservoir sampling); Lopez-Paz and Ranzato 2017, arXiv 1706.08840
#   (how to measure); van de Ven and Tolias 2019, arXiv 1904.07734 (three kinds of the problem);
#   Chrysakis and Moens 2020 (a balanced memory); Riemer et al. 2019, arXiv 1810.11910 (replay and
#   meta-learning).
# - **Then do** the exercises: `exercises/11_replay`.

# %%
import os

import torch

from medmeta_ref import plots
from medmeta_ref.buffers import BalancedBuffer, ReservoirBuffer
from medmeta_ref.classifier import group_norm_net, predict
from medmeta_ref.continual import average_accuracy, backward_transfer, forgetting
from medmeta_ref.datasets import load_or_synthetic
from medmeta_ref.heat_maps import tables
from medmeta_ref.metrics import mean_and_ci95_of_few
from medmeta_ref.params import forward, initial_params
from medmeta_ref.pixels import as_float
from medmeta_ref.replay import meta_experience_replay_update, replay_loss
from medmeta_ref.replay_study import class_groups
from medmeta_ref.sliders import explore
from medmeta_ref.train import cosine, fit, sample_minibatch

# %% [markdown]
# The settings stand in one place. `MEDMETA_FAST=1` shrinks them so far that the lesson runs in
# seconds: good for testing the notebook, useless for conclusions.

# %%
FAST = os.environ.get("MEDMETA_FAST") == "1"
STEPS = 3 if FAST else 80  # minibatches for each group of classes
SEEDS = range(2 if FAST else 5)  # each with its own order of classes and first weights
BATCH, LR, WIDTH, CAPACITY = 32, 0.01, 4 if FAST else 16, 120
RUNS = 300 if FAST else 4000  # streams, to count how often an item is stored
ONLINE = 4 if FAST else 80  # new images of each group, one after another
ALPHA = 0.001  # of the two steps that check a formula
REPLAYED, GRID, GAMMA = 4, (0.01, 0.03, 0.1), 0.3

# %% [markdown]
# ## The problem: one group of classes after the other
#
# BloodMNIST (Acevedo et al. 2020) again, eight types of blood cell. The classes come in groups of
# two. While a group is there, the network sees nothing else. It has one output for each class from
# the start, and at the test nobody says which group an image is from: this is *class-incremental*
# learning, the hardest of the three scenarios of van de Ven and Tolias.

# %%
train, val, test = (load_or_synthetic("bloodmnist", part) for part in ("train", "val", "test"))
N_CLASSES = len(train.class_names)
first = [int((train.labels == c).nonzero()[0]) for c in range(N_CLASSES)]
figure = plots.image_grid(train.images[first], [name[:16] for name in train.class_names])
print(train.source, "|", len(train.images), "training and", len(test.images), "test images")
plots.show(figure, alt=f"One training image of each class: {', '.join(train.class_names)}.")

# %% [markdown]
# ## What to measure
#
# After each group we test on *all* groups. $R_{ij}$ is the accuracy on group $j$ after training on
# groups up to $i$. Three numbers summarise the matrix:
#
# - **average accuracy**: the mean of the last row;
# - **backward transfer**: last row minus diagonal, a mean over all groups but the last. Negative:
#   later groups have harmed earlier ones;
# - **forgetting**: the best that a group ever was before the end, minus the end.
#
# (**Forward transfer** asks whether earlier groups help a group *before* its own training. With an
# output of its own that no example has touched yet, a new class is never answered here, so it says
# nothing in this scenario.)
#
# ## The equation
#
# Keep a small *memory* of old examples, and mix some of them into every step:
#
# $$
# L(\theta) = \underbrace{\frac1{|B|}\sum_{(x,y) \in B} \ell(\theta; x, y)}_{\text{new}}
#  \;+\; \rho\, \underbrace{\frac1{|M|}\sum_{(x,y) \in M} \ell(\theta; x, y)}_{\text{replayed}}
# $$
#
# That is all there is to experience replay. It is *no meta-learning*: one model, one loss, and
# nothing learned about how to learn. In reinforcement learning the same pool has another job, to
# break the correlation of successive observations.
#
# ## Who stays in the memory?
#
# The stream passes by once. After $n$ items, each should be in a memory for $k$ with probability
# $k/n$. *Reservoir sampling* does that: number $i$ gets in with probability $k/i$ and replaces a
# random stored item. Three shortcuts look harmless. Let all of them watch the same streams; each
# is a choice of how likely number $i$ gets in.


# %%
def stored_shares(n_items, capacity, entry, n_runs=RUNS):
    """Return how often each item is stored at the end; entry(i) is the chance of number i."""
    generator = torch.Generator().manual_seed(0)
    slots = torch.arange(capacity).repeat(n_runs, 1)
    for number in range(capacity + 1, n_items + 1):
        enters = torch.rand(n_runs, generator=generator) < entry(number)
        place = torch.randint(capacity, (n_runs,), generator=generator)
        slots[enters.nonzero()[:, 0], place[enters]] = number - 1
    return torch.bincount(slots.flatten(), minlength=n_items) / n_runs


# %%
def entry_rules(capacity):
    """Return rule -> chance that number i gets in."""
    return {
        "reservoir: k/i": lambda i: capacity / i,
        "off by one: k/(i - 1)": lambda i: capacity / (i - 1),
        "always": lambda i: 1.0,
    }


# %%
def memory_figure(capacity, n_items):
    """Draw how often each item is stored, and say how far from k/n the worst one is."""
    n_items = max(n_items, 2 * capacity)
    wanted, worst, shares = capacity / n_items, [], {}
    noise = (wanted * (1 - wanted) / RUNS) ** 0.5
    for name, entry in entry_rules(capacity).items():
        found = stored_shares(n_items, capacity, entry)
        shares[name] = found.tolist()
        worst.append(f"{name} z = {((found - wanted).abs().max() / noise):.1f}")
    shares["wanted: k/n"] = [wanted] * n_items
    words = {"xlabel": "item of the stream", "ylabel": "share of runs that store it"}
    drawn = plots.lines(range(1, n_items + 1), shares, **words)
    head = f"A memory for {capacity}, {n_items} items. Largest deviation in standard errors: "
    return plots.show(drawn, alt=head + "; ".join(worst))


explore(memory_figure, capacity=(2, [2, 5, 20]), n_items=(6, [6, 12, 50]))

# %% [markdown]
# With room for 2 the off-by-one (`n_seen` in place of `n_seen + 1`) is plain: item 3 is stored
# *always* when it comes, and items 1 and 2 pay for it. Slide to a memory for 20 and the same
# mistake shrinks to noise: all tests of a large buffer pass. **Test samplers small.** "Always"
# lets the past fade: an item survives each later one with probability $1 - 1/k$.
#
# ## The memory under drift
#
# A stream in blocks is where a memory shows what it is worth. A *queue* keeps the newest items.
# The reservoir keeps a fair share of every block. The *balanced* memory lets the largest class
# give way, so that rare classes keep their places.


# %%
class Queue(ReservoirBuffer):
    """The newest items, first in, first out: a ring in which the oldest is overwritten."""

    def _slot(self, label):
        return (self.n_seen - 1) % self.capacity


# %%
MEMORIES = {"queue": Queue, "reservoir": ReservoirBuffer, "balanced": BalancedBuffer}
contents = {}
for name, kind in MEMORIES.items():
    memory = kind(CAPACITY, generator=torch.Generator().manual_seed(0))
    for group in class_groups(range(N_CLASSES)):
        here = torch.isin(train.labels, torch.tensor(group))
        memory.add(train.images[here], train.labels[here])
    _, stored_labels = memory.sample(len(memory))
    contents[name] = stored_labels.bincount(minlength=N_CLASSES)
    print(f"{name:9} stores of each class {contents[name].tolist()}")

# %%
short = [name[:14] for name in train.class_names]
axes = plots.probability_bars(contents, short, label=f"images in a memory for {CAPACITY}")
summary = "; ".join(f"{name} {counts.tolist()}" for name, counts in contents.items())
plots.show(axes, alt=f"What is stored of each class after all groups: {summary}.")

# %% [markdown]
# The queue holds the last group and nothing else: what it replays is what is being learned anyway.
# The reservoir mirrors how frequent the classes are. The balanced memory holds as many of each.
#
# ## Training
#
# The same network, the same order of classes, the same number of steps for all rows. `None` is
# training in turn without a memory. The upper bound, training on everything at once, gets as many
# steps as all groups together.

# %%
net = group_norm_net(train, (WIDTH // 2, WIDTH, 2 * WIDTH), n_outputs=N_CLASSES)
NOTHING = (torch.empty(0), torch.empty(0, dtype=torch.int64))


def group_accuracies(params, groups, images, model):
    """Return the accuracy on each group's classes, [n_groups]."""
    right = (predict(model, params, images.images).argmax(1) == images.labels).double()
    return torch.stack([right[torch.isin(images.labels, torch.tensor(g))].mean() for g in groups])


# %%
def learn_group(params, images, labels, memory, n_steps, generator):
    """Return parameters after some steps on these images, with what the memory gives."""

    def draw_batch(g):
        new = sample_minibatch(images, labels, batch_size=BATCH, generator=g)[:2]
        if memory is None or len(memory) == 0:
            return new, NOTHING
        old_x, old_y = memory.sample(min(BATCH, len(memory)))
        return new, (as_float(old_x), old_y)

    def with_replay(p, batch):
        return replay_loss(net, p, *batch, ratio=1.0)

    how = {"n_steps": n_steps, "outer_lr": cosine(LR, n_steps), "progress": None}
    return fit(with_replay, params, draw_batch, **how, generator=generator).params


# %%
def in_turn(seed, kind):
    """Return R, [n_groups, n_groups], of training on one group after the other."""
    generator = torch.Generator().manual_seed(seed)
    groups = class_groups(torch.randperm(N_CLASSES, generator=generator).tolist())
    params = initial_params(net, generator=generator)
    memory = kind and kind(CAPACITY, generator=generator)
    rows = []
    for group in groups:
        here = torch.isin(train.labels, torch.tensor(group)).nonzero()[:, 0]
        here = here[torch.randperm(len(here), generator=generator)]
        images, labels = train.images[here], train.labels[here]
        params = learn_group(params, images, labels, memory, STEPS, generator)
        if memory is not None:
            memory.add(images, labels)  # training images only, never a test image
        rows.append(group_accuracies(params, groups, test, net))
    return torch.stack(rows)


# %%
def at_once(seed):
    """Return the mean accuracy over groups of training on all classes together."""
    generator = torch.Generator().manual_seed(seed)
    groups = class_groups(torch.randperm(N_CLASSES, generator=generator).tolist())
    params = initial_params(net, generator=generator)
    n_steps = STEPS * len(groups)
    params = learn_group(params, train.images, train.labels, None, n_steps, generator)
    return group_accuracies(params, groups, test, net).mean()


matrices = {
    name: torch.stack([in_turn(seed, kind) for seed in SEEDS])
    for name, kind in ({"no memory": None} | MEMORIES).items()
}
joint = torch.stack([at_once(seed) for seed in SEEDS])

# %% [markdown]
# ## The result
#
# First the matrices, a mean over the runs. Read a column from top to bottom: that is the life of
# one group.

# %%
means = {name: matrix.mean(0) for name, matrix in matrices.items()}
figure = tables(means, xlabel="tested on group", ylabel="after group")
summary = "; ".join(f"{name} {[f'{v:.2f}' for v in m[-1].tolist()]}" for name, m in means.items())
plots.show(figure, alt=f"Accuracy on each group after each group; last rows: {summary}.")

# %%
averages = {n: torch.tensor([average_accuracy(r) for r in m]) for n, m in matrices.items()}
averages["all at once"] = joint
ends = {name: mean_and_ci95_of_few(values) for name, values in averages.items()}
label = f"average accuracy at the end, 95 % over {len(SEEDS)} runs"
axes = plots.intervals(ends, label=label, chance=1 / N_CLASSES)
summary = "; ".join(f"{name} {interval}" for name, interval in ends.items())
plots.show(axes, alt=f"{test.source}, {label}: {summary}.")

# %%
for name, matrix in matrices.items():
    back, lost = (
        mean_and_ci95_of_few(torch.tensor([measure(r) for r in matrix]))
        for measure in (backward_transfer, forgetting)
    )
    print(f"{name:10} backward transfer {back}, forgetting {lost}")
for ours, theirs in (("reservoir", "no memory"), ("reservoir", "queue"), ("balanced", "reservoir")):
    gap = mean_and_ci95_of_few(averages[ours] - averages[theirs])
    sure = abs(gap.mean) > gap.half_width
    print(f"{ours} minus {theirs}, paired: {gap}, {'0 is outside' if sure else '0 is inside'}")

# %% [markdown]
# ## Where replay meets meta-learning
#
# *Meta-experience replay* (MER, Riemer et al. 2019) puts a Reptile step around the replayed
# examples: SGD on old and new examples one at a time, then only a part $\gamma$ of the way,
# $\theta \leftarrow \theta + \gamma\,(\theta_J - \theta)$. Why should that do more than a smaller
# learning rate? Take two examples with gradients $g_1, g_2$ and Hessians $H_1, H_2$. Step 2 is
# taken where step 1 has led:
#
# $$
# \theta_2 - \theta = -\alpha (g_1 + g_2) + \alpha^2 H_2\, g_1 + \dots
# $$
#
# In the other order the last term is $\alpha^2 H_1\, g_2$. The average of both is
# $\tfrac{\alpha^2}{2}\nabla (g_1 \cdot g_2)$: *uphill in the scalar product*. Gradients that agree
# mean transfer; gradients that oppose mean interference, and so forgetting. Here are both
# sides of that equation, for two cells of different classes and a small network.

# %%
small = torch.nn.Sequential(
    torch.nn.AvgPool2d(4),
    torch.nn.Flatten(),
    torch.nn.LazyLinear(32),
    torch.nn.Tanh(),
    torch.nn.Linear(32, N_CLASSES),
)
small(as_float(train.images[:1]))  # tells the lazy layer how many pixels there are


# %%
def small_start(seed):
    """Return first parameters of the small network."""
    generator = torch.Generator().manual_seed(seed)
    return initial_params(small, generator=generator)


def example_gradient(params, pair):
    """Return the gradient of one example's loss as a long vector, with its graph."""
    loss = torch.nn.functional.cross_entropy(forward(small, params, pair[0]), pair[1])
    grads = torch.autograd.grad(loss, list(params.values()), create_graph=True)
    return torch.cat([g.flatten() for g in grads])


# %%
double = {n: p.double().requires_grad_() for n, p in small_start(0).items()}
pairs = [(as_float(train.images[[i]]).double(), train.labels[[i]]) for i in first[:2]]
sides = []
for old, new in (pairs, pairs[::-1]):
    how = {"inner_lr": ALPHA, "outer_lr": 1.0}
    end = meta_experience_replay_update(small, double, new, old, **how)
    sides.append(torch.cat([(end[n] - p).detach().flatten() for n, p in double.items()]))

# %%
g1, g2 = (example_gradient(double, pair) for pair in pairs)
uphill = torch.autograd.grad(g1 @ g2, list(double.values()))
wanted = ALPHA**2 / 2 * torch.cat([u.flatten() for u in uphill])
beyond = (sum(sides) / 2 + ALPHA * (g1 + g2)).detach()
error = ((beyond - wanted).norm() / wanted.norm()).item()
print(f"beyond the batch step: {beyond.norm():.2e}; predicted, relative error {error:.3f}")
share = (beyond.norm() / (ALPHA * (g1 + g2)).norm()).item()
print(f"the whole effect is {share:.1%} of the step itself")

# %% [markdown]
# The equation holds, and the effect is a small part of the step. (It grows with $\alpha$: at ten
# times the rate it is about ten times that share.) Does it pay? An online test:
# every new image comes once, with a few replayed ones from a reservoir. Rows differ in the
# memory and in $\gamma$ alone. Each row gets the rate that is best for *it* on the validation
# images, with a seed that is not used for the test.


# %%
def learn_online(seed, *, replayed, **rates):
    """Return parameters after a stream of single images, and the groups in their order."""
    generator = torch.Generator().manual_seed(seed)
    groups = class_groups(torch.randperm(N_CLASSES, generator=generator).tolist())
    params, memory = small_start(seed), ReservoirBuffer(CAPACITY, generator=generator)
    for group in groups:
        here = torch.isin(train.labels, torch.tensor(group)).nonzero()[:, 0]
        for i in here[torch.randperm(len(here), generator=generator)[:ONLINE]].tolist():
            new = train.images[[i]], train.labels[[i]]
            old_x, old_y = memory.sample(min(replayed, len(memory)))
            old = (as_float(old_x), old_y) if len(old_y) else NOTHING
            now = as_float(new[0]), new[1]
            params = meta_experience_replay_update(small, params, now, old, **rates)
            memory.add(*new)
    return params, groups


# %%
def stream_accuracy(images, seed, **how):
    """Return the mean accuracy over groups after the stream."""
    params, groups = learn_online(seed, **how)
    return group_accuracies(params, groups, images, small).mean()


# %%
ways = {
    "no memory": {"outer_lr": 1.0, "replayed": 0},
    "replay": {"outer_lr": 1.0, "replayed": REPLAYED},
    "MER": {"outer_lr": GAMMA, "replayed": REPLAYED},
}
online = {}
for name, how in ways.items():
    rates = [rate / how["outer_lr"] for rate in GRID]  # so that the steps are as long in all rows
    tried = [stream_accuracy(val, 1000, inner_lr=rate, **how).item() for rate in rates]
    best = rates[tried.index(max(tried))]
    online[name] = torch.stack([stream_accuracy(test, s, inner_lr=best, **how) for s in SEEDS])
    print(f"{name:9} inner rate {best:.3f}, test {mean_and_ci95_of_few(online[name])}")
gap = mean_and_ci95_of_few(online["MER"] - online["replay"])
print(f"MER minus replay, paired: {gap}")

# %%
shown = {name: mean_and_ci95_of_few(values) for name, values in online.items()}
label = f"average accuracy after the stream, 95 % over {len(SEEDS)} runs"
axes = plots.intervals(shown, label=label, chance=1 / N_CLASSES)
summary = "; ".join(f"{name} {interval}" for name, interval in shown.items())
plots.show(axes, alt=f"Online, {label}: {summary}.")

# %% [markdown]
# ## An honest reading
#
# What we got on BloodMNIST (another machine rounds differently, and with five runs the digits
# after the point will move):
#
# - **Without a memory everything old is gone, at once.** After the last group, the first three
#   groups stand at 0.00. The average of 0.140 ± 0.030 is what one group of four can give, and no
#   better than chance (0.125). Hardly an old image gets its class any more: no example asks for
#   one.
# - **120 images, one in a hundred, bring back a part.** The reservoir ends at 0.342 ± 0.107, and
#   the paired gain over no memory is 0.201 ± 0.123. That is far below training on everything
#   (0.749 ± 0.029), the row that must not be missing.
# - **A queue remembers one group back and nothing before.** Its first two groups are at 0.00. But
#   its average, 0.262 ± 0.070, is *not shown* to be lower than the reservoir's: the paired
#   difference is 0.080 ± 0.169. Look at the matrix, and not at the average alone.
# - **Balanced against reservoir: nothing shown** (0.033 ± 0.078). The rarest class here is a third
#   as frequent as the most frequent one. The case for a balanced memory is a class in 500, and we
#   have not tested it.
# - **Meta-experience replay lost to plain replay**: 0.459 ± 0.043 against 0.504 ± 0.044, a paired
#   difference of -0.046 ± 0.013, in a stream of 320 images, on a small network, with one $\gamma$.
#   Plain replay had its rate tuned as well; a comparison without that would say little. The
#   second-order effect is real, we measured it, and it is small. Riemer et al. report gains on
#   other data; we could not show any here.
#
# What the intervals leave out: five orders of classes, one data set, one capacity, one
# $\rho$, no tuning of the memories' rates. And the two experiments may not be compared with each
# other: in the second one the memory is filled image by image, each new image comes with four old
# ones, and the network is another.
#
# ## What it costs

# %%
n_bytes = CAPACITY * train.images[0].numel()
n_numbers = sum(p.numel() for p in net.parameters())
print(f"memory: {n_bytes / 1000:.0f} kB as bytes, {4 * n_bytes / 1000:.0f} kB as float32")
print(f"network: {n_numbers:,} numbers, {4 * n_numbers / 1000:.0f} kB")
print(f"a step sees {2 * BATCH} images in place of {BATCH}; a MER step {REPLAYED + 1}, one by one")

# %% [markdown]
# The memory is eleven times as large as this small network. Store bytes, not floats: four times as
# many images in the same place. Store **copies**: a loader that reuses its array would change what
# is stored (the library's buffers clone). And never let a
# test image in: what is replayed is trained on.
#
# **Privacy.** A memory of patients' images *is* a data set of patients. It needs the same
# permission, the same protection and a way to delete one patient; a random or a small image is not
# an anonymous one. A balanced memory stores rare patients most surely, and these are the easiest to
# recognise. Where images may not be kept, there are other remedies:
#
# | remedy | keeps of the past | price |
# | --- | --- | --- |
# | replay | some examples | storage, privacy, more images in each step |
# | EWC (Kirkpatrick et al. 2017) | old weights and how much each matters | a penalty to be tuned |
# | distillation (Li and Hoiem 2016) | its answers to new images | its second pass |
# | generative replay (Shin et al. 2017) | a network that draws examples | training it; leaks |
# | train anew on everything | all examples | time, and permission to keep them |
#
# In class-incremental learning van de Ven and Tolias found that EWC fails and that replay of some
# kind seems to be needed. The reason can be read off the first matrix: only an example of an old
# class can say that it is *not* one of the new ones.
#
# ## When not to use it
#
# - **You may keep the data.** Then train on all of it, again and again. Here the accuracy was about
#   twice as high.
# - **You may not keep any image.** A memory is storage, whatever its size.
# - **The data are not ordered.** Without drift there is nothing to be replayed against: shuffle.
# - **Nobody tests old classes after each update.** Then forgetting is not seen, with or without a
#   memory.
#
# ## What people get wrong
#
# "The first principle of meta-learning is experience replay": it is not one of its principles. It
# fights forgetting in a stream. The bridge is meta-experience replay, where replayed examples form
# the inner loop and a Reptile step the outer one. "The buffer is a uniform sample": only if the
# newcomer is counted. "The model improves from day to day": on which test set?
#
# ## Two minutes aloud
#
# <details>
# <summary>Is experience replay meta-learning?</summary>
#
# No. It mixes stored examples into minibatches, against forgetting or against correlation; there is
# one model and one loss. Meta-experience replay adds an outer step around SGD on old and new
# examples. To second order that aligns the gradients of different examples.
#
# </details>
#
# <details>
# <summary>Why is item 3 of 100 in a reservoir for 10 with probability 0.1?</summary>
#
# It gets in for certain. Item i > 10 then gets in with probability 10/i and hits its place with
# 1/10, so it survives with 1 - 1/i. The product of (i - 1)/i from 11 to 100 is 10/100.
#
# </details>
#
# <details>
# <summary>What is the difference between backward transfer and forgetting?</summary>
#
# Backward transfer compares the end with the moment right after a task's training. Forgetting
# compares it with the best moment before the end. They are equal up to the sign unless a task was
# best at some other time.
#
# </details>
