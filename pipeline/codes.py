"""Audio codes as people and planners write them: five whole numbers a second. Imports no MLX."""

from __future__ import annotations

import re
from collections.abc import Iterable

# codes are 0..63999; the published planners have tokens for a few more, which mean nothing
COUNT = 64_000
PER_SECOND = 5
_TOKEN = re.compile(r"<\|audio_code_(\d+)\|>")


def parse(text: str) -> tuple[int, ...]:
    """`<|audio_code_12|><|audio_code_7|>`, `12 7` or `12, 7`; raises ValueError with what is
    allowed.
    """
    numbers = _TOKEN.sub(r" \1 ", text)
    codes = []
    for word in numbers.replace(",", " ").split():
        if not re.fullmatch(r"\d{1,9}", word, re.ASCII) or int(word) >= COUNT:
            raise ValueError(
                f"whole numbers in 0..{COUNT - 1} or <|audio_code_N|>, not {word[:40]!r}"
            )
        codes.append(int(word))
    return tuple(codes)


def normalise(text: str) -> str:
    """The codes as a request keeps them: `12 7`. Raises ValueError."""
    return format_codes(parse(text))


def format_codes(codes: Iterable[int]) -> str:
    """As a request keeps them: `12 7`."""
    return " ".join(map(str, codes))


def format_tokens(codes: Iterable[int]) -> str:
    """As the planner writes them."""
    return "".join(f"<|audio_code_{code}|>" for code in codes)
