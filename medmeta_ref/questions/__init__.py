"""Interview questions that grade themselves, in English and Chinese.

    from medmeta_ref.questions import ask

    ask("03")                      # all questions of unit 03, in a notebook or a terminal
    ask("03", language="zh")       # the same in Chinese
    ask("03", student="ada")       # with Ada's numbers; her answers then hold "student": "ada"

Learners answer with plain values, `{"t_squared": "b", "batchmean": 17, ...}`, in the answer cell
`questions` of the unit's notebook; `check("03.questions", questions)` judges them.

Adding questions to a unit
--------------------------
1.  Write `medmeta_ref/questions/unit_NN.py`, modelled on `unit_03.py`. It holds four names:

        LESSON = ("A4", "B4")                            # source items that the lesson answers
        EXERCISES = {"distillation_loss": ("A4",)}       # and those that an exercise answers
        QUESTIONS = (Single(...), Numeric(...), ...)     # ten at least, of six kinds at least
        CARDS = (Card(...), ...)                         # three at least

    Every text is `Words("English", "中文")`; `same("$T^2$")` where nothing is to be translated.
    Every answer that can be foreseen has an explanation: why it tempts, why it is right or wrong.
    All questions have `id`, `title`, `stem`, `objective`, `source`, `answers` and `points`.

    kind       the learner writes    the author writes
    Single     "b"                   options=(Right(text, why), Wrong(text, why), ...)
    Multi      {"a", "d"}            the same, two or more of them Right
    Numeric    0.125                 given={"n": (5, 7)}, key=function(n), slips, unit
    Shape      (25, 64)              given, key=function that makes the tensor and returns its shape
    Predict    (True, 3)             code; its last line is run to get the key
    Order      "bdac"                steps=(Step(text, why), ...) in the right order
    Match      {1: "c", 2: "a"}      pairs=(Pair(left, right, why), ...)
    Bug        (3, "b")              code, fixes=(Fix(line, code, why), ...), works=function
    Formula    "h * (1 - a * h)"     variables={"h": (1, 9)}, key=function, example, slips

    `{n}` in a text stands for the variant's value of `n`, `{key}` in a `why` for the right answer.
    Keys are never typed in where they can be computed. `slips` are wrong answers that people give,
    `Slip(value, why)` or `Slip(lambda n: value, why)`. Order and Match are mixed for you.
    Functions are typed, `works` takes the names that the listing defines. Do not ask what an
    exercise of the unit asks to be programmed: the listing would give it away.

2.  `python -m medmeta_ref.questions NN` prints the questions with their key, and what the linter
    has to say (`lint.py`: tells, missing translations, keys that do not vary, guesses that pay).

3.  Write the spec, `medmeta_ref/grading/specs/unit_NN/questions.py`: copy unit 03's, ten lines.

4.  In `solutions/NN_topic.py`: a cell `ask("NN")`, then card, answer and check of `questions`, as
    in unit 03. The card's points are the sum of the questions' points.

5.  At least five wrong answers in `tests/wrong_answers/unit_NN.py`, and strike what is now covered
    from `GAPS` in `tests/test_coverage.py`. `medmeta build` writes `lessons/COVERAGE.md`.
"""

from medmeta_ref.questions.ask import ask

__all__ = ["ask"]
