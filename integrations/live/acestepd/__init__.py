"""acestepd in Ableton Live: takes land in the highlighted slot. See the README beside this folder
for where it goes, and `keys.py` for its MIDI notes.

Python 3.7 and the standard library only: that is what Live 11 is said to have.
"""

from __future__ import annotations

from typing import Any


def create_instance(c_instance: Any) -> Any:
    """Live calls this for the Control Surface that was chosen in its settings."""
    from .surface import Acestepd

    return Acestepd(c_instance)
