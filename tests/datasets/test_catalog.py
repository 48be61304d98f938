"""The catalogue: entries are complete, files are checked, missing ones say what to do."""

import dataclasses
import hashlib
import re
import zipfile

import pytest

from minigpt.datasets import catalog
from minigpt.datasets.catalog import CATALOG, open_text


@pytest.mark.parametrize("name", CATALOG)
def test_every_entry_says_what_it_is_and_under_which_licence(name):
    entry = CATALOG[name]
    assert entry.what
    assert entry.licence
    assert entry.files or entry.to_text
    for file in entry.files:
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert re.fullmatch(r"[0-9a-f]{40}", file.commit) or not file.repository
        assert file.url.isascii()


@pytest.mark.parametrize("name", [name for name, entry in CATALOG.items() if not entry.files])
def test_embedded_texts_need_nothing(name, monkeypatch):
    monkeypatch.delenv("MINIGPT_DATA", raising=False)
    source = open_text(name)
    assert source.n_bytes > 400_000
    assert len("".join(source.pieces()).encode()) == source.n_bytes


@pytest.mark.parametrize("name", [name for name, entry in CATALOG.items() if entry.files])
def test_the_real_files_are_those_of_the_catalogue(name, real_data):
    paths = catalog.locate(name)
    for path, file in zip(paths, CATALOG[name].files):
        assert path == real_data / file.path
    if CATALOG[name].to_text:
        text = "".join(open_text(name).pieces())
        assert len(text) > 20_000
        assert "<|endoftext|>" not in text


def test_a_file_with_another_hash_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGPT_DATA", str(tmp_path))
    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "names.txt").write_text("emma\n")
    with pytest.raises(ValueError, match=r"names\.txt is not the file it should be"):
        catalog.locate("names")


def test_a_missing_file_is_fetched_and_checked(tmp_path, monkeypatch):
    fetched = []

    def retrieve(url, known_hash, fname, path):
        fetched.append((url, known_hash))
        path.mkdir(parents=True, exist_ok=True)
        (path / fname).write_text("emma\nolivia\n")
        return str(path / fname)

    monkeypatch.delenv("MINIGPT_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / name)
    monkeypatch.setattr("pooch.retrieve", retrieve)
    assert "".join(open_text("names").pieces()) == "emma\nolivia\n"
    ((url, known_hash),) = fetched
    assert url.startswith("https://")
    assert url.endswith("/names.txt")
    assert known_hash == "sha256:" + CATALOG["names"].files[0].sha256


def test_a_download_with_a_wrong_hash_says_what_to_do(tmp_path, monkeypatch):
    """Pooch itself compares the hash, here of a file served from this disk."""
    source = tmp_path / "names.txt"
    source.write_text("not the names")
    monkeypatch.delenv("MINIGPT_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache")
    monkeypatch.setattr(catalog.RemoteFile, "url", property(lambda self: source.as_uri()))
    monkeypatch.setattr("pooch.core.choose_downloader", lambda url, **_: copy)
    with pytest.raises(ValueError, match=r"cannot fetch .* hash") as caught:
        catalog.locate("names")
    assert "set MINIGPT_DATA to that folder" in str(caught.value)
    assert not list((tmp_path / "cache").rglob("names.txt"))
    expected = hashlib.sha256(b"not the names").hexdigest()
    assert expected != CATALOG["names"].files[0].sha256


def copy(url, output_file, pooch):
    from pathlib import Path
    from urllib.parse import urlparse

    Path(output_file).write_bytes(Path(urlparse(url).path).read_bytes())


def test_a_file_of_the_users_comes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names").write_text("my own")
    assert "".join(open_text("names").pieces()) == "my own"


def test_a_file_of_an_archive_is_unpacked_and_checked(tmp_path, monkeypatch):
    def retrieve(url, known_hash, fname, path):
        assert url.endswith("/sentence_polarity.zip") and known_hash is None
        path.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path / fname, "w") as archive:
            archive.writestr("sentence_polarity/rt-polarity.pos", "good\n")
            archive.writestr("sentence_polarity/rt-polarity.neg", "changed\n")
        return str(path / fname)

    monkeypatch.delenv("MINIGPT_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / name)
    monkeypatch.setattr("pooch.retrieve", retrieve)
    positive, negative = (
        dataclasses.replace(file, sha256=hashlib.sha256(text).hexdigest())
        for file, text in zip(CATALOG["sentence-polarity"].files, (b"good\n", b"bad\n"))
    )
    path = catalog._locate_file(positive)
    assert path.name == "rt-polarity.pos" and path.read_text() == "good\n"
    monkeypatch.setattr("pooch.retrieve", None)
    assert catalog._locate_file(positive) == path  # nothing is fetched twice
    monkeypatch.setattr("pooch.retrieve", retrieve)
    with pytest.raises(ValueError, match=r"cannot fetch .*the hash of sentence_polarity/rt-polarity\.neg is not that"):
        catalog._locate_file(negative)
    assert not list(tmp_path.rglob("*.neg")) and not list(tmp_path.rglob("*.zip"))
