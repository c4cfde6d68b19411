# %% [markdown]
# # Exercises 01: draw episodes that test what you think they test
#
# **Question.** Few-shot results stand or fall with thirty lines that nobody reads: the split and
# the sampler. How do you write them, how do you prove them right although their answers are
# random, and how sure may you be of the number that comes out?
#
# - **Time.** About 90 minutes of your own, a few seconds of the computer's.
# - **Know first.** `torch.randperm`, indexing, standard deviation; `lessons/01_episodes`.
# - **Papers.** Vinyals et al. 2016, arXiv 1606.04080, section 4.1 (episodes); Yin et al. 2020,
#   arXiv 1912.03820 (why labels are drawn anew).
#
# You write seven functions and answer thirteen questions. Replace the line that raises
# `NotImplementedError`, run the cell, run the check below it. A check says one of four things: *not
# attempted*, *wrong* (with the likely mistake), *your code raised* (with your line), *right*.
# Warnings cost nothing.
#
# **How random answers are checked.** There are many right ways to draw, so no check compares you
# with one draw. Some look at what must hold in *every* draw. Others count over hundreds of draws,
# with bounds that a right function leaves less than once in a million times. At grading the labels
# and seeds are other ones.

# %%
import torch
from IPython.display import display

from medmeta_ref import plots
from medmeta_ref.grading.check import check
from medmeta_ref.grading.look import look
from medmeta_ref.questions import ask

# %% [markdown]
# ## The example: a skin clinic's archive
#
# A clinic files photographs of skin lesions under diagnosis codes. It has six diagnoses with ten
# photographs each, filed as they came in. A patient may have several. There are no pixels in this
# notebook: whoever draws episodes needs the labels only.

# %%
CODES = torch.tensor([20, 31, 32, 47, 55, 80])
order = torch.randperm(60, generator=torch.Generator().manual_seed(7))
labels = CODES.repeat_interleave(10)[order]
patients = torch.randint(25, (60,), generator=torch.Generator().manual_seed(8))
labels[:12].tolist(), patients[:12].tolist()

# %% [markdown]
# ## Part 1: split the classes
#
# In few-shot learning the test asks about **classes** that were never seen. So it is classes that
# are split: some to learn to learn on, some to choose settings on, some for the test.

# %% [markdown] card="split_classes"
# title: "Exercise 1: split the classes"
# difficulty: 2
# importance: 5
# minutes: 10
# points: 10
# objective: Split the classes, not the images, at random and reproducibly.
# hints:
#   - "Which classes are there? `labels.unique()`. Do not assume 0, 1, 2, ...: codes have gaps."
#   - "Shuffle the classes once with `torch.randperm(n, generator=generator)`, then cut."
# help:
#   "the check says my groups hold strange labels": >-
#     `torch.randperm(n)` gives positions 0 to n - 1. Use them as an index into the classes.
#   "the check says my function does not use its generator": >-
#     `torch.randperm(n)` without `generator=generator` draws from torch's global generator. Then
#     whoever draws something before you changes your split.
#   "my error message is not accepted": >-
#     Say how many classes were asked for altogether, and how many there are, in digits.


# %% grade_id="split_classes"
def split_classes(labels, *, n_train, n_val, n_test, generator):
    """Return a random split of the classes in `labels`.

    labels: [n_images], integers: any codes. n_val may be 0; some classes may be left over.
    generator: a torch.Generator, the only source of randomness.
    Returns a dict with the keys "train", "val", "test": lists (or tensors) of labels.
    Raises ValueError, naming both numbers, if more classes are asked for than there are.
    """
    ### BEGIN SOLUTION
    classes = labels.unique()
    n_wanted = n_train + n_val + n_test
    if n_wanted > len(classes):
        raise ValueError(f"{n_wanted} classes asked for, but there are {len(classes)}")
    mixed = classes[torch.randperm(len(classes), generator=generator)].tolist()
    return {
        "train": mixed[:n_train],
        "val": mixed[n_train : n_train + n_val],
        "test": mixed[n_train + n_val : n_wanted],
    }
    ### END SOLUTION


# %% grade_id="split_classes_check" points=10
check("01.split_classes", split_classes)

# %% [markdown]
# ## Part 2: draw an episode
#
# An **N-way K-shot episode** is a small classification problem: N classes, K labelled **support**
# images of each to learn from, and some **query** images of each to be judged on. Within an episode
# the classes are called 0 to N - 1, their **slots**. The first class drawn is slot 0, whatever its
# code, and it is drawn anew every time.
#
# Return positions, not images: `labels[support]` then tells what you drew.

# %% [markdown] card="sample_episode"
# title: "Exercise 2: draw an episode"
# difficulty: 3
# importance: 5
# minutes: 25
# points: 30
# objective: Draw classes and images without replacement, rename the classes, and say no clearly.
# hints:
#   - >-
#     First the classes: a shuffle of those allowed, cut after n_way. Then a loop over them with
#     `enumerate`, which counts the slots.
#   - >-
#     `(labels == c).nonzero().flatten()` are the positions of class c. Shuffle them, take the first
#     k_shot for support and the *next* n_query for query: then nothing can be in both.
#   - >-
#     Check before you draw: are there n_way classes, and has every class that may be drawn
#     k_shot + n_query images?
# help:
#   "a class is drawn twice": >-
#     `torch.randint` draws with replacement: with 6 classes, 4 draws are all different in 28 % of
#     cases only. `torch.randperm` never repeats.
#   "class ... in slot ... came up too often": >-
#     Does something sort? `labels.unique()` and `.sort()` give classes in order of their codes.
#     The shuffled order is the order of the slots.
#   "my tests pass in the notebook and Exercise 2 complains about class 17": >-
#     One check has a class with 5 images, of which 6 are wanted. Name the class and the 5.
#   "Sample larger than population": >-
#     That is the error of `random.sample`, and it helps nobody: it names neither class nor count.


# %% grade_id="sample_episode"
def sample_episode(labels, *, n_way, k_shot, n_query, generator, classes=None):
    """Return one random episode as (support, support_y, query, query_y).

    labels: [n_images], integers: any codes. generator: the only source of randomness.
    classes: the labels that may be drawn; all by default.
    support: [n_way * k_shot], positions in labels; support_y: as many slots, 0..n_way-1.
    query: [n_way * n_query], other positions; query_y: their slots.
    Raises ValueError if a class has too few images (name the class and how many it has), or there
    are fewer than n_way classes (name both numbers).
    """
    ### BEGIN SOLUTION
    allowed = labels.unique() if classes is None else torch.as_tensor(classes)
    if len(allowed) < n_way:
        raise ValueError(f"n_way={n_way}, but there are {len(allowed)} classes")
    pools = {int(c): (labels == c).nonzero().flatten() for c in allowed}
    for c, pool in pools.items():
        if len(pool) < k_shot + n_query:
            raise ValueError(f"class {c} has {len(pool)} images, not {k_shot} + {n_query}")
    drawn = allowed[torch.randperm(len(allowed), generator=generator)[:n_way]]
    support, query = [], []
    for c in drawn.tolist():
        mixed = pools[c][torch.randperm(len(pools[c]), generator=generator)]
        support.append(mixed[:k_shot])
        query.append(mixed[k_shot : k_shot + n_query])
    slots = torch.arange(n_way)
    support_y, query_y = slots.repeat_interleave(k_shot), slots.repeat_interleave(n_query)
    return torch.cat(support), support_y, torch.cat(query), query_y
    ### END SOLUTION


# %% grade_id="sample_episode_check" points=30
check("01.sample_episode", sample_episode)

# %% [markdown]
# **Look at it.** The next cell draws 900 episodes of the archive with your function and counts
# which code got which slot. On the left what chance promises: every code in every slot in one of
# six episodes. If yours shows a staircase, you sort somewhere.


# %%
def share_of_slots(sample, n_episodes=900):
    """Return [n_codes, 3]: how often each code got each slot, over the number of episodes."""
    generator, counts = torch.Generator().manual_seed(0), torch.zeros(len(CODES), 3)
    for _ in range(n_episodes):
        found = sample(labels, n_way=3, k_shot=1, n_query=1, generator=generator)
        support, support_y = (torch.as_tensor(each) for each in found[:2])
        for code, slot in zip(labels[support].tolist(), support_y.tolist(), strict=True):
            counts[CODES.tolist().index(code), slot] += 1
    return counts / n_episodes


with look():
    yours, target = share_of_slots(sample_episode), torch.full((len(CODES), 3), 1 / 6)
    axes = plots.target_and_yours(target, yours, ylabel="code", xlabel="slot", rows=CODES.tolist())
    worst = (yours - target).abs().max()
    words = f"Share of episodes in which each code got each slot; at most {worst:.3f} off 1/6."
    display(plots.show(axes, alt=words))

# %% [markdown]
# ## Part 3: how sure are you?
#
# A paper says "63.1 ± 0.9 % over 600 episodes". The usual recipe behind the ± is 1.96 standard
# errors, $1.96\, s / \sqrt n$, with the standard deviation of the accuracies $a_i$ of n episodes:
#
# $$
# s = \sqrt{\frac{1}{n-1} \sum_i (a_i - \bar a)^2}.
# $$

# %% [markdown] card="episode_interval"
# title: "Exercise 3: the usual interval"
# difficulty: 1
# importance: 4
# minutes: 5
# points: 8
# objective: Compute the interval that few-shot papers print.
# hints:
#   - "`accuracies.std()` divides by n - 1 already; `numpy.std` would not."
#   - "The half-width goes with the *mean*: the root of the number of episodes divides."
# help:
#   "I get nan": >-
#     One value has no standard deviation. That is the case in which to raise the ValueError.


# %% grade_id="episode_interval"
def episode_interval(accuracies):
    """Return (mean, half-width) with half-width 1.96 s / √n.

    accuracies: [n_episodes], floating point.
    Returns two floats, or tensors without axes.
    Raises ValueError, naming the number, if there is only 1 episode (or none).
    """
    ### BEGIN SOLUTION
    n = len(accuracies)
    if n < 2:
        raise ValueError(f"an interval needs at least 2 episodes, got {n}")
    return accuracies.mean(), 1.96 * accuracies.std() / n**0.5
    ### END SOLUTION


# %% grade_id="episode_interval_check" points=8
check("01.episode_interval", episode_interval)

# %% [markdown]
# ### What that interval does not cover
#
# All 600 episodes are drawn from the *same* held-out classes. Draw a million and the interval
# shrinks to nothing, around the accuracy on *these* classes. Had the split put other classes into
# the test, the number would be another one. If the claim is "my method works on new classes", the
# thing to repeat is the split:
#
# 1. average the episodes of each split: one number per split;
# 2. take the interval of these few numbers, by Student's t instead of 1.96 (for 5 splits: 2.776).

# %% [markdown] card="split_interval"
# title: "Exercise 4: the interval over splits"
# difficulty: 2
# importance: 5
# minutes: 10
# points: 8
# objective: Average within what is dependent before computing an interval over what is repeated.
# hints:
#   - "`accuracies.mean(dim=1)` leaves one number per split."
#   - "Then it is Exercise 3 with the given quantile and with n_splits in the place of n."
# help:
#   "my interval is much too narrow": >-
#     You probably pooled all episodes. 8 splits of 600 episodes are 8 repetitions, not 4,800.


# %% grade_id="split_interval"
def split_interval(accuracies, *, quantile):
    """Return (mean, half-width) of an interval over class splits.

    accuracies: [n_splits, n_episodes], one row per split.
    quantile: of Student's t with n_splits - 1 degrees of freedom, given.
    Returns two floats, or tensors without axes.
    """
    ### BEGIN SOLUTION
    means = accuracies.mean(dim=1)
    return means.mean(), quantile * means.std() / len(means) ** 0.5
    ### END SOLUTION


# %% grade_id="split_interval_check" points=8
check("01.split_interval", split_interval)

# %% [markdown]
# **Look at it.** Eight invented splits with levels of their own. What would you print if you had
# only the first? What if you pooled all? (Your two functions draw the bars.)


# %%
def invented_table(n_splits=8, n_episodes=600):
    """Return accuracies [n_splits, n_episodes] whose splits differ more than luck explains."""
    generator = torch.Generator().manual_seed(3)
    level = 0.62 + 0.06 * torch.randn(n_splits, 1, generator=generator)
    return (level + 0.1 * torch.randn(n_splits, n_episodes, generator=generator)).clamp(0, 1)


with look():
    table = invented_table()
    found = {f"split {k + 1}": episode_interval(row) for k, row in enumerate(table)}
    found["all pooled (wrong)"] = episode_interval(table.flatten())
    found["over splits"] = split_interval(table, quantile=2.365)
    bars = {name: tuple(map(float, pair)) for name, pair in found.items()}
    axes = plots.intervals(bars, label="accuracy, 95 % interval", chance=1 / 3)
    words = "; ".join(f"{name} {mean:.3f} ± {half:.3f}" for name, (mean, half) in bars.items())
    display(plots.show(axes, alt=f"Intervals of invented splits: {words}."))

# %% [markdown]
# ## Part 4: find the leak
#
# Classes are not all that can leak. In DermaMNIST, 886 of the 2,005 test images show a lesion that
# is also in the training set, photographed again (Abhishek et al. 2025, Scientific Data 12:196):
# 44 % of the test asks, in part, "do you remember this one?". A single line would have told.

# %% [markdown] card="leaked_share"
# title: "Exercise 5: the share that leaks"
# difficulty: 1
# importance: 5
# minutes: 5
# points: 6
# objective: Measure a patient leak before believing a result.
# hints:
#   - "For every *test image*: is its patient among the patients of the training images?"
#   - "`torch.isin(a, b)` answers that for all at once."
# help:
#   "the check says I count patients": >-
#     A patient with nine test images inflates nine answers. Do not use `unique` or sets of test
#     patients; count images.


# %% grade_id="leaked_share"
def leaked_share(train_patients, test_patients):
    """Return the share of test images whose patient also has an image in training.

    train_patients: [n_train], integers: the patient of each training image.
    test_patients: [n_test], integers, at least one.
    Returns a float or a tensor without axes, 0 to 1.
    """
    ### BEGIN SOLUTION
    return torch.isin(test_patients, train_patients).double().mean()
    ### END SOLUTION


# %% grade_id="leaked_share_check" points=6
check("01.leaked_share", leaked_share)

# %% [markdown]
# In the archive above, a random half of the *photographs* for the test leaks almost all of it.
# Splitting the *patients* cannot leak:

# %%
with look():
    half, few = torch.arange(60) % 2 == 0, patients < 12
    leaks = [float(leaked_share(patients[~test], patients[test])) for test in (half, few)]
    display("split by photograph: {:.0%}; split by patient: {:.0%}".format(*leaks))

# %% [markdown]
# ## Part 5: find the bugs
#
# A sampler in the style of many that are passed around; each of its mistakes has been seen in
# public code. It runs, and a network trains on what it gives: pairs of a position and a slot, first
# for the support set, then for the queries. (That it draws from torch's global generator, leave
# aside here.)
#
# ```text
#  1  def draw_episode(codes, n_way, k_shot, n_query):
#  2      there = sorted(set(codes.tolist()))
#  3      chosen = [there[i] for i in torch.randint(len(there), (n_way,))]
#  4      shown, asked = [], []
#  5      for slot, code in enumerate(sorted(chosen)):
#  6          own = [i for i, c in enumerate(codes.tolist()) if c == code]
#  7          order = torch.randperm(len(own), generator=torch.Generator()).tolist()
#  8          shown += [(own[i], slot) for i in order[:k_shot]]
#  9          asked += [(own[i], slot) for i in order[:n_query]]
# 10      return shown, asked
# ```
#
# | symptom | what was seen |
# | --- | --- |
# | `"twin classes"` | in some episodes two slots show one and the same disease |
# | `"telling slots"` | code 20 is slot 0 whenever it is there: a network can learn slots by heart |
# | `"frozen images"` | a class shows the very same support images in every episode |
# | `"seen queries"` | images of the support set are among the queries |

# %% [markdown] card="bug_lines"
# title: "Exercise 6: symptom and line"
# difficulty: 2
# importance: 4
# minutes: 10
# points: 8
# objective: Trace each symptom to the one line whose repair cures it.
# hints:
#   - "Take the symptoms one at a time and ask which line would have to change for it to go away."
#   - "What is the seed of a `torch.Generator()` that nobody has seeded? Make two and compare."
# help:
#   "frozen images: the line shuffles, doesn't it?": >-
#     It does, with a generator made on the spot. A new one always starts from the same seed.
#   "twin classes: a set has no doubles": >-
#     True. The doubles come in where some of the classes are chosen.


# %% grade_id="bug_lines"
def bug_lines():
    """Return a dict from each of the four symptoms to the number of the line that causes it."""
    ### BEGIN SOLUTION
    return {"twin classes": 3, "telling slots": 5, "frozen images": 7, "seen queries": 9}
    ### END SOLUTION


# %% grade_id="bug_lines_check" points=8
check("01.bug_lines", bug_lines)

# %% [markdown]
# ## Part 6: a test that would have told
#
# How do you test a function whose answer is random? Not by comparing with one draw. Two kinds of
# statement can be tested: what holds in *every* draw, and what holds over *many*. Write a test that
# needs no look inside the sampler. It gets samplers with a `seed` in place of a generator.

# %% [markdown] card="sampler_test"
# title: "Exercise 7: a test for samplers"
# difficulty: 4
# importance: 5
# minutes: 20
# points: 10
# objective: Write a test that right samplers pass and samplers with a known mistake fail.
# hints:
#   - >-
#     In every draw: the slots are right, no position comes twice in support and query together,
#     all images of a slot have one label, and different slots have different ones.
#   - >-
#     "A class can be drawn twice" shows in some draws only. Take few classes and draw often: with 3
#     classes in 3 slots, drawing with replacement goes wrong in 78 % of episodes.
#   - >-
#     "Slots follow the order of the codes" shows in no single draw. Over many draws: which classes
#     have been in slot 0?
# help:
#   "my test rejects a right sampler": >-
#     One of the two right ones returns the images of an episode in mixed order, labels along with
#     them. Pair positions with slots, do not count on places.
#   "my test takes long": >-
#     Fifty to a hundred draws are plenty.


# %% grade_id="sampler_test"
def sampler_test(sample):
    """Raise an AssertionError unless `sample` draws sound episodes.

    sample: called as sample(labels, n_way=..., k_shot=..., n_query=..., seed=...), returns
    (support, support_y, query, query_y), tensors as in Exercise 2.
    """
    ### BEGIN SOLUTION
    labels, in_slot_0 = torch.tensor([4, 7, 9]).repeat(6), set()
    for seed in range(60):
        support, support_y, query, query_y = sample(labels, n_way=3, k_shot=2, n_query=3, seed=seed)
        assert sorted(support_y.tolist()) == [0, 0, 1, 1, 2, 2]
        assert sorted(query_y.tolist()) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        images, slots = torch.cat([support, query]), torch.cat([support_y, query_y])
        assert len(images.unique()) == 15
        classes = [labels[images[slots == slot]].unique().tolist() for slot in range(3)]
        assert sorted(classes) == [[4], [7], [9]]
        in_slot_0.add(classes[0][0])
    assert in_slot_0 == {4, 7, 9}
    ### END SOLUTION


# %% grade_id="sampler_test_check" points=10
check("01.sampler_test", sampler_test)

# %% [markdown]
# ## Part 7: interview questions
#
# What an interviewer asks about meta-learning and its evaluation, put so that you can check it
# yourself. Run the next cell to read the questions; `ask("01", language="zh")` shows them in
# Chinese. Some draw their numbers from a name: after `ask("01", student="ada")` the answers must
# hold `"student": "ada"`, as the template below the questions does. Any name will do; the questions
# are equally hard for all.

# %%
ask("01")

# %% [markdown] card="questions"
# title: "Exercise 8: thirteen questions"
# difficulty: 2
# importance: 4
# minutes: 25
# points: 20
# objective: Say what meta-learning is, what an interval covers, and what makes a result too good.
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
    """Return a dict from the name of each question to your answer; ask("01") prints a template."""
    ### BEGIN SOLUTION
    return {
        "definition": "c",
        "vocabulary": {1: "c", 2: "e", 3: "f", 4: "d", 5: "b"},
        "usual_interval": 0.880,
        "what_it_covers": "a",
        "twins": 0.4186,
        "query_images": (30, 3, 28, 28),
        "leaks": {"b", "d", "e", "f"},
        "fresh_generators": (True, 14, 7),
        "patients_by_position": (6, "d"),
        "protocol": "dfabec",
        "less_pretraining": "d",
        "how_many_tasks": 35,
        "transductive": "b",
    }
    ### END SOLUTION


# %% grade_id="questions_check" points=20
check("01.questions", questions)

# %% [markdown]
# ## Room of your own
#
# The next cell is yours: nobody checks it and nobody grades it. With `torch.randint` for the
# classes, as in the listing, how many episodes of 4 out of 80 classes have a twin? And out of 8?

# %% scratch=true
chosen = torch.randint(80, (1000, 4))
sum(len(row.unique()) < 4 for row in chosen) / 1000
