"""Two processes, started once by torchrun, against one: `main` below is what they run."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from medmeta_ref.backbones import ConvNet
from medmeta_ref.episodes import sample_episode, sample_episodes
from medmeta_ref.maml import maml_gradient, maml_loss
from medmeta_ref.params import initial_params
from medmeta_ref.train import distributed, fit, is_main, process_group, rank, steps, world_size
from medmeta_ref.train.gradients import loss_and_gradient
from medmeta_ref.train.shares import share_of

MODEL = ConvNet(1, (3, 3), n_outputs=2)
SIZE = {"n_way": 2, "k_shot": 2, "n_query": 3}
INNER = {"inner_lr": 0.1, "inner_steps": 2}
N_EPISODES = 5  # 3 for one process and 2 for the other


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


IMAGES = torch.rand(40, 1, 8, 8, generator=seeded(3), dtype=torch.float64)
LABELS = torch.arange(4).repeat(10)


def episodes(generator, n_episodes=N_EPISODES):
    return sample_episodes(IMAGES, LABELS, n_episodes=n_episodes, generator=generator, **SIZE)


def network():
    return {n: p.double() for n, p in initial_params(MODEL, generator=seeded(1)).items()}


def by_loss(params, batch):
    return maml_loss(MODEL, params, batch, **INNER)


def by_gradient(params, batch):
    return maml_gradient(MODEL, params, batch, **INNER)


def numbers(generator):
    return torch.randn(N_EPISODES, 2, generator=generator, dtype=torch.float64)


def bowl(params, batch):
    """The mean of one loss for each row, with parameters of two dtypes and shapes."""
    return ((params["w"] - batch).square().sum(1) + params["b"].double() ** 4).mean()


def bowl_params():
    return {"w": torch.ones(2, dtype=torch.float64), "b": torch.tensor(2.0)}


def train(objective=bowl, params=None, sample=numbers, seed=0, **settings):
    return fit(
        objective,
        bowl_params() if params is None else params,
        sample,
        generator=seeded(seed),
        **{"n_steps": 4, "outer_lr": 0.05, "progress": None} | settings,
    )


def message(function, *args, **settings):
    """Return the error of a call, as text."""
    try:
        function(*args, **settings)
    except (ValueError, FloatingPointError) as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def infinite_for_the_last(params, batch):
    """A loss that is infinite for whoever has a row with the mark."""
    return bowl(params, batch) / (batch[:, 0] != 99).double().min()


def marked(generator):
    batch = numbers(generator)
    batch[-1, 0] = 99
    return batch


def own_score(values):
    """Return a `validate` whose scores process 1 sees in reverse."""
    left = iter(values if is_main() else values[::-1])
    return lambda params: next(left)


def resumed(folder):
    """Stop training on both processes and go on; process 1 cannot see the file of process 0."""
    path, calls = folder / f"of_{rank()}" / "run.ckpt", []

    def stops(params, batch):
        calls.append(1)
        if len(calls) == 4:
            raise KeyError("stop")
        return bowl(params, batch)

    with contextlib.suppress(KeyError):
        train(stops, checkpoint=path, checkpoint_every=2)
    del calls[:]
    found = train(
        lambda params, batch: calls.append(1) or bowl(params, batch),
        checkpoint=path,
        checkpoint_every=2,
    )
    return {"fit": found, "calls": len(calls), "files": [p.name for p in path.parent.glob("*")]}


def shown():
    """Return what a process shows while training."""
    with contextlib.redirect_stderr(io.StringIO()) as text:
        train(progress="together")
    return text.getvalue()


def first_gradient(objective, params, sample, sum_up=None):
    """Return the loss and the gradient of the first batch, as all processes see it."""
    share, fraction = share_of(sample(seeded()), index=rank(), n_shares=world_size())
    own = loss_and_gradient(objective, params, share)
    if world_size() == 1:
        return own
    return (sum_up or distributed.sum_over_processes)(*own, weight=fraction)


def all_reduced(loss, gradient, change):
    loss, *grads = (change(t.clone()) for t in (loss, *gradient.values()))
    return loss, dict(zip(gradient, grads, strict=True))


def summed(tensor):
    dist.all_reduce(tensor)
    return tensor


WRONG_SUMS = {
    "the mean of the means": lambda loss, grads, weight: all_reduced(
        loss, grads, lambda t: summed(t) / 2
    ),
    "a sum without weights": lambda loss, grads, weight: all_reduced(loss, grads, summed),
    "nothing is sent": lambda loss, grads, weight: (loss, grads),
    "weighted, but not summed": lambda loss, grads, weight: all_reduced(
        loss, grads, lambda t: weight * t
    ),
    "the weight of the other": lambda loss, grads, weight: all_reduced(
        loss, grads, lambda t: summed((1 - weight) * t)
    ),
    "the loss is left out": lambda loss, grads, weight: (
        loss,
        distributed.sum_over_processes(loss, grads, weight=weight)[1],
    ),
}


def count_messages():
    """Return how often four steps of training call all-reduce."""
    calls, right = [], dist.all_reduce
    dist.all_reduce = lambda *args, **kwargs: calls.append(1) or right(*args, **kwargs)
    try:
        train()
    finally:
        dist.all_reduce = right
    return len(calls)


def main(folder):
    """Do everything that two processes are needed for, and write down what came out."""
    warnings.simplefilter("error")
    found = {"before": (rank(), world_size(), dist.is_initialized())}
    found["alone"] = [train() for _ in range(5)]  # every one joins and parts by itself
    found["between"] = dist.is_initialized()
    with process_group():
        found["within"] = (rank(), world_size(), is_main(), dist.is_initialized())
        with process_group():
            found["by loss"] = train(by_loss, network(), episodes)
        found["still within"] = dist.is_initialized()
        found["by gradient"] = train(by_gradient, network(), episodes)
        found["gradient"] = first_gradient(by_gradient, network(), episodes)
        found["bowl gradient"] = first_gradient(bowl, bowl_params(), numbers)
        found["wrong"] = {
            name: first_gradient(bowl, bowl_params(), numbers, wrong)
            for name, wrong in WRONG_SUMS.items()
        }
        found["one for each"] = train(sample=lambda g: numbers(g)[:2])
        found["errors"] = {
            "too few": message(train, sample=lambda g: numbers(g)[:1]),
            "a single episode": message(
                train,
                by_loss,
                network(),
                lambda g: sample_episode(IMAGES, LABELS, generator=g, **SIZE),
            ),
            "seeds": message(train, seed=rank()),
            "starts": message(train, params={"w": torch.full((2,), float(rank()))}),
            "settings": message(train, settings={"inner_lr": rank()}),
            "infinite": message(train, infinite_for_the_last, sample=marked),
            "nan": message(train, validate=own_score([0.0, float("nan")]), validate_every=2),
        }
        found["stopped"] = train(
            validate=own_score([0.3, 0.2, 0.1, 0.4, 0.5, 0.6]),
            validate_every=1,
            patience=2,
            n_steps=6,
        )
        found["resumed"] = resumed(folder)
        found["shown"] = shown()
        found["messages"] = count_messages()
    found["after"] = dist.is_initialized()
    torch.save(found, folder / f"{found['before'][0]}.pt")


def in_two_processes(folder, *arguments, max_restarts=0):
    """Run this file twice at once and return what each run has written down."""
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    torchrun += [f"--max-restarts={max_restarts}", "-m", "tests.test_train_distributed"]
    for place in (folder / "once", folder / "again"):
        place.mkdir()  # each with nothing in it, as a checkpoint of the other would be gone on from
        done = subprocess.run(
            [sys.executable, "-m", *torchrun, place, *arguments],
            cwd=Path(__file__).parents[1],
            env=os.environ | {"PYTHONFAULTHANDLER": "1"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        # Once, and not again in 75 runs on a busy machine, C++ code ended a process by abort(). We
        # have not found where. One more run may follow; the stack is shown if that fails, too.
        if "SIGABRT" not in done.stderr:
            break
        print(done.stderr)
    assert done.returncode == 0, done.stderr[-4000:]
    # Our own files, with a `Fit` in them.
    return [torch.load(place / f"{i}.pt", weights_only=False) for i in range(2)]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Return what the two processes have found."""
    return in_two_processes(tmp_path_factory.mktemp("two"))


def assert_close(found, wanted, **tolerance):
    torch.testing.assert_close(found.params, wanted.params, **tolerance)
    assert found.history == pytest.approx(wanted.history, rel=1e-12)


def test_two_processes_train_to_the_same_bits(both):
    for name in ("by loss", "by gradient", "one for each", "stopped"):
        one, other = (found[name] for found in both)
        assert one.history == other.history
        assert all(torch.equal(p, other.params[n]) for n, p in one.params.items())


@pytest.mark.parametrize("name", ["by loss", "by gradient"])
def test_two_processes_train_to_where_one_does(name, both):
    wanted = train(by_loss if name == "by loss" else by_gradient, network(), episodes)
    torch.testing.assert_close(both[0][name].params, wanted.params, rtol=1e-7, atol=1e-10)
    assert both[0][name].history == pytest.approx(wanted.history, rel=1e-9)


def test_the_gradient_of_unequal_shares_is_that_of_the_whole_batch(both):
    for name, wanted in (
        ("gradient", first_gradient(by_gradient, network(), episodes)),
        ("bowl gradient", first_gradient(bowl, bowl_params(), numbers)),
    ):
        for found in both:
            torch.testing.assert_close(found[name][0], wanted[0], rtol=1e-13, atol=0)
            torch.testing.assert_close(
                {n: g.double() for n, g in found[name][1].items()},
                {n: g.double() for n, g in wanted[1].items()},
                rtol=1e-10,
                atol=1e-15,
            )
            assert [g.dtype for g in found[name][1].values()] == [
                g.dtype for g in wanted[1].values()
            ]


def assert_is_the_bowls_gradient(pairs):
    batch, w = numbers(seeded()), bowl_params()["w"]
    for loss, gradient in pairs:
        assert loss.item() == pytest.approx((w - batch).square().sum(1).mean().item() + 16)
        torch.testing.assert_close(gradient["w"], 2 * (w - batch).mean(0))
        torch.testing.assert_close(gradient["b"], torch.tensor(32.0))  # 4 b^3


def test_the_sum_over_processes_is_a_gradient_known_by_hand(both):
    assert_is_the_bowls_gradient([found["bowl gradient"] for found in both])


@pytest.mark.parametrize("name", WRONG_SUMS)
def test_one_process_tells_wrong_sums(name, both):
    with pytest.raises(AssertionError):
        assert_is_the_bowls_gradient([found["wrong"][name] for found in both])


def test_as_many_episodes_as_processes_are_enough(both):
    assert_close(both[0]["one for each"], train(sample=lambda g: numbers(g)[:2]))


def test_fit_joins_by_itself_and_parts_again_as_often_as_wanted(both):
    for number, found in enumerate(both):
        assert found["before"] == (number, 2, False)
        assert found["between"] is False
        assert found["within"] == (number, 2, number == 0, True)
        assert found["still within"] is True
        assert found["after"] is False
        for one in found["alone"]:
            assert_close(one, train())


def test_what_does_not_fit_is_refused_in_every_process(both):
    for found in both:
        errors = found["errors"]
        assert "a batch of 1 episodes cannot be shared by 2 processes" in errors["too few"]
        assert "a single episode cannot be shared" in errors["a single episode"]
        for name in ("seeds", "starts", "settings"):
            assert errors[name].startswith("ValueError: process 1 has other parameters, another ge")


def test_a_loss_that_is_infinite_in_one_process_stops_both(both):
    for found in both:
        assert found["errors"]["infinite"].startswith(
            "FloatingPointError: the loss is inf at step 0"
        )
        assert found["errors"]["nan"].startswith(
            "FloatingPointError: validate returned nan after 4"
        )


def test_both_stop_when_process_0_has_seen_enough(both):
    for found in both:
        assert found["stopped"].best == (1, 0.3)
        assert found["stopped"].history == pytest.approx(train(n_steps=3).history)
        torch.testing.assert_close(found["stopped"].params, train(n_steps=1).params)


def test_process_0_writes_and_what_it_reads_is_read_by_all(both):
    for number, found in enumerate(both):
        assert_close(found["resumed"]["fit"], train())
        assert found["resumed"]["calls"] == 2  # of 4 steps, 2 had been saved
        assert found["resumed"]["files"] == ([] if number else ["run.ckpt"])


def test_process_0_alone_shows_progress(both):
    assert "together" in both[0]["shown"]
    assert both[1]["shown"] == ""


def test_a_step_sends_one_message(both):
    assert [found["messages"] for found in both] == [4, 4]


def test_without_torchrun_there_is_one_process():
    with process_group():
        assert (rank(), world_size(), is_main()) == (0, 1, True)
        assert not dist.is_initialized()


def test_variables_of_a_launcher_count_only_all_together(monkeypatch):
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    assert (rank(), world_size()) == (0, 1)
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    monkeypatch.setenv("MASTER_PORT", "1")
    assert (rank(), world_size(), is_main()) == (3, 4, False)


def test_a_single_process_under_torchrun_joins_nothing(monkeypatch):
    for name in distributed.LAUNCHER_VARIABLES:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("RANK", "0")
    assert len(train().history) == 4
    assert not dist.is_initialized()


def test_alone_nothing_is_sent():
    assert distributed.from_main(b"own", device=torch.device("cpu")) == b"own"
    assert distributed.from_main(None, device=torch.device("cpu")) is None
    distributed.require_alike(b"anything", device=torch.device("cpu"))
    assert steps.world_size() == 1


def main_of_a_run_that_loses_a_process(folder):
    """Train; the first time, process 1 kills itself in the middle."""
    calls, restarts = [], int(os.environ["TORCHELASTIC_RESTART_COUNT"])

    def objective(params, batch):
        calls.append(1)
        if (restarts, rank(), len(calls)) == (0, 1, 8):
            os.kill(os.getpid(), signal.SIGKILL)
        return bowl(params, batch)

    found = train(objective, n_steps=12, checkpoint=folder / "run.ckpt", checkpoint_every=3)
    torch.save({"fit": found, "calls": len(calls), "restarts": restarts}, folder / f"{rank()}.pt")


@pytest.mark.slow
def test_torchrun_restarts_what_was_killed_and_training_goes_on(tmp_path):
    for found in in_two_processes(tmp_path, "restart", max_restarts=1):
        assert (found["restarts"], found["calls"]) == (1, 6)  # 7 steps were taken, 6 saved
        assert_close(found["fit"], train(n_steps=12))


if __name__ == "__main__":
    run = main if len(sys.argv) == 2 else main_of_a_run_that_loses_a_process
    run(Path(sys.argv[1]))
