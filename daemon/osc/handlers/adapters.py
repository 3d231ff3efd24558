"""LoRAs are put on the model and taken off."""

from __future__ import annotations

from pathlib import Path

from pipeline.did_you_mean import suggest
from pipeline.request import OutOfRange
from pipeline.weights.adapter import Adapter, AdapterError, parse_adapters

from ...jobs import Refused
from ..arguments import Arguments, parse_id_at, parse_path_and_scale
from ..command import Command, Context


def set_adapter(context: Context, arguments: Arguments) -> None:
    text, scale = parse_path_and_scale(arguments)
    if not text:
        raise Refused(400, "which adapter? the first argument must be its path")
    adapters = {adapter.path: adapter for adapter in context.engine.adapters}
    # one that is on already may be called by its file's name
    path = next((path for path in adapters if text in (path, Path(path).name)), "")
    # at once: whether its files are there is looked at, and the worker reads them
    path = path or str(context.allowed_folders.resolve_adapter(text))
    try:
        adapters[path] = Adapter(path, scale).validate()
    except AdapterError as error:
        raise OutOfRange(str(error)) from None
    context.expect_fail("/ace/adapter")
    _set_adapters(context, "/ace/adapter", parse_adapters(adapters.values()))


def list_or_clear_adapters(context: Context, arguments: Arguments) -> None:
    word = parse_id_at(arguments, 0)
    if word not in ("", "clear"):
        raise OutOfRange(
            "send clear to take all adapters off, or nothing to hear which are worn, "
            f"got {word[:40]!r}",
            suggest(word, ("clear",)),
        )
    if word:
        _set_adapters(context, "/ace/adapters", ())
        return
    for adapter in context.engine.adapters:
        context.answer("worn", *adapter)
    context.answer("done", "/ace/adapters", len(context.engine.adapters), 0)


def _set_adapters(context: Context, command: str, adapters: tuple[Adapter, ...]) -> None:
    context.engine.set_adapters(*adapters)
    context.answer("done", command, len(adapters), 0)


COMMANDS = (
    Command(
        "/ace/adapter",
        "sf",
        "s path, [f scale]",
        "/ace/done",
        "wear a LoRA from the next job on, or change its scale (1); 0 takes it off",
        set_adapter,
    ),
    Command(
        "/ace/adapters",
        "s",
        "[s clear]",
        "/ace/worn each, /ace/done",
        "what is worn; with clear, take it all off",
        list_or_clear_adapters,
    ),
)
