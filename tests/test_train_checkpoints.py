"""Training that was stopped and resumed is training that was never stopped, bit by bit."""

import os
import pickle
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from medmeta_ref.backbones import ConvNet
from medmeta_ref.params import forward, initial_params
from medmeta_ref.train import CheckpointError, checkpoints, cosine, fit, steps
from medmeta_ref.train.adam import AdamMoments
from medmeta_ref.train.fingerprints import digest

MODEL = ConvNet(1, (3, 3), n_outputs=2)
N_STEPS = 12


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def objective(params, batch):
    return nn.functional.cross_entropy(forward(MODEL, params, batch), torch.tensor([0, 1, 0, 1]))


def sample(generator):
    return torch.randn(4, 1, 8, 8, generator=generator)


def rises_and_falls(params):
    """A score that draws no random number and is best somewhere in the middle."""
    return -abs(params["head.weight"].square().sum().item() - rises_and_falls.target)


rises_and_falls.target = 0.0


def train(path, *, objective=objective, generator=None, seed=0, **settings):
    """Train a network for a few steps on noise; return the fit and the generator afterwards."""
    generator = seeded(seed) if generator is None else generator
    defaults = {"n_steps": N_STEPS, "outer_lr": cosine(0.05, N_STEPS), "checkpoint_every": 3}
    found = fit(
        objective,
        settings.pop("params", initial_params(MODEL, generator=seeded(1))),
        settings.pop("sample", sample),
        generator=generator,
        checkpoint=path,
        progress=None,
        **defaults | {"validate": rises_and_falls, "validate_every": 2} | settings,
    )
    return found, generator


def assert_same(one, other):
    (a, generator), (b, other_generator) = one, other
    assert a.history == b.history
    assert a.scores == b.scores
    assert a.best == b.best
    assert a.stopped_early == b.stopped_early
    assert list(a.params) == list(b.params)
    for name, p in a.params.items():
        assert torch.equal(p, b.params[name]), name
        assert p.stride() == b.params[name].stride(), name
    assert torch.equal(generator.get_state(), other_generator.get_state())


def contents(path):
    """Return what a checkpoint holds, read without the code that wrote it."""
    _, checksum, payload = path.read_bytes().split(b"\n", 2)
    assert len(checksum) == 64
    path.with_suffix(".payload").write_bytes(payload)
    return torch.load(path.with_suffix(".payload"), weights_only=True)


class PowerCut(Exception):
    pass


def failing(at, error):
    """Return the objective, which raises at its call number `at`, and the list of its calls."""
    calls = []

    def function(params, batch):
        calls.append(1)
        if len(calls) == at:
            raise error
        return objective(params, batch)

    return function, calls


def assert_resumes(folder, *, stops=(1, 4, 5, 9, 12), **settings):
    folder.mkdir(exist_ok=True)
    whole = train(None, **settings)
    for stop in stops:
        path = folder / f"{stop}.ckpt"
        function, _ = failing(stop, PowerCut())
        with pytest.raises(PowerCut):
            train(path, objective=function, **settings)
        counted, calls = failing(0, PowerCut())
        assert_same(train(path, objective=counted, **settings), whole)
        assert len(calls) == len(whole[0].history) - (stop - 1) // 3 * 3


def test_an_exception_in_the_middle_costs_the_steps_since_the_last_checkpoint_only(tmp_path):
    assert_resumes(tmp_path)


def test_patience_and_the_best_parameters_survive_too(tmp_path, monkeypatch):
    norms = []
    train(None, validate=lambda p: norms.append(p["head.weight"].square().sum().item()) or 0.0)
    monkeypatch.setattr(rises_and_falls, "target", norms[1])  # the best is that after 4 steps
    whole, _ = train(None, patience=3)
    assert whole.best.step == 4
    assert (len(whole.history), whole.stopped_early) == (10, True)
    assert_resumes(tmp_path, stops=(1, 4, 7, 10), patience=3)


def wrong_restore(change):
    """Return a `restore` that forgets something on the way."""
    right = checkpoints.restore
    return lambda *args, **kwargs: change(right(*args, **kwargs))


def moments_of(state, make):
    return state._replace(moments=make(state.moments))


def zeros(params):
    return {name: torch.zeros_like(p) for name, p in params.items()}


def mapped(params, function):
    return {name: function(p) for name, p in params.items()}


FORGETFUL = {
    "new moments": lambda s: moments_of(s, lambda m: AdamMoments(zeros(m.mean), zeros(m.square))),
    "no mean": lambda s: moments_of(s, lambda m: AdamMoments(zeros(m.mean), m.square)),
    "no square": lambda s: moments_of(s, lambda m: AdamMoments(m.mean, zeros(m.square))),
    "a generator seeded anew": lambda s: s._replace(generator=seeded().get_state()),
    "history of this part only": lambda s: s._replace(history=[0.0] * s.step),
    "history in single precision": lambda s: s._replace(
        history=torch.tensor(s.history, dtype=torch.float64).add(1e-9).tolist()
    ),
    "no scores": lambda s: s._replace(scores=()),
    "one step repeated": lambda s: s._replace(step=s.step - 1),
    "half precision": lambda s: s._replace(params=mapped(s.params, lambda p: p.half().float())),
    "another memory layout": lambda s: s._replace(params=mapped(s.params, torch.clone))._replace(
        params=mapped(s.params, lambda p: p.reshape(-1).reshape(p.shape).contiguous())
    ),
    "the last parameters as the best": lambda s: s._replace(best=s.params),
}


@pytest.mark.parametrize("change", FORGETFUL.values(), ids=FORGETFUL.keys())
def test_an_uninterrupted_run_tells_a_forgetful_checkpoint(change, tmp_path, monkeypatch):
    norms = []
    train(None, validate=lambda p: norms.append(p["head.weight"].square().sum().item()) or 0.0)
    monkeypatch.setattr(rises_and_falls, "target", norms[0])
    monkeypatch.setattr(checkpoints, "restore", wrong_restore(change))
    with pytest.raises((AssertionError, TypeError)):
        assert_resumes(tmp_path, stops=(7,), patience=5)


def test_a_finished_checkpoint_is_returned_at_once_and_not_written_again(tmp_path):
    path = tmp_path / "run.ckpt"
    whole = train(path)
    before = path.read_bytes(), path.stat().st_mtime_ns
    function, calls = failing(1, PowerCut())
    assert_same(train(path, objective=function, sample=None), whole)
    assert calls == []
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert sorted(tmp_path.iterdir()) == [path]


def test_the_same_call_may_be_made_with_the_same_generator_again(tmp_path):
    """As in a notebook: the cell was interrupted and is run once more."""
    generator, whole = seeded(), train(None)
    function, _ = failing(8, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run.ckpt", objective=function, generator=generator)
    assert_same(train(tmp_path / "run.ckpt", generator=generator), whole)


def test_ctrl_c_writes_the_last_whole_step(tmp_path):
    def interrupt(params, batch):
        if len(calls) == 7:
            calls.append(1)
            signal.raise_signal(signal.SIGINT)
        calls.append(1)
        return objective(params, batch)

    calls, path = [], tmp_path / "run.ckpt"
    with pytest.raises(KeyboardInterrupt):
        train(path, objective=interrupt, checkpoint_every=1000)
    assert contents(path)["step"] == 7
    function, calls = failing(0, PowerCut())
    assert_same(train(path, objective=function, checkpoint_every=1000), train(None))
    assert len(calls) == N_STEPS - 7


def tiny(path, generator):
    """Train one number for three steps with all that `fit` can do."""
    return fit(
        lambda params, batch: (params["w"] - batch).square(),
        {"w": torch.zeros((), dtype=torch.float64)},
        lambda g: torch.rand((), generator=g, dtype=torch.float64),
        n_steps=3,
        outer_lr=0.1,
        generator=generator,
        progress=None,
        validate=lambda params: -params["w"].item(),
        validate_every=2,
        checkpoint=path,
        checkpoint_every=2,
    ), generator


def interrupted_at(line_number, path):
    """Run `tiny` with Ctrl-C before the line of that number, counted as they are executed."""
    count, ours = [0], os.path.dirname(checkpoints.__file__)

    def trace(frame, event, arg):
        if not frame.f_code.co_filename.startswith(ours):
            return None
        if event == "line":
            count[0] += 1
            if count[0] == line_number:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        tiny(path, seeded())
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


# Between the last line of a with block and its closing of the file nobody else can interrupt.
@pytest.mark.filterwarnings("ignore:.*unclosed file:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:.*FileIO.*part:pytest.PytestUnraisableExceptionWarning")
def test_an_interruption_before_any_line_at_all_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # for speed
    whole, line = tiny(None, seeded()), 0
    while interrupted_at(line := line + 1, path := tmp_path / f"{line}.ckpt"):
        assert_same(tiny(path, seeded()), whole)
        assert sorted(tmp_path.iterdir()) == [path]
        path.unlink()
    assert line > 150  # so many lines did run
    assert_same(tiny(path, seeded()), whole)


WORKER = """
import sys, tests.test_train_checkpoints as t
def sample(generator):
    print("step", flush=True)
    return t.sample(generator)
t.train(sys.argv[1], sample=sample, checkpoint_every=1)
"""


def test_a_killed_process_goes_on_where_it_was(tmp_path):
    """SIGKILL from outside, at any moment: before a step, in it, or while a file is written."""
    path, chance, seen = tmp_path / "run.ckpt", random.Random(0), 0
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", WORKER, path],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[1],
        ) as process:
            for _ in range(chance.randint(2, 5)):
                assert process.stdout.readline() == b"step\n"
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert contents(path)["step"] > seen
        seen = contents(path)["step"]
    assert seen < N_STEPS
    function, calls = failing(0, PowerCut())
    assert_same(train(path, objective=function), train(None))
    assert len(calls) == N_STEPS - seen


def test_a_disk_that_fails_leaves_the_old_checkpoint_whole(tmp_path, monkeypatch):
    path = tmp_path / "run.ckpt"
    function, _ = failing(5, PowerCut())
    with pytest.raises(PowerCut):
        train(path, objective=function)
    before = path.read_bytes()
    for name in ("replace", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, lambda *_: (_ for _ in ()).throw(OSError(28, "disk full")))
            with pytest.raises(OSError, match="disk full"):
                train(path)
        assert path.read_bytes() == before
        assert sorted(tmp_path.iterdir()) == [path]


def test_the_bytes_reach_the_disk_before_the_name_does(tmp_path, monkeypatch):
    order, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: order.append("fsync") or fsync(fd))
    monkeypatch.setattr(os, "replace", lambda *a: order.append("replace") or replace(*a))
    train(tmp_path / "run.ckpt", checkpoint_every=1000)
    assert order == ["fsync", "replace", "fsync"]  # the file, its name, the folder that holds it


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    """Return the bytes of the checkpoint of a run that stopped half-way."""
    path = tmp_path_factory.mktemp("half") / "run.ckpt"
    function, _ = failing(8, PowerCut())
    with pytest.raises(PowerCut):
        train(path, objective=function)
    return path.read_bytes()


def assert_refused(path, message, **settings):
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=message) as raised:
        train(path, **settings)
    assert str(path) in str(raised.value)
    assert "Give another path to start anew, or delete it" in str(raised.value)
    assert path.read_bytes() == before
    assert sorted(path.parent.iterdir()) == [path]


def test_a_cut_or_altered_file_is_refused_wherever_the_damage_is(half, tmp_path):
    path = tmp_path / "run.ckpt"
    chance = random.Random(0)
    places = {0, 5, 20, 21, 60, 85, 86, len(half) - 1, *chance.sample(range(len(half)), 30)}
    for place in places:
        path.write_bytes(half[:place])
        assert_refused(path, "damaged")
        path.write_bytes(half[:place] + bytes([half[place] ^ 16]) + half[place + 1 :])
        assert_refused(path, "damaged")
    path.write_bytes(half)
    train(path)


OTHERS = {
    "steps": ({"n_steps": 13}, "n_steps is 13 here, but 12 there"),
    "a constant rate": (
        {"outer_lr": 0.05},
        "outer_lr is 0.05 here, but a schedule [0-9a-f]+ there",
    ),
    "another schedule": ({"outer_lr": cosine(0.06, N_STEPS)}, "outer_lr is a schedule .* schedule"),
    "seed": ({"seed": 5}, "the generator's seed is 5 here, but 0 there"),
    "start": ({"params": initial_params(MODEL, generator=seeded(2))}, "the start is parameters"),
    "patience": ({"patience": 50}, r"is \(2, 50\) here, but \(2, None\) there"),
    "rhythm of validation": ({"validate_every": 3}, r"is \(3, None\) here, but \(2, None\) there"),
    "no validation": ({"validate": None}, r"is None here, but \(2, None\) there"),
    "a setting of the method": (
        {"settings": {"inner_lr": 0.1}},
        "inner_lr is 0.1 here, but absent there",
    ),
    "other names": (
        {"params": initial_params(ConvNet(1, (3,)), generator=seeded(1))},
        r"parameter blocks.1.0.weight is absent here, but \(3, 3, 3, 3\) torch.float32 there",
    ),
    "other shapes": (
        {"params": initial_params(ConvNet(3, (3, 3), n_outputs=2), generator=seeded(1))},
        r"weight is \(3, 3, 3, 3\) torch.float32 here, but \(3, 1, 3, 3\) torch.float32 there",
    ),
    "another precision": (
        {"params": mapped(initial_params(MODEL, generator=seeded(1)), torch.Tensor.double)},
        r"torch.float64 here, but .* torch.float32 there.*more differences",
    ),
}


@pytest.mark.parametrize(("settings", "message"), OTHERS.values(), ids=OTHERS.keys())
def test_a_checkpoint_of_another_run_is_refused_with_the_difference(
    settings, message, half, tmp_path
):
    path = tmp_path / "run.ckpt"
    path.write_bytes(half)
    assert_refused(path, message, **settings)


def test_settings_that_agree_are_no_obstacle_and_the_rhythm_of_writing_may_change(tmp_path):
    path, settings = tmp_path / "run.ckpt", {"settings": {"inner_lr": 0.1, "data": "bloodmnist"}}
    function, _ = failing(8, PowerCut())
    with pytest.raises(PowerCut):
        train(path, objective=function, **settings)
    assert_same(train(path, checkpoint_every=1, **settings), train(None))


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "run.ckpt"
    torch.save(initial_params(MODEL, generator=seeded()), path)
    assert_refused(path, "is no checkpoint of train.fit")
    path.write_text("step,loss\n1,0.5\n")
    assert_refused(path, "is no checkpoint of train.fit")
    path.unlink()
    path.mkdir()
    with pytest.raises(CheckpointError, match=r"run\.ckpt cannot be read: Is a directory"):
        train(path)


class Trap:
    def __reduce__(self):
        return os.mkdir, (Trap.at,)


def test_a_strangers_checkpoint_cannot_run_code(tmp_path):
    Trap.at, path = str(tmp_path / "sprung"), tmp_path / "run.ckpt"
    for content in (Trap(), {"run": Trap()}):
        payload = pickle.dumps(content, protocol=2)
        path.write_bytes(b"\n".join([checkpoints.KIND, digest(payload).hex().encode(), payload]))
        with pytest.raises(CheckpointError, match=r"run\.ckpt holds code, not only tensors"):
            train(path)
    assert not os.path.exists(Trap.at)


def test_the_folder_is_made(tmp_path):
    path = tmp_path / "new" / "folder" / "run.ckpt"
    assert_same(train(str(path)), train(None))
    assert path.exists()


def test_without_a_path_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(None)
    assert list(tmp_path.iterdir()) == []


def test_a_step_leaves_its_state_as_it_was():
    start = steps.State(0, {"w": torch.ones(2)}, None, seeded().get_state(), [], (), None)
    start = start._replace(
        moments=AdamMoments({"w": torch.zeros(2)}, {"w": torch.zeros(2)}), history=[9.0]
    )
    after = [
        steps.one_step(
            start,
            lambda params, batch: (params["w"] * batch).sum(),
            lambda g: torch.rand(2, generator=g),
            outer_lr=0.1,
            generator=seeded(),
        )
        for _ in range(2)
    ]
    assert torch.equal(start.params["w"], torch.ones(2))
    assert torch.equal(after[0].params["w"], after[1].params["w"])
    assert after[0].history == after[1].history != [9.0]
    assert (start.step, after[0].step) == (0, 1)
