"""What the buttons do: go, reroll, favourite, cover."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Callable, Generator

from . import sources
from .acestep_osc import Client, find_take_id

if TYPE_CHECKING:
    from Live.Clip import Clip
    from Live.Song import Song

    from .acestep_osc import Value

SCENE_MARK = "ace:"  # a scene's name behind it is a prompt
MAX_PRESSED = 64
WHOLE: list[Value] = ["bars", 0, "seconds", 30.0]  # with a task: as long as its source


class Buttons:
    """`press` may be called at any time; what it asks for happens in `tick`. `show` is told what a
    person should know.
    """

    def __init__(self, song: Song, client: Client, show: Callable[[str], None]) -> None:
        self._song = song
        self._client = client
        self._show = show
        self._actions = {
            "go": self._go,
            "reroll": self._reroll,
            "favourite": self._favourite,
            "cover": self._cover,
        }
        self._pressed: deque[str] = deque(maxlen=MAX_PRESSED)
        self._copying: tuple[Clip, Generator[str, None, None]] | None = None

    def press(self, action: str) -> None:
        self._pressed.append(action)

    def tick(self) -> None:
        while self._pressed:
            action = self._pressed.popleft()
            if self._client.is_there:
                self._actions[action]()
            else:
                self._show("it does not answer: is it started?")
        self._copy()

    def close(self) -> None:
        if self._copying is not None:
            self._copying[1].close()  # half a copy goes
            self._copying = None

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
        if not clip.warping or clip.sample_length <= 0 or clip.sample_rate <= 0:
            return WHOLE
        samples = float(clip.sample_length)
        beats = clip.sample_to_beat_time(samples) - clip.sample_to_beat_time(0.0)
        in_bar = self._song.signature_numerator * 4.0 / self._song.signature_denominator
        bars = round(beats / in_bar)
        bpm = beats * 60 * clip.sample_rate / samples
        if bars < 1 or abs(bars * in_bar - beats) > 0.02 or not 30 <= bpm <= 300:
            return WHOLE
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
