"""Between a set and the daemon: what the set says goes out, what is made comes in.

Listeners and MIDI only leave a note; everything that changes the set happens in `tick`, since Live
allows no changes while it tells of one.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, Callable, Generator

import Live

from . import placing, sources, warping
from .acestep_osc import Client, Insert, Takes, find_take_id, matches

if TYPE_CHECKING:
    from Live.Clip import Clip
    from Live.Song import Song

    from .acestep_osc import Value

NAME = "live"
TOPICS = "clip finished insert"
OBSERVED = (
    "tempo",
    "signature_numerator",
    "signature_denominator",
    "root_note",
    "scale_name",
    "scale_mode",
)
NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
MINOR_SCALES = (  # by their third, for acestepd knows major and minor
    "Minor",
    "Dorian",
    "Phrygian",
    "Locrian",
    "Minor Blues",
    "Minor Pentatonic",
    "Harmonic Minor",
    "Melodic Minor",
    "Dorian #4",
    "Super Locrian",
    "Hungarian Minor",
)
MAJOR_SCALES = (
    "Major",
    "Mixolydian",
    "Lydian",
    "Major Pentatonic",
    "Harmonic Major",
    "Phrygian Dominant",
    "Lydian Augmented",
    "Lydian Dominant",
)
METRES = ("2", "3", "4", "6")  # numerators that acestepd has a name for
SCENE_MARK = "ace:"  # a scene's name behind it is a prompt
RETRIES = 20  # ticks that an insert is tried again where Live refuses it
SETTLE_SECONDS = 1.5  # after which a clip's warping is looked at again
MAX_WAITING = 64  # inserts, key presses
MAX_LOGGED = 100  # different failures
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
        self._pushed: dict[str, tuple[Value, ...]] = {}  # what the daemon was told, by address
        self._is_changed = True
        self._was_there: bool | None = None
        self._inserts: OrderedDict[str, tuple[Insert, int]] = OrderedDict()  # and tries, by path
        self._pressed: deque[str] = deque(maxlen=MAX_WAITING)
        self._copying: tuple[Clip, Generator[str, None, None]] | None = None
        self._settling: deque[tuple[float, Clip, float]] = deque(maxlen=MAX_WAITING)
        self._logged: set[str] = set()
        self._progressed = 0.0
        self._observed = [name for name in OBSERVED if self._observe(name)]

    def tick(self) -> None:
        """Called by Live's timer, which an exception would stop."""
        if self.is_closed:
            return
        steps = (self._hear, self._push, self._act, self._copy, self._insert, self._settle)
        for step in steps:
            try:
                step()
            except Exception as error:
                self._log_failure(step.__name__, error)

    def press(self, action: str) -> None:
        """A button was pressed: "go", "reroll", "favourite" or "cover"."""
        self._pressed.append(action)

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
        if self._copying is not None:
            self._copying[1].close()  # half a copy goes
            self._copying = None
        if self._client.is_there:
            for address, values in (
                ("/ace/tempo", (0.0,)),
                ("/ace/set/key", ("",)),
                ("/ace/set/time_signature", ("",)),
                ("/ace/set/beats_per_bar", (0,)),
            ):
                if any(self._pushed.get(address, ())):
                    self._client.send(address, *values)
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
        for address, values in self._read_set().items():
            if self._pushed.get(address) != values and self._client.send(address, *values):
                self._pushed[address] = values
        self._is_changed = False

    def _read_set(self) -> dict[str, tuple[Value, ...]]:
        numerator = int(self._song.signature_numerator)
        denominator = int(self._song.signature_denominator)
        quarters = numerator * 4.0 / denominator
        is_known = str(numerator) in METRES and denominator in (2, 4, 8, 16)
        return {
            "/ace/tempo": (float(self._song.tempo),),
            "/ace/set/time_signature": (f"{numerator}/{denominator}" if is_known else "",),
            # 5/4 has no name, but a length; 7/8 has not even one in whole beats
            "/ace/set/beats_per_bar": (
                int(quarters) if not is_known and quarters == int(quarters) else 0,
            ),
            **self._read_key(),
        }

    def _read_key(self) -> dict[str, tuple[Value, ...]]:
        """Only with Live's scale mode on (12): C major is what every set says without it."""
        if not getattr(self._song, "scale_mode", False):
            return {"/ace/set/key": ("",)} if "/ace/set/key" in self._pushed else {}
        scale = str(self._song.scale_name)
        if scale not in MINOR_SCALES + MAJOR_SCALES:
            return {"/ace/set/key": ("",)}
        mode = "minor" if scale in MINOR_SCALES else "major"
        return {"/ace/set/key": (f"{NOTES[int(self._song.root_note) % 12]} {mode}",)}

    # --- what the daemon says ---------------------------------------------------------------------

    def _hear(self) -> None:
        for address, arguments in self._client.poll():
            try:
                self._handle(address, arguments)
            except Exception as error:  # the next message is another matter
                self._log_failure(address, error)
        if self._client.is_there != self._was_there:
            if self._client.is_there:
                self._show("acestepd is there")
            elif self._was_there:
                self._show("acestepd does not answer any more; waiting for it")
            self._was_there = self._client.is_there

    def _handle(self, address: str, arguments: list[Value]) -> None:
        wanted = self._takes.hear(address, arguments)
        if wanted is not None:
            self._inserts.setdefault(wanted.path, (wanted, 0))
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
            self._show_progress(float(arguments[1]))

    def _show_progress(self, fraction: float) -> None:
        if self._clock() - self._progressed >= PROGRESS_SECONDS:
            self._progressed = self._clock()
            self._show(f"{fraction:.0%}", log=False)

    # --- putting in -------------------------------------------------------------------------------

    def _insert(self) -> None:
        """One take at a tick, so that Live draws in between."""
        if not self._inserts:
            return
        path, (wanted, tries) = self._inserts.popitem(last=False)
        where = placing.find_clip(self._song, path)
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
                self._inserts[path] = (wanted, tries + 1)
            else:
                self._log_failure("insert", error)
                self._give_up(wanted, str(error))
            return
        finally:
            self._song.end_undo_step()
        self._acknowledge(wanted, placed.where)
        self._settling.extend((self._clock(), clip, beats) for clip, beats in placed.clips)
        self._show("; ".join([f"{wanted.take.id} is in {placed.where}", *placed.notes]))

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

    # --- buttons ----------------------------------------------------------------------------------

    def _act(self) -> None:
        while self._pressed:
            action = self._pressed.popleft()
            if not self._client.is_there:
                self._show("acestepd does not answer: is it started?")
                continue
            actions = {
                "go": self._go,
                "reroll": self._reroll,
                "favourite": self._favourite,
                "cover": self._cover,
            }
            actions[action]()

    def _go(self) -> None:
        prompt = self._read_prompt()
        if prompt:
            self._client.send("/ace/generate", "", "prompt", prompt, "priority", "live")
        else:
            self._client.send("/ace/go", 1.0)

    def _reroll(self) -> None:
        id = self._find_id()
        self._client.send("/ace/reroll", *(["", id] if id else [1.0]))

    def _favourite(self) -> None:
        id = self._find_id()
        self._client.send("/ace/favourite", *([id, 1] if id else [1.0]))

    def _cover(self) -> None:
        clip = self._find_selected_clip()
        if clip is None:
            self._show("select an audio clip first: a cover needs one")
        elif self._copying is not None:
            self._show("one clip at a time: the last one is still being copied")
        else:
            self._copying = clip, sources.copy(clip.file_path, self._client.daemon.out)

    def _copy(self) -> None:
        if self._copying is None:
            return
        clip, pieces = self._copying
        try:
            source = next(pieces)
        except Exception as error:
            self._copying = None
            if not isinstance(error, sources.Unreadable):
                raise
            self._show(f"{error}: {clip.file_path}")
            return
        if source:
            self._copying = None
            self._ask_for_cover(clip, source)

    def _ask_for_cover(self, clip: Clip, source: str) -> None:
        values: list[Value] = ["task", "cover", "source", source, "priority", "live"]
        prompt = self._read_prompt()
        if prompt:
            values += ["prompt", prompt]
        self._client.send("/ace/generate", "", *(values + self._measure(clip)))

    def _measure(self, clip: Clip) -> list[Value]:
        """Bars and tempo of a clip's file, so that its cover loops as it does; as long as the file
        where it has no whole bars.
        """
        whole: list[Value] = ["bars", 0, "seconds", 30.0]  # as long as its source
        if not clip.warping or clip.sample_length <= 0 or clip.sample_rate <= 0:
            return whole
        samples = float(clip.sample_length)
        beats = clip.sample_to_beat_time(samples) - clip.sample_to_beat_time(0.0)
        in_bar = self._song.signature_numerator * 4.0 / self._song.signature_denominator
        bars = round(beats / in_bar)
        bpm = beats * 60 * clip.sample_rate / samples
        if bars < 1 or abs(bars * in_bar - beats) > 0.02 or not 30 <= bpm <= 300:
            return whole
        return ["bars", int(bars), "bpm", round(bpm, 3)]

    def _read_prompt(self) -> str:
        name = str(self._song.view.selected_scene.name)
        is_prompt = name.lower().startswith(SCENE_MARK)
        return name[len(SCENE_MARK) :].strip() if is_prompt else ""

    def _find_selected_clip(self) -> Clip | None:
        slot = self._song.view.highlighted_clip_slot
        clip = slot.clip if slot is not None and slot.has_clip else self._song.view.detail_clip
        return clip if clip is not None and clip.is_audio_clip else None

    def _find_id(self) -> str:
        """The take that the selected clip is of; "" means the newest."""
        clip = self._find_selected_clip()
        return find_take_id(clip.file_path) if clip is not None else ""

    # --- saying so --------------------------------------------------------------------------------

    def _show(self, text: str, log: bool = True) -> None:
        """In Live's status bar."""
        self._c_instance.show_message(f"acestepd: {text}")
        if log:
            self._log(text)

    def _log(self, text: str) -> None:
        self._c_instance.log_message(f"acestepd: {text}")

    def _log_failure(self, where: str, error: Exception) -> None:
        """Each failure once: a tick comes twenty times a second."""
        text = f"{where}: {type(error).__name__}: {error}"
        if text not in self._logged and len(self._logged) < MAX_LOGGED:
            self._logged.add(text)
            self._log(text)
