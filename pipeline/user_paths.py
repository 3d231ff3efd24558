"""Paths as people write them in settings and behind options, as a shell would have read them."""

from __future__ import annotations

import re
from pathlib import Path

HOMES = re.compile(r"(?:\$HOME|\$\{HOME\}|%USERPROFILE%|%HOME%)(?=[/\\]|$)", re.IGNORECASE)
_VARIABLE = re.compile(r"(?:^|/)(\$[A-Za-z_]\w*|\$\{\w+\}|%[A-Za-z_]\w*%)(?=/|$)")


def expand_path(text: str) -> str:
    """The path with the home folder for a ~, a ~user, $HOME, ${HOME} or %USERPROFILE% in front.

    Raises ValueError for a user who is not there, and for other variables as a name: a folder that
    is really called $MUSIC is nobody's wish.
    """
    path = HOMES.sub("~", text, count=1) if HOMES.match(text) else text
    try:
        expanded = str(Path(path).expanduser()) if path.startswith("~") else path
    except RuntimeError:
        whose = "no home folder is known here" if path[1:2] in ("", "/") else "nobody is called so"
        raise ValueError(f"{text}: {whose}; write the whole path") from None
    if variable := _VARIABLE.search(expanded):
        raise ValueError(
            f"{text}: {variable[1]} is not replaced; write the path itself, or begin it with ~ or "
            "$HOME"
        )
    return expanded
