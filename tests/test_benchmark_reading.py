"""What READING.md says of the committed records is what they show; so is the committed page."""

import re
from pathlib import Path

import pytest

from medmeta_ref.benchmark import records
from medmeta_ref.benchmark.findings import LEARNING_TO_LEARN, REFERENCE
from medmeta_ref.benchmark.methods import METHODS
from medmeta_ref.benchmark.page import INTRODUCTION, not_run, reading
from medmeta_ref.benchmark.protocol import read_track
from medmeta_ref.benchmark.statistics import BETTER, UNSEEN, WORSE, calibration_of, values_of
from medmeta_ref.benchmark.statistics import reading as judged
from medmeta_ref.metrics import mean_and_ci95_of_few

PAGE = Path(__file__).parents[1] / "lessons" / "BENCHMARK.md"
FILES = sorted(records.committed().glob("*.jsonl"))
K_SHOTS = (1, 5)
WITH_GRADIENTS = ("maml", "fomaml", "anil", "reptile", "maml++")


def block(path):
    """Return the records, and function (method, K) -> `[n_units, n_runs, n_episodes]`."""
    found = records.read(path)
    track = read_track(found[0]["track"])
    methods = sorted({r["method"] for r in found})
    splits, seeds = records.complete_block(found, methods)
    how = {"metric": track.metrics[0], "splits": splits, "seeds": seeds, "unit": track.unit}
    return found, lambda method, k: values_of(found, method, k, **how)


@pytest.fixture(scope="module")
def blood():
    return block(records.committed() / "t1-bloodmnist-small.jsonl")


@pytest.fixture(scope="module")
def verdict(blood):
    _, values = blood

    def judge(method, k):
        difference = values(method, k) - values(REFERENCE, k)
        return judged(mean_and_ci95_of_few(difference.mean((1, 2))))

    return judge


@pytest.fixture(scope="module")
def mean(blood):
    return lambda method, k: float(blood[1](method, k).mean())


@pytest.mark.parametrize("k", K_SHOTS)
def test_nothing_that_learns_to_learn_beats_plain_pre_training(verdict, k):
    assert BETTER not in {verdict(method, k) for method in LEARNING_TO_LEARN}
    assert {verdict(m, k) for m in ("pre-logistic", "pre-cosine", "protonet")} == {UNSEEN}
    assert {verdict(m, k) for m in WITH_GRADIENTS} == {WORSE}


@pytest.mark.parametrize("k", K_SHOTS)
def test_the_highest_mean_is_that_of_the_pre_trained_network_fine_tuned(mean, k):
    assert max(METHODS, key=lambda method: mean(method, k)) == "pre-finetune"


def test_fine_tuning_from_scratch_has_a_higher_mean_than_maml_and_its_relatives(mean):
    assert mean("scratch", 5) > max(mean(method, 5) for method in WITH_GRADIENTS)


@pytest.mark.parametrize("k", K_SHOTS)
def test_raw_pixels_lie_within_a_few_points_of_maml(mean, k):
    assert abs(mean("pixel-centroid", k) - mean("maml", k)) < 0.03


@pytest.mark.parametrize("k", K_SHOTS)
def test_joint_training_is_behind_fine_tuning_from_scratch(mean, k):
    assert mean("joint", k) < mean("scratch", k)


@pytest.mark.parametrize("k", K_SHOTS)
def test_the_choice_of_classes_moves_the_result_more_than_the_method_does(blood, mean, k):
    by_split = blood[1](REFERENCE, k).mean((1, 2))
    trained = [mean(m, k) for m in METHODS if m not in ("chance", "majority")]
    assert by_split.max() - by_split.min() > max(trained) - min(trained)


def test_most_methods_are_too_sure_in_most_cells_and_accuracy_does_not_tell(blood, mean):
    found, _ = blood
    calibrated = {m: calibration_of(found, m, 5) for m in METHODS}
    sure = [m for m, c in calibrated.items() if c.share_above > 0.5]
    assert len(sure) > len(METHODS) / 2
    assert abs(mean("pre-logistic", 5) - mean("pre-centroid", 5)) < 0.01
    assert calibrated["pre-logistic"].error > 1.5 * calibrated["pre-centroid"].error


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_committed_page_shows_the_means_of_the_committed_records(path):
    found, values = block(path)
    text = PAGE.read_text("utf-8")
    for method in {r["method"] for r in found}:
        [row] = [
            line
            for line in text.partition(f"on {found[0]['data']}, preset")[2].splitlines()
            if line.startswith(f"| {METHODS[method].title} |")
        ][:1]
        for k in read_track(found[0]["track"]).k_shots:
            assert f" {values(method, k).mean():.3f} [" in row, (method, k)
    assert f"(benchmark-{path.stem}.png)" in text
    assert (PAGE.parent / f"benchmark-{path.stem}.png").exists()


def test_the_committed_page_has_the_reading_and_every_file():
    text = PAGE.read_text("utf-8")
    assert reading() in text
    assert INTRODUCTION in text
    assert len(re.findall(r"\n## T\d on ", text)) == len(FILES)
    assert not_run([]).splitlines()[0] in text
