"""Is it there, and how does it stand."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from daemon import API, VERSION
from daemon.jobs import Refused
from daemon.machines import ClusterStanding, WorkerStanding
from daemon.osc.command import Context
from daemon.osc.handlers.daemon import doctor
from daemon.osc.handlers.models import list_models
from daemon.osc.wire import Peer
from daemon.settings import Settings
from pipeline.voices import HUB_MODEL, VOICES
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


def test_status_tells_who_makes_takes_elsewhere(client: OscClient, stage: Stage) -> None:
    workers = (
        WorkerStanding("attic", "busy", "GPU (Apple M4)", "makes take1, 40%"),
        WorkerStanding("cellar", "unused", "CPU", "x" * 1000),
    )
    found = ClusterStanding("tcp://studio:8786", False, True, "it is gone", workers)
    stage.engine.describe_cluster = lambda: found
    client.send("/ace/status")
    client.send("/ace/sync", 1)
    heard = client.until("/ace/synced")
    assert ("/ace/cluster", ["tcp://studio:8786", 0, 1, "it is gone"]) in heard
    attic, cellar = [values for address, values in heard if address == "/ace/worker"]
    assert attic == ["attic", "busy", "GPU (Apple M4)", "makes take1, 40%"]
    assert 100 < len(cellar[3]) <= 250, "a datagram has room for it"


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


def test_where_the_settings_say_auto_the_real_model_may_be_chosen() -> None:
    assert list_models(Settings(model="auto", models=("mine",))) == [HUB_MODEL, "mine", *VOICES]


def _model_failure(client: OscClient, *arguments: str) -> int:
    client.send("/ace/model", *arguments)
    return int(client.until("/ace/fail")[-1][1][2])


def test_a_daemon_says_which_of_its_own_folders_it_can_read(stage: Stage) -> None:
    with closing(stage.client()) as client:
        client.send("/ace/doctor", "/etc")  # nobody chooses what is looked at
        *findings, done = client.until("/ace/done")
    settings = stage.settings
    assert findings == [
        ("/ace/finding", ["out", str(settings.out), "", ""]),
        ("/ace/finding", ["state", str(settings.state), "", ""]),
    ]
    assert done == ("/ace/done", ["/ace/doctor", 2, 0])


def test_where_its_folders_are_is_no_other_machines_business() -> None:
    sender = Peer("udp:192.0.2.7:9001", "192.0.2.7")
    context = SimpleNamespace(
        sender=sender, settings=Settings(host="192.0.2.1", allow=("192.0.2.7",))
    )
    with pytest.raises(Refused, match="on its own machine alone") as refused:
        doctor(cast(Context, context), ())
    assert refused.value.code == 403
    context.settings = Settings(host=sender.host, allow=(sender.host,))
    assert doctor(cast(Context, context), ()), "the machine's own address is its own machine"
