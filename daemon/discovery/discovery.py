"""`Discovery`: OSCQuery and its announcement, while the setting is on."""

from __future__ import annotations

from ..engine import Engine
from ..osc.server import OscServer
from ..panel import Panel
from ..settings import Settings
from ..tempo import Tempo
from .announce import Announcement
from .http import OscQueryServer, find_near_address
from .tree import Node, build_host_info, build_tree


class Discovery:
    """Raises `SettingsError` where its port is taken or its library is missing."""

    def __init__(
        self, settings: Settings, osc: OscServer, panel: Panel, engine: Engine, tempo: Tempo
    ) -> None:
        self._panel = panel
        self._engine = engine
        self._tempo = tempo
        host, port = osc.address
        self._http = OscQueryServer(
            host, settings.oscquery, osc.guard, build_host_info(host, port), self._build_tree
        )
        try:
            self._announcement = Announcement(host, port, self._http.port)
        except BaseException:
            self._http.close()
            raise
        self.name = self._announcement.name
        self.port = self._http.port
        self.url = f"http://{find_near_address(host)}:{self.port}"

    def start(self) -> None:
        self._http.start()
        self._announcement.start()

    def close(self) -> None:
        self._announcement.close()
        self._http.close()

    def _build_tree(self) -> Node:
        bpm, _ = self._tempo.current
        return build_tree(self._panel.request, self._engine.state_event().values, bpm)
