"""Who may import whom (CONTRIBUTING, "The rooms")."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOORS = {
    "pythonosc": {"daemon/osc/wire.py"},
    "PIL": {"daemon/cli/waveform.py"},
    "soundfile": {
        "daemon/landing/audio_files.py",
        "daemon/cli/waveform.py",
        "pipeline/audio_files.py",
    },
    "soxr": {"daemon/landing/levels.py", "pipeline/audio_files.py"},
    "pyloudnorm": {"daemon/landing/levels.py"},
    "mido": {
        "pipeline/guide/midi_file.py",
        "daemon/midi/open_ports.py",
        "daemon/midi/system_ports.py",
    },
    "aalink": {"daemon/tempo/link.py"},
    "watchdog": {"daemon/watch/watchers.py"},
    "sqlite3": {"daemon/journal.py"},
    "yaml": {"pipeline/planner/templates.py"},
}


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def test_the_pipeline_knows_nothing_of_the_daemon_and_only_it_imports_mlx() -> None:
    for path in ROOT.glob("pipeline/**/*.py"):
        assert not imports(path) & {"daemon", "integrations", "tests", "examples"}, path
    for path in ROOT.glob("daemon/**/*.py"):
        assert not imports(path) & {"mlx", "integrations", "tests", "examples"}, path


def test_each_library_has_its_door() -> None:
    for path in (*ROOT.glob("daemon/**/*.py"), *ROOT.glob("pipeline/**/*.py")):
        for library, doors in DOORS.items():
            assert library not in imports(path) or str(path.relative_to(ROOT)) in doors, path
