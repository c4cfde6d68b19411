"""`python -m medmeta_ref.questions 03`: a unit's questions with their key, for its author."""

import sys

from medmeta_ref.questions.bank import numbers, unit
from medmeta_ref.questions.render import as_text
from medmeta_ref.questions.words import LANGUAGES


def main(arguments: list[str]) -> int:
    """Print questions and key of the units named, or of all; return the exit code."""
    for number in arguments or numbers():
        asked = unit(number)
        for language in LANGUAGES:
            print(as_text(asked, language=language, student=""))
        print(f"\nKey of unit {number}\n")
        for question in asked.questions:
            print(f'    "{question.id}": {question.right_answer("")!r},')
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
