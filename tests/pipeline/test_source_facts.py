"""What a sound file says of itself."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import soundfile

from daemon.landing.chunks import append_chunks
from pipeline import source_facts
from pipeline.real_files import open_real
from pipeline.source_facts import SourceFacts, read_facts

RATE = 48_000
FOUR_BARS = round(4 * 4 * 60 / 90 * RATE)  # at 90 bpm
FORMAT: dict[str, Any] = {"channels": 2, "rate": RATE}
NO_CHUNKS: Mapping[str, bytes] = {}


def write_sound(
    path: Path, chunks: Mapping[str, bytes] = NO_CHUNKS, frames: int = FOUR_BARS
) -> Path:
    soundfile.write(path, np.zeros((frames, 2), np.float32), RATE, "PCM_16")
    with path.open("r+b") as wav:
        append_chunks(wav, [(name.encode(), content) for name, content in chunks.items()])
    return path


def write_manifest(
    path: Path, files: Sequence[str], request: Mapping[str, object], frames: int = FOUR_BARS
) -> Path:
    clips = [{"file": file, "samples": frames, "sample_rate": RATE} for file in files]
    path.write_text(json.dumps({"acestepd": "1", "request": request, "clips": clips}))
    return path


def build_acid(
    bpm: float, beats: int = 16, meter: tuple[int, int] = (4, 4), flags: int = 4
) -> bytes:
    count, unit = meter
    return struct.pack("<IHHfIHHf", flags, 60, 0x8000, 0.0, beats, unit, count, bpm)


def build_smpl(frames: int) -> bytes:
    head = struct.pack("<9I", 0, 0, round(1e9 / RATE), 60, 0, 0, 0, 1, 0)
    return head + struct.pack("<6I", 0, 0, 0, frames - 1, 0, 0)


IXML = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<BWFXML><ASWG><tempo>90</tempo>'
    b"<timeSig>4:4</timeSig><inKey>A minor</inKey></ASWG></BWFXML>"
)


def test_a_manifest_beside_a_clip_goes_before_all_else(tmp_path: Path) -> None:
    sound = write_sound(tmp_path / "pad_120bpm_Cmaj_s7.wav", {"acid": build_acid(100)})
    manifest = {"bpm": 90.0, "key": "A minor", "bars": 4, "name": "pad", "seed": 7}
    write_manifest(sound.with_suffix(".json"), [sound.name], manifest)
    assert read_facts(sound) == SourceFacts(
        90.0, "A minor", "4/4", 4, FOUR_BARS / RATE, "pad", "its manifest", **FORMAT
    )


@pytest.mark.parametrize("stem", ["drums", "backing_vocals", "preview_4"])
def test_a_stem_is_known_by_the_manifest_of_its_take(tmp_path: Path, stem: str) -> None:
    sound = write_sound(tmp_path / f"pad_s7_{stem}.wav")
    write_manifest(tmp_path / "pad_s7.json", ["pad_s7.wav", sound.name], {"bpm": 90.0})
    assert read_facts(sound).bpm == 90


@pytest.mark.parametrize("wrong", ["another's", "longer", "none", "deep"])
def test_a_manifest_of_something_else_says_nothing(tmp_path: Path, wrong: str) -> None:
    sound = write_sound(tmp_path / "pad_s7_drums.wav")
    path = tmp_path / "pad_s7.json"
    if wrong == "another's":
        write_manifest(path, ["pad_s7.wav"], {"bpm": 77.0})
    elif wrong == "longer":  # the clip was cut since
        write_manifest(path, [sound.name], {"bpm": 77.0}, 2 * FOUR_BARS)
    else:
        path.write_text("[" * 99_999 if wrong == "deep" else '{"acestepd": 1, "clips": [7]}')
    assert read_facts(sound).bpm == 0


def test_chunks_of_other_programs_are_read(tmp_path: Path) -> None:
    sound = write_sound(tmp_path / "loop_120bpm.wav", {"acid": build_acid(90), "iXML": IXML})
    facts = read_facts(sound)
    assert facts == SourceFacts(
        90, "A minor", "4/4", 4, FOUR_BARS / RATE, "loop", "its chunks", **FORMAT
    )


def test_what_chunks_leave_out_is_read_from_the_name(tmp_path: Path) -> None:
    sound = write_sound(tmp_path / "loop_120bpm_Ebmaj.wav", {"acid": build_acid(90, meter=(3, 4))})
    facts = read_facts(sound)
    assert (facts.bpm, facts.key, facts.time_signature) == (90, "Eb major", "3/4")
    assert facts.where == "its chunks and its name"


def test_bars_are_those_of_the_loop_where_the_sound_rings_on(tmp_path: Path) -> None:
    frames = FOUR_BARS + RATE
    chunks = {"acid": build_acid(90), "smpl": build_smpl(FOUR_BARS)}
    sound = write_sound(tmp_path / "loop.wav", chunks, frames)
    assert read_facts(sound).bars == 4
    assert read_facts(sound).seconds == frames / RATE


@pytest.mark.parametrize(
    ("name", "bpm", "key", "called"),
    [
        ("loop_92bpm_Am", 92, "A minor", "loop"),
        ("Amaj 120", 120, "A major", "Amaj 120"),
        ("KSHMR_Melody_120_F#m", 120, "F# minor", "KSHMR_Melody"),
        ("night-drive_128bpm_Gbmaj_8bars_s42", 128, "Gb major", "night-drive"),
        ("8A - 128 - dusk", 128, "A minor", "8A - 128 - dusk"),
        ("loop_4bars_92.5bpm", 92.5, "", "loop"),
        ("take 92", 0, "", "take 92"),  # it may be the 92nd
        ("Am 120 125", 0, "A minor", "Am 120 125"),
        ("i am here", 0, "", "i am here"),
        ("kick_999bpm", 0, "", "kick_999bpm"),
    ],
)
def test_names_are_read(tmp_path: Path, name: str, bpm: float, key: str, called: str) -> None:
    facts = read_facts(write_sound(tmp_path / f"{name}.wav", frames=100))
    assert (facts.bpm, facts.key, facts.name) == (bpm, key, called)


NAN = struct.pack("<IHHfIHHf", 4, 60, 0, 0.0, 2**32 - 1, 65535, 0, float("nan"))


@pytest.mark.parametrize(
    "chunks",
    [
        {"acid": NAN},
        {"acid": b"\xff" * 24},
        {"acid": b"short"},
        {"smpl": b"\xff" * 60},
        {"iXML": b"<a>" * 9999},
        {"iXML": b'<!DOCTYPE x [<!ENTITY a "90">]><a><tempo>&a;</tempo></a>'},
        {"iXML": b"<a><tempo>1e999</tempo><timeSig>0:0</timeSig><inKey>H##</inKey></a>"},
        {"iXML": b'<?xml version="1.0" encoding="nonsense"?><a/>'},
    ],
)
def test_hostile_chunks_say_nothing(tmp_path: Path, chunks: dict[str, bytes]) -> None:
    facts = read_facts(write_sound(tmp_path / "x.wav", chunks))
    assert facts == SourceFacts(seconds=FOUR_BARS / RATE, name="x", **FORMAT)


@pytest.mark.parametrize("size", range(0, 200, 7))
def test_a_file_that_ends_anywhere_is_read_as_far_as_it_goes(tmp_path: Path, size: int) -> None:
    sound = write_sound(tmp_path / "x.wav", {"acid": build_acid(90), "iXML": IXML}, 10)
    sound.write_bytes(sound.read_bytes()[:size])
    assert read_facts(sound).bpm in (0, 90)


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert read_facts(tmp_path / "gone_92bpm.wav") == SourceFacts()


def test_a_file_is_read_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = write_sound(tmp_path / "x.wav", {"acid": build_acid(90)})
    opened = []

    def open_counted(path: str | Path) -> BinaryIO:
        opened.append(path)
        return open_real(path)

    monkeypatch.setattr(source_facts, "open_real", open_counted)
    for _ in range(3):
        assert read_facts(sound).bpm == 90
    assert len(opened) == 1
    write_sound(sound, {"acid": build_acid(77)})
    assert read_facts(sound).bpm == 77
    write_manifest(tmp_path / "x.json", ["x.wav"], {"bpm": 60.0})
    assert read_facts(sound).bpm == 60
