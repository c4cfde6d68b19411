"""`python -m medmeta_ref.questions 03`: a unit's questions with their key, for its author."""

import sys

from medmeta_ref.questions.bank import numbers, unit
from medmeta_ref.questions.lint import problems
from medmeta_ref.questions.render import as_text
from medmeta_ref.questions.words import LANGUAGES


def main(arguments: list[str]) -> int:
    """Print questions, key and lint of the units named, or of all; return the exit code."""
    for number in arguments or numbers():
        asked = unit(number)
        for language in LANGUAGES:
            print(as_text(asked, language=language, student=""))
        print(f"\nKey of unit {number}\n")
        for question in asked.questions:
            print(f'    "{question.id}": {question.right_answer("")!r},')
    found = problems([unit(number) for number in arguments or numbers()])
    print("\n" + ("\n".join(found) or "The linter has nothing to say."))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
