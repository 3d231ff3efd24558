"""Banks: their JSON, and what a hit on their pads would play."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from daemon.pads.bank import (
    Bank,
    Pad,
    PadContext,
    PadDefaults,
    PadTake,
    build_request,
    overlay,
)
from pipeline.request import DRAWN_SEED_COUNT, NEWEST_COMPOSER

VALUES = st.fixed_dictionaries(
    {},
    optional={
        "prompt": st.text(max_size=20).map(str.strip),
        "bars": st.integers(0, 64),
        "shift": st.floats(0.1, 9),
    },
)
PANEL = PadContext({"prompt": "panel", "bars": 4}, {}, 0.0)
COMPOSED = {
    "composer": NEWEST_COMPOSER,
    "read_prompt": True,
    "read_midi": True,
    "read_source": True,
    "repeat_source": True,
    "seconds": 0.0,
}


def test_what_is_written_is_what_is_read() -> None:
    base = {"num_steps": 4} | COMPOSED
    pad = Pad({"prompt": "dusty", "bars": 4}, base, 42, 43, True, "pad1-ab")
    pad.take = PadTake(
        "dusty_4bars_s42.json",
        "pad1-ab",
        {"prompt": "dusty", "bars": 4, "num_steps": 4, "seed": 42} | COMPOSED,
    )
    bank = Bank("verse", 3, 8, 0.5, [pad, Pad()])
    assert Bank.from_json("verse", bank.to_json()) == bank


@given(VALUES, VALUES | st.none(), st.integers(-1, 2**32 - 1), st.booleans())
def test_any_pad_survives_its_file(
    parameters: dict[str, Any], panel_values: dict[str, Any] | None, seed: int, favourite: bool
) -> None:
    written = json.loads(
        json.dumps(Pad(parameters, panel_values, seed, favourite=favourite).to_json(1))
    )
    read = Pad.from_json(written)
    assert read.seed == seed
    assert read.favourite == favourite
    assert json.loads(json.dumps(read.to_json(1))) == json.loads(
        json.dumps(Pad.from_json(read.to_json(1)).to_json(1))
    )


def test_a_pad_names_its_files_without_their_being_there() -> None:
    parameters = {"source": "loop.wav", "reference": "warm.wav", "guide": "verse.mid"}
    assert Pad.from_json(Pad(parameters).to_json(1)).parameters == parameters


def test_a_bank_from_before_there_were_composers_plays_what_it_played() -> None:
    text = """{"acestepd_bank": 1, "program": 0, "columns": 4, "rows": 0, "pads": [{
        "pad": 1, "seed": 5, "next": 6, "favourite": true, "id": "pad1-ab",
        "base": {"prompt": "dusty lo-fi", "bars": 4, "guide": "auto"},
        "take": {"file": "dusty.json", "id": "pad1-ab", "request": {
            "prompt": "dusty lo-fi", "bars": 4, "guide": "auto", "bpm": 80, "seed": 5}}}]}"""
    bank = Bank.from_json("old", text)
    pad = bank.get_pad(0)
    pad.resolved = bank.resolve(0, PANEL)
    assert build_request(pad.resolved).composer == 1
    assert not build_request(pad.resolved).read_prompt
    assert not build_request(pad.resolved).read_midi
    assert pad.ready


def test_a_bank_names_who_composed_though_that_is_the_newest() -> None:
    bank = Bank("new", pads=[Pad(panel_values={"prompt": "dusty"}, seed=5)])
    bank.pads[0].take = PadTake("a.json", "x", bank.resolve(0, PANEL))
    (written,) = json.loads(bank.to_json())["pads"]
    assert written["base"]["composer"] == NEWEST_COMPOSER
    assert written["take"]["request"]["composer"] == NEWEST_COMPOSER
    read = Bank.from_json("new", bank.to_json())
    read.pads[0].resolved = read.resolve(0, PANEL)
    assert read.pads[0].ready


def test_the_next_seed_is_known_beforehand_and_used_once() -> None:
    pad = Pad(seed=1, next_seed=2)
    pad.set_seed({}, pad.next_seed)
    assert pad.seed == 2
    assert 0 <= pad.next_seed < DRAWN_SEED_COUNT
    pad.set_seed({}, 9)
    assert pad.seed == 9


# --- what a hit would play ------------------------------------------------------------------------


def test_a_pad_without_a_seed_follows_the_panel_and_one_with_a_seed_does_not() -> None:
    bank = Bank("verse", pads=[Pad({"bars": 8}, next_seed=7)])
    assert bank.resolve(0, PANEL) == {"prompt": "panel", "bars": 8, "seed": 7} | COMPOSED
    bank.set_seed(0, 7, PANEL)
    turned = PadContext({"prompt": "turned"}, {}, 0.0)
    assert bank.resolve(0, turned) == {"prompt": "panel", "bars": 8, "seed": 7} | COMPOSED


def test_a_reroll_has_the_next_seed_and_what_was_turned_since() -> None:
    bank = Bank("verse", pads=[Pad()])
    bank.set_seed(0, 7, PANEL)
    following = bank.pads[0].next_seed
    turned = PadContext({"key": "A minor"}, {}, 0.0)
    values = {"prompt": "panel", "bars": 4, "key": "A minor", "seed": following} | COMPOSED
    assert bank.resolve(0, turned, reroll=True) == values
    bank.reroll(0, turned)
    assert bank.resolve(0, PANEL) == values


def test_pads_of_a_row_are_variations_of_its_first_one_until_they_have_a_seed() -> None:
    bank = Bank("verse", columns=2, rows=0.5, pads=[Pad(next_seed=5), Pad(next_seed=6)])
    assert bank.find_original(1) == 0
    values = bank.resolve(1, PANEL)
    assert values == bank.resolve(0, PANEL) | {"variation": 0.5, "variation_seed": 5}
    assert bank.resolve(1, PANEL, reroll=True) == values | {"variation_seed": 6}
    bank.reroll(1, PANEL)
    assert bank.resolve(1, PANEL) == values | {"variation_seed": 6}
    bank.pads[1] = Pad()
    bank.set_seed(1, 9, PANEL)
    assert bank.find_original(1) == 1
    assert bank.resolve(1, PANEL) == {"prompt": "panel", "bars": 4, "seed": 9} | COMPOSED


def test_a_length_that_is_nearer_to_the_take_counts_in_bars_or_seconds() -> None:
    def measure(bank: Bank, context: PadContext, index: int = 0, reroll: bool = False) -> float:
        return build_request(bank.resolve(index, context, reroll) | {"bpm": 60}).length

    seconds = PadContext({"prompt": "panel", "seconds": 9}, {0: PadDefaults({"seconds": 3})}, 0.0)
    free = Bank("verse", pads=[Pad({"seconds": 7})])
    for context in (PANEL, seconds):
        assert measure(free, context) == 7
    assert measure(Bank("verse", pads=[Pad({"bars": 1})]), seconds) == 4
    set_before = Bank("verse", pads=[Pad()])
    assert measure(set_before, PANEL) == 16
    assert measure(set_before, PadContext(PANEL.panel, seconds.defaults, 0.0)) == 3
    set_before.set_seed(0, 1, PANEL)
    assert measure(set_before, seconds) == 16
    assert measure(set_before, seconds, reroll=True) == 3, "what was turned since"
    row = Bank("verse", columns=2, rows=0.5, pads=[Pad({"bars": 4}), Pad({"seconds": 5})])
    assert measure(row, PANEL, 1) == 5
    assert overlay({"bars": 4, "seconds": 2}, {"bars": 8, "seconds": 9})["bars"] == 8


def test_what_a_pad_keeps_is_what_nobody_says() -> None:
    kept = {"bpm": 120.0, "key": "G major", "time_signature": "3"}
    bank = Bank("verse", columns=2, pads=[Pad({"bars": 1}, kept=kept), Pad({"bars": 1})])
    assert bank.list_kept(0, PANEL) == kept
    assert bank.list_kept(1, PANEL) == {}
    session = PadContext({"prompt": "waltz in Am", "beats_per_bar": 5}, {}, 98.0)
    assert bank.list_kept(0, session) == {}
    bank.pads[1].made = kept
    assert bank.list_kept(1, PANEL) == {}
    assert bank.list_kept(1, PANEL, reroll=True) == kept
    bank.pads[1].made = {}
    bank.rows = 0.5
    assert bank.list_kept(1, PANEL) == kept, "those of its row's first pad"
    bank.pads[1].parameters["key"] = "any"
    assert bank.list_kept(1, PANEL) == {"bpm": 120.0, "time_signature": "3"}


def test_a_variation_without_a_direction_has_one_that_follows_from_its_seed() -> None:
    bank = Bank("verse", pads=[Pad({"variation": 0.2})])
    bank.set_seed(0, 2**32 - 1, PANEL)
    assert bank.resolve(0, PANEL)["variation_seed"] == 0


def test_the_settings_give_a_pad_its_first_seed_and_what_lies_over_the_panel() -> None:
    context = PadContext(PANEL.panel, {1: PadDefaults({"bars": 2}, 77)}, 0.0)
    bank = Bank("verse", pads=[Pad(next_seed=5), Pad(next_seed=6)])
    assert bank.resolve(0, context) == {"prompt": "panel", "bars": 4, "seed": 5} | COMPOSED
    assert bank.resolve(1, context) == {"prompt": "panel", "bars": 2, "seed": 77} | COMPOSED
    assert bank.resolve(1, context, reroll=True)["seed"] == 6


def test_the_sessions_tempo_counts_and_then_that_of_the_take() -> None:
    bank = Bank("verse", pads=[Pad(take=PadTake("x.json", "pad1-ab", {"bpm": 90}))])
    session = PadContext(PANEL.panel, {}, 98.0)
    assert bank.resolve(0, session)["bpm"] == 98
    assert bank.resolve(0, PANEL)["bpm"] == 90
    assert "bpm" not in bank.resolve(0, PANEL, reroll=True)
    own = Bank("verse", pads=[Pad({"bpm": 140})])
    assert own.resolve(0, session)["bpm"] == 140
    said = Bank("verse", pads=[Pad({"prompt": "house, 124 bpm"}, take=bank.pads[0].take)])
    assert "bpm" not in said.resolve(0, session), "the prompt's counts"
    assert said.resolve(0, PadContext(PANEL.panel, {}, 98.0, 98.0))["bpm"] == 98, "it was set"
    cover = Bank("verse", pads=[Pad({"task": "cover", "source": "loop.wav"})])
    assert "bpm" not in cover.resolve(0, session)
