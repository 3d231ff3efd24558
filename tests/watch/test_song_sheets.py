"""Song sheets from where people get them, each in one place with what must be understood of it.

The sheets are in tests/data/song_sheets, with what is sung of them beside (.sung). Their words are
invented.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.watch.notes import find_problems
from daemon.watch.sheet import read_sheet

FOLDER = Path(__file__).parent.parent / "data/song_sheets"
# sheet: its title, key, tempo and metre, and the lines of which something is to look at
SHEETS: dict[str, tuple[object, object, object, object, list[int]]] = {
    "songselect": ("Harbour Of Rest", "E major", 74, "4/4", []),
    "chordpro": ("Paper Lantern", "D major", 104, "6/8", []),
    "onsong": ("Slow Morning", "G major", 92, "3/4", [8]),  # a flow is not followed
    "ultimateguitar": ("Rivers Of Glass", "B minor", None, None, []),
    "genius": ("Elevator", None, None, None, []),
    "opensong": (None, None, None, None, []),
    "hymn": ("The Long Field", None, None, None, []),  # whose metre is of its verses
    "cifra": ("Mar Sem Fim", "G major", None, None, []),
    "japanese": ("夜の海", "A minor", 88, "4/4", []),
    "notes": ("Untitled 7", "F# minor", 96, None, []),
    "russian": ("Тихий порт", "A minor", 84, None, []),
    "german": ("Stille Gasse", "D minor", 66, "3/4", []),
}


@pytest.mark.parametrize("name", SHEETS)
def test_a_song_sheet_is_understood(name: str) -> None:
    title, key, bpm, time_signature, problems = SHEETS[name]
    read = read_sheet((FOLDER / f"{name}.txt").read_text("utf-8"))
    understood = {
        "name": title,
        "key": key,
        "bpm": bpm,
        "time_signature": time_signature,
        "lyrics": (FOLDER / f"{name}.sung").read_text("utf-8").rstrip("\n"),
    }
    assert read.values == {field: value for field, value in understood.items() if value}
    assert [note.line for note in find_problems(read.notes)] == problems


@pytest.mark.parametrize("name", SHEETS)
def test_a_song_sheet_may_be_written_on_any_machine(name: str) -> None:
    text = (FOLDER / f"{name}.txt").read_text("utf-8")
    written = "\ufeff" + text.replace("\n", "\r\n").replace("[", "\u200b[")
    assert read_sheet(written).values == read_sheet(text).values


def test_every_song_sheet_is_in_the_table() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == {*SHEETS}
