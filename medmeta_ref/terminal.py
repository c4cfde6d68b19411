"""Where commands print, and how they fail."""

from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from medmeta_ref.doctor import Finding

out = Console()


def fail(message: object, *, code: int = 1) -> NoReturn:
    """Print what went wrong to stderr and leave with an exit code."""
    text = f"[bold red]medmeta:[/] {escape(str(message))}"
    Console(stderr=True).print(text, highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def say(line: str) -> None:
    """Print a line as it is, if there is one; a terminal breaks it where it ends."""
    if line:
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def show_findings(findings: list[Finding]) -> None:
    """Print what the doctor found, each remedy below what it mends.

    Lines, not a table: commands and paths must survive being copied from a narrow terminal.
    """
    for finding in findings:
        colour = "green" if finding.ok else "red" if finding.required else "yellow"
        mark = Text(f"{'[OK]' if finding.ok else '[FAIL]':7}", style=colour)
        needed = "" if finding.required else " (optional)"
        line = f"{finding.name + needed:30} {finding.detail}"
        out.print(mark + Text(line), soft_wrap=True)
        if not finding.ok:
            out.print(Text(f"       → {finding.remedy}"), soft_wrap=True)
