"""What is the user's alone: made so, tightened, and told from what others can change."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from pipeline.private import (
    find_strangers,
    make_folder,
    make_private,
    open_private,
    replace_private,
    tighten_files,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_private_folder_and_what_is_made_above_it_is_the_users_alone(
    tmp_path: Path,
) -> None:
    before = os.umask(0)
    try:
        make_folder(tmp_path / "a" / "b")
        assert not make_private(tmp_path / "a" / "c")
    finally:
        os.umask(before)
    for name in ("a", "a/b", "a/c"):
        assert mode_of(tmp_path / name) == 0o700
    with pytest.raises(FileNotFoundError):  # what is above may be a volume that is not there
        make_private(tmp_path / "gone" / "b")


def test_a_folder_that_was_open_is_closed_and_that_is_told_once(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(0o775)
    assert make_private(folder)
    assert not make_private(folder)
    assert mode_of(folder) == 0o700


def test_links_files_and_folders_for_everybody_are_no_private_folders(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").touch()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    for name in ("link", "file", "tmp"):
        with pytest.raises(OSError, match="it is"):
            make_private(tmp_path / name)
    assert mode_of(tmp_path / "tmp") == 0o1777


@as_root
def test_a_folder_of_another_user_is_no_private_folder(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 65534, 65534)
    with pytest.raises(PermissionError, match="another user's"):
        make_private(tmp_path / "theirs")


def test_files_that_were_open_are_closed_and_links_are_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "state"
    (inside / "banks").mkdir(parents=True)
    outside = tmp_path / "outside"
    for path in (inside / "journal", inside / "banks" / "a.json", outside):
        path.touch()
        path.chmod(0o644)
    (inside / "banks").chmod(0o755)
    (inside / "link").symlink_to(outside)
    assert tighten_files(inside.iterdir()) == 3
    assert tighten_files(inside.iterdir()) == 0
    assert mode_of(inside / "journal") == mode_of(inside / "banks" / "a.json") == 0o600
    assert mode_of(inside / "banks") == 0o700
    assert mode_of(outside) == 0o644


def test_a_private_file_is_private_whatever_the_umask_and_no_link(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with open(tmp_path / "file", "w", opener=open_private) as file:
            file.write("words")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "file") == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(OSError, match="symbolic links"):
        os.close(open_private(str(tmp_path / "link"), os.O_WRONLY | os.O_TRUNC))
    assert (tmp_path / "file").read_text() == "words"


def test_every_folder_on_the_way_counts(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    assert find_strangers(folder) == ""
    (tmp_path / "a").chmod(0o777)
    assert find_strangers(folder) == f"others may write into {tmp_path / 'a'}"
    (tmp_path / "a").chmod(0o1777)  # there nobody takes ours away
    assert find_strangers(folder) == ""
    assert find_strangers(tmp_path / "a") == f"others may write into {tmp_path / 'a'}"


def test_every_link_on_the_way_is_followed(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "open" / "home").mkdir(0o700)
    (tmp_path / "link").symlink_to("open/../open/home")
    assert find_strangers(tmp_path / "link") == f"others may write into {tmp_path / 'open'}"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "too many links" in find_strangers(tmp_path / "loop")


@as_root
def test_links_and_folders_of_others_are_strangers(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(0o700)
    os.chown(tmp_path / "theirs", 65534, 65534)
    (tmp_path / "theirs" / "ours").mkdir(0o700)
    (tmp_path / "real").mkdir(0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.chown(tmp_path / "link", 65534, 65534, follow_symlinks=False)
    assert (
        find_strangers(tmp_path / "theirs" / "ours") == f"{tmp_path / 'theirs'} is another user's"
    )
    assert find_strangers(tmp_path / "link") == f"{tmp_path / 'link'} is another user's"


def test_what_could_not_be_written_whole_leaves_the_old_file_and_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.json"
    replace_private(file, b"old")

    def fail(*paths: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        replace_private(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
