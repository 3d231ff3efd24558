"""The bytes of clips: libsndfile's, whoever wrote them."""

from __future__ import annotations

import errno
import hashlib
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from daemon.landing import audio_files, chunks, disk, levels
from daemon.landing.finished_take import ClipSound
from pipeline.request import Request

RANDOM = np.random.default_rng(0)
# what rounding may get wrong: halves of the last bit, full scale and beyond it, next to nothing
EDGES = np.array([0, 1, -1, 1.5, -1.5, 1 - 2**-24, -1 + 2**-24, 2**-24, -(2**-24), 3e-9, -3e-9])
HALVES = (np.arange(-20, 20) + 0.5) * 2.0**-15


def frames(samples: int) -> np.ndarray:
    audio = RANDOM.uniform(-1.05, 1.05, (samples, 2)).astype(np.float32)
    odd = np.concatenate([EDGES, HALVES, HALVES / 256])[: audio.size]
    audio.reshape(-1)[: len(odd)] = odd
    return audio


def describe(form: str, samples: int, seed: int = 3) -> chunks.ClipFacts:
    request = Request(prompt="night", bars=1, bpm=120, seed=seed, format=form)
    made = time.struct_time((2026, 3, 9, 8, 7, 6, 0, 68, 0))
    bits = audio_files.FORMATS[form].bits
    return chunks.ClipFacts(request, "mix", "take1", "mini/turbo", made, samples, bits)


def write_with_libsndfile(audio: np.ndarray, facts: chunks.ClipFacts, subtype: str) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, audio, facts.rate, subtype, format="WAV")
    chunks.append_chunks(stream, chunks.build_chunks(facts))
    return stream.getvalue()


@pytest.mark.parametrize("samples", [1, 2, 70_001, 200_000])
@pytest.mark.parametrize(("form", "subtype"), [("wav16", "PCM_16"), ("wav24", "PCM_24")])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_wav_is_what_libsndfile_would_write(
    form: str, subtype: str, samples: int, order: Any
) -> None:
    audio = frames(samples)
    facts = describe(form, samples)
    expected = levels.dither(audio.T, facts.request.seed).T if form == "wav16" else audio
    whole = np.array(audio.T, order=order)
    for pieces in ([whole], np.split(whole, [samples // 3, samples // 2], axis=1)):
        encoded = audio_files.encode_clip(ClipSound("mix", samples, pieces), facts)
        assert b"".join(encoded) == write_with_libsndfile(expected, facts, subtype)


@pytest.mark.parametrize("form", sorted(audio_files.FORMATS))
def test_a_clip_in_any_format_is_read_back(form: str) -> None:
    audio = frames(50_000).clip(-1, 1)
    sound = ClipSound("mix", 50_000, np.split(audio.T, 5, axis=1))
    pieces = audio_files.encode_clip(sound, describe(form, 50_000))
    read, rate = soundfile.read(io.BytesIO(b"".join(pieces)), dtype="float32")
    assert rate == 48_000
    np.testing.assert_allclose(read, audio, atol=2.0**-14 if form == "wav16" else 2.0**-22)


def test_a_clip_that_no_wav_holds_is_refused_before_anything_is_written() -> None:
    samples = 2**32 // 6 + 1
    with pytest.raises(ValueError, match="a WAV holds at most"):
        next(audio_files.encode_clip(ClipSound("mix", samples, ()), describe("wav24", samples)))


@pytest.mark.parametrize("size", [100_000, 3_000_000])
def test_pieces_make_one_file_and_one_checksum(tmp_path: Path, size: int) -> None:
    rows = np.arange(size, dtype=np.uint8).reshape(-1, 4)
    pieces: list[bytes | memoryview] = [b"", b"one", rows.data, b"two", rows.data, b"three"]
    path = tmp_path / "clip.part"
    path.write_bytes(b"an older file")
    checksum = disk.write_pieces_synced(path, pieces)
    assert path.read_bytes() == b"".join(pieces)
    assert checksum == hashlib.sha256(b"".join(pieces)).hexdigest() == disk.hash_file(path)


def test_what_making_a_piece_raises_is_raised(tmp_path: Path) -> None:
    def make() -> Iterator[bytes]:
        yield b"one"
        raise ValueError("no second one")

    with pytest.raises(ValueError, match="no second one"):
        disk.write_pieces_synced(tmp_path / "clip.part", make())


def test_a_failure_of_the_disk_that_was_told_on_the_way_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system tells of it once: a sync behind it succeeds."""
    told = []

    def fail_once(handle: int) -> None:
        told.append(handle)
        if len(told) == 1:
            raise OSError(errno.EIO, "it could not be written")

    monkeypatch.setattr(disk, "_SYNCED_TOGETHER", 1000)
    monkeypatch.setattr(disk, "_sync_data", fail_once)
    with pytest.raises(OSError, match="it could not be written"):
        disk.write_pieces_synced(tmp_path / "clip.part", [bytes(1000)] * 3)
    assert len(told) == 3
