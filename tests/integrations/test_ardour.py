"""Ardour's scripts in Ardour's own Lua, with a session of Ardour's and real messages; only its
window is stood in for.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.integrations.catalogue import CATALOGUE
from tests.support.inbox_entries import ME, InboxWriter
from tests.support.stage import on_stage
from tests.support.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "integrations" / "ardour").glob("*.lua"))
STUB = Path(__file__).with_name("ardour_stub.lua")
INTERPRETER = next(filter(None, map(shutil.which, ("ardour8-lua", "ardour7-lua"))), None)

needs_ardour = pytest.mark.skipif(
    INTERPRETER is None, reason="Ardour's Lua is not installed (Debian: ardour)"
)


class Ardour:
    """Ardour's interpreter with an open session. Each script is loaded as Ardour loads it."""

    def __init__(self, home: Path) -> None:
        assert INTERPRETER
        self.home = home
        self.session = home / "session"
        self._process = subprocess.Popen(
            [INTERPRETER, str(STUB), str(self.session)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": str(home)},
        )
        assert self._read() == "ready"
        config = Path(self.run("return ARDOUR.user_config_directory(-1)"))
        self.scripts = config / "scripts"
        self.scripts.mkdir(parents=True)
        for part in CATALOGUE["ardour"].parts:
            for file, path in CATALOGUE["ardour"].list_files(part):
                shutil.copy(file, self.scripts / path)

    def _read(self) -> Any:
        assert self._process.stdout
        for line in self._process.stdout:
            text = line.decode("utf-8", "replace").rstrip("\n")
            if text.startswith("=! "):
                raise AssertionError(text[3:])
            if text == "=> ready":
                return "ready"
            if text.startswith("=> "):
                return json.loads(text[3:].replace("nil", "null") or "null")
        raise AssertionError("Ardour's Lua has ended")

    def run(self, code: str) -> Any:
        """The value that the code returns."""
        assert self._process.stdin
        content = code.encode()
        self._process.stdin.write(b"%d\n%s" % (len(content), content))
        self._process.stdin.flush()
        return self._read()

    def install(self, name: str, script: str) -> None:
        """As the global `name`."""
        self.run(f"{name} = install({json.dumps(str(self.scripts / script))})")

    def reset(self) -> None:
        """As after a start, with what is installed and the session."""
        (self.session / "acestepd.txt").unlink(missing_ok=True)
        self.run(
            "stub.imports, stub.messages, stub.dialogs, stub.printed = {}, {}, {}, {} "
            "stub.answer, stub.during, stub.refuses, stub.popens = nil, nil, 0, 0"
        )
        self.install("hook", "acestepd_hook.lua")

    def tick(self, times: int = 1) -> None:
        self.run(f"for _ = 1, {times} do hook.run(7) end")

    @property
    def imports(self) -> list[dict[str, Any]]:
        found = self.run("return stub.imports")
        assert isinstance(found, list)
        return found

    @property
    def paths(self) -> list[str]:
        return [path for each in self.imports for path in each["paths"]]

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ardour]:
    if INTERPRETER is None:
        pytest.skip("Ardour's Lua is not installed (Debian: ardour)")
    ardour = Ardour(tmp_path_factory.mktemp("ardour"))
    yield ardour
    ardour.close()


@pytest.fixture
def ardour(program: Ardour) -> Ardour:
    program.reset()
    return program


@pytest.fixture
def inbox(ardour: Ardour, tmp_path: Path) -> InboxWriter:
    write_lock(ardour.home, out=str(tmp_path))
    return InboxWriter(tmp_path, insert="ardour")


def write_lock(home: Path, **holder: Any) -> None:
    lock = home / ".local" / "state" / "acestepd" / "acestepd.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(json.dumps({"pid": os.getpid(), "host": "127.0.0.1", "port": 9100} | holder))


# --- the hook -------------------------------------------------------------------------------------


def test_the_hook_asks_for_a_call_each_second(ardour: Ardour) -> None:
    assert ardour.run("return {hook.info.type, hook.signals[LuaSignal.LuaTimerS]}") == [
        "EditorHook",
        True,
    ]


def test_a_clip_is_imported_as_a_track_and_answered(ardour: Ardour, inbox: InboxWriter) -> None:
    [path] = inbox.write_take("take1")
    ardour.tick()
    assert ardour.imports == [{"paths": [str(path)], "mode": 0, "rest": 3}]
    assert inbox.list_waiting() == []
    where = {"program": "ardour", "where": "0.0 s"}
    assert inbox.read_answers() == [{"id": "take1", "client": ME, "inserted": where}]
    assert (inbox.folder / "readers" / "ardour").is_file()
    ardour.tick(3)
    assert len(ardour.imports) == 1


def test_stems_are_imported_instead_of_their_mix(ardour: Ardour, inbox: InboxWriter) -> None:
    paths = inbox.write_take("take1", stems=("mix", "drums", "rest"))
    ardour.tick()
    assert ardour.paths == [str(path) for path in paths[1:]]


def test_what_is_in_the_session_is_not_imported_again(ardour: Ardour, inbox: InboxWriter) -> None:
    [path] = inbox.write_take("take1")
    ardour.tick()
    ardour.install("hook", "acestepd_hook.lua")  # Ardour was started again
    inbox.write_entry(path=str(path))
    ardour.tick()
    assert ardour.paths == [str(path)]
    assert inbox.list_waiting() == []
    assert len(inbox.read_answers()) == 2


def test_what_is_for_others_is_left_to_them(ardour: Ardour, inbox: InboxWriter) -> None:
    inbox.write_take("take1", insert="live")
    inbox.write_take("take2", time=time.time() - 700)
    ardour.tick(2)
    assert ardour.imports == []
    assert len(inbox.list_waiting()) == 2


def test_a_shell_is_called_only_when_something_is_new(ardour: Ardour, inbox: InboxWriter) -> None:
    inbox.write_take("take1", insert="live")
    ardour.tick(1000)
    assert ardour.run("return stub.popens") == 1
    inbox.write_take("take2")
    ardour.tick(10)
    assert ardour.run("return stub.popens") == 2
    assert len(ardour.imports) == 1


def test_nothing_is_imported_into_a_recording(ardour: Ardour, inbox: InboxWriter) -> None:
    inbox.write_take("take1")
    ardour.run(
        "real = Session Session = setmetatable({actively_recording = function() return true end}, "
        "{__index = function() error('untouched while it records') end})"
    )
    ardour.tick(2)
    assert (inbox.folder / "readers" / "ardour").is_file()
    ardour.run("Session, real = real, nil")
    assert ardour.imports == []
    ardour.tick()
    assert len(ardour.imports) == 1


def test_the_clock_goes_on_during_an_import(ardour: Ardour, inbox: InboxWriter) -> None:
    inbox.write_take("take1")
    inbox.write_take("take2")
    ardour.run("stub.during = function() hook.run(7) end")
    ardour.tick()
    assert [len(each["paths"]) for each in ardour.imports] == [1, 1]


@pytest.mark.parametrize("refusals", [1, 2])
def test_an_ardour_with_fewer_arguments_imports_too(
    ardour: Ardour, inbox: InboxWriter, refusals: int
) -> None:
    inbox.write_take("take1")
    ardour.run(f"stub.refuses = {refusals}")
    ardour.tick()
    assert [each["rest"] for each in ardour.imports] == [3 - refusals]


def test_an_import_that_fails_is_said_and_not_tried_for_ever(
    ardour: Ardour, inbox: InboxWriter
) -> None:
    inbox.write_take("take1")
    ardour.run("stub.refuses = 99")
    ardour.tick(3)
    [text] = ardour.run("return stub.printed")
    assert text.startswith("acestepd: take1 is not put in: ")
    assert inbox.read_answers()[0]["inserted"]["where"] == ""


def test_the_notes_on_a_take_are_in_the_log(ardour: Ardour, inbox: InboxWriter) -> None:
    inbox.write_take("take1", stems=("mix", "drums"), notes=["it is 84", "waltz", 7])
    ardour.tick(2)
    said = ["acestepd: take1: it is 84", "acestepd: take1: waltz"]
    assert ardour.run("return stub.printed") == said
    inbox.write_take("take2", notes="none")  # not as the daemon writes them
    ardour.tick()
    assert len(ardour.imports) == 2


def test_it_says_once_that_acestepd_is_not_running(ardour: Ardour, inbox: InboxWriter) -> None:
    write_lock(ardour.home, pid=0)
    ardour.tick(5)
    assert ardour.run("return stub.printed") == ["acestepd: acestepd is not running"]
    write_lock(ardour.home, out=str(inbox.out))
    inbox.write_take("take1")
    ardour.tick()
    assert len(ardour.imports) == 1


def test_junk_leaves_the_hook_alive(ardour: Ardour, inbox: InboxWriter) -> None:
    for content in (b"", b"{", b"[" * 9000, b'{"acestepd":1,"insert":"ardour"}', os.urandom(999)):
        inbox.write_raw(content)
    (inbox.folder / "123.json").mkdir()
    (inbox.folder / "$(touch x)';touch y;'.json").write_text("{}")
    ardour.tick()
    inbox.write_take("take1")
    ardour.tick()
    assert len(ardour.imports) == 1


def test_a_folder_with_a_quote_in_its_name_is_listed(ardour: Ardour, tmp_path: Path) -> None:
    out = tmp_path / "it's $HOME `x`"
    out.mkdir()
    write_lock(ardour.home, out=str(out))
    InboxWriter(out, insert="ardour").write_take("take1")
    ardour.tick()
    assert len(ardour.imports) == 1


# --- the actions ----------------------------------------------------------------------------------


def test_the_newest_is_imported_by_hand_whomever_it_is_for(
    ardour: Ardour, inbox: InboxWriter
) -> None:
    inbox.write_take("take1", time=time.time() - 9000)
    [path] = inbox.write_take("take2", insert="live", time=time.time() - 9000)
    ardour.install("action", "acestepd_import.lua")
    ardour.run("action.run() action.run()")
    assert ardour.paths == [str(path)] * 2
    assert len(inbox.list_waiting()) == 2, "it is still the other program's"
    assert not (inbox.folder / "readers" / "ardour").exists(), "the hook does not run"


def test_without_an_entry_the_newest_manifest_counts(ardour: Ardour, inbox: InboxWriter) -> None:
    for number, name in enumerate(("old", "new")):
        (inbox.out / f"{name}.wav").write_bytes(b"RIFF")
        manifest = inbox.out / f"{name}.json"
        clips = [{"stem": "mix", "file": f"{name}.wav"}]
        manifest.write_text(json.dumps({"id": name, "clips": clips, "notes": [f"{name}est"]}))
        os.utime(manifest, (number + 1e9, number + 1e9))
    (inbox.out / "other.json").write_text("[1]")
    ardour.install("action", "acestepd_import.lua")
    ardour.run("action.run()")
    assert ardour.paths == [str(inbox.out / "new.wav")]
    assert ardour.run("return stub.printed") == ["acestepd: new: newest"]


def test_with_nothing_to_import_it_says_so(ardour: Ardour, inbox: InboxWriter) -> None:
    ardour.install("action", "acestepd_import.lua")
    ardour.run("action.run()")
    assert ardour.run("return stub.messages") == ["acestepd has made nothing yet."]


def test_asking_makes_takes_at_the_tempo_of_the_session_and_the_hook_imports_them(
    ardour: Ardour, tmp_path: Path
) -> None:
    ardour.install("action", "acestepd_ask.lua")

    def have_both_been_imported() -> bool:
        ardour.tick()
        return len(ardour.paths) == 2

    with on_stage(tmp_path) as stage:
        host, port = stage.osc.address
        write_lock(ardour.home, host=host, port=port, out=str(tmp_path / "out"))
        ardour.run('stub.answer = {prompt = "rain, soft", bars = 2, seed = "41", count = 2}')
        ardour.run("action.run()")
        until(have_both_been_imported)
    assert sorted(ardour.paths) == sorted(map(str, (tmp_path / "out").glob("*.wav")))
    requests = [
        json.loads(path.read_text())["request"] for path in (tmp_path / "out").glob("*.json")
    ]
    assert sorted(request["seed"] for request in requests) == [41, 42]
    for request in requests:
        assert (request["prompt"], request["bars"], request["bpm"]) == ("rain, soft", 2, 120.0)
        assert (request["time_signature"], request["loop"]) == ("4/4", True)


@pytest.mark.parametrize("script", ["acestepd_ask.lua", "acestepd_import.lua"])
def test_without_a_daemon_an_action_says_so(ardour: Ardour, script: str) -> None:
    write_lock(ardour.home, pid=0)
    ardour.install("action", script)
    ardour.run("action.run()")
    [text] = ardour.run("return stub.messages")
    assert text.startswith("acestepd is not running")
    assert ardour.run("return stub.dialogs") == []


@pytest.mark.parametrize("gone", ["io", "loadfile"])
def test_a_tighter_sandbox_is_named(ardour: Ardour, gone: str) -> None:
    ardour.run(f"kept, {gone} = {gone}, nil")
    ardour.run("hook.run(7) hook.run(7)")
    ardour.run(f"{gone}, kept = kept, nil")
    [text] = ardour.run("return stub.printed")
    assert "sandbox" in text


def test_no_script_leaves_a_global(ardour: Ardour, inbox: InboxWriter) -> None:
    for name in ("ask", "import"):
        ardour.install("action", f"acestepd_{name}.lua")
        ardour.run("before = true before = globals()")
        ardour.run("stub.answer = {prompt = 'x', bars = 1, seed = '', count = 1} action.run()")
        ardour.tick()
        assert ardour.run("return globals()") == ardour.run("return before")


# --- the files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_linter_finds_nothing(file: Path) -> None:
    if not shutil.which("luacheck"):
        pytest.skip("luacheck is not installed")
    known = "ardour ARDOUR Session Editor Editing Temporal C LuaDialog LuaSignal".split()
    globals_ = ["--globals", "factory", "signals", "--read-globals", *known]
    options = ["--std", "lua53", "--max-line-length", "110", *globals_]
    result = subprocess.run(["luacheck", str(file), *options], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@needs_ardour
def test_ardour_finds_its_scripts_and_no_others(ardour: Ardour) -> None:
    for file in FILES:
        code = f"return pcall(install, {json.dumps(str(ardour.scripts / file.name))})"
        assert ardour.run(code) == (file.name != "acestepd_lib.lua")
