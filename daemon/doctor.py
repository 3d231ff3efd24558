"""`acestepd doctor`: look at this machine as the daemon would, and say what to do about what is wrong."""

from __future__ import annotations

import platform
import shutil
import socket
import sys
from collections.abc import Callable
from typing import NamedTuple

from pipeline import blas
from pipeline.voices import VOICES

from .service import check_folder, chosen_model
from .settings import Settings
from .wire import MAX_DATAGRAM, encode, read_message

OK, NOTE, WRONG = "ok", "note", "WRONG"
NEEDED_SPACE = 2**30  # bytes: an evening's clips


class Finding(NamedTuple):
    verdict: str
    what: str
    todo: str = ""


def doctor(settings: Settings) -> int:
    """Print one line per check. Returns 1 when something is wrong."""
    findings = []
    for name, check in CHECKS.items():
        try:
            finding = check(settings)
        except Exception as error:  # a check that fails is a finding too
            finding = Finding(WRONG, f"{type(error).__name__}: {error}")
        findings.append(finding)
        print(f"{finding.verdict:5}  {name:8} {finding.what}")
        if finding.todo:
            print(f"{'':5}  {'':8} -> {finding.todo}")
    return int(any(finding.verdict == WRONG for finding in findings))


def _python(settings: Settings) -> Finding:
    what = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding(OK, what) if sys.version_info >= (3, 11) else Finding(WRONG, what, "install Python 3.11 or newer")


def _device(settings: Settings) -> Finding:
    from pipeline import ops

    if platform.system() == "Darwin" and ops.ON_CPU:
        return Finding(WRONG, ops.device(), "this needs a Mac with Apple silicon and a native (arm64) Python")
    return Finding(OK, ops.device())


def _blas(settings: Settings) -> Finding:
    from pipeline import ops

    speed = ops.matmul_speed()
    what = f"{blas.live()}, {speed:.0f} GFLOP/s"
    if platform.system() == "Linux" and speed < 15:
        return Finding(NOTE, what, "the real model will be very slow: pip install mkl, and leave ACESTEPD_MKL unset")
    return Finding(OK, what)


def _compiler(settings: Settings) -> Finding:
    from pipeline import ops

    if ops.can_compile() and (not ops.ON_CPU or shutil.which("g++")):
        return Finding(OK, "mx.compile works")
    todo = "install g++, and see that mlx/ among the temporary files (TMPDIR, /tmp) is yours to write"
    return Finding(NOTE, "mx.compile cannot be used: slower, but complete", todo)


def _model(settings: Settings) -> Finding:
    from pipeline import checkpoint

    name, variant, why = chosen_model(settings)
    found = checkpoint.find(name, variant)
    if name in VOICES:
        return Finding(
            NOTE, f"the embedded voice {name} plays. {VOICES[name]}", why or "for the real one: acestepd pull"
        )
    return Finding(OK, f"{found.name} in {found.dit}")


def _port(settings: Settings) -> Finding:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if running := _answer(settings.port):
                return Finding(OK, f"acestepd {running} is listening on UDP {settings.port}")
            what = f"UDP {settings.host}:{settings.port}: {error.strerror}"
            return Finding(WRONG, what, "another program has it: choose another with --port")
    return Finding(OK, f"UDP {settings.host}:{settings.port} is free")


def _answer(port: int) -> str:
    """The version of the daemon that answers a ping there, if one does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1.0)
        client.sendto(encode("/ace/ping", "s", "doctor"), ("127.0.0.1", port))
        try:
            message = read_message(client.recv(MAX_DATAGRAM))
        except (OSError, ValueError):
            return ""
    return str(message.arguments[1]) if message.address == "/ace/pong" else ""


def _folder(settings: Settings) -> Finding:
    check_folder(settings.out)
    free = shutil.disk_usage(settings.out).free
    what = f"{settings.out} is writable, {free / 2**30:.0f} GB free"
    return Finding(OK, what) if free > NEEDED_SPACE else Finding(NOTE, what, "make room: a minute of WAV takes 17 MB")


CHECKS: dict[str, Callable[[Settings], Finding]] = {
    "Python": _python,
    "device": _device,
    "BLAS": _blas,
    "compiler": _compiler,
    "model": _model,
    "port": _port,
    "folder": _folder,
}
