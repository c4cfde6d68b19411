"""A network as an ONNX file for a device without PyTorch, checked in the runtime that will read it.

ONNX (https://onnx.ai) describes a network as a graph of standard operators. Batch norm is the trap:
with `track_running_stats=False` a few-shot network normalises by whatever batch it is given, and a
device that sees one patient at a time would normalise each image by itself, which is another
network. So such layers are frozen first, at the mean and variance that they see while the support
set passes (Bronskill et al. 2020, "TaskNorm", arXiv 2003.03284, section 3, MetaBN). What is left of
them, a scale and a shift per channel, is folded into the convolution before (Jacob et al. 2018,
arXiv 1712.05877, section 3.2), which PyTorch's exporter does by itself. Group norm and running
statistics look at no other image and stay as they are.
"""

import copy
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from medmeta_ref.params import Params, forward

PACKAGES = ("onnx", "onnxscript", "onnxruntime")


class OnnxExport(NamedTuple):
    """What was written.

    Attributes:
        path: the file.
        size_in_bytes: of the file.
        largest_difference: between an output of the file and of PyTorch, over all parity checks.
    """

    path: Path
    size_in_bytes: int
    largest_difference: float


def export_onnx(
    model: nn.Module,
    params: Params,
    example_x: Tensor,
    path: str | Path,
    *,
    statistics_from: Tensor | None = None,
    tolerance: float = 1e-4,
) -> OnnxExport:
    """Write the network in evaluation mode to an ONNX file, and return how far its answers are off.

    The file takes "images", float32 `[n, ...]` for any n, and gives "outputs". ONNX Runtime and
    PyTorch are compared on the example, on one image, on more than the example, and, if statistics
    are frozen, on the support set, where the network as it was is the judge. Only a file that
    passes appears at `path`; whatever stood there before is kept otherwise.

    Args:
        model: the architecture, from one tensor to one tensor. Not changed.
        params: name -> float32 tensor, adapted to the support set if the method adapts.
        example_x: `[n, ...]`, float32: sets the size of the images, and is a parity check.
        path: the file to write, in a folder that is there.
        statistics_from: `[n_support, ...]`, float32: the support set at whose statistics batch norm
            is frozen. Networks without batch statistics ignore it.
        tolerance: the largest difference allowed in any output number.

    Raises:
        ModuleNotFoundError: if the packages of the "onnx" extra are not installed.
        ValueError: if the network normalises by the batch and `statistics_from` is missing, a
            tensor has the wrong dtype or shape, or the parameters are not the model's.
        RuntimeError: if the file's answers differ by more than `tolerance`.

    Example:
        >>> model = nn.Linear(3, 2)
        >>> params = {name: p.detach() for name, p in model.named_parameters()}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     written = export_onnx(model, params, torch.ones(4, 3), Path(folder, "linear.onnx"))
        >>> written.largest_difference < 1e-6
        True
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(
            f"export_onnx needs {', '.join(missing)}, not installed here; run: "
            'pip install "medmeta[onnx]"'
        )
    _require_floats(params, example_x, statistics_from)
    path = Path(path)
    network = _carrying(model, params).eval()
    # More than one image: a size of 1 can be taken for a constant by the exporter.
    checks = [torch.cat([example_x, example_x.flip(0), example_x[:1]]), example_x, example_x[:1]]
    judged = []
    if names := _by_batch_statistics(network):
        if statistics_from is None:
            raise ValueError(
                f"batch norm {names[0]!r} normalises by the batch at hand, so that an answer "
                "depends on the images beside it and one image alone gets nonsense; pass "
                "statistics_from=support_x to freeze it at the support set's, or train with "
                'norm="group"'
            )
        with torch.no_grad():
            judged.append((statistics_from, forward(model, params, statistics_from)))
        network = _frozen(network, statistics_from, names)
    with torch.no_grad():
        judged += [(x, network(x)) for x in checks]
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        unchecked = Path(folder, path.name)
        _write(network, checks[0], unchecked)
        largest = max(_differences(unchecked, judged))
        if not largest <= tolerance:  # nan fails too
            raise RuntimeError(
                f"ONNX Runtime and PyTorch differ by {largest:.3g} in an output, more than "
                f"tolerance={tolerance:.3g}; no file was written. Outputs far from 1 need a wider "
                "tolerance; otherwise a layer has been translated wrongly"
            )
        unchecked.replace(path)
    return OnnxExport(path, path.stat().st_size, largest)


def _require_floats(params: Params, example_x: Tensor, support_x: Tensor | None) -> None:
    tensors = {**params, "example_x": example_x}
    if support_x is not None:
        tensors["statistics_from"] = support_x
    for name, tensor in tensors.items():
        if tensor.dtype != torch.float32 or tensor.device.type != "cpu":
            raise ValueError(
                f"{name} must be float32 on the CPU, got {tensor.dtype} on {tensor.device}; "
                "images come out of as_float so, and parameters can be moved with p.float().cpu()"
            )
    if example_x.ndim < 2 or len(example_x) == 0:
        raise ValueError(f"example_x must be [n, ...] with n >= 1, got {tuple(example_x.shape)}")
    if support_x is not None and support_x.shape[1:] != example_x.shape[1:]:
        raise ValueError(
            f"statistics_from holds images of shape {tuple(support_x.shape[1:])}, example_x of "
            f"{tuple(example_x.shape[1:])}; both must be of one size"
        )


def _carrying(model: nn.Module, params: Params) -> nn.Module:
    """Return a copy of the model with these parameters as its own."""
    own = {name: p.shape for name, p in model.named_parameters()}
    given = {name: p.shape for name, p in params.items()}
    if own != given:
        odd = sorted(name for name in own | given if own.get(name) != given.get(name))
        raise ValueError(
            f"params do not fit the model: {odd[0]!r} is {tuple(given.get(odd[0], ())) or 'absent'}"
            f" in params, {tuple(own.get(odd[0], ())) or 'absent'} in the model"
        )
    network = copy.deepcopy(model)
    network.load_state_dict(params, strict=False)  # buffers stay the model's
    return network


def _by_batch_statistics(network: nn.Module) -> list[str]:
    return [
        name
        for name, layer in network.named_modules()
        if isinstance(layer, _BatchNorm) and layer.running_mean is None
    ]


def _frozen(network: nn.Module, support_x: Tensor, names: list[str]) -> nn.Module:
    """Return a copy whose batch norms keep the mean and variance that the support set shows them.

    One pass is enough: each layer sees what the layers before it make of the support set, which is
    the same before and after they are frozen.
    """
    frozen, seen = copy.deepcopy(network), dict[str, list[tuple[Tensor, Tensor]]]()

    def record(name: str) -> Any:
        def hook(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            axes = [a for a in range(inputs[0].ndim) if a != 1]
            # Over n, not n - 1: what batch norm divides by, though not what it would store.
            moments = inputs[0].mean(axes), inputs[0].var(axes, correction=0)
            seen.setdefault(name, []).append(moments)

        return hook

    handles = [frozen.get_submodule(n).register_forward_pre_hook(record(n)) for n in names]
    with torch.no_grad():
        frozen(support_x)
    for handle in handles:
        handle.remove()
    for name, moments in seen.items():
        if len(moments) > 1:
            raise ValueError(
                f"batch norm {name!r} is used {len(moments)} times in one pass, each with its own "
                "statistics; give each use a layer of its own"
            )
        layer: Any = frozen.get_submodule(name)
        layer.running_mean, layer.running_var = moments[0]
        layer.track_running_stats = True
    return frozen


def _write(network: nn.Module, x: Tensor, path: Path) -> None:
    with warnings.catch_warnings():
        # PyTorch's exporter uses parts of PyTorch that PyTorch means to remove; nothing to be done
        # from here, and the parity check tells whether the file is right.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (x,),
            path,
            dynamo=True,
            input_names=["images"],
            output_names=["outputs"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            external_data=False,
            verbose=False,
        )


def _differences(path: Path, judged: list[tuple[Tensor, Tensor]]) -> list[float]:
    import onnxruntime  # here, so that the rest of the library does without

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    answers = [torch.from_numpy(session.run(None, {"images": x.numpy()})[0]) for x, _ in judged]
    return [(a - wanted).abs().max().item() for a, (_, wanted) in zip(answers, judged, strict=True)]
