"""What stands behind a chord's root, as people write it, and the tones that it means."""

from __future__ import annotations

import re

QUALITIES = (  # those that are shown where one is not understood
    *("", "m", "dim", "aug", "5", "6", "m6", "69", "m69", "sus2", "sus4", "add9", "madd9", "add11"),
    *("7", "maj7", "m7", "mmaj7", "m7b5", "dim7", "7sus4", "7b5", "7#5", "maj7#5", "7b9", "7#9"),
    *("7#11", "maj7#11", "7alt", "9", "maj9", "m9", "mmaj9", "9sus4", "9b5", "9#5", "9#11"),
    *("maj9#11", "11", "m11", "13", "maj13", "m13", "13sus4", "13b9", "13#11"),
)
SPELLINGS = {  # how else people write them
    "Maj7 ma7 M7 7M Δ Δ7": "maj7",
    "min7 mi7 -7": "m7",
    "m(maj7) mM7 -Δ7": "mmaj7",
    "ø ø7 m7-5": "m7b5",
    "° °7": "dim, dim7",
    "+ +7 7+": "aug, 7#5",
    "sus 7sus": "sus4, 7sus4",
    "6/9 m6/9": "69, m69",
    "(9) m(11)": "add9, madd11",
    "7(b9,#11) 7-9 7+9": "7b9#11, 7b9, 7#9",
}

_SIGNS = str.maketrans("♯♭−–‑△∆Ø⌀º", "#b---ΔΔøø°")
_REWRITTEN = tuple(
    (re.compile(pattern), meant)
    for pattern, meant in (
        (r"[()\[\],\s]+|/(?=[0-9mMΔ])", ","),
        ("[Mm]ajor|[Mm][Aa][Jj]|M[Aa](?!dd)|ma(?!dd)|M(?![Ii])", "maj"),
        ("Δ(?=[0-9])", "maj"),
        ("Δ", "maj7"),
        ("^(?:[Mm]inor|[Mm][Ii][Nn]|[Mm][Ii]|-)", "m"),
        ("^ø(?=9|11)", "mb5"),
        ("^ø7?", "m7b5"),
        ("^mb5(9|11)", r"m\1b5"),
        ("[Dd]im|°|^o(?=[79,]|$)", "dim"),
        (r"^(?:[Aa]ug|\+)", "aug"),
        (r"\+(?=[0-9])", "#"),
        ("-(?=[0-9])", "b"),
        (r"\+", "aug"),
        ("[Ss]us|SUS", "sus"),
        ("sus(7|9|13)$", r"\1sus"),
        ("^dom", ""),
        ("^alt", "7alt"),
    )
)
_CHANGE = re.compile(
    r"(?P<apart>,?)(?:(?P<add>add)?(?P<sign>[#b]?)(?P<degree>13|11|9|6|5|4|2)"
    r"|sus(?P<sus>2,?4|4,?2|2|4)?|(?:no|omit)(?P<without>[35])(?:rd|th)?|(?P<word>alt|aug))"
)
_QUALITY = re.compile(
    r"(?P<minor>m(?!aj))?(?P<dim>dim)?(?P<aug>aug)?(?:,?(?P<major>maj))?"
    r"(?P<number>6,?9|13|11|9|7|6|5)?(?:,?(?P<late>maj)7?)?"
    rf"(?P<changes>(?:{re.sub('[?]P<[a-z]+>', '', _CHANGE.pattern)}){{0,6}}),?"
)
_ABOVE = {2: 14, 4: 17, 6: 9, 9: 14, 11: 17, 13: 21}  # semitones above the root, by degree
_SIGNED = {"": 0, "#": 1, "b": -1}


def read_quality(text: str) -> tuple[int, ...] | None:
    """The tones in semitones above the root: 0, third, fifth, sixth or seventh, and what is above.

    Of 9, 11 and 13 it is that tone, not all below it too; an 11 has the 4 and the 9 in place of the
    third, which would rub. None where it is not understood.
    """
    text = text.translate(_SIGNS)
    for pattern, meant in _REWRITTEN:
        text = pattern.sub(meant, text)
    match = _QUALITY.fullmatch(text)
    if match is None or _contradicts(match):
        return None
    return _Tones(match).read_changes(match["changes"], match["number"] or "")


def _contradicts(match: re.Match[str]) -> bool:
    """Whether its parts are no chord together: m5, mmaj."""
    colours = [name for name in ("minor", "dim", "aug") if match[name]]
    if len(colours) > 1 or (match["late"] and match["major"]):
        return True
    if match["number"] == "5":
        return bool(match["minor"] or match["dim"] or match["major"])
    return bool(match["major"] and colours and match["number"] not in ("7", "9", "11", "13"))


class _Tones:
    """The tones of a chord as they are read."""

    def __init__(self, match: re.Match[str]) -> None:
        number = (match["number"] or "").replace(",", "")
        major = bool(match["major"] or match["late"])
        self.thirds = [3 if match["minor"] or match["dim"] else 4]
        self.fifths = [6 if match["dim"] else 8 if match["aug"] else 7]
        self.sevenths: list[int] = []
        self.above: set[int] = set()
        if number == "5" and not match["aug"]:
            self.thirds = []
        if number in ("6", "69"):
            self.sevenths = [9]
        if number in ("7", "9", "11", "13"):
            self.sevenths = [11 if major else 9 if match["dim"] else 10]
        if number in ("9", "69"):
            self.above = {14}
        if number == "13":
            self.above = {21}
        if number == "11":
            self.above = {17}
            if self.thirds == [4]:
                self.thirds = [5]
                self.above = {14}

    def read_changes(self, text: str, number: str) -> tuple[int, ...] | None:
        """All tones, lowest first but for what is above the seventh; None where a change is
        none.
        """
        for change in _CHANGE.finditer(text):
            if not self._change(change, number):
                return None
        above = sorted(self.above - {tone + 12 for tone in self.thirds})
        return (0, *self.thirds, *self.fifths, *self.sevenths, *above)

    def _change(self, change: re.Match[str], number: str) -> bool:
        if change["degree"]:
            return self._change_degree(change, number)
        if change["without"]:
            degree = self.thirds if change["without"] == "3" else self.fifths
            degree.clear()
        elif change["word"]:
            self.fifths = [8]
            self.above |= {15} if change["word"] == "alt" else set()
        else:
            self.thirds = sorted(
                {"2": 2, "4": 5}[one] for one in (change["sus"] or "4") if one != ","
            )
        return True

    def _change_degree(self, change: re.Match[str], number: str) -> bool:
        """A tone that is added, or raised or lowered. One that is neither stands by itself, as in
        7(13).
        """
        degree = int(change["degree"])
        shift = _SIGNED[change["sign"]]
        is_plain = not change["add"] and not change["sign"]
        stands_apart = change["apart"] and degree in (9, 11, 13) and number != "5"
        if is_plain and not stands_apart:
            return False
        if degree == 5:
            self.fifths = sorted({*self.fifths, 7 + shift} - {7}) or [7]
        elif degree == 6 and not shift:
            self.sevenths = sorted({*self.sevenths, 9})
        else:
            self.above.add(_ABOVE[degree] + shift + (12 if degree == 6 else 0))
        return True
