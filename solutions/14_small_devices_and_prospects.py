# %% [markdown]
# # Exercises 14: a network on a small device, and nothing lost on the way
#
# **Question.** A network answers well on your computer. What will it cost on a device without a
# fan, how do its weights get into 8 bits, and how do you know that the file on the device still is
# your network?
#
# - **Time.** About two hours of your own, a few seconds of the computer's.
# - **Know first.** Convolutions, batch norm, medians; the lesson
#   `lessons/14_small_devices_and_prospects`.
# - **Papers.** Krishnamoorthi 2018, arXiv 1806.08342 (8 bits); Howard et al. 2017, arXiv 1704.04861
#   (convolutions in two parts); Jacob et al. 2018, arXiv 1712.05877 (folding).
#
# You write eight functions and answer fourteen questions. Replace the line that raises
# `NotImplementedError`, run the cell, run the check below it. A check says one of four things: *not
# attempted*, *wrong* (with the likely mistake), *your code raised* (with your line), *right*.
# Warnings cost nothing. At grading the checks draw other numbers than here, and each answer stands
# on its own: do not call one from another.

# %%
import math

import torch

from medmeta_ref.grading.check import check
from medmeta_ref.grading.side_by_side import side_by_side
from medmeta_ref.questions import ask

# %% [markdown]
# ## The example: a handheld skin camera
#
# A clinic on the coast wants a handheld camera that sorts photographs of skin. It has a small
# processor, little memory, a battery and, most days, no network connection. Images may not leave
# the device. So the classifier has to come to it.
#
# You have the layers of a candidate network, and later its weights. Nothing here is trained.

# %% [markdown]
# ## Part 1: what it will cost
#
# Two numbers can be known before anything is trained: how many **parameters** have to be stored,
# and how many **multiply-accumulates** (MACs) one image takes. Layers come as tuples:
#
# | layer | what it does |
# | --- | --- |
# | `("conv", n_out, kernel, stride, padding, groups)` | a square convolution with bias |
# | `("pool", size)` | pools windows of size x size that do not overlap; a remainder is dropped |
# | `("linear", n_out)` | flattens what comes in; a linear layer with bias |
#
# In a convolution with `groups` > 1 each output channel sees only `n_in / groups` of the input
# channels. Padded zeros are multiplied, too, so they count. Biases are added, not multiplied:
# parameters, but no MACs.

# %% [markdown] card="network_cost"
# title: "Exercise 1: parameters and multiplications"
# difficulty: 2
# importance: 5
# minutes: 20
# points: 12
# objective: Say what a network costs before anybody trains it.
# hints:
#   - "Go through the layers and keep three numbers up to date: channels, height, width."
#   - >-
#     Height after a convolution: (height + 2 * padding - kernel) // stride + 1. Each output number
#     takes n_in // groups * kernel * kernel products. How many output numbers are there?
#   - "After a linear layer the shape is (n_out, 1, 1)."
# help:
#   "parameters are right, MACs are not": >-
#     A kernel's weights are stored once and used at every place of the *output*, not of the input.
#   "right without groups only": >-
#     A kernel of a grouped convolution is as deep as one group: n_in // groups.


# %% grade_id="network_cost"
def network_cost(layers, shape):
    """Return (number of parameters, number of MACs for one image).

    layers: list of tuples as in the table above. shape: (channels, height, width) of the image.
    """
    ### BEGIN SOLUTION
    channels, height, width = shape
    n_parameters = n_macs = 0
    for kind, size, *more in layers:
        if kind == "pool":
            height, width = height // size, width // size
            continue
        if kind == "conv":
            kernel, stride, padding, groups = more
            height = (height + 2 * padding - kernel) // stride + 1
            width = (width + 2 * padding - kernel) // stride + 1
            products = channels // groups * kernel * kernel
        else:
            products = channels * height * width
            height = width = 1
        n_parameters += size * products + size
        n_macs += size * products * height * width
        channels = size
    return n_parameters, n_macs
    ### END SOLUTION


# %% grade_id="network_cost_check" points=12
check("14.network_cost", network_cost)

# %% [markdown]
# ## Part 2: weights in 8 bits
#
# An int8 holds whole numbers from -128 to 127. A weight $w$ becomes a number of steps, and the
# step, its *scale*, is kept beside it: $w \approx q \cdot s$. Each output channel gets the scale
#
# $$
# s = \frac{\max |w|}{127}, \qquad q = \mathrm{round}(w / s) \in \{-127, \dots, 127\}
# $$
#
# so that no weight is further off than half a step, and zero stays zero. -128 is left unused: the
# steps are the same on both sides. A channel that is all zeros gets the scale 1.

# %% [markdown] card="to_int8"
# title: "Exercise 2: round to 255 steps"
# difficulty: 3
# importance: 5
# minutes: 20
# points: 14
# objective: Store a weight in a quarter of its bytes with a known largest error.
# hints:
#   - "`weight.flatten(1).abs().amax(1)` has the largest size in each output channel, [n_out]."
#   - >-
#     To divide [n_out, ...] by [n_out], the scale needs as many axes as the weight:
#     `scale.view(-1, *[1] * (weight.ndim - 1))`.
#   - "Divide, `.round()`, and only then `.to(torch.int8)`."
# help:
#   "negative weights are one step too small, positive ones too": >-
#     `.to(torch.int8)` cuts the digits off. Round first.
#   "the largest weight comes back with the wrong sign": >-
#     128 does not fit into an int8: it wraps round to -128. Is the scale the largest *size* / 127?
#   "nan": >-
#     A channel of zeros has largest size 0, and 0 / 0 is nan.


# %% grade_id="to_int8"
def to_int8(weight):
    """Return (values, scale): the weight in steps, and the step of each output channel.

    weight: [n_out, ...], two axes or more. values: int8 in -127..127, in the shape of the weight.
    scale: [n_out], in the dtype of the weight, above 0; 1 for a channel of zeros.
    """
    ### BEGIN SOLUTION
    largest = weight.flatten(1).abs().amax(1)
    scale = torch.where(largest > 0, largest / 127, torch.ones_like(largest))
    steps = weight / scale.view(-1, *[1] * (weight.ndim - 1))
    return steps.round().to(torch.int8), scale
    ### END SOLUTION


# %% grade_id="to_int8_check" points=14
check("14.to_int8", to_int8)

# %% [markdown] card="from_int8"
# title: "Exercise 3: and back"
# difficulty: 1
# importance: 4
# minutes: 5
# points: 6
# objective: Multiply each channel by its own step, along the right axis.
# hints:
#   - "`values * scale` lines up the *last* axes. Channels are the first."
#   - "As in exercise 2: give the scale as many axes as the values, all of size 1 but the first."
# help:
#   "right for some shapes, an error or nonsense for others": >-
#     Where the last axis happens to be as long as the first, the wrong axis raises no error.


# %% grade_id="from_int8"
def from_int8(values, scale):
    """Return the floats that 8-bit values stand for.

    values: [n_out, ...], int8, with one axis or more; scale: [n_out]. Returns [n_out, ...], in the
    dtype of the scale.
    """
    ### BEGIN SOLUTION
    return values * scale.view(-1, *[1] * (values.ndim - 1))
    ### END SOLUTION


# %% grade_id="from_int8_check" points=6
check("14.from_int8", from_int8)

# %% [markdown]
# ### Look at it
#
# Left, eight channels of very different size, each number replaced by the nearest of its channel's
# 255 levels, found by trying them all. In the middle yours, there and back. The lower channels
# shrink by a factor of three each: with *one* scale for all, the last would be nothing but zeros.

# %%
WEIGHTS = torch.randn(8, 12, generator=torch.Generator().manual_seed(0)) * 3.0 ** -torch.arange(
    8.0
).view(8, 1)


def nearest_levels():
    """Return every weight replaced by the nearest level of its channel, [8, 12]."""
    levels = torch.linspace(-1, 1, 255) * WEIGHTS.abs().amax(1, keepdim=True)
    nearest = (WEIGHTS[..., None] - levels[:, None]).abs().argmin(2)
    return levels.gather(1, nearest)


def there_and_back():
    """Return what is left of the weights after your two functions."""
    return from_int8(*to_int8(WEIGHTS))


# %%
side_by_side(
    nearest_levels,
    there_and_back,
    xlabel="input",
    ylabel="output channel",
    alt="Nearest levels, your weights there and back, and the difference: blank when right.",
)

# %% [markdown]
# ## Part 3: a layer that vanishes
#
# On a device nobody adapts or trains, so batch norm has fixed statistics: for channel $c$ it makes
#
# $$
# \gamma_c \, \frac{y_c - \mu_c}{\sqrt{v_c + \epsilon}} + \beta_c
# $$
#
# out of $y_c$, which the layer before has computed as $W_c \cdot x$. That is a linear layer of a
# linear layer: one linear layer.

# %% [markdown] card="fold_batch_norm"
# title: "Exercise 4: fold batch norm away"
# difficulty: 3
# importance: 4
# minutes: 15
# points: 12
# objective: Merge two layers into one that gives the same answers.
# hints:
#   - "Write the formula as number * (W x) + number. The first goes into W, the second is a bias."
#   - "One factor per output channel: gamma / sqrt(variance + eps)."
#   - "The factor has to be lined up with the first axis of the weight, as in exercise 3."
# help:
#   "slightly off": >-
#     eps belongs under the root, beside the variance, not behind it.
#   "the bias is off": >-
#     The mean is scaled, too: beta - mean * factor.


# %% grade_id="fold_batch_norm"
def fold_batch_norm(weight, mean, variance, gamma, beta, *, eps):
    """Return (weight, bias) of one layer that does what the layer and its batch norm did.

    weight: [n_out, ...] of a linear layer or convolution without bias; the others: [n_out].
    Returns a tensor like `weight`, and [n_out].
    """
    ### BEGIN SOLUTION
    factor = gamma / torch.sqrt(variance + eps)
    return weight * factor.view(-1, *[1] * (weight.ndim - 1)), beta - mean * factor
    ### END SOLUTION


# %% grade_id="fold_batch_norm_check" points=12
check("14.fold_batch_norm", fold_batch_norm)

# %% [markdown]
# ## Part 4: is it still the same network?
#
# The file has been written, another program reads it. **Parity** is the question whether both give
# the same outputs for the same images. The largest difference in any number is the strict answer;
# how many *decisions* differ is the one that a doctor would ask for. A nan must never pass, and
# `nan > tolerance` is false.

# %% [markdown] card="parity_report"
# title: "Exercise 5: parity that nan can't pass"
# difficulty: 2
# importance: 5
# minutes: 15
# points: 8
# objective: Compare two sets of outputs so that no kind of failure slips through.
# hints:
#   - "`(expected - got).abs().max()` for the difference, two `argmax(1)` for the decisions."
#   - "First look: is all of `got` finite? `torch.isfinite(got).all(1)` says so row by row."
#   - "Ask `largest <= tolerance` rather than `not largest > tolerance`."
# help:
#   "signs": >-
#     Differences of opposite sign cancel in a mean. Take sizes, and the largest of them.
#   "a row with nan": >-
#     argmax of a row with nan is the place of the nan, which may be right by luck. Such a row
#     counts as changed.


# %% grade_id="parity_report"
def parity_report(expected, got, *, tolerance):
    """Return (largest difference, number of changed decisions, whether got passes).

    expected: [n, n_classes], finite. got: [n, n_classes]. The largest difference is in size, over
    all numbers; infinity if any number of got is nan or infinite. A decision is the class of the
    largest output; it counts as changed, too, if a number in its row is nan or infinite. got
    passes if the largest difference is at most the tolerance.
    """
    ### BEGIN SOLUTION
    sound = torch.isfinite(got).all(1)
    largest = (expected - got).abs().max().item() if sound.all() else math.inf
    changed = (expected.argmax(1) != got.argmax(1)) | ~sound
    return largest, int(changed.sum()), largest <= tolerance
    ### END SOLUTION


# %% grade_id="parity_report_check" points=8
check("14.parity_report", parity_report)

# %% [markdown]
# ## Part 5: how long does it take?
#
# MACs say what a network costs in principle; only a clock on the device says what it costs. The
# first runs are slow (memory is fetched, code is chosen), and now and then another program takes
# the processor. So: leave out some *warm-up* runs, then report the **median**, and the **95th
# percentile** for those who have to wait.

# %% [markdown] card="latency_report"
# title: "Exercise 6: median and slow end"
# difficulty: 1
# importance: 4
# minutes: 10
# points: 8
# objective: Sum up running times so that one hiccup does not decide.
# hints:
#   - "`sorted(...)` the runs after the warm-up, which come first in time, not in size."
#   - "The middle of an even number of times is the mean of the middle two."
#   - "The smallest time with at least 95 % at or below it has place ceil(0.95 n), counted from 1."
# help:
#   "right for odd numbers of runs only": >-
#     torch.median takes the lower of the two middle values.


# %% grade_id="latency_report"
def latency_report(seconds, *, n_warm_up):
    """Return (median, 95th percentile) in milliseconds.

    seconds: list of running times, in the order of the runs; the first n_warm_up do not count.
    The percentile is the smallest measured time such that at least 95 % are at or below it.
    """
    ### BEGIN SOLUTION
    in_order = sorted(seconds[n_warm_up:])
    n = len(in_order)
    median = (in_order[(n - 1) // 2] + in_order[n // 2]) / 2
    slow_end = in_order[math.ceil(95 * n / 100) - 1]
    return 1000 * median, 1000 * slow_end
    ### END SOLUTION


# %% grade_id="latency_report_check" points=8
check("14.latency_report", latency_report)

# %% [markdown]
# ## Part 6: find the bugs
#
# A script that makes a network ready for a device, put together from habits that are common in
# public code. `on_device(net, images)` returns the device's outputs, `clock()` the time in seconds.
# The network is handed over as it comes from training.
#
# ```text
#  1  def release(net, images, on_device, clock, n_runs):
#  2      small = net
#  3      for layer in small.modules():
#  4          if isinstance(layer, nn.Linear):
#  5              scale = layer.weight.detach().max() / 127
#  6              steps = (layer.weight.detach() / scale).round().to(torch.int8)
#  7              layer.weight.data = steps * scale
#  8      expected = small(images)
#  9      times = []
# 10      for _ in range(n_runs):
# 11          before = clock()
# 12          got = on_device(small, images)
# 13          times.append(clock() - before)
# 14      difference = (got - expected).mean()
# 15      return small, difference, sum(times) / len(times)
# ```
#
# Five people complained:
#
# | symptom | what was seen |
# | --- | --- |
# | `"teacher ruined"` | after the release the original network gives other answers than before |
# | `"far off"` | one layer's weights come back far more than half a step off |
# | `"never the same"` | a device that computes as PyTorch does is off, by more or less each time |
# | `"suspiciously equal"` | a device whose two outputs are off by 1 and by -1 has difference 0 |
# | `"one hiccup"` | one slow run of a hundred, and the latency is ten times as long |

# %% [markdown] card="bug_lines"
# title: "Exercise 7: symptom and line"
# difficulty: 3
# importance: 5
# minutes: 15
# points: 10
# objective: Trace each symptom to the one line whose repair cures it.
# hints:
#   - "Take one symptom at a time. Which line would you change so that it goes away?"
#   - "What does `=` copy?"
#   - "A network with dropout has two modes. In which is it, and who should have said so?"
# help:
#   "far off: I blame line 6": >-
#     Line 6 does its best with the scale that it gets. Try weights of 1 and -2.
#   "never the same: I blame line 12": >-
#     The device always gives the same. Which of the two outputs that are compared does not?


# %% grade_id="bug_lines"
def bug_lines():
    """Return a dict from each of the five symptoms to the number of the line that causes it."""
    ### BEGIN SOLUTION
    return {
        "teacher ruined": 2,
        "far off": 5,
        "never the same": 8,
        "suspiciously equal": 14,
        "one hiccup": 15,
    }
    ### END SOLUTION


# %% grade_id="bug_lines_check" points=10
check("14.bug_lines", bug_lines)

# %% [markdown]
# Line 8 is the one that reaches patients. In training mode dropout draws at random, and batch norm
# uses the statistics of the images at hand, so that an answer depends on who else is in the batch.

# %% [markdown] card="int8_test"
# title: "Exercise 8: test a rounding"
# difficulty: 4
# importance: 5
# minutes: 20
# points: 10
# objective: Write a test that accepts every right quantisation and catches five wrong ones.
# hints:
#   - >-
#     Say what is true of every right one: no weight is more than half a step off, each channel's
#     largest value is 127 in size, every scale is above 0.
#   - "One random weight is not enough: make a channel of zeros, and one that is much smaller."
#   - "Which channel has its largest weight below zero? Which above? Have both."
# help:
#   "my test rejects a right implementation": >-
#     Exact halves may be rounded either way, and numbers in float32 are not exact: leave room of a
#     thousandth of a step.
#   "a channel of zeros slips through": >-
#     0 times anything is 0, so the weights come back right. What is wrong with a scale of 0?


# %% grade_id="int8_test"
def int8_test(quantise):
    """Raise an AssertionError unless `quantise` does what exercise 2 asks for.

    quantise: called with a weight, float [n_out, n_in], both 2 or more; returns (values, scale),
    int8 [n_out, n_in] and float [n_out]. Each output channel has its own scale, its largest size
    / 127; a channel of zeros the scale 1.
    """
    ### BEGIN SOLUTION
    weight = torch.tensor([[0.3, -2.0, 0.77], [5.0, 0.1, -3.33], [0.002, -0.001, 0.0013], [0] * 3])
    values, scale = quantise(weight)
    assert (scale > 0).all()
    assert torch.allclose(values.abs().amax(1).float(), torch.tensor([127.0, 127, 127, 0]))
    error = (weight - values * scale[:, None]).abs()
    assert (error <= 0.501 * scale[:, None]).all()
    ### END SOLUTION


# %% grade_id="int8_test_check" points=10
check("14.int8_test", int8_test)

# %% [markdown]
# ## Part 7: interview questions
#
# Run the next cell to read them; `ask("14", language="zh")` shows them in Chinese. Some draw their
# numbers from a name: after `ask("14", student="ada")` the answers must hold `"student": "ada"`, as
# the template below the questions does. Any name will do; the questions are equally hard for all.
# The last few look back at the whole course.

# %%
ask("14")

# %% [markdown] card="questions"
# title: "Exercise 9: fourteen questions"
# difficulty: 3
# importance: 4
# minutes: 30
# points: 20
# objective: Answer, in a sentence or a number, what an interviewer asks at the end.
# hints:
#   - "Start with those you could answer aloud. `...` stands for an answer you do not have yet."
#   - "Your own functions are at hand: most of the numbers can be tried in a line."
# help:
#   "my numbers are right and the check says they are not": >-
#     Do the answers name the student whose questions you read? `"student"` decides the numbers.
#   "I got a part of the points": >-
#     Sets, orders and matchings earn points for being nearly right, less what guessing would earn.


# %% grade_id="questions"
def questions():
    """Return a dict from the name of each question to your answer; ask("14") prints a template."""
    ### BEGIN SOLUTION
    return {
        "why_median": "b",
        "lower_compute": "d",
        "in_one_sentence": "a",
        "int8_size": 122.0,
        "worst_rounding": 0.01181,
        "two_parts": "1 / c + 1 / k ** 2",
        "narrow_product": (-87, 169),
        "four_ways": {1: "d", 2: "a", 3: "b", 4: "e", 5: "c"},
        "energy": "dbcae",
        "breaks_parity": {"b", "c", "e"},
        "growing_latency": (5, "c"),
        "known_or_hoped": {"a", "c", "e"},
        "from_question_to_clinic": "cfbade",
        "the_whole_course": {1: "e", 2: "c", 3: "b", 4: "d", 5: "f", 6: "a"},
    }
    ### END SOLUTION


# %% grade_id="questions_check" points=20
check("14.questions", questions)

# %% [markdown]
# ## Room of your own
#
# The next cell is yours: nobody checks it and nobody grades it. The same layer twice, once whole
# and once in two parts (Howard et al. 2017): what does the second save?

# %% scratch=true
whole = [("conv", 64, 3, 1, 1, 1)]
in_two_parts = [("conv", 32, 3, 1, 1, 32), ("conv", 64, 1, 1, 0, 1)]
# network_cost(whole, (32, 14, 14)), network_cost(in_two_parts, (32, 14, 14))
