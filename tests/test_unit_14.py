"""Unit 14 gives full points to right answers, however they are written."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from medmeta_ref import devices
from medmeta_ref.grading.spec_runner import run_spec


def cost_of_the_library(layers, shape):
    """By the reference library, on layers of PyTorch."""
    made, channels, x = [], shape[0], torch.zeros(1, *shape)
    for kind, size, *more in layers:
        if kind == "pool":
            layer = nn.Sequential(nn.MaxPool2d(size))
        elif kind == "conv":
            kernel, stride, padding, groups = more
            layer = nn.Conv2d(channels, size, kernel, stride, padding, groups=groups)
        else:
            layer = nn.Sequential(nn.Flatten(), nn.Linear(x.numel(), size))
        x = layer(x)
        channels = x.shape[1]
        made.append(layer)
    model = nn.Sequential(*made)
    params = dict(model.named_parameters())
    image = torch.zeros(1, *shape)
    return devices.count_parameters(params), devices.count_macs(model, params, image)


def cost_by_places(layers, shape):
    """By listing the places where a kernel may stand."""

    def places(size, kernel, stride, padding):
        return len(range(0, size + 2 * padding - kernel + 1, stride))

    stored, used = [], []
    for kind, size, *more in layers:
        n_in, high, wide = shape
        if kind == "pool":
            shape = n_in, places(high, size, size, 0), places(wide, size, size, 0)
            continue
        # A linear layer is a convolution whose kernel is the whole picture.
        kernel, stride, padding, groups = more if kind == "conv" else (None, 1, 0, 1)
        area = high * wide if kernel is None else kernel**2
        down = 1 if kernel is None else places(high, kernel, stride, padding)
        across = 1 if kernel is None else places(wide, kernel, stride, padding)
        stored.append(size * (n_in // groups * area + 1))
        used.append(size * (n_in // groups) * area * down * across)
        shape = size, down, across
    return torch.tensor(sum(stored)), float(sum(used))


def int8_of_the_library(weight):
    values, scale = devices.quantize_int8(weight, axis=0)
    return values, scale.flatten()


def int8_by_loop(weight):
    """Channel after channel, in NumPy."""
    values, scales = [], []
    for channel in weight.numpy():
        step = np.abs(channel).max() / 127 or 1.0
        values.append(np.rint(channel / step).astype(np.int8))
        scales.append(step)
    return [torch.from_numpy(np.stack(values)), torch.tensor(scales, dtype=weight.dtype)]


def int8_in_float32(weight):
    """In single precision, as a device would."""
    return int8_of_the_library(weight.float())


def floats_of_the_library(values, scale):
    scale = scale.reshape(-1, *[1] * (values.ndim - 1))
    return devices.dequantize(devices.Quantized(values, scale))


def floats_by_einsum(values, scale):
    return torch.einsum("o...,o->o...", values.to(scale.dtype), scale)


def fold_by_unit_inputs(weight, mean, variance, gamma, beta, *, eps):
    """From what PyTorch's batch norm makes of 0 and of 1 in each channel."""
    norm = nn.BatchNorm1d(len(mean), eps=eps).double().eval()
    state = {"weight": gamma, "bias": beta, "running_mean": mean, "running_var": variance}
    norm.load_state_dict(state | {"num_batches_tracked": torch.tensor(0)})
    with torch.no_grad():
        bias, one = norm(torch.stack([torch.zeros_like(mean), torch.ones_like(mean)]))
    return (weight.movedim(0, -1) * (one - bias)).movedim(-1, 0), bias


def fold_in_place(weight, mean, variance, gamma, beta, *, eps):
    for channel in range(len(weight)):
        factor = float(gamma[channel]) / math.sqrt(float(variance[channel]) + eps)
        weight[channel] *= factor
        beta[channel] -= mean[channel] * factor
    return weight, beta


def parity_by_rows(expected, got, *, tolerance):
    """Row after row, with nan and infinity caught by their sum."""
    largest, changed = 0.0, 0
    for row, other in zip(expected, got, strict=True):
        off = (row - other).abs().sum().isfinite()
        largest = max(largest, float((row - other).abs().max()) if off else math.inf)
        changed += 1 if not off or row.argmax() != other.argmax() else 0
    return largest, changed, largest <= tolerance


def parity_in_numpy(expected, got, *, tolerance):
    gaps = np.nan_to_num(np.abs(expected.numpy() - got.numpy()), nan=np.inf, posinf=np.inf)
    sound = np.isfinite(gaps).all(1)
    same = sound & (expected.numpy().argmax(1) == got.numpy().argmax(1))
    return gaps.max().item(), len(same) - int(same.sum()), bool(gaps.max() <= tolerance)


def latency_in_numpy(seconds, *, n_warm_up):
    times = 1e3 * np.array(seconds[n_warm_up:])
    slow_end = np.quantile(times, 0.95, method="inverted_cdf")
    return float(np.median(times)), float(slow_end)


def latency_in_torch(seconds, *, n_warm_up):
    times = torch.tensor(seconds, dtype=torch.float64)[n_warm_up:].sort().values * 1000
    return times.quantile(0.5), times[-(-95 * len(times) // 100) - 1]


def test_by_many_weights(quantise):
    """Another way to test: random weights, and the definition of the scale."""
    generator = torch.Generator().manual_seed(5)
    for sizes in ((3, 8), (5, 4)):
        weight = torch.randn(*sizes, generator=generator)
        weight[1] *= 1e-3
        weight[0] = 0
        weight[2] = -weight[2].abs()
        values, scale = quantise(weight)
        wanted = torch.where(weight.any(1), weight.abs().amax(1) / 127, torch.ones(len(weight)))
        assert torch.allclose(scale, wanted)
        assert (weight - values * scale[:, None]).abs().le(0.501 * scale[:, None]).all()


test_by_many_weights.__test__ = False

VARIANTS = {
    "network_cost": (cost_of_the_library, cost_by_places),
    "to_int8": (int8_of_the_library, int8_by_loop, int8_in_float32),
    "from_int8": (floats_of_the_library, floats_by_einsum),
    "fold_batch_norm": (fold_by_unit_inputs, fold_in_place),
    "parity_report": (parity_by_rows, parity_in_numpy),
    "latency_report": (latency_in_numpy, latency_in_torch),
    "int8_test": (test_by_many_weights,),
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "function"), [(name, f) for name, each in VARIANTS.items() for f in each]
)
def test_right_answer_written_differently_gets_every_point(name, function, seed):
    result = run_spec(f"14.{name}", function, seed=seed)
    assert result.points == result.max_points, result
