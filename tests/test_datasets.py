"""What `load` and its sisters promise, on small files made here in MedMNIST's layout.

The official files are used where `MEDMNIST_ROOT` holds them; those tests are marked slow.
"""

import hashlib
import os
import socket
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from medmeta_ref import datasets, npz_cache
from medmeta_ref.datasets import CacheWarning, DataError, fetch, load, load_or_synthetic, names
from medmeta_ref.medmnist_files import info
from medmeta_ref.synthetic import load_family

REAL_ROOT = os.environ.get("MEDMNIST_ROOT")  # read before the fixture below hides it
COUNTS = {"train": 12, "val": 5, "test": 7}


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Keep the tests out of the user's folders."""
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    monkeypatch.setenv("MEDMETA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MEDMNIST_ROOT", str(tmp_path / "data"))
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(variable, "127.0.0.1")


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def layout(name: str, size: int = 28) -> dict[str, np.ndarray]:
    """Return random arrays in the layout that MedMNIST documents, with every class in each split.

    The shapes are written out here by kind of set, not taken from the code under test.
    """
    rng = np.random.default_rng(0)
    arrays = {}
    for split, n in COUNTS.items():
        if name.endswith("3d"):
            shape = (n, size, size, size)
        elif name in ("pathmnist", "dermamnist", "retinamnist", "bloodmnist"):
            shape = (n, size, size, 3)
        else:
            shape = (n, size, size)
        arrays[f"{split}_images"] = rng.integers(0, 256, shape, dtype=np.uint8)
        n_classes = len(info()[name]["label"])
        if name == "chestmnist":
            arrays[f"{split}_labels"] = rng.integers(0, 2, (n, 14), dtype=np.uint8)
        else:
            arrays[f"{split}_labels"] = (np.arange(n, dtype=np.uint8) % n_classes)[:, None]
    return arrays


def write(folder: Path, name: str, size: int = 28, **changed) -> Path:
    """Write a file in MedMNIST's layout; an array given as None is left out."""
    arrays = {**layout(name, size), **changed}
    path = folder / (f"{name}.npz" if size == 28 else f"{name}_{size}.npz")
    np.savez(path, **{key: array for key, array in arrays.items() if array is not None})
    return path


def declare_official(monkeypatch, name: str, path: Path) -> None:
    """Make the file at `path` count as the official one for the length of a test."""
    monkeypatch.setitem(info()[name], "MD5", hashlib.md5(path.read_bytes()).hexdigest())


def refuse(*args, **kwargs):
    raise RuntimeError("this should not have been called")


MEDMNIST = [name for name in names() if not name.startswith("synthetic-")]


# What comes back.


@pytest.mark.parametrize("name", MEDMNIST)
@pytest.mark.parametrize("split", COUNTS)
def test_every_set_gives_the_numbers_of_its_file(data, name, split):
    write(data, name)
    image_set = load(name, split, verify=False)
    written = layout(name)
    assert image_set.images.dtype == torch.uint8
    assert image_set.labels.dtype == torch.int64
    np.testing.assert_array_equal(image_set.images.numpy(), written[f"{split}_images"])
    expected = written[f"{split}_labels"]
    expected = expected if name == "chestmnist" else expected[:, 0]
    np.testing.assert_array_equal(image_set.labels.numpy(), expected)


@pytest.mark.parametrize(("name", "size"), [("bloodmnist", 224), ("nodulemnist3d", 64)])
def test_larger_sizes_have_files_of_their_own(data, name, size):
    write(data, name, size)
    image_set = load(name, "test", size=size, verify=False)
    assert image_set.images.shape[1:3] == (size, size)
    assert f"at {size} pixels" in image_set.source


def test_class_names_stand_in_label_order(data):
    write(data, "organamnist")
    class_names = load("organamnist", "val", verify=False).class_names
    assert class_names[0] == "bladder"
    assert class_names[3] == "heart"
    assert class_names[10] == "spleen"  # an order by text would put "10" after "1"


def test_licence_and_citation_travel_with_the_images(data):
    write(data, "chestmnist")
    image_set = load("chestmnist", "val", verify=False)
    assert image_set.licence == "CC BY 4.0"
    assert "Scientific Data 10, 41 (2023)" in image_set.citation


def test_non_commercial_licence_is_printed_whenever_it_is_loaded(data, capsys):
    write(data, "dermamnist")
    for _ in range(2):
        load("dermamnist", "val", verify=False)
        printed = capsys.readouterr().out
        assert "CC BY-NC 4.0" in printed
        assert printed.count("\n") == 1


def test_other_sets_print_nothing(data, capsys):
    write(data, "bloodmnist")
    load("bloodmnist", "val", verify=False)
    assert capsys.readouterr().out == ""


def test_root_wins_over_the_variable(data, tmp_path, monkeypatch):
    write(data, "bloodmnist")
    monkeypatch.setenv("MEDMNIST_ROOT", str(tmp_path / "elsewhere"))
    assert len(load("bloodmnist", "val", root=data, verify=False).images) == COUNTS["val"]


def test_changing_images_changes_nothing_for_the_next_load(data):
    write(data, "bloodmnist")
    load("bloodmnist", "val", verify=False).images.zero_()
    images = load("bloodmnist", "val", verify=False).images
    np.testing.assert_array_equal(images.numpy(), layout("bloodmnist")["val_images"])


# Official or not.


def test_verified_file_says_so(data, monkeypatch):
    declare_official(monkeypatch, "bloodmnist", write(data, "bloodmnist"))
    source = load("bloodmnist", "train").source
    assert source == "BloodMNIST (official file, MD5 verified)"


def test_other_file_is_refused_by_default_and_named_unverified_on_request(data):
    write(data, "bloodmnist")
    with pytest.raises(DataError, match=r"not the official bloodmnist\.npz: its MD5 is"):
        load("bloodmnist", "train")
    source = load("bloodmnist", "train", verify=False).source
    assert source == "BloodMNIST (bloodmnist.npz, MD5 not verified)"


def test_second_load_opens_no_archive_and_computes_no_md5(data, monkeypatch):
    declare_official(monkeypatch, "bloodmnist", write(data, "bloodmnist"))
    first = load("bloodmnist", "train")
    monkeypatch.setattr(zipfile, "ZipFile", refuse)
    monkeypatch.setattr(npz_cache, "compute_md5", refuse)
    second = load("bloodmnist", "train")
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.labels, second.labels)


def test_without_a_cache_the_warning_points_at_the_line_that_loads(data, monkeypatch):
    write(data, "bloodmnist")
    monkeypatch.setenv("MEDMETA_CACHE", str(Path(__file__) / "cache"))
    with pytest.warns(CacheWarning, match="MEDMETA_CACHE") as caught:
        image_set = load("bloodmnist", "val", verify=False)
    assert caught[0].filename == __file__
    assert len(image_set.images) == COUNTS["val"]


def test_verify_reads_the_file_whatever_was_remembered(data, monkeypatch):
    path = write(data, "bloodmnist")
    declare_official(monkeypatch, "bloodmnist", path)
    assert datasets.verify("bloodmnist") == path
    stat = path.stat()
    load("bloodmnist", "val")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(DataError, match="not the official"):
        datasets.verify("bloodmnist")


def test_verify_of_a_missing_file_says_how_to_get_it(data):
    with pytest.raises(DataError, match="medmeta data fetch bloodmnist --size 64"):
        datasets.verify("bloodmnist", size=64)


# Fetching.


def test_fetch_leaves_a_file_that_is_there_alone(data, monkeypatch):
    path = write(data, "bloodmnist")
    content = path.read_bytes()
    monkeypatch.setattr(datasets, "download", refuse)
    with pytest.raises(DataError, match="not the official"):
        fetch("bloodmnist")
    assert path.read_bytes() == content
    declare_official(monkeypatch, "bloodmnist", path)
    assert fetch("bloodmnist") == path


def test_load_fetches_a_missing_file(data, tmp_path, monkeypatch):
    (tmp_path / "server").mkdir()
    kept = write(tmp_path / "server", "bloodmnist")
    declare_official(monkeypatch, "bloodmnist", kept)
    monkeypatch.setattr(
        datasets, "download", lambda file, folder: kept.rename(folder / file.filename)
    )
    assert "MD5 verified" in load("bloodmnist", "train").source


def test_without_file_and_network_load_says_what_to_put_where(data, monkeypatch):
    with socket.socket() as closed:  # bound but not listening: nobody answers on this port
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/records/1/files/bloodmnist.npz"
        monkeypatch.setitem(info()["bloodmnist"], "url", url)
        with pytest.raises(DataError, match=f"bloodmnist.npz from .* and put it into {data}"):
            load("bloodmnist", "train")


# Synthetic stand-ins.


def test_names_are_the_18_sets_of_the_medmnist_package_and_six_families():
    assert set(MEDMNIST) == set(info())
    families = {name.removeprefix("synthetic-") for name in set(names()) - set(MEDMNIST)}
    assert families == {"blood", "organ", "lung", "tissue", "retina", "adrenal"}


def test_synthetic_names_give_the_family(data):
    assert torch.equal(load("synthetic-blood", "val").images, load_family("blood", "val").images)


def test_stand_in_is_announced_in_one_line_and_nothing_is_downloaded(data, monkeypatch, capsys):
    monkeypatch.setattr(datasets, "download", refuse)
    image_set = load_or_synthetic("bloodmnist", "val")
    assert "no medical data" in image_set.source
    assert capsys.readouterr().out == (
        f"bloodmnist.npz is not in {data}: using synthetic-blood, drawn by this project and no "
        "medical data. The real one: medmeta data fetch bloodmnist\n"
    )


def test_real_file_is_preferred_without_a_word(data, monkeypatch, capsys):
    declare_official(monkeypatch, "bloodmnist", write(data, "bloodmnist"))
    assert "MD5 verified" in load_or_synthetic("bloodmnist", "val").source
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", MEDMNIST)
def test_volumes_stand_in_for_volumes_and_flat_images_for_flat_ones(data, monkeypatch, name):
    asked = []
    monkeypatch.setattr(
        "medmeta_ref.synthetic.load_family",
        lambda family, split, *, size: asked.append((family, split, size)),
    )
    load_or_synthetic(name, "test", size=64)
    [(family, split, size)] = asked
    assert (family == "adrenal") == name.endswith("3d")
    assert (split, size) == ("test", 64)


def test_the_stand_in_for_volumes_is_made_of_volumes(data):
    assert load_or_synthetic("nodulemnist3d", "val").images.shape[1:] == (28, 28, 28)


# Wrong arguments.


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [("bloodmist", "bloodmnist"), ("BloodMNIST", "bloodmnist"), ("synthetic-bloo", "synthetic-b")],
)
@pytest.mark.parametrize("function", [load, load_or_synthetic])
def test_unknown_name_gets_the_nearest_one_and_how_to_list(wrong, nearest, function):
    with pytest.raises(ValueError, match=f"{wrong}.*Did you mean '{nearest}.*names\\(\\) lists"):
        function(wrong, "train")


def test_only_official_files_are_fetched_and_verified():
    for function in (fetch, datasets.verify):
        with pytest.raises(ValueError, match="There is no MedMNIST set 'synthetic-blood'"):
            function("synthetic-blood")


@pytest.mark.parametrize("function", [load, load_or_synthetic])
def test_unknown_split_gets_the_three_that_exist(function, capsys):
    with pytest.raises(ValueError, match=r"no split 'trian'. Did you mean 'train'.*val \| test"):
        function("bloodmnist", "trian")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("function", [load, load_or_synthetic])
def test_size_that_is_not_offered_names_those_that_are(function):
    with pytest.raises(ValueError, match=r"nodulemnist3d is not offered at size=128.*28, 64"):
        function("nodulemnist3d", "train", size=128)


# Files that are not what they should be.


def broken(data, name="bloodmnist", **changed) -> str:
    """Return the message of `load` for a file with these arrays changed."""
    write(data, name, **changed)
    with pytest.raises(DataError) as caught:
        load(name, "train", verify=False)
    return str(caught.value)


def test_truncated_file_says_fetch_it_again(data):
    path = write(data, "bloodmnist")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match="cut short"):
        load("bloodmnist", "train", verify=False)


def test_missing_key_is_named_with_those_present(data):
    message = broken(data, train_labels=None)
    assert "no array 'train_labels'" in message
    assert "test_images, test_labels, train_images, val_images, val_labels" in message


@pytest.mark.parametrize("shape", [(12, 28, 28), (12, 3, 28, 28), (12, 64, 64, 3), (0, 28, 28, 3)])
def test_wrong_shape_names_both_shapes(data, shape):
    message = broken(data, train_images=np.zeros(shape, np.uint8))
    assert f"train_images has shape {list(shape)}" in message
    assert "needs [n, 28, 28, 3] with n > 0" in message


def test_flat_labels_are_refused_with_the_shape_they_need(data):
    message = broken(data, train_labels=np.zeros(12, np.uint8))
    assert "train_labels has shape [12], but needs [n, 1]" in message


def test_multi_label_set_needs_a_column_per_label(data):
    message = broken(data, "chestmnist", train_labels=np.zeros((12, 1), np.uint8))
    assert "needs [n, 14]" in message


@pytest.mark.parametrize(
    ("key", "shape", "needed"),
    [("train_images", (12, 28, 28, 3), "uint8"), ("train_labels", (12, 1), "integer")],
)
def test_wrong_dtype_names_both_dtypes(data, key, shape, needed):
    message = broken(data, **{key: np.zeros(shape, np.float32)})
    assert f"{key} has dtype float32, but needs {needed}" in message


def test_object_array_is_refused_and_why(data):
    message = broken(data, train_labels=np.array([[{}]] * 12, dtype=object))
    assert "pickle" in message
    assert "run any code" in message


@pytest.mark.parametrize("value", [-1, 8, 255])
def test_label_out_of_range_is_named_with_its_place_and_the_limit(data, value):
    labels = np.zeros((12, 1), np.int64)
    labels[5] = value
    message = broken(data, train_labels=labels)
    assert f"train_labels[5, 0] is {value}, but labels go from 0 to 7" in message


def test_multi_labels_are_0_or_1(data):
    labels = np.zeros((12, 14), np.uint8)
    labels[3, 9] = 2
    message = broken(data, "chestmnist", train_labels=labels)
    assert "train_labels[3, 9] is 2, but labels go from 0 to 1" in message


def test_image_and_label_counts_are_both_named(data):
    message = broken(data, train_labels=np.zeros((11, 1), np.uint8))
    assert "12 images but 11 labels in the train split" in message


# The official files. Counts as published with MedMNIST v2; per class as counted independently.

REAL_COUNTS = {
    "bloodmnist": (11_959, 1_712, 3_421),
    "organamnist": (34_561, 6_491, 17_778),
    "pneumoniamnist": (4_708, 524, 624),
    "breastmnist": (546, 78, 156),
    "adrenalmnist3d": (1_188, 98, 298),
}


def real(name: str, split: str):
    """Return one split of an official file, or skip the test where there is none."""
    if not REAL_ROOT or not (Path(REAL_ROOT) / f"{name}.npz").is_file():
        pytest.skip(f"needs the official {name}.npz in the folder MEDMNIST_ROOT")
    return load(name, split, root=REAL_ROOT)


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL_COUNTS)
def test_official_files_have_the_published_counts(name):
    sets = [real(name, split) for split in ("train", "val", "test")]
    assert tuple(len(image_set.images) for image_set in sets) == REAL_COUNTS[name]
    assert all("official file, MD5 verified" in image_set.source for image_set in sets)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "split", "per_class"),
    [
        ("bloodmnist", "train", [852, 2181, 1085, 2026, 849, 993, 2330, 1643]),
        ("bloodmnist", "test", [244, 624, 311, 579, 243, 284, 666, 470]),
        ("breastmnist", "train", [147, 399]),
        ("breastmnist", "val", [21, 57]),
        ("breastmnist", "test", [42, 114]),
        (
            "organamnist",
            "train",
            [1956, 1390, 1357, 1474, 3963, 3817, 6164, 3919, 3929, 3031, 3561],
        ),
        ("organamnist", "test", [1036, 784, 793, 785, 2064, 1965, 3285, 1747, 1813, 1622, 1884]),
    ],
)
def test_official_files_have_the_known_counts_per_class(name, split, per_class):
    assert real(name, split).labels.bincount().tolist() == per_class
