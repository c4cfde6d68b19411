# %% [markdown]
# # Exercises 05: a derivative through training
#
# **Question.** A program takes a few gradient steps and ends somewhere. How does the end change
# when the start changes? That derivative is what gradient-based meta-learning is made of. How do
# you compute it, what cuts it without a word, and how do you check it?
#
# - **Time.** About two hours of your own, a few seconds of the computer's.
# - **Know first.** `torch.autograd.grad`, matrices times vectors, the lesson
#   `lessons/05_gradient_based`.
# - **Papers.** Pearlmutter 1994, Neural Computation 6(1) (Hessian times vector); Maclaurin,
#   Duvenaud and Adams 2015, arXiv 1502.03492 (derivatives through training); Finn, Abbeel and
#   Levine 2017, arXiv 1703.03400 (where it leads: unit 06).
#
# You write seven functions and answer fourteen questions. Replace the line that raises
# `NotImplementedError`, run the cell, run the check below it. A check says one of four things:
# *not attempted*, *wrong* (with the likely mistake), *your code raised* (with your line),
# *right*. Warnings cost nothing. At grading the checks draw other numbers than here.
#
# Exercise 3 calls your answer to exercise 2, and exercise 5 that to exercise 4.

# %%
import torch

from medmeta_ref.grading.check import check
from medmeta_ref.grading.side_by_side import side_by_side
from medmeta_ref.questions import ask

# %% [markdown]
# ## The example: a new camera
#
# A skin clinic buys a new camera, and its colours differ a little. The network that reads the
# photographs may take a few gradient steps on reference photographs from it (**support**) before it
# reads those of patients (**query**). Three knobs decide how well that works: where the steps
# *start*, how *long* they are, and how *many* there are. For each you will want to know: if I turn
# it a little, does the query loss rise or fall?
#
# Throughout, `params` is a dict from names to tensors, and `loss(params)` returns a tensor without
# axes. The data are inside `loss`: `loss` of the reference photographs, or of the patients'.

# %% [markdown]
# ## Part 1: on paper
#
# Near a minimum every smooth loss looks like a *bowl*, $\tfrac12(\theta-c)^\top A\,(\theta-c)$ with
# a symmetric matrix $A$, its curvature. Support bowl $(A, c)$, query bowl $(B, d)$. From $\theta$
# take $K$ steps of size $\alpha$ down the support bowl, and call the end $\theta_K$. How does the
# query loss at $\theta_K$ change with $\theta$?

# %% [markdown] card="gradient_on_bowls"
# title: "Exercise 1: through steps on paper"
# difficulty: 3
# importance: 4
# minutes: 15
# points: 10
# objective: Derive the gradient through K steps where everything can be written down.
# hints:
#   - >-
#     Write one step for the distance to the centre: what multiplies (theta - c)? Then K steps.
#   - >-
#     The chain rule: (how the end moves with the start), transposed, times (the slope of the query
#     bowl at the end). On bowls the first is the same matrix that you have just found.
#   - "`torch.linalg.matrix_power(M, K)` multiplies K matrices M; for K = 0 it is the identity."
# help:
#   "one step is right, several are not": >-
#     Every step multiplies again, both in where the steps end and in how the end moves.
#   "right for a diagonal B, else not": >-
#     Matrices do not commute. The query's slope comes first, the steps act on it.
#   "expected m1 and m2 to have the same dtype": >-
#     `torch.eye(n)` is float32 unless you say `dtype=theta.dtype`.


# %% grade_id="gradient_on_bowls"
def gradient_on_bowls(
    theta, curvature, centre, query_curvature, query_centre, *, inner_lr, inner_steps
):
    """Return the gradient, in theta, of the query bowl after `inner_steps` steps on the other.

    theta, centre, query_centre: [size]; curvature, query_curvature: [size, size], symmetric.
    Returns [size]. By formula: no autograd.
    """
    ### BEGIN SOLUTION
    shrink = torch.eye(len(theta), dtype=theta.dtype) - inner_lr * curvature
    factor = torch.linalg.matrix_power(shrink, inner_steps)
    end = centre + factor @ (theta - centre)
    return factor @ query_curvature @ (end - query_centre)
    ### END SOLUTION


# %% grade_id="gradient_on_bowls_check" points=10
check("05.gradient_on_bowls", gradient_on_bowls)

# %% [markdown]
# ## Part 2: a step that can be differentiated
#
# An optimiser's `step()` overwrites the parameters: the start is gone, and with it every derivative
# with respect to it. A *functional* step leaves its inputs alone and returns new tensors that
# remember where they came from:
#
# $$
# \theta_1 = \theta - \alpha\,\nabla L(\theta)
# $$
#
# The slope $\nabla L(\theta)$ depends on $\theta$, too. Whether autograd shall remember *that* is a
# switch, `create_graph`. Forget it, and nothing complains: a gradient still gets back by way of the
# first $\theta$, and it is the wrong one.
#
# Two more things happen in real networks. Some parameters are **frozen**: they take no step (though
# the others' slopes depend on them). And some are **not used** by this loss at all, for instance
# the head of another task: autograd has no slope for them.

# %% [markdown] card="inner_step"
# title: "Exercise 2: one functional step"
# difficulty: 3
# importance: 5
# minutes: 20
# points: 16
# objective: Write a gradient step as a function, differentiable or not, as asked.
# hints:
#   - >-
#     `torch.autograd.grad(value, list_of_tensors)` returns slopes as a tuple and leaves `.grad`
#     alone. Ask it only for the tensors that are not frozen.
#   - >-
#     It has arguments for both difficulties: `create_graph`, and `allow_unused`, which returns None
#     where the loss does not use a tensor.
#   - "Build a new dict: all of `params`, and over it the moved ones. `a | b` does that."
# help:
#   "... appears to not have been used in the graph": >-
#     That is the unused parameter. `allow_unused=True`, and then mind the None.
#   "unsupported operand type(s) for *: 'float' and 'NoneType'": >-
#     A slope of None means: the loss does not change with this one. It takes no step.
#   "a leaf Variable that requires grad is being used in an in-place operation": >-
#     `p -= inner_lr * slope` overwrites the input. Write `p - inner_lr * slope`, a new tensor.
#   "my gradient is right without frozen parameters and wrong with them": >-
#     Frozen means that they take no step; detaching them would also hide that the slopes of the
#     others depend on them.


# %% grade_id="inner_step"
def inner_step(loss, params, *, inner_lr, create_graph, frozen=()):
    """Return the parameters after one step of gradient descent.

    loss: loss(params) returns a tensor without axes.
    params: name -> tensor that requires gradient. Not changed, neither the dict nor the tensors.
    create_graph: whether the slope remembers how it depends on params; else it is a constant.
    frozen: names that take no step. What the loss does not use takes none, either.
    Returns name -> tensor, with the names of params.
    """
    ### BEGIN SOLUTION
    moving = {name: p for name, p in params.items() if name not in frozen}
    slopes = torch.autograd.grad(
        loss(params), list(moving.values()), create_graph=create_graph, allow_unused=True
    )
    moved = {
        name: p if slope is None else p - inner_lr * slope
        for (name, p), slope in zip(moving.items(), slopes, strict=True)
    }
    return params | moved
    ### END SOLUTION


# %% grade_id="inner_step_check" points=16
check("05.inner_step", inner_step)

# %% [markdown]
# ## Part 3: several steps, of which some are remembered
#
# $K$ steps are a chain of $K$ functional steps, and the gradient through them is a product of $K$
# factors, one for each. The graph of all of them costs memory. A common saving is to remember only
# the last few ("truncated"): the slopes of the earlier steps count as constants, so that their
# factors are the identity. With none remembered no second derivative is left. Unit 06 needs the two
# ends of this scale; here you write all of it.

# %% [markdown] card="unrolled"
# title: "Exercise 3: K steps, the last ones remembered"
# difficulty: 2
# importance: 4
# minutes: 10
# points: 12
# objective: Chain functional steps, and choose which of them the gradient knows about.
# hints:
#   - "A loop of `inner_step`; what it returns is what the next one starts from."
#   - "Number the steps from 0. For which of them should `create_graph` be true?"
# help:
#   "element 0 of tensors does not require grad": >-
#     Something was detached. Steps that are not remembered still connect the end with the start,
#     by p - inner_lr * constant.
#   "bowls are right, the network is not": >-
#     On a bowl all factors are equal, so it does not show *which* steps are remembered. It should
#     be the last ones.


# %% grade_id="unrolled"
def unrolled(loss, params, *, inner_lr, inner_steps, through):
    """Return the parameters after `inner_steps` steps, the last `through` of them remembered.

    loss, params: as for inner_step.
    through: 0 to inner_steps. In the steps before the last `through`, slopes count as constants.
    Returns name -> tensor, connected with params.
    """
    ### BEGIN SOLUTION
    for number in range(inner_steps):
        remembered = number >= inner_steps - through
        params = inner_step(loss, params, inner_lr=inner_lr, create_graph=remembered)
    return params
    ### END SOLUTION


# %% grade_id="unrolled_check" points=12
check("05.unrolled", unrolled)

# %% [markdown]
# ### Look at it
#
# A small tanh network takes four steps. Left, in each row the same: how the query loss changes with
# each weight *before* the steps, by central differences. No derivative is involved. In the middle,
# the gradient through your `unrolled`, with 0, 1, 2, 3 and all 4 steps remembered, from top to
# bottom. Right, what is between them: the last row is blank if all is right, and you see what
# forgetting costs in the others.


# %%
def tanh_loss(x, y):
    """Return the squared error of a tanh network on some examples, as a function of its params."""
    return lambda params: (torch.tanh(x @ params["weight"].T).sum(1) - y).square().mean()


noise = torch.Generator().manual_seed(0)
draws = [torch.randn(6, n, generator=noise).double() for n in (3, 1, 3, 1)]
reference, patients = tanh_loss(draws[0], draws[1][:, 0]), tanh_loss(draws[2], draws[3][:, 0])
start = {"weight": torch.randn(2, 3, generator=noise).double().requires_grad_()}


def after_four(params, through):
    return patients(unrolled(reference, params, inner_lr=0.1, inner_steps=4, through=through))


def five_times_by_differences():
    slopes = torch.zeros(6, dtype=torch.float64)
    for i, move in enumerate(1e-5 * torch.eye(6).double().view(6, 2, 3)):
        there, back = ({"weight": (start["weight"] + m).detach()} for m in (move, -move))
        ends = [after_four({"weight": p["weight"].requires_grad_()}, 4) for p in (there, back)]
        slopes[i] = (ends[0] - ends[1]).detach() / 2e-5
    return slopes.expand(5, 6)


def your_slopes():
    rows = [torch.autograd.grad(after_four(start, n), start["weight"])[0] for n in range(5)]
    return torch.stack(rows).view(5, 6)


# %%
side_by_side(
    five_times_by_differences,
    your_slopes,
    xlabel="weight",
    ylabel="steps remembered",
    alt="Slopes by central differences, your gradients with 0 to 4 of 4 steps remembered, and the "
    "difference: blank in the last row when right.",
)

# %% [markdown]
# ## Part 4: curvature, without a matrix
#
# The factor of a step is $I - \alpha H$ with the Hessian $H$. A network with a million weights has
# a Hessian of $10^{12}$ entries: nobody stores it. But autograd only ever *multiplies* by it, and
# one product costs about as much as a second gradient (Pearlmutter 1994). If $v$ is held fixed,
#
# $$
# H v = \nabla\bigl(\nabla L(\theta)\cdot v\bigr) .
# $$

# %% [markdown] card="hessian_product"
# title: "Exercise 4: Hessian times vector"
# difficulty: 3
# importance: 5
# minutes: 15
# points: 12
# objective: Multiply by a Hessian that is never formed.
# hints:
#   - >-
#     First the gradient, with `create_graph=True`. Then one number: the sum, over all parameters,
#     of slope times direction. Then the gradient of that number.
#   - >-
#     `torch.autograd.grad(..., materialize_grads=True)` returns zeros where a tensor is not used.
# help:
#   "... appears to not have been used in the graph": >-
#     The loss does not use that parameter; its product is zeros. See the second hint.
#   "element 0 of tensors does not require grad and does not have a grad_fn": >-
#     The first gradient came without a graph: `create_graph=True`.
#   "right on a bowl, wrong on the network": >-
#     One number for *all* parameters, then one gradient. Name by name you get only the blocks on
#     the diagonal.


# %% grade_id="hessian_product"
def hessian_product(loss, params, direction):
    """Return the Hessian of the loss at params times a direction.

    loss, params: as for inner_step.
    direction: name -> tensor of the shape of params[name].
    Returns the same kind of dict; zeros for what the loss does not use.
    """
    ### BEGIN SOLUTION
    values = list(params.values())
    slopes = torch.autograd.grad(loss(params), values, create_graph=True, materialize_grads=True)
    pairs = zip(params, slopes, strict=True)
    along = torch.stack([(slope * direction[name]).sum() for name, slope in pairs]).sum()
    products = torch.autograd.grad(along, values, materialize_grads=True)
    return dict(zip(params, products, strict=True))
    ### END SOLUTION


# %% grade_id="hessian_product_check" points=12
check("05.hessian_product", hessian_product)

# %% [markdown]
# ### Look at it
#
# The Hessian of the reference loss above, 6 by 6. Left by central differences of the gradient, one
# weight after the other; in the middle your product with each unit vector, one in each row. A
# Hessian is symmetric, and yours should be, too.


# %%
def differences_of_slopes():
    rows = []
    for move in 1e-5 * torch.eye(6).double().view(6, 2, 3):
        ends = []
        for sign in (1, -1):
            moved = (start["weight"] + sign * move).detach().requires_grad_()
            ends.append(torch.autograd.grad(reference({"weight": moved}), moved)[0].flatten())
        rows.append((ends[0] - ends[1]) / 2e-5)
    return torch.stack(rows)


def your_rows():
    units = torch.eye(6).double().view(6, 2, 3)
    products = [hessian_product(reference, start, {"weight": unit}) for unit in units]
    return torch.stack([product["weight"].flatten() for product in products])


side_by_side(
    differences_of_slopes,
    your_rows,
    xlabel="weight",
    ylabel="weight",
    alt="A Hessian by central differences, by your products, and the difference: blank when right.",
)

# %% [markdown]
# ### How long may a step be?
#
# Along an eigenvector of $H$ with eigenvalue $\lambda$ a step multiplies the distance to the centre
# by $1 - \alpha\lambda$. That shrinks the distance if $0 < \alpha\lambda < 2$. So on a bowl the
# largest stable rate is $2/\lambda_{\max}$: the steepest direction decides for all.
#
# To find $\lambda_{\max}$ without the matrix, multiply some direction by $H$ again and again
# (*power iteration*): every multiplication stretches the steepest part the most, until nothing else
# is left. For a direction $v$ of length 1 that has come to rest, $\lambda = v \cdot H v$.

# %% [markdown] card="stable_rate"
# title: "Exercise 5: the largest stable rate"
# difficulty: 3
# importance: 4
# minutes: 15
# points: 10
# objective: Measure a network's largest curvature, and say what it means for the inner rate.
# hints:
#   - >-
#     In every iteration: bring the direction to length 1, multiply by the Hessian, read off the
#     curvature v · Hv; the product is the next direction.
#   - >-
#     The length is one number for the whole dict: the root of the sum of the squares of everything
#     in it.
# help:
#   "nan after many iterations": >-
#     Without dividing by the length in *every* iteration the numbers leave the range of floats.
#   "right on bowls, wrong for the classifier": >-
#     Weight and bias have one length together, not one each.


# %% grade_id="stable_rate"
def stable_rate(loss, params, direction, *, n_iterations):
    """Return 2 / (largest curvature of the loss at params), by power iteration.

    loss, params: as for inner_step; the eigenvalue of largest size is positive.
    direction: name -> tensor of the shape of params[name]; where the iteration begins.
    Returns a tensor without axes, or a float.
    """
    ### BEGIN SOLUTION
    for _ in range(n_iterations):
        length = torch.stack([v.square().sum() for v in direction.values()]).sum().sqrt()
        unit = {name: v / length for name, v in direction.items()}
        direction = hessian_product(loss, params, unit)
        curvature = torch.stack([(unit[n] * direction[n]).sum() for n in unit]).sum()
    return 2 / curvature
    ### END SOLUTION


# %% grade_id="stable_rate_check" points=10
check("05.stable_rate", stable_rate)

# %% [markdown]
# ## Part 5: find the bugs
#
# This function is to return the query loss after some steps, and its slopes: in the start *and* in
# the rate, so that both can be trained. It is put together from mistakes in public code. `params`
# holds tensors that require gradient, `rate` is one, and `support` and `query` are pairs of data.
#
# ```text
#  1  def query_loss_and_slopes(loss, params, rate, support, query, n_steps):
#  2      rate.grad = None
#  3      fast = dict(params)
#  4      for _ in range(n_steps):
#  5          inner = loss(fast, *support)
#  6          grads = torch.autograd.grad(inner, list(fast.values()))
#  7          size = rate.item()
#  8          fast = {n: p - size * g for (n, p), g in zip(params.items(), grads)}
#  9      outer = loss(fast, *query)
# 10      outer.backward()
# 11      return outer, {n: p.grad for n, p in params.items()}, rate.grad
# ```
#
# It runs without a warning. Five things are wrong:
#
# | symptom | what was seen |
# | --- | --- |
# | `"piling up"` | the same call a second time returns slopes twice as large |
# | `"straight world"` | the slopes in `params` are not the central differences of the loss |
# | `"deaf rate"` | another rate gives another loss, yet the slope in the rate is None |
# | `"never arrives"` | a thousand steps down a bowl do not reach its bottom |
# | `"hoarder"` | the losses of all calls, kept in a list, hold on to all graphs |

# %% [markdown] card="bug_lines"
# title: "Exercise 6: symptom and line"
# difficulty: 3
# importance: 4
# minutes: 15
# points: 10
# objective: Trace each symptom to the one line whose repair cures it.
# hints:
#   - "Take one symptom at a time. Which line would you change so that it goes away?"
#   - "For \"never arrives\" write down, for two steps, what the second one is subtracted from."
#   - "A graph lives as long as a tensor that was made by it. Which one leaves the function?"
# help:
#   "piling up: I blame line 10": >-
#     `backward()` adds to what is there; that is its job, and line 2 was meant to see to it that
#     nothing is there. What does line 2 forget?
#   "straight world and deaf rate look alike": >-
#     One is about what the slopes depend on, the other about what they are multiplied by.


# %% grade_id="bug_lines"
def bug_lines():
    """Return a dict from each of the five symptoms to the number of the line that causes it."""
    ### BEGIN SOLUTION
    return {
        "piling up": 2,
        "straight world": 6,
        "deaf rate": 7,
        "never arrives": 8,
        "hoarder": 11,
    }
    ### END SOLUTION


# %% grade_id="bug_lines_check" points=10
check("05.bug_lines", bug_lines)

# %% [markdown]
# ## Part 6: a test that would have told
#
# A colleague has a fast Hessian-vector product for the loss
#
# $$
# L(\theta) = \tfrac14 \sum_i \theta_i^4 + \tfrac12 \Bigl(\sum_i \theta_i\Bigr)^2,
# \qquad \nabla L(\theta)_i = \theta_i^3 + \sum_j \theta_j .
# $$
#
# Its curvature is another one at every place, and its Hessian has entries beside the diagonal.
# Write a test that a right product passes and a wrong one fails. You may work out the Hessian on
# paper, or compare with differences of the slope.

# %% [markdown] card="product_test"
# title: "Exercise 7: test a Hessian-vector product"
# difficulty: 3
# importance: 5
# minutes: 15
# points: 10
# objective: Write a test that every right product passes and every known mistake fails.
# hints:
#   - >-
#     Which mistakes are invisible at theta = 0? Which for a direction of length 1? Which for a
#     direction along one axis?
#   - >-
#     By differences: (slope(theta + h v) - slope(theta - h v)) / 2h with a small h, in float64.
# help:
#   "my test rejects a right implementation": >-
#     Use float64, `torch.allclose` in place of `==`, and if you take differences an h of 1e-4 to
#     1e-6: a larger one misses the curve, a smaller one drowns in rounding.
#   "differences over a whole step slip through": >-
#     They are right where the curvature does not change. Take theta and a direction of size 1.


# %% grade_id="product_test"
def product_test(product):
    """Raise an AssertionError unless `product` is right for the loss above.

    product: product(theta, direction) returns the Hessian at theta times the direction; all three
    are [size], float64, for any size.
    """
    ### BEGIN SOLUTION
    theta = torch.tensor([1.0, -0.5, 2.0], dtype=torch.float64)
    direction = torch.tensor([2.0, 1.0, -1.5], dtype=torch.float64)
    hessian = torch.diag(3 * theta**2) + 1
    assert torch.allclose(product(theta, direction), hessian @ direction)
    ### END SOLUTION


# %% grade_id="product_test_check" points=10
check("05.product_test", product_test)

# %% [markdown]
# ## Part 7: interview questions
#
# What an interviewer asks about gradient-based meta-learning, put so that you can check it
# yourself. Run the next cell to read the questions; `ask("05", language="zh")` shows them in
# Chinese. Some draw their numbers from a name: after `ask("05", student="ada")` the answers must
# hold `"student": "ada"`, as the template below the questions does. Any name will do; the questions
# are equally hard for all.

# %%
ask("05")

# %% [markdown] card="questions"
# title: "Exercise 8: fourteen questions"
# difficulty: 3
# importance: 4
# minutes: 30
# points: 20
# objective: Answer, in a sentence or a number, what an interviewer asks about these methods.
# hints:
#   - "Start with those you could answer aloud. `...` stands for an answer you do not have yet."
#   - "Your own functions are at hand: two lines of code settle several of the questions."
# help:
#   "my numbers are right and the check says they are not": >-
#     Do the answers name the student whose questions you read? `"student"` decides the numbers.
#   "I got a part of the points": >-
#     Sets, orders and matchings earn points for being nearly right, less what guessing would earn.


# %% grade_id="questions"
def questions():
    """Return a dict from the name of each question to your answer; ask("05") prints a template."""
    ### BEGIN SOLUTION
    return {
        "family": {"a", "c", "e"},
        "remembered": (True, True, True, False),
        "product_cost": "b",
        "stable_rate": 2 / 3,
        "slope_in_the_rate": -17,
        "hessian_shape": (3, 8, 3, 8),
        "curved_step": "(1 - 3*a*t**2) * b * (t - a*t**3 - d)",
        "there_and_back": "cebdaf",
        "what_cuts": {1: "b", 2: "d", 3: "a", 4: "c", 5: "e"},
        "rates": {"a", "d", "f"},
        "false_alarm": (7, "c"),
        "relu": "c",
        "new_disease": "a",
        "by_hand": "d",
    }
    ### END SOLUTION


# %% grade_id="questions_check" points=20
check("05.questions", questions)

# %% [markdown]
# ## Room of your own
#
# The next cell is yours: nobody checks it and nobody grades it. It walks down the reference loss at
# several rates and compares with your `stable_rate`. A network is no bowl: does it diverge beyond?


# %% scratch=true
def heights_along(rate, n_steps=30):
    params, heights = start, []
    for _ in range(n_steps):
        params = inner_step(reference, params, inner_lr=rate, create_graph=False)
        heights.append(round(reference(params).item(), 3))
    return heights[-3:]


# limit = stable_rate(reference, start, start, n_iterations=50).item()
# {share: heights_along(share * limit) for share in (0.5, 0.9, 1.1, 2.0)}
