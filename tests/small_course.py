"""A course of one lesson and one solutions file, small enough to read, for tests of the builder."""

import shutil
from pathlib import Path

CONFIG = Path(__file__).parent.parent / "nbgrader_config.py"

LESSON = r"""# %% [markdown]
# # Distillation
#
# A student learns from a teacher.

# %%
from medmeta_ref import plots

# %% [markdown]
# ## What the teacher knows
#
# $p_i = e^{z_i} / \sum_j e^{z_j}$

# %%
drawn = plots.training_curves({"student": [1.0, 0.5]})
plots.show(drawn, alt="The loss of the student falls from 1 to a half.")
"""

CARD = r"""# title: Soft targets
# difficulty: 3
# importance: 4
# minutes: 10
# points: 4
# objective: Turn logits into probabilities at a temperature.
# hints:
#   - Divide before the softmax.
#   - |
#     Which axis holds the classes?
#
#     $\sum_i p_i = 1$
# help:
#   "my loss is `nan`": Look for a logarithm of zero.
"""

ANSWER = '''\
def soft_targets(logits, temperature):
    """Return the probabilities at a temperature."""
    ### BEGIN SOLUTION
    scaled = [logit / temperature for logit in logits]  # hotter is flatter
    return softmax(scaled)
    ### END SOLUTION
'''

SOLUTIONS = f"""\
# %% [markdown]
# # Distillation: exercises

# %%
from medmeta_ref.distillation import softmax

# %% [markdown]
# ## Soften

# %% [markdown] card="soft_targets"
{CARD}
# %% grade_id="soft_targets"
{ANSWER}
# %% grade_id="soft_targets_check" points=4
check("soft_targets", soft_targets)

# %% scratch=true
# Yours: try something.
"""

LESSON_FILE = "lessons/03_distillation.py"
SOLUTIONS_FILE = "solutions/03_distillation.py"
NOTEBOOKS = (
    "exercises/03_distillation/03_distillation.ipynb",
    "lessons/03_distillation.ipynb",
    "solutions/03_distillation/03_distillation.ipynb",
)


def make_course(folder: Path, *, lesson: str = LESSON, solutions: str = SOLUTIONS) -> Path:
    """Return the root of a course with the repository's own nbgrader settings."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(CONFIG, folder / CONFIG.name)
    write(folder, LESSON_FILE, lesson)
    write(folder, SOLUTIONS_FILE, solutions)
    return folder


def write(root: Path, name: str, text: str) -> None:
    """Write one text file of the course."""
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def replaced(text: str, old: str, new: str) -> str:
    """Return the text with `old` replaced; a planted mistake that is not planted tests nothing."""
    assert text.count(old) >= 1, f"{old!r} is not in the text"
    return text.replace(old, new)
