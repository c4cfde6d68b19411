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


def named(name: str, base: type[Exception] = Exception) -> type[Exception]:
    """Return an exception class of that name."""
    return type(name, (base,), {})


def as_exception(kind: str, message: str, base: str = "") -> BaseException:
    """Return an exception like the one raised in the sandbox: its type by name, and its message.

    Python's own types stay themselves, so that a spec can tell an AssertionError. Any other keeps
    its name, and which of Python's it is a kind of.

    Args:
        kind: the name of the type, as the sandbox told it.
        message: what it said.
        base: the name of the nearest of Python's own types that it is a kind of.
    """
    text = clean(message)
    letters = "".join(c for c in kind[:40] if c.isalnum() or c == "_") or "Error"
    for name in (kind, base):
        known = getattr(builtins, name, None)
        if isinstance(known, type) and issubclass(known, Exception):
            try:
                return (known if name == kind else named(letters, known))(text)
            except TypeError:  # UnicodeDecodeError and its like want more
                pass
    return named(letters)(text)
