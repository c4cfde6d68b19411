"""Wrong answers to unit 07: what Reptile and ANIL turn into when a line slips."""

import torch

from tests.wrong_answers import wrong

# ---- reptile_update ----

PART = "test_goes_a_part_of_the_way_to_the_mean"
ENDS = "test_zero_stays_and_one_arrives"


def _mean(adapted, name):
    return torch.stack([end[name] for end in adapted]).mean(0)


@wrong("07.reptile_update", PART, ENDS, says="walks *away*")
def sign_reversed(params, adapted, *, outer_lr):
    """The public mistake: eps * (theta - phi), added."""
    return {n: p + outer_lr * (p - _mean(adapted, n)) for n, p in params.items()}


@wrong("07.reptile_update", PART, ENDS, says="The adapted parameters are summed")
def ends_summed(params, adapted, *, outer_lr):
    """A sum in place of the mean."""
    return {n: p + outer_lr * (sum(end[n] for end in adapted) - p) for n, p in params.items()}


@wrong("07.reptile_update", PART, ENDS, says="The ways of the tasks are summed")
def ways_summed(params, adapted, *, outer_lr):
    """Every task moves the parameters by its whole way."""
    return {n: p + outer_lr * sum(end[n] - p for end in adapted) for n, p in params.items()}


@wrong("07.reptile_update", PART, ENDS, says="outer_lr is ignored")
def arrives_at_once(params, adapted, *, outer_lr):
    """The mean itself, as in federated averaging."""
    return {n: _mean(adapted, n) for n in params}


@wrong("07.reptile_update", PART, ENDS, says="outer_lr and 1 - outer_lr are swapped")
def shares_swapped(params, adapted, *, outer_lr):
    """outer_lr is what stays."""
    return {n: outer_lr * p + (1 - outer_lr) * _mean(adapted, n) for n, p in params.items()}


@wrong("07.reptile_update", PART, ENDS, says="Only the last task counts")
def last_clinic_only(params, adapted, *, outer_lr):
    """The variable of the loop survives it."""
    return {n: p + outer_lr * (adapted[-1][n] - p) for n, p in params.items()}


@wrong("07.reptile_update", PART, ENDS, says="their order matters")
def one_after_the_other(params, adapted, *, outer_lr):
    """Parameters move towards each task in turn."""
    for end in adapted:
        params = {n: p + outer_lr * (end[n] - p) for n, p in params.items()}
    return params


@wrong("07.reptile_update", PART, ENDS, says="without the parameters where it begins")
def way_alone(params, adapted, *, outer_lr):
    """The step is returned, and not where it leads."""
    return {n: outer_lr * (_mean(adapted, n) - p) for n, p in params.items()}


# ---- reptile_step ----

JOINT = "test_one_step_per_task_is_joint_training"
ROUND = "test_steps_on_round_bowls_follow_the_closed_form"
OWN = "test_every_step_sees_its_own_minibatch_where_the_last_step_ended"
AGAIN = "test_a_second_call_finds_everything_unchanged"
EVERY = (JOINT, ROUND, OWN, AGAIN)


def _walk(loss, params, minibatches, inner_lr, start=None):
    fast = dict(params if start is None else start)
    for x, y in minibatches:
        slopes = torch.func.grad(loss)(fast, x, y)
        fast = {n: p - inner_lr * slopes[n] for n, p in fast.items()}
    return fast


def _towards(params, ends, outer_lr):
    return {n: p + outer_lr * (_mean(ends, n) - p) for n, p in params.items()}


@wrong("07.reptile_step", *EVERY, says="walks *away*")
def round_walks_away(loss, params, tasks, *, inner_lr, outer_lr):
    """eps * (theta - phi), added."""
    ends = [_walk(loss, params, task, inner_lr) for task in tasks]
    return _towards(params, ends, -outer_lr)


@wrong("07.reptile_step", ROUND, OWN, AGAIN, says="That is joint training, not Reptile")
def slopes_at_the_start(loss, params, tasks, *, inner_lr, outer_lr):
    """Every gradient is taken at params: silently joint training."""
    ends = []
    for minibatches in tasks:
        fast = dict(params)
        for x, y in minibatches:
            slopes = torch.func.grad(loss)(params, x, y)
            fast = {n: p - inner_lr * slopes[n] for n, p in fast.items()}
        ends.append(fast)
    return _towards(params, ends, outer_lr)


@wrong("07.reptile_step", OWN, AGAIN, says="Step k takes minibatch k")
def first_minibatch_again(loss, params, tasks, *, inner_lr, outer_lr):
    """All steps on the first minibatch."""
    ends = [_walk(loss, params, task[:1] * len(task), inner_lr) for task in tasks]
    return _towards(params, ends, outer_lr)


@wrong("07.reptile_step", ROUND, OWN, AGAIN, says="there should be one for every minibatch")
def return_too_deep(loss, params, tasks, *, inner_lr, outer_lr):
    """One step per task, however many minibatches it has."""
    ends = [_walk(loss, params, task[:1], inner_lr) for task in tasks]
    return _towards(params, ends, outer_lr)


@wrong("07.reptile_step", *EVERY, says="Every task starts from params")
def goes_on_from_the_last_task(loss, params, tasks, *, inner_lr, outer_lr):
    """The weights are not put back between tasks."""
    ends, fast = [], params
    for task in tasks:
        fast = _walk(loss, params, task, inner_lr, start=fast)
        ends.append(fast)
    return _towards(params, ends, outer_lr)


@wrong("07.reptile_step", *EVERY, says="move once")
def moves_after_every_task(loss, params, tasks, *, inner_lr, outer_lr):
    """The serial version of the paper, where the batch version was asked for."""
    for task in tasks:
        params = _towards(params, [_walk(loss, params, task, inner_lr)], outer_lr)
    return params


@wrong("07.reptile_step", *EVERY, says="Summed over the tasks")
def round_summed(loss, params, tasks, *, inner_lr, outer_lr):
    """The ways are added up."""
    ends = [_walk(loss, params, task, inner_lr) for task in tasks]
    return _towards(params, ends, len(tasks) * outer_lr)


@wrong("07.reptile_step", AGAIN, says="changes `params` in place")
def round_in_place(loss, params, tasks, *, inner_lr, outer_lr):
    """The right step, written into the caller's tensors."""
    moved = _towards(params, [_walk(loss, params, task, inner_lr) for task in tasks], outer_lr)
    for n, p in params.items():
        p.data.copy_(moved[n])
    return {n: p.detach().clone() for n, p in params.items()}


@wrong("07.reptile_step", *EVERY, says="should be a dict")
def list_of_tensors(loss, params, tasks, *, inner_lr, outer_lr):
    """The names are lost."""
    ends = [_walk(loss, params, task, inner_lr) for task in tasks]
    return list(_towards(params, ends, outer_lr).values())


# ---- reptile_rest ----

ONE = "test_one_step_rests_where_joint_training_ends"
REST = "test_at_rest_the_ways_of_the_tasks_add_up_to_nothing"


def _weighted(weights, centres):
    return (weights * centres).sum() / weights.sum()


@wrong("07.reptile_rest", REST, says="where joint training ends")
def joint_rest(curvatures, centres, *, inner_lr, inner_steps):
    """The number of steps is ignored."""
    return _weighted(curvatures, centres)


@wrong("07.reptile_rest", ONE, REST, says="that *MAML* looks for")
def maml_rest(curvatures, centres, *, inner_lr, inner_steps):
    """The answer to exercises 06."""
    shrink = 1 - inner_lr * curvatures
    return _weighted(curvatures * shrink ** (2 * inner_steps), centres)


@wrong("07.reptile_rest", ONE, REST, says="*FOMAML* comes to rest")
def fomaml_rest(curvatures, centres, *, inner_lr, inner_steps):
    """The gradient at the end, in place of the way there."""
    return _weighted(curvatures * (1 - inner_lr * curvatures) ** inner_steps, centres)


@wrong("07.reptile_rest", ONE, REST, says="The pull is the share that was gone")
def what_is_left(curvatures, centres, *, inner_lr, inner_steps):
    """The share that remains, in place of the share that was walked."""
    return _weighted((1 - inner_lr * curvatures) ** inner_steps, centres)


@wrong("07.reptile_rest", ONE, REST, says="The plain mean of the centres")
def middle_of_centres(curvatures, centres, *, inner_lr, inner_steps):
    """Where many steps lead."""
    return centres.mean()


@wrong("07.reptile_rest", ONE, REST, says="not divided by the sum of the weights")
def rest_unnormalised(curvatures, centres, *, inner_lr, inner_steps):
    """A weighted sum."""
    return ((1 - (1 - inner_lr * curvatures) ** inner_steps) * centres).sum()


# ---- anil_adapt ----

HEAD = "test_head_takes_the_steps_and_nothing_else_moves"
OUTER = "test_outer_gradient_reaches_body_and_head"
ALL = (HEAD, OUTER, AGAIN)


def _steps(loss, params, x, y, inner_lr, inner_steps, moves, create_graph=True):
    adapted = dict(params)
    for _ in range(inner_steps):
        tensors = {n: p for n, p in adapted.items() if moves(n)}
        slopes = torch.autograd.grad(
            loss(adapted, x, y), list(tensors.values()), create_graph=create_graph
        )
        pairs = zip(tensors.items(), slopes, strict=True)
        adapted = {**adapted, **{n: p - inner_lr * slope for (n, p), slope in pairs}}
    return adapted


def _in(head):
    return lambda name: name.startswith(f"{head}.")


@wrong("07.anil_adapt", *ALL, says="that is MAML's inner loop")
def everything_adapts(loss, params, support_x, support_y, *, inner_lr, inner_steps, head):
    """MAML."""
    return _steps(loss, params, support_x, support_y, inner_lr, inner_steps, lambda name: True)


@wrong("07.anil_adapt", *ALL, says="should be the other way round")
def body_adapts(loss, params, support_x, support_y, *, inner_lr, inner_steps, head):
    """The condition is negated."""
    in_head = _in(head)
    return _steps(
        loss, params, support_x, support_y, inner_lr, inner_steps, lambda name: not in_head(name)
    )


@wrong("07.anil_adapt", HEAD, OUTER, says="is not of the module")
def prefix_without_dot(loss, params, support_x, support_y, *, inner_lr, inner_steps, head):
    """name.startswith("head") takes "header.scale" along."""
    return _steps(
        loss,
        params,
        support_x,
        support_y,
        inner_lr,
        inner_steps,
        lambda name: name.startswith(head),
    )


@wrong("07.anil_adapt", OUTER, says="ANIL freezes the body in the *inner* loop only")
def body_detached(loss, params, support_x, support_y, *, inner_lr, inner_steps, head):
    """Frozen in the outer loop as well."""
    in_head = _in(head)
    frozen = {n: p if in_head(n) else p.detach() for n, p in params.items()}
    return _steps(loss, frozen, support_x, support_y, inner_lr, inner_steps, in_head)


@wrong("07.anil_adapt", OUTER, says="unless create_graph=True")
def head_first_order(loss, params, support_x, support_y, *, inner_lr, inner_steps, head):
    """create_graph is forgotten."""
    return _steps(
        loss, params, support_x, support_y, inner_lr, inner_steps, _in(head), create_graph=False
    )


@wrong("07.anil_adapt", *ALL, says="right result of one step")
def one_head_step(loss, params, support_x, support_y, *, inner_lr, inner_steps, head):
    """inner_steps is cut down to 1."""
    return _steps(loss, params, support_x, support_y, inner_lr, min(inner_steps, 1), _in(head))


@wrong("07.anil_adapt", *ALL, says="climbs the loss")
def head_climbs(loss, params, support_x, support_y, *, inner_lr, inner_steps, head):
    """A plus where a minus belongs."""
    return _steps(loss, params, support_x, support_y, -inner_lr, inner_steps, _in(head))


@wrong("07.anil_adapt", *ALL, says="should have the names")
def head_alone(loss, params, support_x, support_y, *, inner_lr, inner_steps, head):
    """The body is not returned."""
    in_head = _in(head)
    adapted = _steps(loss, params, support_x, support_y, inner_lr, inner_steps, in_head)
    return {n: p for n, p in adapted.items() if in_head(n)}


@wrong("07.anil_adapt", OUTER, AGAIN, says="This is the first-order gradient")
def head_in_place(loss, params, support_x, support_y, *, inner_lr, inner_steps, head):
    """p.data -= ...: the shared head walks away."""
    tensors = [p for n, p in params.items() if _in(head)(n)]
    for _ in range(inner_steps):
        slopes = torch.autograd.grad(loss(params, support_x, support_y), tensors)
        for p, slope in zip(tensors, slopes, strict=True):
            p.data -= inner_lr * slope
    return params


# ---- linear_cka ----

PAIRS = "test_equals_the_likeness_of_all_pairs_of_examples"
TURNED = "test_turning_shifting_and_scaling_changes_nothing"


def _norms(x, y):
    size = torch.linalg.matrix_norm
    return size(x.T @ y), size(x.T @ x), size(y.T @ y)


@wrong("07.linear_cka", PAIRS, TURNED, says="The features are not centred")
def not_centred(x, y):
    """A common offset makes everything alike."""
    cross, own_x, own_y = _norms(x, y)
    return cross**2 / (own_x * own_y)


@wrong("07.linear_cka", PAIRS, TURNED, says="over the *examples*")
def centred_within_examples(x, y):
    """The mean over the wrong axis."""
    cross, own_x, own_y = _norms(x - x.mean(1, keepdim=True), y - y.mean(1, keepdim=True))
    return cross**2 / (own_x * own_y)


@wrong("07.linear_cka", PAIRS, TURNED, says="each feature has its own")
def one_mean_for_all(x, y):
    """x.mean() without an axis."""
    cross, own_x, own_y = _norms(x - x.mean(), y - y.mean())
    return cross**2 / (own_x * own_y)


@wrong("07.linear_cka", PAIRS, TURNED, says="The upper norm is not squared")
def upper_norm_not_squared(x, y):
    """Changes with the scale of the features."""
    cross, own_x, own_y = _norms(x - x.mean(0), y - y.mean(0))
    return cross / (own_x * own_y)


@wrong("07.linear_cka", PAIRS, TURNED, says="The root of the right value")
def root_taken(x, y):
    """Also between 0 and 1, and also 1 for equal features."""
    cross, own_x, own_y = _norms(x - x.mean(0), y - y.mean(0))
    return cross / (own_x * own_y).sqrt()


@wrong("07.linear_cka", PAIRS, TURNED, says="not those of X and Y")
def norms_of_the_features(x, y):
    """Below stand the norms of X and Y."""
    x, y = x - x.mean(0), y - y.mean(0)
    return (x.T @ y).square().sum() / (x.square().sum() * y.square().sum())


@wrong("07.linear_cka", PAIRS, TURNED, says="squared *Frobenius* norm")
def largest_singular_value(x, y):
    """ord=2 is another norm."""
    x, y = x - x.mean(0), y - y.mean(0)
    _, own_x, own_y = _norms(x, y)
    return torch.linalg.matrix_norm(x.T @ y, ord=2) ** 2 / (own_x * own_y)


# ---- bug_lines ----

SYMPTOMS = ("order of tasks", "one minibatch", "no second step", "restless", "walks away")
LINE = "test_symptom_is_traced_to_its_line"


def _lines(*numbers):
    return dict(zip(SYMPTOMS, numbers, strict=True))


@wrong("07.bug_lines", f"{LINE}[order of tasks]", says="Line 2 is not the cause")
def first_assignment_blamed():
    """Line 2 is right for the first task; line 4 is the one that runs for every task."""
    return _lines(2, 6, 7, 11, 12)


@wrong("07.bug_lines", f"{LINE}[no second step]", says="Line 9 is not the cause")
def inner_update_blamed():
    """The update moves on; its slope does not."""
    return _lines(4, 6, 9, 11, 12)


@wrong("07.bug_lines", f"{LINE}[restless]", says="Line 12 is not the cause")
def outer_update_blamed():
    """With the right mean line 12 would add 0."""
    return _lines(4, 6, 7, 12, 12)


@wrong("07.bug_lines", *(f"{LINE}[{s}]" for s in SYMPTOMS), says="A line number was expected")
def lines_in_words():
    """Line numbers as strings."""
    return _lines("4", "6", "7", "11", "12")


@wrong("07.bug_lines", *(f"{LINE}[{s}]" for s in SYMPTOMS), says="A dict was expected")
def lines_only():
    """The lines without the symptoms."""
    return [4, 6, 7, 11, 12]


@wrong(
    "07.bug_lines",
    f"{LINE}[one minibatch]",
    f"{LINE}[walks away]",
    says="Which data does step 2 see?",
)
def loop_and_slope_blamed():
    """The loop over steps, and the sign of the inner step."""
    return _lines(4, 5, 7, 11, 9)


# ---- reptile_test ----

ACCEPTS = "test_accepts_right_steps_and_rejects"
MISTAKES = (
    "walks away",
    "joint training in disguise",
    "summed over the tasks",
    "each task begins where the last one ended",
    "outer_lr ignored",
)
THETA = torch.tensor([1.5, -2.0], dtype=torch.float64)


def _slips(*mistakes):
    return tuple(f"{ACCEPTS}[{mistake}]" for mistake in mistakes)


def _bowls(n_tasks=2, seed=1):
    generator = torch.Generator().manual_seed(seed)
    pairs = torch.rand(n_tasks, 2, 2, generator=generator, dtype=torch.float64)
    return [(torch.diag(0.5 + h), c) for h, c in pairs]


def _round(tasks, inner_lr, inner_steps, outer_lr):
    ends = []
    for a, c in tasks:
        factor = torch.linalg.matrix_power(torch.eye(2).double() - inner_lr * a, inner_steps)
        ends.append(c + factor @ (THETA - c))
    return THETA + outer_lr * (torch.stack(ends).mean(0) - THETA)


def _agree(step, tasks, inner_lr=0.3, inner_steps=3, outer_lr=0.4, **tolerance):
    how = {"inner_lr": inner_lr, "inner_steps": inner_steps, "outer_lr": outer_lr}
    assert torch.allclose(step(THETA, tasks, **how), _round(tasks, **how), **tolerance)


@wrong("07.reptile_test", *_slips(*MISTAKES), says="passes your test")
def only_the_shape(step):
    """Every mistake has the right shape."""
    how = {"inner_lr": 0.3, "inner_steps": 3, "outer_lr": 0.4}
    assert step(THETA, _bowls(), **how).shape == (2,)


@wrong("07.reptile_test", *_slips(MISTAKES[1]), says="joint training in disguise")
def single_inner_step(step):
    """With one step Reptile is joint training."""
    _agree(step, _bowls(), inner_steps=1)


@wrong("07.reptile_test", *_slips(MISTAKES[2], MISTAKES[3]), says="summed over the tasks")
def single_task(step):
    """With one task sum and mean are the same, and nobody goes on from another."""
    _agree(step, _bowls(1))


@wrong("07.reptile_test", *_slips(MISTAKES[4]), says="outer_lr ignored")
def whole_step(step):
    """With outer_lr=1 nobody sees that it is ignored."""
    _agree(step, _bowls(), outer_lr=1.0)


@wrong("07.reptile_test", *_slips(*MISTAKES), says="rejects a right implementation")
def expects_the_wrong_sign(step):
    """The key itself walks away."""
    tasks, how = _bowls(), {"inner_lr": 0.3, "inner_steps": 3}
    got = step(THETA, tasks, outer_lr=0.4, **how)
    assert torch.allclose(got, _round(tasks, outer_lr=-0.4, **how))


@wrong("07.reptile_test", *_slips(*MISTAKES), says="rejects a right implementation")
def equal_to_the_last_digit(step):
    """== between floats that were computed in another order."""
    for seed in range(20):
        tasks, how = _bowls(3, seed), {"inner_lr": 0.3, "inner_steps": 3, "outer_lr": 0.4}
        assert step(THETA, tasks, **how).tolist() == _round(tasks, **how).tolist()


@wrong("07.reptile_test", *_slips(MISTAKES[0]), says="walks away")
def only_the_length(step):
    """How far the step goes, and not where to."""
    tasks, how = _bowls(), {"inner_lr": 0.3, "inner_steps": 3, "outer_lr": 0.4}
    got, wanted = (there - THETA for there in (step(THETA, tasks, **how), _round(tasks, **how)))
    assert torch.allclose(got.norm(), wanted.norm())
