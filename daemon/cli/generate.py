"""`acestepd generate` and `acestepd understand`: one take, or one recording, without a daemon."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipeline.lengths import explain_length
from pipeline.request import PREVIEW, Request
from pipeline.request_files import (
    accept_request,
    check_files,
    explain,
    follow_links,
    follow_source,
    resolve_request,
)
from pipeline.take import Clip, Progress, TakeInfo
from pipeline.voices import VOICES

from ..engine.orders import list_takes
from ..landing import clips, folders
from ..landing.finished_take import FinishedTake
from ..landing.manifest import read_manifest
from ..panel import Panel, keep_lyrics
from ..runtime.event_lines import describe_eta
from ..runtime.lines import ProgressLine
from ..service import select_model
from ..settings import Settings, SettingsError, from_values
from ..watch.written_lyrics import read_written_lyrics

if TYPE_CHECKING:
    from pipeline import AceStep
    from pipeline.planner.planner import Description

_Result = TypeVar("_Result")
MOMENT = 0.05  # of the work: before that nobody knows how long it takes


def generate(
    values: Mapping[str, object],
    *,
    again: Path | None,
    out: Path,
    model: str,
    variant: str,
    bits: int | None,
    adapters: Sequence[str] | None,
    planner: str,
    chosen: Settings,
    count: int = 1,
) -> Iterator[clips.Landed]:
    """Make takes, one after the other, in the folder `out`. `again` is the manifest of one whose
    request, model, bits and adapters hold where nothing else is given. `chosen` are the settings
    as a daemon has them: of these hold `request`, `revision` and `revisions`.
    """
    original = TakeInfo(chosen.request, "auto")
    if again:
        original = read_manifest(again, accept_request)
        for note in original.notes:
            print(note, file=sys.stderr)
    # the lyrics of a manifest were read when it was made
    read_lyrics = keep_lyrics if again and "lyrics" not in values else read_written_lyrics
    panel = Panel(original.request, read_lyrics=read_lyrics)
    built = panel.finish(panel.draft(values))
    # what a take was made with is its own
    session = () if again else built.session
    request, said = follow_source(follow_links(built.request), session)
    notes = (*built.notes, *(each.text for each in said))
    if adapters is None:
        adapters = [adapter.text for adapter in original.adapters]
    settings = from_values(
        {
            "out": out,
            "model": model or original.model,
            "variant": variant,
            "bits": original.bits if bits is None else bits,
            "adapters": list(adapters),
            "planner": planner,
            "revision": chosen.revision,
            "revisions": chosen.revisions,
        }
    )
    folders.check_writable(settings.out)
    default_guide = "auto" if select_model(settings).name in VOICES else "off"
    first = resolve_request(request, default_guide)
    notes = (*notes, *explain_length(request, first))
    loaded = _load(settings)  # first: what cannot be made is one sentence
    line = ProgressLine(sys.stderr)
    tell = _Notes(line).tell
    for note in (*notes, *explain(first)):  # at once, as making it takes a while
        tell(note)
    for number, take in enumerate(list_takes(request, first, count), 1):
        name = f"{number} of {count}" if count > 1 else ""
        yield _render(loaded, take, settings.out, notes, tell, line, name)


def understand(file: str, seed: int, settings: Settings) -> Description:
    """What a recording is, as values of a request."""
    request = Request(source=file, seed=seed)
    check_files(request)
    loaded = _load(settings)
    if obstacle := loaded.find_obstacle_to_understanding():
        obstacle.hint += ": acestepd pull --planner"
        raise obstacle
    line = ProgressLine(sys.stderr)
    _, description = _follow(loaded.understand(request), line, line.say)
    return description


class _Notes:
    """Each is printed once, as soon as it is known."""

    def __init__(self, line: ProgressLine) -> None:
        self._line = line
        self._told: set[str] = set()

    def tell(self, note: str) -> None:
        if note not in self._told:
            self._told.add(note)
            self._line.say(note)


def _render(
    loaded: AceStep,
    request: Request,
    out: Path,
    notes: Sequence[str],
    tell: Callable[[str], None],
    line: ProgressLine,
    name: str,
) -> clips.Landed:
    """`notes`: what was read of its lyrics and its source, and how long it is."""
    rendered, _ = _follow(loaded.render(request), line, tell, name)
    for note in rendered[-1].info.notes:  # previews, which have none, come first
        tell(note)
    # previews are files like the stems, behind them
    rendered.sort(key=lambda clip: clip.name.startswith(PREVIEW))
    try:
        return clips.write_take(out, "generate", FinishedTake.of(rendered).with_notes(notes))
    except OSError as error:
        raise SettingsError(f"cannot write into {out}: {error.strerror}") from error


def _load(settings: Settings) -> AceStep:
    from pipeline import load

    selected = select_model(settings)
    if selected.reason:
        voice = VOICES[selected.name]
        print(f"{selected.name} plays. {voice} {selected.reason}", file=sys.stderr)
    return load(
        selected.name,
        selected.variant,
        revision=settings.pinned_revision,
        bits=settings.bits,
        adapters=settings.adapters,
        planner=settings.planner,
    )


def _follow(
    events: Generator[Progress | Clip, None, _Result],
    line: ProgressLine,
    tell: Callable[[str], None],
    name: str = "",
) -> tuple[list[Clip], _Result]:
    """The clips, and what the generator returns. Whoever waits sees on `line` how far what is
    called so is, and is told each note as soon as it is known.
    """
    rendered: list[Clip] = []
    started = time.monotonic()
    try:
        while True:
            event = next(events)
            if isinstance(event, Clip):
                rendered.append(event)
                continue
            for said in event.notes or ():
                tell(said.text)
            eta = _estimate_rest(event.fraction, time.monotonic() - started)
            line.show(name, event.fraction, event.label, describe_eta(eta))
    except StopIteration as done:
        return rendered, done.value
    finally:
        line.clear()


def _estimate_rest(fraction: float, seconds: float) -> float:
    """How many seconds are left, where so many were needed so far; 0 where nobody knows."""
    return seconds * (1 - fraction) / fraction if fraction >= MOMENT else 0.0
