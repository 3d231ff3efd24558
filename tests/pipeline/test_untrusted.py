"""What others wrote is read as plain values of ordinary size, or refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline import untrusted
from pipeline.limits import LIMITS
from pipeline.untrusted import FileState
from tests.support.hostile import make_sparse

NUMBERS = {
    '{"seed": 1e400}': "must be a finite one, got 1e400",
    "[-1e400]": "must be a finite one, got -1e400",
    "NaN": "must be a finite one, got NaN",
    "[-Infinity]": "must be a finite one, got -Infinity",
    "9" * 20: "99999999999999999999... has 20 digits, at most 19 are read",
    "-" + "9" * 100_000: "has 100001 digits, at most 19",
}


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_in_json_is_finite_and_of_ordinary_size(text: str) -> None:
    with pytest.raises(ValueError, match=NUMBERS[text]):
        untrusted.parse_json(text)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":['])
@pytest.mark.parametrize("count", [40, 900, 1_000_000])
def test_json_is_nested_as_deep_as_anybody_writes_it(opening: str, count: int) -> None:
    """Also where Python's own reader would follow it."""
    closing = "".join("]" if c == "[" else "}" for c in opening[::-1] if c in "[{")
    with pytest.raises(ValueError, match="nested deeper than 32 levels"):
        untrusted.parse_json(opening * count + "1" + closing * count)
    assert untrusted.parse_json("[" * 32 + "7" + "]" * 32)


def test_ordinary_json_is_read_as_it_is() -> None:
    assert untrusted.parse_json(b'{"a": [1, 2.5, -3, true, null, "x"], "b": {}}') == {
        "a": [1, 2.5, -3, True, None, "x"],
        "b": {},
    }


TABLES = {
    "x = inf": "must be a finite one, got inf",
    "x = 1e400": "must be a finite one, got 1e400",
    "x = " + "9" * 30: "more than 19 digits",
    "x = " + "[" * 40 + "]" * 40: "nested deeper than 32 levels",
    "x = " + "[" * 50_000: "nested deeper than 32 levels",
    ".".join("a" * 33) + " = 1": "a key has more than 32 parts",
    # minutes, as it is read part by part from the first
    ".".join("a" * 60_000) + " = 1": "a key has more than 32 parts",
    " . ".join(['"a"'] * 30_000) + " = 1": "a key has more than 32 parts",
    "[" + ".".join("a" * 40) + "]": "a key has more than 32 parts",
}


@pytest.mark.parametrize("text", TABLES, ids=lambda text: text[:20])
def test_toml_is_read_as_json_is(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(ValueError, match=TABLES[text]):
        untrusted.read_toml(tmp_path / "x.toml", LIMITS.settings_bytes)


def test_ordinary_toml_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('\ufeffa.b = 1\n[c]\nd = "x. y. z"\ne = 2.5\n')
    assert untrusted.read_toml(tmp_path / "x.toml", 100) == {
        "a": {"b": 1},
        "c": {"d": "x. y. z", "e": 2.5},
    }


def test_no_more_is_read_than_the_limit_and_nothing_but_a_file(tmp_path: Path) -> None:
    make_sparse(tmp_path / "huge", 100 * 2**30)
    (tmp_path / "small").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "small")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="huge has more than 100 bytes"):
        untrusted.read_bytes(tmp_path / "huge", 100)
    with pytest.raises(ValueError, match="pipe is no file"):  # and nobody waits for a writer
        untrusted.read_bytes(tmp_path / "pipe", 100)
    with pytest.raises(ValueError, match="small has more than 4 bytes"):
        untrusted.read_bytes(tmp_path / "small", 4)
    assert untrusted.read_bytes(tmp_path / "small", 5) == b"12345"
    assert untrusted.read_bytes(tmp_path / "link", 5) == b"12345"
    with pytest.raises(OSError, match="link"):
        untrusted.read_bytes(tmp_path / "link", 5, follow_links=False)


def test_the_state_of_a_file_changes_with_its_content_its_rights_and_its_place(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"one")
    states = [FileState.of(path)]
    assert FileState.of(path) == states[0]
    path.write_bytes(b"four")
    states.append(FileState.of(path))
    path.chmod(0o400)
    states.append(FileState.of(path))
    (tmp_path / "y").write_bytes(b"five")
    os.utime(tmp_path / "y", ns=(0, states[-1].modified))
    (tmp_path / "y").rename(path)
    states.append(FileState.of(path))
    assert len(set(states)) == len(states)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_no_part_of_a_file(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes('{"é": 1}'.encode(encoding))
    assert untrusted.read_json(tmp_path / "x.json", 100) == {"é": 1}
    assert untrusted.parse_json("\ufeff{}") == {}
