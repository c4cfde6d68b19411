"""The key of the bug hunt of unit 11, proved by running the listing that learners read.

For each symptom: it is there in the listing, mending its line makes it vanish, and mending all the
other lines does not.
"""

import pytest
import torch

from medmeta_ref.grading.specs.unit_11.bug_lines import KEY
from tests.listings import function_of, listing

UNIT = "11_replay"
MENDED = {
    4: "        for image, label in train:",
    5: "            replayed = [memory[i] for i in torch.randperm(len(memory), "
    "generator=generator)[:n_replay]]",
    7: "            item = (image.clone(), label)",
    11: "                slot = torch.randint(n_seen + 1, (1,), generator=generator).item()",
    15: "        history.append([test(other) for _, other in tasks])",
}
EXAM = 100  # added to the number of every held-out image


def learn_with(*mended):
    return function_of(UNIT, MENDED, mended=mended, names={"torch": torch})


def numbered(*numbers):
    """Return images that are their own numbers, with a label each."""
    return [(torch.tensor([float(n)]), n % 2) for n in numbers]


def run(learn, tasks, *, capacity=2, n_replay=2, seed=0):
    """Return what is stored, all that was replayed, and the numbers tested after each task."""
    replayed, tested = [], []

    def step(pairs):
        replayed.append([int(image) for image, _ in pairs[1:]])

    def test(pairs):
        tested.append([int(image) for image, _ in pairs])
        return tested[-1]

    generator = torch.Generator().manual_seed(seed)
    memory, history = learn(tasks, step, test, capacity, n_replay, generator)
    return memory, replayed, history


def exam_in_the_memory(learn):
    tasks = [(numbered(*range(4)), numbered(EXAM, EXAM + 1))]
    stored = [int(image) for image, _ in run(learn, tasks, capacity=9)[0]]
    assert set(stored) >= set(range(4))
    return max(stored) >= EXAM


def some_never_return(learn):
    replayed = run(learn, [(numbered(*range(200)), [])], capacity=200, n_replay=5)[1]
    # The first 30 were there long enough to be drawn nine times each.
    return not {number for each in replayed for number in each} >= set(range(30))


def stored_images_change(learn):
    train = numbered(*range(1, 9))
    memory = run(learn, [(train, [])], capacity=3)[0]
    for image, _ in train:
        image.zero_()
    return any(int(image) == 0 for image, _ in memory)


def newcomers_favoured(learn):
    runs = [run(learn, [(numbered(0, 1, 2), [])], seed=seed)[0] for seed in range(60)]
    times = sum(2 in [int(image) for image, _ in memory] for memory in runs)
    assert times == 60 or 25 < times < 55  # two thirds are 40
    return times == 60


def forgetting_unseen(learn):
    """Would a learner's accuracy on the first task be looked at after the second?"""
    tasks = [(numbered(0, 1), numbered(EXAM)), (numbered(2, 3), numbered(EXAM + 1))]
    *_, last = run(learn, tasks)[2]
    return last == [EXAM + 1]


SYMPTOMS = {
    "exam in the memory": exam_in_the_memory,
    "some never return": some_never_return,
    "stored images change": stored_images_change,
    "newcomers favoured": newcomers_favoured,
    "forgetting unseen": forgetting_unseen,
}


def test_every_repair_changes_its_line():
    lines = listing(UNIT)
    assert set(MENDED) == set(KEY.values())
    assert all(lines[number - 1] != line for number, line in MENDED.items())


@pytest.mark.parametrize("symptom", KEY)
def test_listing_shows_the_symptom(symptom):
    assert SYMPTOMS[symptom](learn_with())


@pytest.mark.parametrize("symptom", KEY)
def test_mending_the_keyed_line_cures_the_symptom(symptom):
    assert not SYMPTOMS[symptom](learn_with(KEY[symptom]))


@pytest.mark.parametrize("symptom", KEY)
def test_mending_all_other_lines_leaves_the_symptom(symptom):
    assert SYMPTOMS[symptom](learn_with(*(line for line in MENDED if line != KEY[symptom])))


def test_with_every_line_mended_it_tests_all_tasks_after_each():
    tasks = [(numbered(0, 1), numbered(EXAM)), (numbered(2, 3), numbered(EXAM + 1))]
    memory, _, history = run(learn_with(*MENDED), tasks)
    assert history == [[[EXAM], [EXAM + 1]]] * 2
    assert len(memory) == 2


def test_with_every_line_mended_every_image_is_stored_equally_often():
    counts = torch.zeros(5)
    for seed in range(1500):
        memory, *_ = run(learn_with_all, [(numbered(*range(5)), [])], seed=seed)
        for image, _ in memory:
            counts[int(image)] += 1
    z = (counts / 1500 - 2 / 5) / (0.4 * 0.6 / 1500) ** 0.5
    assert z.abs().max() < 5


learn_with_all = learn_with(*MENDED)
