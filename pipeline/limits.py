"""How much of a file that others may have written is read: the limits of every reader, in one
place.

A file beyond one of them is refused on the surface that named it. The README's table and the tests
of the readers (tests/pipeline/test_limits.py) are made from here. No MLX.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

KB = 2**10  # bytes
MB = 2**20
GB = 2**30


def limit(value: int, unit: str, help: str) -> Any:
    """At most `value` of that unit, of what `help` says."""
    return dataclasses.field(default=value, metadata={"unit": unit, "help": help})


@dataclass(frozen=True)
class Limits:
    """The most that is read; of what begins with `least`, the least."""

    # --- sound
    audio_bytes: int = limit(8 * GB, "bytes", "an audio file: a source or a reference")
    audio_channels: int = limit(64, "channels", "an audio file")
    audio_rate: int = limit(768_000, "Hz", "an audio file")
    least_audio_rate: int = limit(1_000, "Hz", "an audio file")
    audio_peak: int = limit(1_000, "times full scale", "a sample of an audio file, if it is finite")
    sound_chunks: int = limit(
        1_000, "chunks", "a WAV, AIFF or CAF, to see what it says of its tempo and key"
    )
    sound_chunk_bytes: int = limit(
        256 * KB, "bytes", "such a chunk: acid, iXML, smpl, basc, info, uuid"
    )
    sound_tags: int = limit(10_000, "tags", "the tags of an audio file")
    sound_tag_bytes: int = limit(8 * MB, "bytes", "the tags of an audio file: with their pictures")
    # --- music as notes
    midi_bytes: int = limit(8_000_000, "bytes", "a MIDI file")
    midi_tracks: int = limit(1_024, "tracks", "a MIDI file")
    midi_events: int = limit(250_000, "events", "a MIDI file")
    midi_tempos: int = limit(65_536, "tempos", "a MIDI file")
    midi_ticks: int = limit(2**28 - 1, "ticks", "a MIDI file, from its start to its end")
    midi_notes: int = limit(100_000, "notes", "a MIDI file, and what it is repeated to")
    midi_polyphony: int = limit(64, "notes at a time", "what a MIDI file plays, on average")
    # --- data
    json_depth: int = limit(32, "levels", "any JSON or TOML, one inside the other")
    json_digits: int = limit(19, "digits", "a whole number in JSON or TOML; 1e400 is none either")
    # --- what acestepd writes, and others may change
    manifest_bytes: int = limit(4 * MB, "bytes", "a manifest")
    bank_bytes: int = limit(4 * MB, "bytes", "a bank of pads")
    banks: int = limit(1_000, "files", "the folder of banks")
    record_bytes: int = limit(4 * MB, "bytes", "a record in the state folder, and of latest clips")
    latest_bytes: int = limit(GB, "bytes", "the latest clip of a name, to see whether it is ours")
    # --- settings
    settings_bytes: int = limit(256 * KB, "bytes", "a settings file; what MIDI learn has bound")
    profile_bytes: int = limit(64 * KB, "bytes", "a controller's profile")
    # --- folders
    watched_text_bytes: int = limit(256 * KB, "bytes", "a text in a watched folder")
    document_bytes: int = limit(4 * MB, "bytes", "the words of a document (ODT, DOCX), unpacked")
    watched_audio_bytes: int = limit(GB, "bytes", "an audio file in a watched folder")
    watched_files: int = limit(10_000, "files", "a watched folder")
    sheet_lines: int = limit(10_000, "lines", "a lyric sheet, or acestepd.txt")
    sheet_parameters: int = limit(200, "parameters", "a lyric sheet, or acestepd.txt")
    inbox_bytes: int = limit(64 * KB, "bytes", "an entry of the inbox, an answer to one")
    inbox_files: int = limit(20_000, "names", "a folder of the inbox")
    # --- words that are sung
    sung_lines: int = limit(2_000, "lines", "what is sung, and parts of a line in parentheses")
    sung_line: int = limit(1_000, "characters", "a line of lyrics, where it is sung word by word")
    sung_word: int = limit(60, "characters", "a word of it")
    # --- adapters and checkpoints
    header_bytes: int = limit(8 * MB, "bytes", "the header of a safetensors file")
    tensors: int = limit(20_000, "tensors", "a safetensors file")
    tensor_numbers: int = limit(2**31 - 1, "numbers", "a tensor")
    tensor_name: int = limit(500, "characters", "a tensor's name")
    adapter_bytes: int = limit(8 * GB, "bytes", "the weights of an adapter")
    adapter_rank: int = limit(2_048, "ranks", "an adapter's matrices")
    alpha_names: int = limit(20_000, "names", "an adapter's alpha_pattern")
    config_bytes: int = limit(4 * MB, "bytes", "a config.json, an adapter_config.json")
    config_number: int = limit(2**20, "numbers", "a size of a network in a config.json")
    layers: int = limit(512, "layers", "a network in a config.json")
    index_bytes: int = limit(8 * MB, "bytes", "the index of weights in several files")
    shards: int = limit(1_000, "files", "the weights of a network")
    tokenizer_bytes: int = limit(64 * MB, "bytes", "a tokenizer.json")
    torch_bytes: int = limit(16 * MB, "bytes", "a silence_latent.pt, and all that is made of it")


LIMITS = Limits()
