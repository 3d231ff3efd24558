from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from daemon.cli import client, status
from daemon.cli.status import Status
from daemon.osc.wire import Address, encode, read_message
from daemon.runtime.lock import StateLock
from daemon.settings import Settings
from tests.support.relay import find_free_port

PONG = encode("/ace/pong", "ssi", "status", "9.9", 1)


@contextmanager
def answering(
    *snapshot: bytes, elsewhere: Sequence[bytes] = ()
) -> Iterator[tuple[Address, list[str]]]:
    """What looks like a daemon: it answers, and says this to who asks for every event, and of who
    makes takes `elsewhere` to who asks for its status.
    """
    questions: list[str] = []
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            while (received := server.recvfrom(65_507))[0]:
                message = read_message(received[0])
                questions.append(message.address)
                answers = {
                    "/ace/ping": [PONG],
                    "/ace/status": elsewhere,
                    "/ace/notify": snapshot if message.arguments == (1,) else (),
                    "/ace/sync": [encode("/ace/synced", "i", 1)],
                }
                for answer in answers.get(
                    message.address, [encode("/ace/fail", "ssiss", "", "", 404, "no", "")]
                ):
                    server.sendto(answer, received[1])

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname(), questions
        finally:
            server.sendto(b"", server.getsockname())
            thread.join()


def test_it_tells_state_model_queue_tempo_and_every_job(tmp_path: Path) -> None:
    snapshot = (
        encode("/ace/done", "sii", "/ace/notify", 1, 3600),
        encode("/ace/state", "ssi", "busy", "mini/turbo", 2),
        encode("/ace/tempo", "fs", 127.5, "link"),
        encode("/ace/progress", "sfsf", "one", 0.25, "diffusion", 8.0),
        encode("/ace/queued", "sif", "two", 1, 0.0),
        encode(
            "/ace/fail", "ssiss", "three", "/ace/generate", 507, "the disk is full", "it is kept"
        ),
    )
    with answering(*snapshot) as ((host, port), questions), StateLock(tmp_path) as lock:
        lock.record_address(host, port, 9105)
        found = status.ask(Settings(state=tmp_path, port=find_free_port()))
    asked = ["/ace/ping", "/ace/status", "/ace/notify", "/ace/notify", "/ace/sync"]
    assert questions == asked, "and lets go of the events again"
    assert found.version == "9.9"
    assert found.state == "busy"
    assert found.model == "mini/turbo"
    assert found.waiting == 2
    assert found.bpm == 127.5
    assert found.tempo == "link"
    assert found.tcp == 9105
    assert found.port == port
    assert [job["id"] for job in found.jobs] == ["one", "two", "three"]
    assert found.exit_code == 0
    text = status.format_status(found)
    for part in (
        "acestepd 9.9",
        f"127.0.0.1:{port}",
        "TCP 9105",
        "mini/turbo is busy, 2 waiting",
        "127.5 (link)",
    ):
        assert part in text
    assert "one  25% diffusion, 8 s to go" in text
    assert "two  waits for one\n" in text
    assert "three  is kept: the disk is full; it is kept" in text


def test_what_waits_is_said_to_wait_for_what() -> None:
    def waiting(id: str, position: int) -> dict[str, object]:
        return {"event": "queued", "id": id, "position": position, "eta": 9.0}

    rendering = {"event": "progress", "id": "one", "fraction": 0.25, "stage": "diffusion", "eta": 8}
    held: dict[str, object] = {
        "event": "fail",
        "id": "held",
        "message": "the disk is full",
        "hint": "it is kept",
    }

    def list_lines(state: str, *jobs: dict[str, object]) -> list[str]:
        found = Status("127.0.0.1", 1, version="1", state=state, model="mini", jobs=[*jobs])
        return status.format_status(found).splitlines()[2:]

    # what was said of their places is from when they were queued
    queued: list[dict[str, object]] = [
        waiting("two", 7),
        waiting("three", 8),
        held,
        waiting("four", 9),
    ]
    assert list_lines("busy", rendering, *queued) == [
        "  one  25% diffusion, 8 s to go",
        "  two  waits for one",
        "  three  waits for one and 1 more",
        "  held  is kept: the disk is full; it is kept",
        "  four  waits for one and 2 more",
    ]
    assert list_lines("warm", waiting("two", 7)) == ["  two  is next"]
    assert list_lines("loading", waiting("two", 7)) == ["  two  waits for mini to be loaded"]


def describe_elsewhere(tmp_path: Path, *elsewhere: bytes) -> tuple[int, list[str]]:
    """The exit status, and the lines about a cluster and what waits, of a daemon that is cold."""
    snapshot = (
        encode("/ace/state", "ssi", "cold", "mini", 1),
        encode("/ace/queued", "sif", "take1", 0, 0.0),
    )
    with answering(*snapshot, elsewhere=elsewhere) as ((_, port), _):
        found = status.ask(Settings(state=tmp_path, port=port))
    return found.exit_code, status.format_status(found).splitlines()[2:]


def test_where_takes_are_made_elsewhere_it_says_where_and_by_whom(tmp_path: Path) -> None:
    studio = encode("/ace/worker", "ssss", "studio", "idle", "GPU (Apple M4)", "")
    attic = encode("/ace/worker", "ssss", "attic", "unused", "CPU", "its vae differs")
    reached = encode("/ace/cluster", "siis", "tcp://studio:8786", 1, 0, "")
    assert describe_elsewhere(tmp_path, reached, studio, attic) == (
        0,
        [
            "scheduler tcp://studio:8786",
            "worker studio: idle; GPU (Apple M4)",
            "worker attic: unused: its vae differs; CPU",
            "  take1  waits for a worker",
        ],
    )
    assert describe_elsewhere(tmp_path, reached, attic)[0] == 1, "nobody makes takes"


def test_a_scheduler_that_is_gone_is_trouble_where_nobody_else_makes_takes(tmp_path: Path) -> None:
    gone = encode("/ace/cluster", "siis", "tcp://studio:8786", 0, 0, "it is gone")
    assert describe_elsewhere(tmp_path, gone) == (
        1,
        [
            "scheduler tcp://studio:8786 is not reached: it is gone; takes wait for it",
            "  take1  waits for the scheduler",
        ],
    )
    gone = encode("/ace/cluster", "siis", "tcp://studio:8786", 0, 1, "it is gone")
    code, (line, _) = describe_elsewhere(tmp_path, gone)
    assert (code, line.rpartition("; ")[2]) == (0, "this machine makes takes")


def test_without_a_lock_file_it_asks_on_the_settings_port(tmp_path: Path) -> None:
    with answering() as ((_, port), _):
        found = status.ask(Settings(state=tmp_path, port=port))
    assert found.version == "9.9"
    assert found.pid == 0


def test_a_daemon_in_trouble_is_not_well() -> None:
    assert Status("127.0.0.1", 1, version="1", state="error").exit_code == 1
    assert Status("127.0.0.1", 1, version="1", state="warm").exit_code == 0


def test_nobody_there_is_said_at_once_and_what_the_lock_file_said(tmp_path: Path) -> None:
    found = status.ask(Settings(state=tmp_path, port=find_free_port()))
    assert found.exit_code == 3
    assert "acestepd is not running" in status.format_status(found)
    with StateLock(tmp_path) as lock:
        lock.record_address("127.0.0.1", find_free_port())
        found = status.ask(Settings(state=tmp_path))
        assert found.exit_code == 3
        assert f"process {lock.holder.pid} said it would" in status.format_status(found)


def test_who_never_answers_is_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "TIMEOUT", 0.1)
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as silent:
        silent.bind(("127.0.0.1", 0))
        assert status.ask(Settings(state=tmp_path, port=silent.getsockname()[1])).exit_code == 3


def test_who_never_stops_talking_is_not_listened_to_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "TIMEOUT", 1.0)
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind(("127.0.0.1", 0))
        done = threading.Event()

        def talk() -> None:
            _, client = server.recvfrom(65_507)
            while not done.is_set():
                server.sendto(PONG, client)
                time.sleep(0.01)

        thread = threading.Thread(target=talk)
        thread.start()
        try:
            assert (
                status.ask(Settings(state=tmp_path, port=server.getsockname()[1])).version == "9.9"
            )
        finally:
            done.set()
            thread.join()


def test_off_loopback_the_token_is_sent_first() -> None:
    with answering() as ((host, port), questions):
        list(client.ask((host, port), ("/ace/ping", "x"), token="secret"))
        assert "/ace/hello" not in questions, "on this machine nobody asks for it"
    assert client.make_reachable("0.0.0.0") == "127.0.0.1"
    assert client.make_reachable("192.168.1.5") == "192.168.1.5"
    assert not client.is_here("192.168.1.5")
