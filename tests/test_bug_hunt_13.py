"""The key of the bug hunt of unit 13, proved by running the listing that learners read.

For each symptom: it is there in the listing, mending its line makes it vanish, and mending all the
other lines does not.
"""

import pytest
import torch

from medmeta_ref.grading.specs.unit_13.bug_lines import KEY
from tests.listings import function_of, listing

UNIT = "13_medical_cases"
MENDED = {
    2: "    ill = findings[:, finding] == 1",
    3: "    test = (torch.rand(int(patient.max()) + 1, generator=generator) < 0.5)[patient]",
    5: "    called = (scores >= pick(scores[~test], ill[~test]))[test]",
    8: "    ppv = 1 / (1 + alarms * (1 - prevalence) / (sensitivity * prevalence))",
    9: "    groups = patient[test][ill[test]]",
}
N_PATIENTS, FINDING = 60, 1


def resample(groups, generator):
    """Draw whole groups, as the text says of it."""
    names = groups.unique()
    drawn = names[torch.randint(len(names), (len(names),), generator=generator)]
    return torch.cat([(groups == name).nonzero().flatten() for name in drawn])


def report_with(*mended):
    return function_of(UNIT, MENDED, mended=mended, names={"torch": torch, "resample": resample})


def archive(copies=1, *, two_findings=False, seed=0):
    """Return images, findings and patients: two images each, and so many copies of them."""
    g = torch.Generator().manual_seed(seed)
    patient = torch.arange(N_PATIENTS).repeat_interleave(2 * copies)
    ill = (torch.arange(N_PATIENTS) % 2 == 0)[patient]
    findings = torch.zeros(len(patient), 3, dtype=torch.int64)
    findings[:, FINDING] = ill.long()
    findings[:, 0] = (patient % 4 == 0).long() if two_findings else 0
    findings[:, 2] = (~ill).long()
    # What the model sees of a patient: the truth, and luck that all copies of an image share.
    luck = torch.randn(2 * N_PATIENTS, generator=g).repeat_interleave(copies)
    return (ill + luck)[:, None], findings, patient


def run(report, data, *, prevalence=0.3, pick=lambda s, y: 0.6, score=lambda x: x[:, 0], seed=3):
    g = torch.Generator().manual_seed(seed)
    return report(score, pick, *data, finding=FINDING, prevalence=prevalence, generator=g)


def hidden_behind_another(report):
    """A perfect model alarms nobody for nothing, unless patients are taken for healthy."""
    _, findings, patient = archive(two_findings=True)
    found = run(report, (findings[:, FINDING, None].double(), findings, patient))
    return float(found[2]) < 1


def old_acquaintances(report):
    data = archive()
    test = run(report, data)[0]
    return bool((test[0::2] != test[1::2]).any())


def reads_the_exam(report):
    """The threshold is the mean score of the ill it is shown: whose are they?"""
    data = archive()
    seen = []

    def pick(scores, ill):
        seen.append(scores.clone())
        return scores[ill].mean()

    test = run(report, data, pick=pick)[0]
    shown = {round(float(s), 9) for s in seen[0]}
    return bool(shown & {round(float(s), 9) for s in data[0][test, 0]})


def same_everywhere(report):
    rare, frequent = (run(report, archive(), prevalence=p)[2] for p in (0.01, 0.5))
    return abs(float(rare) - float(frequent)) < 1e-9


def copies_make_sure(report):
    def width(copies):
        total = 0.0
        for seed in range(5):
            _, _, _, (_, low, high) = run(report, archive(copies, seed=seed), seed=seed)
            total += float(high - low)
        return total

    return width(8) < 0.55 * width(1)


SYMPTOMS = {
    "hidden behind another": hidden_behind_another,
    "old acquaintances": old_acquaintances,
    "reads the exam": reads_the_exam,
    "same everywhere": same_everywhere,
    "copies make sure": copies_make_sure,
}


def test_every_repair_changes_its_line():
    lines = listing(UNIT)
    assert set(MENDED) == set(KEY.values())
    assert all(lines[number - 1] != line for number, line in MENDED.items())


@pytest.mark.parametrize("symptom", KEY)
def test_listing_shows_the_symptom(symptom):
    assert SYMPTOMS[symptom](report_with())


@pytest.mark.parametrize("symptom", KEY)
def test_mending_the_keyed_line_cures_the_symptom(symptom):
    assert not SYMPTOMS[symptom](report_with(KEY[symptom]))


@pytest.mark.parametrize("symptom", KEY)
def test_mending_all_other_lines_leaves_the_symptom(symptom):
    assert SYMPTOMS[symptom](report_with(*(line for line in MENDED if line != KEY[symptom])))


def test_with_every_line_mended_a_perfect_model_is_told_to_be_perfect():
    _, findings, patient = archive(two_findings=True)
    data = (findings[:, FINDING, None].double(), findings, patient)
    _, _, value, interval = run(report_with(*MENDED), data)
    assert float(value) == 1.0
    assert [float(each) for each in interval] == [1.0, 1.0, 1.0]
