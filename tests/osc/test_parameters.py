"""The panel's parameters are set and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daemon.osc.outgoing import SEEDS
from pipeline.request import FIELDS
from tests.support.osc_client import (
    OscClient,
    expect_fail,
    make_clip,
)
from tests.support.stage import Stage, subscribed

TEXTS = {
    "guide": "Am F C G",
    "stems": "drums bass",
    "key": "A minor",
    "language": "en",
    "time_signature": "3/4",
    "cfg_type": "cfg",
    "format": "flac",
    "task": "cover",
    "sampler": "dpm",
    "timesteps": "1 0.75 0.3",
    "preview": "2 4",
    "codes": "7 63999",
    "guide_voice": "on",
    "reference_parts": "even",
    "plan": "off",
}


@pytest.mark.parametrize("name", FIELDS)
def test_every_parameter_is_set_and_told_back(
    client: OscClient, stage: Stage, restored_panel: None, name: str
) -> None:
    default = FIELDS[name].default
    high = FIELDS[name].high
    if name in ("source", "reference"):
        value: Any = str(stage.settings.out / "source.wav")
        Path(value).touch()
    elif isinstance(default, str):
        value = TEXTS.get(name, "some text")
    elif name in SEEDS:
        value = str(high)
    else:
        value = int(not default) if isinstance(default, bool) else 4 if name == "bars" else high
    assert client.ask(f"/ace/set/{name}", value) == (f"/ace/param/{name}", [value])
    assert client.ask(f"/ace/get/{name}") == (f"/ace/param/{name}", [value])
    assert str(getattr(stage.panel.request, name)) in (str(value), str(bool(value)))


@pytest.mark.parametrize(
    ("name", "words", "value"),
    [
        ("bpm", ("92 BPM",), 92),
        ("bpm", ("92,5", "bpm"), 92.5),
        ("bars", ("2 bars",), 2),
        ("seconds", ("1:30",), 90),
        ("seconds", ("12", "sec"), 12),
        ("peak_db", ("-1 dB",), -1),
        ("guide_strength", ("80 %",), pytest.approx(0.8)),
    ],
)
def test_a_number_may_come_with_its_unit(
    client: OscClient, restored_panel: None, name: str, words: tuple[str, ...], value: float
) -> None:
    assert client.ask(f"/ace/set/{name}", *words) == (f"/ace/param/{name}", [value])


def test_what_is_set_is_what_the_next_message_leaves_out(
    client: OscClient, stage: Stage, restored_panel: None
) -> None:
    client.ask("/ace/set/prompt", "slow", "warm", r"beat\nfor tape")  # Pd's atoms
    client.ask("/ace/set/tempo", "84")
    client.ask("/ace/set/bars", 1.0)
    assert Path(make_clip(client, "left-out", "seed", 1)[2]).name.startswith(
        "slow-warm-beat-for-tape_84bpm"
    )
    assert stage.panel.request.prompt == "slow warm beat\nfor tape"


@pytest.mark.parametrize(
    ("address", "arguments", "code"),
    [
        ("/ace/set/bars", (-1,), 422),
        ("/ace/set/bars", (), 400),
        ("/ace/set/bars", (4, 5), 400),
        ("/ace/set/bpm", (float("nan"),), 400),
        ("/ace/set/brs", (4,), 404),
        ("/ace/set/*", (4,), 404),
        ("/ace/set/", (4,), 404),
        ("/ace/set/<param>", (4,), 404),
        ("/ace/set", (4,), 404),
        ("/ace/get/brs", (), 404),
        ("/ace/get/x*", (), 404),
        ("/ace/get/[a-", (), 400),
        ("/ace/get/" + "*a" * 100, (), 400),
        ("/ace/*/bars", (4,), 404),
    ],
)
def test_what_cannot_be_set_or_told_is_refused(
    client: OscClient, stage: Stage, address: str, arguments: tuple[object, ...], code: int
) -> None:
    before = stage.panel.request
    assert expect_fail(client, address, *arguments)[1] == code
    assert stage.panel.request == before


def test_get_takes_patterns(client: OscClient) -> None:
    def answers(pattern: str) -> list[str]:
        client.send(f"/ace/get/{pattern}")
        client.send("/ace/sync", 1)
        return [
            address.removeprefix("/ace/param/") for address, _ in client.until("/ace/synced")[:-1]
        ]

    assert answers("*") == list(FIELDS)
    assert answers("guid*_s*") == ["guide_strength", "guide_seed", "guidance_scale"]
    assert answers("{bars,bpm,nothing}") == ["bars", "bpm"]


def test_subscribers_hear_what_others_turn_and_whoever_turns_hears_it_once(
    client: OscClient, stage: Stage, restored_panel: None
) -> None:
    with subscribed(stage, "param") as listener:
        client.send("/ace/set/bars", 7)
        assert listener.receive() == ("/ace/param/bars", [7])
        stage.panel.set("bars", 8)  # another surface
        assert listener.receive() == ("/ace/param/bars", [8])
        for _ in range(2):
            assert listener.ask("/ace/set/bars", 9) == ("/ace/param/bars", [9])
        assert listener.is_quiet()


def test_a_long_text_is_told_shortened(client: OscClient, restored_panel: None) -> None:
    client.send("/ace/set/lyrics", "♪" * 3000)
    data = client.receive_raw()
    assert len(data) <= 1200
    assert "…" in data.decode()
