"""The question bank in a build: it has to be in order, `lessons/COVERAGE.md` up to date."""

from pathlib import Path

from medmeta_ref.questions.bank import all_units
from medmeta_ref.questions.coverage import NAME, as_markdown
from medmeta_ref.questions.lint import problems


def bank_problems() -> list[str]:
    """Return what the linter has to say, one line each."""
    return [f"medmeta_ref/questions: {what}" for what in problems(all_units())]


def coverage_problems(root: Path) -> list[str]:
    """Return why `lessons/COVERAGE.md` is not what the bank says; empty if it is.

    Args:
        root: the course folder.
    """
    path = root / NAME
    if not path.is_file():
        return [f"{NAME}: missing; run medmeta build"]
    if path.read_text(encoding="utf-8") != as_markdown(all_units()):
        return [f"{NAME}: differs from the question bank; run medmeta build"]
    return []


def write_coverage(root: Path) -> list[Path]:
    """Write `lessons/COVERAGE.md` and return it, or nothing if it would stay the same."""
    if not coverage_problems(root):
        return []
    path = root / NAME
    path.write_text(as_markdown(all_units()), encoding="utf-8", newline="\n")
    return [path]
