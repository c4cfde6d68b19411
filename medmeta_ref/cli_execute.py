"""`medmeta execute`: the course's notebooks, run from clean kernels, and their timings."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from medmeta_ref.cli_grade import course_folder
from medmeta_ref.terminal import fail, out


def execute_command(
    units: Annotated[
        list[str] | None, typer.Argument(help="Units such as 06; by default the whole course.")
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="The same cells with fewer steps; writes no timings.")
    ] = False,
    to: Annotated[Path, typer.Option("--to", help="Where the executed notebooks go.")] = Path(
        "executed"
    ),
) -> None:
    """Run lessons and solved exercises from clean kernels.

    A run of all of them in full writes the table of timings.

    Example: medmeta execute 06 --fast
    """
    from nbclient.exceptions import CellExecutionError
    from tqdm.auto import tqdm

    from medmeta_ref.authoring import execution

    root = course_folder()
    try:
        names = execution.course_notebooks(root, units)
    except ValueError as error:
        fail(error)
    done, failed = [], 0
    with tqdm(names, file=sys.stderr, desc="execute") as bar:
        for name in bar:
            bar.set_postfix_str(name)
            environment = {"MEDMETA_FAST": "1" if fast else "0"}
            try:
                ran = execution.execute(root / name, name=name, environment=environment)
            except CellExecutionError as error:
                failed += 1
                bar.write(f"{name}: {error}")
                continue
            done.append(ran)
            bar.write(f"{ran.seconds:6.0f} s  {execution.save(ran, to)}", file=sys.stdout)
    if failed:
        fail(f"{failed} of {len(names)} notebooks failed; the cell and its error stand above")
    if not fast and not units:
        table = root / execution.TABLE
        table.write_text(execution.as_markdown(done), encoding="utf-8", newline="\n")
        out.print(f"wrote {execution.TABLE}")
