"""Output folders: whether one takes files, and how much room it needs."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

from pipeline.request import Request

from ..runtime import access
from ..settings import SettingsError, VolumeAway

BYTES_PER_SAMPLE = 8  # of one channel, with room for the staged copy
# where systems put drives, and how many levels below
VOLUMES = {"/Volumes": 1, "/mnt": 1, "/media": 2, "/run/media": 2}
SPARE = 8 * 2**20  # bytes that must stay free besides


def check_writable(folder: Path) -> None:
    """Make the output folder and prove that files can be written there. Raises `SettingsError`,
    and `VolumeAway` where its drive is not plugged in.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        kind = VolumeAway if _is_volume_away(folder) else SettingsError
        hint = "choose another with --out"
        if isinstance(error, PermissionError) and error.errno == errno.EPERM:
            hint = access.advise(error)
        raise kind(f"out: cannot write into {folder}: {error.strerror}; {hint}") from error


def _is_volume_away(folder: Path) -> bool:
    """Whether it is on a drive, by its path, that is not there."""
    for root, depth in VOLUMES.items():
        levels = len(Path(root).parts) + depth
        if folder.is_relative_to(root) and len(folder.parts) >= levels:
            return not Path(*folder.parts[:levels]).exists()
    return False


def find_obstacle(folder: Path, request: Request) -> OSError | None:
    """Why a folder cannot take the files of a request now. Its last part is made when it is
    missing, as somebody may have tidied up; what lies above it is not, as it may be a volume that
    is not there.
    """
    try:
        folder.mkdir(exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            return PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        # some refuse although nothing says so
        with tempfile.TemporaryDirectory(prefix=".acestepd-probe-", dir=folder):
            pass
        if shutil.disk_usage(folder).free < estimate_bytes(request):
            return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    except OSError as error:
        return error
    return None


def estimate_bytes(request: Request) -> int:
    """How much the files of a request take, generously: the mix and every stem, in the largest
    format.
    """
    rate = request.sample_rate / 48_000
    clips = 1 + len(request.stems.split())
    return SPARE + round(request.samples * max(1.0, rate)) * 2 * BYTES_PER_SAMPLE * clips
