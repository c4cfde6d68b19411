# %% [markdown]
# # Exercises 09: fuse answers, fold by fold and slice by slice
#
# **Question.** Three networks look at the same scan and disagree. How do you make one answer of
# theirs, what does disagreement buy, and which of the many ways to do it wrong would you notice?
#
# - **Time.** About two hours of your own, a few seconds of the computer's.
# - **Know first.** Softmax, logarithms, cross-validation, the lesson `lessons/09_fusion_ensembles`.
# - **Papers.** Genest and Zidek 1986 (opinion pools); Krogh and Vedelsby 1995 (ambiguity); Wolpert
#   1992 (stacking); Cho et al. 2014, arXiv 1406.1078 (the recurrent cell).
#
# You write seven functions and answer fourteen questions. Replace the line that raises
# `NotImplementedError`, run the cell, run the check below it. A check says one of four things:
# *not attempted*, *wrong* (with the likely mistake), *your code raised* (with your line),
# *right*. Warnings cost nothing. At grading the checks draw other numbers than here.

# %%
import torch

from medmeta_ref.grading.check import check
from medmeta_ref.grading.side_by_side import side_by_side
from medmeta_ref.questions import ask

# %% [markdown]
# ## The example: a panel of readers
#
# A clinic has several networks that read the same scans: they differ in architecture, in seed, in
# what they were trained on. For every scan each of them gives probabilities of the classes. All
# panels below come as one tensor
#
# `probabilities`: `[n_models, n_examples, n_classes]`, rows summing to 1.
#
# A panel member may be trusted more than another: `weights`, `[n_models]`, are at least 0, and only
# their ratios count. `None` means that all are trusted alike.

# %% [markdown]
# ## Part 1: two ways to average
#
# The **arithmetic** pool averages the probabilities: the answer of a committee that asks one of its
# members, drawn at random.

# %% [markdown] card="average_probabilities"
# title: "Exercise 1: the arithmetic pool"
# difficulty: 1
# importance: 5
# minutes: 8
# points: 8
# objective: Average probabilities over the right axis, with weights of which only ratios count.
# hints:
#   - "Turn the weights into shares first: what do they have to sum to?"
#   - >-
#     `weights[:, None, None] * probabilities` gives each model its weight; then sum over the
#     models, which is axis 0.
# help:
#   "my rows do not sum to 1": >-
#     Weights of 2, 1 and 1 are fine: they mean shares of a half and two quarters.
#   "it fails without weights": >-
#     `weights=None` is the plain mean.


# %% grade_id="average_probabilities"
def average_probabilities(probabilities, weights=None):
    """Return the weighted arithmetic mean over the models, [n_examples, n_classes].

    probabilities: [n_models, n_examples, n_classes], rows summing to 1.
    weights: [n_models], at least 0; only their ratios count. None: all the same.
    """
    ### BEGIN SOLUTION
    if weights is None:
        return probabilities.mean(0)
    shares = weights / weights.sum()
    return (shares[:, None, None] * probabilities).sum(0)
    ### END SOLUTION


# %% grade_id="average_probabilities_check" points=8
check("09.average_probabilities", average_probabilities)

# %% [markdown]
# The **logarithmic** pool averages the *logarithms* and normalises:
#
# $$
# p(c) \;\propto\; \prod_m p_m(c)^{w_m}, \qquad \sum_m w_m = 1 .
# $$
#
# It is what you get when you average the members' *logits* and take one softmax. A member who is
# sure that it is *not* class $c$ nearly vetoes it. Two questions that the formula does not answer:
# what if a probability is exactly 0, and what if there are four hundred members, whose product is
# too small for any float?
#
# Here a 0 is a veto. If the members veto every class between them, the answer is still finite, and
# classes with equally many vetoes come out alike. A member of weight 0 is not heard, not even its
# vetoes.

# %% [markdown] card="log_opinion_pool"
# title: "Exercise 2: the logarithmic pool"
# difficulty: 3
# importance: 4
# minutes: 15
# points: 12
# objective: Compute a normalised geometric mean that survives zeros and many members.
# hints:
#   - "A mean of logarithms never underflows, and a softmax turns it into probabilities."
#   - >-
#     log 0 is minus infinity, and 0 times that is nan. `clamp_min` with a tiny positive number
#     keeps a zero tiny and everything finite.
# help:
#   "I get nan": >-
#     Look for 0 · log 0 and for infinity minus infinity. Clamp before the logarithm.
#   "the check says that my answer is too sure": >-
#     Weights that do not sum to 1 are an exponent: they sharpen or flatten the pool.
#   "my veto does not come out as 0": >-
#     You probably clamp at something like 0.01. Take a number so small that nobody meets it, 1e-12
#     say.


# %% grade_id="log_opinion_pool"
def log_opinion_pool(probabilities, weights=None):
    """Return the weighted geometric mean over the models, normalised: [n_examples, n_classes].

    probabilities: [n_models, n_examples, n_classes], rows summing to 1; zeros may occur.
    weights: as in exercise 1. A member of weight 0 is not heard.
    """
    ### BEGIN SOLUTION
    if weights is None:
        weights = torch.ones_like(probabilities[:, 0, 0])
    logs = probabilities.clamp_min(1e-12).log()
    shares = weights.to(logs.dtype) / weights.sum()
    return torch.einsum("m,mnc->nc", shares, logs).softmax(1)
    ### END SOLUTION


# %% grade_id="log_opinion_pool_check" points=12
check("09.log_opinion_pool", log_opinion_pool)

# %% [markdown]
# ### Look at it
#
# Two readers, eight scans, three classes. Reader 1 grows surer of class 0 from left to right;
# reader 2 always gives it 5 %. Left, what products and roots of plain numbers give; in the middle,
# your pool; right, what is between them.


# %%
def two_readers():
    sure = torch.linspace(0.2, 0.9, 8)
    first = torch.stack([sure, (1 - sure) / 2, (1 - sure) / 2], 1)
    second = torch.tensor([0.05, 0.8, 0.15]).expand(8, 3)
    return torch.stack([first, second]).double()


def by_products():
    """Return the logarithmic pool of the two readers, [3, 8], number by number."""
    rows = []
    for first, second in two_readers().transpose(0, 1).tolist():
        roots = [(a * b) ** 0.5 for a, b in zip(first, second, strict=True)]
        rows.append([root / sum(roots) for root in roots])
    return torch.tensor(rows).double().T


axes = {"xlabel": "scan", "ylabel": "class"}
alt = "The logarithmic pool of two readers, yours, and the difference: blank when right."
side_by_side(by_products, lambda: log_opinion_pool(two_readers()).T, **axes, alt=alt)

# %% [markdown]
# And the difference between the two *pools*: where one reader all but rules class 0 out, the
# logarithmic pool gives it less.

# %%
alt = "The logarithmic pool, your arithmetic pool, and the difference: not blank."
side_by_side(by_products, lambda: average_probabilities(two_readers()).T, **axes, alt=alt)

# %% [markdown]
# ## Part 2: what disagreement buys
#
# Members that measure: each predicts the volume of a gland, $f_m(x)$, and is judged by squared
# error. With weights $w_m \ge 0$ that sum to 1, $\bar f = \sum_m w_m f_m$, and all means taken over
# the examples, Krogh and Vedelsby's equation says
#
# $$
# \underbrace{(\bar f - y)^2}_{\text{ensemble error}}
# = \underbrace{\sum_m w_m (f_m - y)^2}_{\text{mean error}}
# - \underbrace{\sum_m w_m (f_m - \bar f)^2}_{\text{ambiguity}} .
# $$
#
# No statistics in it, it holds for every example. And the last term needs no labels.

# %% [markdown] card="ambiguity"
# title: "Exercise 3: the ambiguity decomposition, with weights"
# difficulty: 2
# importance: 4
# minutes: 12
# points: 10
# objective: Split the error of an ensemble into what its members do and how they differ.
# hints:
#   - "First the weighted mean prediction, [n_examples]. All else is measured from it or from y."
#   - "For the last two: the weighted sum over the members, then the mean over the examples."
# help:
#   "three numbers are right, except for huge volumes": >-
#     A variance as E[f²] - (E f)² subtracts two numbers that agree in nearly all their digits.
#     Subtract first, then square.
#   "my three numbers do not satisfy the equation": >-
#     Are all three weighted alike? A variance with n - 1 does not fit either.


# %% grade_id="ambiguity"
def ambiguity(predictions, targets, weights):
    """Return (ensemble_error, mean_error, ambiguity), means over the examples.

    predictions: [n_models, n_examples]; targets: [n_examples].
    weights: [n_models], at least 0, summing to 1.
    Each of the three is a float or a tensor without axes.
    """
    ### BEGIN SOLUTION
    fused = weights @ predictions
    mean_error = (weights @ (predictions - targets) ** 2).mean()
    spread = (weights @ (predictions - fused) ** 2).mean()
    return ((fused - targets) ** 2).mean(), mean_error, spread
    ### END SOLUTION


# %% grade_id="ambiguity_check" points=10
check("09.ambiguity", ambiguity)

# %% [markdown]
# ## Part 3: predictions out of fold
#
# A combiner on top of the members (*stacking*), or weights for them, must be fitted on answers that
# the members give to examples they have **not** seen: a member that knows an example by heart would
# look perfect. So the training set is cut into folds. For each fold a member is trained on all the
# *others*, and answers this one. In the end every example has an answer from a member that did not
# know it.
#
# In medicine the folds are made of whole patients, so they are unequal, and they come as a tensor:
# `folds[i]` names the fold of example `i`. Any whole numbers may be names.

# %% [markdown] card="out_of_fold"
# title: "Exercise 4: out of fold"
# difficulty: 3
# importance: 5
# minutes: 20
# points: 15
# objective: Get an honest prediction for every training example, back in its place.
# hints:
#   - "`folds.unique()` gives the names. For each: a mask of the examples in it, [n_examples]."
#   - >-
#     Fit on the examples outside the mask, predict those inside, and write the rows where they
#     belong: `out[mask] = ...`.
# help:
#   "my rows are right but in another order": >-
#     Fold after fold is not the order of the examples. Write into a tensor, by the mask, in place
#     of `torch.cat`.
#   "my predictions are too good": >-
#     Then a member answers about what it was trained on. Which rows does it get to fit?
#   "it works for folds 0, 1, 2 only": >-
#     `range(k)` is not the list of names; `folds.unique()` is.


# %% grade_id="out_of_fold"
def out_of_fold(fit_predict, x, labels, folds, *, n_classes):
    """Return [n_examples, n_classes]: row i comes from a fit without the fold of example i.

    fit_predict: fit_predict(train_x, train_labels, new_x) returns [n_new, n_classes].
    x: [n_examples, n_features]; labels, folds: [n_examples], integers.
    """
    ### BEGIN SOLUTION
    found = x.new_zeros(len(x), n_classes)
    for fold in folds.unique():
        held = folds == fold
        found[held] = fit_predict(x[~held], labels[~held], x[held])
    return found
    ### END SOLUTION


# %% grade_id="out_of_fold_check" points=15
check("09.out_of_fold", out_of_fold)

# %% [markdown]
# ### Look at it: who influences whom
#
# Twelve scans in four folds of unequal size. Row $i$, column $j$: how much does the answer for
# scan $i$ change when the label of scan $j$ is turned? Where both are in one fold it must not
# change at all. A leak shows in the difference, above all on its diagonal.


# %%
def vote(train_x, train_labels, new_x):
    """Every training scan votes, near ones louder."""
    loudness = (-(torch.cdist(new_x, train_x) ** 2)).softmax(1)
    return loudness @ torch.eye(2).double()[train_labels]


noise = torch.Generator().manual_seed(1)
scans, names = torch.randn(12, 2, generator=noise).double(), torch.arange(12) % 2
patients = torch.tensor([5, 2, 2, 9, 5, 2, 7, 9, 2, 5, 7, 2])


def influence(rows):
    """Return [12, 12]: the change of class 1 in row i when label j is turned."""
    columns = []
    for j in range(12):
        turned = names.clone()
        turned[j] = 1 - turned[j]
        columns.append((rows(turned) - rows(names))[:, 1].abs())
    return torch.stack(columns, 1)


def one_by_one(labels):
    keep = [[j for j in range(12) if patients[j] != patients[i]] for i in range(12)]
    return torch.cat([vote(scans[k], labels[k], scans[i : i + 1]) for i, k in enumerate(keep)])


def yours(labels):
    return out_of_fold(vote, scans, labels, patients, n_classes=2)


axes = {"xlabel": "label that is turned", "ylabel": "scan that is answered"}
alt = "Influence of every label on every answer, yours, and the difference: blank when right."
side_by_side(lambda: influence(one_by_one), lambda: influence(yours), **axes, alt=alt)

# %% [markdown]
# ## Part 4: a volume, slice by slice
#
# A CT volume is a stack of slices. A CNN turns every slice into features; a recurrent cell reads
# them in order and keeps a **state**:
#
# $$
# s_0 = \text{start}, \qquad s_t = \mathrm{step}(z_t, s_{t-1}), \qquad t = 1, \dots, \text{length}.
# $$
#
# Volumes have unequal numbers of slices. In a batch the short ones are filled up at the end, and
# what is in the **padding** must not matter: not to the values, and not to the gradient. Whoever
# fills up may fill with anything, even nan.

# %% [markdown] card="read_slices"
# title: "Exercise 5: read the slices"
# difficulty: 4
# importance: 5
# minutes: 25
# points: 15
# objective: Run a recurrent cell over padded sequences so that padding can do no harm.
# hints:
#   - "Loop over t = 0, ..., depth - 1. Example i still counts if t < lengths[i]."
#   - >-
#     `torch.where(counts[:, None], new, old)` keeps the old state for those that have ended.
#   - >-
#     For the gradient that is too late: in the branch not chosen the gradient is 0, and 0 times nan
#     is nan. Replace the padding with zeros *before* the step: `masked_fill`.
# help:
#   "right values, but nan in the gradient": >-
#     Multiplying by 0 and choosing with `where` both let nan pass on the way back. What goes into
#     the step has to be finite.
#   "long volumes are right, short ones are not": >-
#     The state at the end of the loop has read their padding. Keep the state that they had.
#   "all are right when lengths are equal": >-
#     Does every example stop at *its* length, or all at the same?


# %% grade_id="read_slices"
def read_slices(step, start, features, lengths):
    """Return the state of every example after its last slice, [n, n_hidden].

    step: step(z, state) returns the next state; z: [n, n_features], state: [n, n_hidden].
    start: [n, n_hidden], the state before the first slice.
    features: [n, depth, n_features]; of example i only the first lengths[i] slices count.
    lengths: [n], integers in 1..depth.
    """
    ### BEGIN SOLUTION
    depth = features.shape[1]
    counts = torch.arange(depth) < lengths[:, None]
    clean = features.masked_fill(~counts[..., None], 0.0)
    state = start
    for t in range(depth):
        state = torch.where(counts[:, t, None], step(clean[:, t], state), state)
    return state
    ### END SOLUTION


# %% grade_id="read_slices_check" points=15
check("09.read_slices", read_slices)

# %% [markdown]
# ## Part 5: find the bugs
#
# A weighted ensemble, put together from lines as one finds them in public notebooks. `models` is a
# list of networks, and every one of them **ends in a softmax of its own**: it returns probabilities
# `[n_scans, n_classes]`. The weights are to favour the models with the lower loss on the validation
# set.
#
# ```text
#  1  def fuse(models, val_x, val_y, test_x, test_y):
#  2      fused = 0
#  3      for model in models:
#  4          answers = model(test_x)
#  5          loss = F.nll_loss(answers.log(), test_y)
#  6          weight = loss
#  7          shares = answers.softmax(1)
#  8          fused = (fused + weight * shares) / 2
#  9      total = fused.sum(0)
# 10      return fused / total
# ```
#
# It runs, and its accuracy looks fine. People who looked closer saw five things:
#
# | symptom | what was seen |
# | --- | --- |
# | `"exam answers"` | other test labels, other predictions |
# | `"upside down"` | of two models, the one with ten times the loss has the greater say |
# | `"never sure"` | of two classes all models give one 99.9 %; fused, they stand 73 to 27 |
# | `"order of models"` | equally good models in another order give other predictions |
# | `"company"` | with one model only, a scan's row depends on the scans beside it |

# %% [markdown] card="bug_lines"
# title: "Exercise 6: symptom and line"
# difficulty: 3
# importance: 4
# minutes: 15
# points: 10
# objective: Trace each symptom to the one line whose repair cures it.
# hints:
#   - "Take one symptom at a time. Which line would you change so that it goes away?"
#   - "For `order of models` follow the first model's share through the loop."
#   - "For `company` ask of every sum over which axis it goes."
# help:
#   "exam answers: I blame line 1": >-
#     That the labels are handed in does no harm yet. Where are they used?
#   "never sure: I blame the division": >-
#     Dividing a row by its sum does not change the ratios in it. What makes 0.999 : 0.001 into
#     0.73 : 0.27?


# %% grade_id="bug_lines"
def bug_lines():
    """Return a dict from each of the five symptoms to the number of the line that causes it."""
    ### BEGIN SOLUTION
    return {
        "exam answers": 5,
        "upside down": 6,
        "never sure": 7,
        "order of models": 8,
        "company": 9,
    }
    ### END SOLUTION


# %% grade_id="bug_lines_check" points=10
check("09.bug_lines", bug_lines)

# %% [markdown]
# ## Part 6: a test without the right answer
#
# Of a trained reader of volumes you do not know which number is right. You do know how it has to
# **behave**: padding does not matter; a volume gets the same answer alone and in company; the order
# of its slices does matter, and so do the early ones. Such a test needs no known value.

# %% [markdown] card="reader_test"
# title: "Exercise 7: test a reader of slices"
# difficulty: 4
# importance: 5
# minutes: 20
# points: 10
# objective: Write a test that every right reader passes and every known mistake fails.
# hints:
#   - >-
#     Make a batch of random features and *unequal* lengths, call `read`, change one thing, call it
#     again, and compare. Padding: change what is behind a volume's length. Company: give one volume
#     alone.
#   - >-
#     Some changes must make a difference: swap two slices, replace the first one. There, assert
#     that the answers are *not* close.
# help:
#   "my test rejects a right reader": >-
#     Compare with `torch.allclose` and a tolerance such as 1e-6. And make changes that must show
#     large: replace a slice by another random one, do not add 0.001.
#   "cut to the shortest slips through": >-
#     With equal lengths it is right. And a volume is read as far as the shortest *beside it*: who
#     is beside it?
#   "the reader that is blind to the order slips through": >-
#     Swap two slices that both count, and are not alike.


# %% grade_id="reader_test"
def reader_test(read):
    """Raise an AssertionError unless `read` behaves as a reader of slices should.

    read: called as read(features, lengths), with features [n, depth, 4] in float64 and lengths
    [n], integers in 1..depth; returns [n, 3]. It is trained: you do not know its weights.
    """
    ### BEGIN SOLUTION
    random = torch.Generator().manual_seed(0)
    features = torch.randn(3, 6, 4, generator=random).double()
    lengths = torch.tensor([6, 2, 4])
    before = read(features, lengths)

    padded = features.clone()
    padded[1, 2:], padded[2, 4:] = 5.0, -3.0
    assert torch.allclose(read(padded, lengths), before, atol=1e-6)

    for i in range(3):
        alone = read(features[i : i + 1], lengths[i : i + 1])
        assert torch.allclose(alone, before[i : i + 1], atol=1e-6)

    swapped = features.clone()
    swapped[:, 0], swapped[:, 1] = features[:, 1], features[:, 0]
    changed = (read(swapped, lengths) - before).abs().amax(1)
    assert (changed > 1e-6).all()
    ### END SOLUTION


# %% grade_id="reader_test_check" points=10
check("09.reader_test", reader_test)

# %% [markdown]
# ## Part 7: interview questions
#
# What an interviewer asks about fusion, put so that you can check it yourself. Run the next cell to
# read the questions; `ask("09", language="zh")` shows them in Chinese. Some draw their numbers from
# a name: after `ask("09", student="ada")` the answers must hold `"student": "ada"`, as the template
# below the questions does. Any name will do; the questions are equally hard for all.

# %%
ask("09")

# %% [markdown] card="questions"
# title: "Exercise 8: fourteen questions"
# difficulty: 3
# importance: 4
# minutes: 30
# points: 20
# objective: Answer, in a sentence or a number, what an interviewer asks about model fusion.
# hints:
#   - "Start with those you could answer aloud. `...` stands for an answer you do not have yet."
#   - "Your own functions are at hand: two members and one scan answer several of the questions."
# help:
#   "my numbers are right and the check says they are not": >-
#     Do the answers name the student whose questions you read? `"student"` decides the numbers.
#   "I got a part of the points": >-
#     Sets, orders and matchings earn points for being nearly right, less what guessing would earn.


# %% grade_id="questions"
def questions():
    """Return a dict from the name of each question to your answer; ask("09") prints a template."""
    ### BEGIN SOLUTION
    return {
        "guarantee": "c",
        "cnn_and_rnn": "a",
        "few_labels": "b",
        "is_it_meta": "d",
        "combiner_leak": "c",
        "two_pools": 0.6,
        "correlated_errors": 0.875,
        "two_members": "w * (1 - w) * (f - g) ** 2",
        "slices": (160, 1, 64, 64),
        "vote_or_mean": (0, 1, 1.0),
        "softmax_again": (8, "c"),
        "stacking_steps": "afecbd",
        "where_fused": {1: "e", 2: "b", 3: "d", 4: "a", 5: "c"},
        "cheaper": {"a", "c", "d"},
    }
    ### END SOLUTION


# %% grade_id="questions_check" points=20
check("09.questions", questions)

# %% [markdown]
# ## Room of your own
#
# The next cell is yours: nobody checks it and nobody grades it. It lets a panel grow from members
# with correlated errors: how soon does another member stop helping?


# %% scratch=true
def growing_panel(correlation, n_models=16, n_examples=2000):
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(1, n_examples, generator=generator) * correlation**0.5
    own = torch.randn(n_models, n_examples, generator=generator) * (1 - correlation) ** 0.5
    for n in (1, 2, 4, 8, 16):
        weights = torch.full((n,), 1 / n)
        errors = ambiguity((shared + own)[:n], torch.zeros(n_examples), weights)
        print(f"correlation {correlation}: {n:2} members, error {errors[0]:.3f}")


# growing_panel(0.0)
# growing_panel(0.5)
