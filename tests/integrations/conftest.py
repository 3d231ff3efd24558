"""What the tests of programs share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from daemon.service import Daemon
from daemon.settings import Settings
from tests.support.jack import Jack
from tests.support.relay import Relay
from tests.support.running_program import RunningProgram

FOLDER = Path(__file__).parents[2] / "integrations"
# a prompt of which two things are read, and how the notes on it begin
NOTED_PROMPT = "dub, 97 bpm, in F# minor"
TEMPO_NOTE = "the prompt says 97 bpm"
KEY_NOTE = "the prompt says F# minor: it was taken"
UNBUFFERED = ("stdbuf", "-o0", "-e0")  # lines are wanted while a program runs

Start = Callable[..., RunningProgram]


@pytest.fixture(scope="module")
def spaced(quick_voice: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a quick voice, and a space in the paths that it announces."""
    state = tmp_path_factory.mktemp("state")
    out = tmp_path_factory.mktemp("my takes")
    with Daemon(Settings(port=0, page=-1, out=out, state=state, model=quick_voice)) as running:
        yield running


@pytest.fixture
def relay() -> Iterator[Relay]:
    with closing(Relay()) as between:
        yield between


@pytest.fixture
def start_csound(tmp_path: Path) -> Start:
    """start_csound(port, listen, BARS=..., ...): in real time, and what it plays goes nowhere."""

    def start(port: int, listen: int, **macros: object) -> RunningProgram:
        given = {"PORT": port, "LISTEN": listen, "BARS": 1, "BPM": 150} | macros
        flags = [f"--omacro:{name}={value}" for name, value in given.items()]
        file = FOLDER / "csound" / "acestepd.csd"
        command = (*UNBUFFERED, "csound", "-+rtaudio=null", *flags, str(file))
        return RunningProgram(*command, folder=tmp_path)

    return start


@pytest.fixture
def start_chuck(jack_server: Jack, tmp_path: Path) -> Start:
    """start_chuck(port, listen, prompt, bars)"""

    def start(port: int, listen: int, prompt: str = "tape", bars: int = 1) -> RunningProgram:
        file = FOLDER / "chuck" / "acestepd.ck"
        code = ":".join(map(str, (file, prompt, bars, 150, 7, port, listen)))
        command = (*UNBUFFERED, "chuck", "--in:0", code)
        return RunningProgram(*command, environment=jack_server.environment, folder=tmp_path)

    return start
