"""Names of files: the base name that a take's files share, and which of them are free.

A name needs no quotes in a shell, and in a URL none but for letters that only other alphabets have.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from pipeline.guide.harmony import FLAT_NOTES, scale_of
from pipeline.prompt_reading import read_prompt
from pipeline.reading.said import normalize
from pipeline.request import Request

from . import disk
from .finished_take import MIX

MAX_SLUG = 48  # bytes
SUFFIXES = (".wav", ".flac", ".lrc", ".json")  # of any take's files
# a base name, and the number that tells it from earlier ones of the same request
_NUMBERED = re.compile(r"(.*_s-?\d+(?:_v\d+)?)(?:_(\d+))?", re.DOTALL)
# what has no accent that could be left out
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)


def build_base_name(request: Request) -> str:
    """`night-drive_128bpm_Amin_8bars_s42`: importers read tempo, key and length from it. Without
    bars, the length is in seconds: `30s`. `s42_v3` is what variation_seed 3 makes of seed 42; `s42`
    alone is the seed itself. The request must be a resolved one.
    """
    parts = [build_slug(request)]
    if request.bpm:
        parts.append(f"{request.bpm:g}bpm")
    if request.key:
        parts.append(spell_key(request.key))
    parts.append(f"{request.bars}bars" if request.bars else f"{round(request.length, 2):g}s")
    parts.append(f"s{describe_seed(request)}")
    return "_".join(parts)


def describe_seed(request: Request) -> str:
    """`7`, and `7_v1` of what variation_seed 1 makes of it."""
    return f"{request.seed}_v{request.variation_seed}" if request.variation else str(request.seed)


def spell_key(key: str) -> str:
    """`Ebmaj`, `Gbmin`: with flats, as a # ends a URL's path and begins a shell's comment."""
    return f"{FLAT_NOTES[scale_of(key)[0]]}{key.split()[1][:3]}"


def build_slug(request: Request) -> str:
    """`night-drive`: the request's name, or else the first words of its prompt or lyrics, without
    the accents of Latin letters; at most `MAX_SLUG` bytes. A tempo, key or metre of the prompt is
    left out where the take has another.
    """
    prompt = _leave_others_out(request)
    text = _leave_accents_out((request.name or prompt or request.prompt or request.lyrics).lower())
    slug = ""
    for word in re.findall(r"[^\W_]+", text):
        longer = f"{slug}-{word}"
        if len(longer.encode()) > MAX_SLUG:
            break
        slug = longer if slug else word
    return slug or "take"


def _leave_others_out(request: Request) -> str:
    """The prompt without what it says of a tempo, key or metre that the take does not have."""
    reading = read_prompt(request.prompt)
    others: list[str] = []
    if reading.bpm not in (0, request.bpm):
        others += reading.tempo.words
    if reading.key not in ("", request.given_key):
        others += reading.musical_key.words
    meter = Request(time_signature=reading.time_signature).meter
    if reading.time_signature and request.meter != meter:
        others += reading.meter.words
    if not others:
        return request.prompt
    text = normalize(request.prompt)
    for words in others:
        text = re.sub(rf"(?<!\w){re.escape(words)}(?!\w)", " ", text, flags=re.IGNORECASE)
    return text if re.search(r"[^\W_]", text) else ""


def _leave_accents_out(text: str) -> str:
    """`café` -> `cafe`. The marks of other alphabets make other letters."""
    plain = []
    for letter in unicodedata.normalize("NFC", text).translate(_LETTERS):
        base = unicodedata.normalize("NFD", letter)[0]
        plain.append(base if base.isascii() else letter)
    return "".join(plain)


def build_suffix(stem: str, extension: str) -> str:
    """What stands behind the base name: `.wav` of a mix, `_drums.wav` of a stem."""
    return f".{extension}" if stem == MIX else f"_{stem}.{extension}"


def find_free_base_name(
    folder: Path, base_name: str, suffixes: Sequence[str], first: int = 1
) -> str:
    """The first of NAME, NAME_2, ... of which no file exists, in any format, counted from `first`.
    Another writer may still take it before we do.
    """
    every = {*suffixes, *SUFFIXES}
    number = first
    while True:
        candidate = base_name if number == 1 else f"{base_name}_{number}"
        if not any(disk.is_taken(folder / f"{candidate}{suffix}") for suffix in every):
            return candidate
        number += 1


def find_next_base_name(folder: Path, base_name: str, suffixes: Sequence[str]) -> str:
    """The next free one after a base name that was taken meanwhile: NAME_3 after NAME_2."""
    match = _NUMBERED.fullmatch(base_name)
    if match is None:
        return find_free_base_name(folder, base_name, suffixes, 2)
    return find_free_base_name(folder, match[1], suffixes, int(match[2] or 1) + 1)
