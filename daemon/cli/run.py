"""`acestepd` itself: the daemon, until a signal ends it."""

from __future__ import annotations

import gc
import logging
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..runtime import launchd, logs
from ..runtime.reload import SettingsReloader
from ..runtime.signals import SignalReceiver
from ..service import Daemon
from ..settings import Settings
from .start_screen import build_start_screen

log = logging.getLogger("acestepd.settings")

# Seconds that a thread which computes keeps the others from running, each time they have waited
# for something, be it a selector or a lock: a message has them do so often. Python's 5 ms are a
# lot then to a player who is to be answered meanwhile. A fifth of this is worse again: the threads
# change places more than they compute.
SWITCH_SECONDS = 0.0001

# Files and connections that may be open at once: those that OSC, the page and OSCQuery let in, what
# is sent over them, and what is being landed.
OPEN_FILES = 4096

CLOSING = "closing: what was running is kept, and goes on when acestepd is started again"


def run(settings: Settings, *, file: Path, read: Callable[[], Settings], quiet: bool) -> int:
    """`read` gives the settings in `file` again, when it has changed."""
    terminal = logs.log_to_terminal(quiet=True)  # until the start screen stands above the events
    warn_of_open_token(settings, file)
    sys.setswitchinterval(SWITCH_SECONDS)
    allow_open_files()
    spare_what_is_there()  # while nobody can ask anything yet
    daemon = Daemon(settings)
    reloader = SettingsReloader(file, settings, read, daemon.apply)
    signals = SignalReceiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    with logs.log_to_file(settings) as log_file, daemon, reloader:
        spare_what_is_there()  # the rest: a twentieth of it
        if log_file and launchd.has_started_us():  # nobody rotates the other file while we run
            terminal.setLevel(logging.CRITICAL + 1)
        if not quiet:
            print(build_start_screen(daemon), flush=True)
            terminal.setLevel(logging.INFO)
        progress = logs.ProgressDisplay(terminal)
        if not quiet and sys.stdout.isatty():
            daemon.engine.subscribe(progress.write)
        while signals.receive() == signal.SIGHUP:
            reloader.request()
        progress.clear()
        terminal.flush()
        if not quiet:
            print(CLOSING, flush=True)
    return 0


def spare_what_is_there() -> None:
    """Take all that is there by now out of Python's garbage collections. To go through the modules'
    40,000 objects takes 30 ms, in which nobody is answered, and a flood of orders has it done every
    second.
    """
    gc.collect()
    gc.freeze()


def allow_open_files() -> None:
    """As many as it may need, where the system lets it have them: a Mac gives 256 to begin with,
    which connections that somebody else opens would be enough to use up.
    """
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    if least != resource.RLIM_INFINITY and least < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def warn_of_open_token(settings: Settings, file: Path) -> None:
    """Say it where other users of this machine can read the token in the settings file."""
    with suppress(OSError):  # there is none
        if settings.token and file.stat().st_mode & 0o077:
            log.warning("other users can read the token in %s: chmod 600 %s", file, file)
