# %% [markdown]
# # Lesson 07: Reptile and ANIL, or what can be left out of MAML
#
# **Question.** MAML differentiates a query loss through every inner step of every layer. Reptile
# leaves out the query loss and the derivatives, ANIL leaves out most of the steps. What do they
# lose? And does adaptation change the features at all, or only the answer that is read off them?
#
# - **Time.** 50 minutes to read; the computer needs about 2 of them on two idle cores.
# - **Know first.** Lesson 06: inner and outer loop, FOMAML, batch norm with support statistics.
# - **Papers.** Nichol, Achiam and Schulman 2018, arXiv 1803.02999 (Reptile); Raghu et al. 2020,
#   arXiv 1909.09157 (ANIL); Kornblith et al. 2019, arXiv 1905.00414 (CKA).
# - **Then do** the exercises: `exercises/07_reptile_and_anil`.

# %%
import os
import time
from functools import partial

import torch
from torch.func import grad, hessian

from medmeta_ref import anil, few_shot, held_out, maml, plots, prototypical, reptile
from medmeta_ref.backbones import conv4
from medmeta_ref.datasets import load_or_synthetic
from medmeta_ref.episodes import EpisodeSampler
from medmeta_ref.feature_reuse import feature_reuse
from medmeta_ref.inner_loop import adapt, task_loss
from medmeta_ref.learners.reptile import reptile_pseudo_gradient
from medmeta_ref.metrics import mean_and_ci95
from medmeta_ref.params import forward, initial_params
from medmeta_ref.sliders import explore
from medmeta_ref.support_statistics import support_statistics_forward
from medmeta_ref.train import cosine, fit
from medmeta_ref.valleys import valley_plane

# %% [markdown]
# The settings stand in one place. `MEDMETA_FAST=1` shrinks them so far that the lesson runs in
# seconds: good for testing the notebook, useless for conclusions.

# %%
FAST = os.environ.get("MEDMETA_FAST") == "1"
META_STEPS = 3 if FAST else 100  # outer steps of every method: the common budget
INNER_LR, INNER_STEPS, OUTER_LR = 0.05, 5, 0.004
N_WAY, K_SHOT, N_QUERY, META_BATCH = 3, 5, 10, 4
N_EPISODES, N_WIDE = (4, 3) if FAST else (60, 10)
CHECKPOINTS = [1, 5] if FAST else [1, 5, 10]
WIDTH = 8 if FAST else 32

# %% [markdown]
# ## The problem: MAML is dear
#
# Lesson 06 counted: the graph of MAML grows with every inner step of every layer, and training took
# several times as long as anything else. FOMAML drops the factors $I - \alpha H$. Two more cuts:
#
# - **Reptile** asks for no query set and differentiates nothing but plain training losses. It takes
#   some steps on a task and moves the start a part of the way to where they led.
# - **ANIL** keeps MAML's outer loop, but in the inner loop only the head, the last layer, moves.

# %% [markdown]
# ## A picture: three valleys
#
# Two weights, three tasks. Each task is solved on a whole *line*: a valley floor. (With more
# weights than examples that is the usual case.) One valley is flat, with curvature 1 across; one
# has 4, one has 9. No place lies in all three. Where should a start be?


# %%
ALPHA, STEEP = 0.1, torch.tensor([1.0, 4.0, 9.0])
ANGLES = torch.deg2rad(torch.tensor([0.0, 60.0, 120.0]))
ACROSS = torch.stack([ANGLES.cos(), ANGLES.sin()], dim=1)  # the direction across each valley
FLOORS = torch.tensor([-1.0, 1.0, 0.5])  # a place t lies on floor i where ACROSS[i] @ t is this
FAR = torch.tensor([2.5, -2.0])


def off_floor(place):
    """Return how far a place is from each of the three floors, with a sign."""
    return ACROSS @ place - FLOORS


def valley_walk(place, task, n_steps):
    """Return where gradient descent in one valley leads."""
    for _ in range(n_steps):
        place = place - ALPHA * STEEP[task] * off_floor(place)[task] * ACROSS[task]
    return place


# %% [markdown]
# ## The equation
#
# Reptile draws a task $i$, takes $K$ steps $\phi \to \phi_i$ of plain gradient descent, and moves:
#
# $$
# \phi \leftarrow \phi + \varepsilon\,(\phi_i - \phi),
# $$
#
# or with a mean over several tasks in place of $\phi_i$. That is all of it. `outer_lr` is
# $\varepsilon$; with 1 the start jumps to where the task led.


# %%
def reptile_places(inner_steps, outer_lr, n_rounds=300):
    """Return the places of a start that visits the three tasks in turn, [n_rounds + 1, 2]."""
    places = [FAR]
    for number in range(n_rounds):
        end = valley_walk(places[-1], number % 3, inner_steps)
        step = reptile.reptile_update({"place": places[-1]}, [{"place": end}], outer_lr=outer_lr)
        places.append(step["place"])
    return torch.stack(places)


def valley_loss(place, n_steps):
    """Return the mean loss of the tasks after n_steps steps each."""
    ends = torch.stack([off_floor(valley_walk(place, i, n_steps))[i] for i in range(3)])
    return (STEEP * ends**2 / 2).mean()


# %% [markdown]
# Two places to compare with: where joint training ends, that is the lowest mean loss before any
# step; and the start that MAML looks for, the lowest mean loss *after* the steps. Both losses are
# parabolas, so one Newton step finds them.


# %%
def lowest(n_steps):
    """Return the place with the lowest mean loss after n_steps steps."""
    loss, origin = partial(valley_loss, n_steps=n_steps), torch.zeros(2)
    return -torch.linalg.solve(hessian(loss)(origin), grad(loss)(origin))


# %%
def three_valleys(inner_steps, outer_lr):
    """Draw the valleys, Reptile's walk, and the two places to compare with."""
    ends = {"joint training": lowest(0)[None], "MAML's start": lowest(inner_steps)[None]}
    walks = {"Reptile": reptile_places(inner_steps, outer_lr)} | ends
    after = {n: valley_loss(places[-3:].mean(0), inner_steps).item() for n, places in walks.items()}
    words = "; ".join(f"{name} {value:.4f}" for name, value in after.items())
    floors = {
        f"task with curvature {h:.0f}": (*a.tolist(), b.item())
        for h, a, b in zip(STEEP, ACROSS, FLOORS, strict=True)
    }
    axes = {"xlabel": "weight 1", "ylabel": "weight 2", "limits": (-2.5, 3.0, -2.5, 2.0)}
    drawn = valley_plane(floors, walks, **axes)
    drawn.set_title(f"loss after {inner_steps} steps: {words}", fontsize=9)
    alt = f"Reptile between three valleys, outer rate {outer_lr}. Loss after {inner_steps} steps"
    return plots.show(drawn, alt=f"{alt}: {words}.")


explore(
    three_valleys, inner_steps=(5, [1, 2, 5, 20, 100]), outer_lr=(0.1, [0.03, 0.1, 0.3, 0.6, 1.0])
)

# %%
for k in (1, 2, 5, 20, 100):
    resting = reptile_places(k, 0.03, n_rounds=3000)[-3:].mean(0)  # of the last three tasks
    joint, best = ((resting - lowest(n)).norm().item() for n in (0, k))
    print(f"{k:3} inner steps: Reptile rests {joint:.2f} from joint training, ", end="")
    print(f"{best:.2f} from MAML's start. ", end="")
    starts = {"Reptile": resting, "joint training": lowest(0), "MAML": lowest(k)}
    found = [f"{name} {valley_loss(start, k):.4f}" for name, start in starts.items()]
    print(f"Loss after the steps: {', '.join(found)}")

# %% [markdown]
# Slide the **inner steps**. With one step Reptile ends where joint training does, near the crossing
# of the steep valleys: one step of Reptile *is* a step of joint training, with the rate
# $\varepsilon\alpha$. With more steps the steep valleys lose their advantage: they have arrived and
# pull no further. With 100 steps all three arrive, and the start rests where the squared distances
# to the floors have the lowest sum: in the middle of the *solutions*. After five steps Reptile's
# loss is about half of joint training's. MAML's is far below both: it lies in the flat valley and
# leaves the steep ones to the steps. Reptile does not minimise the loss after the steps; it only
# happens to lower it.
#
# Slide the **outer rate**. It does not change where Reptile rests on average, only how. With 1 it
# never rests: it jumps from valley to valley, and the last task wins.

# %% [markdown]
# ### Why the second step matters where valleys have no closed form
#
# In networks the argument is another one, and as short. Let the steps see *different* minibatches
# of a task. To the order of $\alpha$, the second gradient is
#
# $$
# g_2(\phi - \alpha g_1) = g_2 - \alpha H_2\,g_1,
# $$
#
# and in expectation over the order of the two, $H_2\,g_1 + H_1\,g_2$ is the gradient of
# $g_1^\top g_2$. So Reptile also walks towards places where the gradients of two minibatches of one
# task *agree*: a step on some images then helps on the others. MAML's expansion has a term of the
# same kind (section 5 of the paper). One step has none of it, and with the same images in every
# step there is no second minibatch to agree with.

# %% [markdown]
# ## Real cells, one budget
#
# BloodMNIST as in lesson 06: eight types of blood cell (Acevedo et al. 2020), four to learn on,
# four for the test; official training images on one side, official test images on the other. That
# split is by cell, not by person. Every method gets the same network, the same tasks in the same
# order, as many outer steps, and the same rates. Time is *not* equal; we measure it.

# %%
train, test = (load_or_synthetic("bloodmnist", part) for part in ("train", "test"))
generator = torch.Generator().manual_seed(0)
name = "bloodmnist" if len(train.class_names) == 8 else "synthetic"
split = held_out.held_out_split(name, train.labels, generator=generator)
print(train.source)
for side, classes in {"learn on": split.train, "test on": split.test}.items():
    print(f"{side}: {'; '.join(train.class_names[c][:24] for c in classes)}")

in_channels = 3 if train.images.ndim == 4 else 1
net = conv4(in_channels, width=WIDTH, n_outputs=N_WAY)
sizes = {"n_way": N_WAY, "k_shot": K_SHOT, "n_query": N_QUERY}
training = EpisodeSampler(train.images, train.labels, classes=split.train, **sizes)
testing = EpisodeSampler(test.images, test.labels, classes=split.test, **sizes)

# %% [markdown]
# `reptile_pseudo_gradient` deals all images of an episode into minibatches of ten and returns
# $\phi$ minus the mean of the ends, so that the same outer loop with Adam serves all methods. Minus
# the way: an optimiser walks *against* what it gets. Swap that sign and the loss rises, without an
# error. The fifth method is Reptile with a single inner step.

# %%
inner = {"inner_lr": INNER_LR, "inner_steps": INNER_STEPS}
OUTER_GRADIENTS = {
    "MAML": partial(maml.maml_gradient, net, **inner),
    "FOMAML": partial(maml.maml_gradient, net, **inner, first_order=True),
    "ANIL": partial(anil.anil_gradient, net, **inner, head="head"),
    "Reptile": partial(reptile_pseudo_gradient, net, **inner),
    "Reptile, 1 step": partial(reptile_pseudo_gradient, net, inner_lr=INNER_LR, inner_steps=1),
}


def start_trained_by(method):
    """Return the start that a method trains, its history and the CPU seconds that took."""
    generator = torch.Generator().manual_seed(1)
    start, rate = initial_params(net, generator=generator), cosine(OUTER_LR, META_STEPS)
    draw, how = partial(training.episodes, META_BATCH), {"n_steps": META_STEPS, "outer_lr": rate}
    began = time.process_time()
    trained = fit(OUTER_GRADIENTS[method], start, draw, **how, generator=generator, progress=method)
    return trained.params, trained.history, time.process_time() - began


# %%
trained = {method: start_trained_by(method) for method in OUTER_GRADIENTS}
histories = {method: history for method, (_, history, _) in trained.items()}
axes = plots.training_curves(histories)
last = {method: sum(h[-20:]) / len(h[-20:]) for method, h in histories.items()}
words = "; ".join(f"{method} {value:.2f}" for method, value in last.items())
plots.show(axes, alt=f"Training losses; mean of the last steps: {words}. ln 3 is 1.10.")

# %% [markdown]
# The curves are *not* comparable with each other: MAML, FOMAML and ANIL show the query loss after
# adaptation, Reptile the mean loss along the way. But one says something by itself: with a single
# step the loss stays at $\ln 3 = 1.10$. Labels are drawn anew for every episode, and no one
# classifier suits labels that are reshuffled all the time. Joint training on such episodes has
# nothing to learn; Reptile has, from its second step on.

# %% [markdown]
# ## Answers to new classes
#
# Each start adapts to the support set as it was trained: all layers, or the head alone for ANIL.
# Answers use support statistics, so no query touches another. Beside them the same network
# untrained, and the nearest class mean of raw pixels.

# %%
embedder = conv4(in_channels, width=WIDTH)
starts_of = {method: params for method, (params, _, _) in trained.items()}
starts_of["untrained"] = initial_params(net, generator=torch.Generator().manual_seed(1))
BLOCKS = tuple(f"blocks.{number}." for number in range(4))


# %%
def adapt_all(start, episode, *, frozen=0, checkpoints=CHECKPOINTS):
    """Return steps -> query logits; the first `frozen` blocks stay as they are."""
    fixed = {n: p for n, p in start.items() if n.startswith(BLOCKS[:frozen])}
    moving = {n: p for n, p in start.items() if n not in fixed}
    done, found, support = 0, {}, (episode.support_x, episode.support_y)

    def with_fixed(model, params, x, y):
        return task_loss(model, fixed | params, x, y)

    for k in checkpoints:
        how = {"inner_lr": INNER_LR, "inner_steps": k - done, "first_order": True}
        moving, done = adapt(net, moving, *support, **how, loss=with_fixed), k
        here = fixed | moving
        found[f"{k}"] = support_statistics_forward(net, here, episode.support_x, episode.query_x)
    return found


# %% [markdown]
# ANIL needs the features once. After that its inner loop is a linear classifier on 32 numbers per
# image: that is where its speed comes from.


# %%
def body_features(start, episode):
    """Return the body's features of support and query images, by the support set's statistics."""
    body = {n: p for n, p in start.items() if not n.startswith("head.")}
    both = torch.cat([episode.support_x, episode.query_x])
    features = support_statistics_forward(embedder, body, episode.support_x, both)
    return features[: len(episode.support_x)], features[len(episode.support_x) :]


def adapt_head(start, episode):
    """Return steps -> query logits, after steps of the head on features that stay."""
    support, query = body_features(start, episode)
    head = {"weight": start["head.weight"], "bias": start["head.bias"]}
    found, done = {}, 0
    for k in CHECKPOINTS:
        how = {"inner_lr": INNER_LR, "inner_steps": k - done}
        head, done = adapt(net.head, head, support, episode.support_y, **how), k
        found[f"{k}"] = forward(net.head, head, query)
    return found


# %%
def no_inner_loop(start, episode):
    """Return logits by the class means of the body's features, of length 1: nothing adapts."""
    support, query = (z / z.norm(dim=1, keepdim=True) for z in body_features(start, episode))
    return prototypical.prototypical_logits(
        query, prototypical.prototypes(support, episode.support_y, N_WAY)
    )


def pixel_means(episode):
    """Return logits by the class means of the images as they are."""
    means = prototypical.prototypes(episode.support_x.flatten(1), episode.support_y, N_WAY)
    return prototypical.prototypical_logits(episode.query_x.flatten(1), means)


# %%
methods = {
    name: partial(adapt_head if name == "ANIL" else adapt_all, start)
    for name, start in starts_of.items()
}
methods["raw pixels"] = pixel_means
for name in ("MAML", "Reptile"):
    for frozen in (1, 2, 3):
        methods[f"{name} frozen {frozen}"] = partial(
            adapt_all, starts_of[name], frozen=frozen, checkpoints=[INNER_STEPS]
        )
    methods[f"{name} frozen 4"] = partial(adapt_head, starts_of[name])
    methods[f"{name} no inner loop"] = partial(no_inner_loop, starts_of[name])
draw = partial(testing.episode, torch.Generator().manual_seed(2))
scores = few_shot.episode_accuracies(methods, draw, n_episodes=N_EPISODES)

# %% [markdown]
# ## The result

# %%
last_step = CHECKPOINTS[-1]
rows = {f"{n}, {k} steps": scores[f"{n}, {k}"] for n in starts_of for k in (INNER_STEPS, last_step)}
rows["raw pixels"] = scores["raw pixels"]
points = {name: mean_and_ci95(values) for name, values in rows.items()}
label = f"accuracy, 95 % over {N_EPISODES} episodes, support statistics"
axes = plots.intervals(points, label=label, chance=1 / N_WAY)
summary = "; ".join(f"{name} {interval}" for name, interval in points.items())
plots.show(axes, alt=f"{train.source}, {N_WAY}-way {K_SHOT}-shot: {summary}.")

# %% [markdown]
# All methods answered the same episodes, so differences are taken episode by episode.

# %%
mine = rows[f"MAML, {INNER_STEPS} steps"]
for name, theirs in rows.items():
    gain = mean_and_ci95(theirs - mine)
    low, high = gain.mean - gain.half_width, gain.mean + gain.half_width
    verdict = "better than MAML" if low > 0 else "worse than MAML" if high < 0 else "0 is inside"
    if theirs is not mine and not name.startswith("MAML"):
        print(f"{name:26} minus MAML {gain.mean:+.3f} ± {gain.half_width:.3f}  {verdict}")

# %% [markdown]
# ## Rapid learning or feature reuse?
#
# Raghu et al. froze the body of a trained MAML network *at the test* and lost next to nothing: the
# features were reused, and only the head had to learn. That was with 64 classes of natural images
# to learn on. Is it so here, with four classes of cells? The same weights, the same episodes, five
# steps; more and more blocks frozen, from the input on.

# %%
frozen_scores = {
    name: [scores[f"{name}, {INNER_STEPS}"]]
    + [scores[f"{name} frozen {f}, {INNER_STEPS}"] for f in (1, 2, 3, 4)]
    for name in ("MAML", "Reptile")
}
lost = {
    name: [mean_and_ci95(each - of[0]) for each in of[1:]] for name, of in frozen_scores.items()
}
words = {"xlabel": "blocks frozen at the test", "ylabel": "change of accuracy, 95 % paired"}
axes = plots.bands([1, 2, 3, 4], lost, **words)
axes.set_xticks([1, 2, 3, 4])
axes.axhline(0, color="black", linewidth=0.8)
summary = "; ".join(f"{n} {values[1]} with 2, {values[3]} with 4" for n, values in lost.items())
plots.show(axes, alt=f"Accuracy lost by freezing: {summary} blocks frozen.")

# %%
for name, of in frozen_scores.items():
    gap = mean_and_ci95(scores[f"{name} no inner loop"] - of[0])
    print(f"{name}: nearest class mean on the frozen body, minus full adaptation: {gap}")

# %% [markdown]
# ### How much do the features change?
#
# Linear **CKA** compares two sets of features of the same images, layer by layer: 1 if one is the
# other turned, shifted or scaled, less the more they differ. You write it in the exercises; here is
# the library's. We compare each layer before and after five steps, on 60 other images per class.
#
# A number near 1 means little without a yardstick: with many features and few images even strangers
# are alike. So we also compare the MAML network with the *untrained* one, layer by layer.

# %%
wide = EpisodeSampler(test.images, test.labels, classes=split.test, n_way=3, k_shot=5, n_query=60)
generator = torch.Generator().manual_seed(3)
reuse = {"MAML, before and after": [], "Reptile, before and after": [], "MAML and untrained": []}
for _ in range(N_WIDE):
    episode = wide.episode(generator)
    for name in ("MAML", "Reptile"):
        start, how = starts_of[name], inner | {"first_order": True}
        ends = adapt(net, start, episode.support_x, episode.support_y, **how)
        ends = {n: p.detach() for n, p in ends.items()}
        reuse[f"{name}, before and after"].append(feature_reuse(net, start, ends, episode.query_x))
    strangers = (starts_of["MAML"], starts_of["untrained"])
    reuse["MAML and untrained"].append(feature_reuse(net, *strangers, episode.query_x))

# %%
layers = list(reuse["MAML and untrained"][0])
likeness = {
    name: [mean_and_ci95(torch.tensor([each[layer] for each in found])) for layer in layers]
    for name, found in reuse.items()
}
axes = plots.bands(
    range(len(layers)), likeness, xlabel="layer", ylabel=f"linear CKA, 95 % over {N_WIDE} episodes"
)
axes.set_xticks(range(len(layers)), labels=layers)
rounded = {n: ", ".join(f"{v.mean:.2f}" for v in values) for n, values in likeness.items()}
summary = "; ".join(f"{name} {values}" for name, values in rounded.items())
plots.show(axes, alt=f"Likeness of features, block 1 to 4 and head: {summary}.")

# %% [markdown]
# ## An honest reading
#
# What we got on BloodMNIST (your digits may differ in the last place), after five steps and with
# support statistics unless said otherwise:
#
# - **Reptile is not shown to have lost anything.** Reptile 0.667 ± 0.035, MAML 0.658 ± 0.036,
#   FOMAML 0.647 ± 0.034; 0 is inside both paired differences. Reptile took a third of MAML's time
#   and kept no graph.
# - **ANIL lost a lot**: 0.537 ± 0.035, and paired 0.121 ± 0.030 below MAML. It is even below the
#   *untrained* network with all layers adapting (0.604). Ten steps do not mend it.
# - **One step is joint training.** Reptile with one step never left the loss of chance, and its
#   start is 0.104 ± 0.032 worse than MAML's.
# - **Half of the body is reused, the rest is not.** Freezing two of four blocks at the test costs
#   about two hundredths at most; freezing all four costs a quarter of all answers (MAML 0.271 ±
#   0.043, Reptile 0.249 ± 0.040). A part of that is the head, which five small steps alone cannot
#   turn. But the nearest class mean needs no steps at all, and on MAML's frozen body it is still
#   0.114 ± 0.030 below full adaptation. So adaptation *did* change features that mattered.
# - **CKA points to the same place**: blocks 1 and 2 stay (0.99 and more), block 4 of MAML falls to
#   0.74. Yet the yardstick warns. Block 1 of the *untrained* network has 0.99 with MAML's, too, and
#   nobody would say that it has learned the same. And Reptile's block 4 keeps 0.89, while freezing
#   costs as much as with MAML: likeness is not accuracy.
# - **Raw pixels: 0.639 ± 0.035.** Nothing above is shown to be better than no network at all by
#   more than a few hundredths. As in lesson 06, tasks are scarce.
#
# Raghu et al. found reuse, we found half of it. Neither has to be wrong. With 64 classes to learn
# on a body must hold features for a great deal; with four it may hold those for just four, and four
# others then need new ones. That is our guess: we did not vary the number of classes. What is sure:
# *feature reuse is to be measured, it does not come with MAML.*
#
# What the intervals leave out: one training seed, one split of the classes, one hospital. And one
# inner rate for all, the one of lesson 06. ANIL and Reptile may want another; a fair study would
# choose for each, on validation classes.

# %% [markdown]
# ## What it costs

# %%
passes = {
    "MAML": (INNER_STEPS + 1, "all steps of all layers"),
    "FOMAML": (INNER_STEPS + 1, "nothing of the steps"),
    "ANIL": (2, "all steps of the head"),
    "Reptile": (INNER_STEPS, "nothing"),
    "Reptile, 1 step": (1, "nothing"),
}
cheapest = trained["Reptile"][2]
for method, (n_passes, graph) in passes.items():
    cpu = trained[method][2] / cheapest
    print(f"{method:16} {n_passes} forward passes of the body per task; graph: {graph}; ", end="")
    print(f"CPU time {cpu:.1f} times Reptile's")

# %% [markdown]
# At the test ANIL is cheaper still in proportion: two passes, and no backward pass through the body
# at all. Raghu et al. report factors of 1.7 in training and 4.1 at the test against MAML. Reptile
# keeps no graph, so its memory does not grow with the steps; but its passes are of ten images,
# MAML's of fifteen and thirty, and it trains on the query images as well. At the test it pays like
# MAML: $K$ gradients of all layers. CPU times are of one run and vary; the passes do not.
#
# ## When not to use them
#
# - **Reptile with one inner step**: that is joint training.
# - **Reptile on tasks with hardly any images.** With the same images in every step there are no
#   minibatches that could learn to agree.
# - **ANIL where new tasks may need new features**: few classes to learn on, another organ, another
#   modality. Freeze the body of what you have, measure the paired loss, then decide.
# - **Any of them before nearest mean and fine-tuning** (lessons 04 and 06) have been measured on
#   the same episodes.
#
# Where Reptile is at home: clinics that send weights in place of images, as the exercises show.
#
# ## What people get wrong
#
# "Reptile gradually adapts to new tasks": what it changes gradually is the *start*; a new task is
# adapted to afterwards, by ordinary steps. "MAML learns features that suit every task at once, so
# nothing has to be retrained": whether features are reused is a measurement, and it came out
# differently here and in the paper. "CKA is 0.99, so nothing changed": block 1 of a network that
# was never trained has 0.99, too.
#
# ## Two minutes aloud
#
# <details>
# <summary>Why does Reptile need more than one inner step?</summary>
#
# One step from φ moves by the plain gradient of the task's loss at φ, and the mean over tasks is
# joint training. From the second step on the gradient is taken somewhere else, and that is where
# what the tasks have in common as *starts* comes in: minibatches whose gradients agree.
#
# </details>
#
# <details>
# <summary>What does ANIL leave out, and what does it keep?</summary>
#
# It leaves out the inner steps of the body. It keeps the query loss and its exact gradient, through
# the steps of the head and directly into the body. So the body is trained, only not per task.
#
# </details>
#
# <details>
# <summary>How would you find out whether a network reuses its features?</summary>
#
# Freeze the body at the test and take the paired change of accuracy on the same episodes, layer by
# layer. Add a test without any inner loop. CKA says where features change, if there is a yardstick
# beside it; it does not say whether that change matters.
#
# </details>
