"""Is it there, and how does it stand."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from daemon import API, VERSION
from tests.support.osc_client import (
    SHORT,
    OscClient,
    expect_fail,
    make_clip,
)
from tests.support.stage import Stage, on_stage, subscribed


def test_ping_answers_with_token_version_and_api(client: OscClient) -> None:
    assert client.ask("/ace/ping", "hello") == ("/ace/pong", ["hello", VERSION, API])
    assert client.ask("/ace/ping") == ("/ace/pong", ["", VERSION, API])


def test_status_tells_state_model_and_queue(client: OscClient) -> None:
    assert client.ask("/ace/status") == ("/ace/state", ["warm", "mini", 0])


def test_sync_answers_after_everything_before_it(client: OscClient) -> None:
    for token in range(50):
        client.send("/ace/ping", str(token))
    client.send("/ace/sync", 9)
    received = [client.receive() for _ in range(51)]
    assert [values[0] for _, values in received] == [*map(str, range(50)), 9]


def test_a_sync_beyond_32_bits_is_refused(client: OscClient) -> None:
    assert expect_fail(client, "/ace/sync", 2**40, types="h")[1] == 422


def test_the_sessions_tempo_is_asked_for_set_and_let_go(client: OscClient, stage: Stage) -> None:
    assert client.ask("/ace/tempo") == ("/ace/tempo", [120.0, "default"])
    with subscribed(stage, "tempo") as listener:
        assert client.ask("/ace/tempo", 98.5) == ("/ace/tempo", [98.5, "explicit"])
        assert listener.receive() == ("/ace/tempo", [98.5, "explicit"])
        assert make_clip(client, "in-tempo", *SHORT)[3] == 98.5
        assert client.ask("/ace/tempo", "0") == ("/ace/tempo", [120.0, "default"])
        assert listener.receive() == ("/ace/tempo", [120.0, "default"])
    assert expect_fail(client, "/ace/tempo", 900)[1] == 422


def test_the_model_is_one_that_the_settings_list(tmp_path: Path) -> None:
    with (
        on_stage(tmp_path, models=("another", "/models/mine")) as stage,
        closing(stage.client()) as client,
    ):
        client.send("/ace/notify", 1, 0, "state")
        client.send("/ace/model", "another")
        assert client.until("/ace/done")
        while client.receive()[1][:2] != ["warm", "another"]:
            pass
        for name in ("third", "/etc/passwd", "../mini", ""):
            assert _model_failure(client, name) == 403
        for variant in ("../x", "/x", "a/b", ".hidden"):
            assert _model_failure(client, "/models/mine", variant) == 422


def _model_failure(client: OscClient, *arguments: str) -> int:
    client.send("/ace/model", *arguments)
    return int(client.until("/ace/fail")[-1][1][2])
