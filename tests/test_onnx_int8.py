"""`onnx_int8` judged by what ONNX Runtime makes of the file, and by the bytes on the disk."""

import pytest
import torch

from medmeta_ref.backbones import ConvNet
from medmeta_ref.devices import fake_quantised, quantize_params, size_in_bytes
from medmeta_ref.onnx_export import export_onnx
from medmeta_ref.params import forward, initial_params

pytest.importorskip("onnxscript")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from medmeta_ref.onnx_int8 import store_in_int8  # noqa: E402


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return model, float parameters, images, and the float and the int8 file."""
    model = ConvNet(3, (24, 48), n_outputs=5, norm="group")
    params = initial_params(model, generator=torch.Generator().manual_seed(0))
    images = torch.randn(6, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    folder = tmp_path_factory.mktemp("onnx")
    floats, small = folder / "floats.onnx", folder / "int8.onnx"
    export_onnx(model, fake_quantised(params), images, floats)
    assert store_in_int8(floats, small, params) == small.stat().st_size
    return model, params, images, floats, small


def test_the_file_answers_as_the_rounded_network_does(written):
    model, params, images, _, small = written
    session = onnxruntime.InferenceSession(str(small), providers=["CPUExecutionProvider"])
    for some in (images, images[:1]):
        got = torch.from_numpy(session.run(None, {"images": some.numpy()})[0])
        with torch.no_grad():
            want = forward(model, fake_quantised(params), some)
            unrounded = forward(model, params, some)
        assert (got - want).abs().max() < 1e-5
        assert (got - unrounded).abs().max() > 1e-4


def test_weights_take_one_byte_each_in_the_file(written):
    _, params, _, floats, small = written
    weights = {name: p for name, p in params.items() if p.ndim > 1}
    numbers = size_in_bytes(quantize_params(params))
    assert numbers < small.stat().st_size < numbers + 6000  # the graph, and names
    assert floats.stat().st_size > size_in_bytes(params)
    kinds = {each.name: each.data_type for each in onnx.load(str(small)).graph.initializer}
    assert all(kinds[f"{name}.int8"] == onnx.TensorProto.INT8 for name in weights)
    assert not set(weights) & set(kinds)


def test_the_file_does_not_tell_where_it_was_made(written):
    _, _, _, floats, small = written
    assert b".py" in floats.read_bytes()
    assert b".py" not in small.read_bytes()


def test_file_of_other_weights_is_refused(written, tmp_path):
    model, params, images, floats, _ = written
    others = {name: 1.5 * p for name, p in params.items()}
    with pytest.raises(ValueError, match=r"is not the rounded weight of params; export fake"):
        store_in_int8(floats, tmp_path / "x.onnx", others)
    export_onnx(model, params, images, tmp_path / "unrounded.onnx")
    with pytest.raises(ValueError, match="fake_quantised"):
        store_in_int8(tmp_path / "unrounded.onnx", tmp_path / "x.onnx", params)
    assert not (tmp_path / "x.onnx").exists()
