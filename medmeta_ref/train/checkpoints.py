"""What training needs in order to go on as if it had never stopped, in one file.

A file holds one line that says what it is, the SHA-256 of the rest, and what `torch.save` makes of
plain tensors, numbers and strings. It is opened with `weights_only=True`: a checkpoint from a
stranger can be refused, but it cannot run code.
"""

import io
import os
import pickle
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from medmeta_ref.train.adam import AdamMoments
from medmeta_ref.train.fingerprints import digest
from medmeta_ref.train.state import State
from medmeta_ref.train.stopping import Score

KIND = b"medmeta checkpoint 1"
REMEDY = "Give another path to start anew, or delete it if it is not needed."


class CheckpointError(ValueError):
    """A checkpoint is damaged, is none, or belongs to another run. The file was left alone."""


def save(path: Path, state: State, run: Mapping[str, str]) -> None:
    """Write a checkpoint in one piece: whoever looks finds the old file or the new one, whole.

    Args:
        path: of the file.
        state: to go on from.
        run: as from `describe_run`.

    Raises:
        OSError: if the folder cannot be written to.
    """
    content = {
        **state._asdict(),
        "moments": state.moments._asdict(),
        "history": torch.tensor(state.history[: state.step], dtype=torch.float64),
        "scores": [tuple(score) for score in state.scores],
        "run": dict(run),
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    payload = buffer.getvalue()
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            file.write(b"\n".join([KIND, digest(payload).hex().encode(), payload]))
            file.flush()
            os.fsync(file.fileno())  # or the new name may outlive a power cut, and its bytes not
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    with suppress(OSError):  # some systems cannot open a folder; then the rename comes later
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read(path: Path) -> bytes | None:
    """Return the bytes of a checkpoint; None if there is no such file.

    Raises:
        CheckpointError: if there is something that cannot be read, a folder for instance.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}. {REMEDY}") from error


def restore(raw: bytes, path: Path, run: Mapping[str, str], *, device: torch.device) -> State:
    """Return the state that a checkpoint of this very run holds.

    Args:
        raw: what `read` returned.
        path: of the file, for messages.
        run: as from `describe_run`, of the run that wants to go on.
        device: where the parameters belong.

    Raises:
        CheckpointError: if the file is damaged, is no checkpoint, or is one of another run.
    """
    kind, _, rest = raw.partition(b"\n")
    if kind != KIND:
        raise CheckpointError(
            f"{path} is no checkpoint of train.fit, or its beginning is damaged. {REMEDY}"
        )
    checksum, _, payload = rest.partition(b"\n")
    if digest(payload).hex().encode() != checksum:
        raise CheckpointError(f"{path} is damaged or cut short: its checksum is wrong. {REMEDY}")
    try:
        content: dict[str, Any] = torch.load(
            io.BytesIO(payload), map_location=device, weights_only=True
        )
    except pickle.UnpicklingError as error:  # the checksum is right: somebody meant it
        raise CheckpointError(f"{path} holds code, not only tensors. Do not trust it.") from error
    _require_same_run(content.pop("run"), run, path)
    return State(
        **content
        | {
            "moments": AdamMoments(**content["moments"]),
            "generator": content["generator"].cpu(),
            "history": content["history"].tolist(),
            "scores": tuple(Score(*score) for score in content["scores"]),
        }
    )


def _require_same_run(written: dict[str, str], wanted: Mapping[str, str], path: Path) -> None:
    # The start last: where a shape or the seed differs, it says nothing new.
    names = sorted(dict.fromkeys([*wanted, *written]), key=lambda name: name == "the start")
    odd = [
        f"{name} is {wanted.get(name, 'absent')} here, but {written.get(name, 'absent')} there"
        for name in names
        if wanted.get(name) != written.get(name)
    ]
    if odd:
        more = f" (and {len(odd) - 3} more differences)" if len(odd) > 3 else ""
        raise CheckpointError(
            f"{path} is a checkpoint of another run: {'; '.join(odd[:3])}{more}. {REMEDY}"
        )
