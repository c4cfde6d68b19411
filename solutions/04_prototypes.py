# %% [markdown]
# # Exercises 04: class means as a classifier, and four ways to spoil them
#
# **Question.** A few labelled scans per class, a mean, a distance: how little is needed for a
# few-shot classifier, and how would you notice that yours is not quite that?
#
# - **Time.** About 100 minutes of your own, a few seconds of the computer's.
# - **Know first.** Means, squared distances, softmax, cross-entropy; the lesson
#   `lessons/04_prototypes`.
# - **Papers.** Snell, Swersky and Zemel 2017, arXiv 1703.05175, sections 2.2 to 2.4.
#
# You write seven functions and answer thirteen questions. Replace the line that raises
# `NotImplementedError`, run the cell, run the check below it. A check says one of four things: *not
# attempted*, *wrong* (with the likely mistake), *your code raised* (with your line), *right*.
# Warnings cost nothing. At grading the checks draw other numbers than here, and each answer stands
# on its own: do not call one from another.

# %%
import torch
import torch.nn.functional as F
from IPython.display import display

from medmeta_ref import plots
from medmeta_ref.grading.check import check
from medmeta_ref.grading.look import look
from medmeta_ref.questions import ask

# %% [markdown]
# ## The example: a registry of CT volumes
#
# A registry collects volumes of organs. A 3-D network, trained elsewhere and never changed here,
# turns each volume into a row of *features*. Doctors label what they find time for: seven livers,
# two spleens, one bladder. In what order they come in, nobody controls.
#
# So the shots are **ragged**: every class has its own number of labelled volumes. Code that counts
# on "k of each, sorted by class" works in every tutorial and fails here.

# %% [markdown]
# ## Part 1: prototypes
#
# The prototype of class $k$ is the mean of the features of its support set $S_k$:
#
# $$
# c_k = \frac{1}{|S_k|}\sum_{(x, y) \in S_k} f(x)
# $$

# %% [markdown] card="prototypes"
# title: "Exercise 1: one mean per class"
# difficulty: 2
# importance: 5
# minutes: 10
# points: 14
# objective: Average features by label, whatever the order and the number of examples.
# hints:
#   - "`labels == c` is a mask that selects the rows of class c."
#   - >-
#     One list entry per class, then `torch.stack`. Or a 0/1 matrix of [n_way, n_examples] times
#     the features, divided by how many ones each row has.
# help:
#   "shape is invalid for input of size": >-
#     `reshape(n_way, k_shot, -1)` needs equal shots, and sorted labels. Here there is neither.
#   "the check speaks of Algorithm 1": >-
#     You divided by the number of classes. With 5 classes and 5 shots that gives the right result
#     by accident.
#   "mean(): input dtype should be either floating point": >-
#     You averaged the labels or the mask. The features are to be averaged.


# %% grade_id="prototypes"
def prototypes(features, labels, n_way):
    """Return the mean feature vector of every class.

    features: [n_examples, n_features]; labels: [n_examples], integers in 0..n_way-1, in any
    order, every class at least once. Returns [n_way, n_features].
    """
    ### BEGIN SOLUTION
    return torch.stack([features[labels == c].mean(0) for c in range(n_way)])
    ### END SOLUTION


# %% grade_id="prototypes_check" points=14
check("04.prototypes", prototypes)

# %% [markdown]
# ## Part 2: distances as logits
#
# $$
# p(y = k \mid x) = \mathrm{softmax}_k\bigl(-\lVert f(x) - c_k \rVert^2\bigr)
# $$
#
# The square is not decoration. With it the mean is the best centre (no other point has a smaller
# sum of squared distances to its class), and the classifier is linear, as you will show in part 4.

# %% [markdown] card="prototypical_logits"
# title: "Exercise 2: minus the squared distance"
# difficulty: 3
# importance: 5
# minutes: 12
# points: 14
# objective: Compute all distances at once, exactly also where they are tiny.
# hints:
#   - "`a[:, None] - b[None]` has shape [len(a), len(b), n_features]: every pair's difference."
#   - "Square it and sum over the last axis. The nearest prototype must get the largest logit."
# help:
#   "my values are right and the gradient holds nan": >-
#     Somewhere a root is taken (`norm`, `sqrt`, `** 0.5`). At distance 0 its slope is infinite.
#   "right near 0, wrong far from the origin": >-
#     You multiplied the square out, or `torch.cdist` did it for you. Two numbers of size 10^14
#     agree in all digits that float64 has.


# %% grade_id="prototypical_logits"
def prototypical_logits(query_features, prototypes):
    """Return minus the squared Euclidean distance of every query to every prototype.

    query_features: [n_queries, n_features]; prototypes: [n_way, n_features].
    Returns [n_queries, n_way].
    """
    ### BEGIN SOLUTION
    return -(query_features[:, None] - prototypes[None]).square().sum(-1)
    ### END SOLUTION


# %% grade_id="prototypical_logits_check" points=14
check("04.prototypical_logits", prototypical_logits)

# %% [markdown]
# **Look at it.** Six volumes with two features each, on a grid, and the prototypes of three organs.
# On the left every squared distance is counted out in plain Python, on the right is what your
# function makes of them. (Nothing appears until you have written it.)


# %%
def counted_out(volumes, organs):
    """Return [n_volumes, n_organs], one pair after the other: right, and much too slow."""
    table = torch.zeros(len(volumes), len(organs))
    for row, (a, b) in enumerate(volumes.tolist()):
        for column, (left, low) in enumerate(organs.tolist()):
            table[row, column] -= (a - left) * (a - left) + (b - low) * (b - low)
    return table


ORGANS = {"liver": (0.0, 0.0), "spleen": (2.0, 1.0), "bladder": (1.0, 3.0)}
with look():
    volumes = torch.cartesian_prod(torch.tensor([0.0, 1.0, 2.0]), torch.tensor([0.0, 2.0]))
    centres = torch.tensor(list(ORGANS.values()))
    target, yours = counted_out(volumes, centres), prototypical_logits(volumes, centres)
    words = {"ylabel": "volume", "xlabel": "organ", "columns": list(ORGANS)}
    tables = plots.target_and_yours(target, yours, **words)
    worst = (yours - target).abs().max()
    alt = f"Logits of six volumes and three organs, counted out and yours: at most {worst:.3g} off."
    display(plots.show(tables, alt=alt))

# %% [markdown]
# ## Part 3: what trains the embedding
#
# The prototypes are *computed*; what is *learned* is the embedding $f$. One training episode: embed
# support and queries with the same network, make prototypes of the support features, and take the
# cross-entropy of the queries. Its gradient comes down both ways: by the queries, and by the
# support examples that made the prototypes.

# %% [markdown] card="prototypical_loss"
# title: "Exercise 3: the loss of an episode"
# difficulty: 3
# importance: 5
# minutes: 15
# points: 18
# objective: Put embedding, prototypes and cross-entropy together so that gradient flows both ways.
# hints:
#   - "Five steps: embed twice, one mean per class, minus squared distances, cross-entropy."
#   - >-
#     How many classes are there? The support labels tell; the queries may not hold all of them.
#   - >-
#     `F.cross_entropy(logits, labels)` does softmax, logarithm and mean over the queries itself.
# help:
#   "my value is right and the gradient is not": >-
#     `.detach()`, `torch.no_grad()` or `torch.tensor(...)` on the way make constants of the
#     prototypes.
#   "name 'prototypes' is not defined": >-
#     Each answer is graded by itself. Write the two lines out again.


# %% grade_id="prototypical_loss"
def prototypical_loss(embed, params, support_x, support_y, query_x, query_y):
    """Return the cross-entropy of the queries, a mean, given prototypes of the support set.

    embed: embed(params, x) returns features [len(x), n_features]; params: name -> tensor.
    support_x, query_x: [n, n_inputs]; support_y, query_y: [n], integers; ragged and unsorted.
    Returns a tensor without axes, differentiable in `params`.
    """
    ### BEGIN SOLUTION
    support, queries = embed(params, support_x), embed(params, query_x)
    n_way = int(support_y.max()) + 1
    means = torch.stack([support[support_y == c].mean(0) for c in range(n_way)])
    logits = -(queries[:, None] - means).square().sum(-1)
    return F.cross_entropy(logits, query_y)
    ### END SOLUTION


# %% grade_id="prototypical_loss_check" points=18
check("04.prototypical_loss", prototypical_loss)

# %% [markdown]
# ## Part 4: a linear layer in disguise
#
# Multiply out:
#
# $$
# -\lVert q - c_k \rVert^2 = -\lVert q \rVert^2 + 2\,c_k^\top q - \lVert c_k \rVert^2
# $$
#
# One of the three terms is the same for every class, and a softmax does not see such a term. What
# is left is a linear layer, whose weights are not trained but read off the prototypes.

# %% [markdown] card="as_linear"
# title: "Exercise 4: weight and bias"
# difficulty: 2
# importance: 4
# minutes: 8
# points: 8
# objective: Write the prototypical classifier as the linear layer that it is.
# hints:
#   - "Which term holds both q and c? That is the weight."
#   - "Which term holds c alone? That is the bias: one number per class."
# help:
#   "bias has shape [n_way, n_features]": >-
#     |c|² is one number: the sum over the features of the squares.
#   "I do not get the same logits as in exercise 2": >-
#     Nor should you: they differ by |q|². Compare probabilities, or differences between classes.


# %% grade_id="as_linear"
def as_linear(prototypes):
    """Return (weight, bias) of the linear layer with the same probabilities.

    prototypes: [n_way, n_features]. Returns weight [n_way, n_features] and bias [n_way], for which
    softmax(q @ weight.T + bias) = softmax of minus the squared distances.
    """
    ### BEGIN SOLUTION
    return 2 * prototypes, -prototypes.square().sum(1)
    ### END SOLUTION


# %% grade_id="as_linear_check" points=8
check("04.as_linear", as_linear)

# %% [markdown]
# MAML people use this the other way round: the pair is a good *starting point* for a linear layer
# that is then fine-tuned on the support set (Triantafillou et al. 2020, arXiv 1903.03096, call it
# Proto-MAML).

# %% [markdown]
# ## Part 5: an example comes in
#
# On Monday the registry has $n$ labelled spleens, on Tuesday one more. What "adaptation" costs here
# is one line. The old volumes need not be kept, which a hospital may even require.

# %% [markdown] card="one_more_example"
# title: "Exercise 5: one example more"
# difficulty: 1
# importance: 3
# minutes: 5
# points: 6
# objective: Update a mean without the examples it was made of.
# hints:
#   - "n times a mean of n examples is their sum."
#   - "Written as a step: from the old mean towards the new example, by a fraction of 1 / (n + 1)."
# help:
#   "right for one example, wrong for more": >-
#     The old mean stands for n examples, the new features for one.
#   "the order of the examples matters": >-
#     Then the steps do not shrink: a fixed fraction is a moving average, which forgets.


# %% grade_id="one_more_example"
def one_more_example(prototype, n_shots, features):
    """Return the prototype after one more example.

    prototype: [n_features], the mean of n_shots examples; features: [n_features], the new one.
    Returns [n_features].
    """
    ### BEGIN SOLUTION
    return prototype + (features - prototype) / (n_shots + 1)
    ### END SOLUTION


# %% grade_id="one_more_example_check" points=6
check("04.one_more_example", one_more_example)

# %% [markdown]
# ## Part 6: find the bugs
#
# An evaluation of one episode, put together from habits of several public repositories.
#
# ```text
#  1  def evaluate(embed, support_x, support_y, query_x, query_y):
#  2      support, query = embed(support_x), embed(query_x)
#  3      n_way = len(support_y.unique())
#  4      support, query = support - support.mean(0), query - query.mean(0)
#  5      k_shot = len(support) // n_way
#  6      prototypes = support.reshape(n_way, k_shot, -1).mean(1)
#  7      logits = -torch.cdist(query, prototypes)
#  8      loss = F.cross_entropy(logits.softmax(1), query_y)
#  9      accuracy = (logits.argmax(1) == query_y).sum() / n_way
# 10      return logits, loss, accuracy
# ```
#
# On balanced, sorted episodes it runs and gives respectable numbers. People who looked closer saw
# five things:
#
# | symptom | what was seen |
# | --- | --- |
# | `"influenced"` | a scan gets other logits when other scans are classified along with it |
# | `"order of examples"` | the same support examples in another order give other logits |
# | `"bent boundary"` | along evenly spaced queries class 0's lead over class 1 changes unevenly |
# | `"never sure"` | queries right on their prototypes, far from the others: loss still above 0.5 |
# | `"above one"` | an accuracy of 3.0 was reported |

# %% [markdown] card="bug_lines"
# title: "Exercise 6: symptom and line"
# difficulty: 3
# importance: 4
# minutes: 12
# points: 10
# objective: Trace each symptom to the one line whose repair cures it.
# hints:
#   - "Take one symptom at a time. Which line would you change so that it goes away?"
#   - >-
#     "bent boundary": the lead is logit 0 minus logit 1. For which distance is it linear in the
#     query?
#   - "\"never sure\": put (1, 0, 0) into log-softmax. That is the best this line can ever see."
# help:
#   "order of examples: I blame line 5": >-
#     A better k_shot would still cut the rows into blocks. Which line decides what is in a block?
#   "influenced: centring looks harmless": >-
#     Ask whose mean it is. A clinic that classifies one scan has a mean of one scan.


# %% grade_id="bug_lines"
def bug_lines():
    """Return a dict from each of the five symptoms to the number of the line that causes it."""
    ### BEGIN SOLUTION
    return {
        "influenced": 4,
        "order of examples": 6,
        "bent boundary": 7,
        "never sure": 8,
        "above one": 9,
    }
    ### END SOLUTION


# %% grade_id="bug_lines_check" points=10
check("04.bug_lines", bug_lines)

# %% [markdown]
# Three of the five leave the accuracy of a balanced, sorted episode exactly as it was. (Which?)
# That is why they survive: accuracy is all that people look at.

# %% [markdown] card="classifier_test"
# title: "Exercise 7: a test that would have told"
# difficulty: 4
# importance: 5
# minutes: 15
# points: 10
# objective: Write a test that every right classifier passes and every known mistake fails.
# hints:
#   - >-
#     Three examples in the plane are enough: two of one class, one of the other, not sorted. Work
#     out prototypes and squared distances by hand.
#   - >-
#     With two classes the probability of class 0 is 1 / (1 + exp(d0 - d1)), for the squared
#     distances d0 and d1.
#   - >-
#     A mistake slips through where it makes no difference: equal shots as many as classes, queries
#     whose mean is that of the support set, distances of 0 or 1.
# help:
#   "my test rejects a right classifier": >-
#     `torch.allclose`, not `==`: one of the two right ones computes in another order. And check
#     your arithmetic with a loop.
#   "queries centred by their own mean slips through": >-
#     Give a single query, or queries that lie to one side.


# %% grade_id="classifier_test"
def classifier_test(classify):
    """Raise an AssertionError unless `classify` is a right prototypical classifier.

    classify: called as classify(features, labels, queries, n_way); returns the probabilities
    [n_queries, n_way]. features: [n_examples, n_features]; queries: [n_queries, n_features].
    """
    ### BEGIN SOLUTION
    features = torch.tensor([[0.0, 0.0], [2.0, 1.0], [2.0, 0.0]])
    labels = torch.tensor([0, 1, 0])  # prototypes (1, 0) and (2, 1)
    queries = torch.tensor([[1.5, 1.0], [1.0, 0.5]])  # squared distances 1.25, 0.25 and reversed
    likely = 1 / (1 + torch.exp(torch.tensor(-1.0)))
    want = torch.stack([torch.stack([1 - likely, likely]), torch.stack([likely, 1 - likely])])
    assert torch.allclose(classify(features, labels, queries, 2), want)
    ### END SOLUTION


# %% grade_id="classifier_test_check" points=10
check("04.classifier_test", classifier_test)

# %% [markdown]
# ## Part 7: interview questions
#
# Run the next cell to read them; `ask("04", language="zh")` shows them in Chinese. Some draw their
# numbers from a name: after `ask("04", student="ada")` the answers must hold `"student": "ada"`, as
# the template below the questions does. Any name will do; the questions are equally hard for all.

# %%
ask("04")

# %% [markdown] card="questions"
# title: "Exercise 8: thirteen questions"
# difficulty: 3
# importance: 4
# minutes: 25
# points: 20
# objective: Answer, in a sentence or a number, what an interviewer asks about prototypes.
# hints:
#   - "Start with those you could answer aloud. `...` stands for an answer you do not have yet."
#   - "For one feature, draw query and prototypes on a line. Most answers can be seen there."
# help:
#   "my numbers are right and the check says they are not": >-
#     Do the answers name the student whose questions you read? `"student"` decides the numbers.
#   "I got a part of the points": >-
#     Sets, orders and matchings earn points for being nearly right, less what guessing would earn.


# %% grade_id="questions"
def questions():
    """Return a dict from the name of each question to your answer; ask("04") prints a template."""
    ### BEGIN SOLUTION
    return {
        "what_is_learned": "b",
        "one_shot": "c",
        "why_squared": "a",
        "lead": "2 * (a - b) * q - a ** 2 + b ** 2",
        "logits_shape": (40, 5),
        "nearer": 0.8808,
        "misprint": 0.15,
        "sorted_or_not": (True, 11, [1, 1]),
        "ragged": (6, "d"),
        "training_step": "cefabd",
        "neighbours": {1: "e", 2: "d", 3: "c", 4: "b", 5: "a"},
        "invariances": {"a", "c", "e"},
        "reading": "d",
    }
    ### END SOLUTION


# %% grade_id="questions_check" points=20
check("04.questions", questions)

# %% [markdown]
# ## Room of your own
#
# The next cell is yours: nobody checks it and nobody grades it. Does the result of
# `one_more_example` depend on the order in which examples come in? And what would a prototype that
# *forgets* be good for, when a scanner is replaced?

# %% scratch=true
features = torch.tensor([[0.0, 1.0], [2.0, 1.0], [1.0, 4.0]])
features.mean(0)
