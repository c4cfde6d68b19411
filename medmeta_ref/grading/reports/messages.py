"""Take the message of a check apart: the numbers, the mistake by its name, the learner's own line.

Numbers differ from student to student, since every student gets other inputs. What is wrong does
not: "Expected 3.24118, got 0.463026. T² is missing." is one of many messages about one mistake.
"""

import re
from typing import NamedTuple

from medmeta_ref.grading.reports.shown_text import one_line
from medmeta_ref.grading.results import CheckResult, State

# Enough to tell mistakes apart; a learner's exception may say anything at any length.
_MAX_MISTAKE = 240

_NUMBER = r"-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|inf|nan)"
# As `agreement.assert_agrees` begins its messages.
_NUMBERS = re.compile(rf"(?:At \[[\d, ]*\]: e|E)xpected {_NUMBER}, got {_NUMBER}\.\s+")
# As `learner.LearnerError` ends them, with what `sandbox.remote` puts there.
_LINE_BEGINS, _LINE_ENDS = " at `cell ", "`"

# What changes from one student's inputs to another's, in messages without a name for the mistake.
_CHANGING = (
    (re.compile(r"\((?:\d+(?:, ?\d+)*,?)?\)"), "(…)"),
    (re.compile(r"\[[^\[\]]*\]"), "[…]"),
    (re.compile(r"\{[^{}]*\}"), "{…}"),
    (re.compile(r"'[^']*'|\"[^\"]*\""), "'…'"),
    (re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?|-?\d+e[+-]?\d+|\d{3,}"), "…"),
)


class Parts(NamedTuple):
    """A message in parts; what it does not have is "".

    Attributes:
        numbers: the expected value and the learner's.
        cause: the mistake, or the error.
        line: the learner's line that raised: "cell soft_targets line 2: return x".
    """

    numbers: str
    cause: str
    line: str


def parts(check: CheckResult) -> Parts:
    """Return the parts of a check's message."""
    text = check.message.strip()
    if check.state is State.RAISED:
        error, _, line = text.rpartition(_LINE_BEGINS)
        if error and line.endswith(_LINE_ENDS):
            return Parts("", error, f"cell {line.removesuffix(_LINE_ENDS)}")
        return Parts("", text, "")
    numbers = _NUMBERS.match(text)
    if numbers is None or numbers.end() == len(text):
        return Parts("", text, "")
    return Parts(numbers[0].strip(), text[numbers.end() :], "")


def named_mistake(check: CheckResult) -> str:
    """Return what went wrong in words that are the same for all who made that mistake.

    >>> lost = CheckResult("t", "", State.WRONG, 1, "Expected 3.2, got 0.46. T² is missing.")
    >>> named_mistake(lost)
    'T² is missing.'
    >>> named_mistake(lost._replace(message="Shape (5, 3) was expected, yours is (3,)."))
    'Shape (…) was expected, yours is (…).'
    """
    numbers, cause, _ = parts(check)
    if not numbers:
        for pattern, stand_in in _CHANGING:
            cause = pattern.sub(stand_in, cause)
    return one_line(cause, _MAX_MISTAKE) or "(no message)"
