"""The command line: `acestepd` and its subcommands."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ..runtime import launchd
from ..settings import VolumeAway
from .parser import build_parser


def main(argv: Sequence[str] | None = None) -> int:
    launchd.rotate_log()
    try:
        return launchd.choose_status(_run(argv))
    except SystemExit as end:  # argparse has said what is wrong
        raise SystemExit(launchd.choose_status(int(end.code or 0))) from None


def _run(argv: Sequence[str] | None) -> int:
    arguments = build_parser().parse(sys.argv[1:] if argv is None else argv)
    try:
        status = int(arguments.run(arguments))
        print(end="", flush=True)
        return status
    except ValueError as error:
        # settings, checkpoints and requests say in one sentence what is wrong
        hint = getattr(error, "hint", "")
        print(f"acestepd: {error}" + (f" ({hint})" if hint else ""), file=sys.stderr)
        return error.status if isinstance(error, VolumeAway) else launchd.USAGE_ERROR
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read what is printed has had enough
        _drop_output()
        return 0
    except OSError:
        if not (reason := _find_output_error()):
            raise
        _drop_output()
        print(f"acestepd: what it prints cannot be written: {reason}", file=sys.stderr)
        return launchd.USAGE_ERROR


def _find_output_error() -> str:
    """Why nothing can be printed; empty where it can."""
    try:
        print(flush=True)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _drop_output() -> None:
    """Or else Python tries to write it when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
