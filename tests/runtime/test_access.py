"""What this process may read, and whether it may speak to the local network. No Mac was here: its
refusals are played.
"""

from __future__ import annotations

import errno
import os
import platform
import threading
from pathlib import Path
from typing import Any

import pytest

from daemon.runtime import access
from daemon.settings import Settings, Watch, from_values


def test_every_folder_of_the_settings_is_tried_once(tmp_path: Path) -> None:
    settings = Settings(
        out=tmp_path / "out",
        state=tmp_path / "state",
        model=str(tmp_path / "model"),
        folders=(tmp_path / "loops", tmp_path / "out"),
        watch=(Watch(tmp_path / "songs"), Watch(tmp_path / "loops")),
    )
    assert [(each.what, Path(each.path).name) for each in access.try_all(settings)] == [
        ("out", "out"),
        ("state", "state"),
        ("folders", "loops"),
        ("watch", "songs"),
        ("watch", "takes"),  # of songs
        ("watch", "takes"),  # of loops
        ("model", "model"),
    ]


def test_what_is_not_there_or_somebody_elses_is_no_matter_of_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert access.read_something(tmp_path / "absent") is None
    assert access.read_something(tmp_path) is None, "empty"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "verse.txt").write_text("x")
    assert access.read_something(tmp_path) is None, "nobody writes into the pipe"

    def refuse(file: str, mode: str) -> Any:
        raise OSError(code, os.strerror(code), file)

    monkeypatch.setattr(access, "open", refuse, raising=False)
    for code, is_problem in ((errno.EACCES, False), (errno.EPERM, True), (errno.EIO, True)):
        error = access.read_something(tmp_path)
        assert bool(error) == is_problem
        if error:
            assert error.errno == code


def test_a_drive_that_has_gone_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_back = threading.Event()
    monkeypatch.setattr(access, "ANSWER_SECONDS", 0.01)
    monkeypatch.setattr(access, "read_something", lambda folder: is_back.wait() and None)
    out, state = access.try_all(Settings(out=tmp_path / "out", state=tmp_path / "state"))
    for tried in (out, state):
        assert tried.problem == "it does not answer within 0.01 s"
        assert tried.hint == "is its drive well?"
    is_back.set()


def test_a_file_that_is_in_the_cloud_is_not_fetched() -> None:
    assert access.is_whole_file(0o100644, 0)
    assert not access.is_whole_file(0o100644, access.IN_THE_CLOUD)


@pytest.mark.parametrize("code", [0, errno.EHOSTUNREACH])
@pytest.mark.parametrize("what", ["link", "discovery"])
def test_a_mac_that_refuses_the_local_network_says_where_the_switch_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, code: int
) -> None:
    def send() -> None:
        if code:
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(access, "send_probe", send)
    settings = from_values({"out": tmp_path, "state": tmp_path, what: True})
    [*_, tried] = access.try_all(settings)
    assert tried.what == what
    if not code:
        assert tried.problem == tried.hint == ""
        return
    assert tried.problem == "the local network cannot be reached: No route to host"
    assert "Privacy & Security > Local Network" in tried.hint


def test_other_systems_are_not_asked_about_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(access, "send_probe")
    assert access.try_network("link") == access.Access("link", "")
