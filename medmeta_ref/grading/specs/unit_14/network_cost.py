"""network_cost(layers, shape) -> (parameters, multiply-accumulates)."""

import pytest
import torch

from medmeta_ref.grading.specs.unit_14._oracle import between, counted_cost, pair


def _number(got, what):
    if type(got) is torch.Tensor and got.numel() == 1 and not got.is_complex():
        got = got.item()
    # The size first: an integer of Python may be larger than any float.
    whole = type(got) is int or (type(got) is float and got.is_integer())
    assert whole, f"The number of {what} is a whole number, yours is {got!r:.60}."
    return int(got)


def _judge(yours, layers, shape, mistakes):
    """Hold both numbers against the counted ones; `mistakes` are changed layers, by sentence."""
    n_parameters, n_macs = pair(yours(layers, shape), "(parameters, MACs)")
    n_parameters, n_macs = _number(n_parameters, "parameters"), _number(n_macs, "MACs")
    want = counted_cost(layers, shape)
    here = f"This was {layers} on an image of shape {shape}."
    n_bias = sum(layer[1] for layer in layers if layer[0] != "pool")
    if (n_parameters, n_macs) == want:
        return
    if n_parameters == want[0] - n_bias:
        raise AssertionError(f"{here} Every layer has a bias for each output channel, too.")
    for sentence, changed in mistakes.items():
        if (n_parameters, n_macs) == counted_cost(changed, shape):
            raise AssertionError(f"{here} {sentence}")
    assert n_parameters == want[0], (
        f"{here} It has {want[0]} parameters, yours are {n_parameters:.6g}. A convolution stores "
        "n_out * n_in / groups * kernel * kernel weights and n_out biases."
    )
    if n_macs == want[1] + n_bias:
        raise AssertionError(f"{here} Biases are added, not multiplied: no MACs.")
    raise AssertionError(
        f"{here} It takes {want[1]} MACs, yours are {n_macs:.6g}. Each output number takes "
        "n_in / groups * kernel * kernel products; how many output numbers are there?"
    )


def _without(layers, place, value):
    """Return the layers with one of the settings of every convolution replaced."""
    return [
        (*each[:place], value, *each[place + 1 :]) if each[0] == "conv" else each for each in layers
    ]


_MISTAKES = {
    "The stride is left out: it thins out the places of the output.": (3, 1),
    "The padding is left out: it makes the output larger.": (4, 0),
    "The groups are left out: a kernel is as deep as its group, n_in // groups.": (5, 1),
}


def _tempting(layers):
    changed = {sentence: _without(layers, *how) for sentence, how in _MISTAKES.items()}
    no_pool = [each for each in layers if each[0] != "pool"]
    changed["Pooling is left out: it shrinks height and width."] = no_pool
    return {sentence: each for sentence, each in changed.items() if each != layers}


@pytest.mark.points(4)
def test_one_layer_by_itself(yours, generator):
    """A convolution with padding, one without, and a linear layer; the picture is no square."""
    channels, width = between(2, 4, generator), between(9, 12, generator)
    shape = (channels, 7, width)
    n_out = between(5, 9, generator)
    for layer in (("conv", n_out, 3, 1, 1, 1), ("conv", n_out, 5, 1, 0, 1), ("linear", n_out)):
        _judge(yours, [layer], shape, _tempting([layer]))


@pytest.mark.points(4)
def test_layers_one_after_the_other(yours, generator):
    """Strides, pooling with a remainder, and linear layers behind them."""
    for stride in (1, 2):
        a, b, n_classes = (between(3, 8, generator) for _ in range(3))
        shape = (between(1, 3, generator), 23, 27)
        layers = [
            ("conv", a, 3, stride, 1, 1),
            ("pool", 2),
            ("conv", b, 2, 1, 0, 1),
            ("pool", 3),
            ("linear", 2 * n_classes),
            ("linear", n_classes),
        ]
        _judge(yours, layers, shape, _tempting(layers))


@pytest.mark.points(4)
def test_convolutions_in_groups(yours, generator):
    """Two groups, and a convolution in two parts: each channel by itself, then 1 x 1."""
    for size in (8, 11):
        channels = 2 * between(2, 4, generator)
        n_out = 2 * between(3, 6, generator)
        for layers in (
            [("conv", n_out, 3, 1, 1, 2)],
            [("conv", channels, 3, 2, 1, channels), ("conv", n_out, 1, 1, 0, 1)],
        ):
            _judge(yours, layers, (channels, size, size + 2), _tempting(layers))
