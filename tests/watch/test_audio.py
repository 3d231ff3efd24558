"""An audio file is the source of a take."""

from __future__ import annotations

from pathlib import Path

from daemon.settings import Watch
from tests.support.watched import EngineStub, PolledFolder, requests_of


def test_an_audio_file_is_the_source_of_the_folder_s_task(
    tmp_path: Path, engine: EngineStub
) -> None:
    folder = PolledFolder(tmp_path, engine, Watch(folder=tmp_path, audio="cover"))
    folder.poll()
    folder.save("acestepd.txt", "prompt: warm\nstems: drums")
    folder.save("loop.wav", b"RIFF")
    (order,) = folder.settle()
    assert order.request.task == "cover"
    assert order.request.source == str(tmp_path / "loop.wav")
    assert order.request.prompt == "warm"
    assert order.request.stems == "drums"
    assert order.request.name == "loop"


def test_an_audio_file_needs_no_words_to_take_its_stems_out(folder: PolledFolder) -> None:
    folder.save("loop.flac", b"fLaC")
    assert [(request.task, request.name) for request in requests_of(folder.settle())] == [
        ("extract", "loop")
    ]


def test_a_text_beside_an_audio_file_gives_its_parameters(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("loop.wav", b"RIFF")
    folder.save("loop.txt", "task: repaint\nrepaint_start: 0:04\nprompt: a solo\n")
    (order,) = folder.settle()
    assert order.request.task == "repaint"
    assert order.request.repaint_start == 4.0
    assert order.request.prompt == "a solo"
    assert order.request.source == str(folder.path / "loop.wav")
    folder.save("loop.txt", "task: repaint\nrepaint_start: 0:08\nprompt: a solo\n")
    (order,) = folder.settle()
    assert order.request.repaint_start == 8.0
    assert [job.state for job in engine.jobs] == ["cancelled", "waiting"]


def test_a_text_may_name_a_source_in_its_folder_and_none_outside(
    folder: PolledFolder, tmp_path: Path
) -> None:
    (tmp_path / "out.wav").write_bytes(b"RIFF")
    folder.save("loop.wav", b"RIFF")
    folder.settle()
    folder.save("in.txt", "source: loop.wav\ntask: cover\nprompt: warm\n")
    folder.save("off.txt", f"task: cover\nsource: {tmp_path / 'out.wav'}\nprompt: warm\n")
    (order,) = folder.settle()
    assert order.request.task == "cover"
    assert order.request.source == str(folder.path / "loop.wav")
    assert [code for _, code, _ in folder.notes_on("off.txt") if code] == [400, 403]


def test_a_source_without_a_task_is_for_the_folder_s(folder: PolledFolder) -> None:
    folder.save("loop.wav", b"RIFF")
    folder.settle()
    folder.save("bass.txt", "source: loop.wav\nstems: bass\n")
    assert [(request.task, request.stems) for request in requests_of(folder.settle())] == [
        ("extract", "bass")
    ]


def test_the_task_among_the_defaults_is_not_for_texts(folder: PolledFolder) -> None:
    folder.save("acestepd.txt", "task: cover\nprompt: warm\n")
    folder.save("chorus.txt", "la")
    assert [request.task for request in requests_of(folder.settle())] == [""]


def test_audio_is_left_alone_where_that_is_set(tmp_path: Path, engine: EngineStub) -> None:
    folder = PolledFolder(tmp_path, engine, Watch(folder=tmp_path, audio="ignore"))
    folder.poll()
    folder.save("loop.wav", b"RIFF")
    folder.save("loop.txt", "la")
    assert [(request.task, request.lyrics) for request in requests_of(folder.settle())] == [
        ("", "la")
    ]


def test_a_sound_says_itself_what_it_is_and_the_folder_what_it_does_not(
    folder: PolledFolder,
) -> None:
    folder.save("acestepd.txt", "bpm: 92\nkey: C major\nbars: 8\nprompt: techno")
    folder.save("dusk_90bpm.wav", b"RIFF")
    (request,) = requests_of(folder.settle())
    assert (request.name, request.bpm, request.key, request.bars) == ("dusk", 90, "C major", 0)
    said = [text for _, _, text in folder.notes_on("dusk_90bpm.wav")]
    assert "the session is at 92 bpm, and the source at 90 bpm: it is 90 bpm" in said
    assert "the source says no key: it is the session's, C major" in said


def test_a_text_beside_a_sound_goes_before_it(folder: PolledFolder) -> None:
    folder.save("dusk_90bpm_Am.wav", b"RIFF")
    folder.save("dusk_90bpm_Am.txt", "bpm: 92\nbars: 2\nname: night\n")
    (request,) = requests_of(folder.settle())
    assert (request.name, request.bpm, request.key, request.bars) == ("night", 92, "A minor", 2)
    assert "the source is at 90 bpm, and 92 bpm was asked for: it is 92 bpm" in [
        text for _, _, text in folder.notes_on("dusk_90bpm_Am.wav")
    ]
