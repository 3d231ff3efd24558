"""What WAVs say about themselves, read back by readers that are not ours."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from daemon import VERSION
from daemon.landing import chunks
from pipeline.request import Request
from tests.support import riff

SAMPLES = 96_000
NIGHT = Request(prompt="night drive", bars=1, bpm=120, key="F# minor", seed=42)
SECTIONS = ((0.0, "Intro"), (0.25, "Strophe ♪"), (9.0, "behind the end"))


def facts(request: Request = NIGHT, samples: int = SAMPLES, **more: Any) -> chunks.ClipFacts:
    made = time.struct_time((2026, 3, 9, 8, 7, 6, 0, 68, 0))
    given = {"sections": SECTIONS, "loudness": -14.25, **more}
    return chunks.ClipFacts(request, "drums", "take1", "mini/turbo", made, samples, 24, **given)


def wav(samples: int = SAMPLES, channels: int = 2, subtype: str = "PCM_24") -> io.BytesIO:
    stream = io.BytesIO()
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (samples, channels))
    soundfile.write(stream, audio, 48_000, format="WAV", subtype=subtype)
    return stream


def described(request: Request = NIGHT, samples: int = SAMPLES, **more: Any) -> bytes:
    stream = wav(samples)
    chunks.append_chunks(stream, chunks.build_chunks(facts(request, samples, **more)))
    return stream.getvalue()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "drums.wav"
    file.write_bytes(described())
    return file


def reader(program: str, *arguments: str | Path) -> str:
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


# --- the appender ---------------------------------------------------------------------------------

four_letters = st.binary(min_size=4, max_size=4)


@given(
    st.lists(st.tuples(four_letters, st.binary(max_size=99)), max_size=6),
    st.integers(0, 9),
    st.sampled_from([1, 2]),
)
def test_whatever_is_appended_is_there_and_the_sound_is_the_same(
    added: list[tuple[bytes, bytes]], samples: int, channels: int
) -> None:
    stream = wav(samples, channels)
    before = riff.walk(stream.getvalue())
    chunks.append_chunks(stream, added)
    assert riff.walk(stream.getvalue()) == before + added


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_every_format_is_read_as_before(subtype: str) -> None:
    plain = wav(subtype=subtype)
    described_stream = wav(subtype=subtype)
    chunks.append_chunks(described_stream, chunks.build_chunks(facts()))
    for stream in (plain, described_stream):
        stream.seek(0)
    assert np.array_equal(
        soundfile.read(plain, dtype="float32")[0],
        soundfile.read(described_stream, dtype="float32")[0],
    )


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\x04\0\0\0AVI ", wav().getvalue()[:-2], wav().getvalue() + b"x"]
)
def test_only_a_whole_wav_is_appended_to(content: bytes) -> None:
    stream = io.BytesIO(content)
    with pytest.raises(ValueError, match="whole WAV"):
        chunks.append_chunks(stream, [(b"acid", b"")])
    assert stream.getvalue() == content


def test_what_exceeds_a_wav_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = wav(100)
    monkeypatch.setattr(chunks, "LIMIT", len(stream.getvalue()) + 100)
    with pytest.raises(ValueError, match=r"a WAV holds at most .* got .* flac"):
        chunks.append_chunks(stream, [(b"note", bytes(101))])
    chunks.append_chunks(stream, [(b"note", bytes(100))])


# --- each chunk -----------------------------------------------------------------------------------


def test_the_samples_begin_where_a_plain_wavs_do() -> None:
    names = [name for name, _ in riff.walk(described())]
    assert names == [b"fmt ", b"data", b"bext", b"iXML", b"acid", b"smpl", b"cue ", b"LIST"]


def test_bext_says_who_when_and_how() -> None:
    content = dict(riff.walk(described()))[b"bext"]
    text, by, reference, date, hour, since, edition, umid, *levels = struct.unpack(
        "<256s32s32s10s8sQH64s5h", content[:422]
    )
    assert [field.rstrip(b"\0") for field in (text, by, reference, date, hour, umid)] == [
        b"drums: night drive",
        b"acestepd",
        b"s42 take1",
        b"2026-03-09",
        b"08:07:06",
        b"",
    ]
    assert since == 0
    assert edition == 2
    assert levels == [-1425, 0x7FFF, 0x7FFF, 0x7FFF, 0x7FFF]
    assert content[422:602] == bytes(180)
    assert (
        content[602:]
        == f"A=PCM,F=48000,W=24,M=stereo,T=acestepd {VERSION} mini/turbo seed 42\r\n".encode()
    )


def test_bext_is_ascii_of_fixed_width_and_ixml_has_the_whole_text() -> None:
    request = Request(prompt="Café ♪ 中\n" + "x" * 400, seed=1)
    found = dict(riff.walk(described(request)))
    assert found[b"bext"][:256] == b"drums: Cafe ? ? " + b"x" * 240
    assert ElementTree.fromstring(found[b"iXML"]).findtext("NOTE") == request.prompt


def acid(request: Request, samples: int = 0) -> tuple[Any, ...]:
    content = dict(riff.walk(described(request, samples or request.samples)))[b"acid"]
    return struct.unpack("<IHHfIHHf", content)


def test_acid_has_tempo_beats_meter_and_root() -> None:
    assert acid(NIGHT) == (0x16, 66, 0x8000, 0.0, 4, 4, 4, 120.0)
    assert acid(NIGHT.changed({"key": ""}))[:2] == (0x04, 60)
    waltz = NIGHT.changed({"beats_per_bar": 3, "bars": 5, "bpm": 91.5})
    assert acid(waltz)[4:] == (15, 4, 3, 91.5)


def test_six_eighths_are_three_beats_of_a_quarter() -> None:
    assert acid(NIGHT.changed({"time_signature": "6/8", "bars": 2}))[4:] == (6, 8, 6, 120.0)
    assert acid(NIGHT.changed({"time_signature": "7/8", "bars": 2}))[4:] == (7, 8, 7, 120.0)


def test_what_has_no_whole_beats_or_no_bars_is_a_one_shot() -> None:
    assert acid(NIGHT.changed({"time_signature": "3/8"}))[0] == 0x13
    assert acid(NIGHT.changed({"bars": 0, "seconds": 2}))[0] == 0x13
    names = [name for name, _ in riff.walk(described(NIGHT.changed({"bars": 0, "seconds": 2})))]
    assert b"smpl" not in names


def test_without_a_tempo_nothing_is_said_about_one() -> None:
    found = dict(riff.walk(described(Request(prompt="pad", seconds=2), sections=(), loudness=None)))
    assert list(found) == [b"fmt ", b"data", b"bext", b"iXML"]
    ixml = ElementTree.fromstring(found[b"iXML"])
    assert {ixml.find(f"ASWG/{name}") for name in ("tempo", "timeSig", "inKey", "loudness")} == {
        None
    }


def test_the_loop_is_the_whole_clip() -> None:
    content = dict(riff.walk(described()))[b"smpl"]
    assert struct.unpack("<9I", content[:36]) == (0, 0, 20_833, 66, 0, 0, 0, 1, 0)
    assert struct.unpack("<6I", content[36:]) == (0, 0, 0, SAMPLES - 1, 0, 0)


def test_sections_are_labelled_markers_inside_the_clip() -> None:
    found = dict(riff.walk(described()))
    count, *points = struct.unpack("<I" + 3 * "II4sIII", found[b"cue "])
    places = {number: place for number, place, *_ in zip(*[iter(points)] * 6)}
    assert count == 3
    assert places == {1: 0, 2: 12_000, 3: SAMPLES - 1}
    assert riff.texts(found[b"LIST"]) == {1: "Intro", 2: "Strophe ♪", 3: "behind the end"}


def test_ixml_tells_tempo_key_seed_and_scene() -> None:
    ixml = ElementTree.fromstring(dict(riff.walk(described()))[b"iXML"])
    assert ixml.tag == "BWFXML"
    names = ["SCENE", "TAKE", "ASWG/tempo", "ASWG/timeSig", "ASWG/inKey", "ASWG/isLoop"]
    names += ["ASWG/instrument", "USER/SEED", "USER/MODEL"]
    expected = ["night drive", "42", "120", "4:4", "F# minor", "true", "drums", "42", "mini/turbo"]
    assert [ixml.findtext(name) for name in names] == expected
    assert [name.text for name in ixml.findall("TRACK_LIST/TRACK/NAME")] == ["drums L", "drums R"]


@given(st.text(), st.text(), st.text())
def test_no_text_breaks_a_file(prompt: str, job: str, label: str) -> None:
    request = Request(prompt=prompt, seed=1, bars=1, bpm=120)
    facts_of_clip = chunks.ClipFacts(
        request, "mix", job, "m", time.localtime(), 10, 16, None, ((0.0, label),)
    )
    stream = wav(10)
    chunks.append_chunks(stream, chunks.build_chunks(facts_of_clip))
    found = dict(riff.walk(stream.getvalue()))
    assert (found[b"bext"][:412] + found[b"bext"][602:]).isascii()
    assert ElementTree.fromstring(found[b"iXML"]).findtext("TAKE") == "1"
    assert list(riff.texts(found[b"LIST"])) == [1]


# --- other readers --------------------------------------------------------------------------------


def test_libsndfile_reads_all_of_it(path: Path) -> None:
    lines = " ".join(soundfile.info(path).extra_info.split())
    for line in (
        "bext : ",
        "(Loop,RootNoteValid,StretchOn,",
        "Root note : 0x42",
        "Beats : 4",
        "Meter : 4/4",
        "Tempo : 120.000000",
        "Midi Note : 66",
        f"Start : 0 End : {SAMPLES - 1}",
        "Cue ID : 2 Pos : 12000",
        "labl : 2 : Strophe ♪",
    ):
        assert line in lines
    assert "***" not in lines  # how it complains


def test_ffprobe_reads_the_bext(path: Path) -> None:
    probed = reader(
        "ffprobe", "-v", "warning", "-show_format", "-show_streams", "-of", "json", path
    )
    tags = json.loads(probed)["format"]["tags"]
    (stream,) = json.loads(probed)["streams"]
    assert tags["encoded_by"] == "acestepd"
    assert tags["originator_reference"] == "s42 take1"
    assert tags["date"] == "2026-03-09"
    assert tags["coding_history"].startswith("A=PCM,F=48000,W=24,M=stereo,T=acestepd")
    assert int(stream["duration_ts"]) == SAMPLES


def test_mediainfo_reads_the_bext(path: Path) -> None:
    lines = " ".join(reader("mediainfo", path).split())
    for line in (
        "Producer : acestepd",
        "Description : drums: night drive",
        "2026-03-09 08:07:06",
        "-14.25",
    ):
        assert line in lines


def test_a_variation_says_of_which_seed_it_is_and_which() -> None:
    request = NIGHT.changed({"variation": 0.6, "variation_seed": 3})
    document = ElementTree.fromstring(chunks.build_ixml(facts(request)))
    said = [document.findtext(f"USER/{name}") for name in ("SEED", "VARIATION", "VARIATION_SEED")]
    assert said == ["42", "0.6", "3"]
    assert b" seed 42_v3\r\n" in chunks.build_bext(facts(request))
    assert "seed 42_v3" in chunks.build_tags(facts(request))["comment"]
    assert "seed 42," in chunks.build_tags(facts())["comment"]
