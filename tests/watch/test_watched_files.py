"""Which files count, and which names they may have."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.settings import Settings
from daemon.watch import watched_files
from daemon.watch.watched_files import WatchedFile, scan_folder
from pipeline import ffmpeg
from pipeline.audio_files import read_audio
from pipeline.limits import LIMITS
from pipeline.request import BadRequest, Request
from tests.support.growth import assert_linear
from tests.support.sounds import needs_ffmpeg
from tests.support.watched import WORDS, EngineStub, PolledFolder, manifest_of, requests_of


@pytest.mark.parametrize(
    "name",
    ".hidden.txt|~$chorus.txt|~chorus.txt|chorus.txt~|#chorus.txt#|.#chorus.txt|chorus.txt.swp|.chorus.txt.swp|4913|"
    "chorus.txt.tmp|chorus.txt.part|chorus.wav.crdownload|.DS_Store|chorus.txt.bak|chorus.txt.sb-1a2b-cd|._chorus.txt|"
    "chorus.txt.report.txt|Icon\r|Thumbs.db|chorus.txt.icloud|.goutputstream-X.txt|desktop.ini|"
    "loop.wav.xmp|loop.pk|loop.pkf|loop.wav.sfk|loop.nksf|~syncthing~chorus.txt.tmp|"
    ".syncthing.chorus.txt.tmp|chorus.txt.!sync|.~chorus.txt|chorus.xlsx".split("|"),
)
def test_hidden_temporary_and_backup_files_are_left_alone(folder: PolledFolder, name: str) -> None:
    folder.save(name)
    assert folder.settle() == []
    assert folder.notes_on(name) == []


@pytest.mark.parametrize(
    "ending",
    "cho crd chopro chordpro chord pro onsong tab text markdown mdown mkd TXT Md lrc elrc lyric "
    "lyrics srt sub".split(),
)
def test_words_are_read_whatever_their_program_calls_them(
    folder: PolledFolder, ending: str
) -> None:
    folder.save(f"song.{ending}")
    (request,) = requests_of(folder.settle())
    assert "City lights are calling me home" in request.lyrics


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("song.wri", "files in .wri"),
        ("song.Song1", "files in .Song1"),
        ("Harbour Lights", "files without an ending"),
        ("Straße.lied", "files in .lied"),
    ],
)
def test_of_a_file_that_looks_like_words_it_is_said_once_that_it_is_not_read(
    folder: PolledFolder, name: str, kind: str
) -> None:
    folder.save(name, WORDS + "wo die Straße endet, 夜の海\n")
    assert folder.settle() == []
    ((line, code, text),) = folder.notes_on(name)
    assert (line, code) == (0, 415)
    stem = name.partition(".")[0]
    assert text == (
        f"it looks like words, and {kind} are not read; name it {stem}.txt to have it sung"
    )
    assert text in folder.report_on(name)
    folder.save(name, WORDS * 2)
    folder.settle()
    assert len(folder.notes_on(name)) == 1
    (folder.path / name).rename(folder.path / f"{stem}.txt")
    assert len(folder.settle()) == 1
    assert folder.report_on(name) == "", "it has another name now"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.bin", bytes(range(256)) * 8),
        ("table.dat", b"1;2;3\n4;5;6\n" * 20),
        ("song.mscx", b"<museScore version='4'><Score><Division>480</Division></Score>" * 9),
        ("project.xyz", b"if (a < b) { x[i] = y[i] + 1; } /* note */\n" * 9),
        ("short.xyz", b"la\n"),
        ("zeros", bytes(4000)),
        ("song.wav.info", WORDS.encode()),
        ("song.tmp", WORDS.encode()),
    ],
)
def test_of_what_does_not_look_like_words_nothing_is_said(
    folder: PolledFolder, name: str, content: bytes
) -> None:
    folder.save(name, content)
    assert folder.settle() == []
    assert folder.notes_on(name) == []
    assert folder.report_on(name) == ""


@pytest.mark.parametrize("name", ["riff.mid", "riff.KAR", "riff.smf"])
def test_of_a_midi_file_it_is_said_once_how_it_is_played(folder: PolledFolder, name: str) -> None:
    folder.save(name, b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f\0")
    assert folder.settle() == []
    folder.settle()
    message = f"a MIDI file makes no take of its own; save a sheet that says guide: {name}"
    assert folder.notes_on(name) == [(0, 0, message)]
    assert folder.report_on(name) == ""


def test_files_that_are_not_read_take_no_other_s_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_files, "LIMITS", replace(LIMITS, watched_files=3))
    for name in ("a", "b.xyz", "c", "d", "x.txt", "y.txt", "z.txt"):
        (tmp_path / name).write_text(WORDS)
    scan = scan_folder(tmp_path, True, True)
    assert sorted(scan.files) == ["x.txt", "y.txt", "z.txt"]
    assert scan.is_whole


@pytest.mark.parametrize("name", ["loop.wav.asd", "loop.wav.reapeaks", "loop.ovw", "._loop.wav"])
def test_what_a_daw_puts_beside_a_sound_is_left_alone(folder: PolledFolder, name: str) -> None:
    folder.save(name)
    assert folder.settle() == []
    assert (folder.path / name).exists()


@pytest.mark.parametrize("name", ["loop.au", "loop.SND", "loop.rx2", "loop.rex"])
def test_sound_that_is_not_read_is_reported(folder: PolledFolder, name: str) -> None:
    folder.save(name, b".snd")
    assert folder.settle() == []
    ((line, code, text),) = folder.notes_on(name)
    assert (line, code) == (0, 415)
    assert "is not read; save it as one of wav" in text
    assert text in folder.report_on(name)


@pytest.mark.parametrize("name", ["memo.m4a", "memo.AAC", "clip.mov"])
def test_sound_that_ffmpeg_reads_is_reported_with_what_to_install(
    folder: PolledFolder, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", str)
    folder.save(name, b"ftypM4A")
    assert folder.settle() == []
    ((line, code, text),) = folder.notes_on(name)
    assert (line, code) == (0, 400)
    assert f"{name} is read with ffmpeg, which is not installed; install ffmpeg" in text
    assert text in folder.report_on(name)


@needs_ffmpeg
@pytest.mark.parametrize("name", ["memo.m4a", "memo.OPUS", "memo.wave", "memo.caf", "clip.mov"])
def test_sound_that_is_damaged_is_reported_with_what_is_wrong(
    folder: PolledFolder, name: str
) -> None:
    path = folder.save(name, b"ftypM4A")
    folder.settle()
    with pytest.raises(BadRequest) as error:
        read_audio(str(path))
    assert "not readable audio" in str(error.value)
    folder.engine.fail(folder.engine.jobs[-1], str(error.value))
    folder.poll()
    assert str(error.value) in folder.report_on(name)


@pytest.mark.parametrize(
    ("sound", "sheet"),
    [
        (unicodedata.normalize("NFC", "Café.wav"), unicodedata.normalize("NFD", "Café.txt")),
        ("LOOP.WAV", "loop.txt"),
        ("Straße.wav", "STRASSE.txt"),
        ("ΣΟΥΣ.wav", "σους.txt"),
    ],
)
def test_a_sound_and_its_sheet_match_in_any_case_and_normal_form(
    folder: PolledFolder, sound: str, sheet: str
) -> None:
    folder.save(sheet, "---\nseed: 77\n---\n")
    folder.save(sound, b"RIFF")
    assert [(one.seed, one.source) for one in requests_of(folder.settle())] == [
        (77, str(folder.path / sound))
    ]


def test_of_sheets_that_differ_in_case_a_sound_has_its_own(folder: PolledFolder) -> None:
    for seed, stem in ((1, "LOOP"), (2, "loop")):
        folder.save(f"{stem}.txt", f"---\nseed: {seed}\n---\n")
        folder.save(f"{stem}.wav", b"RIFF" + stem.encode())
    assert {(one.seed, Path(one.source).stem) for one in requests_of(folder.settle())} == {
        (1, "LOOP"),
        (2, "loop"),
    }


def test_of_a_sub_folder_it_is_said_once_that_it_is_not_watched(folder: PolledFolder) -> None:
    for name in ("album", "takes", ".git", "__MACOSX"):
        (folder.path / name).mkdir(exist_ok=True)
    (folder.path / "album" / "song.txt").write_text("words")
    assert folder.settle() == []
    assert [Path(event.values[0]).name for event in folder.engine.published] == ["album"]
    assert "not watched; put it into the watched folder" in folder.notes_on("album")[0][2]


def test_other_files_than_regular_ones_are_left_alone(folder: PolledFolder) -> None:
    os.mkfifo(folder.path / "pipe.txt")
    (folder.path / "folder.txt").mkdir()
    (folder.path / "nowhere.txt").symlink_to(folder.path / "not there.txt")
    assert folder.settle() == []


def test_links_are_followed_inside_of_the_folder_only(folder: PolledFolder, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (folder.path / "leads out.txt").symlink_to(tmp_path / "secret.txt")
    (folder.path / "hidden").mkdir()
    (folder.path / "hidden" / "song.txt").write_text("song")
    (folder.path / "leads in.txt").symlink_to(folder.path / "hidden" / "song.txt")
    assert [request.lyrics for request in requests_of(folder.settle())] == ["song"]
    says = "it is a link that leads out of the folder; put the file itself there"
    assert folder.notes_on("leads out.txt") == [(0, 403, says)]
    assert "secret" not in folder.report_on("leads out.txt").replace("leads out", "")


def swap_after_reading(monkeypatch: pytest.MonkeyPatch, path: Path, secret: Path) -> None:
    """Put a link to `secret` in a file's place as soon as it has been read."""
    has_changed = watched_files.has_changed

    def look_and_swap(file: WatchedFile) -> bool:
        changed = has_changed(file)
        if file.path == path and not path.is_symlink():
            path.unlink()
            path.symlink_to(secret)
        return changed

    monkeypatch.setattr(watched_files, "has_changed", look_and_swap)


def test_sound_that_became_a_link_once_it_was_read_is_refused(
    folder: PolledFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"RIFF")
    path = folder.save("loop.wav", b"RIFF")
    swap_after_reading(monkeypatch, path, secret)
    folder.poll(1.2)
    folder.poll(1.2)
    assert folder.engine.orders.empty()
    assert 403 in [code for _, code, _ in folder.notes_on("loop.wav")]


def test_a_manifest_that_became_a_link_once_it_was_read_is_what_was_read(
    folder: PolledFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text(manifest_of(Request(prompt="secret")))
    path = folder.save("take.json", manifest_of(Request(prompt="mine")))
    swap_after_reading(monkeypatch, path, secret)
    assert [request.prompt for request in requests_of(folder.settle())] == ["mine"]


@pytest.mark.parametrize(("mode", "lyrics"), [(0o700, ["secret"]), (0o777, [])])
def test_a_hard_link_is_taken_where_nobody_else_could_have_made_it(
    folder: PolledFolder, tmp_path: Path, mode: int, lyrics: list[str]
) -> None:
    """Who may write into the folder could have linked a file there that he cannot read himself."""
    (tmp_path / "secret.txt").write_text("secret")
    folder.path.chmod(mode)
    (folder.path / "song.txt").hardlink_to(tmp_path / "secret.txt")
    assert [request.lyrics for request in requests_of(folder.settle())] == lyrics
    refused = "it has several names (hard links), and others may write into its folder; put a copy"
    told = [text for _, code, text in folder.notes_on("song.txt") if code == 403]
    assert [text.startswith(refused) for text in told] == [True] * (not lyrics)
    assert "secret" not in folder.report_on("song.txt")


@pytest.mark.parametrize(
    "name", ["Ünïcode ♪.txt", "line\nbreak.txt", "a'b\"c.txt", f"{'long' * 60}.txt", "#1 hit.txt"]
)
def test_any_name_is_taken(folder: PolledFolder, name: str) -> None:
    folder.save(name)
    (order,) = folder.settle()
    assert "\n" not in order.id
    assert len(order.id) < 80


def test_a_name_that_is_not_utf_8_is_reported(folder: PolledFolder) -> None:
    with open(os.fsencode(folder.path) + b"/caf\xe9.txt", "w") as stream:
        stream.write(WORDS)
    assert folder.settle() == []
    assert [event.values[2:] for event in folder.engine.published] == [
        (400, "its name is not in UTF-8; rename it")
    ]


def test_our_own_results_are_never_taken(tmp_path: Path, engine: EngineStub) -> None:
    # somebody watches the very folder that all clips land in
    engine.settings = Settings(out=tmp_path)
    folder = PolledFolder(tmp_path, engine)
    folder.poll()
    folder.save("chorus.txt", "la\n[chrous]")
    for _ in range(3):
        folder.settle()
        for job in engine.active():
            engine.finish(job)
            job.out = tmp_path
            engine.finish(job)
    assert len(engine.jobs) == 1


def test_a_folder_of_sounds_and_their_texts_is_looked_through_in_linear_time(
    tmp_path: Path,
) -> None:
    def fill(size: int) -> Path:
        folder = tmp_path / f"{size}"
        folder.mkdir(exist_ok=True)
        for at in range(size):
            (folder / f"{at}.wav").write_bytes(b"x")
            (folder / f"{at}.txt").write_bytes(b"x")
        return folder

    assert_linear(lambda folder: scan_folder(folder, True, True), fill, 60)
    scan = scan_folder(fill(60), True, True).files
    assert len(scan) == 60
    assert all(file.text_path == file.path.with_suffix(".txt") for file in scan.values())


def test_the_first_text_of_a_name_is_a_sounds_and_the_defaults_are_nobodys(tmp_path: Path) -> None:
    for name in ("a.wav", "a.lrc", "a.md", "a.txt", "acestepd.wav", "acestepd.txt"):
        (tmp_path / name).write_bytes(b"x")
    files = scan_folder(tmp_path, True, True).files
    assert {name: file.text_path and file.text_path.name for name, file in files.items()} == {
        "a.wav": "a.lrc",
        "acestepd.wav": None,
        "a.md": "a.md",
        "a.txt": "a.txt",
        "acestepd.txt": "acestepd.txt",
    }


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("words.csv", "a table"),
        ("words.tsv", "a table"),
        ("chart.musicxml", "a score"),
        ("chart.mscz", "a score"),
        ("chart.gp5", "a tablature"),
        ("tune.abc", "ABC notation"),
        ("song.gdoc", "a link to Google Docs"),
        ("song.usr", "a song of worship software"),
        ("song.tex", "LaTeX"),
    ],
)
@pytest.mark.parametrize("content", ["la la la\nwe are here\n", "", "\0\1"])
def test_what_holds_words_in_a_way_that_is_not_read_is_refused_by_name(
    folder: PolledFolder, name: str, kind: str, content: str
) -> None:
    folder.save(name, content)
    assert folder.settle() == []
    assert f"it is {kind}, which is not read" in folder.report_on(name)
