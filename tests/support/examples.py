"""How many examples hypothesis tries: few in the short suite, all of them with
`--hypothesis-profile thorough`, and with `exploring` ten times as many that no run had before.
"""

from __future__ import annotations

import hypothesis

THOROUGH = 100  # hypothesis' own number
SHORT = 25


def scale_examples(count: int) -> int:
    """The profile's part of so many."""
    return max(1, count * hypothesis.settings().max_examples // THOROUGH)
