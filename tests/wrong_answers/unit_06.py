"""Wrong answers to unit 06: what public MAML code gets wrong, mostly without an error."""

import torch

from tests.wrong_answers import wrong

# ---- best_start ----

JOINT = "test_without_steps_it_is_where_joint_training_ends"
LOWEST = "test_start_is_the_lowest_point_of_the_loss_after_the_steps"


def _weighted(weights, centres):
    return (weights * centres).sum() / weights.sum()


@wrong("06.best_start", LOWEST, says="where joint training ends")
def joint_training(curvatures, centres, *, inner_lr, inner_steps):
    """The steps are ignored."""
    return _weighted(curvatures, centres)


@wrong("06.best_start", LOWEST, says="where *FOMAML* comes to rest")
def first_order_rest(curvatures, centres, *, inner_lr, inner_steps):
    """The chain rule's factor is left out: where FOMAML has gradient 0."""
    return _weighted(curvatures * (1 - inner_lr * curvatures) ** inner_steps, centres)


@wrong("06.best_start", JOINT, LOWEST, says="the start for one inner step")
def one_step_start(curvatures, centres, *, inner_lr, inner_steps):
    """inner_steps is ignored."""
    return _weighted(curvatures * (1 - inner_lr * curvatures) ** 2, centres)


@wrong("06.best_start", JOINT, LOWEST, says="steep bowls count more")
def plain_mean(curvatures, centres, *, inner_lr, inner_steps):
    """All laboratories count alike."""
    return centres.mean()


@wrong("06.best_start", JOINT, LOWEST, says="not divided by the sum of the weights")
def unnormalised(curvatures, centres, *, inner_lr, inner_steps):
    """The sum in place of the weighted mean."""
    weights = curvatures * (1 - inner_lr * curvatures) ** (2 * inner_steps)
    return (weights * centres).sum()


@wrong("06.best_start", JOINT, LOWEST, says="steep bowls count more")
def curvature_missing(curvatures, centres, *, inner_lr, inner_steps):
    """Distances are weighed, not losses."""
    return _weighted((1 - inner_lr * curvatures) ** (2 * inner_steps), centres)


# ---- adapt ----

BOWL = "test_steps_on_a_bowl_end_where_they_should"
NETWORK = "test_steps_of_a_network_change_all_of_its_parameters"
THROUGH = "test_outer_gradient_passes_through_the_steps"
FIRST = "test_first_order_leaves_the_factors_out"
AGAIN = "test_a_second_call_finds_everything_unchanged"


def _steps(loss, params, x, y, inner_lr, inner_steps, create_graph=True):
    adapted = dict(params)
    for _ in range(inner_steps):
        slopes = torch.autograd.grad(
            loss(adapted, x, y), list(adapted.values()), create_graph=create_graph
        )
        pairs = zip(adapted.items(), slopes, strict=True)
        adapted = {name: p - inner_lr * slope for (name, p), slope in pairs}
    return adapted


@wrong("06.adapt", THROUGH, says="forgets how it got its result unless create_graph=True")
def create_graph_forgotten(loss, params, support_x, support_y, *, inner_lr, inner_steps, **order):
    """The most common one: silently first order, whatever was asked for."""
    return _steps(loss, params, support_x, support_y, inner_lr, inner_steps, create_graph=False)


@wrong("06.adapt", FIRST, says="first_order=True makes no difference")
def first_order_ignored(loss, params, support_x, support_y, *, inner_lr, inner_steps, **order):
    """Always the exact gradient."""
    return _steps(loss, params, support_x, support_y, inner_lr, inner_steps)


@wrong("06.adapt", THROUGH, FIRST, says="cut off from its inputs")
def cut_off(loss, params, support_x, support_y, *, inner_lr, inner_steps, **order):
    """The adapted parameters are detached: nothing gets back to the start."""
    adapted = _steps(loss, params, support_x, support_y, inner_lr, inner_steps)
    return {name: p.detach() for name, p in adapted.items()}


@wrong("06.adapt", THROUGH, AGAIN, says="This is FOMAML")
def in_place(loss, params, support_x, support_y, *, inner_lr, inner_steps, first_order=False):
    """p.data -= ...: the meta-parameters themselves walk away, and the graph never knows."""
    for _ in range(inner_steps):
        value = loss(params, support_x, support_y)
        slopes = torch.autograd.grad(value, list(params.values()))
        for p, slope in zip(params.values(), slopes, strict=True):
            p.data -= inner_lr * slope
    return params


@wrong("06.adapt", BOWL, NETWORK, THROUGH, FIRST, AGAIN, says="right result of one step")
def single_step(loss, params, support_x, support_y, *, inner_lr, inner_steps, first_order=False):
    """inner_steps is ignored."""
    return _steps(loss, params, support_x, support_y, inner_lr, 1, not first_order)


@wrong("06.adapt", BOWL, NETWORK, THROUGH, FIRST, AGAIN, says="gradient at the *start*")
def gradient_at_start(
    loss, params, support_x, support_y, *, inner_lr, inner_steps, first_order=False
):
    """Every step goes down the slope where the first one began."""
    names, values = list(params), list(params.values())
    slopes = torch.autograd.grad(
        loss(params, support_x, support_y), values, create_graph=not first_order
    )
    pairs = zip(names, values, slopes, strict=True)
    return {n: p - inner_steps * inner_lr * slope for n, p, slope in pairs}


@wrong("06.adapt", BOWL, NETWORK, THROUGH, FIRST, AGAIN, says="climbs the loss")
def ascent(loss, params, support_x, support_y, *, inner_lr, inner_steps, first_order=False):
    """A plus where a minus belongs."""
    return _steps(loss, params, support_x, support_y, -inner_lr, inner_steps, not first_order)


@wrong("06.adapt", NETWORK, says="every parameter takes part")
def last_parameter_only(
    loss, params, support_x, support_y, *, inner_lr, inner_steps, first_order=False
):
    """Only the last tensor adapts."""
    adapted, last = dict(params), list(params)[-1]
    for _ in range(inner_steps):
        value = loss(adapted, support_x, support_y)
        [slope] = torch.autograd.grad(value, [adapted[last]], create_graph=not first_order)
        adapted = {**adapted, last: adapted[last] - inner_lr * slope}
    return adapted


@wrong("06.adapt", BOWL, NETWORK, THROUGH, FIRST, AGAIN, says="should be a dict")
def list_returned(loss, params, support_x, support_y, *, inner_lr, inner_steps, first_order=False):
    """The names are lost."""
    adapted = _steps(loss, params, support_x, support_y, inner_lr, inner_steps, not first_order)
    return list(adapted.values())


# ---- maml_loss ----

QUERY = "test_is_the_query_loss_after_adaptation"
MEAN = "test_is_a_mean_over_tasks_that_all_begin_at_params"
DIFFERENTIABLE = "test_can_be_differentiated_in_params"


def _after(loss, params, task, inner_lr, inner_steps, first_order=False):
    adapted = _steps(loss, params, task[0], task[1], inner_lr, inner_steps, not first_order)
    return loss(adapted, task[2], task[3])


@wrong("06.maml_loss", QUERY, MEAN, DIFFERENTIABLE, says="loss on the *support* set")
def support_loss(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """Judged on what it adapted to."""
    losses = [_after(loss, params, (*t[:2], *t[:2]), inner_lr, inner_steps) for t in tasks]
    return torch.stack(losses).mean()


@wrong("06.maml_loss", QUERY, MEAN, DIFFERENTIABLE, says="*before* adaptation")
def not_adapted(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """Adapts, and then forgets to use the result."""
    return torch.stack([loss(params, t[2], t[3]) for t in tasks]).mean()


@wrong("06.maml_loss", QUERY, MEAN, DIFFERENTIABLE, says="answers are known before the exam")
def adapts_on_query(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """The query labels leak into the inner loop."""
    losses = [_after(loss, params, (*t[2:], *t[2:]), inner_lr, inner_steps) for t in tasks]
    return torch.stack(losses).mean()


@wrong("06.maml_loss", MEAN, says="Summed over the tasks")
def summed_loss(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """As the paper's Algorithm 2 prints it; the exercise asks for the mean."""
    return torch.stack([_after(loss, params, t, inner_lr, inner_steps) for t in tasks]).sum()


@wrong("06.maml_loss", MEAN, says="the last task's loss alone")
def last_task_loss(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """The variable of the loop is returned."""
    return _after(loss, params, tasks[-1], inner_lr, inner_steps)


@wrong("06.maml_loss", MEAN, says="is the return inside the loop?")
def first_task_loss(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """The return statement is indented too deep."""
    return _after(loss, params, tasks[0], inner_lr, inner_steps)


@wrong("06.maml_loss", MEAN, says="Every task starts from params")
def carried_over(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """params = adapt(...): the next task begins where this one ended."""
    losses = []
    for xs, ys, xq, yq in tasks:
        params = _steps(loss, params, xs, ys, inner_lr, inner_steps)
        losses.append(loss(params, xq, yq))
    return torch.stack(losses).mean()


@wrong("06.maml_loss", DIFFERENTIABLE, says="cut off from its inputs")
def item_collected(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """The losses are collected as plain numbers."""
    losses = [_after(loss, params, t, inner_lr, inner_steps).item() for t in tasks]
    return torch.tensor(losses, dtype=torch.float64).mean()


@wrong("06.maml_loss", DIFFERENTIABLE, says="This is the first-order gradient")
def always_first_order(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """The right number, with FOMAML's gradient."""
    losses = [_after(loss, params, t, inner_lr, inner_steps, first_order=True) for t in tasks]
    return torch.stack(losses).mean()


# ---- maml_gradient ----

CLOSED = "test_follows_the_closed_form_on_bowls"
ROUGH = "test_first_order_is_the_query_gradient_at_the_end"
ZERO = "test_without_inner_steps_it_is_the_plain_gradient"
DIFFERENCES = "test_equals_finite_differences_through_a_network"
ALL = (CLOSED, ROUGH, ZERO, DIFFERENCES)


def _pair(loss, params, tasks, inner_lr, inner_steps, first_order, factor=1.0):
    losses = [_after(loss, params, t, inner_lr, inner_steps, first_order) for t in tasks]
    value = torch.stack(losses).mean() * factor
    slopes = torch.autograd.grad(value, list(params.values()))
    return value.detach(), dict(zip(params, slopes, strict=True))


@wrong("06.maml_gradient", CLOSED, DIFFERENCES, says="This is FOMAML")
def always_fomaml(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """create_graph is forgotten."""
    return _pair(loss, params, tasks, inner_lr, inner_steps, True)


@wrong("06.maml_gradient", ROUGH, says="first_order=True makes no difference")
def never_fomaml(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """first_order is not passed on."""
    return _pair(loss, params, tasks, inner_lr, inner_steps, False)


@wrong("06.maml_gradient", CLOSED, ROUGH, DIFFERENCES, says="before any adaptation")
def gradient_before(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """The query gradient at params."""
    return _pair(loss, params, tasks, inner_lr, 0, first_order)


@wrong("06.maml_gradient", CLOSED, ROUGH, DIFFERENCES, says="gradient for one inner step")
def one_inner_step(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """inner_steps is ignored: with inner_steps=1 nobody would notice."""
    return _pair(loss, params, tasks, inner_lr, min(inner_steps, 1), first_order)


@wrong("06.maml_gradient", *ALL, says="Summed over the tasks")
def summed_gradient(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """Sum over tasks, of loss and gradient."""
    return _pair(loss, params, tasks, inner_lr, inner_steps, first_order, factor=len(tasks))


@wrong("06.maml_gradient", *ALL, says="judge on the query set")
def support_gradient(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """Support as query."""
    tasks = [(*t[:2], *t[:2]) for t in tasks]
    return _pair(loss, params, tasks, inner_lr, inner_steps, first_order)


@wrong("06.maml_gradient", CLOSED, ROUGH, DIFFERENCES, says="You adapt on the query set")
def query_leak(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """The query set in the inner loop; with 0 steps there is nothing to see."""
    tasks = [(*t[2:], *t[2:]) for t in tasks]
    return _pair(loss, params, tasks, inner_lr, inner_steps, first_order)


@wrong("06.maml_gradient", *ALL, says="gradient of the last task alone")
def last_task_gradient(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """The gradient is overwritten from task to task."""
    return _pair(loss, params, tasks[-1:], inner_lr, inner_steps, first_order)


@wrong("06.maml_gradient", CLOSED, DIFFERENCES, says="Only one of the inner steps")
def last_step_only(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """The last step is differentiated, those before are constants (a truncated graph)."""
    losses = []
    for xs, ys, xq, yq in tasks:
        most = max(inner_steps - 1, 0)
        adapted = _steps(loss, params, xs, ys, inner_lr, most, create_graph=False)
        last = _steps(loss, adapted, xs, ys, inner_lr, inner_steps - most, not first_order)
        losses.append(loss(last, xq, yq))
    value = torch.stack(losses).mean()
    slopes = torch.autograd.grad(value, list(params.values()))
    return value.detach(), dict(zip(params, slopes, strict=True))


@wrong("06.maml_gradient", *ALL, says="A pair was expected")
def loss_forgotten(loss, params, tasks, *, inner_lr, inner_steps, first_order=False):
    """The gradients alone."""
    return _pair(loss, params, tasks, inner_lr, inner_steps, first_order)[1]


# ---- bug_lines ----

SYMPTOMS = ("idle", "silent first order", "blind to queries", "louder in company", "order of tasks")
LINE = "test_symptom_is_traced_to_its_line"


def _lines(*numbers):
    return dict(zip(SYMPTOMS, numbers, strict=True))


@wrong("06.bug_lines", f"{LINE}[idle]", says="Line 8 is not the cause")
def update_blamed():
    """The update is right; it is never reached."""
    return _lines(8, 7, 9, 10, 11)


@wrong("06.bug_lines", f"{LINE}[silent first order]", says="Line 8 is not the cause")
def subtraction_blamed():
    """The subtraction is blamed for what the gradient has forgotten."""
    return _lines(5, 8, 9, 10, 11)


@wrong("06.bug_lines", f"{LINE}[order of tasks]", says="Line 2 is not the cause")
def zero_grad_blamed():
    """Clearing more often would not undo the step."""
    return _lines(5, 7, 9, 10, 2)


@wrong("06.bug_lines", *(f"{LINE}[{s}]" for s in SYMPTOMS), says="A line number was expected")
def lines_as_words():
    """Line numbers as strings."""
    return _lines("5", "7", "9", "10", "11")


@wrong("06.bug_lines", *(f"{LINE}[{s}]" for s in SYMPTOMS), says="A dict was expected")
def lines_without_symptoms():
    """The lines without the symptoms."""
    return [5, 7, 9, 10, 11]


# ---- gradient_test ----

ACCEPTS = "test_accepts_right_gradients_and_rejects"
MISTAKES = (
    "first order only",
    "one step however many are asked for",
    "summed over the tasks",
    "support used as query",
    "no adaptation at all",
)


def _slips(*mistakes):
    return tuple(f"{ACCEPTS}[{mistake}]" for mistake in mistakes)


def _bowls(n_tasks=2, *, same=False, seed=1):
    generator = torch.Generator().manual_seed(seed)
    tasks = []
    for _ in range(n_tasks):
        h, b, c, d = torch.rand(4, 2, generator=generator, dtype=torch.float64)
        h, b, c, d = (h, h, c, c) if same else (h, b, c, d)
        tasks.append((torch.diag(h), c, torch.diag(b), d))
    return tasks


THETA = torch.tensor([1.5, -2.0], dtype=torch.float64)


def _closed_form(tasks, inner_lr, inner_steps):
    total = torch.zeros(2, dtype=torch.float64)
    for a, c, b, d in tasks:
        factor = torch.linalg.matrix_power(torch.eye(2).double() - inner_lr * a, inner_steps)
        total += factor @ b @ (c + factor @ (THETA - c) - d)
    return total / len(tasks)


def _agree(meta_gradient, tasks, inner_lr, inner_steps, **tolerance):
    got = meta_gradient(THETA, tasks, inner_lr=inner_lr, inner_steps=inner_steps)
    assert torch.allclose(got, _closed_form(tasks, inner_lr, inner_steps), **tolerance)


@wrong("06.gradient_test", *_slips(*MISTAKES), says="passes your test")
def looks_at_the_shape(meta_gradient):
    """Every mistake has the right shape."""
    assert meta_gradient(THETA, _bowls(), inner_lr=0.2, inner_steps=2).shape == (2,)


@wrong("06.gradient_test", *_slips(MISTAKES[1]), says="one step however many")
def one_step_tested(meta_gradient):
    """With one step nobody sees that inner_steps is ignored."""
    _agree(meta_gradient, _bowls(), 0.3, 1)


@wrong("06.gradient_test", *_slips(MISTAKES[2]), says="summed over the tasks")
def one_task_tested(meta_gradient):
    """With one task sum and mean are the same."""
    _agree(meta_gradient, _bowls(1), 0.3, 3)


@wrong("06.gradient_test", *_slips(MISTAKES[3]), says="support used as query")
def same_bowl_tested(meta_gradient):
    """Support and query are one bowl."""
    _agree(meta_gradient, _bowls(same=True), 0.3, 3)


@wrong(
    "06.gradient_test",
    *_slips(MISTAKES[0], MISTAKES[1], MISTAKES[4]),
    says="first order only",
)
def tiny_rate_tested(meta_gradient):
    """With inner_lr near 0 nothing adapts, and to first order all agree."""
    _agree(meta_gradient, _bowls(), 1e-9, 3, rtol=1e-6)


@wrong("06.gradient_test", *_slips(*MISTAKES), says="rejects a right implementation")
def first_order_expected(meta_gradient):
    """The key itself is FOMAML's."""
    tasks, parts = _bowls(), []
    for a, c, b, d in tasks:
        end = c + (torch.eye(2).double() - 0.3 * a) @ (THETA - c)
        parts.append(b @ (end - d))
    got = meta_gradient(THETA, tasks, inner_lr=0.3, inner_steps=1)
    assert torch.allclose(got, torch.stack(parts).mean(0))


@wrong("06.gradient_test", *_slips(*MISTAKES), says="rejects a right implementation")
def exact_equality(meta_gradient):
    """== between floats that were computed in another order."""
    for seed in range(20):
        tasks = _bowls(3, seed=seed)
        got = meta_gradient(THETA, tasks, inner_lr=0.3, inner_steps=3)
        assert got.tolist() == _closed_form(tasks, 0.3, 3).tolist()
