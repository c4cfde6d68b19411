"""No method looks where it may not, and the simple ones are what their names say."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from medmeta_ref.benchmark import answers
from medmeta_ref.benchmark.method import Kit
from medmeta_ref.benchmark.methods import METHODS, chosen
from medmeta_ref.benchmark.presets import read_preset, read_settings
from medmeta_ref.benchmark.sources import Source
from medmeta_ref.benchmark.tasks import Task
from medmeta_ref.benchmark.training import BUILDERS, TRAINERS
from medmeta_ref.datasets import load

TINY, N_WAY = read_preset("tiny"), 3


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def kit(name):
    setting = read_settings().get(name)
    return Kit(TINY, 3, N_WAY, setting.value if setting else math.nan)


@pytest.fixture(scope="module")
def source():
    images = load("synthetic-blood", "train")
    sizes = {"n_way": N_WAY, "k_shot": TINY.k_shot, "n_query": TINY.n_query}
    return Source([images], [(1, 2, 4, 6, 7)], **sizes)


@pytest.fixture(scope="module")
def trained(source):
    """Return method -> its parameters; the two that share ANIL's training have one setting."""
    return {name: TRAINERS[m.trains](kit(name), source, seeded(1)) for name, m in METHODS.items()}


@pytest.fixture(scope="module")
def task(source):
    e = source.episodes(1, seeded(5))
    support_x, support_y, query_x, _ = (field[0] for field in e)
    return Task(support_x, support_y, query_x, torch.tensor([300, 200, 500]))


def answer(name, params, task):
    with torch.no_grad():
        return METHODS[name].answers(kit(name), params, task, generator=seeded(7))


@pytest.mark.parametrize("name", METHODS)
def test_what_a_method_says_of_a_query_does_not_depend_on_the_others(name, trained, task):
    together = answer(name, trained[name], task)
    assert together.shape == (len(task.query_x), N_WAY)
    assert torch.isfinite(together).all()
    for k in (0, 4):
        alone = answer(name, trained[name], task._replace(query_x=task.query_x[k : k + 1]))
        if name == "chance":  # a coin for every query
            assert alone.abs().max() < 1e-5
        else:
            torch.testing.assert_close(alone[0], together[k], rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"chance"}))
def test_a_second_identical_call_gives_the_same_answer(name, trained, task):
    before = {n: p.clone() for n, p in trained[name].items()}
    first, second = answer(name, trained[name], task), answer(name, trained[name], task)
    torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-5)
    assert all(torch.equal(p, before[n]) for n, p in trained[name].items())


# The heads that are learned per slot are left out: there the slots differ from the start.
EQUIVARIANT = (
    "majority", "pixel-centroid", "pixel-1nn", "random-centroid", "pre-centroid", "pre-logistic",
    "pre-cosine", "pre-finetune", "protonet", "nil",
)  # fmt: skip


@pytest.mark.parametrize("name", EQUIVARIANT)
def test_renaming_the_slots_renames_the_answers(name, trained, task):
    order = torch.tensor([2, 0, 1])  # slot 0 is called 2 now
    renamed = task._replace(
        support_y=order[task.support_y], frequencies=torch.tensor([200, 500, 300])
    )
    before, after = (answer(name, trained[name], t) for t in (task, renamed))
    torch.testing.assert_close(after[:, order], before, rtol=2e-3, atol=2e-4)


def test_all_trainings_start_from_the_same_convolutions(source):
    """With a rate of zero, the body of every method is the one that is drawn."""
    still = TINY._replace(outer_lr=0.0)
    drawn = TRAINERS["random"](kit("scratch")._replace(preset=still), source, seeded(1))
    weight = "blocks.0.0.weight"
    for name in ("supervised", "joint", "maml", "fomaml", "anil", "reptile", "protonet"):
        value = 0.0 if name == "protonet" else 0.1
        params = TRAINERS[name](kit("maml")._replace(preset=still, value=value), source, seeded(1))
        assert torch.equal(params[weight], drawn[weight]), name


@pytest.mark.parametrize("name", sorted({"supervised", "joint", "protonet", *BUILDERS}))
def test_training_moves_the_body_and_is_repeatable(name, source):
    first, second = (
        TRAINERS[name](kit("maml" if name in BUILDERS else "protonet"), source, seeded(1))
        for _ in range(2)
    )
    drawn = TRAINERS["random"](kit("scratch"), source, seeded(1))
    body = "blocks.0.0.weight"
    if body in first:  # MAML++ names its layers otherwise
        assert not torch.equal(first[body], drawn[body])
    for n, p in first.items():
        torch.testing.assert_close(p, second[n], rtol=1e-4, atol=1e-5)


def test_chance_is_even_odds_and_guesses_every_slot():
    many = Task(torch.zeros(3, 1), torch.arange(3), torch.zeros(3000, 1), torch.ones(3))
    logits = answers.by_chance(kit("chance"), {}, many, generator=seeded())
    torch.testing.assert_close(logits.softmax(1), torch.full((3000, 3), 1 / 3), rtol=1e-5, atol=0)
    counts = torch.bincount(logits.argmax(1), minlength=3)
    assert ((counts - 1000).abs() < 120).all()  # 4.6 standard deviations


def test_majority_says_the_shares_of_the_training_split(task):
    shares = answers.by_majority(kit("majority"), {}, task, generator=seeded()).exp()
    torch.testing.assert_close(shares, torch.tensor([[0.3, 0.2, 0.5]]).expand(len(shares), -1))


def test_raw_pixels_agree_with_a_loop_over_all_pairs(task):
    scale = kit("pixel-1nn").value
    nearest, centroid = (answer(name, {}, task) for name in ("pixel-1nn", "pixel-centroid"))
    for q, query in enumerate(task.query_x.double().numpy()):
        for slot in range(N_WAY):
            own = task.support_x[task.support_y == slot].double().numpy()
            least = min(np.square(query - image).sum() for image in own)
            assert nearest[q, slot].item() == pytest.approx(-scale * least, rel=1e-4)
            to_mean = np.square(query - own.mean(0)).sum()
            assert centroid[q, slot].item() == pytest.approx(-scale * to_mean, rel=1e-4)


def test_nil_is_a_sum_over_support_images_weighted_by_cosines(trained, task):
    found = answer("nil", trained["nil"], task)
    support, query = answers._features(kit("nil"), trained["nil"], task)
    cosines = F.cosine_similarity(query[:, None], support[None], dim=2)
    weights = cosines @ F.one_hot(task.support_y).float() / TINY.k_shot
    torch.testing.assert_close(found, 10 * weights, rtol=1e-4, atol=1e-5)


def test_logistic_regression_has_a_vanishing_gradient_where_it_ends(trained, task):
    """scikit-learn minimises C x (sum of log losses) + |w|^2 / 2; the bias is not shrunk."""
    from sklearn.linear_model import LogisticRegression

    support, query = answers._features(kit("pre-logistic"), trained["pre-logistic"], task)
    c = kit("pre-logistic").value
    own = LogisticRegression(C=c, max_iter=1000).fit(support.numpy(), task.support_y.numpy())
    w = torch.tensor(own.coef_, dtype=torch.float64, requires_grad=True)
    b = torch.tensor(own.intercept_, dtype=torch.float64, requires_grad=True)
    logits = support.double() @ w.T + b
    loss = c * F.cross_entropy(logits, task.support_y, reduction="sum") + w.square().sum() / 2
    assert max(g.abs().max() for g in torch.autograd.grad(loss, [w, b])) < 0.02
    expected = (query.double() @ w.T + b).log_softmax(1)
    found = answer("pre-logistic", trained["pre-logistic"], task).double()
    torch.testing.assert_close(found, expected.detach(), rtol=0, atol=0.02)


def test_fine_tuning_with_no_step_leaves_the_empty_head_at_even_odds(trained, task):
    none = kit("pre-finetune")._replace(preset=TINY._replace(fine_tune_steps=0))
    with torch.no_grad():
        logits = METHODS["pre-finetune"].answers(
            none, trained["pre-finetune"], task, generator=seeded()
        )
    assert not logits.any()


def test_minibatches_take_every_class_of_every_set_equally_often():
    few, many = load("synthetic-organ", "test"), load("synthetic-lung", "test")
    two = Source([few, many], [(0, 1, 2), (0, 1)], n_way=2, k_shot=1, n_query=1)
    _, labels = two.minibatch(6000, seeded())
    counts = torch.bincount(labels, minlength=5).double()
    expected = torch.tensor([1000.0] * 3 + [1500.0] * 2, dtype=torch.double)
    assert ((counts - expected).square() / expected).sum() < 18.5  # chi-square, 4 df, p = .001
    assert (two.n_classes, two.in_channels) == (5, 1)


def test_methods_are_chosen_by_name_and_a_strange_one_is_refused():
    assert [m.name for m in chosen("maml, protonet,maml")] == ["maml", "protonet"]
    assert [m.name for m in chosen("all")] == list(METHODS)
    with pytest.raises(ValueError, match=r"no method mamml; there are chance, .*protonet"):
        chosen("mamml")
