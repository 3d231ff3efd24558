"""`acestepd doctor`: look at this machine as the daemon would, and say what to do about what is
wrong.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline import blas
from pipeline.mlx_library import CPU, MlxLibrary, list_libraries
from pipeline.private import make_private
from pipeline.voices import VOICES

from .. import midi
from ..discovery import announce
from ..discovery.http import ask_name
from ..discovery.tree import NAME
from ..integrations.catalogue import find_integration
from ..integrations.clients import PRESENT_SECONDS
from ..integrations.inbox import INBOX
from ..integrations.installer import (
    InstallState,
    find_state,
    list_clicks,
    read_installations,
)
from ..integrations.sources import SOURCES
from ..landing import folders
from ..osc.handlers.daemon import DOCTOR, MIDI
from ..osc.wire import Message
from ..runtime import access, lock
from ..service import check_cluster_installed, select_model
from ..settings import AUTO, Settings, SettingsError, Watch
from ..tempo.link import Link
from . import client, cluster, install, integrations, status
from .start_screen import describe_controllers

OK = "ok"
NOTE = "note"
WRONG = "WRONG"
NEEDED_SPACE = 2**30  # bytes: an evening's clips
SLOW_GFLOPS = 15.0
AMPLE_MEMORY = 20 * 2**30  # bytes: a DAW and the real model have room beside each other
ACCESS_SECONDS = 20.0  # that the daemon may take to look into its folders


class Finding(NamedTuple):
    """What a check found: OK, NOTE or WRONG, a sentence, and what to do about it."""

    verdict: str
    message: str
    hint: str = ""


Check = Callable[[Settings], Finding]


def doctor(settings: Settings) -> int:
    """Print one line per check. Returns 1 when something is wrong."""
    findings = []
    checks = list(list_checks(settings))
    width = max(8, *(len(name) for name, _ in checks))
    for name, check in checks:
        finding = _run_check(check, settings)
        findings.append(finding)
        print(f"{finding.verdict:5}  {name:{width}} {finding.message}")
        if finding.hint:
            print(f"{'':5}  {'':{width}} -> {finding.hint}")
    return int(any(finding.verdict == WRONG for finding in findings))


def _run_check(check: Check, settings: Settings) -> Finding:
    try:
        return check(settings)
    except SettingsError as error:
        return Finding(WRONG, str(error))
    except Exception as error:  # a check that fails is a finding too
        return Finding(WRONG, f"{type(error).__name__}: {error}")


def _check_python(settings: Settings) -> Finding:
    return Finding(OK, f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _check_device(settings: Settings) -> Finding:
    from pipeline import device

    if platform.system() == "Darwin" and device.is_cpu():
        return Finding(
            WRONG,
            device.describe(),
            "this needs a Mac with Apple silicon and a native (arm64) Python",
        )
    return Finding(OK, device.describe())


def _check_mlx(settings: Settings) -> Finding:
    """Whether MLX's library is one package's, and the one that suits this machine."""
    if platform.system() != "Linux":
        return Finding(OK, "MLX brings its own library")
    return judge_libraries(list_libraries(), has_card=shutil.which("nvidia-smi") is not None)


def judge_libraries(libraries: Sequence[MlxLibrary], has_card: bool) -> Finding:
    """What to say of MLX's libraries for Linux; `has_card`: NVIDIA's driver is installed."""
    names = " and ".join(library.package for library in libraries)
    if not libraries:
        return Finding(WRONG, "MLX has no library", f"pip install {CPU}")
    own = [library.package for library in libraries if library.is_there]
    wanted = libraries[-1].package  # of several, the one for a card
    again = f"pip install --force-reinstall --no-deps {wanted}"
    if len(libraries) > 1:
        others = " ".join(library.package for library in libraries[:-1])
        which = f"{own[0]}'s" if own else "neither's"
        message = f"{names} install the same file, which is {which}"
        return Finding(WRONG, message, f"pip uninstall -y {others}; {again}")
    if not own:
        return Finding(WRONG, f"the library of {names} is not the one it came with", again)
    if has_card and wanted == CPU:
        return Finding(
            NOTE,
            f"{names}, and NVIDIA's driver is here: takes are made on the processor",
            f"pip uninstall -y {CPU}; pip install mlx-cuda-13 (for driver 580 or "
            "newer; mlx-cuda-12 from driver 550 on)",
        )
    return Finding(OK, f"{names} {libraries[0].version}")


def _check_blas(settings: Settings) -> Finding:
    from pipeline import device

    speed = device.measure_matmul()
    message = f"{blas.describe()}, {speed:.0f} GFLOP/s"
    if platform.system() == "Linux" and speed < SLOW_GFLOPS:
        if blas.is_loaded():
            hint = (
                "this is the fast library: does another program compute? Look again when it is done"
            )
        else:
            hint = "the real model will be very slow: pip install mkl, and leave ACESTEPD_MKL unset"
        return Finding(NOTE, message, hint)
    return Finding(OK, message)


def _check_compiler(settings: Settings) -> Finding:
    from pipeline import device, kernels

    if device.can_compile() and (not device.is_cpu() or shutil.which("g++")):
        return Finding(OK, "mx.compile works")
    obstacle = kernels.claim_folder()
    hint = f"its folder must be yours alone: {obstacle}" if obstacle else "install g++"
    return Finding(NOTE, "mx.compile cannot be used: slower, but complete", hint)


def _check_model(settings: Settings) -> Finding:
    from pipeline.weights import checkpoint

    name, variant, reason = select_model(settings)
    found = checkpoint.find(name, variant, settings.pinned_revision)
    if name in VOICES:
        return Finding(
            NOTE,
            f"the embedded voice {name} plays. {VOICES[name]}",
            reason or "for the real one: acestepd pull",
        )
    return Finding(OK, f"{found.name} in {found.dit}")


def _check_planner(settings: Settings) -> Finding:
    from pipeline.planner.loading import find_planner
    from pipeline.weights import checkpoint

    name, variant, _ = select_model(settings)
    if name in VOICES:
        return Finding(OK, f"{name} needs none")
    try:
        found = checkpoint.find(name, variant, settings.pinned_revision)
        folder = find_planner(found.text_encoder.parent, settings.planner)
    except checkpoint.CheckpointError as error:
        if settings.planner:
            return Finding(
                WRONG,
                str(error),
                "the model is not loaded without it; or take planner out of the settings",
            )
        return Finding(NOTE, str(error), "takes are painted without a plan until then")
    return Finding(OK, f"{folder.name} in {folder}")


def _check_port(settings: Settings) -> Finding:
    address = f"UDP {settings.host}:{settings.port}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if version := status.ask_version(settings.host, settings.port):
                return Finding(OK, f"acestepd {version} is listening on {address}")
            return Finding(
                WRONG,
                f"{address}: {error.strerror}",
                "another program has it: choose another with --port",
            )
    return Finding(OK, f"{address} is free")


def _check_tcp(settings: Settings) -> Finding:
    address = f"TCP {settings.host}:{settings.tcp}"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.tcp))
        except OSError as error:
            holder = lock.read_holder(settings.state)
            is_ours = holder is not None and holder.tcp == settings.tcp
            if holder and is_ours and status.ask_version(holder.host, holder.port):
                return Finding(OK, f"acestepd is listening on {address}")
            hint = "another program has it: choose another tcp"
            return Finding(WRONG, f"{address}: {error.strerror}", hint)
    return Finding(OK, f"{address} is free")


def _check_state(settings: Settings) -> Finding:
    """Its lock is taken for a moment: that proves more than looking at it."""
    holder = lock.read_holder(settings.state)
    if holder and holder.port:
        version = status.ask_version(holder.host, holder.port)
        if version:
            return Finding(OK, f"{settings.state} is used by acestepd {version}, {holder}")
    lock.StateLock(settings.state).close()
    return Finding(OK, f"{settings.state} is writable, and no daemon uses it")


def _check_folder(settings: Settings) -> Finding:
    folders.check_writable(settings.out)
    for name in (INBOX, SOURCES):
        if os.path.lexists(settings.out / name):
            try:
                make_private(settings.out / name)
            except OSError as error:
                message = f"{settings.out / name} cannot be used: {error.strerror}"
                return Finding(NOTE, message, "move it away: acestepd makes its own")
    free = shutil.disk_usage(settings.out).free
    message = f"{settings.out} is writable, {free / 2**30:.0f} GB free"
    if free <= NEEDED_SPACE:
        return Finding(NOTE, message, "make room: a minute of WAV takes 17 MB")
    return Finding(OK, message)


def _check_access(settings: Settings) -> Finding:
    """What this process may do; a service has rights of its own."""
    tried = list(access.try_all(settings))
    return _sum_up(tried) or Finding(OK, f"{len(tried)} folders can be read from here")


def _check_service(settings: Settings) -> Finding:
    """What the daemon that runs may do, and whether the service is what it was installed as."""
    told, end = _ask_running(settings)
    tried = [each for each in told if each.what != MIDI]
    if end is None:
        daemon = client.find_daemon(settings)
        if tried or status.ask_version(daemon.host, daemon.port):
            last = f"{tried[-1].path} was the last that did" if tried else "the first does not"
            message = f"a folder of acestepd does not answer: {last}"
            return Finding(WRONG, message, "is its drive well?")
        return _find_service_trouble() or Finding(OK, "no acestepd runs, so none was asked")
    if end.address == "/ace/fail":
        _, _, code, text, hint = end.arguments[:5]
        if code == 404:
            return Finding(NOTE, "the acestepd that runs is another version", "start it again")
        return Finding(NOTE, f"the acestepd that runs refuses to be asked: {text}", str(hint))
    can = f"the acestepd that runs can read its {len(tried)} folders"
    return _sum_up(tried) or Finding(OK, can)


def _ask_running(settings: Settings) -> tuple[list[access.Access], Message | None]:
    """What the daemon that runs has found, and how it ended: with /ace/done or /ace/fail; None
    where none runs, or it does not answer in time.
    """
    daemon = client.find_daemon(settings)
    told = []
    for message in client.ask(
        (daemon.host, daemon.port), (DOCTOR,), token=settings.token, timeout=ACCESS_SECONDS
    ):
        if message.address == "/ace/finding":
            told.append(access.Access(*map(str, message.arguments)))
        elif message.address in ("/ace/done", "/ace/fail"):
            return told, message
    return told, None


def _find_service_trouble() -> Finding | None:
    """Why a service that is installed does not answer; None where there is none."""
    try:
        service = install.choose_service()
    except SettingsError:
        return None
    if not service.path.exists():
        return None
    program = service.read_program()
    if not os.access(program, os.X_OK):
        message = f"{service.path} starts {program}, which is not there"
        return Finding(WRONG, message, "acestepd service install")
    hint = f"see {service.log}; acestepd service install starts it"
    return Finding(NOTE, "the service is installed, and does not run", hint)


def _sum_up(tried: list[access.Access]) -> Finding | None:
    """None where all of it works."""
    troubles = [each for each in tried if each.problem]
    if not troubles:
        return None
    named = [f"{each.what}: {each.path or 'network'}: {each.problem}" for each in troubles]
    return Finding(WRONG, "; ".join(named), "; ".join(dict.fromkeys(one.hint for one in troubles)))


def _check_memory(settings: Settings) -> Finding:
    """Whether there is room for a DAW beside the real model."""
    total = _read_memory()
    message = f"{total / 2**30:.0f} GB"
    name, _, _ = select_model(settings)
    if name in VOICES or total > AMPLE_MEMORY or (settings.memory_gb and settings.idle_unload):
        return Finding(OK, message)
    advice = f"memory_gb = {max(1, total // 2**31)} and idle_unload = 10 (minutes) leave it room"
    if not settings.bits:
        advice += "; bits = 8 halves the weights"
    return Finding(NOTE, f"{message}, with {name}: a DAW beside it is short of memory", advice)


def _read_memory() -> int:
    """Of this machine, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _build_watch_check(watch: Watch) -> Check:
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
        folders.check_writable(watch.out)
        return Finding(OK, f"{watch.folder}, its takes land in {watch.out}")

    return check


def _try_port(host: str, port: int) -> OSError | None:
    """Why nobody can listen on a TCP port now; None where one can."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None


def _check_page(settings: Settings) -> Finding:
    if settings.page < 0:
        return Finding(OK, "none, as the settings say")
    address = f"TCP {settings.host}:{settings.page}"
    if taken := _try_port(settings.host, settings.page):
        holder = lock.read_holder(settings.state)
        if holder and holder.page == settings.page and lock.is_held(settings.state):
            return Finding(OK, f"the page is on {client.locate_page(holder)}")
        hint = "acestepd does without a page: choose another port for it with --page"
        return Finding(NOTE, f"{address}: {taken.strerror}", hint)
    return Finding(OK, f"{address} is free for the page")


def _check_link(settings: Settings) -> Finding:
    Link()
    return Finding(OK, "Ableton Link is followed once somebody else on the network uses it")


def _check_discovery(settings: Settings) -> Finding:
    try:
        announce.open_zeroconf(settings.host).close()
    except OSError as error:
        message = f"zeroconf cannot be used on {settings.host}: {error.strerror}"
        return Finding(NOTE, message, "programs that are told the port find acestepd all the same")
    if not settings.oscquery:
        return Finding(OK, "zeroconf works, OSCQuery takes a free port")
    address = f"TCP {settings.host}:{settings.oscquery}"
    if taken := _try_port(settings.host, settings.oscquery):
        if ask_name(settings.host, settings.oscquery) == NAME:
            return Finding(OK, f"zeroconf works, acestepd answers OSCQuery on {address}")
        hint = "another program has it: choose another oscquery"
        return Finding(WRONG, f"{address}: {taken.strerror}", hint)
    return Finding(OK, f"zeroconf works, {address} is free for OSCQuery")


def _list_midi_inputs(settings: Settings) -> list[str] | None:
    """Those that the daemon that runs sees: it may be at home in another MIDI system, JACK's for
    example. Where none says so, those that are seen from here; None: there is no MIDI system.
    """
    told, _ = _ask_running(settings)
    if seen := [each for each in told if each.what == MIDI]:
        return None if seen[0].problem else [each.path for each in seen]
    return midi.list_inputs(midi.load_backend())


def _check_midi_clock(settings: Settings) -> Finding:
    names = _list_midi_inputs(settings)
    if names is None:
        return Finding(WRONG, midi.MISSING, midi.MISSING_HINT)
    if found := midi.find_port(settings.midi_clock, names):
        return Finding(OK, f"MIDI clock from {found}")
    there = ", ".join(names) or "none"
    return Finding(
        NOTE,
        f"no MIDI input is called {settings.midi_clock!r} now",
        f"midi_clock may name one of: {there}",
    )


def _check_pads(settings: Settings) -> Finding:
    """The ports that would be played on, each with its profile."""
    names = _list_midi_inputs(settings)
    if names is None:
        return Finding(WRONG, midi.MISSING, midi.MISSING_HINT)
    controllers = describe_controllers(settings.midi, names)
    if controllers:
        return Finding(OK, f"pads on {', '.join(controllers)}")
    there = ", ".join(names) or "none"
    return Finding(
        NOTE,
        "no MIDI input is one of [midi] ports now",
        f'ports may name parts of: {there}; or "virtual", a port of our own called acestepd',
    )


def _build_integration_check(name: str) -> Check:
    def check(settings: Settings) -> Finding:
        integration = find_integration(name)
        installations = [one for one in read_installations(settings.state) if one.name == name]
        where = " and ".join(one.root for one in installations)
        again = f"acestepd integrations install {name}"
        for one in installations:
            if not Path(one.root).is_dir():
                return Finding(WRONG, f"{one.root} is gone, and {name} with it", again)
        if any(one.pending for one in installations):
            return Finding(NOTE, f"in {where}; installing it was cut off", again)
        state = find_state(integration, installations)
        if state is InstallState.CHANGED:
            changed = ", ".join(path for one in installations for path in one.find_changed())
            hint = f"where that is not on purpose: move it away, then {again}"
            return Finding(NOTE, f"in {where}; edited or removed since: {changed}", hint)
        if state is InstallState.OUTDATED:
            return Finding(NOTE, f"in {where}, of another version of acestepd", again)
        if not integration.inserts:
            return Finding(OK, f"in {where}")
        last = integrations.find_last(integrations.find_heard(settings), name)
        if last is None:
            clicks = "; ".join(list_clicks(integration, installations))
            return Finding(NOTE, f"in {where}, and never heard", clicks)
        age = integrations.format_age(time.time() - last.time)
        return Finding(OK, f"in {where}, heard {age}")

    return check


def _check_record(settings: Settings) -> Finding:
    """What was installed into other programs is known. Raises `SettingsError` where it is not."""
    return Finding(OK, f"{len(read_installations(settings.state))} installations are known")


def _check_inserting(settings: Settings) -> Finding:
    """Who of those that are connected puts clips in."""
    heard = integrations.find_heard(settings)
    there = [name for name, one in heard.items() if one.inserts and one.seconds < PRESENT_SECONDS]
    chosen = settings.insert_to
    if chosen and chosen != AUTO:
        return Finding(OK, f"{chosen} gets the clips")
    if chosen == AUTO and len(there) > 1:
        message = f"{', '.join(there)} are there: {there[0]} gets the clips"
        return Finding(NOTE, message, f'choose in the settings, like insert_to = "{there[-1]}"')
    if chosen == AUTO:
        return Finding(OK, f"{there[0]} gets the clips" if there else "nobody is there now")
    return Finding(
        NOTE, "nobody gets clips by itself", 'unless the settings say insert_to = "auto"'
    )


CHECKS: dict[str, Check] = {
    "Python": _check_python,
    "MLX": _check_mlx,
    "device": _check_device,
    "BLAS": _check_blas,
    "compiler": _check_compiler,
    "model": _check_model,
    "planner": _check_planner,
    "port": _check_port,
    "page": _check_page,
    "folder": _check_folder,
    "state": _check_state,
    "access": _check_access,
    "service": _check_service,
    "memory": _check_memory,
}


def _check_cluster(settings: Settings) -> Finding:
    try:
        check_cluster_installed()
    except SettingsError as error:
        return Finding(WRONG, str(error), "without it acestepd does not start with these settings")
    try:
        answer = cluster.ask(settings)
    except SettingsError as error:
        if settings.cluster.local:
            return Finding(NOTE, str(error), "this machine makes all takes meanwhile")
        return Finding(WRONG, str(error), "takes wait until it is there")
    return Finding(OK, ", ".join(line.strip() for line in answer.text.splitlines()))


def list_checks(settings: Settings) -> Iterator[tuple[str, Check]]:
    """Those that everybody needs, and those for what the settings ask for, with their names."""
    yield from CHECKS.items()
    for watch in settings.watch:
        yield "watch", _build_watch_check(watch)
    if settings.tcp >= 0:
        yield "tcp", _check_tcp
    if settings.link:
        yield "link", _check_link
    if settings.discovery:
        yield "discovery", _check_discovery
    if settings.cluster.scheduler:
        yield "cluster", _check_cluster
    if settings.midi_clock:
        yield "midi", _check_midi_clock
    if settings.midi.ports:
        yield "pads", _check_pads
    try:
        installed = sorted({one.name for one in read_installations(settings.state)})
    except SettingsError:
        yield "programs", _check_record
        return
    for name in installed:
        yield name, _build_integration_check(name)
    if installed:
        yield "inserting", _check_inserting
