"""What episodes are drawn from, and whether an episode is one.

MedMNIST's own dataset class makes a PIL image of every picture asked for, and torchvision's
transforms turn it into a tensor and normalise it: that is what users put under a sampler.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from medmeta_ref.episodes import Episode
from medmeta_ref.pixels import as_float


class SamplingSetting(NamedTuple):
    """One configuration: how large the episodes are, and what they are drawn from."""

    k_shot: int
    n_way: int = 5
    n_query: int = 15
    n_images: int = 12_000
    n_classes: int = 8
    threads: int = 1


class Images(NamedTuple):
    """Random colour images, no two alike: `[n, 28, 28, 3]` uint8, and their classes `[n]`."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]


class ReadyTensors(Dataset[tuple[Tensor, int]]):
    """Images scaled to [-1, 1] beforehand."""

    def __init__(self, images: Images) -> None:
        self.x = as_float(torch.from_numpy(images.pixels)).contiguous()
        self.labels: list[int] = images.labels.tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, item: int) -> tuple[Tensor, int]:
        return self.x[item], self.labels[item]

    def get_labels(self) -> list[int]:
        """Return the class of every image, as easyfsl asks for them."""
        return self.labels


class MedMNISTStyle(ReadyTensors):
    """Each image made anew by way of PIL, as MedMNIST with ToTensor and Normalize does."""

    def __init__(self, images: Images) -> None:
        self.pixels = images.pixels
        self.labels = images.labels.tolist()

    def __getitem__(self, item: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self.pixels[item])
        x = torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()  # ToTensor
        x = x.to(torch.float32).div(255)
        mean, std = (torch.as_tensor([0.5] * 3).view(-1, 1, 1) for _ in range(2))  # Normalize
        return x.clone().sub_(mean).div_(std), self.labels[item]


def make_images(setting: SamplingSetting) -> Images:
    """Return the images of a configuration, the same at every call."""
    generator = torch.Generator().manual_seed(0)
    size = (setting.n_images, 28, 28, 3)
    pixels = torch.randint(256, size, generator=generator, dtype=torch.uint8)
    return Images(pixels.numpy(), np.arange(setting.n_images) % setting.n_classes)


def faults(episode: Episode, setting: SamplingSetting, images: Images) -> list[str]:
    """Return what is wrong with an episode, found by looking up each of its images by its pixels.

    Sizes, one slot for each class, no image twice, and every image in the slot of its class.
    """
    position = {picture.tobytes(): i for i, picture in enumerate(images.pixels)}
    found, slots = [], []
    sides = (
        ("support", episode.support_x, episode.support_y, setting.k_shot),
        ("query", episode.query_x, episode.query_y, setting.n_query),
    )
    taken: list[int] = []
    for side, x, y, n in sides:
        if Counter(y.tolist()) != dict.fromkeys(range(setting.n_way), n):
            found.append(f"{side} slots are {dict(Counter(y.tolist()))}, not {n} of each")
        bytes_of = ((x + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        here = [position.get(picture.tobytes(), -1) for picture in bytes_of]
        taken += here
        slots += [(slot, int(images.labels[i])) for slot, i in zip(y.tolist(), here, strict=True)]
    if -1 in taken:
        found.append("an image is none of those to draw from")
    if len(set(taken)) < len(taken):
        found.append("an image is in it twice")
    if not len(set(slots)) == len({c for _, c in slots}) == setting.n_way:
        found.append("slots and classes do not match one to one")
    return found
