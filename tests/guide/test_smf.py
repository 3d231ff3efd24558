"""A Standard MIDI File's events, and the files that were made to keep its reader busy."""

from __future__ import annotations

import io
import struct
from contextlib import suppress

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.guide import smf
from pipeline.guide.smf import (
    CONTROL,
    NOTE_OFF,
    NOTE_ON,
    PROGRAM,
    SUSTAIN,
    Damaged,
    MidiFile,
    NoMidi,
    TooMuch,
)
from tests.support.growth import assert_linear

END = b"\0\xff\x2f\0"


def file_of(*tracks: bytes, format: int = 1, division: int = 96, count: int | None = None) -> bytes:
    header = struct.pack(">4sLHHh", b"MThd", 6, format, len(tracks), division)
    if count is not None:
        header = struct.pack(">4sLHHh", b"MThd", 6, format, count, division)
    return header + b"".join(struct.pack(">4sL", b"MTrk", len(track)) + track for track in tracks)


def test_notes_programs_tempos_and_names_are_read_and_the_rest_is_skipped() -> None:
    track = (
        b"\0\xff\x03\4Bass"
        b"\0\xff\x51\3\7\xa1\x20"  # 500,000 microseconds
        b"\0\xff\x59\2\xfd\1"  # three flats, minor
        b"\0\xff\x7f\3abc"
        b"\0\xf0\3\1\2\xf7"  # System Exclusive
        b"\0\xc2\x21"
        b"\0\xb2\1\x40\0\x0a\x40"  # controllers, the second with running status
        b"\0\xe2\0\x40"
        b"\x81\x00\x92\x30\x64"  # after 128 ticks
        b"\x10\x30\0" + END
    )
    (read,) = smf.parse(file_of(track)).tracks
    assert read.name == "Bass"
    assert read.tempos == {0: 500_000}
    assert read.events == (
        (0, PROGRAM, 2, 33, 0),
        (128, NOTE_ON, 2, 48, 100),
        (144, NOTE_ON, 2, 48, 0),
    )
    assert read.end == 144


def test_a_status_runs_on_behind_a_meta_event_and_not_behind_a_system_exclusive_one() -> None:
    on = b"\0\x90\x40\x40"
    off = b"\1\x40\0"
    (read,) = smf.parse(file_of(on + b"\0\xff\x01\1x" + off)).tracks
    assert [event[0] for event in read.events] == [0, 1]
    cut = smf.parse(file_of(on + b"\0\xf7\0" + off))
    assert [event[0] for event in cut.tracks[0].events] == [0]
    assert cut.problems == ("its track 1 has running status without a status before it",)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"MThd", "too early"),
        (b"MThd" + struct.pack(">LHHh", 5, 0, 1, 96), "header"),
        (file_of(format=3), "formats are 0, 1 and 2"),
        (file_of(division=0), "a beat has ticks"),
        (file_of(division=-25 * 256), "a beat has ticks"),
        (file_of(count=1), "too early"),
        (file_of(count=1) + b"XFIH" + bytes(4), "no MTrk"),
        (file_of(b"\0")[:-1] + b"", "too early"),
        (file_of(b"\0\x90\x40"), "too early"),
        (file_of(b"\0\xf4"), "undefined status byte 0xf4"),
        (file_of(b"\0\xff\x51\2\1\1"), "too early"),
        (file_of(b"\0\xff\x01\x05abc"), "too early"),
        (file_of(b"\0\xf0\x05abc"), "too early"),
        (file_of(b"\0\xf2\1"), "too early"),
        (file_of(b"\0\x40\x40"), "running status"),
        (file_of(b"\0\xff\x59\2\x08\0"), "no key"),
        (file_of(b"\x80" * 5000 + b"\0"), "too early"),
        (file_of(b"\x81\x80\x80\x80\0\x90\1\1"), "longer than MIDI"),
    ],
)
def test_what_is_damaged_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Damaged, match=reason):
        smf.parse(data)


NOTE = b"\0\x90\x40\x40\x10\x80\x40\0"
OTHER = b"\0\x91\x41\x40\x10\x81\x41\0"


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    return struct.pack(">4sL", name, len(content) if size is None else size) + content


HEADER = struct.pack(">4sLHHh", b"MThd", 6, 1, 2, 96)
TRACKS = chunk(b"MTrk", NOTE + END), chunk(b"MTrk", OTHER + END)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (file_of(NOTE + END, OTHER + END), ""),
        (file_of(NOTE, OTHER), ""),  # without an end of track
        (file_of(NOTE + END, OTHER + END) + bytes(5), ""),
        (file_of(NOTE + END, OTHER + END, count=1), "promises 1 tracks, and it has 2"),
        (file_of(NOTE + END, OTHER + END, count=9), "promises 9 tracks, and it has 2"),
        (HEADER + chunk(b"XFIH", b"abc") + TRACKS[0] + chunk(b"XFKM", b"") + TRACKS[1], ""),
        (HEADER + TRACKS[0] + b"\0" + TRACKS[1], ""),  # filled up to an even size
        (struct.pack(">4sLHHhH", b"MThd", 8, 1, 2, 96, 7) + TRACKS[0] + TRACKS[1], ""),
        (bytes(128) + HEADER + TRACKS[0] + TRACKS[1], ""),  # of an old Mac
        (HEADER + chunk(b"MTrk", NOTE + END, 0) + TRACKS[1], ""),
        (HEADER + chunk(b"MTrk", NOTE + END, 2**32 - 1) + TRACKS[1], "1 ends too early"),
        (HEADER + chunk(b"MTrk", NOTE + END, 5) + TRACKS[1], ""),
        (HEADER + chunk(b"MTrk", NOTE + END, 17) + TRACKS[1], ""),
        (file_of(NOTE + END, OTHER + END)[:-4], "2 ends too early"),
        (file_of(NOTE + END, OTHER)[:-4], "2 ends too early"),
        (file_of(NOTE + b"\0\xf4", OTHER), "1 has an undefined status byte 0xf4"),
        (file_of(NOTE + b"\0\xff\x51\1\1", OTHER), "1 ends too early"),
        (file_of(b"\0\xff\x59\2\x20\0" + NOTE, OTHER), "1 has no key of 32 sharps and mode 0"),
        (file_of(b"\0\xff\x51\3\0\0\0" + NOTE, OTHER), "1 has a tempo of 0, which was left out"),
        (file_of(b"\0\xff\x58\2\0\2" + NOTE, OTHER), "1 has a time signature that is none"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_and_the_rest_is_read(data: bytes, problem: str) -> None:
    read = smf.parse(data)
    pressed = [[event[3] for event in track.events if event[1] == NOTE_ON] for track in read.tracks]
    assert pressed == [[0x40], [0x41]]
    assert len(read.problems) == bool(problem)
    assert problem in "".join(read.problems)


def test_a_riff_container_is_opened() -> None:
    inside = file_of(NOTE + END)

    def contain(*parts: bytes) -> bytes:
        content = b"RMID" + b"".join(parts)
        return b"RIFF" + struct.pack("<L", len(content)) + content

    data = b"data" + struct.pack("<L", len(inside)) + inside
    name = b"DISP" + struct.pack("<L", 5) + b"\1\0\0\0x\0"
    for written in (contain(data), contain(name, data), contain(data, name)):
        assert smf.parse(written) == smf.parse(inside)
    for other in (contain(name), b"RIFF\4\0\0\0WAVE" + data, b"RIFF", b"", b"MT"):
        with pytest.raises(smf.NoMidi, match="those begin with MThd"):
            smf.parse(other)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (b"Bass", "Bass"),
        ("Schlägel".encode(), "Schlägel"),
        ("Schlägel".encode("latin-1"), "Schlägel"),
        ("ギター".encode(), "ギター"),
        ("ギター".encode("cp932"), "ギター"),
        (b"", ""),
        (b"\xff\xfe", "ÿþ"),
    ],
)
def test_names_are_decoded(written: bytes, name: str) -> None:
    (read,) = smf.parse(file_of(b"\0\xff\x03" + bytes([len(written)]) + written + NOTE)).tracks
    assert read.name == name
    (read,) = smf.parse(file_of(b"\0\xff\x04" + bytes([len(written)]) + written + NOTE)).tracks
    assert read.name == name


def test_every_limit_says_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    longest = b"\xff\xff\xff\x7f\xb0\1\1"
    for data, says in (
        (file_of(count=65_535), "65535 tracks: at most 1024"),
        (file_of(b"\0\xc0\1" + b"\0\1" * smf.MAX_EVENTS), "more than 250000 events"),
        (file_of(longest + b"\1\xb0\1\1"), "more than 268435455 ticks"),
        (file_of(longest, longest, format=2), "536870910 ticks: at most 268435455"),
        (
            file_of(b"\1\xff\x51\3\1\1\1" * (smf.MAX_TEMPOS + 1)),
            "more than 65536 tempos",
        ),
    ):
        with pytest.raises(TooMuch, match=says):
            smf.parse(data)
    assert smf.parse(file_of(longest, longest)).tracks[1].end == smf.MAX_TICKS
    monkeypatch.setattr(smf, "MAX_EVENTS", 5)
    assert len(smf.parse(file_of(b"\0\xc0\1" * 3, b"\0\xc0\1" * 2)).tracks) == 2
    with pytest.raises(TooMuch, match="more than 5 events"):  # of all tracks together
        smf.parse(file_of(b"\0\xc0\1" * 3, b"\0\xc0\1" * 3))
    monkeypatch.setattr(smf, "MAX_TEMPOS", 3)
    with pytest.raises(TooMuch, match="tempos"):  # before the events behind them are read
        smf.parse(file_of(b"\1\xff\x51\3\1\1\1" * 100))


@pytest.mark.parametrize(
    "event",
    [
        b"\0\x90\1\1",
        b"\0\1\1",  # running status
        b"\x83\xff\xff\x7f\x90\1\1"[:4] + b"\x90\1\1",
        b"\0\xff\x01\0",
        b"\1\xff\x51\3\1\1\1",
        b"\0\xf0\x81\0" + bytes(128),
        b"\0\xfe",
        b"\0\xff\x03\1x",
    ],
)
def test_no_kind_of_event_costs_more_the_more_there_are(
    event: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smf, "MAX_TICKS", 2**60)
    monkeypatch.setattr(smf, "MAX_TEMPOS", 2**60)
    monkeypatch.setattr(smf, "MAX_EVENTS", 2**60)
    assert_linear(smf.parse, lambda size: file_of(b"\0\x90\1\1" + event * size))
    assert_linear(smf.parse, lambda size: file_of(*[b"\0\x90\1\1" + event] * min(size, 1000)))


MESSAGES = st.one_of(
    st.builds(
        mido.Message,
        st.sampled_from(["note_on", "note_off"]),
        channel=st.integers(0, 15),
        note=st.integers(0, 127),
        velocity=st.integers(0, 127),
        time=st.integers(0, 100_000),
    ),
    st.builds(mido.Message, st.just("program_change"), program=st.integers(0, 127)),
    st.builds(
        mido.Message,
        st.just("control_change"),
        control=st.sampled_from([1, 7, SUSTAIN, 123]),
        value=st.integers(0, 127),
        time=st.integers(0, 1000),
    ),
    st.builds(
        mido.MetaMessage,
        st.just("time_signature"),
        numerator=st.integers(1, 255),
        denominator=st.sampled_from([1, 2, 4, 8, 16, 32]),
        time=st.integers(0, 1000),
    ),
    st.builds(mido.Message, st.just("pitchwheel"), pitch=st.integers(-8192, 8191)),
    st.builds(mido.Message, st.just("sysex"), data=st.lists(st.integers(0, 127))),
    st.builds(mido.MetaMessage, st.just("set_tempo"), tempo=st.integers(1, 2**24 - 1)),
    st.builds(mido.MetaMessage, st.just("text"), text=st.text(st.characters(max_codepoint=255))),
)


@given(st.lists(st.lists(MESSAGES), max_size=4))
def test_what_mido_writes_is_read_as_mido_reads_it(tracks: list[list[mido.Message]]) -> None:
    written = io.BytesIO()
    file = mido.MidiFile(type=1, ticks_per_beat=480)
    file.tracks.extend(mido.MidiTrack(track) for track in tracks)
    file.save(file=written)
    read = smf.parse(written.getvalue())
    assert (read.format, read.division, len(read.tracks)) == (1, 480, len(tracks))
    for track, expected in zip(read.tracks, tracks):
        kinds = {"note_on": NOTE_ON, "note_off": NOTE_OFF, "program_change": PROGRAM}
        tick = 0
        events = []
        tempos = {}
        signatures = {}
        for message in expected:
            tick += message.time
            if message.type == "set_tempo":
                tempos[tick] = message.tempo
            elif message.type == "program_change":
                events.append((tick, PROGRAM, message.channel, message.program, 0))
            elif message.type == "time_signature":
                signatures[tick] = message.numerator, message.denominator
            elif message.type == "control_change" and message.control != 1:
                event = (message.channel, message.control, message.value)
                events.append((tick, CONTROL, *event))
            elif message.type in kinds:
                event = (message.channel, message.note, message.velocity)
                events.append((tick, kinds[message.type], *event))
        assert (track.events, track.tempos, track.end) == (tuple(events), tempos, tick)
        assert (track.signatures, track.is_ended) == (signatures, True)


def count_notes(read: MidiFile) -> int:
    return sum(event[1] == NOTE_ON for track in read.tracks for event in track.events)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(Damaged, TooMuch):
        smf.parse(file_of(content))


@given(st.binary(max_size=64), st.integers(0, 2**32 - 1), st.binary(max_size=64))
def test_any_chunks_are_read_or_refused(before: bytes, size: int, behind: bytes) -> None:
    odd = struct.pack(">4sL", b"MTrk", size)
    with suppress(Damaged, TooMuch):
        smf.parse(HEADER + before + odd + behind + TRACKS[1])
    with suppress(NoMidi, Damaged, TooMuch):
        smf.parse(b"RIFF" + before[:4].ljust(4) + b"RMID" + behind + HEADER + TRACKS[0])


@given(st.lists(st.lists(MESSAGES), min_size=1, max_size=3), st.floats(0, 1))
def test_of_a_file_that_is_cut_off_the_beginning_is_read(
    tracks: list[list[mido.Message]], share: float
) -> None:
    written = io.BytesIO()
    file = mido.MidiFile(type=1, ticks_per_beat=480)
    file.tracks.extend(mido.MidiTrack(track) for track in tracks)
    file.save(file=written)
    whole = smf.parse(written.getvalue())
    cut = written.getvalue()[: 14 + round(share * (len(written.getvalue()) - 14))]
    with suppress(Damaged):
        read = smf.parse(cut)
        assert count_notes(read) <= count_notes(whole)
        for track, other in zip(read.tracks, whole.tracks):
            assert track.events == other.events[: len(track.events)]
        assert bool(read.problems) == (len(cut) < len(written.getvalue()))
