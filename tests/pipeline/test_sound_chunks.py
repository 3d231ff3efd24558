"""What other programs write into the chunks of an AIFF and a CAF; of a WAV see the facts of a
source.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.source_facts import read_facts
from tests.support.sounds import RATE, encode

APPLE_LOOP = bytes.fromhex("29819273b5bf4aefb78d62d1ef90bb2c")
FOUR_BARS = np.zeros((round(4 * 4 * 60 / 90 * RATE), 2), np.float32)  # at 90 bpm
LOOP_INFO = 0x10E0  # libsndfile's command for what it has read of a loop


def make_basc(
    beats: int = 16,
    note: int = 57,
    scale: int = 1,
    meter: tuple[int, int] = (4, 4),
    is_one_shot: int = 0,
) -> bytes:
    chunk = struct.pack(">II5H", 1, beats, note, scale, *meter, is_one_shot) + bytes(66)
    return struct.pack(">4sI", b"basc", len(chunk)) + chunk


def write_aiff(path: Path, chunk: bytes) -> Path:
    content = encode("AIFF", sound=FOUR_BARS)
    size = struct.pack(">I", len(content) + len(chunk) - 8)
    place = content.index(b"SSND")
    path.write_bytes(content[:4] + size + content[8:place] + chunk + content[place:])
    return path


def write_caf(path: Path, *texts: str, uuid: bytes = APPLE_LOOP) -> Path:
    pairs = b"".join(text.encode() + b"\0" for text in texts)
    chunk = uuid + struct.pack(">I", len(texts) // 2) + pairs
    head = struct.pack(">4sq", b"uuid", len(chunk)) + chunk
    path.write_bytes(encode("CAF", sound=FOUR_BARS) + head)
    return path


def test_an_apple_loop_in_an_aiff(tmp_path: Path) -> None:
    facts = read_facts(write_aiff(tmp_path / "loop_70bpm.aiff", make_basc()))
    assert (facts.bpm, facts.key, facts.time_signature, facts.bars) == (90, "A minor", "4/4", 4)
    assert facts.where == "its chunks"


@pytest.mark.parametrize("meter", [(4, 4), (3, 4), (6, 8)])
def test_its_tempo_is_the_one_that_libsndfile_reads(tmp_path: Path, meter: tuple[int, int]) -> None:
    path = write_aiff(tmp_path / "loop.aiff", make_basc(24, meter=meter))
    with soundfile.SoundFile(path) as file:
        ffi, library = soundfile._ffi, soundfile._snd
        # metre, how it loops, beats, tempo, key, and more
        info = ffi.new("char[]", 44)
        assert library.sf_command(file._file, LOOP_INFO, info, 44)
        count, unit, _, _, bpm = struct.unpack("=hhiif", bytes(ffi.buffer(info, 16)))
    facts = read_facts(path)
    assert (count, unit) == meter
    assert facts.bpm == pytest.approx(bpm, abs=1e-3)


@pytest.mark.parametrize(
    ("note", "scale", "key"),
    [(48, 2, "C major"), (49, 1, "C# minor"), (58, 2, "Bb major"), (0, 2, ""), (57, 3, "")],
)
def test_a_note_is_a_key_only_with_its_scale(
    tmp_path: Path, note: int, scale: int, key: str
) -> None:
    path = write_aiff(tmp_path / "loop.aiff", make_basc(note=note, scale=scale))
    assert read_facts(path).key == key


@pytest.mark.parametrize(
    "chunk",
    [
        make_basc(is_one_shot=1, scale=0),
        make_basc(beats=0, scale=0),
        make_basc(beats=2**32 - 1, scale=9, meter=(0, 0)),
        make_basc(meter=(4, 65535), scale=0),
        struct.pack(">4sI4s", b"basc", 4, b"oops"),
    ],
)
def test_a_one_shot_has_no_tempo(tmp_path: Path, chunk: bytes) -> None:
    facts = read_facts(write_aiff(tmp_path / "hit.aiff", chunk))
    assert (facts.bpm, facts.key) == (0, "")


def test_an_apple_loop_in_a_caf(tmp_path: Path) -> None:
    texts = "category", "Bass", "beat count", "16", "time signature", "4/4"
    path = write_caf(tmp_path / "loop.caf", *texts, "key signature", "A", "key type", "minor")
    facts = read_facts(path)
    assert (facts.bpm, facts.key, facts.time_signature, facts.bars) == (90, "A minor", "4/4", 4)
    assert facts.where == "its chunks"


@pytest.mark.parametrize(
    "texts",
    [
        ("beat count", "fast", "time signature", "four", "key signature", "A"),
        ("beat count", "0", "time signature", "4/4", "key type", "minor"),
        ("beat count", "16"),
        ("key signature", "A", "key type", "both"),
        ("key signature", "Q", "key type", "major"),
    ],
)
def test_an_apple_loop_that_says_too_little(tmp_path: Path, texts: tuple[str, ...]) -> None:
    facts = read_facts(write_caf(tmp_path / "loop.caf", *texts))
    assert (facts.bpm, facts.key) == (0, "")


def test_another_uuid_says_nothing(tmp_path: Path) -> None:
    texts = "beat count", "16", "time signature", "4/4"
    facts = read_facts(write_caf(tmp_path / "loop.caf", *texts, uuid=bytes(16)))
    assert facts.bpm == 0
