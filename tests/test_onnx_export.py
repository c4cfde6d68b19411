"""The file is read by ONNX Runtime and judged by plain numpy in float64, layer by layer.

Exporting takes seconds, so that a few files are written once and looked at from many sides.
"""

import copy
import shutil
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from medmeta_ref import devices, onnx_export
from medmeta_ref.backbones import ConvNet
from medmeta_ref.onnx_export import export_onnx
from medmeta_ref.params import forward

WIDTHS, N_OUTPUTS, SIDE = (4, 6), 3, 12
EPS = 1e-5  # PyTorch's, of batch norm and of group norm


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n, seed=0, spread=1.0):
    return torch.randn(n, 1, SIDE, SIDE, generator=seeded(seed)) * spread + 0.3


def trained_like(model):
    """Return parameters of which none is 0 or 1 by habit: scales of both signs, shifts, biases."""
    drawn = {
        name: torch.randn(p.shape, generator=seeded(i)) * 0.6
        for i, (name, p) in enumerate(model.named_parameters())
    }
    return {name: p + 0.8 if p.ndim == 1 else p for name, p in drawn.items()}


BATCH_MODEL = ConvNet(1, WIDTHS, n_outputs=N_OUTPUTS)
GROUP_MODEL = ConvNet(1, WIDTHS, n_outputs=N_OUTPUTS, norm="group")
BATCH, GROUP = trained_like(BATCH_MODEL), trained_like(GROUP_MODEL)
SUPPORT, QUERY = images(6, seed=1), images(9, seed=2, spread=2.0)


def outputs(path, x):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"images": x.numpy()})[0]


# The judge: ConvNet by hand. `moments` says by what a layer normalises.


def convolved(x, weight):
    """Return the 3x3 correlation with a border of zeros, `[n, out, height, width]`."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    patches = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return np.einsum("nihwkl,oikl->nohw", patches, weight)


def by_hand(params, support, query, moments, *, eps=EPS):
    p = {name: value.double().numpy() for name, value in params.items()}
    support, query = support.double().numpy(), query.double().numpy()
    for block in range(len(WIDTHS)):
        name = f"blocks.{block}"
        s, q = (convolved(x, p[f"{name}.0.weight"]) for x in (support, query))
        scale, shift = (p[f"{name}.1.{k}"][:, None, None] for k in ("weight", "bias"))
        both = []
        for x in (s, q):
            mean, var = moments(s, x)
            y = (x - mean) / np.sqrt(var + eps) * scale + shift
            n, c, h, w = y.shape
            both.append(np.maximum(y.reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5)), 0))
        support, query = both
    return query.mean((2, 3)) @ p["head.weight"].T + p["head.bias"]


def over(axes, ddof=0):
    return lambda x: (x.mean(axes, keepdims=True), x.var(axes, keepdims=True, ddof=ddof))


of_channels, of_images = over((0, 2, 3)), over((1, 2, 3))


def frozen_at_support(support, _x):
    return of_channels(support)


def alone(_support, x):
    return of_images(x)


def assert_is_the_frozen_network(function):
    """Judge `function(support, query)`, outputs of the batch-norm network, on single images too."""
    for query in (QUERY, QUERY[:1], QUERY[4:6]):
        wanted = by_hand(BATCH, SUPPORT, query, frozen_at_support)
        assert np.abs(function(SUPPORT, query) - wanted).max() < 1e-4


def other_moments(moments, **settings):
    return lambda support, query: by_hand(BATCH, support, query, moments, **settings)


def without(kind, value):
    params = {n: torch.full_like(p, value) if n.endswith(kind) else p for n, p in BATCH.items()}
    return lambda support, query: by_hand(params, support, query, frozen_at_support)


WRONG = {
    "by the query batch": other_moments(lambda s, x: of_channels(x)),
    "by support and query": other_moments(lambda s, x: of_channels(np.concatenate([s, x]))),
    "each image by itself": other_moments(lambda s, x: over((2, 3))(x)),
    "as group norm": other_moments(alone),
    "not normalised": other_moments(lambda s, x: (0.0, 1.0)),
    "mean left out": other_moments(lambda s, x: (0.0, of_channels(s)[1])),
    "variance over n - 1": other_moments(lambda s, x: over((0, 2, 3), 1)(s)),
    "one mean for all channels": other_moments(lambda s, x: (s.mean(), s.var())),
    "standard deviation for variance": other_moments(
        lambda s, x: (of_channels(s)[0], np.sqrt(of_channels(s)[1]))
    ),
    "eps of 0.1": other_moments(frozen_at_support, eps=0.1),
    "scale left out": without("1.weight", 1.0),
    "shift left out": without("1.bias", 0.0),
    "the first support image for all": lambda s, q: by_hand(BATCH, s[:1], q, frozen_at_support),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("onnx")


@pytest.fixture(scope="module")
def frozen(folder):
    return export_onnx(
        BATCH_MODEL, BATCH, images(4), folder / "frozen.onnx", statistics_from=SUPPORT
    )


@pytest.fixture(scope="module")
def grouped(folder):
    return export_onnx(GROUP_MODEL, GROUP, images(4), folder / "grouped.onnx")


def test_the_file_answers_as_the_network_frozen_at_the_support_set(frozen):
    assert_is_the_frozen_network(lambda support, query: outputs(frozen.path, query))


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_the_judge_tells_other_statistics(wrong):
    with pytest.raises(AssertionError):
        assert_is_the_frozen_network(wrong)


def test_an_answer_does_not_depend_on_the_images_beside_it(frozen, grouped):
    for path in (frozen.path, grouped.path):
        together = outputs(path, QUERY)
        one_by_one = np.concatenate([outputs(path, x[None]) for x in QUERY])
        assert np.abs(together - one_by_one).max() < 1e-5


def test_on_the_support_set_freezing_changes_nothing(frozen):
    """There batch statistics and frozen ones are the same numbers."""
    as_trained = forward(BATCH_MODEL, BATCH, SUPPORT).detach().numpy()
    assert np.abs(outputs(frozen.path, SUPPORT) - as_trained).max() < 1e-4


def test_the_statistics_are_folded_into_weights_and_biases_of_the_convolutions(frozen):
    graph = onnx.load(frozen.path).graph
    assert [node.op_type for node in graph.node if "Norm" in node.op_type] == []
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(convolutions) == len(WIDTHS)
    stored = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    weight, bias = (stored[name] for name in convolutions[0].input[1:])
    p = {name: value.double().numpy() for name, value in BATCH.items()}
    mean, var = of_channels(convolved(SUPPORT.double().numpy(), p["blocks.0.0.weight"]))
    factor = p["blocks.0.1.weight"] / np.sqrt(var.ravel() + EPS)
    assert np.abs(weight - p["blocks.0.0.weight"] * factor[:, None, None, None]).max() < 1e-5
    assert np.abs(bias - (p["blocks.0.1.bias"] - mean.ravel() * factor)).max() < 1e-5


@pytest.mark.parametrize("n", [1, 2, 9])
def test_a_group_norm_network_answers_as_by_hand_for_any_number_of_images(grouped, n):
    # With one group all channels and pixels of an image are normalised together.
    wanted = by_hand(GROUP, SUPPORT, QUERY[:n], alone)
    assert np.abs(outputs(grouped.path, QUERY[:n]) - wanted).max() < 1e-4


def test_the_report_is_about_the_file(frozen, grouped):
    for written in (frozen, grouped):
        assert written.size_in_bytes == written.path.stat().st_size
        n_numbers = sum(p.numel() for p in BATCH.values())
        assert written.size_in_bytes > 4 * n_numbers * 0.9  # float32, all in this one file
        assert 0 <= written.largest_difference < 1e-4


def test_a_single_example_and_batch_norm_between_linear_layers(tmp_path, capfd):
    model = nn.Sequential(
        nn.Linear(5, 4), nn.BatchNorm1d(4, track_running_stats=False), nn.Linear(4, 2)
    )
    params, support = trained_like(model), torch.randn(7, 5, generator=seeded(3))
    before = copy.deepcopy((params, model.state_dict()))
    path = tmp_path / "linear.onnx"
    export_onnx(model, params, support[:1], str(path), statistics_from=support)
    assert sorted(tmp_path.iterdir()) == [path]
    assert capfd.readouterr() == ("", "")
    after = (params, model.state_dict())
    for old, new in zip(before, after, strict=True):
        assert all(torch.equal(old[name], new[name]) for name in old)
    assert list(old) == list(new)
    assert model.training
    assert not model[1].track_running_stats

    p = {name: value.double().numpy() for name, value in params.items()}
    seen = support.double().numpy() @ p["0.weight"].T + p["0.bias"]
    query = torch.randn(3, 5, generator=seeded(4))
    hidden = query.double().numpy() @ p["0.weight"].T + p["0.bias"]
    hidden = (hidden - seen.mean(0)) / np.sqrt(seen.var(0) + EPS) * p["1.weight"] + p["1.bias"]
    wanted = hidden @ p["2.weight"].T + p["2.bias"]
    for part, answer in ((query, wanted), (query[:1], wanted[:1])):
        assert np.abs(outputs(path, part) - answer).max() < 1e-4


def test_running_statistics_are_used_and_dropout_is_off(tmp_path):
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.9), nn.Flatten(), nn.Linear(200, 2)
    )
    params = trained_like(model)
    model[1].running_mean, model[1].running_var = torch.tensor([1.0, -2]), torch.tensor([3.0, 0.5])
    path = export_onnx(model, params, images(2), tmp_path / "running.onnx").path
    p = {name: value.double().numpy() for name, value in params.items()}
    patches = np.lib.stride_tricks.sliding_window_view(QUERY.double().numpy(), (3, 3), axis=(2, 3))
    x = np.einsum("nihwkl,oikl->nohw", patches, p["0.weight"]) + p["0.bias"][:, None, None]
    mean, var = np.array([1.0, -2])[:, None, None], np.array([3.0, 0.5])[:, None, None]
    x = (x - mean) / np.sqrt(var + EPS) * p["1.weight"][:, None, None] + p["1.bias"][:, None, None]
    wanted = x.reshape(len(x), -1) @ p["4.weight"].T + p["4.bias"]
    assert np.abs(outputs(path, QUERY) - wanted).max() < 1e-3
    assert model.training


# What never becomes a file.


def test_a_network_that_normalises_by_the_batch_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"'blocks\.0\.1' normalises by the batch .* nonsense"):
        export_onnx(BATCH_MODEL, BATCH, images(4), tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []


def edited(change):
    """Return a writer of the group-norm network's file with one of its tensors changed."""

    def write(good, path):
        model = onnx.load(good)
        for initializer in model.graph.initializer:
            array = numpy_helper.to_array(initializer)
            changed = np.ascontiguousarray(change(initializer.name, array))
            initializer.CopyFrom(numpy_helper.from_array(changed, initializer.name))
        onnx.save(model, path)

    return write


def only(part, change):
    return edited(lambda name, array: change(array) if part in name else array)


WRONG_FILES = {
    "bias of the head lost": only("head.bias", np.zeros_like),
    "classes in another order": only("head", lambda a: a[::-1]),
    "kernels flipped": only("0.0.weight", lambda a: a[..., ::-1, ::-1]),
    "kernels transposed": only("0.0.weight", lambda a: a.swapaxes(2, 3)),
    "weights one per cent too large": only("head.weight", lambda a: a * np.float32(1.01)),
    "weights rounded to 16 bits": only("weight", lambda a: a.astype(np.float16).astype(np.float32)),
    "not a number": only("head.bias", lambda a: a * np.float32("nan")),
    "another network of the same shape": only("0.weight", lambda a: a + np.float32(0.1)),
}


@pytest.mark.parametrize("write", WRONG_FILES.values(), ids=WRONG_FILES.keys())
def test_a_file_that_answers_otherwise_is_not_kept(write, grouped, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "_write", lambda net, x, path: write(grouped.path, path))
    path = tmp_path / "x.onnx"
    path.write_text("what stood here before")
    with pytest.raises(RuntimeError, match=r"differ by .*, more than tolerance=0\.0001; no file"):
        export_onnx(GROUP_MODEL, GROUP, images(4), path)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["what stood here before"]


def test_the_right_file_passes_the_same_way_and_a_wider_tolerance_lets_more_through(
    grouped, tmp_path, monkeypatch
):
    path = tmp_path / "x.onnx"
    monkeypatch.setattr(onnx_export, "_write", lambda net, x, p: shutil.copy(grouped.path, p))
    assert export_onnx(GROUP_MODEL, GROUP, images(4), path).largest_difference < 1e-4
    rounded = WRONG_FILES["weights rounded to 16 bits"]
    monkeypatch.setattr(onnx_export, "_write", lambda net, x, p: rounded(grouped.path, p))
    written = export_onnx(GROUP_MODEL, GROUP, images(4), path, tolerance=0.1)
    off = np.abs(outputs(path, images(4)) - outputs(grouped.path, images(4))).max()
    assert written.largest_difference == pytest.approx(off, rel=0.5)


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(1, track_running_stats=False)

    def forward(self, x):
        return self.norm(self.norm(x) * 3)


GOOD = {"model": BATCH_MODEL, "params": BATCH, "example_x": images(2), "statistics_from": SUPPORT}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"params": {n: p.double() for n, p in BATCH.items()}}, "blocks.0.0.weight must be float"),
        ({"example_x": images(2).byte()}, r"example_x must be float32 on the CPU, got torch\.uint"),
        ({"example_x": images(2)[:0]}, r"\[n, \.\.\.\] with n >= 1, got \(0, 1, 12, 12\)"),
        ({"statistics_from": SUPPORT.double()}, "statistics_from must be float32"),
        (
            {"statistics_from": SUPPORT[..., 1:]},
            r"statistics_from holds images of shape \(1, 12, 11\), example_x of \(1, 12, 12\)",
        ),
        (
            {"params": {n: p for n, p in BATCH.items() if n != "head.bias"}},
            r"'head\.bias' is absent in params, \(3,\) in the model",
        ),
        ({"params": BATCH | {"extra": torch.ones(2)}}, r"'extra' is \(2,\) in params, absent in"),
        (
            {"params": BATCH | {"head.bias": torch.ones(4)}},
            r"'head\.bias' is \(4,\) in params, \(3,\) in the model",
        ),
        (
            {"model": Shared(), "params": trained_like(Shared())},
            "'norm' is used 2 times in one pass",
        ),
    ],
    ids=[
        "float64 parameters",
        "bytes",
        "no example",
        "float64 support",
        "support of another size",
        "parameter missing",
        "parameter too many",
        "parameter of another shape",
        "one norm used twice",
    ],
)
def test_bad_input_is_named_and_leaves_no_file(changed, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        export_onnx(**(GOOD | changed), path=tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["onnx", "onnxscript", "onnxruntime"])
def test_without_its_packages_it_says_how_to_install_them(missing, tmp_path, monkeypatch):
    there = onnx_export.find_spec
    monkeypatch.setattr(onnx_export, "find_spec", lambda n: None if n == missing else there(n))
    with pytest.raises(
        ModuleNotFoundError, match=rf'needs {missing}, not .*pip install "medmeta\[onnx\]"'
    ):
        export_onnx(**GOOD, path=tmp_path / "x.onnx")


def test_the_rest_of_the_library_does_not_load_the_packages():
    code = (
        "import sys, medmeta_ref.devices\n"
        "print([n for n in ('onnx', 'onnxscript', 'onnxruntime') if n in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"


def test_it_can_be_imported_from_devices():
    assert devices.export_onnx is export_onnx
