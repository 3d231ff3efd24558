"""out/.sources: what a DAW copies there can be used, and makes room for what comes later."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import soundfile

from daemon import settings
from daemon.integrations.sources import DAY, HOUR, SOURCES, Sources
from daemon.jobs import Event, Job, Refused
from daemon.paths import MAX_HINT, AllowedFolders
from daemon.settings import Settings
from pipeline.request import Request
from tests.support.harness import SteppedModel
from tests.support.osc_client import OscClient, expect_fail
from tests.support.stage import Stage, on_stage
from tests.support.waiting import until

KB = 2**10


class Copies:
    """A folder of sources that may hold 100 kB, looked after a day and two hours later than now, so
    that no copy is young.
    """

    def __init__(self, out: Path) -> None:
        out.mkdir()
        self.folder = out / SOURCES
        self.active: list[Job] = []
        self.later = DAY + 2 * HOUR
        self.sources = Sources(
            Settings(out=out, sources_mb=100 / 1024),
            lambda: self.active,
            lambda: time.time() + self.later,
        )
        self.sources.tick()

    def add(self, name: str, kilobytes: int = 40, age: float = 0.0) -> Path:
        """A copy that was last used so many seconds ago."""
        path = self.folder / name
        path.write_bytes(bytes(kilobytes * KB))
        used = time.time() - age
        os.utime(path, (used, used))
        return path

    def sweep(self) -> list[str]:
        """What is left."""
        self.sources.tick()
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def copies(tmp_path: Path) -> Copies:
    return Copies(tmp_path / "out")


def job_with(**values: str) -> Job:
    request = Request(prompt="x").changed(values)
    return Job("me", "a", request, request, Path("/out"))


def test_what_was_not_used_for_longest_makes_room(copies: Copies) -> None:
    copies.add("oldest.wav", age=30)
    copies.add("newest.wav", age=10)
    copies.add("older.wav", age=20)
    assert copies.sweep() == ["newest.wav", "older.wav"]
    copies.add("big.wav", 90)
    assert copies.sweep() == ["big.wav"]


def test_below_the_limit_everything_stays(copies: Copies) -> None:
    for name in ("a.wav", "b.wav"):
        copies.add(name, age=10 * DAY)
    assert copies.sweep() == ["a.wav", "b.wav"]


def test_a_copy_that_a_job_names_is_used_again(copies: Copies) -> None:
    copies.add("a.wav", age=30)
    copies.add("b.wav", age=20)
    copies.add("c.wav", age=10)
    again = job_with(source=str(copies.folder / "a.wav"))
    assert copies.sources.on_event(Event("queued", again, (0, 0.0)))
    assert copies.sweep() == ["a.wav", "c.wav"]


@pytest.mark.parametrize("field", ["source", "reference", "guide"])
def test_what_a_job_needs_that_has_not_ended_stays(copies: Copies, field: str) -> None:
    name = "needed.mid" if field == "guide" else "needed.wav"
    copies.add(name, age=30)
    copies.add("a.wav", age=20)
    copies.add("b.wav", age=10)
    copies.active = [job_with(**{field: str(copies.folder / name)})]
    assert copies.sweep() == sorted(["b.wav", name])
    copies.active = []
    copies.add("c.wav")
    assert copies.sweep() == ["b.wav", "c.wav"]


def test_a_job_may_name_the_folder_by_a_link(copies: Copies, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "out")
    copies.add("needed.wav", 90, age=30)
    copies.add("a.wav", age=20)
    copies.active = [job_with(source=str(tmp_path / "link" / SOURCES / "needed.wav"))]
    assert copies.sweep() == ["needed.wav"]


def test_what_was_just_copied_stays_although_its_time_is_that_of_the_original(
    copies: Copies,
) -> None:
    copies.later = 0.0
    copies.add("a.wav", 90, age=10 * DAY)
    copies.add("b.wav", 90)
    assert copies.sweep() == ["a.wav", "b.wav"]


def test_what_is_still_being_copied_stays_for_a_day(copies: Copies) -> None:
    copies.add(".half.wav.part", 400, age=DAY - HOUR)
    copies.later = 0.0
    assert copies.sweep() == [".half.wav.part"]
    copies.later = 2 * HOUR
    assert copies.sweep() == []


def test_what_a_daw_puts_beside_a_copy_goes_with_it(copies: Copies) -> None:
    copies.add("a.wav", 60, age=30)
    copies.add("a.wav.asd", 1, age=5)
    copies.add("a.wav.reapeaks", 1, age=5)
    copies.add("a.b.wav", 60, age=10)
    copies.add("gone.wav.asd", 1, age=5)
    assert copies.sweep() == ["a.b.wav", "gone.wav.asd"]


@pytest.mark.parametrize(("other", "name"), [("loop", "loop.wav"), ("loop.wav", "loop.wav.flac")])
def test_a_copy_whose_name_begins_with_anothers_is_one_of_its_own(
    copies: Copies, other: str, name: str
) -> None:
    copies.add(other, 90, age=30)
    copies.add(name, 60, age=20)
    copies.active = [job_with(source=str(copies.folder / name))]
    assert copies.sweep() == [name], "a job needs it"
    copies.active = []
    copies.add(other, 90, age=30)
    assert copies.sweep() == [name], "it is newer"


def test_only_files_of_its_own_go(copies: Copies, tmp_path: Path) -> None:
    kept = tmp_path / "kept.wav"
    kept.write_bytes(bytes(400 * KB))
    (copies.folder / "link.wav").symlink_to(kept)
    (copies.folder / "folder.wav").mkdir()
    (copies.folder / "folder.wav" / "inside.wav").write_bytes(bytes(400 * KB))
    os.mkfifo(copies.folder / "pipe.wav")
    used = job_with(source=str(copies.folder / "link.wav"))
    before = kept.stat().st_mtime
    copies.sources.on_event(Event("queued", used, (0, 0.0)))
    copies.add("a.wav", 200)
    assert copies.sweep() == ["folder.wav", "link.wav", "pipe.wav"]
    assert (copies.folder / "folder.wav" / "inside.wav").exists()
    assert kept.stat().st_mtime == before


def test_a_limit_of_nothing_keeps_what_is_needed(copies: Copies) -> None:
    copies.sources.settings = Settings(out=copies.folder.parent, sources_mb=0)
    needed = copies.add("needed.wav")
    copies.add("a.wav")
    copies.active = [job_with(source=str(needed))]
    assert copies.sweep() == ["needed.wav"]


def test_a_link_in_the_folders_place_is_left_alone_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "out"
    elsewhere = tmp_path / "elsewhere"
    for folder in (out, elsewhere):
        folder.mkdir()
    (elsewhere / "a.wav").write_bytes(bytes(400 * KB))
    (out / SOURCES).symlink_to(elsewhere)
    sources = Sources(Settings(out=out, sources_mb=0), list, lambda: time.time() + 2 * DAY)
    for _ in range(3):
        sources.tick()
    assert (elsewhere / "a.wav").exists()
    assert len(caplog.messages) == 1
    assert "it is a link, or no folder" in caplog.messages[0]
    with pytest.raises(Refused) as refused:
        AllowedFolders([out], out / SOURCES).resolve("a.wav")
    assert refused.value.code == 404, "where the link leads is not looked at"
    with pytest.raises(Refused) as refused:
        AllowedFolders([out], out / SOURCES).resolve(str(out / SOURCES / "a.wav"))
    assert refused.value.code == 403


def test_nobody_else_may_enter_it(copies: Copies) -> None:
    assert copies.folder.stat().st_mode & 0o777 == 0o700
    copies.folder.chmod(0o755)
    copies.sources.tick()
    assert copies.folder.stat().st_mode & 0o777 == 0o700


# --- what the refusal says ------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["/Users/x/Samples", "~/x", '/a "b" \\c', "/Köln/音"])
def test_the_refusal_names_a_line_that_the_settings_understand(tmp_path: Path, folder: str) -> None:
    with pytest.raises(Refused) as refused:
        AllowedFolders([tmp_path], Path("/out/.sources")).resolve(f"{folder}/loop.wav")
    assert refused.value.code == 403
    advice, _, line = refused.value.hint.partition(", or add its folder to the settings: ")
    assert advice == "copy it to /out/.sources"
    file = tmp_path / "settings.toml"
    file.write_text(line, "utf-8")
    assert settings.read(file, {}).folders == (Path(folder).expanduser(),)


def test_a_link_among_the_copies_is_said_to_be_one(tmp_path: Path) -> None:
    copies = tmp_path / "out" / SOURCES
    copies.mkdir(parents=True)
    (tmp_path / "loop.wav").touch()
    (copies / "link.wav").symlink_to(tmp_path / "loop.wav")
    for text, code in (("link.wav", 404), (str(copies / "link.wav"), 403)):
        with pytest.raises(Refused) as refused:
            AllowedFolders([tmp_path / "out"], copies).resolve(text)
        assert refused.value.code == code
        assert refused.value.hint == (
            f"it is a link, which is not followed: copy the file itself to {copies}"
        )


@pytest.mark.parametrize(
    "text", ["../loop.wav", "~nobody-is-called-this/x.wav", ("/" + "x" * 100) * 8]
)
def test_a_path_that_makes_no_line_is_refused_with_the_rest_of_it(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(Refused) as refused:
        AllowedFolders([tmp_path], Path("/out/.sources")).resolve(f"{text}/loop.wav")
    assert refused.value.hint.endswith("folders = [...]")
    assert len(refused.value.hint.encode()) <= MAX_HINT


# --- the whole daemon -----------------------------------------------------------------------------


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path, SteppedModel(running=False)) as running:
        yield running


@pytest.fixture
def client(stage: Stage) -> Iterator[OscClient]:
    with closing(stage.client()) as connected:
        yield connected


def write_sound(path: Path) -> Path:
    soundfile.write(path, [[0.0, 0.0]] * 4800, 48_000)
    return path


def gone(path: Path) -> Callable[[], bool]:
    return lambda: not path.exists()


def test_a_copy_is_found_by_its_name_and_stays_until_its_job_has_ended(
    stage: Stage, client: OscClient, tmp_path: Path
) -> None:
    folder = tmp_path / "out" / SOURCES
    until(folder.is_dir)
    copy = write_sound(folder / "loop-0123abcd.wav")
    long_ago = time.time() - DAY
    stage.sources._clock = lambda: time.time() + 2 * HOUR  # nothing is young
    message = ("prompt", "x", "seconds", 0.5, "task", "cover", "source", copy.name)
    assert client.ask("/ace/generate", "a", *message)[0] == "/ace/queued"
    until(lambda: copy.stat().st_mtime > time.time() + HOUR)
    os.utime(copy, (long_ago, long_ago))
    write_sound(folder / "other.wav")
    stage.apply(Settings(out=tmp_path / "out", state=tmp_path / "state", sources_mb=0))
    until(gone(folder / "other.wav"))
    assert copy.exists()
    stage.model.run()
    client.until("/ace/finished", "a")
    until(gone(copy))
    _, code, _, hint = expect_fail(client, "/ace/reroll", "b", "a")
    assert code == 422
    assert "make room for newer ones" in hint
    _, code, _, hint = expect_fail(client, "/ace/generate", "c", *message[:-1], str(copy))
    assert code == 404
    assert "make room for newer ones" in hint


def test_a_file_outside_is_refused_with_what_to_do(client: OscClient, tmp_path: Path) -> None:
    outside = write_sound(tmp_path / "loop.wav")
    _, code, _, hint = expect_fail(
        client, "/ace/generate", "a", "prompt", "x", "task", "cover", "source", str(outside)
    )
    assert code == 403
    assert hint.startswith(f"copy it to {tmp_path}/out/.sources, or ")
