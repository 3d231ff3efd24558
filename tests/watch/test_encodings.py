"""Bytes become text, in whatever encoding they were written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.watch.encodings import decode
from daemon.watch.sheet import read_sheet
from tests.support.examples import scale_examples


@pytest.mark.parametrize(
    ("content", "text", "encoding"),
    [
        ("é ♪".encode(), "é ♪", ""),
        (b"\xef\xbb\xbf" + "é".encode(), "é", ""),
        ("é ♪".encode("utf-16"), "é ♪", "UTF-16"),
        (b"\xfe\xff" + "é ♪".encode("utf-16-be"), "é ♪", "UTF-16"),
        (b"caf\xe9 \x93x\x94", "café “x”", "Windows-1252"),
        (b"caf\xe9 \x81", "café \x81", "Latin-1"),
    ],
)
def test_a_text_is_decoded_as_it_was_written(content: bytes, text: str, encoding: str) -> None:
    read, notes = decode(content)
    assert read == text
    assert [note.message for note in notes] == ([f"read as {encoding}"] if encoding else [])


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="zero bytes"):
        decode(b"RIFF\0\0\0\0WAVE")


@settings(max_examples=scale_examples(200))
@given(st.binary(max_size=200))
def test_any_file_is_decoded_or_refused(content: bytes) -> None:
    try:
        text, _ = decode(content)
    except ValueError:
        return
    read_sheet(text)
