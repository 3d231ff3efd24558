"""`acestepd pull` writes down which commits it fetched; the daemon loads those."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import soundfile

from daemon import settings
from daemon.cli import main, revisions, template
from daemon.settings import SettingsError
from pipeline.voices import HUB_MODEL
from pipeline.weights import checkpoint
from tests.support.hub import FakeHub

PINS = ["some/model=0123", f"{HUB_MODEL}=4567"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def read_pins(file: Path) -> tuple[str, ...]:
    return settings.read(file, {}).revisions


@pytest.mark.parametrize(
    "text",
    [
        template.build_template(),
        "",
        "# mine\nport = 9200 # ours\n\n[request]\nbars = 4\n",
        '\ufeffport = 9200\r\nrevisions = ["some/model=old"]\r\nqueue = 3\r\n',
    ],
    ids=["template", "empty", "tables", "windows"],
)
def test_pins_are_written_and_all_else_stays(file: Path, text: str) -> None:
    file.write_bytes(text.encode())
    file.chmod(0o640)
    before = settings.read(file, {})
    revisions.record(file, PINS)
    assert sorted(read_pins(file)) == sorted(PINS)
    after = settings.read(file, {"revisions": before.revisions})
    assert after == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    lines = set(text.removeprefix("\ufeff").splitlines()) - set(file.read_text().splitlines())
    assert all("revisions" in line for line in lines)


def test_pins_of_other_models_stay_and_those_of_this_one_are_replaced(file: Path) -> None:
    file.write_text("")
    revisions.record(file, PINS)
    revisions.record(file, [f"{HUB_MODEL}=89ab"])
    assert read_pins(file) == ("some/model=0123", f"{HUB_MODEL}=89ab")


@pytest.mark.parametrize(
    "text",
    ['revisions = [\n "some/model=0123",\n]\n', "port = = 3\n", "revisions = 3\n", "[[revisions]]"],
)
def test_a_file_that_cannot_be_changed_without_harm_is_not(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(SettingsError, match=str(file)):
        revisions.record(file, PINS[1:])
    assert file.read_text() == text


def test_a_link_to_the_settings_stays_one(file: Path, tmp_path: Path) -> None:
    (tmp_path / "real.toml").write_text("port = 9200\n")
    file.symlink_to("real.toml")
    revisions.record(file, PINS)
    assert file.is_symlink()
    assert read_pins(tmp_path / "real.toml") == tuple(PINS)


def test_pulling_pins_and_pulling_again_moves_on(hub: FakeHub, root: Path, file: Path) -> None:
    hub.add(HUB_MODEL, root)
    command = ["--settings", str(file), "pull"]
    assert main.main(command) == 0
    first = read_pins(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    hub.tag(HUB_MODEL, "old")
    hub.repositories[HUB_MODEL]["README.md"] = b"newer"
    pinned = settings.read(file, {}).pinned_revision
    assert checkpoint.fetch(HUB_MODEL, revision=pinned).vae.parent.name == first[0].split("=")[1]
    assert main.main(command) == 0
    second = read_pins(file)
    assert len(first) == len(second) == 1
    assert first != second
    hub.stop()  # what is here stays as it is
    assert main.main(command) == 0
    assert read_pins(file) == second


def test_what_needs_no_daemon_loads_the_pinned_commits_too(
    hub: FakeHub, root: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(HUB_MODEL, root)
    assert main.main(["--settings", str(file), "pull"]) == 0
    (pin,) = read_pins(file)
    hub.repositories[HUB_MODEL]["README.md"] = b"newer"
    checkpoint.fetch_newest(HUB_MODEL)
    loaded: list[str] = []

    def note(found: checkpoint.Checkpoint) -> None:
        loaded.append(found.dit.parent.name)
        raise checkpoint.CheckpointError("that is enough")

    def load(name: str, variant: str, *, revision: str = "", **more: object) -> None:
        note(checkpoint.fetch(name, variant, revision))

    monkeypatch.setattr("pipeline.load", load)
    monkeypatch.setattr("pipeline.weights.convert.convert", lambda found, *more: note(found))
    out = str(tmp_path / "out")
    song = str(tmp_path / "song.wav")
    soundfile.write(song, [[0.1, 0.1]] * 48_000, 48_000)
    for words in (
        ["generate", "beat", "--model", HUB_MODEL, "--out", str(tmp_path)],
        ["generate", "beat", "--out", str(tmp_path)],
        ["understand", song, "--model", HUB_MODEL],
        ["convert", HUB_MODEL, out],
    ):
        assert main.main(["--settings", str(file), *words]) != 0
    assert loaded == [pin.rpartition("=")[2]] * 4


@pytest.mark.parametrize("pin", ["", "model", "=0123", "some/model=", "a=b,c=d"])
def test_a_pin_says_which_repository_and_what(pin: str) -> None:
    with pytest.raises(SettingsError, match="revisions must be REPOSITORY=COMMIT each"):
        settings.from_values({"revisions": [pin]})
