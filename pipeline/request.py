"""`Request`: what a take is made from, frozen and checked. It touches no disk, and imports no MLX.

Every field of `Request` is typed once, and everything else derives from that: the checks, the OSC
parameter and its aliases, the command line's option, and the README's table.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
import math
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, NamedTuple

from . import codes
from .did_you_mean import find_similar, suggest
from .guide.harmony import parse_chord_line
from .keys import ANY_KEY, parse_key_or_any
from .prompt_reading import read_prompt
from .quantities import (
    BARS,
    BEATS,
    FREQUENCY,
    LEVEL,
    LOUDNESS,
    PLAIN,
    SHARE,
    STEPS,
    TEMPO,
    TIME,
    Unit,
    read_quantity,
)
from .reading.meter import find_meter
from .reading.said import normalize

SAMPLE_RATE = 48_000
MAX_SECONDS = 600.0  # what the official pipeline allows
MAX_SEED = 2**32 - 1
MAX_STEPS = 200
MAX_TEXT = 8192  # characters of a text whose field says nothing else
MAX_LYRICS = 65_536
MAX_CODES = 100_000  # of MAX_SECONDS, as the planner writes them, with a space between
MAX_MARKS = 30  # combining, in a row: as many as Unicode's stream-safe text format has
FORMATS = ("wav16", "wav24", "wav32f", "flac")
# short enough to type, and for Pure Data, which shows and saves six digits of a number
DRAWN_SEED_COUNT = 10**6
DEFAULT_BPM = 120.0
DEFAULT_SECONDS = 30.0  # of a clip that nothing gives a length
NEWEST_COMPOSER = 4
LANGUAGES = tuple(
    "ar az bg bn ca cs da de el en es fa fi fr he hi hr ht hu id is it ja ko la lt ms ne nl no pa "
    "pl pt ro ru sa sk sr sv sw ta te th tl tr uk ur vi yue zh unknown".split()
)
# what people write for a code, in English and in the language itself
_LANGUAGE_NAMES = {
    "ar": "arabic العربية",
    "cs": "czech čeština",
    "da": "danish dansk",
    "de": "german deutsch",
    "el": "greek ελληνικά",
    "en": "english eng",
    "es": "spanish español castellano",
    "fa": "persian farsi فارسی",
    "fi": "finnish suomi",
    "fr": "french français",
    "he": "hebrew עברית",
    "hi": "hindi हिन्दी",
    "hu": "hungarian magyar",
    "id": "indonesian",
    "it": "italian italiano",
    "ja": "japanese jp 日本語",
    "ko": "korean kr 한국어",
    "nl": "dutch nederlands",
    "no": "norwegian norsk",
    "pl": "polish polski",
    "pt": "portuguese português brazilian",
    "ro": "romanian română",
    "ru": "russian русский",
    "sv": "swedish svenska",
    "th": "thai ไทย",
    "tr": "turkish türkçe",
    "uk": "ukrainian українська",
    "vi": "vietnamese",
    "yue": "cantonese 粵語 粤语",
    "zh": "chinese mandarin cn 中文",
}
_LANGUAGE_CODES = {
    name: code for code, names in _LANGUAGE_NAMES.items() for name in names.split()
} | {code: code for code in LANGUAGES}
GUIDE_HELP = (
    "what it plays: auto composes from the prompt, or chords like Am F C G, or a .mid file; "
    "off: the model alone"
)
TASKS = ("cover", "cover-nofsq", "repaint", "extract", "lego", "complete")
UNDERSTAND = "understand"  # what makes words, and no sound
TASK_CHOICES = ("", *TASKS, UNDERSTAND)
TASK_ALIASES = {"text2music": "", "inpaint": "repaint", "outpaint": "repaint"}
TASK_HELP = (
    f"what to do with source: {', '.join(TASKS)}; understand puts it into words; "
    "empty makes new music"
)
STEMS_HELP = (
    "tracks as files of their own: taken out of the clip, or added to it by lego and complete"
)
COVERS = ("cover", "cover-nofsq")
FOLLOW_SOURCE = ("cover", "cover-nofsq", "extract", "lego", "complete")  # and take no guide
IN_WINDOW = ("repaint", "lego")  # work in a window of their source
PLANS = ("auto", "on", "off", "simple", "rewrite")
PLAN_HELP = (
    "write metadata and audio codes before painting: on, off, auto (where there is a planner); "
    "simple makes a whole song of the prompt first, rewrite works prompt and lyrics out"
)
READ_SOUNDS = tuple(
    ".wav .wave .bwf .rf64 .w64 .flac .mp3 .aif .aiff .aifc .ogg .oga .opus .caf".split()
)
FFMPEG_SOUNDS = tuple(  # where ffmpeg is installed
    ".m4a .m4b .mp4 .mov .aac .3gp .3g2 .amr .wma .webm .mka .mkv .ac3 .wv .ape".split()
)
SOUNDS = (*READ_SOUNDS, *FFMPEG_SOUNDS)
MIDI_SUFFIXES = (".mid", ".midi", ".kar", ".rmi", ".smf")
SOUND_FILE = (
    f"the path of an audio file that exists ({' '.join(READ_SOUNDS)}; with ffmpeg also "
    f"{' '.join(FFMPEG_SOUNDS)})"
)
FILE_FIELDS = ("guide", "source", "reference")  # that may name a file
MIDI_FILE = "auto, off, chords like Am F C G, or the path of a .mid file that exists"
CODES_HELP = (
    "audio codes to paint over, five a second: <|audio_code_N|> or numbers; "
    "seconds of 0 or 30: as long as they are"
)
DEFAULT_EXTRACT = "drums bass"  # where an extract names no stems
PREVIEW = "preview_"  # and a step: what the estimates of a mix are called
VOCALS = "vocals"  # the stem of what is sung
REST = "rest"  # what is in a clip beside its stems
TRACKS = tuple(
    "woodwinds brass fx synth strings percussion keyboard guitar bass drums "
    "backing_vocals vocals".split()
)
GUIDANCE_TYPES = ("apg", "cfg", "adg")
SAMPLERS = ("euler", "heun", "sde", "ab2", "dpm")
SAMPLER_HELP = (
    "how steps are made: euler, sde (new noise in each), heun (twice the work), "
    "ab2 or dpm (second order)"
)


class BadRequest(ValueError):
    """A request that cannot be made. The message says what is allowed and what came; `hint` says
    what to do.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UnknownField(BadRequest):
    """No field has this name."""


class WrongType(BadRequest):
    """The value is not of the field's kind: a word where a number belongs, NaN, half a bar."""


class MissingFile(BadRequest):
    """A file of the request's is not there, or not any more."""


class LinkedFile(BadRequest):
    """A link leads to a file of the request's, and none did when it was named."""


class OutOfRange(BadRequest):
    """The value has the right type and is not one of those allowed."""


class FieldSpec(NamedTuple):
    """What one field accepts: `low..high` for numbers; for texts at most `max_length` characters,
    and what `check` does (it returns the value as it is kept, or raises ValueError with what is
    allowed). A number that comes as a text may have its `unit`. Its type is its default's.
    `choices` are the words of a text that takes no others.
    """

    default: bool | int | float | str
    help: str
    aliases: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    check: Callable[[str], str] | None = None
    choices: tuple[str, ...] = ()
    max_length: int = MAX_TEXT
    unit: Unit = PLAIN


def number_field(
    default: float, low: float, high: float, help: str, *aliases: str, unit: Unit = PLAIN
) -> Any:
    """A number between `low` and `high`, inclusive; whole numbers where the default is one. `unit`:
    what a text may count it in.
    """
    spec = FieldSpec(default, help, aliases, low, high, unit=unit)
    return field(default=default, metadata={"spec": spec})


def text_field(
    default: str,
    help: str,
    *aliases: str,
    check: Callable[[str], str] | None = None,
    choices: tuple[str, ...] = (),
    max_length: int = MAX_TEXT,
) -> Any:
    """A text of at most `max_length` characters, in the form that `check` returns."""
    spec = FieldSpec(default, help, aliases, check=check, choices=choices, max_length=max_length)
    return field(default=default, metadata={"spec": spec})


def choice_field(default: str, choices: tuple[str, ...], help: str, *aliases: str) -> Any:
    """One of these words."""
    spec = FieldSpec(default, help, aliases, check=allow(choices), choices=choices)
    return field(default=default, metadata={"spec": spec})


def switch_field(default: bool, help: str, *aliases: str) -> Any:
    """On or off."""
    return field(default=default, metadata={"spec": FieldSpec(default, help, aliases)})


# --- what texts are allowed -----------------------------------------------------------------------
# Each returns the text as a request keeps it, or raises ValueError with what is allowed.


def allow(choices: Iterable[str]) -> Callable[[str], str]:
    """A check for one of these words."""
    allowed = {choice.lower(): choice for choice in choices}

    def check(value: str) -> str:
        if value.lower() not in allowed:
            listed = " ".join(choice or '""' for choice in allowed.values())
            raise BadRequest(f"one of {listed}", suggest(value, allowed.values()))
        return allowed[value.lower()]

    return check


def parse_time_signature(value: str) -> str:
    """`3/4`, or the beats alone: `3`; `6` is 6/8. Those that the models have no word for need their
    unit. `3/4 time`, `3 / 4` and `waltz` -> `3/4`.
    """
    if not value or re.fullmatch(r"[2346](/(2|4|8|16))?|([2-9]|1[0-6])/[48]", value):
        return value
    said = find_meter(normalize(value))
    if not said.value or len(said.words) > 1:
        raise ValueError('2, 3, 4 or 6, or written like "3/4", up to "16/4" and "16/8"')
    return said.value


def parse_language(value: str) -> str:
    """`German`, `Deutsch`, `de-DE` -> `de`."""
    word = value.strip().lower()
    code = _LANGUAGE_CODES.get(word) or _LANGUAGE_CODES.get(re.split("[-_]", word)[0])
    if code is None:
        raise BadRequest(f"one of {' '.join(LANGUAGES)}", suggest(word, _LANGUAGE_CODES))
    return code


def parse_tracks(value: str) -> str:
    """`drums, bass` -> `drums bass`: the tracks the model has names for, each once. The rest comes
    without being named.
    """
    words = dict.fromkeys(value.lower().replace(",", " ").split())
    names = [name for name in words if name != REST]
    if unknown := [name for name in names if name not in TRACKS]:
        similar = _find_similar_track(unknown[0], value)
        message = f"names of tracks ({' '.join(TRACKS)}), not {unknown[0][:40]}"
        raise BadRequest(message, f"did you mean {similar}?" if similar else "")
    return " ".join(names)


def _find_similar_track(name: str, value: str) -> str:
    """The track that a misspelt name may mean: one whose words were written apart, or the most
    similar; empty where none is.
    """
    spaced = re.sub(r"[\s-]+", " ", value.lower())
    for track in TRACKS:
        if "_" in track and track.replace("_", " ") in spaced:
            return track
    return find_similar(name, TRACKS)


def parse_codes(value: str) -> str:
    """`<|audio_code_12|><|audio_code_7|>` -> `12 7`."""
    return codes.format_codes(codes.parse(value, most=int(MAX_SECONDS * codes.PER_SECOND)))


def check_guide(value: str) -> str:
    """What `pipeline.guide` can play, as far as that can be told without playing it. Whether a file
    exists is for `request_files.check_files`.
    """
    if value.lower() in ("", "auto", "off"):
        return value.lower()
    if value.lower().endswith(MIDI_SUFFIXES):
        return value
    try:
        parse_chord_line(value)
    except ValueError as error:
        raise ValueError(f"auto, off, the path of a .mid file, or chords: {error}") from None
    return value


def parse_timesteps(value: str) -> str:
    """`1, 0.8, 0.5, 0` -> `1 0.8 0.5`: falling, without the end that every schedule has."""
    try:
        numbers = [float(word) for word in value.replace(",", " ").split()]
    except ValueError:
        numbers = [math.nan]
    if numbers[-1:] == [0]:
        numbers.pop()
    is_falling = all(a > b for a, b in itertools.pairwise([*numbers, 0.0]))
    if not is_falling or max(numbers, default=0) > 1 or len(numbers) > MAX_STEPS:
        raise ValueError(
            f"at most {MAX_STEPS} numbers that fall from at most 1, like 1 0.8 0.5 0.2"
        )
    return " ".join(f"{number:.9g}" for number in numbers)


def parse_steps(value: str) -> str:
    """`4, 2` -> `2 4`."""
    listed = value.replace(",", " ").split()
    if not all(re.fullmatch(r"\d{1,9}", word) and 1 <= int(word) < MAX_STEPS for word in listed):
        raise ValueError("numbers of steps, like 2 4")
    return " ".join(map(str, sorted({int(word) for word in listed})))


def parse_task(value: str) -> str:
    """`inpaint` -> `repaint`."""
    if value.lower() in TASK_ALIASES:
        return TASK_ALIASES[value.lower()]
    return allow(TASK_CHOICES)(value)


def check_sound_path(value: str) -> str:
    """What `audio_files.read_audio` may be able to read, by its name. Whether it exists is for
    `request_files.check_files`.
    """
    if value and not value.lower().endswith(SOUNDS):
        raise ValueError(SOUND_FILE)
    return value


# --- the request ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """What a take is made from. Frozen and checked: an instance that exists is one that can be
    made, as far as that can be told without its files (`request_files.check_files`).

    `resolved` fixes the seed, what the prompt says of tempo, key and metre, and the tempo that bars
    need; what is left to the model, `Defaults.fill` fills in. Raises `BadRequest` (a ValueError)
    naming the field, what is allowed and what came.
    """

    prompt: str = text_field(
        "", "what it should sound like: style, instruments, mood", "text", "caption"
    )
    lyrics: str = text_field(
        "", "what is sung, with [verse] markers; empty is instrumental", max_length=MAX_LYRICS
    )
    language: str = text_field(
        "unknown",
        "language code of the lyrics",
        "vocal_language",
        check=parse_language,
        choices=LANGUAGES,
    )
    seconds: float = number_field(
        0.0,
        0.1,
        MAX_SECONDS,
        "length when bars is 0; 0 takes the source's, or 4 bars (what lyrics or guide need) where "
        "there is a tempo or a guide, else 30 s",
        "duration",
        "length",
        unit=TIME,
    )
    bars: int = number_field(
        0, 0, 1024, "length in bars, exact to the sample; 0 takes seconds", unit=BARS
    )
    bpm: float = number_field(
        0.0,
        30.0,
        300.0,
        "tempo; 0 takes the prompt's, or the model's (120 where bars need one)",
        "tempo",
        unit=TEMPO,
    )
    beats_per_bar: int = number_field(
        0, 1, 32, "beats in a bar; 0 takes the time signature's, or 4", unit=BEATS
    )
    key: str = text_field(
        "",
        "musical key, like A minor, F#m or 8A; empty takes the prompt's, or the model's; any: "
        "rerolls and pads of a bank may each have another",
        "keyscale",
        check=parse_key_or_any,
    )
    time_signature: str = text_field(
        "",
        "2, 3, 4 or 6 (6/8), or like \"7/8\"; empty takes the prompt's, or the model's",
        check=parse_time_signature,
    )
    read_prompt: bool = switch_field(
        True, "take tempo, key and metre from the prompt where they are not given"
    )
    read_midi: bool = switch_field(
        True, "take tempo, metre, key, length and pedal from a MIDI guide; off: its notes alone"
    )
    seed: int = number_field(-1, -1, MAX_SEED, "same seed, same take; -1 draws one")
    variation: float = number_field(
        0.0, 0.0, 1.0, "how far from the seed's take towards variation_seed's", unit=SHARE
    )
    variation_seed: int = number_field(-1, -1, MAX_SEED, "where variation leads; -1 draws one")
    guide: str = text_field("", GUIDE_HELP, check=check_guide)
    guide_strength: float = number_field(
        1.0, 0.0, 1.0, "first part of the steps that follow the guide", "cover_strength", unit=SHARE
    )
    guide_seed: int = number_field(
        -1, -1, MAX_SEED, "same guide_seed, same composition; -1 takes the seed"
    )
    guide_voice: str = choice_field(
        "auto",
        ("auto", "on", "guide", "off"),
        "where the guide's own singer sings the lyrics, for a model that does not read them, as "
        "mini; auto: in the guide, so that the model sings what it hears there, and softly beside "
        "it; guide: in the guide alone; on: beside it alone (a model that reads lyrics: in its "
        "guide); off: nowhere",
    )
    composer: int = number_field(
        0,
        0,
        NEWEST_COMPOSER,
        "which composer makes the guide: 1 to 3 are older ones; 0: the newest",
    )
    task: str = text_field("", TASK_HELP, check=parse_task, choices=TASK_CHOICES)
    source: str = text_field(
        "",
        "audio file that the task works on: wav, flac, mp3, aiff, ogg, opus, caf; m4a with ffmpeg",
        check=check_sound_path,
    )
    read_source: bool = switch_field(
        True, "take tempo, key, metre, length and name from the source where they are not given"
    )
    source_seed: int = number_field(
        -1, -1, MAX_SEED, "draws one of the ways that the source can be heard; -1: their mean"
    )
    cover_noise_strength: float = number_field(
        0.0, 0.0, 1.0, "how close to its source a cover starts; 0: from noise alone", unit=SHARE
    )
    repeat_source: bool = switch_field(
        True, "a cover that is longer than its source repeats it by whole bars"
    )
    codes: str = text_field("", CODES_HELP, "audio_codes", check=parse_codes, max_length=MAX_CODES)
    reference: str = text_field(
        "",
        "audio file that it is to sound like: its instruments, voice, room",
        check=check_sound_path,
    )
    reference_parts: str = choice_field(
        "seed",
        ("seed", "even"),
        "which 30 s of it are heard: seed draws them, even takes front, middle, back",
    )
    repaint_start: float = number_field(
        0.0,
        -MAX_SECONDS,
        MAX_SECONDS,
        "second where a repaint begins; below 0 adds in front",
        unit=TIME,
    )
    repaint_end: float = number_field(
        -1.0,
        0.0,
        MAX_SECONDS,
        "second where it ends; beyond the source adds there; -1: the end",
        unit=TIME,
    )
    repaint_bar: int = number_field(
        0,
        -1024,
        1024,
        "bar where it begins instead, counted from 1; -2: two bars in front",
        unit=BARS,
    )
    repaint_bars: int = number_field(
        0, 1, 1024, "bars that it lasts; 0: up to repaint_end", unit=BARS
    )
    repaint_strength: float = number_field(
        0.5, 0.0, 1.0, "how freely: 0 blends in with the source, 1 does not", unit=SHARE
    )
    repaint_hold: float = number_field(
        -1.0,
        0.0,
        1.0,
        "first part of the steps that put the source back; -1: by the strength",
        unit=SHARE,
    )
    repaint_crossfade: float = number_field(
        -1.0,
        0.0,
        10.0,
        "seconds around it in which it turns into the source; -1: so too",
        unit=TIME,
    )
    stems: str = text_field("", STEMS_HELP, "tracks", check=parse_tracks)
    loop: bool = switch_field(False, "ends where it begins, and repeats without a seam")
    preview: str = text_field(
        "",
        "steps after which an estimate is heard already, like 2 4",
        "previews",
        check=parse_steps,
    )
    num_steps: int = number_field(
        0,
        1,
        MAX_STEPS,
        "diffusion steps; 0 is the model's own (turbo 8, base 50)",
        "steps",
        unit=STEPS,
    )
    shift: float = number_field(
        0.0, 0.1, 10.0, "timestep shift; 0 is the model's own (turbo 3, base 1)"
    )
    guidance_scale: float = number_field(
        0.0, 1.0, 30.0, "1 is none; 0 is the model's own (turbo 1, base 7)", "guidance"
    )
    guidance_interval: float = number_field(
        -1.0, 0.0, 1.0, "middle part of the steps that is guided; -1 is the model's own", unit=SHARE
    )
    cfg_interval_start: float = number_field(
        0.0, 0.0, 1.0, "guide only while the timestep is at least this", unit=SHARE
    )
    cfg_interval_end: float = number_field(
        1.0, 0.0, 1.0, "guide only while the timestep is at most this", unit=SHARE
    )
    cfg_type: str = choice_field("apg", GUIDANCE_TYPES, "kind of guidance: apg, cfg or adg")
    sampler: str = choice_field("euler", SAMPLERS, SAMPLER_HELP, "solver", "sampler_mode")
    timesteps: str = text_field(
        "",
        "the times of the steps, like 1 0.8 0.5; empty takes num_steps and shift",
        check=parse_timesteps,
    )
    peak_db: float = number_field(
        -1.0, -60.0, 0.0, "highest true peak of the clip, in dBFS", unit=LEVEL
    )
    normalize: bool = switch_field(
        True, "bring every clip up to peak_db; off only turns down what exceeds it"
    )
    loudness: float = number_field(
        0.0, -40.0, -5.0, "loudness of the clip in LUFS; 0 goes by the peak", unit=LOUDNESS
    )
    name: str = text_field("", "what the files are called; empty takes the prompt's first words")
    format: str = choice_field("wav24", FORMATS, "of the files: wav16, wav24, wav32f or flac")
    sample_rate: int = number_field(48_000, 8_000, 192_000, "of the files, in Hz", unit=FREQUENCY)
    plan: str = choice_field("auto", PLANS, PLAN_HELP)
    plan_seed: int = number_field(-1, -1, MAX_SEED, "same plan_seed, same plan; -1 takes the seed")
    lm_temperature: float = number_field(
        0.85, 0.0, 2.0, "how adventurous the planner is; 0 always writes the likeliest"
    )
    lm_top_k: int = number_field(
        0, 0, 1000, "it chooses among the k likeliest tokens only; 0: among all"
    )
    lm_top_p: float = number_field(
        0.9,
        0.0,
        1.0,
        "it chooses among the likeliest that have this probability together; 0: all",
        unit=SHARE,
    )
    lm_repetition_penalty: float = number_field(
        1.0, 1.0, 2.0, "how much it avoids what it has written; 1: not at all"
    )
    lm_guidance: float = number_field(
        2.0, 1.0, 10.0, "how closely codes keep to the prompt; 1 is none", "lm_cfg_scale"
    )
    lm_negative_prompt: str = text_field("", "what a plan should not sound like")

    def __post_init__(self) -> None:
        for name, spec in FIELDS.items():
            value = getattr(self, name)
            if value is not spec.default:
                object.__setattr__(self, name, coerce(name, value))
        self._check_together()

    def _check_together(self) -> None:
        """Raises `OutOfRange` for values that do not go together."""
        if self.cfg_interval_start > self.cfg_interval_end:
            raise OutOfRange(
                "cfg_interval_start must be at most cfg_interval_end, got "
                f"{self.cfg_interval_start:g} and {self.cfg_interval_end:g}"
            )
        if 0 < self.repaint_end <= self.repaint_start:
            raise OutOfRange(
                f"repaint_end must come after repaint_start, got {self.repaint_end:g} "
                f"and {self.repaint_start:g}"
            )
        if not 1 <= self.samples <= MAX_SECONDS * SAMPLE_RATE:
            raise OutOfRange(
                f"the clip must be at most {MAX_SECONDS:g} seconds long, got {self.bars} bars at "
                f"{self.bpm or DEFAULT_BPM:g} bpm: {self.samples / SAMPLE_RATE:.1f}",
                "ask for fewer bars or a higher bpm",
            )

    def changed(self, values: Mapping[str, Any]) -> Request:
        """This request with other values; names may be aliases. Raises `BadRequest`.

        Only these values are looked at: one is made for every message, and what it keeps of a panel
        with long lyrics was checked when that was set.
        """
        fields: dict[str, Any] = {}
        for name, value in values.items():
            if (known := field_name(name)) in fields:
                raise BadRequest(f"{known} was given twice, the second time as {name}")
            fields[known] = value
        request = copy.copy(self)
        for known, value in fields.items():
            object.__setattr__(request, known, coerce(known, value))
        request._check_together()
        return request

    def overlaid(self, values: Mapping[str, Any]) -> Request:
        """This request with what is said over it, as `changed`: of bars and seconds, the one that
        is said counts before the other, which is not. Raises `BadRequest`.
        """
        request = self.changed(values)
        fields = {*map(field_name, values)}
        if "seconds" in fields and "bars" not in fields and request.bars:
            return request.changed({"bars": 0})
        if "bars" in fields and "seconds" not in fields and request.bars and request.seconds:
            return request.changed({"seconds": 0.0})
        return request

    @classmethod
    def restore(cls, values: Mapping[str, Any]) -> Request:
        """The request whose values were written down, as far as this version knows their names. Its
        plain texts were cleaned then, and are as long as was allowed then: what was accepted stays
        so. Raises `BadRequest`.
        """
        request = cls()
        for name, value in complete_stored_values(values).items():
            spec = FIELDS.get(name)
            if spec is None or value == spec.default:
                continue
            is_plain_text = isinstance(value, str) and spec.default == "" and spec.check is None
            object.__setattr__(request, name, value if is_plain_text else coerce(name, value))
        request._check_together()
        return request

    def resolved(self) -> Request:
        """The request with its seeds drawn, what its prompt says, and the tempo that bars need, so
        that it gives the same take again. What its source and its MIDI guide say,
        `request_files.resolve_request` reads before.

        Codes decide the length where it was left open. Raises `BadRequest` for a task without what
        it needs.
        """
        request = self.follow_prompt()
        request._check_task()
        variation_seed = request.variation_seed
        if request.variation:
            variation_seed = draw_seed(variation_seed)
        bpm = request.bpm
        if request.bars and not bpm:
            bpm = DEFAULT_BPM
        return request.changed(
            {
                "seed": draw_seed(request.seed),
                "variation_seed": variation_seed,
                "bpm": bpm,
                "stems": " ".join(request.tracks),
                "seconds": request._find_length_of_codes() if request.codes else request.seconds,
            }
        )

    def follow_prompt(self) -> Request:
        """The request with the tempo, key and metre that its prompt says, where it gives none. Any
        key is none.
        """
        values: dict[str, Any] = {} if self.key == self.given_key else {"key": ""}
        if not self.read_prompt or self.task == UNDERSTAND:
            return self.changed(values) if values else self
        reading = read_prompt(self.prompt)
        if reading.bpm and not self.bpm:
            values["bpm"] = reading.bpm
        if reading.key and not self.given_key:
            values["key"] = reading.key
        if reading.time_signature and not (self.time_signature or self.beats_per_bar):
            values["time_signature"] = reading.time_signature
        return self.changed(values) if values else self

    def _check_task(self) -> None:
        """Raises `BadRequest` for a task without what it needs."""
        if self.task and not self.source:
            raise BadRequest(
                f"{self.task} needs a source", "set source to the path of an audio file"
            )
        if self.task == "lego" and not self.stems:
            raise BadRequest(
                "lego needs to know which tracks to add", "set stems, to drums for example"
            )
        if self.repaint_bars and not self.repaint_bar and self.task in ("repaint", "lego"):
            raise BadRequest(
                "repaint_bars needs the bar where it begins", "set repaint_bar; the first bar is 1"
            )
        if self.repaint_bar and not self.bpm:
            raise BadRequest(
                "repaint_bar needs the tempo of the source", "set bpm, or use repaint_start"
            )
        if self.task in IN_WINDOW:
            self._check_window()
        if self.task != UNDERSTAND:
            self._check_what_is_played()

    def _check_what_is_played(self) -> None:
        """Raises `OutOfRange` where a task, a guide and codes do not go together: only one of them
        says what is played.
        """
        if self.loop and self.task not in ("", *COVERS):
            raise OutOfRange(
                f"{self.task} keeps its source, it cannot make a loop of it",
                "set loop to 0, or cover",
            )
        if self.cover_noise_strength and self.task not in COVERS:
            raise OutOfRange(
                "cover_noise_strength is for a cover",
                "set task to cover or cover-nofsq, or it to 0",
            )
        if self.guide in ("", "off"):
            return
        if self.codes:
            raise OutOfRange(
                "codes say what is played, and so does a guide", "leave one of them empty"
            )
        if self.task in FOLLOW_SOURCE:
            raise OutOfRange(
                f"{self.task} follows its source, it takes no guide", "leave guide empty, or task"
            )

    def _find_length_of_codes(self) -> float:
        """The clip's seconds. Raises `BadRequest` for codes that do not fit in."""
        if self.task:
            raise BadRequest(
                f"codes are painted over by themselves, not with a task, got {self.task}",
                "leave one empty",
            )
        count = len(self.codes.split())
        if self.has_open_length:
            return count / codes.PER_SECOND
        if count > (most := math.ceil(round(self.length * codes.PER_SECOND, 6))):
            message = (
                f"codes must be at most {most} for a clip of {self.length:.10g} s, got {count}"
            )
            raise OutOfRange(message, "ask for more seconds or bars, or leave both out")
        return self.seconds

    def _check_window(self) -> None:
        begin, end = self.window_seconds
        if end <= begin:
            raise OutOfRange(
                f"the window must end after it begins, at {begin:g} s, got {end:g} s",
                "see repaint_end",
            )
        if end < 0:
            raise OutOfRange(
                "what is added in front must reach the source's first bar, got an end at "
                f"{end:g} s",
                "set repaint_bars to as many as repaint_bar is in front, or more",
            )

    @property
    def tracks(self) -> tuple[str, ...]:
        """The tracks of `stems`, or those that an extract takes out by default."""
        if self.task == "extract" and not self.stems:
            return tuple(DEFAULT_EXTRACT.split())
        return tuple(self.stems.split())

    @property
    def extracted_tracks(self) -> tuple[str, ...]:
        """The tracks that are taken out of a clip, rather than added to it."""
        return () if self.task in ("lego", "complete") else self.tracks

    @property
    def window_seconds(self) -> tuple[float, float]:
        """The seconds of the source between which a repaint or lego works; infinity stands for its
        end.
        """
        end = self.repaint_end if self.repaint_end >= 0 else math.inf
        if not self.repaint_bar:
            return self.repaint_start, end
        bar = self.beats * 60 / (self.bpm or DEFAULT_BPM)
        first = self.repaint_bar - (self.repaint_bar > 0)  # there is no bar 0
        return first * bar, (first + self.repaint_bars) * bar if self.repaint_bars else end

    @property
    def has_length_of_source(self) -> bool:
        """Whether it is as long as its source: neither bars nor seconds say otherwise."""
        return bool(self.task) and self.has_open_length

    @property
    def has_open_length(self) -> bool:
        """Whether a source, codes or a plan may say how long it is. Where one of them does, 30
        seconds say nothing: as long is `AceStep.generate` where nobody says otherwise.
        """
        return not self.bars and self.seconds in (0.0, DEFAULT_SECONDS)

    @property
    def beats(self) -> float:
        """Beats in one bar, in quarter notes as DAWs count them: 6/8 has three."""
        count, unit = self.meter
        return count * 4 / unit

    @property
    def meter(self) -> tuple[int, int]:
        """How many notes of which kind a bar has: 6/8 -> (6, 8), and so is "6", as in ACE-Step's
        own documents.
        """
        if self.beats_per_bar:
            return self.beats_per_bar, 4
        count, _, unit = (self.time_signature or "4").partition("/")
        return int(count), int(unit or (8 if count == "6" else 4))

    @property
    def given_key(self) -> str:
        """`key`, where the request names one."""
        return "" if self.key == ANY_KEY else self.key

    @property
    def given_meter(self) -> tuple[int, int] | None:
        """`meter`, where the request says it."""
        return self.meter if self.beats_per_bar or self.time_signature else None

    @property
    def samples(self) -> int:
        """The exact length at 48 kHz."""
        return self.count_samples(SAMPLE_RATE)

    def count_samples(self, rate: int) -> int:
        """The exact length at `rate`."""
        if self.bars:
            return round(self.bars * self.beats * 60 / (self.bpm or DEFAULT_BPM) * rate)
        return round((self.seconds or DEFAULT_SECONDS) * rate)

    @property
    def length(self) -> float:
        """The exact length in seconds."""
        return self.samples / SAMPLE_RATE


# what decided a request before there was a field for it
BEFORE: dict[str, Any] = {
    "composer": 1,
    "read_prompt": False,
    "read_midi": False,
    "read_source": False,
    "repeat_source": False,
    "seconds": DEFAULT_SECONDS,
}


def complete_stored_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a request that was written down, with what decided it before there was a field
    for it: what does not name its composer is of the first. What does not say whether its prompt
    or its MIDI guide was read is of a time when they were not, and a time signature of 6 was six
    quarters. Nor was a source asked what it is, or repeated, then; and a clip without a length had
    30 seconds.
    """
    completed = BEFORE | {**values}
    if "read_prompt" not in values and values.get("time_signature") == "6":
        completed["beats_per_bar"] = values.get("beats_per_bar") or 6
    return completed


def draw_seed(seed: int) -> int:
    """The seed, or another one where it is -1."""
    return seed if seed >= 0 else secrets.randbelow(DRAWN_SEED_COUNT)


FIELDS: dict[str, FieldSpec] = {
    spec.name: spec.metadata["spec"] for spec in dataclasses.fields(Request)
}
_NAMES = {alias: name for name, spec in FIELDS.items() for alias in (name, *spec.aliases)}


def field_name(name: str) -> str:
    """The field that `name` (or an alias) means. Raises `UnknownField`."""
    try:
        return _NAMES[name.lower()]
    except KeyError:
        hint = suggest(name, _NAMES) or "fields: " + " ".join(FIELDS)
        raise UnknownField(f"no parameter is called {name[:40]!r}", hint) from None


def suggest_field(name: str, cutoff: float = 0.6) -> str:
    """The field, or alias, that a name which is none resembles most; empty where none does
    (`cutoff` as in difflib).
    """
    return find_similar(name, _NAMES, cutoff)


def is_field(name: object) -> bool:
    return isinstance(name, str) and name.lower() in _NAMES


# --- values ---------------------------------------------------------------------------------------


def coerce(name: str, value: Any) -> Any:
    """`value` as field `name` keeps it. Lenient about types (any integral number or numeric text is
    an int, as OSC clients send them), strict about meaning. Raises `WrongType` or `OutOfRange`.
    """
    spec = FIELDS[name]
    if isinstance(spec.default, bool):
        return _coerce_switch(name, value)
    if isinstance(spec.default, str):
        text = " ".join(map(str, value)) if isinstance(value, tuple | list) else value
        return _coerce_text(name, text, spec)
    return _coerce_number(name, value, spec)


def _coerce_number(name: str, value: Any, spec: FieldSpec) -> float:
    number = _read_number(name, value, spec)
    if isinstance(spec.default, int):
        if number != int(number):
            raise WrongType(f"{name} must be a whole number, got {number:g}")
        number = int(number)
    else:
        number = float(number)
    default = float(spec.default)
    if number != default and not spec.low <= number <= spec.high:
        also = "" if spec.low <= default <= spec.high else f" or {default:.10g}"
        raise OutOfRange(
            f"{name} must be in {spec.low:.10g}..{spec.high:.10g}{also}, got {number:.10g}"
        )
    return number


def _read_number(name: str, value: Any, spec: FieldSpec) -> float:
    if isinstance(value, str):
        try:
            is_whole = isinstance(spec.default, int)
            value = read_quantity(value, spec.unit, spec.low, spec.high, is_whole)
        except ValueError as error:
            message = f"{name} must be a number, got {value[:40]!r}"
            raise WrongType(message, f"write it {error}") from None
    if isinstance(value, bool) or not isinstance(value, Real):
        raise WrongType(f"{name} must be a number, got {value!r:.40}")
    number = int(value) if isinstance(value, Integral) else float(value)
    if not -1e15 < number < 1e15:  # NaN is not either
        raise WrongType(f"{name} must be a finite number of ordinary size, got {str(number)[:40]}")
    return number


_SWITCHES = {
    "1": True,
    "on": True,
    "true": True,
    "yes": True,
    "0": False,
    "off": False,
    "false": False,
    "no": False,
}


def _coerce_switch(name: str, value: Any) -> bool:
    if isinstance(value, bool) or (isinstance(value, int | float) and value in (0, 1)):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in _SWITCHES:
        return _SWITCHES[value.strip().lower()]
    raise WrongType(f"{name} must be 1 or 0, got {value!r:.40}")


def names_file(field: str, value: object) -> bool:
    """Whether this value of that field is the path of a file: a guide only as a MIDI file."""
    if field not in FILE_FIELDS or not isinstance(value, str):
        return False
    if field != "guide":
        return bool(value)
    # as text it would lose what disguises its ending
    return clean_text(value).strip().lower().endswith(MIDI_SUFFIXES)


def _coerce_text(name: str, value: Any, spec: FieldSpec) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise WrongType(f"{name} must be a text, got {value!r:.40}")
    if names_file(name, value):
        text = _check_path(name, str(value).rstrip())
    else:
        text = clean_text(value if isinstance(value, str) else f"{value:.10g}")
    if len(text) > spec.max_length:
        raise OutOfRange(
            f"{name} must have at most {spec.max_length} characters, got {len(text)}", "shorten it"
        )
    if spec.check is None:
        return text
    try:
        return spec.check(text if names_file(name, text) else text.strip())
    except ValueError as error:
        raise OutOfRange(
            f"{name} must be {error}, got {text[:40]!r}", getattr(error, "hint", "")
        ) from None


def _check_path(name: str, path: str) -> str:
    """A path is no text: it is kept as it is, and names a file or none."""
    try:
        path.encode()
    except UnicodeEncodeError:
        message = f"{name} must be a path in UTF-8, got {path[:40]!r}"
        raise OutOfRange(message, "rename the file") from None
    if "\0" in path:
        raise OutOfRange(f"{name} must be a path, got {path[:40]!r}")
    return path


_SPACE = re.compile(r"[\x0b\x0c\x1c-\x1f\x85]")  # of all controls, those between words
# all but newline and tab, and the byte order mark
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Composed Unicode with plain newlines and spaces; no byte order mark, no other control
    characters.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", _limit_combining_marks(text))
    return clean_controls(text)


def clean_controls(text: str) -> str:
    """Plain newlines and spaces; no byte order mark, no other control characters. A name stays the
    name that it is.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", _SPACE.sub(" ", text))


def _limit_combining_marks(text: str) -> str:
    """At most `MAX_MARKS` combining marks in a row: composing thousands takes seconds."""
    marks = {character for character in set(text) if unicodedata.combining(character)}
    if not marks:
        return text
    kept = []
    count = 0
    for character in text:
        count = count + 1 if character in marks else 0
        if count <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)
