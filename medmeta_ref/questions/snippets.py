"""Run the snippets that questions show. They are ours; a learner's text never comes here."""

import ast
import functools
from typing import Any

_NAME = "<snippet>"


@functools.cache
def outcome(code: str) -> Any:
    """Return the value of a snippet's last line, or the name of the error that it raises.

    Tensors become plain numbers and lists, so that the outcome can be compared.

    Args:
        code: statements, then one expression. It imports what it needs and prints nothing.

    Raises:
        SyntaxError: if it does not end in an expression.
    """
    *statements, last = ast.parse(code, _NAME).body
    if not isinstance(last, ast.Expr):
        raise SyntaxError(f"the snippet's last line is no expression: {ast.unparse(last)!r}")
    names: dict[str, Any] = {"__name__": "snippet"}
    try:
        exec(compile(ast.Module(statements, []), _NAME, "exec"), names)
        return _plain(eval(compile(ast.Expression(last.value), _NAME, "eval"), names))
    except Exception as error:  # noqa: BLE001 - which one it is, is the answer
        return type(error).__name__


def namespace(code: str) -> dict[str, Any]:
    """Return the names that a listing defines, for instance its function."""
    names: dict[str, Any] = {"__name__": "listing"}
    exec(compile(code, "<listing>", "exec"), names)
    return names


def _plain(value: Any) -> Any:
    if type(value).__name__ == "Size":
        return tuple(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if type(value) in (tuple, list):
        return type(value)(map(_plain, value))
    return value
