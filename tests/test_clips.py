"""Landing files: real folders, real WAVs read back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from daemon import clips
from pipeline.request import Request, Take


def take(request: Request, name: str = "mix", samples: int = 4_800) -> Take:
    time = np.arange(samples) / 48_000
    audio = np.stack([np.sin(2 * np.pi * 440 * time), np.cos(2 * np.pi * 220 * time)]).astype(np.float32) * 0.5
    return Take(name, audio, request, "mini/acestep-v15-turbo", {"text": 0.1}, (1.0, 0.5))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "stem"),
    [
        ({"prompt": "Night drive!", "bars": 8, "bpm": 128, "key": "Am"}, "night-drive_128bpm_Amin_8bars_s42"),
        ({"prompt": "x", "bars": 1, "bpm": 84.5, "key": "F♯"}, "x_84.5bpm_F#maj_1bars_s42"),
        ({"prompt": "warm pad", "seconds": 4}, "warm-pad_4s_s42"),
        ({"prompt": "p", "name": "My Take"}, "my-take_30s_s42"),
        ({"lyrics": "only words"}, "only-words_30s_s42"),
        ({"prompt": "../../etc/passwd\\:*?"}, "etc-passwd_30s_s42"),
        ({"prompt": "♪ ✨"}, "take_30s_s42"),
        ({"prompt": "中国风流行"}, "中国风流行_30s_s42"),
        ({"prompt": "word " * 200}, "-".join(["word"] * 9) + "_30s_s42"),
        ({"prompt": "x" * 500}, "take_30s_s42"),
    ],
)
def test_names_tell_importers_tempo_key_and_length(values: dict[str, object], stem: str) -> None:
    assert clips.stem_of(Request(seed=42).changed(values)) == stem


def test_a_take_lands_as_wav_and_manifest_and_nothing_else(tmp_path: Path) -> None:
    landed = clips.write(tmp_path, "job", [take(Request(prompt="pad", seed=1))])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pad_30s_s1.json", "pad_30s_s1.wav"]
    ((stem, path),) = landed.clips
    read, rate = soundfile.read(path)
    assert (stem, rate, read.shape) == ("mix", 48_000, (4_800, 2))
    assert soundfile.info(path).subtype == "PCM_24"
    assert np.abs(read.T - np.asarray(take(Request()).audio)).max() < 2**-23


def test_stems_land_together_under_one_name(tmp_path: Path) -> None:
    request = Request(prompt="song", seed=1)
    landed = clips.write(tmp_path, "job", [take(request), take(request, "drums"), take(request, "bass")])
    assert [path.name for _, path in landed.clips] == [
        "song_30s_s1.wav",
        "song_30s_s1_drums.wav",
        "song_30s_s1_bass.wav",
    ]
    listed = [clip["file"] for clip in json.loads(landed.manifest.read_text())["clips"]]
    assert listed == [path.name for _, path in landed.clips]


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    request = Request(prompt="pad", seed=1)
    (tmp_path / "pad_30s_s1_2.wav").write_text("a file of the musician's own")
    names = [clips.write(tmp_path, "job", [take(request)]).manifest.stem for _ in range(3)]
    assert names == ["pad_30s_s1", "pad_30s_s1_3", "pad_30s_s1_4"]
    assert (tmp_path / "pad_30s_s1_2.wav").read_text() == "a file of the musician's own"


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    request = Request(prompt="pad", seed=1)
    landed: list[Path] = []
    threads = [
        threading.Thread(target=lambda: landed.append(clips.write(tmp_path, "job", [take(request)]).manifest))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(landed)) == 12
    assert len(list(tmp_path.glob("*.wav"))) == 12
    assert not list(tmp_path.glob(".*"))


def test_without_hard_links_files_still_land_and_nothing_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError("this volume has none")

    monkeypatch.setattr(os, "link", no_links)
    names = [clips.write(tmp_path, "job", [take(Request(prompt="pad", seed=1))]).manifest.stem for _ in range(2)]
    assert names == ["pad_30s_s1", "pad_30s_s1_2"]
    assert not list(tmp_path.glob(".*"))


def test_a_failing_write_leaves_no_file_at_all(tmp_path: Path) -> None:
    """A real limit on file sizes, in a process of its own: the WAV does not fit."""
    script = """
import errno, resource, signal, sys
from pathlib import Path
from daemon import clips
from pipeline.request import Request
from tests.test_clips import take
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    clips.write(Path(sys.argv[1]), "job", [take(Request(prompt="pad"))])
except OSError as error:
    print(error.errno == errno.EFBIG)
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_longer_wanted_when_it_is_staged_never_appears(tmp_path: Path) -> None:
    def wanted() -> bool:
        assert list(tmp_path.glob(".*/*.wav")), "asked when everything is staged"
        return False

    with pytest.raises(clips.Unwanted):
        clips.write(tmp_path, "job", [take(Request(prompt="pad"))], wanted)
    assert list(tmp_path.iterdir()) == []


def test_files_have_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    landed = clips.write(tmp_path, "job", [take(Request(prompt="pad"))])
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    assert landed.clips[0][1].stat().st_mode == landed.manifest.stat().st_mode == ordinary.stat().st_mode


def test_a_manifest_gives_back_its_request(tmp_path: Path) -> None:
    request = Request(prompt="caf\u00e9", lyrics="[verse]\nla", bars=2, bpm=91.5, seed=2**32 - 1, key="Am")
    manifest = clips.write(tmp_path, "job", [take(request)]).manifest
    assert clips.read_manifest(manifest) == (request, "mini/acestep-v15-turbo")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"request": {"bars": -1}, "model": ""}', '{"request": {"x": 1}}', "\x00"]
)
def test_what_is_no_manifest_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.json").write_text(text)
    with pytest.raises(ValueError, match=r"odd\.json: not a manifest"):
        clips.read_manifest(tmp_path / "odd.json")
