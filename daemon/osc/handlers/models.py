"""Which model plays."""

from __future__ import annotations

import re

from pipeline.did_you_mean import suggest
from pipeline.request import OutOfRange
from pipeline.voices import HUB_MODEL, VOICES

from ...jobs import Refused
from ...settings import Settings
from ..arguments import Arguments, parse_id_at
from ..command import Command, Context


def switch_model(context: Context, arguments: Arguments) -> None:
    name = parse_id_at(arguments, 0)
    variant = parse_id_at(arguments, 1)
    choices = list_models(context.settings)
    if name not in choices:
        listed = f"it may be one of {' '.join(choices)}; list more under models in the settings"
        hint = suggest(name, choices) or listed
        raise Refused(403, f"{name[:80]!r} is not a model that messages may choose", hint)
    if variant and not re.fullmatch(r"\w[\w.-]*", variant):
        raise OutOfRange(f"a variant is the name of a sub-folder, got {variant[:40]!r}")
    context.expect_fail("/ace/model")
    context.engine.switch_model(name, variant)
    context.answer("done", "/ace/model", 0, 0)


def list_models(settings: Settings) -> list[str]:
    """Those that messages may choose: what the settings name, and the embedded voices."""
    own = HUB_MODEL if settings.model == "auto" else settings.model
    return [*dict.fromkeys((own, *settings.models, *VOICES))]


COMMANDS = (
    Command(
        "/ace/model",
        "ss",
        "s name, [s variant]",
        "/ace/done",
        "play another model of the settings, or load it again",
        switch_model,
    ),
)
