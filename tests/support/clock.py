"""A clock that a test turns."""

from __future__ import annotations


class Clock:
    now = 0.0  # seconds

    def __call__(self) -> float:
        return self.now
