"""Read a formula that a learner wrote as text, without ever running it.

The text is parsed, and the tree is walked: numbers, names, `+ - * / **`, a minus sign and a few
functions, all in floating point. Whatever else is in it is refused by name. Floats cannot grow, and
text and tree are small, so no formula takes long.
"""

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping

MAX_LENGTH = 300
MAX_NODES = 150

FUNCTIONS: Mapping[str, Callable[[float], float]] = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "abs": abs,
    "tanh": math.tanh,
}
_BINARY: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,  # real, where ** would turn to complex numbers
}


class BadFormula(ValueError):
    """A text that is no formula; the message says what is in the way, in English.

    Args:
        en: the message.
        zh: the same in Chinese.
    """

    def __init__(self, en: str, zh: str) -> None:
        self.zh = zh
        super().__init__(en)


def parse(text: str, names: frozenset[str]) -> ast.expr:
    """Return the tree of a formula.

    Args:
        text: for instance "alpha * h ** 2".
        names: the variables that may occur.

    Raises:
        BadFormula: if it is anything else.
    """
    if len(text) > MAX_LENGTH:
        raise BadFormula(
            f"The formula has {len(text)} characters; {MAX_LENGTH} are the most.",
            f"公式有 {len(text)} 个字符，最多 {MAX_LENGTH} 个。",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns about some of what is refused below
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise BadFormula(
            "This is no formula in Python's notation; is there a * between all factors?",
            "这不是 Python 写法的公式；因子之间都写了 * 吗？",
        ) from None
    nodes = list(ast.walk(tree))
    if len(nodes) > MAX_NODES:
        raise BadFormula(
            f"The formula has {len(nodes)} parts; {MAX_NODES} are the most.",
            f"公式有 {len(nodes)} 个部分，最多 {MAX_NODES} 个。",
        )
    _refuse(tree, names)
    return tree


def evaluate(tree: ast.expr, values: Mapping[str, float]) -> float:
    """Return the value of a parsed formula; nan where it has none.

    >>> evaluate(parse("-h * (1 - alpha) ** 2", frozenset({"h", "alpha"})), {"h": 2, "alpha": 3})
    -8.0
    """
    try:
        return _value(tree, values)
    except (ArithmeticError, ValueError):  # 1/0, overflow, the root of a negative number
        return math.nan


def _refuse(node: ast.expr, names: frozenset[str]) -> None:
    """Raise BadFormula for the first part that may not be in a formula."""
    match node:
        case ast.Constant(value=value) if type(value) in (int, float):
            if type(value) is int and value.bit_length() > 60:
                raise BadFormula("A number is too large.", "有一个数太大。")
        case ast.Name(id=name):
            if name not in names:
                known = ", ".join(sorted(names))
                raise BadFormula(
                    f"{name[:20]!r} is not among the variables {known}.",
                    f"{name[:20]!r} 不在变量 {known} 之中。",
                )
        case ast.BinOp(left=left, op=op, right=right):
            if isinstance(op, ast.BitXor):
                raise BadFormula("Powers are written **, not ^.", "乘方写作 **，不是 ^。")
            if type(op) not in _BINARY:
                raise BadFormula("Only + - * / ** may be used.", "只能用 + - * / **。")
            _refuse(left, names)
            _refuse(right, names)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _refuse(operand, names)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            _refuse(argument, names)
        case _:
            known = ", ".join(FUNCTIONS)
            raise BadFormula(
                f"Only numbers, variables, + - * / **, brackets and {known} may be used.",
                f"只能用数、变量、+ - * / **、括号，以及 {known}。",
            )


def _value(node: ast.expr, values: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.Name(id=name):
            return float(values[name])
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_value(left, values), _value(right, values))
        case ast.UnaryOp(op=op, operand=operand):
            value = _value(operand, values)
            return -value if isinstance(op, ast.USub) else value
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            return float(FUNCTIONS[name](_value(argument, values)))
    raise BadFormula("An unknown part.", "有未知的部分。")
