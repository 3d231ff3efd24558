"""Sound that libsndfile does not read, decoded by ffmpeg where that is installed.

What it is given may have been made to harm: it reads one file that is open already, as the kind
that its content is (a playlist would lead it elsewhere), within limits of time and memory, and it
ends with whoever reads from it. No MLX.
"""

from __future__ import annotations

import functools
import os
import re
import selectors
import shutil
import struct
import subprocess
from types import TracebackType
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from .limits import MB
from .request import FFMPEG_SOUNDS, BadRequest
from .sound_headers import SoundHeader

# ffmpeg's word for each kind of content: it guesses none
_DEMUXERS = {
    kind: kind
    for kind in "aac ac3 aiff amr ape asf caf flac matroska mov mp3 ogg w64 wav wv".split()
}
FFMPEG_KINDS = ("aac", "ac3", "amr", "ape", "asf", "matroska", "mov", "wv")  # no other reads them
_LASTING = ("mov", "matroska", "asf", "ape", "wv", "caf")  # that say how long they are
_INSTALL = "install ffmpeg, or export it as a WAV"
_MAX_SECONDS = 120  # on a CPU, and without a word
_MAX_ALLOCATION = 256 * MB  # bytes at once
_MAX_SAID = 2**16  # bytes of what it says that are kept
_PIECE = 2**16
_HEAD = 2**12  # bytes in which its header ends
_DURATION = re.compile(r"^ {2}Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", re.MULTILINE)
_PICTURES = re.compile(r"^ {2}Stream #.*: Video: (?!.*attached pic)", re.MULTILINE)


@functools.cache
def find_ffmpeg() -> str:
    """Where ffmpeg is; empty where it is not installed."""
    return shutil.which("ffmpeg") or ""


def explain_missing(what: str) -> BadRequest:
    """What to say of a file that only ffmpeg reads, where it is not installed."""
    return BadRequest(f"{what} is read with ffmpeg, which is not installed", _INSTALL)


def check_installed(field: str, path: str) -> None:
    """Raises `BadRequest` for a file of a kind that only ffmpeg reads, by its name, where that is
    not installed. `field`: what the request calls it.
    """
    if path.lower().endswith(FFMPEG_SOUNDS) and not find_ffmpeg():
        raise explain_missing(f"{field}: {os.path.basename(path)}")


def can_decode(kind: str) -> bool:
    return kind in _DEMUXERS


class FfmpegDecoder:
    """The first sound track of a file that is open, as float32. A context manager: it ends ffmpeg.

    Raises OSError for what ffmpeg does not read, and for what takes too long.
    """

    def __init__(self, stream: BinaryIO, header: SoundHeader, seconds: float) -> None:
        """`seconds`: the most that is decoded."""
        handle = stream.fileno()
        os.lseek(handle, 0, os.SEEK_SET)  # a Mac's /dev/fd goes on where it is
        self._kind = header.kind
        self._said = b""
        self._ready = bytearray()
        command = [find_ffmpeg(), "-nostdin", "-hide_banner", "-nostats", "-v", "info"]
        command += ["-max_alloc", str(_MAX_ALLOCATION)]
        command += ["-timelimit", str(_MAX_SECONDS), "-threads", "1"]
        command += ["-protocol_whitelist", "file,pipe", "-skip_initial_bytes", str(header.start)]
        command += ["-f", _DEMUXERS[header.kind], "-i", f"file:/dev/fd/{handle}"]
        command += ["-map", "0:a:0", "-t", f"{seconds:g}", "-map_metadata", "-1", "-bitexact"]
        command += ["-c:a", "pcm_f32le", "-f", "wav", "pipe:1"]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(handle,),
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "AV_LOG_FORCE_NOCOLOR": "1"},
        )
        self._selector = selectors.DefaultSelector()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            self._selector.register(pipe, selectors.EVENT_READ)
        try:
            self._read_head()
        except OSError:
            self.close()
            raise

    def __enter__(self) -> FfmpegDecoder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End ffmpeg, if it has not ended."""
        self._selector.close()
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()

    def read(self, frames: int) -> npt.NDArray[np.float32]:
        """The next (frames, channels), fewer at the end."""
        size = 4 * self.channels
        self._fill(size * frames)
        wanted = min(len(self._ready) // size, frames) * size
        block = np.frombuffer(bytes(self._ready[:wanted]), "<f4").reshape(-1, self.channels)
        del self._ready[:wanted]
        return block

    @property
    def promised(self) -> float:
        """The seconds that the file says, once it has been read; 0 where that is not known. With
        pictures, it may be theirs.
        """
        said = self._said.decode("utf-8", "replace")
        found = _DURATION.search(said)
        if not found or self._kind not in _LASTING or _PICTURES.search(said):
            return 0.0
        hours, minutes, seconds = found.groups()
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)

    def _read_head(self) -> None:
        """The header of the WAV that it writes: `channels`, `samplerate` and `mask`."""
        self._fill(_HEAD)
        form, data = self._ready.find(b"fmt "), self._ready.find(b"data")
        if form < 0 or data < form + 24:
            raise OSError(f"ffmpeg: {self._explain()}")
        _, self.channels, self.samplerate = struct.unpack("<HHI", self._ready[form + 8 : form + 16])
        (length,) = struct.unpack("<I", self._ready[form + 4 : form + 8])
        self.mask = 0
        if length >= 24:
            (self.mask,) = struct.unpack("<I", self._ready[form + 28 : form + 32])
        del self._ready[: data + 8]

    def _fill(self, wanted: int) -> None:
        """Read on until so many bytes are ready, or there are no more."""
        while len(self._ready) < wanted and self._selector.get_map():
            events = self._selector.select(_MAX_SECONDS)
            if not events:
                raise OSError(f"ffmpeg: it took longer than {_MAX_SECONDS} s")
            for key, _ in events:
                piece = os.read(key.fd, _PIECE)
                if not piece:
                    self._selector.unregister(key.fileobj)
                elif key.fileobj is self._process.stdout:
                    self._ready += piece
                else:
                    self._said += piece[: _MAX_SAID - len(self._said)]

    def _explain(self) -> str:
        """Why it wrote nothing: the first thing that it complained about."""
        lines = self._said.decode("utf-8", "replace").splitlines()
        if any("matches no streams" in line for line in lines):
            return "it has no sound"
        complaints = [line for line in lines if line and not line.startswith(("Input", " "))]
        line = complaints[0] if complaints else "it has no sound"
        return re.sub(r"^\[[^\]]*\] ?", "", line).rpartition("/dev/fd/")[2][:100]
