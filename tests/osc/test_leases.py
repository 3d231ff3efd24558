"""Who listened hears a daemon that was started again."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from daemon.integrations.clients import Clients
from daemon.osc.guard import LEASE
from daemon.osc.leases import FILE, Leases
from daemon.osc.outgoing import TOPICS
from daemon.osc.subscribers import Subscribers
from daemon.osc.wire import Peer
from daemon.settings import MAX_SUBSCRIBERS
from tests.support import daemon_process
from tests.support.osc_client import OscClient
from tests.support.relay import find_free_port
from tests.support.stage import on_stage
from tests.support.waiting import until

NOWHERE = ("127.0.0.1", 9)


def is_trusted(host: str) -> bool:
    return host in ("127.0.0.1", "10.0.0.7")


def restore(folder: Path, rows: object) -> list[Peer]:
    (folder / FILE).write_text(rows if isinstance(rows, str) else json.dumps(rows))
    return make_leases(folder).restore()


def make_leases(folder: Path, subscribers: Subscribers | None = None, **more: Any) -> Leases:
    return Leases(folder, subscribers or Subscribers(()), Clients(folder), is_trusted, **more)


def make_row(**values: Any) -> dict[str, Any]:
    row = {"host": "127.0.0.1", "port": 9101, "topics": ["state"], "until": time.time() + 100}
    return row | values


def read_ports(folder: Path) -> list[int]:
    path = folder / "state" / FILE
    return [row["port"] for row in json.loads(path.read_text())] if path.exists() else []


def test_who_listened_hears_state_and_its_topics_from_the_next_daemon(tmp_path: Path) -> None:
    with closing(OscClient(NOWHERE)) as listener:
        with on_stage(tmp_path) as stage, closing(stage.client()) as sender:
            sender.send("/ace/notify", 1, listener.port, "tempo")
            sender.until("/ace/done")
            listener.until("/ace/tempo")
        with on_stage(tmp_path) as stage, closing(stage.client()) as sender:
            listener.until("/ace/state")
            sender.send("/ace/tempo", 97.0)
            listener.until("/ace/tempo")


def test_a_program_is_known_to_the_next_daemon_before_it_has_noticed_anything(
    tmp_path: Path,
) -> None:
    """It sends from one port and listens at another, as Max does."""
    port = find_free_port()
    with closing(OscClient(("127.0.0.1", port))) as live, closing(OscClient(NOWHERE)) as ear:
        with on_stage(tmp_path, port=port):
            live.send("/ace/notify", 1, ear.port, "clip insert", "live")
            live.until("/ace/done")
            until(lambda: ear.port in read_ports(tmp_path))
        with on_stage(tmp_path, port=port) as stage, closing(stage.client()) as other:
            other.send("/ace/generate", "a", "prompt", "drums", "seconds", 0.5)
            other.until("/ace/finished", "a")
            live.send("/ace/ping")
            ear.until("/ace/insert", "a")


def test_a_program_that_has_said_goodbye_is_not_known_to_the_next_daemon(tmp_path: Path) -> None:
    port = find_free_port()
    with closing(OscClient(("127.0.0.1", port))) as live:
        with on_stage(tmp_path, port=port):
            live.send("/ace/notify", 1, 0, "clip insert", "live")
            live.until("/ace/done")
            live.send("/ace/notify", 0)
            live.until("/ace/done")
        with on_stage(tmp_path, port=port) as stage:
            live.send("/ace/ping")
            live.until("/ace/pong")
            assert stage.clients.list_all() == []


def test_who_has_unsubscribed_hears_nothing(tmp_path: Path) -> None:
    with closing(OscClient(NOWHERE)) as listener:
        with on_stage(tmp_path) as stage, closing(stage.client()) as sender:
            sender.send("/ace/notify", 1, listener.port)
            until(lambda: listener.port in read_ports(tmp_path))
            sender.send("/ace/notify", 0, listener.port)
            until(lambda: listener.port not in read_ports(tmp_path))
        with on_stage(tmp_path) as stage:
            assert listener.port not in [
                int(peer.client.rpartition(":")[2])
                for peer in stage.osc.subscribers.list_peers("state")
            ]


@pytest.mark.long
def test_a_daemon_that_was_killed_is_heard_when_it_is_back(tmp_path: Path) -> None:
    with closing(OscClient(NOWHERE)) as listener:
        with daemon_process.started(tmp_path / "out") as (daemon, client):
            client.send("/ace/notify", 1, listener.port, "state")
            state = tmp_path / ".local" / "state" / "acestepd" / FILE
            until(lambda: state.exists() and str(listener.port) in state.read_text())
            os.kill(daemon.process.pid, signal.SIGKILL)
            daemon.process.wait()
        # what it was sent before the end is read
        with closing(OscClient(("127.0.0.1", listener.port))) as marker:
            marker.send("/ace/synced", 4711)
        listener.until("/ace/synced")
        with daemon_process.started(tmp_path / "out"):
            listener.until("/ace/state")
    assert state.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "row",
    [
        make_row(host="192.168.7.7"),  # not one that is answered
        make_row(host="evil.example"),
        make_row(port=0),
        make_row(port=70_000),
        make_row(port="many"),
        make_row(port=[9101]),
        make_row(topics=["nonsense"]),
        make_row(topics=7),
        make_row(topics=[["state"]]),
        make_row(until=1.0),  # it has ended
        make_row(until="soon"),
        make_row(until=None),
        make_row(name="two words"),
        make_row(name=7),
        make_row(name="live", sender=0),
        make_row(name="live", sender="tcp:7"),
        {},
        [],
        None,
        "text",
    ],
)
def test_what_is_no_lease_is_passed_over_and_the_others_hold(tmp_path: Path, row: object) -> None:
    peer = Peer("udp:127.0.0.1:9102", "127.0.0.1")
    assert restore(tmp_path, [row, make_row(port=9102)]) == [peer]


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "{}", "7", "null", '[{"until": NaN}]'])
def test_a_damaged_file_restores_nobody(tmp_path: Path, text: str) -> None:
    assert restore(tmp_path, text) == []


def test_a_file_gives_no_longer_leases_and_no_more_of_them(tmp_path: Path) -> None:
    rows = [make_row(port=port, until=1e300) for port in range(2_000, 2_500)]
    (tmp_path / FILE).write_text(json.dumps(rows))
    subscribers = Subscribers(())
    assert len(make_leases(tmp_path, subscribers).restore()) <= MAX_SUBSCRIBERS
    assert all(seconds <= LEASE for _, _, seconds in subscribers.list_leases())
    assert 0 < len(subscribers.list_leases()) <= MAX_SUBSCRIBERS


def test_only_those_are_kept_who_subscribed_themselves_by_udp(tmp_path: Path) -> None:
    subscribers = Subscribers([("127.0.0.1", 9001)])
    leases = make_leases(tmp_path, subscribers)
    for client in ("tcp:7", "udp:10.0.0.7:5000"):
        subscribers.add(Peer(client, "10.0.0.7"), frozenset(TOPICS))
    leases.tick()
    [row] = json.loads((tmp_path / FILE).read_text())
    assert (row["host"], row["port"]) == ("10.0.0.7", 5000)


def test_a_lease_that_is_renewed_every_moment_is_not_written_each_time(tmp_path: Path) -> None:
    subscribers = Subscribers(())
    leases = make_leases(tmp_path, subscribers, clock=lambda: 1000.0)
    peer = Peer("udp:127.0.0.1:9101", "127.0.0.1")
    inodes = set()
    for _ in range(20):
        subscribers.add(peer, frozenset(TOPICS))
        leases.tick()
        inodes.add((tmp_path / FILE).stat().st_ino)
    assert len(inodes) == 1
