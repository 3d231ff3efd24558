"""A daemon whose model has a planner, over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from daemon.service import Daemon
from daemon.settings import Settings
from tests.osc_client import OscClient
from tests.studio import planned_root

SONG = ("prompt", "slow waltz", "lyrics", "[verse]\\nla", "seconds", 2, "num_steps", 2)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    made = tmp_path_factory.mktemp("planned")
    root = planned_root(made / "root", max_position_embeddings=1500)  # a context that is soon full
    with Daemon(Settings(port=0, out=made / "out", state=made / "state", model=str(root))) as running:
        yield running


@pytest.fixture
def client(daemon: Daemon) -> Iterator[OscClient]:
    with closing(OscClient(daemon.osc.address)) as connected:
        yield connected


def test_what_the_planner_filled_in_is_told_before_the_clip_and_is_in_the_manifest(client: OscClient) -> None:
    client.send("/ace/generate", "song", *SONG, "seed", 3)
    heard = client.until_end("song")
    planned = {values[1]: values[2] for address, values in heard if address == "/ace/planned"}
    kinds = [address for address, _ in heard]
    assert set(planned) == {"bpm", "key", "language", "time_signature"}
    assert kinds.index("/ace/planned") < kinds.index("/ace/clip")
    assert kinds[-1] == "/ace/finished"
    manifest = json.loads(Path(heard[-1][1][2]).read_text())
    assert manifest["planned"] == planned | {"bpm": float(planned["bpm"])}
    assert all(manifest["request"][name] == value for name, value in manifest["planned"].items())
    assert len(manifest["request"]["codes"].split()) == 10


def test_nothing_is_told_of_a_plan_where_there_is_none(client: OscClient) -> None:
    client.send("/ace/generate", "plain", *SONG, "plan", "off")
    assert "/ace/planned" not in [address for address, _ in client.until_end("plain")]


def test_lyrics_beyond_the_planners_context_fail_and_say_what_to_do(client: OscClient) -> None:
    client.send("/ace/generate", "long", *SONG[:2], "lyrics", "la " * 1500, "seconds", 2)
    _, (_, command, code, message, hint) = client.until_end("long")[-1]
    assert (command, code) == ("/ace/generate", 422)
    assert "the planner can read" in message
    assert "shorten the lyrics" in hint
    client.send("/ace/generate", "next", *SONG, "seed", 4)  # and the engine lives
    assert client.until_end("next")[-1][0] == "/ace/finished"


def test_a_language_that_nobody_knows_is_refused_at_once(client: OscClient) -> None:
    address, values = client.ask("/ace/generate", "tongue", *SONG, "language", "xx")
    assert (address, values[0], values[2]) == ("/ace/fail", "tongue", 422)
    assert "language must be" in values[3]
