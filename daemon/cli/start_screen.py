"""What the terminal shows when the daemon has started: what a musician needs, in few lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.voices import VOICES

from .. import VERSION, midi
from ..pads import mapping, profiles
from ..service import Daemon
from ..settings import Midi

MIDI_SECONDS = 15.0  # at most, to wait for the system to say which MIDI ports there are
LABEL_WIDTH = 8


def build_start_screen(daemon: Daemon) -> str:
    """The model, workers elsewhere, the folders, where to send, the page, MIDI, tempo, what to try
    first, and how to stop.
    """
    settings = daemon.settings
    lines = [f"acestepd {VERSION} is ready"]
    lines += _format_lines("model", _describe_model(daemon))
    lines += _format_lines("workers", _describe_cluster(daemon))
    lines += _format_lines("clips", [str(settings.out)])
    lines += _format_lines("OSC in", _describe_osc(daemon))
    lines += _format_lines("page", [daemon.page.url] if daemon.page else [])
    lines += _format_lines("found as", _describe_discovery(daemon))
    lines += _format_lines("watched", [str(watch.folder) for watch in settings.watch])
    lines += _format_lines("MIDI", _describe_midi(daemon))
    lines += _format_lines("tempo", [_describe_tempo(daemon)])
    lines += _format_lines("try", [_format_example(daemon)])
    return "\n".join([*lines, "Stop with Ctrl-C.", ""])


def describe_controllers(settings: Midi, inputs: Sequence[str]) -> list[str]:
    """The inputs that pads are played on, each with its profile."""
    played = [
        f"{name} ({profiles.choose_profile(name, settings.profile).name})"
        for name in inputs
        if mapping.wants_port(settings, name)
    ]
    if mapping.VIRTUAL in settings.ports:
        played.append("a port of our own called acestepd")
    return played


def _format_lines(label: str, texts: Sequence[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        yield f"  {'' if number else label:{LABEL_WIDTH}} {text}"


def _describe_model(daemon: Daemon) -> list[str]:
    selected = daemon.selected_model
    name = f"{selected.name} {selected.variant}".strip()
    state = daemon.engine.state
    if state == "error":
        return [f"{name} cannot be loaded: {daemon.engine.error}"]
    lines = [name]
    if daemon.cluster and not daemon.settings.cluster.local:
        lines = [f"{name}, which workers play: what you send waits until one is there"]
    elif state in ("cold", "loading"):
        lines = [f"{name}, which is loading: what you send now waits for it"]
    if selected.name in VOICES:
        lines.append(VOICES[selected.name])
    if selected.reason:
        lines.append(selected.reason)
    return lines


def _describe_cluster(daemon: Daemon) -> list[str]:
    """Nothing where the settings name no scheduler."""
    if daemon.cluster is None:
        return []
    return [f"one joins with acestepd worker {daemon.cluster.describe().scheduler}"]


def _describe_osc(daemon: Daemon) -> list[str]:
    host, port = daemon.osc.address
    where = f"UDP {host}:{port}"
    if daemon.osc.tcp_address:
        where += f", TCP {daemon.osc.tcp_address[1]}"
    answers = "answers go back to where a message came from; /ace/notify 1 9101: to port 9101"
    return [where, answers]


def _describe_discovery(daemon: Daemon) -> list[str]:
    """Nothing where it is off."""
    found = daemon.discovery
    return [f"{found.name} (zeroconf), OSCQuery on {found.url}"] if found else []


def _describe_midi(daemon: Daemon) -> list[str]:
    """Nothing where the settings name no port."""
    settings = daemon.settings
    if not settings.midi.ports and not settings.midi_clock:
        return []
    present = midi.PORT_WATCHER.wait_for_ports(MIDI_SECONDS)
    if present is None:
        return [midi.MISSING]
    lines = []
    names = ", ".join(dict.fromkeys(present.inputs)) or "none"
    if settings.midi.ports:
        controllers = describe_controllers(settings.midi, present.inputs)
        missing = f'no input is one of [midi] ports yet; there are: {names}, and "virtual"'
        lines.append(f"pads on {', '.join(controllers)}" if controllers else missing)
    if settings.midi_clock:
        clock = midi.find_port(settings.midi_clock, present.inputs)
        missing = f"no input is called {settings.midi_clock!r} yet; there are: {names}"
        lines.append(f"clock from {clock}" if clock else missing)
    return lines


def _describe_tempo(daemon: Daemon) -> str:
    sources = []
    if daemon.settings.link:
        sources.append("Ableton Link")
    if daemon.settings.midi_clock:
        sources.append("MIDI clock")
    bpm, _ = daemon.tempo.current
    if sources:
        return f"{bpm:g} bpm until {' or '.join(sources)} says another, or you: /ace/tempo 98"
    return f"{bpm:g} bpm until you say another: /ace/tempo 98"


def _format_example(daemon: Daemon) -> str:
    host, port = daemon.osc.address
    is_local = host.startswith("127.") or host == "0.0.0.0"
    where = "127.0.0.1" if is_local else host  # localhost may be IPv6
    return f'oscsend {where} {port} /ace/go ssfi take1 "warm lo-fi beat" 4 7'
