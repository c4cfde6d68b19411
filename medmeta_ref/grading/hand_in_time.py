"""When something was handed in: nbgrader's `timestamp.txt`, which its late penalties are based on.

nbgrader (0.9.6) stops at a time it cannot read, takes "5" for the fifth of this month, and reads
the zone "+0200" as 200 seconds. So the time is read here, strictly, and handed on in the one form
that nbgrader itself writes, in UTC.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

FILE_NAME = "timestamp.txt"
MAX_BYTES = 200

_FORM = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[ T](?P<time>\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)"
    r"(?: ?(?P<offset>[+-]\d\d:?\d\d)| (?P<zone>[A-Za-z][\w+-]*(?:/[\w+-]+)*)|(?P<utc>Z))?",
    re.ASCII,
)
_YEARS = range(2000, 2200)


class HandInTime(NamedTuple):
    """A point in time.

    Attributes:
        moment: the time in UTC.
        note: what a person should know about how it was read, or "".
    """

    moment: datetime
    note: str


def read_time(text: str) -> HandInTime:
    """Return the time that a `timestamp.txt` tells.

    Args:
        text: date and time, then a zone: a name ("Europe/Berlin"), an offset ("+0200") or nothing,
            which means UTC, as nbgrader has it.

    Raises:
        ValueError: if it is no such time.

    >>> write_time(read_time("2026-11-05 23:59:30.5 +0100").moment)
    '2026-11-05 22:59:30.500000 UTC'
    """
    found = _FORM.fullmatch(text.strip())
    if not found:
        raise ValueError("it is not of the form '2026-11-05 23:59:00 UTC'")
    clock, _, fraction = found["time"].partition(".")
    moment = datetime.fromisoformat(f"{found['date']} {clock}")
    moment = moment.replace(microsecond=int(fraction.ljust(6, "0")) if fraction else 0)
    if moment.year not in _YEARS:
        raise ValueError(f"the year {moment.year} is not between {_YEARS[0]} and {_YEARS[-1]}")
    zone, note = _zone(found["offset"], found["zone"])
    return HandInTime(moment.replace(tzinfo=zone).astimezone(UTC), note)


def write_time(moment: datetime) -> str:
    """Return the text that nbgrader writes for a time with a zone."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")


def _zone(offset: str | None, name: str | None) -> tuple[tzinfo, str]:
    if offset:
        digits = offset[1:].replace(":", "")
        hours, minutes = int(digits[:2]), int(digits[2:])
        if hours > 14 or minutes > 59:
            raise ValueError(f"no place on Earth is {offset} from UTC")
        size = timedelta(hours=hours, minutes=minutes)
        return timezone(-size if offset.startswith("-") else size), ""
    if name is None or name in ("UTC", "GMT"):
        return UTC, ""
    try:
        return ZoneInfo(name), ""
    except (KeyError, ValueError, OSError):  # OSError: the name of a folder of zones, "America"
        note = f"The time zone '{name[:40]}' of {FILE_NAME} is unknown; the time was read as UTC."
        return UTC, note
