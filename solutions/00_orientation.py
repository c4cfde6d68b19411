# %% [markdown]
# # Exercises 00: your first green check
#
# **Question.** How does an exercise work here, what does a check tell you, and what costs points?
#
# - **Time.** 15 minutes of your own, seconds of the computer's.
# - **Know first.** A little Python; `lessons/00_orientation` shows what checks say.
# - **Papers.** None yet.
#
# You write two functions of one or two lines each, and answer five questions about the rules of the
# house. Replace the line that raises `NotImplementedError`, run the cell, run the check below it.

# %%
import torch

from medmeta_ref.grading.check import check

# %% [markdown]
# ## The example: three small pictures
#
# Networks learn better from numbers around 0 than from numbers around 150. So one of the first
# lines of nearly every program standardises its images: subtract a mean, divide by a standard
# deviation. Whose mean, is where mistakes begin.

# %%
dark, middle, bright = (torch.full((2, 2), level) for level in (0.2, 0.5, 0.8))
pictures = torch.stack([dark, middle, bright])
pictures[:, 0, 0] += 0.1
pictures.shape, pictures[0].tolist()

# %% [markdown] card="mean_std"
# title: "Exercise 1: mean and standard deviation of a data set"
# difficulty: 1
# importance: 3
# minutes: 4
# points: 6
# objective: Compute two numbers for the whole data set, not for each image.
# hints:
#   - "All pixels of all images in one go: `images.mean()`."
#   - "`images.std()` divides by the number of pixels less one; `correction=0` changes that."
# help:
#   "the first check is green and the second is not": >-
#     Read its message: it names the mistake that would give your very number.
#   "Two numbers were expected": >-
#     `return a, b` returns a pair.


# %% grade_id="mean_std"
def mean_std(images):
    """Return (mean, standard deviation) over all pixels of all images.

    images: [n_images, height, width], floating point.
    The standard deviation is the root of the *mean* squared deviation: divide by the number of
    pixels. Returns two floats, or tensors without axes.
    """
    ### BEGIN SOLUTION
    return images.mean(), images.std(correction=0)
    ### END SOLUTION


# %% grade_id="mean_std_check" points=6
check("00.mean_std", mean_std)

# %% [markdown]
# ## With whose numbers?
#
# The two numbers are computed once, on the **training** images. The same two are then used for all
# images, those of the test and of the clinic too: a network cannot be retrained for each patient.

# %% [markdown] card="standardise"
# title: "Exercise 2: standardise"
# difficulty: 1
# importance: 3
# minutes: 3
# points: 4
# objective: Use the numbers that are given, not those of the images at hand.
# hints:
#   - "One subtraction, one division, in this order."
#   - "Tensors and numbers mix: `images - 0.5` subtracts it from every pixel."
# help:
#   "the check says that a dark image and a bright one look the same": >-
#     You took each image's own mean. How bright an image is may be just what matters.


# %% grade_id="standardise"
def standardise(images, mean, std):
    """Return the images less `mean`, over `std`.

    images: [n_images, height, width], floating point; mean, std: numbers.
    Returns a tensor of the same shape.
    """
    ### BEGIN SOLUTION
    return (images - mean) / std
    ### END SOLUTION


# %% grade_id="standardise_check" points=4
check("00.standardise", standardise)

# %% [markdown]
# ## The rules of the house
#
# What does grading make of these five?
#
# | name | what happened |
# | --- | --- |
# | `"noisy"` | The answer is right. While it runs, it warns and draws a progress bar. |
# | `"stuck"` | The line that raises `NotImplementedError` is still there. |
# | `"helper"` | The answer calls a function that stands in a cell of your own. |
# | `"half"` | One check tries two shapes. The answer is right for the first only. |
# | `"deleted"` | The answer is right, but you have deleted its check cell by accident. |
#
# - **a** all points
# - **b** no points, *not attempted*
# - **c** no points, *your code raised*
# - **d** no points for that check, *wrong*

# %% [markdown] card="house_rules"
# title: "Exercise 3: what costs points"
# difficulty: 1
# importance: 4
# minutes: 5
# points: 10
# objective: Know what grading takes from your notebook, and what it leaves.
# hints:
#   - "Only the text of answer cells is taken to grading. What does that mean for each of the five?"
#   - "Two of the five keep all of their points."
# help:
#   "it worked in my notebook": >-
#     Your notebook also knows the cells that you added. Grading does not.


# %% grade_id="house_rules"
def house_rules():
    """Return a dict from each of the five names to one of the letters "a", "b", "c", "d"."""
    ### BEGIN SOLUTION
    return {"noisy": "a", "stuck": "b", "helper": "c", "half": "d", "deleted": "a"}
    ### END SOLUTION


# %% grade_id="house_rules_check" points=10
check("00.house_rules", house_rules)

# %% [markdown]
# ## Room of your own
#
# Cells like the next one are yours: nobody checks them and nobody grades them. Which of the three
# pictures is brightest after standardising each by its own numbers?

# %% scratch=true
own_mean = pictures.mean((1, 2), keepdim=True)
(pictures - own_mean).mean((1, 2)).abs().max()

# %% [markdown]
# That was all. Save the notebook; `medmeta grade 00_orientation --student me` in a terminal shows
# the points of the whole of it. Then go on with `lessons/01_episodes`.
