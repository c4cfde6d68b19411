"""One graded submission as it is kept on disk: what every report, page and export reads."""

from typing import Any, NamedTuple

from medmeta_ref.grading.sandbox.grade import UnitResult


class StoredResult(NamedTuple):
    """The verdicts on one submission, and what they were reached on.

    Attributes:
        student: the name of the folder below `submitted/`.
        key: says which answers, checks and seed the verdicts belong to; another key means that they
            are out of date.
        result: the verdicts.
        answers: grade id -> text, of the answer cells that differ from the release.
        notes: what the student should know about how the notebook was read.
    """

    student: str
    key: str
    result: UnitResult
    answers: dict[str, str]
    notes: tuple[str, ...]

    @property
    def unit(self) -> str:
        """For instance "03_distillation"."""
        return self.result.unit

    def to_json(self) -> dict[str, Any]:
        """Return plain dictionaries and lists, as `from_json` reads them."""
        return self._asdict() | {"result": self.result.to_json(), "notes": list(self.notes)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "StoredResult":
        """Return the result that `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: if `data` is not of that form.
        """
        read = {"result": UnitResult.from_json(data["result"]), "notes": tuple(data["notes"])}
        return cls(**(data | read))
