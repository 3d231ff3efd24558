"""What pages and their writers put among the words of a song, which nobody sings: the headings of a
page, notes to oneself, footnotes, requests to rate.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from .characters import fold, fold_word
from .documents.credits import is_last_credit
from .headings import read_heading
from .page_parts import SUNG_HINT, find_page_parts

SECOND_VOICE = "as a second voice, without its name"
UNBOXED = "without the boxes of a list"
UNMARKED = "without the mark of a footnote"
TITLE = "the title, not sung"
JOINED = "with its letters joined"
MAIL_HINT = "remove it where it is of the mail, and not of the song"
MAX_HEAD = 12  # lines of a page above its words

# what a page writes above the words of a song
_LYRICS = re.compile(
    r"(?:(?:song)?lyrics?|songtext|liedtext|paroles|letra|testo|tekst(?: piosenki)?|versuri|sanat|"
    r"текст(?: песни|и пісні)?|歌詞|歌词|가사) ?:?"
)
# and behind them
_BEHIND = re.compile(r"(?:credits|licen[cs]e|tags|about|comments|supported by) ?:?")
_RELEASED = re.compile(
    r"(?:from|off|taken from) .{1,80}released .{1,40}|released .{1,60}|licen[cs]e|tags|"
    r"(?:all|some) rights reserved\.?"
)
_MADE = re.compile(
    r"(?:(?:all )?(?:words|lyrics|music|songs?|words? (?:and|&) music|vocals?|artwork|"
    r"(?:cover|album) (?:art|photo))(?: (?:by|:) ?)|"
    r"(?:arranged|composed|engineered|mastered|mixed|performed|played|produced|recorded|written)"
    r"(?:(?:,| and| &) (?:arranged|composed|engineered|mastered|mixed|performed|played|produced|"
    r"recorded|written)){0,3} (?:by|at|in) )(?P<who>.{1,80})",
    re.IGNORECASE,
)
_RATE = re.compile(
    r"[(\[]?(?:please|pls|plz|don'?t forget to)(?: (?:and|chords?|comment|if you like it|it|leave|"
    r"me|my|or|rate|rating|review|song|subscribe|tab|tabs|thanks|thank you|the|this|to|a|version))"
    r"{1,8}[.! :)\]]*|(?:rate|comment|like) (?:and|&|\+) (?:comment|rate|subscribe)[.!]*|"
    r"(?:any )?(?:comments|corrections|feedback)(?: and (?:comments|corrections))?"
    r"(?: (?:are|is))? welcome[.!]*|hope this helps[.!]*|"
    r"thanks for (?:rating|reading|viewing|watching)[.!]*"
)
_ASKED = re.compile(r"rat[ei]|comment|subscribe|review|correct|feedback|hope|thanks for")
_TO_DO = re.compile(
    r"[\[(]?(?:TODO|ToDo|To-[Dd]o|To do|FIXME|TBD|TBC|WIP|XXX|NOTE(?: TO SELF)?|"
    r"Note(?: to self)?|NB|N\.B\.?|REMINDER|Reminder)(?: ?[:!-] ?.{0,200}|[\])]?)"
)
_BRACKETED = re.compile(r"[\[(](?:todo|to-?do|fixme|tbd|wip|note to self)\b.{0,200}[\])]")
_SMALL_TO_DO = re.compile(r"(?:todo|to-do|fixme|note to self) ?: ?\S.{0,200}")
_TASK = re.compile(r"(?:[-*+•] ?)?(?:\[[ xX✓✔]?\]|[☐☑☒✅⬜🔲]) ?(?=\S)")
_VOICE = re.compile(
    r"(?:ad-?libs?|adlibs?|backing(?: vocals?| vox)?|background(?: vocals?| vox)?|bgvs?|bvs?) ?: ?"
)
_OMITTED = re.compile(
    r"[*†‡(]* ?(?:(?:stanzas?|verses?|refrain|chorus|this (?:stanza|verse))[\d ,&and-]{0,24} )?"
    r"(?:may|can) be (?:omitted|left out|skipped)\b.{0,60}"
)
_FOOTNOTE = re.compile(r"(?:\*{1,3}|[†‡§]) ?(?=[^\W\d_a-z]).{3,100}(?<!\*)")
_MARKED_NUMBER = re.compile(r"([*†‡§]{1,3} ?)?([0-9]{1,2}[.)]?)([*†‡§]{1,3})?(?= +\S)")
_SPACED = re.compile(r"[^\W\d_](?: {1,2}[^\W\d_]){3,15}(?: {1,4}[0-9IVX]{1,3})?[ :.]*")
_GENIUS = re.compile(r"\[[^\[\]]{0,60}[\"][^\"\[\]]{1,80}[\"][^\[\]]{0,60}\]")
_OF_LYRICS = re.compile(
    r"letras?|paroles|song ?te[kx]s?t|lyrics?|testo|te[kx]st|текст|lirik|versuri|sanat|στιχοι|"
    r"sozleri|歌詞|歌词|가사|كلمات|מילים|loi bai hat|dalszoveg|traduc|ubersetzung|перевод|перекл|"
    r"translat|romani[sz]|ceviri|tłumacz|vertaling|oversatt"
)
_QUOTED = re.compile(r"\"([^\"]{1,80})\"")


# what mail programs and editors write below and above
_PROGRAM = re.compile(
    r"sent (?:from|via) (?:my )?\S.{0,40}|get outlook for \w.{0,20}|scanned (?:with|by) .{1,40}|"
    r"last (?:edit|edited|modified|saved|updated?)\b(?: was| by| on|:| \d).{0,60}|"
    r"von meinem .{1,30} gesendet|enviado des?de (?:mi|o meu|meu) .{1,30}|"
    r"envoye (?:de|depuis) mon .{1,30}|inviato da(?:l mio)? iphone.{0,20}|отправлено с .{1,30}"
)
_DEVICE = re.compile(
    r"iphone|ipad|android|samsung|galaxy|pixel|huawei|xiaomi|outlook|mail|scan|phone|handy|telefon|"
    r"мобильн|last "
)
_LEGEND = re.compile(  # of a tab
    r"\S{1,4} ?[=:-] ?(?:dead note|ghost note|hammer|let ring|mute|muted|palm mute|pull|slide|bend|"
    r"release|tap|tremolo|vibrato|natural harmonic|harmonic)\b.{0,40}"
)
_COMMENT = re.compile(r"\[([a-z]{1,2})\] ?(?=\S)")  # of Google Docs, behind the words

_COMMENT_MARK = re.compile(r"(?<=\S)\[[a-z]\]")


_ADDRESS = re.compile(r"\S@\S|\+\d{2}|\bwww\.|https?://")
MOST_SIGNED = 6  # lines of a signature


class Furniture(NamedTuple):
    """What was found, by the indices of lines: `lines` as they are sung, with `remarks` on those
    that were changed; `left_out`: what is said of those that nobody sings, and a hint where that is
    a guess; `asked`: hints on what is sung, and may not be meant to be. `title`: of the page.
    """

    lines: list[str]
    remarks: dict[int, str]
    left_out: dict[int, tuple[str, str]]
    asked: dict[int, str]
    title: str = ""


def find_furniture(lines: Sequence[str]) -> Furniture:
    """What of a sheet's lines is no song's."""
    texts = [line.strip() for line in lines]
    kept = [*lines]
    remarks: dict[int, str] = {}
    left_out: dict[int, tuple[str, str]] = {}
    asked: dict[int, str] = {}
    title = ""
    last = 0  # line of a program
    tasks = _find_tasks(texts)
    is_list = 2 * len(tasks) >= sum(map(bool, texts))
    has_small = any(map(str.islower, "".join(texts)))
    for index, text in enumerate(texts):
        folded = fold(text)
        if not text:
            continue
        if changed := _change(text, folded):
            kept[index], remarks[index] = changed
        elif index in tasks:
            kept[index] = text[tasks[index] :]
            remarks[index] = UNBOXED
            if not is_list:
                left_out[index] = ("not sung: a task of a list", "take its box off to have it sung")
        elif _names_page(folded) and index <= MAX_HEAD:
            left_out[index] = ("not sung: about the song", "")
            title = title or _find_title(folded, text)
        elif _is_of_program(folded):
            left_out[index] = ("not sung: what a program wrote", "")
            last = index
        elif _LEGEND.fullmatch(folded.lower()):
            left_out[index] = ("not sung: how a tab is read", "")
        elif _RATE.fullmatch(folded.lower()) and _ASKED.search(folded.lower()):
            left_out[index] = ("not sung: what is asked of readers", "")
        elif _is_note(folded, has_small):
            hint = "write it without the colon where it is sung"
            left_out[index] = ("not sung: a note to its writer", hint)
        elif _SMALL_TO_DO.fullmatch(folded.lower()):
            asked[index] = "write TODO: in capitals where it is a note to yourself"
    if signature := _find_signature(texts):
        left_out |= dict.fromkeys(signature, ("not sung: the signature of a mail", ""))
        last = max(last, signature[0])
    asked |= dict.fromkeys(_list_stanza(texts, last), MAIL_HINT)
    if comments := _find_comments(texts):
        left_out |= dict.fromkeys(comments, ("not sung: a comment", ""))
        first = min(comments)
        kept[:first] = [_COMMENT_MARK.sub("", line) for line in kept[:first]]
    head = _find_page_head(texts)
    parts, liked = find_page_parts(texts)
    asked |= liked
    left_out |= parts
    left_out |= head | _find_page_end(texts) | _find_footnotes(texts)
    named = next((texts[index] for index, said in head.items() if said[0] == TITLE), "")
    return Furniture(kept, remarks, left_out, asked, title or named)


def _is_of_program(folded: str) -> bool:
    """Sent from my iPhone; not so "sent from my heart"."""
    plain = fold_word(folded)
    return bool(_PROGRAM.fullmatch(plain) and _DEVICE.search(plain))


def _find_signature(texts: Sequence[str]) -> list[int]:
    """The line of two hyphens below which a mail is signed, and the lines below it."""
    begin = max((index for index, text in enumerate(texts) if text == "--"), default=0)
    below = [index for index in range(begin + 1, len(texts)) if texts[index]]
    is_signed = any(_ADDRESS.search(texts[index]) for index in below)
    return [begin, *below] if begin and is_signed and len(below) <= MOST_SIGNED else []


def _list_stanza(texts: Sequence[str], below: int) -> list[int]:
    """The lines above a mail's last one, which may be a greeting."""
    above = [index for index in range(below) if texts[index]]
    if not above or (texts[below - 1] and texts[below] != "--"):
        return []
    first = max((index for index in range(above[-1]) if not texts[index]), default=above[-1])
    return [*range(first + 1, above[-1] + 1)]


def _find_comments(texts: Sequence[str]) -> list[int]:
    """The comments of Google Docs behind the words, where these have their letters."""
    found: list[int] = []
    for index in range(len(texts) - 1, -1, -1):
        comment = _COMMENT.match(texts[index])
        if texts[index] and not comment:
            break
        found += [index] if comment else []
    marks = {texts[index][: texts[index].index("]") + 1] for index in found}
    above = "\n".join(texts[: min(found, default=0)])
    return found if found and all(mark in above for mark in marks) else []


def _change(text: str, folded: str) -> tuple[str, str] | None:
    """A line as it is sung, where something stands in front of it or between its letters, and what
    is said of that.
    """
    if voice := _VOICE.match(folded.lower()):
        words = text[voice.end() :].strip()
        return (words if words[:1] in "(（" else f"({words})"), SECOND_VOICE
    if _SPACED.fullmatch(folded):
        words = " ".join(word.replace(" ", "") for word in re.split(" {2,}", text))
        heading = read_heading(words)
        if heading and not heading.rest and not heading.abbreviation:
            return words, JOINED
    marked = _MARKED_NUMBER.match(folded)
    if marked and (marked[1] or marked[3]):
        return f"{marked[2]}{text[marked.end() :]}", UNMARKED
    return None


def _find_tasks(texts: Sequence[str]) -> dict[int, int]:
    """The lines with a box to tick in front, and where their words begin."""
    return {index: task.end() for index, text in enumerate(texts) if (task := _TASK.match(text))}


def _is_note(folded: str, has_small: bool) -> bool:
    """TODO: write this; in a sheet of capitals alone it may be the Spanish word."""
    if _BRACKETED.fullmatch(folded.lower()):
        return True
    return has_small and bool(_TO_DO.fullmatch(folded))


def _names_page(folded: str) -> bool:
    """[Letra de "La Marea"], which Genius writes above the words."""
    return bool(_GENIUS.fullmatch(folded) and _OF_LYRICS.search(fold_word(folded)))


def _find_title(folded: str, text: str) -> str:
    quoted = _QUOTED.search(folded)
    return text[quoted.start(1) : quoted.end(1)].strip() if quoted else ""


def _find_page_head(texts: Sequence[str]) -> dict[int, tuple[str, str]]:
    """The line that says that the words begin, and what of the page stands above it."""
    found = [n for n, text in enumerate(texts[:MAX_HEAD]) if _LYRICS.fullmatch(fold_word(text))]
    if len(found) != 1 or sum(map(bool, texts[found[0] + 1 :])) < 2:
        return {}
    [begin] = found
    if begin and texts[begin - 1] and ":" not in fold(texts[begin]):
        return {}
    above = [n for n, text in enumerate(texts[:begin]) if text]
    if any(read_heading(texts[n]) and texts[n][0] in "[(" for n in above):
        return {}
    said = [TITLE, *("not sung: it stands above the words" for _ in above[1:])]
    head = {n: (each, SUNG_HINT) for n, each in zip(above, said) if not _has_pair(texts[n])}
    return {**head, begin: ("not sung: the words begin below", "")}


def _has_pair(text: str) -> bool:
    return any(mark in fold(text) for mark in ":=") or any(map(str.isdigit, text))


def _find_page_end(texts: Sequence[str]) -> dict[int, tuple[str, str]]:
    """What a page says behind the words: credits, licence, tags."""
    for index, text in enumerate(texts):
        if not index or texts[index - 1] or not _BEHIND.fullmatch(fold_word(text)):
            continue
        following = next((n for n in range(index + 1, len(texts)) if texts[n]), index)
        if following > index and _is_credit(texts[following]):
            below = [n for n in range(following, len(texts)) if texts[n]]
            message = "not sung: what a page says of the song"
            return {n: (message, SUNG_HINT if n == index else "") for n in (index, *below)}
    if last := [n for n, text in enumerate(texts) if text][-1:]:
        made = _MADE.fullmatch(texts[last[0]])
        is_apart = last[0] > 1 and not texts[last[0] - 1]
        if made and is_apart and made["who"][0].isupper():
            return {last[0]: ("not sung: who made the song", SUNG_HINT)}
    return {}


def _is_credit(text: str) -> bool:
    made = _MADE.fullmatch(text)
    is_named = made is not None and not made["who"][0].islower()
    return is_named or is_last_credit(text) or bool(_RELEASED.fullmatch(fold_word(text)))


def _find_footnotes(texts: Sequence[str]) -> dict[int, tuple[str, str]]:
    """*May be omitted. Others only where a line has the mark that they explain."""
    found: dict[int, tuple[str, str]] = {}
    marked = {mark for text in texts for mark in _list_marks(text)}
    for index, text in enumerate(texts):
        if _OMITTED.fullmatch(fold_word(text)):
            found[index] = ("not sung: a footnote", "")
        elif text[:1] in marked and _FOOTNOTE.fullmatch(text):
            found[index] = ("not sung: a footnote", SUNG_HINT)
    return found


def _list_marks(text: str) -> list[str]:
    """The marks of footnotes that stand at the number of a verse or behind words."""
    number = _MARKED_NUMBER.match(text)
    marks = [*(number[1] or ""), *(number[3] or "")] if number else []
    if len(text) > 3 and text[-1] in "*†‡§" and text.count(text[-1]) == 1:
        marks.append(text[-1])
    return [mark for mark in marks if mark.strip()]
