"""`acestepd batch`: thousands of takes, from a table or a folder of sheets."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from ...integrations.sources import SOURCES
from ...panel import Panel
from ...paths import AllowedFolders
from ...runtime.lines import LiveLine
from ...settings import Settings, SettingsError
from ...watch.written_lyrics import read_written_lyrics
from .folder import BatchFolder
from .rows import Batch, refuse_long
from .sheets import SheetReader
from .table import TableReader

READ_LYRICS = 256  # that stay known: tables have the same ones in many lines


def read_batch(source: Path, settings: Settings, out: Path) -> Batch:
    """What a table, or a folder whose takes land in `out`, asks for. Raises `SettingsError`."""
    panel = Panel(settings.request, read_lyrics=lru_cache(READ_LYRICS)(read_written_lyrics))
    folders = (settings.out, *settings.folders, *(watch.folder for watch in settings.watch))
    allowed_folders = AllowedFolders(folders, settings.out / SOURCES)
    line = LiveLine(sys.stderr)
    try:
        if source.is_dir():
            batch = SheetReader(panel, allowed_folders).read(source, out.absolute(), line.show)
        else:
            batch = TableReader(panel, allowed_folders).read(source, line.show)
        return refuse_long(batch)
    finally:
        line.clear()


def run_batch(batch: Batch, out: Path, settings: Settings, source: Path) -> int:
    """Make it in the folder `out`, or go on with it. The exit status. Raises `SettingsError`."""
    from .run import BatchRun

    if not batch.rows:
        raise SettingsError(f"there is nothing to make in {source}")
    with BatchFolder(out) as folder, _interrupting():
        return BatchRun(batch, folder, settings, source.absolute().stem).run()


@contextmanager
def _interrupting() -> Iterator[None]:
    """Whatever ends it ends it as Ctrl-C does."""
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
