"""Figures of merit against scikit-learn, plain loops and their own definitions."""

import itertools
import statistics

import pytest
import torch
from scipy import stats
from sklearn.metrics import accuracy_score, recall_score

from medmeta_ref.metrics import (
    Interval,
    accuracy,
    balanced_accuracy,
    expected_calibration_error,
    mean_and_ci95,
    mean_and_ci95_of_few,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def examples(seed, *, n=60, n_classes=4, skew=1.0):
    """Return logits, and labels that follow them loosely, with the first class `skew` as common."""
    generator = seeded(seed)
    logits = torch.randn(n, n_classes, generator=generator, dtype=torch.float64)
    odds = logits.exp()
    odds[:, 0] *= skew
    return logits, torch.multinomial(odds, 1, generator=generator).flatten()


CASES = {
    "balanced": examples(0),
    "one class rare": examples(1, n_classes=3, skew=30.0),
    "two classes": examples(2, n=41, n_classes=2, skew=5.0),
    "a class that never occurs": (examples(3)[0], examples(3)[1] % 3),
    "one example": (torch.tensor([[0.0, 1.0]]), torch.tensor([1])),
    "all wrong": (torch.eye(3), torch.tensor([1, 2, 0])),
    "all right": (torch.eye(3), torch.arange(3)),
}


def assert_is_accuracy(function):
    for logits, labels in CASES.values():
        wanted = accuracy_score(labels.numpy(), logits.argmax(1).numpy())
        value = function(logits, labels)
        assert type(value) is float
        assert value == pytest.approx(wanted, abs=1e-12)


def assert_is_balanced_accuracy(function):
    for logits, labels in CASES.values():
        wanted = recall_score(
            labels.numpy(),
            logits.argmax(1).numpy(),
            labels=sorted(set(labels.tolist())),
            average="macro",
        )
        value = function(logits, labels)
        assert type(value) is float
        assert value == pytest.approx(wanted, abs=1e-12)


def mean_over(classes_of):
    """Return the mean recall over some classes, an empty one counting 0."""

    def function(logits, labels):
        hits = (logits.argmax(1) == labels).double()
        classes = classes_of(logits, labels)
        return float(
            sum(hits[labels == c].sum() / max(1, (labels == c).sum()) for c in classes)
            / len(classes)
        )

    return function


def mean_precision(logits, labels):
    predicted = logits.argmax(1)
    precisions = [(labels[predicted == c] == c).double().mean() for c in torch.unique(predicted)]
    return float(torch.stack(precisions).mean())


WRONG_ACCURACIES = {
    "percent": lambda z, y: 100 * accuracy(z, y),
    "number of hits": lambda z, y: float((z.argmax(1) == y).sum()),
    "share of errors": lambda z, y: 1 - accuracy(z, y),
    "smallest logit": lambda z, y: accuracy(-z, y),
    "mean over classes": mean_over(lambda z, y: torch.unique(y)),
    "mean probability of the label": lambda z, y: float(
        z.double().softmax(1).gather(1, y[:, None]).mean()
    ),
    "among the two best": lambda z, y: float(
        (z.topk(2).indices == y[:, None]).any(1).double().mean()
    ),
    "a tensor": lambda z, y: (z.argmax(1) == y).double().mean(),
}
WRONG_BALANCED = {
    "plain accuracy": accuracy,
    "classes that never occur count 0": mean_over(lambda z, y: range(z.shape[1])),
    "precision": mean_precision,
    "worst class": lambda z, y: min(
        float((z.argmax(1)[y == c] == c).double().mean()) for c in torch.unique(y)
    ),
    "corrected for chance": lambda z, y: (
        (balanced_accuracy(z, y) - 1 / z.shape[1]) / (1 - 1 / z.shape[1])
    ),
    "sum over classes": lambda z, y: balanced_accuracy(z, y) * len(torch.unique(y)),
    "only classes that are predicted": mean_over(lambda z, y: torch.unique(z.argmax(1))),
}


def test_accuracy_is_scikit_learns():
    assert_is_accuracy(accuracy)


@pytest.mark.parametrize("wrong", WRONG_ACCURACIES.values(), ids=WRONG_ACCURACIES.keys())
def test_scikit_learn_tells_wrong_accuracies(wrong):
    with pytest.raises(AssertionError):
        assert_is_accuracy(wrong)


def test_balanced_accuracy_is_scikit_learns_macro_recall():
    assert_is_balanced_accuracy(balanced_accuracy)


@pytest.mark.parametrize("wrong", WRONG_BALANCED.values(), ids=WRONG_BALANCED.keys())
def test_scikit_learn_tells_wrong_balanced_accuracies(wrong):
    with pytest.raises(AssertionError):
        assert_is_balanced_accuracy(wrong)


def test_guessing_the_common_class_is_at_chance_however_rare_the_others():
    for n_common in (5, 50, 5000):
        labels = torch.tensor([0] * n_common + [1, 2])
        logits = torch.tensor([[1.0, 0.0, 0.0]]).expand(len(labels), 3)
        assert balanced_accuracy(logits, labels) == pytest.approx(1 / 3)


def ece_by_hand(probabilities, labels, n_bins):
    """Return the sum over bins of share x |accuracy - confidence|, example by example."""
    bins = {}
    for row, label in zip(probabilities.tolist(), labels.tolist(), strict=True):
        confidence = max(row)
        # Bin b is (b / n, (b + 1) / n], and 0 itself belongs to the first.
        [b] = [b for b in range(n_bins) if b < confidence * n_bins <= b + 1] or [0]
        bins.setdefault(b, []).append((confidence, row.index(confidence) == label))
    total = 0.0
    for members in bins.values():
        mean_confidence = sum(confidence for confidence, _ in members) / len(members)
        share_right = sum(right for _, right in members) / len(members)
        total += len(members) / len(labels) * abs(share_right - mean_confidence)
    return total


def pairs(confidences):
    """Return two-class rows with these confidences in class 0."""
    column = torch.tensor(confidences, dtype=torch.float64)
    return torch.stack([column, 1 - column], 1)


# Multiples of 1/8, which floats hold exactly, lie on the edges of 8 bins; on an edge an example
# belongs to the bin below, so 0.75 and 0.875 do not meet while 0.75 and 0.7 do.
ON_EDGES = pairs([0.625, 0.75, 0.7, 0.875, 0.875, 0.8, 1.0, 0.9, 0.5])
EDGE_LABELS = torch.tensor([0, 1, 0, 0, 1, 1, 0, 0, 1])
ECE_CASES = {
    "random, 15 bins": (examples(0)[0].softmax(1), examples(0)[1], 15),
    "random, 1 bin": (examples(4)[0].softmax(1), examples(4)[1], 1),
    "many classes, 10 bins": (
        examples(5, n=200, n_classes=9)[0].softmax(1),
        examples(5, n=200, n_classes=9)[1],
        10,
    ),
    "on the edges": (ON_EDGES, EDGE_LABELS, 8),
    "sure and wrong": (pairs([1.0, 1.0, 1.0]), torch.tensor([1, 1, 0]), 15),
    "one example": (pairs([0.9]), torch.tensor([1]), 5),
}


def assert_is_ece(function):
    for probabilities, labels, n_bins in ECE_CASES.values():
        wanted = ece_by_hand(probabilities, labels, n_bins)
        value = function(probabilities, labels, n_bins=n_bins)
        assert type(value) is float
        assert value == pytest.approx(wanted, abs=1e-12)
        assert 0 <= value <= 1


def ece_variant(
    *, score=lambda p: p.max(1).values, right_closed=True, weigh=True, combine=None, gap=torch.abs
):
    def function(probabilities, labels, *, n_bins):
        confidence, hits = score(probabilities), (probabilities.argmax(1) == labels).double()
        edges = torch.arange(n_bins + 1, dtype=torch.float64)
        scaled = confidence * n_bins
        terms = []
        for low, high in itertools.pairwise(edges):
            inside = (scaled > low) & (scaled <= high)
            if not right_closed:
                inside = (scaled >= low) & ((scaled < high) | (high == n_bins))
            if inside.any():
                weight = inside.double().mean() if weigh else 1.0
                terms.append(weight * gap(hits[inside].mean() - confidence[inside].mean()))
        return float(combine(terms) if combine else sum(terms))

    return function


WRONG_ECES = {
    "bins closed on the left": ece_variant(right_closed=False),
    "bins not weighted by their size": ece_variant(weigh=False, combine=lambda t: sum(t) / len(t)),
    "largest gap": ece_variant(weigh=False, combine=max),
    "signed gaps": ece_variant(gap=lambda x: x),
    "squared gaps": ece_variant(gap=torch.square),
    "confidence of class 0": ece_variant(score=lambda p: p[:, 0]),
    "one bin": lambda p, y, n_bins: ece_variant()(p, y, n_bins=1),
    "always 15 bins": lambda p, y, n_bins: ece_variant()(p, y, n_bins=15),
    "gap of every example": lambda p, y, n_bins: float(
        ((p.argmax(1) == y).double() - p.max(1).values).abs().mean()
    ),
}


def test_ece_is_the_sum_over_bins_done_by_hand():
    assert_is_ece(expected_calibration_error)


def test_the_plain_steps_behind_the_wrong_eces_are_right_themselves():
    assert_is_ece(ece_variant())


@pytest.mark.parametrize("wrong", WRONG_ECES.values(), ids=WRONG_ECES.keys())
def test_the_sum_by_hand_tells_wrong_eces(wrong):
    with pytest.raises(AssertionError):
        assert_is_ece(wrong)


def test_ece_of_perfect_calibration_is_zero():
    """3 of 4 right at confidence 0.75, and 5 of 8 at 0.625: no gap in either bin."""
    probabilities = pairs([0.75] * 4 + [0.625] * 8)
    labels = torch.tensor([0, 0, 0, 1] + [0] * 5 + [1] * 3)
    assert expected_calibration_error(probabilities, labels) == 0


def test_ece_of_a_sure_and_always_wrong_model_is_one():
    assert expected_calibration_error(pairs([1.0] * 5), torch.ones(5, dtype=torch.long)) == 1


@pytest.mark.parametrize(("n", "null"), [(156, 0.072), (624, 0.036), (2005, 0.020)])
def test_ece_of_a_perfectly_calibrated_model_is_far_from_zero(n, null):
    """Labels drawn from the very probabilities: what is left is the bias of the estimator."""
    generator, values = seeded(n), []
    for _ in range(200):
        right = 0.5 + 0.5 * torch.rand(n, generator=generator, dtype=torch.float64)
        labels = (torch.rand(n, generator=generator) > right).long()
        values.append(expected_calibration_error(torch.stack([right, 1 - right], 1), labels))
    assert statistics.mean(values) == pytest.approx(null, rel=0.15)


@pytest.mark.parametrize("function", [accuracy, balanced_accuracy, expected_calibration_error])
@pytest.mark.parametrize(
    ("scores", "labels", "named"),
    [
        (torch.zeros(4, 2), torch.zeros(3, dtype=torch.long), r"got \(4, 2\) and \(3,\)"),
        (torch.zeros(4, 2), torch.zeros(4, 1, dtype=torch.long), r"got \(4, 2\) and \(4, 1\)"),
        (torch.zeros(4), torch.zeros(4, dtype=torch.long), r"got \(4,\) and \(4,\)"),
        (torch.zeros(0, 2), torch.zeros(0, dtype=torch.long), r"got \(0, 2\) and \(0,\)"),
    ],
    ids=["lengths differ", "labels in a column", "scores in one row", "nothing"],
)
def test_scores_and_labels_that_do_not_pair_up_are_refused_with_both_shapes(
    function, scores, labels, named
):
    with pytest.raises(ValueError, match=rf"expected scores \[n_examples, n_classes\].*{named}"):
        function(scores, labels)


def test_ece_refuses_logits():
    with pytest.raises(ValueError, match="rows must sum to 1, one is off by 2; pass probabilities"):
        expected_calibration_error(torch.tensor([[3.0, 0.0]]), torch.tensor([0]))


def test_ece_refuses_nan():
    with pytest.raises(ValueError, match="rows must sum to 1, one is off by nan"):
        expected_calibration_error(torch.tensor([[torch.nan, 0.0]]), torch.tensor([0]))


def test_ece_refuses_no_bins():
    with pytest.raises(ValueError, match="n_bins must be at least 1, got 0"):
        expected_calibration_error(pairs([0.5]), torch.tensor([0]), n_bins=0)


SAMPLES = {
    "accuracies": torch.rand(600, generator=seeded(1), dtype=torch.float64),
    "float32": torch.rand(33, generator=seeded(2)),
    "far from zero": 1e6 + torch.rand(50, generator=seeded(3), dtype=torch.float64),
    "two": torch.tensor([0.25, 0.75]),
    "equal": torch.full((5,), 0.5),
}


def assert_is_interval_of(function, quantile):
    for values in SAMPLES.values():
        numbers = values.double().tolist()
        wanted = quantile(len(numbers)) * statistics.stdev(numbers) / len(numbers) ** 0.5
        interval = function(values)
        assert interval.mean == pytest.approx(statistics.mean(numbers), rel=1e-12)
        assert interval.half_width == pytest.approx(wanted, rel=1e-6, abs=1e-12)


def normal_quantile(n):
    return 1.96


def t_quantile(n):
    return stats.t.ppf(0.975, df=n - 1)


def interval_variant(quantile, *, ddof=1, root=True, centre=torch.mean):
    def function(values):
        values = values.double()
        n, s = len(values), values.std(correction=ddof)
        return Interval(float(centre(values)), float(quantile(n) * s / (n**0.5 if root else n)))

    return function


def shared_mistakes(quantile):
    return {
        "spread with n": interval_variant(quantile, ddof=0),
        "divided by n": interval_variant(quantile, root=False),
        "spread of the values": interval_variant(lambda n: quantile(n) * n**0.5),
        "standard error": interval_variant(lambda n: 1.0),
        "90 %": interval_variant(lambda n: 1.645),
        "median": interval_variant(quantile, centre=torch.median),
        "whole width": interval_variant(lambda n: 2 * quantile(n)),
    }


WRONG_NORMAL = shared_mistakes(normal_quantile) | {"Student's t": interval_variant(t_quantile)}
WRONG_T = shared_mistakes(t_quantile) | {
    "1.96": interval_variant(normal_quantile),
    "one-sided t": interval_variant(lambda n: stats.t.ppf(0.95, df=n - 1)),
    "n degrees of freedom": interval_variant(lambda n: stats.t.ppf(0.975, df=n)),
}


def test_interval_is_196_standard_errors():
    assert_is_interval_of(mean_and_ci95, normal_quantile)


@pytest.mark.parametrize("wrong", WRONG_NORMAL.values(), ids=WRONG_NORMAL.keys())
def test_the_statistics_module_tells_wrong_intervals(wrong):
    with pytest.raises(AssertionError):
        assert_is_interval_of(wrong, normal_quantile)


def test_interval_of_few_is_students():
    assert_is_interval_of(mean_and_ci95_of_few, t_quantile)


@pytest.mark.parametrize("wrong", WRONG_T.values(), ids=WRONG_T.keys())
def test_scipy_tells_wrong_intervals_of_few(wrong):
    with pytest.raises(AssertionError):
        assert_is_interval_of(wrong, t_quantile)


def coverage(function, *, n, draw, truth, trials):
    generator = seeded(11)
    hits = 0
    for _ in range(trials):
        mean, half_width = function(draw(n, generator))
        hits += abs(mean - truth) <= half_width
    return hits / trials


def test_the_interval_of_600_episodes_covers_the_truth_95_times_in_100():
    queries = torch.full((600,), 75.0)

    def accuracies(n, generator):  # of episodes with 75 queries, 70 % right
        return torch.binomial(queries, torch.tensor(0.7).expand(n), generator=generator) / 75

    share = coverage(mean_and_ci95, n=600, draw=accuracies, truth=0.7, trials=1000)
    assert share == pytest.approx(0.95, abs=0.02)  # three standard errors of 1,000 trials


def test_five_seeds_need_students_t():
    def normal(n, generator):
        return torch.randn(n, generator=generator, dtype=torch.float64)

    few = coverage(mean_and_ci95_of_few, n=5, draw=normal, truth=0.0, trials=3000)
    assert few == pytest.approx(0.95, abs=0.013)
    # P(|t_4| < 1.96) is what 1.96 really covers.
    many = coverage(mean_and_ci95, n=5, draw=normal, truth=0.0, trials=3000)
    assert many == pytest.approx(1 - 2 * stats.t.sf(1.96, df=4), abs=0.02)
    assert many < 0.9


@pytest.mark.parametrize("function", [mean_and_ci95, mean_and_ci95_of_few])
@pytest.mark.parametrize("shape", [(1,), (0,), (), (3, 2)], ids=str)
def test_an_interval_of_fewer_than_two_values_is_refused_with_the_shape(function, shape):
    with pytest.raises(ValueError, match="at least 2 values in one row, got shape") as raised:
        function(torch.zeros(shape))
    assert str(raised.value).endswith(str(shape))


def test_an_interval_prints_three_digits():
    assert str(Interval(0.61249, 0.01251)) == "0.612 ± 0.013"
