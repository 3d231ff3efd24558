"""The command line: `acestepd` and its subcommands."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Generator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.request import FIELDS, MAX_SEED, PREVIEW, FieldSpec, Request
from pipeline.request_files import accept_request, resolve_request
from pipeline.take import Progress, Take, TakeInfo
from pipeline.voices import HUB_MODEL, PLANNERS, VOICES

from .. import VERSION, settings
from ..settings import Settings, SettingsError

if TYPE_CHECKING:
    from pipeline import AceStep

    from ..landing.clips import Landed
    from ..service import Daemon

_Result = TypeVar("_Result")

KEEP = argparse.SUPPRESS  # an option given before the subcommand counts too
FLAGS = ("host", "port", "out", "state", "model", "variant")  # settings that are flags too

EPILOG = """\
Start it, then send one OSC message to UDP port 9100:
  oscsend localhost 9100 /ace/go ssfi take1 "warm lo-fi beat" 4 7
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (
        ValueError
    ) as error:  # settings, checkpoints and requests say in one sentence what is wrong
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
    top.add_argument(
        "--quiet",
        action="store_true",
        help="only warnings on the terminal; the log file has the rest",
    )
    _add_settings(top)
    top.set_defaults(run=_run)
    commands = top.add_subparsers(title="other commands", metavar="COMMAND")

    demo = commands.add_parser(
        "demo", help="start a daemon, send it OSC, show what happens (no download)"
    )
    demo.add_argument("--out", type=Path, default=KEEP, help="folder for the clips (acestepd-demo)")
    demo.set_defaults(run=_demo)

    generate = commands.add_parser("generate", help="make one take without a daemon")
    _add_generate(generate)
    generate.set_defaults(run=_generate)

    understand = commands.add_parser(
        "understand", help="what a recording is: a lyric sheet with its words and tempo"
    )
    _add_understand(understand)
    understand.set_defaults(run=_understand)

    doctor = commands.add_parser("doctor", help="check this machine and say what to do")
    _add_settings(doctor, KEEP)
    doctor.set_defaults(run=_doctor)

    pull = commands.add_parser("pull", help="fetch a model to this machine")
    pull.add_argument("model", nargs="?", default=HUB_MODEL, help="hub name (%(default)s)")
    pull.add_argument("--variant", default=KEEP, help="sub-folder of the DiT; turbo by default")
    planner = "also a planner, the model that writes songs down first (%(const)s)"
    pull.add_argument("--planner", nargs="?", const=PLANNERS[0], choices=PLANNERS, help=planner)
    pull.set_defaults(run=_pull)

    convert = commands.add_parser("convert", help="save a model with its weights in 8 or 4 bits")
    convert.add_argument("model", help="folder, hub name or embedded voice")
    convert.add_argument(
        "target", type=Path, help="folder to make, which --model then takes like any other"
    )
    convert.add_argument(
        "--bits",
        type=int,
        default=8,
        help="8, or 4 for half of that and a little more difference (8)",
    )
    convert.add_argument("--variant", default=KEEP, help="sub-folder of the DiT; turbo by default")
    convert.set_defaults(run=_convert)

    status = commands.add_parser("status", help="ask the daemon that runs what it is doing")
    status.set_defaults(run=_status)
    _add_settings(status, KEEP)

    history = commands.add_parser("history", help="the takes that were made, newest first")
    history.set_defaults(run=_history)
    _add_settings(history, KEEP)
    _add_history(history)

    shown = commands.add_parser(
        "settings", help="a settings file with every setting, its default and its meaning"
    )
    shown.set_defaults(run=_show_settings)
    _add_settings(shown, KEEP)
    shown.add_argument("--write", action="store_true", help="write it, where there is none yet")

    service = commands.add_parser("service", help="start acestepd whenever you log in")
    service.set_defaults(run=_service)
    _add_settings(service, KEEP)
    service.add_argument(
        "do", choices=("install", "uninstall"), help="the options given now are kept for it"
    )

    for scripted in (status, history, shown):
        scripted.add_argument("--json", action="store_true", help="for scripts")
    return top


def _add_settings(to: argparse.ArgumentParser, default: str | None = None) -> None:
    where = "folder the clips land in (~/Music/acestepd)"
    which = "folder, hub name or embedded voice (the real model if it is here, else mini)"
    to.add_argument(
        "--settings",
        default=default,
        type=Path,
        metavar="FILE",
        help=f"file ({settings.DEFAULT_FILE})",
    )
    to.add_argument("--host", default=default, help="address to listen on (127.0.0.1)")
    to.add_argument("--port", default=default, type=int, help="UDP port for OSC (9100)")
    to.add_argument("--out", default=default, type=Path, metavar="DIR", help=where)
    journal = "folder of the journal and the log (~/.local/state/acestepd)"
    to.add_argument("--state", default=default, type=Path, metavar="DIR", help=journal)
    to.add_argument("--model", default=default, help=which)
    to.add_argument(
        "--variant", default=default, help="sub-folder of the DiT, like acestep-v15-base"
    )


def _add_generate(to: argparse.ArgumentParser) -> None:
    to.add_argument("text", nargs="?", help="the prompt: style, instruments, mood")
    to.add_argument(
        "--again", type=Path, metavar="MANIFEST", help="make the take of this manifest again"
    )
    to.add_argument(
        "--out", type=Path, default=KEEP, metavar="DIR", help="folder for the files (this one)"
    )
    _add_model(to)
    worn = "LoRA to wear: a PEFT folder or a .safetensors file; may be given several times"
    to.add_argument("--adapter", action="append", metavar="PATH[=SCALE]", help=worn)
    group = to.add_argument_group("what to make")
    for name, spec in FIELDS.items():
        allowed: FieldSpec = spec.metadata["allowed"]
        text = isinstance(spec.default, str)
        shown = f"{allowed.help} ({spec.default})" if spec.default != "" else allowed.help
        flag = f"--{name.replace('_', '-')}"
        metavar = "TEXT" if text else f"{allowed.low:.10g}..{allowed.high:.10g}"
        group.add_argument(
            flag, dest=f"field_{name}", metavar=metavar.replace("-inf..inf", "ON"), help=shown
        )


def _add_understand(to: argparse.ArgumentParser) -> None:
    to.add_argument("file", help="a recording: wav, flac, mp3, aiff or ogg")
    to.add_argument(
        "--seed", type=int, default=0, help="another one hears it a little differently (0)"
    )
    to.add_argument("--json", action="store_true", help="for scripts; has its audio codes too")
    _add_model(to)


def _add_model(to: argparse.ArgumentParser) -> None:
    to.add_argument("--model", default=KEEP, help="folder, hub name or embedded voice")
    to.add_argument("--variant", default=KEEP, help="sub-folder of the DiT; turbo by default")
    to.add_argument(
        "--bits", type=int, help="quantise the model's weights to 8 or 4 bits; 0: as they are"
    )
    to.add_argument(
        "--planner",
        metavar="SIZE",
        default="",
        help="0.6B, 1.7B, 4B, or a folder with one; else what is there",
    )


def _add_history(to: argparse.ArgumentParser) -> None:
    dates = "like 2026-05-01, 2026-05-01 18:30 or 3d (ago)"
    to.add_argument("--text", default="", help="words in prompt, lyrics, name or id")
    to.add_argument("--seed", type=int, help="of the take")
    to.add_argument("--since", metavar="WHEN", help=f"not before this: {dates}")
    to.add_argument("--until", metavar="WHEN", help="not after this")
    to.add_argument("--favourites", action="store_true", help="only these")
    to.add_argument("--limit", type=int, default=20, help="how many (%(default)s)")


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name in FLAGS if (value := getattr(arguments, name)) is not None}


def _settings(arguments: argparse.Namespace) -> Settings:
    return settings.read(arguments.settings, _given(arguments))


def _file(arguments: argparse.Namespace) -> Path:
    """Where the settings file is, or would be."""
    try:
        return Path(arguments.settings or settings.DEFAULT_FILE).expanduser().absolute()
    except RuntimeError as error:
        raise SettingsError(
            f"no home folder is known here: say where the file is with --settings ({error})"
        ) from error


def _run(arguments: argparse.Namespace) -> int:
    from ..runtime import logs
    from ..runtime.reload import Reload
    from ..service import Daemon

    chosen = _settings(arguments)
    logs.to_terminal(arguments.quiet)
    stop = threading.Event()
    daemon = Daemon(chosen)
    reload = Reload(_file(arguments), chosen, lambda: _settings(arguments), daemon.apply)
    with logs.to_file(chosen), daemon, reload:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        signal.signal(signal.SIGHUP, lambda *_: reload.now())
        if not arguments.quiet:
            print(_screen(daemon), flush=True)
        stop.wait()
        if not arguments.quiet:
            print(
                "closing: what was running is kept, and goes on when acestepd is started again",
                flush=True,
            )
    return 0


def _screen(daemon: Daemon) -> str:
    (host, port), (model, variant, why) = daemon.osc.address, daemon.chosen
    tcp = f", TCP {daemon.osc.tcp_address[1]}" if daemon.osc.tcp_address else ""
    where = "localhost" if host.startswith("127.") or host == "0.0.0.0" else host
    notes = [VOICES[model]] if model in VOICES else []
    about = "".join(f"\n           {note}" for note in [*notes, why] if note)
    return f"""acestepd {VERSION}
  model    {model} {variant}{about}
  clips    {daemon.settings.out}
  OSC in   UDP {host}:{port}{tcp}

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


def _status(arguments: argparse.Namespace) -> int:
    from . import status

    found = status.ask(_settings(arguments), anywhere=arguments.port is None)
    print(
        _json(asdict(found) | {"running": bool(found.version)})
        if arguments.json
        else status.shown(found)
    )
    return found.code


def _history(arguments: argparse.Namespace) -> int:
    from . import history

    for name, low, high in (("limit", 1, 10**9), ("seed", 0, MAX_SEED)):
        if (number := getattr(arguments, name)) is not None and not low <= number <= high:
            raise SettingsError(f"--{name} must be in {low}..{high}, got {number}")
    jobs = history.find(
        _settings(arguments),
        text=arguments.text,
        seed=arguments.seed,
        since=history.moment(arguments.since) if arguments.since else None,
        until=history.moment(arguments.until, ends=True) if arguments.until else None,
        favourite=arguments.favourites,
        limit=arguments.limit,
    )
    print(
        _json([history.as_json(job) for job in jobs])
        if arguments.json
        else "\n".join(map(history.shown, jobs))
    )
    return 0


def _show_settings(arguments: argparse.Namespace) -> int:
    from . import template

    if not arguments.write:
        print(
            _json(template.as_json(_settings(arguments))) if arguments.json else template.template()
        )
        return 0
    file = _file(arguments)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(
            os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as new:
            new.write(template.template())
    except FileExistsError:
        raise SettingsError(
            f"{file} is there already and stays as it is; acestepd settings shows a new one"
        ) from None
    except OSError as error:
        raise SettingsError(f"cannot write {file}: {error.strerror}") from error
    print(_json({"written": file}) if arguments.json else f"written: {file}")
    return 0


def _service(arguments: argparse.Namespace) -> int:
    from . import install

    service = install.service()
    if arguments.do == "uninstall":
        removed = service.uninstall()
        print(
            f"removed: {service.path}"
            if removed
            else f"nothing to remove: {service.path} is not there"
        )
        return 0
    chosen = _settings(arguments)  # what is wrong with them is said now, and not in a log
    kept = _given(arguments) | {
        name: getattr(chosen, name) for name in ("out", "state") if getattr(arguments, name)
    }
    kept |= {"settings": _file(arguments)} if arguments.settings else {}
    kept |= (
        {"model": Path(chosen.model).absolute()}
        if arguments.model and Path(chosen.model).exists()
        else {}
    )
    service.install([word for name, value in kept.items() for word in (f"--{name}", str(value))])
    print(
        f"installed: {service.path}\nacestepd runs now, and whenever you log in: acestepd status\n{service.hint}"
    )
    return 0


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _pull(arguments: argparse.Namespace) -> int:
    from pipeline.weights import checkpoint

    found = checkpoint.fetch(arguments.model, arguments.variant or "")
    places = [found.dit, found.text_encoder, found.vae]
    places += [checkpoint.fetch_planner(arguments.planner)] if arguments.planner else []
    print(f"{found.name} is on this machine:", *places, sep="\n  ")
    if arguments.planner not in (None, PLANNERS[0]):
        print(
            f'Where there are others too, the settings choose it: planner = "{arguments.planner}"'
        )
    return 0


def _convert(arguments: argparse.Namespace) -> int:
    from pipeline.weights import checkpoint
    from pipeline.weights.convert import convert

    found = checkpoint.fetch(arguments.model, arguments.variant or "")
    try:
        for one in convert(found, arguments.target, arguments.bits):
            left = (
                f", {len(one.whole)} layers as they were: {', '.join(one.whole[:3])} ..."
                if one.whole
                else ""
            )
            print(
                f"{one.folder}: {one.before / 2**20:.0f} MB are now {one.after / 2**20:.0f}{left}"
            )
    except OSError as error:
        raise SettingsError(f"cannot write {arguments.target}: {error.strerror}") from error
    print(
        f"{found.name} in {arguments.bits} bits: {arguments.target}\n  acestepd --model {arguments.target}"
    )
    return 0


def _generate(arguments: argparse.Namespace) -> int:
    from ..landing import clips
    from ..panel import Panel

    played = TakeInfo(Request(), "auto")
    if arguments.again:
        played = clips.read_manifest(arguments.again, accept_request)
    request = played.request
    model = arguments.model or played.model
    bits = played.bits if arguments.bits is None else arguments.bits
    adapters = played.adapters if arguments.adapter is None else tuple(arguments.adapter)
    given = {name: getattr(arguments, f"field_{name}") for name in FIELDS}
    given["prompt"] = given["prompt"] or arguments.text
    wish = Panel(request).build_request(
        {name: value for name, value in given.items() if value is not None}
    )
    places = {"out": arguments.out or Path(), "model": model, "variant": arguments.variant or ""}
    worn = [one if isinstance(one, str) else one.text for one in adapters]
    chosen = settings.from_values(
        places | {"bits": bits, "adapters": worn, "planner": arguments.planner}
    )
    landed = _take_with_bar(resolve_request(wish), chosen)
    print(*(path for _, path in landed.clips), landed.manifest, sep="\n")
    return 0


def _understand(arguments: argparse.Namespace) -> int:
    from ..watch.sheet import format_sheet

    places = {
        "model": arguments.model or "auto",
        "variant": arguments.variant or "",
        "planner": arguments.planner,
    }
    model = _loaded(settings.from_values(places | {"bits": arguments.bits or 0}))
    _, described = _with_bar(model.understand(Request(source=arguments.file, seed=arguments.seed)))
    for note in described.notes:
        print(note, file=sys.stderr)
    if arguments.json:
        print(_json(described.values))
    else:
        print(
            format_sheet(
                {name: value for name, value in described.values.items() if name != "codes"}
            ),
            end="",
        )
    return 0


def _take_with_bar(request: Request, chosen: Settings) -> Landed:
    from ..landing import clips, folders

    folders.check(chosen.out)
    takes, _ = _with_bar(_loaded(chosen).render(request))
    try:
        # files like the stems, behind them
        takes.sort(key=lambda take: take.name.startswith(PREVIEW))
        return clips.write(chosen.out, "generate", clips.FinishedTake.of(takes))
    except OSError as error:
        raise SettingsError(f"cannot write into {chosen.out}: {error.strerror}") from error


def _loaded(chosen: Settings) -> AceStep:
    from pipeline import load

    from ..service import chosen_model

    playing = chosen_model(chosen)
    if playing.why:
        print(f"{playing.model} plays. {VOICES[playing.model]} {playing.why}", file=sys.stderr)
    return load(
        playing.model,
        playing.variant,
        bits=chosen.bits,
        adapters=chosen.adapters,
        planner=chosen.planner,
    )


def _with_bar(work: Generator[Progress | Take, None, _Result]) -> tuple[list[Take], _Result]:
    """The takes, and what it comes to, with a bar for whoever waits."""
    from tqdm import tqdm

    takes = list[Take]()  # what cannot be made is said without a bar
    event = next(work)
    with tqdm(
        total=100, bar_format="{desc:10} {percentage:3.0f}% |{bar}| {elapsed} < {remaining}"
    ) as bar:
        while True:
            if isinstance(event, Take):
                takes.append(event)
            else:
                bar.set_description(event.label)
                bar.update(100 * event.fraction - bar.n)
            try:
                event = next(work)
            except StopIteration as done:
                bar.update(100 - bar.n)
                return takes, done.value
