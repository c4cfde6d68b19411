"""The linter finds what is planted, and nothing in a bank that is in order."""

from dataclasses import replace

import pytest

from medmeta_ref.questions.bank import unit
from medmeta_ref.questions.kinds import Fix, Right, Slip, Step, Words, Wrong, same
from medmeta_ref.questions.lint import problems
from medmeta_ref.questions.lint_words import number_problems, word_problems

UNIT = unit("03")
QUESTIONS = {question.id: question for question in UNIT.questions}
SINGLE, MULTI, NUMERIC = (QUESTIONS[n] for n in ("t_squared", "dark_knowledge", "batchmean"))
PREDICT, SHAPE, ORDER = (QUESTIONS[n] for n in ("kl_facts", "ensemble_targets", "protocol"))
MATCH, BUG, FORMULA = (QUESTIONS[n] for n in ("smaller_models", "stored_logits", "hot_gradient"))
W = Words("It is so because of that", "因为这个所以那样")


def found(old, **changes):
    """Return what the linter says of unit 03 with one of its questions changed."""
    mended = tuple(replace(q, **changes) if q is old else q for q in UNIT.questions)
    return problems([UNIT._replace(questions=mended)])


def options(*changes):
    """Return the options of the single question with some of their fields replaced."""
    return (
        tuple(o._replace(**c) for o, c in zip(SINGLE.options, changes, strict=False))
        + (SINGLE.options[len(changes) :])
    )


def lone_key(n_images, n_classes):
    return 5.0


PLANTED = {
    "no right option": (SINGLE, {"options": options({}, {"is_right": False})}, "0 right options"),
    "two right options": (SINGLE, {"options": options({"is_right": True})}, "2 right options"),
    "three options": (SINGLE, {"options": SINGLE.options[:3]}, "four are the least"),
    "option twice": (
        SINGLE,
        {"options": options({"text": SINGLE.options[1].text})},
        "same option twice in English",
    ),
    "no explanation": (
        SINGLE,
        {"options": options({"why": Words("", "")})},
        "why of option a is empty in one language",
    ),
    "length tell": (
        SINGLE,
        {"options": options({}, {"text": Words("so long " * 20, SINGLE.options[1].text.zh)})},
        "its length gives away in en",
    ),
    "length tell in Chinese": (
        SINGLE,
        {"options": options({}, {"text": Words(SINGLE.options[1].text.en, "太长" * 50)})},
        "its length gives away in zh",
    ),
    "multi with one right": (
        MULTI,
        {"options": (Right(same("A"), W), *(Wrong(same(x), W) for x in "BCD"))},
        "two right and two wrong",
    ),
    "key that raises": (
        NUMERIC,
        {"key": lambda **_: 1 / 0},
        "cannot be computed: ZeroDivisionError",
    ),
    "key that is infinite": (NUMERIC, {"key": lambda **_: float("inf")}, "has the key inf"),
    "key that never varies": (NUMERIC, {"key": lone_key, "slips": ()}, "draw from more values"),
    "no parameters": (NUMERIC, {"given": {}, "key": lambda: 2.5, "slips": ()}, "draws nothing"),
    "parameter not shown": (
        NUMERIC,
        {"stem": Words("{n_images} in {n_classes}", "{n_images} 张")},
        "does not show {n_classes}",
    ),
    "slip that is right": (
        NUMERIC,
        {"slips": (Slip(lambda n_images, n_classes: n_classes, W),)},
        "slip 1 that is right for some student",
    ),
    "slip behind another": (
        NUMERIC,
        {"slips": (Slip(3, W), Slip(3.001, same("never")))},
        "slip 2 whose explanation is hardly ever shown",
    ),
    "guess that is right": (
        NUMERIC,
        {
            "given": {"n_images": (1, 2, 3), "n_classes": (3, 4, 5)},
            "key": lambda n_images, n_classes: 10 if n_images == 1 else n_classes,
            "slips": (),
        },
        "for the thoughtless answer 10",
    ),
    "shape of nothing": (SHAPE, {"key": lambda **_: None}, "cannot be computed: TypeError"),
    "coin": (PREDICT, {"code": "1 == 1", "slips": ()}, "can be answered by a coin"),
    "snippet without value": (PREDICT, {"code": "x = 1"}, "cannot be computed: SyntaxError"),
    "three steps": (ORDER, {"steps": ORDER.steps[:3]}, "3 steps; four are the least"),
    "untranslated step": (
        ORDER,
        {"steps": (Step(Words("the first step", "the first step"), W), *ORDER.steps[1:])},
        "has no Chinese",
    ),
    "three pairs": (MATCH, {"pairs": MATCH.pairs[:3]}, "four pairs"),
    "listing that works": (BUG, {"works": lambda names: True}, "works as it stands"),
    "no fix works": (BUG, {"works": lambda names: False}, "0 fixes that work"),
    "two fixes work": (BUG, {"fixes": (*BUG.fixes, BUG.fixes[3])}, "2 fixes that work"),
    "one line only": (
        BUG,
        {"fixes": (BUG.fixes[3], *(Fix(8, f"yield {n}", W) for n in range(3)))},
        "for two lines at least",
    ),
    "example that is wrong": (FORMULA, {"example": "z - v"}, "an example that is not its key"),
    "formula slip that is right": (
        FORMULA,
        {"slips": (Slip("(z - v) / n / C", W),)},
        "slip 1 that is right",
    ),
    "formula slip that is none": (FORMULA, {"slips": (Slip("z v", W),)}, "that is no formula"),
    "id twice": (SINGLE, {"id": "batchmean"}, "batchmean: is there 2 times"),
    "id of something else": (SINGLE, {"id": "student"}, "no usable id"),
    "id with a hyphen": (SINGLE, {"id": "t-squared"}, "no usable id"),
    "no source": (SINGLE, {"source": " "}, "lacks its source"),
    "answers nothing": (SINGLE, {"answers": ()}, "lacks its source, or the items"),
    "answers a stranger": (SINGLE, {"answers": ("C1",)}, "answers 'C1', which is no item"),
    "no objective": (SINGLE, {"objective": Words("", "")}, "objective is empty"),
    "points": (SINGLE, {"points": 0}, "0 points"),
    "number in one language": (
        SINGLE,
        {"stem": Words("Why 5?", "为什么？")},
        "stem has 5 in English only",
    ),
    "web page": (SINGLE, {"stem": Words("See www.a.b", "见 www.a.b")}, "needs a web page"),
}


@pytest.mark.parametrize(("old", "changes", "says"), PLANTED.values(), ids=PLANTED)
def test_a_planted_problem_is_found_and_named(old, changes, says):
    assert any(says in line for line in found(old, **changes)), found(old, **changes)


def test_the_bank_is_in_order_before_anything_is_planted():
    assert problems([UNIT]) == []


def test_a_unit_that_is_too_small_is_found():
    said = problems([UNIT._replace(questions=UNIT.questions[:2], cards=UNIT.cards[:1])])
    for what in ("2 questions; 10", "2 kinds of questions; 6", "1 oral cards; 3"):
        assert any(what in line for line in said)


def test_a_card_without_rubric_or_source_is_found():
    card = replace(UNIT.cards[0], rubric=UNIT.cards[0].rubric[:1], source="")
    said = "\n".join(problems([UNIT._replace(cards=(card, *UNIT.cards[1:]))]))
    assert "1 points in its rubric" in said
    assert "lacks its source" in said


def test_a_unit_that_answers_no_item_need_not_name_any_in_its_questions():
    def without(asked):
        return tuple(replace(each, answers=()) for each in asked)

    bare = UNIT._replace(questions=without(UNIT.questions), cards=without(UNIT.cards))
    assert len(problems([bare])) == len(bare.questions) + len(bare.cards)
    assert problems([bare._replace(lesson=())]) == []


def test_a_favourite_letter_is_found():
    def moved(question):  # the right option first
        options = sorted(question.options, key=lambda option: not option.is_right)
        return replace(question, options=tuple(options))

    singles = ("t_squared", "bug_report", "interval", "is_it_meta")
    changed = tuple(moved(q) if q.id in singles else q for q in UNIT.questions)
    said = "\n".join(problems([UNIT._replace(questions=changed)]))
    assert "every single question with 'a' earns 20%" in said
    assert "'a' is right in 4 of 4 single questions" in said


@pytest.mark.parametrize(
    ("en", "zh", "says"),
    [
        ("A sentence in English", "A sentence in English", "has no Chinese"),
        ("The same", "其中 this part was not translated", "an English sentence"),
        ("A teacher", "教师,学生", "western punctuation"),
        ("A teacher.", "教师.", "western punctuation"),
        ("教师", "教师", "Chinese in its English"),
        ("", "教师", "is empty"),
    ],
)
def test_a_planted_slip_of_translation_is_found(en, zh, says):
    assert says in "\n".join(word_problems(Words(en, zh)))


@pytest.mark.parametrize(
    ("en", "zh"),
    [
        ("$T^2$", "$T^2$"),
        ("`optimizer.step()` is missing", "缺少 `optimizer.step()`"),
        ("MAML", "MAML"),
        ("ProtoNet, 5-way 1-shot", "ProtoNet，5-way 1-shot"),
        ("with `batch norm of the test images`", "用 `batch norm of the test images`"),
        ("Learning rate of 0.5", "学习率为 0.5"),
    ],
)
def test_what_needs_no_translation_passes(en, zh):
    assert list(word_problems(Words(en, zh))) == []


def test_numbers_of_a_stem_are_compared_as_sets():
    assert list(number_problems(Words("5 of 0.5 and 5", "0.5 中的 5"))) == []
    assert list(number_problems(Words("5", "6"))) == [
        "has 5 in English only",
        "has 6 in Chinese only",
    ]
