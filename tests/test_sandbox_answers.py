"""What comes back from a sandbox whose every part the learner may have changed."""

import copy
import io
import math
import random

import pytest
import torch

from medmeta_ref.grading.sandbox.adapters import ADAPTERS
from medmeta_ref.grading.sandbox.asking import Ended
from medmeta_ref.grading.sandbox.confine import Limits
from medmeta_ref.grading.sandbox.forms import fits
from medmeta_ref.grading.sandbox.messages import as_exception
from medmeta_ref.grading.sandbox.own_memory import at_most
from medmeta_ref.grading.sandbox.remote import Submission
from medmeta_ref.grading.sandbox.wire import pack, read_frame
from medmeta_ref.grading.spec_runner import exercises, run_specs

X, W = torch.ones(3, 2), torch.ones(2)


def loss(x, w):
    return (x @ w).square().sum()


def sum_of(params, **_):
    return sum(p.sum() for p in params.values())


def honest():
    """Return adapter -> (result, arguments, settings), by the adapters themselves."""
    x, w = X.clone(), W.clone()
    theta = {"a": W.clone(), "b": X.clone()}
    calls = {
        "gradient": (loss, (x, w), {"wrt": 1}),
        "grad": (loss, (x, w), {"wrt": [0, 1]}),
        "meta_gradient": (lambda p: {k: 2 * v for k, v in p.items()}, (theta,), {"outer": sum_of}),
        "first_items": (lambda: iter(range(9)), (), {"n_items": 3}),
        "module": (lambda: torch.nn.Linear(2, 1), (), {"weights": None, "inputs": (X,)}),
        "call": (loss, (x, w), {}),
        "made_function": (lambda: loss, (), {"inputs": (X, W)}),
    }
    return {
        name: (ADAPTERS[name](function, *args, **settings), args, settings)
        for name, (function, args, settings) in calls.items()
    }


# The other adapters have no form yet: what they return is judged by the values alone.
@pytest.mark.parametrize("adapter", sorted(honest()))
def test_what_an_adapter_returns_fits_it(adapter):
    result, args, settings = honest()[adapter]
    assert fits(adapter, result, args, settings)


LIES = (None, 1, "x", [], {}, (), (1, 2), (X, [X]), (X.sum(), X), [1, 2, 3, 4], (X.sum(), {1: W}))


@pytest.mark.parametrize("adapter", sorted(set(honest()) - {"call", "made_function"}))
def test_what_it_never_returns_does_not(adapter):
    _, args, settings = honest()[adapter]
    lies = [lie for lie in LIES if not (adapter == "gradient" and lie is None)]
    fitting = [lie for lie in lies if fits(adapter, lie, args, settings)]
    assert fitting == ([[]] if adapter == "first_items" else [])


def test_gradients_of_another_shape_do_not_fit():
    assert not fits("gradient", X, (X, W), {"wrt": 1})
    assert not fits("grad", (X.sum(), [X, X]), (X, W), {"wrt": [0, 1]})
    assert fits("grad", (X.sum(), [None, W]), (X, W), {"wrt": [0, 1]})
    theta = ({"a": W, "b": X},)
    assert not fits("meta_gradient", (X.sum(), {"b": X, "a": X}), theta, {})
    assert not fits("meta_gradient", (X.sum(), {"a": X, "b": X}), theta, {})


# ---- a worker that answers anything at all ----

ATOMS = (
    None, True, False, 0, 1, -1, 7, 2**70, 0.5, "", "x", "ok", "call", [], {}, [[]], {"a": 1},
    {"tensor": 0}, {"tensor": 1}, {"tensor": 9}, {"tensor": "0"}, {"float": "nan"}, {"float": []},
    {"tuple": [1, {"tensor": 0}]}, {"set": [1, [2]]}, {"dict": [["a", 1], ["moving teacher", []]]},
    {"dict": [[[], 1]]}, {"dict": [[{"tensor": 0}, {"opaque": "y"}]]}, {"dict": 3}, {"opaque": []},
    {"record": ["N", ["gradient", "any", "shape"], [1, {"tensor": 0}, []]]},
    {"record": [1, 2]}, {"opaque": "Tensor"}, {"fn": ["linear", []]}, {"gen": 0}, {"callback": 0},
)  # fmt: skip
FIELDS = {
    "status": (
        "ok",
        "ok",
        "ok",
        "raised",
        "refused",
        "function",
        "missing",
        "callback",
        3,
        [],
        None,
    ),
    "value": ATOMS,
    "type": ("AssertionError", "NotImplementedError", "KeyboardInterrupt", "x", "", *ATOMS[:8]),
    "base": ("AssertionError", "NotImplementedError", "SystemExit", "print", *ATOMS[:8]),
    "message": ("x", "\x1b[2J", *ATOMS),
    "cell": ("soft_targets", "", "x", *ATOMS),
    "line": ATOMS,
    "code": ("cut off", "no module", *ATOMS),
    "notes": ([], ["x"], [1], *ATOMS),
}
TENSORS = (
    torch.zeros(()), torch.ones((), dtype=torch.bool), torch.zeros(5, 3), torch.zeros(10**6, 0),
    torch.zeros([1] * 32), torch.tensor([math.nan]), torch.zeros(2, 8, dtype=torch.float16),
)  # fmt: skip


class Liar:
    """A worker that answers the first questions as it should, and then at random."""

    def __init__(self, choose, honest):
        self.choose, self.honest = choose, honest

    def ask(self, question, tensors, **_):
        self.honest -= 1
        if self.honest >= 0 and question["do"] != "call":
            status = "function" if question["do"] == "get" else "ok"
            return {"status": status, "value": None, "id": "", "notes": []}, []
        fields = [name for name in FIELDS if self.choose.random() < 0.8]
        answer = {name: self.choose.choice(FIELDS[name]) for name in ("status", *fields)}
        sent = pack(copy.deepcopy(answer), self.choose.choices(TENSORS, k=2))
        return read_frame(io.BytesIO(sent).read)

    def stop(self):
        return Ended(0, 0.0)


@pytest.mark.parametrize("seed", range(200))
def test_whatever_a_worker_answers_there_is_a_verdict_and_no_broken_spec(seed):
    choose = random.Random(seed)
    honest = choose.choice((0, 20, 10**6))
    names = [name for name in exercises() if name.startswith("03.")]
    cells = {name.partition(".")[2]: "x = 1" for name in names}
    limits = Limits(deaths=choose.choice((1, 100)))
    held = Submission(cells, lambda: Liar(choose, honest), preamble="", limits=limits)
    answers = {name: held.answer(name.partition(".")[2]) for name in names}
    results = run_specs(answers, seed=lambda test: len(test))
    assert sum(result.points for result in results) == 0


@pytest.mark.parametrize(
    "greedy",
    [
        lambda: "x" * (1 << 32),
        lambda: [0] * (1 << 30),
        lambda: torch.zeros(1 << 31),
        lambda: torch.zeros(1000, 1, 1) + torch.zeros(1, 1000, 1) + torch.zeros(1000),
    ],
)
def test_allocation_beyond_the_limit_fails_and_the_next_one_succeeds(greedy):
    with at_most(256), pytest.raises((MemoryError, RuntimeError)):
        greedy()
    assert torch.empty(1 << 29, dtype=torch.uint8).nbytes == 1 << 29


def test_what_is_allowed_is_allowed_and_limits_and_threads_are_as_before():
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS), torch.get_num_threads()
    with at_most(256):
        assert torch.ones(1 << 24).sum() == 1 << 24  # 64 MiB
    with pytest.raises(KeyError), at_most(256):
        raise KeyError
    assert (resource.getrlimit(resource.RLIMIT_AS), torch.get_num_threads()) == before


def test_exception_keeps_its_name_and_its_builtin_kind():
    told = as_exception("Wrong", "no", "AssertionError")
    assert isinstance(told, AssertionError)
    assert (type(told).__name__, str(told)) == ("Wrong", "no")
    assert type(as_exception("AssertionError", "no", "AssertionError")) is AssertionError


@pytest.mark.parametrize("base", ["", "BaseException", "SystemExit", "int", "eval", "__import__"])
def test_base_that_is_no_exception_is_not_used(base):
    assert type(as_exception("NotAttempted", "x", base)).__mro__[1] is Exception


def test_exceptions_that_want_more_arguments_are_told_by_name():
    assert type(as_exception("UnicodeDecodeError", "x", "UnicodeDecodeError")).__name__ == (
        "UnicodeDecodeError"
    )
