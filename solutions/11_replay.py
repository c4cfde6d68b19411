# %% [markdown]
# # Exercises 11: a small memory of a long stream, and what it is good for
#
# **Question.** A model learns from what comes in day after day, and forgets what came before. A few
# stored images help. Which ones do you keep, how do you learn from them, and how do you measure
# what was forgotten?
#
# - **Time.** About two hours of your own, a few seconds of the computer's.
# - **Know first.** Random numbers from a `torch.Generator`, gradient descent, the lesson
#   `lessons/11_replay`.
# - **Papers.** Vitter 1985 (reservoir sampling); Chrysakis and Moens 2020 (a balanced memory);
#   Lopez-Paz and Ranzato 2017, arXiv 1706.08840 (the measures); Riemer et al. 2019, arXiv
#   1810.11910 (replay that is meta-learning).
#
# You write six functions, find five bugs and answer fourteen questions. Replace the line that
# raises `NotImplementedError`, run the cell, run the check below it. A check says one of four
# things: *not attempted*, *wrong* (with the likely mistake), *your code raised* (with your line),
# *right*. Warnings cost nothing. At grading the checks draw other numbers than here.

# %%
import torch

from medmeta_ref.grading.check import check
from medmeta_ref.grading.side_by_side import side_by_side
from medmeta_ref.questions import ask

# %% [markdown]
# ## The example: a night shift
#
# Every night a small model is trained on the X-rays of the day. In winter most show pneumonia, in
# summer broken bones: the stream *drifts*, and a model that only sees today forgets the winter. The
# data protection officer allows a memory of `capacity` images, no more. They pass by once, one
# after another, and nobody knows how many there will be.
#
# ## Part 1: who stays?
#
# After $n$ images each of them should be in the memory with the same probability, $k/n$ for
# capacity $k$, whether it came first or last. *Reservoir sampling* does this in one pass. The
# first $k$ are stored. From then on the newcomer, as number $i$, gets in with probability $k/i$, in
# the place of a stored item, each of which is as likely to leave.
#
# Why that works: suppose that it holds for $i - 1$ items. The newcomer is stored with probability
# $k/i$. An older one was in with probability $k/(i-1)$, and it leaves with probability
# $\tfrac{k}{i}\cdot\tfrac1k = \tfrac1i$, so it is still in with
# $\tfrac{k}{i-1}\cdot\tfrac{i-1}{i} = \tfrac{k}{i}$, like the newcomer.

# %% [markdown] card="reservoir_add"
# title: "Exercise 1: reservoir sampling"
# difficulty: 3
# importance: 5
# minutes: 20
# points: 16
# objective: Keep a uniform sample of a stream of unknown length, in one pass.
# hints:
#   - >-
#     One random number can settle both questions, whether the newcomer gets in and whose place it
#     takes: draw one of the numbers 0 to i - 1, where the newcomer is number i.
#   - "If the number that you drew is a slot of the memory, that slot is the newcomer's."
#   - >-
#     `torch.randint(high, (1,), generator=generator)` draws from 0 to high - 1. `n_seen` does not
#     count the newcomer.
# help:
#   "one item is kept too often, and always the same one": >-
#     With capacity 2, the third item must be refused in a third of all cases. Can yours be?
#   "'NoneType' object has no attribute 'append'": >-
#     What the function returns is the memory at the next call. `list.append` returns None.
#   "all that I stored is the last image": >-
#     Many loaders fill the same array again and again. You stored the array, not the image.


# %% grade_id="reservoir_add"
def reservoir_add(memory, item, *, n_seen, capacity, generator):
    """Return the memory after one more item of the stream was offered to it.

    memory: list of the tensors stored so far, at most `capacity`; empty in the beginning.
    item: a tensor; the caller may change it later.
    n_seen: how many items came before this one.
    generator: torch.Generator, the only source of randomness.
    Returns a list of tensors.
    """
    ### BEGIN SOLUTION
    if len(memory) < capacity:
        return [*memory, item.clone()]
    slot = int(torch.randint(n_seen + 1, (1,), generator=generator))
    if slot >= capacity:
        return memory
    return [*memory[:slot], item.clone(), *memory[slot + 1 :]]
    ### END SOLUTION


# %% grade_id="reservoir_add_check" points=16
check("11.reservoir_add", reservoir_add)

# %% [markdown]
# ### Look at it
#
# Each row is a moment of the stream, each column an item: how often is it in a memory for 3? Left,
# what it should be. In the middle, your memory in 500 streams. Right, what is between them: with
# 500 streams noise of 0.02 is normal, and up to 0.07 will happen somewhere.


# %%
def shares_of_mine(n_items=10, capacity=3, n_streams=500):
    """Return how often each item is stored after 1, 2, ... items, [n_items, n_items]."""
    generator = torch.Generator().manual_seed(0)
    counts = torch.zeros(n_items, n_items)
    for _ in range(n_streams):
        memory = []
        for i in range(n_items):
            how = {"n_seen": i, "capacity": capacity, "generator": generator}
            memory = reservoir_add(memory, torch.tensor(i), **how)
            for stored in memory:
                counts[i, stored] += 1
    return counts / n_streams


def shares_wanted(n_items=10, capacity=3):
    """Return capacity / (items so far) for every item that has come, [n_items, n_items]."""
    so_far = torch.arange(1, n_items + 1)[:, None]
    return torch.ones(n_items, n_items).tril() * (capacity / so_far).clamp(max=1)


side_by_side(
    shares_wanted,
    shares_of_mine,
    xlabel="item",
    ylabel="items after it began, less one",
    alt="Share of streams in which an item is stored: wanted, yours, and the difference.",
)

# %% [markdown]
# ## Part 2: a memory that remembers rare diseases
#
# A uniform sample is faithful: what is rare in the stream is rare in the memory. If 1 image in 500
# shows a rare disease, a memory for 100 will mostly hold none. *Class-balanced reservoir sampling*
# (Chrysakis and Moens 2020) lets the largest class give way. Once the memory is full:
#
# - A class that is largest in the memory, alone or with others, is called *full*, and stays so.
# - A newcomer of a class that is **not full** always gets in. It takes the place of a random item
#   of the largest class. (If several classes are largest, of a random one of all their items.)
# - A newcomer of a **full** class competes with its own kind only. If $m$ of its class are stored
#   and it is number $i$ of its class, it gets in with probability $m/i$, for a random one of
#   the $m$.

# %% [markdown] card="balanced_slot"
# title: "Exercise 2: whose place does it take?"
# difficulty: 3
# importance: 3
# minutes: 15
# points: 12
# objective: Keep the classes of a memory balanced, and each class a uniform sample of itself.
# hints:
#   - "`[i for i, c in enumerate(stored) if ...]` gives the slots of some classes."
#   - "The rule for a full class is exercise 1 within the class: one random number settles both."
# help:
#   "slot 0 comes up too often": >-
#     Did you draw an index into the list of allowed slots, or the slot itself?
#   "with two classes of equal size mine always takes from one": >-
#     `max(..., key=...)` returns the first of several largest. Compare every class's count with
#     the largest count.


# %% grade_id="balanced_slot"
def balanced_slot(stored, label, *, n_seen, is_full, generator):
    """Return the slot of a full memory that a newcomer takes, or None if it is let go.

    stored: list of integers, the label in every slot.
    label: of the newcomer.
    n_seen: how many items of the newcomer's class came before it.
    is_full: whether that class is full.
    generator: torch.Generator, the only source of randomness.
    """
    ### BEGIN SOLUTION
    if is_full:
        own = [slot for slot, c in enumerate(stored) if c == label]
        drawn = int(torch.randint(n_seen + 1, (1,), generator=generator))
        return own[drawn] if drawn < len(own) else None
    most = max(stored.count(c) for c in stored)
    largest = [slot for slot, c in enumerate(stored) if stored.count(c) == most]
    return largest[int(torch.randint(len(largest), (1,), generator=generator))]
    ### END SOLUTION


# %% grade_id="balanced_slot_check" points=12
check("11.balanced_slot", balanced_slot)

# %% [markdown]
# ## Part 3: learn from new and old
#
# $$
# L(\theta) = L_{\text{new}}(\theta) + \rho\, L_{\text{replayed}}(\theta)
# $$
#
# Both are means over their own examples. Then $\rho$ alone says how much the past weighs, and not
# how many images happen to come along. On the first day there is nothing to replay.

# %% [markdown] card="replay_loss"
# title: "Exercise 3: the loss with replay"
# difficulty: 1
# importance: 4
# minutes: 10
# points: 8
# objective: Balance new and replayed examples whatever their numbers.
# hints:
#   - "`loss` is a mean over the examples it is given: call it once for the new, once for the old."
#   - "`len(old_x)` is 0 on the first day."
# help:
#   "nan": "The mean over no examples is 0/0. Multiplying nan by 0 does not help: leave it out."
#   "my value is near, but not right": >-
#     Did you concatenate? Then 4 new and 9 old examples weigh 4 to 9.


# %% grade_id="replay_loss"
def replay_loss(loss, params, new_x, new_y, old_x, old_y, *, ratio):
    """Return the loss on new examples plus `ratio` times that on replayed ones.

    loss: loss(params, x, y) returns the mean over the examples, a tensor without axes.
    old_x, old_y: the replayed examples; may have no rows.
    Returns a tensor without axes, differentiable in `params`.
    """
    ### BEGIN SOLUTION
    value = loss(params, new_x, new_y)
    if len(old_x) == 0:
        return value
    return value + ratio * loss(params, old_x, old_y)
    ### END SOLUTION


# %% grade_id="replay_loss_check" points=8
check("11.replay_loss", replay_loss)

# %% [markdown]
# ## Part 4: where replay becomes meta-learning
#
# Replay by itself is no meta-learning: there is one model, one loss, and nothing that is learned
# about learning. *Meta-experience replay* (Riemer et al. 2019) puts a Reptile step around it.
# Starting at $\theta$, take one SGD step on each example in turn, old ones and new ones, one at a
# time. Then go only a part $\gamma$ of the way:
#
# $$
# \theta_{j} = \theta_{j-1} - \alpha\,\nabla L_j(\theta_{j-1}), \qquad
# \theta \leftarrow \theta + \gamma\,(\theta_{J} - \theta), \qquad \theta_0 = \theta .
# $$
#
# That looks like a detour to a smaller learning rate. It is not: each gradient is taken where the
# example before has led. To second order the outer step also increases the *scalar product* of
# different examples' gradients. A positive product means that a step for one example helps another
# (transfer), a negative one that it harms it (interference, and so forgetting).

# %% [markdown] card="meta_replay_step"
# title: "Exercise 4: a step of meta-experience replay"
# difficulty: 3
# importance: 5
# minutes: 20
# points: 14
# objective: Write Reptile over a sequence of single examples.
# hints:
#   - "Two names: the parameters you started from, and those that walk."
#   - >-
#     `torch.autograd.grad(loss(walking, x, y), list(walking.values()))` returns the gradients in
#     that order. The tensors in `params` require gradient, and so do sums with them.
#   - "Nothing has to be differentiated twice: each step may begin at detached tensors."
# help:
#   "element 0 of tensors does not require grad": >-
#     If you detach after a step, the next one needs `.requires_grad_()`.
#   "a leaf Variable that requires grad is being used in an in-place operation": >-
#     `p -= inner_lr * g` would change `params`, and you still need to know where you started. Make
#     new tensors.


# %% grade_id="meta_replay_step"
def meta_replay_step(loss, params, examples, *, inner_lr, outer_lr):
    """Return params + outer_lr * (end - params), after one SGD step on each example in turn.

    loss: loss(params, x, y) returns a tensor without axes.
    params: name -> tensor that requires gradient. Not changed.
    examples: list of (x, y), in the order of the steps.
    Returns name -> tensor.
    """
    ### BEGIN SOLUTION
    walking = dict(params)
    for x, y in examples:
        slopes = torch.autograd.grad(loss(walking, x, y), list(walking.values()))
        walking = {
            name: (p - inner_lr * slope).detach().requires_grad_()
            for (name, p), slope in zip(walking.items(), slopes, strict=True)
        }
    return {name: (p + outer_lr * (walking[name] - p)).detach() for name, p in params.items()}
    ### END SOLUTION


# %% grade_id="meta_replay_step_check" points=14
check("11.meta_replay_step", meta_replay_step)

# %% [markdown]
# ## Part 5: what was forgotten?
#
# After each task the learner is tested on *all* tasks. That makes a matrix $R$: $R_{ij}$ is the
# accuracy on task $j$ after training on tasks $0, \dots, i$. With $T$ tasks:
#
# - **accuracy**: the mean of the last row;
# - **backward transfer**: the mean of $R_{T-1,j} - R_{jj}$ over all $j$ but the last;
# - **forward transfer**: the mean of $R_{j-1,j} - b_j$ over all $j$ but the first, where $b_j$ is
#   what an untrained network gets;
# - **forgetting**: the mean of $\max_{i < T-1} R_{ij} - R_{T-1,j}$ over all $j$ but the last: the
#   best there was before the end, whenever that was.

# %% [markdown] card="continual_scores"
# title: "Exercise 5: four numbers from a matrix"
# difficulty: 2
# importance: 4
# minutes: 15
# points: 10
# objective: Read accuracy, transfer and forgetting off a matrix of accuracies.
# hints:
#   - "`R.diagonal()` is R[j, j]; `R.diagonal(1)` is R[j - 1, j], one above."
#   - "For forgetting: the maximum of each column over all rows but the last."
# help:
#   "my forgetting is never negative": >-
#     The last row is among those that you take the maximum of.
#   "forward transfer: shapes do not fit": >-
#     T - 1 numbers stand above the diagonal; b_0 is not used.


# %% grade_id="continual_scores"
def continual_scores(accuracies, baseline):
    """Return {"accuracy", "backward_transfer", "forward_transfer", "forgetting"} -> number.

    accuracies: [n_tasks, n_tasks], row after each task, column for each task; 2 tasks or more.
    baseline: [n_tasks], the accuracy of an untrained network on each.
    """
    ### BEGIN SOLUTION
    end, just_trained = accuracies[-1], accuracies.diagonal()
    return {
        "accuracy": end.mean(),
        "backward_transfer": (end - just_trained)[:-1].mean(),
        "forward_transfer": (accuracies.diagonal(1) - baseline[1:]).mean(),
        "forgetting": (accuracies[:-1].max(0).values - end)[:-1].mean(),
    }
    ### END SOLUTION


# %% grade_id="continual_scores_check" points=10
check("11.continual_scores", continual_scores)

# %% [markdown]
# ## Part 6: find the bugs
#
# A learner with replay, put together from mistakes of the kind that public code makes. Each task is
# a pair of lists, for training and held out; their elements are pairs of image and label. `step`
# trains on a list of pairs, `test` returns the accuracy on one. The loader may use the memory of
# its images again.
#
# ```text
#  1  def learn(tasks, step, test, capacity, n_replay, generator):
#  2      memory, n_seen, history = [], 0, []
#  3      for train, held_out in tasks:
#  4          for image, label in train + held_out:
#  5              replayed = memory[:n_replay]
#  6              step([(image, label)] + replayed)
#  7              item = (image, label)
#  8              if n_seen < capacity:
#  9                  memory.append(item)
# 10              else:
# 11                  slot = torch.randint(n_seen, (1,), generator=generator).item()
# 12                  if slot < capacity:
# 13                      memory[slot] = item
# 14              n_seen += 1
# 15          history.append(test(held_out))
# 16      return memory, history
# ```
#
# | symptom | what was seen |
# | --- | --- |
# | `"exam in the memory"` | images that the learner is tested on are stored and replayed |
# | `"some never return"` | in a memory that no longer changes, most items are never replayed |
# | `"stored images change"` | the next day, the stored images look different |
# | `"newcomers favoured"` | with capacity 2, the third item is stored in every run |
# | `"forgetting unseen"` | a learner that forgets everything has the same `history` |

# %% [markdown] card="bug_lines"
# title: "Exercise 6: symptom and line"
# difficulty: 2
# importance: 4
# minutes: 15
# points: 10
# objective: Trace each symptom to the one line whose repair cures it.
# hints:
#   - "Take one symptom at a time. Which line would you change so that it goes away?"
#   - "For the third item, work out by hand which slots line 11 can draw."
# help:
#   "stored images change: lines 9 and 13 both store": >-
#     What they store is made in one place. Mend it there.
#   "forgetting unseen: I blame line 16": >-
#     It returns what was measured. What would have to be measured after every task?


# %% grade_id="bug_lines"
def bug_lines():
    """Return a dict from each of the five symptoms to the number of the line that causes it."""
    ### BEGIN SOLUTION
    return {
        "exam in the memory": 4,
        "some never return": 5,
        "stored images change": 7,
        "newcomers favoured": 11,
        "forgetting unseen": 15,
    }
    ### END SOLUTION


# %% grade_id="bug_lines_check" points=10
check("11.bug_lines", bug_lines)

# %% [markdown]
# ## Part 7: a test that would have told
#
# A sampler cannot be tested by one result: every subset is possible. What can be tested is how
# often each item stays. If an item stays with probability $p$, its share in $n$ independent
# runs scatters around $p$ with a standard deviation of $\sqrt{p(1-p)/n}$. In units of that,
#
# $$
# z = \frac{\text{share} - k/n_{\text{items}}}{\sqrt{p\,(1-p)/n_{\text{runs}}}}, \qquad
# p = k/n_{\text{items}},
# $$
#
# is hardly ever beyond 5 for a right memory. How large it gets for a wrong one is up to the
# capacity, the length of the stream and the number of runs that *you* choose.

# %% [markdown] card="memory_test"
# title: "Exercise 7: test a memory"
# difficulty: 3
# importance: 5
# minutes: 20
# points: 10
# objective: Write a statistical test that never rejects a right sampler and catches an off-by-one.
# hints:
#   - >-
#     An off-by-one changes probabilities by about 1/n. Where is that much, in a stream of 6 or in
#     one of 600?
#   - "`(kept == i).any(1).double().mean()` is the share of runs in which item i is stored."
# help:
#   "my test rejects a right memory": >-
#     At z beyond 2 one item in twenty is rejected, and there are several. Allow 5.
#   "the draw is one too small slips through": >-
#     Try capacity 2, 6 items and some thousand runs, and look at every item.


# %% grade_id="memory_test"
def memory_test(remember):
    """Raise an AssertionError unless `remember` keeps every item of a stream equally often.

    remember: called as remember(n_items, capacity, n_runs=..., seed=...). Returns the positions
    (0 to n_items - 1) of the items stored at the end of each of n_runs independent streams, a
    tensor [n_runs, capacity], in any order.
    """
    ### BEGIN SOLUTION
    n_items, capacity, n_runs = 6, 2, 4000
    kept = remember(n_items, capacity, n_runs=n_runs, seed=0)
    p = capacity / n_items
    shares = torch.stack([(kept == i).any(1).double().mean() for i in range(n_items)])
    z = (shares - p) / (p * (1 - p) / n_runs) ** 0.5
    assert z.abs().max() < 5
    ### END SOLUTION


# %% grade_id="memory_test_check" points=10
check("11.memory_test", memory_test)

# %% [markdown]
# ## Part 8: interview questions
#
# What an interviewer asks about replay, put so that you can check it yourself. Run the next cell to
# read the questions; `ask("11", language="zh")` shows them in Chinese. Some draw their numbers from
# a name: after `ask("11", student="ada")` the answers must hold `"student": "ada"`, as the template
# below the questions does. Any name will do; the questions are equally hard for all.

# %%
ask("11")

# %% [markdown] card="questions"
# title: "Exercise 8: fourteen questions"
# difficulty: 3
# importance: 4
# minutes: 30
# points: 20
# objective: Answer, in a sentence or a number, what an interviewer asks about replay.
# hints:
#   - "Start with those you could answer aloud. `...` stands for an answer you do not have yet."
#   - "Your own functions are at hand: a few lines answer several of the questions."
# help:
#   "my numbers are right and the check says they are not": >-
#     Do the answers name the student whose questions you read? `"student"` decides the numbers.
#   "I got a part of the points": >-
#     Sets, orders and matchings earn points for being nearly right, less what guessing would earn.


# %% grade_id="questions"
def questions():
    """Return a dict from the name of each question to your answer; ask("11") prints a template."""
    ### BEGIN SOLUTION
    return {
        "is_it_meta": "b",
        "survives": 0.075,
        "overwritten": 0.12158,
        "drift": "d",
        "backward": -24,
        "meta_step": "t + g*(d + (1 - a*b)*(c + (1 - a*h)*(t - c) - d) - t)",
        "algorithm": "eabdc",
        "off_by_one": (9, "e"),
        "hidden_by_size": "a",
        "alias": ([2, 2, 2], [0, 1, 2], [2, 2, 2]),
        "remedies": {1: "e", 2: "a", 3: "c", 4: "b", 5: "d"},
        "no_old_data": "c",
        "privacy": {"b", "c", "f"},
        "what_may_be_said": "c",
    }
    ### END SOLUTION


# %% grade_id="questions_check" points=20
check("11.questions", questions)

# %% [markdown]
# ## Room of your own
#
# The next cell is yours: nobody checks it and nobody grades it. It runs a stream with a winter and
# a summer through your memories and counts what is left. Make the last season shorter, or add a
# third one.


# %% scratch=true
def seasons(capacity=12):
    generator = torch.Generator().manual_seed(0)
    stream = [0] * 300 + [1] * 60 + [2] * 10  # pneumonia, fractures, a rare disease
    uniform, balanced, seen, full = [], [], {}, set()
    for n, label in enumerate(stream):
        how = {"n_seen": n, "capacity": capacity, "generator": generator}
        uniform = reservoir_add(uniform, torch.tensor(label), **how)
        if n < capacity:
            balanced.append(label)
        else:
            most = max(balanced.count(c) for c in balanced)
            full |= {c for c in balanced if balanced.count(c) == most}
            how = {"n_seen": seen.get(label, 0), "is_full": label in full, "generator": generator}
            slot = balanced_slot(balanced, label, **how)
            if slot is not None:
                balanced[slot] = label
        seen[label] = seen.get(label, 0) + 1
    return torch.stack(uniform).bincount(minlength=3), torch.tensor(balanced).bincount(minlength=3)


# seasons()
