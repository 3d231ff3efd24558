"""The command line, run as a user runs it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from huggingface_hub import constants
from PIL import Image

from daemon import VERSION, settings
from daemon.cli import history, main, template
from daemon.jobs import Event, Job, JobState
from daemon.journal import Journal
from daemon.service import Daemon
from daemon.settings import Settings, SettingsError
from daemon.watch.notes import find_problems
from daemon.watch.sheet import read_sheet
from pipeline.planner import grammar
from pipeline.request import FIELDS, Request
from tests.support.command_line import run_here
from tests.support.environment import make_environment
from tests.support.planners import OFFICIAL, make_planned_root
from tests.support.relay import find_free_port
from tests.support.waiting import until

RIFF = str(OFFICIAL / "audio" / "src.wav")
(TURBO,) = {str(path.parent) for path in OFFICIAL.glob("*/acestep-v15-turbo")}


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "daemon", *arguments]
    environment = make_environment(folder, HF_HUB_OFFLINE="1")
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, check=False
    )


def here(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The same in this process, for what looks for no model of the hub."""
    return run_here(folder, *arguments, environment=make_environment(folder))


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process in an empty home folder, for what need not be a process of its own."""
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.mark.long
@pytest.mark.parametrize(
    "arguments", [("integrations",), ("integrations", "--json"), ("settings",)]
)
def test_where_the_output_cannot_be_written_that_is_one_line(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    line = shlex.join([sys.executable, "-m", "daemon", *arguments])
    done = subprocess.run(
        f"{line} > /dev/full",
        shell=True,
        stderr=subprocess.PIPE,
        text=True,
        env=make_environment(tmp_path),
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "acestepd: what it prints cannot be written: No space left on device\n"


def test_generate_makes_one_take_and_prints_its_files(tmp_path: Path) -> None:
    line = [
        "generate",
        "warm lo-fi beat",
        "--bars",
        "1",
        "--bpm",
        "84",
        "--num-steps",
        "1",
        "--seed",
        "7",
        "--out",
        "clips",
        "--model",
        "mini",
    ]
    done = here(*line, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    wav, manifest = map(Path, done.stdout.split("\n")[:2])
    assert wav == tmp_path / "clips" / "warm-lo-fi-beat_84bpm_Gbmin_1bars_s7.wav"
    assert soundfile.info(wav).frames == round(4 * 60 / 84 * 48_000)
    assert json.loads(manifest.read_text())["request"]["seed"] == 7
    stages = ["guide", "text", "condition", "diffusion", "decode", "finish"]
    assert [line for line in done.stderr.splitlines() if line in stages] == stages
    assert "\r" not in done.stderr, "no terminal is there"


def test_generate_without_a_length_makes_four_bars_and_says_so(tmp_path: Path) -> None:
    line = ("generate", "techno", "--num-steps", "1", "--seed", "7", "--model", "mini")
    done = here(*line, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    wav = Path(done.stdout.split()[0])
    bpm = int(wav.name.split("_")[1].removesuffix("bpm"))
    assert "_4bars_" in wav.name
    assert soundfile.info(wav).frames == round(16 * 60 / bpm * 48_000)
    assert f"4 bars at {bpm} bpm, as neither bars nor seconds were given" in done.stderr


@pytest.mark.long
def test_generate_makes_several_takes_with_seeds_in_a_row(quick_voice: str, tmp_path: Path) -> None:
    model = ("--model", quick_voice, "--plan", "off")
    order = ("generate", "pad", "--seconds", "0.5", "--seed", "7", "--count", "2", *model)
    done = here(*order, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    seeds = [
        json.loads(Path(path).read_text())["request"]["seed"]
        for path in done.stdout.splitlines()
        if path.endswith(".json")
    ]
    assert seeds == [7, 8]
    assert {"1 of 2  diffusion", "2 of 2  diffusion"} < {*done.stderr.splitlines()}
    done = here(*order, "--variation", "0.15", folder=tmp_path)
    manifests = [Path(path) for path in done.stdout.splitlines() if path.endswith(".json")]
    requests = [json.loads(path.read_text())["request"] for path in manifests]
    assert [request["seed"] for request in requests] == [7, 7]
    first, second = (request["variation_seed"] for request in requests)
    assert second == (first + 1) % 2**32
    refused = here("generate", "pad", "--count", "0", folder=tmp_path)
    assert refused.returncode == 2
    assert "--count must be in 1.." in refused.stderr


@pytest.mark.long
def test_generate_says_what_is_sung_otherwise_and_when_words_are_sung(tmp_path: Path) -> None:
    line = [
        "generate",
        "pop, female vocals",
        "--lyrics",
        "We are 24/7 here \U0001f600",
        "--bars",
        "2",
    ]
    line += [
        "--bpm",
        "120",
        "--num-steps",
        "1",
        "--seed",
        "7",
        "--model",
        "mini",
        "--language",
        "en",
    ]
    done = here(*line, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    wav, words, manifest = map(Path, done.stdout.splitlines())
    assert words == wav.with_suffix(".lrc")
    told = json.loads(manifest.read_text())["lines"][0]["words"]
    times = re.findall(r"<00:(\d\d\.\d\d)> (\S+)", words.read_text())
    assert [text for _, text in times] == [text for text, _, _ in told]
    for (at, _), (_, start, _) in zip(times, told, strict=True):
        assert float(at) == pytest.approx(start, abs=0.006)
    for note in (
        "sung in other words: 24/7 (twenty four seven)",
        "not sung: \U0001f600",
        "softly beside it the guide's own singer",
    ):
        assert note in done.stderr


def test_generate_reads_a_song_sheet_and_a_manifest_sings_what_it_sang(
    tmp_path: Path, quick_voice: str
) -> None:
    rest = ["--seconds", "0.5", "--num-steps", "2", "--model", quick_voice]
    sheet = "Key: Em\n\nVerse 1\nAm G\nla la"
    done = here("generate", "pad", "--lyrics", sheet, *rest, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    told = "the lyrics' line 4 (Am G): not sung: chords, which guide: Am G would play"
    assert told in done.stderr.splitlines()
    made = json.loads(next(tmp_path.glob("*.json")).read_text())
    assert (made["request"]["lyrics"], made["request"]["key"]) == ("[Verse 1]\nla la", "E minor")
    assert told in made["notes"]
    made["request"]["lyrics"] = "Verse 1\nla la"  # as takes of older versions sang
    (tmp_path / "old.json").write_text(json.dumps(made))
    done = here("generate", "--again", "old.json", "--out", "again", *rest[2:], folder=tmp_path)
    assert done.returncode == 0, done.stderr
    again = json.loads(next((tmp_path / "again").glob("*.json")).read_text())
    assert again["request"]["lyrics"] == "Verse 1\nla la"


def test_generate_goes_by_the_sound_that_it_works_on(quick_voice: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "dusk_240bpm_Am.wav", [[0.0, 0.0]] * 48_000, 48_000)
    rest = ("--num-steps", "2", "--model", quick_voice, "--out", "out", "--seed", "7")
    task = ("--task", "extract", "--source", "dusk_240bpm_Am.wav")
    done = here("generate", *task, *rest, folder=tmp_path)
    assert "the source: 1 bar, 240 bpm, A minor (its name)" in done.stderr
    assert {path.name for path in (tmp_path / "out").glob("*.wav")} == {
        f"dusk_240bpm_Amin_1bars_s7_{stem}.wav" for stem in ("drums", "bass", "rest")
    }
    done = here("generate", *task, *rest, "--bpm", "92", folder=tmp_path)
    assert "the source is at 240 bpm, and 92 bpm was asked for: it is 92 bpm" in done.stderr


@pytest.mark.long
def test_a_manifest_makes_the_same_take_again_sample_by_sample(
    quick_voice: str, tmp_path: Path
) -> None:
    line = ["generate", "pad", "--seconds", "0.5", "--num-steps", "2", "--model", quick_voice]
    first = run(*line, folder=tmp_path).stdout.split()
    again = run("generate", "--again", first[1], "--out", "again", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    takes = [soundfile.read(path, dtype="int32")[0] for path in (first[0], again.stdout.split()[0])]
    assert np.array_equal(*takes)


@pytest.mark.long
def test_a_recording_becomes_a_lyric_sheet_with_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grammar, "budget_tokens", lambda *_: 60)  # random weights find no end
    line = [
        "understand",
        RIFF,
        "--model",
        str(make_planned_root(tmp_path / "root", codes=range(64_000))),
    ]
    assert main.main(line) == 0
    captured = capsys.readouterr()
    assert "the planner did not come to an end: stopped after 60 tokens" in captured.err
    assert main.main([*line, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert len(values.pop("codes").split()) == 10
    read = read_sheet(captured.out)
    assert not find_problems(read.notes)
    assert read.values == pytest.approx(values)
    assert {"prompt", "bpm", "seconds"} <= read.values.keys()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["generate"], "there is nothing to play"),
        (["generate", "x", "--bars", "-1"], "bars must be in 0..1024, got -1"),
        (
            ["understand", "nothing.wav", "--model", "mini"],
            "source must be the path of an audio file that exists",
        ),
        (
            ["understand", RIFF, "--model", "mini"],
            "has no audio codes (load one of ACE-Step's models: acestepd pull --planner)",
        ),
        (["understand", RIFF, "--model", TURBO], "run: acestepd pull --planner"),
        (["generate", "x", "--model", "./nowhere"], "no model './nowhere'"),
        (["generate", "x", "--model", "mini", "--variant", "xl"], "no model variant 'xl'"),
        (["generate", "--again", "nothing.json"], "not a manifest"),
        (["--port", "70000"], "port must be in 0..65535"),
        (["--settings", "nothing.toml"], "nothing.toml"),
        (["pull", "no-such-thing"], "no model 'no-such-thing'"),
        (["pull"], "ACE-Step/Ace-Step1.5"),
        (["history"], "there is no journal"),
        (["history", "--limit", "0"], "--limit must be in 1..1000000000, got 0"),
        (["history", "--seed", "9" * 30], "--seed must be in 0..4294967295, got 999"),
        (["history", "--since", "tomorrow"], "a date is written like 2026-05-01"),
        (["status", "--port", "-1"], "port must be in 0..65535"),
    ],
)
@pytest.mark.usefixtures("at_home", "hub")
def test_mistakes_end_with_one_sentence_and_status_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert main.main(arguments) == 2
    printed = capsys.readouterr().err
    assert says in printed
    assert "Traceback" not in printed
    assert len(printed.strip().splitlines()) == 1


COMMANDS = [
    "",
    "demo",
    "generate",
    "understand",
    "play",
    "listen",
    "doctor",
    "pull",
    "status",
    "history",
    "settings",
    "banks",
    "service",
    "integrations",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_reads_well_everywhere(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main.main([*command.split(), "--help"])
    text = capsys.readouterr().out
    assert end.value.code == 0
    assert text.startswith(f"usage: acestepd {command}".strip())
    assert "None" not in text


def test_generate_offers_every_field_of_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["generate", "--help"])
    text = capsys.readouterr().out
    assert all(f"--{name.replace('_', '-')} " in text for name in FIELDS)


@pytest.mark.long
def test_doctor_finds_this_machine_in_order_and_says_what_is_wrong(tmp_path: Path) -> None:
    done = run("doctor", "--port", "0", "--out", "clips", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    for check in (
        "Python",
        "device",
        "BLAS",
        "compiler",
        "model",
        "planner",
        "port",
        "folder",
        "state",
    ):
        assert check in done.stdout
    assert "acestepd pull" in done.stdout
    wrong = run(
        "doctor", "--port", "0", "--out", "/proc/clips", "--model", "./nowhere", folder=tmp_path
    )
    assert wrong.returncode == 1
    assert "cannot write into /proc/clips" in wrong.stdout
    assert "no model './nowhere'" in wrong.stdout


@pytest.mark.long
def test_options_before_the_subcommand_count_too(quick_voice: str, tmp_path: Path) -> None:
    assert (
        "no model './nowhere'"
        in run("--model", "./nowhere", "doctor", "--port", "0", folder=tmp_path).stdout
    )
    line = ["--model", quick_voice, "--out", "early", "generate", "x"]
    done = here(*line, "--seconds", "0.5", "--num-steps", "1", folder=tmp_path)
    assert Path(done.stdout.split()[0]).parent == tmp_path / "early"


def test_doctor_recognises_the_daemon_that_runs(tmp_path: Path, daemon: Daemon) -> None:
    done = run("doctor", "--port", str(daemon.osc.address[1]), "--out", "clips", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert f"acestepd {VERSION} is listening" in done.stdout


def test_without_a_home_folder_one_sentence_says_what_to_give(tmp_path: Path) -> None:
    done = here("doctor", "--out", "~nobody-like-this/x", folder=tmp_path)
    assert done.returncode == 2
    assert "out: ~nobody-like-this/x: nobody is called so; write the whole path" in done.stderr


@pytest.mark.long
def test_demo_plays_shows_the_conversation_and_ends_with_the_files(tmp_path: Path) -> None:
    done = run("demo", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "twenty styles, in tempo and in key" in done.stdout
    for spoken in (
        "-> /ace/generate loop",
        "<- /ace/queued loop",
        "<- /ace/words song 2 1 Chorus",
        "We are alive tonight",
        "<- /ace/words song 3 3 Chorus",
        "<- /ace/clip song",
        "<- /ace/finished song",
    ):
        assert spoken in done.stdout
    files = [Path(line.strip()) for line in done.stdout.split("sung:")[1].strip().splitlines()]
    assert [path.suffix for path in files] == [".wav", ".wav", ".png", ".lrc"]
    assert "tonight" in (tmp_path / files[3]).read_text()
    assert all(path.parent == tmp_path / "acestepd-demo" for path in files)
    with Image.open(files[2]) as picture:
        pixels = np.asarray(picture.convert("L"))
    assert pixels.shape == (240, 900)
    assert 0.05 < (pixels < 200).mean() < 0.95, "a waveform: neither empty nor a block"


# --- settings -------------------------------------------------------------------------------------


def test_the_printed_settings_file_says_the_defaults_with_and_without_its_comments() -> None:
    text = template.build_template()
    assert settings.from_values(tomllib.loads(text)) == Settings()
    uncommented = re.sub(r"^#(?=\w)", "", text, flags=re.MULTILINE)
    values = tomllib.loads(uncommented)
    assert settings.from_values(values) == Settings()
    assert set(values) == set(Settings.__dataclass_fields__)
    assert set(values["request"]) == set(FIELDS)
    assert set(values["midi"]) == set(settings.Midi.__dataclass_fields__)


def list_lines_of_settings(text: str) -> list[str]:
    return re.findall(r"^#([a-z][\w.]*) = ", text, flags=re.MULTILINE)


def test_the_settings_file_begins_with_what_musicians_turn_and_ends_with_network_and_memory() -> (
    None
):
    names = list_lines_of_settings(template.build_template())
    assert names[:7] == [
        "out",
        *("request.prompt", "request.bars", "request.bpm", "request.key"),
        *("latest", "watch"),
    ]
    network = ["host", "port", "tcp", "page", "rate", "allow", "token", "subscribers"]
    memory = ["idle_unload", "memory_gb", "wired_gb", "cache_gb", "conditions_mb", "latents_mb"]
    assert names[-len(memory) - len(network) - 1 : -1] == network + memory


def test_each_line_of_the_settings_file_holds_by_itself() -> None:
    lines = [
        line[1:] for line in template.build_template().splitlines() if re.match("#[a-z]", line)
    ]
    for line in lines:
        assert settings.from_values(tomllib.loads(line)) == Settings()
    backwards = "\n".join(reversed(lines))
    assert settings.from_values(tomllib.loads(backwards)) == Settings()


def read_example(name: str) -> Settings:
    example = re.search(rf"^#   like ({name} = .*)$", template.build_template(), re.MULTILINE)
    assert example
    return settings.from_values(tomllib.loads(example[1]))


def test_its_example_of_a_watched_folder_is_one() -> None:
    read = read_example("watch")
    assert [watch.folder for watch in read.watch] == [Path.home() / "Lyrics"]


def test_its_examples_of_pads_are_some() -> None:
    assert read_example("midi.ports").midi.ports == ("Launchpad", "MPD")
    assert read_example("midi.knobs").midi.knobs == {"cc 21": "variation", "cc 22": "bars 1 16"}
    assert [pad.slot for pad in read_example("midi.pad").midi.pad] == [3]


def test_settings_can_be_written_once_and_are_private(tmp_path: Path) -> None:
    done = here("settings", "--write", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    file = tmp_path / ".config" / "acestepd" / "settings.toml"
    assert file.read_text() == here("settings", folder=tmp_path).stdout.rstrip("\n") + "\n"
    assert file.stat().st_mode & 0o077 == 0, "it may hold a token"
    file.write_text("queue = 5")
    again = here("settings", "--write", folder=tmp_path)
    assert again.returncode == 2
    assert "is there already and stays as it is" in again.stderr
    assert file.read_text() == "queue = 5"


def test_scripts_read_the_settings_in_force_but_not_the_token(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("queue = 5\ntoken = 'secret'\n[request]\nbars = 4")
    done = here("settings", "--settings", "my.toml", "--port", "9200", "--json", folder=tmp_path)
    read = json.loads(done.stdout)
    assert read["queue"] == 5
    assert read["port"] == 9200
    assert read["request"]["bars"] == 4
    assert read["out"] == str(tmp_path / "Music" / "acestepd")
    assert "secret" not in done.stdout


# --- history --------------------------------------------------------------------------------------


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder whose journal knows three jobs."""
    folder = tmp_path / "state"
    with closing(Journal(folder / "journal.sqlite")) as journal:
        for id, prompt, days in (
            ("one", "warm lo-fi beat", 9),
            ("two", "wide pad", 2),
            ("three", "cold beat", 0),
        ):
            request = Request(prompt=prompt, seed=days, seconds=2)
            job = Job(
                "udp:127.0.0.1:1",
                id,
                request,
                request,
                tmp_path,
                favourite=id == "two",
                created=time.time() - days * 86400,
            )
            journal.add([job])
            job.state = JobState.FINISHED
            job.last_event = Event("finished", job, (1, f"/clips/{id}.json"))
            job.clip_events = (Event("clip", job, ("mix", f"/clips/{id}.wav", 0.0, 0, str(days))),)
            if id == "three":
                what = ("/ace/generate", 507, "the disk is full", "free some space")
                job.state = JobState.FAILED
                job.last_event = Event("fail", job, what)
                job.clip_events = ()
            journal.update(job)
    return folder


def test_history_finds_takes_by_text_seed_date_and_favour(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def ids(*flags: str) -> list[str]:
        assert main.main(["history", "--state", str(state), "--json", *flags]) == 0
        return [job["id"] for job in json.loads(capsys.readouterr().out)]

    today = date.today()
    assert ids() == ["three", "two", "one"]
    assert ids("--limit", "1") == ["three"]
    assert ids("--text", "beat WARM") == ids("beat", "WARM") == ids("beat WARM") == ["one"]
    assert ids("beat", "--text", "nowhere") == []
    assert ids("--seed", "2") == ["two"]
    assert ids("--favourites") == ["two"]
    assert ids("--since", "3d") == ["three", "two"]
    assert ids("--until", "3d") == ["one"]
    assert ids("--until", str(today)) == ["three", "two", "one"], "the whole of that day"
    assert ids("--since", str(today + timedelta(days=1))) == []


def test_history_is_read_while_a_daemon_writes_it_and_shows_files_and_failures(state: Path) -> None:
    with closing(Journal(state / "journal.sqlite")):
        done = here("history", "--state", str(state), folder=state.parent)
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"^\d{4}-\d\d-\d\d \d\d:\d\d   fail      three  s0  cold beat$", done.stdout, re.MULTILINE
    )
    assert "507: the disk is full: free some space" in done.stdout
    assert re.search(
        r"\* finished  two  s2  wide pad\n    /clips/two\.wav$", done.stdout, re.MULTILINE
    )


def test_history_for_scripts_has_what_makes_the_take_again(state: Path) -> None:
    done = here("history", "--state", str(state), "--json", "--text", "pad", folder=state.parent)
    [job] = json.loads(done.stdout)
    assert Request(**job["request"]) == Request(prompt="wide pad", seed=2, seconds=2)
    assert job["files"] == [{"stem": "mix", "path": "/clips/two.wav"}]
    assert job["manifest"] == "/clips/two.json"
    assert job["favourite"] is True
    assert job["state"] == "finished"


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "3y", "99999999999d"])
def test_a_date_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="a date is written like"):
        history.parse_moment(text)


# --- status ---------------------------------------------------------------------------------------


def test_status_tells_what_the_daemon_does_and_how_it_is_by_its_exit_code(
    tmp_path: Path, daemon: Daemon
) -> None:
    flags = ["--state", str(daemon.settings.state), "status"]
    done = here(*flags, "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert read["running"] is True
    assert read["version"] == VERSION
    assert read["pid"] == os.getpid()
    assert read["port"] == daemon.osc.address[1]
    assert read["model"] == daemon.engine.title
    assert f"{daemon.engine.title} is {daemon.engine.state}" in here(*flags, folder=tmp_path).stdout
    nobody = here("status", "--port", str(find_free_port()), "--json", folder=tmp_path)
    assert nobody.returncode == 3
    assert json.loads(nobody.stdout)["running"] is False


# --- the daemon -----------------------------------------------------------------------------------


@pytest.mark.long
def test_a_daemon_logs_to_its_file_reloads_its_settings_and_refuses_a_second_one(
    quick_voice: str, tmp_path: Path
) -> None:
    file = tmp_path / "my.toml"
    file.write_text("queue = 5")
    flags = [
        "--settings",
        str(file),
        "--port",
        "0",
        "--out",
        "clips",
        "--state",
        "state",
        "--model",
        quick_voice,
    ]
    command = [sys.executable, "-m", "daemon", *flags]
    with subprocess.Popen(
        command, cwd=tmp_path, env=make_environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            assert any("Stop with Ctrl-C" in line for line in process.stdout)
            second = run(*flags, folder=tmp_path)
            assert second.returncode == 2
            assert f"process {process.pid}, running since" in second.stderr
            file.write_text("queue = 6\ntcp = 0")
            log = tmp_path / "state" / "acestepd.log"
            until(lambda: "need a restart of acestepd: tcp" in log.read_text())
            assert "settings in force from now on: queue" in log.read_text()
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    assert here("status", "--state", "state", "--port", "1", folder=tmp_path).returncode == 3


def test_a_take_s_lyrics_that_are_left_out_are_told_before_it_is_made(
    quick_voice: str, tmp_path: Path
) -> None:
    line = ["generate", "pad", "--lyrics", "blue jar", "--guide", "off", "--seconds", "0.5"]
    line += ["--num-steps", "2", "--model", quick_voice]
    finished = here(*line, folder=tmp_path)
    told = finished.stderr.index("the lyrics were left out")
    assert told < finished.stderr.index("diffusion")
    assert finished.stderr.count("the lyrics were left out") == 1
