"""What the length of its source makes of a request is known before anything is decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from pipeline.audio_files import read_blocks
from pipeline.request import SAMPLE_RATE, OutOfRange, Request
from pipeline.request_files import explain, resolve_request
from pipeline.source_facts import read_facts
from pipeline.source_length import fit_length, plan_repeat
from tests.support.hostile import forge_wav
from tests.support.sounds import convert, make_tone, needs_ffmpeg

FOUR_BARS = 8.0  # seconds, at 120 bpm


def write(path: Path, seconds: float, rate: int = 8000, **more: Any) -> Path:
    soundfile.write(path, np.zeros((round(seconds * rate), 2)), rate, **more)
    return path


def resolve(path: Path, **values: Any) -> Request:
    return resolve_request(Request(source=str(path), bpm=120, **{"task": "cover", **values}))


@pytest.mark.parametrize("suffix", [".wav", ".aiff"])
def test_a_sound_without_a_sample_is_refused(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"none{suffix}", 0)
    for values in ({}, {"task": "", "prompt": "x", "reference": str(path)}):
        with pytest.raises(OutOfRange, match="has no sound: it ends behind its header"):
            resolve(path, **values)


def test_a_file_without_a_byte_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.wav").touch()
    with pytest.raises(OutOfRange, match=r"source: none\.wav has no sound"):
        resolve(tmp_path / "none.wav")


def test_a_recording_that_was_never_finished_is_not(tmp_path: Path) -> None:
    path = write(tmp_path / "open.wav", 2)
    content = path.read_bytes()
    place = content.index(b"data") + 4
    path.write_bytes(content[:place] + bytes(4) + content[place + 4 :])
    assert resolve(path)


@pytest.mark.parametrize(
    ("seconds", "values", "says"),
    [
        (FOUR_BARS, {}, ""),
        (0.05, {}, r"source must make a clip of 0\.1\.\.600 seconds, got 0\.05"),
        (601, {}, "got more than 600"),
        (601, {"bars": 4}, ""),
        (FOUR_BARS, {"task": "repaint", "repaint_start": -599}, "got more than 600"),
        (FOUR_BARS, {"task": "repaint", "repaint_end": 0.01}, "the window must last at least 0.04"),
        (FOUR_BARS, {"task": "repaint", "repaint_start": 5, "seconds": 4}, "clip's 4 s, got 5 s"),
        (FOUR_BARS, {"task": "lego", "stems": "bass", "repaint_start": -1}, "within its source"),
    ],
)
def test_a_length_that_does_not_go_with_the_request_is_refused(
    tmp_path: Path, seconds: float, values: dict[str, Any], says: str
) -> None:
    path = write(tmp_path / "x.wav", seconds, 1000)
    if not says:
        assert resolve(path, **values)
        return
    with pytest.raises(OutOfRange, match=says):
        resolve(path, **values)


@pytest.mark.parametrize(
    ("forged", "says"),
    [
        ({"rate": 1}, r"must have a sample rate of 1000\.\.768000 Hz, got 1"),
        ({"channels": 65}, "has 65 channels, at most 64 are read"),
    ],
)
def test_a_format_that_no_recording_has_is_refused(
    tmp_path: Path, forged: dict[str, int], says: str
) -> None:
    with pytest.raises(OutOfRange, match=says):
        resolve(forge_wav(tmp_path / "x.wav", data=2**20, **forged))


def test_a_reference_needs_a_tenth_of_a_second(tmp_path: Path) -> None:
    tick = write(tmp_path / "tick.wav", 0.05)
    with pytest.raises(OutOfRange, match=r"reference: tick.wav has 0\.05 s, at least 0\.1 s are"):
        resolve_request(Request("x", reference=str(tick)))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"bars": 4}, ""),
        ({"bars": 8}, "x.wav ends at 8.00 s of 16.00 s: it was repeated every 4 bars, at 120 bpm"),
        ({"bars": 8, "task": "extract"}, "x.wav ends at 8.00 s of 16.00 s: behind that there is"),
        ({"bars": 8, "task": "repaint"}, ""),
        ({"bars": 8, "repeat_source": False}, "x.wav ends at 8.00 s of 16.00 s: behind that"),
        ({"bars": 8, "bpm": 0}, "it was repeated every 4 bars, at 120 bpm"),
        ({"seconds": 16, "bpm": 0}, "set bpm, and it is repeated by whole bars"),
    ],
)
def test_what_there_is_behind_the_end_of_a_source_is_told_of_the_request(
    tmp_path: Path, values: dict[str, Any], says: str
) -> None:
    path = write(tmp_path / "x.wav", FOUR_BARS)
    request = Request(source=str(path)).changed({"task": "cover", "bpm": 120} | values)
    told = [note for note in explain(request) if note.startswith("x.wav")]
    assert len(told) == bool(says)
    assert says in "".join(told)
    # and again when it is made
    assert [note for note in explain(resolve_request(request)) if note.startswith("x.wav")] == told


def test_what_is_told_is_what_is_made(tmp_path: Path) -> None:
    request = Request(source="x.wav", task="cover", bars=8, bpm=120)
    assert plan_repeat(request, round(FOUR_BARS * SAMPLE_RATE)).bars == 4
    assert plan_repeat(request, 16 * SAMPLE_RATE).bars == 0
    assert fit_length(Request(source="x.wav", task="cover"), SAMPLE_RATE).seconds == 1


@pytest.mark.parametrize(("suffix", "more"), [(".mp3", {}), (".flac", {}), (".ogg", {})])
def test_a_header_says_no_other_length_than_a_decoder_finds(
    tmp_path: Path, suffix: str, more: dict[str, Any]
) -> None:
    path = tmp_path / f"x{suffix}"
    soundfile.write(path, make_tone(2.0), SAMPLE_RATE, **more)
    request = Request(source=str(path), task="extract", seconds=4)
    told = [note for note in explain(request) if "ends at" in note]
    decoded = sum(map(len, read_blocks(str(path))))
    assert told in ([], list(plan_repeat(request, decoded).notes))


@needs_ffmpeg
def test_nor_that_of_an_mp3_of_ffmpeg_s(tmp_path: Path) -> None:
    path = convert(make_tone(2.0), tmp_path / "x.mp3")
    assert read_facts(path).seconds == pytest.approx(2.0, abs=1e-3)
    assert sum(map(len, read_blocks(str(path)))) == pytest.approx(2 * SAMPLE_RATE, abs=48)
