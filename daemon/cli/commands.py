"""What each subcommand does with its options. Returns the exit status; `ValueError` says what is
wrong.

Everything heavy is imported where it is needed: `acestepd --help` comes at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.request import FIELDS, MAX_SEED
from pipeline.voices import PLANNERS

from .. import settings
from ..runtime.lines import escape_line
from ..settings import Settings, SettingsError

if TYPE_CHECKING:
    from .client import Locate

SETTING_OPTIONS = (
    "host",
    "port",
    "page",
    "out",
    "state",
    "model",
    "variant",
)  # settings that are options
MAX_DEMO_WORKERS = 8


def run_daemon(arguments: argparse.Namespace) -> int:
    from .run import run

    return run(
        _read_settings(arguments),
        file=_locate_settings_file(arguments),
        read=lambda: _read_settings(arguments),
        quiet=arguments.quiet,
    )


def run_demo(arguments: argparse.Namespace) -> int:
    from .demo import demo

    _check_number(arguments, "workers", 0, MAX_DEMO_WORKERS)
    return demo(arguments.out or Path("acestepd-demo"), arguments.workers)


def run_worker(arguments: argparse.Namespace) -> int:
    from . import cluster

    return cluster.work(arguments.scheduler, _read_cluster_settings(arguments), arguments.name)


def run_cluster(arguments: argparse.Namespace) -> int:
    from . import cluster

    census = cluster.ask(_read_cluster_settings(arguments), arguments.scheduler)
    print(_format_json(census.to_json()) if arguments.json else census.text)
    return 0


def _read_cluster_settings(arguments: argparse.Namespace) -> Settings:
    chosen = _read_settings(arguments)
    if not arguments.insecure:
        return chosen
    return replace(chosen, cluster=replace(chosen.cluster, insecure=True))


def run_generate(arguments: argparse.Namespace) -> int:
    from ..osc.arguments import MAX_COUNT
    from .generate import generate

    _check_number(arguments, "count", 1, MAX_COUNT)
    takes = generate(
        _collect_fields(arguments),
        again=arguments.again,
        out=arguments.out or Path(),
        model=arguments.model or "",
        variant=arguments.variant or "",
        bits=arguments.bits,
        adapters=arguments.adapter,
        planner=arguments.planner,
        chosen=settings.read(arguments.settings, {}),
        count=arguments.count,
    )
    for landed in takes:
        words = landed.manifest.with_suffix(".lrc")
        texts = (words, landed.manifest) if words.exists() else (landed.manifest,)
        print(*(path for _, path in landed.clips), *texts, sep="\n", flush=True)
    return 0


def run_understand(arguments: argparse.Namespace) -> int:
    from ..watch.sheet import format_sheet
    from .generate import understand

    chosen = settings.from_values(
        {
            "model": arguments.model or "auto",
            "variant": arguments.variant or "",
            "planner": arguments.planner,
            "bits": arguments.bits or 0,
            **_read_pins(arguments),
        }
    )
    description = understand(arguments.file, arguments.seed, chosen)
    for note in description.notes:
        print(note, file=sys.stderr)
    if arguments.json:
        print(_format_json(description.values))
        return 0
    values = {name: value for name, value in description.values.items() if name != "codes"}
    print(format_sheet(values), end="")
    return 0


def run_play(arguments: argparse.Namespace) -> int:
    from ..osc.arguments import MAX_COUNT
    from . import play

    _check_number(arguments, "count", 1, MAX_COUNT)
    values = _collect_fields(arguments)
    build = play.build_order
    if arguments.reroll is not None:
        build = partial(play.build_reroll, arguments.reroll)
    order = build(values, id=arguments.id, count=arguments.count, priority=arguments.priority)
    player = play.PlayClient(*_choose_daemon(arguments), as_json=arguments.json)
    return player.play(order, wait=not arguments.no_wait)


def run_batch(arguments: argparse.Namespace) -> int:
    from ..runtime.lock import is_held
    from .batch import read_batch, run_batch

    given = {name: value for name, value in _list_given(arguments).items() if name != "out"}
    chosen = settings.read(arguments.settings, given)
    if not (arguments.out or arguments.dry_run):
        raise SettingsError("where are the takes to land? --out DIR")
    out = (arguments.out or arguments.source / "takes").expanduser()
    batch = read_batch(arguments.source.expanduser(), chosen, out)
    for problem in batch.problems:
        print(escape_line(str(problem)), file=sys.stderr)
    wrong = len({problem.index for problem in batch.problems})
    if wrong and not (arguments.skip_bad and batch.rows):
        noun = "file" if arguments.source.is_dir() else "line"
        found = f"1 {noun} is" if wrong == 1 else f"{wrong} {noun}s are"
        hint = (
            "" if arguments.dry_run else ": nothing was made; --skip-bad leaves out what is wrong"
        )
        raise SettingsError(f"{arguments.source}: {found} wrong{hint}")
    if arguments.dry_run:
        unused = f"; nothing is read of {', '.join(batch.unused)}" if batch.unused else ""
        print(escape_line(f"{batch.count} takes{unused}"))
        return 0
    if (arguments.model or arguments.variant) and is_held(chosen.state):
        print("the acestepd that runs plays what it has loaded, and not --model", file=sys.stderr)
    return run_batch(batch, out, chosen, arguments.source)


def run_reroll(arguments: argparse.Namespace) -> int:
    from ..osc.arguments import MAX_COUNT
    from . import play

    _check_number(arguments, "count", 1, MAX_COUNT)
    values = _collect_fields(arguments)
    order = play.build_reroll(
        arguments.of,
        values,
        id=arguments.id,
        count=arguments.count,
        priority=arguments.priority,
    )
    player = play.PlayClient(*_choose_daemon(arguments), as_json=arguments.json)
    return player.play(order, wait=not arguments.no_wait)


def run_favourite(arguments: argparse.Namespace) -> int:
    from . import send

    values = (arguments.of, int(not arguments.off))
    where = _choose_daemon(arguments)
    return send.send(*where, "/ace/favourite", values, arguments.json, send.describe_answer)


def run_send(arguments: argparse.Namespace) -> int:
    from . import send

    values = send.infer_values(arguments.words, arguments.types)
    return send.send(*_choose_daemon(arguments), arguments.address, values, arguments.json)


def run_stop(arguments: argparse.Namespace) -> int:
    from . import send, stop

    if arguments.of:
        where = _choose_daemon(arguments)
        return send.send(*where, "/ace/cancel", (arguments.of,), describe=send.describe_answer)
    print(stop.stop(_read_settings(arguments)))
    return 0


def run_listen(arguments: argparse.Namespace) -> int:
    from . import listen

    _check_number(arguments, "count", 0, 10**9)
    return listen.listen(
        *_choose_daemon(arguments),
        listen.parse_topics(arguments.topics),
        id=arguments.id,
        count=arguments.count,
        as_json=arguments.json,
    )


def run_page(arguments: argparse.Namespace) -> int:
    from . import page

    return page.open_page(_read_settings(arguments), anywhere=arguments.port is None)


def run_doctor(arguments: argparse.Namespace) -> int:
    from .doctor import doctor

    return doctor(_read_settings(arguments))


def run_bench(arguments: argparse.Namespace) -> int:
    from . import bench

    chosen = _read_settings(arguments)
    if arguments.full_size:
        chosen = replace(chosen, model=str(_make_full_size(arguments.full_size)), variant="")
    # on the way it says how far it is; what scripts read comes alone
    report = bench.bench(
        chosen, arguments.quick, lambda line: print(line, file=sys.stderr, flush=True)
    )
    print(_format_json(report.to_json()) if arguments.json else bench.format_line(report))
    return 0


def _make_full_size(folder: Path) -> Path:
    """A folder with a checkpoint in it."""
    from pipeline.weights.full_size import write_full_size

    if not folder.exists():
        print(f"writing 6.3 GB of random weights: {folder}", file=sys.stderr, flush=True)
        part = folder.with_name(f".{folder.name}.part")
        try:
            write_full_size(part)
            part.rename(folder)
        except OSError as error:
            raise SettingsError(f"cannot write {folder}: {error.strerror}") from error
    return folder


def run_pull(arguments: argparse.Namespace) -> int:
    from pipeline.weights import checkpoint

    found = checkpoint.fetch_newest(arguments.model, arguments.variant or "")
    places = [found.dit, found.text_encoder, found.vae]
    if arguments.planner:
        places.append(checkpoint.fetch_planner(arguments.planner))
    print(f"{found.name} is on this machine:", *places, sep="\n  ")
    if pins := checkpoint.list_revisions(found):
        _record_revisions(arguments, pins)
    if arguments.planner not in (None, PLANNERS[0]):
        setting = f'planner = "{arguments.planner}"'
        print(f"Where there are others too, the settings choose it: {setting}")
    return 0


def _record_revisions(arguments: argparse.Namespace, pins: list[str]) -> None:
    """Have the daemon load these commits from now on, whatever the hub has by then."""
    from . import revisions, template

    try:
        file = _locate_settings_file(arguments)
        if not file.exists():
            _write_new_file(file, template.build_template())
        revisions.record(file, pins)
    except SettingsError as error:
        print(f"{error}. To stay with what was fetched: {revisions.format_line(pins)}")
    else:
        print(f"{file} keeps to it:", *pins, sep="\n  ")


def run_convert(arguments: argparse.Namespace) -> int:
    from pipeline.weights import checkpoint
    from pipeline.weights.convert import convert

    pinned = settings.from_values(_read_pins(arguments)).pinned_revision
    found = checkpoint.fetch(arguments.model, arguments.variant or "", pinned)
    try:
        for converted in convert(found, arguments.target, arguments.bits):
            before = f"{converted.before / 2**20:.0f} MB"
            line = f"{converted.folder}: {before} are now {converted.after / 2**20:.0f}"
            if converted.unquantised:
                names = ", ".join(converted.unquantised[:3])
                line += f", {len(converted.unquantised)} layers as they were: {names} ..."
            print(line)
    except OSError as error:
        raise SettingsError(f"cannot write {arguments.target}: {error.strerror}") from error
    print(f"{found.name} in {arguments.bits} bits: {arguments.target}")
    print(f"  acestepd --model {arguments.target}")
    return 0


def run_status(arguments: argparse.Namespace) -> int:
    from . import status

    found = status.ask(_read_settings(arguments), anywhere=arguments.port is None)
    if arguments.json:
        print(_format_json(asdict(found) | {"running": bool(found.version)}))
    else:
        print(status.format_status(found))
    return found.exit_code


def run_history(arguments: argparse.Namespace) -> int:
    from . import history

    _check_number(arguments, "limit", 1, 10**9)
    _check_number(arguments, "seed", 0, MAX_SEED)
    jobs = history.find_jobs(
        _read_settings(arguments),
        text=" ".join(filter(None, (*arguments.words, arguments.text))),
        seed=arguments.seed,
        since=history.parse_moment(arguments.since) if arguments.since else None,
        until=history.parse_moment(arguments.until, ends=True) if arguments.until else None,
        favourite=arguments.favourites,
        limit=arguments.limit,
    )
    if arguments.json:
        print(_format_json([history.to_json(job) for job in jobs]))
    else:
        print("\n".join(map(history.format_job, jobs)))
    return 0


def run_settings(arguments: argparse.Namespace) -> int:
    from . import template

    file = _locate_settings_file(arguments)
    if arguments.open:
        if not file.exists():
            _write_new_file(file, template.build_template())
        _show(file)
    elif arguments.write:
        _write_new_file(file, template.build_template())
        print(_format_json({"written": file}) if arguments.json else f"written: {file}")
    elif arguments.json:
        print(_format_json(template.to_json(_read_settings(arguments))))
    else:
        print(template.build_template())
    return 0


def _show(path: Path) -> None:
    """Print where it is, and show it where there is a desktop."""
    from ..runtime import file_manager

    print(path, flush=True)
    try:
        file_manager.show(path)
    except file_manager.NotShown as error:
        print(error, file=sys.stderr)


def run_banks(arguments: argparse.Namespace) -> int:
    from ..pads.bank_store import BANKS, BankStore

    folder = _read_settings(arguments).state / BANKS
    if arguments.open:
        _make_folder(folder)
        _show(folder)
        return 0
    programs = BankStore(folder).list_programs()
    if arguments.json:
        print(_format_json({"folder": folder, "banks": programs}))
    else:
        print(folder, *(f"  {program:3}  {name}" for name, program in programs.items()), sep="\n")
    return 0


def run_service(arguments: argparse.Namespace) -> int:
    from . import install

    service = install.choose_service()
    if arguments.do == "uninstall":
        if service.uninstall():
            print(f"removed: {service.path}")
        else:
            print(f"nothing to remove: {service.path} is not there")
        return 0
    chosen = _read_settings(arguments)  # what is wrong with them is said now, and not in a log
    options = _list_given(arguments)
    for name in ("out", "state"):
        if getattr(arguments, name):
            options[name] = getattr(chosen, name)
    if arguments.settings:
        options["settings"] = _locate_settings_file(arguments)
    if arguments.model and Path(chosen.model).exists():
        options["model"] = Path(chosen.model).absolute()
    since = time.time()
    service.install([word for name, value in options.items() for word in (f"--{name}", str(value))])
    print(f"installed: {service.path}", flush=True)
    running = install.wait_until_it_answers(service, chosen, since)
    print(f"acestepd runs now ({running}), and whenever you log in: acestepd status")
    print(service.hint)
    return 0


def run_integrations(arguments: argparse.Namespace) -> int:
    from . import integrations

    chosen = _read_settings(arguments)
    if arguments.do == "list":
        rows = integrations.list_integrations(chosen, arguments.name)
        print(_format_json(rows) if arguments.json else integrations.format_list(rows))
        return 0
    if not arguments.name:
        raise SettingsError(f"which one? acestepd integrations {arguments.do} NAME")
    run = integrations.install if arguments.do == "install" else integrations.uninstall
    change = run(arguments.name, chosen, arguments.to)
    print(_format_json(change) if arguments.json else integrations.format_change(change))
    return 0


def _choose_daemon(arguments: argparse.Namespace) -> tuple[Locate, str]:
    """How the daemon that is meant is found, and the token for it. A host that is given is where
    it is, and no address to listen on.
    """
    from ..runtime.lock import RunningDaemon
    from .client import find_daemon

    chosen = settings.read(arguments.settings, _list_given(arguments) | {"host": None})
    if arguments.host is None:
        return lambda: find_daemon(chosen, arguments.port is None), chosen.token
    named = RunningDaemon(0, arguments.host, chosen.port, out=str(chosen.out))
    return lambda: named, chosen.token


def _check_number(arguments: argparse.Namespace, name: str, low: int, high: int) -> None:
    number = getattr(arguments, name)
    if number is not None and not low <= number <= high:
        raise SettingsError(f"--{name} must be in {low}..{high}, got {number}")


def _collect_fields(arguments: argparse.Namespace) -> dict[str, str]:
    """The fields of a request that were given, as texts."""
    values = {name: getattr(arguments, f"field_{name}") for name in FIELDS}
    values["prompt"] = values["prompt"] or getattr(arguments, "text", None)
    return {name: value for name, value in values.items() if value is not None}


def _list_given(arguments: argparse.Namespace) -> dict[str, object]:
    """The settings that were given as options."""
    values = {name: getattr(arguments, name) for name in SETTING_OPTIONS}
    return {name: value for name, value in values.items() if value is not None}


def _read_settings(arguments: argparse.Namespace) -> Settings:
    return settings.read(arguments.settings, _list_given(arguments))


def _read_pins(arguments: argparse.Namespace) -> dict[str, object]:
    """The settings that say which commits of the hub's models are loaded, as the daemon has
    them.
    """
    chosen = settings.read(arguments.settings, {})
    return {"revision": chosen.revision, "revisions": chosen.revisions}


def _locate_settings_file(arguments: argparse.Namespace) -> Path:
    """Where the settings file is, or would be."""
    try:
        return Path(arguments.settings or settings.DEFAULT_FILE).expanduser().absolute()
    except RuntimeError as error:
        raise SettingsError(
            f"no home folder is known here: say where the file is with --settings ({error})"
        ) from error


def _write_new_file(file: Path, text: str) -> None:
    """A file that only its owner reads: it may hold a token."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise SettingsError(
            f"{file} is there already and stays as it is; acestepd settings shows a new one"
        ) from None
    except OSError as error:
        raise SettingsError(f"cannot write {file}: {error.strerror}") from error


def _make_folder(folder: Path) -> None:
    """One that only its owner reads."""
    from pipeline.private import make_folder

    try:
        make_folder(folder)
    except OSError as error:
        raise SettingsError(f"cannot make {folder}: {error.strerror}") from error


def _format_json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
