"""Notes -> stems.

The stems of a mix add up to it exactly. Each goes by itself through its instrument's amplifier and
modulation, is ducked by the kick, coloured and put into the room, which is linear, and onto tape.
What follows is the same for all of them at every sample: the tape's speed, and the bus's compressor
and limiter, whose gain is found from the sum of the parts that play. A record's crackle is on the
drums' stem, or on the first where there are none.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pipeline.guide.score import Note, Score
from pipeline.request import SAMPLE_RATE

from . import effects
from .drums import ROBINS, render_drum
from .instruments import INSTRUMENTS, Instrument
from .kits import HATS, KICK
from .production import Production
from .signals import Planar, fade_in, render_noise
from .tones import SLIDE, Shot, render_tone

Audio = npt.NDArray[np.float32]  # (samples, 2)

CLIP_FADE = round(0.005 * SAMPLE_RATE)
LEVEL = 1.5  # of the stems before the bus
# of the four round robins of a tone: how much harder, and how much louder in dB
TURNS = ((0.0, 0.0), (0.06, -0.35), (-0.05, 0.2), (0.03, 0.35))
LENGTHS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)  # seconds that tones are kept for
KEPT = 600  # tones: some 400 MB
CHOKE = round(0.02 * SAMPLE_RATE)
STILL = Production()

kept_tones: dict[tuple[str, int], Shot] = {}  # by sound and pitch; the one needed last is the last


def render(
    score: Score, sounds: Mapping[str, str], samples: int, production: Production = STILL
) -> dict[str, Audio]:
    """The stem (samples, 2) of each role that has notes and a sound: an instrument or, for drums, a
    kit, by its name. Their sum is the mix.
    """
    dry = _play_parts(score, sounds, samples, production)
    if not dry:
        return {}
    stems = {role: _place([[part]], production) for role, part in dry.items()}
    if production.crackle:
        dusty = "drums" if "drums" in stems else next(iter(stems))
        stems[dusty] = _add_crackle(stems[dusty], production)
    if production.wow:
        stems = {role: _play_tape(stem, production) for role, stem in stems.items()}
    gain = _find_gain(functools.reduce(np.add, stems.values()), production)
    return {role: _interleave(stem, gain) for role, stem in stems.items()}


def render_mix(
    score: Score, sounds: Mapping[str, str], samples: int, production: Production = STILL
) -> Audio:
    """The sum (samples, 2) of what `render` makes, in less time: what is done to all stems alike is
    done to their sum.
    """
    dry = [*_play_parts(score, sounds, samples, production).values()]
    if not dry:
        return np.zeros((samples, 2), np.float32)
    mixed = _place([[part] for part in dry] if production.tape else [dry], production)
    if production.crackle:
        mixed = _add_crackle(mixed, production)
    if production.wow:
        mixed = _play_tape(mixed, production)
    return _interleave(mixed, _find_gain(mixed, production))


def mix(stems: Mapping[str, Audio]) -> Audio:
    """All stems together."""
    return functools.reduce(np.add, stems.values())


def limit(stems: Mapping[str, Audio]) -> dict[str, Audio]:
    """The stems (samples, 2), turned down together for as long as their sum would clip."""
    gain = effects.make_bus_gain(mix(stems).T, 0.0)[:, None]
    return {name: stem * gain for name, stem in stems.items()}


def _play_parts(
    score: Score, sounds: Mapping[str, str], samples: int, production: Production
) -> dict[str, effects.Dry]:
    """Each part that has notes, without its room."""
    beat = 60 / score.bpm * SAMPLE_RATE
    notes = {
        role: [note for note in score.notes if note.role == role and note.start * beat < samples]
        for role in sounds
    }
    kicks = [round(note.start * beat) for note in notes.get("drums", ()) if note.pitch == KICK]
    ducking = None
    if production.duck and kicks:
        ducking = effects.make_ducking(kicks, samples, production.duck, production.duck_release)
    return {
        role: _play_part(role, played, sounds[role], ducking, (beat, samples), production)
        for role, played in notes.items()
        if played
    }


def _place(groups: Sequence[Sequence[effects.Dry]], production: Production) -> Planar:
    """All stems in their room; those of a group are on one tape."""
    level = LEVEL * 10 ** (production.level / 20)
    placed = effects.place_in_room(groups, level, production.room, production.tint)
    if production.tape:
        return effects.saturate(placed, production.tape)
    return functools.reduce(np.add, placed)


def _add_crackle(stem: Planar, production: Production) -> Planar:
    return stem + np.float32(production.crackle) * effects.make_crackle(stem.shape[1])


def _play_tape(stem: Planar, production: Production) -> Planar:
    return effects.read_at(stem, effects.make_wow(stem.shape[1], production.wow))


def _find_gain(mixed: Planar, production: Production) -> Planar:
    """The bus's gain (samples,), which begins and ends in silence."""
    gain = effects.make_bus_gain(mixed, production.glue)
    fading = min(CLIP_FADE, len(gain))
    gain[-fading:] *= np.linspace(1, 0, fading, dtype=np.float32)
    fade_in(gain)
    return gain


def _interleave(stem: Planar, gain: Planar) -> Audio:
    """The stem, so much of it, as (samples, 2)."""
    audio = np.empty((len(gain), 2), np.float32)
    np.multiply(stem, gain, out=audio.T)
    return audio


def _play_part(
    role: str,
    notes: Sequence[Note],
    sound: str,
    ducking: Planar | None,
    time: tuple[float, int],  # samples of a beat, and of all
    production: Production,
) -> effects.Dry:
    """One part without its room."""
    beat, samples = time
    if role == "drums":
        stem = np.zeros((2, samples), np.float32)
        _play_drums(stem, notes, sound, beat, production.hardness)
        amplifier = None
    else:
        instrument = INSTRUMENTS[sound]
        stem = np.zeros((2 if instrument.tone.width else 1, samples), np.float32)
        _play_notes(stem, notes, sound, beat, production)
        stem = _add_effects(stem, instrument)
        amplifier = instrument.amplifier
    if ducking is not None and role in ("bass", "chords"):
        stem *= ducking
    return effects.Dry(stem, production.sends[role], amplifier)


def _add_effects(stem: Planar, instrument: Instrument) -> Planar:
    if instrument.amplifier:
        stem = effects.amplify(stem, instrument.amplifier, instrument.gain)
    if instrument.modulation:
        side = effects.modulate(stem.mean(axis=0), instrument.modulation)
        stem = stem + np.stack([side, -side])
    return stem


# --- drums ----------------------------------------------------------------------------------------


def _play_drums(
    stem: Planar, notes: Iterable[Note], kit: str, beat: float, hardness: float
) -> None:
    """Add all hits to the stem. A hat ends when the next one begins."""
    ordered = sorted(notes, key=lambda note: note.start)
    robins: Counter[int] = Counter()
    choked = _find_next_hats(ordered, beat)
    for note, held in zip(ordered, choked):
        shot = render_drum(kit, note.pitch, robins[note.pitch] % ROBINS)
        robins[note.pitch] += 1
        hard = _find_hardness(note.velocity, hardness)
        _add_shot(stem, shot, round(note.start * beat), (held, CHOKE), (note.velocity, hard))


def _find_next_hats(notes: list[Note], beat: float) -> list[int]:
    """How many samples each hit may ring."""
    ringing = []
    following = math.inf
    for note in reversed(notes):
        start = note.start * beat
        is_hat = note.pitch in HATS
        unlimited = not is_hat or following == math.inf
        ringing.append(1 << 30 if unlimited else max(round(following - start), CHOKE))
        if is_hat:
            following = start
    return ringing[::-1]


# --- tones ----------------------------------------------------------------------------------------


def _play_notes(
    stem: Planar, notes: Sequence[Note], sound: str, beat: float, production: Production
) -> None:
    """Add all notes to the stem."""
    instrument = INSTRUMENTS[sound]
    release = round(instrument.tone.release * production.ringing * SAMPLE_RATE)
    longest: Counter[int] = Counter()
    for note in notes:
        pitch = instrument.fold(note.pitch)
        longest[pitch] = max(longest[pitch], _time_note(note, beat)[1])
    turns: Counter[int] = Counter()
    for note in notes:
        start, held = _time_note(note, beat)
        pitch = instrument.fold(note.pitch)
        turn = turns[pitch] % len(TURNS)
        turns[pitch] += 1
        harder, louder = TURNS[turn]
        needed = min(longest[pitch] + release, stem.shape[1])
        shot = _find_tone(sound, pitch, note, held / SAMPLE_RATE, needed / SAMPLE_RATE)
        hard = _find_hardness(note.velocity, production.hardness) + harder
        level = instrument.gain * note.velocity
        louder_level = level * 10 ** (louder / 20)
        _add_shot(stem, shot, start, (held, release), (louder_level, hard))
        if instrument.tone.noise:
            noise = _render_attack(sound, turn)
            _add_shot(stem, noise, start, (held, release), (1.4 * level * (0.4 + hard), 0))


def _time_note(note: Note, beat: float) -> tuple[int, int]:
    """At which sample it begins, and for how many it is held."""
    start = round(note.start * beat)
    return start, max(1, round((note.start + note.length) * beat) - start)


def _find_tone(sound: str, pitch: int, note: Note, held: float, needed: float) -> Shot:
    """The tone of a note that is held so many seconds, `needed` seconds of it or more."""
    seconds = next((length for length in LENGTHS if length >= needed), math.ceil(needed))
    if note.slide_from is None:
        return _keep_tone(sound, pitch, seconds)
    gliding = min(SLIDE, held / 2)
    origin = _to_hertz(pitch + note.slide_from - note.pitch)
    return render_tone(INSTRUMENTS[sound].tone, _to_hertz(pitch), seconds, (origin, gliding))


def _keep_tone(sound: str, pitch: int, seconds: float) -> Shot:
    """So many seconds of a tone, or more: as much of each as was needed once is kept, until there
    are too many.
    """
    shot = kept_tones.pop((sound, pitch), None)
    if shot is None or shot.soft.shape[1] < round(seconds * SAMPLE_RATE):
        shot = render_tone(INSTRUMENTS[sound].tone, _to_hertz(pitch), seconds, (0.0, 0.0))
    kept_tones[sound, pitch] = shot
    if len(kept_tones) > KEPT:
        del kept_tones[next(iter(kept_tones))]
    return shot


@lru_cache(maxsize=128)
def _render_attack(sound: str, turn: int) -> Shot:
    """The noise of a note's beginning, in the middle."""
    noise = INSTRUMENTS[sound].tone.noise
    assert noise is not None
    rng = np.random.default_rng([*sound.encode(), turn])
    seconds = min(0.02 + noise.attack + 7 / noise.decay, 3.0)
    burst = render_noise(noise, seconds, rng).astype(np.float32)[None]
    fade_in(burst)
    burst[:, -CLIP_FADE:] *= np.linspace(1, 0, CLIP_FADE, dtype=np.float32)
    burst.flags.writeable = False
    return Shot(burst, np.zeros_like(burst))


def _to_hertz(pitch: float) -> float:
    return float(440 * 2 ** ((pitch - 69) / 12))


def _find_hardness(velocity: float, hardness: float) -> float:
    """0..1: how much of a shot's edge is heard."""
    return min(max(1.25 * velocity - 0.15 + hardness, 0.0), 1.2)


def _add_shot(
    stem: Planar,
    shot: Shot,
    start: int,
    times: tuple[int, int],  # samples that it is held, and of its release
    levels: tuple[float, float],  # its gain, and how much of its edge there is
) -> None:
    """Add the shot to the stem, released once it has been held."""
    held, release = times
    gain, hard = levels
    end = min(held + release, shot.soft.shape[1], stem.shape[1] - start)
    played = np.float32(gain) * shot.soft[:, :end]
    if hard:
        played += np.float32(gain * hard) * shot.edge[:, :end]
    if held < end:
        played[:, held:] *= _make_release(release)[: end - held]
    stem[:, start : start + end] += played


@lru_cache(maxsize=64)
def _make_release(samples: int) -> Planar:
    """From 1 to 0, as a damper falls."""
    falling = np.linspace(1, 0, max(samples, 1), dtype=np.float32)
    curve: Planar = falling**2 * np.exp(-2 * (1 - falling))
    return curve
