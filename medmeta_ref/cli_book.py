"""`medmeta book`: the course as a static site."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from medmeta_ref.cli_grade import course_folder
from medmeta_ref.terminal import fail, out


def book_command(
    units: Annotated[
        list[str] | None, typer.Argument(help="Units such as 06; by default the whole course.")
    ] = None,
    to: Annotated[Path, typer.Option("--to", help="The folder of the site.")] = Path("build/book"),
    executed: Annotated[
        Path | None,
        typer.Option("--executed", help="Executed notebooks, as medmeta execute writes them."),
    ] = None,
    run: Annotated[
        bool,
        typer.Option("--run/--no-run", help="Run the lessons in fast mode, if none are given."),
    ] = True,
) -> None:
    """Build the book: course and reference as pages for a browser.

    They need no network. Outputs of lessons come from --executed; else the lessons are run in fast
    mode, which takes minutes; with --no-run they have none. Every lesson's page says which it is.

    Example: medmeta book --executed executed
    """
    try:
        import sphinx  # noqa: F401
    except ImportError:
        fail("the book needs Sphinx: pip install -c constraints.txt -e '.[book]'")
    from medmeta_ref.book import site
    from medmeta_ref.book.notebook_pages import StaleError

    root = course_folder()
    chosen = _chosen(site.units_of(root), units)
    if executed is not None and not (executed / "lessons").is_dir():
        fail(f"no lessons in {executed}; make them with: medmeta execute --to {executed}")
    with tempfile.TemporaryDirectory(prefix="medmeta-runs-") as folder:
        if executed is None and run:
            executed = _run(root, chosen, Path(folder))
        try:
            made = site.build_book(root, to, units=chosen, executed=executed)
        except (site.BookError, StaleError) as error:
            fail(error)
    for unit, mode in made.outputs.items():
        out.print(f"{unit}: lesson {mode}", highlight=False)
    out.print(f"Open {made.home}", soft_wrap=True)


def _chosen(there: list[str], units: list[str] | None) -> list[str]:
    """Return the units asked for, by name or number; all by default."""
    for unit in units or []:
        if not any(unit in (name, name[:2]) for name in there):
            fail(f"no unit {unit!r}; there are {', '.join(there)}")
    return [name for name in there if not units or name in units or name[:2] in units]


def _run(root: Path, units: list[str], folder: Path) -> Path:
    """Run the lessons in fast mode; return the folder, with their outputs in it."""
    from nbclient.exceptions import CellExecutionError

    from medmeta_ref.authoring import execution

    for unit in units:
        name = f"lessons/{unit}.ipynb"
        with out.status(f"running {name} in fast mode"):
            try:
                ran = execution.execute(root / name, name=name, environment={"MEDMETA_FAST": "1"})
            except CellExecutionError as error:
                fail(f"{name}: {error}")
        execution.save(ran, folder)
    return folder
