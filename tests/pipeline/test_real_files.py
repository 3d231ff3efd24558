"""What was confined to a folder is confined when it is opened, whatever became a link meanwhile."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from pipeline.audio_files import read_blocks
from pipeline.real_files import LinkOnTheWay, find_named, open_real
from pipeline.request import LinkedFile, MissingFile, OutOfRange, Request
from pipeline.request_files import follow_links, resolve_request


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two folders: what may be named is in one, and what nobody is to hear in the other."""
    for name in ("songs", "secret"):
        (tmp_path / name / "deep").mkdir(parents=True)
        for folder in (tmp_path / name, tmp_path / name / "deep"):
            (folder / "a.wav").write_text(name)
    return tmp_path


def test_a_file_is_opened_by_its_real_path(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (home / "songs" / "deep" / "a.wav", f"/{home}/songs//deep/./a.wav"):
        with open_real(path) as stream:
            assert stream.read() == b"songs"
    monkeypatch.chdir(home / "songs")
    with open_real("deep/a.wav") as stream:
        assert stream.read() == b"songs"


def test_a_file_that_became_a_link_is_not_opened(home: Path) -> None:
    (home / "songs" / "a.wav").unlink()
    (home / "songs" / "a.wav").symlink_to(home / "secret" / "a.wav")
    with pytest.raises(LinkOnTheWay):
        open_real(home / "songs" / "a.wav")


@pytest.mark.parametrize("swapped", ["songs", "songs/deep"])
def test_a_folder_that_became_a_link_is_not_walked_through(home: Path, swapped: str) -> None:
    (home / swapped).rename(home / "away")
    (home / swapped).symlink_to(home / swapped.replace("songs", "secret"))
    assert (home / "songs" / "deep" / "a.wav").read_text() == "secret"
    with pytest.raises(LinkOnTheWay):
        open_real(home / "songs" / "deep" / "a.wav")


def test_only_regular_files_are_opened_and_nobody_waits_for_a_pipe(home: Path) -> None:
    os.mkfifo(home / "pipe")
    for name in ("nothing", "songs", "/", "pipe", "songs/a.wav/b.wav", "nowhere/a.wav"):
        with pytest.raises(FileNotFoundError):
            open_real(home / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_be_entered_and_not_listed_is_walked_through(home: Path) -> None:
    (home / "songs").chmod(0o311)
    with open_real(home / "songs" / "a.wav") as stream:
        assert stream.read() == b"songs"
    (home / "songs").chmod(0o700)


def test_sound_says_which_it_was(home: Path) -> None:
    (home / "songs" / "link.wav").symlink_to(home / "secret" / "a.wav")
    with pytest.raises(LinkedFile, match=r"source: a link leads to link\.wav now"):
        list(read_blocks(str(home / "songs" / "link.wav")))
    with pytest.raises(MissingFile, match="not there any more"):
        list(read_blocks(str(home / "songs" / "none.wav")))


def test_links_are_followed_before_for_those_who_may_name_any_file(home: Path) -> None:
    link = home / "link.wav"
    link.symlink_to(home / "songs" / "a.wav")
    real = str(home / "songs" / "a.wav")
    request = Request(task="cover", source=str(link), reference=str(link), guide="Am F")
    followed = follow_links(request)
    assert (followed.source, followed.reference, followed.guide) == (real, real, "Am F")
    assert follow_links(request, {str(link)}) == followed
    assert follow_links(request, ()) == request
    (home / "song.mid").symlink_to(home / "songs" / "a.wav")
    guided = Request(guide=str(home / "song.mid"))
    assert follow_links(guided) == guided, "under its real name it would be no MIDI file"


COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Café über.wav") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(("there", "named"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_a_name_of_another_system_is_found(tmp_path: Path, there: str, named: str) -> None:
    """A manifest moves from a Mac to Linux, and the names in it are composed otherwise."""
    folder = tmp_path / unicodedata.normalize("NFD", "Lösung")
    folder.mkdir()
    (folder / there).write_text("sound")
    asked = str(tmp_path / unicodedata.normalize("NFC", "Lösung") / named)
    assert find_named(asked) == str(folder / there)
    assert resolve_request(Request(task="cover", source=asked)).source == str(folder / there)


def test_a_name_that_is_there_is_never_another_one(tmp_path: Path) -> None:
    for name in (COMPOSED, DECOMPOSED):
        (tmp_path / name).write_text(name)
    if len(list(tmp_path.iterdir())) == 2:  # not on a file system that takes them for the same
        for name in (COMPOSED, DECOMPOSED):
            assert find_named(str(tmp_path / name)) == str(tmp_path / name)
            assert Request(source=str(tmp_path / name)).source == str(tmp_path / name)
    missing = str(tmp_path / "é.wav")
    assert find_named(missing) == missing


def test_a_path_is_no_text(tmp_path: Path) -> None:
    for name in (DECOMPOSED, " take 1.wav", "two\nlines.wav", "\ufeffx.wav"):
        assert Request(source=name, reference=name).source == name
        guide = name.replace(".wav", ".mid")
        assert Request(guide=guide).guide == guide
    with pytest.raises(OutOfRange, match="source must be a path in UTF-8"):
        Request(source="caf\udce9.wav")
    with pytest.raises(OutOfRange, match="source must be a path"):
        Request(source="a\0.wav")
