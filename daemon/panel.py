"""The panel: the current `Request`, which every surface turns, and from which a message takes
what it leaves out.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from pipeline.lengths import explain_two_lengths
from pipeline.request import FIELDS, UNDERSTAND, BadRequest, Request, field_name
from pipeline.request_files import check_files, list_session_fields

if TYPE_CHECKING:
    from .tempo import Tempo

log = logging.getLogger("acestepd.panel")

SHORT_LYRICS = 500  # characters, which are read within a few milliseconds
NOTHING_TO_PLAY = "there is nothing to play: prompt and lyrics are empty"
NOTHING: Mapping[str, BadRequest] = MappingProxyType({})

ParameterListener = Callable[[str, object], None]  # called with a parameter's name and new value


class NothingToPlay(BadRequest):
    """Neither prompt nor lyrics, nor a task or codes."""


class WrittenLyrics(NamedTuple):
    """What was made of lyrics as somebody wrote them: what is sung, the values of other fields that
    stand above the words, those of which it was not understood, with the reason, and sentences for
    whoever wrote them, of which some are `problems`.
    """

    lyrics: str
    values: Mapping[str, object] = MappingProxyType({})
    refused: Mapping[str, BadRequest] = NOTHING
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class Draft(NamedTuple):
    """A request whose lyrics are not read: that `takes_long` where there are many. The message
    has `given` these fields.
    """

    request: Request
    given: tuple[str, ...]
    takes_long: bool


class BuiltRequest(NamedTuple):
    """A request, what was read out of the lyrics that were written for it, which of its fields the
    `session` says, panel or tempo, rather than the message, and what of it are `problems`.
    """

    request: Request
    notes: tuple[str, ...] = ()
    session: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class ReadValues(NamedTuple):
    """Values for fields, with lyrics as they are sung, and what was read out of those."""

    values: dict[str, object]
    notes: tuple[str, ...] = ()


LyricsReader = Callable[[str], WrittenLyrics]


def keep_lyrics(text: str) -> WrittenLyrics:
    """For lyrics that were read before, or written down as they are sung."""
    return WrittenLyrics(text)


class Panel:
    """Set from any thread. Listeners are called with every change, on the thread that makes it, and
    must be quick.

    Lyrics stay as they were set; `read_lyrics` makes of them what is sung, where a request is made.
    `defaults` are the settings' [request], which every new request begins with: the panel holds
    what was turned over them, a watched folder its own.
    """

    def __init__(
        self,
        request: Request,
        tempo: Tempo | None = None,
        read_lyrics: LyricsReader = keep_lyrics,
    ) -> None:
        self.request = request
        self.defaults = request
        self.tempo = tempo
        self._read_lyrics = read_lyrics
        self._read = ("", WrittenLyrics(""))  # the panel's own lyrics, as they were read last
        self._lock = threading.RLock()
        self._listeners: list[ParameterListener] = []

    def listen(self, listener: ParameterListener) -> None:
        self._listeners.append(listener)

    def set(self, name: str, value: object) -> bool:
        """Set one parameter; `name` may be an alias. Returns whether that changed anything. Raises
        `BadRequest`.
        """
        with self._lock:
            request = self.request.changed({name: value})
            check_files(request, [name])
            return self.replace(request)

    def replace(self, request: Request) -> bool:
        """Set all parameters. Returns whether that changed anything."""
        with self._lock:
            before = self.request
            self.request = request
            changed = [name for name in FIELDS if getattr(before, name) != getattr(request, name)]
            for name in changed:
                self._notify(name, getattr(request, name))
            return bool(changed)

    def change_defaults(self, request: Request) -> None:
        """Other defaults. What was turned since the last ones stays turned."""
        with self._lock:
            changed = {
                name: value
                for name in FIELDS
                if (value := getattr(request, name)) != getattr(self.defaults, name)
            }
            self.defaults = request
            self.replace(self.request.changed(changed))

    def read_ahead(self) -> None:
        """Read the current lyrics, so that it takes no time when they are played."""
        self.read_request()

    def read_request(self) -> Request:
        """The current request with its lyrics as they are sung, and what stands above them where
        it says nothing itself.
        """
        request = self.request
        with suppress(BadRequest):
            written = self._read_own(request.lyrics)
            return request.changed(_fill(request, written, ()))
        return request

    def read_values(self, overrides: Mapping[str, object]) -> ReadValues:
        """These values with their lyrics as they are sung, and what stands above them where neither
        they nor the panel say it. Raises `BadRequest`.
        """
        given = [*map(field_name, overrides)]
        if "lyrics" not in given:
            return ReadValues({**overrides})
        request = self.request.changed(overrides)
        written = self._read_lyrics(request.lyrics)
        _check_understood(request, written, given)
        others = {name: overrides[name] for name in overrides if field_name(name) != "lyrics"}
        values = others | {"lyrics": request.lyrics} | _fill(request, written, given)
        return ReadValues(values, (*written.notes, *_compare(request, written, given)))

    def build_request(self, overrides: Mapping[str, object]) -> Request:
        """The current request with what one message changes in it, as `finish` makes it of its
        `draft`.
        """
        return self.finish(self.draft(overrides)).request

    def draft(self, overrides: Mapping[str, object]) -> Draft:
        """The current request with what one message changes in it; its lyrics are not read yet.
        Raises `BadRequest`, for the files that the message names too; whether the panel's are still
        there is seen when the request is submitted.
        """
        request = self.request.overlaid(overrides)
        check_files(request, overrides)
        _check_words(request)
        given = (*map(field_name, overrides),)
        is_known = "lyrics" not in given and self._read[0] == request.lyrics
        return Draft(request, given, not is_known and len(request.lyrics) > SHORT_LYRICS)

    def finish(self, draft: Draft) -> BuiltRequest:
        """A request with its lyrics as they are sung. Raises `BadRequest`.

        Where neither message nor panel gives a tempo, and none stands above the lyrics, it gets
        that of the session, if one was set or, unless the prompt names one, is followed.
        """
        request, given, _ = draft
        notes: tuple[str, ...] = ()
        problems: tuple[str, ...] = ()
        if request.task != UNDERSTAND and request.lyrics:
            read = self._read_lyrics if "lyrics" in given else self._read_own
            written = read(request.lyrics)
            _check_understood(request, written, given)
            others = _compare(request, written, given)
            notes, problems = (*written.notes, *others), (*written.problems, *others)
            if found := _fill(request, written, given):
                request = request.changed(found)
                _check_words(request)
                given = (*given, *found)
        lengths = explain_two_lengths(request, given)
        notes, problems = (*notes, *lengths), (*problems, *lengths)
        session = list_session_fields(given)
        if request.bpm or request.task == UNDERSTAND or "bpm" in given:
            return BuiltRequest(request, notes, session, problems)
        bpm = self.session_bpm(only_set=request.follow_prompt().bpm > 0)
        built = request.changed({"bpm": bpm}) if bpm else request
        return BuiltRequest(built, notes, session, problems)

    def session_bpm(self, only_set: bool = False) -> float:
        """The session's tempo; 0 where it has none, or one outside of what `bpm` allows.
        `only_set`: only where somebody has set it, and it is not that of others.
        """
        if self.tempo is None:
            return 0.0
        bpm, source = self.tempo.current
        is_followed = source == "explicit" if only_set else source != "default"
        allowed = FIELDS["bpm"]
        return bpm if is_followed and allowed.low <= bpm <= allowed.high else 0.0

    def _read_own(self, lyrics: str) -> WrittenLyrics:
        """The panel's lyrics, which are read once. Raises `BadRequest`."""
        known, written = self._read
        if known != lyrics:
            written = self._read_lyrics(lyrics)
            self._read = (lyrics, written)
        return written

    def _notify(self, name: str, value: object) -> None:
        for listener in self._listeners:
            try:
                listener(name, value)
            except Exception:  # a surface must not take the others with it
                log.exception("a listener failed on %s", name)


def _check_words(request: Request) -> None:
    """Raises `NothingToPlay`."""
    if not (request.prompt.strip() or request.lyrics.strip() or request.task or request.codes):
        raise NothingToPlay(NOTHING_TO_PLAY, "say what it should sound like")


def _is_open(request: Request, name: str, given: Sequence[str]) -> bool:
    """Whether neither a message, which has `given` fields, nor the panel says it."""
    return name not in given and getattr(request, name) == FIELDS[name].default


def _check_understood(request: Request, written: WrittenLyrics, given: Sequence[str]) -> None:
    """Raises `BadRequest` where a request needs what was not understood of its lyrics."""
    for name, error in written.refused.items():
        if name not in written.values and _is_open(request, name, given):
            raise error


def _fill(request: Request, written: WrittenLyrics, given: Sequence[str]) -> dict[str, object]:
    """What a request takes of its lyrics."""
    found = {
        name: value for name, value in written.values.items() if _is_open(request, name, given)
    }
    if written.lyrics != request.lyrics:
        found["lyrics"] = written.lyrics
    return found


def _compare(request: Request, written: WrittenLyrics, given: Sequence[str]) -> list[str]:
    """What stands above the lyrics and was given otherwise."""
    told = []
    for name, value in written.values.items():
        other = getattr(request, name)
        if not _is_open(request, name, given) and other != value:
            said, holds = (
                f"{each:.10g}" if isinstance(each, float) else str(each) for each in (value, other)
            )
            told.append(
                f"the lyrics say {name} {said}, and {name} {holds} was given: it is {holds}"
            )
    return told
