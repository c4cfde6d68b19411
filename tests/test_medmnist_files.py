"""Which official files there are, where they are looked for, and what a bad network does."""

import errno
import hashlib
import http.server
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pooch
import pytest

from medmeta_ref import npz_cache
from medmeta_ref.medmnist_files import (
    STALE_SECONDS,
    OfficialFile,
    check_md5,
    data_folder,
    download,
    info,
    official_file,
    sizes,
)
from medmeta_ref.npz_cache import DataError

CONTENT = bytes(range(256)) * 4000


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Keep the tests out of the user's folders, and their requests away from any proxy."""
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    monkeypatch.setenv("MEDMETA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MEDMNIST_ROOT", raising=False)
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(variable, "127.0.0.1")


class Answers(http.server.BaseHTTPRequestHandler):
    """Gives the next of the server's `answers`: what it promises to send, and what it sends."""

    def do_GET(self):
        status, promised, sent = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(promised))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *args):
        pass


WHOLE = (200, len(CONTENT), CONTENT)
CUT = (200, len(CONTENT), CONTENT[:5000])
OTHER = (200, 5, b"<html")
ABSENT = (404, 0, b"")


@pytest.fixture
def server():
    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        server.answers = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def toy_file(port: int) -> OfficialFile:
    url = f"http://127.0.0.1:{port}/records/1/files/toymnist.npz?download=1"
    return OfficialFile("toymnist", "toymnist.npz", url, hashlib.md5(CONTENT).hexdigest())


@pytest.fixture
def toy(server) -> OfficialFile:
    return toy_file(server.server_port)


# What there is.


def test_there_are_18_sets_12_flat_and_6_solid():
    assert len(info()) == 18
    assert sum(name.endswith("3d") for name in info()) == 6


def test_every_set_has_an_address_and_an_md5_in_every_size():
    for name in info():
        offered = (28, 64) if name.endswith("3d") else (28, 64, 128, 224)
        assert sizes(name) == offered
        for size in offered:
            file = official_file(name, size)
            assert file.url.startswith("https://")
            assert f"/{file.filename}" in file.url
            assert len(bytes.fromhex(file.md5)) == 16


def test_no_two_files_share_an_md5():
    files = [official_file(name, size) for name in info() for size in sizes(name)]
    assert len({file.md5 for file in files}) == len(files) == 12 * 4 + 6 * 2


def test_size_not_offered_names_those_that_are():
    with pytest.raises(ValueError, match=r"adrenalmnist3d is not offered at size=224.*28, 64"):
        official_file("adrenalmnist3d", 224)


def test_facts_are_read_without_importing_medmnist(tmp_path):
    code = (
        "import sys, pathlib, medmeta_ref.medmnist_files as files\n"
        "assert not (pathlib.Path.home() / '.medmnist').exists()\n"
        "assert len(files.info()) == 18\n"
        "assert not {'medmnist', 'torchvision', 'torch'} & set(sys.modules)"
    )
    (tmp_path / "home").mkdir()
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_absent_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install medmnist"):
        info.__wrapped__()


# Where they lie.


def test_root_comes_before_the_variable_and_the_variable_before_home(tmp_path, monkeypatch):
    assert data_folder(None) == tmp_path / "home" / ".medmnist"
    monkeypatch.setenv("MEDMNIST_ROOT", "")
    assert data_folder(None) == tmp_path / "home" / ".medmnist"
    monkeypatch.setenv("MEDMNIST_ROOT", str(tmp_path / "variable"))
    assert data_folder(None) == tmp_path / "variable"
    assert data_folder(tmp_path / "root") == tmp_path / "root"


def test_tilde_means_home(tmp_path):
    assert data_folder("~/data") == tmp_path / "home" / "data"


# Verifying.


def test_wrong_md5_names_both_and_the_way_out(tmp_path, toy):
    path = tmp_path / "toymnist.npz"
    path.write_bytes(b"abc")
    with pytest.raises(DataError, match="is not the official") as caught:
        check_md5(toy, path)
    message = str(caught.value)
    assert "900150983cd24fb0d6963f7d28e17f72" in message
    assert toy.md5 in message
    assert "3 bytes" in message
    assert "delete it and fetch it again" in message
    assert "verify=False" in message


def test_checking_afresh_does_not_trust_what_is_remembered(tmp_path, toy):
    path = tmp_path / "toymnist.npz"
    path.write_bytes(CONTENT)
    stat = path.stat()
    check_md5(toy, path)
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # hides the change
    check_md5(toy, path)
    with pytest.raises(DataError, match="not the official"):
        check_md5(toy, path, afresh=True)


# Downloading.


def unfinished(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def test_download_brings_the_file_and_nothing_else(tmp_path, server, toy, monkeypatch):
    server.answers = [WHOLE]
    folder = tmp_path / "new" / "folder"
    path = download(toy, folder)
    assert path.read_bytes() == CONTENT
    assert list(folder.iterdir()) == [folder / "toymnist.npz"]
    monkeypatch.setattr(npz_cache, "compute_md5", lambda path: pytest.fail("verified twice"))
    check_md5(toy, path)


def test_download_shows_a_progress_bar(tmp_path, server, toy, capsys):
    server.answers = [WHOLE]
    download(toy, tmp_path / "data")
    assert "100%" in capsys.readouterr().err


def test_downloaded_file_is_readable_by_all(tmp_path, server, toy):
    server.answers = [WHOLE]
    assert download(toy, tmp_path / "data").stat().st_mode & 0o444 == 0o444


def test_broken_connection_leaves_no_file_and_the_second_try_succeeds(tmp_path, server, toy):
    server.answers = [CUT, WHOLE]
    with pytest.raises(DataError, match=r"toymnist.npz cannot be downloaded.*run it again"):
        download(toy, tmp_path / "data")
    assert unfinished(tmp_path / "data") == []
    assert download(toy, tmp_path / "data").read_bytes() == CONTENT


def test_another_file_from_the_server_is_thrown_away(tmp_path, server, toy):
    server.answers = [OTHER]
    with pytest.raises(DataError, match=r"not the official toymnist.npz.*thrown away") as caught:
        download(toy, tmp_path / "data")
    assert toy.md5 in str(caught.value)
    assert hashlib.md5(b"<html").hexdigest() in str(caught.value)
    assert unfinished(tmp_path / "data") == []


def test_absent_page_gives_the_answer_of_the_server(tmp_path, server, toy):
    server.answers = [ABSENT]
    with pytest.raises(DataError, match=r"127.0.0.1.* answered: 404"):
        download(toy, tmp_path / "data")


def test_what_a_killed_download_left_is_not_trusted(tmp_path, server, toy):
    server.answers = [WHOLE]
    waiting = tmp_path / "data" / ".toymnist.npz.part"
    waiting.mkdir(parents=True)
    (waiting / "toymnist.npz").write_bytes(CONTENT[:5000])
    (waiting / "old").write_bytes(CONTENT[:5000])
    (waiting / "running").write_bytes(CONTENT[:5000])
    long_ago = time.time() - 2 * STALE_SECONDS
    os.utime(waiting / "old", (long_ago, long_ago))
    assert download(toy, tmp_path / "data").read_bytes() == CONTENT
    # The fresh one may belong to a download that runs now.
    assert [path.name for path in waiting.iterdir()] == ["running"]


def test_without_network_the_message_says_how_to_bring_the_file_by_hand(tmp_path):
    with socket.socket() as closed:  # bound but not listening: nobody answers on this port
        closed.bind(("127.0.0.1", 0))
        toy = toy_file(closed.getsockname()[1])
        with pytest.raises(DataError, match=r"no connection to 127.0.0.1") as caught:
            download(toy, tmp_path / "data")
    message = str(caught.value)
    assert f"download toymnist.npz from {toy.url.split('/files')[0]} " in message
    assert f"put it into {tmp_path / 'data'}" in message
    assert unfinished(tmp_path / "data") == []


# Folders that cannot be written. Root may write everywhere, but not under a regular file.


def test_folder_that_cannot_be_made_is_named(tmp_path, toy):
    (tmp_path / "a_file").touch()
    with pytest.raises(DataError, match=r"a_file.data: Not a directory.*root= or MEDMNIST_ROOT"):
        download(toy, tmp_path / "a_file" / "data")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_disk_that_refuses_is_named_with_its_reason(tmp_path, toy, monkeypatch, number):
    def refuse(self, url, output_file, pooch):
        Path(output_file).write_bytes(b"the first bytes still fit")
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", refuse)
    with pytest.raises(DataError, match=f"cannot be written.*{os.strerror(number)}.*free space"):
        download(toy, tmp_path / "data")
    assert unfinished(tmp_path / "data") == []


def test_a_limit_that_the_system_enforces_leaves_nothing_behind(tmp_path, server, toy):
    resource = pytest.importorskip("resource", reason="limits of file size are a POSIX matter")
    server.answers = [WHOLE]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CONTENT) // 2, hard))
    try:
        with pytest.raises(DataError, match=r"cannot be written.*File too large"):
            download(toy, tmp_path / "data")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert unfinished(tmp_path / "data") == []
