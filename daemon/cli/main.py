"""The command line: `acestepd` and its subcommands."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from .parser import build_parser


def main(argv: Sequence[str] | None = None) -> int:
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except ValueError as error:
        # settings, checkpoints and requests say in one sentence what is wrong
        hint = getattr(error, "hint", "")
        print(f"acestepd: {error}" + (f" ({hint})" if hint else ""), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read what is printed has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
