"""What phones and browsers record is read with ffmpeg, whatever it claims; or it is said."""

from __future__ import annotations

import runpy
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import audio_files, ffmpeg
from pipeline.audio import Waveform
from pipeline.request import FFMPEG_SOUNDS, SOUNDS, BadRequest, Request
from pipeline.request_files import check_files
from tests.support.sounds import RATE, convert, encode, make_tone, needs_ffmpeg

OPTIONS = {  # of the encoder, where the ending does not say it
    ".m4a": ("-c:a", "aac"),
    ".mp4": ("-c:a", "aac", "-movflags", "+faststart"),
    ".mov": ("-c:a", "pcm_s16le"),
    ".aac": ("-c:a", "aac"),
    ".wma": ("-c:a", "wmav2"),
    ".mka": ("-c:a", "flac"),
    ".wv": ("-c:a", "wavpack"),
    ".ac3": ("-c:a", "ac3"),
}


def read(path: Path) -> tuple[Waveform, list[str]]:
    notes: list[str] = []
    pieces = list(audio_files.read_blocks(str(path), notes=notes))
    return np.concatenate(pieces), notes


@needs_ffmpeg
@pytest.mark.parametrize("ending", OPTIONS)
def test_what_only_ffmpeg_reads_is_read(tmp_path: Path, ending: str) -> None:
    path = convert(make_tone(2), tmp_path / f"memo{ending}", *OPTIONS[ending])
    whole, notes = read(path)
    assert len(whole) / RATE == pytest.approx(2, abs=0.1)
    spectrum = np.abs(np.fft.rfft(whole[RATE // 2 : RATE * 3 // 2, 0]))
    assert np.argmax(spectrum) == 220
    assert notes == []


@needs_ffmpeg
def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    memo = convert(make_tone(1), tmp_path / "memo.m4a", "-c:a", "aac")
    memo.rename(tmp_path / "memo.wav")
    assert len(read(tmp_path / "memo.wav")[0]) / RATE == pytest.approx(1, abs=0.1)
    (tmp_path / "wav.m4a").write_bytes(encode())
    assert len(read(tmp_path / "wav.m4a")[0]) == 2 * RATE


@needs_ffmpeg
def test_surround_from_ffmpeg_is_mixed_by_its_speakers(tmp_path: Path) -> None:
    sound = np.zeros((RATE, 6), np.float32)
    sound[:, 2] = make_tone(1)[:, 0]
    whole, notes = read(convert(sound, tmp_path / "film.m4a", "-c:a", "aac", "-b:a", "384k"))
    left, right = np.abs(whole[RATE // 4 : RATE * 3 // 4]).max(axis=0)
    assert left == pytest.approx(right, rel=0.02)
    assert "the centre was mixed to both sides at -3 dB" in notes[0]


@needs_ffmpeg
def test_what_was_cut_off_is_said(tmp_path: Path) -> None:
    path = convert(make_tone(4), tmp_path / "memo.mp4", *OPTIONS[".mp4"])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    whole, notes = read(path)
    assert 1 < len(whole) / RATE < 3
    assert notes[0].startswith("memo.mp4 is not whole: its header promises 4.0 s")


@needs_ffmpeg
def test_a_long_file_of_few_bytes_is_read_as_far_as_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio_files, "MAX_SECONDS", 2.0)
    silence = np.zeros((20 * RATE, 1), np.float32)
    path = convert(silence, tmp_path / "long.webm", "-c:a", "libopus", "-b:a", "6k")
    assert len(read(path)[0]) == 3 * RATE


@needs_ffmpeg
def test_no_file_leads_ffmpeg_to_another(tmp_path: Path) -> None:
    """A playlist is no sound, whatever it is called."""
    secret = tmp_path / "secret.wav"
    secret.write_bytes(encode())
    lists = {
        "concat": f"ffconcat version 1.0\nfile '{secret}'\n",
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n",
        "sdp": "v=0\nc=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n",
        "dash": "<?xml version='1.0'?><MPD><BaseURL>http://127.0.0.1:9/</BaseURL></MPD>",
    }
    for name, content in lists.items():
        for ending in (".m4a", ".aac", ".wma"):
            path = tmp_path / f"{name}{ending}"
            path.write_text(content)
            with pytest.raises(BadRequest, match=r"is not readable audio"):
                read(path)


@needs_ffmpeg
@pytest.mark.parametrize("ending", [".m4a", ".wma", ".webm", ".wv", ".ac3"])
def test_what_is_none_is_refused(tmp_path: Path, ending: str) -> None:
    beginnings = {
        ".m4a": b"\0\0\0\x20ftypM4A ",
        ".wma": bytes.fromhex("3026b2758e66cf11"),
        ".webm": b"\x1a\x45\xdf\xa3",
        ".wv": b"wvpk",
        ".ac3": b"\x0b\x77",
    }
    path = tmp_path / f"memo{ending}"
    path.write_bytes(beginnings[ending] + bytes(4000))
    with pytest.raises(
        BadRequest, match=rf"source: memo\{ending} is not readable audio"
    ) as refused:
        read(path)
    assert "fd/" not in str(refused.value)


@pytest.mark.long
@needs_ffmpeg
def test_who_stops_reading_ends_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = convert(make_tone(30), tmp_path / "memo.m4a", "-c:a", "aac")
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*command: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*command, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    blocks = audio_files.read_blocks(str(path))
    next(blocks)
    assert started[0].poll() is None
    blocks.close()
    assert started[0].poll() is not None


def test_live_copies_whatever_is_read() -> None:
    path = Path(__file__).parents[2] / "integrations/live/acestepd/sources.py"
    assert runpy.run_path(str(path))["SUFFIXES"] == SOUNDS


def test_without_ffmpeg_it_is_said_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (ffmpeg, audio_files):
        monkeypatch.setattr(module, "find_ffmpeg", str)
    for ending in FFMPEG_SOUNDS:
        path = tmp_path / f"memo{ending}"
        path.write_bytes(b"\0\0\0\x20ftypM4A " + bytes(4000))
        says = rf"memo\{ending} is read with ffmpeg, which is not installed"
        with pytest.raises(BadRequest, match=f"source: {says}") as refused:
            check_files(Request(source=str(path)))
        assert refused.value.hint == "install ffmpeg, or export it as a WAV"
        with pytest.raises(BadRequest, match=f"source: {says}"):
            read(path)
        with pytest.raises(BadRequest, match=f"reference: {says}"):
            check_files(Request(reference=str(path)))
