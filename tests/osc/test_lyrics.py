"""Lyrics in parts become the parameter."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from daemon.osc import lyric_uploads
from tests.support.osc_client import (
    OscClient,
    expect_fail,
)
from tests.support.stage import Stage, on_stage, subscribed


def test_lyrics_in_parts_become_the_parameter(
    client: OscClient, stage: Stage, restored_panel: None
) -> None:
    lines = [f"[verse {n}]\n" + "la " * 1000 for n in range(40)]
    assert client.ask("/ace/lyrics/begin", "song") == (
        "/ace/done",
        ["/ace/lyrics/begin", 0, lyric_uploads.TIMEOUT],
    )
    for number, part in enumerate(lines[:20], 1):
        assert client.ask("/ace/lyrics/append", "song", number, part)[1][1] == number
    assert client.ask("/ace/lyrics/end", "song", 20)[1][:2] == ["/ace/lyrics/end", 20]
    assert stage.panel.request.lyrics == "\n".join(lines[:20])
    client.send("/ace/lyrics/end", "song", 20)  # a datagram that comes twice
    assert client.receive()[1][:2] == ["/ace/lyrics/end", 20]


def test_a_part_that_was_lost_is_noticed(
    client: OscClient, stage: Stage, restored_panel: None
) -> None:
    client.ask("/ace/lyrics/begin", "holes")
    client.ask("/ace/lyrics/append", "holes", 2, "two")
    _, code, text, _ = expect_fail(client, "/ace/lyrics/end", "holes", 3)
    assert code == 409
    assert text == "parts of the lyrics 'holes' did not arrive: 1, 3"
    assert stage.panel.request.lyrics == ""


@pytest.mark.parametrize(
    ("command", "arguments", "code"),
    [
        ("begin", (), 422),
        ("append", ("unknown", 1, "text"), 404),
        ("append", ("unknown",), 400),
        ("append", ("unknown", "one", "text"), 400),
        ("end", ("unknown",), 400),
        ("end", ("unknown", 1), 404),
    ],
)
def test_lyrics_that_make_no_sense_are_refused(
    client: OscClient, command: str, arguments: tuple[object, ...], code: int
) -> None:
    assert expect_fail(client, f"/ace/lyrics/{command}", *arguments)[1] == code


def test_lyrics_that_are_never_ended_are_given_up_with_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lyric_uploads, "TIMEOUT", 0.2)
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        client.ask("/ace/lyrics/begin", "forgotten")
        address, values = client.receive()
        assert address == "/ace/fail"
        assert values[2] == 408
        assert "forgotten" in values[3]


@pytest.mark.skipif(shutil.which("oscsend") is None, reason="liblo's oscsend is not installed")
def test_lyrics_are_sent_with_oscsend_which_has_a_new_port_every_time(
    stage: Stage, restored_panel: None
) -> None:
    with subscribed(stage, "param") as listener:
        for path, types, *values in (
            ("begin", "s", "typed"),
            ("append", "sis", "typed", "1", "[verse]"),
            ("append", "sis", "typed", "2", "la la"),
            ("end", "si", "typed", "2"),
        ):
            url = f"osc.udp://127.0.0.1:{stage.osc.address[1]}/"
            subprocess.run(
                ["oscsend", url, f"/ace/lyrics/{path}", types, *values], check=True, timeout=60
            )
        assert listener.until("/ace/param/lyrics")[-1][1] == ["[verse]\nla la"]
