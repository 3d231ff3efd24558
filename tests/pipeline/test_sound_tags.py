"""What the tags of a sound file say."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from pipeline.sound_chunks import read_chunks
from pipeline.sound_headers import read_header
from pipeline.sound_tags import parse_info, read_tags
from pipeline.source_facts import read_facts
from tests.support.sounds import (
    convert,
    encode,
    make_chunk,
    make_riff,
    make_tone,
    needs_ffmpeg,
)
from tests.support.tags import (
    MP3,
    make_atom,
    make_comments,
    make_entry,
    make_frame,
    make_frames,
    make_id3,
    make_m4a,
    make_ogg,
    make_synchsafe,
)

SAID = {"bpm": "92", "key": "Am", "title": "Night Drive"}
FRAMES = {"TBPM": "92", "TKEY": "Am", "TIT2": "Night Drive"}
COMMENTS = {"BPM": "92", "INITIALKEY": "Am", "TITLE": "Night Drive"}


def read(path: Path) -> dict[str, str]:
    with path.open("rb") as stream:
        header = read_header(stream)
        return read_tags(stream, header, read_chunks(stream, header))


def read_bytes(folder: Path, name: str, content: bytes) -> dict[str, str]:
    (folder / name).write_bytes(content)
    return read(folder / name)


# --- every place where tags are -------------------------------------------------------------------


@pytest.mark.parametrize("version", [3, 4])
def test_an_mp3_s_id3(tmp_path: Path, version: int) -> None:
    content = make_id3(make_frames(FRAMES, version), version) + MP3
    assert read_bytes(tmp_path, "x.mp3", content) == SAID


def test_the_first_id3_had_shorter_names(tmp_path: Path) -> None:
    frames = make_frames({"TBP": "92", "TKE": "Am", "TT2": "Night Drive"}, 2)
    assert read_bytes(tmp_path, "x.mp3", make_id3(frames, 2) + MP3) == (SAID)


@pytest.mark.parametrize("name", [b"id3 ", b"ID3 "])
def test_a_wav_s_id3_chunk(tmp_path: Path, name: bytes) -> None:
    tag = make_id3(make_frames(FRAMES))
    chunks = [encode(sound=make_tone(0.1))[12:], make_chunk(name, tag + bytes(len(tag) % 2))]
    assert read_bytes(tmp_path, "x.wav", make_riff(chunks)) == SAID


@pytest.mark.parametrize("outer", [b"RF64", b"BW64"])
@pytest.mark.parametrize("is_behind", [True, False], ids=["behind the sound", "in front of it"])
def test_a_broadcast_wav_s_id3_chunk(tmp_path: Path, outer: bytes, is_behind: bool) -> None:
    tag = make_id3(make_frames(FRAMES))
    id3 = make_chunk(b"id3 ", tag + bytes(len(tag) % 2))
    sound = encode(sound=make_tone(0.1))[12:]
    place = sound.index(b"data")
    form, data = sound[:place], sound[place + 8 :]
    long_data = b"data" + b"\xff" * 4 + data
    sizes = make_chunk(b"ds64", struct.pack("<QQQI", 0, len(data), 0, 0))
    chunks = [sizes, make_chunk(b"bext", bytes(602)), form]
    chunks += [long_data, id3] if is_behind else [id3, long_data]
    content = outer + b"\xff" * 4 + b"WAVE" + b"".join(chunks)
    assert read_bytes(tmp_path, "x.wav", content) == SAID


@pytest.mark.parametrize("name", [b"IBPM", b"ibpm"])
def test_a_wav_s_info_chunk(tmp_path: Path, name: bytes) -> None:
    info = b"INFO" + make_chunk(b"ISFT", b"a DAW\0") + make_chunk(name, b"92\0\0")
    chunks = [encode(sound=make_tone(0.1))[12:]]
    chunks += [make_chunk(b"LIST", b"adtl" + make_chunk(b"labl", b"\1\0\0\0here\0\0"))]
    chunks += [make_chunk(b"LIST", info)]
    assert read_bytes(tmp_path, "x.wav", make_riff(chunks)) == {"bpm": "92"}
    for cut in range(len(info)):  # it may say that it is longer
        assert len(list(parse_info(info[:cut]))) <= 2


def test_an_aiff_s_id3_chunk(tmp_path: Path) -> None:
    tag = make_id3(make_frames(FRAMES))
    content = encode("AIFF", sound=make_tone(0.1)) + struct.pack(">4sI", b"ID3 ", len(tag)) + tag
    assert read_bytes(tmp_path, "x.aiff", content) == SAID


@pytest.mark.parametrize("name", ["KEY", "INITIALKEY", "initialkey"])
@pytest.mark.parametrize("tempo", ["BPM", "TEMPO"])
def test_a_flac_s_comments(tmp_path: Path, tempo: str, name: str) -> None:
    comments = make_comments({tempo: "92", name: "Am", "TITLE": "Night Drive"})
    flac = encode("FLAC", sound=make_tone(0.1))
    block = bytes([4]) + len(comments).to_bytes(3) + comments
    picture = bytes([6]) + (70_000).to_bytes(3) + bytes(70_000)
    assert read_bytes(tmp_path, "x.flac", flac[:42] + picture + block + flac[42:]) == SAID


def test_a_flac_s_comments_behind_an_id3(tmp_path: Path) -> None:
    comments = make_comments(COMMENTS)
    flac = encode("FLAC", sound=make_tone(0.1))
    block = bytes([4]) + len(comments).to_bytes(3) + comments
    tagged = make_id3(b"") + flac[:42] + block + flac[42:]
    assert read_bytes(tmp_path, "x.flac", tagged) == SAID


@pytest.mark.parametrize(
    ("first", "beginning"),
    [
        (b"\x01vorbis" + bytes(23), b"\x03vorbis"),
        (b"OpusHead" + bytes(11), b"OpusTags"),
        (b"\x7fFLAC" + bytes(46), b"\x84\0\0\0"),
    ],
)
def test_an_ogg_s_comments(tmp_path: Path, first: bytes, beginning: bytes) -> None:
    picture = {"METADATA_BLOCK_PICTURE": "A" * 300_000}
    comments = beginning + make_comments(picture | COMMENTS)
    assert read_bytes(tmp_path, "x.ogg", make_ogg(first, comments, bytes(9))) == SAID


@pytest.mark.parametrize("kind", [0, 21])
@pytest.mark.parametrize("version", [bytes(4), b""])  # QuickTime leaves it out
def test_an_m4a_s_atoms(tmp_path: Path, version: bytes, kind: int) -> None:
    key = make_atom(b"mean", b"\0\0\0\0com.apple.iTunes") + make_atom(
        b"name", b"\0\0\0\0initialkey"
    )
    key += make_atom(b"data", struct.pack(">II", 1, 0) + b"Am")
    entries = [
        make_entry(b"covr", 13, bytes(5000)),
        make_entry(b"tmpo", kind, (92).to_bytes(2)),
        make_entry(b"\xa9nam", 1, b"Night Drive"),
        make_atom(b"----", key),
    ]
    assert read_bytes(tmp_path, "x.m4a", make_m4a(*entries, version=version)) == SAID


def test_a_caf_s_strings(tmp_path: Path) -> None:
    texts = b"tempo\x0092\0key signature\0Am\0title\0Night Drive\0"
    info = struct.pack(">4sqI", b"info", 4 + len(texts), 3) + texts
    assert read_bytes(tmp_path, "x.caf", encode("CAF", sound=make_tone(0.1)) + info) == SAID


# --- as other programs write them -----------------------------------------------------------------

ID3 = ("-metadata", "TBPM=92", "-metadata", "TKEY=Am")
VORBIS = ("-metadata", "BPM=92", "-metadata", "INITIALKEY=Am")


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("x.mp3", ID3),
        ("x4.mp3", (*ID3, "-id3v2_version", "4")),
        ("x.aiff", (*ID3, "-write_id3v2", "1")),
        ("x.flac", VORBIS),
        ("x.ogg", ("-c:a", "libvorbis", *VORBIS)),
        ("x.opus", ("-c:a", "libopus", *VORBIS)),
        ("x.oga", ("-c:a", "flac", *VORBIS)),
        ("x.caf", ("-metadata", "tempo=92", "-metadata", "key signature=Am")),
    ],
)
def test_what_ffmpeg_writes(tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    path = convert(make_tone(0.5), tmp_path / name, *options, "-metadata", "title=Night Drive")
    assert read(path) == SAID


@needs_ffmpeg
def test_an_m4a_of_ffmpeg_s(tmp_path: Path) -> None:
    path = convert(make_tone(0.5), tmp_path / "x.m4a", "-metadata", "title=Night Drive")
    assert read(path) == {"title": "Night Drive"}


# --- how they are written -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        b"\0F\xb0\0",
        b"\x01\xff\xfeF\0\xb0\0\0\0",
        b"\x01\xfe\xff\0F\0\xb0",
        b"\x02\0F\0\xb0",
        b"\x03F\xc2\xb0",
        b"\x03F\xc2\xb0\0another",
        b" F\xb0",  # without an encoding that there is, as Latin letters
    ],
)
def test_texts_are_in_four_encodings(tmp_path: Path, text: bytes) -> None:
    content = make_id3(make_frame("TIT2", text)) + MP3
    assert read_bytes(tmp_path, "x.mp3", content) == {"title": "F°"}


def test_a_tag_without_synchronisation(tmp_path: Path) -> None:
    frames = make_frame("TIT2", b"\x01\xff\xfeF\0") + make_frame("TBPM", b"\x0092")
    content = make_id3(frames.replace(b"\xff", b"\xff\0"), flags=0x80)
    assert read_bytes(tmp_path, "x.mp3", content + MP3) == {
        "title": "F",
        "bpm": "92",
    }


def test_a_frame_without_synchronisation(tmp_path: Path) -> None:
    text = bytes(4) + b"\x01\xff\0\xfeF\0"
    content = make_id3(make_frame("TIT2", text, 4, b"\0\x03"), 4)
    assert read_bytes(tmp_path, "x.mp3", content + MP3) == {"title": "F"}


@pytest.mark.parametrize("version", [3, 4])
def test_what_is_compressed_is_not_read(tmp_path: Path, version: int) -> None:
    flags = b"\0\x80" if version == 3 else b"\0\x08"
    frames = make_frame("TKEY", b"\0Am", version, flags) + make_frame("TBPM", b"\x0092", version)
    content = make_id3(frames, version) + MP3
    assert read_bytes(tmp_path, "x.mp3", content) == {"bpm": "92"}


@pytest.mark.parametrize("version", [3, 4])
def test_an_extended_header_is_skipped(tmp_path: Path, version: int) -> None:
    extended = (6).to_bytes(4) + bytes(6) if version == 3 else make_synchsafe(6) + bytes(2)
    content = make_id3(extended + make_frames(FRAMES, version), version, 0x40)
    assert read_bytes(tmp_path, "x.mp3", content + MP3) == SAID


def test_lengths_of_version_4_may_be_those_of_version_3(tmp_path: Path) -> None:
    picture = b"APIC" + (0x80).to_bytes(4) + bytes(2) + bytes(0x80)
    content = make_id3(picture + make_frames(FRAMES, 4), 4) + MP3
    assert read_bytes(tmp_path, "x.mp3", content) == SAID


def test_a_text_of_one_s_own(tmp_path: Path) -> None:
    frames = make_frame("TXXX", b"\0initialkey\0Am") + make_frame("TXXX", b"\0mood\0calm")
    content = make_id3(frames) + MP3
    assert read_bytes(tmp_path, "x.mp3", content) == {"key": "Am"}


def test_the_first_of_several_counts(tmp_path: Path) -> None:
    comments = make_comments({"bpm": "", "BPM": "92", "TEMPO": "140"})
    content = make_ogg(b"OpusHead" + bytes(11), b"OpusTags" + comments)
    assert read_bytes(tmp_path, "x.opus", content) == {"bpm": "92"}


def test_another_stream_s_pages_are_not_read(tmp_path: Path) -> None:
    begin = make_ogg(b"OpusHead" + bytes(11))
    other = make_ogg(b"x" * 300, serial=8)
    behind = make_ogg(b"OpusTags" + make_comments(COMMENTS))
    assert read_bytes(tmp_path, "x.opus", begin + other + behind) == SAID


# --- wrong ones -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        make_id3(b"TBPM\xff\xff\xff\xff\0\0") + MP3,
        b"ID3\3\0\0\x7f\x7f\x7f\x7f" + b"TBPM\0\0\0\0\0\0" * 9,
        make_ogg(b"OpusHead" + bytes(11), b"OpusTags" + b"\xff" * 40),
        make_ogg(b"OpusHead" + bytes(11), b"OpusTags" + struct.pack("<II", 0, 2**32 - 1)),
        b"OggS" + bytes(23),
        b"OggS",
        b"fLaC" + b"\4\xff\xff\xff" + b"\xff" * 40,
        b"fLaC" + b"\1\0\0\0" * 2000,
        make_atom(b"ftyp", b"M4A ") + make_atom(b"moov", b"\0\0\0\0udta"),
        make_atom(b"ftyp", b"M4A ") + b"\0\0\0\1moov",
        make_atom(b"ftyp", b"M4A ") + b"\0\0\0\0mdat",
        make_m4a(b"\0\0\0\x08tmpo", b"\0\0\0\x09----x"),
        make_m4a(make_entry(b"tmpo", 21, b"")),
        encode("CAF", sound=make_tone(0.1))
        + struct.pack(">4sqI", b"info", 10, 2**32 - 1)
        + b"tempo\0",
    ],
)
def test_damaged_ones_say_nothing(tmp_path: Path, content: bytes) -> None:
    assert read_bytes(tmp_path, "x.any", content).get("bpm", "0") == "0"


@pytest.mark.parametrize("cut", range(0, 400, 13))
def test_a_file_that_ends_anywhere(tmp_path: Path, cut: int) -> None:
    whole = make_id3(make_frames(FRAMES)) + MP3
    others = (
        make_ogg(b"OpusHead" + bytes(11), b"OpusTags" + make_comments(COMMENTS)),
        make_m4a(make_entry(b"tmpo", 21, (92).to_bytes(2))),
    )
    for number, content in enumerate((whole, *others)):
        end = len(content) - cut if number == 2 else cut
        assert read_bytes(tmp_path, "x.any", content[:end]).get("bpm", "92") == "92"


@pytest.mark.parametrize(
    ("tempo", "key", "remarks"),
    [
        ("0", "Am", ["tempo is '0', which is no tempo"]),
        ("999999", "Am", ["tempo is '999999', which is no tempo"]),
        ("fast", "H##", ["tempo is 'fast', which is no tempo", "key is 'H##', which is no key"]),
        ("-90", "any", ["tempo is '-90', which is no tempo", "key is 'any', which is no key"]),
        ("92.5", "8A", []),
        ("92 BPM", "a-Moll", []),
    ],
)
def test_what_is_no_tempo_is_not_taken_and_said(
    tmp_path: Path, tempo: str, key: str, remarks: list[str]
) -> None:
    frames = make_frames({"TBPM": tempo, "TKEY": key})
    (tmp_path / "x_70bpm.mp3").write_bytes(make_id3(frames) + MP3)
    facts = read_facts(tmp_path / "x_70bpm.mp3")
    assert list(facts.remarks) == [f"its tags say that its {remark}" for remark in remarks]
    if not remarks:
        assert (int(facts.bpm), facts.key, facts.where) == (92, "A minor", "its tags")
    else:
        assert facts.bpm == 70, "its name says it then"


def test_tags_stand_between_chunks_and_the_name(tmp_path: Path) -> None:
    acid = struct.pack("<IHHfIHHf", 4, 60, 0x8000, 0.0, 0, 4, 4, 90)
    tag = make_id3(make_frames(FRAMES))
    chunks = [encode(sound=make_tone(0.1))[12:], make_chunk(b"acid", acid)]
    chunks.append(make_chunk(b"id3 ", tag + bytes(len(tag) % 2)))
    (tmp_path / "loop_70bpm_Cmaj.wav").write_bytes(make_riff(chunks))
    facts = read_facts(tmp_path / "loop_70bpm_Cmaj.wav")
    assert (facts.bpm, facts.key, facts.name) == (90, "A minor", "Night Drive")
    assert facts.where == "its chunks and its tags"
