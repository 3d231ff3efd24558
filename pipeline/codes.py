"""Audio codes as people and planners write them: five whole numbers a second. Imports no MLX."""

from __future__ import annotations

import re
from collections.abc import Iterable

# codes are 0..63999; the published planners have tokens for a few more, which mean nothing
COUNT = 64_000
PER_SECOND = 5
_TOKEN = re.compile(r"<\|audio_code_(\d+)\|>")


def parse(text: str, most: int | None = None) -> tuple[int, ...]:
    """`<|audio_code_12|><|audio_code_7|>`, `12 7` or `12, 7`: at most so many. Raises ValueError
    with what is allowed.
    """
    words = _TOKEN.sub(r" \1 ", text).replace(",", " ").split()
    if most is not None and len(words) > most:
        raise ValueError(f"at most {most} codes")
    codes = []
    for word in words:
        if not re.fullmatch(r"\d{1,9}", word, re.ASCII) or int(word) >= COUNT:
            raise ValueError(
                f"whole numbers in 0..{COUNT - 1} or <|audio_code_N|>, not {word[:40]!r}"
            )
        codes.append(int(word))
    return tuple(codes)


def format_codes(codes: Iterable[int]) -> str:
    """As a request keeps them: `12 7`."""
    return " ".join(map(str, codes))


def format_tokens(codes: Iterable[int]) -> str:
    """As the planner writes them."""
    return "".join(f"<|audio_code_{code}|>" for code in codes)
