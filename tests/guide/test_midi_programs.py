"""MIDI files as programs and instruments write them: header, chunks, events and their order. What
is understood of each is what whoever wrote it meant.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from pipeline.guide.midi_file import Music, read_music
from pipeline.request import Request
from pipeline.request_files import explain
from tests.guide import midi_bytes as midi


class Understood(NamedTuple):
    bpm: float
    signature: str
    key: str
    loop: float
    roles: dict[str, list[float]]  # and when their notes begin
    says: tuple[str, ...] = ()


def write_live_clip() -> bytes:
    """Ableton Live, "Export MIDI Clip": one track, no tempo, the metre twice; a drum rack on
    channel 1, whose last of two bars is empty.
    """
    beats = [(0, 0.25, 36), (1, 0.25, 38), (2, 0.25, 36), (3, 0.25, 38)]
    hats = [(beat / 2, 0.25, 42) for beat in range(8)]
    signature = midi.signature(4, 4, clocks=36)
    head = [(0, midi.meta(3, "")), (0, signature), (0, signature)]
    return midi.file(0, 96, midi.track(*head, *midi.notes(beats + hats, 96), end=8 * 96))


def write_logic_song() -> bytes:
    """Logic Pro, from bar 9 on: a track of tempo and metre with an SMPTE offset, then the regions,
    whose instrument stands in a meta event of its own; C major, as in every project.
    """
    song = midi.track(
        (0, midi.meta(3, "Untitled")),
        (0, midi.meta(0x54, b"\x21\0\0\0\0")),
        (0, midi.signature(3, 4)),
        (0, midi.key(0)),
        (0, midi.tempo(84)),
        end=12 * 3 * 480,
    )
    bass = [(8 * 3 + bar * 3, 2.5, 33 + bar) for bar in range(4)]
    head = [(0, midi.meta(0x20, b"\0")), (0, midi.meta(4, "Bass")), (0, midi.program(33))]
    return midi.file(
        1, 480, song, midi.track(*head, *midi.notes(bass, 480, off=0), end=12 * 3 * 480)
    )


def write_fl_pattern() -> bytes:
    """FL Studio: a track for every channel of the rack, all of them samplers that play C5."""
    song = midi.track((0, midi.tempo(140)), (0, midi.signature(4, 4)))
    kick = midi.notes([(beat, 0.25, 60) for beat in range(4)], 96, off=None)
    hat = midi.notes([(beat + 0.5, 0.25, 60) for beat in range(4)], 96, 1, off=None)
    lead = midi.notes([(0, 1, 72), (2.5, 1, 75)], 96, 2, off=None)
    return midi.file(
        1,
        96,
        song,
        midi.track((0, midi.meta(3, "808 Kick")), *kick),
        midi.track((0, midi.meta(3, "Closed Hat")), *hat),
        midi.track((0, midi.meta(3, "Sytrus")), *lead),
    )


def write_reaper_item() -> bytes:
    """Reaper: 960 ticks, and all notes off where the item ends: at four bars of 7/8."""
    end = round(4 * 3.5 * 960)
    song = midi.track((0, midi.tempo(133.5)), (0, midi.signature(7, 8)), end=end)
    chords = [(bar * 3.5, 3, pitch) for bar in range(3) for pitch in (57 + bar, 61 + bar, 64 + bar)]
    item = midi.notes(chords, 960, off=0)
    off = (end, midi.control(123, 0))
    return midi.file(1, 960, song, midi.track((0, midi.meta(3, "Keys")), *item, off))


def write_musescore() -> bytes:
    """MuseScore: an upbeat as a bar of 1/4; controllers reset, volume, port; note ons of 0; the end
    one tick behind the last note.
    """
    head = [
        (0, midi.meta(3, "Flöte")),
        (0, midi.signature(1, 4)),
        (480, midi.signature(3, 4)),
        (0, midi.key(-3, 1)),
        (0, midi.tempo(96)),
        *((0, midi.control(number, value)) for number, value in ((121, 0), (7, 100), (10, 64))),
        (0, midi.program(73)),
        (0, midi.meta(0x21, b"\0")),
    ]
    tune = [(0, 1, 67), (1, 1, 72), (2, 1, 71), (3, 1, 72), (4, 3, 75)]
    played = midi.notes(tune, 480, off=None)
    return midi.file(1, 480, midi.track(*head, *played, end=7 * 480 + 1))


def write_cubase() -> bytes:
    """Cubase: the tempo track begins with 120, and the song's comes a tick later; a piano with its
    pedal.
    """
    song = midi.track(
        (0, midi.meta(3, "Tempo")),
        (0, midi.signature(4, 4)),
        (0, midi.tempo(120)),
        (1, midi.tempo(72)),
        end=8 * 480,
    )
    pedal = [(0, midi.control(64, 127)), (4 * 480 - 10, midi.control(64, 0))]
    low = midi.notes([(0, 0.5, 48), (4, 0.5, 53)], 480)
    high = midi.notes([(0, 0.5, 60), (0, 0.5, 64), (4, 0.5, 60), (4, 0.5, 65)], 480)
    keys = midi.track((0, midi.meta(3, "Piano")), *low, *high, *pedal, end=8 * 480)
    return midi.file(1, 480, song, keys)


def write_garageband() -> bytes:
    """GarageBand: key, tempo and metre in front of a vocal line, whose first bar is an upbeat."""
    head = [
        (0, midi.key(2)),
        (0, midi.tempo(110)),
        (0, midi.signature(4, 4)),
        (0, midi.meta(3, "Vocals")),
    ]
    tune = midi.notes([(3, 1, 69), (4, 2, 74), (6, 2, 73)], 480, off=0)
    return midi.file(0, 480, midi.track(*head, *tune, end=8 * 480))


def write_mpc() -> bytes:
    """An MPC's sequence: two bars in one track on channel 10 with a pad program's name, whose end
    is where it loops; the header counts a track that is not there.
    """
    head = [(0, midi.meta(3, "Piano Pads")), (0, midi.tempo(90.5)), (0, midi.signature(4, 4))]
    pads = [(beat, 0.1, 37 + beat % 3) for beat in range(4)]
    played = midi.notes(pads, 96, 9, off=0)
    return midi.file(1, 96, midi.track(*head, *played, end=8 * 96), count=2)


def write_cakewalk() -> bytes:
    """A Windows program of old: a RIFF container, a System Exclusive in front, running status, a
    tempo above what a request has, a list of names behind.
    """
    head = [
        (0, midi.meta(2, "(c) 1996")),
        (0, b"\xf0" + midi.number(5) + b"\x7e\x7f\x09\x01\xf7"),
        (0, midi.tempo(400)),
        (0, midi.program(0)),
        (0, midi.meta(1, "written by a program")),
    ]
    tune = midi.notes([(beat, 0.9, 60 + beat % 5) for beat in range(16)], 120, off=None)
    written = midi.file(0, 120, midi.track(*head, *tune, end=16 * 120, runs=True))
    return midi.riff(written, (b"DISP", b"\1\0\0\0song"), (b"LIST", b"INFOINAM\4\0\0\0song"))


def write_stage_piano() -> bytes:
    """A stage piano's recorder: chunks of its maker's, half pedals, a name in Shift-JIS; a pedal
    is down when it is switched off; the end is far behind.
    """
    head = [
        (0, midi.meta(3, "ドラム".encode("cp932"))),
        (0, midi.tempo(100)),
        (0, midi.control(64, 40)),
        (0, midi.control(64, 90)),
    ]
    played = midi.notes([(0, 0.2, 60), (1, 0.2, 62)], 384, 2)
    left = [(round(1.5 * 384), midi.control(64, 30, 2)), (0, midi.control(64, 90, 2))]
    chunk = midi.track(*head, *left, *played, end=300 * 4 * 384)
    own = b"XFIH" + (4).to_bytes(4, "big") + b"\0\1\2\3"
    return midi.file(0, 384, own, chunk, b"XFKM" + (2).to_bytes(4, "big") + b"\0\0")


def write_switched_off() -> bytes:
    """A recorder that was switched off: its track has no length and no end."""
    whole = midi.file(
        1, 480, midi.track((0, midi.tempo(95)), *midi.notes([(0, 1, 64), (4, 1, 67)], 480))
    )
    begin = whole.index(b"MTrk") + 4
    return whole[:begin] + bytes(4) + whole[begin + 4 : -6]


def write_karaoke() -> bytes:
    """A .kar: words as texts in a track of their own, a melody, a piano and drums."""
    song = midi.track((0, midi.tempo(76)), (0, midi.signature(4, 4)), (0, midi.key(1)))
    syllables = [
        (beat * 120, midi.meta(1, text))
        for beat, text in enumerate(("\\\\Har", "bour ", "/lights"))
    ]
    words = midi.track((0, midi.meta(3, "Words")), (0, midi.meta(1, "@TNobody's song")), *syllables)
    tune = midi.notes([(beat, 0.9, 67 + beat % 3) for beat in range(8)], 120, 3, off=0)
    piano = midi.notes([(bar * 4, 3.5, pitch) for bar in (0, 1) for pitch in (55, 59, 62)], 120)
    kit = midi.notes([(beat, 0.1, 36 + 2 * (beat % 2)) for beat in range(8)], 120, 9)
    tracks = [
        midi.track((0, midi.meta(3, name)), *played)
        for name, played in (("Melody", tune), ("Piano", piano), ("Drums", kit))
    ]
    return midi.file(1, 120, song, words, *tracks)


def write_arpeggiator() -> bytes:
    """A plug-in's export: one bar of 16ths that overlap, without tempo, metre and name."""
    steps = [(step / 4, 0.3, 45 + (0, 12, 19, 24)[step % 4]) for step in range(16)]
    return midi.file(0, 960, midi.track(*midi.notes(steps, 960, off=0)))


PROGRAMS = {
    write_karaoke: Understood(
        76,
        "4/4",
        "G major",
        8,
        {
            "drums": [0, 1, 2, 3, 4, 5, 6, 7],
            "chords": [0, 0, 0, 4, 4, 4],
            "lead": [0, 1, 2, 3, 4, 5, 6, 7],
        },
        ("its words are not read: write them as the lyrics",),
    ),
    write_arpeggiator: Understood(0, "", "", 4, {"lead": [step / 4 for step in range(16)]}),
    write_live_clip: Understood(
        0,
        "4/4",
        "",
        8,
        {"drums": [0, 0, 0.5, 1, 1, 1.5, 2, 2, 2.5, 3, 3, 3.5]},
        ("channel 1 was taken for drums",),
    ),
    write_logic_song: Understood(
        84, "3/4", "", 12, {"bass": [0, 3, 6, 9]}, ("8 empty bars in front",)
    ),
    write_fl_pattern: Understood(
        140, "4/4", "", 4, {"drums": [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5], "lead": [0, 2.5]}
    ),
    write_reaper_item: Understood(
        133.5, "7/8", "", 14, {"chords": [0, 0, 0, 3.5, 3.5, 3.5, 7, 7, 7]}
    ),
    write_musescore: Understood(96, "3/4", "C minor", 9, {"lead": [2, 3, 4, 5, 6]}, ("upbeat",)),
    write_cubase: Understood(
        72, "4/4", "", 8, {"chords": [0, 0, 0, 4, 4, 4]}, ("first tempo is 120 bpm",)
    ),
    write_garageband: Understood(110, "4/4", "D major", 8, {"lead": [3, 4, 6]}),
    write_mpc: Understood(
        90.5, "4/4", "", 8, {"drums": [0, 1, 2, 3]}, ("promises 2 tracks, and it has 1",)
    ),
    write_cakewalk: Understood(
        200, "", "", 8, {"lead": [beat / 2 for beat in range(16)]}, ("400 bpm was halved to 200",)
    ),
    write_stage_piano: Understood(
        100, "", "", 4, {"drums": [0, 1]}, ("299 bars behind its last note",)
    ),
    write_switched_off: Understood(95, "", "", 8, {"lead": [0, 4]}, ("track 1 ends too early",)),
}


def read(folder: Path, content: bytes) -> Music:
    path = folder / "written.mid"
    path.write_bytes(content)
    return read_music(path)


@pytest.mark.parametrize("write", PROGRAMS, ids=lambda write: write.__name__.partition("_")[2])
def test_what_a_program_writes_is_what_it_means(tmp_path: Path, write: object) -> None:
    assert callable(write)
    understood = PROGRAMS[write]
    score, facts = read(tmp_path, write())
    roles: dict[str, list[float]] = {}
    for note in score.notes:
        roles.setdefault(note.role, []).append(round(note.start, 2))
    assert (
        Understood(facts.bpm, facts.time_signature, facts.key, facts.loop, roles, understood.says)
        == understood
    )
    for words in understood.says:
        assert any(words in remark for remark in facts.remarks), facts.remarks
    assert len(facts.remarks) == 1 + len(understood.says), facts.remarks
    assert facts.remarks[0].startswith("the MIDI guide: ")


@pytest.mark.parametrize("ending", [".mid", ".MIDI", ".kar", ".rmi", ".smf"])
def test_a_guide_may_have_any_ending_that_midi_files_have(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"song{ending}").write_bytes(write_karaoke())
    request = Request(guide=str(tmp_path / f"song{ending}"), prompt="lo-fi", bars=2)
    assert "the MIDI guide: 2 bars of 4/4 at 76 bpm" in explain(request)[0]


def test_one_drum_of_a_rack_is_named_by_its_channel(tmp_path: Path) -> None:
    score, _ = read(tmp_path, write_fl_pattern())
    drums = {note.start: note.pitch for note in score.notes if note.role == "drums"}
    assert (drums[0], drums[0.5]) == (36, 42)


def test_a_pedal_holds_a_pianos_notes(tmp_path: Path) -> None:
    score, _ = read(tmp_path, write_cubase())
    assert {round(note.length, 1) for note in score.notes if note.start < 1} == {4.0}
    assert {round(note.length, 1) for note in score.notes if note.start > 1} == {0.5}


def test_a_vocal_line_may_be_sung(tmp_path: Path) -> None:
    assert len(read(tmp_path, write_garageband()).score.vocals) == 3
