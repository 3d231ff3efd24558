"""CMUdict's data, as the singer looks words up: `python -m tests.tools.dictionary FILE` writes
pipeline/singer/cmudict/words.zlib. FILE is the cmudict.dict of github.com/cmusphinx/cmudict.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pipeline.singer import dictionary

_WORD = re.compile(r"[a-z']+")  # others are symbols, abbreviations, and second pronunciations


def read(text: str) -> dict[str, list[str]]:
    """The first pronunciation of every word of cmudict.dict."""
    rows = (line.partition("#")[0].split() for line in text.splitlines())
    return {word: phonemes for word, *phonemes in rows if _WORD.fullmatch(word)}


if __name__ == "__main__":
    dictionary.FILE.write_bytes(dictionary.pack(read(Path(sys.argv[1]).read_text("utf-8"))))
