"""ChordPro's directives: {title: Low Tide}, {start_of_chorus}, {comment: softly}."""

from __future__ import annotations

import itertools
import re
from typing import NamedTuple

from .characters import fold

_DIRECTIVE = re.compile(r"\{ ?\+?([A-Za-z][\w-]{0,40})(?:[ :=]([^{}]*))?\}")
_SEVERAL = re.compile(r"\{[^{}]*\} *")
_LABEL = re.compile(r"""label ?= ?["']([^"']*)["']""")
_SHORT = {
    "t": "title",
    "st": "subtitle",
    "su": "subtitle",
    "c": "comment",
    "ci": "comment",
    "cb": "comment",
    "comment_italic": "comment",
    "comment_box": "comment",
    "highlight": "comment",
    "soc": "start_of_chorus",
    "eoc": "end_of_chorus",
    "sov": "start_of_verse",
    "eov": "end_of_verse",
    "sob": "start_of_bridge",
    "eob": "end_of_bridge",
    "sot": "start_of_tab",
    "eot": "end_of_tab",
    "sog": "start_of_grid",
    "eog": "end_of_grid",
    "sop": "start_of_pre_chorus",
    "eop": "end_of_pre_chorus",
}
# environments that hold no words, and those of ChordPro's other programs
UNSUNG = frozenset("tab grid abc ly lilypond svg textblock musicxml strum".split())
# how a sheet looks on paper
UNUSED = frozenset(
    "define chord new_page np new_physical_page npp column_break colb columns col grid no_grid "
    "ng g textfont textsize textcolour textcolor tf ts chordfont chordsize chordcolour cf cs "
    "transpose titles pagetype diagrams new_song ns image comment_font tabfont tabsize "
    "titlefont footer".split()
)


class Directive(NamedTuple):
    """A directive by its long name, and its value."""

    name: str
    value: str = ""


def read_directive(text: str) -> Directive | None:
    """The directive that a line is; None for any other."""
    match = _DIRECTIVE.fullmatch(fold(text)) if text[:1] in "{｛" else None
    if not match:
        return None
    name = match[1].lower().replace("-", "_")
    value = text[match.start(2) : match.end(2)].strip() if match[2] else ""
    name = _SHORT.get(name, name)
    if name == "meta":
        name, _, value = value.partition(" ")
    return Directive(name.lower(), value.strip())


def read_directives(text: str) -> list[Directive]:
    """Several directives in one line: {t: Low Tide}{st: live}. None where it is anything else."""
    cuts = [0, *(match.end() for match in _SEVERAL.finditer(fold(text)))]
    parts = [text[begin:end].strip() for begin, end in itertools.pairwise(cuts)]
    found = [directive for part in parts if (directive := read_directive(part))]
    return found if 1 < len(found) == len(parts) and cuts[-1] == len(text) else []


def find_environment(directive: Directive) -> tuple[str, str]:
    """Which environment begins or ends: `chorus` of start_of_chorus; and its label."""
    name = directive.name.removeprefix("start_of_").removeprefix("end_of_")
    label = _LABEL.search(directive.value)
    return name.replace("_", " "), (label[1] if label else directive.value).strip()
