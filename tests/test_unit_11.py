"""The checks of unit 11 are fair: other right answers pass, and their oracles are what they say."""

import random
from collections import Counter

import pytest
import torch
from torch.nn.utils import parameters_to_vector

from medmeta_ref import continual
from medmeta_ref.grading.learner import Learner
from medmeta_ref.grading.sandbox.forms import fits
from medmeta_ref.grading.spec_runner import run_spec
from medmeta_ref.grading.specs.unit_11 import _memories
from medmeta_ref.grading.specs.unit_11.memory_test import MOST_NUMBERS, WRONG, right, right_by_ranks

# ---- right answers written in another way ----


def add_by_two_draws(memory, item, *, n_seen, capacity, generator):
    """One draw decides whether it enters, another one whose place it takes; in place."""
    if len(memory) < capacity:
        memory.append(torch.clone(item))
        return memory
    if torch.rand(1, generator=generator).item() * (n_seen + 1) < capacity:
        memory[torch.randint(capacity, (1,), generator=generator)] = item.detach().clone()
    return memory


def add_in_random_order(memory, item, *, n_seen, capacity, generator):
    """The slots are shuffled by every newcomer that enters."""
    everybody = [*memory, item.clone()]
    if len(everybody) <= capacity:
        return everybody
    if int(torch.randperm(n_seen + 1, generator=generator)[0]) >= capacity:
        return memory
    order = torch.randperm(capacity, generator=generator).tolist()[: capacity - 1]
    return [memory[i] for i in order] + everybody[-1:]


def slot_by_counter(stored, label, *, n_seen, is_full, generator):
    """By weights and multinomial; returns a tensor."""
    if is_full:
        own = torch.tensor([float(c == label) for c in stored])
        weights = torch.cat([own, torch.tensor([n_seen + 1 - own.sum().item()])])
        slot = torch.multinomial(weights, 1, generator=generator)[0]
        return None if slot == len(stored) else slot
    counts = Counter(stored)
    most = max(counts.values())
    weights = torch.tensor([float(counts[c] == most) for c in stored])
    return torch.multinomial(weights, 1, generator=generator)[0]


def loss_by_rows(loss, params, new_x, new_y, old_x, old_y, *, ratio):
    """The mean over single examples, each with its weight."""
    total = 0.0
    for x, y, weight in ((new_x, new_y, 1.0), (old_x, old_y, ratio)):
        for i in range(len(x)):
            total = total + weight / len(x) * loss(params, x[i : i + 1], y[i : i + 1])
    return total


def step_by_functional_gradient(loss, params, examples, *, inner_lr, outer_lr):
    """By torch.func.grad and a sum of all moves."""
    moves = {name: torch.zeros_like(p) for name, p in params.items()}
    for x, y in examples:
        here = {name: p.detach() + moves[name] for name, p in params.items()}
        slopes = torch.func.grad(loss)(here, x, y)
        moves = {name: m - inner_lr * slopes[name] for name, m in moves.items()}
    return {name: p.detach() + outer_lr * moves[name] for name, p in params.items()}


def step_by_optimizer(loss, params, examples, *, inner_lr, outer_lr):
    """By torch.optim on copies; what comes back still hangs on params."""
    own = {name: torch.nn.Parameter(p.detach().clone()) for name, p in params.items()}
    optimizer = torch.optim.SGD(own.values(), lr=inner_lr)
    for x, y in examples:
        optimizer.zero_grad()
        loss(own, x, y).backward()
        optimizer.step()
    return {name: torch.lerp(p, own[name].detach(), outer_lr) for name, p in params.items()}


def scores_of_the_library(accuracies, baseline):
    return {
        "accuracy": continual.average_accuracy(accuracies),
        "backward_transfer": continual.backward_transfer(accuracies),
        "forward_transfer": continual.forward_transfer(accuracies, baseline),
        "forgetting": continual.forgetting(accuracies),
    }


def test_by_shares_of_pairs(remember):
    """Pairs of items, counted; three shapes; plain Python."""
    for n_items, capacity in ((5, 2), (4, 1), (7, 3)):
        n_runs = 6000
        rows = remember(n_items, capacity, n_runs=n_runs, seed=11).tolist()
        counts = Counter(i for row in rows for i in row)
        expected = n_runs * capacity / n_items
        for i in range(n_items):
            assert abs(counts[i] - expected) < 5 * expected**0.5


test_by_shares_of_pairs.__test__ = False

VARIANTS = [
    ("reservoir_add", add_by_two_draws),
    ("reservoir_add", add_in_random_order),
    ("balanced_slot", slot_by_counter),
    ("replay_loss", loss_by_rows),
    ("meta_replay_step", step_by_functional_gradient),
    ("meta_replay_step", step_by_optimizer),
    ("continual_scores", scores_of_the_library),
    ("memory_test", test_by_shares_of_pairs),
]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("name", "function"), VARIANTS, ids=lambda x: getattr(x, "__name__", x))
def test_right_answer_written_differently_gets_every_point(name, function, seed):
    result = run_spec(f"11.{name}", function, seed=seed)
    assert result.points == result.max_points, result


# ---- the oracle of the memories ----


def simulated(n_items, capacity, enters, n_runs=4000):
    """Return how often each item is stored, by streams in plain Python."""
    draw, counts = random.Random(0), [0] * n_items
    for _ in range(n_runs):
        memory = []
        for t in range(1, n_items + 1):
            if len(memory) < capacity:
                memory.append(t)
            elif draw.random() < enters(t):
                memory[draw.randrange(capacity)] = t
        for t in memory:
            counts[t - 1] += 1
    return [count / n_runs for count in counts]


@pytest.mark.parametrize(("n_items", "capacity"), [(6, 2), (5, 3), (3, 1), (9, 4)])
@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_shares_by_products_are_those_of_simulated_streams(n_items, capacity, shift):
    def enters(t):
        return min(1.0, capacity / (t + shift))

    wanted = _memories.kept(n_items, capacity, enters)
    for measured, p in zip(simulated(n_items, capacity, enters), wanted, strict=True):
        assert abs(measured - p) < 5 * max(p * (1 - p) / 4000, 1e-12) ** 0.5 + 1e-9


@pytest.mark.parametrize(("n_items", "capacity"), [(6, 2), (100, 10), (7, 7)])
def test_right_shares_are_capacity_over_n_for_every_item(n_items, capacity):
    shares = _memories.kept(n_items, capacity, lambda t: capacity / t)
    assert shares == pytest.approx([capacity / n_items] * n_items)


def test_a_large_memory_hides_the_off_by_one():
    """The largest deviation, in standard deviations of 4000 runs."""

    def worst(n_items, capacity):
        shares = _memories.kept(n_items, capacity, lambda t: min(1.0, capacity / (t - 1)))
        p = capacity / n_items
        return max(abs(share - p) for share in shares) / (p * (1 - p) / 4000) ** 0.5

    assert worst(6, 2) > 15
    assert worst(50, 10) < 5


@pytest.mark.parametrize("remember", [right, right_by_ranks])
def test_the_right_memories_that_a_learners_test_meets_are_right(remember):
    kept = remember(6, 2, n_runs=20000, seed=5)
    assert kept.shape == (20000, 2)
    shares = torch.stack([(kept == i).any(1).double().mean() for i in range(6)])
    assert ((shares - 1 / 3) / (2 / 9 / 20000) ** 0.5).abs().max() < 5
    assert remember(3, 5, n_runs=4, seed=0).sort(1).values.tolist() == [[0, 1, 2]] * 4


@pytest.mark.parametrize("remember", [right, right_by_ranks, *WRONG.values()])
@pytest.mark.parametrize(
    ("sizes", "says"),
    [((0, 2, 5), "n_items"), ((6, 0, 5), "capacity"), ((6, 2, "x"), "n_runs")],
)
def test_sizes_that_are_none_are_refused_by_name(remember, sizes, says):
    n_items, capacity, n_runs = sizes
    with pytest.raises(ValueError, match=f"{says} must be a whole number of at least 1"):
        remember(n_items, capacity, n_runs=n_runs, seed=0)


@pytest.mark.parametrize("remember", [right, right_by_ranks])
def test_more_than_a_minute_of_streams_is_refused(remember):
    with pytest.raises(ValueError, match="are the most"):
        remember(10, 2, n_runs=MOST_NUMBERS, seed=0)


# ---- the adapter that lets a stream pass by ----

ITEMS = torch.arange(8.0).reshape(4, 2)


def streamed(function, **settings):
    how = {"seed": 3, "times": 2, "surroundings": 5} | settings
    return Learner(function).through("streams", ITEMS, **how), (ITEMS,), how


def keep_all(memory, item, *, n_seen, generator):
    assert n_seen == len(memory)
    return [*memory, item]


def test_items_pass_by_one_after_another_in_their_order():
    (memories, _), *_ = streamed(keep_all)
    assert all(torch.equal(memory, ITEMS) for memory in memories)
    assert len(memories) == 2


def test_with_one_reused_tensor_only_the_last_item_is_left_unless_copied():
    (memories, _), *_ = streamed(keep_all, reused=True)
    assert torch.equal(memories[0], ITEMS[-1].expand(4, 2))
    (memories, _), *_ = streamed(
        lambda memory, item, **_: [*memory, item.clone()],
        reused=True,
    )
    assert torch.equal(memories[0], ITEMS)


@pytest.mark.parametrize(
    "made", [lambda m, x: None, lambda m, x: (*m, x), lambda m, x: [x[:1]], lambda m, x: [x.int()]]
)
def test_what_is_no_memory_is_refused_with_words(made):
    with pytest.raises(AssertionError, match="A list of tensors was expected"):
        streamed(lambda memory, item, **_: made(memory, item))


def test_what_the_adapter_returns_has_its_form_and_lies_have_not():
    for function in (keep_all, lambda memory, item, **_: []):
        result, args, settings = streamed(function)
        assert fits("streams", result, args, settings)
    memories, following = result
    lies = (
        None, [], (memories,), (memories, [0.5]), (memories[:1], following), (3, following),
        (memories, ["x", 0.5]), ([None, None], following), ([ITEMS.int()] * 2, following),
        ([ITEMS[0]] * 2, following), ([torch.zeros(())] * 2, following),
    )  # fmt: skip
    assert [lie for lie in lies if fits("streams", lie, args, settings)] == []


# ---- the bridge that the exercise's text asserts ----


def test_outer_step_over_both_orders_follows_the_gradient_of_the_scalar_product():
    """The average over both orders is the batch step plus alpha²/2 grad(g1 · g2), on bowls."""
    generator = torch.Generator().manual_seed(0)
    matrices = [torch.randn(3, 3, generator=generator, dtype=torch.float64) for _ in range(2)]
    centres = torch.randn(2, 3, generator=generator, dtype=torch.float64)
    bowls = [(m @ m.T, c) for m, c in zip(matrices, centres, strict=True)]
    theta, alpha = torch.randn(3, generator=generator, dtype=torch.float64), 0.01

    def slope(t, bowl):
        return bowl[0] @ (t - bowl[1])

    ends = []
    for order in (bowls, bowls[::-1]):
        end = theta
        for bowl in order:
            end = end - alpha * slope(end, bowl)
        ends.append(end)
    leaf = theta.clone().requires_grad_()
    product = slope(leaf, bowls[0]) @ slope(leaf, bowls[1])
    [uphill] = torch.autograd.grad(product, leaf)
    batch = theta - alpha * sum(slope(theta, bowl) for bowl in bowls)
    moved = parameters_to_vector([sum(ends) / 2 - batch])
    torch.testing.assert_close(moved, alpha**2 / 2 * uphill)
