"""Texts that come out of the sandbox, made fit to be stored and shown; and exceptions by name."""

import builtins

MAX_TEXT = 300


def clean(text: str, length: int = MAX_TEXT) -> str:
    r"""Return a learner's text, short and printable.

    No control characters (a terminal would obey them), no half characters (no file would take
    them), none that turn the direction of writing.

    Args:
        text: anything.
        length: the most characters to keep.

    >>> clean("red \x1b[31malert")
    'red \ufffd[31malert'
    """
    cut = text if len(text) <= length else text[: length - 1] + "…"
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in cut)


def named(name: str) -> type[Exception]:
    """Return an exception class of that name."""
    return type(name, (Exception,), {})


def as_exception(kind: str, message: str) -> BaseException:
    """Return an exception like the one raised in the sandbox: its type by name, and its message.

    Python's own types stay themselves, so that a spec can tell an AssertionError; of any other the
    name is kept, and nothing else.

    Args:
        kind: the name of the type, as the sandbox told it.
        message: what it said.
    """
    known = getattr(builtins, kind, None)
    text = clean(message)
    if isinstance(known, type) and issubclass(known, Exception):
        try:
            return known(text)
        except TypeError:  # UnicodeDecodeError and its like want more
            pass
    letters = "".join(c for c in kind[:40] if c.isalnum() or c == "_")
    return named(letters or "Error")(text)
