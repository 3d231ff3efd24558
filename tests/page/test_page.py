"""Where the page is, and what happens where it cannot be."""

from __future__ import annotations

import dataclasses
import logging
import socket
from contextlib import closing
from pathlib import Path

import pytest

from daemon.cli import client, doctor, page, status
from daemon.cli.start_screen import build_start_screen
from daemon.settings import Settings
from tests.page.conftest import Asker
from tests.support.stage import Stage, on_stage


def test_it_is_told_where_it_is(stage: Stage) -> None:
    assert stage.page
    url = f"http://127.0.0.1:{stage.page.port}"
    assert f"  page     {url}\n" in build_start_screen(stage)
    found = status.ask(stage.settings)
    assert found.page == url
    assert f"\npage {url}\n" in status.format_status(found)


def test_a_browser_is_sent_there(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert page.open_page(stage.settings) == 0
    assert opened == [client.locate_page(client.find_daemon(stage.settings))]
    assert capsys.readouterr().out == f"{opened[0]}\n"


def test_where_no_daemon_runs_or_it_has_no_page_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("webbrowser.open", pytest.fail)
    with on_stage(tmp_path) as stage:
        assert page.open_page(stage.settings) == status.STOPPED
        assert "no page" in capsys.readouterr().err
        assert "page" not in build_start_screen(stage)
    assert page.open_page(Settings(state=tmp_path / "none", port=9)) == status.STOPPED
    assert "not running" in capsys.readouterr().err


def test_a_daemon_whose_page_s_port_is_taken_does_without_and_says_so(
    stage: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert stage.page
    caplog.set_level(logging.WARNING, "acestepd.page")
    with on_stage(tmp_path / "other", page=stage.page.port) as second:
        assert second.page is None
        with closing(second.client()) as asking:
            asking.send("/ace/ping", "here")
            asking.until("/ace/pong")
    [text] = caplog.messages
    assert text == (
        f"there is no page: TCP 127.0.0.1:{stage.page.port}: Address already in use; "
        "choose another with --page"
    )
    assert Asker(stage.page.port).ask("/").status == 200


def test_what_anybody_sends_is_not_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with on_stage(tmp_path, page=0) as stage:
        assert stage.page
        asker = Asker(stage.page.port)
        with asker.connect() as connection:
            connection.send('[["/ace/ping"]]')
            connection.recv(timeout=60)
        with socket.create_connection(("127.0.0.1", asker.port), 60) as other:
            other.sendall(b"hello\r\n\r\n")
            assert b"400" in other.recv(1000)
        assert asker.ask("/takes").status == 200
    names = {record.name for record in caplog.records}
    assert not {name for name in names if name.startswith(("uvicorn", "websockets.server"))}


def test_doctor_says_whether_there_can_be_one(stage: Stage, tmp_path: Path) -> None:
    """A port that another program has is a note: acestepd does without."""
    assert stage.page
    check = doctor.CHECKS["page"]
    running = dataclasses.replace(stage.settings, page=stage.page.port)
    assert check(running) == (doctor.OK, f"the page is on {stage.page.url}", "")
    other = dataclasses.replace(running, state=tmp_path / "other")
    finding = check(other)
    assert finding.verdict == doctor.NOTE
    assert "choose another port for it with --page" in finding.hint
    assert check(dataclasses.replace(other, page=0)).verdict == doctor.OK
    assert check(dataclasses.replace(other, page=-1)).message == "none, as the settings say"
