"""`assert_agrees`: nothing passes that is not the value, and the message leads to the mistake."""

import itertools

import numpy as np
import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees

WANT = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype=torch.float64)


class Obliging:
    """Equal to everything, close to everything, of every shape."""

    shape, ndim, dtype = WANT.shape, WANT.ndim, WANT.dtype

    def __eq__(self, other):
        return True

    __hash__ = object.__hash__

    def __array__(self, dtype=None, copy=None):
        return WANT.numpy()

    def __getattr__(self, name):
        return lambda *args, **kwargs: True


class ObligingTensor(torch.Tensor):
    """A tensor that says yes to every question torch asks about it."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return True


def complaint(got, want=WANT, **settings):
    """Return the message about a wrong value."""
    with pytest.raises(AssertionError) as refused:
        assert_agrees(got, want, **{"mistakes": {}, "look_at": "Look at dim."} | settings)
    return str(refused.value)


def accepted(got, want=WANT, **settings):
    assert_agrees(got, want, **{"mistakes": {}, "look_at": ""} | settings)
    return True


@pytest.mark.parametrize(
    ("got", "name"),
    [
        (Obliging(), "Obliging"),
        (torch.ones(2, 3).as_subclass(ObligingTensor), "ObligingTensor"),
        (WANT.numpy(), "ndarray"),
        (WANT.tolist(), "list"),
        ((WANT,), "tuple"),
        ("right", "str"),
        (1.0, "float"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_tensor_is_refused_by_its_name(got, name):
    assert complaint(got) == (
        f"A tensor of shape (2, 3) was expected, your function returned {name}."
    )


def test_none_asks_for_the_return_statement():
    assert complaint(None).endswith("returned NoneType. Is the return statement missing?")


@pytest.mark.parametrize("got", [True, np.float64(1.0), np.float32(1.0), 1 + 0j, "1.0"])
def test_only_pythons_own_numbers_stand_for_a_tensor_without_axes(got):
    name = type(got).__name__
    assert complaint(got, 1.0) == (
        f"A tensor of shape () was expected, your function returned {name}."
    )


@pytest.mark.parametrize(
    "got", [2, 2.0, torch.tensor(2), torch.tensor(2.0), torch.tensor(2.0).double()]
)
def test_number_passes_for_a_tensor_without_axes(got):
    assert accepted(got, 2.0)
    assert accepted(got, torch.tensor(2.0))


def test_parameter_and_value_with_gradient_pass():
    assert accepted(torch.nn.Parameter(WANT.clone()))
    assert accepted(WANT.clone().requires_grad_() * 1)


@pytest.mark.parametrize("shape", [(3, 2), (6,), (1, 2, 3), (2, 1), ()])
def test_wrong_shape_names_both_shapes(shape):
    message = complaint(torch.ones(shape))
    assert message == f"Shape (2, 3) was expected, yours is {shape}. Look at dim."


def test_shape_is_not_broadcast():
    message = complaint(torch.ones(2, 1), torch.ones(2, 3))
    assert message.startswith("Shape (2, 3) was expected, yours is (2, 1).")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_result_that_is_not_finite_says_so(bad):
    got = WANT.clone()
    got[1, 2] = bad
    said = "Your result holds nan or infinite values. Look at dim."
    assert complaint(got) == said
    assert complaint(bad, 1.0) == said


@pytest.mark.parametrize("huge", [10**400, -(10**400)], ids=["positive", "negative"])
def test_integer_beyond_every_float_is_the_learners_mistake_not_a_crash(huge):
    assert "infinite" in complaint(huge, 1.0)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128, torch.bool])
def test_complex_and_boolean_tensors_are_no_real_numbers(dtype):
    message = complaint(torch.ones(2, 3, dtype=dtype), torch.ones(2, 3))
    assert message == f"Real numbers were expected, yours are {dtype}. Look at dim."


@pytest.mark.parametrize(
    "got",
    [
        WANT.to_sparse(),
        torch.empty(2, 3, device="meta"),
    ],
    ids=["sparse", "meta"],
)
def test_tensor_that_cannot_be_compared_is_refused_in_words(got):
    assert complaint(got) == "An ordinary tensor was expected, yours is not. Look at dim."


def test_right_value_in_float32_passes_and_in_float16_does_not():
    exact = torch.softmax(torch.linspace(-3, 3, 24, dtype=torch.float64).view(4, 6), 1)
    assert accepted(exact.float(), exact)
    assert complaint(exact.half(), exact).startswith("At [")


def test_want_is_compared_in_full_precision():
    # As a float32, 16777217 would be 16777216.
    assert "Expected" in complaint(16777216.0, 16777217.0, rtol=0, atol=0.5)


def test_tolerance_is_relative_plus_absolute():
    assert accepted(torch.tensor(100.09), 100.0, rtol=1e-3, atol=0.0)
    assert complaint(torch.tensor(100.11), 100.0, rtol=1e-3, atol=0.0)
    assert accepted(torch.tensor(0.009), 0.0, rtol=0.0, atol=0.01)
    assert complaint(torch.tensor(0.011), 0.0, rtol=0.0, atol=0.01)


def test_named_mistake_is_named_and_takes_the_place_of_the_advice():
    mistakes = {"It is doubled.": 2 * WANT, "The sign is reversed.": -WANT}
    assert complaint(-WANT, mistakes=mistakes) == (
        "At [1, 2]: expected 6, got -6. The sign is reversed."
    )
    assert complaint(3 * WANT, mistakes=mistakes).endswith("got 18. Look at dim.")


def test_first_of_two_fitting_mistakes_is_named():
    message = complaint(4.0, 2.0, mistakes={"Doubled.": 4.0, "Squared.": torch.tensor(4.0)})
    assert message == "Expected 2, got 4. Doubled."


@pytest.mark.parametrize("value", [float("nan"), torch.ones(5), torch.ones(2, 1)])
def test_mistake_that_is_no_fitting_value_is_passed_over(value):
    assert complaint(torch.ones(2, 3), mistakes={"Never.": value}).endswith("Look at dim.")


def test_right_value_passes_even_if_a_mistake_gives_the_same():
    assert accepted(WANT.clone(), mistakes={"Same.": WANT})


@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 3, 4), (2, 1, 3, 2)])
def test_position_is_where_the_difference_is_largest(shape):
    generator = torch.Generator().manual_seed(sum(shape))
    want, got = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
    largest, where = -1.0, None
    for index in itertools.product(*map(range, shape)):
        if abs(got[index].item() - want[index].item()) > largest:
            largest, where = abs(got[index].item() - want[index].item()), index
    assert complaint(got, want) == (
        f"At {list(where)}: expected {want[where].item():.6g}, got {got[where].item():.6g}. "
        "Look at dim."
    )


def test_arguments_are_left_as_they_were():
    got, want = torch.ones(2, requires_grad=True), torch.zeros(2)
    complaint(got, want)
    assert got.requires_grad
    assert got.dtype == want.dtype == torch.float32
