"""A learner's log: a line of JSON for every check, start, reset and update, and never one less.

The file is only ever appended to, a line at a time, each written in one piece and brought to the
disk. A process that is killed leaves at most a torn last line; the next line begins below it, and
the reader leaves torn lines out. Older and newer versions of the course share the file: fields and
kinds of events may be added, what they mean never changes, and what a version does not know it
passes over.
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

FILE_NAME = "progress.jsonl"
VERSION = 1


class Check(NamedTuple):
    """One run of the checks of an exercise.

    Attributes:
        time: when, in UTC.
        exercise: for instance "03.soft_targets".
        points: what was earned.
        max_points: what there is.
        attempted: whether there was an answer.
        answer: a short hash of the answer's text, or "" if that is unknown.
        where: "notebook" or "terminal".
    """

    time: datetime
    exercise: str
    points: float
    max_points: float
    attempted: bool
    answer: str = ""
    where: str = ""


class Step(NamedTuple):
    """A unit was started, reset or brought up to date.

    Attributes:
        time: when, in UTC.
        kind: "start", "reset" or "update".
        unit: for instance "03_distillation".
        checks: exercise -> a short hash of its checks at that time.
    """

    time: datetime
    kind: str
    unit: str
    checks: dict[str, str]


class Log(NamedTuple):
    """What a log holds, in the order of the file.

    Attributes:
        checks: all runs of checks.
        steps: all else.
        unreadable: how many lines could not be read.
    """

    checks: tuple[Check, ...] = ()
    steps: tuple[Step, ...] = ()
    unreadable: int = 0

    def last_start(self, unit: str) -> datetime | None:
        """Return when a unit was last begun anew; what was checked before then counts no more."""
        times = (s.time for s in self.steps if s.unit == unit and s.kind in ("start", "reset"))
        return max(times, default=None)


def log_file(root: Path, learner: str = "me") -> Path:
    """Return where a learner's log is; it need not be there."""
    return root / "submitted" / learner / FILE_NAME


def log_of(folder: Path) -> Path | None:
    """Return the log of the learner in whose work a folder lies, or None if it is nobody's.

    Args:
        folder: for instance the folder of the notebook that is running.
    """
    here = folder.resolve()
    for learner in (here, *here.parents):
        root = learner.parent.parent
        if learner.parent.name == "submitted" and (root / "nbgrader_config.py").is_file():
            return learner / FILE_NAME
    return None


def append(path: Path, *events: Check | Step) -> None:
    """Add events to a log; each is there as a whole, or not at all.

    Raises:
        OSError: if they cannot be written; all that was in the log is still there then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Appending in one call is what keeps lines of two processes apart.
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        text = "".join(_line(event) for event in events)
        if _is_torn(descriptor):
            text = "\n" + text
        data = text.encode()
        if os.write(descriptor, data) != len(data):
            raise OSError(f"{path}: the disk is full; what was written last is lost")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def note(path: Path, *events: Check | Step) -> str:
    """Add events to a log if that can be done; return "", or one line that says why it cannot."""
    try:
        append(path, *events)
    except OSError as error:
        why = error.strerror or str(error)
        return f"Your progress could not be noted in {path}: {why}. All else went as shown."
    return ""


def read(path: Path) -> Log:
    """Return what a log holds; an empty one if there is no such file.

    Raises:
        OSError: if it is there and cannot be read.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return Log()
    checks, steps, unreadable = list[Check](), list[Step](), 0
    for line in filter(None, lines):
        try:
            event = _event(json.loads(line))
        except (AttributeError, KeyError, TypeError, ValueError):
            unreadable += 1
            continue
        if isinstance(event, Check):
            checks.append(event)
        elif event is not None:
            steps.append(event)
    return Log(tuple(checks), tuple(steps), unreadable)


def now() -> datetime:
    """Return the present, in UTC."""
    return datetime.now(UTC)


def as_json(event: Check | Step) -> dict[str, Any]:
    """Return an event as it stands in the file."""
    kind = "check" if isinstance(event, Check) else event.kind
    fields = event._asdict() | {"time": event.time.isoformat()}
    return {"v": VERSION, "event": kind} | {k: v for k, v in fields.items() if k != "kind"}


def _line(event: Check | Step) -> str:
    return json.dumps(as_json(event), ensure_ascii=True) + "\n"


def _is_torn(descriptor: int) -> bool:
    """Return whether a file ends in the middle of a line."""
    size = os.fstat(descriptor).st_size
    if size == 0:
        return False
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) != b"\n"


def _event(fields: Mapping[str, Any]) -> Check | Step | None:
    """Return the event of a line, or None if only a newer version knows its kind."""
    kind, time = fields["event"], datetime.fromisoformat(fields["time"])
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    match kind:
        case "check":
            points, max_points = float(fields["points"]), float(fields["max_points"])
            if not 0 <= points <= max_points:  # nan is neither
                raise ValueError(f"{points} of {max_points} points")
            texts = (str(fields.get(name, "")) for name in ("answer", "where"))
            attempted = bool(fields.get("attempted", True))
            return Check(time, str(fields["exercise"]), points, max_points, attempted, *texts)
        case "start" | "reset" | "update":
            checks = {str(k): str(v) for k, v in dict(fields.get("checks", {})).items()}
            return Step(time, kind, str(fields["unit"]), checks)
        case str():
            return None
    raise ValueError(f"{kind!r} is no kind of event")
