"""The card above an exercise: how hard, how important, how long, what for, and where to get help.

A card is YAML behind comment signs, so that every field can be checked. What a learner sees is
markdown that a screen reader can read: the difficulty is a sentence, not a row of symbols, and
every hint opens on its own.
"""

import html
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

LIMITS = {"difficulty": (1, 5), "importance": (1, 5), "minutes": (1, 120), "points": (1, 100)}
FIELDS = ("title", *LIMITS, "objective", "hints", "help")


class Card(NamedTuple):
    """What a learner should know before starting an exercise.

    Attributes:
        title: becomes the heading.
        difficulty: 1 to 5.
        importance: 1 to 5.
        minutes: how long the exercise takes.
        points: the points of its check.
        objective: what the learner can do afterwards, markdown.
        hints: at least two, from a nudge to nearly the answer, markdown.
        help: at least one: what the learner sees -> what to try, markdown.
    """

    title: str
    difficulty: int
    importance: int
    minutes: int
    points: int
    objective: str
    hints: Sequence[str]
    help: Mapping[str, str]


class CardError(ValueError):
    """A card that cannot be shown.

    Attributes:
        problems: (line within the card's text from 0, what is wrong; way out).
    """

    def __init__(self, problems: Sequence[tuple[int, str]]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(what for _, what in problems))


def parse_card(text: str) -> Card:
    """Return the card that the YAML text describes.

    Raises:
        CardError: with everything that is wrong, not only the first thing.
    """
    import yaml  # type: ignore[import-untyped]  # no type stubs are published with it

    try:
        fields = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or error
        what = f"the card is not YAML ({reason}); put text that has ': ' or '#' between quotes"
        raise CardError([(mark.line if mark else 0, what)]) from error
    if not isinstance(fields, dict):
        raise CardError([(0, f"the card has no fields; it needs {', '.join(FIELDS)}")])
    problems = _problems(fields)
    if problems:
        raise CardError([(_line_of(field, text), what) for field, what in problems])
    return Card(**fields)


def render_card(card: Card) -> str:
    """Return the markdown that a learner reads.

    The blank lines are needed: without them JupyterLab shows markdown and formulas inside
    `<details>` as they were typed.
    """
    points = "1 point" if card.points == 1 else f"{card.points} points"
    facts = (
        f"Difficulty {card.difficulty} of 5 · Importance {card.importance} of 5 · "
        f"about {card.minutes} minutes · {points}"
    )
    drawers = [(f"Hint {number}", hint) for number, hint in enumerate(card.hints, start=1)]
    drawers += [(f"Help: {_inline(symptom)}", advice) for symptom, advice in card.help.items()]
    parts = [f"### {card.title}", facts, f"**Objective.** {card.objective.strip()}"]
    for summary, body in drawers:
        parts += [f"<details><summary>{summary}</summary>", body.strip(), "</details>"]
    return "\n\n".join(parts)


def _problems(fields: Mapping[object, object]) -> list[tuple[str, str]]:
    """Return (field, what is wrong; way out) for every field that is."""
    problems = [
        (name, f"the card has no {name}; add '{name}:'") for name in FIELDS if name not in fields
    ]
    problems += [
        (str(name), f"unknown card field '{name}'; use {', '.join(FIELDS)}")
        for name in fields
        if name not in FIELDS
    ]
    for name, (low, high) in LIMITS.items():
        value = fields.get(name, low)
        # True is an int to Python, and `difficulty: yes` is True to YAML.
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            problems.append((name, f"{name} is {value!r}; write a whole number, {low} to {high}"))
    for name in ("title", "objective"):
        value = fields.get(name, "text")
        if not _is_text(value) or (name == "title" and "\n" in str(value).strip()):
            problems.append((name, f"{name} is {value!r}; write text between quotes"))
    return problems + _list_problems(fields)


def _list_problems(fields: Mapping[object, object]) -> list[tuple[str, str]]:
    """Return (field, what is wrong; way out) for the hints and the help."""
    problems = []
    hints = fields.get("hints", ["", ""])
    if not isinstance(hints, list) or len(hints) < 2:
        count = len(hints) if isinstance(hints, list) else 0
        problems.append(("hints", f"{count} hints, at least 2 needed; add lines '  - \"...\"'"))
    elif "hints" in fields and not all(_is_text(hint) for hint in hints):
        wrong = next(hint for hint in hints if not _is_text(hint))
        problems.append(("hints", f"the hint {wrong!r} is no text; put it between quotes"))
    symptoms = fields.get("help", {"": ""})
    if not isinstance(symptoms, dict) or not symptoms:
        what = 'no help; add a symptom and what to try: \'  "my loss is nan": "..."\''
        problems.append(("help", what))
    elif "help" in fields:
        problems += [
            ("help", f"the help {symptom!r}: {advice!r} is no text; put both between quotes")
            for symptom, advice in symptoms.items()
            if not (_is_text(symptom) and _is_text(advice))
        ]
    return problems


def _is_text(value: object) -> bool:
    """Return whether the value is a string with something in it."""
    return isinstance(value, str) and bool(value.strip())


def _line_of(field: str, text: str) -> int:
    """Return the line of the card's text that sets a field, 0 if none does."""
    starts = (f"{field}:", f'"{field}":', f"'{field}':")
    return next((n for n, line in enumerate(text.split("\n")) if line.startswith(starts)), 0)


def _inline(symptom: str) -> str:
    """Return a symptom as HTML: markdown is not read inside `<summary>`, so code is marked here."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(symptom.strip(), quote=False))
