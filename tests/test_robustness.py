"""Damage and remedies against counting, numpy and scipy, limits, planted outliers, symmetries."""

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage, optimize, stats

from medmeta_ref import prototypical
from medmeta_ref.clinical import auroc
from medmeta_ref.prototypical import prototypes, robust_prototypes
from medmeta_ref.robustness import (
    SEVERITIES,
    corrupt,
    flip_labels,
    generalised_cross_entropy,
    outlier_scores,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


# Wrong labels

FLIPS = [(1000, 0.3, 5), (997, 0.4, 3), (10, 0.25, 4), (7, 1.0, 2), (50, 0.0, 3), (200, 0.999, 8)]


def assert_flips_labels(function):
    for n, rate, n_classes in FLIPS:
        labels = torch.randint(n_classes, (n,), generator=seeded(n))
        before = labels.clone()
        flipped = function(labels, rate=rate, n_classes=n_classes, generator=seeded(1))
        assert torch.equal(labels, before), "the argument changed"
        assert flipped.shape == labels.shape
        assert flipped.dtype == labels.dtype
        assert int((flipped != labels).sum()) == round(rate * n)
        assert 0 <= flipped.min() <= flipped.max() < n_classes
    # Which other class, and which position, is a matter of chance.
    labels = torch.arange(4).repeat_interleave(2000)
    flipped = function(labels, rate=0.5, n_classes=4, generator=seeded(2))
    wrong = flipped != labels
    for c in range(4):
        to = [int((flipped[labels == c] == other).sum()) for other in range(4) if other != c]
        assert min(to) > 0
        assert stats.chisquare(to).pvalue > 1e-3
    assert stats.chisquare(wrong.reshape(40, 200).sum(1).numpy()).pvalue > 1e-3
    again = function(labels, rate=0.5, n_classes=4, generator=seeded(2))
    assert torch.equal(flipped, again), "the generator is not what decides"
    assert not torch.equal(flipped, function(labels, rate=0.5, n_classes=4, generator=seeded(3))), (
        "the generator is not used"
    )


def flip_variant(
    *,
    positions=lambda n, k, g: torch.randperm(n, generator=g)[:k],
    count=round,
    steps=lambda k, n_classes, g: torch.randint(1, n_classes, (k,), generator=g),
    copy=torch.clone,
):
    def function(labels, *, rate, n_classes, generator):
        chosen = positions(len(labels), count(rate * len(labels)), generator)
        flipped = copy(labels)
        moved = labels[chosen] + steps(len(chosen), n_classes, generator)
        flipped[chosen] = moved % n_classes
        return flipped

    return function


WRONG_FLIPS = {
    "each with this chance": flip_variant(
        positions=lambda n, k, g: torch.nonzero(torch.rand(n, generator=g) < k / n).flatten()
    ),
    "may stay the same": flip_variant(steps=lambda k, n, g: torch.randint(0, n, (k,), generator=g)),
    "always the next class": flip_variant(steps=lambda k, n, g: 1),
    "never the class before": flip_variant(
        steps=lambda k, n, g: torch.randint(1, max(2, n - 1), (k,), generator=g)
    ),
    "the first ones": flip_variant(positions=lambda n, k, g: torch.arange(k)),
    "positions drawn with replacement": flip_variant(
        positions=lambda n, k, g: torch.randint(n, (k,), generator=g)
    ),
    "rounded down": flip_variant(count=int),
    "rounded up": flip_variant(count=math.ceil),
    "in place": flip_variant(copy=lambda x: x),
    "a generator of its own": lambda y, rate, n_classes, generator: flip_labels(
        y, rate=rate, n_classes=n_classes, generator=seeded(0)
    ),
    "another type": lambda y, rate, n_classes, generator: flip_labels(
        y, rate=rate, n_classes=n_classes, generator=generator
    ).int(),
}


def test_labels_are_flipped_to_the_exact_count_and_evenly():
    assert_flips_labels(flip_labels)


def test_the_plain_steps_behind_the_wrong_answers_are_right_themselves():
    assert_flips_labels(flip_variant())
    assert_corrupts(changed())
    about_own_mean = only("contrast", lambda x, s, g: own_mean(x) + s * (x - own_mean(x)))
    assert_corrupts(about_own_mean)
    assert_are_columnwise(
        trim_variant(lambda n: min(math.ceil(n / 5), (n - 1) // 2)), COLUMNWISE["trimmed"]
    )


def own_mean(x):
    return x.flatten(1).mean(1).view(-1, *[1] * (x.ndim - 1))


@pytest.mark.parametrize("wrong", WRONG_FLIPS.values(), ids=WRONG_FLIPS.keys())
def test_counting_tells_wrong_flips(wrong):
    with pytest.raises(AssertionError):
        assert_flips_labels(wrong)


def test_bytes_hold_as_many_classes_as_they_can():
    """200 + 199 would not fit into a byte."""
    labels = torch.arange(256).to(torch.uint8)
    flipped = flip_labels(labels, rate=1.0, n_classes=256, generator=seeded())
    assert flipped.dtype == torch.uint8
    assert bool((flipped != labels).all())
    assert len(torch.unique(flipped)) > 128


@pytest.mark.parametrize("rate", [-0.1, 1.5, 30, float("nan")])
def test_a_rate_outside_0_to_1_is_refused(rate):
    with pytest.raises(ValueError, match=f"rate must be between 0 and 1, got {rate}; divide"):
        flip_labels(torch.zeros(3).long(), rate=rate, n_classes=2, generator=seeded())


@pytest.mark.parametrize(
    ("labels", "n_classes", "message"),
    [
        (torch.zeros(3).long(), 1, "n_classes must be at least 2, got 1; 1 leaves no other class"),
        (torch.tensor([0, 5]), 5, r"in 0..4 for n_classes=5, got 0..5; did you relabel"),
        (torch.tensor([-1, 1]), 2, r"in 0..1 for n_classes=2, got -1..1"),
        (torch.zeros(3), 2, r"must be integers \[n_examples\], got torch.float32 \(3,\)"),
        (torch.zeros(3).bool(), 2, r"must be integers .* got torch.bool \(3,\); labels.long"),
        (torch.zeros(3, 1).long(), 2, r"must be integers .* got torch.int64 \(3, 1\)"),
    ],
)
def test_labels_that_cannot_be_flipped_are_refused(labels, n_classes, message):
    with pytest.raises(ValueError, match=message):
        flip_labels(labels, rate=0.5, n_classes=n_classes, generator=seeded())


# Spoilt images


def smooth(n, height, width, *, colour=False):
    """Return images of slow waves and one bright disc, neither black nor white."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    images = []
    for i in range(n):
        channels = []
        for c in range(3 if colour else 1):
            waves = np.sin(2 * math.pi * (x * (1 + i % 3) + c / 3)) + np.cos(5 * y + i)
            disc = (x - 0.5) ** 2 + (y - 0.4) ** 2 < 0.03 * (1 + i % 2)
            channels.append(90 + 30 * waves + 40 * disc)
        images.append(np.stack(channels, -1) if colour else channels[0])
    return torch.from_numpy(np.stack(images).round().astype(np.uint8))


PICTURES = {
    "grey 28": smooth(6, 28, 28),
    "colour 28": smooth(4, 28, 28, colour=True),
    "grey 64": smooth(3, 64, 64),
    "not square": smooth(3, 28, 40),
    "one in colour, not square": smooth(1, 32, 24, colour=True),
}
# Where to look whether nothing leaves the range.
HARSH = torch.stack(
    [torch.zeros(28, 28), torch.full((28, 28), 255.0), 255.0 * (torch.arange(784) % 2).view(28, 28)]
).to(torch.uint8)


def error(damaged, images):
    return float((damaged.double() - images.double()).square().mean())


BLOCKS = {4: (2, 2), 8: (2, 4), 16: (4, 4), 32: (4, 8), 64: (8, 8)}  # height, width


def expected(kind, image, strength):
    """Return one grey image as numpy or scipy damage it, in grey levels."""
    image = image.astype(float)
    height, width = image.shape
    if kind == "blur":
        sigma = strength * height / 28
        radius = max(1, math.ceil(3 * sigma))
        return ndimage.gaussian_filter(image, sigma, mode="nearest", radius=radius)
    if kind == "contrast":
        return image.mean() + strength * (image - image.mean())
    if kind == "brightness":
        return image + 255 * strength
    rows, columns = (max(1, round(height / 28)) * side for side in BLOCKS[strength])
    out = np.empty_like(image)
    for i in range(0, height, rows):
        for j in range(0, width, columns):
            out[i : i + rows, j : j + columns] = image[i : i + rows, j : j + columns].mean()
    return out


def assert_corrupts(function):
    for images in PICTURES.values():
        before = images.clone()
        for kind in SEVERITIES:
            errors = []
            for severity in range(6):
                damaged = function(images, kind, severity=severity, generator=seeded(4))
                assert torch.equal(images, before), "the argument changed"
                assert damaged.dtype == torch.uint8
                assert damaged.shape == images.shape
                errors.append(error(damaged, images))
                again = function(images, kind, severity=severity, generator=seeded(4))
                assert torch.equal(again, damaged), "the generator is not what decides"
                first = function(images[:1], kind, severity=severity, generator=seeded(4))
                if kind != "gaussian_noise":
                    assert torch.equal(first, damaged[:1]), "an image depends on the others"
            assert errors[0] == 0, f"{kind} 0 is not the identity"
            assert all(a < b for a, b in itertools.pairwise(errors)), (kind, errors)
    for kind in set(SEVERITIES) - {"gaussian_noise"}:
        for name in ("grey 28", "grey 64", "not square"):
            images = PICTURES[name]
            for severity in (1, 3, 5):
                damaged = function(images, kind, severity=severity, generator=seeded())
                for image, found in zip(images.numpy(), damaged.numpy(), strict=True):
                    exact = expected(kind, image, SEVERITIES[kind][severity]).clip(0, 255)
                    assert np.abs(found - exact).max() <= 0.51
    grey = torch.full((40, 28, 28), 128, dtype=torch.uint8)
    for severity in (1, 3):
        noise = function(grey, "gaussian_noise", severity=severity, generator=seeded()).double()
        noise = noise - 128
        assert abs(float(noise.mean())) < 1
        assert float(noise.std()) / 255 == pytest.approx(
            SEVERITIES["gaussian_noise"][severity], rel=0.03
        )
        assert stats.pearsonr(noise[0].flatten(), noise[1].flatten()).pvalue > 1e-3
        assert stats.pearsonr(noise[:, 0].flatten(), noise[:, 1].flatten()).pvalue > 1e-3
    bright = function(HARSH, "brightness", severity=5, generator=seeded())
    assert bool((bright >= HARSH).all()), "white turned dark"
    noisy = function(HARSH, "gaussian_noise", severity=5, generator=seeded()).double()
    assert float(noisy[0].mean()) < 50 < 205 < float(noisy[1].mean()), "black and white wrapped"


def changed(*, after=lambda d, images: d, severity_of=lambda s: s, kind_of=lambda k: k):
    """Return `corrupt` with one thing done otherwise."""

    def function(images, kind, *, severity, generator):
        damaged = corrupt(
            images, kind_of(kind), severity=severity_of(severity), generator=generator
        )
        return after(damaged, images)

    return function


def only(wanted, wrong):
    """Return `corrupt` with one kind done otherwise: `wrong(images, strength, generator)`."""

    def function(images, kind, *, severity, generator):
        if kind != wanted or severity == 0:
            return corrupt(images, kind, severity=severity, generator=generator)
        floats = wrong(images.float(), SEVERITIES[kind][severity], generator)
        return floats.round().clamp(0, 255).to(torch.uint8)

    return function


def stretched(damaged, images):
    d = damaged.double()
    return ((d - d.min()) / (d.max() - d.min()).clamp(min=1) * 255).to(torch.uint8)


def in_place(images, kind, *, severity, generator):
    images.copy_(corrupt(images, kind, severity=severity, generator=generator))
    return images


def wrapping(images, kind, *, severity, generator):
    if kind != "brightness":
        return corrupt(images, kind, severity=severity, generator=generator)
    return images + torch.tensor(int(255 * SEVERITIES[kind][severity]), dtype=torch.uint8)


WRONG_CORRUPTIONS = {
    "floats": changed(after=lambda d, images: d.float() / 255),
    "channels first": changed(after=lambda d, images: d.movedim(-1, 1)),
    "stretched to black and white": changed(after=stretched),
    "severity counted from 1": changed(severity_of=lambda s: max(1, s)),
    "severity backwards": changed(severity_of=lambda s: (5 - s) if s else 0),
    "the worst two alike": changed(severity_of=lambda s: min(4, s)),
    "in place": in_place,
    "bytes that wrap round": wrapping,
    "always a blur": changed(kind_of=lambda k: "blur"),
    "contrast about the mean of the batch": only(
        "contrast", lambda x, s, g: x.mean() + s * (x - x.mean())
    ),
    "contrast about grey": only("contrast", lambda x, s, g: 128 + s * (x - 128)),
    "darker": only("brightness", lambda x, s, g: x - 255 * s),
    "the same noise on every image": only(
        "gaussian_noise", lambda x, s, g: x + 255 * s * torch.randn(x.shape[1:], generator=g)
    ),
    "variance taken for deviation": only(
        "gaussian_noise", lambda x, s, g: x + 255 * s**2 * torch.randn(x.shape, generator=g)
    ),
    "noise that only brightens": only(
        "gaussian_noise", lambda x, s, g: x + 255 * s * torch.randn(x.shape, generator=g).abs()
    ),
    "noise of another generator": only(
        "gaussian_noise", lambda x, s, g: x + 255 * s * torch.randn(x.shape)
    ),
    "blur along rows only": only(
        "blur",
        lambda x, s, g: torch.from_numpy(
            ndimage.gaussian_filter1d(x.numpy(), s * x.shape[1] / 28, axis=2)
        ),
    ),
    "blur that runs into black": only(
        "blur",
        lambda x, s, g: torch.from_numpy(
            ndimage.gaussian_filter(x.numpy(), s * x.shape[1] / 28, axes=(1, 2), mode="constant")
        ),
    ),
    "the first pixel of the block instead of its mean": only(
        "pixelate",
        lambda x, s, g: x[:, torch.arange(x.shape[1]) // BLOCKS[s][0] * BLOCKS[s][0]][
            :, :, torch.arange(x.shape[2]) // BLOCKS[s][1] * BLOCKS[s][1]
        ],
    ),
    "pixelated by rounding": only("pixelate", lambda x, s, g: x // s * s),
}


def test_damage_is_monotone_and_is_numpys():
    assert_corrupts(corrupt)


@pytest.mark.parametrize("wrong", WRONG_CORRUPTIONS.values(), ids=WRONG_CORRUPTIONS.keys())
def test_numpy_tells_wrong_corruptions(wrong):
    with pytest.raises(AssertionError):
        assert_corrupts(wrong)


def test_coarser_pixels_never_come_nearer_to_any_image():
    """Blocks made of whole smaller blocks: by the law of total variance, even for pure noise."""
    for shape in ((5, 28, 28), (5, 33, 21), (2, 64, 50, 3), (3, 5, 9)):
        images = torch.randint(256, shape, generator=seeded(1), dtype=torch.uint8)
        errors = [
            error(corrupt(images, "pixelate", severity=s, generator=seeded()), images)
            for s in range(6)
        ]
        assert all(a <= b + 0.1 for a, b in itertools.pairwise(errors))  # means are rounded


def test_only_noise_draws():
    for kind in SEVERITIES:
        generator = seeded(1)
        corrupt(PICTURES["grey 28"], kind, severity=3, generator=generator)
        moved = not torch.equal(generator.get_state(), seeded(1).get_state())
        assert moved == (kind == "gaussian_noise")


def test_even_one_pixel_can_be_spoilt_and_no_image_too():
    for kind in SEVERITIES:
        for shape in ((2, 1, 1), (2, 1, 1, 3), (0, 28, 28)):
            images = torch.full(shape, 100, dtype=torch.uint8)
            assert corrupt(images, kind, severity=5, generator=seeded()).shape == shape


@pytest.mark.parametrize(
    ("images", "kind", "severity", "message"),
    [
        (HARSH.float(), "blur", 1, r"must be uint8 .* got torch.float32 \(3, 28, 28\); corrupt be"),
        (HARSH[0], "blur", 1, r"must be uint8 .* got torch.uint8 \(28, 28\); corrupt before as_f"),
        (HARSH[None], "blur", 1, r"got torch.uint8 \(1, 3, 28, 28\).* volumes slice by slice"),
        (
            HARSH,
            "jpeg",
            1,
            "one of gaussian_noise, blur, contrast, brightness, pixelate; got 'jpeg'",
        ),
        (HARSH, "blur", 6, r"severity must be a whole number in 0..5, got 6"),
        (HARSH, "blur", -1, r"severity must be a whole number in 0..5, got -1"),
        (HARSH, "blur", 2.5, r"severity must be a whole number in 0..5, got 2.5"),
    ],
    ids=["floats", "one image", "volume", "unknown kind", "too severe", "below 0", "between"],
)
def test_damage_that_is_not_defined_is_refused(images, kind, severity, message):
    with pytest.raises(ValueError, match=message):
        corrupt(images, kind, severity=severity, generator=seeded())


# Generalised cross-entropy

LOGITS = {
    "usual": (normal(7, 4), torch.tensor([0, 1, 2, 3, 0, 0, 2])),
    "two classes": (3 * normal(5, 2, seed=1), torch.tensor([1, 0, 0, 1, 1])),
    "one example": (normal(1, 3, seed=2), torch.tensor([2])),
    "far from zero": (500 + normal(4, 3, seed=3), torch.tensor([0, 1, 2, 0])),
}
Q = (1.0, 0.7, 0.3, 1e-3, 1e-9)


def by_hand(logits, labels, q):
    losses = []
    for row, y in zip(logits.tolist(), labels.tolist(), strict=True):
        log_p = row[y] - max(row) - math.log(math.fsum(math.exp(z - max(row)) for z in row))
        losses.append(-math.expm1(q * log_p) / q)
    return math.fsum(losses) / len(losses)


def assert_is_gce(function):
    for logits, labels in LOGITS.values():
        for q in Q:
            value = function(logits, labels, q=q)
            assert value.ndim == 0
            assert value.item() == pytest.approx(by_hand(logits, labels, q), rel=1e-9)
            assert 0 <= value <= 1 / q
        p = logits.softmax(1).gather(1, labels[:, None])
        torch.testing.assert_close(function(logits, labels, q=1.0), (1 - p).mean())
        torch.testing.assert_close(
            function(logits, labels, q=1e-9), F.cross_entropy(logits, labels), rtol=1e-6, atol=0
        )
        # In float32 there are no digits to lose either.
        single = function(logits.float(), labels, q=1e-6)
        torch.testing.assert_close(
            single, F.cross_entropy(logits.float(), labels), rtol=1e-4, atol=0
        )
    huge = torch.tensor([[1e4, 0.0], [0.0, 1e4]], requires_grad=True)
    value = function(huge, torch.tensor([1, 1]), q=0.5)  # sure and wrong, sure and right
    assert value.item() == pytest.approx(1.0)
    [slope] = torch.autograd.grad(value, huge)
    assert bool(torch.isfinite(slope).all())


def gce_variant(loss):
    """Return the mean of `loss(p, q)` over examples, p the probability of the label."""

    def function(logits, labels, *, q):
        return loss(logits.softmax(1).gather(1, labels[:, None]), q).mean()

    return function


WRONG_GCES = {
    "not divided by q": gce_variant(lambda p, q: 1 - p**q),
    "1 - p to the q": gce_variant(lambda p, q: (1 - p) ** q / q),
    "sign": gce_variant(lambda p, q: (p**q - 1) / q),
    "cross-entropy": gce_variant(lambda p, q: -p.log()),
    "1 - p": gce_variant(lambda p, q: 1 - p),
    "q and 1 - q exchanged": gce_variant(lambda p, q: (1 - p ** (1 - q)) / max(1 - q, 1e-9)),
    "digits lost": gce_variant(lambda p, q: (1 - p**q) / q),
    "log of a probability that is 0": gce_variant(lambda p, q: -torch.expm1(q * p.log()) / q),
    "sum over examples": lambda z, y, q: len(y) * generalised_cross_entropy(z, y, q=q),
    "one number per example": lambda z, y, q: torch.stack(
        [generalised_cross_entropy(z[i : i + 1], y[i : i + 1], q=q) for i in range(len(y))]
    ),
    "sigmoid for softmax": lambda z, y, q: (
        -torch.expm1(q * F.logsigmoid(z.gather(1, y[:, None]))) / q
    ).mean(),
    "all classes": lambda z, y, q: (-torch.expm1(q * z.log_softmax(1)) / q).mean(),
}


def test_gce_is_the_formula_by_hand_between_its_two_limits():
    assert_is_gce(generalised_cross_entropy)


@pytest.mark.parametrize("wrong", WRONG_GCES.values(), ids=WRONG_GCES.keys())
def test_the_formula_and_the_limits_tell_wrong_gces(wrong):
    with pytest.raises(AssertionError):
        assert_is_gce(wrong)


@pytest.mark.parametrize("q", Q)
def test_the_slopes_of_gce_are_finite_differences(q):
    for logits, labels in LOGITS.values():
        slope = torch.func.grad(lambda z, y=labels: generalised_cross_entropy(z, y, q=q))(logits)
        for k in range(logits.numel()):
            move = torch.zeros(logits.numel(), dtype=torch.float64)
            move[k] = 1e-4
            up, down = (by_hand(logits + s * move.view_as(logits), labels, q) for s in (1, -1))
            assert slope.flatten()[k].item() == pytest.approx((up - down) / 2e-4, abs=1e-7)


def test_the_gradient_is_that_of_cross_entropy_times_p_to_the_q():
    """Equation 7: what the model thinks unlikely pulls less, a wrong label most of all."""
    logits, labels = LOGITS["usual"]
    for i in range(len(labels)):
        z, y = logits[i : i + 1], labels[i : i + 1]
        p = z.softmax(1)[0, y]
        plain = torch.func.grad(lambda z, y=y: F.cross_entropy(z, y))(z)
        robust = torch.func.grad(lambda z, y=y: generalised_cross_entropy(z, y, q=0.7))(z)
        torch.testing.assert_close(robust, p**0.7 * plain)


def test_one_wrong_label_costs_at_most_1_over_q():
    wrong = torch.tensor([[0.0, 1000.0]])
    assert generalised_cross_entropy(wrong, torch.tensor([0]), q=0.7).item() == pytest.approx(
        1.43, abs=0.005
    )
    assert F.cross_entropy(wrong, torch.tensor([0])).item() == 1000


def test_cross_entropy_is_the_limit_in_float32_however_small_q_is():
    logits, labels = LOGITS["usual"]
    for q in (1e-3, 1e-6, 1e-12, 1e-30):
        value = generalised_cross_entropy(logits.float(), labels, q=q)
        assert value.item() == pytest.approx(
            F.cross_entropy(logits, labels).item(), rel=3 * q + 1e-6
        )


@pytest.mark.parametrize(
    ("logits", "labels", "q", "message"),
    [
        (torch.zeros(2, 3), torch.tensor([0, 1]), 0.0, "got 0.0; for 0 use F.cross_entropy"),
        (torch.zeros(2, 3), torch.tensor([0, 1]), 1.1, "q must be above 0 and at most 1, got 1.1"),
        (torch.zeros(2, 3), torch.tensor([0, 1]), float("nan"), "at most 1, got nan"),
        (torch.zeros(2, 3), torch.tensor([0, 3]), 0.7, r"in 0..2 for n_classes=3, got 0..3"),
        (torch.zeros(2, 3), torch.tensor([0]), 0.7, r"got \(2, 3\) and \(1,\)"),
        (torch.zeros(3), torch.tensor([0]), 0.7, r"expected logits \[n_ex.* got \(3,\) and \(1,\)"),
        (torch.zeros(0, 3), torch.zeros(0).long(), 0.7, r"got \(0, 3\) and \(0,\)"),
        (torch.zeros(1, 3), torch.zeros(1), 0.7, r"must be integers .* got torch.float32 \(1,\)"),
        (
            torch.tensor([[torch.nan, torch.inf]]),
            torch.tensor([0]),
            0.7,
            "2 logits are nan or infinite; try a smaller learning rate",
        ),
    ],
)
def test_a_loss_that_is_not_defined_is_refused(logits, labels, q, message):
    with pytest.raises(ValueError, match=message):
        generalised_cross_entropy(logits, labels, q=q)


# Robust prototypes


def assert_are_columnwise(function, centre):
    """`centre` tells what numpy or scipy make of the columns of one class."""
    for n, n_features, seed in ((1, 3, 1), (2, 3, 2), (3, 2, 3), (4, 3, 4), (10, 5, 5), (11, 1, 6)):
        features = normal(2 * n + 3, n_features, seed=seed)
        labels = torch.tensor([0] * n + [1] * (n + 3))
        order = torch.randperm(len(labels), generator=seeded(seed))
        result = function(features[order], labels[order], 2)
        assert result.dtype == features.dtype
        for c in range(2):
            wanted = centre(features[labels == c].numpy())
            np.testing.assert_allclose(result[c].numpy(), wanted, rtol=1e-9, atol=1e-12)


def trimmed(rows):
    cut = min(math.ceil(len(rows) / 5), (len(rows) - 1) // 2)
    return stats.trim_mean(rows, (cut + 1e-9) / len(rows), axis=0)


def by_method(method):
    return lambda features, labels, n_way: robust_prototypes(features, labels, n_way, method=method)


COLUMNWISE = {
    "mean": lambda rows: rows.mean(0),
    "median": lambda rows: np.median(rows, 0),
    "trimmed": trimmed,
}


@pytest.mark.parametrize("method", COLUMNWISE)
def test_columnwise_prototypes_are_those_of_numpy_and_scipy(method):
    assert_are_columnwise(by_method(method), COLUMNWISE[method])


def least_sum_of_distances(rows):
    """Return the least sum of distances to the rows that a general minimiser finds."""

    def total(point):
        return np.linalg.norm(rows - point, axis=1).sum()

    starts = [np.median(rows, 0), rows.mean(0)]
    found = [
        optimize.minimize(total, s, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
        for s in starts
    ]
    return min(*(f.fun for f in found), *(total(row) for row in rows))


HEAPS = {
    "cloud": normal(9, 2, seed=1),
    "even number": normal(6, 3, seed=2),
    "far outlier": torch.cat([normal(9, 2, seed=3), torch.tensor([[1e4, -1e4]]).double()]),
    "far from zero": 1e4 + normal(7, 2, seed=4),
    "lopsided": normal(8, 2, seed=5).exp(),
    "one of them is the answer": torch.tensor(
        [[0, 0], [1, 0], [-1, 0.1], [0, 1], [0, -1.0]]
    ).double(),
    "corner wider than 120°": torch.tensor([[0.0, 0], [2, 0.3], [-2, 0.3]]).double(),
    "a majority in one place": torch.tensor([[1.0, 2]] * 3 + [[5, 5], [-3, 9.0]]).double(),
    "a square": torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 1]]).double(),
    "two": torch.tensor([[0.0, 0], [2, 4]]).double(),
    "one": torch.tensor([[3.0, -1]]).double(),
    "an example is the answer, and plain steps creep": torch.tensor(
        [[-1.0, -1.0], [-2.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]]
    ).double(),
    "the median is an example, but not the answer": torch.tensor(
        [[0.0, 0], [1, 5], [2, -4], [-1, 0.2], [-9, -0.1]]
    ).double(),
}


def assert_is_geometric_median(function):
    for heap in HEAPS.values():
        point = function(heap, torch.zeros(len(heap)).long(), 1)
        assert point.shape == (1, heap.shape[1])
        total = float((heap - point).norm(dim=1).sum())
        scale = float((heap - heap.mean(0)).norm(dim=1).mean())
        assert total <= least_sum_of_distances(heap.numpy()) + 1e-6 * scale
    # Fermat's point of an equilateral triangle is its centre; with two, all between are as good,
    # and the middle is the fair choice.
    triangle = torch.tensor([[0, 0], [1, 0], [0.5, math.sqrt(0.75)]]).double()
    point = function(triangle, torch.zeros(3).long(), 1)
    torch.testing.assert_close(point[0], triangle.mean(0), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        function(HEAPS["two"], torch.zeros(2).long(), 1), torch.tensor([[1.0, 2.0]]).double()
    )


def one_class(centre):
    return lambda features, labels, n_way: torch.stack(
        [centre(features[labels == c]) for c in range(n_way)]
    )


def weiszfeld(n_iterations, *, power=1, start=lambda rows: rows.mean(0)):
    def centre(rows):
        point = start(rows)
        for _ in range(n_iterations):
            weights = 1 / (rows - point).norm(dim=1).clamp(min=1e-12) ** power
            point = weights @ rows / weights.sum()
        return point

    return one_class(centre)


WRONG_GEOMETRIC = {
    "mean": one_class(lambda rows: rows.mean(0)),
    "median of every feature": one_class(lambda rows: rows.quantile(0.5, dim=0)),
    "trimmed": by_method("trimmed"),
    "the example nearest to all others": one_class(
        lambda rows: rows[torch.cdist(rows, rows).sum(1).argmin()]
    ),
    "one step": weiszfeld(1),
    "squared weights": weiszfeld(100, power=2),
    "stuck at the example it starts from": weiszfeld(
        100, start=lambda rows: rows[(rows - rows.quantile(0.5, dim=0)).norm(dim=1).argmin()]
    ),
    "lower median of every feature": one_class(lambda rows: rows.median(0).values),
}
WRONG_MEDIANS = {
    "the lower of the two in the middle": one_class(lambda rows: rows.median(0).values),
    "mean": one_class(lambda rows: rows.mean(0)),
    "trimmed": by_method("trimmed"),
    "geometric median": by_method("geometric_median"),
    "of all features": one_class(lambda rows: rows.quantile(0.5).expand(rows.shape[1])),
    "the example nearest to it": one_class(
        lambda rows: rows[(rows - rows.quantile(0.5, dim=0)).norm(dim=1).argmin()]
    ),
    "of all classes": lambda x, y, n: x.quantile(0.5, dim=0).expand(n, -1),
}


def trim_variant(cut_of, *, lower=True, upper=True):
    def centre(rows):
        cut = cut_of(len(rows))
        return rows.sort(0).values[cut * lower : len(rows) - cut * upper].mean(0)

    return one_class(centre)


WRONG_TRIMS = {
    "mean": trim_variant(lambda n: 0),
    "median": by_method("median"),
    "rounded down": trim_variant(lambda n: n // 5),
    "a fifth in all": trim_variant(lambda n: min(math.ceil(n / 10), (n - 1) // 2)),
    "a quarter": trim_variant(lambda n: min(math.ceil(n / 4), (n - 1) // 2)),
    "below only": trim_variant(lambda n: min(math.ceil(n / 5), (n - 1) // 2), upper=False),
    "above only": trim_variant(lambda n: min(math.ceil(n / 5), (n - 1) // 2), lower=False),
    "whole examples": one_class(
        lambda rows: rows[
            (rows - rows.mean(0)).norm(dim=1).argsort()[: len(rows) - len(rows) // 5]
        ].mean(0)
    ),
}


def test_the_geometric_median_has_the_least_sum_of_distances():
    assert_is_geometric_median(by_method("geometric_median"))


@pytest.mark.parametrize("wrong", WRONG_GEOMETRIC.values(), ids=WRONG_GEOMETRIC.keys())
def test_the_sum_of_distances_tells_wrong_geometric_medians(wrong):
    with pytest.raises(AssertionError):
        assert_is_geometric_median(wrong)


@pytest.mark.parametrize("wrong", WRONG_MEDIANS.values(), ids=WRONG_MEDIANS.keys())
def test_numpy_tells_wrong_medians(wrong):
    with pytest.raises(AssertionError):
        assert_are_columnwise(wrong, COLUMNWISE["median"])


@pytest.mark.parametrize("wrong", WRONG_TRIMS.values(), ids=WRONG_TRIMS.keys())
def test_scipy_tells_wrong_trims(wrong):
    with pytest.raises(AssertionError):
        assert_are_columnwise(wrong, COLUMNWISE["trimmed"])


METHODS = ("mean", "median", "trimmed", "geometric_median")
ROBUST = METHODS[1:]


def centre_of(rows, method):
    return robust_prototypes(rows, torch.zeros(len(rows)).long(), 1, method=method)[0]


def test_the_method_mean_is_prototypes():
    features, labels = normal(12, 4), torch.tensor([0, 1, 2] * 4)
    torch.testing.assert_close(
        robust_prototypes(features, labels, 3, method="mean"), prototypes(features, labels, 3)
    )


def test_one_stranger_of_ten_moves_the_mean_by_14_and_the_medians_by_nothing():
    rows = 0.01 * normal(10, 2)
    spoilt = rows.clone()
    spoilt[3] = 100.0
    moved = {m: float((centre_of(spoilt, m) - centre_of(rows, m)).norm()) for m in METHODS}
    assert moved["mean"] == pytest.approx(math.sqrt(2) * 100 / 10, abs=0.01)  # 14.1
    assert all(moved[method] < 0.01 for method in ROBUST)


@pytest.mark.parametrize(
    ("method", "n_borne"), [("mean", 0), ("trimmed", 2), ("median", 4), ("geometric_median", 4)]
)
def test_centres_bear_so_many_strangers_of_ten_and_no_more(method, n_borne):
    """The breakdown point: 50 % for the medians, a fifth for the trimmed mean, 0 for the mean."""
    for n_strangers, bears in ((n_borne, True), (n_borne + 1, False)):
        rows = normal(10, 3)
        rows[:n_strangers] = 1e6 + normal(n_strangers, 3, seed=1)
        assert bool(centre_of(rows, method).norm() < 100) == bears


@pytest.mark.parametrize("method", METHODS)
def test_centres_follow_moves_scales_and_order(method):
    rows = normal(9, 3)
    centre = centre_of(rows, method)
    near = {"atol": 1e-5, "rtol": 0}
    torch.testing.assert_close(centre_of(rows.flip(0), method), centre, **near)
    torch.testing.assert_close(centre_of(3 * rows - 5, method), 3 * centre - 5, **near)


@pytest.mark.parametrize("method", METHODS)
def test_which_centres_turn_with_the_features(method):
    rows, (turn, _) = normal(9, 3), torch.linalg.qr(normal(3, 3, seed=9))
    gap = float((centre_of(rows @ turn, method) - centre_of(rows, method) @ turn).norm())
    assert (gap < 1e-5) == (method in ("mean", "geometric_median"))


@pytest.mark.parametrize("method", METHODS)
def test_gradient_reaches_the_features_and_stays_finite(method):
    for heap in (*HEAPS.values(), torch.ones(4, 2).double()):
        rows = heap.clone().requires_grad_()
        [slope] = torch.autograd.grad(centre_of(rows, method).sum(), [rows])
        assert bool(torch.isfinite(slope).all())
    rows = normal(7, 2)
    slope = torch.func.grad(lambda x: centre_of(x, method)[0])(rows)
    step = 1e-4
    for i in range(7):
        move = torch.zeros(7, 2).double()
        move[i, 0] = step
        up, down = centre_of(rows + move, method)[0], centre_of(rows - move, method)[0]
        assert float(slope[i, 0]) == pytest.approx(float((up - down) / (2 * step)), abs=5e-3)


@pytest.mark.parametrize("method", METHODS)
def test_float32_features_do_as_well(method):
    for heap in HEAPS.values():
        scale = float(heap.abs().max())
        near = {"atol": 1e-4 * scale, "rtol": 0}
        single = centre_of(heap.float(), method)
        assert single.dtype == torch.float32
        torch.testing.assert_close(single.double(), centre_of(heap, method), **near)


@pytest.mark.parametrize(
    ("features", "labels", "method", "message"),
    [
        (
            torch.zeros(2, 2),
            torch.tensor([0, 1]),
            "mode",
            "must be one of mean, median, trimmed, geometric_median; got 'mode'",
        ),
        (torch.zeros(2, 2), torch.tensor([0, 2]), "median", r"labels must be in 0..1 for n_way=2"),
        (torch.zeros(2, 2), torch.tensor([0, 0]), "median", r"no support example of class \[1\]"),
        (torch.zeros(3, 2), torch.tensor([0, 1]), "mean", "3 features but 2 labels"),
        (
            torch.tensor([[torch.nan, 1], [torch.inf, 1]]),
            torch.tensor([0, 1]),
            "median",
            "2 features are nan or infinite; leave these examples out",
        ),
    ],
)
def test_prototypes_that_cannot_be_are_refused(features, labels, method, message):
    with pytest.raises(ValueError, match=message):
        robust_prototypes(features, labels, 2, method=method)


# Strangers among the queries


def assert_are_outlier_scores(function):
    for n_queries, n_way, n_features in ((6, 3, 4), (3, 3, 3), (1, 1, 2), (4, 5, 1)):
        queries, means = normal(n_queries, n_features, seed=1), normal(n_way, n_features, seed=2)
        result = function(queries, means)
        assert result.shape == (n_queries,)
        for value, q in zip(result.tolist(), queries.tolist(), strict=True):
            wanted = min(math.dist(q, p) for p in means.tolist())
            assert value == pytest.approx(wanted, rel=1e-10)


WRONG_OUTLIER_SCORES = {
    "squared": lambda q, p: torch.cdist(q, p).min(1).values ** 2,
    "farthest": lambda q, p: torch.cdist(q, p).max(1).values,
    "mean distance": lambda q, p: torch.cdist(q, p).mean(1),
    "sign": lambda q, p: -torch.cdist(q, p).min(1).values,
    "of every prototype": lambda q, p: torch.cdist(q, p).min(0).values,
    "which prototype": lambda q, p: torch.cdist(q, p).argmin(1).double(),
    "city block": lambda q, p: torch.cdist(q, p, p=1).min(1).values,
    "distance to the mean of all": lambda q, p: (q - p.mean(0)).norm(dim=1),
    "one minus the largest probability": lambda q, p: (
        1 - (-torch.cdist(q, p).square()).softmax(1).max(1).values
    ),
}


def test_outlier_scores_are_the_distances_to_the_nearest_prototype():
    assert_are_outlier_scores(outlier_scores)


@pytest.mark.parametrize("wrong", WRONG_OUTLIER_SCORES.values(), ids=WRONG_OUTLIER_SCORES.keys())
def test_plain_distances_tell_wrong_outlier_scores(wrong):
    with pytest.raises(AssertionError):
        assert_are_outlier_scores(wrong)


def test_strangers_rank_above_queries_as_the_ranks_say():
    means = 5 * normal(3, 8, seed=1)
    known = means.repeat(20, 1) + normal(60, 8, seed=2)
    strange = 5 * normal(1, 8, seed=7) + normal(25, 8, seed=3)
    scores = outlier_scores(torch.cat([known, strange]), means)
    labels = torch.tensor([0] * 60 + [1] * 25)
    ranks = stats.rankdata(scores.numpy())
    by_ranks = (ranks[60:].sum() - 25 * 26 / 2) / (25 * 60)
    assert auroc(scores, labels) == pytest.approx(by_ranks, abs=1e-12)
    assert by_ranks > 0.95
    # The largest probability is no measure of strangeness: far away it is near 1.
    sure = prototypical.prototypical_logits(strange, means).softmax(1).max(1).values
    assert float(sure.mean()) > 0.9


def test_nan_and_features_of_another_embedding_are_refused():
    with pytest.raises(ValueError, match="3 features are nan; look for a diverged model"):
        outlier_scores(torch.full((1, 2), torch.nan), torch.tensor([[0.0, torch.nan]]))
    with pytest.raises(ValueError, match="queries have 2 features, prototypes 3"):
        outlier_scores(torch.zeros(1, 2), torch.zeros(1, 3))
