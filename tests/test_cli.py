"""The command line, run as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from daemon import VERSION, cli
from daemon.service import Daemon
from pipeline.request import FIELDS


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "daemon", *arguments]
    root = str(Path(__file__).parents[1])
    environment = {"PYTHONPATH": root, "PATH": "/usr/bin:/bin", "HOME": str(folder), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)


def test_generate_makes_one_take_and_prints_its_files(tmp_path: Path) -> None:
    line = [
        "generate",
        "warm lo-fi beat",
        "--bars",
        "4",
        "--bpm",
        "84",
        "--seed",
        "7",
        "--out",
        "clips",
        "--model",
        "mini",
    ]
    done = run(*line, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    wav, manifest = map(Path, done.stdout.split("\n")[:2])
    assert wav == tmp_path / "clips" / "warm-lo-fi-beat_84bpm_Gmaj_4bars_s7.wav"
    assert soundfile.info(wav).frames == round(16 * 60 / 84 * 48_000)
    assert json.loads(manifest.read_text())["request"]["seed"] == 7
    assert "100%" in done.stderr


def test_a_manifest_makes_the_same_take_again_byte_by_byte(tmp_path: Path) -> None:
    first = run("generate", "pad", "--seconds", "2", "--model", "mini", folder=tmp_path).stdout.split()
    again = run("generate", "--again", first[1], "--out", "again", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert Path(first[0]).read_bytes() == Path(again.stdout.split()[0]).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["generate"], "there is nothing to play"),
        (["generate", "x", "--bars", "-1"], "bars must be in 0..1024, got -1"),
        (["generate", "x", "--model", "./nowhere"], "no model './nowhere'"),
        (["generate", "x", "--model", "mini", "--variant", "xl"], "no model variant 'xl'"),
        (["generate", "--again", "nothing.json"], "not a manifest"),
        (["--port", "70000"], "port must be in 0..65535"),
        (["--settings", "nothing.toml"], "nothing.toml"),
        (["pull", "no-such-thing"], "no model 'no-such-thing'"),
        (["pull"], "ACE-Step/Ace-Step1.5"),
    ],
)
def test_mistakes_end_with_one_sentence_and_status_2(tmp_path: Path, arguments: list[str], says: str) -> None:
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("command", ["", "demo", "generate", "doctor", "pull"])
def test_help_reads_well_everywhere(tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([*command.split(), "--help"])
    text = capsys.readouterr().out
    assert end.value.code == 0
    assert text.startswith(f"usage: acestepd {command}".strip())
    assert "None" not in text


def test_generate_offers_every_field_of_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["generate", "--help"])
    text = capsys.readouterr().out
    assert all(f"--{name.replace('_', '-')} " in text for name in FIELDS)


def test_doctor_finds_this_machine_in_order_and_says_what_is_wrong(tmp_path: Path) -> None:
    done = run("doctor", "--port", "0", "--out", "clips", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    for check in ("Python", "device", "BLAS", "compiler", "model", "port", "folder"):
        assert check in done.stdout
    assert "acestepd pull" in done.stdout
    wrong = run("doctor", "--port", "0", "--out", "/proc/clips", "--model", "./nowhere", folder=tmp_path)
    assert wrong.returncode == 1
    assert "cannot write into /proc/clips" in wrong.stdout
    assert "no model './nowhere'" in wrong.stdout


def test_options_before_the_subcommand_count_too(tmp_path: Path) -> None:
    assert "no model './nowhere'" in run("--model", "./nowhere", "doctor", "--port", "0", folder=tmp_path).stdout
    done = run("--model", "mini", "--out", "early", "generate", "x", "--seconds", "1", folder=tmp_path)
    assert Path(done.stdout.split()[0]).parent == tmp_path / "early"


def test_doctor_recognises_the_daemon_that_runs(tmp_path: Path, daemon: Daemon) -> None:
    done = run("doctor", "--port", str(daemon.osc.address[1]), "--out", "clips", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert f"acestepd {VERSION} is listening" in done.stdout


def test_without_a_home_folder_one_sentence_says_what_to_give(tmp_path: Path) -> None:
    done = run("doctor", "--out", "~nobody-like-this/x", folder=tmp_path)
    assert done.returncode == 2
    assert "give another with --out" in done.stderr


def test_demo_plays_shows_the_conversation_and_ends_with_the_files(tmp_path: Path) -> None:
    done = run("demo", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lo-fi loops in twelve styles" in done.stdout
    for spoken in ("-> /ace/generate loop", "<- /ace/queued loop", "<- /ace/clip pad", "<- /ace/finished pad"):
        assert spoken in done.stdout
    files = [Path(line.strip()) for line in done.stdout.split("waveform:")[1].strip().splitlines()]
    assert [path.suffix for path in files] == [".wav", ".wav", ".png"]
    assert all(path.parent == tmp_path / "acestepd-demo" for path in files)
    with Image.open(files[2]) as picture:
        pixels = np.asarray(picture.convert("L"))
    assert pixels.shape == (240, 900)
    assert 0.05 < (pixels < 200).mean() < 0.95, "a waveform: neither empty nor a block"
