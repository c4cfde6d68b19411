# %% [markdown]
# # Lesson 04: prototypical networks, a mean and a distance
#
# **Question.** A laboratory shows you five images of each of four cell types that no network has
# seen. What is the least that you can do with them, and does a *learned* embedding make it better?
#
# - **Time.** 45 minutes to read; the computer needs about 3 of them on two cores.
# - **Know first.** Episodes and class splits (lesson 01), softmax, cross-entropy.
# - **Papers.** Snell, Swersky and Zemel 2017, arXiv 1703.05175 (the method); Wang et al. 2019,
#   arXiv 1911.04623, and Chen et al. 2019, arXiv 1904.04232 (simple rivals); Guo et al. 2020, arXiv
#   1912.07200 (another domain).
# - **Then do** the exercises: `exercises/04_prototypes`.

# %%
import os
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from medmeta_ref import plots, prototypical
from medmeta_ref.backbones import ConvNet
from medmeta_ref.datasets import load_or_synthetic
from medmeta_ref.devices import count_macs, count_parameters
from medmeta_ref.episodes import EpisodeSampler
from medmeta_ref.metrics import accuracy, mean_and_ci95, mean_and_ci95_of_few
from medmeta_ref.params import forward, initial_params
from medmeta_ref.pixels import as_float
from medmeta_ref.planes import prototype_plane
from medmeta_ref.prototypical import as_linear, prototypes, prototypical_logits
from medmeta_ref.sliders import explore
from medmeta_ref.train import cosine, fit, sample_minibatch

# %% [markdown]
# The settings stand in one place. `MEDMETA_FAST=1` shrinks them so far that the lesson runs in
# seconds: good for testing the notebook, useless for conclusions.

# %%
FAST = os.environ.get("MEDMETA_FAST") == "1"
N_STEPS = 5 if FAST else 200
N_EPISODES = 10 if FAST else 300
N_SPLITS = 2 if FAST else 3
POOL = 40 if FAST else 100  # images per novel class to draw episodes from
SHOTS = (1, 2, 4, 8, 16)
N_WAY = 4
N_QUERY = 15
BUDGET = {"n_steps": N_STEPS, "outer_lr": cosine(0.003, N_STEPS), "progress": None}

# %% [markdown]
# ## The problem, the data, the split
#
# Two sets of real images (Yang et al. 2023): blood cells of eight types and slices of eleven organs
# in CT. What is split is **classes**: a network may learn from the *base* classes; the *novel* ones
# it meets for the first time when we test. Which classes are novel decides much of the result, so
# there are three splits of each set. Left and right organs always stay together, or the twin of a
# novel class would have been trained on.
#
# For the novel classes, labelled examples (**support**) come from the official training images and
# images to classify (**query**) from the official test images. In OrganAMNIST these are other
# patients. BloodMNIST is split by cell, so there the same person may be on both sides.

# %%
NOVEL = {
    "bloodmnist": ((0, 3, 4, 5), (1, 2, 6, 7), (0, 2, 4, 6)),
    "organamnist": ((1, 2, 3, 7, 8, 9), (0, 3, 4, 5, 6, 10), (4, 5, 7, 8, 9, 10)),
}


def in_colour(images):
    """Return [n, height, width, 3]: one network for grey and coloured images alike."""
    return images if images.ndim == 4 else images[..., None].expand(*images.shape, 3)


sets = {name: [load_or_synthetic(name, split) for split in ("train", "test")] for name in NOVEL}
for name, (train, _) in sets.items():
    print(f"{name}: {train.source}")
    for number, novel in enumerate(NOVEL[name][:N_SPLITS]):
        print(f"  split {number}: novel {', '.join(train.class_names[c][:24] for c in novel)}")


# %%
class Novel(NamedTuple):
    """The novel classes of a split: images to draw support and queries from."""

    support: Tensor  # [n_classes, POOL, height, width, 3]
    query: Tensor
    names: tuple[str, ...]


def pool(images, labels, classes, generator):
    """Return `POOL` random images of each class."""
    rows = [torch.nonzero(labels == c).flatten() for c in classes]
    rows = [r[torch.randperm(len(r), generator=generator)[:POOL]] for r in rows]
    return torch.stack([in_colour(images[r]) for r in rows])


def novel_classes(train, test, classes):
    generator = torch.Generator().manual_seed(0)
    parts = [pool(each.images, each.labels, classes, generator) for each in (train, test)]
    return Novel(*parts, tuple(train.class_names[c].split("(")[0] for c in classes))


# %%
cells = novel_classes(*sets["bloodmnist"], NOVEL["bloodmnist"][0])
shown = cells.support[:, :2].flatten(0, 1)
titles = [name[:18] for name in cells.names for _ in range(2)]
grid = plots.image_grid(shown, titles, columns=8)
plots.show(grid, alt=f"Two images of each novel class of split 0: {', '.join(cells.names)}.")

# %% [markdown]
# ## The picture
#
# An *embedding* turns an image into a row of numbers. Here is the smallest one that one might try:
# how red is the image on average, and how blue? Nothing is learned. The **prototype** of a class is
# the mean of its labelled examples (large marks). A new image gets the class of the nearest
# prototype: each region below belongs to one class.
#
# Move the slider. With one shot the prototype *is* the example, and the lines jump about. With
# more, they settle; where they settle is no better than the two numbers allow.


# %%
def red_and_blue(images):
    """Return [n, 2], the mean red and blue of every image, 0 to 255."""
    return images.float().mean((-3, -2))[..., [0, 2]]


plane = red_and_blue(cells.support[:, : max(SHOTS)])  # [n_classes, 16, 2]


# %%
def with_shots(shots):
    """Draw the plane for the first `shots` examples of every class."""
    features, labels = plane[:, :shots].flatten(0, 1), torch.arange(4).repeat_interleave(shots)
    centres = prototypes(features, labels, 4)
    words = {"xlabel": "mean red", "ylabel": "mean blue"}
    axes = prototype_plane(features, labels, centres, cells.names, limits=LIMITS, **words)
    alt = f"Four class prototypes from {shots} shots each in the plane of mean red and mean blue."
    return plots.show(axes, alt=alt)


(low_red, low_blue), (high_red, high_blue) = (plane.amin((0, 1)) - 3), (plane.amax((0, 1)) + 3)
LIMITS = tuple(float(v) for v in (low_red, high_red, low_blue, high_blue))
explore(with_shots, shots=(4, SHOTS))

# %% [markdown]
# ## The equation
#
# With an embedding $f$ and the support set $S_k$ of class $k$:
#
# $$
# c_k = \frac{1}{|S_k|}\sum_{x \in S_k} f(x), \qquad
# p(y = k \mid x) = \mathrm{softmax}_k\bigl(-\lVert f(x) - c_k\rVert^2\bigr)
# $$
#
# That is all. The prototypes are **computed**; what a *prototypical network* **learns** is the
# embedding $f$. One step of training draws an episode of base classes, computes prototypes of its
# support set, and takes the cross-entropy of its queries. Its gradient flows into $f$ along both
# ways, through the queries and through the prototypes.
#
# **A misprint worth knowing.** Algorithm 1 of the paper prints $1/N_C$ in front of the sum, the
# number of *classes* in the episode. It must be $1/N_S$, the number of support examples per class.
# With as many shots as classes nobody notices. Here is the nearest prototype of raw pixels, both
# ways:


# %%
def draw_episodes(novel, seed):
    """Return a list of (classes [4], support positions [4, 16], query positions [4, 15])."""
    generator = torch.Generator().manual_seed(seed)

    def draw(n_from, n):
        return torch.randperm(n_from, generator=generator)[:n]

    return [
        (
            draw(len(novel.names), N_WAY)[:, None],
            torch.stack([draw(POOL, max(SHOTS)) for _ in range(N_WAY)]),
            torch.stack([draw(POOL, N_QUERY) for _ in range(N_WAY)]),
        )
        for _ in range(N_EPISODES)
    ]


QUERY_Y = torch.arange(N_WAY).repeat_interleave(N_QUERY)


# %%
def accuracy_by_shots(support, query, episodes, *, misprint=False):
    """Return [n_shots, n_episodes], for features [n_classes, POOL, n_features].

    More shots of an episode contain its fewer shots, so that shots are paired, too.
    """
    found = torch.zeros(len(SHOTS), len(episodes))
    for number, (classes, chosen, asked) in enumerate(episodes):
        examples, queries = support[classes, chosen], query[classes, asked].flatten(0, 1)
        for row, k in enumerate(SHOTS):
            labels = torch.arange(N_WAY).repeat_interleave(k)
            centres = prototypes(examples[:, :k].flatten(0, 1), labels, N_WAY)
            centres = centres * k / N_WAY if misprint else centres
            found[row, number] = accuracy(prototypical_logits(queries, centres), QUERY_Y)
    return found


def pixels(images):
    """Return every image as a row of numbers in [-1, 1]: an embedding that knows nothing."""
    flat = as_float(images.flatten(0, 1)).flatten(1)
    return flat.view(*images.shape[:2], -1)


# %%
episodes = draw_episodes(cells, seed=1)
raw = pixels(cells.support), pixels(cells.query)
as_meant = accuracy_by_shots(*raw, episodes)
as_printed = accuracy_by_shots(*raw, episodes, misprint=True)
both = {"1 / N_S, as meant": as_meant, "1 / N_C, as printed": as_printed}
curves = {name: [mean_and_ci95(row) for row in rows] for name, rows in both.items()}
words = {"xlabel": "shots per class", "ylabel": f"accuracy, {N_EPISODES} episodes"}
axes = plots.bands(SHOTS, curves, chance=1 / N_WAY, log_x=True, **words)
summary = "; ".join(f"{n} {', '.join(f'{i.mean:.2f}' for i in each)}" for n, each in curves.items())
plots.show(axes, alt=f"Accuracy of raw-pixel prototypes against shots {SHOTS}: {summary}.")

# %% [markdown]
# The curves meet at 4 shots of 4 classes, and only there. Test code with numbers of shots and
# classes that differ.

# %% [markdown]
# ## Three facts, each checked
#
# **1. The square makes it linear.** In $-\lVert q - c\rVert^2 = -\lVert q\rVert^2 + 2c^\top q -
# \lVert c\rVert^2$ the first term is the same for all classes and drops out of the softmax. What is
# left is a linear layer that nobody had to train.
#
# **2. The square makes the mean the right centre.** No point has a smaller sum of *squared*
# distances to the examples than their mean. The same holds for every distance of a kind called
# Bregman divergences (Banerjee et al. 2005), of which the square is one. The plain distance is not:
# its sum is smallest at another point, the geometric median. The prediction is the same with and
# without the square; the probabilities are not.
#
# **3. With one shot it is the nearest neighbour.** A mean of one example is the example.

# %%
classes, chosen, asked = episodes[0]
examples, queries = raw[0][classes, chosen][:, :4].flatten(0, 1), raw[1][classes, asked]
queries = queries.flatten(0, 1)
labels = torch.arange(N_WAY).repeat_interleave(4)
centres = prototypes(examples, labels, N_WAY)
logits = prototypical_logits(queries, centres)

weight, bias = as_linear(centres)
gap = (logits.softmax(1) - F.linear(queries, weight, bias).softmax(1)).abs().max()
print(f"1. as a linear layer: probabilities differ by at most {gap:.1e} (float32)")

# %%
own = examples[:4]
median = prototypical.robust_prototypes(own, torch.zeros(4).long(), 1, method="geometric_median")[0]
candidates = {"mean": centres[0], "geometric median": median, "example 0": own[0]}
for name, centre in candidates.items():
    squares = (own - centre).square().sum(1)
    print(f"2. {name:17} sum of squared distances {squares.sum():7.1f}", end="")
    print(f", of plain distances {squares.sqrt().sum():6.2f}")
plain = -(-logits).sqrt()
same = (plain.argmax(1) == logits.argmax(1)).all().item()
differ = (plain.softmax(1) - logits.softmax(1)).abs().max()
print(f"   same prediction with and without the square: {same}; ", end="")
print(f"probabilities differ by up to {differ:.2f}")

# %%
agree = []
for classes, chosen, asked in episodes:
    examples, queries = raw[0][classes, chosen][:, 0], raw[1][classes, asked].flatten(0, 1)
    nearest = torch.cdist(queries, examples).argmin(1)
    one_shot = prototypical_logits(queries, prototypes(examples, torch.arange(N_WAY), N_WAY))
    agree.append((one_shot.argmax(1) == nearest).double().mean())
print(f"3. one shot and nearest neighbour agree on {torch.stack(agree).mean():.1%} of the queries")

# %% [markdown]
# On raw pixels the probabilities of fact 2 are extreme: squared distances between images are in the
# hundreds, so one class gets everything. Doubling all features multiplies the logits by 4, which is
# a temperature. A trained embedding finds its own scale; an untrained one, or raw pixels, has none
# that means anything. Believe their ranking, not their probabilities.

# %% [markdown]
# ## The code
#
# Four embeddings, all with the same classifier behind them, on the same episodes:
#
# | embedding | what it has learned |
# | --- | --- |
# | raw pixels | nothing |
# | untrained network | nothing; the same architecture at its random start |
# | **prototypical network** | base classes, episode by episode |
# | supervised, then prototypes | base classes, as a classifier whose head is thrown away |
#
# The last is the strong rival, close to what Wang et al. call SimpleShot. Both trained ones get the
# same steps, images per step and learning rates; none is tuned. Normalisation is per image
# (`norm="group"`), so that a query is judged by itself.
#
# The papers' backbone has **four** blocks, each of which halves the image. From 28 pixels that
# leaves 1 x 1: 32 features that know *what* is in the image and hardly *where*. With **three**
# blocks a map of 3 x 3 is left, 288 features. Both are run; you will see why.

# %%
DEPTHS = (4, 3)
NETWORKS = {depth: ConvNet(3, (32,) * depth, norm="group") for depth in DEPTHS}


def base_images(train, novel):
    """Return images, labels 0..n_base-1 and the number of all classes that are not novel."""
    base = torch.tensor([c for c in train.labels.unique().tolist() if c not in novel])
    keep = torch.isin(train.labels, base)
    return in_colour(train.images[keep]), torch.searchsorted(base, train.labels[keep]), len(base)


# %%
def train_on_episodes(train, novel, *, depth, seed):
    """Return a prototypical network: trained with 5 shots and 10 queries of every base class."""
    generator, network = torch.Generator().manual_seed(seed), NETWORKS[depth]
    images, labels, n_base = base_images(train, novel)
    sampler = EpisodeSampler(images, labels, n_way=n_base, k_shot=5, n_query=10)
    return fit(
        lambda params, episode: prototypical.prototypical_loss(network, params, episode),
        initial_params(network, generator=generator),
        sampler.episode,
        generator=generator,
        **BUDGET,
    )


# %%
def train_supervised(train, novel, *, depth, seed):
    """Return a classifier of the base classes, without its head."""
    generator = torch.Generator().manual_seed(seed)
    images, labels, n_base = base_images(train, novel)
    network = ConvNet(3, (32,) * depth, n_outputs=n_base, norm="group")
    params, history = fit(
        lambda params, batch: F.cross_entropy(forward(network, params, batch[0]), batch[1]),
        initial_params(network, generator=generator),
        lambda g: sample_minibatch(images, labels, batch_size=15 * n_base, generator=g),
        generator=generator,
        **BUDGET,
    )
    return {name: p for name, p in params.items() if not name.startswith("head")}, history


# %%
def embed(params, images, depth):
    """Return the features [n_classes, POOL, n_features] of a pool of images."""
    parts = as_float(images.flatten(0, 1)).split(400)
    with torch.no_grad():
        found = torch.cat([forward(NETWORKS[depth], params, x) for x in parts])
    return found.view(*images.shape[:2], -1)


# %%
def trained_embeddings(train, novel, seed):
    """Return (method, depth) -> parameters, and the same for the loss curves."""
    params, history = {}, {}
    for depth in DEPTHS:
        start = torch.Generator().manual_seed(seed)
        params["untrained", depth] = initial_params(NETWORKS[depth], generator=start)
        how = {"depth": depth, "seed": seed}
        by_episodes = train_on_episodes(train, novel, **how)
        params["prototypical", depth], history["prototypical", depth] = by_episodes
        by_labels = train_supervised(train, novel, **how)
        params["supervised", depth], history["supervised", depth] = by_labels
    return params, history


# %%
def compare(nets, novel, seed):
    """Return (method, depth) -> [n_shots, n_episodes]: all on the same episodes."""
    episodes = draw_episodes(novel, seed)
    found = {
        ("raw pixels", 0): accuracy_by_shots(pixels(novel.support), pixels(novel.query), episodes)
    }
    for (method, depth), params in nets.items():
        features = [embed(params, images, depth) for images in (novel.support, novel.query)]
        found[method, depth] = accuracy_by_shots(*features, episodes)
    return found


# %%
networks, results, losses = {}, {}, {}
for name, (train, test) in sets.items():
    for split in tqdm(range(N_SPLITS), desc=name):
        novel = NOVEL[name][split]
        networks[name, split], losses[name] = trained_embeddings(train, novel, seed=split)
        pools = novel_classes(train, test, novel)
        results[name, split] = compare(networks[name, split], pools, seed=split)
named = {
    f"{method}, {depth} blocks": loss for (method, depth), loss in losses["bloodmnist"].items()
}
curve = plots.training_curves(named)
ends = ", ".join(f"{name} {sum(v[-20:]) / len(v[-20:]):.2f}" for name, v in named.items())
plots.show(curve, alt=f"Training losses on base classes of blood cells fall; at the end: {ends}.")

# %% [markdown]
# All losses fall far: the base classes *are* learned. Now the classes that count.

# %% [markdown]
# ## The result
#
# Accuracy against shots with the papers' four blocks, averaged over the class splits. The bands are
# 95 % intervals over episodes: they say how well *these* splits are measured, and nothing about
# other splits.

# %%
TITLES = {
    "raw pixels": "raw pixels",
    "untrained": "untrained network",
    "prototypical": "prototypical network",
    "supervised": "supervised, then prototypes",
}


def shot_curves(title, found, depth):
    """Draw accuracy against shots; found: (method, depth) -> [n_shots, n_episodes]."""
    rows = {TITLES[method]: r for (method, d), r in found.items() if d in (0, depth)}
    curves = {name: [mean_and_ci95(each) for each in r] for name, r in rows.items()}
    words = {"xlabel": "shots per class", "ylabel": f"accuracy over {N_EPISODES} episodes"}
    axes = plots.bands(SHOTS, curves, chance=1 / N_WAY, log_x=True, **words)
    axes.set_title(f"{title}, {depth} blocks")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    ends = "; ".join(f"{m} {c[0].mean:.2f} to {c[-1].mean:.2f}" for m, c in curves.items())
    return plots.show(axes, alt=f"{title}, accuracy from {SHOTS[0]} to {SHOTS[-1]} shots: {ends}.")


# %%
def over_splits(name):
    """Return (method, depth) -> [n_splits, n_shots, n_episodes]."""
    each = [results[name, split] for split in range(N_SPLITS)]
    return {key: torch.stack([found[key] for found in each]) for key in each[0]}


shot_curves("BloodMNIST", {key: rows.mean(0) for key, rows in over_splits("bloodmnist").items()}, 4)

# %%
shot_curves("OrganAMNIST", {key: r.mean(0) for key, r in over_splits("organamnist").items()}, 4)

# %% [markdown]
# Raw pixels are hard to beat: a baseline from before neural networks. The images are centred, the
# stain and the window are always the same, so pixels can be compared as they are.
#
# The fair question is the difference on the same episodes: a method minus raw pixels. Points are
# means over the class splits, bars 95 % intervals by Student's t over the splits' means: they cover
# the choice of classes and the seed, too, and with so few splits they are long. Compare the two
# backbones, and move the slider.


# %%
def against_pixels(shots):
    """Draw the paired differences to raw pixels at a number of shots."""
    row, points = SHOTS.index(shots), {}
    for name in NOVEL:
        found = over_splits(name)
        for depth in DEPTHS:
            for method in ("untrained", "prototypical", "supervised"):
                gain = (found[method, depth] - found["raw pixels", 0])[:, row].mean(1)
                points[f"{name[:-5]}, {depth} blocks, {method}"] = mean_and_ci95_of_few(gain)
    label = f"accuracy minus that of raw pixels, {shots} shots, {N_SPLITS} class splits"
    axes = plots.intervals(points, label=label, references={"raw pixels": 0.0})
    summary = "; ".join(f"{name} {interval}" for name, interval in points.items())
    return plots.show(axes, alt=f"At {shots} shots, accuracy minus raw pixels: {summary}.")


explore(against_pixels, shots=(4, SHOTS))

# %% [markdown]
# And split by split, where each interval covers the drawing of episodes only. These are narrow, and
# some contradict each other from split to split: the choice of classes matters more.

# %%
row = SHOTS.index(4)
for (name, split), found in results.items():
    pixel_row = found["raw pixels", 0][row]
    print(f"{name}, split {split}, 4 shots: raw pixels {mean_and_ci95(pixel_row)}; minus it:")
    for depth in DEPTHS:
        gains = (
            f"{method} {mean_and_ci95(found[method, depth][row] - pixel_row)}"
            for method in ("prototypical", "supervised")
        )
        print(f"    {depth} blocks: {', '.join(gains)}")

# %% [markdown]
# ## Where it does work
#
# The same code on cells that this project *draws*: eight types that differ in size, shape and
# texture, at changing places, in changing light and stain. Two images of one type differ in many
# ways that mean nothing, and an embedding can learn to ignore them.

# %%
drawn = [load_or_synthetic("synthetic-blood", split) for split in ("train", "test")]
drawn_nets, _ = trained_embeddings(drawn[0], NOVEL["bloodmnist"][0], seed=0)
drawn_pools = novel_classes(*drawn, NOVEL["bloodmnist"][0])
drawn_found = compare(drawn_nets, drawn_pools, seed=0)
shot_curves("synthetic cells", drawn_found, 3)

# %% [markdown]
# ## Another domain
#
# What if the network was trained on cells and is asked about organs, or the other way round? Each
# row is a prototypical network minus the *same network untrained*, on the novel classes of split 0.

# %%
pools = {name: novel_classes(*sets[name], NOVEL[name][0]) for name in NOVEL}
shift = {}
for home in NOVEL:
    for away, novel in pools.items():
        found = compare(networks[home, 0], novel, seed=0)
        for depth in DEPTHS:
            gain = (found["prototypical", depth] - found["untrained", depth])[row]
            key = f"trained on {home[:-5]}, tested on {away[:-5]}, {depth} blocks"
            shift[key] = mean_and_ci95(gain)
label = "trained minus untrained network, 4 shots"
axes = plots.intervals(shift, label=label, references={"untrained": 0.0})
summary = "; ".join(f"{name} {interval}" for name, interval in shift.items())
plots.show(axes, alt=f"Gain of training over an untrained network: {summary}.")

# %% [markdown]
# ## An honest reading
#
# What we got, three class splits, 4 shots (your digits may differ in the last place):
#
# - **With the papers' four blocks a prototypical network does not reliably beat raw pixels.** On
#   BloodMNIST it is 0.026 ± 0.152 above them, on OrganAMNIST 0.032 ± 0.073 below. Split by split it
#   goes from -0.061 ± 0.010 to +0.089 ± 0.008: each is "significant" for itself, in opposite
#   directions. Somebody with one split would have published one of them.
# - **The backbone decides as much as the method.** With three blocks, which keep a little of
#   *where* things are, the network is above raw pixels on all three splits of OrganAMNIST (by 0.025
#   to 0.071) and on two of BloodMNIST. Even so both intervals over splits hold 0 (0.049 ± 0.057 and
#   0.066 ± 0.141): three splits are too few.
# - **Supervised pre-training with prototypes is neither clearly better nor worse** here (0.046 ±
#   0.068 and -0.005 ± 0.174 with three blocks). In larger studies it is the strong baseline
#   (Chen et al. 2019). Whoever proposes episodes has to show it beside them.
# - **Where variation is large and meaningless, learning pays.** On the drawn cells (one split) the
#   network goes from 0.48 to 0.79 while raw pixels stay between 0.33 and 0.44.
# - **Away from home the ranking can turn round.** Trained on organs, the network is 0.10 better
#   than untrained on new organs, and *worse* than untrained on cells, by 0.011 ± 0.009 with four
#   blocks and 0.017 ± 0.007 with three. Cells to organs did no harm (one split, one seed). Guo
#   et al. (2020) found the same on a larger scale: with a large enough shift, meta-learned
#   embeddings can fall below random weights.
#
# What these numbers cannot show: other class splits (there are 70 ways to choose four of eight cell
# types), more than one seed per split, images of another hospital, more pixels than 28 x 28, longer
# training, or networks pre-trained on millions of other images. And four or five base classes are
# few: the scarcity that hurts meta-learning is one of *classes*, not of images.

# %% [markdown]
# ## What it costs
#
# Training is ordinary training. What is special is the cost of a *new class*: one pass per labelled
# image, a mean, and no gradient. One more labelled image moves the mean, and may then be deleted.

# %%
for depth in DEPTHS:
    params = networks["bloodmnist", 0]["prototypical", depth]
    macs = count_macs(NETWORKS[depth], params, as_float(cells.support[0, :1]))
    n_features = embed(params, cells.support, depth).shape[-1]
    print(f"{depth} blocks: {count_parameters(params):,} parameters, ", end="")
    print(f"{macs:,} multiplications per image, {n_features} numbers per class")

# %% [markdown]
# ## When not to use it
#
# - **A class has several faces.** One mean of two clusters lies between them, where nothing is.
#   Nearest neighbours, or several prototypes per class, do not mind.
# - **There are many labels.** A mean has no use for the thousandth example. A trained head has.
# - **One label is wrong.** With five shots it moves the mean by a fifth of the distance.
#   `medmeta_ref.prototypical.robust_prototypes` has medians and trimmed means.
# - **Classes differ in how often they occur.** Balanced episodes hide that: the softmax over
#   distances knows of no prevalence. A rare disease is overcalled unless the bias is corrected.
# - **The image may show something that is no class.** Some prototype is always the nearest.
#
# ## Two minutes aloud
#
# <details>
# <summary>Why is a prototypical network a linear classifier, and what is not linear?</summary>
#
# Minus the squared distance is 2c·q - |c|² - |q|², and |q|² is the same for every class. So the
# head is linear in the features, with weights read off the support set. The embedding is not
# linear, and the *dependence on the support set* is part of what is trained.
#
# </details>
#
# <details>
# <summary>Your prototypical network beats MAML on one class split by two points, interval ± 0.5.
# What do you say?</summary>
#
# That the interval covers episodes of this one split. I would ask for several splits and seeds,
# paired on the same episodes; for raw pixels and a supervised embedding beside both; and whether
# MAML's batch norm saw the queries together, which alone can be worth more than two points.
#
# </details>
#
# <details>
# <summary>A new cell type, eight labelled images, an answer by tomorrow. What do you do?</summary>
#
# Embed with the best network at hand, take class means, and check leave-one-out: each labelled
# image against prototypes made without it. Beside it raw pixels, and a logistic regression on the
# same features. I report all with intervals, set a threshold on the distance for "none of these",
# and test on another day's slides before anybody relies on it.
#
# </details>
