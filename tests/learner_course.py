"""A course with one exercise as it is released, in which a learner can work."""

import shutil

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.grading.answers import fill_in, read_answers
from medmeta_ref.progress.units import released
from medmeta_ref.workbook.folders import my_notebook

ROOT = course_root()
UNIT = "03_distillation"
SOLVED = read_answers(ROOT / "solutions" / f"{UNIT}.py")
EXERCISES = tuple(SOLVED)


def learner_course(folder, *units):
    """Return the root of a course with some released units, by default `UNIT`."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    (folder / "lessons").mkdir()
    for unit in units or (UNIT,):
        shutil.copytree(ROOT / "exercises" / unit, folder / "exercises" / unit)
        shutil.copy(ROOT / "lessons" / f"{unit}.ipynb", folder / "lessons")
    return folder


def answer(root, answers, unit=UNIT):
    """Write answers into the learner's notebook, whatever was in it."""
    mine = my_notebook(root, unit)
    mine.write_text(fill_in(released(root, unit), answers), encoding="utf-8")
    return mine
