"""leaked_share(train_patients, test_patients) -> share of test images of known patients."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees


@pytest.mark.points(4)
def test_is_the_share_of_test_images_whose_patient_is_known(yours, generator):
    """Test image by test image: has its patient any image in training? For two archives."""
    for n_train, n_test, n_patients in ((30, 23, 25), (12, 40, 30)):
        train = torch.randint(n_patients, (n_train,), generator=generator) * 7
        test = torch.randint(n_patients, (n_test,), generator=generator) * 7
        known = [any(t == other for other in train.tolist()) for t in test.tolist()]
        met = [any(t == other for other in test.tolist()) for t in train.tolist()]
        shared = set(train.tolist()) & set(test.tolist())
        everyone = set(train.tolist()) | set(test.tolist())
        assert_agrees(
            yours(train, test),
            sum(known) / n_test,
            mistakes={
                "That is a number of images; a share was asked for.": float(sum(known)),
                "That is the share of test *patients*. A patient with many images leaks many.": (
                    len(shared) / len(set(test.tolist()))
                ),
                "That is the share of *training* images whose patient is in the test.": (
                    sum(met) / n_train
                ),
                "That is the number of shared patients over the number of test images; count the "
                "images of these patients.": len(shared) / n_test,
                "That is shared patients over all patients.": len(shared) / len(everyone),
                "That is the share that does *not* leak.": 1 - sum(known) / n_test,
                "Divided by the number of training images; it is test images that are inflated.": (
                    sum(known) / n_train
                ),
            },
            look_at="For each test image: is its patient among the training patients? The mean of "
            "the answers.",
        )


@pytest.mark.points(2)
def test_clean_and_hopeless_splits(yours):
    """0.0 if no patient is shared; 1.0 if every test patient is in training, however often."""
    train = torch.tensor([4, 4, 9, 1])
    for test, want, what in (
        (torch.tensor([3, 5, 5]), 0.0, "No patient is shared here."),
        (torch.tensor([4, 9, 9, 9, 1, 4]), 1.0, "Every test patient is in training here."),
        (torch.tensor([9, 3]), 0.5, "One of the two test images is of a known patient."),
    ):
        assert_agrees(yours(train, test), want, mistakes={}, look_at=what)
