"""Wrong answers to unit 05: what goes wrong, mostly in silence, when steps are differentiated."""

import torch

from tests.wrong_answers import wrong

# ---- gradient_on_bowls ----

ONE = "test_one_step_brings_one_factor"
EVERY = "test_every_step_brings_its_factor"
NONE = "test_without_steps_it_is_the_slope_of_the_query_bowl"


def _shrink(theta, curvature, inner_lr, inner_steps):
    one = torch.eye(len(theta), dtype=theta.dtype) - inner_lr * curvature
    return torch.linalg.matrix_power(one, inner_steps)


def _paper(theta, a, c, b, d, inner_lr, inside, outside):
    """Return the formula with so many factors in where the steps end, and in front of it."""
    end = c + _shrink(theta, a, inner_lr, inside) @ (theta - c)
    return _shrink(theta, a, inner_lr, outside) @ b @ (end - d)


@wrong("05.gradient_on_bowls", ONE, EVERY, says="is missing in front")
def slope_at_the_end(theta, a, c, b, d, *, inner_lr, inner_steps):
    """The chain rule is forgotten."""
    return _paper(theta, a, c, b, d, inner_lr, inner_steps, 0)


@wrong("05.gradient_on_bowls", ONE, EVERY, says="before any step")
def steps_forgotten(theta, a, c, b, d, *, inner_lr, inner_steps):
    """The query's slope at the start."""
    return b @ (theta - d)


@wrong("05.gradient_on_bowls", EVERY, says="one factor for each of the steps")
def one_factor_in_front(theta, a, c, b, d, *, inner_lr, inner_steps):
    """K steps inside, one factor outside."""
    return _paper(theta, a, c, b, d, inner_lr, inner_steps, min(inner_steps, 1))


@wrong("05.gradient_on_bowls", EVERY, says="inner_steps is ignored")
def one_step_on_paper(theta, a, c, b, d, *, inner_lr, inner_steps):
    """The formula of one step, for any number of them but none."""
    few = min(inner_steps, 1)
    return _paper(theta, a, c, b, d, inner_lr, few, few)


@wrong("05.gradient_on_bowls", ONE, EVERY, says="Matrices do not commute")
def order_reversed(theta, a, c, b, d, *, inner_lr, inner_steps):
    """B in front of the factors."""
    factor = _shrink(theta, a, inner_lr, inner_steps)
    return b @ factor @ (c + factor @ (theta - c) - d)


@wrong("05.gradient_on_bowls", ONE, EVERY, NONE, says="*support* bowl after the steps")
def support_judged(theta, a, c, b, d, *, inner_lr, inner_steps):
    """Judged on the bowl that was descended."""
    return _paper(theta, a, c, a, c, inner_lr, inner_steps, inner_steps)


@wrong("05.gradient_on_bowls", NONE, says="expected")
def always_a_step(theta, a, c, b, d, *, inner_lr, inner_steps):
    """No steps are taken for one."""
    return _paper(theta, a, c, b, d, inner_lr, max(inner_steps, 1), max(inner_steps, 1))


# ---- inner_step ----

MOVES = "test_every_parameter_moves_down_its_slope"
STAY = "test_frozen_and_unused_parameters_stay"
PASSES = "test_gradient_passes_through_the_step"
CONSTANT = "test_without_the_graph_the_slope_is_a_constant"
AGAIN = "test_second_call_finds_everything_unchanged"


def _step(loss, params, inner_lr, create_graph, frozen):
    moving = [name for name in params if name not in frozen]
    slopes = torch.autograd.grad(
        loss(params),
        [params[name] for name in moving],
        create_graph=create_graph,
        materialize_grads=True,
    )
    moved = [params[n] - inner_lr * s for n, s in zip(moving, slopes, strict=True)]
    return {**params, **dict(zip(moving, moved, strict=True))}


@wrong("05.inner_step", PASSES, says="pass it on to torch.autograd.grad")
def graph_forgotten(loss, params, *, inner_lr, create_graph, frozen=()):
    """The most common one: create_graph is not passed on."""
    return _step(loss, params, inner_lr, False, frozen)


@wrong("05.inner_step", CONSTANT, says="create_graph=False makes no difference")
def graph_always(loss, params, *, inner_lr, create_graph, frozen=()):
    """Always differentiable, always dear."""
    return _step(loss, params, inner_lr, True, frozen)


@wrong("05.inner_step", PASSES, CONSTANT, says="cut off from its inputs")
def step_cut_off(loss, params, *, inner_lr, create_graph, frozen=()):
    """What is returned is detached."""
    moved = _step(loss, params, inner_lr, create_graph, frozen)
    return {name: p.detach() for name, p in moved.items()}


@wrong("05.inner_step", PASSES, AGAIN, says="counts as a constant")
def step_in_place(loss, params, *, inner_lr, create_graph, frozen=()):
    """p.data -= ...: the inputs themselves walk away."""
    moving = [p for name, p in params.items() if name not in frozen]
    slopes = torch.autograd.grad(loss(params), moving, materialize_grads=True)
    for p, slope in zip(moving, slopes, strict=True):
        p.data -= inner_lr * slope
    return params


@wrong("05.inner_step", PASSES, AGAIN, says="is `params` still what it was?")
def dict_updated(loss, params, *, inner_lr, create_graph, frozen=()):
    """New tensors, put into the caller's dict."""
    params.update(_step(loss, params, inner_lr, create_graph, frozen))
    return dict(params)


@wrong("05.inner_step", MOVES, STAY, PASSES, CONSTANT, AGAIN, says="climbs the loss")
def step_uphill(loss, params, *, inner_lr, create_graph, frozen=()):
    """A plus where a minus belongs."""
    return _step(loss, params, -inner_lr, create_graph, frozen)


@wrong("05.inner_step", STAY, PASSES, CONSTANT, says="is frozen")
def frozen_ignored(loss, params, *, inner_lr, create_graph, frozen=()):
    """Everything moves."""
    return _step(loss, params, inner_lr, create_graph, ())


@wrong("05.inner_step", PASSES, CONSTANT, says="No gradient gets back to weight1, bias1")
def frozen_detached(loss, params, *, inner_lr, create_graph, frozen=()):
    """Frozen parameters are cut out of the graph as well."""
    held = {name: p.detach() if name in frozen else p for name, p in params.items()}
    return _step(loss, held, inner_lr, create_graph, frozen)


@wrong("05.inner_step", STAY, says="to not have been used in the graph")
def unused_not_allowed(loss, params, *, inner_lr, create_graph, frozen=()):
    """A parameter that the loss does not use stops the program."""
    moving = {name: p for name, p in params.items() if name not in frozen}
    slopes = torch.autograd.grad(loss(params), list(moving.values()), create_graph=create_graph)
    pairs = zip(moving.items(), slopes, strict=True)
    return {**params, **{name: p - inner_lr * slope for (name, p), slope in pairs}}


@wrong("05.inner_step", STAY, says="should have the names")
def frozen_dropped(loss, params, *, inner_lr, create_graph, frozen=()):
    """Only what moved is returned; the frozen ones are lost."""
    moved = _step(loss, params, inner_lr, create_graph, frozen)
    return {name: p for name, p in moved.items() if name not in frozen or "spare" not in params}


# ---- unrolled ----

ENDS = "test_steps_end_where_they_should_whatever_is_remembered"
EXACT = "test_all_steps_remembered_give_the_exact_gradient"
FEW = "test_only_as_many_factors_as_steps_are_remembered"
LAST = "test_the_last_steps_are_those_that_are_remembered"


def _steps(loss, params, inner_lr, remembered):
    """Take a step for every entry, and remember it if the entry is true."""
    for create_graph in remembered:
        params = _step(loss, params, inner_lr, create_graph, ())
    return params


@wrong("05.unrolled", EXACT, FEW, LAST, says="No step is differentiated through")
def none_remembered(loss, params, *, inner_lr, inner_steps, through):
    """To first order, whatever was asked for."""
    return _steps(loss, params, inner_lr, [False] * inner_steps)


@wrong("05.unrolled", FEW, LAST, says="`through` is ignored")
def all_remembered(loss, params, *, inner_lr, inner_steps, through):
    """The exact gradient, whatever was asked for."""
    return _steps(loss, params, inner_lr, [True] * inner_steps)


@wrong("05.unrolled", LAST, says="You remember the *first* step")
def first_remembered(loss, params, *, inner_lr, inner_steps, through):
    """Counted from the wrong end."""
    return _steps(loss, params, inner_lr, [k < through for k in range(inner_steps)])


@wrong("05.unrolled", FEW, LAST, says="One step too many is differentiated")
def one_too_many(loss, params, *, inner_lr, inner_steps, through):
    """>= where > belongs."""
    last = [k >= inner_steps - through - 1 for k in range(inner_steps)]
    return _steps(loss, params, inner_lr, last)


@wrong("05.unrolled", FEW, LAST, says="No gradient gets back")
def chain_cut(loss, params, *, inner_lr, inner_steps, through):
    """Where remembering begins, the parameters are detached: nothing gets back to the start."""
    params = _steps(loss, params, inner_lr, [False] * (inner_steps - through))
    if through < inner_steps:
        params = {name: p.detach().requires_grad_() for name, p in params.items()}
    return _steps(loss, params, inner_lr, [True] * through)


@wrong("05.unrolled", ENDS, FEW, LAST, says="Only the last `through` steps were taken")
def only_remembered_steps(loss, params, *, inner_lr, inner_steps, through):
    """Steps that are not remembered are not taken, either."""
    return _steps(loss, params, inner_lr, [True] * through)


@wrong("05.unrolled", ENDS, EXACT, FEW, LAST, says="should be a dict")
def values_only(loss, params, *, inner_lr, inner_steps, through):
    """The names are lost."""
    remembered = [k >= inner_steps - through for k in range(inner_steps)]
    return list(_steps(loss, params, inner_lr, remembered).values())


# ---- hessian_product ----

BOWL = "test_on_a_bowl_it_is_the_curvature_times_the_direction"
NETWORK = "test_on_a_network_it_is_the_change_of_the_slope"
UNUSED = "test_parameter_that_the_loss_does_not_use_has_zeros"


def _slopes(loss, params):
    values = list(params.values())
    return torch.autograd.grad(loss(params), values, create_graph=True, materialize_grads=True)


def _product(loss, params, direction):
    pairs = zip(_slopes(loss, params), direction.values(), strict=True)
    along = sum((slope * v).sum() for slope, v in pairs)
    products = torch.autograd.grad(along, list(params.values()), materialize_grads=True)
    return dict(zip(params, products, strict=True))


@wrong("05.hessian_product", BOWL, NETWORK, UNUSED, says="This is the gradient: differentiate once")
def plain_gradient(loss, params, direction):
    """One derivative too few."""
    return dict(zip(params, _slopes(loss, params), strict=True))


@wrong("05.hessian_product", BOWL, NETWORK, UNUSED, says="gradient times its product")
def gradient_twice(loss, params, direction):
    """g (g · v): the outer product of gradients is no Hessian."""
    slopes = dict(zip(params, _slopes(loss, params), strict=True))
    along = sum((slopes[name] * direction[name]).sum() for name in params)
    return {name: slope * along for name, slope in slopes.items()}


@wrong("05.hessian_product", BOWL, NETWORK, UNUSED, says="the direction is ignored")
def direction_ignored(loss, params, direction):
    """The gradient of the sum of the gradient."""
    return _product(loss, params, {name: torch.ones_like(v) for name, v in direction.items()})


@wrong("05.hessian_product", BOWL, NETWORK, UNUSED, says="length of the direction should matter")
def direction_normalised(loss, params, direction):
    """The direction is brought to length 1."""
    length = sum(v.square().sum() for v in direction.values()).sqrt()
    return _product(loss, params, {name: v / length for name, v in direction.items()})


@wrong("05.hessian_product", NETWORK, says="own block of the Hessian")
def blocks_only(loss, params, direction):
    """Name by name: the blocks beside the diagonal are lost."""
    products = {}
    for name, v in direction.items():
        zeros = {other: torch.zeros_like(p) for other, p in params.items()}
        products[name] = _product(loss, params, zeros | {name: v})[name]
    return products


@wrong("05.hessian_product", UNUSED, says="to not have been used in the graph")
def unused_stops(loss, params, direction):
    """A parameter that the loss does not use stops the program."""
    values = list(params.values())
    slopes = torch.autograd.grad(loss(params), values, create_graph=True)
    along = sum((s * v).sum() for s, v in zip(slopes, direction.values(), strict=True))
    return dict(zip(params, torch.autograd.grad(along, values), strict=True))


@wrong("05.hessian_product", UNUSED, says="should have the names")
def unused_dropped(loss, params, direction):
    """A parameter that the loss does not use is left out."""
    products = _product(loss, params, direction)
    return {name: product for name, product in products.items() if product.any()}


@wrong("05.hessian_product", BOWL, NETWORK, UNUSED, says="should be a dict")
def quadratic_form(loss, params, direction):
    """v · Hv, one number."""
    product = _product(loss, params, direction)
    return sum((product[name] * direction[name]).sum() for name in params)


# ---- stable_rate ----

TWO_OVER = "test_on_bowls_it_is_two_over_the_largest_curvature"
FINITE = "test_numbers_neither_overflow_nor_vanish"
CLASSIFIER = "test_on_a_linear_classifier_it_is_two_over_the_largest_eigenvalue"
ALL = (TWO_OVER, FINITE, CLASSIFIER)


def _largest(loss, params, direction, n_iterations):
    for _ in range(n_iterations):
        length = sum(v.square().sum() for v in direction.values()).sqrt()
        unit = {name: v / length for name, v in direction.items()}
        direction = _product(loss, params, unit)
    return sum((unit[name] * direction[name]).sum() for name in unit)


@wrong("05.stable_rate", *ALL, says="the largest curvature itself")
def curvature_returned(loss, params, direction, *, n_iterations):
    """The eigenvalue, not the rate."""
    return _largest(loss, params, direction, n_iterations)


@wrong("05.stable_rate", *ALL, says="steps converge up to twice that")
def one_over(loss, params, direction, *, n_iterations):
    """The rate that lands at the bottom."""
    return 1 / _largest(loss, params, direction, n_iterations)


@wrong("05.stable_rate", *ALL, says="That is 2 * curvature")
def two_times(loss, params, direction, *, n_iterations):
    """Multiplied where a division belongs."""
    return 2 * _largest(loss, params, direction, n_iterations)


@wrong("05.stable_rate", FINITE, says="nan or infinite")
def never_shortened(loss, params, direction, *, n_iterations):
    """The direction is only brought to length 1 at the end."""
    for _ in range(n_iterations):
        direction = _product(loss, params, direction)
    return 2 / _largest(loss, params, direction, 1)


@wrong("05.stable_rate", CLASSIFIER, says="one number for all parameters together")
def a_length_for_each(loss, params, direction, *, n_iterations):
    """Every tensor is brought to length 1 by itself: the direction cannot turn freely."""
    for _ in range(n_iterations):
        unit = {name: v / v.norm() for name, v in direction.items()}
        direction = _product(loss, params, unit)
    squares = sum(v.square().sum() for v in unit.values())
    return 2 * squares / sum((unit[name] * direction[name]).sum() for name in unit)


@wrong("05.stable_rate", *ALL, says="Multiply a direction by the Hessian")
def single_product(loss, params, direction, *, n_iterations):
    """The curvature along the first direction: no iteration."""
    return 2 / _largest(loss, params, direction, 1)


@wrong("05.stable_rate", *ALL, says="Shape () was expected")
def rate_for_each(loss, params, direction, *, n_iterations):
    """One rate for every number of the first tensor."""
    rate = 2 / _largest(loss, params, direction, n_iterations)
    return rate * torch.ones_like(next(iter(params.values())))


# ---- bug_lines ----

SYMPTOMS = ("piling up", "straight world", "deaf rate", "never arrives", "hoarder")
LINE = "test_symptom_is_traced_to_its_line"


def _lines(*numbers):
    return dict(zip(SYMPTOMS, numbers, strict=True))


@wrong("05.bug_lines", f"{LINE}[piling up]", says="Line 10 is not the cause")
def backward_blamed():
    """backward() adds; that is its job."""
    return _lines(10, 6, 7, 8, 11)


@wrong("05.bug_lines", f"{LINE}[never arrives]", says="Line 4 is not the cause")
def loop_blamed():
    """The loop runs often enough."""
    return _lines(2, 6, 7, 4, 11)


@wrong(
    "05.bug_lines",
    f"{LINE}[straight world]",
    f"{LINE}[deaf rate]",
    says="Line 7 is not the cause",
)
def two_symptoms_swapped():
    """The two cuts are mixed up."""
    return _lines(2, 7, 6, 8, 11)


@wrong("05.bug_lines", f"{LINE}[hoarder]", says="Line 9 is not the cause")
def outer_loss_blamed():
    """Where the loss is made, it needs its graph."""
    return _lines(2, 6, 7, 8, 9)


@wrong("05.bug_lines", *(f"{LINE}[{s}]" for s in SYMPTOMS), says="A line number was expected")
def lines_as_words():
    """Line numbers as strings."""
    return _lines("2", "6", "7", "8", "11")


# ---- product_test ----

ACCEPTS = "test_accepts_right_products_and_rejects"
MISTAKES = (
    "curvature of the origin",
    "diagonal only",
    "gradient times gradient",
    "length of the direction ignored",
    "differences over a whole step",
)
THETA, DIRECTION = torch.tensor([[1.0, -2.0, 0.5], [0.4, 1.0, -0.3]], dtype=torch.float64)


def _slips(*numbers):
    return tuple(f"{ACCEPTS}[{MISTAKES[number]}]" for number in numbers)


def _agrees(product, theta, direction, **tolerance):
    wanted = 3 * theta**2 * direction + direction.sum()
    assert torch.allclose(product(theta, direction), wanted, **tolerance)


@wrong("05.product_test", *_slips(0, 1, 2, 3, 4), says="passes your test")
def shape_tested(product):
    """Every mistake has the right shape."""
    assert product(THETA, DIRECTION).shape == (3,)


@wrong("05.product_test", *_slips(0), says="curvature of the origin")
def origin_tested(product):
    """At 0 the curvature of the origin is the right one."""
    _agrees(product, torch.zeros(3, dtype=torch.float64), DIRECTION)


@wrong("05.product_test", *_slips(3), says="length of the direction ignored")
def unit_direction_tested(product):
    """With a direction of length 1 nobody sees that its length is ignored."""
    _agrees(product, THETA, DIRECTION / DIRECTION.norm())


@wrong("05.product_test", *_slips(1), says="diagonal only")
def one_number_tested(product):
    """In one dimension there is nothing beside the diagonal."""
    _agrees(product, torch.tensor([1.5]).double(), torch.tensor([0.7]).double())


@wrong("05.product_test", *_slips(0, 1, 2), says="curvature of the origin")
def linearity_tested(product):
    """Twice the direction, twice the product: true of every matrix, right or wrong."""
    there = product(THETA, DIRECTION)
    assert torch.allclose(product(THETA, 2 * DIRECTION), 2 * there)


@wrong("05.product_test", *_slips(0, 1, 2, 3, 4), says="rejects a right implementation")
def exactly_tested(product):
    """== between floats that were computed in another way."""
    wanted = 3 * THETA**2 * DIRECTION + DIRECTION.sum()
    assert product(THETA, DIRECTION).tolist() == wanted.tolist()


@wrong("05.product_test", *_slips(0, 1, 2, 3, 4), says="rejects a right implementation")
def key_without_sum(product):
    """The key itself forgets what is beside the diagonal."""
    assert torch.allclose(product(THETA, DIRECTION), 3 * THETA**2 * DIRECTION)


@wrong("05.product_test", *_slips(4), says="differences over a whole step")
def tiny_direction_tested(product):
    """Along a tiny direction a whole step is a small one."""
    _agrees(product, THETA, 1e-6 * DIRECTION, rtol=1e-4, atol=1e-12)
