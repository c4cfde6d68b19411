"""Claims about the synthetic images, held against counts, statistics and symmetries."""

import re

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from medmeta_ref.backbones import conv4
from medmeta_ref.episodes import sample_episode
from medmeta_ref.image_set import ImageSet
from medmeta_ref.params import initial_params
from medmeta_ref.prototypical import episode_logits
from medmeta_ref.synthetic import class_counts, draw, load_family
from medmeta_ref.synthetic.families import FAMILIES
from medmeta_ref.synthetic.shapes import (
    between,
    disc,
    inside,
    moved,
    paint,
    pixel_grid,
    plane_waves,
    smooth_noise,
)
from medmeta_ref.synthetic.signature import class_signatures

COLOUR = ("blood", "tissue", "retina")
GREY = ("organ", "lung")
ALL = (*COLOUR, *GREY, "adrenal")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(
    family: str, *, seed: int = 0, n_classes: int = 3, n_per_class: int = 4, **knobs: float
) -> ImageSet:
    return draw(
        family, n_classes=n_classes, n_per_class=n_per_class, generator=seeded(seed), **knobs
    )


def pixels(images: Tensor) -> Tensor:
    """Return the images as float rows, `[n, n_pixels]` in 0..1."""
    return images.flatten(1).float() / 255


def between_over_within(images: Tensor, labels: Tensor) -> float:
    """Return the F statistic of the classes: about 1 if they are one population.

    The plain analysis of variance: mean squares between over mean squares within, both summed
    over all pixels.
    """
    x = pixels(images)
    n_classes = int(labels.max()) + 1
    means = torch.stack([x[labels == k].mean(0) for k in range(n_classes)])
    counts = labels.bincount().float()
    between_ms = (counts[:, None] * (means - x.mean(0)) ** 2).sum() / (n_classes - 1)
    within_ms = ((x - means[labels]) ** 2).sum() / (len(x) - n_classes)
    return float(between_ms / within_ms)


@pytest.mark.parametrize("family", ALL)
def test_images_have_medmnist_layout(family):
    made = drawn(family, n_classes=3, n_per_class=2)
    tail = {"adrenal": (28, 28, 28)}.get(family, (28, 28, 3) if family in COLOUR else (28, 28))
    assert made.images.shape == (6, *tail)
    assert made.images.dtype == torch.uint8
    assert made.images.is_contiguous()
    assert made.labels.dtype == torch.int64
    assert made.labels.bincount().tolist() == [2, 2, 2]
    assert len(made.class_names) == 3


@pytest.mark.parametrize("family", ALL)
def test_every_set_says_that_it_is_no_medical_data(family):
    made = drawn(family, n_per_class=1)
    assert made.source == f"synthetic-{family} (drawn by this project: no medical data)"
    assert made.licence.startswith("CC BY 4.0")
    assert all(name.startswith("synthetic ") for name in made.class_names)


@pytest.mark.parametrize("family", ALL)
@pytest.mark.parametrize("size", [14, 33])
def test_other_sizes_are_drawn(family, size):
    made = drawn(family, n_classes=2, n_per_class=1, size=size)
    assert made.images.shape[1:3] == (size, size)


@pytest.mark.parametrize("family", ALL)
def test_same_seed_gives_same_bytes_and_another_seed_other_images(family):
    first, again, other = drawn(family), drawn(family), drawn(family, seed=1)
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.images, other.images)


@pytest.mark.parametrize("family", ALL)
def test_global_random_state_is_neither_moved_nor_read(family):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = drawn(family)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(drawn(family).images, first.images)


def test_drawing_moves_the_given_generator_so_two_draws_differ():
    generator = seeded(0)
    first = draw("blood", n_classes=2, n_per_class=2, generator=generator)
    second = draw("blood", n_classes=2, n_per_class=2, generator=generator)
    assert not torch.equal(first.images, second.images)


@pytest.mark.parametrize("first_is_clear", [False, True])
def test_a_class_does_not_depend_on_how_many_others_there_are(first_is_clear):
    few, many = (
        class_signatures(n, n_attributes=8, class_distance=1.0, first_is_clear=first_is_clear)
        for n in (3, 64)
    )
    assert torch.equal(few, many[:3])


def test_class_signatures_match_the_sequence_by_hand():
    # frac(3 * sqrt 2) = 4.2426 - 4 and frac(3 * sqrt 3) = 5.1962 - 5: class 2.
    signatures = class_signatures(3, n_attributes=2, class_distance=1.0, first_is_clear=False)
    torch.testing.assert_close(signatures[2], torch.tensor([0.2426, 0.1962]), atol=1e-4, rtol=0)


def test_no_two_of_200_classes_come_close():
    signatures = class_signatures(200, n_attributes=8, class_distance=1.0, first_is_clear=False)
    distances = torch.cdist(signatures, signatures) + 9 * torch.eye(200)
    # Two images of one class differ by 0.06 * sqrt(2 * 8) = 0.24 in the root mean square.
    assert distances.min() > 0.24


def test_class_distance_scales_signatures_about_the_middle():
    settings = {"n_attributes": 8, "first_is_clear": False}
    full = class_signatures(16, class_distance=1.0, **settings)
    half = class_signatures(16, class_distance=0.5, **settings)
    none = class_signatures(16, class_distance=0.0, **settings)
    torch.testing.assert_close(half - 0.5, 0.5 * (full - 0.5))
    assert torch.equal(none, torch.full_like(none, 0.5))
    far = class_signatures(16, class_distance=5.0, **settings)
    assert far.min() >= 0
    assert far.max() <= 1


def test_only_class_0_is_clear():
    signatures = class_signatures(64, n_attributes=5, class_distance=1.0, first_is_clear=True)
    assert signatures[0, 0] == 0
    assert signatures[1:, 0].min() >= 0.7


@pytest.mark.parametrize("family", [*COLOUR, *GREY])
def test_class_distance_takes_classes_from_one_population_to_several(family):
    statistic = {}
    for class_distance in (0.0, 0.5, 1.0):
        made = drawn(family, n_classes=6, n_per_class=60, class_distance=class_distance)
        statistic[class_distance] = between_over_within(made.images, made.labels)
    # Under one population F has mean near 1; pixels are correlated, so it spreads a little.
    assert 0.7 < statistic[0.0] < 1.5
    assert statistic[0.0] + 0.3 < statistic[0.5] < statistic[1.0]


def test_a_centroid_classifier_is_at_chance_at_distance_0_and_above_it_at_1():
    accuracy = {}
    for class_distance in (0.0, 1.0):
        knobs = {"n_classes": 8, "n_per_class": 50, "class_distance": class_distance}
        train, test = drawn("blood", seed=0, **knobs), drawn("blood", seed=1, **knobs)
        x = pixels(train.images)
        means = torch.stack([x[train.labels == k].mean(0) for k in range(8)])
        guess = torch.cdist(pixels(test.images), means).argmin(1)
        accuracy[class_distance] = (guess == test.labels).float().mean().item()
    # 400 images at chance 1/8: standard error 0.017, so 0.075..0.175 is three of them.
    assert 0.075 < accuracy[0.0] < 0.175
    assert accuracy[1.0] > 0.3


@pytest.mark.parametrize("family", ALL)
def test_noise_adds_the_variance_it_says_and_nothing_else(family):
    clean = drawn(family, noise=0.0)
    noisy = drawn(family, noise=0.03)
    assert torch.equal(clean.labels, noisy.labels)
    x, y = pixels(clean.images), pixels(noisy.images)
    middle = (x > 0.15) & (x < 0.85)  # where noise is not cut off at black or white
    added = (y - x)[middle]
    assert abs(float(added.mean())) < 0.001
    assert float(added.std()) == pytest.approx(0.03, rel=0.05)


@pytest.mark.parametrize("family", ALL)
def test_noise_raises_the_energy_between_neighbouring_pixels(family):
    energy = []
    for noise in (0.0, 0.05, 0.1):
        images = drawn(family, noise=noise).images.float()
        energy.append(float((images[:, 1:] - images[:, :-1]).square().mean()))
    assert energy[0] < energy[1] < energy[2]


@pytest.mark.parametrize("family", ALL)
def test_shift_moves_image_statistics_step_by_step_and_keeps_the_labels(family):
    home = drawn(family, noise=0.0)
    moved_by = []
    for shift in (0.25, 0.5, 1.0):
        away = drawn(family, noise=0.0, shift=shift)
        assert torch.equal(away.labels, home.labels)
        moved_by.append(float(pixels(home.images).mean() - pixels(away.images).mean()))
    # A gamma above 1 darkens; nothing in the shift brightens a whole image.
    assert 0 < moved_by[0] < moved_by[1] < moved_by[2]


def test_shift_0_is_no_shift():
    assert torch.equal(drawn("blood").images, drawn("blood", shift=0.0).images)


@pytest.mark.parametrize(
    ("imbalance", "counts"),
    [
        (0.0, [200, 200, 200]),
        (0.5, [200, 63, 20]),  # 200 / 10^(1/2) = 63.2 and 200 / 10
        (1.0, [200, 20, 2]),
    ],
)
def test_imbalance_gives_the_counts_of_the_formula(imbalance, counts):
    assert class_counts(3, 200, imbalance=imbalance) == counts
    made = drawn("organ", n_per_class=200, imbalance=imbalance)
    assert made.labels.bincount().tolist() == counts


def test_every_class_of_a_long_tail_keeps_an_image():
    made = drawn("organ", n_classes=30, n_per_class=3, imbalance=1.0)
    assert made.labels.bincount(minlength=30).min() == 1


def test_one_class_alone_is_never_thinned():
    assert class_counts(1, 7, imbalance=1.0) == [7]


@pytest.mark.parametrize("family", ALL)
def test_64_classes_are_drawn(family):
    made = drawn(family, n_classes=64, n_per_class=1, size=14)
    assert made.labels.sort().values.tolist() == list(range(64))
    assert len(set(made.class_names)) == 64
    assert len(made.images.flatten(1).unique(dim=0)) == 64


@pytest.mark.parametrize("family", ALL)
def test_images_come_in_random_order(family):
    labels = drawn(family, n_classes=2, n_per_class=30, size=14).labels
    assert 5 < int((labels.diff() != 0).sum()) < 55


@pytest.mark.parametrize(
    ("family", "n_classes"),
    [("blood", 8), ("organ", 11), ("lung", 2), ("tissue", 9), ("retina", 5), ("adrenal", 2)],
)
def test_splits_share_their_classes_and_no_image(family, n_classes):
    size = 14 if family == "adrenal" else 28
    splits = [load_family(family, split, size=size) for split in ("train", "val", "test")]
    seen: set[bytes] = set()
    for made in splits:
        assert made.class_names == splits[0].class_names
        assert made.labels.unique().tolist() == list(range(n_classes))
        images = {image.numpy().tobytes() for image in made.images}
        assert len(images) == len(made.images)
        assert not images & seen
        seen |= images


def test_two_splits_show_the_same_classes():
    train, test = load_family("blood", "train"), load_family("blood", "test")
    means = []
    for made in (train, test):
        # Each image's own brightness is no part of its class, so it is taken out per channel.
        x = made.images.float() - made.images.float().mean((1, 2), keepdim=True)
        means.append(torch.stack([x[made.labels == k].mean(0).flatten() for k in range(8)]))
    assert torch.cdist(means[0], means[1]).argmin(1).tolist() == list(range(8))


def test_loading_twice_gives_equal_images_that_nobody_else_can_edit():
    first = load_family("lung", "val")
    kept = first.images.clone()
    first.images.zero_()
    first.labels.zero_()
    again = load_family("lung", "val")
    assert torch.equal(again.images, kept)
    assert again.labels.any()


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"n_classes": 0}, "n_classes must be at least 1 and finite, got 0"),
        ({"n_per_class": -2}, "n_per_class must be at least 1 and finite, got -2"),
        ({"size": 13}, "size must be at least 14 and finite, got 13"),
        ({"noise": -0.1}, "noise must be at least 0 and finite, got -0.1"),
        ({"noise": float("nan")}, "noise must be at least 0 and finite, got nan"),
        ({"class_distance": -1.0}, "class_distance must be at least 0 and finite, got -1.0"),
        ({"class_distance": float("inf")}, "class_distance must be at least 0 and finite"),
        ({"shift": 1.5}, "shift must be from 0 to 1 and finite, got 1.5"),
        ({"imbalance": -0.5}, "imbalance must be from 0 to 1 and finite, got -0.5"),
    ],
)
def test_a_number_out_of_range_is_named_with_its_limit(knobs, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        drawn("blood", **knobs)


def test_an_unknown_family_gets_the_nearest_name_and_the_list():
    with pytest.raises(ValueError, match=r"'bloud'\. Did you mean 'blood'\? Families: blood"):
        drawn("bloud")
    with pytest.raises(ValueError, match=r"'zzz'\. Families: "):
        load_family("zzz", "train")


def test_an_unknown_split_gets_the_list():
    with pytest.raises(ValueError, match=r"'dev'\. Splits: train, val, test"):
        load_family("blood", "dev")


def test_load_family_refuses_a_size_too_small_to_draw():
    with pytest.raises(ValueError, match="size must be at least 14"):
        load_family("blood", "train", size=8)


@pytest.mark.parametrize("generator", [None, 3])
def test_a_generator_of_the_wrong_type_is_named(generator):
    name = type(generator).__name__
    with pytest.raises(TypeError, match=f"must be a torch.Generator, got {name}"):
        draw("blood", n_classes=2, n_per_class=1, generator=generator)


def test_a_missing_generator_is_an_error():
    with pytest.raises(TypeError, match="generator"):
        draw("blood", n_classes=2, n_per_class=1)


@pytest.mark.parametrize("family", ALL)
def test_a_signature_has_as_many_attributes_as_its_drawer_reads(family):
    style = FAMILIES[family]
    canvas = style.drawer(torch.rand(2, style.n_attributes), size=14, generator=seeded(0))
    assert canvas.shape[0] == 2
    assert canvas.isfinite().all()
    with pytest.raises(ValueError, match="unpack"):
        style.drawer(torch.rand(2, style.n_attributes + 1), size=14, generator=seeded(0))


def test_a_disc_covers_pi_r_squared():
    x, y = pixel_grid(200)
    centre = torch.zeros(1, 1, 1, 1)
    mask = disc(x, y, centre_x=centre, centre_y=centre, radius=centre + 0.5, edge=0.01)
    assert float(mask.mean()) == pytest.approx(torch.pi * 0.25 / 4, rel=0.01)


def test_inside_is_one_half_on_the_line():
    steps = inside(torch.tensor([-1.0, 0.0, 1.0]), edge=0.1)
    torch.testing.assert_close(steps, torch.tensor([1.0, 0.5, 0.0]))


def test_a_moved_frame_has_its_origin_at_the_centre_and_its_x_axis_along_the_angle():
    one = torch.ones(1, 1, 1, 1)
    # The point one unit from (0.2, 0.3) along 30 degrees, in a frame of scale 2: (0.5, 0).
    angle = one * torch.pi / 6
    x, y = moved(
        0.2 + torch.cos(angle),
        0.3 + torch.sin(angle),
        centre_x=0.2 * one,
        centre_y=0.3 * one,
        angle=angle,
        scale=2 * one,
    )
    torch.testing.assert_close((x, y), (0.5 * one, 0 * one), atol=1e-6, rtol=0)


def test_paint_leaves_the_canvas_at_mask_0_and_covers_it_at_mask_1():
    canvas, ink = torch.rand(1, 3, 1, 2), torch.rand(1, 3, 1, 1)
    painted = paint(canvas, ink, torch.tensor([0.0, 1.0])[None, None, None])
    torch.testing.assert_close(painted[..., 0], canvas[..., 0])
    torch.testing.assert_close(painted[..., 1], ink[..., 0])


def test_between_stretches_0_and_1_to_the_ends():
    assert between(torch.tensor([0.0, 1.0]), -2.0, 5.0).flatten().tolist() == [-2.0, 5.0]


def test_waves_have_unit_spread_and_run_along_their_direction():
    x, y = pixel_grid(64)
    one = torch.ones(200, 1, 1, 1)
    waves = plane_waves(
        x,
        y,
        frequency=6 * one,
        direction=0 * one,
        spread=0 * one,
        n_waves=5,
        generator=seeded(0),
    )
    assert float(waves.std()) == pytest.approx(1.0, rel=0.1)
    # Direction 0 points along x: nothing changes along y.
    assert float(waves.diff(dim=2).abs().max()) < 1e-4
    assert float(waves.diff(dim=3).abs().mean()) > 0.1


def test_finer_cells_make_finer_noise():
    coarse, fine = (
        smooth_noise(100, 28, cells=cells, generator=seeded(0)).diff(dim=-1).abs().mean()
        for cells in (3, 12)
    )
    assert 2 * coarse < fine


def test_a_trained_prototypical_network_beats_raw_pixels_on_held_out_classes():
    made = drawn("blood", n_classes=16, n_per_class=30)
    model = conv4(3, width=16)
    params = initial_params(model, generator=seeded(0))
    learned = {name: p.clone().requires_grad_() for name, p in params.items()}
    optimiser = torch.optim.Adam(learned.values(), lr=3e-3)
    settings = {"n_way": 5, "k_shot": 5, "n_query": 10}
    generator = seeded(1)
    for _ in range(50):
        episode = sample_episode(
            made.images, made.labels, classes=range(10), generator=generator, **settings
        )
        loss = F.cross_entropy(episode_logits(model, learned, episode), episode.query_y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    correct = {"network": 0.0, "pixels": 0.0}
    for _ in range(30):
        episode = sample_episode(
            made.images, made.labels, classes=range(10, 16), generator=generator, **settings
        )
        with torch.no_grad():
            guess = episode_logits(model, learned, episode).argmax(1)
        correct["network"] += float((guess == episode.query_y).float().mean()) / 30
        centroids = torch.stack(
            [episode.support_x[episode.support_y == k].flatten(1).mean(0) for k in range(5)]
        )
        guess = torch.cdist(episode.query_x.flatten(1), centroids).argmin(1)
        correct["pixels"] += float((guess == episode.query_y).float().mean()) / 30
    # 1,500 queries: a standard error of 0.013 at most on each side.
    assert correct["network"] > correct["pixels"] + 0.12, correct
