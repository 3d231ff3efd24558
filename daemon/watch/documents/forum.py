"""Words out of a forum: BBCode, [b]bold[/b]."""

from __future__ import annotations

import re

_NAMES = "b|i|u|s|center|left|right|align|size|color|font|quote|url|spoiler|list|code|indent|tab|ch"
_TAG = re.compile(rf"\[(/?)({_NAMES})(?:=[^\[\]\n]{{0,200}})?\]", re.IGNORECASE)


def is_post(text: str) -> bool:
    """Whether a text has a tag and its end: [B] alone is a chord."""
    tags = _TAG.findall(text)
    opened = {name.lower() for closing, name in tags if not closing}
    closed = {name.lower() for closing, name in tags if closing}
    return bool((opened & closed) - {"tab", "ch"})  # those are read with chords


def convert_post(text: str) -> str:
    """A text without its tags."""
    return _TAG.sub("", text)
