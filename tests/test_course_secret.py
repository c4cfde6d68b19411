"""The course's secret is made once, kept from others, and never guessed around."""

import os
import re
import stat

import pytest

from medmeta_ref.grading.course_secret import SecretError, course_secret, fingerprint, secret_file


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("MEDMETA_SECRET", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))


def test_first_use_makes_a_secret_that_only_its_owner_reads():
    secret = course_secret()
    assert re.fullmatch(rb"[0-9a-f]{64}", secret)
    assert stat.S_IMODE(secret_file().stat().st_mode) == 0o600
    assert [path.name for path in secret_file().parent.iterdir()] == ["course_secret"]


def test_second_use_finds_the_same(tmp_path, monkeypatch):
    secret = course_secret()
    assert course_secret() == secret
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "others"))
    assert course_secret() != secret


def test_variable_comes_before_the_file(monkeypatch):
    monkeypatch.setenv("MEDMETA_SECRET", "sixteen letters!")
    assert course_secret() == b"sixteen letters!"
    assert not secret_file().exists()


@pytest.mark.parametrize("value", ["", "fifteen letters"])
def test_short_secret_is_refused_with_the_way_to_a_longer_one(value, monkeypatch):
    monkeypatch.setenv("MEDMETA_SECRET", value)
    with pytest.raises(SecretError, match=rf"MEDMETA_SECRET holds {len(value)} bytes, 16 are"):
        course_secret()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_file_that_others_may_read_is_refused(mode):
    course_secret()
    secret_file().chmod(mode)
    with pytest.raises(SecretError, match=f"mode {mode:o}.*chmod 600"):
        course_secret()


def test_folder_that_cannot_be_made_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(SecretError, match="Set MEDMETA_SECRET"):
        course_secret()


def test_of_two_that_make_one_at_once_both_get_the_same(monkeypatch):
    real = os.link

    def late(source, target):
        target.write_text("0" * 64)
        target.chmod(0o600)
        real(source, target)

    monkeypatch.setattr(os, "link", late)
    assert course_secret() == b"0" * 64


def test_fingerprint_tells_secrets_apart_and_nothing_else():
    assert fingerprint(b"a" * 16) != fingerprint(b"b" * 16)
    assert "a" * 16 not in fingerprint(b"a" * 16)
