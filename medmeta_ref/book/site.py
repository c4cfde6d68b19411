"""Build the book: write its sources into a temporary folder, and have Sphinx print them."""

import io
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from medmeta_ref import __version__
from medmeta_ref.book.notebook_pages import write_exercise, write_lesson
from medmeta_ref.book.question_pages import write_questions
from medmeta_ref.book.reference_pages import write_reference
from medmeta_ref.book.settings import settings
from medmeta_ref.book.text_pages import write_home, write_indexes, write_texts
from medmeta_ref.questions import bank

_MARK = ".buildinfo"  # Sphinx leaves this in a site


class BookError(RuntimeError):
    """The book could not be built; the message says why, with every warning of Sphinx."""


class Book(NamedTuple):
    """A book that was built.

    Attributes:
        folder: of the site.
        home: its first page.
        outputs: unit -> where the outputs of its lesson come from: "full", "fast" or "not run".
    """

    folder: Path
    home: Path
    outputs: dict[str, str]


def units_of(root: Path) -> list[str]:
    """Return the units that have lesson, exercise and questions, such as "06_maml"."""
    numbers = set(bank.numbers())
    return [
        path.stem
        for path in sorted((root / "lessons").glob("*.ipynb"))
        if path.stem[:2] in numbers and (root / "exercises" / path.stem).is_dir()
    ]


def build_book(root: Path, to: Path, *, units: Sequence[str], executed: Path | None) -> Book:
    """Build the site of some units, with all other pages, in `to`; an older site there goes.

    Args:
        root: the course folder.
        to: the site's folder.
        units: such as "06_maml"; see `units_of`.
        executed: a folder of executed notebooks; lessons that are not in it have no outputs.

    Raises:
        BookError: if `to` holds something else than a book, or Sphinx has to warn.
        notebook_pages.StaleError: if an executed lesson is not the lesson that there is.
    """
    if to.exists() and not (to.is_dir() and ((to / _MARK).exists() or not any(to.iterdir()))):
        raise BookError(f"{to} holds something else than a book; name another folder by --to")
    with tempfile.TemporaryDirectory(prefix="medmeta-book-") as name:
        work = Path(name).resolve()
        source, pictures, made = (work / part for part in ("source", "pictures", "site"))
        source.mkdir()
        pictures.mkdir()
        modes = {
            unit: write_lesson(root, unit, executed=executed, into=source, pictures=pictures)
            for unit in units
        }
        for unit in units:
            write_exercise(root, unit, into=source, pictures=pictures)
            write_questions(bank.unit(unit[:2]), into=source)
        write_reference(source)
        texts = write_texts(root, into=source)
        write_indexes(units, texts, into=source)
        write_home(root, [(unit, _title(source, unit)) for unit in units], into=source)
        print_site(source, made, work / "read", settings(version=__version__, pictures=pictures))
        shutil.rmtree(to, ignore_errors=True)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(made, to)
    return Book(to, to / "index.html", modes)


def print_site(source: Path, made: Path, read: Path, chosen: dict[str, object]) -> None:
    """Have Sphinx make the pages.

    Args:
        source: the folder of pages.
        made: where the site goes.
        read: where Sphinx keeps what it has read.
        chosen: see `settings.settings`.

    Raises:
        BookError: with every warning.
    """
    # Here, because Sphinx takes a second and comes with the extra `book` alone.
    from sphinx.application import Sphinx

    warnings = io.StringIO()
    app = Sphinx(
        source, None, made, read, "html", confoverrides=chosen, status=None, warning=warnings
    )
    app.build(force_all=True)
    if warnings.getvalue().strip():
        told = re.sub(r"\x1b\[\d+(;\d+)*m", "", warnings.getvalue())
        raise BookError(f"Sphinx warns, and a book has no warnings:\n{told}")


def _title(source: Path, unit: str) -> str:
    """Return the title of a lesson without its number, such as "MAML and FOMAML"."""
    import nbformat

    notebook = nbformat.read(source / "lessons" / f"{unit}.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    heading = str(notebook.cells[0].source).partition("\n")[0]
    return heading.removeprefix("#").partition(":")[2].strip() or unit
