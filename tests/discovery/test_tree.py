"""What OSCQuery tells of parameters and commands."""

from __future__ import annotations

import json
from typing import Any

import pytest

from daemon.discovery.tree import (
    ATTRIBUTES,
    READ,
    READ_AND_WRITE,
    WRITE,
    build_host_info,
    build_tree,
    find_node,
    pick_attribute,
)
from daemon.osc.command_table import COMMANDS
from daemon.osc.outgoing import SEEDS
from pipeline.request import FIELDS, Request

STATE = ("warm", "mini", 0)


def tree(**values: Any) -> dict[str, Any]:
    return build_tree(Request(**values), STATE, 120.0)


def node(address: str, **values: Any) -> dict[str, Any]:
    found = find_node(tree(**values), address)
    assert found is not None
    return found


def methods(root: dict[str, Any]) -> list[dict[str, Any]]:
    if "CONTENTS" not in root:
        return [root]
    return [one for child in root["CONTENTS"].values() for one in methods(child)]


def test_every_parameter_is_a_node_that_can_be_read_and_set() -> None:
    for name, spec in FIELDS.items():
        one = node(f"/ace/set/{name}")
        assert one["FULL_PATH"] == f"/ace/set/{name}"
        assert one["ACCESS"] == READ_AND_WRITE
        assert one["DESCRIPTION"] == spec.help
        if spec.choices:
            assert one["RANGE"] == [{"VALS": list(spec.choices)}]
        elif name in SEEDS:
            assert (one["TYPE"], one["VALUE"]) == ("s", ["-1"])
            assert "RANGE" not in one
        elif isinstance(spec.default, int | float) and not isinstance(spec.default, bool):
            assert one["RANGE"] == [{"MIN": spec.low, "MAX": spec.high}]


@pytest.mark.parametrize(
    ("name", "value", "types", "shown"),
    [
        ("bars", 8, "i", 8),
        ("bpm", 98.5, "f", 98.5),
        ("loop", True, "i", 1),
        ("key", "am", "s", "A minor"),
        ("seed", 2**32 - 1, "s", "4294967295"),  # no int32, and no 32-bit float
        ("lyrics", "la " * 5000 + "end", "s", "la " * 5000 + "end"),  # whole, as OSC cannot send it
    ],
)
def test_values_are_those_of_the_panel_in_the_type_that_is_sent(
    name: str, value: object, types: str, shown: object
) -> None:
    one = node(f"/ace/set/{name}", **{name: value})
    assert (one["TYPE"], one["VALUE"]) == (types, [shown])


def test_every_command_is_a_node_that_is_written_to() -> None:
    listed = {one["FULL_PATH"] for one in methods(tree()) if one["ACCESS"] == WRITE}
    left_out = {command for command in COMMANDS if command not in listed}
    assert left_out == {
        "/ace/set/<param>",  # a node each
        "/ace/get/<param>",
        "/ace/tempo",  # it has a value
        "/ace/hello",
        "/ace/lyrics/begin",
        "/ace/lyrics/append",
        "/ace/lyrics/end",
    }
    assert listed <= set(COMMANDS)


@pytest.mark.parametrize(
    ("address", "types", "value"),
    [
        ("/ace/go", "ssfi", ["", "", 0.0, 0]),
        ("/ace/panic", "f", [0.0]),  # a button
        ("/ace/reroll", "f", [0.0]),
        ("/ace/favourite", "f", [0.0]),
        ("/ace/pad/hit", "ii", [0, 0]),  # of no pad, a button is nothing
        ("/ace/status", "N", [None]),
    ],
)
def test_commands_have_types_and_buttons_are_buttons(
    address: str, types: str, value: list[object]
) -> None:
    one = node(address)
    assert (one["TYPE"], one["VALUE"]) == (types, value)
    assert one.get("RANGE") == ([{"MIN": 0, "MAX": 1}] if types == "f" else None)
    assert COMMANDS[address].help in one["DESCRIPTION"]


def test_tempo_and_state_are_nodes() -> None:
    tempo = node("/ace/tempo")
    assert (tempo["ACCESS"], tempo["TYPE"], tempo["VALUE"]) == (READ_AND_WRITE, "f", [120.0])
    state = node("/ace/state")
    assert (state["ACCESS"], state["TYPE"], state["VALUE"]) == (READ, "ssi", ["warm", "mini", 0])


def test_nodes_are_where_their_addresses_say_and_json_can_hold_them() -> None:
    root = tree()
    assert root["FULL_PATH"] == "/"
    for one in methods(root):
        assert find_node(root, one["FULL_PATH"]) is one
        assert set(one) <= ATTRIBUTES
    json.dumps(root, allow_nan=False)


@pytest.mark.parametrize("address", ["", "/", "//"])
def test_the_root_has_many_names(address: str) -> None:
    root = tree()
    assert find_node(root, address) is root


@pytest.mark.parametrize(
    "address", ["/ace/nothing", "/ace/go/further", "/..", "/ace//go", "/ace/set/<param>", "/ACE"]
)
def test_what_is_no_node_is_none(address: str) -> None:
    assert find_node(tree(), address) is None


def test_one_attribute_is_picked_and_a_command_has_no_value_to_read() -> None:
    assert pick_attribute(node("/ace/set/bars", bars=4), "VALUE") == {"VALUE": [4]}
    assert pick_attribute(node("/ace/set/prompt"), "RANGE") is None
    assert pick_attribute(node("/ace/go"), "VALUE") is None
    assert pick_attribute(node("/ace/go"), "TYPE") == {"TYPE": "ssfi"}
    assert pick_attribute(node("/ace"), "VALUE") is None


def test_where_osc_goes_is_the_asked_address_when_all_are_listened_on() -> None:
    assert build_host_info("127.0.0.1", 9100)["OSC_IP"] == "127.0.0.1"
    assert "OSC_IP" not in build_host_info("0.0.0.0", 9100)
