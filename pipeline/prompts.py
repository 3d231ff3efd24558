"""The texts the model was trained to read: pure string functions (source: the official code,
`golden/prompts.json`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .request import TRACKS, Request

TEXT_LIMIT = 256  # tokens, with the end token that the tokenizer appends
LYRIC_LIMIT = 2048
INSTRUMENTAL = "[Instrumental]"

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


def instruction(task: str, tracks: tuple[str, ...] = ()) -> str:
    """What the prompt tells the model to do. Raises ValueError for a task or track the model has no
    name for.
    """
    unknown = [track for track in tracks if track not in TRACKS]
    if unknown:
        raise ValueError(f"track must be one of {' '.join(TRACKS)}, got {unknown[0]!r}")
    if task in _INSTRUCTIONS:
        return _INSTRUCTIONS[task]
    if task not in _TRACK_INSTRUCTIONS:
        known = " ".join([*_INSTRUCTIONS, *_TRACK_INSTRUCTIONS])
        raise ValueError(f"task must be one of {known}, got {task!r}")
    named, plain = _TRACK_INSTRUCTIONS[task]
    return named.format(" | ".join(track.upper() for track in tracks)) if tracks else plain


def metas(values: Mapping[str, Any]) -> str:
    """bpm, time signature, key and duration as the prompt lists them; what is not given is N/A.

    `values` may use the official synonyms (tempo; keyscale, key, key_scale; timesignature,
    time_signature; length). Without a duration the model reads 30 seconds.
    """
    bpm = _first(values, "bpm", "tempo")
    key = _first(values, "keyscale", "key", "key_scale")
    signature = _first(values, "timesignature", "time_signature")
    duration = _first(values, "duration", "length")
    if not isinstance(duration, str):
        duration = f"{int(duration or 30)} seconds"
    lines = {"bpm": bpm, "timesignature": signature, "keyscale": key, "duration": duration}
    return "".join(f"- {name}: {_shown(value)}\n" for name, value in lines.items())


def _first(values: Mapping[str, Any], *names: str) -> Any:
    return next((values[name] for name in names if values.get(name)), None)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return str(value or "").strip() or "N/A"


def text_prompt(
    caption: str, meta_lines: str, instruction: str = _INSTRUCTIONS["text2music"]
) -> str:
    """What the text encoder reads. A caption that is such a prompt already contributes its caption
    part only.
    """
    colon = instruction if instruction.endswith(":") else instruction + ":"
    return f"# Instruction\n{colon}\n\n# Caption\n{pure_caption(caption)}\n\n# Metas\n{meta_lines}<|endoftext|>\n"


def pure_caption(caption: str) -> str:
    found = re.search(r"# Caption\n(.*?)(?=\n\n# Metas|\Z)", caption, re.DOTALL)
    return found[1].strip() if found and caption.startswith("# Instruction") else caption


def lyric_prompt(lyrics: str, language: str) -> str:
    return f"# Languages\n{language}\n\n# Lyric\n{lyrics}<|endoftext|>"


def for_request(
    request: Request, task: str = "text2music", tracks: tuple[str, ...] = ()
) -> tuple[str, str]:
    """The caption prompt and the lyric prompt of a request for a task; no lyrics mean an
    instrumental.
    """
    known = {
        "bpm": request.bpm or None,
        "keyscale": request.key,
        "timesignature": request.time_signature,
        "duration": max(1, int(request.length)),
    }
    lyrics = request.lyrics.strip() or INSTRUMENTAL
    caption = text_prompt(request.prompt, metas(known), instruction(task, tracks))
    return caption, lyric_prompt(lyrics, request.language)
