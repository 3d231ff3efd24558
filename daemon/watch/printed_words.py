"""Words as music prints them: numbers of chords between, lines counted, syllables apart."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from .characters import fold
from .chords import list_chords
from .markers import parse_marker
from .song_head import list_facts

NUMBERS = "without the numbers of chords"
COUNTS = "without the numbers of lines"
SYLLABLES = "with its syllables joined"
LEAST_COUNTED = 3  # lines one below the other whose numbers have no mark
LEAST_DIVIDED = 3  # lines of a sheet that divides its words

_CHORD_NUMBER = re.compile(r"\[([#b]?[1-7](?:m|-|°|7|maj7|sus[24]?)?(?:/[1-7])?)\](?=\S)")
_COUNTED = re.compile(r"([0-9]{1,2})[.)] +(?=\S)")
_BARE_COUNT = re.compile(r"([0-9]{1,2}) +(?=[^\W\d_a-z])")
_DIVIDED = re.compile(r"(?<![^\W\d_])([^\W\d_]+)(?:-| - )([^\W\d_A-Z]+)")
_HELD = re.compile(r"(?<=\w)_{2,}")
_WORDS = re.compile(r" *(?:[0-9]{1,2}[.)]? +)?[^\W\d_]")  # also behind the number of a verse


def strip_printed(lines: Sequence[str]) -> tuple[list[str], dict[int, str]]:
    """The lines as they are spoken; by their indices, what is said of those that were changed."""
    kept = [*lines]
    remarks: dict[int, str] = {}
    for strip, remark in (
        (_strip_numbers, NUMBERS),
        (_strip_counts, COUNTS),
        (_join_syllables, SYLLABLES),
    ):
        for index, line in strip(kept).items():
            kept[index] = line
            remarks.setdefault(index, remark)
    return kept, remarks


def _strip_numbers(lines: Sequence[str]) -> dict[int, str]:
    """[1]Hey now [4]moon; not the notes of a text, which are counted."""
    found = [match[1] for line in lines for match in _CHORD_NUMBER.finditer(fold(line))]
    if len(found) < 2 or found == [str(n) for n in range(1, len(found) + 1)]:
        return {}
    return {
        index: _CHORD_NUMBER.sub("", line)
        for index, line in enumerate(lines)
        if _CHORD_NUMBER.search(line)
    }


def _strip_counts(lines: Sequence[str]) -> dict[int, str]:
    """1. one, and 2. two further down in its stanza: chords and comments may be between."""
    stripped = _strip_bare_counts(lines)
    for stanza in _list_stanzas(lines):
        found = {index: match for index in stanza if (match := _COUNTED.match(lines[index]))}
        numbers = [int(match[1]) for match in found.values()]
        highest = itertools.accumulate(numbers, max)
        if any(below == above + 1 for above, below in zip(highest, numbers[1:])):
            stripped |= {index: lines[index][match.end() :] for index, match in found.items()}
    return stripped


def _list_stanzas(lines: Sequence[str]) -> Iterator[list[int]]:
    """The indices of lines without an empty one or a heading between."""
    stanza: list[int] = []
    for index, line in enumerate(lines):
        text = line.strip()
        if not text or parse_marker(text):
            yield stanza
            stanza = []
        else:
            stanza.append(index)
    yield stanza


def _strip_bare_counts(lines: Sequence[str]) -> dict[int, str]:
    """1 One, 2 Two and 3 Three."""
    stripped: dict[int, str] = {}
    run: list[tuple[int, str]] = []
    for index, line in enumerate([*lines, ""]):
        match = _BARE_COUNT.match(line)
        if match and int(match[1]) == len(run) + 1:
            run.append((index, line[match.end() :]))
            continue
        if run and list_chords(line) is not None:
            continue
        if len(run) >= LEAST_COUNTED:
            stripped |= dict(run)
        run = []
    return stripped


def _join_syllables(lines: Sequence[str]) -> dict[int, str]:
    """Morn-ing has bro-ken; only where most lines of a sheet are written so."""
    words = [line for line in lines if " " in line.strip() and _WORDS.match(line)]
    divided = [line for line in words if any(map(_is_word, _DIVIDED.finditer(line)))]
    if len(divided) < LEAST_DIVIDED or 3 * len(divided) < 2 * len(words):
        return {}
    joined = {index: _join(line) for index, line in enumerate(lines) if _WORDS.match(line)}
    changed = {index: line for index, line in joined.items() if line != lines[index]}
    return {index: line for index, line in changed.items() if not list_facts(lines[index])}


def _join(line: str) -> str:
    """Without what parts syllables, also of a word that has many."""
    for _ in itertools.repeat(None, 6):
        line = _DIVIDED.sub(lambda m: m[1] + m[2] if _is_word(m) else m[0], line)
    return _HELD.sub("", line)


def _is_word(match: re.Match[str]) -> bool:
    """Not so la-la, and oh - oh."""
    return match[1].lower() != match[2].lower()
