"""What the Lua scripts share, in the Lua of REAPER and of Ardour: JSON as Python's own reader has
it, and sheets as the daemon reads them.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("lupa", reason="the PyPI package lupa is not installed")

from lupa import lua53, lua54

from daemon.watch.sheet import read_sheet
from pipeline.request import coerce
from tests.support.growth import assert_linear

SHARED = Path(__file__).parents[2] / "integrations" / "shared" / "acestep_inbox.lua"
RUNTIMES = {
    "5.3": lua53.LuaRuntime(encoding=None),
    "5.4": lua54.LuaRuntime(encoding=None),
}
LOADED = {name: lua.eval(b"dofile(...)", str(SHARED).encode()) for name, lua in RUNTIMES.items()}

versions = pytest.mark.parametrize("version", RUNTIMES)

VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def to_python(version: str, value: Any) -> Any:
    """A decoded value; Lua has one kind of empty table."""
    if isinstance(value, bytes):
        return value.decode()
    if not hasattr(value, "keys"):
        return value
    if value == LOADED[version][b"null"]:
        return None
    keys = list(value.keys())
    if keys and all(isinstance(key, int) for key in keys):
        return [to_python(version, value[key]) for key in sorted(keys)]
    return {key.decode(): to_python(version, value[key]) for key in keys}


def with_one_empty(value: Any) -> Any:
    """The same with {} for every empty list."""
    if isinstance(value, list):
        return [with_one_empty(item) for item in value] or {}
    if isinstance(value, dict):
        return {key: with_one_empty(item) for key, item in value.items()}
    return value


def decode(version: str, text: bytes) -> tuple[Any, bool]:
    """The value, and whether there was one."""
    result = LOADED[version][b"decode"](text)
    refused = isinstance(result, tuple)
    return (None if refused else to_python(version, result)), not refused


def read_strictly(text: bytes) -> tuple[Any, bool]:
    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    try:
        value = json.loads(text.decode(), parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode()  # no half characters
    except (ValueError, RecursionError):
        return None, False
    return value, True


@versions
@given(value=VALUES, ascii=st.booleans(), indent=st.sampled_from([None, 2]))
def test_it_reads_what_python_writes(
    version: str, value: Any, ascii: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=ascii, indent=indent).encode()
    read, works = decode(version, text)
    assert works
    assert read == with_one_empty(value)


@versions
@given(value=VALUES, data=st.data())
def test_it_refuses_what_is_not_json(version: str, value: Any, data: st.DataObject) -> None:
    text = bytearray(json.dumps(value).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text) - 1))
        text[place] = data.draw(st.integers(0, 255) | st.sampled_from(b'"{}[],:\\0123eE.-+ntf'))
    read, works = decode(version, bytes(text))
    expected, is_json = read_strictly(bytes(text))
    if is_json and _has_huge_number(expected):
        return
    assert works == is_json, bytes(text)
    if works:
        assert read == with_one_empty(expected) or _has_long_integer(expected)


def _numbers(value: Any) -> list[float]:
    if isinstance(value, list):
        return [number for item in value for number in _numbers(item)]
    if isinstance(value, dict):
        return [number for item in value.values() for number in _numbers(item)]
    return [value] if isinstance(value, int | float) else []


def _has_huge_number(value: Any) -> bool:
    """Python reads 1e999 as infinity; here it is out of range."""
    return any(math.isinf(number) or abs(number) > 1e308 for number in _numbers(value))


def _has_long_integer(value: Any) -> bool:
    return any(abs(number) >= 2**63 for number in _numbers(value))


@versions
@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100,
        b"01",
        b"1.",
        b".5",
        b"+1",
        b"NaN",
        b"'a'",
        b"[1,]",
        b'{"a":1,}',
        b'"\\x"',
        b"1 2",
    ],
)
def test_it_is_strict(version: str, text: bytes) -> None:
    assert not decode(version, text)[1]


@versions
def test_it_goes_no_deeper_than_it_says(version: str) -> None:
    assert decode(version, b"[" * 32 + b"]" * 32)[1]
    assert not decode(version, b"[" * 33 + b"]" * 33)[1]


@versions
@given(value=VALUES)
def test_python_reads_what_it_writes(version: str, value: Any) -> None:
    table = RUNTIMES[version].table_from
    lua_value = _to_lua(table, value)
    text = LOADED[version][b"encode"](lua_value)
    assert with_one_empty(json.loads(text)) == with_one_empty(value)


def _to_lua(table: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return table([_to_lua(table, item) for item in value])
    if isinstance(value, dict):
        return table({key.encode(): _to_lua(table, item) for key, item in value.items()})
    return value


# a sheet's lines are texts: what is no character, or ends a line, has no place in one
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=40)


@versions
@given(prompt=LINES, name=LINES, seed=st.integers(0, 2**32 - 1), remark=LINES)
def test_the_daemon_reads_a_sheet_as_it_was_meant(
    version: str, prompt: str, name: str, seed: int, remark: str
) -> None:
    table = RUNTIMES[version].table_from
    values = {"prompt": f"x{prompt}", "name": f"x{name}", "seed": seed, "loop": True, "bpm": 98.76}
    lua_values = _to_lua(table, values | {"lyrics": "[verse]\nla la"})
    text = LOADED[version][b"format_sheet"](lua_values, table([remark.encode()])).decode()
    sheet = read_sheet(text)
    assert not [note for note in sheet.notes if note.code], text
    read = dict(sheet.values)
    assert str(read.pop("lyrics")).lower() == "[verse]\nla la"
    for key in ("prompt", "name"):
        assert read[key] == coerce(key, values[key])
    assert {key: read[key] for key in ("seed", "loop", "bpm")} == {
        "seed": seed,
        "loop": True,
        "bpm": 98.76,
    }


@versions
def test_it_finds_watched_folders_as_settings_files_have_them(version: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(
        'folder = "/no"\n[midi]\nports = ["x"]\n[[watch]]\nfolder = "/a b"\n'
        '# out = "/no"\n[[watch]]  # two\nfolder = \'/c#d\' # a remark\nout = "/e"\n'
        '[[watch]]\naudio = "cover"\n[request]\nout = "/no"\n'
    )
    found = LOADED[version][b"find_watched"](str(file).encode())
    watched = [(each[b"folder"], each[b"out"]) for each in found.values()]
    assert watched == [(b"/a b", b"/a b/takes"), (b"/c#d", b"/e")]


@versions
@pytest.mark.parametrize("gap", [b" ", b" # ", b"\t"])
def test_gaps_of_any_length_are_read_and_written_in_linear_time(
    version: str, gap: bytes, tmp_path: Path
) -> None:
    lua = LOADED[version]
    table = RUNTIMES[version].table_from

    def write(size: int) -> bytes:
        lyrics = b"a" + gap * size + b"b"
        (tmp_path / "settings.toml").write_bytes(b"[[watch]]\n" + lyrics + b'"\n')
        return lyrics

    def use(lyrics: bytes) -> None:
        sheet = lua[b"format_sheet"](table({b"lyrics": lyrics}), table([]))
        assert sheet == b"---\n---\n\n" + lyrics + b"\n"
        lua[b"find_watched"](str(tmp_path / "settings.toml").encode())

    assert_linear(use, write, 4000)


@versions
@pytest.mark.parametrize("size", [1, 7, 8, 1023, 2**20, 2**20 + 5])
def test_every_byte_of_a_file_counts_for_its_name(version: str, tmp_path: Path, size: int) -> None:
    hash_file = LOADED[version][b"hash_file"]
    content = bytearray(os.urandom(size))
    names = set()
    for place in (None, 0, size // 2, size - 1):
        changed = bytearray(content)
        if place is not None:
            changed[place] ^= 1
        (tmp_path / "file").write_bytes(changed)
        digits, length = hash_file(str(tmp_path / "file").encode())
        assert length == size
        names.add((digits, bytes(changed)))
    assert len({digits for digits, _ in names}) == len({changed for _, changed in names})
