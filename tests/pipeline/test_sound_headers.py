"""What recorders, phones and syncs leave is read to its end, and what is missing is said."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import audio_files
from pipeline.request import BadRequest
from pipeline.sound_chunks import read_chunks
from pipeline.sound_headers import read_header
from pipeline.sound_tags import read_tags
from tests.support.sounds import RATE, encode, make_chunk, make_riff, make_tone, write_size

WAV = encode()
FORM, DATA = WAV[12:36], WAV[44:]
AIFF = encode("AIFF")
CAF = encode("CAF")
FLAC = encode("FLAC")
MP3 = encode("MP3", "MPEG_LAYER_III")
VORBIS, OPUS = encode("OGG", "VORBIS"), encode("OGG", "OPUS")
UNFINISHED = "has a header that was never finished: it was read to its end, 2.0 s"
HALF = "is not whole: its header promises 2.0 s, 1.0 s are there"
ID3 = b"ID3\x03\0\0" + bytes([0, 0, 1, 0]) + bytes(128)
DS64 = b"ds64" + struct.pack("<IQQQI", 28, 0, 0, 0, 0)
OPEN_FLAC = FLAC[:21] + bytes([FLAC[21] & 0xF0]) + bytes(4) + FLAC[26:]


def read(path: Path, content: bytes) -> tuple[float, list[str]]:
    """Its seconds, and what is said of it. The tone is in it, as loud as it was."""
    path.write_bytes(content)
    notes: list[str] = []
    whole = np.concatenate(list(audio_files.read_blocks(str(path), notes=notes)))
    middle = whole[len(whole) // 4 : len(whole) // 2, 0]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * RATE / len(middle) == pytest.approx(220, abs=8)
    assert 0.2 < np.abs(middle).max() < 0.5
    return round(len(whole) / RATE, 1), [note.removeprefix(f"{path.name} ") for note in notes]


UNFINISHED_FILES = {
    "a recorder that was killed": write_size(WAV, b"data", 0),
    "no size anywhere": write_size(write_size(WAV, b"data", 0), b"RIFF", 0),
    "a stream": write_size(write_size(WAV, b"data", 0xFFFFFFFF), b"RIFF", 0xFFFFFFFF),
    "a signed size": write_size(WAV, b"data", 0x7FFFFFFF),
    "a signed size without its header": write_size(WAV, b"data", 0x7FFFFFFF - 36),
    "a broadcast wave": make_riff(
        [make_chunk(b"bext", bytes(602)), FORM, make_chunk(b"data", DATA, 0)]
    ),
    "RF64 whose sizes stayed 0": make_riff(
        [DS64, FORM, make_chunk(b"data", DATA, 0xFFFFFFFF)], b"RF64", 0xFFFFFFFF
    ),
    "RF64 without its sizes": make_riff(
        [FORM, make_chunk(b"data", DATA, 0xFFFFFFFF)], b"RF64", 0xFFFFFFFF
    ),
    "a header of the first half": write_size(WAV, b"data", len(DATA) // 2),
    "big endian": write_size(encode(endian="BIG"), b"data", 0),
    "an ID3 tag": ID3 + write_size(WAV, b"data", 0),
    "24 bits": write_size(encode(subtype="PCM_24"), b"data", 0),
    "floats": write_size(encode(subtype="FLOAT"), b"data", 0),
    "doubles": write_size(encode(subtype="DOUBLE"), b"data", 0),
    "8 bits": write_size(encode(subtype="PCM_U8"), b"data", 0),
    "µ-law": write_size(encode(subtype="ULAW"), b"data", 0),
    "ADPCM": write_size(encode(subtype="IMA_ADPCM"), b"data", 0),
    "extensible": write_size(encode("WAVEX", "PCM_24"), b"data", 0),
    "an AIFF without frames": write_size(AIFF, AIFF[20:22], 0, ">I"),
    "an AIFF without a size": write_size(AIFF, b"SSND", 0, ">I"),
    "a CAF that is open": write_size(CAF, b"data", -1, ">q"),
    "a CAF without a size": write_size(CAF, b"data", 0, ">q"),
}


@pytest.mark.parametrize("kind", UNFINISHED_FILES)
def test_what_a_recorder_never_finished_is_read_to_its_end(tmp_path: Path, kind: str) -> None:
    assert read(tmp_path / "jam.wav", UNFINISHED_FILES[kind]) == (2.0, [UNFINISHED])


CUT_FILES = {
    "WAV": WAV,
    "RIFX": encode(endian="BIG"),
    "24 bits": encode(subtype="PCM_24"),
    "µ-law": encode(subtype="ULAW"),
    "ADPCM": encode(subtype="MS_ADPCM"),
    "AIFF": AIFF,
    "AIFC sowt": encode("AIFF", endian="LITTLE"),
    "CAF": CAF,
    "FLAC": FLAC,
    "MP3": MP3,
}


@pytest.mark.parametrize("kind", CUT_FILES)
def test_what_was_cut_off_on_its_way_is_read_and_said(tmp_path: Path, kind: str) -> None:
    content = CUT_FILES[kind]
    seconds, notes = read(tmp_path / "song.wav", content[: len(content) // 2])
    assert seconds == pytest.approx(1.0, abs=0.2)
    assert notes == [f"is not whole: its header promises 2.0 s, {seconds} s are there"]


@pytest.mark.parametrize("content", [VORBIS, OPUS], ids=["Vorbis", "Opus"])
def test_an_ogg_without_its_last_page_was_cut_off(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path / "a.ogg", content) == (2.0, [])
    seconds, notes = read(tmp_path / "b.ogg", content[: len(content) * 3 // 4])
    assert 0.2 < seconds < 2
    assert notes == [f"was cut off: it was read to its end, {seconds} s"]


def test_a_flac_that_does_not_say_how_long_it_is_is_read(tmp_path: Path) -> None:
    assert read(tmp_path / "a.flac", OPEN_FLAC) == (2.0, [])
    seconds, notes = read(tmp_path / "b.flac", OPEN_FLAC[: len(FLAC) // 2])
    assert notes == [f"is damaged: it was read up to there, {seconds} s"]


ODD_FILES = {
    "an odd chunk": make_riff([FORM, make_chunk(b"LIST", b"INFOabc"), make_chunk(b"data", DATA)]),
    "an odd chunk and its byte": make_riff(
        [FORM, make_chunk(b"LIST", b"INFOabc") + b"\0", make_chunk(b"data", DATA)]
    ),
    "junk in front of the sound": make_riff(
        [make_chunk(b"JUNK", bytes(28)), FORM, bytes(64), make_chunk(b"data", DATA)]
    ),
    "its format last": make_riff([make_chunk(b"data", DATA), FORM]),
    "BW64": make_riff([DS64, FORM, make_chunk(b"data", DATA)], b"BW64"),
    "an ID3 tag": ID3 + WAV,
    "junk before it": bytes(100) + WAV,
    "no size of the whole": write_size(WAV, b"RIFF", 0),
    "a FLAC with an ID3 tag": ID3 + FLAC,
    "an Ogg behind junk": bytes(500) + VORBIS,
    "an MP3 behind junk": bytes(500) + MP3,
    "two ID3 tags": ID3 + ID3 + MP3,
    "an ID3 tag that is no number": b"ID3\x03\0\0\xff\xff\xff\xff" + bytes(100) + MP3,
    "an ID3 tag longer than the file": b"ID3\x03\0\0\x7f\x7f\x7f\x7f" + bytes(100) + MP3,
    "an ID3 tag shorter than it is": b"ID3\x03\0\0\0\0\0\x10" + bytes(300) + MP3,
    "a name that is wrong": AIFF,
}


@pytest.mark.parametrize("kind", ODD_FILES)
def test_what_is_around_the_sound_does_not_hide_it(tmp_path: Path, kind: str) -> None:
    assert read(tmp_path / "odd.wav", ODD_FILES[kind]) == (2.0, [])


def test_an_mp3_that_does_not_count_its_frames_is_read_whole(tmp_path: Path) -> None:
    """A decoder guesses from the first one, which is quiet here: it stopped after a fifth."""
    quiet = 1e-3 * make_tone(1)
    sound = np.concatenate([quiet, make_tone(1), 20 * (make_tone(3) - make_tone(3).mean())])
    content = encode("MP3", "MPEG_LAYER_III", np.clip(sound, -1, 1))
    begin = next(place for place in range(400) if content[place : place + 4] in (b"Xing", b"Info"))
    uncounted = content[:begin] + bytes(4) + content[begin + 4 :]
    (tmp_path / "a.mp3").write_bytes(uncounted)
    whole = audio_files.read_audio(str(tmp_path / "a.mp3"))
    assert len(whole) / RATE == pytest.approx(5, abs=0.1)


def test_an_mp3_that_was_put_behind_another_is_heard_too(tmp_path: Path) -> None:
    (tmp_path / "both.mp3").write_bytes(MP3 + MP3)
    whole = audio_files.read_audio(str(tmp_path / "both.mp3"))
    assert len(whole) / RATE == pytest.approx(4, abs=0.2)


def test_silence_is_said(tmp_path: Path) -> None:
    for level in (0.0, 0.25):
        notes: list[str] = []
        content = encode(sound=np.full((RATE, 2), level, np.float32))
        (tmp_path / "a.wav").write_bytes(content)
        list(audio_files.read_blocks(str(tmp_path / "a.wav"), notes=notes))
        assert notes == ["a.wav is silent"]


EMPTY_FILES = {
    "WAV": encode(sound=make_tone(0)),
    "a recorder that was killed at once": WAV[:44],
    "a WAV of a size of 0": write_size(WAV, b"data", 0)[:44],
    "with other things behind": make_riff(
        [FORM, make_chunk(b"data", b""), make_chunk(b"LIST", bytes(1000))]
    ),
    "float": encode(subtype="FLOAT", sound=make_tone(0)),
    "AIFF": encode("AIFF", sound=make_tone(0)),
    "CAF": encode("CAF", sound=make_tone(0)),
    "FLAC": encode("FLAC", sound=make_tone(0)),
    "Vorbis": encode("OGG", "VORBIS", make_tone(0)),
    "Opus": encode("OGG", "OPUS", make_tone(0)),
    "the first page of an Ogg": VORBIS[: VORBIS.index(b"OggS", 4)],
    "the head of an Ogg": VORBIS[: VORBIS.index(b"OggS", VORBIS.index(b"OggS", 4) + 4)],
    "the head of an Opus": OPUS[: OPUS.index(b"OggS", OPUS.index(b"OggS", 4) + 4)],
    "the head of a FLAC": FLAC[:8192][: FLAC.index(b"\xff\xf8")],
}


@pytest.mark.parametrize("kind", EMPTY_FILES)
def test_a_file_without_sound_is_refused_in_words(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "empty.wav"
    path.write_bytes(EMPTY_FILES[kind])
    with pytest.raises(BadRequest, match=r"^source: empty.wav (has no sound|is not readable)"):
        audio_files.read_audio(str(path))


def test_it_is_said_how_much_a_file_without_sound_promises(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(WAV[:44])
    with pytest.raises(BadRequest) as error:
        audio_files.read_audio(str(tmp_path / "a.wav"))
    assert str(error.value) == (
        "source: a.wav has no sound: its header promises 2.0 s, and nothing is there"
    )
    assert error.value.hint == "export it again, or wait until it is here as a whole"


def test_a_file_with_other_things_behind_its_sound_is_whole(tmp_path: Path) -> None:
    for behind in (make_chunk(b"LIST", bytes(200_000)), bytes(200_000), b"TAG" + bytes(125)):
        content = make_riff([FORM, make_chunk(b"data", DATA), behind])
        assert read(tmp_path / "a.wav", content) == (2.0, [])


@pytest.mark.hypothesis
@given(st.data())
def test_no_header_stops_the_reader(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Files of every kind, with bytes that were changed, put in and taken out."""
    base = data.draw(st.sampled_from([WAV, AIFF, CAF, FLAC, MP3, VORBIS, *ODD_FILES.values()]))
    content = bytearray(base[:4096])
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(0, min(len(content), 200)))
        if data.draw(st.booleans()):
            content[place : place + 4] = data.draw(st.binary(min_size=4, max_size=4))
        elif data.draw(st.booleans()):
            content[place:place] = data.draw(st.binary(max_size=20))
        else:
            del content[place : place + data.draw(st.integers(1, 20))]
    path = tmp_path_factory.getbasetemp() / "fuzz.wav"
    path.write_bytes(content)
    with path.open("rb") as stream:
        header = read_header(stream)
    assert len(header.body) <= len(content)
    try:
        with pytest.MonkeyPatch.context() as without_ffmpeg:
            without_ffmpeg.setattr(audio_files, "find_ffmpeg", str)
            pieces = list(audio_files.read_blocks(str(path)))
    except BadRequest:
        return
    assert all(np.isfinite(piece).all() for piece in pieces)


def test_a_huge_number_of_chunks_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_files, "find_ffmpeg", str)
    path = tmp_path / "a.wav"
    path.write_bytes(make_riff([make_chunk(b"JUNK", b"") * 300_000, FORM]))
    with path.open("rb") as stream:
        assert read_header(stream).kind == "wav"
    with pytest.raises(BadRequest, match="is not readable audio"):
        audio_files.read_audio(str(path))


CHUNK_WITHOUT_END = struct.pack(">4sq", b"free", 2**63 - 1)
ATOM_WITHOUT_END = struct.pack(">I4sQ", 1, b"free", 2**64 - 1)
ENDLESS_FILES = {
    "a CAF": CAF[:8] + CHUNK_WITHOUT_END + CAF[8:],
    "a CAF's sound": CAF[: CAF.index(b"data")]
    + struct.pack(">4sq", b"data", 2**63 - 1)
    + bytes(99),
    "an MP4": b"\0\0\0\x10ftypM4A \0\0\0\0" + ATOM_WITHOUT_END + bytes(99),
}


@pytest.mark.parametrize("content", ENDLESS_FILES.values(), ids=ENDLESS_FILES)
def test_a_part_that_ends_farther_than_any_file_reaches_stops_nobody(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with path.open("rb") as stream:
        header = read_header(stream)
        chunks = read_chunks(stream, header)
        assert not list(read_tags(stream, header, chunks))
