"""LED feedback: what has to be sent so that controllers show what their pads are."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..midi import OutputPort
from .interface import ALL_PADS, DARK, Light, Player
from .mapping import PadMapping

log = logging.getLogger("acestepd.pads")

PULSE_SECONDS = 0.25  # between the two looks of a rendering pad
FRAME_SECONDS = 0.04  # between two frames: 25 a second
MAX_MESSAGES = 32  # in a frame: a five-pin MIDI cable carries about 800 a second
REENTER_SECONDS = 0.5  # after which a controller's lights are sent once more


class LightBuffer:
    """The lights that a controller has to show, and those that were sent.

    The last state of a pad is always sent; states in between are skipped where there is no time for
    them.
    """

    def __init__(self, mapping: PadMapping) -> None:
        self._mapping = mapping
        self._target = [DARK] * mapping.count
        self._flashing: dict[int, float] = {}  # until when, by the pad's index
        self._sent: dict[int, bytes] = {}  # by the pad's index: what was sent last
        self._next = 0  # the pad that a full frame ended at, so that the others have their turn
        self._resent = 0  # the pad that was sent again last
        self._resend_at = 0.0  # when the next one is to be

    def set_light(self, index: int, light: Light) -> None:
        if 0 <= index < len(self._target):
            self._target[index] = light

    def set_all(self, lights: Sequence[Light]) -> None:
        missing = [DARK] * self._mapping.count
        self._target = [*lights, *missing][: self._mapping.count]

    def forget_sent(self) -> None:
        """Send all lights again, as what the controller shows is not known."""
        self._sent.clear()

    def make_frame(self, now: float) -> list[bytes]:
        """The messages to be sent at `now` (time.monotonic()). One pad after the other is sent
        again, so that a light whose message got lost comes back.
        """
        messages: list[bytes] = []
        if now >= self._resend_at:
            self._resend_at = now + PULSE_SECONDS
            self._resent = (self._resent + 1) % self._mapping.count
            self._sent.pop(self._resent, None)
        pulse = int(now / PULSE_SECONDS) % 2 == 1
        first = self._next
        for step in range(self._mapping.count):
            index = (first + step) % self._mapping.count
            message = self._encode(index, self._light_at(index, now), pulse)
            if not message or message == self._sent.get(index):
                continue
            if len(messages) == MAX_MESSAGES:
                self._next = index
                break
            self._sent[index] = message
            messages.append(message)
        return messages

    def _light_at(self, index: int, now: float) -> Light:
        """A pad that flashes is dark for a moment, as one with a clip is lit."""
        light = self._target[index]
        if light.flashes:
            self._target[index] = replace(light, flashes=False)
            self._flashing[index] = now + PULSE_SECONDS
        return DARK if self._flashing.get(index, now) > now else light

    def make_dark(self) -> list[bytes]:
        """The messages that switch every pad off."""
        messages = (self._encode(index, DARK, False) for index in range(self._mapping.count))
        return [message for message in messages if message]

    def _encode(self, index: int, light: Light, pulse: bool) -> bytes:
        """Empty where the pad has no note."""
        note = self._mapping.notes.get(index)
        if note is None:
            return b""
        channel = max(0, note.channel - 1)
        return self._mapping.profile.encode_light(note.note, channel, light, pulse)


@dataclass
class LightOutput:
    """The lights of one controller."""

    port: OutputPort
    buffer: LightBuffer
    enter_message: bytes
    # when it is to be sent everything: what has just been plugged in does not get it all yet
    enter_times: list[float]

    def make_frame(self, now: float) -> list[bytes]:
        messages: list[bytes] = []
        if self.enter_times and now >= self.enter_times[0]:
            del self.enter_times[0]
            self.buffer.forget_sent()
            if self.enter_message:
                messages.append(self.enter_message)
        return [*messages, *self.buffer.make_frame(now)]


class LightOutputs:
    """The lights of all controllers, on a thread of their own: at most 25 frames a second, and one
    at once where there was none just now.
    """

    def __init__(self, player: Player, find_mapping: Callable[[str], PadMapping]) -> None:
        self._player = player
        self._find_mapping = find_mapping  # by the name of a port
        self._outputs: dict[str, LightOutput] = {}
        self._changed: dict[int, Light] = {}  # by the pad's index
        self._lock = threading.Lock()  # of what has changed
        self._sending = threading.Lock()  # whoever sends, or takes an output away
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="pad lights", daemon=True)
        player.listen(self._on_light)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def add(self, port: OutputPort) -> None:
        mapping = self._find_mapping(port.name)
        with self._sending:
            now = time.monotonic()
            self._outputs[port.name] = LightOutput(
                port,
                LightBuffer(mapping),
                mapping.profile.enter_message,
                [now, now + REENTER_SECONDS],
            )
        self._on_light(ALL_PADS, DARK)

    def remove(self, port: OutputPort) -> None:
        """It is still open, and left dark."""
        with self._sending:
            output = self._outputs.pop(port.name, None)
            if output and output.port is port:
                leave_message = self._find_mapping(port.name).profile.leave_message
                leaving = [leave_message] if leave_message else []
                self._send(output, [*output.buffer.make_dark(), *leaving])

    def reload_mappings(self) -> None:
        """Other notes from now on."""
        with self._sending:
            for output in self._outputs.values():
                self._send(output, output.buffer.make_dark())
                output.buffer = LightBuffer(self._find_mapping(output.port.name))
        self._on_light(ALL_PADS, DARK)

    def _on_light(self, index: int, light: Light) -> None:
        with self._lock:
            self._changed[index] = light
        self._wake.set()

    def _run(self) -> None:
        pause: float | None = None
        while not self._closing:
            self._wake.wait(pause)
            self._wake.clear()
            try:
                pause = self._send_frame()
            except Exception:
                log.exception("pad lights")
                pause = PULSE_SECONDS
            time.sleep(FRAME_SECONDS)

    def _send_frame(self) -> float | None:
        """The seconds until the next one; None: as long as nothing changes."""
        with self._lock:
            changed = self._changed
            self._changed = {}
        all_lights = self._player.list_lights() if ALL_PADS in changed else None
        pause = PULSE_SECONDS / 2
        with self._sending:
            for output in self._outputs.values():
                if all_lights is not None:
                    output.buffer.set_all(all_lights)
                else:
                    for index, light in changed.items():
                        output.buffer.set_light(index, light)
                messages = output.make_frame(time.monotonic())
                self._send(output, messages)
                if len(messages) >= MAX_MESSAGES:
                    pause = 0.0
        return pause if self._outputs else None

    def _send(self, output: LightOutput, messages: Sequence[bytes]) -> None:
        try:
            for message in messages:
                output.port.send(message)
        # rtmidi has an error of its own for every driver; the ports notice when a device has gone
        except Exception as error:
            log.debug("lights of %s: %s", output.port.name, error)
            output.buffer.forget_sent()
