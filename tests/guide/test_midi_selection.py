"""What of a MIDI file is music is played, what is not is left out, and that is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.guide.midi_file import BadMidi, read_music
from pipeline.guide.score import Score
from tests.guide import midi_bytes as midi

DIVISION = 96
TUNE = [(float(beat), 1.0, pitch) for beat, pitch in enumerate((60, 62, 64, 65, 67, 65, 64, 62))]
CHORDS = [(float(beat), 2.0, pitch) for beat in (0, 2, 4, 6) for pitch in (60, 64, 67)]


def write(path: Path, *tracks: bytes) -> Path:
    head = midi.track((0, midi.tempo(100)), (0, midi.signature(4, 4)))
    path.write_bytes(midi.file(1, DIVISION, head, *tracks))
    return path


def play(path: Path) -> tuple[dict[str, list[int]], list[str]]:
    """The pitches of every role in their order, and what is said but for the first remark."""
    music = read_music(path)
    return gather(music.score), list(music.facts.remarks[1:])


def gather(score: Score) -> dict[str, list[int]]:
    pitches: dict[str, list[int]] = {}
    for note in score.notes:
        pitches.setdefault(note.role, []).append(note.pitch)
    return pitches


def name(text: str) -> midi.Timed:
    return 0, midi.meta(3, text)


@pytest.mark.parametrize("first", [0, 1, 7])
def test_the_channels_of_an_expressive_keyboard_are_one_part(tmp_path: Path, first: int) -> None:
    """Also on channel 10, which is no drum then."""
    events: list[midi.Timed] = [name("Seaboard")]
    for index, key in enumerate(CHORDS):
        channel = (first + index) % 16
        events.append((round(key[0] * DIVISION), bytes([0xE0 | channel, 0, 0x40])))
        events += midi.notes([key], DIVISION, channel)
    pitches, said = play(write(tmp_path / "mpe.mid", midi.track(*events)))
    assert pitches == {"chords": [60, 64, 67] * 4}
    assert said == []


def test_instruments_that_play_by_turns_stay_apart(tmp_path: Path) -> None:
    events: list[midi.Timed] = []
    for channel, low in enumerate((0, -24, -7)):
        events.append((0, bytes([0xE0 | channel, 0, 0x40])))
        events += midi.notes([(b, n, p + low) for b, n, p in TUNE], DIVISION, channel)
    pitches, _ = play(write(tmp_path / "band.mid", midi.track(*events)))
    assert set(pitches) == {"bass", "chords", "lead"}


@pytest.mark.parametrize("title", ["Click", "Metronome", "click track", "Count-in", "Klick"])
def test_a_metronome_is_left_out_and_said(tmp_path: Path, title: str) -> None:
    clicks = midi.notes([(b, 0.1, 76) for b in range(8)], DIVISION, 9)
    path = write(
        tmp_path / "song.mid",
        midi.track(name("Lead"), *midi.notes(TUNE, DIVISION)),
        midi.track(name(title), *clicks),
    )
    pitches, said = play(path)
    assert set(pitches) == {"lead"}
    assert said == [f'the MIDI guide: its track "{title}" is a metronome: left out']


def test_a_metronome_alone_is_played(tmp_path: Path) -> None:
    clicks = midi.notes([(b, 0.1, 76) for b in range(8)], DIVISION, 9)
    pitches, _ = play(write(tmp_path / "click.mid", midi.track(name("Click"), *clicks)))
    assert set(pitches) == {"drums"}


@pytest.mark.parametrize(("volumes", "is_played"), [([0], False), ([0, 90], True), ([90], True)])
def test_a_channel_without_volume_is_left_out_and_said(
    tmp_path: Path, volumes: list[int], is_played: bool
) -> None:
    faders = [(index * DIVISION, midi.control(7, value, 1)) for index, value in enumerate(volumes)]
    low = [(b, n, p - 24) for b, n, p in TUNE]
    path = write(
        tmp_path / "song.mid",
        midi.track(name("Lead"), *midi.notes(TUNE, DIVISION)),
        midi.track(name("Bass"), *faders, *midi.notes(low, DIVISION, 1)),
    )
    pitches, said = play(path)
    assert ("bass" in pitches) == is_played
    assert said == (
        [] if is_played else ['the MIDI guide: its track "Bass" has volume 0: left out']
    )


def test_key_switches_are_left_out_and_said(tmp_path: Path) -> None:
    switches = [(0.0, 0.1, 12), (4.0, 0.1, 14)]
    tune = midi.notes([*switches, *TUNE], DIVISION)
    pitches, said = play(write(tmp_path / "strings.mid", midi.track(name("Violin"), *tune)))
    assert pitches == {"lead": [pitch for _, _, pitch in TUNE]}
    assert said == ['the MIDI guide: its track "Violin" has key switches, left out (notes 12 14)']


def test_the_low_notes_of_a_bass_are_played(tmp_path: Path) -> None:
    line = midi.notes([(float(b), 1.0, 20 + 2 * b) for b in range(8)], DIVISION)
    pitches, said = play(write(tmp_path / "bass.mid", midi.track(name("Bass"), *line)))
    assert pitches == {"bass": [20, 22, 24, 26, 28, 30, 32, 34]}
    assert said == []


@pytest.mark.parametrize("bank", [120, 126, 127])
def test_drums_of_other_standards_are_drums_on_any_channel(tmp_path: Path, bank: int) -> None:
    kit = midi.notes([(float(b), 0.2, 36 if b % 2 else 38) for b in range(8)], DIVISION, 10)
    drums = midi.track((0, midi.control(0, bank, 10)), (0, midi.program(25, 10)), *kit)
    pitches, _ = play(write(tmp_path / "xg.mid", drums))
    assert set(pitches) == {"drums"}


def test_what_is_not_followed_is_said(tmp_path: Path) -> None:
    head = midi.track(
        (0, midi.tempo(100)), (0, midi.key(0, 1)), (4 * DIVISION, midi.key(2, 1)), end=8 * DIVISION
    )
    bent = midi.track(*midi.notes(TUNE, DIVISION), (DIVISION, bytes([0xE0, 0, 0x50])))
    path = tmp_path / "song.mid"
    path.write_bytes(midi.file(1, DIVISION, head, bent))
    assert read_music(path).facts.key == "A minor"
    assert list(read_music(path).facts.remarks[1:]) == [
        "the MIDI guide: its key changes (A minor, B minor): it is A minor",
        "the MIDI guide: its pitch wheel is not followed: notes keep their pitch",
    ]


def test_a_clip_of_midi_2_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "clip.mid"
    path.write_bytes(b"SMF2CLIP" + bytes(64))
    with pytest.raises(BadMidi, match=r"a clip of MIDI 2\.0, which is not read"):
        read_music(path)


def test_of_many_parts_that_are_left_out_the_first_are_named(tmp_path: Path) -> None:
    clicks = midi.track(name("Click"), *midi.notes([(0.0, 0.1, 76)], DIVISION, 9))
    lead = midi.track(name("Lead"), *midi.notes(TUNE, DIVISION))
    pitches, said = play(write(tmp_path / "song.mid", lead, *[clicks] * 20))
    assert set(pitches) == {"lead"}
    assert len(said) == 9
    assert "12 more of its parts are left out" in said[-1]
