"""Frames and values cross unchanged; what is no frame hurts nobody and is told as such."""

import json
import math
import os
import struct
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from medmeta_ref.grading.sandbox import wire
from medmeta_ref.grading.sandbox.adapters import Fn, Gen
from medmeta_ref.grading.sandbox.pipe import Closed, Late, Pipe
from medmeta_ref.grading.sandbox.values import Opaque, Record, flatten, restore
from medmeta_ref.grading.sandbox.wire import DTYPES, BadFrame, pack, read_frame


def reader(data):
    """Return a `read` over bytes; at their end the other side is gone."""
    left = bytearray(data)

    def read(length):
        if len(left) < length:
            raise Closed("no more")
        got = bytes(left[:length])
        del left[:length]
        return got

    return read


def frame(text=b"{}", blob=b"", *, mark=b"MMG1", text_length=None, blob_length=None):
    """Return a frame made by hand, so that it can lie."""
    lengths = (
        len(text) if text_length is None else text_length,
        len(blob) if blob_length is None else blob_length,
    )
    return struct.pack("!4sII", mark, *lengths) + text + blob


def blob(header, data=b"", *, length=None):
    """Return a safetensors blob made by hand."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


# ---- frames ----


def test_layout_is_twelve_bytes_then_json_then_safetensors():
    packed = pack({"a": 1}, [torch.tensor([1.0, 2.0])])
    mark, text_length, blob_length = struct.unpack("!4sII", packed[:12])
    assert mark == b"MMG1"
    assert json.loads(packed[12 : 12 + text_length]) == {"a": 1}
    held = load(packed[12 + text_length :])  # the format's own library reads it
    assert blob_length == len(packed) - 12 - text_length
    assert {name: t.tolist() for name, t in held.items()} == {"0": [1.0, 2.0]}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3, 4)], ids=str)
def test_tensors_of_every_kind_cross_bit_by_bit(dtype, shape):
    tensor = torch.testing.make_tensor(shape, dtype=dtype, device="cpu")
    message, [got] = read_frame(reader(pack({}, [tensor])))
    assert message == {}
    assert (got.dtype, got.shape) == (dtype, shape)
    assert torch.equal(got, tensor)


def test_views_and_tensors_that_share_memory_cross():
    base = torch.arange(12.0).reshape(3, 4)
    sent = [base, base.T, base[1], base[:, ::2], base[0, 0].expand(2, 2), base.requires_grad_()]
    _, got = read_frame(reader(pack({}, sent)))
    assert all(torch.equal(a, b) for a, b in zip(got, sent, strict=True))
    assert not any(t.requires_grad for t in got)


def test_nan_and_infinity_cross_in_tensors():
    tensor = torch.tensor([math.nan, math.inf, -math.inf])
    _, [got] = read_frame(reader(pack({}, [tensor])))
    assert torch.equal(got.isnan(), tensor.isnan())
    assert got[1:].tolist() == [math.inf, -math.inf]


def test_frames_follow_each_other():
    read = reader(pack({"n": 1}, [torch.ones(2)]) + pack({"n": 2}))
    assert [read_frame(read)[0]["n"] for _ in range(2)] == [1, 2]


@pytest.mark.parametrize(
    ("message", "tensors"),
    [
        ({"text": "x" * (1 << 20)}, []),
        ({}, [torch.zeros(1 << 26, dtype=torch.int8)]),
        ({}, [torch.zeros(1 << 25, dtype=torch.int8)] * 2),
        ({"n": math.nan}, []),
        ({"n": math.inf}, []),
    ],
)
def test_what_is_too_large_or_no_json_is_not_sent(message, tensors):
    with pytest.raises(ValueError, match=r"are the most that crosses|not JSON compliant"):
        pack(message, tensors)


F64 = {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}
BAD = {
    "empty header": b"\x00" * 12,
    "another mark": frame(mark=b"MMG2"),
    "pickle": b"\x80\x04\x95" + bytes(20),
    "http": b"GET / HTTP/1.1\r\n\r\n",
    "JSON too long": frame(text_length=(1 << 20) + 1),
    "4 GiB of JSON": frame(text_length=0xFFFFFFFF),
    "tensors too long": frame(blob_length=(64 << 20) + 1),
    "4 GiB of tensors": frame(blob_length=0xFFFFFFFF),
    "no JSON": frame(b"{'a': 1}"),
    "empty JSON": frame(b""),
    "a list": frame(b"[]"),
    "a number": frame(b"1"),
    "not-a-number": frame(b'{"a": NaN}'),
    "infinity": frame(b'{"a": Infinity}'),
    "infinity by overflow": frame(b'{"a": 1e999}'),
    "minus infinity": frame(b'{"a": -1e999}'),
    "no UTF-8": frame(b'{"a": "\xff"}'),
    "UTF-16": frame('{"a": 1}'.encode("utf-16")),
    "byte order mark": frame(b"\xef\xbb\xbf{}"),
    "half a character": frame(b'{"a": "\\ud800"}'),
    "half a character in a key": frame(b'{"\\udfff": 1}'),
    "half a character, deep": frame(b'{"a": [{"b": ["\\ud800"]}]}'),
    "deep list": frame(b'{"a": ' + b"[" * 500_000 + b"]" * 500_000 + b"}"),
    "deep object": frame(b'{"a": ' * 100_000 + b"1" + b"}" * 100_000),
    "endless number": frame(b'{"a": ' + b"9" * 100_000 + b"}"),
    "two values": frame(b"{} {}"),
    "trailing comma": frame(b'{"a": 1,}'),
    "no length": frame(blob=b"1234567"),
    "length beyond the blob": frame(blob=blob({}, length=1 << 40)),
    "length of all": frame(blob=blob({"0": F64}, bytes(16), length=(1 << 64) - 1)),
    "no header": frame(blob=blob(b"nothing")),
    "data too short": frame(blob=blob({"0": F64}, bytes(8))),
    "data too long": frame(blob=blob({"0": F64}, bytes(24))),
    "shape larger than data": frame(
        blob=blob({"0": F64 | {"shape": [3]}}, bytes(16)),
    ),
    "negative shape": frame(blob=blob({"0": F64 | {"shape": [-2]}}, bytes(16))),
    "overflowing shape": frame(blob=blob({"0": F64 | {"shape": [1 << 62, 1 << 62]}}, bytes(16))),
    "offsets reversed": frame(blob=blob({"0": F64 | {"data_offsets": [16, 0]}}, bytes(16))),
    "offsets outside": frame(blob=blob({"0": F64 | {"data_offsets": [1 << 40, (1 << 40) + 16]}})),
    "offsets overlap": frame(blob=blob({"0": F64, "1": F64}, bytes(16))),
    "a hole": frame(blob=blob({"0": F64 | {"data_offsets": [8, 24]}}, bytes(24))),
    "unknown dtype": frame(blob=blob({"0": F64 | {"dtype": "X64"}}, bytes(16))),
    "dtype that does not cross": frame(
        blob=blob({"0": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}, bytes(2))
    ),
    "named": frame(blob=blob({"weights": F64}, bytes(16))),
    "numbered from 1": frame(blob=blob({"1": F64}, bytes(16))),
    "header of a mebibyte": frame(
        blob=blob(
            {str(i): {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(30_000)}
        )
    ),
}  # fmt: skip


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_what_is_no_frame_is_refused(data):
    asked = []
    read = reader(data)

    def measured(length):
        asked.append(length)
        return read(length)

    with pytest.raises(BadFrame):
        read_frame(measured)
    assert max(asked) <= 64 << 20  # a liar's lengths are not believed


def test_truth_values_are_true_or_false_whatever_byte_came():
    header = {"0": {"dtype": "BOOL", "shape": [3], "data_offsets": [0, 3]}}
    _, [got] = read_frame(reader(frame(blob=blob(header, bytes([0, 1, 77])))))
    assert got.tolist() == [False, True, True]
    assert torch.equal(got, torch.tensor([False, True, True]))


def test_what_comes_in_is_a_copy_of_its_own():
    data = pack({}, [torch.zeros(2), torch.zeros(2)])
    _, (a, b) = read_frame(reader(data))
    a.fill_(1)
    assert b.tolist() == [0, 0]
    assert read_frame(reader(data))[1][0].tolist() == [0, 0]


def test_random_bytes_are_refused_or_unfinished():
    random = np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(pack({"a": [1, 2]}, [torch.ones(3), torch.ones(2).bool()]))
        for at in random.integers(len(data), size=3):
            data[at] = random.integers(256)
        try:
            read_frame(reader(bytes(data)))
        except (BadFrame, Closed):
            pass


def test_json_of_any_depth_is_read_or_refused():
    """Reading and looking for half characters have limits of their own, one level apart."""
    read = []
    for depth in range(1, 1500):
        text = b'{"a":' + b"[" * depth + b'"\\u0041"' + b"]" * depth + b"}"
        try:
            read_frame(reader(frame(text)))
            read.append(depth)
        except BadFrame:
            pass
    assert read == list(range(1, len(read) + 1))
    assert 40 < len(read) < 1400


@pytest.mark.parametrize(("dtype", "size"), [("F64", 8), ("BOOL", 1), ("I64", 8)])
def test_tensors_of_more_axes_than_torch_computes_with_are_refused(dtype, size):
    for n_axes, fine in ((wire.MAX_AXES, True), (65, False), (1000, False)):
        header = {"0": {"dtype": dtype, "shape": [1] * n_axes, "data_offsets": [0, size]}}
        data = frame(blob=blob(header, bytes(size)))
        if fine:
            [tensor] = read_frame(reader(data))[1]
            assert not tensor.any()
        else:
            with pytest.raises(BadFrame):
                read_frame(reader(data))


def test_nothing_is_unpickled(tmp_path):
    source = Path(wire.__file__).read_text(encoding="utf-8")
    assert "import pickle" not in source
    assert "torch.load" not in source


# ---- pipes with a deadline ----


@pytest.fixture
def pipes():
    """Return the near end as `Pipe`, and the far end's two descriptors."""
    (far_in, near_out), (near_in, far_out) = os.pipe(), os.pipe()
    opened = [far_in, far_out]
    near = Pipe(near_in, near_out)
    yield near, far_in, far_out, opened
    near.close()
    for descriptor in opened:
        os.close(descriptor)


def test_silence_ends_at_the_deadline(pipes):
    near, *_ = pipes
    with pytest.raises(Late):
        near.receive(time.monotonic() + 0.05)


def test_a_slow_drip_ends_at_the_deadline(pipes):
    near, _, far_out, _ = pipes
    stop = threading.Event()

    def drip():
        for byte in pack({"a": "x" * 100_000}):
            os.write(far_out, bytes([byte]))
            if stop.wait(0.005):
                return

    thread = threading.Thread(target=drip)
    thread.start()
    with pytest.raises(Late):
        near.receive(time.monotonic() + 0.3)
    stop.set()
    thread.join()


def test_writing_to_somebody_who_does_not_read_ends_at_the_deadline(pipes):
    near, *_ = pipes
    with pytest.raises(Late):
        near.send(bytes(1 << 24), time.monotonic() + 0.05)


def test_an_end_in_the_middle_of_a_frame_is_told(pipes):
    near, _, far_out, opened = pipes
    os.write(far_out, pack({"a": 1})[:-1])
    os.close(far_out)
    opened.remove(far_out)
    with pytest.raises(Closed):
        near.receive(time.monotonic() + 5)


def test_writing_to_nobody_is_told(pipes):
    near, far_in, _, opened = pipes
    os.close(far_in)
    opened.remove(far_in)
    with pytest.raises(Closed):
        near.send(pack({}), time.monotonic() + 5)


def test_frames_larger_than_a_pipe_cross(pipes):
    near, far_in, far_out, _ = pipes
    far = Pipe(os.dup(far_in), os.dup(far_out))
    sent = torch.arange(1 << 19, dtype=torch.float64)
    thread = threading.Thread(target=lambda: far.send(pack({"n": 1}, [sent]), math.inf))
    thread.start()
    message, [got] = near.receive(time.monotonic() + 30)
    thread.join()
    far.close()
    assert message == {"n": 1}
    assert torch.equal(got, sent)


def test_what_waits_unasked_is_noticed(pipes):
    near, _, far_out, _ = pipes
    assert not near.anything_waits()
    os.write(far_out, b"x")
    assert near.anything_waits()


# ---- values ----


def crossed(value, *, to_sandbox=False):
    """Return what arrives of a value, by way of bytes."""
    tensors, functions = [], [] if to_sandbox else None
    data = {"value": flatten(value, tensors, functions)}
    message, got = read_frame(reader(pack(data, tensors)))
    callback = (lambda number: functions[number]) if to_sandbox else None
    return restore(message["value"], got, callback)


PLAIN = [
    None, True, False, 0, -1, 1 << 200, 10**400, 0.5, 5e-324, 1.7976931348623157e308,
    math.inf, -math.inf, "", "ä€😀\n", [], [1, [2, [3]]], (), (1,), (1, (2.5, "x")), {1, 2},
    {}, {"a": 1, 2: "b", (1, 2): [3]}, {"tensor": 0}, {"opaque": "x"}, [None, True],
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values_cross_with_their_types(value):
    got = crossed(value)
    assert got == value
    assert type(got) is type(value)


def test_nan_crosses():
    assert math.isnan(crossed(math.nan))
    assert math.copysign(1, crossed(-0.0)) == -1


def test_tensors_cross_wherever_they_are():
    a, b = torch.ones(2), torch.tensor(3)
    got = crossed({"x": [a, (b, {"y": a})]})
    assert torch.equal(got["x"][0], a)
    assert torch.equal(got["x"][1][0], b)
    assert torch.equal(got["x"][1][1]["y"], a)


def test_parameters_cross_as_tensors():
    assert type(crossed(torch.nn.Parameter(torch.ones(2)))) is torch.Tensor


def test_named_tuples_cross_as_records():
    from medmeta_ref.episodes import Episode

    episode = Episode(*(torch.full((1,), i) for i in range(4)))
    got = crossed(episode)
    assert isinstance(got, Record)
    assert type(got).__name__ == "Episode"
    assert got.query_y.item() == got[3].item() == 3
    support_x, *_ = got
    assert support_x.item() == 0
    again = crossed(got)
    assert again.support_y.item() == 1
    with pytest.raises(AttributeError):
        _ = got.nothing


class Yes(torch.Tensor):
    def __eq__(self, other):
        return True

    __hash__ = torch.Tensor.__hash__


class Count(int):
    pass


OPAQUE = {
    "object": (object(), "object"),
    "array": (np.ones(2), "ndarray"),
    "float of numpy": (np.float64(1), "float64"),
    "int in disguise": (Count(3), "Count"),
    "tensor in disguise": (torch.ones(2).as_subclass(Yes), "Yes"),
    "function": (len, "builtin_function_or_method"),
    "class": (int, "type"),
    "module": (torch.nn.Linear(1, 1), "Linear"),
    "generator": (torch.Generator(), "Generator"),
    "iterator": (iter([1]), "list_iterator"),
    "huge": (1 << 20_000, "int"),
    "complex": (1j, "complex"),
    "bytes": (b"x", "bytes"),
}


@pytest.mark.parametrize(("value", "name"), OPAQUE.values(), ids=OPAQUE.keys())
def test_anything_else_arrives_as_a_name(value, name):
    got = crossed(value)
    assert isinstance(got, Opaque)
    assert type(got).__name__.startswith(name)
    assert vars(got) == {}


@pytest.mark.parametrize(
    "tensor",
    [
        torch.eye(2).to_sparse(),
        torch.ones(2, device="meta"),
        torch.ones(2, dtype=torch.complex64),
        torch.ones(2, dtype=torch.float8_e4m3fn),
    ],
    ids=["sparse", "meta", "complex", "float8"],
)
def test_odd_tensors_arrive_as_a_name_that_says_how_odd(tensor):
    got = crossed(tensor)
    assert isinstance(got, Opaque)
    assert str(tensor.dtype) in type(got).__name__


def test_functions_and_generators_go_in_and_never_come_out():
    function, fn, gen = crossed([len, Fn("linear", (torch.ones(1),)), Gen(7)], to_sandbox=True)
    assert function("abc") == 3
    assert (fn.name, fn.bound[0].item(), gen) == ("linear", 1, Gen(7))
    for tag in ({"callback": 0}, {"fn": ["linear", []]}, {"gen": 7}):
        with pytest.raises(BadFrame):
            restore(tag, [])


def test_too_deep_and_too_long_are_refused_before_they_are_sent():
    deep, own = [], []
    for _ in range(1000):
        deep = [deep]
    own.append(own)
    for value in (deep, own, [0] * 200_000):
        with pytest.raises(ValueError, match=r"deep|values in one list"):
            flatten(value, [])


LIES = [
    {}, {"tensor": 0}, {"tensor": -1}, {"tensor": True}, {"tensor": "0"}, {"tensor": None},
    {"float": "1"}, {"float": []}, {"tuple": 3}, {"tuple": {"tensor": 0}}, {"set": [[1]]},
    {"set": [{"dict": []}]}, {"dict": [1]}, {"dict": [[1, 2, 3]]}, {"dict": [[[1], 2]]},
    {"dict": {"a": 1}}, {"record": []}, {"record": ["A", ["x"], []]}, {"record": ["A", "x", [1]]},
    {"record": [1, ["x"], [1]]}, {"record": ["A", [1], [1]]}, {"opaque": 3}, {"opaque": None},
    {"unknown": 1}, {"tuple": [], "set": []}, {"a": 1, "b": 2}, {"__reduce__": ["os.system", "x"]},
]  # fmt: skip


@pytest.mark.parametrize("data", LIES, ids=str)
def test_what_no_value_looks_like_is_refused(data):
    for nested in (data, [data], {"tuple": [data]}, {"dict": [["a", data]]}):
        with pytest.raises(BadFrame):
            restore(nested, [])


@pytest.mark.parametrize("kind", ["set", "dict"])
def test_numbers_that_all_hash_alike_are_refused_at_once(kind):
    alike = [i * ((1 << 61) - 1) for i in range(1, 40_000)]
    assert len({hash(number) for number in alike}) == 1
    held = alike if kind == "set" else [[number, 0] for number in alike]
    with pytest.raises(BadFrame, match="alike"):
        restore({kind: held}, [])
    assert len(restore({"set": list(range(-20_000, 20_000))}, [])) == 40_000


def test_names_that_come_in_are_short_and_harmless():
    got = restore({"opaque": "<script>\x1b[31m" + "x" * 1000}, [])
    name = type(got).__name__
    assert len(name) <= 60
    assert not set(name) & set("<>\x1b[")
    record = restore({"record": ["__class__", ["__class__", "count"], [1, 2]]}, [])
    assert record.__class__.__name__ == "__class__"
    assert isinstance(record, Record)
    assert record.count(1) == 1  # a tuple's own methods cannot be replaced


# ---- these tests can fail: wrong ways to write and read, each told apart ----


def wrong_no_limit(data):
    _mark, n, m = struct.unpack("!4sII", data[:12])
    return json.loads(data[12 : 12 + n]), load(data[12 + n : 12 + n + m]) if m else {}


WRONG_WRITERS = {
    "little-endian lengths": lambda m, t: struct.pack("<4sII", b"MMG1", 2, 0) + b"{}",
    "no mark": lambda m, t: pack(m, t)[4:],
    "NaN as it is": lambda m, t: frame(json.dumps({"n": math.nan}).encode()),
    "tensors by name": lambda m, t: frame(blob=save({"weight": torch.ones(1)})),
    "blob cut": lambda m, t: pack(m, [torch.ones(3)])[:-1],
    "blob before text": lambda m, t: frame(blob({"0": F64}, bytes(16)), b"{}"),
}


@pytest.mark.parametrize("write", WRONG_WRITERS.values(), ids=WRONG_WRITERS.keys())
def test_wrong_writers_are_told(write):
    with pytest.raises((BadFrame, Closed)):
        read_frame(reader(write({}, [])))


def test_a_reader_without_checks_would_accept_what_ours_refuses():
    for name in ("not-a-number", "named", "half a character", "infinity by overflow"):
        wrong_no_limit(BAD[name])
