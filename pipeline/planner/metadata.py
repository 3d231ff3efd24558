"""A request's fields as the metadata that the planner writes, and back. No MLX."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..prompts import find_known_signature
from ..request import FIELDS, LANGUAGES, BadRequest, OutOfRange, Request, coerce

_FIELD_OF = {  # where the request has another name for it
    "caption": "prompt",
    "duration": "seconds",
    "keyscale": "key",
    "timesignature": "time_signature",
}


def metadata_of(request: Request) -> dict[str, str]:
    """What a request says of the metadata, as the planner writes them.

    It counts whole beats a minute and whole seconds; bars are counted in the signature's beats.
    Raises `OutOfRange` for a language that it has no code for.
    """
    if request.language not in LANGUAGES:
        raise OutOfRange(f"language must be one of {' '.join(LANGUAGES)}, got {request.language!r}")
    signature = find_known_signature(request)
    if request.bars and not request.time_signature:
        signature = "4"
    metadata = {
        "bpm": str(round(request.bpm)) if request.bpm else "",
        "caption": " ".join(request.prompt.split()),
        "duration": str(max(1, int(request.length))),
        "keyscale": request.key,
        "language": "" if request.language == "unknown" else request.language,
        "timesignature": signature.partition("/")[0],
    }
    return {name: value for name, value in metadata.items() if value}


def fixed_metadata(request: Request) -> dict[str, str]:
    """The same for a song that is still to be put into words: without the caption, and without a
    duration that is the default.
    """
    metadata = metadata_of(request)
    metadata.pop("caption", None)
    if request.has_open_length:
        metadata.pop("duration", None)
    return metadata


def values_of(metadata: Mapping[str, object]) -> dict[str, Any]:
    """Metadata as values of a request; what a request cannot have is left out."""
    values: dict[str, Any] = {}
    for name, value in metadata.items():
        field = _FIELD_OF.get(name, name)
        if field in FIELDS and str(value).strip():
            try:
                values[field] = coerce(field, value)
            except BadRequest:
                continue
    return values


def drop_fixed(values: Mapping[str, Any], request: Request, *open: str) -> dict[str, Any]:
    """The values without those that the request has itself, other than its fields `open`."""
    fixed = {name for name, spec in FIELDS.items() if getattr(request, name) != spec.default}
    fixed -= {*open, *(("seconds",) if request.has_open_length else ())}
    if request.bars:
        fixed |= {"seconds", "time_signature"}
    return {name: value for name, value in values.items() if name not in fixed}
