# %% [markdown]
# # Lesson 01: learning to learn, in episodes, and what the ± after a result covers
#
# **Question.** A laboratory wants to recognise a cell type of which it has five labelled images.
# Other cell types it has by the thousand. How can those help, how do you test that they did, and
# how sure may you be of the number?
#
# - **Time.** 45 minutes to read; the computer needs about 2 of them on two cores.
# - **Know first.** How a classifier is trained; mean and standard deviation.
# - **Papers.** Hospedales et al. 2022, arXiv 2004.05439 (what meta-learning is); Vinyals et al.
#   2016, arXiv 1606.04080 (episodes); Snell et al. 2017, arXiv 1703.05175 (the learner used here).
# - **Then do** the exercises: `exercises/01_episodes`.

# %%
import hashlib
import itertools
import math
import os

import torch
import torch.nn.functional as F

from medmeta_ref import plots
from medmeta_ref.backbones import conv4
from medmeta_ref.datasets import load_or_synthetic
from medmeta_ref.episodes import EpisodeSampler, sample_episode, split_classes
from medmeta_ref.metrics import mean_and_ci95, mean_and_ci95_of_few
from medmeta_ref.params import forward, initial_params
from medmeta_ref.pixels import as_float
from medmeta_ref.prototypical import prototypical_gradient
from medmeta_ref.sliders import explore
from medmeta_ref.train import cosine, fit

# %% [markdown]
# The settings stand in one place. `MEDMETA_FAST=1` shrinks them so far that the lesson runs in
# seconds: good for testing the notebook, useless for conclusions.

# %%
FAST = os.environ.get("MEDMETA_FAST") == "1"
N_WAY, K_SHOT, N_QUERY = 3, 5, 15
N_EPISODES = 40 if FAST else 600  # per set of test classes, as in the few-shot papers
N_SPLITS = 2 if FAST else 8  # class splits on which a network is trained
TRAIN_STEPS = 4 if FAST else 300
META_BATCH_SIZE = 2
WIDTH = 16
LEAK_REPEATS = 3 if FAST else 30
LEAK_SHOTS = (1, 5, 20, 80) if FAST else (1, 5, 20, 100, 300)

# %% [markdown]
# ## The problem, and what meta-learning is
#
# Training from scratch on five images per class is hopeless; nobody has more of the rare type. But
# the laboratory has learnt to tell cell types apart many times before. **Meta-learning uses many
# learning problems to improve the learner itself**, so that it needs few examples on the next one.
# The word for one such problem is a **task**.
#
# Written down: a learner $A_\omega$ takes a small labelled **support** set $S$ and returns a
# classifier. What is chosen in advance, $\omega$, may be a feature extractor, a starting point, a
# step size. It is judged on other images of the same task, the **query** set $Q$:
#
# $$
# \min_\omega \; \mathbb{E}_{\text{tasks}} \Bigl[ \; L_Q\bigl( A_\omega(S) \bigr) \; \Bigr]
# \qquad\text{in place of}\qquad
# \min_\theta \; \mathbb{E}_{(x, y)} \bigl[ \; L(\theta; x, y) \; \bigr].
# $$
#
# Everything is in the order of the brackets on the left: the loss is measured **after** the learner
# has adapted, on images it did not adapt to. That is what makes it learning to *learn*.
#
# What one hears, and what is true:
#
# - *"It is learning to learn, so it adapts fast."* Right, and says nothing yet. Say what is
#   improved ($\omega$), and by which loss ($L_Q$ after adaptation).
# - *"It is also called generalisation learning."* That is no recognised name: all learning wants to
#   generalise.
# - *"It reduces the need for pre-training."* The other way round: it **adds** a long training over
#   many tasks. What falls is the number of labels per **new** task. You count both below.
# - *"Experience replay is its principle, then the model is updated, again and again."* Replay mixes
#   old samples into training, against forgetting: another problem, though both can be combined
#   (Riemer et al. 2019, arXiv 1810.11910). Updating again and again is any training. The principle
#   is the pair of brackets.
# - *"Too little data stops it."* Half right. Few labels per new task are what it is for. Few
#   **tasks** are what stops it: it learns them by heart (Yin et al. 2020, arXiv 1912.03820).
#
# **In medical imaging** the tasks are diseases, organs, scanners, hospitals: there is always a rare
# disease with five images beside common ones with thousands. That is the promise. Whether it is
# kept has to be measured each time.

# %% [markdown]
# ## Data, split by class
#
# BloodMNIST: single cells of eight types, 28 pixels wide (Acevedo et al. 2020). In ordinary
# learning one holds out *images*. Here the question is about cell types never met before, so one
# holds out **classes**: five to learn to learn on, three for the test. Settings would be chosen on
# a third group; here none are chosen, so there is none.

# %%
blood, blood_test = (load_or_synthetic("bloodmnist", part) for part in ("train", "test"))
n_classes = len(blood.class_names)
NAMES = [name.partition("(")[0][:20] for name in blood.class_names]
split = split_classes(
    blood.labels, n_train=5, n_val=0, n_test=3, generator=torch.Generator().manual_seed(0)
)
print(blood.source)
print("to learn to learn on:", ", ".join(NAMES[c] for c in split.train))
print("kept for the test:   ", ", ".join(NAMES[c] for c in split.test))

# %% [markdown]
# ## One episode
#
# A task is drawn as an **episode**: N classes (N-**way**), K support images of each (K-**shot**),
# and some query images of each. Within the episode a class is called by its **slot**, 0 to N - 1,
# and which class gets which slot is drawn anew every time. Otherwise a network could learn
# "lymphocytes are slot 2" by heart and never look at the support set.

# %%
shown = sample_episode(
    blood.images,
    blood.labels,
    n_way=N_WAY,
    k_shot=2,
    n_query=2,
    generator=torch.Generator().manual_seed(1),
    classes=split.train,
)
tiles = [*zip(shown.support_x, shown.support_y, ["support"] * 6, strict=True)]
tiles += [*zip(shown.query_x, shown.query_y, ["query"] * 6, strict=True)]
tiles.sort(key=lambda tile: int(tile[1]))  # a stable sort: support stays before query

# %%
pictures = ((torch.stack([x for x, _, _ in tiles]) + 1) * 127.5).to(torch.uint8)
titles = [f"slot {slot}, {part}" for _, slot, part in tiles]
grid = plots.image_grid(pictures.permute(0, 2, 3, 1), titles, columns=4)
plots.show(grid, alt="A 3-way 2-shot episode: a row per slot, two support and two query images.")

# %% [markdown]
# ## The learner
#
# A *prototypical network* is about the simplest there is: a network turns images into features,
# each class is represented by the mean feature of its support images, and a query belongs to the
# nearest mean. Here $\omega$ is the network's weights; adapting is taking three means. (Lesson 04
# takes it apart.) The normalisation is per image, so that the answer for one query cannot depend on
# the other queries; more on that below.
#
# Its rivals adapt in the very same way, but have learnt nothing: the same network with random
# weights, and no network at all (raw pixels, averaged over 4 x 4 squares). Without them you would
# not know whether learning to learn did anything.

# %%
N_CHANNELS = 3 if blood.images.shape[-1] == 3 else 1
model = conv4(N_CHANNELS, width=WIDTH, norm="group")


def learn_to_learn(images, labels, classes, *, seed):
    """Return the weights before and after training on episodes of some classes."""
    generator = torch.Generator().manual_seed(seed)
    sizes = {"n_way": N_WAY, "k_shot": K_SHOT, "n_query": N_QUERY}
    sampler = EpisodeSampler(images, labels, classes=classes, **sizes)
    untrained = initial_params(model, generator=generator)
    trained = fit(
        lambda params, episodes: prototypical_gradient(model, params, episodes),
        untrained,
        lambda g: sampler.episodes(META_BATCH_SIZE, g),
        n_steps=TRAIN_STEPS,
        outer_lr=cosine(0.005, TRAIN_STEPS),
        generator=generator,
        progress=None,
    )
    return untrained, trained.params


# %%
def features_of(params, images):
    """Return the network's features of all images, [n_images, n_features]."""
    with torch.no_grad():
        parts = [forward(model, params, as_float(part)) for part in images.split(512)]
    return torch.cat(parts)


def pixels_of(images):
    """Return coarse raw pixels, [n_images, n_features]."""
    return F.avg_pool2d(as_float(images), 4).flatten(1)


def episode_accuracies(features, labels, classes, *, seed=0):
    """Return the accuracy of nearest class means in each of many episodes of these classes."""
    sizes = {"n_way": len(classes), "k_shot": K_SHOT, "n_query": N_QUERY}
    sampler = EpisodeSampler(features, labels, classes=classes, **sizes)
    drawn = sampler.episodes(N_EPISODES, torch.Generator().manual_seed(seed))
    means = drawn.support_x.view(N_EPISODES, len(classes), K_SHOT, -1).mean(2)
    nearest = torch.cdist(drawn.query_x, means).argmin(2)
    return (nearest == drawn.query_y).double().mean(1)


# %% [markdown]
# All three answer the **same** episodes of the held-out classes, drawn from the official test
# images with the same seed. So their differences are paired.

# %%
untrained, trained = learn_to_learn(blood.images, blood.labels, split.train, seed=0)
pixels = pixels_of(blood_test.images)
learners = {
    "trained on 5 classes": features_of(trained, blood_test.images),
    "same network, untrained": features_of(untrained, blood_test.images),
    "raw pixels": pixels,
}
accuracies = {
    name: episode_accuracies(features, blood_test.labels, split.test)
    for name, features in learners.items()
}

# %%
label = f"accuracy, {N_WAY}-way {K_SHOT}-shot, 95 % interval over {N_EPISODES} episodes"
points = {name: mean_and_ci95(values) for name, values in accuracies.items()}
axes = plots.intervals(points, label=label, chance=1 / N_WAY)
summary = "; ".join(f"{name} {interval}" for name, interval in points.items())
plots.show(axes, alt=f"Accuracy on three held-out classes of {blood.source}: {summary}.")

# %%
for rival in list(accuracies)[1:]:
    gain = mean_and_ci95(accuracies["trained on 5 classes"] - accuracies[rival])
    print(f"trained minus {rival}, episode by episode: {gain}")

# %% [markdown]
# Narrow intervals, and both differences clear of 0. Could you write the paper now? Ask first what
# was repeated. The 600 episodes share their three classes, their split and their trained network.
# The interval
#
# $$
# \bar a \pm 1.96\, \frac{s}{\sqrt n}
# $$
#
# with the standard deviation $s$ of the n episodes is about one thing: other episodes **of these
# three classes**.

# %% [markdown]
# ## What the ± covers, and what it does not
#
# Raw pixels need no training, so for them we can afford to try *every* choice of three test
# classes, and compute the usual interval for each. Each dot below is what one paper would have
# printed, had its split been that one. The dashed line is their mean: the answer to "how well does
# this do on three cell types?".

# %%
class_sets = list(itertools.combinations(range(n_classes), N_WAY))
per_set = torch.stack([episode_accuracies(pixels, blood_test.labels, c) for c in class_sets])
over_sets = float(per_set.mean())
usual = [mean_and_ci95(row) for row in per_set]
n_holding = sum(interval.holds(over_sets) for interval in usual)
half_width = sum(interval.half_width for interval in usual) / len(usual)
print(f"{len(usual)} sets of {N_WAY} classes, mean accuracy {over_sets:.3f}")
print(f"half-width of the usual interval, on average: {half_width:.4f}")
print(f"standard deviation between sets of classes:   {per_set.mean(1).std():.4f}")
print(f"intervals that hold the mean: {n_holding} of {len(usual)}; 95 % would be ", end="")
print(f"{0.95 * len(usual):.0f}")

# %% [markdown]
# Move the slider. More episodes make the intervals shorter (at 600 they are hidden behind their
# markers), and the spread stays where it is: so **the more episodes you draw, the more surely the
# interval misses**.


# %%
def with_episodes(episodes_per_set):
    """Return the figure of all sets of classes, each tested with that many episodes."""
    found = [mean_and_ci95(row[:episodes_per_set]) for row in per_set]
    axes = plots.caterpillar(
        found,
        value=over_sets,
        value_name="mean of all sets",
        xlabel=f"all {len(found)} sets of {N_WAY} classes, in order",
        ylabel=f"accuracy, {episodes_per_set} episodes",
        chance=1 / N_WAY,
        limits=(0.25, 1.0),
    )
    n_held = sum(interval.holds(over_sets) for interval in found)
    words = f"{episodes_per_set} episodes per set of classes: {n_held} of {len(found)} intervals"
    return plots.show(axes, alt=f"{words} hold the mean over all sets, {over_sets:.3f}.")


# %%
choices = (10, 20, 40) if FAST else (10, 30, 100, 300, 600)
explore(with_episodes, episodes_per_set=(choices[-1], choices))

# %%
order = per_set.mean(1).argsort().tolist()
for which, at in (("hardest", order[0]), ("easiest", order[-1])):
    print(f"{which}: {', '.join(NAMES[c] for c in class_sets[at])}: {usual[at]}")

# %% [markdown]
# ## The interval to print
#
# If the claim is about new classes, repeat the **split**: draw it anew, train anew, test, and take
# the mean of its episodes as *one* number. The interval goes over these few numbers, by Student's
# t. Two cautions. The splits of eight classes overlap, so even this interval is somewhat too
# narrow; and it speaks of cell types like these, not of another organ.

# %%
by_split = {name: [] for name in ("trained", "untrained", "raw pixels")}
for seed in range(N_SPLITS):
    one = split_classes(
        blood.labels, n_train=5, n_val=0, n_test=3, generator=torch.Generator().manual_seed(seed)
    )
    before, after = learn_to_learn(blood.images, blood.labels, one.train, seed=seed)
    tested = (features_of(after, blood_test.images), features_of(before, blood_test.images), pixels)
    for name, features in zip(by_split, tested, strict=True):
        by_split[name].append(episode_accuracies(features, blood_test.labels, one.test))
tables = {name: torch.stack(rows) for name, rows in by_split.items()}

# %%
over_splits = {name: mean_and_ci95_of_few(table.mean(1)) for name, table in tables.items()}
label = f"accuracy, 95 % interval over {N_SPLITS} class splits (Student's t)"
axes = plots.intervals(over_splits, label=label, chance=1 / N_WAY)
summary = "; ".join(f"{name} {interval}" for name, interval in over_splits.items())
plots.show(axes, alt=f"Accuracy over {N_SPLITS} class splits: {summary}.")

# %%
for rival in ("untrained", "raw pixels"):
    gains = (tables["trained"] - tables[rival]).mean(1)
    signs = f"{int((gains > 0).sum())} of {len(gains)} splits"
    print(f"trained minus {rival}: {mean_and_ci95_of_few(gains)}, above 0 in {signs}")

# %% [markdown]
# ## An honest reading
#
# What we got on BloodMNIST (your digits may differ in the last place):
#
# - **One split.** On eosinophils, monocytes and neutrophils the trained network has 0.659 ± 0.006,
#   raw pixels 0.646 ± 0.007. The paired difference is 0.013 ± 0.008. A paper would say: *better,
#   significantly so.*
# - **Other classes.** Over all 56 sets raw pixels range from 0.455 (basophil, immature granulocyte,
#   monocyte) to 0.974 (lymphocyte, monocyte, platelet). The standard deviation between sets, 0.117,
#   is 21 times the usual half-width of 0.0055. Of 56 intervals said to be right in 95 % of cases, 2
#   hold the mean. They are right about what they are about; it is another question.
# - **Other splits.** Over eight splits, trained minus raw pixels is 0.010 ± 0.051, and above 0 in
#   four of eight. The certainty of the first split is gone. Trained minus untrained is 0.095 ±
#   0.038 and above 0 in all eight.
#
# So meta-training did improve the network, and we cannot say that it beats coarse raw pixels on
# new cell types. With five training classes that is no surprise; see the costs below. Note how
# pairing helps: the three means of the figure have intervals of more than ± 0.1, because some
# splits are easy for everybody; their *differences* within a split are far steadier.

# %% [markdown]
# ## Leaks: the same patient on both sides
#
# Splitting by class is not enough. Neighbouring slices of one CT look almost alike, and so do two
# photographs of one mole. If a patient is in the support set *and* among the queries, the learner
# may recognise the patient.
#
# OrganAMNIST shows it: 11 organs in slices of CT scans, its official parts hold different patients.
# We ask for the organ of the same query images twice. Once the labelled examples come from the
# **same part** (their own patients among them), once from the training part (**other patients**).
# Same number of examples, same method: the nearest labelled image in raw pixels.

# %%
organ, organ_test = (load_or_synthetic("organamnist", part) for part in ("train", "test"))
half_size = {
    name: F.avg_pool2d(as_float(part.images), 2).flatten(1)
    for name, part in (("train", organ), ("test", organ_test))
}
members = {
    name: [(part.labels == c).nonzero().flatten() for c in range(len(part.class_names))]
    for name, part in (("train", organ), ("test", organ_test))
}
print(organ_test.source)


def drawn(part, n_each, generator):
    """Return the positions of that many images of every class, [n_classes, n_each]."""
    pools = members[part]
    return torch.stack([p[torch.randperm(len(p), generator=generator)[:n_each]] for p in pools])


# %%
def nearest_neighbour_accuracies(k_shot, generator):
    """Return the accuracy on the same queries, asked of the same and of other patients."""
    same = drawn("test", N_QUERY + k_shot, generator)
    queries, same = half_size["test"][same[:, :N_QUERY].flatten()], same[:, N_QUERY:]
    truth = torch.arange(len(same)).repeat_interleave(N_QUERY)
    slots = torch.arange(len(same)).repeat_interleave(k_shot)
    found = []
    for part, chosen in (("test", same), ("train", drawn("train", k_shot, generator))):
        distances = torch.cdist(queries, half_size[part][chosen.flatten()])
        found.append((slots[distances.argmin(1)] == truth).double().mean())
    return found


generator = torch.Generator().manual_seed(0)
leak = torch.tensor(
    [[nearest_neighbour_accuracies(k, generator) for _ in range(LEAK_REPEATS)] for k in LEAK_SHOTS]
)

# %%
whose = ("same patients", "other patients")
curves = {who: [mean_and_ci95(row[:, k]) for row in leak] for k, who in enumerate(whose)}
words = {"xlabel": "labelled images per organ", "ylabel": "accuracy, 95 % over repetitions"}
axes = plots.bands(LEAK_SHOTS, curves, **words, chance=1 / len(organ.class_names))
axes.set_xscale("log")
gaps = [mean_and_ci95(row[:, 0] - row[:, 1]) for row in leak]
summary = "; ".join(f"{k} images: {gap}" for k, gap in zip(LEAK_SHOTS, gaps, strict=True))
plots.show(axes, alt=f"The gap between same and other patients widens with the images: {summary}.")

# %%
for k, gap in zip(LEAK_SHOTS, gaps, strict=True):
    print(f"{k:4} labelled images per organ: same patients minus other patients {gap}")

# %% [markdown]
# On the official images: no gap with one labelled image per organ (0.002 ± 0.025), 0.044 ± 0.024
# with five, 0.294 ± 0.010 with three hundred. Whoever splits such slices at random reports 95 %
# where 65 % is what the next patient gets. Five images out of thousands seldom hit the patient of a
# query; meta-training, which sees all images, hits every one. (A caution: the two parts may differ
# in more than patients, in scanners for instance. And the synthetic stand-ins have no patients:
# expect no gap there.)
#
# Some leaks can be found without any list of patients. Byte for byte the same image on both sides:


# %%
def twins(image_set, other):
    """Return how many images of `other` are byte for byte in `image_set`."""
    prints = {hashlib.sha256(image.numpy().tobytes()).digest() for image in image_set.images}
    return sum(hashlib.sha256(i.numpy().tobytes()).digest() in prints for i in other.images)


for name in ("bloodmnist", "breastmnist", "organamnist", "pneumoniamnist"):
    parts = [load_or_synthetic(name, part) for part in ("train", "val", "test")]
    counts = [(len(part.images), twins(parts[0], part)) for part in parts[1:]]
    print("{}: of {} validation images {} are training images, ".format(name, *counts[0]), end="")
    print("of {} test images {}".format(*counts[1]))

# %% [markdown]
# ### A register of leaks and shortcuts
#
# What to know before you trust a number on these sets. "Split by" is what the official parts
# separate.
#
# - **OrganA, C, S and 3D**, by patient: the same 115 / 16 / 70 CTs in all four. A network
#   meta-trained on one of them and tested on another has met the patients.
# - **DermaMNIST**, by image: 886 of 2,005 test images show a lesion of the training set (Abhishek
#   et al. 2025, Scientific Data 12:196, who offer corrected parts).
# - **PneumoniaMNIST**, training and validation by image: 8 validation images are training images.
#   Its validation accuracy says little about the test.
# - **OCTMNIST**, training and validation by image: patients are shared between the two.
# - **PathMNIST**, test from another centre: colour alone tells more than half of the nine classes
#   (Ignatov and Malivenko 2024, arXiv 2409.11546).
# - **BloodMNIST**, by cell: one person's cells may be on both sides.
# - **TissueMNIST**, by cell: all cells come from 3 specimens.
# - **NoduleMNIST3D**, by nodule: a patient can have several. Nodules of uncertain malignancy were
#   removed, so what is left is easier than the clinic.
# - **ChestMNIST**: labels were mined from reports, not read from images.
# - **All of them**: numbers of labels differ. The heart is 3 in OrganAMNIST and 6 in OrganMNIST3D.

# %% [markdown]
# ## One more leak: transductive or inductive
#
# Batch normalisation computes mean and variance over the images it is given. If those are the
# queries of an episode, the answer to one query depends on the others. Such a learner is
# **transductive**. It is no mistake, but another problem: in an episode the queries come nicely
# balanced, in a clinic they come one at a time. An **inductive** learner answers each query alone.
# Test it: does one query get the same features alone and in company?

# %%
episode = sample_episode(
    blood_test.images,
    blood_test.labels,
    n_way=N_WAY,
    k_shot=K_SHOT,
    n_query=N_QUERY,
    generator=torch.Generator().manual_seed(0),
    classes=split.test,
)
with torch.no_grad():
    for norm in ("batch", "group"):
        network = conv4(N_CHANNELS, width=WIDTH, norm=norm)
        weights = initial_params(network, generator=torch.Generator().manual_seed(0))
        together = forward(network, weights, episode.query_x)
        change = (forward(network, weights, episode.query_x[:10]) - together[:10]).abs().max()
        kind = "transductive" if change > 1e-3 else "inductive"
        print(f'norm="{norm}": features change by up to {change:.6f}: {kind}')

# %% [markdown]
# Well-known tables mix both kinds. The openai/supervised-reptile code says of MAML that it is
# typically used transductively, and reports Reptile both ways on 5-way 1-shot miniImageNet: 47.07 %
# inductive and 49.97 % transductive (Nichol et al. 2018, arXiv 1803.02999). A gap of that size
# decides rankings. So say which kind you measured.

# %% [markdown]
# ## What it costs
#
# Meta-learning moves the cost; it does not remove it.

# %%
seen = torch.isin(blood.labels, torch.tensor(split.train)).sum().item()
drawn_images = TRAIN_STEPS * META_BATCH_SIZE * N_WAY * (K_SHOT + N_QUERY)
print(f"labels used by meta-training:          {seen:,} images of {len(split.train)} classes")
print(f"images drawn for {TRAIN_STEPS * META_BATCH_SIZE} training episodes:  {drawn_images:,}")
print(f"labels used by a new task:             {N_WAY * K_SHOT}")
print(f"different sets of {N_WAY} training classes:    {math.comb(len(split.train), N_WAY)}")

# %% [markdown]
# The last line is the narrow place. Thousands of images make only **ten** different sets of
# training classes. A benchmark such as Omniglot has over a thousand classes; MedMNIST's flat sets
# have 2 to
# 14. Expect a learner trained on ten tasks to know those ten.
#
# ## When not to use it
#
# - **The new task has hundreds of labels.** Then train, or fine-tune, on them.
# - **You have one task, or four similar ones.** There is nothing to learn to learn from. Start from
#   a network trained on something large, and compare with raw pixels.
# - **The new task comes from elsewhere.** Under a change of domain, plain fine-tuning beat all
#   meta-learners by 12.8 % on average in one large comparison, with dermatology and chest X-rays
#   among its tests (Guo et al. 2020, "A Broader Study of Cross-Domain Few-Shot Learning").
# - **For a decision about a patient.** 28 pixels, weak labels, balanced episodes: nothing here is
#   for clinical use.
#
# ## Two minutes aloud
#
# <details>
# <summary>Explain meta-learning to a radiologist.</summary>
#
# A resident who has learnt to read many findings needs few examples of a new one: she knows what to
# look at. We train a program on many small reading tasks, each with a few labelled images to learn
# from and others to be judged on, and improve it until it learns such tasks from few images. Then
# it gets five images of a finding it has never seen. It still needs its many tasks first, and it
# may fail where images come from another scanner, so we test on findings and patients kept apart.
#
# </details>
#
# <details>
# <summary>"95.2 ± 0.3 % over 600 episodes." What do you ask the speaker?</summary>
#
# Which classes were held out, and how many splits were tried: with one split the ± covers only
# other episodes of these classes. Whether a patient can be in support and query, or in training and
# test. Whether batch norm saw the queries together. How nearest class means of raw pixels and a
# plainly pre-trained network do on the same episodes. How the worst episodes look.
#
# </details>
#
# <details>
# <summary>How does meta-learning differ from transfer and from multi-task learning?</summary>
#
# Multi-task learning trains one model that is good on all training tasks at once. Transfer learning
# takes a model trained for one purpose and adapts it to another; nothing in its first training knew
# that it would be adapted. Meta-learning puts adaptation inside the training: the loss is taken
# after adapting to a task, and what is learnt is how to adapt. On new tasks a good transfer is
# often just as good, and is the rival to beat.
#
# </details>
