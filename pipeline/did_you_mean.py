"""What a word that nobody knows may be a slip for: one answer for all surfaces."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MAX_COMPARED = 32  # characters of a word that others are suggested for


def find_similar(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The one of `known` that `word` may be a slip for, whatever its case; "" where none is similar
    (`cutoff` as in difflib). A longer word than anybody mistypes is not compared: that takes its
    length times theirs.
    """
    if len(word) > MAX_COMPARED:
        return ""
    by_spelling = {name.lower(): name for name in known if name}
    similar = difflib.get_close_matches(word.lower(), by_spelling, 1, cutoff)
    return by_spelling[similar[0]] if similar else ""


def suggest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """`did you mean bars?`, as a hint; "" where nothing that is known is similar."""
    similar = find_similar(word, known, cutoff)
    return f"did you mean {similar}?" if similar else ""
