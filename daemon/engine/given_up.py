"""Which adapters were given up, in a file of the state folder: a daemon that is started again does
not put them on by itself, as long as their files stay the same.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path

from pipeline import untrusted
from pipeline.limits import LIMITS
from pipeline.private import replace_private
from pipeline.untrusted import FileState
from pipeline.weights.adapter import Adapter

log = logging.getLogger("acestepd.engine")

FILE = "given-up.json"
PARTS = ("", "adapter_model.safetensors", "adapter_config.json")  # of an adapter: itself, or in it

States = list[list[int]]  # of each part that is there


class GivenUpAdapters:
    """Reads and writes its file: not under the engine's lock."""

    def __init__(self, state: Path) -> None:
        self._file = state / FILE

    def add(self, adapters: Iterable[Adapter]) -> None:
        """Note what their files are now."""
        self._write(self._read() | {adapter.path: _sign(adapter) for adapter in adapters})

    def forget(self, adapters: Iterable[Adapter]) -> None:
        """Somebody puts them on by hand."""
        noted = self._read()
        paths = {adapter.path for adapter in adapters}
        if not paths.isdisjoint(noted):
            self._write({path: states for path, states in noted.items() if path not in paths})

    def find(self, adapters: Iterable[Adapter]) -> tuple[Adapter, ...]:
        """Those of them that were given up, and are what they were then."""
        noted = self._read()
        return tuple(one for one in adapters if noted.get(one.path) == _sign(one))

    def _read(self) -> dict[str, object]:
        try:
            noted = untrusted.read_json(self._file, LIMITS.record_bytes)
        except (OSError, ValueError):
            return {}
        return noted if isinstance(noted, dict) else {}

    def _write(self, noted: dict[str, object]) -> None:
        try:
            replace_private(self._file, json.dumps(noted).encode())
        except OSError as error:
            log.warning("%s could not be written: %s", self._file, error)


def _sign(adapter: Adapter) -> States:
    """The adapter's files, and how they are."""
    states: States = []
    for part in PARTS:
        try:
            states.append(list(FileState.of(Path(adapter.path) / part)))
        except OSError:
            states.append([])
    return states
