"""Messages from one machine to the other, as they were or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemon.cluster.parcels import CHUNK_BYTES, BadParcel, pack, unpack
from daemon.messages import RenderClip, RenderFailed, WorkerMessage

LONG = np.arange(2 * (CHUNK_BYTES // 4 + 7), dtype=np.float32).reshape(2, -1)
MESSAGES = [
    RenderClip(7, "mix", LONG),
    RenderClip(7, "drums", LONG[:, :3]),
    RenderFailed(7, 1, "", ""),
]


def compare(found: list[WorkerMessage]) -> None:
    mix, drums, end = found
    assert isinstance(mix, RenderClip)
    assert isinstance(drums, RenderClip)
    assert mix.name == "mix"
    np.testing.assert_array_equal(mix.audio, LONG)
    np.testing.assert_array_equal(drums.audio, LONG[:, :3])
    assert end == MESSAGES[2]


def test_audio_goes_in_chunks_and_is_whole_again() -> None:
    parcel = pack(MESSAGES)
    sizes = [len(chunk) for frame in parcel["frames"] for _, chunk in frame]
    assert max(sizes) == CHUNK_BYTES
    compare(unpack(parcel))


def test_what_came_otherwise_is_refused() -> None:
    parcel = pack(MESSAGES)
    checksum, chunk = parcel["frames"][1][0]
    parcel["frames"][1][0] = (checksum, chunk[:-1] + bytes([chunk[-1] ^ 1]))
    with pytest.raises(BadParcel, match="otherwise than they were sent"):
        unpack(parcel)


@pytest.mark.parametrize(
    "parcel",
    [
        {},
        {"frames": 3},
        {"frames": [[]]},
        {"frames": [[(0, b"")]]},
        pack(MESSAGES[:1]) | {"frames": pack(MESSAGES[:1])["frames"][:1]},
    ],
)
def test_what_is_no_parcel_is_refused(parcel: dict[str, Any]) -> None:
    with pytest.raises(BadParcel):
        unpack(parcel)


def test_a_shared_folder_has_them_until_they_are_read(tmp_path: Path) -> None:
    parcel = pack(MESSAGES, tmp_path)
    assert "frames" not in parcel
    assert len(list(tmp_path.iterdir())) == 1
    compare(unpack(parcel, tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_shared_folder_that_was_changed_is_refused(tmp_path: Path) -> None:
    parcel = pack(MESSAGES, tmp_path)
    file = tmp_path / parcel["file"]
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BadParcel):
        unpack(parcel, tmp_path)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "secret", ".acestepd-../x"])
def test_no_other_file_is_read_or_removed(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("secret")
    inner = tmp_path / "shared"
    inner.mkdir()
    (inner / "secret").write_text("secret")
    with pytest.raises(BadParcel):
        unpack({"file": name, "sums": []}, inner)
    assert (tmp_path / "secret").exists()
    assert (inner / "secret").exists()
