"""The key that a prompt names: "in A minor", "F#m", "key of Bb", "8A", "la mineur"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..guide.harmony import scale_of
from ..keys import (
    CAMELOT_FORM,
    CHURCH_MODES,
    LETTER_FORM,
    NAMED_FORMS,
    OPEN_KEY_FORM,
    KeyForm,
    parse_key,
)
from .denials import is_denied
from .music_words import MUSIC_WORDS
from .said import TAKEN, Places, Said, join_said, look_ahead, look_back

_LETTER = "A-Za-zÀ-ÖØ-öø-ɏа-яё"


def _find_within(form: KeyForm) -> KeyForm:
    """The form within a text: no letter, digit or sign goes on before or behind it; it may be a
    hashtag.
    """
    around = f"{_LETTER}0-9♯♭'’&"
    return form._replace(
        pattern=re.compile(
            rf"(?<![{around}])(?<![A-Ga-g]#)(?:{form.pattern.pattern})(?![{around}#+])"
        )
    )


_LETTERS, _CAMELOT, _OPEN_KEY = map(_find_within, (LETTER_FORM, CAMELOT_FORM, OPEN_KEY_FORM))
_NAMED = tuple(map(_find_within, NAMED_FORMS))
# what says that a key follows
_KEY_BEFORE = re.compile(
    r"(?i)(?<![a-z])(?:(?:key|tonal)(?: ?scale| signature| cent(?:er|re))?"
    r"(?: of (?:the|this) (?:music|piece|song|track))?|open key|camelot|tonart|tonalit[éeày]|"
    r"tonalidade?|tono|tom|giọng|toonsoort|modulat(?:es?|ing|ion)(?= from)|тональность)"
    r"(?: ?[:=>_-] ?|[ -]of[ -](?:the )?| is | in | from | )$"
    r"|(?:キー|调性|키) ?:? ?$"
)
_IN_BEFORE = re.compile(r"(?i)(?<![a-z])(?:in|en|em|auf)(?: (?:concert(?: pitch)?|the))? $")
_ENDS = re.compile(  # a phrase, behind a key
    r" ?(?:$|[,;:.!?()\[\]|/_]|- )| \d| (?:pls|plz|please|thx|thanks|tho|though|btw)\b"
)
# what it changes to: C -> D, from C to D
_THEN = re.compile(
    r" ?(?:->|→|(?:then|up|down)? ?to) ?(?P<key>[A-G](?:#|b|♯|♭)?m?)(?![A-Za-z#0-9'])"
)
# la m, Sol M: only behind a word that says that a key follows
_SYLLABLE = re.compile(
    r"(?<![a-zA-Z])(?:en|em|in|tono|tom|tonalidad|tonalit[éà]) "
    r"(?P<key>(?P<note>D[oó]|R[eéè]|Mi|F[aá]|Sol|L[aáà]|Si)(?P<sign>#|b|♯|♭)?(?P<mode> ?[mM-])?)"
    r"(?= ?(?:$|[,;.!?)|]| \d))"
)
_STATED_CHORD = re.compile(
    r"(?<![A-Za-z])(?:in|key of|key:?) [A-G][#b♯♭]?(?:m|maj|min)?"
    r"(?:6|7|9|11|13)(?!\d|[a-z])"
)
_LEADS_ON = re.compile(r" (?:at|by|for|with)\b")
_BEGINS = re.compile(r"(?i)(?:^|[,;:.!?()\[\]|/#]|- |\d |bpm ) ?$")  # a phrase, before a key
_CHORD_BEHIND = re.compile(
    r"(?i) ?(?:(?:6|7|9|11|13)(?:ths?)?(?= ?(?:$|[,.;)]|chords?\b))|chord\b(?! prog)|triad|"
    r"(?:second|third|fourth|fifth|sixth|seventh|ninth)s?\b|interval)"
)
_ADJECTIVES = ("menor", "mayor", "maior", "minore", "maggiore", "klein", "groot")
_NOT_AM = re.compile(  # "I Am", "10:30 Am"
    r"(?i)(?:\b(?:here|i|so|what|where|who|why)|(?<!\d)(?:1[0-2]|0?[1-9])(?:[:.]\d\d)?) $"
)
_RADIO = re.compile(r"(?i) (?:band|i\b|me\b|radio|synth)")
# what is major or minor, behind an article
_NOUNS = re.compile(
    r"(?i) (?:accent|accident|act|anthem|artist|award|bird|breakthrough|change|character|chord|"
    r"crisis|detail|edit|event|feel|festival|film|flaw|hit|incident|influence|issue|keys?\b|"
    r"label|league|lift|mishap|mistake|mode\b|mood|movie|motion|player|problem|production|record|"
    r"release|role|setback|shift|smash|star\b|studio|tonality|tone|touch|tour|tragedy|tweak|"
    r"upgrade|vibe|way|city|complaint|injury|matter|niggle|worry|annoyance|"
    r"(?!accompaniment|ambien|balance|cadence|composition|dance|dissonance|improvis|instrument|"
    r"meditation|modulation|movement|orchestration|progression|romance|sequence|trance|variation)"
    r"[a-z]{2,16}(?:ance|ence|ment|ness|ship|sion|tion|ity)\b)"
)
# what may stand behind one letter that is no key
_LETTER_NOUNS = re.compile(
    r"(?i)[-.][a-z]|/[h-z]| "
    r"(?:class|films?|funk|grade|language|list|movies?|part|roll|section|sides?|strings?|team|"
    r"tuning)\b"
)
# what is built in F, Bb or Eb, whatever key it plays in
_BUILT_IN = re.compile(
    r"(?i)(?:\b(?:(?:clarinet|cornet|euphonium|flugelhorn|flügelhorn|harmonica|horn|"
    r"sax(?:ophone)?|trumpet|tuba|whistle)s?|blues harp)|hz) in $"
)
_PLACES = re.compile(  # and what else has a number and a letter
    r"(?i)\b(?:act|apartment|apt\.?|block|building|bus|chapter|class|door|exhibit|fig(?:ure)?\.?|"
    r"flat|flight|floor|form|gate|grade|highway|level|line|model|no\.?|number|page|part|phase|"
    r"platform|quality|road|room|route|row|scene|schedule|seat|section|side|stage|studio|suite|"
    r"take|terminal|tier|track|type|unit|version|vitamin|zone) $|# ?$"
)
_PLACES_BEHIND = re.compile(
    r"(?i) (?:ave(?:nue)?|battery|batteries|beef|class|grade|quality|road|street|students?)\b"
)
_CHORD = (
    r"(?![AF]M\b)[A-G][#b♯♭]?(?:maj|min|dim|aug|sus|add|m|M)?(?:[245679]|11|13|69)?"
    r"(?:/[A-G][#b♯♭]?)?"
    r"(?!-?[A-Za-z]|[0-9#♯♭'&])(?! (?:major|minor|maj|min|flat|sharp)\b)"
)
_PROGRESSION = re.compile(
    rf"(?<![{_LETTER}0-9#])(?:{_CHORD}(?: ?[|>→-]+ ?| ){_CHORD}(?:(?: ?[|>→-]+ ?| |, ?){_CHORD})*"
    rf"|{_CHORD}(?:, ?{_CHORD}){{2,}})"
)
_LISTED = re.compile(r"(?i)\b(?:chords?|changes|loops?|over|progression|vamps?) $")
_SLASH = re.compile(r" ?/ ?")
_STATED = re.compile(r"(?i)(?<![a-z])key ?(?:scale ?)?[:=] ?(?P<words>[^\s,;|]{1,20})")


_LAST_WORD = re.compile(  # of a phrase; no adjective
    r" (?P<word>[A-Za-z]{3,20})(?<!al)(?<!ed)(?<!ic)(?<!ing)(?<!ish)(?<!ive)(?<!ful)(?<!less)"
    r"(?<!ous)(?= ?(?:$|[,;:.!?()|])| (?:about|from|in|of|on|that|which)\b)"
)
_ARTICLE = re.compile(
    rf"(?:^|[,;:.!?()|] ?)(?P<words>(?P<key>A (?:minor|major)){_LAST_WORD.pattern})"
)


class KeyMention(NamedTuple):
    """A place that names a key. `is_stated`: a word before it says that it is one; `is_denied`:
    that it is not wanted.
    """

    start: int
    end: int
    said: str
    key: str
    is_stated: bool
    is_denied: bool


def find_key(text: str) -> Said:
    """What a normalized text says of the key."""
    progressions = [each for each in _PROGRESSION.finditer(text) if not _is_pair(text, each)]
    chords = Places(text)
    for progression in progressions:
        chords.take(*progression.span())
    found = sorted(_find_mentions(text, chords), key=lambda each: (not each.is_stated, each.start))
    named = [mention for mention in found if not mention.is_denied]
    if found and not named:
        denied = join_said(mention.said for mention in found)
        return Said(problems=(f"the prompt denies {denied}: no key was taken from that",))
    if not named:
        return Said(problems=tuple(_find_problems(text, progressions)))
    keys = list(dict.fromkeys(scale_of(mention.key) for mention in named))
    key = named[0].key
    said = join_said(mention.said for mention in named)
    then = _THEN.match(text, named[0].end) if named[0].is_stated else None
    if then and len(keys) == 1:
        said = f"{said} to {then['key']}"
        keys.append(())
    verdict = TAKEN if said == key else f"{key} was taken"
    if len(keys) > 1:
        verdict += ", the first" if named[0] == min(named) else ", which is called the key"
    elif any(mode in said.lower() for mode in CHURCH_MODES):
        verdict += ", the nearest of major and minor"
    return Said(key, said, verdict, words=tuple(mention.said for mention in named))


def _find_problems(text: str, progressions: Sequence[re.Match[str]]) -> Iterator[str]:
    """What names no key that was understood, but was to."""
    if match := _STATED.search(text):
        yield (
            f"the prompt names a key that was not understood, {match['words']}: none was taken; "
            "write it like A minor, F#m or 8A"
        )
    elif (match := _ARTICLE.search(text)) and not _NOUNS.match(text, match.end("key")):
        yield (
            f"the prompt says {match['words']}: no key was taken from that; if it is one, write "
            f"in {match['key']}"
        )
    elif match := _STATED_CHORD.search(text):
        yield (
            f"the prompt says {match[0]}, which is a chord: no key was taken from it; write it "
            "like A minor, F#m or 8A"
        )
    elif progressions:
        yield (
            f"the prompt lists chords, {progressions[0][0][:60]}: no key was taken from them; the "
            "parameter guide plays them"
        )


def _is_pair(text: str, progression: re.Match[str]) -> bool:
    """Whether it is a key with an article behind it, "F#m A dark beat", or the ends of two
    phrases: "Plan B | Am".
    """
    if re.fullmatch(r"\S+ A", progression[0]):
        return True
    before = look_back(text, progression.start())
    is_name = re.fullmatch(r"[A-G] \| \S+", progression[0]) is not None
    return is_name and bool(re.search(r"[a-z] $", before)) and not _LISTED.search(before)


def _find_mentions(text: str, chords: Places) -> Iterator[KeyMention]:
    """Every place once: of forms that overlap, the one that says most."""
    taken = Places(text)
    usual_mode = _find_usual_mode(text)
    for match in _SYLLABLE.finditer(text):
        if mention := _read_syllable(text, match):
            taken.take(mention.start, mention.end)
            yield mention
    for form in (*_NAMED, _LETTERS, _CAMELOT, _OPEN_KEY):
        for match in form.pattern.finditer(text):
            if taken.overlap(*match.span()):
                continue
            if mention := _read_mention(text, match, form, chords, usual_mode):
                taken.take(*match.span())
                yield mention


def _read_syllable(text: str, match: re.Match[str]) -> KeyMention | None:
    """En La m, em Sol M, en Mi."""
    mode = {"m": "menor", "-": "menor"}.get((match["mode"] or "").strip(), "mayor")
    key = parse_key(f"{match['note']}{match['sign'] or ''} {mode}")
    start, end = match.span("key")
    return KeyMention(start, end, match["key"], key, True, is_denied(text, start, end))


def _read_mention(
    text: str, match: re.Match[str], form: KeyForm, chords: Places, usual_mode: str
) -> KeyMention | None:
    """None for what is no key."""
    place = _Place(look_back(text, match.start()), look_ahead(text, match.end()))
    name = form.read(match)
    mode = name.mode
    if form is _CAMELOT:
        is_key = _is_camelot(place, match)
    elif form is _OPEN_KEY:
        is_key = place.is_key
    elif form is not _LETTERS:
        is_key = _is_named_key(place, match)
    else:
        is_key = _is_letter_key(place, match, chords)
        mode = mode or _find_mode(text, match, name.note, usual_mode)
    if not is_key or not mode:
        return None
    return KeyMention(
        *match.span(),
        match[0],
        f"{name.note} {mode}",
        place.is_stated,
        is_denied(text, *match.span()),
    )


class _Place(NamedTuple):
    """What is around a name that may be a key's."""

    before: str
    after: str

    @property
    def is_key(self) -> bool:
        """Whether "key of" is before it, or the like."""
        return bool(_KEY_BEFORE.search(self.before))

    @property
    def is_in(self) -> bool:
        """Whether "in" is before it."""
        return bool(_IN_BEFORE.search(self.before))

    @property
    def is_stated(self) -> bool:
        return self.is_in or self.is_key

    @property
    def ends(self) -> bool:
        """Whether a phrase ends with it."""
        return bool(_ENDS.match(self.after))

    @property
    def is_alone(self) -> bool:
        """Whether it is a phrase."""
        return self.ends and bool(_BEGINS.search(self.before))


def _is_camelot(place: _Place, match: re.Match[str]) -> bool:
    if place.is_stated or place.is_alone:
        return not _PLACES.search(place.before)
    is_place = _PLACES.search(place.before) or _PLACES_BEHIND.match(place.after)
    return match["letter"].isupper() and not is_place


def _is_named_key(place: _Place, match: re.Match[str]) -> bool:
    """A mode that is also an adjective, as in "la mayor parte", ends the phrase."""
    is_adjective = match["mode"].lower() in (
        "menor",
        "mayor",
        "maior",
        "minore",
        "maggiore",
        "klein",
        "groot",
    )
    is_sure = place.is_stated or not is_adjective or match["note"][0].isupper()
    return is_sure or place.ends or bool(_LEADS_ON.match(place.after))


def _is_letter_key(place: _Place, match: re.Match[str], chords: Places) -> bool:
    mode = match["mode"] or ""
    is_spelled = len(mode) > 1
    if _CHORD_BEHIND.match(place.after):
        return False
    if not (is_spelled or place.is_stated) and chords.overlap(*match.span()):
        return False
    if not mode:
        return _is_bare_key(place, match)
    if is_spelled:
        return _is_spelled_key(place, match)
    return _is_short_key(place, match)


def _is_bare_key(place: _Place, match: re.Match[str]) -> bool:
    """In Eb; key of D: major, as nothing else is said."""
    note = match["note"]
    if not place.is_stated and place.is_alone:  # F#; E flat; Bb
        is_word = len(match["sign"] or "") > 1
        return bool(match["sign"] or match["flat"]) and (
            note.isupper() or (is_word and note != "a")
        )
    if not place.is_stated or _LETTER_NOUNS.match(place.after) or _BUILT_IN.search(place.before):
        return False
    if match["sign"] in ("#", "♯", "♭"):
        return True
    if match["sign"]:  # in words: "in a flat" is where one lives
        return note not in "aA" or (note == "A" and place.ends)
    if match["flat"] and note.islower():
        return place.is_key or (note in "be" and place.ends)
    if note == "A" and not match["flat"]:
        return place.ends
    if note.islower():
        return place.ends and (note != "a" or place.is_key)
    return True


def _is_short_key(place: _Place, match: re.Match[str]) -> bool:
    """F#m, Bbm, Am; not "I Am", and not FM radio."""
    note, mode = match["note"], match["mode"]
    if place.is_key:
        return True
    if mode == "M":
        return bool(match["sign"] or match["flat"])
    if note.islower():
        return bool(match["sign"]) or (place.is_in and bool(match["flat"]))
    if match["sign"] or match["flat"] or place.is_in:
        return True
    is_glued = len(match[0]) == 2
    is_verb = note == "A" and bool(_NOT_AM.search(place.before))
    return is_glued and not is_verb and not _RADIO.match(place.after)


def _is_spelled_key(place: _Place, match: re.Match[str]) -> bool:
    """A minor; not "a minor key", "a major label" or "wait a min"."""
    note = match["note"]
    is_glued = match[0].isalpha()
    if match["sign"] or match["flat"] or is_glued:
        return True
    if note in "aA" and _NOUNS.match(place.after):
        return note == "A" and place.before.endswith(("in ", "the ")) and "key" in place.after[:4]
    if note == "A" and not place.is_stated and _is_article(place):
        return False
    if note.isupper():
        is_short = match["mode"].lower() in ("min", "maj")
        return not (is_short and note == "A") or place.is_stated or place.ends
    if note == "a":
        is_free = place.is_stated or bool(_BEGINS.search(place.before))
        return is_free and (place.ends or bool(_LEADS_ON.match(place.after)))
    return match["mode"].lower() not in ("min", "maj") or place.is_stated or place.ends


def _is_article(place: _Place) -> bool:
    """Whether a phrase is "A minor" and one noun that is no word of music: "A minor victory"."""
    noun = _LAST_WORD.match(place.after)
    if not noun or not _BEGINS.search(place.before):
        return False
    word = noun["word"].lower()
    return word not in MUSIC_WORDS and word.removesuffix("s") not in MUSIC_WORDS


def _find_mode(text: str, match: re.Match[str], note: str, usual_mode: str) -> str:
    """The mode of a key that names none: that of its twin behind a slash ("C#/Db minor"), or else
    the usual one; "" where it is a chord over a bass, "C/G".
    """
    slash = _SLASH.match(text, match.end())
    twin = _LETTERS.pattern.match(text, slash.end()) if slash else None
    is_apart = slash is not None and " " in slash[0]
    if twin and is_apart and (twin[0].islower() or not _ENDS.match(text, twin.end())):
        twin = None  # key: Eb / a key change
    if twin:
        other = LETTER_FORM.read(twin)
        if scale_of(other.complete())[0] == scale_of(f"{note} major")[0]:
            return other.mode or usual_mode
        if not other.mode:
            return ""
    return usual_mode


def _find_usual_mode(text: str) -> str:
    """Major, as musicians say "in D", unless the text speaks of minor alone."""
    words = {*re.findall(r"[a-z]+", text.lower())}
    return "minor" if words & {"minor", "moll"} and not words & {"major", "dur"} else "major"
