"""The bank itself: in order, its keys right by other means, and of no use to those who guess."""

import itertools
import random
import re
from statistics import mean

import pytest
import torch
import torch.nn.functional as F

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.questions.bank import all_units, numbers, unit
from medmeta_ref.questions.kinds import Bug, Match, Multi, Order, Single
from medmeta_ref.questions.lint import problems
from medmeta_ref.questions.question import LETTERS

ROOT = course_root()


def test_the_linter_has_nothing_to_say():
    assert problems(all_units()) == []


def test_all_ten_kinds_are_in_use():
    kinds = {question.kind for each in all_units() for question in each.questions}
    choices, computed = {"single", "multi"}, {"numeric", "shape", "predict", "formula"}
    assert kinds == {*choices, *computed, "order", "match", "bug", "mutant"}


def test_a_unit_without_questions_is_named():
    with pytest.raises(ValueError, match=f"'99' has no questions; there are {numbers()[0]}"):
        unit("99")


def test_files_that_sources_name_exist():
    for each in all_units():
        for asked in (*each.questions, *each.cards):
            for name in re.findall(r"(?:lessons|medmeta_ref)/[\w./]+", asked.source):
                path = ROOT / (name if name.endswith(".py") else f"{name}.py")
                assert path.is_file(), f"{each.number}.{asked.id} names {name}"


# unit 03's keys, by other means


def test_gradient_at_high_temperature_is_what_autograd_finds():
    generator = torch.Generator().manual_seed(0)
    student, teacher = 2 * torch.randn(2, 5, 7, generator=generator, dtype=torch.float64)
    student.requires_grad_()
    t = 1e5
    p, log_q = (teacher / t).softmax(1), (student / t).log_softmax(1)
    loss = t**2 * F.kl_div(log_q, p, reduction="batchmean")
    (gradient,) = torch.autograd.grad(loss, student)
    [question] = [q for q in unit("03").questions if q.id == "hot_gradient"]
    z, v = (x.detach() - x.detach().mean(1, keepdim=True) for x in (student, teacher))
    for i, j in itertools.product(range(5), range(7)):
        want = question.key(z=z[i, j].item(), v=v[i, j].item(), C=7, n=5)
        assert gradient[i, j].item() == pytest.approx(want, abs=1e-5)


def test_numeric_keys_of_unit_03_are_the_closed_forms():
    questions = {q.id: q for q in unit("03").questions}
    for student in ("", "ada", "ben", "cy"):
        factor = questions["batchmean"]
        assert factor.right_answer(student) == pytest.approx(factor.values(student)["n_classes"])
        guess = questions["second_guess"]
        gap, t = (guess.values(student)[name] for name in ("gap", "temperature"))
        pair = torch.tensor([gap, 0.0], dtype=torch.float64) / t
        assert guess.right_answer(student) == pytest.approx(pair.softmax(0)[1].item())


def test_figures_in_the_explanation_of_the_divergence_are_right():
    p, q = torch.tensor([0.9, 0.1]), torch.tensor([0.5, 0.5])
    there, back = ((a * (a / b).log()).sum().item() for a, b in ((p, q), (q, p)))
    assert (round(there, 2), round(back, 2)) == (0.37, 0.51)


# whatever comes

ATOMS = (None, ..., True, 0, -3, 2.5, float("nan"), 10**5000, 1j, "", "a", "b" * 500, "((", b"a")


def junk(generator, depth=2):
    """Return a value of any kind that plain Python code can write."""
    if depth == 0 or generator.random() < 0.3:
        return generator.choice(ATOMS)
    inside = [junk(generator, depth - 1) for _ in range(generator.randint(0, 4))]
    kind = generator.choice([list, tuple, "dict", "set"])
    if kind == "dict":
        return dict(enumerate(inside, start=1))
    if kind == "set":
        return {x for x in inside if type(x) in (int, str, bool, float)}
    return kind(inside)


@pytest.mark.parametrize("number", [unit.number for unit in all_units()])
def test_whatever_is_answered_gets_a_short_verdict_in_both_languages(number):
    generator = random.Random(0)
    for question in unit(number).questions:
        for _ in range(300):
            verdict = question.judge(junk(generator), "ada")
            assert 0 <= verdict.share <= 1
            assert all(0 < len(text) < 1000 for text in verdict.why)


# guessing


@pytest.mark.parametrize("number", [unit.number for unit in all_units()])
def test_answering_without_thought_earns_almost_nothing(number):
    """The same thoughtless habit in all questions, for many students."""
    questions = unit(number).questions
    total = sum(question.points for question in questions)

    def earned(habit, student):
        answers = ((question, habit(question)) for question in questions)
        return sum(q.points * q.judge(answer, student).share for q, answer in answers)

    def one_letter(letter):
        def habit(question):
            match question:
                case Multi():
                    return {letter}
                case Match(pairs=pairs):
                    return dict.fromkeys(range(1, len(pairs) + 1), letter)
                case Order(steps=steps):
                    return LETTERS[: len(steps)]
                case Bug():
                    return (1, letter)
            return letter

        return habit

    def everything(question):
        return set(LETTERS[: len(question.options)]) if isinstance(question, Multi) else True

    habits = {f"always {letter}": one_letter(letter) for letter in "abcde"}
    habits["everything"] = everything
    habits |= {
        f"always {value!r}": lambda question, value=value: value for value in (0, 1, (1, 1), "1")
    }
    for name, habit in habits.items():
        for student in ("", "ada", "ben", "cy"):
            assert earned(habit, student) <= 0.12 * total, name


@pytest.mark.parametrize("number", [unit.number for unit in all_units()])
def test_drawing_lots_earns_little(number):
    """A random answer of the right form, to everything that has letters."""
    generator = random.Random(0)
    questions = unit(number).questions

    def lot(question):
        match question:
            case Single(options=options):
                return generator.choice(LETTERS[: len(options)])
            case Multi(options=options):
                letters = LETTERS[: len(options)]
                return {x for x in letters if generator.random() < 0.5}
            case Match(pairs=pairs):
                letters = list(LETTERS[: len(question.partners())])
                generator.shuffle(letters)
                return dict(zip(range(1, len(pairs) + 1), itertools.cycle(letters), strict=False))
            case Order(steps=steps):
                return "".join(generator.sample(LETTERS[: len(steps)], len(steps)))
            case Bug(fixes=fixes, code=code):
                return generator.randint(1, code.count("\n")), generator.choice(
                    LETTERS[: len(fixes)]
                )
        return 0

    total = sum(question.points for question in questions)
    scores = [sum(q.points * q.judge(lot(q)).share for q in questions) for _ in range(300)]
    assert mean(scores) < 0.12 * total
