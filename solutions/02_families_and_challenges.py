# %% [markdown]
# # Exercises 02: measure the three challenges, and catch a learner that learned by heart
#
# **Question.** Few labels, unlike tasks, too little compute: three words that every talk on
# meta-learning shows. Which *numbers* stand behind them, and how are these numbers got wrong?
#
# - **Time.** About two hours of your own, a few seconds of the computer's.
# - **Know first.** Episodes (unit 01), the lesson `lessons/02_families_and_challenges`.
# - **Papers.** Yin et al. 2020, arXiv 1912.03820 (learning by heart); Chen et al. 2019, arXiv
#   1904.04232 (fair comparisons).
#
# You write six functions and answer thirteen questions. Replace the line that raises
# `NotImplementedError`, run the cell, run the check below it. A check says one of four things: *not
# attempted*, *wrong* (with the likely mistake), *your code raised* (with your line), *right*.
# Warnings cost nothing. At grading the checks draw other numbers than here.
#
# No network is trained here. Everything that is measured has an exact answer.

# %%
import torch

from medmeta_ref.grading.check import check
from medmeta_ref.questions import ask

# %% [markdown]
# ## Part 1: scarcity, measured in pairs
#
# "With five labelled images per class our method is better." Than what, by how much, and how sure
# are you? Two methods that answer the *same* episodes share what makes an episode easy or hard.
# Subtract first, and that part is gone.
#
# Here a method is a function: `method(k_shot, episode)` returns its accuracy on the episode of that
# number.

# %% [markdown] card="gain_curve"
# title: "Exercise 1: the gain against shots"
# difficulty: 2
# importance: 5
# minutes: 15
# points: 14
# objective: Compare two methods in pairs, with an interval for the difference.
# hints:
#   - >-
#     For one number of shots: a list of differences, one per episode. Everything else is computed
#     from that list.
#   - "`torch.tensor(differences).double().std()` already divides by n - 1."
# help:
#   "my interval is much wider than expected": >-
#     Two standard deviations, one per method, know nothing of the pairing. There is only one list:
#     the differences.
#   "my numbers are right in the third digit only": >-
#     `torch.tensor` of Python floats is float32. Ask for `.double()`, or use plain Python.


# %% grade_id="gain_curve"
def gain_curve(ours, rival, shots, episodes):
    """Return a dict from each of `shots` to (mean, half-width) of the gain ours - rival.

    ours, rival: called as ours(k_shot, episode), return an accuracy. Ask each once per pair.
    shots, episodes: lists of integers.
    half-width: 1.96 s / sqrt(n), s the standard deviation (with n - 1) of the n differences.
    """
    ### BEGIN SOLUTION
    curve = {}
    for k in shots:
        gains = torch.tensor([ours(k, e) - rival(k, e) for e in episodes]).double()
        curve[k] = float(gains.mean()), float(1.96 * gains.std() / len(episodes) ** 0.5)
    return curve
    ### END SOLUTION


# %% grade_id="gain_curve_check" points=14
check("02.gain_curve", gain_curve)

# %% [markdown]
# ## Part 2: diversity, as a number
#
# How unlike are the tasks that a learner meets? One simple answer: embed all images, take the mean
# of every task, and look how far these means lie apart. It is a rough measure (two tasks may have
# one mean and different classes), but it can be computed before anything is trained.

# %% [markdown] card="task_diversity"
# title: "Exercise 2: how unlike are the tasks?"
# difficulty: 2
# importance: 3
# minutes: 15
# points: 12
# objective: Turn "diverse" into a number that obeys the laws you would expect of it.
# hints:
#   - "The mean over the images of each task first: [n_tasks, n_features]."
#   - >-
#     `torch.pdist(rows)` returns the distance of every pair of rows once. `torch.cdist(rows, rows)`
#     returns each pair twice and every row's distance to itself.
# help:
#   "my value is a little too small": >-
#     Do you average over the zeros on the diagonal as well? Of n² entries only n(n - 1) are pairs.
#   "copies of one task do not give me 0": >-
#     Then single images are compared. The spread *inside* a task is not diversity of tasks.


# %% grade_id="task_diversity"
def task_diversity(features):
    """Return the mean Euclidean distance between the mean features of two different tasks.

    features: [n_tasks, n_images, n_features], with two tasks at least.
    Returns a tensor without axes, or a float.
    """
    ### BEGIN SOLUTION
    return torch.pdist(features.mean(1)).mean()
    ### END SOLUTION


# %% grade_id="task_diversity_check" points=12
check("02.task_diversity", task_diversity)

# %% [markdown]
# ## Part 3: compute, counted
#
# Seconds depend on the machine, on its other work and on the day. Counts do not. For one outer step
# over `n_tasks` tasks, one task after the other, we count
#
# - `"losses"`: how often a loss is evaluated (a forward pass over a set of images),
# - `"gradients"`: how often a gradient is taken (a backward pass),
# - `"graphs"`: how many losses' graphs are in memory at the worst moment. That, times the size of
#   one graph, is the memory that training needs.
#
# The four methods, for one task:
#
# | method | inner loop | then |
# | --- | --- | --- |
# | `"prototypes"` | none | query loss of the class means, its gradient |
# | `"reptile"` | `inner_steps` gradient steps | nothing: the way they went is all it uses |
# | `"fomaml"` | `inner_steps` gradient steps, gradients as constants | query loss, its gradient |
# | `"maml"` | `inner_steps` gradient steps, differentiable | query loss, its gradient |
#
# Taking a gradient frees the graph that it went through, unless somebody will differentiate again.
# The check runs all four with counters in them and compares.

# %% [markdown] card="step_cost"
# title: "Exercise 3: what an outer step costs"
# difficulty: 3
# importance: 5
# minutes: 20
# points: 16
# objective: Foresee how cost grows with inner steps and tasks, and what first order really saves.
# hints:
#   - "Count for one task. Which of the three numbers grow with the number of tasks?"
#   - >-
#     FOMAML takes every gradient that MAML takes. What it does not do is keep the graphs of the
#     inner steps.
#   - "With MAML's outer gradient, how many losses' graphs are needed to get back to the start?"
# help:
#   "my graphs are too many when there are several tasks": >-
#     One task after the other: when its outer gradient has been taken, its graphs are freed.
#   "maml: I am one graph short": >-
#     The query loss has a graph, too.


# %% grade_id="step_cost"
def step_cost(method, *, inner_steps, n_tasks):
    """Return {"losses": ..., "gradients": ..., "graphs": ...} of one outer step, as integers.

    method: "prototypes", "reptile", "fomaml" or "maml".
    """
    ### BEGIN SOLUTION
    per_task = {
        "prototypes": 1,
        "reptile": inner_steps,
        "fomaml": inner_steps + 1,
        "maml": inner_steps + 1,
    }[method]
    held = inner_steps + 1 if method == "maml" else 1
    return {"losses": n_tasks * per_task, "gradients": n_tasks * per_task, "graphs": held}
    ### END SOLUTION


# %% grade_id="step_cost_check" points=16
check("02.step_cost", step_cost)

# %% [markdown]
# ## Part 4: too few *tasks*, and what happens then
#
# Suppose all your tasks are made from the same eight cell types, and that *neutrophil* always gets
# the first slot, *monocyte* the second, and so on. Then there is no need to look at the support set
# at all: one can learn the answers by heart. The training loss falls, the support set is dead
# weight, and a new cell type gets an old name. Yin et al. call this *memorisation*. The remedy:
# give out the slots anew in every episode, so that only the support set tells what they mean.
#
# Whether a learner fell for it can be tested without any new image. **Rename the support labels**:
# slot 0 becomes 1, 1 becomes 2, ..., the last becomes 0. A learner that reads the support set has
# to rename its answers in the same way. One that learned by heart will not notice.

# %% [markdown] card="support_dependence"
# title: "Exercise 4: does it look at the support set?"
# difficulty: 3
# importance: 5
# minutes: 15
# points: 18
# objective: Tell a learner that adapts from one that recites.
# hints:
#   - "Two calls of `predict` with the same images. Only the support labels differ."
#   - >-
#     Three things may happen to an answer: it is renamed like the labels, it stays, or it becomes
#     something else. So the two shares need not sum to 1.
#   - "`(support_y + 1) % n_way` is a new tensor. `support_y += 1` changes somebody else's."
# help:
#   "I get (0, 1) for a classifier that is surely all right": >-
#     Perhaps images and labels were moved together. A support set in another order is still the
#     same support set.
#   "what about the true labels of the queries?": >-
#     They are not needed. The question is what an answer depends on, not whether it is right.


# %% grade_id="support_dependence"
def support_dependence(predict, support_x, support_y, query_x, *, n_way):
    """Return (follows, ignores), two shares of the queries, when support label c becomes c + 1.

    predict: called as predict(support_x, support_y, query_x), returns [n_queries] slots.
    support_y: [n_support], slots in 0..n_way-1; the last one is renamed to 0.
    follows: the answer is renamed in the same way. ignores: the answer stays the same.
    """
    ### BEGIN SOLUTION
    before = predict(support_x, support_y, query_x)
    after = predict(support_x, (support_y + 1) % n_way, query_x)
    follows = (after == (before + 1) % n_way).double().mean()
    ignores = (after == before).double().mean()
    return float(follows), float(ignores)
    ### END SOLUTION


# %% grade_id="support_dependence_check" points=18
check("02.support_dependence", support_dependence)

# %% [markdown]
# ## Part 5: find the bugs
#
# A study of accuracy against shots, in the style of several public repositories. A linear layer
# `head` on frozen features is fine-tuned on the support set of each episode. `base` are the classes
# that the features were trained on, `classes` all there are. `draw(novel, k_shot, generator)`
# returns a right episode of `novel` classes; it draws classes and queries first, then the shots.
#
# ```text
#  1  def study(head, draw, base, classes, shots, n_episodes, generator):
#  2      novel = sorted(classes)
#  3      results = {}
#  4      for k_shot in shots:
#  5          found = []
#  6          for episode in range(n_episodes):
#  7              generator.manual_seed(n_episodes * k_shot + episode)
#  8              model = head
#  9              xs, ys, xq, yq = draw(novel, k_shot, generator)
# 10              for _ in range(20):
# 11                  loss = F.cross_entropy(model(xq), yq)
# 12                  grads = torch.autograd.grad(loss, list(model.parameters()))
# 13                  step(model, grads, lr=0.5)
# 14              found += (model(xq).argmax(1) == yq).double().tolist()
# 15          found = torch.tensor(found)
# 16          results[k_shot] = found.mean(), 1.96 * found.std() / len(found) ** 0.5
# 17      return results
# ```
#
# `step` changes the parameters of `model` in place. It all runs. People who looked closer saw five
# things:
#
# | symptom | what was seen |
# | --- | --- |
# | `"old acquaintances"` | "unseen" classes that the features were trained on |
# | `"other questions"` | a classifier that never learns scores differently at 1 and at 5 shots |
# | `"long memory"` | the same episode twice in a row: another accuracy the second time |
# | `"answers known"` | support labels may be shuffled without any effect |
# | `"too sure"` | asking every query twice makes the interval narrower |

# %% [markdown] card="bug_lines"
# title: "Exercise 5: symptom and line"
# difficulty: 2
# importance: 4
# minutes: 10
# points: 10
# objective: Trace each symptom to the one line whose repair cures it.
# hints:
#   - "Take one symptom at a time. Which line would you change so that it goes away?"
#   - >-
#     Queries of one episode share its support set, so they are no independent numbers. Which line
#     treats them as if they were?
# help:
#   "long memory: line 13 changes the model": >-
#     It has to: that is fine-tuning. Which line should have made a copy before?
#   "too sure: line 16 is the usual formula": >-
#     It is right for a list of independent numbers. Look at what is on the list.


# %% grade_id="bug_lines"
def bug_lines():
    """Return a dict from each of the five symptoms to the number of the line that causes it."""
    ### BEGIN SOLUTION
    return {
        "old acquaintances": 2,
        "other questions": 7,
        "long memory": 8,
        "answers known": 11,
        "too sure": 14,
    }
    ### END SOLUTION


# %% grade_id="bug_lines_check" points=10
check("02.bug_lines", bug_lines)

# %% [markdown]
# ## Part 6: a test that tells learners from reciters
#
# Accuracy on familiar classes cannot tell them apart. A task whose answer is certain can: classes
# far apart, each query close to its own. Then a right classifier has no choice, and you can shape
# the support set so that a wrong one stumbles.

# %% [markdown] card="task_test"
# title: "Exercise 6: test a few-shot classifier"
# difficulty: 4
# importance: 5
# minutes: 20
# points: 10
# objective: Write a test that every right classifier passes and every known cheat fails.
# hints:
#   - >-
#     One task alone cannot show a memory: call the classifier with two different ones. The second
#     may be the first with other labels.
#   - >-
#     Mix the order of the support set; give one class more examples than another; ask a single
#     query, or queries of one class only.
#   - "Sums in place of means: with 6 examples in one class and 2 in another, where do they lie?"
# help:
#   "my test rejects a right classifier": >-
#     Put the classes ten apart and the examples within one of their centre. Compare slots, with
#     `torch.equal` or `.tolist()`.
#   "the one that judges a query by its neighbours slips through": >-
#     As long as queries are as balanced as the support set, centring both does no harm. Ask about
#     one class only.


# %% grade_id="task_test"
def task_test(predict):
    """Raise an AssertionError unless `predict` classifies by the support set, and by that alone.

    predict: called as predict(support_x, support_y, query_x) with [n_support, n_features],
    [n_support] slots in any order and any numbers per class, [n_queries, n_features].
    Returns [n_queries], the slot of each query.
    """
    ### BEGIN SOLUTION
    centres = torch.tensor([[10.0], [20.0], [30.0]]).double()
    members = torch.tensor([2, 0, 1, 0, 0, 1, 0, 0, 2])
    examples = centres[members] + torch.linspace(-0.5, 0.5, 9).double()[:, None]
    for slots in torch.tensor([[0, 1, 2], [1, 2, 0]]):
        assert torch.equal(predict(examples, slots[members], centres), slots)
        for asked in range(3):
            alone = predict(examples, slots[members], centres[asked : asked + 1])
            assert alone.tolist() == [slots[asked].item()]
    ### END SOLUTION


# %% grade_id="task_test_check" points=10
check("02.task_test", task_test)

# %% [markdown]
# ## Part 7: interview questions
#
# Two maps of the field, three challenges, and sentences that sound right. Run the next cell to read
# the questions; `ask("02", language="zh")` shows them in Chinese. Some draw their numbers from a
# name: after `ask("02", student="ada")` the answers must hold `"student": "ada"`, as the template
# below the questions does. Any name will do; the questions are equally hard for all.

# %%
ask("02")

# %% [markdown] card="questions"
# title: "Exercise 7: thirteen questions"
# difficulty: 3
# importance: 5
# minutes: 30
# points: 20
# objective: Say which family a method belongs to, which challenge it answers, and what it costs.
# hints:
#   - "Start with those you could answer aloud. `...` stands for an answer you do not have yet."
#   - "Numbers may be computed, and exercise 3 has computed some of them already."
# help:
#   "my numbers are right and the check says they are not": >-
#     Do the answers name the student whose questions you read? `"student"` decides the numbers.
#   "I got a part of the points": >-
#     Sets, orders and matchings earn points for being nearly right, less what guessing would earn.


# %% grade_id="questions"
def questions():
    """Return a dict from the name of each question to your answer; ask("02") prints a template."""
    ### BEGIN SOLUTION
    return {
        "families": {1: "b", 2: "b", 3: "a", 4: "a", 5: "c", 6: "c", 7: "d", 8: "d"},
        "practice_map": {1: "c", 2: "d", 3: "d", 4: "a", 5: "b", 6: "b"},
        "remedies": {1: "c", 2: "b", 3: "d", 4: "e", 5: "f", 6: "a"},
        "less_compute": "b",
        "scarce_what": "d",
        "true_claims": {"b", "d", "f"},
        "maml_gradients": 1800,
        "memory": "ebacd",
        "break_even": "M / (s - a)",
        "recited": (3, 0, 0),
        "fixed_slots": (5, "c"),
        "reads_everything": (60, 64),
        "another_domain": "a",
    }
    ### END SOLUTION


# %% grade_id="questions_check" points=20
check("02.questions", questions)

# %% [markdown]
# ## Room of your own
#
# The next cell is yours: nobody checks it and nobody grades it. Two "methods" whose accuracies are
# mostly luck of the episode. How many episodes do you need to see a gain of 0.01, with pairing and
# without?


# %% scratch=true
def luck(episode):
    return 0.1 * torch.randn((), generator=torch.Generator().manual_seed(episode)).item()


# gain_curve(lambda k, e: 0.61 + luck(e), lambda k, e: 0.60 + luck(e), [1, 5], list(range(100)))
# gain_curve(lambda k, e: 0.61 + luck(e), lambda k, e: 0.60 + luck(-e), [1, 5], list(range(1, 101)))
