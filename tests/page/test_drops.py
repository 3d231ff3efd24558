"""Files that are dropped on the page."""

from __future__ import annotations

import dataclasses
import http.client
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

import mido
import numpy as np
import pytest
import soundfile

from daemon.integrations.sources import SOURCES
from daemon.page import drops
from tests.page.conftest import Answer, Asker
from tests.support.stage import Stage


def drop(asker: Asker, name: str, content: bytes) -> Answer:
    return asker.ask(f"/sources?name={quote(name)}", "POST", content)


@pytest.fixture
def sound(tmp_path: Path) -> bytes:
    path = tmp_path / "sound.wav"
    tone = np.sin(np.arange(96_000) * 0.05)[:, None] * [0.5, 0.5]
    soundfile.write(path, tone, 48_000)
    return path.read_bytes()


@pytest.fixture
def notes(tmp_path: Path) -> bytes:
    file = mido.MidiFile(tracks=[mido.MidiTrack()])
    file.tracks[0].append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(93)))
    for kind in ("note_on", "note_off"):
        file.tracks[0].append(mido.Message(kind, note=60, velocity=80, time=480))
    file.save(tmp_path / "notes.mid")
    return (tmp_path / "notes.mid").read_bytes()


def test_a_sound_becomes_a_source_that_a_request_may_name(
    stage: Stage, asker: Asker, sound: bytes
) -> None:
    kept = drop(asker, "my loop 92bpm Am.wav", sound).json
    assert kept["field"] == "source"
    assert kept["bpm"] == 92
    assert kept["key"] == "A minor"
    assert (stage.settings.out / SOURCES / kept["name"]).read_bytes() == sound
    with closing(stage.client()) as client:
        client.send("/ace/generate", "a", "task", "cover", "source", kept["name"], "prompt", "x")
        *_, (address, _) = client.until_end("a")
        assert address == "/ace/finished"


def test_notes_become_a_guide(stage: Stage, asker: Asker, notes: bytes) -> None:
    kept = drop(asker, "tune.mid", notes).json
    assert kept["field"] == "guide"
    assert round(kept["bpm"]) == 93
    stage.panel.set("guide", str(stage.settings.out / SOURCES / kept["name"]))


HOSTILE = (
    "../../evil.wav",
    "/etc/passwd.wav",
    "..\\..\\evil.wav",
    ".hidden.wav",
    "-rf.wav",
    "a\0b.wav",
    "x" * 300 + ".wav",
    "<img onerror=1>.wav",
    "\u202e.wav",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leads_out_of_the_folder(
    stage: Stage, asker: Asker, sound: bytes, name: str
) -> None:
    kept = drop(asker, name, sound).json
    folder = stage.settings.out / SOURCES
    assert [path.name for path in folder.iterdir()] == [kept["name"]]
    assert "/" not in kept["name"]
    assert not kept["name"].startswith((".", "-"))


@pytest.mark.parametrize("name", ["a.exe", "a.html", "a", "a.wav.svg", "a.txt", ".wav", ""])
def test_what_is_neither_sound_nor_notes_is_refused(shared_asker: Asker, name: str) -> None:
    answer = drop(shared_asker, name, b"MZ")
    assert answer.status == 422
    assert ".wav" in answer.json["hint"]


def test_what_comes_at_once_is_counted_together(
    stage: Stage, asker: Asker, sound: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them have begun before any has written much."""
    monkeypatch.setattr(drops, "MAX_BYTES", len(sound))
    monkeypatch.setattr(drops, "MEASURED", len(sound) // 10)
    stage.apply(dataclasses.replace(stage.settings, sources_mb=len(sound) / 2**20))
    have_begun = threading.Barrier(5)

    def drop_slowly(number: int) -> int:
        content = sound[:-1] + bytes([number])  # each by itself

        def send() -> Iterator[bytes]:
            yield content[:1000]
            have_begun.wait(60)
            for start in range(1000, len(content), 10_000):
                yield content[start : start + 10_000]

        connection = http.client.HTTPConnection("127.0.0.1", asker.port, timeout=60)
        with closing(connection):
            headers = {"Origin": asker.origin, "Content-Length": str(len(content))}
            with suppress(ConnectionError):  # it was answered before all was sent
                connection.request("POST", f"/sources?name={number}.wav", send(), headers)
                return connection.getresponse().status
        return 507

    with ThreadPoolExecutor(5) as pool:
        statuses = sorted(pool.map(drop_slowly, range(5)))
    assert statuses == [200, 200, 200, 507, 507]
    kept = [path.stat().st_size for path in (stage.settings.out / SOURCES).iterdir()]
    assert sum(kept) <= 3 * len(sound)


@pytest.mark.parametrize("name", ["a.wav", "a.mid"])
def test_what_is_wrong_with_a_file_tells_no_folder(
    shared_stage: Stage, shared_asker: Asker, name: str
) -> None:
    for content in (b"", b"RIFF" * 100, b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\xff\xff\xff\xff"):
        answer = drop(shared_asker, name, content)
        assert answer.status == 422
        assert str(shared_stage.settings.out).encode() not in answer.body


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mid", "a.mp3"])
@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all" * 100])
def test_a_wrong_file_is_told_by_its_own_name_and_leaves_nothing(
    shared_stage: Stage, shared_asker: Asker, name: str, content: bytes
) -> None:
    answer = drop(shared_asker, name, content)
    assert answer.status == 422
    assert name in answer.json["message"]
    assert list((shared_stage.settings.out / SOURCES).iterdir()) == []


def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(
    stage: Stage, asker: Asker, sound: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drops, "MAX_BYTES", 1000)
    assert drop(asker, "a.wav", sound).status == 413
    assert list((stage.settings.out / SOURCES).iterdir()) == []


def test_what_is_announced_to_be_too_large_is_not_waited_for(asker: Asker) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", asker.port, timeout=60)
    with closing(connection):
        length = {"Origin": asker.origin, "Content-Length": str(drops.MAX_BYTES + 1)}
        connection.request("POST", "/sources?name=a.wav", None, length)
        assert connection.getresponse().status == 413


def test_where_nothing_can_be_written_that_is_said(
    stage: Stage, asker: Asker, sound: bytes
) -> None:
    folder = stage.settings.out / SOURCES
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.write_text("no folder")
    answer = drop(asker, "a.wav", sound)
    assert answer.status == 507
    assert "a.wav cannot be kept" in answer.json["message"]
    assert str(stage.settings.out).encode() not in answer.body


def test_a_folder_takes_so_many_files(
    asker: Asker, sound: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drops, "MAX_FILES", 2)
    statuses = [drop(asker, f"{name}.wav", sound).status for name in "abcd"]
    assert statuses == [200, 200, 507, 507]


def test_files_are_looked_at_one_after_the_other(
    asker: Asker, sound: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decoder may take seconds, and there are few threads."""
    check = drops._check
    at_work = threading.Semaphore(1)
    crowded = []

    def check_alone(path: Path, name: str) -> None:
        if not at_work.acquire(blocking=False):
            crowded.append(name)
        asker.ask("/takes")  # meanwhile all others come this far
        check(path, name)
        at_work.release()

    monkeypatch.setattr(drops, "_check", check_alone)
    with ThreadPoolExecutor(3) as pool:
        answers = pool.map(lambda name: drop(asker, f"{name}.wav", sound), "abc")
        assert [answer.status for answer in answers] == [200] * 3
    assert crowded == []


def test_no_more_is_dropped_than_the_folder_has_room_for(
    stage: Stage, asker: Asker, sound: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is new stays there for an hour, whatever comes: so not everything may come."""
    monkeypatch.setattr(drops, "MAX_BYTES", len(sound))
    stage.apply(dataclasses.replace(stage.settings, sources_mb=len(sound) / 2**20))
    statuses = [drop(asker, f"{name}.wav", sound).status for name in "abcd"]
    assert statuses == [200, 200, 200, 507]
