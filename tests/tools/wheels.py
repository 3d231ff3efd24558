"""Whether there are wheels of everything that acestepd needs, for every machine and Python that the
README names: `python -m tests.tools.wheels`. It asks the package registry, by uv.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MACHINES = {
    "macOS 14, Apple silicon": "aarch64-apple-darwin",
    "Linux, x86-64": "x86_64-manylinux_2_35",
    "Linux, arm64": "aarch64-manylinux_2_35",
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
EXTRAS = ("link", "discovery", "cluster")
# published as source alone: pure Python, of a part of num2words that acestepd does not use
PURE_PYTHON = ("docopt",)
SECONDS = 120.0  # for one answer of the registry
UNREACHABLE = ("error sending request", "dns error", "timed out")  # in what uv says


class NoRegistry(Exception):
    """Nobody can be asked."""


def find_missing(platform: str, python: str) -> str:
    """Of what there are no wheels for that platform (as uv calls it) and Python; empty where there
    are wheels of everything. Raises `NoRegistry` when nobody can be asked.
    """
    said = ask_uv(platform, python)
    return describe_missing(said) if said else ""


def describe_missing(said: str) -> str:
    """A sentence, by the names of acestepd's dependencies that uv says; uv's own words where it
    says none of them. However uv puts it, it names what it has found no wheels of. Raises
    `NoRegistry`.
    """
    if any(words in said for words in UNREACHABLE):
        raise NoRegistry(said)
    words = set(re.split(r"[^a-z0-9-]+", said.lower()))
    names = [name for name in list_dependencies() if name in words]
    return f"there are no wheels of {' and '.join(names)}" if names else said


def list_dependencies() -> list[str]:
    """The names of what acestepd needs, and its extras, as a registry has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = (project["optional-dependencies"][extra] for extra in EXTRAS)
    lines = itertools.chain(project["dependencies"], *extras)
    names = (re.match(r"[\w.-]+", line) for line in lines)
    return list(dict.fromkeys(re.sub(r"[-_.]+", "-", name[0]).lower() for name in names if name))


def ask_uv(platform: str, python: str) -> str:
    """What uv says of them; empty where there are wheels of everything. Raises `NoRegistry`."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "pyproject.toml"]
    command += ["--python-platform", platform, "--python-version", python]
    command += ["--only-binary", ":all:"]
    command += [option for name in PURE_PYTHON for option in ("--no-binary", name)]
    command += [option for name in EXTRAS for option in ("--extra", name)]
    try:
        resolved = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": "14.0"},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise NoRegistry(f"nothing came for {SECONDS:g} s") from error
    return resolved.stderr.strip() if resolved.returncode else ""


def is_allowed(python: str) -> bool:
    """Whether `requires-python` lets a Python in, where it is `>=3.A,<3.B`."""
    text = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"]
    first, after = (int(bound.rpartition(".")[2]) for bound in text.split(","))
    return first <= int(python.rpartition(".")[2]) < after


def check_all() -> Iterator[tuple[str, str, str]]:
    """Every machine and Python, and what is missing there."""
    for machine, platform in MACHINES.items():
        for python in PYTHONS:
            yield machine, python, find_missing(platform, python)


def main() -> int:
    missing = 0
    for machine, python, said in check_all():
        print(f"{machine}, Python {python}: {said or 'all wheels are there'}", flush=True)
        missing += bool(said)
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
