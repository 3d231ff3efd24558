"""While a file is read or written for one client, everybody else is answered, and the order of its
own messages stays.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from daemon.landing import disk, folders
from pipeline import request_files, untrusted
from tests.support.osc_client import SHORT, OscClient, make_clip
from tests.support.stage import Stage, named, on_stage
from tests.support.waiting import until

PATIENCE = 60.0


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path, prepare_mb=0.0) as running:
        yield running


@pytest.fixture
def client(stage: Stage) -> Iterator[OscClient]:
    with closing(stage.client()) as client:
        yield client


@contextmanager
def held_up(
    owner: Any, name: str, concerns: Callable[..., bool] = lambda *values: True
) -> Iterator[threading.Event]:
    """Calls of `owner.name` that it concerns wait for the end of the block. The event says that one
    has come.
    """
    entered = threading.Event()
    go_on = threading.Event()
    real = getattr(owner, name)

    def call(*values: Any, **named: Any) -> Any:
        if concerns(*values):
            entered.set()
            assert go_on.wait(PATIENCE)
        return real(*values, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, call)
        try:
            yield entered
        finally:
            go_on.set()


def is_bank(path: Path, *values: object) -> bool:
    return path.parent.name == "banks"


def ping(client: OscClient) -> list[str]:
    """The addresses of what came before the answer."""
    client.send("/ace/ping", "there?")
    return [address for address, _ in client.until("/ace/pong")[:-1]]


def save_banks(client: OscClient) -> None:
    """`verse` with program 3, and `chorus` with 4, which is played."""
    client.ask("/ace/bank/fill", "dusty", 1, 2)
    client.ask("/ace/bank/save", "verse", 3)
    client.ask("/ace/bank/save", "chorus", 4)


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (("/ace/bank/load", "verse"), ["/ace/bank/load", 16, 3]),
        (("/ace/bank/load", 3), ["/ace/bank/load", 16, 3]),
        (("/ace/bank/list",), ["/ace/bank/list", 2, 0]),
    ],
)
def test_everybody_is_answered_while_a_bank_is_read(
    stage: Stage, client: OscClient, message: tuple[Any, ...], answer: list[Any]
) -> None:
    save_banks(client)
    stage.pads.banks._saved._programs.clear()  # as if the daemon had just begun
    with held_up(untrusted, "read_bytes", is_bank) as entered, closing(stage.client()) as other:
        client.send(*message)
        assert entered.wait(PATIENCE)
        assert ping(other) == []
        assert ping(client) == []
    assert client.until("/ace/done")[-1][1] == answer


def test_everybody_is_answered_while_a_bank_is_written(stage: Stage, client: OscClient) -> None:
    client.ask("/ace/bank/fill", "dusty", 1, 2)
    with held_up(disk, "write_synced", is_bank) as entered, closing(stage.client()) as other:
        client.send("/ace/bank/save", "verse", 3)
        assert entered.wait(PATIENCE)
        assert ping(other) == []
        assert ping(client) == []
    assert client.until("/ace/done")[-1][1] == ["/ace/bank/save", 16, 3]


def test_what_a_client_sends_while_its_bank_is_read_is_about_that_bank(
    stage: Stage, client: OscClient
) -> None:
    save_banks(client)
    with held_up(untrusted, "read_bytes", is_bank) as entered:
        client.send("/ace/bank/load", "verse")
        assert entered.wait(PATIENCE)
        client.send("/ace/pad/favourite", 1)
        client.send("/ace/pad/set", 2, "prompt", "bright")
        client.send("/ace/pad/hit", 99)
        client.send("/ace/bank/reroll")
        client.send("/ace/pad/hit", 2)
        client.send("/ace/generate", "after", *SHORT)
        client.send("/ace/bank/save")
        client.send("/ace/sync", 7)
        assert ping(client) == []
    answers = client.until("/ace/synced")
    about = [
        (address, values[0]) for address, values in answers if address in ("/ace/pad", "/ace/done")
    ]
    assert about == [
        ("/ace/done", "/ace/bank/load"),
        ("/ace/pad", 1),
        ("/ace/pad", 2),
        ("/ace/done", "/ace/bank/reroll"),
        ("/ace/pad", 2),
        ("/ace/done", "/ace/bank/save"),
    ]
    [fail] = [values for address, values in answers if address == "/ace/fail"]
    assert fail[:3] == ["", "/ace/pad/hit", 404]
    verse = stage.pads.banks._saved.load("verse")
    assert [pad.favourite for pad in verse.pads[:2]] == [True, False]
    assert verse.pads[1].parameters["prompt"] == "bright"
    client.until("/ace/finished", "after")
    assert stage.model.played == ["bright", "short"]


def test_a_bank_that_cannot_be_loaded_is_said_as_before(client: OscClient) -> None:
    save_banks(client)
    client.send("/ace/bank/load", "none")
    id, about, code, text, hint = client.until("/ace/fail")[-1][1]
    assert (id, about, code) == ("", "/ace/bank/load", 404)
    assert text == "no bank is called 'none'"
    assert "verse" in hint


def play_pad(stage: Stage, client: OscClient) -> Path:
    """Fill a pad and play it. Returns its manifest; it has been read."""
    client.ask("/ace/bank/fill", "dusty", 1, 1)
    client.send("/ace/pad/hit", 1)
    manifest = Path(client.until("/ace/finished")[-1][1][2])
    until(lambda: not stage.pads.must_read_take(0))
    return manifest


def test_everybody_is_answered_while_the_manifest_of_a_pad_is_read(
    stage: Stage, client: OscClient
) -> None:
    manifest = play_pad(stage, client)
    manifest.write_bytes(manifest.read_bytes())  # somebody has touched it
    held = held_up(untrusted, "read_bytes", lambda path, *values: path == manifest)
    with held as entered, closing(stage.client()) as other:
        client.send("/ace/pad/hit", 1)
        assert entered.wait(PATIENCE)
        assert ping(other) == []
        assert ping(client) == []
    client.until("/ace/finished")
    assert stage.model.played == ["dusty"], "once"


def test_a_pad_whose_take_is_known_does_not_wait_for_other_clients_files(
    stage: Stage, client: OscClient
) -> None:
    manifest = play_pad(stage, client)
    read: list[Path] = []

    def note(path: Path, *values: object) -> bool:
        if threading.current_thread().name != "integrations":  # it reads it for other programs
            read.append(path)
        return is_bank(path)

    with held_up(untrusted, "read_bytes", note) as entered, closing(stage.client()) as other:
        stage.pads.banks._saved._programs.clear()
        other.send("/ace/bank/load", "pads")
        assert entered.wait(PATIENCE)
        client.send("/ace/pad/hit", 1)
        client.until("/ace/finished")
    assert manifest not in read


def test_everybody_is_answered_while_it_is_looked_up_what_waits_for_a_program(
    stage: Stage, client: OscClient
) -> None:
    with closing(stage.client()) as other:
        with held_up(stage.journal, "find_to_insert") as entered, named(stage, "live"):
            assert entered.wait(PATIENCE)
            assert ping(other) == []
        make_clip(client, "a", *SHORT)
        with held_up(stage.journal, "find_to_insert") as entered:
            client.send("/ace/inserted", "a", "live", "track 1")
            assert entered.wait(PATIENCE)
            assert ping(other) == []
            assert ping(client) == []
        assert client.until("/ace/done")[-1][1] == ["/ace/inserted", 1, 0]


def test_everybody_is_answered_while_many_takes_are_looked_up(
    stage: Stage, client: OscClient
) -> None:
    order = ("/ace/generate", "b", *SHORT, "seed", 1, "count", 17)
    client.send(*order)
    client.until("/ace/finished", "b.17")
    for message in (order, ("/ace/query", "b")):
        with held_up(stage.journal, "find_batch") as entered, closing(stage.client()) as other:
            client.send(*message)
            assert entered.wait(PATIENCE)
            assert ping(other) == []
            assert ping(client) == []
        answers = client.until("/ace/finished", "b.17")
        assert [values[0] for address, values in answers if address == "/ace/finished"] == [
            f"b.{take}" for take in range(1, 18)
        ]
    with held_up(stage.journal, "find_batch") as entered:
        client.send(*order[:-1], 18)
        id, about, code, text = client.until("/ace/fail")[-1][1][:4]
        assert (id, about, code) == ("b", "/ace/generate", 409)
        assert "was used for 17 takes" in text
        assert not entered.is_set()


def test_everybody_is_answered_while_a_folder_is_looked_at(stage: Stage, client: OscClient) -> None:
    with held_up(folders, "find_obstacle") as entered, closing(stage.client()) as other:
        client.send("/ace/generate", "a", *SHORT)
        assert entered.wait(PATIENCE)
        client.send("/ace/adapters", "clear")
        client.until("/ace/done")
        assert ping(other) == []
    client.until("/ace/finished", "a")


def test_everybody_is_answered_while_a_source_says_what_it_is(
    stage: Stage, client: OscClient
) -> None:
    loop = stage.settings.out / "dusk_90bpm.wav"
    soundfile.write(loop, np.zeros((48_000, 2)), 48_000)
    with (
        closing(stage.client()) as other,
        held_up(request_files, "read_source_facts") as entered,
    ):
        client.send("/ace/generate", "by", "task", "cover", "source", str(loop))
        client.send("/ace/generate", "next", *SHORT)
        assert entered.wait(PATIENCE)
        assert ping(other) == []
        assert ping(client) == []  # and its orders keep their order
        with stage.engine.lock:
            assert stage.engine.active() == []
    queued = [client.until("/ace/queued")[-1][1][0] for _ in range(2)]
    assert queued == ["by", "next"]
