"""A class whose answers were really graded: real texts, run, and judged by the real specs."""

import functools
import inspect
import json
import re
import textwrap

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.grading.answers import read_answers
from medmeta_ref.grading.learner import LearnerError, NotAttempted
from medmeta_ref.grading.sandbox.grade import PREAMBLE, UnitResult
from medmeta_ref.grading.sandbox.seeds import check_seed, submission_digest
from medmeta_ref.grading.spec_runner import exercises, run_specs
from medmeta_ref.grading.stored_result import StoredResult
from tests.wrong_answers import WRONG_ANSWERS, unit_03

ROOT = course_root()
UNIT = "03_distillation"
SECRET = b"a secret of the course"
EXERCISES = tuple(name.partition(".")[2] for name in exercises() if name.startswith("03."))


@functools.cache
def solutions():
    """Return grade id -> text of the published answers."""
    return read_answers(ROOT / "solutions" / f"{UNIT}.py")


@functools.cache
def wrong_texts(exercise):
    """Return the texts of the wrong answers to an exercise, as a learner would have them."""
    texts = []
    for answer in WRONG_ANSWERS:
        if answer.exercise == f"03.{exercise}":
            source = textwrap.dedent(inspect.getsource(answer.function))
            source = source[source.index("def ") :]
            source = re.sub(r"def \w+", f"def {exercise}", source, count=1)
            for name in ("_loss", "_example"):
                if re.search(rf"\b{name}\(", source):
                    source = f"{inspect.getsource(getattr(unit_03, name))}\n\n{source}"
            texts.append(source.replace("SYMPTOMS", repr(unit_03.SYMPTOMS)))
    return texts


def graded(student, answers, *, notes=()):
    """Return the stored result of a student's answers: grade id -> text.

    They run in this process: the sandbox has tests of its own.
    """
    digest = submission_digest(answers)
    found = run_specs(
        {f"03.{name}": _defined(name, answers.get(name, "")) for name in EXERCISES},
        seed=lambda test: check_seed(SECRET, student, digest, test),
    )
    result = UnitResult(UNIT, tuple(found), digest, 0.1, 0.2)
    return StoredResult(student, f"key of {student}", result, dict(answers), tuple(notes))


def _defined(name, text):
    if not text:
        return NotAttempted()
    names = {}
    try:
        exec(PREAMBLE + text, names)
    except NameError as error:
        return LearnerError(error, f"cell {name} line 1")
    return names[name]


@functools.cache
def a_class(n=40):
    """Return the results of `n` students, of whom every one has something else right."""
    results = []
    for i in range(n):
        answers = {}
        for k, exercise in enumerate(EXERCISES):
            wrong = wrong_texts(exercise)
            choice = (i * (k + 2) + k) % (len(wrong) + 6)
            if choice < len(wrong):
                answers[exercise] = wrong[choice]
            elif choice < len(wrong) + 4:
                answers[exercise] = solutions()[exercise]
            elif choice == len(wrong) + 4:
                answers[exercise] = f"def {exercise}(*args, **kw):\n    return undefined_{i}\n"
        results.append(graded(f"student{i:02}", answers))
    return tuple(results)


def write_results(results, root, *, unit=UNIT):
    """Write results as a batch does, and return their folder."""
    folder = root / "results" / unit
    folder.mkdir(parents=True)
    for stored in results:
        text = json.dumps(stored.to_json())
        (folder / f"{stored.student}.json").write_text(text, encoding="utf-8")
    return folder
