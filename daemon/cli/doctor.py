"""`acestepd doctor`: look at this machine as the daemon would, and say what to do about what is
wrong.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

from pipeline import blas
from pipeline.voices import VOICES

from .. import midi
from ..landing import folders
from ..pads import mapping, profiles
from ..runtime import lock
from ..service import chosen_model
from ..settings import Settings, SettingsError, Watch
from ..tempo.link import Link
from . import status

OK = "ok"
NOTE = "note"
WRONG = "WRONG"
NEEDED_SPACE = 2**30  # bytes: an evening's clips


class Finding(NamedTuple):
    verdict: str
    what: str
    todo: str = ""


def doctor(settings: Settings) -> int:
    """Print one line per check. Returns 1 when something is wrong."""
    findings = []
    for name, check in checks(settings):
        try:
            finding = check(settings)
        except SettingsError as error:
            finding = Finding(WRONG, str(error))
        except Exception as error:  # a check that fails is a finding too
            finding = Finding(WRONG, f"{type(error).__name__}: {error}")
        findings.append(finding)
        print(f"{finding.verdict:5}  {name:8} {finding.what}")
        if finding.todo:
            print(f"{'':5}  {'':8} -> {finding.todo}")
    return int(any(finding.verdict == WRONG for finding in findings))


def _python(settings: Settings) -> Finding:
    what = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return (
        Finding(OK, what)
        if sys.version_info >= (3, 11)
        else Finding(WRONG, what, "install Python 3.11 or newer")
    )


def _device(settings: Settings) -> Finding:
    from pipeline import device

    if platform.system() == "Darwin" and device.is_cpu():
        return Finding(
            WRONG,
            device.describe(),
            "this needs a Mac with Apple silicon and a native (arm64) Python",
        )
    return Finding(OK, device.describe())


def _blas(settings: Settings) -> Finding:
    from pipeline import device

    speed = device.measure_matmul()
    what = f"{blas.live()}, {speed:.0f} GFLOP/s"
    if platform.system() == "Linux" and speed < 15:
        return Finding(
            NOTE,
            what,
            "the real model will be very slow: pip install mkl, and leave ACESTEPD_MKL unset",
        )
    return Finding(OK, what)


def _compiler(settings: Settings) -> Finding:
    from pipeline import device

    if device.can_compile() and (not device.is_cpu() or shutil.which("g++")):
        return Finding(OK, "mx.compile works")
    todo = (
        "install g++, and see that mlx/ among the temporary files (TMPDIR, /tmp) is yours to write"
    )
    return Finding(NOTE, "mx.compile cannot be used: slower, but complete", todo)


def _model(settings: Settings) -> Finding:
    from pipeline.weights import checkpoint

    name, variant, why = chosen_model(settings)
    found = checkpoint.find(name, variant)
    if name in VOICES:
        return Finding(
            NOTE,
            f"the embedded voice {name} plays. {VOICES[name]}",
            why or "for the real one: acestepd pull",
        )
    return Finding(OK, f"{found.name} in {found.dit}")


def _planner(settings: Settings) -> Finding:
    from pipeline.planner.loading import find_planner
    from pipeline.weights import checkpoint

    name, variant, _ = chosen_model(settings)
    if name in VOICES:
        return Finding(OK, f"{name} needs none")
    try:
        folder = find_planner(checkpoint.find(name, variant).text_encoder.parent, settings.planner)
    except checkpoint.CheckpointError as error:
        if settings.planner:
            return Finding(
                WRONG,
                str(error),
                "the model is not loaded without it; or take planner out of the settings",
            )
        return Finding(NOTE, str(error), "takes are painted without a plan until then")
    return Finding(OK, f"{folder.name} in {folder}")


def _port(settings: Settings) -> Finding:
    what = f"UDP {settings.host}:{settings.port}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if running := status.version(settings.host, settings.port):
                return Finding(OK, f"acestepd {running} is listening on {what}")
            return Finding(
                WRONG,
                f"{what}: {error.strerror}",
                "another program has it: choose another with --port",
            )
    return Finding(OK, f"{what} is free")


def _tcp(settings: Settings) -> Finding:
    what = f"TCP {settings.host}:{settings.tcp}"
    running = lock.running(settings.state)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.tcp))
        except OSError as error:
            if (
                running
                and running.tcp == settings.tcp
                and status.version(running.host, running.port)
            ):
                return Finding(OK, f"acestepd is listening on {what}")
            return Finding(
                WRONG, f"{what}: {error.strerror}", "another program has it: choose another tcp"
            )
    return Finding(OK, f"{what} is free")


def _state(settings: Settings) -> Finding:
    """Its lock is taken for a moment: that proves more than looking at it."""
    running = lock.running(settings.state)
    if running and running.port and (version := status.version(running.host, running.port)):
        return Finding(OK, f"{settings.state} is used by acestepd {version}, {running}")
    lock.Lock(settings.state).close()
    return Finding(OK, f"{settings.state} is writable, and no daemon uses it")


def _folder(settings: Settings) -> Finding:
    folders.check(settings.out)
    free = shutil.disk_usage(settings.out).free
    what = f"{settings.out} is writable, {free / 2**30:.0f} GB free"
    return (
        Finding(OK, what)
        if free > NEEDED_SPACE
        else Finding(NOTE, what, "make room: a minute of WAV takes 17 MB")
    )


def _watched(watch: Watch) -> Callable[[Settings], Finding]:
    def check(settings: Settings) -> Finding:
        if not watch.folder.is_dir():
            return Finding(
                NOTE, f"{watch.folder} is not there", "make it; it is watched as soon as it is"
            )
        if not os.access(watch.folder, os.R_OK | os.X_OK):
            return Finding(
                WRONG,
                f"{watch.folder} cannot be read",
                "give acestepd the right to, or another folder",
            )
        folders.check(watch.out)
        return Finding(OK, f"{watch.folder}, its takes land in {watch.out}")

    return check


def _link(settings: Settings) -> Finding:
    Link()
    return Finding(OK, "Ableton Link is followed once somebody else on the network uses it")


def _midi(settings: Settings) -> Finding:
    names = midi.list_inputs(midi.load_backend())
    if names is None:
        return Finding(
            WRONG,
            "no MIDI system answers",
            "on Linux start ALSA's sequencer, or JACK with MIDO_BACKEND set",
        )
    if found := midi.find_port(settings.midi_clock, names):
        return Finding(OK, f"MIDI clock from {found}")
    there = ", ".join(names) or "none"
    return Finding(
        NOTE,
        f"no MIDI input is called {settings.midi_clock!r} now",
        f"midi_clock may name one of: {there}",
    )


def _pads(settings: Settings) -> Finding:
    """The ports that would be played on, each with its profile."""
    names = midi.list_ports(midi.load_backend())
    if names is None:
        return Finding(
            WRONG,
            "no MIDI system answers",
            "on Linux start ALSA's sequencer, or JACK with MIDO_BACKEND set",
        )
    wanted = [name for name in names.inputs if mapping.wants_port(settings.midi, name)]
    played = [
        f"{name} ({profiles.choose_profile(name, settings.midi.profile).name})" for name in wanted
    ]
    played += ["a port of our own called acestepd"] if "virtual" in settings.midi.ports else []
    if played:
        return Finding(OK, f"pads on {', '.join(played)}")
    there = ", ".join(names.inputs) or "none"
    return Finding(
        NOTE, "no MIDI input is one of [midi] ports now", f"ports may name parts of: {there}"
    )


CHECKS: dict[str, Callable[[Settings], Finding]] = {
    "Python": _python,
    "device": _device,
    "BLAS": _blas,
    "compiler": _compiler,
    "model": _model,
    "planner": _planner,
    "port": _port,
    "folder": _folder,
    "state": _state,
}


def checks(settings: Settings) -> Iterator[tuple[str, Callable[[Settings], Finding]]]:
    """Those that everybody needs, and those for what the settings ask for."""
    yield from CHECKS.items()
    yield from (("watch", _watched(watch)) for watch in settings.watch)
    asked = {
        "tcp": (settings.tcp >= 0, _tcp),
        "link": (settings.link, _link),
        "midi": (settings.midi_clock, _midi),
    }
    asked["pads"] = (settings.midi.ports, _pads)
    yield from ((name, check) for name, (wanted, check) in asked.items() if wanted)
