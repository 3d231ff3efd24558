"""A MIDI file becomes a score: roles, beats, tempo; and what is no MIDI file is refused with a
reason.
"""

from __future__ import annotations

import struct
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.guide import smf
from pipeline.guide.midi_file import MAX_BYTES, BadMidi, read_facts, read_midi, read_music
from pipeline.guide.score import DRUMS, Note, Score
from pipeline.request import Request
from tests.guide import midi_bytes as midi
from tests.support.growth import assert_linear

Event = tuple[int, mido.Message]


def events(
    keys: list[tuple[int, int, int]], channel: int = 0, program: int | None = None
) -> list[Event]:
    """Messages at absolute ticks for (start, end, pitch)."""
    messages = (
        [(0, mido.Message("program_change", program=program, channel=channel))]
        if program is not None
        else []
    )
    for start, end, pitch in keys:
        messages.append((start, mido.Message("note_on", note=pitch, velocity=100, channel=channel)))
        messages.append((end, mido.Message("note_off", note=pitch, channel=channel)))
    return messages


def save(path: Path, *tracks: list[Event], kind: int = 1, division: int = 480) -> Path:
    file = mido.MidiFile(type=kind, ticks_per_beat=division)
    for messages in tracks:
        track = mido.MidiTrack()
        now = 0
        for tick, message in sorted(messages, key=lambda event: event[0]):
            track.append(message.copy(time=tick - now))
            now = tick
        file.tracks.append(track)
    file.save(path)
    return path


def tempo(tick: int, bpm: float) -> Event:
    return tick, mido.MetaMessage("set_tempo", tempo=round(60e6 / bpm))


def named(name: str) -> Event:
    return 0, mido.MetaMessage("track_name", name=name)


def melody(*pitches: int) -> list[tuple[int, int, int]]:
    return [(480 * i, 480 * i + 400, pitch) for i, pitch in enumerate(pitches)]


def triads(*roots: int) -> list[tuple[int, int, int]]:
    return [
        (960 * i, 960 * i + 900, root + third)
        for i, root in enumerate(roots)
        for third in (0, 4, 7)
    ]


def roles(score: Score) -> dict[int, str]:
    return {note.pitch: note.role for note in score.notes}


def test_notes_keep_their_beats_pitch_and_velocity(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mid", [tempo(0, 90), *events([(0, 480, 72), (720, 960, 74)])])
    assert read_midi(path) == Score(
        90.0, (Note("lead", 0.0, 1.0, 72, 100 / 127), Note("lead", 1.5, 0.5, 74, 100 / 127))
    )


def test_without_a_tempo_it_is_120(tmp_path: Path) -> None:
    assert read_midi(save(tmp_path / "a.mid", events(melody(70)))).bpm == 120


def test_channel_10_is_the_drums_folded_to_ours(tmp_path: Path) -> None:
    played = {
        35: 36,
        36: 36,
        38: 38,
        40: 38,
        42: 42,
        44: 42,
        46: 46,
        49: 46,
        51: 46,
        57: 46,
        41: 45,
        50: 45,
        39: 39,
    }
    for pitch, ours in played.items():
        score = read_midi(save(tmp_path / "d.mid", events([(0, 10, pitch)], channel=9)))
        assert [(note.role, note.pitch) for note in score.notes] == [("drums", ours)]


def test_every_percussion_key_is_one_of_our_drums(tmp_path: Path) -> None:
    keys = [(10 * pitch, 10 * pitch + 5, pitch) for pitch in range(128)]
    score = read_midi(save(tmp_path / "d.mid", events(keys, channel=9)))
    assert {note.pitch for note in score.notes} <= set(DRUMS)
    assert len(score.notes) == 128


def test_a_bass_program_is_a_bass_however_high(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mid", events(melody(60, 62), 0, 33), events(melody(72, 74), 1, 0))
    assert roles(read_midi(path)) == {60: "bass", 62: "bass", 72: "lead", 74: "lead"}


def test_roles_follow_register_and_polyphony(tmp_path: Path) -> None:
    path = save(
        tmp_path / "band.mid",
        [tempo(0, 100)],
        events(triads(60, 65), channel=0),
        events(melody(36, 41), channel=1),
        events(melody(76, 79), channel=2),
        events(melody(55, 57), channel=3),
        events(melody(36, 38), channel=9),
    )
    found = {(note.role, note.pitch) for note in read_midi(path).notes}
    assert found >= {
        ("chords", 60),
        ("bass", 41),
        ("lead", 79),
        ("chords", 55),
        ("drums", 36),
        ("drums", 38),
    }
    assert len(found) == 6 + 2 * 4


def test_one_polyphonic_track_is_chords(tmp_path: Path) -> None:
    assert set(roles(read_midi(save(tmp_path / "a.mid", events(triads(60, 40, 70))))).values()) == {
        "chords"
    }


def test_overlapping_legato_is_still_a_melody(tmp_path: Path) -> None:
    keys = [(480 * i, 480 * i + 500, 70 + i) for i in range(8)]
    assert set(roles(read_midi(save(tmp_path / "a.mid", events(keys)))).values()) == {"lead"}


@pytest.mark.parametrize(
    ("name", "role"),
    [("Drum Rack", "drums"), ("Bass", "bass"), ("Lead Vocal", "lead"), ("", "lead")],
)
def test_a_track_may_say_what_it_is(tmp_path: Path, name: str, role: str) -> None:
    path = save(tmp_path / "a.mid", [named(name), *events(melody(60, 64))])
    assert set(roles(read_midi(path)).values()) == {role}


def test_a_songs_title_is_no_role(tmp_path: Path) -> None:
    messages = [
        named("Drum and Bass"),
        *events(melody(80), channel=0),
        *events(melody(40), channel=1),
    ]
    assert roles(read_midi(save(tmp_path / "a.mid", messages, kind=0))) == {80: "lead", 40: "bass"}


def test_tempo_changes_do_not_drift(tmp_path: Path) -> None:
    keys = [(0, 100, 70), (1920, 2020, 71), (3840, 3940, 72)]  # bars 1 to 3
    path = save(
        tmp_path / "a.mid", [tempo(0, 120), tempo(1920, 60), tempo(3840, 240)], events(keys)
    )
    score = read_midi(path)
    assert score.bpm == 120
    seconds = [note.start * 60 / score.bpm for note in score.notes]
    assert seconds == pytest.approx([0, 2, 6])
    assert score.notes[2].length * 60 / score.bpm == pytest.approx(100 / 480 / 4)


@pytest.mark.parametrize(
    ("name", "sung"),
    [
        ("Vocals", True),
        ("lead voice", True),
        ("Vox 1", True),
        ("Lead", False),
        ("backing vocals", False),
    ],
)
def test_words_may_be_put_on_a_track_of_vocals(tmp_path: Path, name: str, sung: bool) -> None:
    path = save(tmp_path / "a.mid", [named(name), *events(melody(60, 64))], events(triads(48)))
    score = read_midi(path)
    assert [note.pitch for note in score.vocals] == ([60, 64] if sung else [])


def test_a_tempo_in_any_track_is_everyones(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mid", events([(960, 1440, 70)]), [tempo(0, 60)])
    assert read_midi(path) == Score(60.0, (Note("lead", 2.0, 1.0, 70, 100 / 127),))


def test_format_2_patterns_follow_each_other(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mid", events([(0, 480, 70)]), events([(0, 480, 72)]), kind=2)
    assert sorted((note.pitch, note.start) for note in read_midi(path).notes) == [(70, 0), (72, 1)]


def test_smpte_time_is_in_frames(tmp_path: Path) -> None:
    frames = -25 * 256 + 40  # 25 frames of 40 ticks: 1000 a second
    path = tmp_path / "a.mid"
    body = b"\x00\x90\x46\x40\x87\x68\x80\x46\x00\x00\xff\x2f\x00"  # released after 1000 ticks
    path.write_bytes(
        b"MThd"
        + struct.pack(">LHHh", 6, 0, 1, frames)
        + b"MTrk"
        + struct.pack(">L", len(body))
        + body
    )
    (note,) = read_midi(path).notes
    assert note.length == pytest.approx(2.0)  # beats at 120


def test_note_on_without_velocity_releases_and_status_may_run(tmp_path: Path) -> None:
    body = (
        b"\x00\x90\x46\x40"
        + b"\x60\x46\x00"
        + b"\x00\x48\x40"
        + b"\x60\x48\x00"
        + b"\x00\xff\x2f\x00"
    )
    path = tmp_path / "a.mid"
    path.write_bytes(
        b"MThd" + struct.pack(">LHHh", 6, 0, 1, 96) + b"MTrk" + struct.pack(">L", len(body)) + body
    )
    assert [(note.start, note.length, note.pitch) for note in read_midi(path).notes] == [
        (0, 1, 70),
        (1, 1, 72),
    ]


def test_hanging_notes_end_with_the_file(tmp_path: Path) -> None:
    messages: list[Event] = [
        (0, mido.Message("note_on", note=70)),
        (1920, mido.MetaMessage("end_of_track")),
    ]
    (note,) = read_midi(save(tmp_path / "a.mid", messages)).notes
    assert note.length == 4


def test_the_same_pitch_twice_is_two_notes(tmp_path: Path) -> None:
    notes = read_midi(save(tmp_path / "a.mid", events([(0, 960, 70), (480, 1440, 70)]))).notes
    assert [(note.start, note.length) for note in notes] == [(0, 2), (1, 2)]


def test_a_drum_without_length_is_heard(tmp_path: Path) -> None:
    messages: list[Event] = [
        (0, mido.Message("note_on", note=36, channel=9)),
        (0, mido.Message("note_off", note=36, channel=9)),
    ]
    (note,) = read_midi(save(tmp_path / "a.mid", messages)).notes
    assert note.length > 0


HEADER = b"MThd" + struct.pack(">LHHh", 6, 1, 1, 480)
BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not a MIDI file"),
    "a wave file": (b"RIFF" + bytes(40), "not a MIDI file"),
    "only a header": (HEADER, "damaged"),
    "half a header": (HEADER[:9], "damaged"),
    "a short header": (b"MThd" + struct.pack(">LH", 2, 1), "damaged"),
    "a track that stops": (HEADER + b"MTrk" + struct.pack(">L", 100) + b"\x00\x90\x40", "damaged"),
    "no status": (HEADER + b"MTrk" + struct.pack(">L", 3) + b"\x00\x40\x40", "damaged"),
    "a bad key signature": (
        HEADER + b"MTrk" + struct.pack(">L", 6) + b"\x00\xff\x59\x02\x63\x63",
        "damaged",
    ),
    "no ticks": (b"MThd" + struct.pack(">LHHh", 6, 1, 0, 0), "damaged"),
    "no tracks": (b"MThd" + struct.pack(">LHHh", 6, 1, 0, 480), "no notes"),
    "an endless number": (HEADER + b"MTrk" + struct.pack(">L", 9999) + b"\xff" * 9999, "damaged"),
    "a pause of years": (
        HEADER + b"MTrk" + struct.pack(">L", 9) + b"\xff\xff\xff\xff\x7f\x90\x40\x40",
        "damaged",
    ),
    "too large": (b"MThd" + bytes(MAX_BYTES), "larger than"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_midi_file_is_refused_by_name(tmp_path: Path, what: str) -> None:
    path = tmp_path / "broken.mid"
    data, reason = BROKEN[what]
    path.write_bytes(data)
    with pytest.raises(BadMidi, match=reason) as refused:
        read_midi(path)
    assert str(path) in str(refused.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.mid", tmp_path):
        with pytest.raises(BadMidi, match="cannot be read"):
            read_midi(path)


def test_any_cut_of_a_file_is_refused_or_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = save(
        tmp_path / "a.mid", [tempo(0, 90), named("x"), *events(triads(60), 0, 5)]
    ).read_bytes()
    counts = []
    for size in range(len(whole)):
        path = tmp_path / "cut.mid"
        path.write_bytes(whole[:size])
        try:
            music = read_music(path)
        except BadMidi:
            counts.append(0)
        else:
            counts.append(len(music.score.notes))
            assert "the MIDI guide: its track 1 ends too early: read as far as it goes" in (
                music.facts.remarks
            )
    assert counts == sorted(counts)
    assert set(counts) == {0, 1, 2, 3}


def test_any_flipped_byte_is_refused_or_read(tmp_path: Path) -> None:
    whole = save(
        tmp_path / "a.mid", [tempo(0, 90), named("x"), *events(triads(60), 0, 5)]
    ).read_bytes()
    outcomes: set[Any] = set()
    for at in range(len(whole)):
        for value in (0x00, 0x7F, 0x80, 0xFF):
            path = tmp_path / "flipped.mid"
            path.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
            try:
                outcomes.add(type(read_midi(path)))
            except BadMidi:
                outcomes.add(BadMidi)
    assert outcomes == {Score, BadMidi}


def test_too_many_notes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.guide.midi_file.MAX_NOTES", 3)
    path = save(tmp_path / "a.mid", events(melody(70, 71, 72)))
    assert len(read_midi(path).notes) == 3
    with pytest.raises(BadMidi, match="more than 3"):
        read_midi(save(tmp_path / "a.mid", events(melody(70, 71, 72, 73))))


FORMS = st.one_of(  # beside notes, what programs write
    st.builds(midi.tempo, st.floats(4, 1e7)),
    st.builds(midi.signature, st.integers(1, 20), st.sampled_from([1, 2, 4, 8, 16, 32])),
    st.builds(midi.key, st.integers(-7, 7), st.integers(0, 1)),
    st.builds(
        midi.control,
        st.sampled_from([0, 7, 64, 120, 121, 123]),
        st.sampled_from([0, 64, 120, 127]) | st.integers(0, 127),
        st.sampled_from([0, 1, 9]),
    ),
    st.builds(  # the pitch wheels of an expressive keyboard
        lambda channel, bend: bytes([0xE0 | channel, 0, bend]),
        st.sampled_from([0, 1, 9]),
        st.integers(0, 127),
    ),
    st.builds(midi.program, st.integers(0, 127), st.sampled_from([0, 1, 9])),
    st.builds(
        midi.meta, st.sampled_from([1, 3, 4, 0x20, 0x21, 0x54, 0x58, 0x59]), st.binary(max_size=6)
    ),
    st.sampled_from([midi.meta(3, name) for name in ("Drums", "Kick", "Bass", "Vocals", "Click")]),
)
KEYS = st.lists(
    st.tuples(
        st.floats(0, 40), st.floats(0, 5), st.integers(30, 90) | st.sampled_from([0, 12, 23, 127])
    ),
    min_size=1,
    max_size=20,
)
TIMED = st.lists(st.tuples(st.integers(0, 4000), FORMS), max_size=12)


@given(
    st.lists(st.tuples(KEYS, TIMED, st.sampled_from([0, 1, 9])), min_size=1, max_size=3),
    st.sampled_from([0, 1, 1, 2]),
    st.sampled_from([24, 96, 480, -25 * 256 + 40]),
    st.integers(0, 60),
    st.none() | st.tuples(st.integers(1, 13), st.sampled_from([4, 8])),
    st.integers(0, 5),
    st.booleans(),
)
def test_whatever_programs_write_is_music_within_a_clip(
    parts: list[tuple[list[tuple[float, float, int]], list[midi.Timed], int]],
    format: int,
    division: int,
    empty: int,
    meter: tuple[int, int] | None,
    cut: int,
    is_riff: bool,
) -> None:
    ticks = abs(division) % 1000
    chunks = [
        midi.track(
            *events,
            *midi.notes(
                [(empty + at, length, pitch) for at, length, pitch in keys], ticks, channel
            ),
            end=4000 + round((empty + 50 + cut) * ticks),
        )
        for keys, events, channel in parts
    ]
    content = midi.file(format, division, *chunks, count=len(chunks) + cut % 2)
    content = content[: len(content) - cut]
    if is_riff:
        content = midi.riff(content)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.mid"
        path.write_bytes(content)
        score, facts = read_music(path, meter)
        assert read_facts(path, meter) == facts
        again = read_music(path, Request(time_signature=facts.time_signature).given_meter)
    assert 30 <= score.bpm <= 300
    assert facts.bpm in (0, score.bpm)
    Request(bpm=facts.bpm, key=facts.key, time_signature=facts.time_signature)
    assert len(score.notes) > 0
    assert all(note.start >= 0 and note.length > 0 for note in score.notes)
    assert facts.loop > max(note.start for note in score.notes)
    assert facts.remarks[0].startswith("the MIDI guide: ")
    if facts.time_signature and meter is None:
        assert again == (score, facts)  # the same once its metre is the request's


def write(path: Path, *tracks: bytes) -> Path:
    chunks = (b"MTrk" + struct.pack(">L", len(track)) + track for track in tracks)
    header = b"MThd" + struct.pack(">LHHh", 6, 1, len(tracks), 96)
    path.write_bytes(header + b"".join(chunks))
    return path


def test_held_keys_of_one_pitch_are_released_in_the_order_they_were_pressed(
    tmp_path: Path,
) -> None:
    keys = range(1, 21)
    body = b"".join(b"\1\x90\x40" + bytes([key]) for key in keys) + b"\2\x80\x40\0" * len(keys)
    notes = read_midi(write(tmp_path / "a.mid", body)).notes
    assert [round(note.velocity * 127) for note in notes] == [*keys]
    assert [round(note.length * 96) for note in notes] == [21 + at for at in range(20)]


@pytest.mark.parametrize("held", [1, 16])
def test_held_keys_cost_no_more_the_more_there_are(tmp_path: Path, held: int) -> None:
    def save_held(size: int) -> Path:
        pitches = [bytes([at % held]) for at in range(size)]
        pressed = b"".join(b"\0\x90" + pitch + b"\x40" for pitch in pitches)
        released = b"".join(b"\1\x80" + pitch + b"\0" for pitch in pitches)
        return write(tmp_path / "held.mid", pressed + released)

    assert_linear(read_midi, save_held)


def test_notes_among_thousands_of_tempos_cost_no_more_the_more_there_are(tmp_path: Path) -> None:
    def save_tempos(size: int) -> Path:
        tempos = b"".join(b"\1\xff\x51\3\7\xa1" + bytes([at % 256]) for at in range(size))
        return write(tmp_path / "tempos.mid", tempos, b"\0\x90\1\1\1\1\0" * size)

    assert_linear(read_midi, save_tempos)


@pytest.mark.parametrize(
    "event",
    [
        b"\0\xb0\x7b\0",  # all notes off
        b"\0\xb0\x40\x7f\0\xb0\x40\0",
        b"\0\xb0\x78\0",
        b"\1\xff\x58\4\3\2\x18\x08",
        b"\1\xff\x58\4\3\2\x18\x08\1\xff\x58\4\4\2\x18\x08",
        b"\1\xff\x59\2\1\0",
        b"\1\xff\x51\3\7\xa1\x20\1\xff\x51\3\7\xa1\x21",
    ],
)
def test_no_event_costs_more_the_more_there_are(tmp_path: Path, event: bytes) -> None:
    pressed = b"".join(b"\0\x90" + bytes([pitch, 64]) for pitch in range(128))
    released = b"\1\xb0\x40\x7f" + pressed.replace(b"\x90", b"\x80")

    def save_events(size: int) -> Path:
        return write(tmp_path / "events.mid", pressed + released + event * size + pressed)

    assert_linear(read_midi, save_events)


def test_25000_held_keys_and_65535_tracks_are_read_or_refused(tmp_path: Path) -> None:
    held = b"\0\x90\x3c\x40" + b"\0\x3c\x40" * 24_999 + b"\1\x3c\0" * 25_000
    assert len(read_midi(write(tmp_path / "held.mid", held)).notes) == 25_000
    with pytest.raises(BadMidi, match="65535 tracks: at most 1024"):
        read_midi(write(tmp_path / "tracks.mid", *[b""] * 65_535))


def test_the_tempo_alone_is_read_once_for_each_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[int] = []

    def count(data: bytes) -> smf.MidiFile:
        parsed.append(len(data))
        return parse(data)

    parse = smf.parse
    monkeypatch.setattr(smf, "parse", count)
    path = save(tmp_path / "a.mid", [tempo(0, 90)], events(melody(70)))
    assert [read_facts(path).bpm, read_facts(str(path)).bpm, read_facts(path).bpm] == [90.0] * 3
    assert len(parsed) == 1
    save(path, [tempo(0, 92)], events(melody(70)))  # of the same size
    assert [read_facts(path).bpm, read_facts(path).bpm] == [92.0] * 2
    assert len(parsed) == 2
    assert read_facts(path).bpm == read_midi(path).bpm
    path.unlink()
    with pytest.raises(BadMidi, match="cannot be read"):
        read_facts(path)


def count_parses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Filled with the size of each file that is looked through from now on."""
    parsed: list[int] = []
    parse = smf.parse

    def count(data: bytes) -> smf.MidiFile:
        parsed.append(len(data))
        return parse(data)

    monkeypatch.setattr(smf, "parse", count)
    return parsed


def test_what_is_saved_again_as_it_was_is_not_looked_through_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "again.mid", events(melody(60, 62)))
    parsed = count_parses(monkeypatch)
    first = read_music(path)
    path.rename(tmp_path / "old.mid")
    save(path, events(melody(60, 62)))
    assert read_music(path) is first
    assert read_facts(path) is first.facts
    assert len(parsed) == 1
    save(path, events(melody(60, 64)))
    assert [note.pitch for note in read_music(path).score.notes] == [60, 64]
    assert len(parsed) == 2


def test_a_file_that_cannot_be_used_is_looked_through_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request that names it asks several times."""
    path = save(tmp_path / "silent.mid", [])
    parsed = count_parses(monkeypatch)
    for _ in range(3):
        for read in (read_music, read_facts):
            with pytest.raises(BadMidi, match=f"{path} has no notes"):
                read(path)
    assert len(parsed) == 1
