# %% [markdown]
# # Lesson 12: robustness, measured before and after
#
# **Question.** "Meta-learning makes models robust to noise, outliers and abnormal cases" is printed
# in many places. Wrong labels, damaged images, strangers: what does each of them cost a few-shot
# classifier of blood cells, and which remedies are worth their trouble?
#
# - **Time.** 45 minutes to read; the computer needs about 3 of them on two cores.
# - **Know first.** Prototypes (lesson 04), cross-entropy, paired differences (lesson 01).
# - **Papers.** Goldblum et al. 2020 (NeurIPS) and Guo et al. 2020, arXiv 1912.07200 (negative
#   results); Zhang and Sabuncu 2018, arXiv 1805.07836 (a bounded loss); Hendrycks and Dietterich
#   2019, arXiv 1903.12261, and Di Salvo et al. 2024, arXiv 2406.17536 (damage to order).
# - **Then do** the exercises: `exercises/12_robustness`.

# %%
import os
from functools import partial

import torch
from torch.nn.functional import cross_entropy
from tqdm.auto import tqdm

from medmeta_ref import plots, robustness
from medmeta_ref.backbones import ConvNet
from medmeta_ref.clinical import auroc
from medmeta_ref.datasets import load_or_synthetic
from medmeta_ref.episodes import EpisodeSampler
from medmeta_ref.metrics import accuracy, mean_and_ci95, mean_and_ci95_of_few
from medmeta_ref.params import forward, initial_params
from medmeta_ref.pixels import as_float
from medmeta_ref.planes import prototype_plane
from medmeta_ref.prototypical import prototypical_logits, prototypical_loss, robust_prototypes
from medmeta_ref.robustness import SEVERITIES, corrupt, flip_labels, outlier_scores
from medmeta_ref.sliders import explore
from medmeta_ref.train import cosine, fit, sample_minibatch

# %% [markdown]
# The settings stand in one place. `MEDMETA_FAST=1` shrinks them so far that the lesson runs in
# seconds: good for testing the notebook, useless for conclusions.

# %%
FAST = os.environ.get("MEDMETA_FAST") == "1"
N_SPLITS = 2 if FAST else 3
N_STEPS = 3 if FAST else 150  # of every few-shot network
N_EPISODES = 4 if FAST else 200
N_SLOW = 2 if FAST else 60  # episodes, where the geometric median is computed
N_WAY, N_QUERY, SHOTS = 4, 15, (1, 5, 10)
RATES = (0.0, 0.2, 0.4)  # shares of wrong labels
GRADES = (0, 1, 3, 5)  # severities of damage
POOL = 40 if FAST else 100  # images per novel class to draw from
N_IMAGES, NOISY_STEPS, N_SEEDS = (60, 5, 2) if FAST else (400, 400, 3)
METHODS = ("mean", "trimmed", "median", "geometric_median")

# %% [markdown]
# ## The claim
#
# Not by default, says the literature. Goldblum et al. (2020) found few-shot learners *highly
# vulnerable to adversarial examples*. Guo et al. (2020) moved them to other domains, among them
# skin lesions and chest radiographs: *all* meta-learning methods fell behind simple fine-tuning, by
# 12.8 % accuracy on average, and some behind networks with random weights. So "robust" is no
# property that comes with a method. It is a **before and after**, for one kind of harm at a time:
#
# | harm | what happens | example |
# | --- | --- | --- |
# | wrong labels | the image is fine, the label is not | labels read out of reports by a program |
# | damage | the label is fine, the image is not | noise, blur, another exposure |
# | strangers | the image belongs to no class | another organ, a disease that nobody named |
#
# Each can hit the training images, the support set or the queries, and each costs something else.
# The labels of the NIH chest radiographs, and with them those of ChestMNIST, were *text-mined* from
# reports: there, nobody knows which ones are wrong. To measure, we take labels that can be trusted,
# and spoil a known share of them.

# %% [markdown]
# ## The data and the split
#
# BloodMNIST, eight types of cell. Four *base* classes to learn on, four *novel* ones for the test,
# in three different splits, since the choice of classes decides much. Support images come from the
# official training images, queries from the official test images. BloodMNIST is split by cell and
# not by person: the same person may be on both sides. The strangers are slices of CT from
# OrganAMNIST.

# %%
NOVEL = ((0, 3, 4, 5), (1, 2, 6, 7), (0, 2, 4, 6))[:N_SPLITS]
train, test = (load_or_synthetic("bloodmnist", split) for split in ("train", "test"))
organs = load_or_synthetic("organamnist", "test")
print(f"cells: {train.source}\nstrangers: {organs.source}")
for number, novel in enumerate(NOVEL):
    print(f"split {number}: novel {', '.join(train.class_names[c][:20] for c in novel)}")


def with_3_channels(images):
    """Return [n, height, width, 3], whether grey or coloured."""
    return images if images.ndim == 4 else images[..., None].expand(*images.shape, 3)


# %%
def chosen_images(data, classes, seed):
    """Return `POOL` random images of each class, [n_classes, POOL, height, width, 3]."""
    generator, rows = torch.Generator().manual_seed(seed), []
    for c in classes:
        own = torch.nonzero(data.labels == c).flatten()
        rows.append(own[torch.randperm(len(own), generator=generator)[:POOL]])
    return with_3_channels(data.images[torch.cat(rows)]).unflatten(0, (len(classes), -1))


strangers = with_3_channels(organs.images[torch.arange(POOL) * (len(organs.images) // POOL)])
pools = [(chosen_images(train, c, 0), chosen_images(test, c, 1)) for c in NOVEL]
shown = torch.cat([pools[1][0][:, :2].flatten(0, 1), strangers[:4]])
names = [train.class_names[c][:14] for c in NOVEL[1] for _ in (0, 1)] + ["stranger"] * 4
grid = plots.image_grid(shown, names, columns=6)
plots.show(grid, alt="Two images of each novel class of split 1, and four CT slices as strangers.")

# %% [markdown]
# ## The picture: when does a centre give way?
#
# A prototype is a mean, and a mean goes wherever a single example pulls it. Three rivals:
#
# - the **trimmed mean** of every feature leaves out the lowest and highest fifth of the values;
# - the **median** of every feature;
# - the **geometric median**, the point with the least sum of distances. It turns when the features
#   are turned; the median of every feature does not.
#
# Take eleven real examples in the plane of two simple features, mean red and mean blue. Replace
# more and more of them by points a thousand grey levels away. How far does each centre move?

# %%
plane = pools[1][0][:, :11].float().mean((2, 3))[..., [0, 2]]  # [n_classes, 11, 2]
eleven, one_class = plane[0], torch.zeros(11).long()
counts = list(range(8))


def moved_by(method, n_strangers):
    """Return how far the centre of class 0 moves if so many of its examples are strangers."""
    spoilt = eleven.clone()
    spoilt[:n_strangers] += 1000 / 2**0.5
    before, after = (robust_prototypes(x, one_class, 1, method=method) for x in (eleven, spoilt))
    return (after - before).norm().item()


moves = {method: [moved_by(method, n) for n in counts] for method in METHODS}
words = {"xlabel": "strangers among 11 examples", "ylabel": "centre moved by (grey levels)"}
axes = plots.lines(counts, {m: [x + 0.1 for x in y] for m, y in moves.items()}, **words, log_y=True)
ends = "; ".join(f"{m} {', '.join(f'{x:.0f}' for x in y)}" for m, y in moves.items())
plots.show(axes, alt=f"How far each centre moves for 0 to 7 strangers of 11: {ends}.")

# %% [markdown]
# (0.1 is added so that 0 can be drawn on this scale.) This is what a **breakdown point** is. The
# mean gives way to the first stranger; the trimmed mean bears the three that it cuts on one side
# (a fifth of eleven, rounded up); both medians bear five of eleven, any minority. With six the
# strangers are the majority, and by majority *they* are the class.
#
# And this is what it does to a classifier. Slide the number of overexposed examples of one class,
# and choose a centre. Does the line of the mean follow them, and the lines of the others?


# %%
def red_blue_with(overexposed):
    """Return [44, 2], so many examples of the first class overexposed."""
    images, g = pools[1][0][:, :11].clone(), torch.Generator().manual_seed(0)
    few = images[0, :overexposed]
    images[0, :overexposed] = corrupt(few, "brightness", severity=5, generator=g)
    return images.float().mean((2, 3))[..., [0, 2]].flatten(0, 1)


# %%
def with_overexposed(overexposed, centre):
    """Draw the plane when so many examples of the first class are overexposed."""
    features = red_blue_with(overexposed)
    labels = torch.arange(N_WAY).repeat_interleave(11)
    centres = robust_prototypes(features, labels, N_WAY, method=centre)
    named = [train.class_names[c].split("(")[0] for c in NOVEL[1]]
    words = {"xlabel": "mean red", "ylabel": "mean blue", "limits": (130.0, 260.0, 130.0, 260.0)}
    axes = prototype_plane(features, labels, centres, named, **words)
    alt = f"The plane of red and blue with {overexposed} overexposed of 11 {named[0]}s, {centre}."
    return plots.show(axes, alt=alt)


explore(with_overexposed, overexposed=(3, [0, 1, 2, 3, 5, 6]), centre=("mean", list(METHODS)))

# %% [markdown]
# ## The equation: a loss that stops listening
#
# In *training*, wrong labels act through the loss. Cross-entropy is $-\log p$, with $p$ the
# probability of the label. Its slope in the label's logit is $-(1 - p)$: the more absurd the label,
# the harder it pulls. Once the right labels are fitted, the wrong ones are all that is left, and a
# network has room enough to learn them by heart. The *generalised cross-entropy*
#
# $$
# L_q = \frac{1 - p^q}{q}, \qquad \text{slope} = -\,p^q\,(1 - p), \qquad 0 \le L_q \le \frac1q
# $$
#
# is cross-entropy for $q \to 0$ and $1 - p$ for $q = 1$. Slide $q$:

# %%
probabilities = [0.01 * k for k in range(1, 100)]


def pull(q):
    """Draw how hard a label pulls, by its probability."""
    curves = {
        "cross-entropy": [1 - p for p in probabilities],
        f"q = {q}": [p**q * (1 - p) for p in probabilities],
    }
    points = {"an absurd label": ([0.02, 0.02], [0.98, 0.02**q * 0.98])}
    words = {"xlabel": "probability p of the label", "ylabel": "pull on its logit"}
    alt = f"Pull by probability: a label with p 0.02 pulls with 0.98, or {0.02**q * 0.98:.2f}."
    return plots.show(plots.fits(probabilities, curves, points, **words), alt=alt)


explore(pull, q=(0.7, [0.1, 0.3, 0.5, 0.7, 1.0]))

# %% [markdown]
# Labels with small $p$ are given up. That is the remedy and its price: a *rare but right* label is
# given up as well, and with $q = 1$ nearly everything is at the start, when all $p$ are small.

# %% [markdown]
# ## Harm 1: wrong labels in training
#
# Four hundred images of all eight types, and a small network. A known share of the labels is
# flipped, each to one of the other classes; the test labels stay right, or the yardstick would be
# bent along with what it measures. Both losses see the same images, the same wrong labels and the
# same starting point. Nothing is tuned; $q = 0.7$ is the paper's.

# %%
classifier = ConvNet(3, (16,) * 4, n_outputs=8, norm="group")
exam = as_float(with_3_channels(test.images[:1000])), test.labels[:1000]
LOSSES = {
    "cross-entropy": cross_entropy,
    "generalised": partial(robustness.generalised_cross_entropy, q=0.7),
}


# %%
def train_on(images, labels, loss, seed):
    """Return the parameters of the classifier after training on these labels."""
    generator = torch.Generator().manual_seed(seed)
    return fit(
        lambda params, batch: loss(forward(classifier, params, batch[0]), batch[1]),
        initial_params(classifier, generator=generator),
        lambda g: sample_minibatch(images, labels, batch_size=40, generator=g),
        n_steps=NOISY_STEPS,
        outer_lr=cosine(0.005, NOISY_STEPS),
        generator=generator,
        progress=None,
    ).params


# %%
def by_both_losses(images, right, given, seed):
    """Return loss -> (test accuracy, share of the wrong labels that was learnt by heart)."""
    found, wrong = {}, given != right
    for name, loss in LOSSES.items():
        params = train_on(images, given, loss, seed)
        with torch.no_grad():
            score = accuracy(forward(classifier, params, exam[0]), exam[1])
            answers = forward(classifier, params, as_float(images)).argmax(1)
        found[name] = score, (answers == given)[wrong].double().mean().item()
    return found


# %%
def with_wrong_labels(rate, seed):
    """Return what both losses make of one sample of images, a share of its labels wrong."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(train.labels), generator=generator)[:N_IMAGES]
    right = train.labels[rows]
    given = flip_labels(right, rate=rate, n_classes=8, generator=generator)
    return by_both_losses(with_3_channels(train.images[rows]), right, given, seed)


runs = {r: [with_wrong_labels(r, s) for s in tqdm(range(N_SEEDS))] for r in (0.0, 0.4)}

# %%
scores = {
    (rate, name): torch.tensor([each[name][0] for each in found])
    for rate, found in runs.items()
    for name in LOSSES
}
titles = {0.0: "labels right", 0.4: "40 % wrong"}
points = {f"{titles[r]}, {name}": mean_and_ci95_of_few(v) for (r, name), v in scores.items()}
label = f"test accuracy, {N_SEEDS} seeds and samples of {N_IMAGES} images"
axes = plots.intervals(points, label=label, chance=1 / 8)
summary = "; ".join(f"{name} {interval}" for name, interval in points.items())
plots.show(axes, alt=f"Test accuracy with right and wrong training labels: {summary}.")

# %%
for rate in runs:
    gain = mean_and_ci95_of_few(scores[rate, "generalised"] - scores[rate, "cross-entropy"])
    print(f"{titles[rate]}: generalised minus cross-entropy, paired by seed: {gain}")
for name in LOSSES:
    cost = mean_and_ci95_of_few(scores[0.0, name] - scores[0.4, name])
    learnt = sum(each[name][1] for each in runs[0.4]) / N_SEEDS
    print(f"{name}: 40 % wrong labels cost {cost}; {learnt:.0%} of them were learnt by heart")

# %% [markdown]
# ## Harm 2: wrong labels in the support set
#
# Now few shots. Each split gets a prototypical network, trained on its base classes with right
# labels. In the test episodes a share of the *support* labels is wrong: under the name of class A
# lies an image of class B. Queries are judged by their true classes.

# %%
network = ConvNet(3, (32,) * 3, norm="group")
FEW_SHOT = {"n_steps": N_STEPS, "outer_lr": cosine(0.003, N_STEPS), "progress": None}


def few_shot_network(novel, seed):
    """Return a prototypical network trained on the base classes of a split."""
    generator = torch.Generator().manual_seed(seed)
    base = [c for c in train.labels.unique().tolist() if c not in novel]
    sizes = {"n_way": len(base), "k_shot": 5, "n_query": 10, "classes": base}
    sampler = EpisodeSampler(with_3_channels(train.images), train.labels, **sizes)
    return fit(
        lambda params, episode: prototypical_loss(network, params, episode),
        initial_params(network, generator=generator),
        sampler.episode,
        generator=generator,
        **FEW_SHOT,
    ).params


networks = [few_shot_network(novel, seed) for seed, novel in enumerate(tqdm(NOVEL))]


# %%
def feature_rows(params, images):
    """Return the features of images [..., height, width, 3]; raw pixels if there is no network."""
    rows = as_float(images.flatten(0, -4))
    with torch.no_grad():
        parts = [
            x.flatten(1) if params is None else forward(network, params, x) for x in rows.split(400)
        ]
    return torch.cat(parts).unflatten(0, images.shape[:-3])


embedded = [
    tuple(feature_rows(params, images) for images in pool)
    for params, pool in zip(networks, pools, strict=True)
]
ANSWERS = torch.arange(N_WAY).repeat_interleave(N_QUERY)


# %%
def draws(n_episodes, k_shot, rate, seed=0):
    """Yield labels, true classes and positions of the support, and positions of the queries.

    Every rate draws the same positions, so that before and after are paired.
    """
    generator, noise = (torch.Generator().manual_seed(s) for s in (seed, seed + 1))
    labels = torch.arange(N_WAY).repeat_interleave(k_shot)
    for _ in range(n_episodes):
        at = torch.randperm(POOL, generator=generator)[: N_WAY * max(SHOTS)][: len(labels)]
        asked = torch.stack([torch.randperm(POOL, generator=generator) for _ in range(N_WAY)])
        true = flip_labels(labels, rate=rate, n_classes=N_WAY, generator=noise)
        yield labels, true, at, asked[:, :N_QUERY]


def answers_right(examples, labels, queries, method="mean"):
    """Return the accuracy of nearest centres."""
    centres = robust_prototypes(examples, labels, N_WAY, method=method)
    return accuracy(prototypical_logits(queries, centres), ANSWERS)


# %%
def support_noise(split, k_shot, rate):
    """Return the accuracy of every episode."""
    support, query = embedded[split]
    found = [
        answers_right(
            support[true, at], labels, query[torch.arange(N_WAY)[:, None], asked].flatten(0, 1)
        )
        for labels, true, at, asked in draws(N_EPISODES, k_shot, rate)
    ]
    return torch.tensor(found)


noisy_support = {
    (k, rate): torch.stack([support_noise(s, k, rate) for s in range(N_SPLITS)])
    for k in tqdm(SHOTS)
    for rate in RATES
}

# %%
curves = {
    f"{k} shot{'s' * (k > 1)}": [mean_and_ci95(noisy_support[k, r].mean(0)) for r in RATES]
    for k in SHOTS
}
words = {"xlabel": "share of wrong support labels", "ylabel": f"accuracy, {N_EPISODES} episodes"}
axes = plots.bands(RATES, curves, chance=1 / N_WAY, **words)
for k in SHOTS:
    drop = mean_and_ci95(noisy_support[k, 0.0].mean(0) - noisy_support[k, 0.2].mean(0))
    print(f"{k:2} shots: a fifth of the support labels wrong costs {drop} (paired, episodes)")
summary = "; ".join(f"{n} {', '.join(f'{i.mean:.2f}' for i in c)}" for n, c in curves.items())
plots.show(axes, alt=f"Accuracy at shares {RATES} of wrong support labels: {summary}.")

# %% [markdown]
# The more shots, the less a wrong label matters: shots are a remedy. With one shot the rate 0.2 of
# four labels is rounded to *one* wrong label per episode (0.4 to two).
#
# ### Support or query: which wrong label hurts more?
#
# One shot, four classes, fifteen queries of each. Spoil **one** label: of a support image, or of a
# query. And, for comparison, as large a *share* of the query labels as one support label is of the
# support set: a quarter, fifteen of sixty.

# %%
harms = {"one support label": [], "one query label": [], "a quarter of the query labels": []}
for support, query in embedded:
    paired = zip(draws(N_EPISODES, 1, 0.0), draws(N_EPISODES, 1, 0.25), strict=True)
    noise, found = torch.Generator().manual_seed(2), {name: [] for name in harms}
    for (_, true, at, asked), (_, spoilt, _, _) in paired:
        queries = query[torch.arange(N_WAY)[:, None], asked].flatten(0, 1)
        good = prototypical_logits(queries, support[true, at])
        bad = prototypical_logits(queries, support[spoilt, at])
        before = accuracy(good, ANSWERS)
        found["one support label"].append(before - accuracy(bad, ANSWERS))
        for name, rate in zip(list(harms)[1:], (1 / 60, 1 / 4), strict=True):
            seen = flip_labels(ANSWERS, rate=rate, n_classes=N_WAY, generator=noise)
            found[name].append(before - accuracy(good, seen))
    for name, values in found.items():
        harms[name].append(torch.tensor(values))

# %%
points = {name: mean_and_ci95(torch.stack(each).mean(0)) for name, each in harms.items()}
label = f"accuracy lost, 1 shot, {N_EPISODES} episodes in each of {N_SPLITS} splits"
axes = plots.intervals(points, label=label, references={"nothing": 0.0})
summary = "; ".join(f"{name} {interval}" for name, interval in points.items())
plots.show(axes, alt=f"Accuracy lost by wrong labels: {summary}.")

# %% [markdown]
# One wrong support label moves a whole prototype, and with it the queries of two classes. One wrong
# query label changes the score by a sixtieth at most. A quarter of wrong query labels lowers the
# *measured* accuracy nearly as much, but no answer has changed: only the yardstick is bent. Label
# noise in a test set makes a model look worse than it is, and makes a better model look less far
# ahead.

# %% [markdown]
# ## Do robust centres help?
#
# Ten shots, and three situations: all well; two of ten labels wrong; two of ten images *strangers*
# (CT slices). Paired gain over the mean, on the same episodes.


# %%
def spoilt_support(situation, split, k_shot=10):
    """Yield support features, labels and query features of every episode."""
    support, query = embedded[split]
    odd = feature_rows(networks[split], strangers)
    for labels, true, at, asked in draws(N_SLOW, k_shot, 0.2 if situation == "labels" else 0.0):
        examples = support[true, at]
        if situation == "strangers":
            rows = torch.arange(len(labels)).view(N_WAY, k_shot)[:, :2].flatten()
            examples[rows] = odd[at[: len(rows)]]
        yield examples, labels, query[torch.arange(N_WAY)[:, None], asked].flatten(0, 1)


def centre_scores(situation, split):
    """Return method -> [N_SLOW]."""
    found = {method: [] for method in METHODS}
    for episode in spoilt_support(situation, split):
        for method in METHODS:
            found[method].append(answers_right(*episode, method))
    return {method: torch.tensor(values) for method, values in found.items()}


# %%
SITUATIONS = {
    "all well": "none",
    "2 of 10 labels wrong": "labels",
    "2 of 10 strangers": "strangers",
}
by_centre = {
    title: [centre_scores(situation, split) for split in range(N_SPLITS)]
    for title, situation in tqdm(SITUATIONS.items())
}
points = {}
for title, each in by_centre.items():
    mean = mean_and_ci95(torch.stack([found["mean"] for found in each]).mean(0))
    print(f"{title}: the mean itself is right on {mean}")
    for method in METHODS[1:]:
        gains = torch.stack([found[method] - found["mean"] for found in each]).mean(0)
        points[f"{title}: {method.replace('_', ' ')}"] = mean_and_ci95(gains)
label = f"accuracy minus that of the mean, {N_SLOW} episodes in each of {N_SPLITS} splits"
axes = plots.intervals(points, label=label, references={"mean": 0.0})
summary = "; ".join(f"{name} {interval}" for name, interval in points.items())
plots.show(axes, alt=f"Gain over the mean at 10 shots. {summary}.")

# %% [markdown]
# ## Harm 3: damaged images
#
# Five kinds of damage, six grades each, 0 is none (`medmeta_ref.robustness.corrupt`). The kinds are
# those of the benchmarks in spirit, the strengths are our own, so the numbers do not compare.


# %%
def look_at(kind, severity):
    """Draw one cell of every novel class of split 1, damaged."""
    g = torch.Generator().manual_seed(0)
    images = corrupt(pools[1][1][:, 0], kind, severity=severity, generator=g)
    titles = [train.class_names[c][:14] for c in NOVEL[1]]
    figure = plots.image_grid(images, titles, columns=4)
    return plots.show(figure, alt=f"Four cells with {kind} of severity {severity}.")


explore(look_at, kind=("gaussian_noise", list(SEVERITIES)), severity=(3, [0, 1, 2, 3, 4, 5]))

# %% [markdown]
# Five shots. The queries are damaged and the support set is not, as when a scanner changes after
# the few labelled images were collected. Three answers: the network; raw pixels; and the network
# with *new support images*, damaged like the queries.


# %%
def damaged_features(split, kind, severity):
    """Return rival -> features of support and queries."""
    params, (support, query) = networks[split], pools[split]
    g = torch.Generator().manual_seed(0)
    new_support, hurt = (
        corrupt(x.flatten(0, 1), kind, severity=severity, generator=g).view_as(x)
        for x in (support, query)
    )
    learnt = feature_rows(params, hurt)
    return {
        "network": (embedded[split][0], learnt),
        "raw pixels": (feature_rows(None, support), feature_rows(None, hurt)),
        "network, new support": (feature_rows(params, new_support), learnt),
    }


# %%
def damage_scores(split, kind, severity):
    """Return rival -> [n_episodes]: all on the same episodes, whatever the damage."""
    sides = damaged_features(split, kind, severity)
    found = {name: [] for name in sides}
    for labels, true, at, asked in draws(N_EPISODES // 2, 5, 0.0):
        for name, (support, query) in sides.items():
            queries = query[torch.arange(N_WAY)[:, None], asked].flatten(0, 1)
            found[name].append(answers_right(support[true, at], labels, queries))
    return {name: torch.tensor(values) for name, values in found.items()}


# %%
damaged = {
    (kind, severity): [damage_scores(split, kind, severity) for split in range(N_SPLITS)]
    for kind in tqdm(SEVERITIES)
    for severity in GRADES
}
RIVALS = ("network", "raw pixels", "network, new support")


# %%
def over_the_splits(kind, severity, rival):
    """Return [n_splits, n_episodes]."""
    return torch.stack([found[rival] for found in damaged[kind, severity]])


def by_severity(kind):
    """Draw accuracy against severity."""
    curves = {
        rival: [mean_and_ci95(over_the_splits(kind, s, rival).mean(0)) for s in GRADES]
        for rival in RIVALS
    }
    words = {"xlabel": f"severity of {kind}", "ylabel": "accuracy, 5 shots"}
    axes = plots.bands(GRADES, curves, chance=1 / N_WAY, **words)
    ends = "; ".join(f"{n} {c[0].mean:.2f} to {c[-1].mean:.2f}" for n, c in curves.items())
    return plots.show(axes, alt=f"{kind} from severity 0 to 5: {ends}.")


explore(by_severity, kind=("gaussian_noise", list(SEVERITIES)))

# %% [markdown]
# All kinds at severity 3, as accuracy *lost* against the undamaged queries of the same episodes.
# These intervals go over the class splits (Student's t): three are few, so they are long.

# %%
points = {}
for kind in SEVERITIES:
    for rival in RIVALS:
        lost = over_the_splits(kind, 0, rival) - over_the_splits(kind, 3, rival)
        points[f"{kind}: {rival}"] = mean_and_ci95_of_few(lost.mean(1))
label = f"accuracy lost at severity 3, {N_SPLITS} class splits"
axes = plots.intervals(points, label=label, references={"nothing": 0.0})
summary = "; ".join(f"{name} {interval}" for name, interval in points.items())
plots.show(axes, alt=f"Accuracy lost at severity 3: {summary}.")

# %% [markdown]
# Between the two ways to use the network everything is paired: the same episodes and the same
# damaged queries, only the support images differ. So the intervals over episodes are short:

# %%
for kind in SEVERITIES:
    old, new = (over_the_splits(kind, 3, rival).mean(0) for rival in RIVALS[::2])
    pixel = over_the_splits(kind, 3, "raw pixels").mean(0)
    gains = f"new support {mean_and_ci95(new - old)}, raw pixels {mean_and_ci95(pixel - old)}"
    print(f"{kind}, severity 3, minus the network with the old support: {gains}")

# %% [markdown]
# ## Strangers among the queries
#
# Some prototype is always the nearest. Is the *distance* to it a warning? Three of the four novel
# classes are known by five shots each. Strangers are images of the fourth (near), or CT slices
# (far). The AUROC is the share of (stranger, known) pairs in which the stranger is further from its
# nearest prototype; 0.5 is chance.


# %%
def stranger_scores(split, params):
    """Return near and far -> mean AUROC of a split."""
    support, query = (feature_rows(params, images) for images in pools[split])
    odd, found = feature_rows(params, strangers), {"near": [], "far": []}
    is_stranger = torch.arange(6 * N_QUERY) >= 3 * N_QUERY
    g = torch.Generator().manual_seed(3)
    for _, _, at, asked in draws(N_EPISODES // 2, 5, 0.0):
        known, other = torch.randperm(N_WAY, generator=g).split([3, 1])
        centres = support[known[:, None], at[:15].view(3, 5)].mean(1)
        inside = query[known[:, None], asked[known]].flatten(0, 1)
        some = torch.randperm(POOL, generator=g)[: 3 * N_QUERY]
        for name, outside in (("near", query[other[0], some]), ("far", odd[some])):
            short = torch.cat([inside, outside])
            wanted = is_stranger[: len(short)]
            found[name].append(auroc(outlier_scores(short, centres), wanted.long()))
    return {name: sum(values) / len(values) for name, values in found.items()}


# %%
points, start = {}, torch.Generator().manual_seed(0)
nets = {"network": networks, "untrained": [initial_params(network, generator=start)] * N_SPLITS}
for name, each in (nets | {"raw pixels": [None] * N_SPLITS}).items():
    found = [stranger_scores(split, params) for split, params in enumerate(each)]
    for what, title in (("near", "a cell type not shown"), ("far", "CT slices")):
        values = torch.tensor([scores_[what] for scores_ in found])
        points[f"{title}: {name}"] = mean_and_ci95_of_few(values)
points = dict(sorted(points.items(), reverse=True))
label = f"AUROC of the distance to the nearest prototype, {N_SPLITS} class splits"
axes = plots.intervals(points, label=label, chance=0.5)
summary = "; ".join(f"{name} {interval}" for name, interval in points.items())
plots.show(axes, alt=f"AUROC of outlier scores: {summary}.")

# %% [markdown]
# ## An honest reading
#
# What we got (another machine may differ a little in the last digits):
#
# - **Nothing here was robust by itself.** A fifth of the support labels wrong cost the one-shot
#   classifier 0.124 ± 0.008, damage of severity 3 between 0.05 and 0.40.
# - **The trained network was more fragile than raw pixels.** It is ahead on undamaged images (0.70
#   against 0.66 at five shots). With noise or blur of severity 3 raw pixels lost next to nothing,
#   the network 0.167 and 0.058 on average; with contrast and brightness both lost a lot. The splits
#   differ much: most of the network's intervals over splits hold 0.
# - **The cheapest remedy was new data, not a new method.** With support images from the same
#   "scanner" as the queries the network lost almost nothing at severity 3.
# - **The bounded loss helped where labels were wrong.** With 40 % wrong labels it was 0.068 ± 0.052
#   above cross-entropy, paired over three seeds, and had learnt 49 % of the wrong labels by heart
#   instead of 80 %. It did not restore what was lost: 0.61 against 0.78 with right labels. With
#   right labels there was no clear difference.
# - **Robust centres helped against strangers, and hardly against wrong labels.** With two CT slices
#   among ten examples they gained about 0.14. With two wrong labels it was less than 0.01: images
#   of other *cells* are not far away, and a median of scattered points is not much better than
#   their mean. Where all was well they cost nothing that we could measure.
# - **More shots were the best remedy for wrong labels.** A fifth of them wrong cost 0.124 with one
#   shot, 0.059 with five and 0.033 with ten.
# - **Distance finds what looks different altogether.** CT slices: AUROC 0.999 and more, even for an
#   untrained network and for raw pixels. A cell type that was not shown: about 0.7, and the
#   networks' intervals over splits reach down to chance. The rare disease is of the second kind.
#
# What these numbers cannot show: real errors, which are not spread evenly over images and classes
# (a text miner misses the same phrase every time); damage that real scanners do; attacks; images of
# another hospital; more pixels than 28 x 28; and how the ranking changes with training on damaged
# images, which is the usual remedy. Three class splits of one data set are few.
#
# ### The mistake that makes every table look good
#
# There are four centres, five kinds of damage and a setting $q$. Choose among them by looking at
# the damaged test images, and the table will show how well one can prepare for an exam whose
# questions are known. The rule of the benchmarks is simple: **the damaged test set is looked at
# once.** Choose on validation images, keep the kinds of damage of the test out of training and
# tuning, and report all kinds, also those where the remedy did harm. Here nothing was chosen: $q$
# is the paper's, all centres and all kinds are shown.

# %% [markdown]
# ## What it costs
#
# Flipping labels and damaging images cost nothing but computer time: one more evaluation for each
# kind and severity. The bounded loss costs what cross-entropy costs. A median sorts the support
# set, and the geometric median goes over it again and again, 200 times at most. The dear part is
# not in the code: a test set whose labels were read by several people.
#
# ## When not to use it
#
# - **A bounded loss where classes are rare.** Rare examples look absurd at first, just like wrong
#   ones. Look at the recall of the rare class before and after.
# - **A robust centre where shots are few.** Up to two examples all four centres are the mean; a
#   median of three throws away a good part of little.
# - **A distance as an alarm for everything.** It tells what looks different. A rare disease may
#   not.
# - **Flipped labels as a model of real errors.** Real errors are often systematic, and a network
#   cannot tell a systematic error from the rule.
#
# ## Two minutes aloud
#
# <details>
# <summary>A vendor says: robust, because meta-learned. What do you ask?</summary>
#
# Robust to what? Wrong labels, damage, another hospital, strangers and attacks are five questions.
# By default the literature says the opposite (Goldblum et al. 2020, Guo et al. 2020). I want before
# and after on the same images, paired, with intervals; beside it raw pixels and fine-tuning; and I
# ask on which images the settings were chosen.
#
# </details>
#
# <details>
# <summary>Why does cross-entropy learn wrong labels by heart, and what does a bounded loss
# change?</summary>
#
# The pull of a label is 1 - p: once the right labels are fitted, only the wrong ones pull, and the
# network has room enough. The generalised cross-entropy multiplies the pull by p^q, so that labels
# that the network finds absurd are given up. So are rare right ones, and learning starts slowly.
#
# </details>
#
# <details>
# <summary>The labels of your archive were read out of reports. What do you do first?</summary>
#
# I have a random sample read by two doctors: how many labels are wrong, and of which classes? That
# also gives a test set to trust. Training bears a good deal of noise, a yardstick does not. Then I
# spoil right labels to that degree and measure what it would cost, before I try a remedy.
#
# </details>
