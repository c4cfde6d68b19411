# %% [markdown]
# # Exercises 08: MAML++, six repairs and how to tell that each is really there
#
# **Question.** MAML++ repairs MAML in six places. Each repair is a few lines, and each can be
# written so that it runs, trains and does nothing. How do you write them, and how do you notice?
#
# - **Time.** About two hours of your own, a few seconds of the computer's.
# - **Know first.** The exercises of unit 06 (the inner loop, `create_graph`), batch norm, the
#   lesson `lessons/08_maml_pp`.
# - **Papers.** Antoniou, Edwards and Storkey 2019, "How to train your MAML", arXiv 1810.09502.
#
# You write five functions, find five bugs and answer fourteen questions. Replace the line that
# raises `NotImplementedError`, run the cell, run the check below it. A check says one of four
# things: *not attempted*, *wrong* (with the likely mistake), *your code raised* (with your line),
# *right*. At grading the checks draw other numbers than here.

# %%
import torch
import torch.nn.functional as F

from medmeta_ref.grading.check import check
from medmeta_ref.grading.side_by_side import side_by_side
from medmeta_ref.questions import ask

# %% [markdown]
# ## The example: scanners that have to be tuned
#
# A hospital gets a new scanner. Its images are a little darker, softer, noisier than those that a
# model was made for, and a physicist has one morning to tune the model on a few reference images.
# Each scanner is a *task*: reference images to tune on (**support**), images of the next day to be
# judged on (**query**). The morning allows for K steps.
#
# As in unit 06 everything is written for any loss:
#
# - `loss(params, x, y)` returns a tensor without axes; `params` is a dict from names to tensors;
# - a **task** is a tuple `(support_x, support_y, query_x, query_y)`.

# %% [markdown]
# ## Part 1: every step counts, for a while
#
# MAML looks at the query loss after the last step only: whatever happens on the way is seen
# through all the steps behind it. MAML++ adds up the query losses after *every* step, with
# weights that move to the last step as training goes on. With $K$ steps, in epoch $e$ (from 0) of
# $E$ epochs of annealing, the authors' code gives every step but the last
#
# $$
# w_{\text{early}} = \max\Bigl(\frac1K - \frac{e}{K E},\ \frac{0.03}{K}\Bigr),
# $$
#
# and the last step the rest of 1.

# %% [markdown] card="multi_step_weights"
# title: "Exercise 1: the weights of the steps"
# difficulty: 1
# importance: 3
# minutes: 10
# points: 12
# objective: Turn a schedule on paper into one that sums to 1 at every epoch.
# hints:
#   - "There are only two different numbers: one for K - 1 early steps, one for the last."
#   - "Work out the early one with `max`. Then the last one is 1 minus K - 1 times that."
# help:
#   "my weights are right at first and wrong at the end": >-
#     A floor stays under the early steps: 0.03 / K each, however many epochs have passed.
#   "inner_steps=1 gives 0.03": >-
#     With one step there is no early one. It weighs 1.


# %% grade_id="multi_step_weights"
def multi_step_weights(inner_steps, epoch, anneal_epochs):
    """Return what the query loss after each inner step weighs, [inner_steps], with sum 1.

    inner_steps: K. epoch: e, from 0; may be larger than anneal_epochs. anneal_epochs: E.
    """
    ### BEGIN SOLUTION
    early = max(1 / inner_steps - epoch / (inner_steps * anneal_epochs), 0.03 / inner_steps)
    last = 1 - (inner_steps - 1) * early
    return torch.tensor([early] * (inner_steps - 1) + [last])
    ### END SOLUTION


# %% grade_id="multi_step_weights_check" points=12
check("08.multi_step_weights", multi_step_weights)

# %% [markdown]
# ## Part 2: the loss of MAML++
#
# Every parameter $p$ has a rate of its own for every step, $\alpha_{p,k}$:
#
# $$
# p_{k} = p_{k-1} - \alpha_{p,k}\,\frac{\partial L_{\text{support}}}{\partial p}(\theta_{k-1}),
# \qquad
# F = \frac1n \sum_i \sum_{k=1}^{K} w_k\, L^{\text{query}}_i\bigl(\theta_k^{(i)}\bigr).
# $$
#
# The rates are trained together with the start: the outer gradient has to reach *them*, too. And
# in the first epochs training is first-order, because that is cheap: `first_order=True` treats the
# support slopes as constants. The rates that multiply these slopes are still learned.

# %% [markdown] card="multi_step_loss"
# title: "Exercise 2: steps with rates, losses with weights"
# difficulty: 4
# importance: 5
# minutes: 30
# points: 24
# objective: Write an inner loop in which start *and* rates can be learned, and judge every step.
# hints:
#   - >-
#     Begin with the inner loop of unit 06. Two things change: the rate is `rates[name][k]`, and
#     the query loss is taken inside the loop, after the step.
#   - >-
#     For each task begin at a copy of the dict; then for `k, weight in enumerate(weights)` one step
#     on the support set, and `weight` times the query loss at the new place into a list.
#   - "The sum of the list is the task's loss; the mean over tasks is what you return."
# help:
#   "the values are right, the gradients are those of first order": >-
#     `torch.autograd.grad` forgets how it got its result unless `create_graph=True`.
#   "Trying to backward through the graph a second time": >-
#     With `create_graph=False` the graph of the support loss is freed. Take the query loss from
#     the *new* parameters, and do not use the old support loss again.
#   "no gradient gets back to `rates`": >-
#     `.item()`, `float(...)` or `.tolist()` of a rate makes a number without history.


# %% grade_id="multi_step_loss"
def multi_step_loss(loss, params, rates, tasks, *, weights, first_order=False):
    """Return the mean over tasks of the weighted query losses after each inner step.

    loss: loss(params, x, y) returns a tensor without axes.
    params: name -> tensor that requires gradient. Not changed.
    rates: name -> [K], a rate for each step. tasks: list of (support_x, support_y, query_x,
    query_y). weights: [K].
    Returns a tensor without axes, differentiable in `params` and in `rates`.
    """
    ### BEGIN SOLUTION
    each = []
    for support_x, support_y, query_x, query_y in tasks:
        adapted = dict(params)
        for k, weight in enumerate(weights):
            value = loss(adapted, support_x, support_y)
            slopes = torch.autograd.grad(
                value, list(adapted.values()), create_graph=not first_order
            )
            pairs = zip(adapted.items(), slopes, strict=True)
            adapted = {name: p - rates[name][k] * slope for (name, p), slope in pairs}
            each.append(weight * loss(adapted, query_x, query_y))
    return torch.stack(each).sum() / len(tasks)
    ### END SOLUTION


# %% grade_id="multi_step_loss_check" points=24
check("08.multi_step_loss", multi_step_loss)

# %% [markdown]
# ### Look at it
#
# A tanh network with four parameters and three steps: twelve rates. Left, how *your* loss changes
# when one rate is moved a little. In the middle, the gradient that autograd finds in your loss.


# %%
def tuning_error(params, x, y):
    hidden = torch.tanh(x @ params["w1"] + params["b1"])
    return (hidden @ params["w2"] + params["b2"] - y).square().mean()


noise = torch.Generator().manual_seed(0)
shapes = {"w1": (4, 6), "b1": (6,), "w2": (6,), "b2": ()}
start = {
    name: torch.randn(shape, generator=noise).double().requires_grad_()
    for name, shape in shapes.items()
}
scanners = []
for _ in range(3):
    x, y = torch.randn(10, 4, generator=noise).double(), torch.randn(10, generator=noise).double()
    scanners.append((x[:5], y[:5], x[5:], y[5:]))


def loss_at(rates, first_order=False):
    """Return your loss for a table of rates, [4 parameters, 3 steps]."""
    named = dict(zip(start, rates, strict=True))
    weights = torch.tensor([0.2, 0.3, 0.5]).double()
    return multi_step_loss(
        tuning_error, start, named, scanners, weights=weights, first_order=first_order
    )


# %%
ALL_RATES = torch.full((4, 3), 0.1).double()


def slope_of_rates(first_order):
    """Return the gradient of your loss in the rates, by autograd."""
    leaf = ALL_RATES.clone().requires_grad_()
    return torch.autograd.grad(loss_at(leaf, first_order), leaf)[0]


def rates_by_differences():
    """Return the same by moving one rate after the other."""
    slopes = torch.zeros(4, 3).double()
    for i in range(12):
        move = torch.zeros(12).double()
        move[i] = 1e-5
        move = move.view(4, 3)
        ends = [loss_at(ALL_RATES + sign * move).item() for sign in (1, -1)]
        slopes.view(-1)[i] = (ends[0] - ends[1]) / 2e-5
    return slopes


axes = {"xlabel": "inner step", "ylabel": "parameter"}
side_by_side(
    rates_by_differences,
    lambda: slope_of_rates(False),
    **axes,
    alt="Slopes in twelve rates, by differences and by autograd; no difference when right.",
)

# %% [markdown]
# Now the first-order gradient. Look at the right-hand picture: which column is still exact, and
# why? (A rate moves all later places. Along the way to them lie slopes that are taken for
# constants, unless there are none.)

# %%
side_by_side(
    rates_by_differences,
    lambda: slope_of_rates(True),
    **axes,
    alt="Slopes by differences, and first-order ones: the last step's column alone agrees.",
)

# %% [markdown]
# ## Part 3: statistics of their own for every step
#
# After a step the network is another one, and so are mean and variance of its features. MAML++
# keeps *stored* statistics for every step: a table with a row per step. In training the batch
# normalises, and the row of the current step moves a little towards what was seen. In evaluation
# the stored row normalises, and nothing moves. So says the text. In the authors' code the second
# half is missing: `F.batch_norm(..., training=True)` everywhere, so the table is written and never
# read. Write it right.
#
# - training: normalise by the batch with $(x - m)/\sqrt{v + 10^{-5}}$, $v$ the *biased* variance;
#   then row `step` becomes `(1 - momentum) * row + momentum * seen`, where the variance that is
#   stored is the *unbiased* one (PyTorch does the same);
# - evaluation: normalise by row `step`; the table stays;
# - a step beyond the last row uses the last row, in both modes.

# %% [markdown] card="per_step_norm"
# title: "Exercise 3: batch norm that knows its step"
# difficulty: 3
# importance: 4
# minutes: 25
# points: 16
# objective: Keep statistics per step, and really read them.
# hints:
#   - >-
#     One mean per channel: `x.mean((0, 2, 3))`. To subtract it from [n, channels, h, w], give it
#     the shape [1, channels, 1, 1].
#   - "The row is the smaller of `step` and the last row's number. Clone the tables first."
#   - >-
#     `F.batch_norm(x, mean, variance, training=..., momentum=..., eps=1e-5)` does the sums for one
#     row, and changes `mean` and `variance` in place if `training` is true.
# help:
#   "training works, evaluation is said to be normalised by the batch": >-
#     Then `training=True` is written into your call, as in the public code. Pass it on.
#   "the variance that I store is a little too small": >-
#     Divide by n - 1 for the store: `x.var((0, 2, 3))` does so by itself.


# %% grade_id="per_step_norm"
def per_step_norm(x, means, variances, step, *, training, momentum=0.1):
    """Return (normalised x, means, variances); the tables are new tensors where they change.

    x: [n, channels, height, width]. means, variances: [n_steps, channels], what is stored.
    step: 0 for the first inner step; from n_steps on, the last row serves.
    """
    ### BEGIN SOLUTION
    row = min(step, len(means) - 1)
    means, variances = means.clone(), variances.clone()
    out = F.batch_norm(
        x, means[row], variances[row], training=training, momentum=momentum, eps=1e-5
    )
    return out, means, variances
    ### END SOLUTION


# %% grade_id="per_step_norm_check" points=16
check("08.per_step_norm", per_step_norm)

# %% [markdown]
# ## Part 4: two schedules
#
# Second derivatives are dear, and at the start of training the start is far from good anyway. So
# the first epochs do without. And the outer rate $\eta$ falls along half a cosine,
#
# $$
# \eta(e) = \eta_{\min} + \tfrac12\,(\eta_0 - \eta_{\min})\,\bigl(1 + \cos(\pi e / E)\bigr).
# $$

# %% [markdown] card="schedules"
# title: "Exercise 4: the order and the outer rate"
# difficulty: 1
# importance: 3
# minutes: 10
# points: 8
# objective: Write both schedules without an epoch too many.
# hints:
#   - "Epochs count from 0. With `switch_epoch=3` the epochs 0, 1 and 2 are first-order."
#   - "`math.cos(math.pi * epoch / n_epochs)` goes from 1 to -1; `import math` inside is fine."
# help:
#   "it is right at the ends and wrong between": >-
#     A straight line and a quarter of a turn have such ends, too. Half way the rate is the mean of
#     both ends.


# %% grade_id="schedules"
def schedules(epoch, *, n_epochs, switch_epoch, outer_lr, lowest_lr):
    """Return (first_order, rate) of this epoch: a bool and a float.

    The first `switch_epoch` epochs are first-order. The rate falls from `outer_lr` in epoch 0 to
    `lowest_lr` in epoch `n_epochs`, along half a cosine.
    """
    ### BEGIN SOLUTION
    import math

    share = (1 + math.cos(math.pi * epoch / n_epochs)) / 2
    return epoch < switch_epoch, lowest_lr + (outer_lr - lowest_lr) * share
    ### END SOLUTION


# %% grade_id="schedules_check" points=8
check("08.schedules", schedules)

# %% [markdown]
# ## Part 5: find the bugs
#
# The loss of one task for a linear layer with batch norm behind it. It is meant to read the stored
# rows `means` and `variances`, `[K, channels]`. `weight` and `rates` are tensors that require
# gradient.
#
# ```text
#  1  def task_loss(task, weight, rates, means, variances, step_weights, first_order):
#  2      xs, ys, xq, yq = task
#  3      def logits(w, x, step):
#  4          z = x @ w.T
#  5          return F.batch_norm(z, means[step], variances[step], training=True)
#  6      rates = rates.detach()
#  7      total = 0.0
#  8      for step, share in enumerate(step_weights):
#  9          inner = F.cross_entropy(logits(weight, xs, step), ys)
# 10          [slope] = torch.autograd.grad(inner, weight, create_graph=first_order)
# 11          weight = weight - rates[0] * slope
# 12          outer = F.cross_entropy(logits(weight, xq, step), yq)
# 13          total = share * outer
# 14      return total
# ```
#
# It runs, and a start trained with it gets better. People who looked closer saw five things:
#
# | symptom | what was seen |
# | --- | --- |
# | `"deaf store"` | other stored numbers, same loss |
# | `"rates that never learn"` | no gradient reaches `rates` |
# | `"idle late rates"` | the rates of the second step and later make no difference |
# | `"upside down"` | with `first_order=False` the gradient is not the slope of what is returned |
# | `"only the end counts"` | the early `step_weights` make no difference |

# %% [markdown] card="bug_lines"
# title: "Exercise 5: symptom and line"
# difficulty: 3
# importance: 4
# minutes: 15
# points: 10
# objective: Trace each symptom to the one line whose repair cures it.
# hints:
#   - "Take one symptom at a time. Which line would you change so that it goes away?"
#   - "Two symptoms are about rates. One is about *which* rate, the other about its history."
#   - "Say line 10 aloud: the graph is created if ..."
# help:
#   "deaf store: I blame line 12": >-
#     Line 12 hands the right step on. What does line 5 do with it?
#   "upside down: everything looks connected": >-
#     It is, through `weight - ... * slope`. What is missing is the dependence of `slope` on
#     `weight`, and only in one of two cases.


# %% grade_id="bug_lines"
def bug_lines():
    """Return a dict from each of the five symptoms to the number of the line that causes it."""
    ### BEGIN SOLUTION
    return {
        "deaf store": 5,
        "rates that never learn": 6,
        "idle late rates": 11,
        "upside down": 10,
        "only the end counts": 13,
    }
    ### END SOLUTION


# %% grade_id="bug_lines_check" points=10
check("08.bug_lines", bug_lines)

# %% [markdown]
# ## Part 6: a test that would have told
#
# The statistics of the official code have been written and not read for years, and readers of that
# code found it out by looking. A test of ten lines finds it in a second. Write it.

# %% [markdown] card="norm_test"
# title: "Exercise 6: test a per-step norm"
# difficulty: 3
# importance: 5
# minutes: 20
# points: 10
# objective: Write a test that every right per-step norm passes and every known mistake fails.
# hints:
#   - >-
#     A stored number is read if changing it changes the result. Better still: work out one result
#     by hand. With images that are all 3, a stored mean of 1 and a stored variance of 4?
#   - "Which mistakes are invisible if you only look at step 0? Which with momentum 0.5?"
#   - "Look at all three things that the norm returns, in training and in evaluation."
# help:
#   "my test rejects a right norm": >-
#     Compare with `torch.allclose`, not with `==`. The batch is normalised by the biased variance,
#     and the unbiased one goes into the store.
#   "evaluation changes the store slips through": >-
#     Compare the tables that evaluation *returns* with those that you handed in.


# %% grade_id="norm_test"
def norm_test(norm):
    """Raise an AssertionError unless `norm` is a right per-step norm.

    norm: called as norm(x, means, variances, step, training=..., momentum=...), as in exercise 3;
    returns (normalised x, means, variances).
    """
    ### BEGIN SOLUTION
    x = torch.tensor([1.0, 2.0, 4.0, 9.0]).view(4, 1, 1, 1)
    means, variances = torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [4.0]])

    out, *stored = norm(x, means, variances, 1, training=False, momentum=0.1)
    assert torch.allclose(out, (x - 1) / 4.00001**0.5, atol=1e-5)
    assert torch.allclose(stored[0], means)
    assert torch.allclose(stored[1], variances)

    out, *stored = norm(x, means, variances, 1, training=True, momentum=0.1)
    assert torch.allclose(out, (x - 4) / (38 / 4 + 1e-5) ** 0.5, atol=1e-5)
    assert torch.allclose(stored[0], torch.tensor([[0.0], [0.9 * 1 + 0.1 * 4]]))
    assert torch.allclose(stored[1], torch.tensor([[1.0], [0.9 * 4 + 0.1 * 38 / 3]]))
    ### END SOLUTION


# %% grade_id="norm_test_check" points=10
check("08.norm_test", norm_test)

# %% [markdown]
# ## Part 7: interview questions
#
# Run the next cell to read the questions; `ask("08", language="zh")` shows them in Chinese. Some
# draw their numbers from a name: after `ask("08", student="ada")` the answers must hold
# `"student": "ada"`, as the template below the questions does.

# %%
ask("08")

# %% [markdown] card="questions"
# title: "Exercise 7: fourteen questions"
# difficulty: 3
# importance: 4
# minutes: 30
# points: 20
# objective: Answer, in a sentence or a number, what an interviewer asks about MAML++.
# hints:
#   - "Start with those you could answer aloud. `...` stands for an answer you do not have yet."
#   - "Your own functions are at hand: exercise 1 answers one question, exercise 3 another."
# help:
#   "my numbers are right and the check says they are not": >-
#     Do the answers name the student whose questions you read? `"student"` decides the numbers.
#   "I got a part of the points": >-
#     Sets and matchings earn points for being nearly right, less what guessing would earn.


# %% grade_id="questions"
def questions():
    """Return a dict from the name of each question to your answer; ask("08") prints a template."""
    ### BEGIN SOLUTION
    return {
        "six_fixes": {1: "f", 2: "e", 3: "c", 4: "b", 5: "a", 6: "d"},
        "training_true": [-1.0, 1.0, 18.5],
        "n_rates": 42,
        "last_weight": 0.4,
        "floor_share": "0.03 * (K - 1) / K",
        "rate_slope": "-b * (t - a*h*(t - c) - d) * h * (t - c)",
        "unread_store": (6, "d"),
        "store_shape": (5, 48),
        "inductive_norms": {"b", "d", "f"},
        "more_steps": "c",
        "saves_compute": "a",
        "what_it_is": "d",
        "ablation": "b",
        "large_rate": "c",
    }
    ### END SOLUTION


# %% grade_id="questions_check" points=20
check("08.questions", questions)

# %% [markdown]
# ## Room of your own
#
# The next cell is yours: nobody checks it and nobody grades it. It learns two rates for bowls of
# curvature 1 and 9 with your loss. Which rates does it find, and in which order? What happens with
# a third step that repeats the last rate?


# %% scratch=true
def two_curvatures(params, x, y):
    return (x * (params["t"] - y) ** 2).sum() / 2


def learn_two_rates(first_guess, n_updates=500):
    rates = {"t": torch.tensor(first_guess, requires_grad=True)}
    params = {"t": torch.zeros(2, requires_grad=True)}
    curvatures, centre = torch.tensor([1.0, 9.0]), torch.ones(2)
    tasks = [(curvatures, centre, curvatures, centre)]
    optimizer = torch.optim.Adam([rates["t"]], lr=0.01)
    for _ in range(n_updates):
        value = multi_step_loss(two_curvatures, params, rates, tasks, weights=[0.0, 1.0])
        [rates["t"].grad] = torch.autograd.grad(value, [rates["t"]])
        optimizer.step()
    return value.item(), rates["t"].tolist()


# learn_two_rates([0.5, 0.1]), learn_two_rates([0.1, 0.5])
