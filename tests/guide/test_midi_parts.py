"""Who plays what in a MIDI file, and how long its keys sound."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.guide.midi_file import Music, read_music
from pipeline.guide.score import Note
from tests.guide import midi_bytes as midi

BEAT = 96
Keys = Sequence[tuple[float, float, int]]


def read(folder: Path, *events: midi.Timed, end: float | None = None) -> Music:
    ticks = None if end is None else round(end * BEAT)
    path = folder / "part.mid"
    path.write_bytes(midi.file(0, BEAT, midi.track(*events, end=ticks)))
    return read_music(path)


def find_roles(folder: Path, keys: Keys, *events: midi.Timed, channel: int = 0) -> set[str]:
    score, _ = read(folder, *events, *midi.notes(keys, BEAT, channel))
    return {note.role for note in score.notes}


def named(name: str | bytes) -> midi.Timed:
    return 0, midi.meta(3, name)


def in_sixteenths(*pitches: int, length: float = 0.2) -> list[tuple[float, float, int]]:
    return [(at / 4, length, pitch) for at, pitch in enumerate(pitches)]


BEATS: dict[str, Keys] = {
    "boom bap": [
        *((beat, 0.25, 36) for beat in (0, 2.5)),
        *((beat, 0.25, 38) for beat in (1, 3)),
        *((beat / 2, 0.25, 42) for beat in range(8)),
    ],
    "a rack from C1, with claps, toms and a crash": [
        *((beat, 0.1, 36) for beat in range(4)),
        *((beat, 0.1, 39) for beat in (1, 3)),
        (0, 0.1, 49),
        (3.5, 0.1, 45),
        (3.75, 0.1, 43),
    ],
    "one at a time": in_sixteenths(*[36, 42, 42, 42, 38, 42, 42, 42] * 2),
    "hats alone": in_sixteenths(*[42, 42, 46, 42] * 4),
    "without lengths": [(beat, 0.0, pitch) for beat in range(4) for pitch in (36, 42)],
}
BASSES: dict[str, Keys] = {
    "one note": [(beat / 2, 0.4, 36) for beat in range(8)],
    "C minor": in_sixteenths(36, 36, 39, 41, 43, 36, 46, 43),
    "C with a seventh": in_sixteenths(36, 40, 46, 36, 40, 46),
    "B minor": in_sixteenths(35, 38, 42, 38, 35, 42, 38, 35),
    "F sharp in long notes": [(beat, 0.9, 42) for beat in range(8)],
    "walking": [(beat, 0.9, pitch) for beat, pitch in enumerate((36, 38, 40, 41, 43, 42, 40, 38))],
    "an octave": in_sixteenths(36, 48, 36, 48, 36, 48, 36, 48),
}
CHORDS: dict[str, Keys] = {
    "power chords": [
        (beat, 0.4, root + third)
        for beat, root in enumerate((36, 38, 41, 36))
        for third in (0, 7, 12)
    ],
    "a low seventh": [(beat, 3, pitch) for beat in (0, 4) for pitch in (36, 40, 46)],
}


@pytest.mark.parametrize("channel", [0, 4, 9])
@pytest.mark.parametrize("what", BEATS)
def test_a_kit_is_drums_on_any_channel(tmp_path: Path, what: str, channel: int) -> None:
    assert find_roles(tmp_path, BEATS[what], channel=channel) == {"drums"}


@pytest.mark.parametrize("what", BASSES)
def test_a_bass_on_the_same_notes_is_a_bass(tmp_path: Path, what: str) -> None:
    assert find_roles(tmp_path, BASSES[what]) == {"bass"}


@pytest.mark.parametrize("what", CHORDS)
def test_low_chords_are_chords(tmp_path: Path, what: str) -> None:
    assert find_roles(tmp_path, CHORDS[what]) == {"chords"}


def test_a_name_or_a_program_counts_more_than_pitches(tmp_path: Path) -> None:
    kit = BEATS["boom bap"]
    assert find_roles(tmp_path, kit, named("Bass")) == {"bass"}
    assert find_roles(tmp_path, kit, (0, midi.program(38))) == {"bass"}
    assert find_roles(tmp_path, kit, (0, midi.program(0))) == {"drums"}  # what programs write
    assert find_roles(tmp_path, kit, (0, midi.program(5))) == {"chords"}
    for what in BASSES:
        assert find_roles(tmp_path, BASSES[what], named("Drums")) == {"drums"}
        assert find_roles(tmp_path, BASSES[what], named("Piano"), channel=9) == {"drums"}


def test_what_was_decided_by_pitches_alone_is_said(tmp_path: Path) -> None:
    _, facts = read(tmp_path, *midi.notes(BEATS["boom bap"], BEAT, 3))
    assert facts.remarks[1:] == (
        "the MIDI guide: its channel 4 was taken for drums, by its pitches (notes 36 38 42)",
    )
    _, facts = read(tmp_path, *midi.notes([(0, 1, 36), (1, 1, 38)], BEAT))
    assert facts.remarks[1:] == (
        "the MIDI guide: its channel 1 was taken for a bass, not for drums (notes 36 38)",
    )
    for keys in (BASSES["walking"], [(0, 1, 60)]):
        assert len(read(tmp_path, *midi.notes(keys, BEAT)).facts.remarks) == 1


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Kick", "drums"),
        ("Snare 2", "drums"),
        ("OH", "drums"),
        ("Hi-Hat", "drums"),
        ("Shaker", "drums"),
        ("Schlagzeug", "drums"),
        ("Batería".encode(), "drums"),
        ("Batería", "drums"),  # Latin-1
        ("ドラム".encode("cp932"), "drums"),
        ("ベース".encode(), "bass"),
        ("Kontrabass", "bass"),
        ("Steel Drums", "lead"),
        ("Bassoon", "lead"),
        ("Bass Clarinet", "lead"),
        ("Whatever", "lead"),
        ("Ohio", "lead"),
        ("Tomorrow", "lead"),
    ],
)
def test_tracks_are_named_in_many_ways(tmp_path: Path, name: str | bytes, role: str) -> None:
    assert find_roles(tmp_path, [(0, 1, 72), (1, 1, 74)], named(name)) == {role}


def test_a_drum_by_its_name_sounds_so_whatever_its_key(tmp_path: Path) -> None:
    for name, drum in (("Kick", 36), ("Snare", 38), ("Open Hat", 46), ("Hats", 42), ("Perc", 45)):
        score, _ = read(tmp_path, named(name), *midi.notes([(0, 1, 60), (2, 1, 60)], BEAT))
        assert [note.pitch for note in score.notes] == [drum] * 2


# --- how long keys sound ----------------------------------------------------------------------


def play(folder: Path, keys: Keys, *controls: midi.Timed, end: float | None = None) -> list[Note]:
    return [*read(folder, *midi.notes(keys, BEAT), *controls, end=end).score.notes]


def pedal(beat: float, value: int, channel: int = 0) -> midi.Timed:
    return round(beat * BEAT), midi.control(64, value, channel)


SHORT = [(0.0, 0.5, 60), (1.0, 0.5, 64), (2.0, 0.5, 60)]


@pytest.mark.parametrize(
    ("controls", "lengths"),
    [
        ([], [0.5, 0.5, 0.5]),
        ([pedal(0, 127), pedal(3, 0)], [2, 2, 1]),  # struck again, the first 60 is damped
        ([pedal(0, 64), pedal(3, 63)], [2, 2, 1]),
        ([pedal(0, 63), pedal(3, 0)], [0.5, 0.5, 0.5]),  # half a pedal, and less
        ([pedal(0, 127), pedal(0.75, 90), pedal(1.25, 20)], [1.25, 0.5, 0.5]),
        ([pedal(0.6, 127), pedal(3, 0)], [0.5, 2, 1]),  # too late for the first
        ([pedal(0, 127, 1), pedal(3, 0, 1)], [0.5, 0.5, 0.5]),  # another's
        ([pedal(0, 127), (2 * BEAT - 1, midi.control(121, 0))], [2 - 1 / 96, 1 - 1 / 96, 0.5]),
        ([pedal(0, 127), (144 + 1, midi.control(120, 0))], [145 / 96, 0.5 + 1 / 96, 0.5]),
    ],
)
def test_a_pedal_holds_what_is_released_while_it_is_down(
    tmp_path: Path, controls: list[midi.Timed], lengths: list[float]
) -> None:
    played = play(tmp_path, SHORT, *controls)
    assert [note.length for note in played] == pytest.approx(lengths)


def test_a_pedal_that_is_never_lifted_holds_to_the_end_and_is_said(tmp_path: Path) -> None:
    keys = [(0.0, 0.5, 60), (1.0, 0.5, 64)]
    assert [note.length for note in play(tmp_path, keys, pedal(0, 127), end=4)] == [4, 3]
    played = play(tmp_path, keys, pedal(0, 127), end=16)
    assert [note.length for note in played] == [8.5, 8.5]
    _, facts = read(tmp_path, *midi.notes(keys, BEAT), pedal(0, 127), end=16)
    assert "its pedal is never lifted" in facts.remarks[1]
    assert facts.loop == 16


def test_a_pedal_does_not_make_a_loop_longer_nor_drums_ring(tmp_path: Path) -> None:
    music = read(tmp_path, *midi.notes([(3.0, 0.5, 60)], BEAT), pedal(0, 127), pedal(5, 0))
    assert music.score.notes[0].length == 2
    assert music.facts.loop == 4
    drums = read(tmp_path, *midi.notes([(0, 0.5, 36)], BEAT, 9), pedal(0, 127, 9), pedal(4, 0, 9))
    assert drums.score.notes[0].length == 0.5


def test_all_notes_off_releases_what_is_held(tmp_path: Path) -> None:
    pressed = [(0, bytes([0x90, pitch, 100])) for pitch in (60, 64, 67)]
    played = read(tmp_path, *pressed, (BEAT, midi.control(123, 0)), end=8).score.notes
    assert [note.length for note in played] == [1, 1, 1]


def test_a_piano_on_the_channel_of_drums_is_a_piano_by_name_and_pitches(tmp_path: Path) -> None:
    arpeggio = [(beat, 1, pitch) for beat, pitch in enumerate((60, 64, 67, 72))]
    music = read(tmp_path, named("Grand Piano"), *midi.notes(arpeggio, BEAT, 9))
    assert [(note.role, note.pitch) for note in music.score.notes] == [
        ("lead", pitch) for pitch in (60, 64, 67, 72)
    ]
    assert music.facts.remarks[1].startswith(
        'the MIDI guide: its track "Grand Piano" was not taken for drums, by its name and its'
    )
    assert find_roles(tmp_path, arpeggio, channel=9) == {"drums"}
    assert find_roles(tmp_path, arpeggio, named("Congas"), channel=9) == {"drums"}


def test_a_note_that_is_never_released_is_held_to_the_end_of_its_bar(tmp_path: Path) -> None:
    hanging = midi.notes([(0, 1, 60), (5, 1, 64)], BEAT)[:-1]
    for end in (None, 40):  # the track ends at once, or much later
        music = read(tmp_path, *hanging, end=end)
        assert [(note.start, note.length) for note in music.score.notes] == [(0, 1), (5, 3)]
        remark = "the MIDI guide: 1 note is never released: held to the end of the bar"
        assert remark in music.facts.remarks


def test_a_count_in_is_said(tmp_path: Path) -> None:
    count = midi.notes([(beat, 0.1, 76 + (beat > 0)) for beat in range(4)], BEAT, 9)
    tune = midi.notes([(beat, 1, 60) for beat in range(4, 12)], BEAT)
    remark = "the MIDI guide: its first bar is a count-in, and is played too"
    assert remark in read(tmp_path, *count, *tune).facts.remarks
    assert remark not in read(tmp_path, *count).facts.remarks
    assert remark not in read(tmp_path, *count, *midi.notes([(0, 1, 60)], BEAT)).facts.remarks
