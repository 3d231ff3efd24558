"""Every limit of the table is the one that its reader keeps: a file of just that much is read, and
one of a little more is refused.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from daemon import settings
from daemon.integrations import json_files
from daemon.integrations.clients import Clients
from daemon.integrations.inserter import Inserter
from daemon.integrations.installer import RECORD, read_installations
from daemon.integrations.readers import ENTRY, Readers
from daemon.jobs import Job, Refused
from daemon.landing import disk, latest
from daemon.landing.chunks import append_chunks
from daemon.landing.latest import update_latest
from daemon.landing.manifest import read_manifest
from daemon.pads import bank_store
from daemon.pads.bank import Bank
from daemon.pads.bank_store import BankStore
from daemon.pads.profiles import FOLDER as PROFILES
from daemon.pads.profiles import load_profile
from daemon.watch import watched_files
from daemon.watch.documents.read import read_document
from daemon.watch.notes import OUT_OF_RANGE
from daemon.watch.sheet import read_sheet
from daemon.watch.watched_files import UnusableFile, read_content, scan_folder
from pipeline import audio_files, untrusted
from pipeline.guide import smf
from pipeline.guide.guide import resolve_guide
from pipeline.guide.midi_file import read_midi
from pipeline.limits import LIMITS, Limits
from pipeline.planner.network import PlannerConfig
from pipeline.request import Request
from pipeline.request_files import check_file
from pipeline.singer.pronounce import pronounce_lyrics
from pipeline.source_facts import read_facts
from pipeline.voices import voice_folder
from pipeline.weights import checkpoint, lora
from pipeline.weights.safetensors_files import check_safetensors
from pipeline.weights.tensors import read_torch
from tests.guide.test_smf import file_of
from tests.support.hostile import describe_tensor, forge_safetensors, forge_wav, make_sparse
from tests.support.tags import MP3, make_comments, make_frame, make_ogg, make_synchsafe

Read = Callable[[Path, int], object]  # read(folder, amount): make so much, and read it

TEXT_ENCODER = voice_folder("mini") / checkpoint.TEXT_ENCODER


def pad(path: Path, content: str | bytes, size: int) -> Path:
    """A file of so many bytes, with spaces behind its content."""
    content = content if isinstance(content, bytes) else content.encode()
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(content + b" " * (size - len(content)))
    return path


def read_sound(path: Path) -> object:
    return next(audio_files.read_blocks(str(path)))


def read_peak(folder: Path, peak: int) -> object:
    sound = np.full((100, 2), peak, np.float32)
    soundfile.write(folder / "x.wav", sound, 48_000, "FLOAT")
    return read_sound(folder / "x.wav")


def read_size(folder: Path, size: int) -> object:
    path = forge_wav(folder / "x.wav", data=2**20, size=size)
    check_file("source", str(path))
    return read_sound(path)


def read_tempo(folder: Path, others: int, behind: bytes) -> object:
    """The tempo of a WAV behind other chunks, with so much behind it."""
    path = folder / f"{others}.wav"
    soundfile.write(path, np.zeros((100, 2), np.float32), 48_000)
    text = b"<x><tempo>90</tempo></x>".ljust(40)
    with path.open("r+b") as wav:
        append_chunks(wav, [*[(b"JUNK", b"")] * others, (b"iXML", text + behind)])
    if not read_facts(path).bpm:
        raise ValueError("it was not read")
    return path


def read_tagged(path: Path, content: bytes) -> object:
    """The tempo of a sound with these tags."""
    path.write_bytes(content)
    if not read_facts(path).bpm:
        raise ValueError("it was not read")
    return path


def read_comments(folder: Path, count: int) -> object:
    comments = make_comments({str(number): "" for number in range(count - 1)} | {"BPM": "90"})
    first = b"OpusHead" + bytes(11)
    return read_tagged(folder / f"{count}.opus", make_ogg(first, b"OpusTags" + comments))


def read_id3(folder: Path, size: int) -> object:
    tempo = make_frame("TBPM", b"\x0090")
    picture = make_frame("APIC", bytes(size - len(tempo) - 20))
    head = b"ID3\3\0\0" + make_synchsafe(size - 10)
    return read_tagged(folder / f"{size}.mp3", head + picture + tempo + MP3)


def read_watched(folder: Path, name: str, size: int) -> object:
    make_sparse(folder / name, size, b"la")
    return read_content(scan_folder(folder, True, True).files[name])


def read_watched_folder(folder: Path, count: int) -> object:
    for number in range(count):
        (folder / f"{number}.txt").write_bytes(b"x")
    scan = scan_folder(folder, True, True)
    if not scan.is_whole:
        raise ValueError("not all of them")
    return scan


def write_odt(size: int) -> bytes:
    """A document whose words, unpacked, are so many bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("content.xml", f"<p>{'x' * (size - 7)}</p>")
    return packed.getvalue()


def read_lines(text: str) -> object:
    sheet = read_sheet(text)
    if sheet.refusal:
        raise sheet.refusal
    if any(note.code == OUT_OF_RANGE for note in sheet.notes):
        raise ValueError("not all of them")
    return sheet


def sing_lines(lines: list[str]) -> object:
    sung = pronounce_lyrics(lines, "en")
    if any("only the first" in note for note in sung.notes):
        raise ValueError("not all of it")
    return sung


def read_notes(folder: Path, count: int) -> object:
    path = folder / "x.mid"
    path.write_bytes(file_of(b"\0\x90\x30\x40" + b"\0\x30\x40" * (count - 1)))
    return read_midi(path)


def play_notes(folder: Path, count: int) -> object:
    """So many notes, all of them as long as the clip: four beats."""
    path = folder / "x.mid"
    pressed = b"".join(b"\0\x90" + bytes([pitch % 128, 64]) for pitch in range(count))
    released = b"".join(b"\0\x80" + bytes([pitch % 128, 64]) for pitch in range(1, count))
    path.write_bytes(file_of(pressed + b"\x83\0\x80\0\x40" + released))
    _, guide = resolve_guide(Request(guide=str(path), seconds=2, bpm=120, seed=1))
    return guide


def list_inbox(folder: Path, count: int) -> object:
    for number in range(count):
        (folder / f"{number:013}.json").touch()
    listed = json_files.list_files(folder, ENTRY)
    if len(listed) < count:
        raise ValueError("not all of them")
    return listed


def list_banks(folder: Path, count: int) -> object:
    for number in range(count):
        (folder / f"bank {number}.json").write_text('{"program": 1}')
    listed = BankStore(folder).list_programs()
    if len(listed) < count:
        raise ValueError("not all of them")
    return listed


class Answers(Inserter):
    """It knows no job, and which were asked for."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def find_job(self, client: str, id: str, program: str = "") -> Job:
        self.found.append(id)
        raise Refused(404, f"no job is called {id!r}")


def read_answer(folder: Path, size: int) -> object:
    done = folder / ".inbox" / "done"
    done.mkdir(parents=True)
    (folder / ".inbox").chmod(0o700)
    answer = json.dumps({"id": "a", "inserted": {"program": "live", "where": "here"}})
    pad(done / f"{1:013}.json", answer, size)
    answers = Answers()
    Readers(Clients(folder), answers, lambda: 2e9).listen(folder / ".inbox")
    if not answers.found:
        raise ValueError("it is no answer")
    return answers.found


def keep_latest(folder: Path, size: int) -> object:
    """What is in the place of the latest clip, and is it."""
    kept = make_sparse(folder / "x_latest.wav", size, b"RIFF")
    record = {"latest": {kept.name: [disk.hash_file(kept)]}}
    (folder / "x_latest.json").write_text(json.dumps(record))
    landed = folder / "x.wav"
    landed.write_bytes(b"newest")
    (folder / "x.json").write_text("{}")
    staging = folder / "staging"
    staging.mkdir()
    clips = {kept.name: (landed, disk.hash_file(landed))}
    update_latest("x_latest", clips, folder / "x.json", staging)
    if kept.stat().st_size != len(b"newest"):
        raise ValueError("it is another's")
    return kept


def read_profile(folder: Path, size: int) -> object:
    return load_profile(str(pad(folder / "x.toml", (PROFILES / "generic.toml").read_bytes(), size)))


def load_bank(folder: Path, size: int) -> object:
    pad(folder / "verse.json", Bank("verse", 3).to_json(), size)
    BankStore(folder).load("verse")
    if BankStore(folder).list_programs() != {"verse": 3}:
        raise ValueError("not listed")
    return True


def check_header(folder: Path, size: int) -> object:
    header = json.dumps({"a": describe_tensor([1], 0, 4)}).encode()
    check_safetensors(forge_safetensors(folder / "x.safetensors", header.ljust(size), 4))
    return True


def check_tensors(folder: Path, count: int) -> object:
    header = {str(number): describe_tensor([0], 0, 0) for number in range(count)}
    check_safetensors(forge_safetensors(folder / "x.safetensors", header))
    return True


def check_numbers(folder: Path, count: int) -> object:
    header = {"a": describe_tensor([count], 0, count, "U8")}
    check_safetensors(forge_safetensors(folder / "x.safetensors", header, count))
    return True


def check_name(folder: Path, length: int) -> object:
    header = {"a" * length: describe_tensor([1], 0, 4)}
    check_safetensors(forge_safetensors(folder / "x.safetensors", header, 4))
    return True


def read_adapter(folder: Path, rank: int = 1, config: str = "{}") -> object:
    header = {
        "a.lora_A.weight": describe_tensor([rank, 1], 0, 4 * rank),
        "a.lora_B.weight": describe_tensor([1, rank], 4 * rank, 8 * rank),
    }
    forge_safetensors(folder / "adapter_model.safetensors", header, 8 * rank)
    (folder / "adapter_config.json").write_text(config)
    return lora.read(str(folder))


def read_large_adapter(folder: Path, size: int) -> object:
    """Its tensors are none of a LoRA, but there are as many bytes of them."""
    length = 1000  # of the header
    ends = [*range(0, size - 8 - length, 2**30), size - 8 - length]
    header = {
        str(begin): describe_tensor([end - begin], begin, end, "U8")
        for begin, end in itertools.pairwise(ends)
    }
    text = json.dumps(header).encode().ljust(length)
    path = forge_safetensors(folder / "adapter_model.safetensors", text, ends[-1])
    assert path.stat().st_size == size
    (folder / "adapter_config.json").write_text("{}")
    return lora.read(str(folder))


def read_alphas(folder: Path, count: int) -> object:
    names = "|".join(["a", *(f"b{number}" for number in range(count - 1))])
    return read_adapter(folder, config=json.dumps({"alpha_pattern": {names: 2}}))


def read_config(folder: Path, size: int = 0, **changes: int) -> object:
    values = json.loads((TEXT_ENCODER / "config.json").read_bytes()) | changes
    pad(folder / "config.json", json.dumps(values), size)
    return PlannerConfig.from_folder(folder)


def read_index(folder: Path, size: int = 0, shards: int = 1) -> object:
    names = {str(number): f"{number}.safetensors" for number in range(shards)}
    pad(folder / "model.safetensors.index.json", json.dumps({"weight_map": names}), size)
    return checkpoint.list_shards(folder, "model")


def read_tokenizer(folder: Path, size: int) -> object:
    content = (TEXT_ENCODER / "tokenizer.json").read_bytes()
    return checkpoint.load_tokenizer(pad(folder / "tokenizer.json", content, size))


READS: dict[str, Read] = {
    "audio_bytes": read_size,
    "audio_channels": lambda folder, count: read_sound(
        forge_wav(folder / "x.wav", channels=count, data=2**20)
    ),
    "audio_rate": lambda folder, rate: read_sound(
        forge_wav(folder / "x.wav", rate=rate, data=2**20)
    ),
    "least_audio_rate": lambda folder, rate: read_sound(
        forge_wav(folder / "x.wav", rate=rate, data=2**20)
    ),
    "audio_peak": read_peak,
    "sound_chunks": lambda folder, count: read_tempo(folder, count - 3, b""),
    "sound_chunk_bytes": lambda folder, size: read_tempo(folder, 0, b" " * (size - 40)),
    "sound_tags": read_comments,
    "sound_tag_bytes": read_id3,
    "midi_bytes": lambda folder, size: read_midi(
        make_sparse(folder / "x.mid", size, file_of(b"\0\x90\x30\x40\x60\x80\x30\0"))
    ),
    "midi_tracks": lambda folder, count: smf.parse(file_of(*[b"\0\xff\x2f\0"] * count)),
    "midi_events": lambda folder, count: smf.parse(
        file_of(b"\0\x90\x30\x40" + b"\1\x30\0" * (count - 1))
    ),
    "midi_tempos": lambda folder, count: smf.parse(file_of(b"\1\xff\x51\3\1\1\1" * count)),
    "midi_ticks": lambda folder, ticks: smf.parse(
        file_of(b"\xff\xff\xff\x7f\x90\1\1" + bytes([ticks - (2**28 - 1)]) + b"\x90\1\1")
    ),
    "midi_notes": read_notes,
    "midi_polyphony": play_notes,
    "json_depth": lambda folder, depth: untrusted.parse_json("[" * depth + "]" * depth),
    "json_digits": lambda folder, digits: untrusted.parse_json("9" * digits),
    "manifest_bytes": lambda folder, size: read_manifest(
        pad(folder / "x.json", '{"request": {}, "model": "x"}', size)
    ),
    "bank_bytes": load_bank,
    "banks": list_banks,
    "record_bytes": lambda folder, size: read_installations(
        pad(folder / RECORD, "[]", size).parent
    ),
    "latest_bytes": keep_latest,
    "settings_bytes": lambda folder, size: settings.read(
        pad(folder / "settings.toml", "port = 0\n", size), {}
    ),
    "profile_bytes": read_profile,
    "watched_text_bytes": lambda folder, size: read_watched(folder, "x.txt", size),
    "document_bytes": lambda folder, size: read_document(write_odt(size), ".odt"),
    "watched_audio_bytes": lambda folder, size: read_watched(folder, "x.wav", size),
    "watched_files": read_watched_folder,
    "sheet_lines": lambda folder, count: read_lines("\n" * (count - 1)),
    "sheet_parameters": lambda folder, count: read_lines("bpm: 90\n" * count),
    "inbox_bytes": read_answer,
    "inbox_files": list_inbox,
    "sung_lines": lambda folder, count: sing_lines(["la"] * count),
    "sung_line": lambda folder, length: sing_lines(["la " * (length // 3) + "a" * (length % 3)]),
    "sung_word": lambda folder, length: sing_lines(["a" * length]),
    "header_bytes": check_header,
    "tensors": check_tensors,
    "tensor_numbers": check_numbers,
    "tensor_name": check_name,
    "adapter_bytes": read_large_adapter,
    "adapter_rank": lambda folder, rank: read_adapter(folder, rank),
    "alpha_names": read_alphas,
    "config_bytes": read_config,
    "config_number": lambda folder, number: read_config(folder, vocab_size=number),
    "layers": lambda folder, number: read_config(folder, num_hidden_layers=number),
    "index_bytes": read_index,
    "shards": lambda folder, count: read_index(folder, shards=count),
    "tokenizer_bytes": read_tokenizer,
    "torch_bytes": lambda folder, size: read_torch(make_sparse(folder / "x.pt", size)),
}
# What takes a while to make, and is tried with a table that allows less: its reader, and how much.
SMALLER: dict[str, tuple[ModuleType, int]] = {
    "banks": (bank_store, 20),
    "latest_bytes": (latest, 2**20),
    "watched_audio_bytes": (watched_files, 2**20),
    "watched_files": (watched_files, 20),
    "inbox_files": (json_files, 20),
    "adapter_bytes": (lora, 2**24),
}
# what is of the size that is allowed, and wrong for another reason, which is found out later
LATER = {
    "adapter_bytes": "cannot be used",
    "torch_bytes": "not a torch zip file",
}


def test_the_table_is_the_one_that_is_tested() -> None:
    assert list(READS) == [spec.name for spec in dataclasses.fields(Limits)]


@pytest.fixture(params=READS)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    row = str(request.param)
    if row in SMALLER:
        module, amount = SMALLER[row]
        monkeypatch.setattr(module, "LIMITS", dataclasses.replace(LIMITS, **{row: amount}))
    return row


def find_limit(name: str) -> int:
    limit: int = SMALLER[name][1] if name in SMALLER else getattr(LIMITS, name)
    return limit


@pytest.mark.long
def test_a_reader_reads_up_to_its_limit(tmp_path: Path, name: str) -> None:
    if name in LATER:
        with pytest.raises(ValueError, match=LATER[name]):
            READS[name](tmp_path, find_limit(name))
    else:
        assert READS[name](tmp_path, find_limit(name)) is not None


def test_a_reader_refuses_more(tmp_path: Path, name: str) -> None:
    beyond = find_limit(name) + (-1 if name.startswith("least_") else 1)
    with pytest.raises((ValueError, Refused, UnusableFile)) as refusal:
        READS[name](tmp_path, beyond)
    assert LATER.get(name, "?") not in str(refusal.value)
