"""The files of banks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from daemon.jobs import Refused
from daemon.pads.bank import Bank, Pad
from daemon.pads.bank_store import BankStore, check_name, check_program, find_free_program
from pipeline import untrusted


def store_bank(folder: Path, bank: Bank) -> BankStore:
    store = BankStore(folder)
    store.put(bank)
    assert store.flush(bank.name) == {}
    return store


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    bank = Bank("verse", 3, 8, 0.5, [Pad({"prompt": "dusty", "bars": 4}), Pad()])
    store = store_bank(tmp_path / "banks", bank)
    assert store.load("verse") == bank
    assert list(store.list_programs().items()) == [("verse", 3)]
    assert store.read_current() == "verse"
    names = sorted(path.name for path in (tmp_path / "banks").iterdir())
    assert names == [".current", "verse.json"]


def test_a_bank_that_cannot_be_written_is_kept_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "verse.json").mkdir()
    store = BankStore(tmp_path)
    store.put(Bank("verse", 3))
    store.put(Bank("chorus", 4))
    assert list(store.flush("verse")) == ["verse"]
    assert store.load("verse") == Bank("verse", 3)
    assert store.read_current() == ""
    (tmp_path / "verse.json").rmdir()
    assert store.flush("verse") == {}
    assert BankStore(tmp_path).list_programs() == {"verse": 3, "chorus": 4}
    assert store.read_current() == "verse"


def test_nothing_is_written_before_it_is_flushed(tmp_path: Path) -> None:
    store = BankStore(tmp_path)
    store.put(Bank("verse"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "reason"),
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
        (
            {
                "pads": [
                    {
                        "pad": 1,
                        "seed": 1,
                        "next": 1,
                        "take": {"file": "../x.json", "id": "a", "request": {}},
                    }
                ]
            },
            "man",
        ),
    ],
)
def test_what_is_no_bank_is_refused_with_a_reason(tmp_path: Path, change: Any, reason: str) -> None:
    bank = Bank("verse", 3, 8, 0.5, [Pad({"prompt": "dusty"}, seed=42), Pad()])
    text = change if isinstance(change, str) else json.dumps(json.loads(bank.to_json()) | change)
    (tmp_path / "odd.json").write_text(text)
    with pytest.raises(Refused, match=reason) as refused:
        BankStore(tmp_path).load("odd")
    assert refused.value.code == 422
    assert "odd" in BankStore(tmp_path).list_programs(), "and the list of banks still works"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../up", "a/b", "a\\b", ".hidden", "a" * 65, "a\nb", "nul\0", "trail "]
)
def test_a_name_that_could_lead_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    store = BankStore(tmp_path)
    with pytest.raises(Refused, match="name has letters"):
        store.load(name)
    with pytest.raises(Refused, match="name has letters"):
        check_name(name)
    store.put(Bank(name))
    with pytest.raises(Refused, match="name has letters"):
        store.flush(name)
    assert list(tmp_path.iterdir()) == []


def test_a_bank_that_is_not_there_says_which_are(tmp_path: Path) -> None:
    store = store_bank(tmp_path, Bank("Ålesund 2", 3))
    with pytest.raises(Refused, match="no bank is called 'verse'") as refused:
        store.load("verse")
    assert "Ålesund 2" in refused.value.hint


def test_a_new_bank_has_the_first_free_program(tmp_path: Path) -> None:
    for name, program in (("a", 0), ("b", 1), ("c", 3)):
        store = store_bank(tmp_path, Bank(name, program))
    programs = store.list_programs()
    assert find_free_program(programs) == 2
    assert check_program(2, "d", programs) == 2
    assert check_program(1, "b", programs) == 1
    with pytest.raises(Refused, match="that of the bank 'b'"):
        check_program(1, "d", programs)


def test_the_bank_that_was_played_last_is_remembered(tmp_path: Path) -> None:
    store = BankStore(tmp_path)
    assert store.read_current() == ""
    store.write_current("b")
    assert BankStore(tmp_path).read_current() == "b"


def test_a_bank_that_cannot_be_read_rests_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    read = untrusted.read_json

    def count(path: Path, most: int) -> Any:
        reads.append(path.stem)
        return read(path, most)

    monkeypatch.setattr(untrusted, "read_json", count)
    store = store_bank(tmp_path, Bank("verse", 3))
    (tmp_path / "bad.json").write_text('{"program": 1e400}')
    for _ in range(5):
        assert store.list_programs() == {"verse": 3, "bad": 128}
    assert sorted(reads) == ["bad", "verse"]
    (tmp_path / "bad.json").write_text(Bank("bad", 5).to_json())
    assert store.list_programs() == {"verse": 3, "bad": 5}
    assert sorted(reads) == ["bad", "bad", "verse"]
