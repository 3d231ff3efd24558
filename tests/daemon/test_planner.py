"""A daemon whose model has a planner, over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from daemon.landing.manifest import read_manifest
from daemon.service import Daemon
from daemon.settings import Settings
from daemon.worker import load_model
from pipeline.planner import grammar
from tests.support.harness import ThreadWorker
from tests.support.osc_client import OscClient
from tests.support.planners import OFFICIAL, make_planned_root
from tests.support.quick_voice import write_quick_voice

SONG = ("prompt", "slow waltz", "lyrics", "[verse]\\nla", "seconds", 1, "num_steps", 1)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    made = tmp_path_factory.mktemp("planned")
    # A context that is soon full, and all the audio codes but one.
    root = make_planned_root(made / "root", max_position_embeddings=4200, codes=range(63_999))
    voice = write_quick_voice(made / "voice", root)
    settings = Settings(port=0, page=-1, out=made / "out", state=made / "state", model=str(voice))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grammar, "budget_tokens", lambda *_: 120)  # random weights find no end
        with Daemon(settings, lambda: ThreadWorker(load_model)) as running:
            yield running


@pytest.mark.long
def test_what_the_planner_filled_in_is_told_before_the_clip_and_is_in_the_manifest(
    client: OscClient,
) -> None:
    client.send("/ace/generate", "song", *SONG, "seed", 3)
    received = client.until_end("song")
    planned = {values[1]: values[2] for address, values in received if address == "/ace/planned"}
    kinds = [address for address, _ in received]
    assert set(planned) == {"bpm", "key", "language"}
    assert kinds.index("/ace/planned") < kinds.index("/ace/clip")
    assert kinds[-1] == "/ace/finished"
    manifest = json.loads(Path(received[-1][1][2]).read_text())
    assert manifest["planned"] == planned | {"bpm": float(planned["bpm"])}
    assert all(manifest["request"][name] == value for name, value in manifest["planned"].items())
    assert manifest["request"]["time_signature"] == "3/4", "the prompt says waltz"
    assert len(manifest["request"]["codes"].split()) == 5
    assert any("lacks 1 of the 64000 audio codes" in note for note in manifest["notes"])


@pytest.mark.long
def test_nothing_is_told_of_a_plan_where_there_is_none(client: OscClient) -> None:
    client.send("/ace/generate", "plain", *SONG, "plan", "off")
    assert "/ace/planned" not in [address for address, _ in client.until_end("plain")]


@pytest.mark.long
def test_lyrics_beyond_the_planners_context_fail_and_say_what_to_do(client: OscClient) -> None:
    client.send("/ace/generate", "long", *SONG[:2], "lyrics", "la " * 4500, "seconds", 2)
    _, (_, command, code, message, hint) = client.until_end("long")[-1]
    assert command == "/ace/generate"
    assert code == 422
    assert "the planner can read" in message
    assert "shorten the lyrics" in hint
    client.send("/ace/generate", "next", *SONG, "seed", 4)  # and the engine lives
    assert client.until_end("next")[-1][0] == "/ace/finished"


def test_a_language_that_nobody_knows_is_refused_at_once(client: OscClient) -> None:
    address, values = client.ask("/ace/generate", "tongue", *SONG, "language", "xx")
    assert address == "/ace/fail"
    assert values[0] == "tongue"
    assert values[2] == 422
    assert "language must be" in values[3]


def test_a_planner_that_finds_no_end_is_cancelled_between_two_tokens(client: OscClient) -> None:
    client.send(
        "/ace/generate", "talker", "prompt", "a song about rain", "plan", "simple", "seconds", 1
    )
    while not (received := client.until("/ace/progress", "talker")[-1][1])[2].startswith("plan "):
        pass
    assert 0 < received[1] < 1  # random weights write until their budget is used up
    client.send("/ace/cancel", "talker")
    assert client.until_end("talker")[-1][0] == "/ace/cancelled"
    client.send("/ace/generate", "after", *SONG, "plan", "off")
    assert client.until_end("after")[-1][0] == "/ace/finished"


@pytest.mark.long
def test_a_voice_without_a_planner_says_so_where_a_plan_is_asked_for(
    quick_voice: str, tmp_path: Path
) -> None:
    settings = Settings(
        port=0, page=-1, out=tmp_path / "out", state=tmp_path / "state", model=quick_voice
    )
    with Daemon(settings) as voice, closing(OscClient(voice.osc.address)) as client:
        client.send("/ace/generate", "x", *SONG, "plan", "on")
        _, (_, _, code, message, hint) = client.until_end("x")[-1]
    assert code == 422
    assert "this voice has no audio codes" in message
    assert "plan off" in hint


def test_a_recording_is_put_into_words_and_into_a_manifest_that_plays_it(
    client: OscClient, daemon: Daemon
) -> None:
    source = daemon.settings.out / "hum.wav"
    source.write_bytes((OFFICIAL / "audio" / "src.wav").read_bytes())
    client.send("/ace/set/bars", 4)
    client.send("/ace/understand", "hum", "hum.wav")
    received = client.until_end("hum")
    client.send("/ace/set/bars", 0)
    understood = {values[1]: values[2] for address, values in received if address == "/ace/planned"}
    assert {"bpm", "prompt", "codes", "seconds"} <= set(understood)
    assert len(understood["codes"].split()) == 10, (
        "of all of it, whatever the panel says of new music"
    )
    _, (_, files, path) = received[-1]
    assert received[-1][0] == "/ace/finished"
    assert files == 0
    manifest = json.loads(Path(path).read_text())
    assert manifest["clips"] == []
    assert manifest["notes"] == ["the planner did not come to an end: stopped after 120 tokens"]
    assert manifest["request"]["codes"] == understood["codes"]
    assert read_manifest(Path(path)).request.task == ""


def test_a_recording_that_nobody_may_hear_is_refused(client: OscClient) -> None:
    address, values = client.ask("/ace/understand", "spy", "/etc/hum.wav")
    assert address == "/ace/fail"
    assert values[0] == "spy"
    assert values[2] == 403
    address, values = client.ask("/ace/understand", "what")
    assert address == "/ace/fail"
    assert values[0] == "what"
    assert values[2] == 400
