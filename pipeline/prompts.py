"""The texts the model was trained to read: pure string functions (source: the official code,
`golden/prompts.json`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, SupportsInt

from .request import TRACKS, Request

TEXT_LIMIT = 256  # tokens, with the end token that the tokenizer appends
LYRIC_LIMIT = 2048
INSTRUMENTAL = "[Instrumental]"
KNOWN_BEATS = ("2", "3", "4", "6")  # of time signatures

_QUOTED = 40  # characters of a text that a note shows
_END = "<|endoftext|>"
_METADATA = "\n\n# Metas\n"  # what stands between a caption and its metadata

_PART_OF_WORD = re.compile(rf"[^\s\u2e80-\uffff]{{0,{_QUOTED}}}\Z")  # of a script that parts words

_INSTRUCTIONS = {
    "text2music": "Fill the audio semantic mask based on the given conditions:",
    "repaint": "Repaint the mask area based on the given conditions:",
    "cover": "Generate audio semantic tokens based on the given conditions:",
}
_TRACK_INSTRUCTIONS = {
    "extract": ("Extract the {} track from the audio:", "Extract the track from the audio:"),
    "lego": (
        "Generate the {} track based on the audio context:",
        "Generate the track based on the audio context:",
    ),
    "complete": ("Complete the input track with {}:", "Complete the input track:"),
}


def build_instruction(task: str, tracks: tuple[str, ...] = ()) -> str:
    """What the prompt tells the model to do. Raises ValueError for a task or track the model has no
    name for.
    """
    unknown = [track for track in tracks if track not in TRACKS]
    if unknown:
        raise ValueError(f"track must be one of {' '.join(TRACKS)}, got {unknown[0]!r}")
    if task in _INSTRUCTIONS:
        return _INSTRUCTIONS[task]
    if task not in _TRACK_INSTRUCTIONS:
        allowed = " ".join([*_INSTRUCTIONS, *_TRACK_INSTRUCTIONS])
        raise ValueError(f"task must be one of {allowed}, got {task!r}")
    with_tracks, without_tracks = _TRACK_INSTRUCTIONS[task]
    if not tracks:
        return without_tracks
    return with_tracks.format(" | ".join(track.upper() for track in tracks))


def format_metadata(values: Mapping[str, object]) -> str:
    """bpm, time signature, key and duration as the prompt lists them; what is not given is N/A.

    `values` may use the official synonyms (tempo; keyscale, key, key_scale; timesignature,
    time_signature; length). Without a duration the model reads 30 seconds.
    """
    lines = {
        "bpm": _find_value(values, "bpm", "tempo"),
        "timesignature": _find_value(values, "timesignature", "time_signature"),
        "keyscale": _find_value(values, "keyscale", "key", "key_scale"),
        "duration": _format_duration(_find_value(values, "duration", "length")),
    }
    return "".join(f"- {name}: {_format_value(value)}\n" for name, value in lines.items())


def _find_value(values: Mapping[str, object], *names: str) -> object:
    """The first of them that is given; None where none is."""
    return next((values[name] for name in names if values.get(name)), None)


def _format_duration(duration: object) -> str:
    if isinstance(duration, str):
        return duration
    return f"{int(duration) if isinstance(duration, SupportsInt) else 30} seconds"


def _format_value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return str(value or "").strip() or "N/A"


def build_text_prompt(
    caption: str, metadata: str, instruction: str = _INSTRUCTIONS["text2music"]
) -> str:
    """What the text encoder reads. A caption that is such a prompt already contributes its caption
    part only.
    """
    if not instruction.endswith(":"):
        instruction += ":"
    return (
        f"# Instruction\n{instruction}\n\n"
        f"# Caption\n{extract_caption(caption)}{_METADATA}{metadata}{_END}\n"
    )


def extract_caption(caption: str) -> str:
    """The caption part of a prompt; the caption itself where it is none."""
    found = re.search(r"# Caption\n(.*?)(?=\n\n# Metas|\Z)", caption, re.DOTALL)
    return found[1].strip() if found and caption.startswith("# Instruction") else caption


def build_lyric_prompt(lyrics: str, language: str) -> str:
    """What the lyric encoder reads."""
    return f"# Languages\n{language}\n\n# Lyric\n{lyrics}{_END}"


def find_known_signature(request: Request) -> str:
    """The time signature, where the models know it; "" for one like 5/4 or 7/8."""
    count = request.time_signature.partition("/")[0]
    return request.time_signature if count in KNOWN_BEATS else ""


def build_prompts(
    request: Request, task: str = "text2music", tracks: tuple[str, ...] = ()
) -> tuple[str, str]:
    """The caption prompt and the lyric prompt of a request for a task; no lyrics mean an
    instrumental.
    """
    values = {
        "bpm": request.bpm or None,
        "keyscale": request.key,
        "timesignature": find_known_signature(request),
        "duration": max(1, int(request.length)),
    }
    lyrics = request.lyrics.strip() or INSTRUMENTAL
    instruction = build_instruction(task, tracks)
    caption = build_text_prompt(request.prompt, format_metadata(values), instruction)
    return caption, build_lyric_prompt(lyrics, request.language)


class Unread(NamedTuple):
    """What of a request's texts is beyond what the model reads: the ends of two prompts."""

    caption: str = ""
    lyrics: str = ""

    @property
    def lyric_lines(self) -> int:
        """How many lines of the lyrics are not read, or not to their ends."""
        return self.lyrics.count("\n") + 1 if self.lyrics else 0

    def describe(self) -> tuple[str, ...]:
        """As notes."""
        notes = []
        if self.caption:
            words, mark, _ = self.caption.partition(_METADATA)
            parts = f"from {_quote(words)} on, and" if mark else "some of"
            notes.append(
                f"the prompt is longer than the model reads ({TEXT_LIMIT} tokens): left out "
                f"{parts} bpm, key, time signature and length; shorten it"
            )
        if self.lyrics:
            notes.append(
                f"the lyrics are longer than the model reads ({LYRIC_LIMIT} tokens): left out from "
                f"{_quote(self.lyrics)} on; shorten them, or make two takes"
            )
        return tuple(notes)


def find_unread(prompt: str, end: int) -> str:
    """The words of a prompt of which the model reads the first `end` characters; the word that is
    cut is one of them.
    """
    unread = prompt[end:].removesuffix("\n").removesuffix(_END)
    if unread[:1].strip() and (cut := _PART_OF_WORD.search(prompt[max(0, end - _QUOTED) : end])):
        unread = cut[0] + unread
    return unread.strip()


def _quote(text: str) -> str:
    words = " ".join(text[: 2 * _QUOTED].split())
    return repr(words if len(words) <= _QUOTED else f"{words[:_QUOTED].rsplit(' ', 1)[0]}…")
