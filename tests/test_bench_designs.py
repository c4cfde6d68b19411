"""All designs compute the same, held against finite differences and against each other.

Peers that are not installed are skipped; the loops that need no library always run.
"""

import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call

from medmeta_ref.bench import designs
from medmeta_ref.bench.equality import DisagreementError, relative_difference, require_equal
from medmeta_ref.bench.peers import LIBRARIES, load_peer
from medmeta_ref.bench.plain_network import PlainConvNet
from medmeta_ref.bench.workload import Setting, make_workload
from medmeta_ref.params import forward

SETTING = Setting(
    width=4, k_shot=2, n_tasks=3, threads=1, dtype="float64", n_way=3, n_query=2, inner_steps=2
)
EVERYONE = [(family, name) for family in designs.FAMILIES for name in designs.names(family)]


@pytest.fixture(autouse=True)
def _one_thread():
    """Networks this small only get slower with more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def gradient(family, name, setting=SETTING):
    if name in LIBRARIES and load_peer(name).module is None:
        pytest.skip(f"{name} cannot be used: {load_peer(name).error}")
    return designs.prepare(family, name, setting)()


@pytest.mark.parametrize(("family", "name"), EVERYONE)
def test_every_design_computes_what_the_plain_loop_does(family, name):
    apart = relative_difference(gradient(family, name), gradient(family, designs.PLAIN))
    if name in designs.FAMILIES[family].differs:
        assert apart > 1e-3  # it says that it differs, and does
    else:
        assert apart < 1e-9


@pytest.mark.parametrize(("family", "name"), EVERYONE)
def test_every_design_gives_the_same_when_called_again(family, name):
    if name in LIBRARIES and load_peer(name).module is None:
        pytest.skip(f"{name} cannot be used: {load_peer(name).error}")
    run = designs.prepare(family, name, SETTING)
    first = [g.clone() for g in run()]
    assert relative_difference(run(), first) < 1e-12


# The plain loop itself, against what it should be the gradient of.


def outer_loss(work, params, *, adapted=lambda name: True):
    """Return the mean query loss after gradient steps, by nothing but losses and autograd."""
    total = 0.0
    for task in work.tasks:
        fast = {name: p.clone() for name, p in params.items()}
        for _ in range(work.setting.inner_steps):
            leaves = {name: p.detach().requires_grad_() for name, p in fast.items()}
            functional = functional_call(work.net, leaves, (task.support_x,))
            F.cross_entropy(functional, task.support_y).backward()
            fast = {
                name: p.detach() - work.setting.inner_lr * p.grad if adapted(name) else p.detach()
                for name, p in leaves.items()
            }
        with torch.no_grad():
            logits = functional_call(work.net, fast, (task.query_x,))
            total += F.cross_entropy(logits, task.query_y).item() / len(work.tasks)
    return total


def directional_difference(value, params, direction, epsilon=1e-8):
    """Return the central difference of `value` along a direction, too short to cross a kink."""
    ends = [
        value({name: p + sign * epsilon * direction[name] for name, p in params.items()})
        for sign in (1, -1)
    ]
    return (ends[0] - ends[1]) / (2 * epsilon)


@pytest.mark.parametrize(
    ("family", "adapted"),
    [("maml", lambda name: True), ("anil", lambda name: name.startswith("head."))],
)
def test_second_order_is_the_derivative_of_the_loss_after_adaptation(family, adapted):
    work = make_workload(SETTING, head=True)
    params = {name: p.detach().clone() for name, p in work.net.named_parameters()}
    g = torch.Generator().manual_seed(1)
    direction = {
        name: torch.randn(p.shape, generator=g, dtype=p.dtype) for name, p in params.items()
    }
    expected = directional_difference(
        lambda p: outer_loss(work, p, adapted=adapted), params, direction
    )
    found = zip(gradient(family, designs.PLAIN), direction.values(), strict=True)
    assert sum((g * d).sum().item() for g, d in found) == pytest.approx(expected, rel=1e-5)


def test_first_order_differs_from_second_order_but_not_without_steps():
    none = SETTING._replace(inner_steps=0)
    assert relative_difference(
        gradient("fomaml", designs.PLAIN, none), gradient("maml", designs.PLAIN, none)
    ) == pytest.approx(0, abs=1e-14)
    apart = relative_difference(gradient("fomaml", designs.PLAIN), gradient("maml", designs.PLAIN))
    assert apart > 1e-3


def test_reptile_with_one_step_is_the_rate_times_the_mean_support_gradient():
    one = SETTING._replace(inner_steps=1)
    work = make_workload(one, head=True)
    losses = [F.cross_entropy(work.net(t.support_x), t.support_y) for t in work.tasks]
    grads = torch.autograd.grad(torch.stack(losses).mean(), list(work.net.parameters()))
    expected = [one.inner_lr * g for g in grads]
    assert relative_difference(gradient("reptile", designs.PLAIN, one), expected) < 1e-12


@pytest.mark.parametrize("head", [True, False])
def test_both_networks_give_the_same_for_the_same_images(head):
    work = make_workload(SETTING, head=head)
    for i, task in enumerate(work.tasks):
        ours = forward(work.model, work.params, work.episodes.query_x[i])
        assert torch.equal(task.query_x, work.episodes.query_x[i])
        assert torch.allclose(work.net(task.query_x), ours, rtol=1e-12, atol=1e-12)


def test_the_plain_network_is_what_its_users_write():
    """Images stay channels-first in memory, and ReLU comes before pooling."""
    work = make_workload(SETTING, head=True)
    assert all(t.support_x.is_contiguous() and t.query_x.is_contiguous() for t in work.tasks)
    kinds = [type(m).__name__ for m in PlainConvNet(3, 4).features][:4]
    assert kinds == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]
    assert all(p.is_contiguous() for p in work.net.parameters())


def test_the_workload_is_the_same_at_every_call():
    a, b = (make_workload(SETTING, head=True) for _ in range(2))
    assert all(torch.equal(x, y) for x, y in zip(a.episodes, b.episodes, strict=True))
    assert all(torch.equal(a.params[name], b.params[name]) for name in a.params)


# What is told of wrong gradients.


def spoilt(change):
    right = gradient("maml", designs.PLAIN)
    return {designs.PLAIN: right, "theirs": change([g.clone() for g in right])}


WRONG = {
    "a hair off": lambda gs: [gs[0] * (1 + 1e-7), *gs[1:]],
    "sum over tasks": lambda gs: [3 * g for g in gs],
    "first order": lambda gs: gradient("fomaml", designs.PLAIN),
    "one left out": lambda gs: [*gs[:-1], torch.zeros_like(gs[-1])],
    "another sign": lambda gs: [-g for g in gs],
    "not a number": lambda gs: [gs[0] * float("nan"), *gs[1:]],
    "another order": lambda gs: gs[::-1],
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_gradient_stops_the_bench_and_is_named(change):
    with pytest.raises(DisagreementError, match=r"here: .*theirs and plain loop differ"):
        require_equal(spoilt(change), designs.PLAIN, where="here")


def test_equal_gradients_pass_with_their_difference():
    apart = require_equal(
        spoilt(lambda gs: [g * (1 + 1e-12) for g in gs]), designs.PLAIN, where="here"
    )
    assert apart[designs.PLAIN] == 0
    assert apart["theirs"] == pytest.approx(1e-12, rel=0.01)
