"""Takes that are staged and landed, and what is then to be seen in a folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import soundfile

from daemon.landing import staging
from daemon.landing.clips import Landed
from daemon.landing.manifest import JobFacts
from daemon.landing.staging import Staged
from pipeline.request import Request
from tests.support import riff, wrecks
from tests.support.takes import finished_take

TOKEN = wrecks.TOKEN
PAD_FILES = ["pad_30s_s1.json", "pad_30s_s1.wav"]  # of a pad without stems


def stage_pad(folder: Path, *stems: str, **values: Any) -> Staged:
    take = finished_take(Request(prompt="pad", seed=1).changed(values), *stems)
    return staging.stage(folder, TOKEN, JobFacts("job"), take)


def list_visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def list_hidden(folder: Path) -> list[Path]:
    return list(folder.glob(".*"))


def list_files(folder: Path) -> list[str]:
    """All that is there, but for what the daemon keeps there for integrations."""
    kept = (".inbox", ".sources")
    return sorted(path.name for path in folder.iterdir() if path.name not in kept)


def assert_whole(landed: Landed) -> None:
    """Every file is there, complete, and what the manifest says of it."""
    manifest = assert_take_whole(landed.manifest)
    assert [clip["file"] for clip in manifest["clips"]] == [path.name for _, path in landed.clips]


def assert_take_whole(path: Path) -> dict[str, Any]:
    """Every clip of a manifest is there, complete, and what it says. Returns what the manifest
    says.
    """
    manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
    for clip in manifest["clips"]:
        file = path.with_name(clip["file"])
        assert hashlib.sha256(file.read_bytes()).hexdigest() == clip["sha256"]
        assert len(soundfile.read(file)[0]) == clip["samples"]
        if file.suffix == ".wav":
            riff.walk(file.read_bytes())
    return manifest
