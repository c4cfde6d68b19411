# %% [markdown]
# # Lesson 00: how this course works, in ten minutes
#
# **Question.** How do you work through a unit, what do the checks tell you, and where is help?
#
# - **Time.** 10 minutes to read, 20 for the exercises; the computer needs seconds.
# - **Know first.** A little Python and PyTorch; how to run a cell (Shift and Enter).
# - **Papers.** Yang et al. 2023, Scientific Data 10:41 (MedMNIST v2, where the images come from).
# - **Then do** the exercises: `exercises/00_orientation`.

# %%
import torch

from medmeta_ref import plots
from medmeta_ref.datasets import load_or_synthetic
from medmeta_ref.grading.check import check

# %% [markdown]
# ## The way through a unit
#
# 1. **Read** the lesson. It runs from top to bottom; change a setting and run it again.
# 2. **Do** the exercises: `medmeta start 01` copies them to a folder of your own, which no update
#    of the course touches. `medmeta lab` opens JupyterLab on a map of the course; you can start
#    units there, too.
# 3. **Look up** functions in `medmeta_ref`. Lessons import them; in the exercises you write them.
# 4. **See** how far you are: every check that you run is noted. `medmeta status` shows points,
#    attempts and time, `medmeta check 01` checks a whole notebook at once.
#
# Something does not run? `medmeta doctor` says what is missing and what to do about it.
#
# **Nothing here is for clinical use.** The images are 28 pixels wide; they are for learning.

# %%
lungs = load_or_synthetic("pneumoniamnist", "train")
print(lungs.source)
print(f"{len(lungs.images):,} images, {', '.join(lungs.class_names)}")
by_brightness = lungs.images.double().mean((1, 2)).argsort()
some = by_brightness[torch.linspace(0, len(by_brightness) - 1, 6).long()]
levels = [f"mean {lungs.images[i].double().mean():.0f}" for i in some]
grid = plots.image_grid(lungs.images[some], levels, columns=6)
plots.show(grid, alt="Six images from the darkest to the brightest, with their mean grey value.")

# %% [markdown]
# The same kind of image can be dark or bright. Keep that in mind for the exercises, where you
# standardise images.
#
# ## What a check says
#
# Below every answer stands a check, one call. It says one of four things. The first, while the
# placeholder is still there, is **not attempted**:


# %%
def untouched(images):
    """This is what an exercise looks like before you begin."""
    raise NotImplementedError


check("00.mean_std", untouched)

# %% [markdown]
# The second is **your code raised**, with your line:


# %%
def misspelt(images):
    """Letters in the wrong order."""
    return images.mean(), images.sdt()


check("00.mean_std", misspelt)

# %% [markdown]
# The third is **wrong**. The message compares numbers and, if your number is that of a well-known
# mistake, names the mistake. Here the first of two checks is right, the second is not:


# %%
def per_image(images):
    """A mean over the images' own standard deviations."""
    return images.mean(), torch.stack([image.std(correction=0) for image in images]).mean()


check("00.mean_std", per_image)

# %% [markdown]
# How can it know? The author of a check hands in the right value *and* the values of known
# mistakes. The fourth thing is **right**; that one is yours to see. The number below the table is
# your points.
#
# ## Where help is
#
# - The **card** above each exercise says how hard it is, how long it takes and what it is for.
# - **Hints** open one at a time, from a nudge to nearly the answer. They cost nothing.
# - **Help by symptom** below the hints: "I get nan", "my columns sum to 1".
# - **Solutions** stand in `solutions/`. Looking there costs nothing either, except the exercise.
#
# ## How grading works
#
# What counts is the text of your **answer cells**, and nothing else of your notebook. The answers
# are put into a fresh copy of the exercise and checked with other numbers than here.
#
# - **Costs nothing:** warnings, printing, progress bars, hints, changed or deleted check cells,
#   extra cells.
# - **Costs points:** a wrong value; an answer that needs a cell of your own, for only answer cells
#   are there; an answer that runs for more than some seconds.
# - A check gives **all of its points or none**; an exercise has several checks. Only interview
#   questions give shares.
# - Where an answer is **random**, checks look at what must hold in every draw and at counts over
#   hundreds of draws. No check compares you with one particular draw.
#
# One unit after the other takes about an evening. Have fun.
