# %% [markdown]
# # Exercises 13: judged as medicine judges
#
# **Question.** A classifier of chest radiographs is said to be right 97 times in 100. Would a
# doctor use it? What has to be computed before anybody can say?
#
# - **Time.** About two hours of your own, a few seconds of the computer's.
# - **Know first.** Episodes (unit 01), intervals (unit 01), softmax; the lesson
#   `lessons/13_medical_cases`.
# - **Papers.** Hanley and McNeil 1982, Radiology 143:29 (AUROC); Altman and Bland 1994, BMJ 309:102
#   (predictive values); Guo et al. 2017, arXiv 1706.04599 (calibration).
#
# You write eight functions and answer thirteen questions. Replace the line that raises
# `NotImplementedError`, run the cell, run the check below it. A check says one of four things: *not
# attempted*, *wrong* (with the likely mistake), *your code raised* (with your line), *right*.
# Warnings cost nothing. At grading the checks draw other numbers than here, and each answer stands
# on its own: do not call one from another.

# %%
import torch

from medmeta_ref.grading.check import check
from medmeta_ref.grading.side_by_side import side_by_side
from medmeta_ref.questions import ask

# %% [markdown]
# ## The example: a large heart on a radiograph
#
# A clinic wants to find *cardiomegaly*, an enlarged heart, on chest radiographs. About 25 of 1,000
# images of ChestMNIST carry that label. So a program that always says "no" is right on 97.5 % of
# them, and finds nobody. Each image has 14 labels, any number of which may be 1, and many patients
# have more than one image. All three facts bite below.
#
# The sign is not the disease: a heart can look large because of how the patient breathed or stood.

# %% [markdown]
# ## Part 1: an order, without a threshold
#
# A score says how ill a case looks. Take every pair of an ill and a healthy case. In how many pairs
# does the ill one score higher? A tie counts one half. This share is the area under the ROC curve,
# AUROC. Rare or frequent, balanced or not: the share stays what it is.

# %% [markdown] card="auroc"
# title: "Exercise 1: AUROC"
# difficulty: 2
# importance: 5
# minutes: 10
# points: 8
# objective: Compute the AUROC as the share of pairs in the right order, ties included.
# hints:
#   - "Scores of the ill as a column, of the healthy as a row: comparing them gives all pairs."
#   - "`>` counts nothing for a tie, `>=` counts a whole one. What does the mean of the two count?"
# help:
#   "I add up the area under a curve of thresholds 0.0, 0.1, ..., 1.0": >-
#     Scores may be logits, or all lie between 0.010 and 0.011. Pairs need no thresholds.
#   "a score that is always the same gets 0 or 1": >-
#     All its pairs are ties, and knowing nothing is worth one half.


# %% grade_id="auroc"
def auroc(scores, labels):
    """Return the share of (ill, healthy) pairs in which the ill case scores higher; a tie is half.

    scores: [n], any real numbers, higher means more likely ill; labels: [n], 1 is ill, 0 healthy,
    both present. Returns a number or a tensor without axes.
    """
    ### BEGIN SOLUTION
    ill, healthy = scores[labels == 1][:, None], scores[labels == 0]
    return ((ill > healthy).double() + (ill >= healthy).double()).mean() / 2
    ### END SOLUTION


# %% grade_id="auroc_check" points=8
check("13.auroc", auroc)

# %% [markdown]
# ## Part 2: a point to work at
#
# Nobody is treated by an area. A clinic says: "no more than one false alarm among ten healthy
# people", that is, specificity 0.9. How many of the ill are then found? A case is *called ill* if
# its score reaches the threshold (`>=`). Of all thresholds that clear enough of the healthy, take
# the one that finds most of the ill. Thresholds lie anywhere; nothing is interpolated between them.

# %% [markdown] card="sensitivity_at_specificity"
# title: "Exercise 2: sensitivity at a specificity"
# difficulty: 3
# importance: 5
# minutes: 15
# points: 10
# objective: Choose a threshold by what it costs the healthy, and read off what it gives the ill.
# hints:
#   - "Each threshold worth trying is one of the scores, or lies above all of them."
#   - "At a threshold t: specificity is the mean of (healthy < t), sensitivity that of (ill >= t)."
#   - "Of those with specificity at least the wanted one, the largest sensitivity."
# help:
#   "at specificity 1 I get nothing": >-
#     The threshold may lie just above the highest healthy score. Is that one among those you try?
#   "my result lies between two possible shares": >-
#     Of 5 ill cases one finds 0, 1, ... or 5. `quantile` and `interp` go in between.


# %% grade_id="sensitivity_at_specificity"
def sensitivity_at_specificity(scores, labels, *, specificity):
    """Return the largest share of ill found, with at least `specificity` of the healthy cleared.

    scores: [n], any real numbers; labels: [n], 1 is ill, 0 healthy, both present.
    A case is called ill if its score is at least the threshold. Returns a number or a tensor
    without axes.
    """
    ### BEGIN SOLUTION
    scores = scores.double()
    ill, healthy = scores[labels == 1], scores[labels == 0]
    best = 0.0
    for threshold in scores.unique():
        if (healthy < threshold).double().mean() >= specificity:
            best = max(best, (ill >= threshold).double().mean().item())
    return best
    ### END SOLUTION


# %% grade_id="sensitivity_at_specificity_check" points=10
check("13.sensitivity_at_specificity", sensitivity_at_specificity)

# %% [markdown]
# ## Part 3: what a positive result means
#
# The patient asks another question: "The program says that I am ill. Am I?" The answer is the
# *positive predictive value*, the share of truly ill among those called ill, and it depends on how
# many are ill to begin with, the prevalence. Count heads in a town: the ill who are found, and the
# healthy who are alarmed for nothing.

# %% [markdown] card="ppv"
# title: "Exercise 3: the positive predictive value"
# difficulty: 1
# importance: 5
# minutes: 10
# points: 8
# objective: Carry sensitivity and specificity over to the prevalence of the place of use.
# hints:
#   - "Found: sensitivity x prevalence. Alarmed for nothing: (1 - specificity) x (1 - prevalence)."
#   - "If nobody is called ill, there is no share to speak of: raise a ValueError that says so."
# help:
#   "I get the sensitivity": >-
#     That is the share of those *called ill among the ill*. Asked for is the ill among the called.
#   "ZeroDivisionError": >-
#     Nobody is called ill. Look for that case first, and raise a ValueError with a sentence.


# %% grade_id="ppv"
def ppv(sensitivity, specificity, prevalence):
    """Return the share of truly ill among those called ill. All three are numbers in 0..1.

    Raises a ValueError if nobody at all is called ill.
    """
    ### BEGIN SOLUTION
    found = sensitivity * prevalence
    alarmed = (1 - specificity) * (1 - prevalence)
    if found + alarmed == 0:
        raise ValueError("nobody is called ill, so there is no predictive value")
    return found / (found + alarmed)
    ### END SOLUTION


# %% grade_id="ppv_check" points=8
check("13.ppv", ppv)

# %% [markdown]
# ### Look at it
#
# Left: a town of a million heads, each of them drawn ill or healthy, called or not, and then
# counted. No formula. In the middle: yours. Read the row of 99 % specificity from right to left:
# the same test, and what its alarm is worth.

# %%
PREVALENCES, SPECIFICITIES = (0.001, 0.01, 0.025, 0.1, 0.5), (0.8, 0.9, 0.95, 0.99)


def counted_heads():
    """Return the share of ill among those called, [4, 5], counted in towns of a million."""
    g = torch.Generator().manual_seed(0)
    luck = torch.rand(2, 1_000_000, generator=g)
    rows = []
    for specificity in SPECIFICITIES:
        row = []
        for prevalence in PREVALENCES:
            ill = luck[0] < prevalence
            called = torch.where(ill, luck[1] < 0.9, luck[1] < 1 - specificity)
            row.append(ill[called].double().mean())
        rows.append(torch.stack(row))
    return torch.stack(rows)


def your_values():
    """Return what your function says, [4, 5]."""
    return torch.tensor([[ppv(0.9, s, p) for p in PREVALENCES] for s in SPECIFICITIES]).double()


# %%
side_by_side(
    counted_heads,
    your_values,
    xlabel="prevalence 0.001, 0.01, 0.025, 0.1, 0.5",
    ylabel="specificity 0.8, 0.9, 0.95, 0.99",
    alt="Predictive values at sensitivity 0.9, counted in towns, and yours: nearly blank if right.",
)

# %% [markdown]
# A million heads are not all heads, so the difference is small and not exactly 0.

# %% [markdown]
# ## Part 4: an interval over patients
#
# How sure is a number that was measured on a test set? The bootstrap draws a test set of the same
# size from the test set itself, with replacement, again and again, and looks at how the number
# moves. But *what* is drawn? Ten images of one patient are not ten witnesses. So patients are
# drawn, as many as there are, and each brings all of their images, as often as they were drawn.
#
# The check uses a metric that you know as a loss: `metric(scores, labels)` is the mean of
# (score - label)^2, called the Brier score where scores are probabilities. Your function has to
# work with any metric.

# %% [markdown] card="bootstrap_ci"
# title: "Exercise 4: the bootstrap of groups"
# difficulty: 4
# importance: 5
# minutes: 25
# points: 12
# objective: Draw whole patients, and take the middle 95 % of what the metric then says.
# hints:
#   - "`groups.unique()` lists the patients. Numbers of patients are names: 7 and 300 may be all."
#   - "`torch.randint(n, (n,), generator=generator)` draws n of n with replacement."
#   - >-
#     For every patient drawn, `(groups == name).nonzero().flatten()` holds the rows. Put them in a
#     list before the loop, and `torch.cat` those that were drawn.
#   - "`values.quantile(0.025)` and `values.quantile(0.975)`."
# help:
#   "my interval is too narrow": >-
#     Did you draw rows? Rows of one patient resemble each other, so rows seem more than they are.
#   "a patient who was drawn twice counts once": >-
#     `torch.isin` keeps or drops. It can't keep twice.


# %% grade_id="bootstrap_ci"
def bootstrap_ci(metric, scores, labels, groups, *, n_resamples, generator):
    """Return (estimate, low, high): the metric of the data, and 2.5th and 97.5th percentile.

    metric: called as metric(scores, labels), gives a number or a tensor without axes.
    scores, labels: [n]; groups: [n], integers, the patient of each row.
    Percentiles are over `n_resamples` resamples, each of as many patients as there are, drawn with
    replacement by `generator` alone. Returns three numbers, or three tensors without axes.
    """
    ### BEGIN SOLUTION
    rows_of = [(groups == name).nonzero().flatten() for name in groups.unique()]
    n, values = len(rows_of), []
    for _ in range(n_resamples):
        drawn = torch.randint(n, (n,), generator=generator)
        rows = torch.cat([rows_of[i] for i in drawn])
        values.append(float(metric(scores[rows], labels[rows])))
    found = torch.tensor(values, dtype=torch.float64)
    return float(metric(scores, labels)), found.quantile(0.025), found.quantile(0.975)
    ### END SOLUTION


# %% grade_id="bootstrap_ci_check" points=12
check("13.bootstrap_ci", bootstrap_ci)

# %% [markdown]
# `medmeta_ref.resampling.bootstrap_ci` does one thing more: a resample without a single ill case is
# drawn again, because it has no AUROC.

# %% [markdown]
# ## Part 5: is a probability meant?
#
# "80 % sure" should be right four times in five. The *expected calibration error* sorts the cases
# by confidence, the largest probability of each row, into equally wide bins over 0..1, bin number
# $b$ taking what is above $(b - 1)/B$ and at most $b/B$. In every bin it compares the mean
# confidence with the share of right answers:
#
# $$
# \text{ECE} = \sum_{b=1}^{B} \frac{n_b}{n}\,\bigl|\,\text{share right}_b - \text{mean
# confidence}_b\,\bigr|
# $$

# %% [markdown] card="calibration_error"
# title: "Exercise 5: the expected calibration error"
# difficulty: 3
# importance: 4
# minutes: 20
# points: 10
# objective: Hold stated confidence against the share of right answers, bin by bin.
# hints:
#   - "`confidence, predicted = probabilities.max(1)`."
#   - "Bin of a confidence c: `(c * n_bins).ceil() - 1`, from 0 to n_bins - 1."
#   - "An empty bin adds nothing: skip it before you take a mean over no cases, which is nan."
# help:
#   "nan": >-
#     The mean of an empty bin. Weigh by how many cases a bin has, and leave out those without any.
#   "cases with confidence 1 are missing": >-
#     `floor` puts them into a bin of their own, behind the last one. Bins are open below.


# %% grade_id="calibration_error"
def calibration_error(probabilities, labels, *, n_bins):
    """Return the expected calibration error over `n_bins` bins of equal width, (low, high].

    probabilities: [n, n_classes], rows sum to 1; labels: [n], integers.
    Returns a number or a tensor without axes.
    """
    ### BEGIN SOLUTION
    confidence, predicted = probabilities.double().max(1)
    right = (predicted == labels).double()
    bins = (confidence * n_bins).ceil() - 1
    error = 0.0
    for number in bins.unique():
        inside = bins == number
        error += inside.double().mean() * (right[inside].mean() - confidence[inside].mean()).abs()
    return error
    ### END SOLUTION


# %% grade_id="calibration_error_check" points=10
check("13.calibration_error", calibration_error)

# %% [markdown]
# It is never negative and chance only adds to it: even a perfectly calibrated model scores above 0
# on a small test set. The lesson shows how far above, and what to compare with.

# %% [markdown]
# ## Part 6: an episode of one finding
#
# ChestMNIST has 14 labels per image, and any number of them may be 1. A few-shot episode asks about
# *one* finding: does the image show it or not? An image without the finding need not be healthy. It
# may show anything else, and in the clinic it will.

# %% [markdown] card="finding_rows"
# title: "Exercise 6: with the finding, and without"
# difficulty: 3
# importance: 5
# minutes: 20
# points: 12
# objective: Draw an episode of one finding out of many labels per image.
# hints:
#   - "`labels[:, finding]` is all that decides on which side an image stands."
#   - "Draw k_shot + n_query rows of one side at once; then support and queries share none."
#   - "`rows[torch.randperm(len(rows), generator=generator)]` is one side, shuffled."
# help:
#   "images with two findings turn up among those without": >-
#     `argmax` gives one label per image, the first. Look at the column of the finding.
#   "the negatives are all healthy": >-
#     That is an easier question than the clinic asks: other diseases look like this one.


# %% grade_id="finding_rows"
def finding_rows(labels, *, finding, k_shot, n_query, generator):
    """Return (support, query), row numbers: first those without the finding, then those with it.

    labels: [n_images, n_labels] of 0 and 1. support: [2 * k_shot], query: [2 * n_query], tensors
    or lists of integers. No image is in it twice; on each side all images are equally likely.
    """
    ### BEGIN SOLUTION
    support, query = [], []
    for side in (0, 1):
        rows = (labels[:, finding] == side).nonzero().flatten()
        drawn = rows[torch.randperm(len(rows), generator=generator)]
        support.append(drawn[:k_shot])
        query.append(drawn[k_shot : k_shot + n_query])
    return torch.cat(support), torch.cat(query)
    ### END SOLUTION


# %% grade_id="finding_rows_check" points=12
check("13.finding_rows", finding_rows)

# %% [markdown]
# ## Part 7: find the bugs
#
# A report on a classifier of one finding, put together from habits that are common in public code.
# `score(images)` gives a score per image, `pick(scores, ill)` chooses a threshold,
# `resample(groups, generator)` draws whole groups with replacement and returns their rows.
# `findings` is `[n, n_labels]` of 0 and 1, `patient` has numbers from 0.
#
# ```text
#  1  def report(score, pick, images, findings, patient, *, finding, prevalence, generator):
#  2      ill = findings.argmax(1) == finding
#  3      test = torch.rand(len(images), generator=generator) < 0.5
#  4      scores = score(images)
#  5      called = (scores >= pick(scores[test], ill[test]))[test]
#  6      found, alarmed = called[ill[test]].double(), called[~ill[test]].double()
#  7      sensitivity, alarms = found.mean(), alarmed.mean()
#  8      ppv = (called & ill[test]).sum() / called.sum()
#  9      groups = torch.arange(len(found))
# 10      again = [found[resample(groups, generator)].mean() for _ in range(1000)]
# 11      low, high = torch.stack(again).quantile(torch.tensor([0.025, 0.975]).double())
# 12      return test, called, ppv, (sensitivity, low, high)
# ```
#
# It runs. People who looked closer saw five things:
#
# | symptom | what was seen |
# | --- | --- |
# | `"hidden behind another"` | an image with the finding *and* another one counts as healthy |
# | `"old acquaintances"` | test patients whose other images the threshold was chosen on |
# | `"reads the exam"` | other test labels, and other test images are called ill |
# | `"same everywhere"` | whatever `prevalence` is given, the predictive value is the same |
# | `"copies make sure"` | each image copied eight times in the archive, and the interval shrinks |

# %% [markdown] card="bug_lines"
# title: "Exercise 7: symptom and line"
# difficulty: 3
# importance: 5
# minutes: 15
# points: 10
# objective: Trace each symptom to the one line whose repair cures it.
# hints:
#   - "Take one symptom at a time. Which line would you change so that it goes away?"
#   - "Two lines forget that images have patients. One of them splits, the other one resamples."
#   - "Which line *could* use `prevalence`, and does not?"
# help:
#   "copies make sure: I blame line 10": >-
#     Line 10 draws whole groups, as it should. Which line says what a group is?
#   "reads the exam: I blame line 3": >-
#     Line 3 splits. Which line then looks at test labels before the verdict?


# %% grade_id="bug_lines"
def bug_lines():
    """Return a dict from each of the five symptoms to the number of the line that causes it."""
    ### BEGIN SOLUTION
    return {
        "hidden behind another": 2,
        "old acquaintances": 3,
        "reads the exam": 5,
        "same everywhere": 8,
        "copies make sure": 9,
    }
    ### END SOLUTION


# %% grade_id="bug_lines_check" points=10
check("13.bug_lines", bug_lines)

# %% [markdown]
# Line 3 is the one that no number in the report gives away. The other four can be seen by somebody
# who only has the report and a suspicion; who was on which side of the split has to be asked.

# %% [markdown] card="auroc_test"
# title: "Exercise 8: test a metric"
# difficulty: 3
# importance: 5
# minutes: 15
# points: 10
# objective: Write a test that tells a right AUROC from five that are printed in the same tables.
# hints:
#   - "A handful of cases whose AUROC you can count by hand is worth more than a thousand random."
#   - "Which scores make `>` and `>=` differ? Which make a threshold of 0.5 useless?"
#   - "Exchange the scores' signs, stretch them, shift them: what has to happen, and what not?"
# help:
#   "my test rejects a right implementation": >-
#     Compare floats by a tolerance. And count your pairs again: ties are worth one half.
#   "one that only reads scores in 0..1 slips through": >-
#     Scores may be logits. Try some below 0 or above 1, whose order is not perfect.


# %% grade_id="auroc_test"
def auroc_test(auroc):
    """Raise an AssertionError unless `auroc(scores, labels)` is right.

    auroc: takes scores [n], any real numbers, and labels [n], 1 or 0, both present; returns a
    number or a tensor without axes.
    """
    ### BEGIN SOLUTION
    labels = torch.tensor([0, 0, 1, 1, 0])
    for scores, value in (
        ([0.1, 0.4, 0.4, 0.9, 0.2], 5.5 / 6),
        ([0.6, 0.8, 0.7, 0.9, 0.55], 5 / 6),
        ([-3.0, -1.0, -2.0, 5.0, -9.0], 5 / 6),
        ([2.0, 3.0, 1.0, 2.0, 0.0], 2.5 / 6),
    ):
        assert abs(float(auroc(torch.tensor(scores), labels)) - value) < 1e-6
    ### END SOLUTION


# %% grade_id="auroc_test_check" points=10
check("13.auroc_test", auroc_test)

# %% [markdown]
# ## Part 8: interview questions
#
# Run the next cell to read them; `ask("13", language="zh")` shows them in Chinese. Some draw their
# numbers from a name: after `ask("13", student="ada")` the answers must hold `"student": "ada"`, as
# the template below the questions does. Any name will do; the questions are equally hard for all.

# %%
ask("13")

# %% [markdown] card="questions"
# title: "Exercise 9: thirteen questions"
# difficulty: 3
# importance: 4
# minutes: 30
# points: 20
# objective: Answer, in a sentence or a number, what an interviewer asks about medical evaluation.
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
    """Return a dict from the name of each question to your answer; ask("13") prints a template."""
    ### BEGIN SOLUTION
    return {
        "right_and_useless": "b",
        "spectrum": "c",
        "heart": "a",
        "modalities": "d",
        "calibration": "b",
        "alarms": 297,
        "positive": 0.1538,
        "even": "(1 - specificity) / (sensitivity + 1 - specificity)",
        "register": {1: "c", 2: "b", 3: "d", 4: "e", 5: "a"},
        "superior": "fbadce",
        "called_first": (0.7917, 0.5833),
        "ten_images_each": (5, "a"),
        "may_be_said": {"a", "c", "e"},
    }
    ### END SOLUTION


# %% grade_id="questions_check" points=20
check("13.questions", questions)

# %% [markdown]
# ## Room of your own
#
# The next cell is yours: nobody checks it and nobody grades it. A test with sensitivity 0.9 in your
# hospital: which specificity does it need so that half of its alarms are right?

# %% scratch=true
# With as many false alarms as right ones: (1 - specificity) (1 - rare) = 0.9 rare.
needed = {rare: 1 - 0.9 * rare / (1 - rare) for rare in (0.5, 0.1, 0.025, 0.001)}
# [ppv(0.9, specificity, rare) for rare, specificity in needed.items()]
