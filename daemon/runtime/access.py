"""Whether the system lets this process read the folders it uses, and speak to the local network.

macOS decides that by program (TCC): what a terminal may open, a program that launchd has started
need not, and neither is asked by anybody whether it can. So each has to try.
"""

from __future__ import annotations

import errno
import os
import platform
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple

from ..settings import Settings
from . import launchd

ANSWER_SECONDS = 3.0  # that a folder may take
MAX_ENTRIES = 1000  # of a folder that are looked at for one that is a file
IN_THE_CLOUD = 0x40000000  # SF_DATALESS: to read such a file downloads it
LINK_GROUP = ("224.76.78.75", 20808)  # where Ableton Link's peers announce themselves
PRIVACY = "System Settings > Privacy & Security"


class Access(NamedTuple):
    """What was tried. `problem` and `hint` are empty where it works."""

    what: str  # a setting
    path: str  # empty where it is about no folder
    problem: str = ""
    hint: str = ""


def try_all(settings: Settings) -> Iterator[Access]:
    """Every folder of the settings that is there, and the network where they need it."""
    for what, folder in list_folders(settings):
        error = read_in_time(folder)
        if error is None:
            yield Access(what, str(folder))
        else:
            yield Access(what, str(folder), error.strerror or str(error), advise(error))
    for what in ("link", "discovery"):
        if getattr(settings, what):
            yield try_network(what)


def list_folders(settings: Settings) -> list[tuple[str, Path]]:
    """Each once, with the setting that names it."""
    folders = [("out", settings.out), ("state", settings.state)]
    folders += [("folders", folder) for folder in settings.folders]
    for watch in settings.watch:
        folders += [("watch", watch.folder), ("watch", watch.out)]
    folders += [("model", Path(name)) for name in (settings.model, *settings.models)]
    named: dict[Path, str] = {}
    for what, folder in folders:
        if folder.is_absolute():
            named.setdefault(folder, what)
    return [(what, folder) for folder, what in named.items()]


def read_in_time(folder: Path) -> OSError | None:
    """`read_something`, which a drive that has gone may keep for ever."""
    answers: SimpleQueue[OSError | None] = SimpleQueue()
    threading.Thread(target=lambda: answers.put(read_something(folder)), daemon=True).start()
    try:
        return answers.get(timeout=ANSWER_SECONDS)
    except Empty:
        return TimeoutError(errno.ETIMEDOUT, f"it does not answer within {ANSWER_SECONDS:g} s")


def read_something(folder: Path) -> OSError | None:
    """Why it cannot be listed, or a file in it cannot be read. One that is not there is no matter
    of rights, nor is a file that is somebody else's.
    """
    try:
        with os.scandir(folder) as entries:
            for entry in islice(entries, MAX_ENTRIES):
                if _is_here(entry) and _read(entry.path):
                    return None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return error
    return None


def _is_here(entry: os.DirEntry[str]) -> bool:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    return is_whole_file(status.st_mode, getattr(status, "st_flags", 0))


def is_whole_file(mode: int, flags: int) -> bool:
    """Whether it is a file, and all of it is on this disk."""
    return stat.S_ISREG(mode) and not flags & IN_THE_CLOUD


def _read(file: str) -> bool:
    """Whether its own rights allow that. Raises OSError where something else is in the way."""
    try:
        with open(file, "rb") as opened:
            opened.read(1)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.ENOENT):
            return False
        raise
    return True


def try_network(what: str) -> Access:
    """A Mac refuses to send to the local network what nobody has allowed."""
    if platform.system() != "Darwin":
        return Access(what, "")
    try:
        send_probe()
    except OSError as error:
        problem = f"the local network cannot be reached: {error.strerror}"
        hint = (
            f"where this Mac is in one: {PRIVACY} > Local Network, and switch it on for "
            f"{name_program()}; then start acestepd again"
        )
        return Access(what, "", problem, hint)
    return Access(what, "")


def send_probe() -> None:
    """A datagram that says nothing, to everybody near who uses Link."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.sendto(b"", LINK_GROUP)


def advise(error: OSError) -> str:
    """What to do about a folder that cannot be read."""
    if isinstance(error, TimeoutError):
        return "is its drive well?"
    if error.errno != errno.EPERM or platform.system() != "Darwin":
        return "give acestepd the right to, or another folder"
    return (
        f"macOS keeps it from {name_program()}: move the folder, like to ~/Music, or switch it on "
        f"in {PRIVACY} > Files and Folders, or Full Disk Access; then start acestepd again"
    )


def name_program() -> str:
    """The program that macOS asks about: who is responsible for this process."""
    if launchd.has_started_us():
        return os.path.realpath(sys.executable)
    return "the terminal that you start acestepd from"
