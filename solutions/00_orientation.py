# %% [markdown]
# # Exercises 00: your first green check
#
# **Question.** How does an exercise work here, what does a check tell you, and what costs points?
#
# - **Time.** 20 minutes of your own, seconds of the computer's.
# - **Know first.** A little Python; `lessons/00_orientation` shows what checks say.
# - **Papers.** None yet.
#
# You write two functions of one line each, and answer ten short questions, one of every kind that
# the course has. Replace the line that raises `NotImplementedError`, run the cell, run the check
# below it.

# %%
import torch

from medmeta_ref.grading.check import check
from medmeta_ref.questions.ask import ask

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
# ## Ten questions, ten kinds
#
# At the end of every unit there are questions as an interviewer might ask them. Here they are about
# the rules of the house and about standardising, one of each kind, so that you have met them all.
# An answer is a plain Python value: a letter, a number, a pair. Run the next cell to read them;
# `ask("00", language="zh")` shows them in Chinese. Some draw their numbers from a name: after
# `ask("00", student="ada")` the answers must hold `"student": "ada"`.

# %%
ask("00")

# %% [markdown] card="questions"
# title: "Exercise 3: ten questions"
# difficulty: 1
# importance: 4
# minutes: 13
# points: 20
# objective: Know what grading takes from your notebook, and how to write an answer down.
# hints:
#   - "Start with those you know. `...` stands for an answer you do not have yet; it costs nothing."
#   - "Only the text of answer cells is taken to grading. Question 1 and 3 follow from that."
#   - "For the test case: which pixels would a wrong function treat like the right one?"
# help:
#   "it says a dict was expected": >-
#     `return {"name_error": "a", ...}`: copy the template from below the questions.
#   "my numbers are right and the check says they are not": >-
#     Do the answers name the student whose questions you read? `"student"` decides the numbers.
#   "I got a part of the points": >-
#     Sets, orders, pairs and test cases earn points for being nearly right, less what guessing
#     would earn.


# %% grade_id="questions"
def questions():
    """Return a dict from the name of each question to your answer; ask("00") prints a template."""
    ### BEGIN SOLUTION
    return {
        "name_error": "c",
        "four_states": {1: "c", 2: "b", 3: "a", 4: "d", 5: "b", 6: "a"},
        "what_is_taken": {"b", "d", "e"},
        "half_right": 12,
        "same_seed": (False, True, 6),
        "the_way": "cfadbe",
        "own_means": (12, 1, 1),
        "pooled_variance": "(v + w) / 2 + ((a - b) / 2) ** 2",
        "whose_numbers": (6, "c"),
        "test_case": (([1, 4], 3, 1), [1, -0.5]),
    }
    ### END SOLUTION


# %% grade_id="questions_check" points=20
check("00.questions", questions)

# %% [markdown]
# ## Room of your own
#
# Cells like the next one are yours: nobody checks them and nobody grades them. Which of the three
# pictures is brightest after standardising each by its own numbers?

# %% scratch=true
own_mean = pictures.mean((1, 2), keepdim=True)
(pictures - own_mean).mean((1, 2)).abs().max()

# %% [markdown]
# That was all. Save the notebook; `medmeta check 00` in a terminal shows the points of the whole of
# it, and `medmeta status` what comes next: `lessons/01_episodes`.
