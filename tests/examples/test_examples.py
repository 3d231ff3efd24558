"""Every example runs as its user runs it, as a process of its own, against a real daemon."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest
import soundfile

from daemon.service import Daemon
from daemon.settings import Settings
from tests.support.osc_client import OscClient

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PATIENCE = 60.0  # seconds after which a program is ended
GOOD = ["queued", "note", "progress", "clip", "finished"]
ANSWER = re.compile(r"/ace/(\w+) ?(.*)")


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


@pytest.fixture(scope="module")
def daemon(quick_voice: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """As in conftest, with a space in the paths it announces."""
    state = tmp_path_factory.mktemp("state")
    with Daemon(
        Settings(
            port=0, page=-1, out=tmp_path_factory.mktemp("my takes"), state=state, model=quick_voice
        )
    ) as running:
        yield running


@pytest.fixture
def port(daemon: Daemon) -> str:
    return str(daemon.osc.address[1])


class Run:
    """A program run to its end: what it printed, its status."""

    def __init__(self, *command: str | Path, **environment: str) -> None:
        self.lines: list[str] = []
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            env=os.environ | environment,
        )
        watchdog = Timer(PATIENCE, process.kill)
        watchdog.start()
        try:
            for line in process.stdout or ():
                self.lines.append(line.rstrip("\n"))
            self.status = process.wait()
        finally:
            watchdog.cancel()
            process.kill()
            process.communicate()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def answers(self) -> list[tuple[str, str]]:
        """Name and arguments of every answer of the daemon that was printed."""
        return [(found[1], found[2]) for line in self.lines if (found := ANSWER.fullmatch(line))]

    @property
    def kinds(self) -> list[str]:
        """The names of the answers, each once, in the order they first came."""
        return list(dict.fromkeys(name for name, _ in self.answers))

    @property
    def clip(self) -> Path:
        """The path of the one clip: id, stem, path, bpm, bars, seed."""
        [answer] = [rest for name, rest in self.answers if name == "clip"]
        match = re.fullmatch(r"\S+ mix (/.+\.wav) \S+ \d+ \d+", answer)
        assert match, answer
        return Path(match[1])


def bars(number: int, bpm: int) -> int:
    """The samples in so many bars of four beats."""
    return number * 4 * 60 * 48_000 // bpm


def assert_wav(path: Path, samples: int) -> None:
    info = soundfile.info(path)
    assert info.frames == samples
    assert info.samplerate == 48_000
    assert info.channels == 2
    assert info.subtype == "PCM_24"


# --- Python ---------------------------------------------------------------------------------------


def generate(port: str, *arguments: str) -> Run:
    return Run(sys.executable, EXAMPLES / "generate.py", "--port", port, *arguments)


def test_generate_prints_every_answer_and_ends_with_the_path(port: str) -> None:
    run = generate(port, "warm lo-fi beat", "bars=1", "bpm=150", "seed=7")
    assert run.kinds == GOOD
    assert_wav(run.clip, bars(1, 150))
    assert run.lines[-1] == str(run.clip)
    assert run.status == 0


def test_generate_says_what_was_wrong(port: str) -> None:
    run = generate(port, "warm lo-fi beat", "bars=-4")
    assert run.kinds == ["fail"]
    assert "bars must be in 0..1024, got -4" in run.text
    assert run.status == 1


@pytest.mark.long
def test_generate_gives_up_where_nobody_answers(client: OscClient) -> None:
    run = generate(str(client.port))  # a socket that hears and says nothing
    assert run.lines == ["no answer: is acestepd running there?"]
    assert run.status == 1


@pytest.mark.long
def test_inprocess_needs_no_daemon(tmp_path: Path) -> None:
    wav = tmp_path / "pad.wav"
    command = (sys.executable, EXAMPLES / "inprocess.py", "wide ambient pad")
    run = Run(*command, "--duration", "2.5", "--seed", "7", "--out", wav, PYTHONPATH=str(ROOT))
    assert run.lines == [f"{wav}: 2.5 seconds, seed 7"]
    assert_wav(wav, 120_000)
    assert run.status == 0


# --- clients with no file of ours -----------------------------------------------------------------


@needs("oscsend")
def test_oscsend_triggers_and_a_subscriber_hears(port: str, client: OscClient) -> None:
    client.ask("/ace/notify", 1)
    run = Run("oscsend", "127.0.0.1", port, "/ace/go", "ssfi", "liblo", "warm lo-fi beat", "1", "7")
    assert run.status == 0
    assert_made(client, "liblo", bars(1, 120))


@needs("csound")
def test_csound_triggers_and_a_subscriber_hears(
    port: str, client: OscClient, tmp_path: Path
) -> None:
    client.ask("/ace/notify", 1)
    piece = tmp_path / "send.csd"
    piece.write_text(CSOUND.replace("PORT", port))
    assert Run("csound", "-n", piece).status == 0
    assert_made(client, "csound", bars(1, 120))


@needs("node")
def test_node_is_answered_on_the_socket_it_sends_from(port: str) -> None:
    run = Run("node", "-e", NODE, port)
    assert run.kinds == GOOD
    assert run.status == 0


def assert_made(client: OscClient, id: str, samples: int) -> None:
    events = client.until_end(id)
    client.ask("/ace/notify", 0)
    assert list(dict.fromkeys(address for address, _ in events)) == [
        f"/ace/{kind}" for kind in GOOD
    ]
    [(_, (_, stem, path, *_rest))] = [event for event in events if event[0] == "/ace/clip"]
    assert stem == "mix"
    assert_wav(Path(path), samples)


CSOUND = """
<CsoundSynthesizer>
<CsInstruments>
sr = 48000
ksmps = 480
instr 1
  OSCsend 1, "127.0.0.1", PORT, "/ace/go", "ssff", "csound", "wide ambient pad", 1, 7
endin
</CsInstruments>
<CsScore>
i 1 0 0.1
</CsScore>
</CsoundSynthesizer>
"""

NODE = r"""
const socket = require('dgram').createSocket('udp4')
const padded = text => text + '\0'.repeat(4 - text.length % 4)
const words = ['node', 'prompt', 'wide ambient pad', 'seconds', '1']
socket.on('message', answer => {
  const address = answer.toString('utf8', 0, answer.indexOf(0))
  console.log(address)
  if (['/ace/finished', '/ace/fail'].includes(address)) socket.close()
})
const types = ',' + 's'.repeat(words.length)
socket.send(['/ace/generate', types, ...words].map(padded).join(''), process.argv[1])
"""
