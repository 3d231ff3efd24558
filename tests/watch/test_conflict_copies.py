"""Conflict copies rest and are reported, and so do copies made by hand until they are changed; what
people name their files plays.
"""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.watch.conflict_copies import CopyKind, are_alike, fold_name, read_name
from tests.support.watched import PolledFolder, requests_of, set_age

SONG = """---
prompt: lo-fi
seed: 1
---
the harbour sleeps
the boats are in
and nobody is home
"""

CERTAIN = (
    "song.sync-conflict-20240101-120000-ABCDEFG.txt",
    "song.sync-conflict-20240101-120000.txt",
    "song (Anna's conflicted copy 2024-01-01).txt",
    "song (conflicted copy).txt",
    "song (conflicted copy 2024-01-01 120000).txt",
    "song (ANNA-PC's conflicted copy 2024-01-01 1).txt",
    "song (Copie en conflit de Zoé 2024-01-01).txt",
    "song (In Konflikt stehende Kopie von Jörg 2024-01-01).txt",
    "song (copia en conflicto de Ana 2024-01-01).txt",
    "song (Copia in conflitto di Ada 2024-01-01).txt",
    "song (Cópia em conflito de João 2024-01-01).txt",
    "song (Ola's konfliktkopia 2024-01-01).txt",
    "song (конфликтующая копия с PC 2024-01-01).txt",
    "song (anna の競合コピー 2024-01-01).txt",
    "song (冲突副本 2024-01-01).txt",
    "song (Case Conflict).txt",
    "song (SFConflict anna@example.com 2024-01-01-12-00-00).txt",
    "song_conflict-20240101-120000.txt",
    "song.Conflict.txt",
    "song [Conflict].txt",
    "song_NAS_Jan-01-120000-2024_Conflict.txt",
)
LIKELY = (
    "song 2.txt",
    "song 3.txt",
    "song (1).txt",
    "song(1).txt",
    "song-DESKTOP-1A2B3C4.txt",
    "song-LAPTOP-ABCDEF-2.txt",
    "song-Annas-MacBook-Pro.txt",
    "song-STUDIO.txt",
)
DUPLICATES = (
    "song copy.txt",
    "song copy 2.txt",
    "song - Copy.txt",
    "song - Copy (2).txt",
    "song (copy).txt",
    "song (another copy).txt",
    "song (3rd copy).txt",
    "song - Kopie.txt",
    "song Kopie 2.txt",
    "song - copia.txt",
    "song - Copie (3).txt",
    "song — копия.txt".replace("—", "–"),
    "songのコピー.txt",
    "song 副本.txt",
    "song - 복사본.txt",
    "Copy of song.txt",
    "Kopie von song.txt",
    "Copia de song.txt",
)
PEOPLE_S = (
    "song.txt",
    "song two.txt",
    "song conflict.txt",
    "a conflict.txt",
    "conflict.txt",
    "song (live).txt",
    "song-remix.txt",
    "song 2024 mix.txt",
    "2.txt",
    "(1).txt",
    "song (no conflict.txt",
    "copy.txt",
    "songcopy.txt",
    "copycat.txt",
    "copy that.txt",
)


@pytest.mark.parametrize("name", CERTAIN)
def test_what_only_a_program_writes_is_its_copy(name: str) -> None:
    copy = read_name(unicodedata.normalize("NFD", name))
    assert copy
    assert copy.original == "song.txt"
    assert copy.is_certain


@pytest.mark.parametrize("name", LIKELY)
def test_what_people_write_too_may_be_a_copy(name: str) -> None:
    copy = read_name(name)
    assert copy
    assert copy.original == "song.txt"
    assert not copy.is_certain


@pytest.mark.parametrize("name", PEOPLE_S)
def test_other_names_are_no_copies(name: str) -> None:
    assert read_name(name) is None


@given(st.text(max_size=40))
def test_any_name_is_a_copy_s_or_none(name: str) -> None:
    copy = read_name(name + ".txt")
    assert copy is None or copy.original
    assert fold_name(fold_name(name)) == fold_name(name)


@pytest.mark.parametrize("name", CERTAIN[:4])
def test_a_conflict_copy_rests_and_is_reported(folder: PolledFolder, name: str) -> None:
    set_age(folder.save("song.txt", SONG), 10)
    folder.save(name, SONG.replace("sleeps", "wakes"))
    assert len(folder.settle()) == 1
    ((line, code, text),) = folder.notes_on(name)
    assert (line, code) == (0, 409)
    assert text.startswith("it looks like a conflict copy of song.txt, as ")
    assert "another name" in text
    assert text in folder.report_on(name)


@pytest.mark.parametrize("name", LIKELY)
def test_a_likely_copy_rests_where_an_older_original_is_almost_the_same(
    folder: PolledFolder, name: str
) -> None:
    set_age(folder.save("Song.txt", SONG), 10)
    folder.save(name, SONG.replace("sleeps", "wakes"))
    assert len(folder.settle()) == 1
    assert "conflict copy of Song.txt" in folder.notes_on(name)[0][2]


@pytest.mark.parametrize("name", LIKELY)
def test_another_song_of_such_a_name_plays(folder: PolledFolder, name: str) -> None:
    set_age(folder.save("song.txt", SONG), 10)
    folder.save(name, "---\nprompt: lo-fi\n---\nquite another song\nwith words of its own\n")
    assert len(folder.settle()) == 2
    assert folder.report_on(name) == ""


@pytest.mark.parametrize("name", DUPLICATES)
def test_a_file_manager_s_copy_may_be_one_made_to_be_changed(name: str) -> None:
    copy = read_name(unicodedata.normalize("NFD", name))
    assert copy
    assert (copy.original, copy.kind) == ("song.txt", CopyKind.DUPLICATE)


@pytest.mark.parametrize("name", DUPLICATES)
def test_a_copy_made_by_hand_rests_until_it_is_changed(folder: PolledFolder, name: str) -> None:
    set_age(folder.save("song.txt", SONG), 10)
    folder.settle()
    folder.save(name, SONG)
    assert folder.settle() == []
    assert "a copy of song.txt that was not changed yet" in folder.report_on(name)
    folder.save(name, SONG.replace("sleeps", "wakes"))
    assert len(folder.settle()) == 1
    assert folder.report_on(name) == ""


def test_a_copy_that_was_changed_before_it_was_seen_plays(folder: PolledFolder) -> None:
    set_age(folder.save("song.txt", SONG), 10)
    folder.save("song copy.txt", SONG.replace("sleeps", "wakes"))
    assert len(folder.settle()) == 2


@pytest.mark.parametrize("name", LIKELY)
def test_what_was_changed_here_is_a_song_of_its_own(folder: PolledFolder, name: str) -> None:
    set_age(folder.save("song.txt", SONG), 10)
    folder.save(name, SONG.replace("sleeps", "wakes"))
    assert len(folder.settle()) == 1
    assert "change this one, or name it otherwise, to play it" in folder.report_on(name)
    folder.save(name, SONG.replace("sleeps", "dreams"))
    assert ["dreams" in request.lyrics for request in requests_of(folder.settle())] == [True]
    assert folder.report_on(name) == ""
    folder.restart()
    assert folder.settle() == []
    assert folder.report_on(name) == "", "it is one for the next daemon too"


@pytest.mark.parametrize("name", LIKELY)
def test_with_parameters_of_its_own_it_is_a_song_of_its_own(
    folder: PolledFolder, name: str
) -> None:
    set_age(folder.save("song.txt", SONG), 10)
    folder.save(name, SONG.replace("seed: 1", "seed: 2"))
    assert {request.seed for request in requests_of(folder.settle())} == {1, 2}


@pytest.mark.parametrize("name", [CERTAIN[0], LIKELY[0], DUPLICATES[0]])
def test_a_copy_that_is_given_another_name_plays(folder: PolledFolder, name: str) -> None:
    set_age(folder.save("song.txt", SONG), 10)
    path = folder.save(name, SONG)
    assert len(folder.settle()) == 1
    path.rename(folder.path / "my song.txt")
    assert [request.name for request in requests_of(folder.settle())] == ["my song"]
    assert folder.report_on(name) == ""


def test_the_report_on_a_copy_goes_with_it_and_comes_back_with_it(folder: PolledFolder) -> None:
    set_age(folder.save("song.txt", SONG), 10)
    path = folder.save(CERTAIN[0], SONG)
    folder.settle()
    told = folder.report_on(CERTAIN[0])
    path.rename(folder.path.parent / "away")
    folder.settle()
    assert folder.report_on(CERTAIN[0]) == ""
    (folder.path.parent / "away").rename(path)
    assert folder.settle() == []
    assert folder.report_on(CERTAIN[0]) == told


def test_without_the_original_a_likely_copy_plays(folder: PolledFolder) -> None:
    folder.save("verse (1).txt", SONG)
    folder.save("verse 2.txt", SONG)
    assert len(folder.settle()) == 2


def test_the_newer_of_two_is_no_copy_of_what_came_later(folder: PolledFolder) -> None:
    set_age(folder.save("verse 2.txt", SONG), 100)
    folder.save("verse.txt", SONG)
    assert len(folder.settle()) == 2


def test_renamed_a_conflict_copy_plays(folder: PolledFolder) -> None:
    set_age(folder.save("song.txt", SONG), 10)
    path = folder.save(CERTAIN[0], SONG.replace("sleeps", "wakes"))
    folder.settle()
    path.unlink()
    folder.save("my song.txt", SONG.replace("sleeps", "wakes"))
    assert ["wakes" in request.lyrics for request in requests_of(folder.settle())] == [True]
    assert folder.report_on("my song.txt") == ""


def test_a_sound_is_a_copy_only_where_it_is_the_very_same(folder: PolledFolder) -> None:
    set_age(folder.save("loop.wav", b"RIFF" + bytes(500)), 10)
    folder.save("loop 2.wav", b"RIFF" + bytes(500))
    folder.save("loop 3.wav", b"RIFF" + bytes(499) + b"x")
    assert [request.name for request in requests_of(folder.settle())] == ["loop 3", "loop"]


def test_texts_are_alike_by_their_lines_and_short_ones_by_their_words() -> None:
    assert are_alike(b"a\nb\nc\nd\ne", b"a\nb\nc\nd\nf")
    assert are_alike(b"one two three four five six", b"one two three four five seven")
    assert not are_alike(b"a\nb\nc", b"x\ny\nz")
    assert not are_alike(b"", b"a")
