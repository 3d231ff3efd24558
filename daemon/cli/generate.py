"""`acestepd generate` and `acestepd understand`: one take, or one recording, without a daemon."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipeline.lengths import explain_length
from pipeline.request import PREVIEW, Request
from pipeline.request_files import (
    accept_request,
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
from ..service import select_model
from ..settings import Settings, SettingsError, from_values
from ..watch.written_lyrics import read_written_lyrics

if TYPE_CHECKING:
    from pipeline import AceStep
    from pipeline.planner.planner import Description

_Result = TypeVar("_Result")


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
    tell = _Notes().tell
    for note in (*notes, *explain(first)):  # at once, as making it takes a while
        tell(note)
    for take in list_takes(request, first, count):
        yield _render(loaded, take, settings.out, notes, tell)


def understand(file: str, seed: int, settings: Settings) -> Description:
    """What a recording is, as values of a request."""
    loaded = _load(settings)
    _, description = _run_with_bar(loaded.understand(Request(source=file, seed=seed)))
    return description


class _Notes:
    """Each is printed once, as soon as it is known."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, note: str) -> None:
        if note not in self._told:
            self._told.add(note)
            _print_above_bar(note)


def _render(
    loaded: AceStep, request: Request, out: Path, notes: Sequence[str], tell: Callable[[str], None]
) -> clips.Landed:
    """`notes`: what was read of its lyrics and its source, and how long it is."""
    rendered, _ = _run_with_bar(loaded.render(request), tell)
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


def _print_above_bar(text: str) -> None:
    """A line on stderr, above a progress bar that is there."""
    from tqdm import tqdm

    tqdm.write(text, file=sys.stderr)


def _run_with_bar(
    events: Generator[Progress | Clip, None, _Result],
    tell: Callable[[str], None] = _print_above_bar,
) -> tuple[list[Clip], _Result]:
    """The clips, and what the generator returns, with a progress bar for whoever waits, who is told
    each note as soon as it is known.
    """
    from tqdm import tqdm

    rendered: list[Clip] = []
    event = next(events)  # what cannot be made is said without a bar
    bar_format = "{desc:10} {percentage:3.0f}% |{bar}| {elapsed} < {remaining}"
    with tqdm(total=100, bar_format=bar_format) as bar:
        while True:
            if isinstance(event, Clip):
                rendered.append(event)
            else:
                for said in event.notes or ():
                    tell(said.text)
                bar.set_description(event.label)
                bar.update(100 * event.fraction - bar.n)
            try:
                event = next(events)
            except StopIteration as done:
                bar.update(100 - bar.n)
                return rendered, done.value
