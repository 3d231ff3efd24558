"""The program `acestepd`: whether this Python can run it, and that it runs its own packages.

Older Pythons read this too, to say in a sentence what is missing.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

FIRST_VERSION = (3, 11)
PACKAGES = ("daemon", "pipeline")
FOLDER = os.path.dirname(os.path.abspath(__file__))
USAGE_ERROR = 2


def main() -> int:
    obstacle = find_obstacle()
    if obstacle:
        print("acestepd: " + obstacle, file=sys.stderr)
        return USAGE_ERROR
    import_own_packages()
    from daemon.cli.main import main as run

    return run()


def find_obstacle() -> str:
    """Why it cannot run on this Python, and what to do about it; empty where it can."""
    if sys.version_info < FIRST_VERSION:
        return (
            f"it needs Python 3.11 or newer, and this is {platform.python_version()} "
            f"({sys.executable}): install one from python.org, or let `uv tool install .` fetch one"
        )
    if sys.platform == "darwin" and platform.machine() != "arm64":
        return (
            "MLX, which plays the model, needs a Mac with Apple silicon, and this is a Python for "
            f"Intel processors ({sys.executable}); on Apple silicon install a Python for that"
        )
    if sys.platform not in ("darwin", "linux"):
        return f"it runs on macOS and Linux, and this is {platform.system()}"
    return ""


def import_own_packages() -> None:
    """`daemon` and `pipeline` are those beside this file from now on, whatever is called so in
    PYTHONPATH.
    """
    for name in PACKAGES:
        folder = os.path.join(FOLDER, name)
        if folder in getattr(sys.modules.get(name), "__path__", []):
            continue
        spec = PathFinder.find_spec(name, [FOLDER])
        if spec is None or spec.loader is None:
            raise ImportError(f"{folder} is missing: install acestepd again")
        package = module_from_spec(spec)
        sys.modules[name] = package
        spec.loader.exec_module(package)


if __name__ == "__main__":
    raise SystemExit(main())
