"""Every rule of the builder has a violation planted here, and its message is read."""

from pathlib import Path

import pytest

from medmeta_ref.authoring.builder import BuildError, build, check
from tests.small_course import (
    ANSWER,
    CARD,
    LESSON,
    LESSON_FILE,
    SOLUTIONS,
    SOLUTIONS_FILE,
    make_course,
    replaced,
    write,
)

CARD_CELL = f'# %% [markdown] card="soft_targets"\n{CARD}\n'
CHECK_CELL = '# %% grade_id="soft_targets_check" points=4\ncheck("soft_targets", soft_targets)\n'
PLOT = 'plots.show(drawn, alt="The loss of the student falls from 1 to a half.")'


def test_the_small_course_itself_breaks_no_rule(tmp_path: Path):
    build(make_course(tmp_path))
    assert check(tmp_path) == []


def in_solutions(tmp_path: Path, old: str, new: str) -> str:
    """The only problem of a course whose solutions file has one mistake."""
    (problem,) = check(make_course(tmp_path, solutions=replaced(SOLUTIONS, old, new)))
    return problem


def in_lesson(tmp_path: Path, old: str, new: str) -> str:
    """The only problem of a course whose lesson has one mistake."""
    (problem,) = check(make_course(tmp_path, lesson=replaced(LESSON, old, new)))
    return problem


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


# Cards


def test_an_answer_without_card_is_refused_at_its_line(tmp_path: Path):
    problem = in_solutions(tmp_path, CARD_CELL, "")
    line = line_of(SOLUTIONS.replace(CARD_CELL, ""), '# %% grade_id="soft_targets"')
    assert problem == (
        f"{SOLUTIONS_FILE}:{line}: the answer 'soft_targets' has no card above it; "
        "add a cell '# %% [markdown] card=\"soft_targets\"'"
    )


def test_a_card_below_its_answer_is_refused(tmp_path: Path):
    text = SOLUTIONS.replace(CARD_CELL, "").replace(ANSWER, f"{ANSWER}\n{CARD_CELL}")
    (problem,) = check(make_course(tmp_path, solutions=text))
    assert "has no card above it" in problem


def test_a_card_lacking_a_field_is_refused(tmp_path: Path):
    problem = in_solutions(tmp_path, "# minutes: 10\n", "")
    assert "card 'soft_targets': the card has no minutes; add 'minutes:'" in problem


def test_a_card_with_one_hint_is_refused_at_the_line_of_the_hints(tmp_path: Path):
    text = replaced(SOLUTIONS, "#   - Divide before the softmax.\n", "")
    (problem,) = check(make_course(tmp_path, solutions=text))
    where = f"{SOLUTIONS_FILE}:{line_of(text, '# hints:')}:"
    assert problem.startswith(f"{where} card 'soft_targets': 1 hints, at least 2 needed")


def test_a_card_without_help_is_refused(tmp_path: Path):
    problem = in_solutions(tmp_path, '#   "my loss is `nan`": Look for a logarithm of zero.\n', "")
    assert "no help; add a symptom" in problem


def test_a_difficulty_of_six_is_refused(tmp_path: Path):
    problem = in_solutions(tmp_path, "# difficulty: 3", "# difficulty: 6")
    assert "difficulty is 6; write a whole number, 1 to 5" in problem


def test_points_that_differ_between_card_and_check_are_refused(tmp_path: Path):
    problem = in_solutions(tmp_path, "# points: 4", "# points: 5")
    assert "promises 5 points, its check gives 4; make them equal" in problem


def test_a_card_without_answer_is_refused(tmp_path: Path):
    extra = CARD_CELL.replace('"soft_targets"', '"hard_targets"')
    problem = in_solutions(tmp_path, CARD_CELL, f"{CARD_CELL}{extra}")
    assert "the card 'hard_targets' belongs to no answer cell" in problem


# Ids, answers and checks


def test_a_grade_id_used_twice_is_refused_with_both_lines(tmp_path: Path):
    text = replaced(SOLUTIONS, ANSWER, f'{ANSWER}\n# %% grade_id="soft_targets"\n{ANSWER}')
    (problem,) = check(make_course(tmp_path, solutions=text))
    first = line_of(text, '# %% grade_id="soft_targets"')
    second = first + 1 + ANSWER.count("\n") + 1
    assert problem == (
        f"{SOLUTIONS_FILE}:{second}: duplicate id 'soft_targets', "
        f"first used in line {first}; rename one of them"
    )


def test_the_same_grade_id_in_two_units_is_fine(tmp_path: Path):
    make_course(tmp_path)
    write(tmp_path, "solutions/04_other.py", SOLUTIONS)
    build(tmp_path)
    assert check(tmp_path) == []


def test_an_id_too_long_for_a_notebook_is_refused(tmp_path: Path):
    long_name = "a" * 59  # its card just fits
    text = SOLUTIONS.replace('="soft_targets', f'="{long_name}')
    (problem,) = check(make_course(tmp_path, solutions=text))
    assert f"the id '{long_name}_check' has 65 characters, notebooks allow 64" in problem


def test_an_answer_without_check_is_refused(tmp_path: Path):
    problem = in_solutions(tmp_path, CHECK_CELL, "")
    assert "the answer 'soft_targets' has no check; add a cell" in problem
    assert '# %% grade_id="soft_targets_check" points=...' in problem


def test_a_check_above_its_answer_is_refused(tmp_path: Path):
    text = SOLUTIONS.replace(CHECK_CELL, "").replace(CARD_CELL, f"{CHECK_CELL}\n{CARD_CELL}")
    (problem,) = check(make_course(tmp_path, solutions=text))
    assert "has no answer cell 'soft_targets' above it" in problem


def test_a_check_of_nothing_is_refused(tmp_path: Path):
    extra = CHECK_CELL.replace("soft_targets_check", "sotf_targets_check")
    problem = in_solutions(tmp_path, CHECK_CELL, f"{CHECK_CELL}\n{extra}")
    assert "'sotf_targets_check' has no answer cell 'sotf_targets' above it" in problem


@pytest.mark.parametrize(
    ("points", "shown"),
    [("", "None"), (" points=0", "0"), (" points=1.5", "1.5"), (" points=true", "True")],
)
def test_a_check_without_whole_points_is_refused(tmp_path: Path, points, shown):
    problems = check(make_course(tmp_path, solutions=SOLUTIONS.replace(" points=4", points)))
    assert (
        f"the check 'soft_targets_check' has points {shown}; write points=1 or more"
        in "\n".join(problems)
    )


def test_points_on_an_answer_are_refused(tmp_path: Path):
    problem = in_solutions(
        tmp_path, 'grade_id="soft_targets"\n', 'grade_id="soft_targets" points=4\n'
    )
    assert "points on a cell that checks nothing; move them to the _check cell" in problem


@pytest.mark.parametrize("mark", ["    ### BEGIN SOLUTION\n", "    ### END SOLUTION\n"])
def test_an_answer_without_a_mark_is_refused(tmp_path: Path, mark):
    problem = in_solutions(tmp_path, mark, "")
    assert "needs exactly one '### BEGIN SOLUTION' and one '### END SOLUTION'" in problem


def test_a_second_solution_block_is_refused(tmp_path: Path):
    block = "    ### BEGIN SOLUTION\n    pass\n    ### END SOLUTION\n"
    problem = in_solutions(tmp_path, ANSWER, ANSWER + block)
    assert "needs exactly one" in problem


def test_a_mark_written_otherwise_is_refused(tmp_path: Path):
    """nbgrader would take it for a mark and the builder's search for answers would not."""
    problem = in_solutions(tmp_path, "### BEGIN SOLUTION", "# BEGIN SOLUTION here")
    assert "found ['# BEGIN SOLUTION here', '### END SOLUTION']" in problem


def test_an_empty_solution_is_refused(tmp_path: Path):
    start, end = ANSWER.index("    scaled"), ANSWER.index("    ### END")
    problem = in_solutions(tmp_path, ANSWER, f"{ANSWER[:start]}    # nothing\n{ANSWER[end:]}")
    assert "the solution of 'soft_targets' is empty" in problem


def test_a_solution_outside_an_answer_cell_is_refused(tmp_path: Path):
    problem = in_solutions(
        tmp_path, "# %% scratch=true\n", "# %% scratch=true\n### BEGIN SOLUTION\n"
    )
    assert "'### BEGIN SOLUTION' outside an answer cell" in problem


def test_an_answer_in_prose_is_refused(tmp_path: Path):
    text = replaced(
        SOLUTIONS, '# %% grade_id="soft_targets"\n', '# %% [markdown] grade_id="soft_targets"\n'
    )
    assert "the answer 'soft_targets' is prose" in "\n".join(
        check(make_course(tmp_path, solutions=text))
    )


def test_marks_outside_the_function_are_refused(tmp_path: Path):
    text = replaced(SOLUTIONS, "    ### BEGIN", "### BEGIN").replace("    ### END", "### END")
    (problem,) = check(make_course(tmp_path, solutions=text))
    assert "the marks of 'soft_targets' are not indented like the solution" in problem


def test_marks_that_leave_no_valid_python_are_refused(tmp_path: Path):
    answer = "x = [\n    ### BEGIN SOLUTION\n    1,\n    ### END SOLUTION\n]\n"
    problem = in_solutions(tmp_path, ANSWER, answer)
    assert "'soft_targets' without its solution is no valid Python" in problem


# Markers and files


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ('# %% grade-id="soft_targets_check" points=4', "unknown grade-id"),
        ('# %% grade_id="soft_targets_check" point=4', "unknown point;"),
        ('# %% Check grade_id="soft_targets_check" points=4', "unknown title"),
        ("# %% grade_id=soft_targets_check", "unknown incorrectly_encoded_metadata"),
        ('# %% grade_id="soft-targets"', "grade_id='soft-targets' is no name"),
        ("# %% scratch=1", "scratch=1; write scratch=true"),
        ('# %% scratch=true grade_id="a"', "exclude each other"),
        ("# %% [raw]", "a cell of type 'raw'"),
    ],
)
def test_a_marker_with_a_typo_is_refused_at_its_line(tmp_path: Path, marker, message):
    old = '# %% grade_id="soft_targets_check" points=4'
    problem = in_solutions(tmp_path, old, marker)
    assert problem.startswith(f"{SOLUTIONS_FILE}:{line_of(SOLUTIONS, old)}: ")
    assert message in problem


def test_a_lesson_takes_no_exercise_keys(tmp_path: Path):
    problem = in_lesson(tmp_path, "# %%\nfrom", '# %% grade_id="a"\nfrom')
    assert "unknown grade_id; use no key at all" in problem


def test_a_notebook_header_is_refused(tmp_path: Path):
    header = "# ---\n# jupyter:\n#   jupytext:\n#     formats: ipynb,py:percent\n# ---\n\n"
    problem = in_lesson(tmp_path, LESSON, header + LESSON)
    assert problem.startswith(f"{LESSON_FILE}:1: the file does not begin with a cell")
    assert "delete any notebook header" in problem


def test_an_empty_file_is_refused(tmp_path: Path):
    assert "the file does not begin with a cell" in in_lesson(tmp_path, LESSON, "")


def test_a_marker_inside_a_string_is_refused(tmp_path: Path):
    problem = in_lesson(tmp_path, "drawn =", 'text = """\n# %%\n"""\ndrawn =')
    assert "5 lines look like cell markers, but 4 start a cell" in problem


def test_a_file_that_is_not_called_like_a_unit_is_refused(tmp_path: Path):
    make_course(tmp_path)
    write(tmp_path, "lessons/distil.py", LESSON)
    (problem,) = check(tmp_path)
    assert problem.startswith(
        "lessons/distil.py:1: 'distil' is no unit name; call the file NN_topic"
    )


def test_a_first_cell_of_code_is_refused(tmp_path: Path):
    assert "the first cell is not the title" in in_lesson(
        tmp_path, LESSON, f"# %%\nx = 1\n\n{LESSON}"
    )


@pytest.mark.parametrize("line", ["%matplotlib inline", "!pip install torch", "def f(:"])
def test_a_cell_that_is_not_plain_python_is_refused_at_its_line(tmp_path: Path, line):
    problem = in_lesson(
        tmp_path, "from medmeta_ref import plots", f"from medmeta_ref import plots\n{line}"
    )
    assert problem.startswith(
        f"{LESSON_FILE}:{line_of(LESSON, 'from medmeta_ref') + 1}: no valid Python"
    )


def test_comments_that_look_like_commands_stay_comments(tmp_path: Path):
    text = replaced(LESSON, "drawn =", "# %time this\n# copy the figure\ndrawn =")
    assert [p for p in check(make_course(tmp_path, lesson=text)) if "missing" not in p] == []


# Answers that reach learners

ANSWER_LINE = "scaled = [logit / temperature for logit in logits]"


@pytest.mark.parametrize(
    "cell",
    [
        f"# %% [markdown]\n# ```python\n# {ANSWER_LINE}\n# ```\n",
        f"# %% [markdown]\n# Now `{ANSWER_LINE}` is all it takes.\n",
        f"# %% [markdown]\n# Just write {ANSWER_LINE.replace(' for', '   for')} there.\n",
        f"# %%\n{ANSWER_LINE.replace(' = ', '  =  ')}  # another comment\n",
        f"# %% scratch=true\n# {ANSWER_LINE}\n",
    ],
    ids=["code fence", "inline code", "bare prose", "given code", "comment"],
)
@pytest.mark.parametrize("unit", ["same unit", "other unit", "lesson"])
def test_an_answer_line_that_reaches_a_learner_is_refused_at_the_leaking_cell(
    tmp_path: Path, cell, unit
):
    make_course(tmp_path)
    name, text = {
        "same unit": (SOLUTIONS_FILE, SOLUTIONS),
        "other unit": ("solutions/04_other.py", "# %% [markdown]\n# # Other\n"),
        "lesson": (LESSON_FILE, LESSON),
    }[unit]
    if unit == "lesson":
        cell = cell.replace(" scratch=true", "")
    write(tmp_path, name, f"{text}\n{cell}")
    with pytest.raises(BuildError) as refused:
        build(tmp_path)
    answer_at = line_of(SOLUTIONS, '# %% grade_id="soft_targets"')
    (problem,) = refused.value.problems
    assert problem.startswith(f"{name}:{text.count(chr(10)) + 2}: the answer line '{ANSWER_LINE}")
    assert f"of {SOLUTIONS_FILE}:{answer_at} reaches learners" in problem
    assert not (tmp_path / "exercises").exists()


def test_an_answer_in_a_hint_is_refused(tmp_path: Path):
    problem = in_solutions(tmp_path, "Divide before the softmax.", f"Write `{ANSWER_LINE}`.")
    assert "reaches learners in cell 'soft_targets_card'" in problem


def test_an_answer_in_its_own_docstring_is_refused(tmp_path: Path):
    problem = in_solutions(tmp_path, 'at a temperature."""', f'.\n\n    {ANSWER_LINE}\n    """')
    assert "reaches learners in cell 'soft_targets'" in problem


def test_a_line_of_a_string_in_an_answer_is_an_answer(tmp_path: Path):
    text = replaced(
        SOLUTIONS,
        "    return softmax",
        '    """\n    one two three four\n    """\n    return softmax',
    )
    text += "\n# %% [markdown]\n# one two three four\n"
    (problem,) = check(make_course(tmp_path, solutions=text))
    assert "the answer line 'one two three four'" in problem


@pytest.mark.parametrize("line", ["return scaled", "x = scaled", "# hotter is flatter"])
def test_a_line_of_three_tokens_or_fewer_may_recur(tmp_path: Path, line):
    text = replaced(
        SOLUTIONS, "    return softmax(scaled)", f"    {line}\n    return softmax(scaled)"
    )
    make_course(tmp_path, solutions=f"{text}\n# %% [markdown]\n# ```\n# {line}\n# ```\n")
    build(tmp_path)
    assert check(tmp_path) == []


def test_part_of_another_name_is_no_leak(tmp_path: Path):
    build(make_course(tmp_path, solutions=f"{SOLUTIONS}\n# %%\nre{ANSWER_LINE}\n"))
    assert check(tmp_path) == []


# Pictures


@pytest.mark.parametrize(
    ("imported", "drawing"),
    [
        ("from medmeta_ref import plots", "plots.training_curves(x)"),
        ("from medmeta_ref import plots as p", "p.training_curves(x)"),
        ("from medmeta_ref.plots import training_curves", "training_curves(x)"),
        ("from medmeta_ref.plots import training_curves as draw", "draw(x)"),
        ("import medmeta_ref.plots", "medmeta_ref.plots.training_curves(x)"),
        ("import medmeta_ref.plots as p", "p.training_curves(x)"),
        ("import medmeta_ref", "medmeta_ref.plots.training_curves(x)"),
        ("import medmeta_ref as m", "m.plots.training_curves(x)"),
    ],
)
def test_a_plot_that_is_not_shown_with_words_is_refused(tmp_path: Path, imported, drawing):
    text = f"# %% [markdown]\n# # Title\n\n# %%\n{imported}\n\n# %%\nx = 1\n{drawing}\n"
    (problem,) = check(make_course(tmp_path, lesson=text))
    assert problem.startswith(f"{LESSON_FILE}:9: 'training_curves' draws a plot without alt text")


def test_showing_the_plot_in_another_cell_does_not_count(tmp_path: Path):
    problem = in_lesson(tmp_path, PLOT, f"\n# %%\n{PLOT}")
    assert "'training_curves' draws a plot without alt text" in problem


@pytest.mark.parametrize(
    ("alt", "message"),
    [
        ("", "show() without alt text"),
        (', alt=""', "the alt text '' has 0 characters, at least 15 needed"),
        (', alt="a falling line"', "the alt text 'a falling line' has 14 characters"),
        (', alt="   a plot      "', "has 6 characters"),
        (", alt=None", "the alt text None has 0 characters"),
        (', alt=f""', "the alt text is empty"),
        (", **words", "show() without alt text"),
    ],
)
def test_a_plot_with_too_few_words_is_refused(tmp_path: Path, alt, message):
    problem = in_lesson(tmp_path, PLOT, f"plots.show(drawn{alt})")
    line = line_of(LESSON, PLOT)
    assert problem.startswith(f"{LESSON_FILE}:{line}: ")
    assert message in problem


@pytest.mark.parametrize("alt", ['"fifteen letters"', 'f"{loss}"', "words", "describe(drawn)"])
def test_words_that_may_be_enough_pass(tmp_path: Path, alt):
    lesson = replaced(LESSON, PLOT, f"plots.show(drawn, alt={alt})")
    build(make_course(tmp_path, lesson=lesson))
    assert check(tmp_path) == []


def test_a_function_called_show_from_elsewhere_is_no_plot(tmp_path: Path):
    lesson = replaced(LESSON, PLOT, f"{PLOT}\ntable.show()")
    build(make_course(tmp_path, lesson=lesson))
    assert check(tmp_path) == []


@pytest.mark.parametrize(
    "line",
    [
        "import matplotlib",
        "import matplotlib.pyplot as plt",
        "from matplotlib import pyplot",
        "plt.show()",
    ],
)
def test_matplotlib_past_the_plots_module_is_refused(tmp_path: Path, line):
    problem = in_lesson(
        tmp_path, "from medmeta_ref import plots", f"from medmeta_ref import plots\n{line}"
    )
    assert "plots go through medmeta_ref.plots" in problem


def test_a_star_import_of_the_plots_is_refused(tmp_path: Path):
    problem = in_lesson(
        tmp_path, "import plots\n", "import plots\nfrom medmeta_ref.plots import *\n"
    )
    assert "import * hides which names draw" in problem


@pytest.mark.parametrize(
    "picture", ["![](x.png)", "![  ](x.png)", "<img src='x.png'>", '<img src="x.png" alt="">']
)
def test_a_picture_without_words_is_refused_at_its_line(tmp_path: Path, picture):
    text = replaced(LESSON, "# A student learns from a teacher.", f"# Look:\n#\n# {picture}")
    (problem,) = check(make_course(tmp_path, lesson=text))
    assert problem.startswith(
        f"{LESSON_FILE}:{line_of(text, picture)}: the picture 'x.png' has no alt"
    )


def test_a_picture_pasted_into_a_text_is_refused(tmp_path: Path):
    picture = "![a curve that falls](data:image/png;base64,AAAA)"
    problem = in_lesson(tmp_path, "A student learns from a teacher.", picture)
    assert "is an output; draw it" in problem


def test_a_picture_in_a_code_fence_is_only_text(tmp_path: Path):
    fence = "```\n# ![](x.png)\n# <img src='x.png'>\n# # no title\n# ```"
    build(make_course(tmp_path, lesson=replaced(LESSON, "A student learns from a teacher.", fence)))
    assert check(tmp_path) == []


# Headings


def test_a_second_title_is_refused_at_its_line(tmp_path: Path):
    problem = in_lesson(tmp_path, "# ## What", "# # What")
    assert problem.startswith(f"{LESSON_FILE}:{line_of(LESSON, '# ## What')}: 2 titles")


def test_a_second_title_written_with_a_line_below_is_refused(tmp_path: Path):
    problem = in_lesson(tmp_path, "# A student learns from a teacher.", "# Another\n# =======")
    assert "2 titles" in problem


def test_a_text_without_title_is_refused(tmp_path: Path):
    problems = check(
        make_course(tmp_path, lesson=replaced(LESSON, "# # Distillation", "# Distillation"))
    )
    assert "0 titles; write one '# Title'" in problems[0]


def test_a_heading_that_leaves_out_a_level_is_refused(tmp_path: Path):
    problem = in_lesson(tmp_path, "# ## What", "# ### What")
    assert "a heading of level 3 below one of level 1; use level 2" in problem


def test_a_card_right_below_the_title_leaves_out_a_level(tmp_path: Path):
    problem = in_solutions(tmp_path, "# ## Soften", "# Soften")
    assert "a heading of level 3 below one of level 1" in problem


# All at once


def test_all_problems_of_all_files_come_in_one_message(tmp_path: Path):
    make_course(
        tmp_path,
        lesson=replaced(LESSON, "# ## What", "# ### What"),
        solutions=replaced(SOLUTIONS, "# difficulty: 3", "# difficulty: 6").replace(
            "# minutes: 10", "# minutes: 0"
        ),
    )
    with pytest.raises(BuildError) as refused:
        build(tmp_path)
    assert len(refused.value.problems) == 3
    assert str(refused.value).splitlines() == refused.value.problems
