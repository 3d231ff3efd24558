"""Between a set and the daemon: what the set says goes out, what is made comes in.

Listeners and MIDI only leave a note; everything that changes the set happens in `tick`, since Live
allows no changes while it tells of one.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, Callable

import Live

from . import placing, set_state, warping
from .acestep_osc import Client, Insert, Takes, matches
from .buttons import Buttons

if TYPE_CHECKING:
    from Live.Clip import Clip
    from Live.Song import Song

    from .acestep_osc import Value

NAME = "live"
TOPICS = "clip finished insert"
RETRIES = 20  # ticks that an insert is tried again where Live refuses it
SETTLE_SECONDS = 1.5  # after which a clip's warping is looked at again
MAX_WAITING = 64  # inserts; clips to look at again
MAX_LOGGED = 100  # different failures
MAX_NOTED = 64  # takes whose notes are known
PROGRESS_SECONDS = 1.0  # between two lines in the status bar


class Bridge:
    """One script in one set."""

    def __init__(self, c_instance: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self.is_closed = False
        self._c_instance = c_instance
        self._song: Song = c_instance.song()
        self._clock = clock
        self._client = Client(NAME, TOPICS, clock=clock)
        self._takes = Takes()
        self._pushed: dict[str, Value] = {}  # what the daemon was told, by address
        self._is_changed = True
        self._was_there: bool | None = None
        # by path and place, and how often each was tried
        self._inserts: OrderedDict[tuple[str, int, int], tuple[Insert, int]] = OrderedDict()
        self._buttons = Buttons(self._song, self._client, self._show)
        self._settling: deque[tuple[float, Clip, float]] = deque(maxlen=MAX_WAITING)
        self._logged: set[str] = set()
        self._progressed = 0.0
        self._notes: OrderedDict[str, list[str]] = OrderedDict()  # by the id of their take
        self._observed = [name for name in set_state.OBSERVED if self._observe(name)]

    def tick(self) -> None:
        """Called by Live's timer, which an exception would stop."""
        if self.is_closed:
            return
        steps = (self._hear, self._push, self._buttons.tick, self._insert, self._settle)
        for step in steps:
            try:
                step()
            except Exception as error:
                self._log_failure(step.__name__, error)

    def press(self, action: str) -> None:
        """A button was pressed: "go", "reroll", "favourite" or "cover"."""
        self._buttons.press(action)

    def close(self) -> None:
        """Leave nothing behind in Live, and no tempo of this set in the daemon."""
        if self.is_closed:
            return
        self.is_closed = True
        for name in self._observed:
            try:
                getattr(self._song, f"remove_{name}_listener")(self._note_change)
            except Exception as error:
                self._log_failure("close", error)
        self._observed = []
        self._buttons.close()
        if self._client.is_there:
            for address, value in set_state.NOTHING.items():
                if self._pushed.get(address, value) != value:
                    self._client.send(address, value)
        self._client.close()

    # --- what the set says ------------------------------------------------------------------------

    def _observe(self, name: str) -> bool:
        """Older versions of Live have no scale, or do not tell of it."""
        add = getattr(self._song, f"add_{name}_listener", None)
        if add is None:
            return False
        add(self._note_change)
        return True

    def _note_change(self) -> None:
        self._is_changed = True

    def _push(self) -> None:
        if not (self._is_changed and self._client.is_there):
            return
        for address, value in set_state.read(self._song).items():
            before = self._pushed.get(address)
            if before is None and address == set_state.KEY and not value:
                continue  # a key of the settings' own stays while the set has none
            if before != value and self._client.send(address, value):
                self._pushed[address] = value
        self._is_changed = False

    # --- what the daemon says ---------------------------------------------------------------------

    def _hear(self) -> None:
        for address, arguments in self._client.poll():
            try:
                self._handle(address, arguments)
            except Exception as error:  # the next message is another matter
                self._log_failure(address, error)
        if self._client.is_there != self._was_there:
            if self._client.is_there:
                self._show("is there")
            elif self._was_there:
                self._show("does not answer any more; waiting for it")
            self._was_there = self._client.is_there

    def _handle(self, address: str, arguments: list[Value]) -> None:
        wanted = self._takes.hear(address, arguments)
        if wanted is not None:
            key = wanted.path, wanted.track, wanted.slot
            self._inserts.setdefault(key, (wanted, 0))
            while len(self._inserts) > MAX_WAITING:
                self._inserts.popitem(last=False)
        elif address == "/ace/done" and arguments[:1] == ["/ace/notify"]:
            self._pushed = {}  # it may have been started again
            self._is_changed = True
        elif address == "/ace/done" and arguments[:2] == ["/ace/favourite", 1]:
            self._show("marked as a favourite")
        elif address == "/ace/fail" and matches(arguments, "ssiss"):
            _, command, code, message, hint = arguments
            text = ". ".join(str(part) for part in (message, hint) if part)
            if command == "/ace/inserted":
                self._log(f"{command}: {code} {text}")
            else:
                self._show(text)
        elif address == "/ace/progress" and matches(arguments, "sfsf"):
            self._show_progress(str(arguments[0]), float(arguments[1]))
        elif address == "/ace/note" and matches(arguments, "ss"):
            self._add_note(str(arguments[0]), str(arguments[1]))

    def _show_progress(self, id: str, fraction: float) -> None:
        if self._clock() - self._progressed >= PROGRESS_SECONDS:
            self._progressed = self._clock()
            self._show_with_notes(id, f"{fraction:.0%}", log=False)

    def _add_note(self, id: str, text: str) -> None:
        """One line has all of a take's notes, as long as the take is being made."""
        notes = self._notes.setdefault(id, [])
        if text in notes:
            return  # the take was asked for again
        notes.append(text)
        while len(self._notes) > MAX_NOTED:
            self._notes.popitem(last=False)
        self._log(text)
        self._show_with_notes(id, "waiting", log=False)

    # --- putting in -------------------------------------------------------------------------------

    def _insert(self) -> None:
        """One take at a tick, so that Live draws in between."""
        if not self._inserts:
            return
        key, (wanted, tries) = self._inserts.popitem(last=False)
        where = placing.find_clip(self._song, wanted)
        if where:
            self._acknowledge(wanted, where)
            return
        self._song.begin_undo_step()
        try:
            placed = placing.insert(self._song, wanted, Live.Clip.WarpMarker)
        except placing.Refusal as refusal:
            self._give_up(wanted, str(refusal))
            return
        except Exception as error:  # Live says no; perhaps only for now
            if tries + 1 < RETRIES:
                self._inserts[key] = (wanted, tries + 1)
            else:
                self._log_failure("insert", error)
                self._give_up(wanted, str(error))
            return
        finally:
            self._song.end_undo_step()
        self._acknowledge(wanted, placed.where)
        self._settling.extend((self._clock(), clip, beats) for clip, beats in placed.clips)
        said = "; ".join([f"{wanted.take.id} is in {placed.where}", *placed.notes])
        self._show_with_notes(wanted.take.id, said)

    def _acknowledge(self, wanted: Insert, where: str) -> None:
        self._client.send("/ace/inserted", wanted.take.id, NAME, where)

    def _give_up(self, wanted: Insert, reason: str) -> None:
        """The clip is in the folder all the same: say where."""
        self._acknowledge(wanted, "")
        self._show(f"{reason}: {wanted.path}")

    def _settle(self) -> None:
        """Live may still be guessing the tempo of a new file while we say it. Look once more."""
        while self._settling and self._clock() - self._settling[0][0] >= SETTLE_SECONDS:
            _, clip, beats = self._settling.popleft()
            if clip is None or not beats or not clip.warping or warping.is_straight(clip, beats):
                continue
            self._song.begin_undo_step()
            try:
                warping.straighten(clip, beats, Live.Clip.WarpMarker)
            finally:
                self._song.end_undo_step()

    # --- saying so --------------------------------------------------------------------------------

    def _show(self, text: str, log: bool = True) -> None:
        """In Live's status bar."""
        self._c_instance.show_message(f"acestepd: {text}")
        if log:
            self._log(text)

    def _show_with_notes(self, id: str, text: str, log: bool = True) -> None:
        """And what was read out of the request, so that nothing takes it away unread."""
        self._show("; ".join([text, *self._notes.get(id, ())]), log)

    def _log(self, text: str) -> None:
        self._c_instance.log_message(f"acestepd: {text}")

    def _log_failure(self, where: str, error: Exception) -> None:
        """Each failure once: a tick comes twenty times a second."""
        text = f"{where}: {type(error).__name__}: {error}"
        if text not in self._logged and len(self._logged) < MAX_LOGGED:
            self._logged.add(text)
            self._log(text)
