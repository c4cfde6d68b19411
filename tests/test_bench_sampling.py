"""Every sampler draws episodes, and what is none is told."""

import numpy as np
import pytest
import torch
from PIL import Image

from medmeta_ref.bench import sampling
from medmeta_ref.bench.episode_source import (
    MedMNISTStyle,
    ReadyTensors,
    SamplingSetting,
    faults,
    make_images,
)
from medmeta_ref.bench.peers import load_peer

SETTING = SamplingSetting(k_shot=2, n_way=3, n_query=4, n_images=60, n_classes=5)
IMAGES = make_images(SETTING)


@pytest.mark.parametrize("name", sampling.names())
def test_every_sampler_draws_episodes_that_differ(name):
    library = name.removesuffix(sampling.MEDMNIST_STYLE)
    if library in sampling.LIBRARY_DESIGNS and load_peer(library).module is None:
        pytest.skip(f"{library} cannot be used: {load_peer(library).error}")
    draw = sampling.build(name, SETTING, IMAGES)
    episodes = [draw() for _ in range(5)]
    assert [faults(episode, SETTING, IMAGES) for episode in episodes] == [[]] * 5
    assert not torch.equal(episodes[0].query_x, episodes[1].query_x)
    assert episodes[0].query_x.dtype == torch.float32


def test_a_library_that_is_missing_is_an_error(monkeypatch):
    peer = load_peer("easyfsl")._replace(module=None, error="ImportError: gone")
    monkeypatch.setattr(sampling, "load_peer", lambda name: peer)
    with pytest.raises(RuntimeError, match="ImportError: gone"):
        sampling.build("easyfsl", SETTING, IMAGES)


def test_both_datasets_hold_the_same_images_scaled_alike():
    ready, slow = ReadyTensors(IMAGES), MedMNISTStyle(IMAGES)
    assert len(ready) == len(slow) == 60
    for i in (0, 17, 59):
        by_hand = np.asarray(Image.fromarray(IMAGES.pixels[i]), dtype=np.float64)
        expected = torch.from_numpy((by_hand / 255 - 0.5) / 0.5).permute(2, 0, 1)
        for x, y in (ready[i], slow[i]):
            assert torch.allclose(x.double(), expected, atol=1e-6)
            assert x.shape == (3, 28, 28)
            assert y == i % 5
    assert ready.get_labels() == slow.get_labels() == [i % 5 for i in range(60)]


# What is told.


def twice(e):
    return e._replace(query_x=torch.cat([e.query_x[:1], e.query_x[:-1]]))


def shared(e):
    return e._replace(query_x=torch.cat([e.support_x[:1], e.query_x[1:]]))


def mixed_up(e):
    return e._replace(query_y=e.query_y.roll(1))


def slots_apart(e):
    return e._replace(query_y=(e.query_y + 1) % 3)


def all_one_slot(e):
    return e._replace(support_y=torch.zeros_like(e.support_y))


def changed_pixels(e):
    return e._replace(support_x=e.support_x.flip(-1))


def unscaled(e):
    return e._replace(query_x=(e.query_x + 1) / 2)


def one_short(e):
    return e._replace(support_x=e.support_x[:-1], support_y=e.support_y[:-1])


WRONG = {
    twice: "twice",
    shared: "twice",
    mixed_up: "one to one",
    slots_apart: "one to one",
    all_one_slot: "support slots",
    changed_pixels: "none of those",
    unscaled: "none of those",
    one_short: "support slots",
}


@pytest.mark.parametrize(("wrong", "said"), WRONG.items(), ids=lambda x: getattr(x, "__name__", ""))
def test_what_is_no_episode_is_told(wrong, said):
    episode = sampling.build("ours", SETTING, IMAGES)()
    assert any(said in fault for fault in faults(wrong(episode), SETTING, IMAGES))
