"""A file is confined to folders when it is named, and again when it is opened: one that was swapped
for a link in between, or whose folder was, is refused.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon.service import Daemon
from tests.support.generated import write_tone
from tests.support.osc_client import OscClient

numbers = itertools.count()
# a Standard MIDI File: middle C, a quarter note long
MELODY = bytes.fromhex("4d546864000000060000000100604d54726b0000000c00903c5060803c0000ff2f00")


@pytest.fixture
def songs(daemon: Daemon, tmp_path: Path) -> Iterator[Path]:
    """A folder that may be named, with sound and a melody; and beside it, in `secret`, another that
    may not.
    """
    folder = daemon.settings.out / f"songs {next(numbers)}"
    for place in (folder, tmp_path / "secret"):
        place.mkdir()
        Path(write_tone(place, 0.3)).rename(place / "tone.wav")
        (place / "melody.mid").write_bytes(MELODY)
    yield folder
    folder.unlink() if folder.is_symlink() else shutil.rmtree(folder)


def swap_file(path: Path, secret: Path) -> None:
    path.unlink()
    path.symlink_to(secret / path.name)


def swap_folder(path: Path, secret: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.symlink_to(secret)


@pytest.mark.parametrize("swap", [swap_file, swap_folder])
@pytest.mark.parametrize(
    ("values", "name", "code"),
    [
        (("task", "cover", "source"), "tone.wav", 403),
        (("prompt", "house", "seconds", 2, "reference"), "tone.wav", 403),
        (("prompt", "house", "seconds", 2, "guide"), "melody.mid", 422),
    ],
    ids=["source", "reference", "guide"],
)
def test_what_became_a_link_while_it_waited_is_not_played(
    client: OscClient,
    songs: Path,
    tmp_path: Path,
    swap: Callable[[Path, Path], None],
    values: tuple[object, ...],
    name: str,
    code: int,
) -> None:
    id = f"swapped {next(numbers)}"
    client.send("/ace/generate", f"before {id}", "prompt", "house", "seconds", 20)
    client.until("/ace/progress", f"before {id}")  # it keeps the model busy
    client.send("/ace/generate", id, *values, str(songs / name))
    client.until("/ace/queued", id)
    swap(songs / name, tmp_path / "secret")
    client.send("/ace/cancel", f"before {id}")
    failure = client.until("/ace/fail", id)[-1][1]
    assert failure[2] == code
    assert "a link leads" in str(failure[3])
