"""No plot without words: a cell that draws must end in `plots.show(..., alt="...")`.

All plots go through `medmeta_ref.plots`, so it is enough to look for calls of what was imported
from there, in the syntax tree and without running anything. matplotlib itself is refused, since
`plt.show()` has no place for words.
"""

import ast
from collections.abc import Iterator

from medmeta_ref.authoring.percent import Cell, Text
from medmeta_ref.authoring.problems import Problem

PLOTS = "medmeta_ref.plots"
SHORTEST_ALT = 15  # characters; "a plot" tells nobody anything


def plot_problems(text: Text) -> list[Problem]:
    """Return the plots of one text file that a learner who cannot see them would miss."""
    found = sorted(_problems(text))
    return [Problem(text.name, line, what) for line, what in found]


def _problems(text: Text) -> Iterator[tuple[int, str]]:
    """Yield (line, problem) for every cell that draws."""
    names = _PlotNames()
    for cell in text.cells:
        tree = _tree(cell)
        if tree is None:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for what in names.learn(node):
                    yield cell.line + node.lineno, what
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        drawn = [(call, name) for call in calls if (name := names.called(call))]
        shown = [call for call, name in drawn if name == "show"]
        for call, name in drawn:
            if name != "show" and not shown:
                what = f"'{name}' draws a plot without alt text; end the cell with"
                yield cell.line + call.lineno, f'{what} plots.show(..., alt="...")'
        for call in shown:
            for what in _alt_problems(call):
                yield cell.line + call.lineno, what
        for call in calls:
            if ast.unparse(call.func) == "plt.show":
                what = "plt.show() has no alt text; plots go through medmeta_ref.plots"
                yield cell.line + call.lineno, what


class _PlotNames:
    """The names by which a notebook reaches `medmeta_ref.plots`, learnt import by import."""

    def __init__(self) -> None:
        self._modules: set[str] = set()
        self._functions: dict[str, str] = {}

    def learn(self, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        """Remember what an import makes reachable; yield what no notebook may import."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in ("matplotlib", "pylab"):
                    yield f"import {alias.name}; plots go through medmeta_ref.plots"
                if alias.name == PLOTS and alias.asname:
                    self._modules.add(alias.asname)
                elif alias.name.split(".")[0] == "medmeta_ref":
                    self._modules.add(PLOTS if not alias.asname else f"{alias.asname}.plots")
        else:
            module = node.module or ""
            if module.split(".")[0] in ("matplotlib", "pylab"):
                yield f"from {module} import ...; plots go through medmeta_ref.plots"
            for alias in node.names:
                if alias.name == "*" and module in (PLOTS, "medmeta_ref"):
                    yield f"from {module} import * hides which names draw; import them one by one"
                if (module, alias.name) == ("medmeta_ref", "plots"):
                    self._modules.add(alias.asname or "plots")
                if module == PLOTS:
                    self._functions[alias.asname or alias.name] = alias.name

    def called(self, call: ast.Call) -> str | None:
        """Return the function of `medmeta_ref.plots` that is called, if it is one."""
        module, _, name = ast.unparse(call.func).rpartition(".")
        if module:
            return name if module in self._modules else None
        return self._functions.get(name)


def _alt_problems(show: ast.Call) -> Iterator[str]:
    """Yield what is wrong with the words of one `show`. What a variable holds is not known here."""
    alt = next((keyword.value for keyword in show.keywords if keyword.arg == "alt"), None)
    if alt is None:
        yield 'show() without alt text; add alt="what is plotted and what it shows"'
    elif isinstance(alt, ast.Constant):
        words = alt.value.strip() if isinstance(alt.value, str) else ""
        if len(words) < SHORTEST_ALT:
            yield (
                f"the alt text {alt.value!r} has {len(words)} characters, at least {SHORTEST_ALT} "
                "needed; say what is plotted and what it shows"
            )
    elif isinstance(alt, ast.JoinedStr) and not alt.values:
        yield "the alt text is empty; say what is plotted and what it shows"


def _tree(cell: Cell) -> ast.Module | None:
    """Return the syntax tree of a code cell; None for prose and for what does not parse."""
    if cell.kind != "code":
        return None
    try:
        return ast.parse(cell.source)
    except SyntaxError:
        return None  # reported, with its line, by plain_python.py
