"""Who may import whom (CONTRIBUTING, "The rooms")."""

from __future__ import annotations

import ast
import functools
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOORS = {
    "pythonosc": {"daemon/osc/wire.py"},
    "PIL": {"daemon/cli/waveform.py"},
    "soundfile": {
        "daemon/landing/audio_files.py",
        "daemon/cli/waveform.py",
        "daemon/page/peaks.py",
        "pipeline/audio_files.py",
    },
    "soxr": {"daemon/landing/levels.py", "pipeline/audio_files.py"},
    "pyloudnorm": {"daemon/landing/levels.py"},
    "mido": {f"daemon/midi/{name}.py" for name in ("open_ports", "rtmidi_backend", "system_ports")},
    "supriya_midi": {"daemon/midi/rtmidi_backend.py"},
    "aalink": {"daemon/tempo/link.py"},
    "zeroconf": {"daemon/discovery/announce.py"},
    "ifaddr": {"daemon/discovery/announce.py"},
    "watchdog": {"daemon/watch/watchers.py"},
    "sqlite3": {
        f"daemon/journal/{name}.py"
        for name in ("database", "file", "journal", "questions", "rows", "schema", "writer")
    },
    "yaml": {"pipeline/planner/templates.py"},
    "tomllib": {"pipeline/untrusted.py"},
    "safetensors": {"pipeline/weights/safetensors_files.py"},
    "num2words": {"pipeline/singer/numbers.py"},
    "defusedxml": {
        "daemon/watch/documents/office.py",
        "daemon/watch/documents/song_files.py",
        "pipeline/sound_chunks.py",
    },
    "chardet": {"daemon/watch/old_encodings.py"},
    "pypinyin": {"pipeline/singer/mandarin.py"},
    "uvicorn": {"daemon/page/page.py", "daemon/page/protocol.py"},
    "h11": {"daemon/page/protocol.py"},
    "anyio": {"daemon/page/page.py"},
    "starlette": {
        f"daemon/page/{name}.py" for name in ("admission", "app", "connections", "drops")
    },
    "send2trash": {"daemon/runtime/trash.py"},
    "distributed": {
        f"daemon/cluster/{name}.py"
        for name in ("census", "cluster", "machine", "plugin", "security")
    },
    "dask": {"daemon/cluster/machine.py"},
    "psutil": {"daemon/cluster/plugin.py"},
}

# Files that stand below their room, because those below the room use them: what settings are
# checked with, and what a request's fields are.
LOWER = {
    "daemon.pads.interface",
    "daemon.pads.profiles",
    "daemon.pads.controls",
    "daemon.pads.knobs",
    "daemon.pads.mapping",
    "pipeline.guide.chord_qualities",
    "pipeline.guide.composer.caption_words",
    "pipeline.guide.harmony",
    "pipeline.weights.adapter",
}


@functools.cache
def list_imports(path: Path) -> list[ast.Import | ast.ImportFrom]:
    """Anywhere in a file."""
    tree = ast.parse(path.read_text("utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in list_imports(path):
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
        imported = imports(path)
        for library, doors in DOORS.items():
            assert library not in imported or str(path.relative_to(ROOT)) in doors, path


def modules() -> dict[str, Path]:
    """The modules of both packages by their dotted names."""
    paths = (*ROOT.glob("daemon/**/*.py"), *ROOT.glob("pipeline/**/*.py"))
    names = (".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths)
    return {name.removesuffix(".__init__"): path for name, path in zip(names, paths)}


def imported_modules(module: str, known: dict[str, Path]) -> Iterator[str]:
    """The modules of ours that a module imports, anywhere in it."""
    path = known[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in list_imports(path):
        if not isinstance(node, ast.ImportFrom):
            continue
        root = package[: len(package) - node.level + 1] if node.level else []
        base = ".".join([*root, *([node.module] if node.module else [])])
        for alias in node.names:
            target = f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base
            if target in known and target != module:
                yield target


def room_of(module: str) -> str:
    """The folder that a module is in; itself, where it stands alone or below its room."""
    room = ".".join(module.split(".")[:2])
    return room if (ROOT / room.replace(".", "/")).is_dir() and module not in LOWER else module


def find_circle(graph: dict[str, set[str]]) -> list[str]:
    """Names that lead back to the first of them; empty where there is an order for all."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_whatever_may_compile_has_seen_to_it_that_nobody_else_can_write_its_kernels() -> None:
    """`device` does, when it is imported: by the module itself, or by whoever imports that."""
    known = modules()
    below = {name: set(imported_modules(name, known)) for name in known}
    claims = {"pipeline.device"}
    while more := {name for name in known if below[name] & claims} - claims:
        claims |= more
    for name, path in known.items():
        text = path.read_text("utf-8")
        if "mx.compile" in text or "nn.silu" in text or "nn.gelu" in text:
            users = {each for each in known if name in below[each]}
            assert name in claims or users <= claims, name


def test_no_modules_import_each_other() -> None:
    known = modules()
    assert find_circle({name: set(imported_modules(name, known)) for name in known}) == []


def test_no_import_runs_upward_between_rooms() -> None:
    known = modules()
    floors: dict[str, set[str]] = {}
    for name in known:
        below = {room_of(target) for target in imported_modules(name, known)} - {room_of(name)}
        floors.setdefault(room_of(name), set()).update(below)
    assert find_circle(floors) == []


@pytest.mark.parametrize("name", sorted(LOWER))
def test_what_stands_below_its_room_uses_nothing_of_it(name: str) -> None:
    rooms = {room_of(target) for target in imported_modules(name, modules())}
    assert ".".join(name.split(".")[:2]) not in rooms


def test_the_daemon_runs_without_mlx() -> None:
    """Its worker has it: what imports it takes hundreds of milliseconds, and memory."""
    program = "import sys, daemon.page.app; sys.exit('mlx.core' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
