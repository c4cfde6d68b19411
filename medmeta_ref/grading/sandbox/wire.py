"""Frames: how a question and its answer cross between the grader and the sandbox.

A frame is 12 bytes (the mark `MMG1`, the length of the JSON, the length of the tensors), then JSON,
then a safetensors blob. Nothing here can run code: no pickle, no class is built by a name that
came in. Whoever reads a frame first looks at the lengths, so that a liar costs no memory.

The grader's side trusts nothing that it reads. What is not a frame is a `BadFrame`.
"""

import json
import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

MARK = b"MMG1"
HEADER = struct.Struct("!4sII")
MAX_JSON = 1 << 20
MAX_TENSORS = 64 << 20
MAX_TENSOR_HEADER = 1 << 20
MAX_AXES = 32  # torch itself computes with 64 at most, and raises where there are more

# The kinds of numbers that cross, by safetensors' names for them.
DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}

Message = dict[str, Any]
Frame = tuple[Message, list[Tensor]]


class BadFrame(Exception):
    """What came in is no frame; the message says why."""


def pack(message: Message, tensors: Sequence[Tensor] = ()) -> bytes:
    """Return one frame.

    Args:
        message: plain JSON values; not-a-number and infinity are no JSON.
        tensors: ordinary CPU tensors of a dtype in `DTYPES`.

    Raises:
        ValueError: if it is too large for a frame, or no JSON.
    """
    text = _ENCODER.encode(message).encode()
    size = sum(t.numel() * t.element_size() for t in tensors)
    if len(text) > MAX_JSON or size > MAX_TENSORS - MAX_TENSOR_HEADER:
        raise ValueError(
            f"{len(text):,} bytes of text and {size:,} of tensors; {MAX_JSON:,} and "
            f"{MAX_TENSORS - MAX_TENSOR_HEADER:,} are the most that crosses"
        )
    blob = _blob(tensors) if tensors else b""
    return HEADER.pack(MARK, len(text), len(blob)) + text + blob


def _blob(tensors: Sequence[Tensor]) -> bytes:
    """Return tensors in safetensors' format: the length of a JSON header, the header, the numbers.

    Its own writer takes ten times as long for tensors as small as ours.
    """
    header, numbers, start = {}, [], 0
    for i, tensor in enumerate(tensors):
        flat = tensor.detach().contiguous().reshape(-1)
        numbers.append(flat.view(torch.uint8).numpy().tobytes())
        end = start + len(numbers[-1])
        shape = list(tensor.shape)
        header[str(i)] = {
            "dtype": DTYPES[tensor.dtype],
            "shape": shape,
            "data_offsets": [start, end],
        }
        start = end
    text = _ENCODER.encode(header).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *numbers])


def read_frame(read: Callable[[int], bytes]) -> Frame:
    """Return the next frame as message and tensors.

    Args:
        read: returns exactly as many bytes as it is asked for.

    Raises:
        BadFrame: if it is none. Whatever `read` raises goes through.
    """
    mark, text_length, blob_length = HEADER.unpack(read(HEADER.size))
    if mark != MARK:
        raise BadFrame("it does not begin with the mark of a frame")
    if text_length > MAX_JSON or blob_length > MAX_TENSORS:
        raise BadFrame(f"{text_length:,} bytes of JSON and {blob_length:,} of tensors are too many")
    text = read(text_length)
    blob = read(blob_length) if blob_length else b""
    return _message(text), _tensors(blob)


def _message(text: bytes) -> Message:
    """Return the JSON object in `text`, read strictly."""
    try:
        message = _DECODER.decode(text.decode())
    except (ValueError, RecursionError) as error:  # no UTF-8, numbers without end, deep nesting
        raise BadFrame(f"its JSON cannot be read: {error!s:.80}") from None
    if type(message) is not dict:
        raise BadFrame("its JSON is no object")
    if b"\\u" in text:  # the only way for half a character to come in
        try:
            json.dumps(message, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise BadFrame("its text holds half a character") from None
        except RecursionError:  # a level deeper than the reader above just managed
            raise BadFrame("its JSON is nested too deep") from None
    return message


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits:.20} is no finite number")
    return number


_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def _tensors(blob: bytes) -> list[Tensor]:
    """Return the tensors "0", "1", ... of a safetensors blob."""
    if not blob:
        return []
    # Its header alone, 60 MiB of names, say, would keep the reader busy for minutes.
    if len(blob) < 8 or int.from_bytes(blob[:8], "little") > min(MAX_TENSOR_HEADER, len(blob) - 8):
        raise BadFrame("the header of its tensors is longer than it may be")
    try:
        found = load(blob)
    except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError, OverflowError) as error:
        raise BadFrame(f"its tensors cannot be read: {error!s:.80}") from None
    names = [str(i) for i in range(len(found))]
    if set(found) != set(names):
        raise BadFrame("its tensors are not numbered from 0")
    if any(t.dtype not in DTYPES or t.ndim > MAX_AXES for t in found.values()):
        raise BadFrame("its tensors are of a kind that does not cross")
    # A byte that is neither 0 nor 1 would make a truth value that is neither.
    return [
        t.view(torch.uint8).ne(0) if t.dtype == torch.bool else t
        for t in (found[name] for name in names)
    ]
