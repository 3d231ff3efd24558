"""Landing files: real folders, real disks, real kills, real WAVs read back."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from daemon.landing import clips
from pipeline.audio import true_peak
from pipeline.request import FORMATS, Request
from pipeline.take import Take, TakeInfo
from tests.support import riff, wrecks
from tests.support.takes import finished_take, sound

TOKEN = wrecks.TOKEN


def stage(folder: Path, *names: str, **values: Any) -> clips.Staged:
    return clips.stage(
        folder,
        TOKEN,
        "job",
        "",
        finished_take(Request(prompt="pad", seed=1).changed(values), *names),
    )


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def hidden(folder: Path) -> list[Path]:
    return list(folder.glob(".*"))


PAD = ["pad_30s_s1.json", "pad_30s_s1.wav"]

# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "stem"),
    [
        (
            {"prompt": "Night drive!", "bars": 8, "bpm": 128, "key": "Am"},
            "night-drive_128bpm_Amin_8bars_s42",
        ),
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


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_makes_a_name_that_every_volume_takes(name: str, prompt: str) -> None:
    stem = clips.stem_of(
        Request(name=name, prompt=prompt, seed=1, bars=1, bpm=30.123, key="Bb minor")
    )
    assert Path(stem).name == stem
    assert not set(stem) & set('\0/\\:*?"<>|\n') | ({*stem[:1]} & set(".-_ "))
    assert len(f"{stem}_backing_vocals.wav.json.part".encode()) < 255


# --- what lands -----------------------------------------------------------------------------------


def test_a_take_lands_as_wav_and_manifest_and_nothing_else(tmp_path: Path) -> None:
    take = finished_take(Request(prompt="pad", seed=1))
    landed = clips.write(tmp_path, "job", take)
    assert sorted(path.name for path in tmp_path.iterdir()) == PAD
    ((stem, path),) = landed.clips
    read, rate = soundfile.read(path)
    assert stem == "mix"
    assert rate == 48_000
    assert read.shape == (4_800, 2)
    assert soundfile.info(path).subtype == "PCM_24"
    assert np.abs(read.T - take.stems[0].audio).max() < 2**-23


def test_stems_land_together_under_one_name(tmp_path: Path) -> None:
    landed = clips.write(
        tmp_path, "job", finished_take(Request(prompt="song", seed=1), "mix", "drums", "bass")
    )
    names = ["song_30s_s1.wav", "song_30s_s1_drums.wav", "song_30s_s1_bass.wav"]
    assert [path.name for _, path in landed.clips] == names
    assert [clip["file"] for clip in json.loads(landed.manifest.read_text())["clips"]] == names


@pytest.mark.parametrize(
    ("form", "subtype", "step"),
    [
        ("wav16", "PCM_16", 2**-14),
        ("wav24", "PCM_24", 2**-23),
        ("wav32f", "FLOAT", 0),
        ("flac", "PCM_24", 2**-23),
    ],
)
def test_every_format_is_what_it_says(tmp_path: Path, form: str, subtype: str, step: float) -> None:
    take = finished_take(Request(prompt="pad", seed=1, format=form), "mix", "drums")
    for (_, path), given_ in zip(clips.write(tmp_path, "job", take).clips, take.stems):
        assert path.suffix == (".flac" if form == "flac" else ".wav")
        assert soundfile.info(path).subtype == subtype
        assert np.abs(soundfile.read(path)[0].T - given_.audio).max() <= step


def test_every_format_of_a_request_can_be_written() -> None:
    assert set(clips.FORMATS) == set(FORMATS)


@pytest.mark.parametrize("form", ["wav24", "flac"])
def test_a_projects_rate_and_a_loudness_hold_for_mix_and_stems(tmp_path: Path, form: str) -> None:
    request = Request(
        prompt="pad", seed=1, format=form, sample_rate=44_100, loudness=-5, peak_db=-6
    )
    landed = clips.write(tmp_path, "job", finished_take(request, "mix", "drums", samples=48_001))
    told = json.loads(landed.manifest.read_text())
    heard = [soundfile.read(path)[0].T for _, path in landed.clips]
    assert {part.shape for part in heard} == {(2, round(48_001 * 44_100 / 48_000))}
    assert {soundfile.info(path).samplerate for _, path in landed.clips} == {44_100}
    assert max(map(true_peak, heard)) < 10 ** (-6 / 20)
    gains = {clip["gain_db"] for clip in told["clips"]}
    assert len(gains) == 1
    assert gains.pop() == pytest.approx(
        20 * math.log10(np.abs(heard[0][:, 9_000:-9_000]).max() / 0.5), abs=0.01
    )
    assert "LUFS instead of -5" in told["notes"][0]


def test_wavs_tell_tempo_key_and_sections_and_flacs_what_flacs_can(tmp_path: Path) -> None:
    values = {"bars": 1, "bpm": 120, "key": "A minor"}
    for form in ("wav32f", "flac"):
        take = finished_take(
            Request(prompt="pad", seed=1, format=form).changed(values),
            samples=96_000,
            sections=((0.5, "B"),),
        )
        path = clips.write(tmp_path, "job", take).clips[0][1]
        if form == "flac":
            with soundfile.SoundFile(path) as file:
                assert file.title == "pad (mix)"
                assert file.comment[:30] == "120 bpm 4/4, A minor, 1 bars, "
        else:
            found = dict(riff.walk(path.read_bytes()))
            assert found.keys() >= {b"bext", b"acid", b"smpl", b"cue ", b"LIST", b"iXML"}
            assert riff.texts(found[b"LIST"]) == {1: "B"}


def test_files_have_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    landed = clips.write(tmp_path, "job", finished_take(Request(prompt="pad")))
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    assert (
        landed.clips[0][1].stat().st_mode
        == landed.manifest.stat().st_mode
        == ordinary.stat().st_mode
    )


def test_the_takes_of_a_model_are_taken_as_they_come(tmp_path: Path) -> None:
    request = Request(prompt="pad", seed=1)
    info = TakeInfo(request, "m", timings={"text": 0.1})
    takes = [Take(name, sound(), info) for name in ("mix", "bass")]  # type: ignore[arg-type]
    landed = clips.write(tmp_path, "job", clips.FinishedTake.of(takes))
    assert [stem for stem, _ in landed.clips] == ["mix", "bass"]


# --- manifests ------------------------------------------------------------------------------------


def test_a_manifest_gives_back_its_request(tmp_path: Path) -> None:
    request = Request(
        prompt="caf\u00e9",
        lyrics="[verse]\nla",
        bars=2,
        bpm=91.5,
        seed=2**32 - 1,
        key="Am",
        format="flac",
    )
    manifest = clips.write(tmp_path, "job", finished_take(request)).manifest
    assert clips.read_manifest(manifest) == TakeInfo(request, "mini/acestep-v15-turbo")


def test_a_manifest_tells_how_the_take_was_made_and_what_its_files_are(tmp_path: Path) -> None:
    about: dict[str, Any] = {
        "memory": {"diffusion": 2**30},
        "machine": {"system": "x"},
        "notes": ("note",),
    }
    take = finished_take(
        Request(prompt="pad", seed=1), "mix", "drums", sections=((0.0, "A"),), **about
    )
    # a file name that is not UTF-8
    landed = clips.write(tmp_path, "job", take, origin="/songs/caf\udce9.txt")
    told = json.loads(landed.manifest.read_text("utf-8"))
    assert told["id"] == "job"
    assert told["origin"] == "/songs/caf\udce9.txt"
    assert told["memory"] == {"diffusion": 2**30}
    assert told["machine"] == {"system": "x"}
    assert told["notes"] == ["note"]
    assert told["timesteps"] == [1.0, 0.5]
    assert told["seconds_spent"] == {"text": 0.1}
    assert told["sections"] == [[0.0, "A"]]
    assert told["versions"].keys() == {"mlx", "numpy", "python"}
    for (stem, path), clip in zip(landed.clips, told["clips"]):
        assert clip.pop("sha256") == hashlib.sha256(path.read_bytes()).hexdigest()
        facts = {"samples": 4_800, "sample_rate": 48_000, "format": "wav24", "gain_db": 0.0}
        assert clip == {"stem": stem, "file": path.name} | facts


def test_a_manifest_of_an_older_version_is_read(tmp_path: Path) -> None:
    old = {
        "acestepd": "0.1.0",
        "model": "mini/turbo",
        "request": {"prompt": "pad", "seed": 3},
        "clips": [],
    }
    (tmp_path / "old.json").write_text(json.dumps(old))
    assert clips.read_manifest(tmp_path / "old.json") == TakeInfo(
        Request(prompt="pad", seed=3), "mini/turbo"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"request": {"bars": -1}, "model": ""}',
        '{"request": {"x": 1}}',
        "\x00",
        "[" * 100_000,
    ],
)
def test_what_is_no_manifest_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.json").write_text(text)
    with pytest.raises(ValueError, match=r"odd\.json: not a manifest"):
        clips.read_manifest(tmp_path / "odd.json")


# --- nothing is overwritten -----------------------------------------------------------------------


@pytest.fixture(params=["links", "no links"])
def volume(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An output folder, on a volume with and without hard links."""
    if request.param == "no links":
        monkeypatch.setattr(os, "link", wrecks.no_links)
    folder = tmp_path / "clips"
    folder.mkdir()
    return folder


def test_nothing_is_ever_overwritten(volume: Path) -> None:
    take = finished_take(Request(prompt="pad", seed=1), "mix", "drums")
    (volume / "pad_30s_s1_2_drums.wav").write_text("a file of the musician's own")
    (volume / "pad_30s_s1_3.flac").symlink_to("nowhere")
    names = [clips.write(volume, "job", take).manifest.stem for _ in range(3)]
    assert names == ["pad_30s_s1", "pad_30s_s1_4", "pad_30s_s1_5"]
    assert (volume / "pad_30s_s1_2_drums.wav").read_text() == "a file of the musician's own"


def test_a_name_that_is_taken_after_staging_gives_way_with_all_its_stems(volume: Path) -> None:
    staged = stage(volume, "mix", "drums")
    (volume / "pad_30s_s1_drums.wav").write_text("the musician's")
    assert clips.land(staged) is None
    assert visible(volume) == ["pad_30s_s1_drums.wav"]
    landed = clips.land(clips.renamed(staged))
    assert landed is not None
    assert [path.name for _, path in landed.clips] == ["pad_30s_s1_2.wav", "pad_30s_s1_2_drums.wav"]
    told = json.loads(landed.manifest.read_text())
    assert [clip["file"] for clip in told["clips"]] == [
        "pad_30s_s1_2.wav",
        "pad_30s_s1_2_drums.wav",
    ]
    assert (volume / "pad_30s_s1_drums.wav").read_text() == "the musician's"
    assert not hidden(volume)


def test_many_writers_at_once_lose_nothing(volume: Path) -> None:
    landed: list[clips.Landed] = []
    take = finished_take(Request(prompt="pad", seed=1), "mix", "drums")
    threads = [
        threading.Thread(target=lambda: landed.append(clips.write(volume, "job", take)))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.manifest for one in landed}) == 12
    assert len(list(volume.glob("*.wav"))) == 24
    for one in landed:
        assert_whole(one)
    assert not hidden(volume)


def test_until_it_has_its_name_nothing_looks_like_a_clip(tmp_path: Path) -> None:
    staged = stage(tmp_path, "mix", "drums")
    assert visible(tmp_path) == []
    assert {path.suffix for path in tmp_path.rglob("*.*")} <= {"", ".part"}
    assert oct(staged.staging.stat().st_mode & 0o777) == "0o700"


def test_what_nobody_wants_any_more_is_discarded_without_a_trace(tmp_path: Path) -> None:
    clips.discard(stage(tmp_path))
    assert list(tmp_path.iterdir()) == []


# --- disks that refuse ----------------------------------------------------------------------------


def test_a_failing_write_leaves_no_file_at_all(tmp_path: Path) -> None:
    """A real limit on file sizes, in a process of its own: the WAV does not fit."""
    script = """
import errno, resource, signal, sys
from pathlib import Path
from daemon.landing import clips
from pipeline.request import Request
from tests.support.takes import finished_take
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    clips.write(Path(sys.argv[1]), "job", finished_take(Request(prompt="pad")))
except OSError as error:
    print(error.errno == errno.EFBIG)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"
    assert list(tmp_path.iterdir()) == []


def mounted(where: Path, *command: str | Path) -> Iterator[Path]:
    where.mkdir()
    done = subprocess.run([*command, where], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", where], capture_output=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real volume of 128 kB."""
    if os.geteuid():
        pytest.skip("only root may mount")
    yield from mounted(tmp_path / "disk", "mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs")


def test_on_a_full_disk_nothing_is_left_and_once_there_is_room_it_lands(small_disk: Path) -> None:
    (small_disk / "other").write_bytes(bytes(100_000))
    with pytest.raises(OSError, match="No space") as caught:
        stage(small_disk, "mix", "drums")
    assert caught.value.errno == errno.ENOSPC
    assert [path.name for path in small_disk.iterdir()] == ["other"]
    (small_disk / "other").unlink()
    assert clips.land(stage(small_disk, "mix", "drums"))


def test_a_disk_that_becomes_read_only_keeps_what_is_staged(small_disk: Path) -> None:
    staged = stage(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for attempt in (
        lambda: clips.land(staged),
        lambda: clips.recover(staged),
        lambda: stage(small_disk),
    ):
        with pytest.raises(OSError, match="Read-only") as caught:
            attempt()
        assert caught.value.errno == errno.EROFS
    assert visible(small_disk) == []
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    assert clips.recover(staged)
    assert visible(small_disk) == PAD


def test_a_volume_that_is_pulled_out_is_waited_for(tmp_path: Path) -> None:
    """Its mount point goes with it, as on a Mac; its folder is not made anew on the disk below."""
    folder = tmp_path / "volume" / "clips"
    folder.mkdir(parents=True)
    staged = stage(folder)
    (tmp_path / "volume").rename(tmp_path / "drawer")
    for attempt in (
        lambda: clips.recover(staged),
        lambda: stage(folder),
        lambda: clips.land(staged),
    ):
        with pytest.raises(FileNotFoundError):
            attempt()
    assert not (tmp_path / "volume").exists()
    (tmp_path / "drawer").rename(tmp_path / "volume")
    assert clips.recover(staged)
    assert visible(folder) == PAD


def test_a_folder_that_was_tidied_away_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    staged = stage(folder)
    shutil.rmtree(folder)
    assert clips.recover(staged) is None
    assert clips.write(folder, "job", finished_take(Request(prompt="pad", seed=1)))


@pytest.fixture
def exfat(tmp_path: Path) -> Iterator[Path]:
    """A real volume without hard links."""
    needed = ("mkfs.exfat", "mount.exfat-fuse", "losetup")
    if os.geteuid() or not all(map(shutil.which, needed)):
        pytest.skip(f"needs root and {' '.join(needed)}")
    image = tmp_path / "image"
    with image.open("wb") as stream:
        stream.truncate(2**24)
    subprocess.run(["mkfs.exfat", image], check=True, capture_output=True)
    loop = subprocess.run(["losetup", "-f", "--show", image], capture_output=True, text=True)
    if loop.returncode:
        pytest.skip(f"no loop device: {loop.stderr.strip()}")
    try:
        yield from mounted(tmp_path / "stick", "mount.exfat-fuse", loop.stdout.strip())
    finally:
        subprocess.run(["losetup", "-d", loop.stdout.strip()], capture_output=True)


def test_a_real_exfat_stick_works_as_any_other_volume(exfat: Path) -> None:
    take = finished_take(Request(prompt="café 中", seed=1, bpm=120, key="F#"), "mix", "drums")
    for _ in range(2):
        assert_whole(clips.write(exfat, "job", take, keep_latest=True))
    staged = stage(exfat, "mix", "drums")
    os.rename(staged.files[0].source, staged.files[0].target)  # what a crash leaves
    (exfat / "pad_30s_s1_drums.wav").write_text("a stranger's")
    landed = clips.recover(staged)
    assert landed is not None
    assert_whole(landed)
    assert [path.name for _, path in landed.clips] == ["pad_30s_s1_2.wav", "pad_30s_s1_2_drums.wav"]
    assert not (exfat / "pad_30s_s1.wav").exists()
    assert (exfat / "pad_30s_s1_drums.wav").read_text() == "a stranger's"
    assert not hidden(exfat)


CALLS = ["link", "rename", "fsync", "open", "lstat"]


@pytest.mark.parametrize("from_then_on", [False, True])
@pytest.mark.parametrize("name", CALLS)
def test_a_disk_that_fails_at_any_call_of_landing_costs_nothing(
    volume: Path, monkeypatch: pytest.MonkeyPatch, name: str, from_then_on: bool
) -> None:
    """Once, or as a disk that is gone. What the failing leaves, `recover` finishes."""
    real: Callable[..., Any] = getattr(os, name)
    for failing in range(1, 99):
        place = volume / str(failing)
        staged = stage(place, "mix", "drums")
        calls = 0

        def failed(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == failing or (from_then_on and calls > failing):  # noqa: B023
                raise OSError(errno.EIO, "Input/output error")
            return real(*arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(os, name, failed)
            landed = None
            with suppress(OSError):
                landed = clips.land(staged)
        assert landed or from_then_on or visible(place) == []
        landed = landed or clips.recover(staged)
        assert landed is not None
        assert_whole(landed)
        assert len(visible(place)) == 3
        if calls < failing:
            return
    raise AssertionError("it never ended")


# --- kill -9 --------------------------------------------------------------------------------------


def assert_whole(landed: clips.Landed) -> None:
    """Every file is there, complete, and what the manifest says of it."""
    told = json.loads(landed.manifest.read_text("utf-8"))
    assert [clip["file"] for clip in told["clips"]] == [path.name for _, path in landed.clips]
    for (_, path), clip in zip(landed.clips, told["clips"]):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == clip["sha256"]
        assert len(soundfile.read(path)[0]) == clip["samples"]
        if path.suffix == ".wav":
            riff.walk(path.read_bytes())


STRANGERS = "a stranger's"
LATEST = {"pad_latest.json", "pad_latest.wav", "pad_latest_drums.wav"}
WHOLE = [
    LATEST | {f"{stem}{tail}" for tail in (".json", ".wav", "_drums.wav")}
    for stem in ("pad_30s_s1", "pad_30s_s1_2")
]


EVERY_LINE = pytest.param(1, marks=[pytest.mark.long, pytest.mark.timeout(1800)])


@pytest.mark.parametrize("step", [13, EVERY_LINE])  # lines between two kills
@pytest.mark.parametrize("how", [[], ["exfat"], ["stranger"], ["exfat", "stranger"]], ids=" ".join)
@pytest.mark.parametrize("cut", ["land", "recover"])
def test_killed_at_any_line_a_landing_is_invisible_or_finished_by_recover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: list[str], cut: str, step: int
) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.support.wrecks", tmp_path, str(step), *how, cut], check=True
    )
    if "exfat" in how:
        monkeypatch.setattr(os, "link", wrecks.no_links)
    places = list(tmp_path.iterdir())
    assert len(places) * step > 150
    for place in places:
        folder = place / "clips"
        stranger = {
            path.name
            for path in folder.glob("*_drums.wav")
            if path.read_bytes() == STRANGERS.encode()
        }
        for name in visible(folder):
            if name.endswith(".wav") and name not in stranger:
                riff.walk((folder / name).read_bytes())
        promised = (place / "journal").exists()
        if promised:
            landed = wrecks.recover(place)
            assert landed is not None
            assert_whole(landed)
        clips.sweep(folder, TOKEN, keep=set())
        assert not hidden(folder)
        mine = {*visible(folder)} - stranger
        assert mine in WHOLE or (mine == set() and not promised)
        assert not mine or clips.read_manifest(folder / "pad_latest.json").request.seed == 1
        assert all((folder / name).read_text() == STRANGERS for name in stranger)


def test_recover_after_everything_was_done_only_says_what_there_is(volume: Path) -> None:
    staged = stage(volume, "mix", "drums")
    assert clips.recover(clips.Staged.from_json(staged.to_json())) == clips.recover(staged)
    (volume / "pad_30s_s1_drums.wav").unlink()  # the musician did not like them
    landed = clips.recover(staged)
    assert landed is not None
    assert [stem for stem, _ in landed.clips] == ["mix"]


def test_where_files_are_lost_the_job_must_be_rendered_again(volume: Path) -> None:
    staged = stage(volume, "mix", "drums")
    staged.files[1].source.unlink()
    (volume / "pad_30s_s1_drums.wav").write_text("not what was staged")
    assert clips.recover(staged) is None
    assert visible(volume) == ["pad_30s_s1_drums.wav"]
    with pytest.raises(FileNotFoundError, match="a staged file is gone"):
        clips.land(staged)


def test_the_journals_note_gives_back_what_was_staged(tmp_path: Path) -> None:
    staged = stage(tmp_path, "mix", "drums")
    assert clips.Staged.from_json(staged.to_json()) == staged


@pytest.mark.parametrize("key", ["folder", "staging", "pairs", "sums", "latest"])
@pytest.mark.parametrize(
    "value", [None, "/", "../..", [["a", "../b"], ["b", "c"]], [["a", ".."], ["b", ""]], 7]
)
def test_a_note_that_is_none_moves_and_removes_nothing(
    tmp_path: Path, key: str, value: Any
) -> None:
    data = json.loads(stage(tmp_path).to_json())
    if key == "latest":
        data = [data]
    else:
        data[key] = value
    with pytest.raises(ValueError, match="not what was staged"):
        clips.Staged.from_json(json.dumps(data))


def test_what_a_killed_one_without_a_journal_left_goes_a_day_later(tmp_path: Path) -> None:
    left, recent = (
        clips.stage(tmp_path, clips.ONCE, name, "", finished_take(Request(seed=1))).staging
        for name in "ab"
    )
    yesterday = time.time() - 2 * clips.DAY
    os.utime(left, (yesterday, yesterday))
    clips.write(tmp_path, "c", finished_take(Request(seed=2)))
    assert left.exists() is False
    assert recent.exists() is True


def test_sweeping_removes_the_journals_own_leftovers_and_nothing_else(tmp_path: Path) -> None:
    stage(tmp_path)
    kept = stage(tmp_path).staging
    foreign = clips.stage(tmp_path, "ab12-cd", "job", "", finished_take(Request(prompt="pad")))
    others = [".acestepd-ab12-notes", f".acestepd-{TOKEN}", ".acestepd", "song.wav"]
    for name in others:
        (tmp_path / name).mkdir()
    (tmp_path / f".acestepd-{TOKEN}-abcdefgh").symlink_to(tmp_path / "song.wav")
    (tmp_path / f".acestepd-{TOKEN}-12345678").write_text("a file")
    clips.sweep(tmp_path, TOKEN, keep={kept})
    left = {
        *others,
        kept.name,
        foreign.staging.name,
        f".acestepd-{TOKEN}-abcdefgh",
        f".acestepd-{TOKEN}-12345678",
    }
    assert {path.name for path in tmp_path.iterdir()} == left
    clips.sweep(tmp_path / "nowhere", TOKEN, keep=set())
