"""RtMidi's clients as they are on a Mac: ports are numbered in the order of CoreMIDI, and two
controllers of a kind have the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest

from daemon.midi import rtmidi_backend

Callback = Callable[[Sequence[int], float, object], None]


class FakeCoreMidi:
    """The devices that are plugged in: by a name of the test's own, how CoreMIDI calls them."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.devices: dict[str, str] = {}
        self._clients: list[FakeClient] = []
        patch.delenv("MIDO_BACKEND", raising=False)
        patch.setattr(rtmidi_backend, "MISSING", "")
        for name in ("MidiIn", "MidiOut"):
            patch.setattr(rtmidi_backend, name, self._create)

    def _create(self, api: object, client_name: str) -> FakeClient:
        client = FakeClient(self)
        self._clients.append(client)
        return client

    def play(self, device: str, data: Sequence[int]) -> None:
        """Only who has opened this very device hears it."""
        for client in self._clients:
            if client.device == device and client.callback:
                client.callback(data, 0.0, None)

    def sent_to(self, device: str) -> list[bytes]:
        return [data for client in self._clients if client.device == device for data in client.sent]


class FakeClient:
    is_deleted = False

    def __init__(self, system: FakeCoreMidi) -> None:
        self._system = system
        self.device = ""
        self.callback: Callback | None = None
        self.sent: list[bytes] = []

    def get_current_api(self) -> SimpleNamespace:
        return SimpleNamespace(name="MACOSX_CORE")

    def get_ports(self) -> list[str]:
        return list(self._system.devices.values())

    def get_port_count(self) -> int:
        return len(self._system.devices)

    def get_port_name(self, number: int) -> str:
        return self.get_ports()[number]

    def open_port(self, number: int) -> None:
        self.device = list(self._system.devices)[number]

    def open_virtual_port(self, name: str) -> None:
        self.device = f"our own {name}"

    def ignore_types(self, **types: bool) -> None:
        """All of them come."""

    def set_callback(self, callback: Callback) -> None:
        self.callback = callback

    def cancel_callback(self) -> None:
        self.callback = None

    def send_message(self, data: Sequence[int]) -> None:
        self.sent.append(bytes(data))

    def close_port(self) -> None:
        self.device = ""

    def delete(self) -> None:
        self.is_deleted = True
