"""How the tests are run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import SLOWEST

ROOT = Path(__file__).parents[1]
BACKGROUND_JOB = """
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
import tests
program = [sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGINT).__name__)"]
print(subprocess.check_output(program, text=True))
"""


def test_programs_end_by_ctrl_c_also_where_a_background_job_runs_the_tests() -> None:
    printed = subprocess.check_output([sys.executable, "-c", BACKGROUND_JOB], cwd=ROOT, text=True)
    assert printed.strip() == "default_int_handler"


def test_the_files_that_begin_are_there_and_named_once() -> None:
    assert all((ROOT / "tests" / name).is_file() for name in SLOWEST)
    assert len(set(SLOWEST)) == len(SLOWEST)
