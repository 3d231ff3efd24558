"""Entries of the daemon's inbox, written as it writes them, with WAVs that they are about."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

ME = "udp:127.0.0.1:9001"  # who has asked


class InboxWriter:
    """An inbox below `out`, for one program, and what has come back."""

    def __init__(self, out: Path, insert: str = "reaper") -> None:
        self.out = out
        self._insert = insert
        self.folder = out / ".inbox"
        for name in ("readers", "done"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._seq = round(time.time() * 1000)

    def write_take(
        self, id: str, *, stems: tuple[str, ...] = ("mix",), seconds: float = 8.0, **facts: Any
    ) -> list[Path]:
        """Every clip of a take and its entry, the mix first. The clips' paths."""
        paths = [self._write_clip(f"{id.replace('/', '-')}_{stem}", seconds) for stem in stems]
        for number, (stem, path) in enumerate(zip(stems, paths, strict=True), 1):
            clip = {"stem": stem, "file": number, "files": len(stems), "path": str(path)}
            self.write_entry(id=id, seconds=seconds, **(clip | facts))
        return paths

    def write_entry(self, **facts: Any) -> Path:
        """One entry; what is not given is as of four bars at 120."""
        self._seq += 1
        entry: dict[str, Any] = {
            "acestepd": 1,
            "seq": self._seq,
            "time": time.time(),
            "id": "take1",
            "client": ME,
            "stem": "mix",
            "file": 1,
            "files": 1,
            "path": "",
            "manifest": str(self.out / f"{facts.get('id', 'take1')}.json"),
            "name": "warm-beat",
            "prompt": "warm beat",
            "bpm": 120.0,
            "bars": 4,
            "beats": 16.0,
            "time_signature": "4/4",
            "key": "G major",
            "samples": 384_000,
            "sample_rate": 48_000,
            "seconds": 8.0,
            "loop": True,
            "seed": 7,
            "parent": "",
            "origin": "",
            "batch": "",
            "take": 1,
            "takes": 1,
            "insert": self._insert,
            "track": -1,
            "slot": -1,
        }
        return self.write_raw(json.dumps(entry | facts).encode(), f"{self._seq:013d}.json")

    def write_raw(self, content: bytes, name: str = "") -> Path:
        """Any content at all, renamed into place."""
        if not name:
            self._seq += 1
            name = f"{self._seq:013d}.json"
        part = self.folder / f".{name}.part"
        part.write_bytes(content)
        os.rename(part, self.folder / name)
        (self.folder / "last.json").write_text(json.dumps({"seq": self._seq}))
        return self.folder / name

    def list_waiting(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("[0-9]*.json"))

    def read_answers(self) -> list[dict[str, Any]]:
        """What readers said, in order."""
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("done/*.json"))]

    def _write_clip(self, name: str, seconds: float) -> Path:
        path = self.out / f"{name}.wav"
        soundfile.write(path, np.zeros((round(seconds * 8000), 2), np.float32), 8000)
        return path
