"""The running daemon: settings wired to panel, engine and surfaces."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from pipeline.voices import HUB_MODEL
from pipeline.weights.adapter import parse_adapters

from .discovery.discovery import Discovery
from .engine import Engine, ModelChoice
from .engine.process import WorkerHandle, WorkerProcess
from .integrations.clients import Clients
from .integrations.inbox import Inbox
from .integrations.inserter import Inserter
from .integrations.readers import Readers
from .integrations.sources import SOURCES, Sources
from .integrations.upkeep import Upkeep
from .jobs import GENERATE, Event
from .journal import Journal, JournalError
from .landing import folders
from .osc.leases import Leases
from .osc.server import OscServer
from .pads.controllers import Controllers
from .pads.midi_player import MidiPlayer
from .pads.player import PadPlayer
from .page import Page
from .panel import Panel
from .paths import AllowedFolders
from .runtime.lock import StateLock
from .runtime.logs import EventLog
from .runtime.sleep_guard import SleepGuard
from .settings import Settings, SettingsError
from .tempo import Tempo
from .watch.watchers import Watchers
from .watch.written_lyrics import read_written_lyrics

if TYPE_CHECKING:
    from .cluster.cluster import Cluster

log = logging.getLogger("acestepd.page")

VOICE = "mini"  # the embedded model
JOURNAL = "journal.sqlite"
LEARNED = "learnt.toml"


class SelectedModel(NamedTuple):
    """The model that plays and its variant. `reason`: why it is not the real one, where the
    settings leave that open.
    """

    name: str
    variant: str
    reason: str = ""


def select_model(settings: Settings) -> SelectedModel:
    """With `auto`, the real model when it is complete on this machine, and the embedded voice when
    not.
    """
    from pipeline.weights import checkpoint

    if settings.model != "auto":
        return SelectedModel(settings.model, settings.variant)
    try:
        checkpoint.find(HUB_MODEL, settings.variant, settings.pinned_revision)
        return SelectedModel(HUB_MODEL, settings.variant)
    except checkpoint.CheckpointError as error:
        return SelectedModel(VOICE, "", str(error))


def check_cluster_installed() -> None:
    """Raises `SettingsError` where the extra is not."""
    if find_spec("distributed") is None:
        raise SettingsError(
            "several machines need the extra 'cluster': pip install 'acestepd[cluster]'"
        )


def _open_cluster(settings: Settings, engine: Engine) -> Cluster | None:
    """None where the settings name no scheduler: then Dask is not even imported."""
    if not settings.cluster.scheduler:
        return None
    check_cluster_installed()
    from .cluster.cluster import Cluster

    return Cluster(settings, engine.lock, engine.work_source)


class Daemon:
    """`with Daemon(settings) as daemon:` listens, loads and renders until the block ends."""

    def __init__(
        self, settings: Settings, worker: Callable[[], WorkerHandle] = WorkerProcess
    ) -> None:
        folders.check_writable(settings.out)
        self.settings = settings
        self.selected_model = select_model(settings)
        with ExitStack() as opened:  # closed again when something below fails
            self._lock = opened.enter_context(StateLock(settings.state))
            self.journal = _open_journal(settings)
            opened.callback(self.journal.close)
            self.journal.on_restored = lambda text: self.engine.publish(
                Event("fail", None, (GENERATE, 500, text, "what was accepted is in it"))
            )
            self.engine = Engine(
                settings,
                ModelChoice(
                    self.selected_model.name,
                    self.selected_model.variant,
                    parse_adapters(settings.adapters),
                ),
                self.journal,
                worker if settings.cluster.local else None,
            )
            self.cluster = _open_cluster(settings, self.engine)
            if self.cluster:
                self.engine.describe_cluster = self.cluster.describe
            self.engine.subscribe(EventLog().write)
            self.clients = Clients(settings.state)
            self.inserter = Inserter(settings, self.clients, self.engine)
            self.engine.ask_inserter(self.inserter.choose)
            self.tempo = Tempo(settings.link, settings.midi_clock)
            self.tempo.listen(
                lambda bpm, source: self.engine.publish(Event("tempo", None, (bpm, source)))
            )
            self.panel = Panel(settings.request, self.tempo, read_written_lyrics)
            allowed_folders = _list_allowed_folders(settings)
            self.osc = OscServer(
                settings, self.panel, self.engine, allowed_folders, self.clients, self.inserter
            )
            opened.callback(self.osc.close)
            self.leases = Leases(
                settings.state, self.osc.subscribers, self.clients, self.osc.guard.is_trusted
            )
            self.page = self._open_page(settings.page)
            if self.page:
                opened.callback(self.page.close)
            self.discovery: Discovery | None = None
            if settings.discovery:
                self.discovery = Discovery(settings, self.osc, self.panel, self.engine, self.tempo)
                opened.callback(self.discovery.close)
            self.pads = self.osc.pads = PadPlayer(
                settings, self.engine, self.panel, self.tempo, allowed_folders
            )
            player = MidiPlayer(self.pads, self.panel, self.engine)
            self.controllers = Controllers(settings.midi, player, settings.state / LEARNED)
            self._enable_midi_learn()
            self.watchers = Watchers(settings.watch, self.engine, self.panel, allowed_folders)
            self.sources = Sources(settings, self.engine.active)
            # after the OSC server: a program hears of a clip before it is to put it in
            self.inbox = Inbox(settings, self.journal, Readers(self.clients, self.inserter))
            self.upkeep = Upkeep(self.inserter, self.inbox, self.sources, self.clients, self.leases)
            self.osc.subscribers.on_change = self.upkeep.wake
            self.engine.subscribe(self.upkeep.on_event)
            # apart from the others, whose folders may be slow
            sleep_guard = SleepGuard(self.engine.active)
            opened.callback(sleep_guard.release)
            self._wakefulness = Upkeep(sleep_guard)
            self.engine.subscribe(self._wakefulness.on_event)
            self._opened = opened.pop_all()

    def apply(self, settings: Settings) -> None:
        """Other settings from now on: those that `reload` calls safe. What a client has turned
        since stays turned.
        """
        self.panel.change_defaults(settings.request)
        allowed_folders = _list_allowed_folders(settings)
        self.settings = settings
        self.engine.change_settings(settings)
        self.inserter.settings = settings
        self.osc.change_settings(settings, allowed_folders)
        if self.page:
            self.page.recheck_trust()
        self.pads.change_settings(settings, allowed_folders)
        self.controllers.change_settings(settings.midi)
        self._enable_midi_learn()
        self.watchers.change_settings(settings.watch, allowed_folders)
        self.inbox.settings = settings
        self.sources.settings = settings
        self.upkeep.wake()

    def _open_page(self, port: int) -> Page | None:
        """None where the settings want none, or where the port is taken: all the rest plays on
        without it.
        """
        if port < 0:
            return None
        try:
            return Page(lambda: self.settings, self.osc, self.panel, self.engine, self.journal)
        except OSError as error:
            where = f"TCP {self.osc.address[0]}:{port}"
            hint = "choose another with --page"
            log.warning("there is no page: %s: %s; %s", where, error.strerror, hint)
            return None

    def _enable_midi_learn(self) -> None:
        """MIDI learn, where there is something to learn from."""
        self.osc.controllers = self.controllers if self.settings.midi.ports else None

    def __enter__(self) -> Self:
        tcp_port = self.osc.tcp_address[1] if self.osc.tcp_address else 0
        page_port = self.page.port if self.page else 0
        self._lock.record_address(*self.osc.address, tcp_port, self.settings.out, page_port)
        listeners = self.leases.restore()
        self.engine.start()
        if self.cluster:
            self.cluster.start()
        self.pads.start()
        self.controllers.start()
        self.tempo.start()
        self.osc.start()
        for listener in listeners:  # they know by it that the daemon is back
            self.osc.publisher.send_event(listener, self.engine.state_event())
        if self.page:
            self.page.start()
        if self.discovery:
            self.discovery.start()
        self.watchers.start()
        self.upkeep.start()
        self._wakefulness.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.watchers.close()
        self.tempo.close()
        self.controllers.close()
        self.pads.close()
        if self.cluster:
            self.cluster.close()
        self.engine.close()  # before the surfaces: its last words are still heard
        self.upkeep.close()
        self._wakefulness.close()
        self._opened.close()


def _list_allowed_folders(settings: Settings) -> AllowedFolders:
    """Where files may lie that messages and watched files name."""
    return AllowedFolders(
        [settings.out, *settings.folders, *(watch.folder for watch in settings.watch)],
        settings.out / SOURCES,
    )


def _open_journal(settings: Settings) -> Journal:
    try:
        return Journal(settings.state / JOURNAL, settings.history)
    except JournalError as error:
        raise SettingsError(str(error)) from error
