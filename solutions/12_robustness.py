# %% [markdown]
# # Exercises 12: wrong labels, damaged images and strangers, made and borne
#
# **Question.** Some labels are wrong, some images are damaged, and some patients have none of your
# diseases. How do you make each of these to order, so that you can measure what it costs? And which
# losses and centres bear it?
#
# - **Time.** About two hours of your own, a few seconds of the computer's.
# - **Know first.** Cross-entropy, medians, class means (unit 04); the lesson
#   `lessons/12_robustness`.
# - **Papers.** Zhang and Sabuncu 2018, arXiv 1805.07836 (the loss); Hendrycks and Dietterich 2019,
#   arXiv 1903.12261 (damage to order).
#
# You write eight functions and answer thirteen questions. Replace the line that raises
# `NotImplementedError`, run the cell, run the check below it. A check says one of four things: *not
# attempted*, *wrong* (with the likely mistake), *your code raised* (with your line), *right*.
# Warnings cost nothing. At grading the checks draw other numbers than here, and each answer stands
# on its own: do not call one from another.

# %%
import torch
import torch.nn.functional as F

from medmeta_ref.grading.check import check
from medmeta_ref.grading.side_by_side import side_by_side
from medmeta_ref.questions import ask

# %% [markdown]
# ## The example: an archive labelled by its reports
#
# A hospital has an archive of chest radiographs. Nobody drew labels for research; a program read
# them out of the written reports, as was done for the NIH collection behind ChestMNIST. Some labels
# are therefore wrong. Nobody knows which, or how many. Some images come from an old detector, and
# some show things that no label names.
#
# With real errors you cannot measure much, because you do not know the truth. So one takes labels
# that can be trusted, spoils a *known* share of them, and compares before with after.

# %% [markdown]
# ## Part 1: wrong labels to order

# %% [markdown] card="flip_labels"
# title: "Exercise 1: exactly so many wrong labels"
# difficulty: 2
# importance: 5
# minutes: 15
# points: 10
# objective: Spoil a known number of labels, each in a way that is as likely as the others.
# hints:
#   - "Which labels? `torch.randperm(n, generator=generator)` begins with as many as you like."
#   - >-
#     Which wrong class? Think of the classes as a circle of n_classes places. Which steps around it
#     never come back to where they began?
#   - "Work on `labels.clone()`: the caller still needs the right labels."
# help:
#   "at rate 0.4 only 0.3 of my labels are wrong": >-
#     You draw the new class from *all* classes; sometimes that is the old one. Many papers do it
#     so and call it 40 % noise.
#   "the count changes from call to call": >-
#     A coin for each label has the right mean and a different count every time. Then before and
#     after differ by luck, too.


# %% grade_id="flip_labels"
def flip_labels(labels, *, rate, n_classes, generator):
    """Return labels of which exactly round(rate * n) are wrong.

    labels: [n], integers in 0..n_classes-1. Not changed.
    Which ones, and which of the other classes, is drawn from `generator` alone, all equally likely.
    """
    ### BEGIN SOLUTION
    n_wrong = round(rate * len(labels))
    positions = torch.randperm(len(labels), generator=generator)[:n_wrong]
    shift = torch.randint(1, n_classes, (n_wrong,), generator=generator)
    spoilt = labels.clone()
    spoilt[positions] = (spoilt[positions] + shift) % n_classes
    return spoilt
    ### END SOLUTION


# %% grade_id="flip_labels_check" points=10
check("12.flip_labels", flip_labels)

# %% [markdown]
# ## Part 2: damage to order
#
# Three kinds, for grey images with values in 0..1. `strength` 0 changes nothing.
#
# | kind | what happens to a pixel $x$ |
# | --- | --- |
# | `"noise"` | $x + s\,z$, with $z$ from the standard normal, another for each pixel |
# | `"brightness"` | $x + s$ |
# | `"contrast"` | $m + (1 - s)(x - m)$, with $m$ the mean of *its own image* |
#
# A detector knows nothing below black or above white: what leaves 0..1 is cut off.

# %% [markdown] card="corrupt"
# title: "Exercise 2: three kinds of damage"
# difficulty: 2
# importance: 4
# minutes: 15
# points: 10
# objective: Damage images to a known degree, reproducibly, each by itself.
# hints:
#   - "`images.mean((1, 2), keepdim=True)` has one mean per image, [n, 1, 1]."
#   - "`torch.randn(images.shape, generator=generator)` has one number per pixel."
#   - "`.clamp(0, 1)` once, at the end, does for all three."
# help:
#   "contrast is wrong for dark images only": >-
#     One mean over the whole batch makes each image depend on those beside it.
#   "my noise is the same for all images": >-
#     Its shape has to be that of `images`; a smaller one is repeated.


# %% grade_id="corrupt"
def corrupt(images, kind, *, strength, generator):
    """Return damaged copies of the images, with values in 0..1.

    images: [n, height, width], in 0..1. Not changed. kind: "noise", "brightness" or "contrast".
    strength: 0 or more; for contrast at most 1. Only noise draws from `generator`.
    """
    ### BEGIN SOLUTION
    if kind == "noise":
        damaged = images + strength * torch.randn(images.shape, generator=generator)
    elif kind == "brightness":
        damaged = images + strength
    else:
        own = images.mean((1, 2), keepdim=True)
        damaged = own + (1 - strength) * (images - own)
    return damaged.clamp(0, 1)
    ### END SOLUTION


# %% grade_id="corrupt_check" points=10
check("12.corrupt", corrupt)

# %% [markdown]
# ## Part 3: a loss with a bound
#
# Cross-entropy is $-\log p$, where $p$ is the probability that the network gives to the label. Is
# the label wrong and the network sure of the truth, $p$ is nearly 0 and the loss has no limit: the
# wrong labels shout loudest. The *generalised cross-entropy* has a setting $q$ in $(0, 1]$:
#
# $$
# L_q = \frac{1 - p^q}{q}
# $$

# %% [markdown] card="generalised_cross_entropy"
# title: "Exercise 3: the generalised cross-entropy"
# difficulty: 3
# importance: 5
# minutes: 20
# points: 14
# objective: Write a loss between cross-entropy and 1 - p that survives p = 0, gradient and all.
# hints:
#   - "`F.log_softmax(logits, dim=1)` gives all log p without a detour through p."
#   - "`.gather(1, labels[:, None])` picks one number out of each row."
#   - "p^q is exp(q log p). Its slope is 0 where p is 0; that of `p ** q` is not a number there."
# help:
#   "my value is right and the gradient is nan": >-
#     softmax made p exactly 0. `p ** q` then has an infinite slope, and softmax a slope of 0;
#     infinity times 0 is nan. Stay with log p.
#   "right for q = 1 only": >-
#     The division by q is missing.


# %% grade_id="generalised_cross_entropy"
def generalised_cross_entropy(logits, labels, *, q):
    """Return the mean over examples of (1 - p^q) / q, p the probability of the label.

    logits: [n_examples, n_classes]; labels: [n_examples], integers; 0 < q <= 1.
    Returns a tensor without axes, differentiable in `logits`.
    """
    ### BEGIN SOLUTION
    log_p = F.log_softmax(logits, dim=1).gather(1, labels[:, None])
    return ((1 - torch.exp(q * log_p)) / q).mean()
    ### END SOLUTION


# %% grade_id="generalised_cross_entropy_check" points=14
check("12.generalised_cross_entropy", generalised_cross_entropy)

# %% [markdown]
# ### Look at it
#
# The loss is also an area: that under $u^{q-1}$ from $u = p$ to $u = 1$. Left, this area, added up
# in thin strips; no power of $p$ is taken. In the middle, your function for one example with two
# classes. The top row is close to cross-entropy, and the left column is a label that the network
# finds absurd. Where does the loss stay calm?

# %%
QS, PS = torch.tensor([0.01, 0.3, 0.7, 1.0]), torch.tensor([0.01, 0.1, 0.3, 0.5, 0.9, 0.99])


def area_in_strips():
    """Return the area under u^(q-1) from p to 1, [4, 6], by the middle of 20,000 strips."""
    edges = PS[:, None] + (1 - PS)[:, None] * torch.linspace(0, 1, 20_001)
    middles, widths = (edges[:, 1:] + edges[:, :-1]) / 2, edges.diff(dim=1)
    return torch.stack([(widths * middles ** (q - 1)).sum(1) for q in QS])


def your_losses():
    """Return your loss of one example, for every q and p."""
    logits = torch.stack([torch.log(PS / (1 - PS)), torch.zeros(6)], dim=1)
    label = torch.tensor([0])
    return torch.stack(
        [
            torch.stack([generalised_cross_entropy(row[None], label, q=float(q)) for row in logits])
            for q in QS
        ]
    )


# %%
side_by_side(
    area_in_strips,
    your_losses,
    xlabel="p = 0.01, 0.1, 0.3, 0.5, 0.9, 0.99",
    ylabel="q = 0.01, 0.3, 0.7, 1",
    alt="Areas, your generalised cross-entropy, and the difference: blank when right.",
)

# %% [markdown]
# ## Part 4: centres that bear strangers
#
# A prototype is a mean, and one example can carry a mean anywhere. Two other centres, both for the
# examples of a single class:
#
# - the **trimmed mean**: of every feature, leave out the `n_cut` lowest and the `n_cut` highest
#   values and average the others. `n_cut=0` is the mean; as many as possible, the median;
# - the **geometric median**: the point with the least sum of distances. Unlike the median of every
#   feature, it turns when the features are turned.

# %% [markdown] card="trimmed_centre"
# title: "Exercise 4: one knob from mean to median"
# difficulty: 2
# importance: 4
# minutes: 10
# points: 8
# objective: Cut the extremes of every feature, on both sides.
# hints:
#   - "`examples.sort(0).values` sorts every column for itself."
#   - "The slice from `n_cut` to `n - n_cut` works for n_cut = 0, too; `[n_cut:-n_cut]` does not."
# help:
#   "mean of empty slice, or nan, when nothing is cut": >-
#     `[0:-0]` is empty. Count from the front: `len(examples) - n_cut`.
#   "I get one of the examples": >-
#     Sorting whole rows keeps features together. Here each feature is cut for itself.


# %% grade_id="trimmed_centre"
def trimmed_centre(examples, *, n_cut):
    """Return the mean of every feature without its n_cut lowest and n_cut highest values.

    examples: [n, n_features], with n > 2 * n_cut. Returns [n_features].
    """
    ### BEGIN SOLUTION
    in_order = examples.sort(0).values
    return in_order[n_cut : len(examples) - n_cut].mean(0)
    ### END SOLUTION


# %% grade_id="trimmed_centre_check" points=8
check("12.trimmed_centre", trimmed_centre)

# %% [markdown]
# Weiszfeld's way to the geometric median: begin at the mean; again and again take the weighted mean
# of the examples, each weighed by one over its distance to the centre so far. Far examples hardly
# count. Where the centre meets an example, a distance is 0.

# %% [markdown] card="geometric_median"
# title: "Exercise 5: the geometric median"
# difficulty: 3
# importance: 4
# minutes: 15
# points: 10
# objective: Find the point with the least sum of distances, and do not divide by 0 on the way.
# hints:
#   - "Three lines in a loop: distances, weights, weighted mean. 200 turns are plenty."
#   - "`.clamp(min=1e-9)` on the distances. Is that safe? What weight does such an example get?"
# help:
#   "nan": >-
#     The centre sits on an example: 1 / 0 is infinite, and infinity by infinity is nan.
#   "I am a few hundredths off": >-
#     Every step goes a part of the way. Take more of them, or stop when a step is tiny.


# %% grade_id="geometric_median"
def geometric_median(examples):
    """Return the point with the least sum of Euclidean distances to the examples.

    examples: [n, n_features]. Returns [n_features], right to a thousandth.
    """
    ### BEGIN SOLUTION
    centre = examples.mean(0)
    for _turn in range(500):
        pull = 1 / (examples - centre).norm(dim=1).clamp(min=1e-9)
        centre = pull @ examples / pull.sum()
    return centre
    ### END SOLUTION


# %% grade_id="geometric_median_check" points=10
check("12.geometric_median", geometric_median)

# %% [markdown]
# ## Part 5: strangers among the queries
#
# Some prototype is always the nearest, even for an image that shows none of the classes. Its
# *distance* may give the stranger away: take the distance to the nearest prototype as a score. How
# good is a score? Take every pair of an outlier and another query, and count in how many of them
# the outlier scores higher; a tie is half a win. This share is the AUROC. It is 0.5 for a score
# that knows nothing, and needs no threshold.

# %% [markdown] card="outlier_auroc"
# title: "Exercise 6: how well does distance tell?"
# difficulty: 2
# importance: 4
# minutes: 10
# points: 8
# objective: Judge an outlier score by the order of pairs, ties included.
# hints:
#   - "`torch.cdist(queries, prototypes)` holds all distances. Take the minimum of each row."
#   - >-
#     Outlier scores as a column, the others as a row: comparing them gives the table of all pairs.
# help:
#   "I get 1 minus the right value": >-
#     An outlier is *far*: the higher the distance, the likelier an outlier.
#   "ties": >-
#     `>` counts nothing for equal scores, `>=` counts all. The mean of both is right.


# %% grade_id="outlier_auroc"
def outlier_auroc(queries, prototypes, is_outlier):
    """Return the share of (outlier, other) pairs that the nearest-prototype distance orders right.

    queries: [n_queries, n_features]; prototypes: [n_way, n_features];
    is_outlier: [n_queries], bool, both kinds present. Returns a number or a tensor without axes.
    """
    ### BEGIN SOLUTION
    score = torch.cdist(queries, prototypes).min(1).values
    odd, known = score[is_outlier][:, None], score[~is_outlier]
    return ((odd > known).double() + (odd >= known).double()).mean() / 2
    ### END SOLUTION


# %% grade_id="outlier_auroc_check" points=8
check("12.outlier_auroc", outlier_auroc)

# %% [markdown]
# ## Part 6: find the bugs
#
# A study of robustness, put together from habits that are common in public code. `fit(x, y, q)`
# trains a model with the loss above, `accuracy(model, x, y)` judges it, `damage(x)` returns damaged
# copies. The study chooses the best `q` and says what damage costs.
#
# ```text
#  1  def study(fit, accuracy, damage, train, val, test, *, qs, rate, n_classes, generator):
#  2      (train_x, train_y), (val_x, val_y), (test_x, test_y) = train, val, test
#  3      hit = torch.rand(len(train_y), generator=generator) < rate
#  4      drawn = torch.randint(n_classes, train_y.shape, generator=generator)
#  5      noisy_y = train_y
#  6      noisy_y[hit] = drawn[hit]
#  7      models = {q: fit(train_x, noisy_y, q) for q in qs}
#  8      best = max(qs, key=lambda q: accuracy(models[q], damage(test_x), test_y))
#  9      before = accuracy(models[best], train_x, train_y)
# 10      after = accuracy(models[best], damage(test_x), test_y)
# 11      return best, before - after, noisy_y
# ```
#
# It runs, and its table looks like many others. People who looked closer saw five things:
#
# | symptom | what was seen |
# | --- | --- |
# | `"uneven noise"` | with very many classes the number of wrong labels varies with the seed |
# | `"half the noise"` | with two classes, `rate=0.4` makes only a fifth of the labels wrong |
# | `"spoilt archive"` | after the study the archive's own labels are wrong |
# | `"reads the exam"` | other test labels, and another `q` is chosen |
# | `"harmless damage"` | a `damage` that changes nothing is said to cost a good deal of accuracy |

# %% [markdown] card="bug_lines"
# title: "Exercise 7: symptom and line"
# difficulty: 3
# importance: 5
# minutes: 15
# points: 10
# objective: Trace each symptom to the one line whose repair cures it.
# hints:
#   - "Take one symptom at a time. Which line would you change so that it goes away?"
#   - >-
#     "uneven noise" and "half the noise" are two lines: one says *which* labels are hit, the other
#     *what* they become.
#   - "What may a test set be used for, and how often? Two of the symptoms are about that."
# help:
#   "spoilt archive: line 6 writes": >-
#     It writes into `noisy_y`, as it should. Which line made `noisy_y` and the archive one tensor?
#   "harmless damage: I blame line 10": >-
#     Line 10 is what was to be measured. What is it compared with?


# %% grade_id="bug_lines"
def bug_lines():
    """Return a dict from each of the five symptoms to the number of the line that causes it."""
    ### BEGIN SOLUTION
    return {
        "uneven noise": 3,
        "half the noise": 4,
        "spoilt archive": 5,
        "reads the exam": 8,
        "harmless damage": 9,
    }
    ### END SOLUTION


# %% grade_id="bug_lines_check" points=10
check("12.bug_lines", bug_lines)

# %% [markdown]
# Line 8 is the costly one. A setting chosen on the damaged test set has *seen* the damage; the
# table then shows how well one can prepare for an exam whose questions are known. Choose on
# validation images, and leave the damaged test set for the last line.

# %% [markdown] card="flip_test"
# title: "Exercise 8: test something random"
# difficulty: 4
# importance: 5
# minutes: 20
# points: 10
# objective: Write a test of a random function that never fails by chance.
# hints:
#   - >-
#     Random functions have properties that hold in *every* draw. Count first: how many labels
#     differ, for how many seeds?
#   - "At rate 1 every label has to change. Drawing from all classes cannot do that."
#   - >-
#     "Always the next class" and "the first labels" are right in count. Over 50 seeds, which
#     classes and which positions should come up at least once? A hundred labels make it certain.
# help:
#   "my test rejects a right implementation": >-
#     Right ones differ in what they draw. Ask only for what each of them has to fulfil, not for
#     particular labels, and not for frequencies that chance may miss.
#   "the same labels for every seed slips through": >-
#     For one seed nobody can tell. Collect the positions that are hit, over many seeds.


# %% grade_id="flip_test"
def flip_test(flip):
    """Raise an AssertionError unless `flip` makes wrong labels as it should.

    flip: called as flip(labels, rate=..., n_classes=..., seed=...), with labels [n] of integers,
    2000 at most; returns [n], for one seed always the same, for another another. Exactly
    round(rate * n) labels are to be wrong, every position and every other class as likely.
    """
    ### BEGIN SOLUTION
    labels = torch.arange(5).repeat(20)
    places, steps = set(), set()
    for seed in range(20):
        flipped = flip(labels, rate=0.3, n_classes=5, seed=seed)
        wrong = (flipped != labels).nonzero().flatten()
        assert len(wrong) == 30
        places |= set(wrong.tolist())
        steps |= set(((flipped - labels)[wrong] % 5).tolist())
    assert len(places) > 60
    assert steps == {1, 2, 3, 4}
    ### END SOLUTION


# %% grade_id="flip_test_check" points=10
check("12.flip_test", flip_test)

# %% [markdown]
# ## Part 7: interview questions
#
# Run the next cell to read them; `ask("12", language="zh")` shows them in Chinese. Some draw their
# numbers from a name: after `ask("12", student="ada")` the answers must hold `"student": "ada"`, as
# the template below the questions does. Any name will do; the questions are equally hard for all.

# %%
ask("12")

# %% [markdown] card="questions"
# title: "Exercise 9: thirteen questions"
# difficulty: 3
# importance: 4
# minutes: 30
# points: 20
# objective: Answer, in a sentence or a number, what an interviewer asks about robustness.
# hints:
#   - "Start with those you could answer aloud. `...` stands for an answer you do not have yet."
#   - "Your own functions are at hand: most of the numbers can be tried in a line."
# help:
#   "my numbers are right and the check says they are not": >-
#     Do the answers name the student whose questions you read? `"student"` decides the numbers.
#   "I got a part of the points": >-
#     Sets, orders and matchings earn points for being nearly right, less what guessing would earn.


# %% grade_id="questions"
def questions():
    """Return a dict from the name of each question to your answer; ask("12") prints a template."""
    ### BEGIN SOLUTION
    return {
        "robust_by_default": "c",
        "memorises": "a",
        "support_or_query": "d",
        "text_mined": "b",
        "bound": 1.429,
        "share_wrong": 0.2,
        "accuracy_seen": 0.645,
        "weight": "-p ** q * (1 - p)",
        "breakdown": {1: "a", 2: "c", 3: "d", 4: "e", 5: "b"},
        "honest_study": "bfaedc",
        "middle": (2.0, 3.0, 25.0),
        "wrong_yardstick": (5, "e"),
        "strangers": {"a", "c", "e"},
    }
    ### END SOLUTION


# %% grade_id="questions_check" points=20
check("12.questions", questions)

# %% [markdown]
# ## Room of your own
#
# The next cell is yours: nobody checks it and nobody grades it. Ten examples, more and more of them
# strangers: when does each centre give way?

# %% scratch=true
examples = torch.randn(10, 2, generator=torch.Generator().manual_seed(0))
how_far = {}
for n_strangers in range(6):
    spoilt_examples = examples.clone()
    spoilt_examples[:n_strangers] += 1000
    how_far[n_strangers] = (spoilt_examples.mean(0) - examples.mean(0)).norm().item()
    # trimmed_centre(spoilt_examples, n_cut=2), geometric_median(spoilt_examples)
how_far
