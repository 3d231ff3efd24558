"""What the README tells musicians to type works as it is printed: messages, pairs, commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from daemon.cli.main import main
from daemon.cli.parser import build_parser
from daemon.cli.send import infer_values
from daemon.osc.command_table import COMMANDS
from daemon.osc.outgoing import OUTGOING
from daemon.settings import Settings, read
from daemon.watch.sheet import read_sheet
from pipeline.request import is_field
from tests.support.harness import SteppedModel
from tests.support.osc_client import OscClient, make_clip
from tests.support.stage import Stage, wait_until_warm

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
SPANS = list(
    dict.fromkeys(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", README, flags=re.S)))
)
MESSAGES = [span for span in SPANS if span.startswith("/ace/") and " " in span] + [
    line.split("──▶")[0].strip()
    for _, block in BLOCKS
    for line in block.splitlines()
    if line.strip().startswith("/ace/")
]
BARE = [span for span in SPANS if span.startswith("/ace/") and " " not in span]
ORDERS = ("count", "priority")  # words of an order that are no fields
PAIRS = [
    span
    for span in SPANS
    if len(words := span.split()) > 1 and (is_field(words[0]) or words[0] in ORDERS)
]
COMMAND_LINES = [span for span in SPANS if re.match(r"acestepd \w", span)] + [
    line.partition("#")[0].strip()
    for language, block in BLOCKS
    if language == "sh"
    for line in block.splitlines()
    if line.startswith("acestepd")
]
# of what this machine has not: answered in words, and with which code
AWAY = {"/ace/adapter lofi.safetensors 0.8": 404, "/ace/midi/learn variation": 503}


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("HOME", str(tmp_path))
    out = tmp_path / "Music" / "acestepd"
    out.mkdir(parents=True)
    track = mido.MidiTrack([mido.Message("note_on", note=60), mido.Message("note_off", time=1920)])
    mido.MidiFile(tracks=[track]).save(out / "verse.mid")
    given = Settings(
        out=out, state=tmp_path / "state", port=0, page=-1, tcp=0, model="mini", rate=100_000
    )
    model = SteppedModel()
    model.defaults = model.defaults._replace(num_steps=8)  # as turbo and mini have
    with Stage(given, model) as stage:
        wait_until_warm(stage)
        yield stage


@pytest.fixture
def client(stage: Stage) -> Iterator[OscClient]:
    with closing(stage.client()) as client:
        yield client


def test_there_are_examples() -> None:
    assert len(MESSAGES) > 10
    assert len(PAIRS) > 12
    assert len(COMMAND_LINES) > 8


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_does_what_it_is_printed_for(
    stage: Stage, client: OscClient, message: str
) -> None:
    for id in ("take1", "take2"):
        if id not in message.split()[1:2]:
            make_clip(client, id, "prompt", "rain", "seconds", 0.5)
    client.ask("/ace/set/prompt", "rain")  # as the line above it says
    address, *words = shlex.split(message.replace("PORT", str(client.port)))
    client.send(address, *infer_values(words))
    client.send("/ace/sync", 7)
    answers = client.until("/ace/synced")
    codes = [values[2] for address, values in answers if address == "/ace/fail"]
    if message == "/ace/cancel take1":
        return  # it is made by then
    assert codes == ([AWAY[message]] if message in AWAY else [])
    assert len(answers) > 1 or COMMANDS[address].makes_job


@pytest.mark.parametrize("address", BARE)
def test_an_address_alone_is_a_message_or_an_event(address: str) -> None:
    assert address in COMMANDS or address.removeprefix("/ace/") in OUTGOING


@pytest.mark.parametrize("pairs", PAIRS)
def test_pairs_are_taken_as_they_are_printed(stage: Stage, client: OscClient, pairs: str) -> None:
    words = infer_values(shlex.split(pairs))
    source = {}
    if pairs.startswith("repaint"):
        path = make_clip(client, "source", "prompt", "rain", "bars", 8, "bpm", 120)[2]
        source = {"task": "repaint", "source": path}
    extra = [word for pair in source.items() for word in pair]
    client.send("/ace/generate", "x", "prompt", "pad", *extra, *words)
    answers = client.until("/ace/queued")
    assert not [values for address, values in answers if address == "/ace/fail"]


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_a_command_line_is_understood(line: str) -> None:
    arguments = build_parser().parse(shlex.split(line)[1:])
    assert callable(arguments.run)


def test_the_sheet_is_understood_whole() -> None:
    (sheet,) = (block for _, block in BLOCKS if block.startswith("---\n"))
    read = read_sheet(sheet)
    assert read.values["bars"] == 8
    assert read.values["bpm"] == 84
    assert str(read.values["lyrics"]).startswith("[Chorus]\nWe are alive tonight")
    assert not [note for note in read.notes if note.code]


def test_the_settings_are_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "Lyrics").mkdir()
    file = tmp_path / "settings.toml"
    lines = [span for span in SPANS if re.fullmatch(r"(latest|link|discovery|quantise) = .+", span)]
    tables = [block for language, block in BLOCKS if language == "toml"]
    assert len(lines) == 4
    file.write_text("\n".join([*lines, "[midi]", 'ports = ["Launchpad"]', *tables]))
    assert read(file, {}).watch


def test_what_oscsend_sends_is_what_send_would_infer() -> None:
    lines = [
        line.partition("#")[0]
        for _, block in BLOCKS
        for line in block.splitlines()
        if line.startswith("oscsend ")
    ]
    assert lines
    for line in lines:
        _, host, port, address, types, *words = shlex.split(line)
        assert (host, int(port)) == (Settings().host, Settings().port)
        assert address in COMMANDS
        wanted = ["s" if isinstance(value, str) else "fi" for value in infer_values(words)]
        assert all(tag in may for tag, may in zip(types, wanted, strict=True))


@pytest.mark.long
def test_the_python_example_prints_what_stands_behind_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    [program] = (block for language, block in BLOCKS if language == "python")
    exec(compile(program, "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert printed == [program.rpartition("# ")[2].strip()]


@pytest.mark.long
def test_a_manifest_makes_the_same_take_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [line] = (one for one in COMMAND_LINES if one.startswith('acestepd generate "'))
    [again] = (one for one in COMMAND_LINES if "--again FILE.json" in one)
    assert main([*shlex.split(line)[1:], "--out", str(tmp_path / "first")]) == 0
    wav, manifest = capsys.readouterr().out.splitlines()
    words = shlex.split(again.replace("FILE.json", manifest))[1:]
    assert main([*words, "--out", str(tmp_path / "second")]) == 0
    same, _ = capsys.readouterr().out.splitlines()
    (sound, rate), (before, rate_before) = soundfile.read(same), soundfile.read(wav)
    assert rate == rate_before
    assert np.array_equal(sound, before)
