"""Numbers as people write them: "92 BPM", "1:30", "44.1 kHz", "80%", "92,5". No MLX."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_PLAIN = str.maketrans("‐‑–—−′’″”", "-----''\"\"")
_NUMBER = r"(?P<number>[+-]?(?:\d[\d.,' ]{0,20}\d|\d|[.,]\d))"
_MINUTES = r"(?:minutes?|minuten?|minutos?|minut[iayęo]|mins?|m|'|мин(?:ут[аыу]?)?|分钟?|分鐘|분)"
_SECONDS = (
    r"(?:seconds?|secondes?|segundos?|secondi|sekund(?:en?|y|a)?|seconden|secs?|seg|sek|s|\"|"
    r"сек(?:унд[аыу]?)?|秒钟?|초)"
)
BPM = (  # in a text of small letters
    r"(?:[bpq]pm(?:'?s)?|b(?:\. ?|[ -])p(?:\. ?|[ -])m|bmp|бпм|/ ?min(?:ute)?|"
    r"(?:batidas|battements|battiti|beats?|crotchets|pulsaciones|pulsos|quarter(?:[ -]note)?s|"
    r"schläge|slag|slagen|uderzeń|"
    r"уд(?:аров)?\.?|бит(?:ов|а)?|"
    r"nhịp|iskua|úderů)"
    r" ?(?:/|a|al|i|in der|na|par|per|por|pr\.|pro|za|в) ?"
    r"(?:minut[eaoęu]n?|minuut|minuutissa|phút|min|мин(?:уту)?)|à la noire|a la negra|"
    r"拍[/每]分|vuruş(?:/dk)?)"
)
_CLOCK = re.compile(
    r"(?P<sign>-?)(?:(?P<hours>\d{1,2}):(?=\d\d:))?(?P<minutes>\d{1,4})"
    rf":(?P<seconds>[0-5]?\d(?:[.,]\d{{1,6}})?)(?: ?(?:{_MINUTES}|{_SECONDS})\.?)?"
)
_MINUTES_AND_SECONDS = re.compile(
    rf"(?P<sign>-?)(?P<minutes>\d{{1,4}}) ?{_MINUTES}\.? ?(?:and |e |et |und |y )?"
    rf"(?P<seconds>[0-5]?\d(?:[.,]\d{{1,6}})?) ?{_SECONDS}?\.?"
)
_EXPONENT = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)e[+-]?\d{1,3}")
# of thousands, and of numbers that could be those
_ENGLISH = re.compile(r"[+-]?\d{1,3}(?:(?:,\d{3})+\.\d+|(?:,\d{3}){2,}|(?:[ ']\d{3})+(?:\.\d+)?)")
_CONTINENTAL = re.compile(r"[+-]?\d{1,3}(?:(?:[. ]\d{3})+,\d+|(?:\.\d{3}){2,})")
_EITHER = re.compile(r"[+-]?\d{1,3},\d{3}")
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)")


class Unit(NamedTuple):
    """What a number is counted in: how it may be written, and what one of that is in the unit that
    a request has. `example` is for whoever wrote it otherwise.
    """

    example: str
    forms: tuple[tuple[re.Pattern[str], float], ...]
    is_time: bool = False


def _make_unit(
    example: str, words: dict[str, float] | None = None, before: str = "", is_time: bool = False
) -> Unit:
    """`words` and `before` are regular expressions of what may stand behind a number, and in front
    of it.
    """
    factors = {"": 1.0} | (words or {})
    forms = (
        (re.compile(rf"(?:{before})?[~≈]? ?{_NUMBER}[ -]?(?:{behind})\.?"), factor)
        for behind, factor in factors.items()
    )
    return Unit(example, tuple(forms), is_time)


PLAIN = _make_unit("42")
TEMPO = _make_unit(
    "92, 92.5 or 92 BPM",
    {BPM: 1.0},
    before=r"(?:(?:bpm|tempo|♩) ?[:=]? ?)?(?:(?:about|approx\.?|around|ca\.?|circa|etwa) )?",
)
TIME = _make_unit(
    "12, 12.5 s or 1:30",
    {_SECONDS: 1.0, "ms|milliseconds?": 0.001, _MINUTES: 60.0},
    is_time=True,
)
BARS = _make_unit(
    "8 or 8 bars",
    {
        "bars?|measures?|mesures?|takte?|comp[aá]s(?:es)?|compass[io]s?|battut[ae]|misur[ae]|ma[ta]t?en|"
        "такт(?:а|ов)?|小[节節]|마디": 1.0
    },
)
BEATS = _make_unit(
    "4 or 4 beats",
    {"(?:beats?|schläge|temps|tiempos|tempi|tempos)(?: ?(?:per|a|/) ?(?:bar|measure))?|拍": 1.0},
)
STEPS = _make_unit("8 or 8 steps", {"(?:inference |sampling )?steps?|schritte": 1.0})
LEVEL = _make_unit("-1 or -1 dB", {"dbfs|dbtp|db": 1.0})
LOUDNESS = _make_unit("-14 or -14 LUFS", {"lufs|lkfs|db": 1.0})
FREQUENCY = _make_unit("48000 or 48 kHz", {"hz|hertz": 1.0, "khz|k": 1000.0})
SHARE = _make_unit("0.8 or 80%", {"%|percent|per cent|prozent": 0.01})


def read_quantity(text: str, unit: Unit, low: float, high: float, is_whole: bool = False) -> float:
    """The number in a text, in the unit that a request has; an int where it is a plain one.
    `low..high`, and whether it `is_whole`, tell the thousands of "48,000" from decimals. Raises
    ValueError for what is none, or might be another, with how it may be written.
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).translate(_PLAIN).lower().split())
    plain = re.sub(r"^([+-]) ", r"\1", plain.replace("''", '"'))
    if re.fullmatch(r"[+-]?\d{1,18}", plain):
        return int(plain)
    if unit.is_time and (match := _CLOCK.fullmatch(plain) or _MINUTES_AND_SECONDS.fullmatch(plain)):
        return _read_time(match)
    for pattern, factor in unit.forms:
        if match := pattern.fullmatch(plain):
            meanings = [round(value * factor, 12) for value in _list_meanings(match["number"])]
            return _choose(meanings, low, high, is_whole)
    if _EXPONENT.fullmatch(plain):
        return float(plain)
    raise ValueError(f"like {unit.example}")


def _read_time(match: re.Match[str]) -> float:
    """1:30, 0:01:30, 1 min 30, 1m30s, in seconds."""
    hours = int(match.groupdict().get("hours") or 0)
    seconds = float(match["seconds"].replace(",", "."))
    seconds += 3600 * hours + 60 * int(match["minutes"])
    return -seconds if match["sign"] else seconds


def _choose(meanings: list[float], low: float, high: float, is_whole: bool) -> float:
    """The only one, or that which is allowed. Raises ValueError where more than one is."""
    if len(meanings) == 1:
        return meanings[0]
    possible = [value for value in meanings if not is_whole or value.is_integer()]
    allowed = [value for value in possible if low <= value <= high]
    if len(allowed) == 1:
        return allowed[0]
    raise ValueError(f"without a comma: {' or '.join(f'{each:.10g}' for each in meanings)}")


def _list_meanings(written: str) -> list[float]:
    """What a number may be: with decimals or thousands behind its comma. Raises ValueError for
    none.
    """
    if _ENGLISH.fullmatch(written):
        return [float(re.sub(r"[, ']", "", written))]
    if _CONTINENTAL.fullmatch(written):
        return [float(re.sub(r"[. ]", "", written).replace(",", "."))]
    if not _DECIMAL.fullmatch(written):
        raise ValueError("as one number")
    decimal = float(written.replace(",", "."))
    return [decimal, 1000 * decimal] if _EITHER.fullmatch(written) else [decimal]
