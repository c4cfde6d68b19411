r"""Text of a learner's, made fit to be shown: in a page, a table, a terminal or a spreadsheet.

Escaping for HTML is not enough. A character that turns the direction of writing shows code in
another order than it runs in; a control character is obeyed by a terminal; half a character cannot
be written to a file.
"""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def visible(text: str) -> str:
    r"""Return a text in which what cannot be seen is spelt out, but for line ends and tabs.

    >>> visible("return \u202e1")
    'return \\u202e1'
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text
    )


def one_line(text: str, length: int) -> str:
    """Return a text in one line of `length` characters at most.

    >>> one_line("much too long", 7)
    'much t…'
    """
    line = " ".join(visible(text).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def spreadsheet_cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula.

    See OWASP, "CSV Injection": an apostrophe in front makes it a text.

    >>> spreadsheet_cell("=cmd()")
    "'=cmd()"
    """
    text = visible(text)
    return f"'{text}" if text.startswith(_FORMULA) else text
