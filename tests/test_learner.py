"""`Learner` calls answers on copies, keeps what they say as notes and tells what they raise."""

import contextlib
import linecache
import logging
import os
import statistics
import sys
import warnings
from typing import NamedTuple

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from tqdm import tqdm

from medmeta_ref.grading.learner import Learner, LearnerError, NotAttempted, quiet_stderr


class Pair(NamedTuple):
    left: torch.Tensor
    right: torch.Tensor


def from_cell(source, name):
    """Return a function of a notebook cell, as IPython compiles it."""
    shell = InteractiveShell.instance()
    try:
        assert shell.run_cell(source).success
        return shell.user_ns[name]
    finally:
        InteractiveShell.clear_instance()


def from_file(source, name, path):
    """Return a function of a learner's module."""
    path.write_text(source, encoding="utf-8")
    names = {}
    exec(compile(source, str(path), "exec"), names)
    return names[name]


def failure(function, *args):
    with pytest.raises(LearnerError) as refused:
        Learner(function)(*args)
    return refused.value


def test_result_and_arguments_pass_through():
    def answer(x, y, *, scale):
        return x + y, scale

    total, scale = Learner(answer)(torch.ones(2), 3, scale="big")
    assert total.tolist() == [4, 4]
    assert scale == "big"


def test_answer_that_works_in_place_cannot_change_the_arguments():
    def answer(x, *, rows, named, pair):
        for tensor in (x, rows[0], named["w"], pair.left):
            tensor.zero_()
        rows.append(None)
        named["new"] = None

    x, row, weight = torch.ones(2), torch.ones(2), torch.ones(2)
    rows, named, pair = [row], {"w": weight}, Pair(torch.ones(2), torch.ones(2))
    Learner(answer)(x, rows=rows, named=named, pair=pair)
    for tensor in (x, row, weight, pair.left):
        assert tensor.tolist() == [1, 1]
    assert rows == [row]
    assert named == {"w": weight}


def test_copies_keep_their_kind():
    def kinds(*args):
        return [type(arg) for arg in args]

    pair = Pair(torch.ones(1), torch.ones(1))
    assert Learner(kinds)(pair, (1, 2), [1], {"a": 1}) == [Pair, tuple, list, dict]


# ---- what the answer says ----


def warn():
    warnings.warn("mind the batch", UserWarning, stacklevel=1)


def warn_of_the_future():
    warnings.warn("mind the batch", DeprecationWarning, stacklevel=1)


def print_to_stderr():
    print("mind the batch", file=sys.stderr)


def log():
    logger, handler = logging.getLogger("learner"), logging.StreamHandler()
    logger.addHandler(handler)
    logger.error("mind the batch")
    logger.removeHandler(handler)


def write_to_descriptor():
    os.write(2, b"mind the batch\n")


def progress():
    for _ in tqdm(range(50), desc="mind the batch", mininterval=0):
        pass


NOISES = (warn, warn_of_the_future, print_to_stderr, log, write_to_descriptor, progress)


@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.__name__)
def test_noise_becomes_a_note_and_does_not_reach_stderr(noise, capfd):
    learner = Learner(noise)
    with quiet_stderr() as said:
        learner()
    notes = [*learner.notes, *said]
    assert len(notes) == 1
    assert "mind the batch" in notes[0]
    assert capfd.readouterr().err == ""


def test_log_handler_that_remembers_the_stream_of_its_day_is_quiet_too(capfd):
    handler, logger = logging.StreamHandler(sys.stderr), logging.getLogger("remembers")
    logger.addHandler(handler)
    try:
        with quiet_stderr() as said:
            Learner(lambda: logger.error("mind the batch"))()
    finally:
        logger.removeHandler(handler)
    assert said == ["mind the batch"]
    assert capfd.readouterr().err == ""


def test_stderr_works_again_afterwards_even_if_something_raised(capfd):
    stream = sys.stderr
    with contextlib.suppress(ZeroDivisionError), quiet_stderr():
        raise ZeroDivisionError
    assert sys.stderr is stream
    print("seen", file=sys.stderr)
    os.write(2, b"as well\n")
    assert set(capfd.readouterr().err.split("\n")) == {"seen", "as well", ""}


def test_progress_bar_leaves_its_last_state_only():
    learner = Learner(progress)
    learner()
    (note,) = learner.notes
    assert "100%" in note
    assert "\r" not in note
    assert len(note.splitlines()) == 1


def test_same_note_is_kept_once():
    learner = Learner(warn)
    learner()
    learner()
    assert learner.notes == ["UserWarning: mind the batch"]


def test_notes_of_an_answer_that_raises_are_kept():
    def answer():
        warn()
        raise ValueError

    learner = Learner(answer)
    with pytest.raises(LearnerError):
        learner()
    assert learner.notes == ["UserWarning: mind the batch"]


def test_warning_filters_of_the_surroundings_are_neither_obeyed_nor_changed():
    # Under pytest's filters of this project a warning would be an exception.
    before = list(warnings.filters)
    Learner(warn)()
    assert warnings.filters == before


# ---- what the answer raises ----


def test_placeholder_is_not_attempted():
    def answer():
        raise NotImplementedError("your code goes here")

    with pytest.raises(NotAttempted):
        Learner(answer)()


def test_placeholder_in_another_function_of_the_learner_is_not_attempted():
    def other():
        raise NotImplementedError("your code goes here")

    with pytest.raises(NotAttempted):
        Learner(lambda: other())()


def test_not_implemented_by_torch_is_an_error_of_an_attempt():
    # torch has no softmax of integers, and says so by the exception of the placeholder.
    message = str(failure(lambda x: torch.softmax(x, 0), torch.tensor([1, 2])))
    assert message.startswith("NotImplementedError: ")
    assert "not implemented for 'Long'" in message


@pytest.mark.parametrize(
    "raised",
    [
        ValueError("n"),
        AssertionError("n"),
        SystemExit("n"),
        GeneratorExit("n"),
        MemoryError("n"),
        pytest.skip.Exception("n"),
        pytest.fail.Exception("n"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_is_raised_is_the_learners_error(raised):
    def answer():
        raise raised

    error = failure(answer)
    assert error.original is raised
    assert str(error) == f"{type(raised).__name__}: n at `raise raised`"


def test_stop_button_passes_through():
    def answer():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Learner(answer)()


def test_endless_recursion_is_an_error_with_its_line():
    def answer(n):
        return answer(n + 1)

    message = str(failure(answer, 0))
    assert message.startswith("RecursionError: ")
    assert message.endswith("at `return answer(n + 1)`")


@pytest.mark.parametrize(
    "body",
    ["torch.ones(2) @ torch.ones(3)", "torch.stack([])", "statistics.mean([])", "missing + 1"],
)
def test_quoted_line_is_the_learners_own_not_a_librarys(body, tmp_path):
    source = f"import statistics\nimport torch\n\ndef answer():\n    return {body}\n"
    function = from_file(source, "answer", tmp_path / "answer.py")
    assert str(failure(function)).endswith(f" at `return {body}`")


def test_line_of_a_notebook_cell_is_quoted():
    source = "def helper(x):\n    return 1 / x\n\ndef answer():\n    return helper(0)\n"
    message = str(failure(from_cell(source, "answer")))
    assert message == "ZeroDivisionError: division by zero at `return 1 / x`"


def test_callback_of_the_checks_is_not_quoted_as_the_learners():
    # `statistics` is no installed package; the line of the learner is the one that called it.
    def answer(callback):
        return callback([])

    assert str(failure(answer, statistics.mean)).endswith("at `return callback([])`")


def test_error_without_source_is_told_without_a_line():
    names = {}
    exec("def answer():\n    return 1 / 0\n", names)
    linecache.clearcache()
    assert str(failure(names["answer"])) == "ZeroDivisionError: division by zero"


def test_function_called_with_the_wrong_arguments_is_an_error():
    assert str(failure(lambda x: x)).startswith("TypeError: ")


# ---- gradients ----


def cubic(x, y, *, scale):
    return scale * (x**3 * y).sum()


def test_gradient_is_the_derivative_by_hand():
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0])
    learner = Learner(cubic)
    assert learner.gradient(x, y, wrt=0, scale=2.0).tolist() == [2 * 3 * 1 * 3, 2 * 3 * 4 * 5]
    assert learner.gradient(x, y, wrt=1, scale=2.0).tolist() == [2 * 1, 2 * 8]
    assert not x.requires_grad
    assert x.grad is None


def test_gradient_of_an_argument_that_is_cut_off_is_none():
    learner = Learner(lambda x, y: (x * y.detach()).sum())
    assert learner.gradient(torch.ones(2), torch.ones(2), wrt=1) is None
    assert learner.gradient(torch.ones(2), torch.ones(2), wrt=0).tolist() == [1, 1]


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: x.detach().sum(),
        lambda x: torch.tensor(x.sum().item()),
        torch.no_grad()(lambda x: x.sum()),
    ],
    ids=["detach", "item", "no_grad"],
)
def test_result_cut_off_from_everything_names_the_suspects(answer):
    with pytest.raises(AssertionError) as refused:
        Learner(answer).gradient(torch.ones(2), wrt=0)
    assert str(refused.value) == (
        "Your result is cut off from its inputs, so nothing could be trained with it. "
        "Look for .item(), .detach(), torch.no_grad() or torch.tensor(...)."
    )


@pytest.mark.parametrize("answer", [lambda x: x, lambda x: 1.0, lambda x: None])
def test_gradient_of_what_is_no_scalar_tensor_says_so(answer):
    with pytest.raises(AssertionError) as refused:
        Learner(answer).gradient(torch.ones(2), wrt=0)
    assert str(refused.value) == "A tensor without axes (a scalar loss) was expected."


def overwrites(x):
    power = x.exp()
    total = power.sum()
    power += 1  # exp needs its own result to find its derivative
    return total


def goes_backward(x):
    total = (x**2).sum()
    total.backward()
    return total


@pytest.mark.parametrize("answer", [overwrites, goes_backward])
def test_backward_pass_that_fails_is_the_learners_error(answer):
    with pytest.raises(LearnerError, match=r"^RuntimeError: "):
        Learner(answer).gradient(torch.ones(2), wrt=0)


def test_gradient_hands_out_placeholders_and_errors_as_calling_does():
    def placeholder(x):
        raise NotImplementedError

    with pytest.raises(NotAttempted):
        Learner(placeholder).gradient(torch.ones(2), wrt=0)
    with pytest.raises(LearnerError, match="ZeroDivisionError"):
        Learner(lambda x: 1 / 0).gradient(torch.ones(2), wrt=0)


def test_quiet_stderr_yields_a_list_that_fills_at_the_end():
    with quiet_stderr() as notes:
        os.write(2, b"later\n")
        assert notes == []
    assert notes == ["later"]
