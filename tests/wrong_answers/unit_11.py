"""Wrong answers to unit 11: memories that favour some items, and measures that are near misses."""

import torch

from tests.wrong_answers import wrong

# ---- reservoir_add ----

EQUALLY = "test_every_item_of_the_stream_is_kept_equally_often"
FILLS = "test_the_memory_fills_up_and_never_overflows"
COPY = "test_what_is_stored_is_a_copy"
GENERATOR = "test_the_generator_alone_decides"


def _put(memory, item, slot, capacity):
    if len(memory) < capacity:
        return [*memory, item.clone()]
    return [item.clone() if i == slot else each for i, each in enumerate(memory)]


def _below(n, generator):
    return int(torch.randint(max(n, 1), (1,), generator=generator))


@wrong("11.reservoir_add", EQUALLY, says="a draw that is one too small")
def newcomer_not_counted(memory, item, *, n_seen, capacity, generator):
    """The off-by-one: n_seen numbers to draw from in place of n_seen + 1."""
    return _put(memory, item, _below(n_seen, generator), capacity)


@wrong("11.reservoir_add", EQUALLY, says="a draw that is one too large")
def newcomer_counted_twice(memory, item, *, n_seen, capacity, generator):
    """The off-by-one on the other side."""
    return _put(memory, item, _below(n_seen + 2, generator), capacity)


@wrong("11.reservoir_add", EQUALLY, says="Every newcomer enters")
def always_overwrites(memory, item, *, n_seen, capacity, generator):
    """A random slot is overwritten by every item."""
    return _put(memory, item, _below(capacity, generator), capacity)


@wrong("11.reservoir_add", EQUALLY, GENERATOR, says="That is a queue")
def queue(memory, item, *, n_seen, capacity, generator):
    """First in, first out."""
    return [*memory, item.clone()][-capacity:]


@wrong("11.reservoir_add", EQUALLY, GENERATOR, says="Only the first items")
def first_come(memory, item, *, n_seen, capacity, generator):
    """Full is full."""
    return [*memory, item.clone()][:capacity]


@wrong("11.reservoir_add", EQUALLY, says="enters in half of all cases")
def coin(memory, item, *, n_seen, capacity, generator):
    """A coin decides, however long the stream."""
    slot = _below(2 * capacity, generator)
    return _put(memory, item, slot, capacity)


@wrong("11.reservoir_add", EQUALLY, says="takes the place of a random stored item")
def oldest_leaves(memory, item, *, n_seen, capacity, generator):
    """The right probability to get in, and then always the first slot."""
    enters = _below(n_seen + 1, generator) < capacity
    return _put(memory, item, 0 if enters else None, capacity)


@wrong("11.reservoir_add", EQUALLY, FILLS, COPY, says="takes the place of")
def one_place_too_many(memory, item, *, n_seen, capacity, generator):
    """<= where < belongs: the memory grows one too large."""
    if len(memory) <= capacity:
        return [*memory, item.clone()]
    slot = _below(n_seen + 1, generator)
    return [item.clone() if i == slot else each for i, each in enumerate(memory)]


@wrong("11.reservoir_add", COPY, says="item.clone()")
def not_copied(memory, item, *, n_seen, capacity, generator):
    """The tensor itself is stored."""
    slot = n_seen if n_seen < capacity else _below(n_seen + 1, generator)
    if slot < capacity:
        memory[slot : slot + 1] = [item]
    return memory


@wrong("11.reservoir_add", GENERATOR, says="global generator")
def generator_ignored(memory, item, *, n_seen, capacity, generator):
    """Drawn from torch's global generator."""
    return _put(memory, item, int(torch.randint(n_seen + 1, (1,))), capacity)


@wrong("11.reservoir_add", EQUALLY, FILLS, COPY, GENERATOR, says="A list of tensors was expected")
def memory_not_returned(memory, item, *, n_seen, capacity, generator):
    """Changes the list, returns nothing."""
    slot = n_seen if n_seen < capacity else _below(n_seen + 1, generator)
    if slot < capacity:
        memory[slot : slot + 1] = [item.clone()]


# ---- balanced_slot ----

SMALL = "test_newcomer_of_a_small_class_replaces_a_random_one_of_the_largest"
SHARE = "test_item_of_a_full_class_enters_its_own_share_as_in_a_reservoir"


def _largest(stored):
    most = max(stored.count(c) for c in stored)
    return [i for i, c in enumerate(stored) if stored.count(c) == most]


def _own(stored, label):
    return [i for i, c in enumerate(stored) if c == label]


def _from(slots, generator):
    return slots[_below(len(slots), generator)]


def _share(stored, label, n_drawn, generator):
    own, drawn = _own(stored, label), _below(n_drawn, generator)
    return own[drawn] if drawn < len(own) else None


@wrong("11.balanced_slot", SMALL, says="Only the largest class gives way")
def anybody_leaves(stored, label, *, n_seen, is_full, generator):
    """Any stored item may be replaced by a rare one."""
    if is_full:
        return _share(stored, label, n_seen + 1, generator)
    return _below(len(stored), generator)


@wrong("11.balanced_slot", SMALL, says="Draw among the slots of *all* classes that are largest")
def first_of_the_largest(stored, label, *, n_seen, is_full, generator):
    """Of several largest classes always the first."""
    if is_full:
        return _share(stored, label, n_seen + 1, generator)
    return _from(_own(stored, max(stored, key=stored.count)), generator)


@wrong("11.balanced_slot", SMALL, GENERATOR, says="Draw among the slots of *all*")
def first_slot_of_the_largest(stored, label, *, n_seen, is_full, generator):
    """The longest stored item of the largest class leaves."""
    if is_full:
        return _share(stored, label, n_seen + 1, generator)
    return _largest(stored)[0]


@wrong("11.balanced_slot", SHARE, says="with it there are 4")
def share_off_by_one(stored, label, *, n_seen, is_full, generator):
    """The newcomer is not counted among its class."""
    if is_full:
        return _share(stored, label, n_seen, generator)
    return _from(_largest(stored), generator)


@wrong("11.balanced_slot", SHARE, says="with it there are 5")
def full_class_always_enters(stored, label, *, n_seen, is_full, generator):
    """A full class always replaces one of its own."""
    slots = _own(stored, label) if is_full else _largest(stored)
    return _from(slots, generator) if slots else None


@wrong("11.balanced_slot", SHARE, says="may only replace its own")
def is_full_ignored(stored, label, *, n_seen, is_full, generator):
    """Every newcomer takes a place of the largest class."""
    return _from(_largest(stored), generator)


@wrong("11.balanced_slot", SHARE, GENERATOR, says="came up 0 times")
def full_class_never_enters(stored, label, *, n_seen, is_full, generator):
    """A full class stays as it was when it became full."""
    return None if is_full else _from(_largest(stored), generator)


@wrong("11.balanced_slot", SMALL, SHARE, GENERATOR, says="A slot (a whole number) or None")
def label_returned(stored, label, *, n_seen, is_full, generator):
    """A list of slots in place of one."""
    return _own(stored, label) if is_full else _largest(stored)


# ---- replay_loss ----

SUM = "test_is_the_new_mean_plus_ratio_times_the_replayed_mean"
BOTH = "test_gradient_comes_from_both_parts"
EMPTY = "test_an_empty_memory_counts_as_zero"


@wrong("11.replay_loss", SUM, BOTH, says="one mean over new and replayed examples together")
def concatenated(loss, params, new_x, new_y, old_x, old_y, *, ratio):
    """One batch of all: the numbers decide, ratio does not."""
    return loss(params, torch.cat([new_x, old_x]), torch.cat([new_y, old_y]))


@wrong("11.replay_loss", EMPTY, says="holds nan")
def nan_on_the_first_day(loss, params, new_x, new_y, old_x, old_y, *, ratio):
    """The mean over nothing."""
    return loss(params, new_x, new_y) + ratio * loss(params, old_x, old_y)


def _parts(loss, params, new_x, new_y, old_x, old_y):
    new = loss(params, new_x, new_y)
    return new, loss(params, old_x, old_y) if len(old_x) else 0 * new


@wrong("11.replay_loss", SUM, BOTH, says="`ratio` is missing")
def ratio_missing(loss, params, new_x, new_y, old_x, old_y, *, ratio):
    """Both weigh alike."""
    return sum(_parts(loss, params, new_x, new_y, old_x, old_y))


@wrong("11.replay_loss", SUM, BOTH, EMPTY, says="it belongs to the replayed ones")
def ratio_on_the_new(loss, params, new_x, new_y, old_x, old_y, *, ratio):
    """The wrong part is weighed."""
    new, old = _parts(loss, params, new_x, new_y, old_x, old_y)
    return ratio * new + old


@wrong("11.replay_loss", SUM, BOTH, EMPTY, says="That is a mixture")
def mixture(loss, params, new_x, new_y, old_x, old_y, *, ratio):
    """A weighted mean."""
    new, old = _parts(loss, params, new_x, new_y, old_x, old_y)
    return (1 - ratio) * new + ratio * old


@wrong("11.replay_loss", BOTH, says="looked at, and not learned from")
def past_detached(loss, params, new_x, new_y, old_x, old_y, *, ratio):
    """The replayed loss is only reported."""
    new, old = _parts(loss, params, new_x, new_y, old_x, old_y)
    return new + ratio * old.detach()


@wrong("11.replay_loss", SUM, BOTH, says="The replayed examples do not count")
def nothing_replayed(loss, params, new_x, new_y, old_x, old_y, *, ratio):
    """The memory is forgotten."""
    return loss(params, new_x, new_y)


# ---- meta_replay_step ----

PART = "test_is_a_part_of_the_way_to_where_the_steps_end"
ALL = "test_all_parameters_of_a_network_take_part"
ENDS = "test_with_outer_lr_1_it_is_plain_sgd_and_with_0_nothing_moves"
AGAIN = "test_a_second_call_finds_everything_unchanged"


def _walk(loss, params, examples, inner_lr):
    for x, y in examples:
        slopes = torch.autograd.grad(loss(params, x, y), list(params.values()))
        pairs = zip(params.items(), slopes, strict=True)
        params = {n: (p - inner_lr * g).detach().requires_grad_() for (n, p), g in pairs}
    return params


def _towards(params, end, outer_lr):
    return {n: (p + outer_lr * (end[n] - p)).detach() for n, p in params.items()}


@wrong("11.meta_replay_step", PART, ALL, ENDS, AGAIN, says="The outer step")
def plain_replay(loss, params, examples, *, inner_lr, outer_lr):
    """Stays where the steps end."""
    return {n: p.detach() for n, p in _walk(loss, params, examples, inner_lr).items()}


@wrong("11.meta_replay_step", PART, ALL, ENDS, AGAIN, says="taken at the start")
def one_big_batch(loss, params, examples, *, inner_lr, outer_lr):
    """All gradients at the start."""
    total = sum(loss(params, x, y) for x, y in examples)
    slopes = torch.autograd.grad(total, list(params.values()))
    pairs = zip(params.items(), slopes, strict=True)
    return {n: (p - outer_lr * inner_lr * g).detach() for (n, p), g in pairs}


@wrong("11.meta_replay_step", PART, ALL, ENDS, AGAIN, says="sign of the outer step")
def away_from_the_end(loss, params, examples, *, inner_lr, outer_lr):
    """Start minus end, where end minus start belongs."""
    return _towards(params, _walk(loss, params, examples, inner_lr), -outer_lr)


@wrong("11.meta_replay_step", PART, ALL, ENDS, AGAIN, says="a part of the way back")
def back_from_the_end(loss, params, examples, *, inner_lr, outer_lr):
    """The outer step starts at the wrong end: right for 1/2 only by chance."""
    end = _walk(loss, params, examples, inner_lr)
    return _towards(end, params, outer_lr + (outer_lr == 0.5) / 4)


@wrong("11.meta_replay_step", PART, ALL, AGAIN, says="gradient descent with a smaller rate")
def outer_step_each(loss, params, examples, *, inner_lr, outer_lr):
    """An outer step after every example."""
    for example in examples:
        moved = _towards(params, _walk(loss, params, [example], inner_lr), outer_lr)
        params = {n: p.requires_grad_() for n, p in moved.items()}
    return {n: p.detach() for n, p in params.items()}


@wrong("11.meta_replay_step", PART, ALL, ENDS, AGAIN, says="Only the last example")
def each_from_the_start(loss, params, examples, *, inner_lr, outer_lr):
    """Every step begins at params again."""
    for example in examples:
        end = _walk(loss, params, [example], inner_lr)
    return _towards(params, end, outer_lr)


@wrong("11.meta_replay_step", PART, ALL, ENDS, AGAIN, says="in the reverse order")
def reversed_order(loss, params, examples, *, inner_lr, outer_lr):
    """From the back."""
    return _towards(params, _walk(loss, params, examples[::-1], inner_lr), outer_lr)


@wrong("11.meta_replay_step", PART, ALL, ENDS, AGAIN, says="The outer step")
def params_moved_in_place(loss, params, examples, *, inner_lr, outer_lr):
    """p.data -= ...: the start has walked along, so that the outer step goes nowhere."""
    start = dict(params)
    for x, y in examples:
        slopes = torch.autograd.grad(loss(params, x, y), list(params.values()))
        for p, g in zip(params.values(), slopes, strict=True):
            p.data -= inner_lr * g
    return _towards(start, params, outer_lr)


@wrong("11.meta_replay_step", ALL, says="every parameter takes part")
def last_tensor_only(loss, params, examples, *, inner_lr, outer_lr):
    """Only the last parameter learns."""
    last = list(params)[-1]
    moved = _towards(params, _walk_one(loss, params, examples, inner_lr, last), outer_lr)
    return {n: moved[n] if n == last else p.detach() for n, p in params.items()}


def _walk_one(loss, params, examples, inner_lr, name):
    for x, y in examples:
        [slope] = torch.autograd.grad(loss(params, x, y), [params[name]])
        params = {**params, name: (params[name] - inner_lr * slope).detach().requires_grad_()}
    return params


# ---- continual_scores ----

ACCURACY = "test_accuracy_is_the_mean_of_the_last_row"
BACKWARD = "test_backward_transfer_compares_the_end_with_just_trained"
FORWARD = "test_forward_transfer_looks_right_above_the_diagonal"
FORGETTING = "test_forgetting_compares_the_end_with_the_best_before"


def _scores(R, b, **changes):
    end, diagonal = R[-1], R.diagonal()
    return {
        "accuracy": end.mean(),
        "backward_transfer": (end - diagonal)[:-1].mean(),
        "forward_transfer": (R.diagonal(1) - b[1:]).mean(),
        "forgetting": (R[:-1].max(0).values - end)[:-1].mean(),
    } | changes


@wrong("11.continual_scores", ACCURACY, says="That is the mean of the diagonal")
def just_trained_accuracy(accuracies, baseline):
    """Each task right after its training."""
    return _scores(accuracies, baseline, accuracy=accuracies.diagonal().mean())


@wrong("11.continual_scores", BACKWARD, says="The sign is reversed")
def backward_sign(accuracies, baseline):
    """Just trained minus the end."""
    gaps = (accuracies.diagonal() - accuracies[-1])[:-1]
    return _scores(accuracies, baseline, backward_transfer=gaps.mean())


@wrong("11.continual_scores", BACKWARD, says="Divided by the number of tasks")
def last_task_dilutes(accuracies, baseline):
    """The last task adds a 0."""
    gaps = accuracies[-1] - accuracies.diagonal()
    return _scores(accuracies, baseline, backward_transfer=gaps.mean())


@wrong("11.continual_scores", FORWARD, says="The baseline is missing")
def no_baseline(accuracies, baseline):
    """Accuracy before training, compared with nothing."""
    return _scores(accuracies, baseline, forward_transfer=accuracies.diagonal(1).mean())


@wrong("11.continual_scores", FORWARD, says="That is *below* the diagonal")
def below_the_diagonal(accuracies, baseline):
    """offset=-1 in place of 1."""
    gaps = accuracies.diagonal(-1) - baseline[1:]
    return _scores(accuracies, baseline, forward_transfer=gaps.mean())


@wrong("11.continual_scores", FORGETTING, says="minus the backward transfer")
def forgetting_as_backward(accuracies, baseline):
    """Against just trained, not against the best."""
    gaps = (accuracies.diagonal() - accuracies[-1])[:-1]
    return _scores(accuracies, baseline, forgetting=gaps.mean())


@wrong("11.continual_scores", FORGETTING, says="The end itself is among the rows")
def never_negative(accuracies, baseline):
    """The maximum over all rows."""
    gaps = (accuracies.max(0).values - accuracies[-1])[:-1]
    return _scores(accuracies, baseline, forgetting=gaps.mean())


@wrong("11.continual_scores", FORGETTING, says="Only rows from the task's own training on")
def only_once_trained(accuracies, baseline):
    """Rows above the diagonal are left out."""
    gaps = (accuracies.tril()[:-1].max(0).values - accuracies[-1])[:-1]
    return _scores(accuracies, baseline, forgetting=gaps.mean())


@wrong("11.continual_scores", ACCURACY, BACKWARD, FORWARD, FORGETTING, says="A dict was expected")
def scores_without_names(accuracies, baseline):
    """Four numbers in a row."""
    return tuple(_scores(accuracies, baseline).values())


# ---- bug_lines ----

SYMPTOMS = (
    "exam in the memory",
    "some never return",
    "stored images change",
    "newcomers favoured",
    "forgetting unseen",
)
LINE = "test_symptom_is_traced_to_its_line"


def _lines(*numbers):
    return dict(zip(SYMPTOMS, numbers, strict=True))


@wrong("11.bug_lines", f"{LINE}[exam in the memory]", says="Line 15 is not the cause")
def testing_blamed():
    """Testing on held-out images is right; training on them is not."""
    return _lines(15, 5, 7, 11, 15)


@wrong("11.bug_lines", f"{LINE}[some never return]", says="Line 6 is not the cause")
def step_blamed():
    """The step gets what was chosen before."""
    return _lines(4, 6, 7, 11, 15)


@wrong("11.bug_lines", f"{LINE}[stored images change]", says="Line 13 is not the cause")
def slot_blamed():
    """Lines 9 and 13 store what line 7 has made."""
    return _lines(4, 5, 13, 11, 15)


@wrong("11.bug_lines", f"{LINE}[newcomers favoured]", says="Line 12 is not the cause")
def comparison_blamed():
    """< is right."""
    return _lines(4, 5, 7, 12, 15)


@wrong("11.bug_lines", f"{LINE}[forgetting unseen]", says="Line 16 is not the cause")
def return_blamed():
    """What was not measured cannot be returned."""
    return _lines(4, 5, 7, 11, 16)


@wrong("11.bug_lines", *(f"{LINE}[{s}]" for s in SYMPTOMS), says="A dict was expected")
def bare_lines():
    """The lines without the symptoms."""
    return [4, 5, 7, 11, 15]


# ---- memory_test ----

ACCEPTS = "test_accepts_right_memories_and_rejects"
SMALLER, LARGER, _, _, OLDEST = MISTAKES = (
    "the draw is one too small",
    "the draw is one too large",
    "every newcomer enters",
    "only the newest are kept",
    "only the oldest are kept",
)


def _slips(*mistakes):
    return tuple(f"{ACCEPTS}[{mistake}]" for mistake in mistakes)


def _z(remember, n_items, capacity, n_runs):
    kept = remember(n_items, capacity, n_runs=n_runs, seed=3)
    p = capacity / n_items
    shares = torch.stack([(kept == i).any(1).double().mean() for i in range(n_items)])
    return (shares - p) / (p * (1 - p) / n_runs) ** 0.5


@wrong("11.memory_test", *_slips(*MISTAKES), says="passes your test")
def counts_only(remember):
    """Every mistake stores the right number of items."""
    assert remember(9, 3, n_runs=5, seed=0).shape == (5, 3)


@wrong("11.memory_test", *_slips(SMALLER, LARGER), says="the draw is one too small")
def large_memory(remember):
    """Among 30 of 60 the off-by-one hides behind the noise."""
    assert _z(remember, 60, 30, 400).abs().max() < 5


@wrong("11.memory_test", *_slips(LARGER, OLDEST), says="the draw is one too large")
def one_sided(remember):
    """Asks whether early items get lost, and never whether late ones get in."""
    assert _z(remember, 6, 2, 4000)[:2].min() > -5


@wrong("11.memory_test", *_slips(*MISTAKES), says="rejects a right memory")
def too_strict(remember):
    """z below 1 for every item."""
    assert _z(remember, 6, 2, 4000).abs().max() < 0.5


@wrong("11.memory_test", *_slips(*MISTAKES), says="rejects a right memory")
def wants_an_order(remember):
    """Takes the slots for sorted by age."""
    kept = remember(8, 3, n_runs=50, seed=0)
    assert torch.equal(kept, kept.sort(1).values)
