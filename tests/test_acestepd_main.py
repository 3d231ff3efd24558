"""The program `acestepd`: which Pythons run it, and whose packages it runs."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

import acestepd_main

ROOT = Path(__file__).parents[1]
READ_BY_OLD_PYTHONS = ("acestepd_main.py", "daemon/__init__.py", "daemon/__main__.py")
PROGRAM = "import acestepd_main; raise SystemExit(acestepd_main.main())"


def run(
    code: str, *arguments: str, folder: Path, path: str = ""
) -> subprocess.CompletedProcess[str]:
    """Python with that code, in that folder, with that PYTHONPATH."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def projects(tmp_path: Path) -> Path:
    """A folder with packages that are called like ours."""
    (tmp_path / "daemon").mkdir()
    (tmp_path / "daemon" / "__init__.py").write_text("raise SystemExit('not this one')")
    (tmp_path / "pipeline.py").write_text("raise SystemExit('not this one')")
    return tmp_path


def test_what_says_that_a_python_is_too_old_is_read_by_apples() -> None:
    files = [str(ROOT / name) for name in READ_BY_OLD_PYTHONS]
    vermin = "import vermin; vermin.main()"
    command = [sys.executable, "-c", vermin, "-t=3.9-", "--violations", *files]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_an_old_python_is_told_in_a_sentence_what_to_install() -> None:
    old = (
        "import runpy, sys\n"
        "sys.version_info = (3, 9, 6, 'final', 0)\n"
        "runpy.run_module('daemon', run_name='__main__')"
    )
    ended = run(old, folder=ROOT)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("acestepd: it needs Python 3.11 or newer, and this is ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("system", "machine", "said"),
    [
        ("darwin", "arm64", ""),
        ("darwin", "x86_64", "needs a Mac with Apple silicon, and this is a Python for Intel"),
        ("linux", "x86_64", ""),
        ("linux", "aarch64", ""),
        ("win32", "AMD64", "it runs on macOS and Linux"),
    ],
)
def test_a_machine_that_cannot_run_it_is_told_so(
    system: str, machine: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    obstacle = acestepd_main.find_obstacle()
    assert said in obstacle
    assert bool(said) == bool(obstacle)


def test_an_intel_mac_is_told_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert acestepd_main.find_obstacle() == (
        "MLX, which plays the model, needs a Mac with Apple silicon, and this is a Python for "
        f"Intel processors ({sys.executable}); on Apple silicon install a Python for that"
    )


@pytest.mark.long
def test_packages_of_the_users_that_are_called_like_ours_are_not_run(projects: Path) -> None:
    """Neither those of PYTHONPATH nor those of the folder where it is started; nor by the worker's
    process.
    """
    made = run(
        PROGRAM,
        *("generate", "techno", "--bars", "1", "--bpm", "120", "--model", "mini"),
        *("--num-steps", "1", "--out", "out"),
        folder=projects,
        path=str(projects),
    )
    assert made.returncode == 0, made.stderr
    assert len([*(projects / "out").glob("*.wav")]) == 1


def test_a_script_that_has_a_pipeline_beside_it_gets_that(projects: Path) -> None:
    """As with every library: the READMEs say what to do."""
    (projects / "script.py").write_text("from pipeline import load")
    command = [sys.executable, "script.py"]
    ended = subprocess.run(command, cwd=projects, capture_output=True, text=True, check=False)
    assert "not this one" in ended.stderr
    (projects / "script.py").write_text(
        "import acestepd_main\nacestepd_main.import_own_packages()\nfrom pipeline import load"
    )
    assert subprocess.run(command, cwd=projects, check=False).returncode == 0


def test_a_package_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(acestepd_main, "FOLDER", str(tmp_path))
    with pytest.raises(ImportError, match="daemon is missing: install acestepd again"):
        acestepd_main.import_own_packages()
