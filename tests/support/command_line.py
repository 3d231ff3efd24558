"""The command line in this process: a program of its own takes a third of a second to start."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from daemon.cli import main


def run_here(home: Path, *arguments: str, environment: dict[str, str]) -> CompletedProcess[str]:
    """`acestepd ARGUMENTS` in that folder, with nothing but this environment."""
    out, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(errors):
        patch.chdir(home)
        for name in [*os.environ]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        try:
            status = main.main(arguments)
        except SystemExit as end:  # argparse
            status = int(end.code or 0)
    return CompletedProcess(arguments, status, out.getvalue(), errors.getvalue())
