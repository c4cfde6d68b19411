"""Every sentence of the question bank in two languages, side by side."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

LANGUAGES = ("en", "zh")


class Words(NamedTuple):
    """A text in English and in Chinese; markdown, with `$...$` for formulas.

    Attributes:
        en: English.
        zh: Chinese, written as one would say it, not word by word.
    """

    en: str
    zh: str

    def in_(self, language: str) -> str:
        """Return the text in one language.

        Raises:
            ValueError: if there is no such language.
        """
        if language not in LANGUAGES:
            raise ValueError(
                f"no language {language!r}; there are {', '.join(map(repr, LANGUAGES))}"
            )
        return self.zh if language == "zh" else self.en

    def filled(self, values: Mapping[str, Any]) -> "Words":
        """Return the text with `{name}` or `{name:format}` replaced by the value of that name.

        Other braces stay as they are: LaTeX is full of them.

        >>> Words("{n} of $x_{n}$, 0.{n:02d}", "{n}").filled({"n": 3}).en
        '3 of $x_{n}$, 0.03'
        """
        if not values:
            return self
        names = "|".join(map(re.escape, values))
        # Not after _ or ^ or a command's letters: there LaTeX puts its own braces.
        pattern = re.compile(rf"(?<![\w^\\}}])\{{({names})(?::([^{{}}]*))?\}}")

        def value(found: re.Match[str]) -> str:
            plain = found[2] is None
            return shown(values[found[1]]) if plain else format(values[found[1]], found[2])

        return Words(*(pattern.sub(value, text) for text in self))


def same(text: str) -> Words:
    """Return a text that needs no translation: a formula, a line of code, a name.

    >>> same("$T^2$").zh
    '$T^2$'
    """
    return Words(text, text)


def shown(value: Any) -> str:
    """Return a value as learners read it: floats in six digits, all else as Python writes it.

    >>> shown(0.1 + 0.2), shown((2, 3)), shown("bda")
    ('0.3', '(2, 3)', 'bda')
    """
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return value
    try:
        return repr(value)
    except ValueError:  # Python writes no integer of thousands of digits
        return f"{type(value).__name__} (...)"
