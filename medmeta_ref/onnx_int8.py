"""The weights of an ONNX file in 8 bits: about a quarter of the bytes, and the same answers.

Only what is stored changes. Each int8 weight passes through ONNX's operator DequantizeLinear
(https://onnx.ai) before it is used, so that the products are still of floats, and a file differs
from its float version by nothing but rounding in the last digits. That spares memory and transfer;
for int8 arithmetic the activations have to be quantised as well, which needs calibration images.

The exporter also writes down, for every operator, where in whose Python files it came from. A
device has no use for that, and neither has anybody to whom the file is given: it is left out.
"""

from pathlib import Path

import numpy as np

from medmeta_ref.devices import Quantized, dequantize, quantize_params
from medmeta_ref.params import Params


def store_in_int8(source: str | Path, target: str | Path, params: Params) -> int:
    """Write the network of `source` with its weights in int8 to `target`; return the file's bytes.

    Args:
        source: a file that `export_onnx` has written from `fake_quantised(params)`, so that its
            weights are multiples of their scales already and nothing is rounded here.
        target: the file to write.
        params: name -> float32 tensor, before rounding.

    Raises:
        ValueError: if a weight of `params` is not in the file, or has another value there.
    """
    import onnx  # here, so that the rest of the library does without
    from onnx import helper, numpy_helper

    network = onnx.load(str(source))
    graph = network.graph
    there = {each.name: each for each in graph.initializer}
    nodes = []
    for name, stored in quantize_params(params).items():
        if not isinstance(stored, Quantized):
            continue
        rounded = dequantize(stored).numpy()
        if name not in there or not np.array_equal(numpy_helper.to_array(there[name]), rounded):
            raise ValueError(
                f"{name!r} in {source} is not the rounded weight of params; export "
                "fake_quantised(params) first, and pass the same params here"
            )
        graph.initializer.remove(there[name])
        parts = f"{name}.int8", f"{name}.scale"
        for part, tensor in zip(parts, (stored.values, stored.scale.flatten()), strict=True):
            graph.initializer.append(numpy_helper.from_array(tensor.contiguous().numpy(), part))
        # Under the weight's own name, so that what reads it need not be told.
        nodes.append(helper.make_node("DequantizeLinear", parts, [name], axis=0))
    for node in reversed(nodes):
        graph.node.insert(0, node)
    for part in (network, graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.checker.check_model(network, full_check=True)
    return Path(target).write_bytes(network.SerializeToString())
