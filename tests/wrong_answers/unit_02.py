"""Wrong answers to unit 02: what goes wrong when challenges are measured."""

import torch

from tests.wrong_answers import wrong

PAIRED = "test_is_the_paired_gain_with_its_interval"
SHARED = "test_what_both_share_does_not_widen_the_interval"
ONCE = "test_both_methods_answer_every_episode_once"
DISTANCE = "test_is_the_mean_distance_between_task_means"
LAWS = "test_obeys_its_laws"
COST = "test_counts_equal_those_of_a_run"
KIND = "test_tells_what_kind_of_classifier_it_is"
MIXTURE = "test_counts_the_shares_of_a_mixture"
LINE = "test_symptom_is_traced_to_its_line"
TEST = "test_accepts_right_classifiers_and_rejects_one_that"

MEAN_KIND = f"{KIND}[the nearest class mean]"
HEART_KIND = f"{KIND}[a rule learned by heart]"
DOUBLED_KIND = f"{KIND}[one that reads labels wrongly]"


def _interval(values, n=None):
    values = torch.tensor(values).double()
    n = n or len(values)
    return float(values.mean()), float(1.96 * values.std() / n**0.5)


@wrong("02.gain_curve", PAIRED, SHARED, says="two separate intervals")
def two_intervals(ours, rival, shots, episodes):
    """The spread of each method, combined as if they were independent."""
    curve = {}
    for k in shots:
        a, b = (torch.tensor([f(k, e) for e in episodes]).double() for f in (ours, rival))
        spread = (a.var() + b.var()) ** 0.5
        curve[k] = float((a - b).mean()), float(1.96 * spread / len(episodes) ** 0.5)
    return curve


@wrong("02.gain_curve", PAIRED, SHARED, says="sign is reversed")
def rival_minus_ours(ours, rival, shots, episodes):
    """The gain of the rival."""
    return {k: _interval([rival(k, e) - ours(k, e) for e in episodes]) for k in shots}


@wrong("02.gain_curve", PAIRED, says="the √n is missing")
def spread_of_episodes(ours, rival, shots, episodes):
    """1.96 standard deviations, however many episodes there are."""
    return {k: _interval([ours(k, e) - rival(k, e) for e in episodes], n=1) for k in shots}


@wrong("02.gain_curve", PAIRED, says="n - 1 belongs there")
def with_n(ours, rival, shots, episodes):
    """The standard deviation divides by n."""
    curve = {}
    for k in shots:
        gains = torch.tensor([ours(k, e) - rival(k, e) for e in episodes]).double()
        half = 1.96 * gains.std(unbiased=False) / len(episodes) ** 0.5
        curve[k] = float(gains.mean()), float(half)
    return curve


@wrong("02.gain_curve", PAIRED, SHARED, ONCE, says="That is our accuracy itself")
def rival_forgotten(ours, rival, shots, episodes):
    """Nothing is subtracted."""
    return {k: _interval([ours(k, e) for e in episodes]) for k in shots}


@wrong("02.gain_curve", PAIRED, SHARED, ONCE, says="KeyError")
def numbered_from_zero(ours, rival, shots, episodes):
    """Episodes are taken to be 0, 1, 2, ..., and the rival gets fresh ones."""
    n = len(episodes)
    return {k: _interval([ours(k, e) - rival(k, e + n) for e in range(n)]) for k in shots}


@wrong("02.gain_curve", ONCE, says="Training twice costs twice")
def asked_twice(ours, rival, shots, episodes):
    """Mean and spread are computed from two runs of everything."""
    curve = {}
    for k in shots:
        mean = _interval([ours(k, e) - rival(k, e) for e in episodes])[0]
        half = _interval([ours(k, e) - rival(k, e) for e in episodes])[1]
        curve[k] = mean, half
    return curve


@wrong("02.task_diversity", DISTANCE, says="distance of every task to itself")
def diagonal_counted(features):
    """The mean of the whole table of distances."""
    means = features.mean(1)
    return torch.cdist(means, means).mean()


@wrong("02.task_diversity", DISTANCE, LAWS, says="all pairs of images")
def images_compared(features):
    """Single images instead of means."""
    flat = features.flatten(0, 1)
    return torch.cdist(flat, flat).mean()


@wrong("02.task_diversity", DISTANCE, LAWS, says="squared distances")
def squared(features):
    """The root is forgotten."""
    return torch.pdist(features.mean(1)).square().mean()


@wrong("02.task_diversity", DISTANCE, says="That is a sum")
def summed(features):
    """More tasks would always be more diverse."""
    return torch.pdist(features.mean(1)).sum()


@wrong("02.task_diversity", DISTANCE, says="mean of all tasks")
def from_the_centre(features):
    """The distance to the common mean."""
    means = features.mean(1)
    return (means - means.mean(0)).norm(dim=1).mean()


@wrong("02.task_diversity", DISTANCE, LAWS, says="sum of |differences|")
def city_blocks(features):
    """Another distance, which turning the features changes."""
    return torch.pdist(features.mean(1), p=1).mean()


@wrong("02.task_diversity", DISTANCE, LAWS, says="distance of every pair of rows")
def directions_only(features):
    """Means are scaled to length 1: their distance then ignores scale."""
    return torch.pdist(torch.nn.functional.normalize(features.mean(1), dim=1)).mean()


def _costs(method, steps, tasks, **changes):
    per_task = {"prototypes": 1, "reptile": steps, "fomaml": steps + 1, "maml": steps + 1}[method]
    held = steps + 1 if method == "maml" else 1
    right = {"losses": tasks * per_task, "gradients": tasks * per_task, "graphs": held}
    return right | changes


@wrong("02.step_cost", f"{COST}[maml]", f"{COST}[fomaml]", says="each inner step is still taken")
def outer_gradient_once(method, *, inner_steps, n_tasks):
    """One outer gradient for all tasks together."""
    if method in ("maml", "fomaml"):
        return _costs(method, inner_steps, n_tasks, gradients=n_tasks * inner_steps + 1)
    return _costs(method, inner_steps, n_tasks)


@wrong("02.step_cost", f"{COST}[fomaml]", says="saves graphs, not gradients")
def first_order_skips_the_inner_loop(method, *, inner_steps, n_tasks):
    """FOMAML is thought to take no inner gradients."""
    if method == "fomaml":
        return _costs(method, inner_steps, n_tasks, gradients=n_tasks)
    return _costs(method, inner_steps, n_tasks)


@wrong("02.step_cost", f"{COST}[fomaml]", says="saves graphs, not gradients")
def first_order_keeps_graphs(method, *, inner_steps, n_tasks):
    """FOMAML is thought to keep as much as MAML."""
    return _costs("maml" if method == "fomaml" else method, inner_steps, n_tasks)


@wrong("02.step_cost", f"{COST}[maml]", says="none of their graphs can be freed")
def query_graph_forgotten(method, *, inner_steps, n_tasks):
    """The inner steps only."""
    changes = {"graphs": inner_steps} if method == "maml" else {}
    return _costs(method, inner_steps, n_tasks, **changes)


@wrong("02.step_cost", f"{COST}[maml]", says="can be freed before")
def graphs_of_all_tasks(method, *, inner_steps, n_tasks):
    """All tasks at once."""
    changes = {"graphs": n_tasks * (inner_steps + 1)} if method == "maml" else {}
    return _costs(method, inner_steps, n_tasks, **changes)


@wrong("02.step_cost", f"{COST}[reptile]", says="no query loss")
def reptile_with_queries(method, *, inner_steps, n_tasks):
    """Reptile is thought to have a query loss."""
    return _costs("fomaml" if method == "reptile" else method, inner_steps, n_tasks)


@wrong("02.step_cost", f"{COST}[prototypes]", says="no inner loop")
def prototypes_adapt(method, *, inner_steps, n_tasks):
    """Prototypes are thought to be found by steps."""
    return _costs("reptile" if method == "prototypes" else method, inner_steps, n_tasks)


@wrong(
    "02.support_dependence",
    MEAN_KIND,
    HEART_KIND,
    MIXTURE,
    says="swapped",
)
def swapped(predict, support_x, support_y, query_x, *, n_way):
    """Ignores first."""
    before = predict(support_x, support_y, query_x)
    after = predict(support_x, (support_y + 1) % n_way, query_x)
    follows = (after == (before + 1) % n_way).double().mean()
    return (after == before).double().mean(), follows


@wrong("02.support_dependence", DOUBLED_KIND, MIXTURE, says="not in the way the labels were")
def any_change_follows(predict, support_x, support_y, query_x, *, n_way):
    """Whoever changes an answer follows."""
    before = predict(support_x, support_y, query_x)
    after = predict(support_x, (support_y + 1) % n_way, query_x)
    return (after != before).double().mean(), (after == before).double().mean()


@wrong("02.support_dependence", DOUBLED_KIND, MIXTURE, says="not 1 - follows")
def rest_ignores(predict, support_x, support_y, query_x, *, n_way):
    """The two shares are made to sum to 1."""
    before = predict(support_x, support_y, query_x)
    after = predict(support_x, (support_y + 1) % n_way, query_x)
    follows = (after == (before + 1) % n_way).double().mean()
    return follows, 1 - follows


@wrong("02.support_dependence", MEAN_KIND, DOUBLED_KIND, MIXTURE, says="swapped")
def images_move_along(predict, support_x, support_y, query_x, *, n_way):
    """Images and labels are rolled together, which is the same support set."""
    before = predict(support_x, support_y, query_x)
    after = predict(support_x.roll(1, 0), support_y.roll(1, 0), query_x)
    follows = (after == (before + 1) % n_way).double().mean()
    return follows, (after == before).double().mean()


@wrong("02.support_dependence", MEAN_KIND, DOUBLED_KIND, MIXTURE, says="go the same way")
def renamed_backwards(predict, support_x, support_y, query_x, *, n_way):
    """Labels go down by one, answers are expected to go up."""
    before = predict(support_x, support_y, query_x)
    after = predict(support_x, (support_y - 1) % n_way, query_x)
    follows = (after == (before + 1) % n_way).double().mean()
    return follows, (after == before).double().mean()


@wrong("02.support_dependence", MIXTURE, MEAN_KIND, HEART_KIND, says="expected")
def counts(predict, support_x, support_y, query_x, *, n_way):
    """Counts in place of shares."""
    before = predict(support_x, support_y, query_x)
    after = predict(support_x, (support_y + 1) % n_way, query_x)
    return (after == (before + 1) % n_way).sum(), (after == before).sum()


SYMPTOMS = ("old acquaintances", "other questions", "long memory", "answers known", "too sure")


@wrong("02.bug_lines", f"{LINE}[old acquaintances]", says="Line 9 is not the cause")
def draw_blamed():
    """draw does what it is told."""
    return dict(zip(SYMPTOMS, (9, 7, 8, 11, 14), strict=True))


@wrong("02.bug_lines", f"{LINE}[long memory]", says="Line 13 is not the cause")
def step_blamed():
    """Fine-tuning has to change a model."""
    return dict(zip(SYMPTOMS, (2, 7, 13, 11, 14), strict=True))


@wrong("02.bug_lines", f"{LINE}[too sure]", says="Line 16 is not the cause")
def formula_blamed():
    """The formula is right for independent numbers."""
    return dict(zip(SYMPTOMS, (2, 7, 8, 11, 16), strict=True))


@wrong("02.bug_lines", f"{LINE}[other questions]", says="Line 9 is not the cause")
def shots_blamed():
    """More shots are what is wanted."""
    return dict(zip(SYMPTOMS, (2, 9, 8, 11, 14), strict=True))


@wrong("02.bug_lines", *(f"{LINE}[{s}]" for s in SYMPTOMS), says="A dict was expected")
def bare_list():
    """The lines without the symptoms."""
    return [2, 7, 8, 11, 14]


# ---- tests that learners write ----

NEVER_LOOKS = f"{TEST}[never looks at the support set]"
IN_ORDER = f"{TEST}[reads classes off the order of the support set]"
EQUAL = f"{TEST}[takes all classes to be equally large]"
BESIDE = f"{TEST}[judges a query by the queries beside it]"
REMEMBERS = f"{TEST}[goes on using the first support set it saw]"


def _line(members, slots):
    """Return centres ten apart, and examples of the named members."""
    centres = torch.tensor([[10.0], [20.0], [30.0]])
    members = torch.tensor(members)
    return centres[members] + 0.1, torch.tensor(slots)[members], centres


@wrong("02.task_test", NEVER_LOOKS, IN_ORDER, EQUAL, BESIDE, REMEMBERS, says="passes your test")
def never_asserts(predict):
    """Runs, and asserts nothing."""
    predict(*_line([0, 1, 2], [0, 1, 2]))


@wrong("02.task_test", IN_ORDER, EQUAL, BESIDE, REMEMBERS, says="passes your test")
def familiar_task(predict):
    """One tidy task: sorted, balanced, all classes asked."""
    support_x, support_y, query_x = _line([0, 0, 1, 1, 2, 2], [0, 1, 2])
    assert predict(support_x, support_y, query_x).tolist() == [0, 1, 2]


@wrong("02.task_test", EQUAL, BESIDE, says="passes your test")
def two_namings(predict):
    """Two namings and mixed order, but always balanced."""
    for slots in ([0, 1, 2], [1, 2, 0]):
        support_x, support_y, query_x = _line([2, 0, 1, 0, 1, 2], slots)
        assert predict(support_x, support_y, query_x).tolist() == slots


@wrong("02.task_test", REMEMBERS, says="goes on using")
def one_task_only(predict):
    """Everything but a second support set."""
    support_x, support_y, query_x = _line([2, 0, 1, 0, 0, 1, 0, 0, 2], [1, 2, 0])
    assert predict(support_x, support_y, query_x).tolist() == [1, 2, 0]
    assert [int(predict(support_x, support_y, q[None])) for q in query_x] == [1, 2, 0]


@wrong("02.task_test", NEVER_LOOKS, IN_ORDER, EQUAL, BESIDE, REMEMBERS, says="rejects a right")
def only_its_own_slots(predict):
    """Forgets that slots are renamed."""
    support_x, support_y, query_x = _line([0, 1, 2], [1, 2, 0])
    assert predict(support_x, support_y, query_x).tolist() == [0, 1, 2]


@wrong("02.task_test", NEVER_LOOKS, IN_ORDER, EQUAL, BESIDE, REMEMBERS, says="rejects a right")
def expects_means(predict):
    """A query half-way that only the nearest mean places as expected."""
    support_x, support_y = torch.tensor([[0.0], [8.0], [10.0]]), torch.tensor([0, 0, 1])
    assert predict(support_x, support_y, torch.tensor([[7.8]])).tolist() == [1]
