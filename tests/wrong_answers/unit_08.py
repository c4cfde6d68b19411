"""Wrong answers to unit 08: repairs of MAML that run and do nothing, or something else."""

import math

import torch
import torch.nn.functional as F

from tests.wrong_answers import wrong

# ---- multi_step_weights ----

ALIKE = "test_all_steps_count_alike_in_the_first_epoch"
MOVES = "test_weight_moves_to_the_last_step_epoch_by_epoch"
FLOOR = "test_a_floor_stays_under_the_early_steps"


def _ramp(k, early, last=None):
    return torch.tensor([early] * (k - 1) + [1 - (k - 1) * early if last is None else last])


def _early(k, epoch, anneal_epochs):
    return max(1 / k - epoch / (k * anneal_epochs), 0.03 / k)


@wrong("08.multi_step_weights", FLOOR, says="The floor is missing")
def no_floor(inner_steps, epoch, anneal_epochs):
    """The early steps end at 0."""
    return _ramp(inner_steps, max(1 / inner_steps - epoch / (inner_steps * anneal_epochs), 0.0))


@wrong("08.multi_step_weights", FLOOR, says="divide it")
def floor_not_divided(inner_steps, epoch, anneal_epochs):
    """0.03 for each early step."""
    return _ramp(inner_steps, max(1 / inner_steps - epoch / (inner_steps * anneal_epochs), 0.03))


@wrong("08.multi_step_weights", FLOOR, says="the sum is no longer 1")
def last_grows_on(inner_steps, epoch, anneal_epochs):
    """The last step is not held when the early ones are."""
    lost = epoch / (inner_steps * anneal_epochs)
    last = 1 / inner_steps + (inner_steps - 1) * lost
    return _ramp(inner_steps, _early(inner_steps, epoch, anneal_epochs), last)


@wrong("08.multi_step_weights", FLOOR, says="they become negative")
def negative_weights(inner_steps, epoch, anneal_epochs):
    """Nothing stops the descent."""
    return _ramp(inner_steps, 1 / inner_steps - (epoch / anneal_epochs) / inner_steps)


@wrong("08.multi_step_weights", MOVES, says="Too fast by the factor inner_steps")
def too_fast(inner_steps, epoch, anneal_epochs):
    """1/E per epoch."""
    return _ramp(inner_steps, max(1 / inner_steps - epoch / anneal_epochs, 0.03 / inner_steps))


@wrong("08.multi_step_weights", MOVES, FLOOR, says="epoch is not used")
def never_annealed(inner_steps, epoch, anneal_epochs):
    """All steps count alike for ever."""
    return torch.full((inner_steps,), 1 / inner_steps)


@wrong("08.multi_step_weights", ALIKE, MOVES, FLOOR, says="The last step counts alone")
def last_step_alone(inner_steps, epoch, anneal_epochs):
    """MAML's weights."""
    return torch.eye(inner_steps)[-1]


@wrong("08.multi_step_weights", MOVES, FLOOR, says="what the last one should get")
def first_step_favoured(inner_steps, epoch, anneal_epochs):
    """The weight moves to the wrong end."""
    return _ramp(inner_steps, _early(inner_steps, epoch, anneal_epochs)).flip(0)


@wrong("08.multi_step_weights", ALIKE, MOVES, FLOOR, says="they sum to 1")
def not_normalised(inner_steps, epoch, anneal_epochs):
    """Each begins at 1."""
    return inner_steps * _ramp(inner_steps, _early(inner_steps, epoch, anneal_epochs))


# ---- multi_step_loss ----

SUM = "test_is_the_weighted_sum_of_the_query_losses_after_each_step"
PLAIN = "test_weights_of_0_0_1_and_equal_rates_are_plain_maml"
OWN = "test_every_parameter_has_rates_of_its_own"
MEAN = "test_is_a_mean_over_tasks_that_all_begin_at_params"
THROUGH = "test_can_be_differentiated_in_parameters_and_in_rates"
FIRST = "test_first_order_treats_support_slopes_as_constants"
ALL = (SUM, PLAIN, OWN, MEAN, THROUGH, FIRST)


def _path(loss, params, rates, x, y, n_steps, create_graph, rate=None):
    """Return the parameters after 0, 1, ... steps."""
    rate = rate or (lambda name, k: rates[name][k])
    places = [dict(params)]
    for k in range(n_steps):
        here = places[-1]
        slopes = torch.autograd.grad(
            loss(here, x, y), list(here.values()), create_graph=create_graph
        )
        pairs = zip(here.items(), slopes, strict=True)
        places.append({n: p - rate(n, k) * slope for (n, p), slope in pairs})
    return places


def _shares(loss, params, rates, task, weights, first_order, rate=None):
    xs, ys, xq, yq = task
    places = _path(loss, params, rates, xs, ys, len(weights), not first_order, rate)
    return [w * loss(p, xq, yq) for w, p in zip(weights, places[1:], strict=True)]


@wrong("08.multi_step_loss", SUM, OWN, MEAN, THROUGH, FIRST, says="after the last step alone")
def weights_ignored(loss, params, rates, tasks, *, weights, first_order=False):
    """MAML, whatever the weights."""
    last = torch.eye(len(weights))[-1].double()
    each = [sum(_shares(loss, params, rates, t, last, first_order)) for t in tasks]
    return sum(each) / len(each)


@wrong("08.multi_step_loss", SUM, OWN, MEAN, THROUGH, FIRST, says="add the shares up")
def total_overwritten(loss, params, rates, tasks, *, weights, first_order=False):
    """total = in place of total +=."""
    each = [_shares(loss, params, rates, t, weights, first_order)[-1] for t in tasks]
    return sum(each) / len(each)


@wrong("08.multi_step_loss", SUM, PLAIN, OWN, MEAN, THROUGH, FIRST, says="weigh the same")
def plain_mean_of_steps(loss, params, rates, tasks, *, weights, first_order=False):
    """Every step counts 1/K for ever."""
    even = torch.full_like(weights, 1 / len(weights))
    each = [sum(_shares(loss, params, rates, t, even, first_order)) for t in tasks]
    return sum(each) / len(each)


@wrong("08.multi_step_loss", SUM, OWN, MEAN, THROUGH, FIRST, says="rate of the first step")
def first_rate_throughout(loss, params, rates, tasks, *, weights, first_order=False):
    """rates[name][0]."""

    def rate(name, k):
        return rates[name][0]

    each = [sum(_shares(loss, params, rates, t, weights, first_order, rate)) for t in tasks]
    return sum(each) / len(each)


@wrong("08.multi_step_loss", OWN, says="rates of the first parameter")
def one_rate_for_all_parameters(loss, params, rates, tasks, *, weights, first_order=False):
    """Rates per step, and not per parameter."""
    row = next(iter(rates.values()))

    def rate(name, k):
        return row[k]

    each = [sum(_shares(loss, params, rates, t, weights, first_order, rate)) for t in tasks]
    return sum(each) / len(each)


@wrong("08.multi_step_loss", *ALL, says="*before* each step")
def query_before_the_step(loss, params, rates, tasks, *, weights, first_order=False):
    """The query loss is taken before each step."""
    total = 0.0
    for xs, ys, xq, yq in tasks:
        places = _path(loss, params, rates, xs, ys, len(weights), not first_order)
        total += sum(w * loss(p, xq, yq) for w, p in zip(weights, places[:-1], strict=True))
    return total / len(tasks)


@wrong("08.multi_step_loss", *ALL, says="the query set judges")
def judged_on_support(loss, params, rates, tasks, *, weights, first_order=False):
    """Support as query."""
    tasks = [(*t[:2], *t[:2]) for t in tasks]
    each = [sum(_shares(loss, params, rates, t, weights, first_order)) for t in tasks]
    return sum(each) / len(each)


@wrong("08.multi_step_loss", MEAN, THROUGH, FIRST, says="Summed over the tasks")
def tasks_summed(loss, params, rates, tasks, *, weights, first_order=False):
    """A sum over the tasks."""
    return sum(sum(_shares(loss, params, rates, t, weights, first_order)) for t in tasks)


@wrong("08.multi_step_loss", MEAN, THROUGH, FIRST, says="is the return inside the loop?")
def only_the_first_task(loss, params, rates, tasks, *, weights, first_order=False):
    """The return is indented too deep."""
    return sum(_shares(loss, params, rates, tasks[0], weights, first_order))


@wrong("08.multi_step_loss", MEAN, THROUGH, FIRST, says="begins where the one before ended")
def tuned_on_and_on(loss, params, rates, tasks, *, weights, first_order=False):
    """The next task starts from the adapted parameters."""
    total = 0.0
    for xs, ys, xq, yq in tasks:
        places = _path(loss, params, rates, xs, ys, len(weights), not first_order)
        total += sum(w * loss(p, xq, yq) for w, p in zip(weights, places[1:], strict=True))
        params = places[-1]
    return total / len(tasks)


@wrong("08.multi_step_loss", THROUGH, says="without create_graph=True")
def graph_forgotten(loss, params, rates, tasks, *, weights, first_order=False):
    """First order, whatever was asked for."""
    each = [sum(_shares(loss, params, rates, t, weights, True)) for t in tasks]
    return sum(each) / len(each)


@wrong("08.multi_step_loss", FIRST, says="first_order=True makes no difference")
def order_ignored(loss, params, rates, tasks, *, weights, first_order=False):
    """Always the exact gradient."""
    each = [sum(_shares(loss, params, rates, t, weights, False)) for t in tasks]
    return sum(each) / len(each)


@wrong("08.multi_step_loss", THROUGH, FIRST, says="No gradient gets back to `rates`")
def rates_as_numbers(loss, params, rates, tasks, *, weights, first_order=False):
    """The rates are read with .item()."""

    def rate(name, k):
        return rates[name][k].item()

    each = [sum(_shares(loss, params, rates, t, weights, first_order, rate)) for t in tasks]
    return sum(each) / len(each)


@wrong("08.multi_step_loss", THROUGH, FIRST, says="cut off from its inputs")
def losses_as_numbers(loss, params, rates, tasks, *, weights, first_order=False):
    """The losses are collected with .item()."""
    each = [sum(_shares(loss, params, rates, t, weights, first_order)).item() for t in tasks]
    return torch.tensor(each, dtype=torch.float64).mean()


# ---- per_step_norm ----

BATCH = "test_training_normalises_by_the_batch"
ROW = "test_training_moves_the_row_of_its_step_and_no_other"
READS = "test_evaluation_reads_the_row_of_its_step_and_changes_nothing"
BEYOND = "test_from_the_last_row_on_the_last_row_serves"


def _norm(x, mean, variance):
    shape = (1, -1, 1, 1)
    return (x - mean.view(shape)) / (variance.view(shape) + 1e-5).sqrt()


def _by_batch(x, unbiased=False):
    return _norm(x, x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=unbiased))


def _stored(x, means, variances, row, momentum, unbiased=True):
    means, variances = means.clone(), variances.clone()
    seen = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=unbiased)
    for table, new in zip((means, variances), seen, strict=True):
        table[row] = (1 - momentum) * table[row] + momentum * new
    return means, variances


def _right(x, means, variances, row, training, momentum=0.1):
    if not training:
        return _norm(x, means[row], variances[row]), means, variances
    return _by_batch(x), *_stored(x, means, variances, row, momentum)


@wrong("08.per_step_norm", READS, BEYOND, says="nothing stored is ever read")
def as_the_official_code(x, means, variances, step, *, training, momentum=0.1):
    """F.batch_norm(training=True) always."""
    row = min(step, len(means) - 1)
    _, *stored = _right(x, means, variances, row, training, momentum)
    return _by_batch(x), *stored


@wrong("08.per_step_norm", ROW, READS, BEYOND, says="The first row has moved")
def first_row_for_all(x, means, variances, step, *, training, momentum=0.1):
    """One row, as ordinary batch norm has."""
    return _right(x, means, variances, 0, training, momentum)


@wrong("08.per_step_norm", ROW, BEYOND, says="All rows have moved")
def all_rows_move(x, means, variances, step, *, training, momentum=0.1):
    """The table moves as a whole."""
    row = min(step, len(means) - 1)
    if not training:
        return _right(x, means, variances, row, False)
    return _by_batch(x), *_stored(x, means, variances, slice(None), momentum)


@wrong("08.per_step_norm", READS, says="would alter the next one's result")
def evaluation_stores(x, means, variances, step, *, training, momentum=0.1):
    """Evaluation moves the row, too."""
    row = min(step, len(means) - 1)
    out, *_ = _right(x, means, variances, row, training)
    return out, *_stored(x, means, variances, row, momentum)


@wrong("08.per_step_norm", ROW, says="The biased variance is stored")
def biased_store(x, means, variances, step, *, training, momentum=0.1):
    """The store gets what the batch was normalised by."""
    row = min(step, len(means) - 1)
    out, *stored = _right(x, means, variances, row, training, momentum)
    if training:
        stored = _stored(x, means, variances, row, momentum, unbiased=False)
    return out, *stored


@wrong("08.per_step_norm", BATCH, says="The unbiased variance is for the store")
def unbiased_batch(x, means, variances, step, *, training, momentum=0.1):
    """The batch is normalised by the unbiased variance."""
    row = min(step, len(means) - 1)
    out, *stored = _right(x, means, variances, row, training, momentum)
    return (_by_batch(x, unbiased=True) if training else out), *stored


@wrong("08.per_step_norm", ROW, BEYOND, says="the new one that does")
def momentum_swapped(x, means, variances, step, *, training, momentum=0.1):
    """momentum is the share of the old."""
    row = min(step, len(means) - 1)
    return _right(x, means, variances, row, training, 1 - momentum)


@wrong("08.per_step_norm", ROW, BEYOND, says="They have not moved")
def nothing_stored(x, means, variances, step, *, training, momentum=0.1):
    """Training forgets to store."""
    out, *_ = _right(x, means, variances, min(step, len(means) - 1), training)
    return out, means, variances


@wrong("08.per_step_norm", BEYOND, says="The rows begin anew")
def rows_begin_anew(x, means, variances, step, *, training, momentum=0.1):
    """step modulo the number of rows."""
    return _right(x, means, variances, step % len(means), training, momentum)


@wrong("08.per_step_norm", BATCH, says="taken over images only")
def moments_per_pixel(x, means, variances, step, *, training, momentum=0.1):
    """In training, every pixel has moments of its own."""
    row = min(step, len(means) - 1)
    out, *stored = _right(x, means, variances, row, training, momentum)
    if training:
        out = (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt()
    return out, *stored


@wrong("08.per_step_norm", BATCH, ROW, READS, BEYOND, says="A tuple (normalised, means, variances)")
def images_alone(x, means, variances, step, *, training, momentum=0.1):
    """The tables are not returned."""
    return _right(x, means, variances, min(step, len(means) - 1), training)[0]


@wrong("08.per_step_norm", READS, BEYOND, says="not under a square root")
def divided_by_the_variance(x, means, variances, step, *, training, momentum=0.1):
    """In evaluation the root is forgotten."""
    row = min(step, len(means) - 1)
    out, *stored = _right(x, means, variances, row, training, momentum)
    if not training:
        out = _norm(x, means[row], variances[row] ** 2)
    return out, *stored


# ---- schedules ----

ORDER = "test_first_order_comes_first_and_ends_at_the_switch"
COSINE = "test_rate_falls_along_half_a_cosine"


def _cosine(epoch, n_epochs, high, low):
    return low + (high - low) * (1 + math.cos(math.pi * epoch / n_epochs)) / 2


@wrong("08.schedules", ORDER, says="upside down")
def second_order_first(epoch, *, n_epochs, switch_epoch, outer_lr, lowest_lr):
    """The dear epochs come first."""
    return epoch >= switch_epoch, _cosine(epoch, n_epochs, outer_lr, lowest_lr)


@wrong("08.schedules", ORDER, says="One epoch too many")
def one_epoch_more(epoch, *, n_epochs, switch_epoch, outer_lr, lowest_lr):
    """<= in place of <."""
    return epoch <= switch_epoch, _cosine(epoch, n_epochs, outer_lr, lowest_lr)


@wrong("08.schedules", COSINE, says="straight line")
def straight_line(epoch, *, n_epochs, switch_epoch, outer_lr, lowest_lr):
    """Linear decay."""
    rate = outer_lr + (lowest_lr - outer_lr) * epoch / n_epochs
    return epoch < switch_epoch, rate


@wrong("08.schedules", COSINE, says="The rate rises")
def rising(epoch, *, n_epochs, switch_epoch, outer_lr, lowest_lr):
    """The ends are exchanged."""
    return epoch < switch_epoch, _cosine(epoch, n_epochs, lowest_lr, outer_lr)


@wrong("08.schedules", COSINE, says="a quarter of a turn")
def quarter_turn(epoch, *, n_epochs, switch_epoch, outer_lr, lowest_lr):
    """cos from 1 to 0."""
    share = math.cos(math.pi * epoch / n_epochs / 2)
    return epoch < switch_epoch, lowest_lr + (outer_lr - lowest_lr) * share


@wrong("08.schedules", COSINE, says="lowest_lr is not in it")
def lowest_forgotten(epoch, *, n_epochs, switch_epoch, outer_lr, lowest_lr):
    """The rate ends at 0."""
    return epoch < switch_epoch, _cosine(epoch, n_epochs, outer_lr, 0.0)


@wrong("08.schedules", COSINE, says="scale the difference")
def lowest_added(epoch, *, n_epochs, switch_epoch, outer_lr, lowest_lr):
    """lowest_lr is added on top."""
    return epoch < switch_epoch, lowest_lr + _cosine(epoch, n_epochs, outer_lr, 0.0)


@wrong("08.schedules", ORDER, COSINE, says="A pair (first_order, rate) was expected")
def rate_alone(epoch, *, n_epochs, switch_epoch, outer_lr, lowest_lr):
    """The order is left out."""
    return _cosine(epoch, n_epochs, outer_lr, lowest_lr)


# ---- bug_lines ----

SYMPTOMS = (
    "deaf store",
    "rates that never learn",
    "idle late rates",
    "upside down",
    "only the end counts",
)
LINE = "test_symptom_is_traced_to_its_line"


def _lines(*numbers):
    return dict(zip(SYMPTOMS, numbers, strict=True))


@wrong("08.bug_lines", f"{LINE}[deaf store]", says="Line 12 is not the cause")
def query_line_blamed():
    """Line 12 hands the step on."""
    return _lines(12, 6, 11, 10, 13)


@wrong("08.bug_lines", f"{LINE}[rates that never learn]", says="Line 11 is not the cause")
def update_blamed_for_history():
    """The update is not where the history ends."""
    return _lines(5, 11, 11, 10, 13)


@wrong("08.bug_lines", f"{LINE}[idle late rates]", says="Line 6 is not the cause")
def detach_blamed_for_idleness():
    """A detached rate still steps."""
    return _lines(5, 6, 6, 10, 13)


@wrong("08.bug_lines", f"{LINE}[upside down]", says="Line 11 is not the cause")
def update_blamed_for_the_order():
    """The subtraction is right."""
    return _lines(5, 6, 11, 11, 13)


@wrong("08.bug_lines", f"{LINE}[only the end counts]", says="Line 14 is not the cause")
def return_blamed():
    """The total is lost before."""
    return _lines(5, 6, 11, 10, 14)


@wrong("08.bug_lines", *(f"{LINE}[{s}]" for s in SYMPTOMS), says="A line number was expected")
def line_numbers_as_text():
    """Line numbers as strings."""
    return _lines("5", "6", "11", "10", "13")


# ---- norm_test ----

ACCEPTS = "test_accepts_right_norms_and_rejects"
MISTAKES = (
    "nothing stored is ever read",
    "one row serves all steps",
    "evaluation changes the store",
    "training stores nothing",
    "momentum is the share of the old",
)


def _slips(*which):
    return tuple(f"{ACCEPTS}[{MISTAKES[i]}]" for i in which)


def _tables():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(5, 2, 3, 3, generator=generator).double()
    means = torch.randn(3, 2, generator=generator).double()
    return x, means, 1 + torch.rand(3, 2, generator=generator).double()


def _agree(norm, step, training, momentum=0.1, parts=3):
    x, means, variances = _tables()
    want = _right(x, means, variances, step, training, momentum)
    got = norm(x, means, variances, step, training=training, momentum=momentum)
    for mine, right in list(zip(got, want, strict=True))[:parts]:
        assert torch.allclose(mine, right)


@wrong("08.norm_test", *_slips(0, 1, 2, 3, 4), says="passes your test")
def looks_at_shapes(norm):
    """All of them have the right shapes."""
    x, means, variances = _tables()
    assert norm(x, means, variances, 1, training=False, momentum=0.1)[0].shape == x.shape


@wrong("08.norm_test", *_slips(0, 2), says="nothing stored is ever read")
def training_tested(norm):
    """Looks at training alone."""
    _agree(norm, 1, True)


@wrong("08.norm_test", *_slips(3, 4), says="training stores nothing")
def evaluation_tested(norm):
    """Looks at evaluation alone."""
    _agree(norm, 1, False)


@wrong("08.norm_test", *_slips(1), says="one row serves all steps")
def first_step_tested(norm):
    """At step 0 the first row is the right one."""
    _agree(norm, 0, True)
    _agree(norm, 0, False)


@wrong("08.norm_test", *_slips(4), says="momentum is the share of the old")
def half_and_half_tested(norm):
    """With momentum 0.5 old and new count alike."""
    _agree(norm, 1, True, momentum=0.5)
    _agree(norm, 1, False, momentum=0.5)


@wrong("08.norm_test", *_slips(2, 3, 4), says="evaluation changes the store")
def images_tested(norm):
    """The tables that come back are not looked at."""
    _agree(norm, 1, True, parts=1)
    _agree(norm, 1, False, parts=1)


@wrong("08.norm_test", *_slips(0, 1, 2, 3, 4), says="rejects a right norm")
def biased_store_demanded(norm):
    """Insists on the biased variance in the store."""
    x, means, variances = _tables()
    _, _, got = norm(x, means, variances, 1, training=True, momentum=1.0)
    assert torch.allclose(got[1], x.var((0, 2, 3), unbiased=False))


@wrong("08.norm_test", *_slips(0, 1, 2, 3, 4), says="rejects a right norm")
def rejects_everything(norm):
    """Nothing is right."""
    assert F.relu(torch.tensor(-1.0)) > 0
