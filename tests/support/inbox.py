"""A program that reads the inbox, as a stranger would write it from daemon/README.md."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from tests.support.waiting import until

Entry = dict[str, Any]


class Reader:
    """`out` is the daemon's."""

    def __init__(self, out: Path, name: str = "reaper") -> None:
        self.folder = out / ".inbox"
        self.name = name

    def touch(self) -> None:
        """It runs."""
        (self.folder / "readers" / self.name).touch()

    def read(self) -> list[Entry]:
        """Every entry, the oldest first."""
        names = [name for name in os.listdir(self.folder) if re.fullmatch(r"[0-9]+\.json", name)]
        return [json.loads((self.folder / name).read_bytes()) for name in sorted(names)]

    def wait(self, count: int) -> list[Entry]:
        """Every entry, once there are so many."""
        until(lambda: self.folder.is_dir() and len(self.read()) >= count)
        return self.read()

    def path_of(self, entry: Entry) -> Path:
        return self.folder / f"{entry['seq']}.json"

    def remove(self, entry: Entry) -> None:
        self.path_of(entry).unlink()

    def answer(self, entry: Entry, where: str) -> None:
        """It has put the clip in."""
        inserted = {"program": self.name, "where": where}
        written = self.folder / f"answer-{entry['seq']}"
        written.write_text(json.dumps({"id": entry["id"], "inserted": inserted}))
        written.rename(self.folder / "done" / f"{entry['seq']}.json")
        self.remove(entry)
