"""What an answer out of the sandbox has to look like before anything is read from it."""

from medmeta_ref.grading.sandbox.adapters import REFUSALS
from medmeta_ref.grading.sandbox.wire import Message

# What can become of a question, by its "do".
_STATUSES = {
    "cell": ("ok", "raised"),
    "begin": ("ok", "raised"),
    "get": ("ok", "raised", "function", "missing"),
    "call": ("ok", "raised", "refused"),
}


def well_formed(answer: Message, asked: str) -> bool:
    """Return whether an answer has the fields, of the kinds, that its status asks for.

    Args:
        answer: what came out of the sandbox. Fields that may be missing are put in.
        asked: the "do" of the question.
    """
    texts = {"raised": ("type", "message", "cell", "base"), "refused": ("code",)}
    status, notes = answer.get("status"), answer.setdefault("notes", [])
    if status not in _STATUSES[asked]:
        return False
    if type(notes) is not list or any(type(note) is not str for note in notes):
        return False
    if status == "ok" and "value" not in answer:
        return False
    if status == "refused" and answer.get("code") not in tuple(REFUSALS):
        return False
    answer.setdefault("line", 0)
    answer.setdefault("base", "")
    return all(type(answer.get(field)) is str for field in texts.get(status, ()))
