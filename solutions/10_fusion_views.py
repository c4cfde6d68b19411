# %% [markdown]
# # Exercises 10: fuse views, of which some may be missing
#
# **Question.** A patient comes with three images, the next with two. How do you make one answer of
# what is there, how do you find out that your network looks at one image only, and how do you
# notice that the images of a row do not even belong to the same patient?
#
# - **Time.** About two hours of your own, a few seconds of the computer's.
# - **Know first.** Softmax, masks in PyTorch, the lesson `lessons/10_fusion_views`.
# - **Papers.** Ilse et al. 2018, arXiv 1802.04712 (gates); Neverova et al. 2016, arXiv 1501.00102
#   (dropping whole modalities).
#
# You write eight functions and answer fourteen questions. Replace the line that raises
# `NotImplementedError`, run the cell, run the check below it. A check says one of four things:
# *not attempted*, *wrong* (with the likely mistake), *your code raised* (with your line),
# *right*. Warnings cost nothing. At grading the checks draw other numbers than here.

# %%
import torch
import torch.nn.functional as F

from medmeta_ref.grading.check import check
from medmeta_ref.grading.side_by_side import side_by_side
from medmeta_ref.questions import ask

# %% [markdown]
# ## The example: a clinic with an incomplete archive
#
# Every patient may have several *views*. Three things describe a batch of them:
#
# - `features`: `[n_views, n_examples, n_features]`, what an encoder made of each view,
# - `mask`: `[n_views, n_examples]`, bool, `True` where the view is there,
# - `gate_logits`: `[n_views, n_examples]`, how much each view asks to be heard.
#
# Every patient has at least one view. What stands in `features` and in `gate_logits` where a view
# is missing is **undefined**: zeros, the patient before, nan.
#
# ## Part 1: three views of one volume
#
# The cheapest views that surely belong together are three slices through one volume. A batch of
# volumes is `[n, depth, height, width]`; voxel $(z, y, x)$ of the first volume is
# `volume[0, z, y, x]`. The slices go through the voxel `(depth // 2, height // 2, width // 2)`:
#
# - **axial**, seen along the depth: `[n, height, width]`,
# - **coronal**, seen along the height: `[n, depth, width]`,
# - **sagittal**, seen along the width: `[n, depth, height]`.
#
# The axes that are left keep their order, and nothing is flipped.

# %% [markdown] card="orthogonal_views"
# title: "Exercise 1: three slices through the middle"
# difficulty: 1
# importance: 5
# minutes: 8
# points: 10
# objective: Cut a batch of volumes along each of its three axes without turning anything.
# hints:
#   - "The batch is axis 0. Which axis does each view lose?"
#   - "`volume[:, :, 3]` fixes axis 2 and keeps the other three."
# help:
#   "it is right for cubes only": >-
#     Each axis has a middle of its own.
#   "with a single volume an axis is gone": >-
#     `squeeze()` removes *every* axis of length 1, also the batch.


# %% grade_id="orthogonal_views"
def orthogonal_views(volume):
    """Return (axial, coronal, sagittal), the three middle slices of every volume.

    volume: [n, depth, height, width].
    axial: [n, height, width]; coronal: [n, depth, width]; sagittal: [n, depth, height].
    """
    ### BEGIN SOLUTION
    z, y, x = (side // 2 for side in volume.shape[1:])
    return volume[:, z], volume[:, :, y], volume[:, :, :, x]
    ### END SOLUTION


# %% grade_id="orthogonal_views_check" points=10
check("10.orthogonal_views", orthogonal_views)

# %% [markdown]
# ### Look at it
#
# A volume of 12 x 16 x 20 voxels with a gland that leans: it is long in one direction, short in
# another. Left the three slices as loops cut them, one above the other on a grey ground; in the
# middle yours.


# %%
def leaning_gland():
    z, y, x = torch.meshgrid(*(torch.arange(n).double() for n in (12, 16, 20)), indexing="ij")
    across = (y - 6 - 0.4 * (z - 6)) ** 2 / 9 + (x - 12 + 0.5 * (z - 6)) ** 2 / 30
    return (-(across + (z - 7) ** 2 / 20)).exp()[None]


def one_above_the_other(views):
    """Return the slices of the first volume in one picture, [40, 20]."""
    sheet = torch.full((40, 20), 0.2).double()
    for top, view in zip((0, 16, 28), views, strict=True):
        height, width = view[0].shape
        sheet[top : top + height, :width] = view[0]
    return sheet


def by_voxels():
    solid = leaning_gland()[0].tolist()
    axial = [[solid[6][y][x] for x in range(20)] for y in range(16)]
    coronal = [[solid[z][8][x] for x in range(20)] for z in range(12)]
    sagittal = [[solid[z][y][10] for y in range(16)] for z in range(12)]
    return one_above_the_other([torch.tensor([v]).double() for v in (axial, coronal, sagittal)])


axes = {"xlabel": "voxel", "ylabel": "axial, coronal, sagittal"}
alt = "Three slices of a leaning gland, yours, and the difference: blank when right."
side_by_side(
    by_voxels, lambda: one_above_the_other(orthogonal_views(leaning_gland())), **axes, alt=alt
)

# %% [markdown]
# ## Part 2: gates over what is there
#
# With $m_v = 1$ where view $v$ of a patient is present and $a_v$ its gate logit, the **gates** are
#
# $$
# g_v = \frac{m_v\, e^{a_v}}{\sum_u m_u\, e^{a_u}} .
# $$
#
# For every patient they sum to 1 over the views that are there. That is what makes "missing" mean
# the same as "left out of the list", for two views as for five.

# %% [markdown] card="view_gates"
# title: "Exercise 2: gates"
# difficulty: 2
# importance: 5
# minutes: 10
# points: 10
# objective: Take a softmax over the present views of each example, and over nothing else.
# hints:
#   - "A view with gate logit minus infinity has the gate 0. A view with gate logit 0 has not."
#   - "`gate_logits.masked_fill(~mask, -torch.inf)`, then a softmax. Over which axis?"
# help:
#   "my columns sum to less than 1": >-
#     A softmax over all views that is masked *afterwards* has given a share to the missing ones.
#     Mask before, or divide by what is left.
#   "I get nan": >-
#     exp(800) is infinite, and nan times 0 is nan. `masked_fill` replaces; `softmax` subtracts the
#     largest number for you.


# %% grade_id="view_gates"
def view_gates(mask, gate_logits):
    """Return the gates, [n_views, n_examples]: 0 where a view is missing; columns sum to 1.

    mask: [n_views, n_examples], bool; every column has a True.
    gate_logits: [n_views, n_examples]; undefined, even nan, where the mask is False.
    """
    ### BEGIN SOLUTION
    return gate_logits.masked_fill(~mask, -torch.inf).softmax(0)
    ### END SOLUTION


# %% grade_id="view_gates_check" points=10
check("10.view_gates", view_gates)

# %% [markdown]
# ### Look at it
#
# Three views of eight patients. All gate logits of a view are alike: 0, 1 and 2. Patient by patient
# another combination of views is there. Left by fractions of plain numbers; in the middle yours.


# %%
def archive():
    """Return mask and gate logits of eight patients."""
    rows = ("11101001", "11010101", "10110011")
    mask = torch.tensor([[here == "1" for here in row] for row in rows])
    return mask, torch.tensor([0.0, 1.0, 2.0]).double()[:, None].expand(3, 8)


def by_fractions():
    mask, _ = archive()
    columns = []
    for column in mask.T.tolist():
        raised = [here * torch.e**v for v, here in enumerate(column)]
        columns.append([each / sum(raised) for each in raised])
    return torch.tensor(columns).double().T


axes = {"xlabel": "patient", "ylabel": "view"}
alt = "Gates of three views of eight patients, yours, and the difference: blank when right."
side_by_side(by_fractions, lambda: view_gates(*archive()), **axes, alt=alt)

# %% [markdown]
# ## Part 3: the fused features
#
# $$
# z = \sum_v g_v\, z_v
# $$
#
# over the views that are there. A missing view must have **no** influence: not on the value, and
# not on the gradient, whatever it holds. Write the gates into this function once more, or call
# your `view_gates` from it; at grading both are at hand.

# %% [markdown] card="gated_fusion"
# title: "Exercise 3: gated fusion"
# difficulty: 3
# importance: 5
# minutes: 15
# points: 12
# objective: Fuse what is there so that what is missing does no harm, forwards and backwards.
# hints:
#   - "Gates `[n_views, n_examples]` need one more axis to meet features with three."
#   - "0 times nan is nan. A gate of 0 is not enough."
#   - "`features.masked_fill(~mask[..., None], 0.0)` before the product."
# help:
#   "right values, but nan in the gradient": >-
#     `torch.where` or `nan_to_num` after the product is too late: backwards the product multiplies
#     by what it was given. Replace first, then multiply.
#   "nothing can be learned by the gates": >-
#     The gradient has to reach `gate_logits`, too: no `.detach()`, no `torch.no_grad()`.


# %% grade_id="gated_fusion"
def gated_fusion(features, mask, gate_logits):
    """Return the sum of gate times features over the present views, [n_examples, n_features].

    features: [n_views, n_examples, n_features]; undefined, even nan, where a view is missing.
    mask, gate_logits: as in exercise 2.
    """
    ### BEGIN SOLUTION
    gates = gate_logits.masked_fill(~mask, -torch.inf).softmax(0)
    return (gates[..., None] * features.masked_fill(~mask[..., None], 0.0)).sum(0)
    ### END SOLUTION


# %% grade_id="gated_fusion_check" points=12
check("10.gated_fusion", gated_fusion)

# %% [markdown]
# ## Part 4: practise with what may be missing
#
# A network that has always seen three views does not know what to do with two. So in training views
# are dropped at random: **modality dropout**. Every view that is present is dropped with
# probability `rate`, independently for every view and every example. But nobody can learn from a
# patient without any view. Therefore, *where all views of an example would be dropped, one of the
# present ones, drawn uniformly, stays*. Of $k$ present views each stays with probability
#
# $$
# 1 - r + \frac{r^k}{k} .
# $$

# %% [markdown] card="modality_dropout"
# title: "Exercise 4: modality dropout"
# difficulty: 4
# importance: 5
# minutes: 25
# points: 12
# objective: Drop views at random, never all of them, with the probabilities that were promised.
# hints:
#   - "A random number for each entry of the mask: `torch.rand(mask.shape, generator=generator)`."
#   - "For the survivor: which of several random numbers is the largest is a uniform draw."
#   - >-
#     Put -1 where a view is missing. A view stays if its number is at least `rate`, or if it is the
#     largest of its column. Where something stays anyway, is the largest not among it?
# help:
#   "a view comes back that was missing": >-
#     The survivor has to be drawn among the views that are present.
#   "the first view stays too often": >-
#     `argmax` of a bool mask is always the first True. Draw the survivor.
#   "my frequencies are off by some percent": >-
#     "Draw again until something is left" is another rule, with other probabilities.


# %% grade_id="modality_dropout"
def modality_dropout(mask, *, rate, generator):
    """Return a new mask with some of the views dropped, and at least one left in every column.

    mask: [n_views, n_examples], bool; every column has a True. It must not be changed.
    rate: from 0, nothing is dropped, to 1, one view stays.
    generator: a torch.Generator, the only source of randomness.
    """
    ### BEGIN SOLUTION
    luck = torch.rand(mask.shape, generator=generator).masked_fill(~mask, -1.0)
    return (luck >= rate) & mask | (luck == luck.amax(0))
    ### END SOLUTION


# %% grade_id="modality_dropout_check" points=12
check("10.modality_dropout", modality_dropout)

# %% [markdown]
# ## Part 5: which view does the network live on?
#
# A fused network may reach its accuracy with one view and ignore the others: **unimodal collapse**.
# Its score does not show it. Its *reliance* does: leave a view out and see how much the loss rises.
#
# For view $v$ take the examples that have $v$ **and at least one view besides**. Their reliance on
# $v$ is the mean cross-entropy without $v$ minus the mean cross-entropy with it. Nearly 0 means
# that the view is not used, or that the others make up for it; below 0, that it harms.
#
# "Leave out" means the mask. An image of zeros is not a missing image, it is a black one.

# %% [markdown] card="view_reliance"
# title: "Exercise 5: reliance on each view"
# difficulty: 3
# importance: 5
# minutes: 20
# points: 8
# objective: Measure by how much the loss rises when a view is left out.
# hints:
#   - "A clone of the mask with row v set to False; which columns still have a True?"
#   - "`F.cross_entropy(..., reduction=\"none\")` gives one loss per example; average some."
# help:
#   "views that are rarely there come out too small": >-
#     Divide by the number of examples that have the view, not by all. The others cannot lose it.
#   "it is right as long as no view is missing": >-
#     Patients with view v alone have nothing left without it. They do not count.


# %% grade_id="view_reliance"
def view_reliance(predict, features, mask, labels):
    """Return how much the mean cross-entropy rises without each view, [n_views].

    predict: predict(features, mask) returns logits [n_examples, n_classes].
    features: [n_views, n_examples, n_features]; mask: [n_views, n_examples], bool.
    labels: [n_examples]. Of view v the examples count that have v and another view.
    """
    ### BEGIN SOLUTION
    with_all = F.cross_entropy(predict(features, mask), labels, reduction="none")
    rises = []
    for v in range(len(mask)):
        without = mask.clone()
        without[v] = False
        counts = mask[v] & without.any(0)
        logits = predict(features[:, counts], without[:, counts])
        rises.append(F.cross_entropy(logits, labels[counts]) - with_all[counts].mean())
    return torch.stack(rises)
    ### END SOLUTION


# %% grade_id="view_reliance_check" points=8
check("10.view_reliance", view_reliance)

# %% [markdown]
# ## Part 6: do these rows belong together?
#
# OrganAMNIST, OrganCMNIST and OrganSMNIST show axial, coronal and sagittal slices of the same CT
# scans: 34,561, 12,975 and 13,932 training images. It is tempting to take row $i$ of each as three
# views of one organ. Nothing in the files says so. And there is a simple test, because each row has
# a label: **if row $i$ of both is the same organ, the labels agree.**
#
# Pair by row number, as far as the shorter set reaches. Of these rows
#
# - **agreement** is the share with equal labels,
# - **chance** is the agreement to expect if the rows of one set were shuffled:
#   $\sum_c p_c\, q_c$, with $p_c$ and $q_c$ the shares of class $c$ among the *paired* rows of the
#   first and of the second set.
#
# Agreement near chance: the rows have nothing to do with each other.

# %% [markdown] card="naive_pairing"
# title: "Exercise 6: agreement and chance"
# difficulty: 2
# importance: 5
# minutes: 10
# points: 8
# objective: Detect by their labels that rows of two data sets are not paired.
# hints:
#   - "Cut both to the shorter length first."
#   - "The classes: all values that occur. For each, two shares; multiply, then add."
# help:
#   "my chance is 1 / number of classes": >-
#     Only if all classes are equally frequent. With 90 % of one class in both sets rows agree in
#     81 % and more, by chance.


# %% grade_id="naive_pairing"
def naive_pairing(first_labels, second_labels):
    """Return (agreement, chance) of pairing two data sets by row number.

    first_labels: [n_first]; second_labels: [n_second]; integers, not necessarily from 0 on.
    Both results are floats or tensors without axes.
    """
    ### BEGIN SOLUTION
    n = min(len(first_labels), len(second_labels))
    first, second = first_labels[:n], second_labels[:n]
    agreement = (first == second).double().mean()
    chance = (first[:, None] == second).double().mean()  # over all pairs of rows
    return agreement, chance
    ### END SOLUTION


# %% grade_id="naive_pairing_check" points=8
check("10.naive_pairing", naive_pairing)

# %% [markdown]
# ## Part 7: find the bugs
#
# Volumes `[n, depth, height, width]` become three views, views become features, features are fused;
# in training some views are dropped. `present` is the mask of views, `[3, n]`; for a test, `rate`
# is 0. The lines are of the kind one finds in public code.
#
# ```text
#  1  def fuse_slices(net, volumes, present, rate, generator):
#  2      axial = volumes[:, volumes.shape[1] // 2]
#  3      coronal = volumes[:, :, volumes.shape[2] // 2].transpose(1, 2)
#  4      sagittal = volumes[:, volumes.shape[3] // 2]
#  5      features = torch.stack([net(axial), net(coronal), net(sagittal)])
#  6      luck = torch.rand(3, len(volumes), generator=generator)
#  7      keep = present & (luck >= rate)
#  8      logits = features.mean(2).masked_fill(~keep, 0.0)
#  9      gates = logits.softmax(1)
# 10      return (gates[..., None] * features).sum(0), keep
# ```
#
# On cubes of 28 x 28 x 28 voxels it runs without an error. Five things were seen:
#
# | symptom | what was seen |
# | --- | --- |
# | `"twins"` | two of the three networks' inputs are always the same image |
# | `"lying down"` | the body's long axis runs down in one view and across in another |
# | `"nobody left"` | at `rate=0.9` most volumes are kept without any view |
# | `"ghosts"` | a missing view changes the answer; it gets a share of its own |
# | `"company"` | a volume's answer depends on the volumes beside it, although all views are there |

# %% [markdown] card="bug_lines"
# title: "Exercise 7: symptom and line"
# difficulty: 3
# importance: 4
# minutes: 15
# points: 10
# objective: Trace each symptom to the one line whose repair cures it.
# hints:
#   - "Take one symptom at a time. Which line would you change so that it goes away?"
#   - "For `ghosts` ask what e to the power of 0 is."
#   - "For `company` ask of every axis what it counts."
# help:
#   "nobody left: I blame line 6": >-
#     Those numbers are fine. What is decided from them, and what if all three are below the rate?
#   "company: I blame line 10": >-
#     Line 10 adds up over the views, as it should. Over what do the gates sum to 1?


# %% grade_id="bug_lines"
def bug_lines():
    """Return a dict from each of the five symptoms to the number of the line that causes it."""
    ### BEGIN SOLUTION
    return {"twins": 4, "lying down": 3, "nobody left": 7, "ghosts": 8, "company": 9}
    ### END SOLUTION


# %% grade_id="bug_lines_check" points=10
check("10.bug_lines", bug_lines)

# %% [markdown]
# ## Part 8: a test without the right answer
#
# A trained fusion is handed to you. All views go through the same encoder, so it treats them alike,
# however many there are. You do not know its numbers, but how it has to **behave**:
#
# - what stands where a view is missing does not matter;
# - a view that is missing is the same as one that is not in the list at all;
# - the views may come in any order;
# - every view that is there is heard, even if softly;
# - a patient gets the same answer alone and in company.

# %% [markdown] card="fusion_test"
# title: "Exercise 8: test a fusion of views"
# difficulty: 4
# importance: 5
# minutes: 20
# points: 10
# objective: Write a test that every right fusion passes and every known mistake fails.
# hints:
#   - >-
#     Make a batch of random features and a mask with some False, call `fuse`, change one thing,
#     call it again, and compare.
#   - >-
#     "Not in the list": `fuse(features[:2], mask[:2])` for patients whose third view is missing.
#   - >-
#     "Is heard": change one present view of one patient, once for each view, and assert that the
#     answer is *not* the same.
# help:
#   "my test rejects a right fusion": >-
#     Compare with `torch.allclose` and a tolerance such as 1e-6. Every patient needs at least one
#     view, also after you have cut the list.
#   "the fusion that hears the loudest view only slips through": >-
#     It looks at the view with the largest features. Changing that one shows; change each in turn.


# %% grade_id="fusion_test"
def fusion_test(fuse):
    """Raise an AssertionError unless `fuse` behaves as a fusion of views should.

    fuse: called as fuse(features, mask), with features [n_views, n_examples, 4] in float64 and
    mask [n_views, n_examples], bool; returns [n_examples, 3]. You do not know its weights.
    """
    ### BEGIN SOLUTION
    random = torch.Generator().manual_seed(0)
    features = torch.randn(3, 4, 4, generator=random).double()
    mask = torch.tensor([[1, 1, 0, 1], [1, 1, 1, 0], [1, 0, 0, 0]]).bool()
    before = fuse(features, mask)

    other = torch.where(mask[..., None], features, 7.0)
    assert torch.allclose(fuse(other, mask), before, atol=1e-6)
    assert torch.allclose(fuse(features[:2, 1:], mask[:2, 1:]), before[1:], atol=1e-6)
    assert torch.allclose(fuse(features.flip(0), mask.flip(0)), before, atol=1e-6)
    for i in range(4):
        alone = fuse(features[:, i : i + 1], mask[:, i : i + 1])
        assert torch.allclose(alone, before[i : i + 1], atol=1e-6)

    for v in range(3):
        changed = features.clone()
        changed[v, 0] = -features[v, 0]
        assert (fuse(changed, mask)[0] - before[0]).abs().max() > 1e-6
    ### END SOLUTION


# %% grade_id="fusion_test_check" points=10
check("10.fusion_test", fusion_test)

# %% [markdown]
# ## Part 9: interview questions
#
# What an interviewer asks about several views and modalities, put so that you can check it
# yourself. Run the next cell to read the questions; `ask("10", language="zh")` shows them in
# Chinese. Some draw their numbers from a name: after `ask("10", student="ada")` the answers must
# hold `"student": "ada"`, as the template below the questions does. Any name will do; the
# questions are equally hard for all.

# %%
ask("10")

# %% [markdown] card="questions"
# title: "Exercise 9: fourteen questions"
# difficulty: 3
# importance: 4
# minutes: 30
# points: 20
# objective: Answer, in a sentence or a number, what an interviewer asks about several views.
# hints:
#   - "Start with those you could answer aloud. `...` stands for an answer you do not have yet."
#   - "Your own functions are at hand: `view_gates` answers one of the questions with numbers."
# help:
#   "my numbers are right and the check says they are not": >-
#     Do the answers name the student whose questions you read? `"student"` decides the numbers.
#   "I got a part of the points": >-
#     Sets, orders and matchings earn points for being nearly right, less what guessing would earn.


# %% grade_id="questions"
def questions():
    """Return a dict from the name of each question to your answer; ask("10") prints a template."""
    ### BEGIN SOLUTION
    return {
        "three_planes": "b",
        "mri_is_missing": "d",
        "two_hundred": "a",
        "heart_fusion": "c",
        "organ_rows": "b",
        "two_absent": 0.7310585786300049,
        "chance_agreement": 0.35,
        "stays": "1 - r + r ** k / k",
        "coronal": (4, 1, 36, 40),
        "masked_softmax": (0.5, 0.5, 0.25),
        "pairs_by_row": (7, "e"),
        "study_steps": "daecfb",
        "remedies": {1: "e", 2: "a", 3: "c", 4: "b", 5: "d"},
        "collapse_signs": {"b", "c", "e"},
    }
    ### END SOLUTION


# %% grade_id="questions_check" points=20
check("10.questions", questions)

# %% [markdown]
# ## Room of your own
#
# The next cell is yours: nobody checks it and nobody grades it. It shows how a collapse comes
# about: two views carry the label, one far more clearly. How much does each weigh after so many
# steps of training?


# %% scratch=true
def greedy_training(clear=3.0, faint=0.5, n_steps=50):
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (500,), generator=generator)
    signs = (2.0 * labels - 1)[:, None] * torch.tensor([clear, faint])
    views = signs + torch.randn(500, 2, generator=generator)
    weights = torch.zeros(2, requires_grad=True)
    for _ in range(n_steps):
        logits = views @ weights
        loss = F.softplus(-(2 * labels - 1) * logits).mean()
        (slope,) = torch.autograd.grad(loss, weights)
        weights = (weights - 0.5 * slope).detach().requires_grad_()
    print(f"clear view: {weights[0].item():.2f}, faint view: {weights[1].item():.2f}")


# greedy_training(n_steps=5)
# greedy_training(n_steps=500)
