from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.jobs import Refused
from daemon.pads.bank import Bank, Banks, PadTake, Slot
from pipeline.request import DRAWN_SEEDS

VALUES = st.fixed_dictionaries(
    {},
    optional={
        "prompt": st.text(max_size=20).map(str.strip),
        "bars": st.integers(0, 64),
        "shift": st.floats(0.1, 9),
    },
)


def bank() -> Bank:
    slot = Slot({"prompt": "dusty", "bars": 4}, {"num_steps": 4}, 42, 43, True, "pad1-ab")
    slot.take = PadTake(
        "dusty_4bars_s42.json",
        "pad1-ab",
        {"prompt": "dusty", "bars": 4, "num_steps": 4, "seed": 42},
    )
    return Bank("verse", 3, 8, 0.5, [slot, Slot()])


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    banks = Banks(tmp_path / "banks")
    saved = bank()
    banks.save("verse", saved.to_json())
    assert banks.load("verse") == saved
    assert list(banks.names().items()) == [("verse", 3)]
    assert [path.name for path in (tmp_path / "banks").iterdir()] == ["verse.json"]


@given(VALUES, VALUES | st.none(), st.integers(-1, 2**32 - 1), st.booleans())
def test_any_pad_survives_its_file(
    own: dict[str, Any], base: dict[str, Any] | None, seed: int, mark: bool
) -> None:
    kept = json.loads(json.dumps(Slot(own, base, seed, favourite=mark).to_json(1)))
    read = Slot.from_json(kept)
    assert read.seed == seed
    assert read.favourite == mark
    assert json.loads(json.dumps(read.to_json(1))) == json.loads(
        json.dumps(Slot.from_json(read.to_json(1)).to_json(1))
    )


def test_the_next_seed_is_known_beforehand_and_used_once() -> None:
    slot = Slot(seed=1, next=2)
    slot.choose({}, slot.next)
    assert slot.seed == 2
    assert 0 <= slot.next < DRAWN_SEEDS
    slot.choose({}, 9)
    assert slot.seed == 9


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ("nonsense", "not a bank"),
        ("[]", "not a bank"),
        ("[" * 100_000, "not a bank"),
        ({"acestepd_bank": 2}, "a newer acestepd"),
        ({"program": 128}, "program 128"),
        ({"program": 1e999}, "not a bank"),
        ({"pads": [{"pad": 0}]}, "pads are numbered 1..128"),
        ({"pads": [{"pad": 1, "seed": -2, "next": 1}]}, "a seed must be in -1"),
        ({"pads": [{"pad": 1, "seed": 1, "next": True}]}, "a seed must be in 0"),
        ({"pads": [{"pad": 1, "seed": 1, "next": 1, "own": {"bars": 5000}}]}, "bars must be in"),
        ({"pads": [{"pad": 1, "seed": 1, "next": 1, "own": "x"}]}, "names and values"),
        ({"pads": [{"pad": 1, "seed": 1, "next": 1, "take": {"file": "../x.json", "id": "a", "request": {}}}]}, "man"),
    ],
)  # fmt: skip
def test_what_is_no_bank_is_refused_with_a_reason(tmp_path: Path, change: Any, wrong: str) -> None:
    text = change if isinstance(change, str) else json.dumps(json.loads(bank().to_json()) | change)
    (tmp_path / "odd.json").write_text(text)
    with pytest.raises(Refused, match=wrong) as refused:
        Banks(tmp_path).load("odd")
    assert refused.value.code == 422
    assert "odd" in Banks(tmp_path).names(), "and the list of banks still works"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../up", "a/b", "a\\b", ".hidden", "a" * 65, "a\nb", "nul\0", "trail "]
)
def test_a_name_that_could_lead_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    for do in (Banks(tmp_path).load, lambda name: Banks(tmp_path).save(name, "x")):
        with pytest.raises(Refused, match="name has letters"):
            do(name)
    assert list(tmp_path.iterdir()) == []


def test_a_bank_that_is_not_there_says_which_are(tmp_path: Path) -> None:
    Banks(tmp_path).save("Ålesund 2", bank().to_json())
    with pytest.raises(Refused, match="no bank is called 'verse'") as refused:
        Banks(tmp_path).load("verse")
    assert "Ålesund 2" in refused.value.hint


def test_a_new_bank_has_the_first_free_program(tmp_path: Path) -> None:
    banks = Banks(tmp_path)
    for name, program in (("a", 0), ("b", 1), ("c", 3)):
        banks.save(name, Bank(name, program).to_json())
    assert banks.free_program() == 2
    banks.remember("b")
    assert Banks(tmp_path).current() == "b"
