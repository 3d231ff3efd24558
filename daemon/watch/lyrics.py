"""What is sung of a lyric sheet, line by line, and the markers between.

Chords, comments, Markdown and what stands around the words of a song sheet are not sung. markers.py
knows how sections begin, song_head.py what a head says, chords.py what chords look like.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from pipeline.section_names import INSTRUMENTAL

from .characters import fold, fold_word
from .chords import describe_other, is_playable, list_chords, strip_inline
from .directives import (
    UNSUNG,
    UNUSED,
    Directive,
    find_environment,
    read_directive,
    read_directives,
)
from .documents.document import DocumentLine, SungLines, sort_by_time
from .headings import Heading, read_heading
from .markers import (
    LyricLine,
    Surroundings,
    begin_section,
    format_marker,
    keep_marker,
    may_be_marker,
    parse_marker,
    parse_section,
    parse_slip,
)
from .notes import SUNG, UNCLEAR, UNDERSTOOD, SheetNote, join_notes, shorten
from .pasted import NOTICE
from .repeats import (
    SongLine,
    expand_repeats,
    read_stanza_repeats,
    split_repeats,
    strip_repeat_signs,
)
from .shape import find_shape
from .song_head import (
    TRANSPOSE,
    Fact,
    add_fallback,
    describe_transposition,
    describe_unused,
    find_fact,
    is_credit,
    list_facts,
    names_author,
    names_chart,
)

_RULE = re.compile(r"(?:[-=*_~—–] ?){3,}")
# there is one of ./# in its target: it is looked for first, as [^()\s]*[./#][^()\s]* is quadratic
_LINK = re.compile(r"!?\[[^\[\]]*\]\((?=[^()\s./#]*[./#])[^()\s]*\)")
_EMPHASISED = tuple(
    re.compile(rf"(?<!\w){mark}(?=[^\s{mark[-1]}])([^{mark[-1]}]+){mark}(?!\w)")
    for mark in (r"\*\*", r"\*", "__", "_", "==")
)
_OBSIDIAN_COMMENT = re.compile("%%[^%]{0,200}%%")
# where characters are kept that a backslash protects, while Markdown is taken off
_PRIVATE_USE = 0xE000
_TITLE_NUMBER = re.compile(
    r"(?:n[or]\.? ?)?[0-9]{1,4}(?:[.)] +| {2,})(?=\S)", re.IGNORECASE
)  # a hymn's
_TITLE_TAIL = re.compile(
    r" (?:lyrics|chords|tabs?)(?: by .{1,60})?$| {2,9}\(?[0-9][0-9.]{2,20}(?: ?D)?\)?$",
    re.IGNORECASE,
)  # and the metre of a hymn
# who sings a line, where all sing it in the end
_SINGER = re.compile(
    r"(?:All|Leader|Men|Women|Both|Everyone|Group|Choir|Male|Female|Boys?|Girls?|Lead|Cantor|Unison|"
    r"Duet|[Ss]poken|[Ww]hispered|[Ss]houted|[Rr]apped|Ambos|Ambas|Todas|Beide|"
    r"Alle|Todos|Tous|Tutti|ALL|LEADER|MEN|WOMEN|BOTH)(?: [0-9])?: +(?=\S)"
)
_SAID = re.compile(r"[(\[][^\W\d_]{3,12}:[)\]] +(?=\S)")  # (whispered:)
_NOISE = re.compile(
    r"\*+ ?(?:(?:hand)?claps?|clapping|stomps?|stomping|snaps?|whistles?|whistling|laughs?|"
    r"laughing|applause|breathes?|sighs?|coughs?|screams?|silence|pause|beat drops?|music|drums?|"
    r"crowd|cheers?|rain|thunder|guitar|solo|fades?)(?: [^*]{0,40})?\*+"
)
_BIS = re.compile(r"(?<=\w) (?:bis|Bis|BIS)[.!]?$")  # which is a word of German
_FADES = re.compile(  # and how the last chord is played
    r" ?[(\[](?:fade(?:s|out| out| in)?|fading|let (?:it )?ring(?: out)?|palm muted?|strum once)"
    r"[)\]]$"
)
_JUMP = re.compile(
    r"[(\[]?same (?:chords?|tune|melody|as (?:v|verse|"
    r"chorus|before|above|last|first|1st|2nd|intro|pre))\b.{0,40}|"
    r"[(\[]?(?:d\.? ?[cs]\.?|da capo|dal segno)(?: al (?:fine|coda))?[.)\]]?|to coda|"
    r"[(\[]?repeat (?:(?:the )?(?:last|first|previous) (?:\w+ )?(?:lines?|part)|"
    r"(?:(?:and|till|until|to|&) )+fade(?: out)?)[.)\]]?"
)
_PLAYED_PART = re.compile(
    r"(?:\(?\d{1,3} (?:bars|measures|beats|takte|compases|battute)"
    r"(?:,? (?:of|drums?|guitar|gtr|keys|sax|piano|bass|solo|instrumental|only|break|intro|rest|"
    r"strings)){0,4}"
    r"\)?|s?fx ?: .{1,80})"
)
SUGGESTION = ", which guide: "  # in front of the chords that it would play
_MUSICAL = ("bpm", "key", "time_signature")
_PLAYED = ("capo", "tuning")
_CHARTED = frozenset(("strumming", "strumming pattern", "transpose", "chords", "picking"))
_VERSE = Heading("Verse", "Verse")
_CHORUS = Heading("Chorus", "Chorus")

# a parameter's name and value as written -> its field, its value (None: it has none), a note
FactReader = Callable[[str, str], tuple[str, object, SheetNote]]


class LyricsReader:
    """Reads the lines of a sheet that are below its parameters, which are `given`.

    Afterwards `values` are parameters that were found on the way. `keeps_markers`: those that are
    written as models know them, [Chorus], stay as they are.
    """

    def __init__(
        self,
        is_markdown: bool,
        given: Mapping[str, object],
        read_fact: FactReader,
        keeps_markers: bool = False,
    ) -> None:
        self.is_markdown = is_markdown
        self._keeps_markers = keeps_markers
        self.values: dict[str, object] = {}
        self._given = given
        self._read_fact = read_fact
        self._lines: list[tuple[DocumentLine, LyricLine]] = []
        self._fallbacks: dict[str, object] = {}
        self._in_comment = False  # inside of <!-- -->
        self._environment = ""  # of ChordPro, whose lines are not sung
        self._in_head = True
        self._has_played = False  # an intro or chords stood in the head
        self._has_words = False
        self._has_speaker = False  # it was said that names are not sung
        self._begins_stanza = True
        self._ends_section = False  # a ChordPro section has ended

    def read(self, lines: Sequence[DocumentLine]) -> None:
        """Reads all lines: what one means may be seen from those around it."""
        texts = [line.text for line in lines]
        self._shape = find_shape(texts, "name" in self._given, self._keeps_markers)
        for index, line in enumerate(lines):
            text = self._shape.texts[index]
            remark = self._shape.remarks.get(index, "")
            if text:
                read = self._read_line(index, text)
                read = read._replace(message=f"{read.message}, {remark}") if remark else read
            elif remark:
                left = remark if remark == NOTICE else f"sung {remark}: nothing is left"
                read = LyricLine(left, ("",))
            else:
                read = LyricLine("a time tag" if line.times else "", ("",))
            if read.heading and read.heading.section not in INSTRUMENTAL:
                self._ends_section = False
            if read.sung or read.heading:
                self._begins_stanza = read.sung == ("",)
            self._has_words = self._has_words or any(read.sung)
            self._in_head = self._in_head and not self._begins_words(read)
            self._has_played = self._has_played or read.is_chords or read.heading is not None
            self._lines.append((line, read))
        if self._shape.title:
            self._fallbacks["name"] = self._shape.title
        for name, value in self._fallbacks.items():
            if name not in self._given:
                self.values.setdefault(name, value)

    def list_lines(self) -> list[tuple[int, str]]:
        """What is sung, line by line, with the number of the sheet's line that it comes from; at
        most one empty line between two others. Raises `OutOfRange` where it is too long: a line may
        be sung a thousand times.
        """
        placed = sort_by_time(
            [
                SungLines(index, line.times, read.sung)
                for index, (line, read) in enumerate(self._lines)
                if read.acts
            ]
        )
        song = [each for sung in placed for each in self._list_song_lines(sung.number)]
        expansion = expand_repeats(song)
        for index, times in expansion.repeated.items():
            line, read = self._lines[index]
            self._lines[index] = (line, read._replace(message=f"{read.message}, {times} times"))
        for index, source in expansion.partial.items():
            line, read = self._lines[index]
            first = self._lines[source][0].number
            hint = (
                f"only this line of those from line {first} on is sung; a heading alone sings all"
            )
            self._lines[index] = (line, read._replace(code=UNCLEAR, hint=hint))
        for index, source in expansion.recalled.items():
            line, read = self._lines[index]
            self._lines[index] = (line, self._explain_recall(read, source))
        lines = [(self._lines[index][0].number, text) for index, text in expansion.lines]
        kept = [pair for pair, (_, above) in zip(lines, [(0, ""), *lines]) if pair[1] or above]
        if kept and not kept[-1][1]:
            kept.pop()
        return kept

    def list_notes(self) -> list[SheetNote]:
        """What was made of every line. Lines one after the other of which the same is said share a
        note.
        """
        notes: list[SheetNote] = []
        for line, read in self._lines:
            if not read.message:
                continue
            note = SheetNote(line.number, read.code, read.message, read.hint, holds=read.holds)
            last = notes[-1] if notes else None
            follows = last and last.line + last.lines == note.line and last.message == note.message
            if last and follows and last.code == note.code == UNDERSTOOD:
                notes[-1] = replace(last, lines=last.lines + 1)
            else:
                notes.append(note)
        return notes

    def _begins_words(self, read: LyricLine) -> bool:
        """Whether a head ends with a line: an intro that is played may stand in it."""
        if read.heading:
            return read.heading.section not in INSTRUMENTAL
        return any(read.sung)

    def _list_song_lines(self, index: int) -> Iterator[SongLine]:
        """What a line is, for its repeats; its number is its index."""
        _, read = self._lines[index]
        opens, closes = self._shape.signs.get(index, (False, 0))
        ends = read.ends
        if read.heading:
            marker = f"[{format_marker(read.heading)}]"
            written = self._shape.texts[index]
            stands = self._keeps_markers and written.casefold() == marker.casefold()
            text = written if stands else marker
            yield SongLine(index, text, read.heading, ends=ends, stands=stands)
            ends = False
        elif read.stanza_repeats or not read.sung:
            yield SongLine(index, stanza_repeats=read.stanza_repeats, ends=ends)
        for text in read.sung:
            has_words = bool(text) and text[0] != "["
            yield SongLine(
                index, text, None, has_words, read.repeats, opens=opens, closes=closes, ends=ends
            )

    def _explain_recall(self, read: LyricLine, source: int) -> LyricLine:
        """What is said of a heading that has no words of its own."""
        if source >= 0:
            number = self._lines[source][0].number
            return read._replace(message=f"{read.message}: the words of line {number} on, again")
        hint = "there is none above whose words it could have"
        return read._replace(code=UNCLEAR, hint=hint)

    # --- one line ---------------------------------------------------------------------------------

    def _read_line(self, index: int, text: str) -> LyricLine:
        directive = read_directive(text)
        if self._environment:
            if directive and directive.name.startswith("end_of_"):
                self._environment = ""
                return LyricLine("a directive")
            return LyricLine(f"not sung: a {self._environment}", is_chords=True)
        if several := read_directives(text):
            facts = [fact for each in several if (fact := find_fact(*each))]
            return (self._read_facts(facts) if facts else None) or LyricLine("directives")
        if directive:
            return self._read_directive(directive)
        if self.is_markdown:
            visible = self._strip_comments(text)
            if not visible:
                return LyricLine("a comment")
            plain = _strip_markdown(visible)
        else:
            plain = visible = text
        if visible.startswith(("```", "~~~")) or (self.is_markdown and _LINK.fullmatch(visible)):
            return LyricLine("Markdown, not sung")
        if index in self._shape.titles:
            return self._read_title(plain, self._shape.titles[index])
        if index in self._shape.left_out:
            message, hint = self._shape.left_out[index]
            return LyricLine(message, (), UNCLEAR if hint else UNDERSTOOD, hint)
        if _RULE.fullmatch(fold(plain)):
            return LyricLine("a line across the page", ("",))
        if plain[0] == "#":
            heading = plain.lstrip("#")
            if heading[:1] in (" ", "\t"):
                return self._read_heading(heading.strip(" \t#"))
            if self._shape.has_directives:
                return LyricLine("a comment")
        if plain[0] == "{" and plain[-1] == "}":
            message = "not sung: a directive that means nothing here"
            return LyricLine(message, (), UNCLEAR, "write key: value at the top")
        if self._shape.is_opensong and plain[0] in ".;":
            return self._read_opensong(plain)
        return self._read_song_line(index, plain, visible)

    def _repeat_stanza(self, times: int) -> LyricLine:
        message = f"the stanza above is sung {times} times"
        return LyricLine(message, stanza_repeats=times)

    def _read_opensong(self, text: str) -> LyricLine:
        """A line of chords, behind a dot, or a comment, behind a semicolon."""
        if text[0] == ";":
            return LyricLine("a comment")
        return _leave_chords(list_chords(text[1:]) or [])

    def _read_song_line(self, index: int, text: str, written: str) -> LyricLine:
        """`written` is the line with its Markdown."""
        if index in self._shape.signs:
            written = text = strip_repeat_signs(text, *self._shape.signs[index])
        if read := self._read_fact_line(text):
            return read
        if self._in_head and index in self._shape.unknown:
            _, _, note = self._read_fact(*self._shape.unknown[index])
            return LyricLine(
                f"not sung: {note.message}", (), note.code, note.hint, holds=note.holds
            )
        if times := read_stanza_repeats(text):
            if self._has_words:
                return self._repeat_stanza(times)
            hint = "write it below what is sung again"
            return LyricLine("not sung: there are no words above", (), UNCLEAR, hint)
        if (chords := self._shape.chords.get(index)) is not None:
            return _leave_chords(chords)
        shape = self._shape
        is_capital = shape.has_capitals and text.isupper()
        surroundings = Surroundings(
            shape.has_headings and (self._begins_stanza or shape.is_close or is_capital),
            shape.is_short or bool(shape.numbered),
            shape.is_small,
            shape.has_refrain,
        )
        if read := self._read_marker(written, surroundings) or self._read_marker(
            text, surroundings
        ):
            return read
        if index in self._shape.numbered and self._begins_stanza:
            match = self._shape.numbered[index]
            return self._begin_numbered(match[1], text[match.end() :])
        if other := describe_other(text):
            return LyricLine(f"not sung: {other}", is_chords=True)
        if index == self._shape.end:
            read = LyricLine(f"not sung: the sheet ends with {shorten(text)}")
            hint = "write [Outro] above it where it is sung"
            return read if text.isupper() else read._replace(code=UNCLEAR, hint=hint)
        if _NOISE.fullmatch(fold_word(text)) or not any(map(str.isalnum, text)):
            return LyricLine("not sung: no words")
        if _PLAYED_PART.fullmatch(fold_word(text)):
            return LyricLine("not sung: what is played")
        if _JUMP.fullmatch(fold_word(text)):
            hint = "write out what is sung again"
            return LyricLine(f"not sung, and not followed: {shorten(text)}", (), UNCLEAR, hint)
        return parse_slip(text, surroundings) or self._sing(index, text, surroundings)

    def _sing(self, index: int, text: str, surroundings: Surroundings) -> LyricLine:
        """A line of words, without the chords between them."""
        chords, words = strip_inline(text, self._shape.among_chords)
        if chords and not words:
            return _leave_chords(chords)
        if chords and (read := self._read_marker(words, surroundings)):
            return read
        _, closes = self._shape.signs.get(index, (False, 0))
        fades = _FADES.search(fold(words).lower())
        words = words[: fades.start()] if fades and fades.start() else words
        words, repeats = split_repeats(words)
        speaker = self._shape.speakers.get(index, "")
        singer = _SINGER.match(fold(words)) or _SAID.match(fold(words))
        said = speaker if words.startswith(speaker) else ""
        said = said or (singer[0] if singer else "")
        words = words.removeprefix(said)
        if self._shape.is_opensong:
            words = words.replace("_", "")
        if self._shape.among_chords:
            words = " ".join(words.split())  # which stood apart for the chords above
        message = f"{SUNG} without {shorten(said)}" if said else SUNG
        if repeats == 1 and _BIS.search(words):
            hint = "write (bis) where it is sung twice"
            return LyricLine(message, (words,), UNCLEAR, hint)
        if repeats > 1:
            message += f" {repeats} times"
        if closes:
            message += f", {closes} times from |: on"
        if chords:
            message += f" without the chords{_suggest_guide(chords)}"
        read = LyricLine(message, (words,), repeats=repeats)
        if index in self._shape.asked:
            read = read._replace(code=UNCLEAR, hint=self._shape.asked[index])
        if said and said == speaker and not self._has_speaker:
            self._has_speaker = True
            read = read._replace(code=UNCLEAR, hint="leave the colon out where names are sung")
        if surroundings.begins_stanza and may_be_marker(words):
            hint = f"write [{words}] where it begins a section"
            read = read._replace(code=UNCLEAR, hint=hint)
        if self._ends_section:
            return begin_section(_VERSE, words)._replace(repeats=repeats, ends=True)
        return read

    def _read_marker(self, text: str, surroundings: Surroundings) -> LyricLine | None:
        """A heading, also one with its chords behind it."""
        heading = read_heading(text.strip("[]()"))
        if (
            heading
            and heading.rest
            and heading.mark in (":", " ", "-", "(")
            and not heading.abbreviation
        ):
            chords = list_chords(heading.rest.strip("[]()")) or []
            if len(chords) > 1 or (chords and heading.mark == ":"):
                read = begin_section(heading._replace(mark="", rest=""))
                message = f"{read.message}; not sung: chords{_suggest_guide(chords)}"
                return read._replace(message=message, is_chords=True)
        return parse_marker(text, surroundings)

    def _begin_numbered(self, number: str, words: str) -> LyricLine:
        """1. begins the first verse."""
        heading = _VERSE._replace(name=f"Verse {number}", number=number)
        return begin_section(heading, *([words] if words else []))

    def _read_title(self, text: str, kind: str) -> LyricLine:
        if kind == "artist":
            return LyricLine("who it is by, not used")
        if kind == "above":
            message = "not sung: it stands above what is said of the song"
            return LyricLine(message, (), UNCLEAR, "write [Verse] above where it is sung")
        if kind == "perhaps who it is by":
            return LyricLine(
                f"{kind}, not sung", (), UNCLEAR, "write [Verse] above where it is sung"
            )
        title = _TITLE_TAIL.sub("", text.strip('#*_"“”《》 ')).strip()
        title = title[number.end() :] if (number := _TITLE_NUMBER.match(title)) else title
        if "name" in self.values or "name" in self._given:
            return LyricLine("the title, not sung")
        self.values["name"] = title
        read = LyricLine(f"the title: name = {shorten(title)}")
        if kind == "alone":
            hint = "write [Verse] above it where it is sung"
            return read._replace(code=UNCLEAR, hint=hint)
        return read

    def _read_fact_line(self, text: str) -> LyricLine | None:
        """What a head says, or what else stands around the words of a song."""
        if is_credit(text) or names_chart(text):
            return LyricLine("not sung: about the song")
        facts = list_facts(text)
        if self._has_played and not any(mark in text for mark in ":："):
            facts = facts if _stand_anywhere(facts, text) else []
        if not facts:
            if self._in_head and not self._has_played and names_author(text):
                return LyricLine("who it is by, not used")
            return None
        if not self._in_head and not _stand_anywhere(facts, text):
            return None
        return self._read_facts(facts)

    def _read_facts(self, facts: Sequence[Fact]) -> LyricLine | None:
        """None where the words are no head's, and its values cannot be what they say."""
        said: list[SheetNote] = []
        for fact in facts:
            if not fact.name:
                said.append(describe_unused(fact))
                continue
            name, value, note = self._read_fact(fact.name, fact.value)
            if value is None and not self._in_head:
                return None
            known = {**self._given, **self.values}
            if fact.is_fallback:
                if value is not None:
                    add_fallback(self._fallbacks, name, value)
                note = replace(note, message=f"{fact.word.lower()}: {note.message}, if no other is")
            elif value is not None and known.get(name, value) != value:
                hint = f"it is {known[name]} already"
                note = replace(note, message=f"not used: {note.message}", code=UNCLEAR, hint=hint)
            elif value is not None:
                self.values[name] = value
            said.append(note)
        note = join_notes(said)
        return LyricLine(note.message, (), note.code, note.hint, holds=note.holds)

    def _read_directive(self, directive: Directive) -> LyricLine:
        """One of ChordPro's."""
        name, value = directive
        if name.startswith("start_of_"):
            kind, label = find_environment(directive)
            if kind in UNSUNG:
                self._environment = kind
                return LyricLine(f"not sung: a {kind}", is_chords=True)
            heading = (read_heading(label) if label else None) or read_heading(kind)
            return begin_section(heading) if heading else keep_marker(label or kind)
        if name.startswith("end_of_"):
            self._ends_section = True
            return LyricLine("a directive", ("",))
        if name == "chorus":
            heading = read_heading(value) if value else None
            return begin_section((heading or _CHORUS)._replace(recalls=True))
        if name == "comment":
            if value and (times := read_stanza_repeats(value)):
                return self._repeat_stanza(times)
            read = self._read_marker(value, Surroundings(True)) if value else None
            return read or LyricLine("a comment")
        if name == TRANSPOSE and value.strip(" +-0"):
            note = describe_transposition()
            return LyricLine(note.message, (), note.code, note.hint)
        fact = find_fact(name, value) if value else None
        if fact:
            return self._read_facts([fact]) or LyricLine(f"{name} is not used")
        if name in UNUSED or name.startswith("x_"):
            return LyricLine(f"{name} is not used")
        message = "not sung: a directive that means nothing here"
        return LyricLine(message, (), UNCLEAR, "write key: value at the top")

    def _strip_comments(self, text: str) -> str:
        """A line of Markdown without what is inside of <!-- -->, which may reach over several
        lines.
        """
        visible = []
        begin = 0
        while begin < len(text):
            mark = "-->" if self._in_comment else "<!--"
            end = text.find(mark, begin)
            if not self._in_comment:
                visible.append(text[begin : end if end >= 0 else None])
            if end < 0:
                break
            self._in_comment = not self._in_comment
            begin = end + len(mark)
        return _OBSIDIAN_COMMENT.sub("", "".join(visible)).strip()

    def _read_heading(self, text: str) -> LyricLine:
        """# Chorus. In Markdown, one that is no section and stands above the words is the title."""
        inner = text.replace("[", "").replace("]", "").strip()
        section = parse_section(inner)
        if section:
            return begin_section(section)
        if not self.is_markdown or not inner:
            return LyricLine("a comment")
        if "name" not in {**self._given, **self.values} and not self._has_words:
            self.values["name"] = inner
            return LyricLine(f"the title: name = {shorten(inner)}")
        return keep_marker(inner)


def _leave_chords(chords: list[str]) -> LyricLine:
    """A line of chords, or of rests and bar lines."""
    return LyricLine(f"not sung: chords{_suggest_guide(chords)}", is_chords=True)


def _suggest_guide(chords: list[str]) -> str:
    are_playable = bool(chords) and all(map(is_playable, chords))
    return f"{SUGGESTION}{shorten(' '.join(chords))} would play" if are_playable else ""


def _stand_anywhere(facts: Sequence[Fact], text: str) -> bool:
    """Whether facts are not sung below the first words either."""
    is_pair = any(mark in text for mark in ":：=＝")
    is_counted = any(map(str.isdigit, text))
    is_pair = is_pair or (text[:1].isdigit() and text.lower().endswith("bpm"))
    return all(
        (fact.word.lower() in _CHARTED and is_pair)
        or (fact.name in _MUSICAL and is_pair)
        or (fact.word.lower() in _PLAYED and is_counted)
        for fact in facts
    )


def _strip_markdown(text: str) -> str:
    """Markdown's quotes, list marks, hard breaks, emphasis and backslashes taken off."""
    plain = re.sub(r"^(?:> ?)+|^[-*+] +(?=\S)", "", text).removesuffix("\\").rstrip() or text
    plain = re.sub(r"\\([*_#>\[\]()\\-])", lambda match: chr(_PRIVATE_USE + ord(match[1])), plain)
    for emphasised in _EMPHASISED:
        plain = emphasised.sub(r"\1", plain)
    plain = re.sub(
        f"[{chr(_PRIVATE_USE)}-{chr(_PRIVATE_USE + 127)}]",
        lambda match: chr(ord(match[0]) - _PRIVATE_USE),
        plain,
    )
    return plain.strip() or text
