"""What is sung of a lyric sheet, line by line, and the markers between.

`[Chorus]`, `(chorus)`, `Chorus:` and `# Chorus` begin a section; time tags, chords and comments are
not sung.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

from pipeline.guide.harmony import parse_chord_line
from pipeline.request import is_field

FINE = 0  # codes of notes
ODD = 400
UNKNOWN = 404
SHOWN = 60  # characters of a line or value that a note shows

SECTIONS = tuple(
    "Intro|Verse|Pre-Chorus|Chorus|Post-Chorus|Refrain|Hook|Bridge|Interlude|Instrumental|Inst|Solo|Break|Breakdown|"
    "Build|Build-Up|Drop|Rap|Spoken Word|Spoken|Vamp|Coda|Outro|Ending|End|Fade Out|Fade|Silence".split(
        "|"
    )
)
_NEVER_SUNG = {
    "Intro",
    "Verse",
    "Pre-Chorus",
    "Chorus",
    "Post-Chorus",
    "Refrain",
    "Interlude",
    "Outro",
    "Instrumental",
}
_CANONICAL = {name.replace("-", "").replace(" ", "").lower(): name for name in SECTIONS}
_SECTION = re.compile(
    r"(?P<name>{})(?P<number> *[0-9]{{1,2}})?(?P<rest> *[-–—:,|(].*| *[x×] *[0-9]{{1,2}})?".format(
        "|".join(re.sub("[ -]", "[ -]?", name) for name in sorted(SECTIONS, key=len, reverse=True))
    ),
    re.IGNORECASE,
)
_RULE = re.compile(r"(?:[-=*_~—–] ?){3,}")
_LINK = re.compile(r"!?\[[^\[\]]*\]\([^()\s]*[./#][^()\s]*\)")
_TIMES = re.compile(r"(?:\s*\[[0-9]{1,3}:[0-9]{1,2}(?:[.:][0-9]{1,3})?\])+")
_TIME = re.compile(r"\[([0-9]+):([0-9]+)(?:[.:]([0-9]+))?\]")
_WORD_TIME = re.compile(r"<[0-9]{1,3}:[0-9]{1,2}(?:[.:][0-9]{1,3})?> ?")
_TAG = re.compile(r"\[([A-Za-z_]{1,20}|#) *:(.*)\]")
_TAG_FIELDS = {"ti": "name", "la": "language"}
_UNUSED_TAGS = {"ar", "al", "au", "by", "re", "ve", "offset", "tool", "lr", "#"}
_BRACKET = re.compile(r"\[([^\[\]]*)\] ?")
_ASIDE = 0xE000  # where characters are kept that a backslash protects, while Markdown is taken off


@dataclass(frozen=True)
class SheetNote:
    """What was made of `lines` lines from `line` on; line 0 is the whole file. Code 0:
    understood.
    """

    line: int
    code: int
    message: str
    hint: str = ""
    lines: int = 1

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


# a parameter as written -> its field, value (None: none), note
Give = Callable[[str, str], tuple[str, Any, SheetNote]]


class LyricLine(NamedTuple):
    """What was made of one line: what is said about it, and what is sung in its place."""

    message: str
    sung: tuple[str, ...] = ()
    code: int = FINE
    hint: str = ""


class Lyrics:
    """Takes a sheet line by line; afterwards `text()` is what is sung, `values` are parameters
    found on the way, and `notes` say what was made of every line. `suffix` is how the sheet is
    written; `give` reads a parameter.
    """

    def __init__(self, suffix: str, give: Give) -> None:
        self.markdown = suffix == ".md"
        self.lrc = suffix == ".lrc"
        self.values: dict[str, Any] = {}
        self.notes: list[SheetNote] = []
        self._give = give
        self._sung: list[tuple[list[float], tuple[str, ...]]] = []  # times, lines
        self._hidden = False  # inside of <!-- -->

    def take(self, number: int, line: str) -> None:
        text = line.strip()
        tagged = _TIMES.match(text)
        times = [_seconds(time) for time in _TIME.finditer(tagged[0])] if tagged else []
        text = _WORD_TIME.sub("", text[tagged.end() :] if tagged else text).strip()
        made = self._read(text) if text else LyricLine("a time tag" if line.strip() else "", ("",))
        if made.message:
            self._note(SheetNote(number, made.code, made.message, made.hint))
        if made.sung:
            self._sung.append((times, made.sung))

    def text(self) -> str:
        lines = "\n".join(line for _, lines in self._in_time() for line in lines)
        return re.sub(r"\n{3,}", "\n\n", lines).strip()

    def _in_time(self) -> list[tuple[list[float], tuple[str, ...]]]:
        """A line with several time tags is sung at each of them; what has none goes before what
        follows it.
        """
        if not any(len(times) > 1 for times, _ in self._sung):
            return self._sung
        placed: list[tuple[float, int, tuple[str, ...]]] = []
        following = float("inf")
        for number, (times, lines) in reversed(list(enumerate(self._sung))):
            placed += [(time, number, lines) for time in times or [following]]
            following = min(times, default=following)
        return [([time], lines) for time, _, lines in sorted(placed)]

    def _note(self, note: SheetNote) -> None:
        """Lines of which the same is said one after the other share a note."""
        last = self.notes[-1] if self.notes else None
        if (
            last
            and last.line + last.lines == note.line
            and (last.code, last.message) == (FINE, note.message)
        ):
            self.notes[-1] = replace(last, lines=last.lines + 1)
        else:
            self.notes.append(note)

    def _read(self, text: str) -> LyricLine:
        if (
            self.lrc
            and (tag := _TAG.fullmatch(text))
            and (known := self._tag(tag[1].lower(), tag[2].strip()))
        ):
            return known
        if self.markdown:
            shown = self._without_comments(text)
            if not shown:
                return LyricLine("a comment")
            if shown.startswith(("```", "~~~")) or _LINK.fullmatch(shown):
                return LyricLine("Markdown, not sung")
            text = _unmarked(shown)
        if _RULE.fullmatch(text):
            return LyricLine("a line across the page", ("",))
        if text[0] == "#" and (heading := text.lstrip("#"))[:1] in (" ", "\t"):
            return self._heading(heading.strip(" \t#"))
        if text[0] == "{" and text[-1] == "}":
            return LyricLine(
                "not sung: a directive that means nothing here",
                (),
                ODD,
                "write key: value at the top",
            )
        return marker(text) or _without_chords(text) or LyricLine("sung", (text,))

    def _tag(self, name: str, value: str) -> LyricLine | None:
        """[ti:Night Drive] in an .lrc file."""
        if name in _UNUSED_TAGS:
            return LyricLine(f"{name} is not used")
        name = _TAG_FIELDS.get(name, name)
        if not is_field(name):
            return None
        key, kept, note = self._give(name, value)
        if kept is not None:
            self.values.setdefault(key, kept)
        return LyricLine(note.message, (), note.code, note.hint)

    def _without_comments(self, text: str) -> str:
        """A line of Markdown without what is inside of <!-- -->, which may reach over several
        lines.
        """
        shown = []
        while text:
            before, mark, text = text.partition("-->" if self._hidden else "<!--")
            shown += [] if self._hidden else [before]
            self._hidden = self._hidden != bool(mark)
        return "".join(shown).strip()

    def _heading(self, text: str) -> LyricLine:
        """# Chorus. In Markdown, one that is no section and stands above the words is the title."""
        inner = text.replace("[", "").replace("]", "").strip()
        if name := section(inner):
            return _begins(name)
        if not self.markdown or not inner:
            return LyricLine("a comment")
        if "name" not in self.values and not any(line for _, lines in self._sung for line in lines):
            self.values["name"] = inner
            return LyricLine(f"the title: name = {short(inner)}")
        return _own_marker(inner)


def section(text: str) -> str | None:
    """`verse 2` -> `Verse 2`, `CHORUS - loud` -> `Chorus - loud`; None for what is no section's
    name.
    """
    found = _SECTION.fullmatch(text.strip())
    if not found:
        return None
    number = (found["number"] or "").strip()
    rest = (found["rest"] or "").strip().rstrip(":")
    words = [_CANONICAL[_letters(found["name"])], *filter(None, [number])]
    return " ".join(words) + (rest if rest[:1] in (":", ",") else f" {rest}" if rest else "")


def _begins(name: str, *words: str) -> LyricLine:
    return LyricLine(
        f"begins [{short(name)}]" + (", and is sung" if words else ""), (f"[{name}]", *words)
    )


def marker(text: str) -> LyricLine | None:
    """A line that begins a section, in any of the ways people write one."""
    if text[0] == "[":
        return _bracketed(text)
    found = _SECTION.fullmatch(text.strip("()").rstrip(": "))
    if not found or (found["rest"] or "x").strip()[0] not in "x×X":
        return None
    marked = (text[0] == "(" and text[-1] == ")") or text[-1] == ":"
    name = section(found[0]) or ""
    return _begins(name) if marked or _CANONICAL[_letters(found["name"])] in _NEVER_SUNG else None


def _bracketed(text: str) -> LyricLine | None:
    """[verse], also with words behind it; [raspy vocal]; several of them; or one that is never
    closed.
    """
    parts = [part.strip() for part in _BRACKET.findall(text)]
    rest = _BRACKET.sub("", text).strip()
    first = section(parts[0] if parts else text[1:])
    if not parts:
        return _begins(first)._replace(code=ODD, hint="close it with ]") if first else None
    if not any(parts) and not rest:
        return LyricLine(
            "not sung: empty brackets", (), ODD, "write a section into them, like [Chorus]"
        )
    if any(map(_is_chord, parts)):
        return None
    if not rest:
        return (
            _begins(first)
            if first and len(parts) == 1
            else _own_marker("][".join(section(p) or p for p in parts))
        )
    return _begins(first, rest) if first and len(parts) == 1 else None


def _own_marker(name: str) -> LyricLine:
    """A marker that is no section's name. Models know many words: they get it as it is."""
    close = _likely(_letters(name))
    hint = f"did you mean [{close}]?" if close else ""
    return LyricLine(f"marker [{short(name)}]", (f"[{name}]",), UNKNOWN if close else FINE, hint)


@lru_cache(256)
def _likely(word: str) -> str:
    close = (
        difflib.get_close_matches(word, _CANONICAL, n=1, cutoff=0.8) if 3 < len(word) < 16 else []
    )
    return _CANONICAL[close[0]] if close and close[0] != word else ""


def _without_chords(text: str) -> LyricLine | None:
    """[Am]over the [F]words, or a line of chords only."""
    names = [part.strip() for part in _BRACKET.findall(text) if _is_chord(part)]
    words = _BRACKET.sub(lambda found: "" if _is_chord(found[1]) else found[0], text).strip()
    if not names:
        names = text.replace("|", " ").split()
        words = ""
        if (
            len(names) < 2
            or not all(map(_is_chord, names))
            or all(len(name) == 1 for name in names)
        ):
            return None
    chords = f"chords, which guide: {short(' '.join(names))} would play"
    return (
        LyricLine(f"sung without the {chords}", (words,))
        if words
        else LyricLine(f"not sung: {chords}")
    )


def _is_chord(text: str) -> bool:
    text = text.strip()
    if text[:1] not in tuple("ABCDEFG") or " " in text or len(text) > 12:
        return False
    try:
        return len(parse_chord_line(text)) == 1
    except ValueError:
        return False


def _letters(text: str) -> str:
    return re.sub(r"[ -]|\d+$", "", text).lower()


def _unmarked(text: str) -> str:
    """Markdown's quotes, list marks, hard breaks, emphasis and backslashes taken off."""
    plain = re.sub(r"^(?:> ?)+|^[-*+] +(?=\S)", "", text).removesuffix("\\").rstrip() or text
    plain = re.sub(r"\\([*_#>\[\]()\\-])", lambda found: chr(_ASIDE + ord(found[1])), plain)
    for mark in (r"\*\*", r"\*", "__", "_"):
        plain = re.sub(
            rf"(?<!\w){mark}(?=[^\s{mark[-1]}])([^{mark[-1]}]+){mark}(?!\w)", r"\1", plain
        )
    return (
        "".join(
            chr(ord(c) - _ASIDE) if _ASIDE <= ord(c) < _ASIDE + 128 else c for c in plain
        ).strip()
        or text
    )


def _seconds(time: re.Match[str]) -> float:
    return int(time[1]) * 60 + int(time[2]) + float(f"0.{time[3] or 0}")


def short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
