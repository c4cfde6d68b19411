"""The help of `medmeta` on one screen, and the exit codes below the help of every command."""

from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

# In this order; a command that names no panel stands in the last one.
PANELS = ("Learn", "Teach", "Use the library", "Make the course")

EXIT_CODES = "Exit codes: 0 done; 1 not, and the message says why; 2 wrong usage."


class OneScreen(TyperGroup):
    """The commands by what one wants to do, a line each and no frames: 24 lines of 80 columns."""

    # Typer has its own copy of click, or imports it, as its version goes; hence no types.
    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        console = Console(highlight=False)
        console.print(f"[bold]{ctx.command_path}[/]: {self.help}")
        width = max(map(len, self.list_commands(ctx)))
        for panel, commands in self._panels(ctx).items():
            console.print(f"[bold yellow]{panel}[/]")
            for name, command in commands:
                text = escape(command.get_short_help_str(limit=200))
                console.print(f"  [cyan]{name:{width}}[/]  {text}", soft_wrap=True)
        console.print(f"Commands explain themselves: {ctx.command_path} start --help")

    def _panels(self, ctx: Any) -> dict[str, list[tuple[str, Any]]]:
        found: dict[str, list[tuple[str, Any]]] = {panel: [] for panel in PANELS}
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                panel = getattr(command, "rich_help_panel", None)
                found[panel if panel in found else PANELS[-1]].append((name, command))
        return {panel: commands for panel, commands in found.items() if commands}


def tell_exit_codes(app: typer.Typer) -> None:
    """Put the exit codes below the help of every command that does not tell its own."""
    for info in app.registered_commands:
        if info.callback is not None and "Exit codes" not in (info.callback.__doc__ or ""):
            info.epilog = EXIT_CODES
    for group in app.registered_groups:
        if group.typer_instance is not None:
            tell_exit_codes(group.typer_instance)
