"""A song sheet that comes as lyrics is read, and what was read is told."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.osc.test_files_are_not_on_the_way import PATIENCE, held_up, ping
from tests.support.osc_client import OscClient, addresses, expect_fail
from tests.support.stage import Stage, subscribed

SHEET = "Verse 1\nAm G\nBlue jar\nChorus x2\nhey"
SUNG = "[Verse 1]\nBlue jar\n[Chorus]\nhey\n[Chorus]\nhey"
TOLD = [
    "the lyrics' line 1 (Verse 1): begins [Verse 1]",
    "the lyrics' line 2 (Am G): not sung: chords, which guide: Am G would play",
    "the lyrics' line 4 (Chorus x2): begins [Chorus], 2 times",
]

SHEET_IN_E_MINOR = f"Key: Em\n\n{SHEET}"
TOLD_IN_E_MINOR = [
    "the lyrics' line 1 (Key: Em): key = E minor",
    "the lyrics' line 3 (Verse 1): begins [Verse 1]",
    "the lyrics' line 4 (Am G): not sung: chords, which guide: Am G would play",
    "the lyrics' line 6 (Chorus x2): begins [Chorus], 2 times",
]


def read_manifest(story: list[tuple[str, list[Any]]]) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(Path(story[-1][1][2]).read_text("utf-8"))
    return manifest


def list_notes(story: list[tuple[str, list[Any]]]) -> list[Any]:
    return [values[1] for address, values in story if address == "/ace/note"]


def test_a_sheet_in_a_message_is_read_and_each_line_told(client: OscClient) -> None:
    client.send("/ace/generate", "sheet", "prompt", "pop", "seconds", 1, "lyrics", SHEET)
    story = client.until_end("sheet")
    assert addresses(story)[:4] == ["/ace/queued", *["/ace/note"] * 3]
    assert list_notes(story) == TOLD
    manifest = read_manifest(story)
    assert manifest["request"]["lyrics"] == SUNG
    assert [note for note in manifest["notes"] if note.startswith("the lyrics'")] == TOLD


def test_a_sheet_on_the_panel_is_read_when_it_is_played(
    client: OscClient, stage: Stage, restored_panel: None
) -> None:
    client.ask("/ace/lyrics/begin", "song")
    client.ask("/ace/lyrics/append", "song", 1, f"bpm: 140\nKey: Em\n\n{SHEET}")
    client.ask("/ace/lyrics/end", "song", 1)
    client.send("/ace/generate", "panel", "prompt", "pop", "bars", 1)
    manifest = read_manifest(client.until_end("panel"))
    request = manifest["request"]
    assert (request["lyrics"], request["bpm"], request["key"]) == (SUNG, 140.0, "E minor")
    client.send("/ace/generate", "own", "prompt", "pop", "bars", 1, "bpm", 100, "key", "Am")
    story = client.until_end("own")
    request = read_manifest(story)["request"]
    assert (request["bpm"], request["key"]) == (100.0, "A minor")
    assert "the lyrics say bpm 140, and bpm 100 was given: it is 100" in list_notes(story)
    assert stage.panel.request.bpm == 0  # what stands above these lyrics goes with them


def test_a_tempo_above_the_words_that_is_none_is_refused(client: OscClient) -> None:
    fail = expect_fail(client, "/ace/generate", "fast", "prompt", "x", "lyrics", "bpm: fast\n\nla")
    assert fail[2].startswith("the lyrics' line 1 (bpm: fast): bpm must be a number")


def test_a_reroll_sings_what_was_sung(client: OscClient) -> None:
    client.send("/ace/generate", "first", "prompt", "pop", "seconds", 1, "lyrics", SHEET)
    client.until_end("first")
    client.send("/ace/reroll", "second", "first")
    story = client.until_end("second")
    assert read_manifest(story)["request"]["lyrics"] == SUNG
    assert list_notes(story) == []


def test_everybody_is_answered_while_long_lyrics_are_read(stage: Stage, client: OscClient) -> None:
    long = SHEET + "\nla la la" * 100
    with held_up(stage.panel, "_read_lyrics") as entered, closing(stage.client()) as other:
        client.send("/ace/generate", "long", "prompt", "pop", "seconds", 1, "lyrics", long)
        assert entered.wait(PATIENCE)
        assert ping(other) == []
        assert ping(client) == []
    assert read_manifest(client.until_end("long"))["request"]["lyrics"].startswith("[Verse 1]")


def test_a_panic_is_for_what_is_still_read(stage: Stage, client: OscClient) -> None:
    long = SHEET + "\nla la la" * 100
    with held_up(stage.panel, "_read_lyrics") as entered:
        client.send("/ace/generate", "late", "prompt", "pop", "seconds", 1, "lyrics", long)
        assert entered.wait(PATIENCE)
        client.send("/ace/panic")
        ping(client)
    assert client.until_end("late")[-1][0] == "/ace/cancelled"


def test_a_pad_keeps_what_was_read_and_each_line_is_told(stage: Stage, client: OscClient) -> None:
    client.ask("/ace/bank/fill", "dusty", 1, 1)
    with subscribed(stage, "note") as listener:
        client.send("/ace/pad/set", 1, "lyrics", SHEET_IN_E_MINOR)
        client.until("/ace/pad")
        parameters = stage.pads._current.get_pad(0).parameters
        assert (parameters["lyrics"], parameters["key"]) == (SUNG, "E minor")
        assert [listener.receive()[1] for _ in TOLD_IN_E_MINOR] == [
            ["", note] for note in TOLD_IN_E_MINOR
        ]
        client.ask("/ace/bank/fill", "dusty", 1, 1, "lyrics", SHEET_IN_E_MINOR)
        assert [listener.receive()[1][1] for _ in TOLD_IN_E_MINOR] == TOLD_IN_E_MINOR


def test_a_sheet_for_a_reroll_is_read_and_each_line_told(client: OscClient) -> None:
    client.send("/ace/generate", "hummed", "prompt", "pop", "seconds", 1)
    client.until_end("hummed")
    client.send("/ace/reroll", "sung", "hummed", "7", "lyrics", SHEET)
    assert list_notes(client.until_end("sung")) == TOLD
