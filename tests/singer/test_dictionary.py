"""CMUdict's words are found in a file of less than a megabyte, with its licence beside it."""

from __future__ import annotations

import zlib

import pytest

from pipeline.singer import dictionary
from pipeline.singer.dictionary import FILE, look_up, pack
from tests.tools.dictionary import read


@pytest.mark.parametrize(
    ("word", "phonemes"),
    [
        ("hello", "HH AH0 L OW1"),
        ("summer", "S AH1 M ER0"),
        ("tonight", "T AH0 N AY1 T"),
        ("hallelujah", "HH AE2 L AH0 L UW1 Y AH0"),
        ("don't", "D OW1 N T"),
        ("'bout", "B AW1 T"),  # the first
        ("a", "AH0"),
        ("zyuganov", "Z Y UW1 G AA0 N AA0 V"),
    ],
)
def test_words_are_found(word: str, phonemes: str) -> None:
    assert look_up(word) == phonemes.split()


@pytest.mark.parametrize(
    "word", ["", "snorgle", "hell ", "hello EH", "é", "\ud800", "zzzz", " ", "\n"]
)
def test_others_are_not(word: str) -> None:
    assert look_up(word) is None


def test_the_file_has_all_words_and_is_small() -> None:
    assert len(zlib.decompress(FILE.read_bytes()).split(b"\n")) == 124_926
    assert FILE.stat().st_size < 1_000_000


def test_the_licence_is_beside_it() -> None:
    notice = (FILE.parent / "LICENSE").read_text("utf-8")
    assert "Carnegie Mellon University. All rights reserved." in notice
    assert "Redistributions in binary form must reproduce the above copyright" in notice


def test_the_tool_packs_first_pronunciations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "b B IY1\na AH0 # the article\na(2) EY1\na. EY1\nab's AE1 B Z\n"
    assert read(text) == {"b": ["B", "IY1"], "a": ["AH0"], "ab's": ["AE1", "B", "Z"]}
    lines = zlib.decompress(pack(read(text))).split(b"\n")
    monkeypatch.setattr(dictionary, "_load", lambda: lines)
    assert look_up("ab's") == ["AE1", "B", "Z"]
    assert look_up("a") == ["AH0"]
    assert look_up("ab") is None
