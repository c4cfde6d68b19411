"""`ask("03")`: show the questions of a unit."""

import os

from medmeta_ref.questions.bank import unit
from medmeta_ref.questions.render import as_markdown, as_text


def ask(number: str, *, language: str = "en", student: str | None = None) -> None:
    """Show a unit's interview questions: formatted in a notebook, as text in a terminal.

    Some questions draw their numbers from the student's name. The answers say which name that was
    (`"student": "ada"`), and are judged by those numbers: what is graded is what was shown.

    Args:
        number: the unit, for instance "03".
        language: "en" or "zh".
        student: any name; by default what the environment variable MEDMETA_STUDENT holds, else the
            variant of nobody in particular.

    Raises:
        ValueError: if there is no such unit, or no such language.
    """
    student = os.environ.get("MEDMETA_STUDENT", "") if student is None else student
    asked = unit(number)
    text = as_text(asked, language=language, student=student)
    from IPython.core.getipython import get_ipython

    if get_ipython() is None:
        print(text)
        return
    from IPython.display import display

    markdown = as_markdown(asked, language=language, student=student)
    display({"text/markdown": markdown, "text/plain": text}, raw=True)  # type: ignore[no-untyped-call]
