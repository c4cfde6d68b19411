# %% [markdown]
# # Exercises 07: write Reptile and ANIL, and measure what they reuse
#
# **Question.** Reptile leaves out MAML's second derivatives and its query set; ANIL leaves out most
# of the inner loop. Both are a few lines. Which of those lines can be wrong without anybody
# noticing, and what exactly have you got when they are right?
#
# - **Time.** About two hours of your own, a few seconds of the computer's.
# - **Know first.** Exercises 06 (the inner loop), the lesson `lessons/07_reptile_and_anil`.
# - **Papers.** Nichol, Achiam and Schulman 2018, arXiv 1803.02999 (Reptile); Raghu et al. 2020,
#   arXiv 1909.09157 (ANIL); Kornblith et al. 2019, arXiv 1905.00414 (CKA).
#
# You write six functions, hunt five bugs and answer fourteen questions. Replace the line that
# raises `NotImplementedError`, run the cell, run the check below it. A check says one of four
# things: *not attempted*, *wrong* (with the likely mistake), *your code raised* (with your line),
# *right*. Warnings cost nothing. At grading the checks draw other numbers than here.
#
# Exercise 2 may call your answer to exercise 1.

# %%
import torch

from medmeta_ref.grading.check import check
from medmeta_ref.grading.side_by_side import side_by_side
from medmeta_ref.questions import ask

# %% [markdown]
# ## The example: clinics that send weights
#
# Several clinics would like a common starting network. Their images must not leave the house. So
# a centre sends its parameters $\phi$ out, each clinic trains them for a few steps on its own
# images, and sends back where it arrived. The centre moves $\phi$ towards the mean of what comes
# back, and the round begins again.
#
# That is Reptile, with clinics for tasks. With a step of 1, and clinics that count
# alike, it is also *federated averaging* (McMahan et al. 2017, arXiv 1602.05629): two fields met in
# one line. (What a clinic sends is not
# anonymous for that: weights can tell about the images behind them.)

# %% [markdown]
# ## Part 1: the centre
#
# $$
# \phi \leftarrow \phi + \varepsilon\,\Bigl(\frac1n \sum_{i=1}^n \phi_i - \phi\Bigr)
# $$
#
# $\phi_i$ is what clinic $i$ sends back, $\varepsilon$ is `outer_lr`.

# %% [markdown] card="reptile_update"
# title: "Exercise 1: the step of the centre"
# difficulty: 1
# importance: 5
# minutes: 10
# points: 10
# objective: Move parameters a part of the way to a mean.
# hints:
#   - "For one name: stack the tensors that came back along a new axis, and take the mean over it."
#   - "A dict comprehension over `params` makes the new dict; nothing changes in place."
# help:
#   "the check says that I walk away": >-
#     The way to somewhere is *there minus here*. With `params - adapted` the same update needs a
#     minus in front, as if it were a gradient.
#   "the check says that the order of the tasks matters": >-
#     In a loop over clinics do you write into the params that the next clinic is compared with?


# %% grade_id="reptile_update"
def reptile_update(params, adapted, *, outer_lr):
    """Return the parameters after one step towards where the tasks led.

    params: name -> tensor. Not changed.
    adapted: list of dicts like `params`, one for each task.
    outer_lr: 0 stays at params, 1 arrives at the mean of `adapted`.
    """
    ### BEGIN SOLUTION
    means = {name: torch.stack([end[name] for end in adapted]).mean(0) for name in params}
    return {name: params[name] + outer_lr * (means[name] - params[name]) for name in params}
    ### END SOLUTION


# %% grade_id="reptile_update_check" points=10
check("07.reptile_update", reptile_update)

# %% [markdown]
# ## Part 2: the whole round
#
# A clinic deals its images into minibatches and takes one step of gradient descent on each, in
# order:
#
# $$
# \theta_{k+1} = \theta_k - \alpha\,\nabla L\bigl(\theta_k;\, x_k, y_k\bigr), \qquad
# \theta_0 = \phi, \qquad \phi_i = \theta_K .
# $$
#
# There is no query set, and nothing has to remember how it came about: the centre looks at the end
# of the walk only.
#
# The checks use losses with a known answer, above all *bowls*
# $L(\theta) = \tfrac12 (\theta - c)^\top A\,(\theta - c)$, given as `x` $= A$ and `y` $= c$.

# %% [markdown] card="reptile_step"
# title: "Exercise 2: one round of Reptile"
# difficulty: 3
# importance: 5
# minutes: 20
# points: 15
# objective: Write Reptile so that it is not joint training by accident.
# hints:
#   - >-
#     Two loops: over tasks, and within a task over its minibatches. Every task starts with
#     `dict(params)`, a new dict with the same tensors.
#   - >-
#     `torch.func.grad(loss)(parameters, x, y)` returns a dict of gradients. Or
#     `torch.autograd.grad(loss(parameters, x, y), list(parameters.values()))`: a tuple.
#   - "Collect the ends in a list; the last line is exercise 1."
# help:
#   "One of the differentiated Tensors appears to not have been used in the graph": >-
#     After the first step the loss is a function of the *new* tensors. Take its gradient in those.
#   "the check says joint training": >-
#     A gradient that is always taken at `params` makes K steps one long one. Reptile learns more
#     than joint training only because step 2 is taken where step 1 ended.
#   "right once, wrong on the second call": >-
#     `fast = params` is a second name for the same dict, and `-=` writes into the same tensors.


# %% grade_id="reptile_step"
def reptile_step(loss, params, tasks, *, inner_lr, outer_lr):
    """Return the parameters after one round of Reptile.

    loss: loss(params, x, y) returns a tensor without axes.
    params: name -> tensor. Not changed.
    tasks: list of tasks; a task is a list of minibatches (x, y), one for each inner step.
    """
    ### BEGIN SOLUTION
    adapted = []
    for task in tasks:
        own = dict(params)
        for x, y in task:
            slopes = torch.func.grad(loss)(own, x, y)
            own = {name: p - inner_lr * slopes[name] for name, p in own.items()}
        adapted.append(own)
    return reptile_update(params, adapted, outer_lr=outer_lr)
    ### END SOLUTION


# %% grade_id="reptile_step_check" points=15
check("07.reptile_step", reptile_step)

# %% [markdown]
# ### Look at it
#
# Two clinics with one bowl each, steep in one direction and flat in the other. From 25 places on a
# grid: how far does your round move along the first axis? On the left what matrix algebra says.


# %%
def bowl(params, curvature, centre):
    away = params["theta"] - centre
    return away @ curvature @ away / 2


steep, flat = torch.tensor([[4.0, 1.0], [1.0, 1.0]]), torch.eye(2)
clinics = [[(steep, torch.tensor([1.0, 0.0]))] * 3, [(flat, torch.tensor([-1.0, 1.0]))] * 3]
places = torch.linspace(-2, 2, 5)
round_of = {"inner_lr": 0.2, "outer_lr": 0.5}


def on_the_grid(move):
    """Return how far `move` goes along the first axis, from every place of a 5 by 5 grid."""
    starts = torch.cartesian_prod(places, places)
    return torch.stack([(move(start) - start)[0] for start in starts]).view(5, 5).T


def by_matrices(start):
    """Return where one round leads: every step shrinks the distance by I - inner_lr A."""
    ends = []
    for (curvature, centre), *_ in clinics:
        shrink = torch.linalg.matrix_power(torch.eye(2) - 0.2 * curvature, 3)
        ends.append(centre + shrink @ (start - centre))
    return start + 0.5 * (torch.stack(ends).mean(0) - start)


# %%
side_by_side(
    lambda: on_the_grid(by_matrices),
    lambda: on_the_grid(lambda s: reptile_step(bowl, {"theta": s}, clinics, **round_of)["theta"]),
    xlabel="place along axis 1",
    ylabel="place along axis 2",
    alt="How far one round moves along axis 1 from 25 places: by matrices, yours, difference.",
)

# %% [markdown]
# ## Part 3: where it comes to rest, on paper
#
# Clinic $i$ has a one-dimensional bowl $\tfrac12 h_i (t - c_i)^2$ and takes $K$ steps of size
# $\alpha$ on it. The centre repeats its rounds until nothing moves any more. Where?
#
# (In exercises 06 you found the start from which the loss *after* the steps is lowest. Reptile
# does not minimise that loss, so the answer is another one.)

# %% [markdown] card="reptile_rest"
# title: "Exercise 3: where Reptile rests"
# difficulty: 3
# importance: 4
# minutes: 15
# points: 10
# objective: See what the number of inner steps changes, and that one step changes nothing.
# hints:
#   - "At rest the mean of the ways φᵢ - t is 0. The learning rate of the centre does not matter."
#   - "K steps turn the distance t - c into (1 - α h)^K (t - c). So how long is the way?"
#   - "A sum of w (c - t) is 0 at a weighted mean of the centres. Read off the weights."
# help:
#   "I am right for one step only": >-
#     A second step begins nearer to the centre and is shorter than the first. K steps are not K
#     times one step.
#   "the check says that this is what is left": >-
#     The weight of a clinic is the share of its distance that it *walks*, 1 minus what is left.


# %% grade_id="reptile_rest"
def reptile_rest(curvatures, centres, *, inner_lr, inner_steps):
    """Return the place that a round of Reptile does not move.

    curvatures, centres: [n_tasks], the h and c of the bowls h (t - c)² / 2.
    Returns a tensor without axes, or a float. By formula: no loop over rounds, no autograd.
    """
    ### BEGIN SOLUTION
    weights = 1 - (1 - inner_lr * curvatures) ** inner_steps
    return (weights * centres).sum() / weights.sum()
    ### END SOLUTION


# %% grade_id="reptile_rest_check" points=10
check("07.reptile_rest", reptile_rest)

# %% [markdown]
# With one step a clinic weighs as much as its bowl is steep: that is joint training. With many
# steps every clinic arrives, all weigh the same, and $\phi$ rests at the plain mean of the centres,
# *in the middle of the solutions*, however loud one of them is.

# %% [markdown]
# ## Part 4: only the head adapts
#
# ANIL ("almost no inner loop") takes MAML's inner steps for the last layer only. The body stays as
# it is within a task, but the outer gradient still trains it: the query loss depends on the body
# directly, and through every step of the head. So all results stay connected with `params`.
#
# A parameter belongs to the submodule `head` if its name is `head`, a dot, and more: `head.weight`.

# %% [markdown] card="anil_adapt"
# title: "Exercise 4: almost no inner loop"
# difficulty: 3
# importance: 5
# minutes: 20
# points: 15
# objective: Freeze a body in the inner loop without freezing it in the outer one.
# hints:
#   - >-
#     Split the names first: those of the head adapt. The loss wants *all* parameters, so put the
#     two parts together for every call: `{**params, **adapting}`.
#   - >-
#     Take the gradients in the tensors of the head only, with `create_graph=True`: the outer
#     gradient goes through the steps.
#   - "Return all parameters: the body's own tensors and the new ones of the head."
# help:
#   "No gradient gets back to 'body.weight'": >-
#     A detached body is frozen for good. Nothing has to be done to keep the body still in the inner
#     loop, except not to step it.
#   "the check complains about header.scale": >-
#     `name.startswith("head")` is true for it. The dot belongs to the prefix.
#   "the outer gradient in the body is first order": >-
#     The head's gradient depends on the body, too. Without `create_graph=True` that is forgotten.


# %% grade_id="anil_adapt"
def anil_adapt(loss, params, support_x, support_y, *, inner_lr, inner_steps, head):
    """Return all parameters after gradient steps of the head on the support loss.

    loss: loss(params, x, y) returns a tensor without axes; params are all parameters.
    params: name -> tensor that requires gradient. Not changed.
    head: the name of the submodule that adapts; it holds the parameters "head.<something>".
    Returns name -> tensor; the body's are those of `params`, the head's are connected with them.
    """
    ### BEGIN SOLUTION
    adapting = {name: p for name, p in params.items() if name.startswith(f"{head}.")}
    for _ in range(inner_steps):
        value = loss({**params, **adapting}, support_x, support_y)
        slopes = torch.autograd.grad(value, list(adapting.values()), create_graph=True)
        adapting = {
            name: p - inner_lr * slope
            for (name, p), slope in zip(adapting.items(), slopes, strict=True)
        }
    return {**params, **adapting}
    ### END SOLUTION


# %% grade_id="anil_adapt_check" points=15
check("07.anil_adapt", anil_adapt)

# %% [markdown]
# ## Part 5: did the features change?
#
# Why should it be enough to adapt the head? Raghu et al. compared the features of a MAML network
# before and after adaptation, layer by layer, and found those of the body nearly the same: MAML
# *reuses* features, it does not learn new ones for each task.
#
# "Nearly the same" needs a measure that does not mind when features are renumbered, turned or
# scaled. For features $X$ `[n, p]` and $Y$ `[n, q]` of the same $n$ examples, each feature
# *centred* over the examples, **linear CKA** is
#
# $$
# \mathrm{CKA}(X, Y) = \frac{\lVert X^\top Y \rVert_F^2}
#                           {\lVert X^\top X \rVert_F\,\lVert Y^\top Y \rVert_F}.
# $$
#
# Above stand the squared covariances between all features of one and all of the other. It is 1 for
# equal features and 0 for uncorrelated ones.

# %% [markdown] card="linear_cka"
# title: "Exercise 5: are these the same features?"
# difficulty: 2
# importance: 4
# minutes: 15
# points: 10
# objective: Compare two representations that have no feature in common by number.
# hints:
#   - "Centre first: subtract from each column its mean."
#   - "`torch.linalg.matrix_norm(m)` is the Frobenius norm: the root of the sum of squares."
# help:
#   "features against themselves give 1, all others are wrong": >-
#     Any ratio of this kind gives 1 there. Look at the centring, and at which norm is squared.
#   "right only where the features happen to have mean 0": >-
#     Without centring a large common offset makes everything alike.


# %% grade_id="linear_cka"
def linear_cka(x, y):
    """Return the linear CKA of two sets of features.

    x: [n, p]; y: [n, q]: features of the same n examples, in the same order. They vary.
    Returns a tensor without axes, between 0 and 1.
    """
    ### BEGIN SOLUTION
    x, y = x - x.mean(0), y - y.mean(0)
    size = torch.linalg.matrix_norm
    return size(x.T @ y) ** 2 / (size(x.T @ x) * size(y.T @ y))
    ### END SOLUTION


# %% grade_id="linear_cka_check" points=10
check("07.linear_cka", linear_cka)

# %% [markdown]
# ## Part 6: find the bugs
#
# One round of Reptile, as it might have been written in a hurry. A task is a list of minibatches;
# `inner_steps` of them are used.
#
# ```text
#  1  def reptile_round(loss, params, tasks, inner_lr, inner_steps, outer_lr):
#  2      ends, fast = [], params
#  3      for minibatches in tasks:
#  4          fast = dict(fast)
#  5          for step in range(inner_steps):
#  6              x, y = minibatches[0]
#  7              slopes = torch.func.grad(loss)(params, x, y)
#  8              for name, slope in slopes.items():
#  9                  fast[name] = fast[name] - inner_lr * slope
# 10          ends.append(fast)
# 11      mean = {name: sum(end[name] for end in ends) for name in params}
# 12      return {n: p + outer_lr * (p - mean[n]) for n, p in params.items()}
# ```
#
# It runs. Five people looked closer, each at one thing:
#
# | symptom | what was seen |
# | --- | --- |
# | `"order of tasks"` | the same tasks in another order lead to another place |
# | `"one minibatch"` | the labels of the second minibatch may be anything: same result |
# | `"no second step"` | on one bowl, 2 steps lead as far as 1 step at twice the `inner_lr` |
# | `"restless"` | with `inner_lr=0` nobody can move, but with two tasks the parameters do |
# | `"walks away"` | one task, one small step: its loss is *higher* after the round than before |

# %% [markdown] card="bug_lines"
# title: "Exercise 6: symptom and line"
# difficulty: 3
# importance: 4
# minutes: 15
# points: 10
# objective: Trace each symptom to the one line whose repair cures it.
# hints:
#   - "Take one symptom at a time. Which line would you change so that it goes away?"
#   - >-
#     For "walks away" go through it with one parameter: params 1, the task leads to 0. Where does
#     the round end?
# help:
#   "no second step: I blame line 9": >-
#     Line 9 does move on from where the last step ended. Where was its slope taken?
#   "restless: I blame line 12": >-
#     If nobody moves, `mean` should be `params`, and line 12 would add 0, with either sign.


# %% grade_id="bug_lines"
def bug_lines():
    """Return a dict from each of the five symptoms to the number of the line that causes it."""
    ### BEGIN SOLUTION
    return {
        "order of tasks": 4,
        "one minibatch": 6,
        "no second step": 7,
        "restless": 11,
        "walks away": 12,
    }
    ### END SOLUTION


# %% grade_id="bug_lines_check" points=10
check("07.bug_lines", bug_lines)

# %% [markdown]
# ## Part 7: a test that would have told
#
# Most of these bugs still learn something, since joint training learns, too. What tells is a number
# worked out beforehand. On a bowl $(A, c)$ a task ends at
#
# $$
# \phi_i = c_i + (I - \alpha A_i)^K (\phi - c_i),
# $$
#
# and the round is exercise 1.

# %% [markdown] card="reptile_test"
# title: "Exercise 7: test a round of Reptile"
# difficulty: 3
# importance: 5
# minutes: 15
# points: 10
# objective: Write a test that every right round passes and every known mistake fails.
# hints:
#   - "Take diagonal matrices, so that powers can be written down: one number per direction."
#   - >-
#     Which mistakes are invisible with one inner step? Which with one task? Which with an outer_lr
#     of 1?
# help:
#   "my test rejects a right implementation": >-
#     Use float64, and `torch.allclose` in place of `==`: sums in another order differ in the last
#     digit.
#   "joint training slips through": >-
#     With one inner step the two are the same. With a tiny inner_lr they nearly are.


# %% grade_id="reptile_test"
def reptile_test(step):
    """Raise an AssertionError unless `step` is a right round of Reptile on bowls.

    step: called as step(theta, tasks, inner_lr=..., inner_steps=..., outer_lr=...), where theta is
    [size] and tasks a list of (A, c) with A [size, size] and c [size]; every inner step of a task
    is on its one bowl. Returns the new theta, [size].
    """
    ### BEGIN SOLUTION
    h, b = torch.tensor([1.0, 2.0]).double(), torch.tensor([3.0, 0.5]).double()
    theta, c, d = torch.tensor([[2.0, -1.0], [0.5, 1.0], [-1.0, 0.3]]).double()

    one = c + (1 - 0.2 * h) ** 3 * (theta - c)
    two = d + (1 - 0.2 * b) ** 3 * (theta - d)
    how = {"inner_lr": 0.2, "inner_steps": 3, "outer_lr": 0.4}
    got = step(theta, [(torch.diag(h), c), (torch.diag(b), d)], **how)
    assert torch.allclose(got, theta + 0.4 * ((one + two) / 2 - theta))
    ### END SOLUTION


# %% grade_id="reptile_test_check" points=10
check("07.reptile_test", reptile_test)

# %% [markdown]
# ## Part 8: interview questions
#
# What an interviewer asks about Reptile and ANIL, put so that you can check it yourself. Run the
# next cell to read the questions; `ask("07", language="zh")` shows them in Chinese. Some draw their
# numbers from a name: after `ask("07", student="ada")` the answers must hold `"student": "ada"`, as
# the template below the questions does. Any name will do; the questions are equally hard for all.

# %%
ask("07")

# %% [markdown] card="questions"
# title: "Exercise 8: fourteen questions"
# difficulty: 3
# importance: 4
# minutes: 30
# points: 20
# objective: Answer, in a sentence or a number, what an interviewer asks about Reptile and ANIL.
# hints:
#   - "Start with those you could answer aloud. `...` stands for an answer you do not have yet."
#   - "Your own functions are at hand: bowls in one dimension answer several of the questions."
# help:
#   "my numbers are right and the check says they are not": >-
#     Do the answers name the student whose questions you read? `"student"` decides the numbers.
#   "I got a part of the points": >-
#     Sets, orders and matchings earn points for being nearly right, less what guessing would earn.


# %% grade_id="questions"
def questions():
    """Return a dict from the name of each question to your answer; ask("07") prints a template."""
    ### BEGIN SOLUTION
    return {
        "what_reptile_does": "c",
        "round": "debafc",
        "several_steps": "a",
        "one_and_two": (0.2, 0.16),
        "one_round": "t + e * (1 - (1 - a*h)**K) * (c - t)",
        "where_it_rests": 0.7635,
        "pseudo_gradient": (11, "d"),
        "stuck_at_chance": "b",
        "what_is_left_out": {1: "d", 2: "c", 3: "a", 4: "e", 5: "b"},
        "evidence_for_reuse": "d",
        "body_passes": 4,
        "cka_is_blind_to": {"b", "c", "e"},
        "cross_covariance": (16, 5),
        "fair_budget": "c",
    }
    ### END SOLUTION


# %% grade_id="questions_check" points=20
check("07.questions", questions)

# %% [markdown]
# ## Room of your own
#
# The next cell is yours: nobody checks it and nobody grades it. Clinics fit a straight line
# through points of their own, $y = a x + b$; your rounds train the start. Try 1, 5 and 50 inner
# steps: where does the start end, and how good is it after a few steps in a new clinic?


# %% scratch=true
def line_error(params, x, y):
    return (params["gain"] * x + params["offset"] - y).square().mean()


def clinic(generator, n_steps):
    gain, offset = 1 + 0.5 * torch.randn(2, generator=generator)
    spread = 0.2 + 2 * torch.rand((), generator=generator)
    x = spread * torch.randn(n_steps, 4, generator=generator)
    return [(each, gain * each + offset) for each in x]


def train_centre(n_steps, n_rounds=200):
    generator = torch.Generator().manual_seed(0)
    params = {"gain": torch.zeros(()), "offset": torch.zeros(())}
    for _ in range(n_rounds):
        tasks = [clinic(generator, n_steps) for _ in range(4)]
        params = reptile_step(line_error, params, tasks, inner_lr=0.05, outer_lr=0.2)
    return {name: round(p.item(), 2) for name, p in params.items()}


# [train_centre(n_steps) for n_steps in (1, 5, 50)]
