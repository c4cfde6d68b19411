"""What is measured, judged by counting; and the tasks, judged by the images they are made of."""

import math

import pytest
import torch

from medmeta_ref.benchmark.episode_list import listed_episodes
from medmeta_ref.benchmark.measures import Answer, clinical_measures, measured
from medmeta_ref.benchmark.protocol import read_track
from medmeta_ref.benchmark.tasks import answered_tasks, splits_of
from medmeta_ref.pixels import as_float


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_accuracy_and_log_loss_of_known_odds():
    logits = torch.tensor([[0.7, 0.3], [0.4, 0.6]]).log()
    found = measured([Answer(logits, torch.tensor([0, 0]), 0, None)], n_null=5, generator=seeded())
    assert found["accuracy"] == [0.5]
    assert found["nll"] == [pytest.approx(-(math.log(0.7) + math.log(0.4)) / 2, abs=1e-4)]


def test_a_calibrated_method_lies_at_its_null_and_a_boastful_one_above_it():
    odds = torch.rand(4000, 1, generator=seeded(1), dtype=torch.float64)
    logits = torch.cat([odds, 1 - odds], 1).log()
    labels = torch.multinomial(logits.exp(), 1, generator=seeded(2)).flatten()
    halves = [
        Answer(part, own, 0, None)
        for part, own in zip(logits.chunk(2), labels.chunk(2), strict=True)
    ]
    honest = measured(halves, n_null=100, generator=seeded())
    assert 0.5 * honest["ece_null"] < honest["ece"] < 2 * honest["ece_null"] < 0.04
    boastful = measured(
        [a._replace(logits=3 * a.logits) for a in halves], n_null=100, generator=seeded()
    )
    assert boastful["ece"] > 4 * boastful["ece_null_95"]


@pytest.mark.parametrize("ill_slot", [0, 1])
def test_the_threshold_comes_from_the_validation_images_alone(ill_slot):
    scores = torch.tensor([5.0, 1.0, 3.0, 0.0, *range(10), 99.0])
    labels = torch.tensor([1, 1, 0, 0] + [0] * 10 + [1])  # 1 is ill; the last eleven validate
    logits = torch.stack([torch.zeros_like(scores), scores], 1)
    if ill_slot == 0:
        logits, labels = logits.flip(1), 1 - labels
    found = clinical_measures(Answer(logits, labels, 11, ill_slot))
    # 9 of the 10 healthy validation scores 0..9 are cleared by the threshold 8.
    assert (found["sensitivity"], found["specificity"]) == (0.0, 1.0)
    assert found["auroc"] == 0.75  # of the four pairs, 1 against 3 is the wrong way round
    lower = logits.clone()
    lower[4:14] -= torch.tensor([[0.0, 6.0]] if ill_slot == 1 else [[6.0, 0.0]])
    found = clinical_measures(Answer(lower, labels, 11, ill_slot))
    assert (found["sensitivity"], found["specificity"]) == (0.5, 0.5)  # the threshold is 2 now


def test_a_clinical_measure_without_validation_images_is_refused():
    with pytest.raises(ValueError, match="validation"):
        clinical_measures(Answer(torch.zeros(2, 2), torch.tensor([0, 1]), 0, 1))


@pytest.fixture(scope="module")
def blood():
    track = read_track("T1")
    return track, splits_of(track, "synthetic-blood", in_colour=False)


def rows(images):
    return {image.numpy().tobytes() for image in images}


def test_support_is_of_the_training_split_and_queries_are_of_the_test_split(blood):
    track, sets = blood
    train, test = (as_float(s.images) for s in (sets.train, sets.test))
    [listed] = listed_episodes(track, "synthetic-blood", 0, 0, 1)
    one, five = answered_tasks(sets, track.data["synthetic-blood"], listed, (1, 5), "cpu")
    assert rows(five.task.support_x) <= rows(train)
    assert rows(five.task.query_x) <= rows(test)
    assert not rows(five.task.support_x) & rows(test)
    # Both K have the same queries, and the smaller support is part of the larger one.
    assert torch.equal(one.task.query_x, five.task.query_x)
    assert rows(one.task.support_x) < rows(five.task.support_x)
    assert "query_y" not in five.task._fields
    for slot, c in enumerate(listed.classes):
        mine = five.task.query_x[five.query_y == slot]
        assert rows(mine) <= rows(test[sets.test.labels == c])


def test_a_clinical_question_is_asked_of_the_whole_test_set_at_its_own_prevalence():
    track = read_track("T3")
    sets = splits_of(track, "synthetic-lung", in_colour=True)
    [listed] = listed_episodes(track, "synthetic-lung", 0, 1, 1)
    [last] = answered_tasks(sets, track.data["synthetic-lung"], listed, (20,), "cpu")
    n_test, n_val = len(sets.test.labels), len(sets.val.labels)
    assert (len(last.query_y), last.n_val) == (n_test + n_val, n_val)
    ill_slot = listed.classes.index(1)
    assert torch.equal((last.query_y[:n_test] == ill_slot).long(), sets.test.labels)
    assert last.task.support_x.shape == (40, 3, 28, 28)
