"""The command line: `acestepd` and its subcommands."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.request import FIELDS, Allowed, Progress, Request, Take
from pipeline.voices import HUB_MODEL, VOICES

from . import VERSION, settings
from .settings import Settings, SettingsError

if TYPE_CHECKING:
    from .clips import Landed
    from .service import Daemon

KEEP = argparse.SUPPRESS  # an option given before the subcommand counts too

EPILOG = """\
Start it, then send one OSC message to UDP port 9100:
  oscsend localhost 9100 /ace/go ssfi take1 "warm lo-fi beat" 4 7
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except ValueError as error:  # settings, checkpoints and requests say in one sentence what is wrong
        hint = getattr(error, "hint", "")
        print(f"acestepd: {error}" + (f" ({hint})" if hint else ""), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="acestepd",
        description="Keeps ACE-Step 1.5 warm and plays it from OSC: a message in, a WAV in the folder, a message out.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"acestepd {VERSION}")
    _add_settings(top)
    top.set_defaults(run=_run)
    commands = top.add_subparsers(title="other commands", metavar="COMMAND")

    demo = commands.add_parser("demo", help="start a daemon, send it OSC, show what happens (no download)")
    demo.add_argument("--out", type=Path, default=KEEP, help="folder for the clips (acestepd-demo)")
    demo.set_defaults(run=_demo)

    generate = commands.add_parser("generate", help="make one take without a daemon")
    _add_generate(generate)
    generate.set_defaults(run=_generate)

    doctor = commands.add_parser("doctor", help="check this machine and say what to do")
    _add_settings(doctor, KEEP)
    doctor.set_defaults(run=_doctor)

    pull = commands.add_parser("pull", help="fetch a model to this machine")
    pull.add_argument("model", nargs="?", default=HUB_MODEL, help="hub name (%(default)s)")
    pull.add_argument("--variant", default=KEEP, help="sub-folder of the DiT; turbo by default")
    pull.set_defaults(run=_pull)
    return top


def _add_settings(to: argparse.ArgumentParser, default: str | None = None) -> None:
    where = "folder the clips land in (~/Music/acestepd)"
    which = "folder, hub name or embedded voice (the real model if it is here, else mini)"
    to.add_argument("--settings", default=default, type=Path, metavar="FILE", help=f"file ({settings.DEFAULT_FILE})")
    to.add_argument("--host", default=default, help="address to listen on (127.0.0.1)")
    to.add_argument("--port", default=default, type=int, help="UDP port for OSC (9100)")
    to.add_argument("--out", default=default, type=Path, metavar="DIR", help=where)
    to.add_argument("--model", default=default, help=which)
    to.add_argument("--variant", default=default, help="sub-folder of the DiT, like acestep-v15-base")


def _add_generate(to: argparse.ArgumentParser) -> None:
    to.add_argument("text", nargs="?", help="the prompt: style, instruments, mood")
    to.add_argument("--again", type=Path, metavar="MANIFEST", help="make the take of this manifest again")
    to.add_argument("--out", type=Path, default=KEEP, metavar="DIR", help="folder for the files (this one)")
    to.add_argument("--model", default=KEEP, help="folder, hub name or embedded voice")
    to.add_argument("--variant", default=KEEP, help="sub-folder of the DiT; turbo by default")
    group = to.add_argument_group("what to make")
    for name, spec in FIELDS.items():
        allowed: Allowed = spec.metadata["allowed"]
        text = isinstance(spec.default, str)
        shown = f"{allowed.help} ({spec.default})" if spec.default != "" else allowed.help
        flag, metavar = f"--{name.replace('_', '-')}", "TEXT" if text else f"{allowed.low:.10g}..{allowed.high:.10g}"
        group.add_argument(flag, dest=f"field_{name}", metavar=metavar.replace("-inf..inf", "ON"), help=shown)


def _settings(arguments: argparse.Namespace) -> Settings:
    names = ("host", "port", "out", "model", "variant")
    return settings.read(arguments.settings, {name: getattr(arguments, name) for name in names})


def _run(arguments: argparse.Namespace) -> int:
    from .service import Daemon

    chosen = _settings(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    stop = threading.Event()
    with Daemon(chosen) as daemon:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        print(_screen(daemon), flush=True)
        stop.wait()
        print("closing: what was running is cancelled and announced", flush=True)
    if not daemon.engine.ended:
        os._exit(0)  # nothing is being written; the thread that still loads would keep the process for as long
    return 0


def _screen(daemon: Daemon) -> str:
    (host, port), (model, variant, why) = daemon.osc.address, daemon.chosen
    where = "localhost" if host.startswith("127.") else host
    notes = [VOICES[model]] if model in VOICES else []
    about = "".join(f"\n           {note}" for note in [*notes, why] if note)
    return f"""acestepd {VERSION}
  model    {model} {variant}{about}
  clips    {daemon.settings.out}
  OSC in   UDP {host}:{port}

Send one message; the answers come back to where it came from:
  oscsend {where} {port} /ace/go ssfi take1 "warm lo-fi beat" 4 7
In Max or Pd send to {where} {port}:   /ace/go take1 warm lo-fi beat 4 7
To hear answers on another port:   /ace/notify 1 9101
Stop with Ctrl-C.
"""


def _demo(arguments: argparse.Namespace) -> int:
    from .demo import demo

    return demo(arguments.out or Path("acestepd-demo"))


def _doctor(arguments: argparse.Namespace) -> int:
    from .doctor import doctor

    return doctor(_settings(arguments))


def _pull(arguments: argparse.Namespace) -> int:
    from pipeline import checkpoint

    found = checkpoint.fetch(arguments.model, arguments.variant or "")
    print(f"{found.name} is on this machine:", *(found.dit, found.text_encoder, found.vae), sep="\n  ")
    return 0


def _generate(arguments: argparse.Namespace) -> int:
    from . import clips
    from .panel import Panel

    request, model = Request(), "auto"
    if arguments.again:
        request, model = clips.read_manifest(arguments.again)
    model = arguments.model or model
    given = {name: getattr(arguments, f"field_{name}") for name in FIELDS}
    given["prompt"] = given["prompt"] or arguments.text
    wish = Panel(request).wish({name: value for name, value in given.items() if value is not None})
    places = {"out": arguments.out or Path(), "model": model, "variant": arguments.variant or ""}
    chosen = settings.from_values(places)
    landed = _take_with_bar(wish.resolved(), chosen)
    print(*(path for _, path in landed.clips), landed.manifest, sep="\n")
    return 0


def _take_with_bar(request: Request, chosen: Settings) -> Landed:
    from tqdm import tqdm

    from pipeline import load

    from . import clips
    from .service import check_folder, chosen_model

    check_folder(chosen.out)
    playing = chosen_model(chosen)
    if playing.why:
        print(f"{playing.model} plays. {VOICES[playing.model]} {playing.why}", file=sys.stderr)
    model = load(playing.model, playing.variant)
    takes = []
    with tqdm(total=100, bar_format="{desc:10} {percentage:3.0f}% |{bar}| {elapsed} < {remaining}") as bar:
        for event in model.render(request):
            if isinstance(event, Take):
                takes.append(event)
            else:
                bar.set_description(event.stage)
            bar.update(100 * (event.fraction if isinstance(event, Progress) else 1.0) - bar.n)
    try:
        return clips.write(chosen.out, "generate", takes)
    except OSError as error:
        raise SettingsError(f"cannot write into {chosen.out}: {error.strerror}") from error
