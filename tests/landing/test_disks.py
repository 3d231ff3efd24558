"""Disks that are full, slow, read-only, pulled out, or without hard links."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from daemon.landing import clips
from daemon.landing.latest import KeptLatest
from pipeline.request import Request
from tests.support.landings import PAD_FILES, assert_whole, list_hidden, list_visible, stage_pad
from tests.support.takes import finished_take
from tests.support.volumes import mounted


def test_a_failing_write_leaves_no_file_at_all(tmp_path: Path) -> None:
    """A real limit on file sizes, in a process of its own: the WAV does not fit."""
    script = """
import errno, resource, signal, sys
from pathlib import Path
from daemon.landing import clips
from pipeline.request import Request
from tests.support.takes import finished_take
from tests.support.volumes import mounted
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    clips.write_take(Path(sys.argv[1]), "job", finished_take(Request(prompt="pad")))
except OSError as error:
    print(error.errno == errno.EFBIG)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real volume of 128 kB."""
    if os.geteuid():
        pytest.skip("only root may mount")
    yield from mounted(tmp_path / "disk", "mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs")


def test_on_a_full_disk_nothing_is_left_and_once_there_is_room_it_lands(small_disk: Path) -> None:
    (small_disk / "other").write_bytes(bytes(100_000))
    with pytest.raises(OSError, match="No space") as caught:
        stage_pad(small_disk, "mix", "drums")
    assert caught.value.errno == errno.ENOSPC
    assert [path.name for path in small_disk.iterdir()] == ["other"]
    (small_disk / "other").unlink()
    assert clips.land(stage_pad(small_disk, "mix", "drums"))


def test_a_disk_that_becomes_read_only_keeps_what_is_staged(small_disk: Path) -> None:
    staged = stage_pad(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for attempt in (
        lambda: clips.land(staged),
        lambda: clips.recover(staged),
        lambda: stage_pad(small_disk),
    ):
        with pytest.raises(OSError, match="Read-only") as caught:
            attempt()
        assert caught.value.errno == errno.EROFS
    assert list_visible(small_disk) == []
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    assert clips.recover(staged)
    assert list_visible(small_disk) == PAD_FILES


def test_a_volume_that_is_pulled_out_is_waited_for(tmp_path: Path) -> None:
    """Its mount point goes with it, as on a Mac; its folder is not made anew on the disk below."""
    folder = tmp_path / "volume" / "clips"
    folder.mkdir(parents=True)
    staged = stage_pad(folder)
    (tmp_path / "volume").rename(tmp_path / "drawer")
    for attempt in (
        lambda: clips.recover(staged),
        lambda: stage_pad(folder),
        lambda: clips.land(staged),
    ):
        with pytest.raises(FileNotFoundError):
            attempt()
    assert not (tmp_path / "volume").exists()
    (tmp_path / "drawer").rename(tmp_path / "volume")
    assert clips.recover(staged)
    assert list_visible(folder) == PAD_FILES


def test_a_folder_that_was_tidied_away_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    staged = stage_pad(folder)
    shutil.rmtree(folder)
    assert clips.recover(staged) is None
    assert clips.write_take(folder, "job", finished_take(Request(prompt="pad", seed=1)))


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
        assert_whole(clips.write_take(exfat, "job", take, kept=KeptLatest(of_names=True)))
    staged = stage_pad(exfat, "mix", "drums")
    os.rename(staged.files[0].source, staged.files[0].target)  # what a crash leaves
    (exfat / "pad_30s_s1_drums.wav").write_text("a stranger's")
    landed = clips.recover(staged)
    assert landed is not None
    assert_whole(landed)
    assert [path.name for _, path in landed.clips] == ["pad_30s_s1_2.wav", "pad_30s_s1_2_drums.wav"]
    assert not (exfat / "pad_30s_s1.wav").exists()
    assert (exfat / "pad_30s_s1_drums.wav").read_text() == "a stranger's"
    assert not list_hidden(exfat)


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
        staged = stage_pad(place, "mix", "drums")
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
        assert landed or from_then_on or list_visible(place) == []
        landed = landed or clips.recover(staged)
        assert landed is not None
        assert_whole(landed)
        assert len(list_visible(place)) == 3
        if calls < failing:
            return
    raise AssertionError("it never ended")
