"""What the settings say in [request] holds wherever a request comes from."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from daemon import settings
from daemon.jobs import Event, Job
from daemon.pads.midi_player import MidiPlayer
from pipeline.guide.guide import resolve_guide
from pipeline.request import Request
from tests.support.command_line import run_here
from tests.support.environment import make_environment
from tests.support.harness import SteppedModel
from tests.support.stage import Stage, wait_until_warm

PATIENCE = 60.0
REQUEST = """
[request]
prompt = "dusty lo-fi"
bpm = 84
bars = 2
key = "Am"
num_steps = 1
seed = 7
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "Lyrics").mkdir()
    written = tmp_path / "settings.toml"
    watched = f'[[watch]]\nfolder = "{tmp_path}/Lyrics"\n'
    ours = (
        f'out = "{tmp_path}/out"\nstate = "{tmp_path}/state"\nmodel = "mini"\nport = 0\npage = -1\n'
    )
    written.write_text(ours + REQUEST + watched)
    return written


class Accepted:
    """A running daemon's jobs, as they are queued."""

    def __init__(self, stage: Stage) -> None:
        self._jobs: queue.Queue[Job] = queue.Queue()
        stage.engine.subscribe(self._on_event)

    def _on_event(self, event: Event) -> None:
        if event.kind == "queued" and event.job:
            self._jobs.put(event.job)

    def next(self) -> Request:
        return self._jobs.get(timeout=PATIENCE).resolved


@pytest.fixture
def stage(file: Path) -> Iterator[Stage]:
    with Stage(settings.read(file, {}), SteppedModel()) as running:
        wait_until_warm(running)
        yield running


@pytest.fixture
def accepted(stage: Stage) -> Accepted:
    return Accepted(stage)


def is_as_in_the_settings(request: Request) -> bool:
    facts = (request.prompt, request.bpm, request.bars, request.key, request.num_steps)
    return facts == ("dusty lo-fi", 84, 2, "A minor", 1)


def test_they_hold_for_messages(stage: Stage, accepted: Accepted) -> None:
    with closing(stage.client()) as client:
        client.send("/ace/go", 1.0)
        assert is_as_in_the_settings(accepted.next())
        client.send("/ace/generate", "take1", "seed", 3)
        request = accepted.next()
    assert is_as_in_the_settings(request)
    assert request.seed == 3


def test_they_hold_for_pads_by_message_and_by_midi(stage: Stage, accepted: Accepted) -> None:
    with closing(stage.client()) as client:
        client.send("/ace/pad/hit", 1)
        assert is_as_in_the_settings(accepted.next())
    MidiPlayer(stage.pads, stage.panel, stage.engine).hit(4, 100, "Launchpad X")
    assert is_as_in_the_settings(accepted.next())


def test_they_hold_for_watched_folders(stage: Stage, accepted: Accepted, tmp_path: Path) -> None:
    (tmp_path / "Lyrics" / "chorus.txt").write_text("We are alive tonight\n")
    request = accepted.next()
    assert is_as_in_the_settings(request)
    assert (request.seed, request.name) == (7, "chorus")
    assert request.lyrics == "We are alive tonight"


def test_a_watched_folder_has_its_own_over_them_also_where_it_takes_something_back(
    file: Path, tmp_path: Path
) -> None:
    own = '[watch.request]\nprompt = "warm"\nbars = 0\nseconds = 9\n'
    file.write_text(file.read_text() + own)
    with Stage(settings.read(file, {}), SteppedModel()) as stage:
        accepted = Accepted(stage)
        (tmp_path / "Lyrics" / "chorus.txt").write_text("key: Cm\n\nla la\n")
        request = accepted.next()
    facts = (request.prompt, request.bpm, request.bars, request.seconds, request.key)
    assert facts == ("warm", 84, 0, 9, "C minor")


def test_what_a_client_turns_is_no_default_of_a_watched_folder(
    stage: Stage, accepted: Accepted, tmp_path: Path
) -> None:
    with closing(stage.client()) as client:
        client.send("/ace/set/bpm", 140)
        client.send("/ace/sync", 1)
        client.until("/ace/synced")
    (tmp_path / "Lyrics" / "chorus.txt").write_text("la la\n")
    assert is_as_in_the_settings(accepted.next())


def test_those_that_are_saved_while_it_runs_hold_for_a_watched_folder_too(
    stage: Stage, accepted: Accepted, file: Path, tmp_path: Path
) -> None:
    file.write_text(file.read_text().replace("bpm = 84", "bpm = 96"))
    stage.apply(settings.read(file, {}))
    (tmp_path / "Lyrics" / "chorus.txt").write_text("la la\n")
    assert accepted.next().bpm == 96


def test_lyrics_of_the_settings_are_sung_by_a_sheet_without_any(file: Path, tmp_path: Path) -> None:
    text = file.read_text().replace("[request]", '[request]\nlyrics = "Verse 1:\\n[Am]Oh my love"')
    file.write_text(text)
    with Stage(settings.read(file, {}), SteppedModel()) as stage:
        accepted = Accepted(stage)
        (tmp_path / "Lyrics" / "idea.txt").write_text("---\nprompt: warm piano\n---\n")
        request = accepted.next()
    assert request.lyrics == "[Verse 1]\nOh my love"


def test_without_a_length_there_a_pad_has_four_bars_and_a_sheet_what_its_lines_need(
    file: Path, tmp_path: Path
) -> None:
    file.write_text(file.read_text().replace("bars = 2\n", ""))
    with Stage(settings.read(file, {}), SteppedModel()) as stage:
        accepted = Accepted(stage)
        with closing(stage.client()) as client:
            client.send("/ace/pad/hit", 1)
            assert accepted.next().bars == 4
            client.send("/ace/go", 1.0)
            assert accepted.next().bars == 4
        lines = "We are alive tonight\nCity lights are calling me home\n" * 4
        (tmp_path / "Lyrics" / "chorus.txt").write_text(lines)
        assert accepted.next().bars == 16


def test_a_voice_that_plays_guides_has_four_bars_at_the_tempo_that_is_composed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(file.read_text().replace("bars = 2\n", "").replace("bpm = 84\n", ""))
    monkeypatch.setattr(SteppedModel, "plays_guides", True)
    with Stage(settings.read(file, {}), SteppedModel()) as stage:
        wait_until_warm(stage)
        accepted = Accepted(stage)
        with closing(stage.client()) as client:
            client.send("/ace/go", 1.0)
            request = accepted.next()
    assert request.bars == 4
    composed, _ = resolve_guide(request.changed({"bpm": 0}), "auto")
    assert request.bpm == composed.bpm > 0


def test_they_hold_for_the_command_line(file: Path, tmp_path: Path) -> None:
    environment = make_environment(tmp_path)
    options = ("--settings", str(file), "--model", "mini")
    done = run_here(tmp_path, *options, "generate", "--bars", "1", environment=environment)
    assert done.returncode == 0, done.stderr
    manifest = Path(next(line for line in done.stdout.split() if line.endswith(".json")))
    request = json.loads(manifest.read_text())["request"]
    assert (request["prompt"], request["bpm"], request["bars"]) == ("dusty lo-fi", 84, 1)
    assert (request["key"], request["seed"], request["num_steps"]) == ("A minor", 7, 1)


def test_seconds_that_are_said_count_before_bars_that_are_not(
    stage: Stage, accepted: Accepted, tmp_path: Path
) -> None:
    with closing(stage.client()) as client:
        client.send("/ace/generate", "take1", "seconds", 9)
        request = accepted.next()
        assert (request.bars, request.seconds) == (0, 9)
        client.send("/ace/generate", "take2", "seconds", 9, "bars", 3)
        assert accepted.next().bars == 3
    (tmp_path / "Lyrics" / "chorus.txt").write_text("length: 12\n\nla la\n")
    request = accepted.next()
    assert (request.bars, request.seconds) == (0, 12)


def test_what_a_folder_says_over_them_must_go_with_them(file: Path) -> None:
    file.write_text(file.read_text().replace("bars = 2", "bars = 200") + "request.bpm = 40\n")
    with pytest.raises(settings.SettingsError, match=r"\[watch.request\] over \[request\]"):
        settings.read(file, {})
