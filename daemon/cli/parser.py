"""The options of `acestepd` and its subcommands. Each sets `run` to the function of commands.py."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.request import FIELDS
from pipeline.voices import HUB_MODEL, PLANNERS

from .. import VERSION
from ..settings import DEFAULT_FILE
from . import commands
from .suggesting_parser import SuggestingParser

KEEP = argparse.SUPPRESS  # an option given before the subcommand counts too

EPILOG = """\
Start it, then ask from another terminal, or send one OSC message to UDP port 9100:
  acestepd play "warm lo-fi beat" --bars 4 --seed 7
  oscsend 127.0.0.1 9100 /ace/go ssfi take1 "warm lo-fi beat" 4 7
"""
VARIANT = "sub-folder of the DiT; turbo by default"


def build_parser() -> SuggestingParser:
    top = SuggestingParser(
        prog="acestepd",
        description="Keeps ACE-Step 1.5 warm and plays it from OSC: a message in, a WAV in the "
        "folder, a message out.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"acestepd {VERSION}")
    top.add_argument(
        "--quiet",
        action="store_true",
        help="only warnings on the terminal; the log file has the rest",
    )
    _add_settings_options(top)
    top.set_defaults(run=commands.run_daemon)
    subcommands = top.add_subparsers(title="other commands", metavar="COMMAND")

    demo = subcommands.add_parser(
        "demo", help="start a daemon, send it OSC, show what happens (no download)"
    )
    demo.add_argument("--out", type=Path, default=KEEP, help="folder for the clips (acestepd-demo)")
    demo.add_argument(
        "--workers", type=int, default=0, help="on so many workers of a cluster (this machine's)"
    )
    demo.set_defaults(run=commands.run_demo)

    worker = subcommands.add_parser(
        "worker", help="make takes for the daemons of a cluster, on this machine"
    )
    _add_cluster_options(worker)
    worker.add_argument(
        "scheduler", help="where its scheduler is, like tcp://127.0.0.1:8786 or tls://studio:8786"
    )
    worker.add_argument("--name", default="", help="what it is called there (this host's name)")
    worker.set_defaults(run=commands.run_worker)

    cluster = subcommands.add_parser(
        "cluster", help="which machines make takes, and what each is doing"
    )
    _add_cluster_options(cluster)
    cluster.add_argument(
        "scheduler", nargs="?", default="", help="where its scheduler is (the settings')"
    )
    cluster.set_defaults(run=commands.run_cluster)

    generate = subcommands.add_parser("generate", help="make one take without a daemon")
    _add_generate_options(generate)
    generate.set_defaults(run=commands.run_generate)

    understand = subcommands.add_parser(
        "understand", help="what a recording is: a lyric sheet with its words and tempo"
    )
    _add_understand_options(understand)
    understand.set_defaults(run=commands.run_understand)

    play = subcommands.add_parser("play", help="ask the daemon that runs for clips, and wait")
    _add_play_options(play)
    play.set_defaults(run=commands.run_play)

    batch = subcommands.add_parser(
        "batch", help="thousands of takes, from a table (CSV) or a folder of sheets"
    )
    _add_batch_options(batch)
    batch.set_defaults(run=commands.run_batch)

    reroll = subcommands.add_parser("reroll", help="a take again, with another seed")
    _add_reroll_options(reroll)
    reroll.set_defaults(run=commands.run_reroll)

    favourite = subcommands.add_parser("favourite", help="mark a take, or not any more")
    favourite.add_argument("of", nargs="?", default="", metavar="ID", help="(the newest)")
    favourite.add_argument("--off", action="store_true", help="it is none any more")
    _add_daemon_options(favourite)
    favourite.set_defaults(run=commands.run_favourite)

    send = subcommands.add_parser(
        "send", help="send the daemon any message, and print the answers until it is done"
    )
    _add_send_options(send)
    send.set_defaults(run=commands.run_send)

    stop = subcommands.add_parser(
        "stop", help="end the daemon that runs on this machine, or one of its takes"
    )
    stop.add_argument("of", nargs="?", default="", metavar="ID", help="only this take")
    _add_daemon_options(stop)
    stop.set_defaults(run=commands.run_stop)

    listen = subcommands.add_parser("listen", help="show what the daemon tells, as it happens")
    _add_listen_options(listen)
    listen.set_defaults(run=commands.run_listen)

    page = subcommands.add_parser(
        "page", help="open the page of the daemon that runs, in a browser"
    )
    _add_settings_options(page, KEEP)
    page.set_defaults(run=commands.run_page)

    doctor = subcommands.add_parser("doctor", help="check this machine and say what to do")
    _add_settings_options(doctor, KEEP)
    doctor.set_defaults(run=commands.run_doctor)

    bench = subcommands.add_parser(
        "bench", help="how fast takes are made here, stage by stage: two minutes"
    )
    _add_settings_options(bench, KEEP)
    _add_bench_options(bench)
    bench.set_defaults(run=commands.run_bench)

    pull = subcommands.add_parser("pull", help="fetch a model to this machine")
    _add_pull_options(pull)
    pull.set_defaults(run=commands.run_pull)

    convert = subcommands.add_parser("convert", help="save a model with its weights in 8 or 4 bits")
    _add_convert_options(convert)
    convert.set_defaults(run=commands.run_convert)

    status = subcommands.add_parser("status", help="ask the daemon that runs what it is doing")
    _add_settings_options(status, KEEP)
    status.set_defaults(run=commands.run_status)

    history = subcommands.add_parser("history", help="the takes that were made, newest first")
    _add_settings_options(history, KEEP)
    _add_history_options(history)
    history.set_defaults(run=commands.run_history)

    settings = subcommands.add_parser(
        "settings", help="a settings file with every setting, its default and its meaning"
    )
    _add_settings_options(settings, KEEP)
    settings.add_argument("--write", action="store_true", help="write it, where there is none yet")
    settings.add_argument(
        "--open", action="store_true", help="show the file in Finder, or the file manager"
    )
    settings.set_defaults(run=commands.run_settings)

    banks = subcommands.add_parser("banks", help="the saved banks of pads, and where they are")
    _add_settings_options(banks, KEEP)
    banks.add_argument(
        "--open", action="store_true", help="show the folder in Finder, or the file manager"
    )
    banks.set_defaults(run=commands.run_banks)

    service = subcommands.add_parser("service", help="start acestepd whenever you log in")
    _add_settings_options(service, KEEP)
    service.add_argument(
        "do", choices=("install", "uninstall"), help="the options given now are kept for it"
    )
    service.set_defaults(run=commands.run_service)

    integrations = subcommands.add_parser(
        "integrations", help="what ships for Live, REAPER, Max and others, and putting it there"
    )
    _add_settings_options(integrations, KEEP)
    _add_integrations_options(integrations)
    integrations.set_defaults(run=commands.run_integrations)

    asking = (play, reroll, favourite, send, listen, status, history)
    for scriptable in (*asking, cluster, settings, banks, integrations):
        scriptable.add_argument("--json", action="store_true", help="for scripts")
    return top


def _add_settings_options(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    _add_file_option(parser, default)
    parser.add_argument("--host", default=default, help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", default=default, type=int, help="UDP port for OSC (9100)")
    parser.add_argument(
        "--page",
        default=default,
        type=int,
        metavar="PORT",
        help="TCP port of the page, or -1 (9180)",
    )
    parser.add_argument(
        "--out",
        default=default,
        type=Path,
        metavar="DIR",
        help="folder the clips land in (~/Music/acestepd)",
    )
    _add_own_options(parser, "folder of the journal and the log", default)


def _add_cluster_options(parser: argparse.ArgumentParser) -> None:
    """For who listens to nobody, and lands nothing."""
    _add_file_option(parser, KEEP)
    _add_own_options(parser, "folder of what it keeps", KEEP)
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="another machine's scheduler, without TLS: whoever reaches that may run programs here",
    )


def _add_file_option(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--settings", default=default, type=Path, metavar="FILE", help=f"file ({DEFAULT_FILE})"
    )


def _add_own_options(parser: argparse.ArgumentParser, state: str, default: str | None) -> None:
    """Where it keeps things, for which `state` is the help, and the model."""
    parser.add_argument(
        "--state",
        default=default,
        type=Path,
        metavar="DIR",
        help=f"{state} (~/.local/state/acestepd)",
    )
    parser.add_argument(
        "--model",
        default=default,
        help="folder, hub name or embedded voice (the real model if it is here, else mini)",
    )
    parser.add_argument(
        "--variant", default=default, help="sub-folder of the DiT, like acestep-v15-base"
    )


def _add_generate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", help="the prompt: style, instruments, mood")
    parser.add_argument(
        "--again", type=Path, metavar="MANIFEST", help="make the take of this manifest again"
    )
    parser.add_argument(
        "--out", type=Path, default=KEEP, metavar="DIR", help="folder for the files (this one)"
    )
    _add_count(parser)
    _add_model_options(parser)
    parser.add_argument(
        "--adapter",
        action="append",
        metavar="PATH[=SCALE]",
        help="LoRA to wear: a PEFT folder or a .safetensors file; may be given several times",
    )
    _add_fields(parser)


def _add_fields(parser: argparse.ArgumentParser, title: str = "what to make") -> None:
    """An option for each field of a request."""
    group = parser.add_argument_group(title)
    for name, spec in FIELDS.items():
        help_text = f"{spec.help} ({spec.default})" if spec.default != "" else spec.help
        metavar = f"{spec.low:.10g}..{spec.high:.10g}".replace("-inf..inf", "ON")
        if isinstance(spec.default, str):
            metavar = "TEXT"
        group.add_argument(
            f"--{name.replace('_', '-')}", dest=f"field_{name}", metavar=metavar, help=help_text
        )


def _add_understand_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="a recording: wav, flac, mp3, aiff or ogg")
    parser.add_argument(
        "--seed", type=int, default=0, help="another one hears it a little differently (0)"
    )
    parser.add_argument("--json", action="store_true", help="for scripts; has its audio codes too")
    _add_model_options(parser)


def _add_play_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", help="the prompt; else what the daemon has turned to")
    parser.add_argument(
        "--reroll",
        nargs="?",
        const="",
        metavar="ID",
        help="this take again (the newest), with another seed",
    )
    _add_count(parser)
    _add_priority(parser)
    _add_waiting_options(parser)
    _add_daemon_options(parser)
    _add_fields(parser)


def _add_batch_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        type=Path,
        metavar="FILE",
        help="a table whose first line names columns, like prompt;bpm;count; or a folder",
    )
    parser.add_argument(
        "--out", type=Path, default=KEEP, metavar="DIR", help="folder for the takes and the report"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what is wrong with it")
    parser.add_argument("--skip-bad", action="store_true", help="make what nothing is wrong with")
    parser.add_argument(
        "--settings", default=KEEP, type=Path, metavar="FILE", help=f"file ({DEFAULT_FILE})"
    )
    parser.add_argument(
        "--state",
        default=KEEP,
        type=Path,
        metavar="DIR",
        help="of the daemon that makes them, where it runs (~/.local/state/acestepd)",
    )
    where = "where none runs: folder, hub name or embedded voice"
    parser.add_argument("--model", default=KEEP, help=where)
    parser.add_argument("--variant", default=KEEP, help=VARIANT)


def _add_reroll_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("of", nargs="?", default="", metavar="ID", help="(the newest)")
    _add_count(parser)
    _add_priority(parser)
    _add_waiting_options(parser)
    _add_daemon_options(parser)
    _add_fields(parser, "what is to be otherwise")


def _add_waiting_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--id", default="", help="what its messages are called (cli-...)")
    parser.add_argument("--no-wait", action="store_true", help="end once it is accepted")


def _add_priority(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--priority", default="", help="live, normal or batch")


def _add_count(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=1, help="so many takes (%(default)s)")


def _add_send_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", help="like /ace/go")
    parser.add_argument(
        "words", nargs="*", metavar="ARGUMENT", help='numbers are sent as numbers; "-- -1" for -1'
    )
    parser.add_argument(
        "--types", default="", help='what they are instead, like "ssfi": text, number, whole number'
    )
    _add_daemon_options(parser)


def _add_listen_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--topics", default="", help='only these, like "clip finished" (all)')
    parser.add_argument("--for", dest="id", default="", metavar="ID", help="only of this take")
    parser.add_argument("--count", type=int, default=0, help="end after so many (0: never)")
    _add_daemon_options(parser)


def _add_daemon_options(parser: argparse.ArgumentParser) -> None:
    """Which daemon is meant, by the names of settings."""
    parser.add_argument(
        "--settings", default=KEEP, type=Path, metavar="FILE", help=f"file ({DEFAULT_FILE})"
    )
    parser.add_argument("--host", default=KEEP, help="address where the daemon listens (127.0.0.1)")
    parser.add_argument("--port", default=KEEP, type=int, help="and its UDP port (9100)")
    parser.add_argument(
        "--state",
        default=KEEP,
        type=Path,
        metavar="DIR",
        help="or the folder that tells both (~/.local/state/acestepd)",
    )


def _add_bench_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.add_argument("--quick", action="store_true", help="one length, in seconds")
    parser.add_argument(
        "--full-size",
        type=Path,
        metavar="DIR",
        help="make a checkpoint of the published size there first, with random weights (6.3 GB), "
        "where there is none, and measure that",
    )


def _add_pull_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", default=HUB_MODEL, help="hub name (%(default)s)")
    parser.add_argument("--variant", default=KEEP, help=VARIANT)
    parser.add_argument(
        "--planner",
        nargs="?",
        const=PLANNERS[0],
        choices=PLANNERS,
        help="also a planner, the model that writes songs down first (%(const)s)",
    )


def _add_convert_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="folder, hub name or embedded voice")
    parser.add_argument(
        "target", type=Path, help="folder to make, which --model then takes like any other"
    )
    parser.add_argument(
        "--bits",
        type=int,
        default=8,
        help="8, or 4 for half of that and a little more difference (8)",
    )
    parser.add_argument("--variant", default=KEEP, help=VARIANT)


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default=KEEP, help="folder, hub name or embedded voice")
    parser.add_argument("--variant", default=KEEP, help=VARIANT)
    parser.add_argument(
        "--bits", type=int, help="quantise the model's weights to 8 or 4 bits; 0: as they are"
    )
    parser.add_argument(
        "--planner",
        metavar="SIZE",
        default="",
        help="0.6B, 1.7B, 4B, or a folder with one; else what is there",
    )


def _add_integrations_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "do",
        nargs="?",
        choices=("list", "install", "uninstall"),
        default="list",
        help="NAME alone, or put it where its program looks, or take it away (%(default)s)",
    )
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="like live or reaper")
    parser.add_argument("--to", metavar="DIR", help="folder to put it in, instead of its program's")


def _add_history_options(parser: argparse.ArgumentParser) -> None:
    dates = "like 2026-05-01, 2026-05-01 18:30 or 3d (ago)"
    words = "words in prompt, lyrics, name or id"
    parser.add_argument("words", nargs="*", metavar="WORD", help=words)
    parser.add_argument("--text", default="", help="the same")
    parser.add_argument("--seed", type=int, help="of the take")
    parser.add_argument("--since", metavar="WHEN", help=f"not before this: {dates}")
    parser.add_argument("--until", metavar="WHEN", help="not after this")
    parser.add_argument("--favourites", action="store_true", help="only these")
    parser.add_argument("--limit", type=int, default=20, help="how many (%(default)s)")
