"""The singer's voice: pitch, formants, consonants and time, measured on its sound."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.request import SAMPLE_RATE
from pipeline.singer.articulation import articulate
from pipeline.singer.formants import CONSONANTS, VOWELS
from pipeline.singer.phonemes import CONSONANTS as CONSONANT_NAMES
from pipeline.singer.phonemes import VOWELS as VOWEL_NAMES
from pipeline.singer.pitch import trace_pitch
from pipeline.singer.syllables import Syllable
from pipeline.singer.timing import Phone, time_phones
from pipeline.singer.vocal_line import SungNote, SungSyllable
from pipeline.singer.voice import MAN, WOMAN, Voice, sing

Wave = npt.NDArray[np.float32]

START = 0.5
SINGERS = [(MAN, 50), (WOMAN, 57), (WOMAN, 62)]
STEADY = MAN._replace(vibrato=0)


def make_syllable(
    sounds: str, start: float = START, length: float = 1.0, pitch: float = 50, **others: float
) -> SungSyllable:
    """ "S T AA N": consonants, a vowel, consonants."""
    names = sounds.split()
    peak = next(place for place, name in enumerate(names) if name in VOWELS)
    syllable = Syllable(tuple(names[:peak]), names[peak], tuple(names[peak + 1 :]), 1.0)
    velocity = others.get("velocity", 0.8)
    notes = (SungNote(start, length, pitch),)
    return SungSyllable(syllable, notes, velocity, bool(others.get("spoken")))


def sing_syllables(*line: SungSyllable, voice: Voice = MAN, seed: int = 1) -> Wave:
    return sing(line, round((line[-1].end + 0.2) * SAMPLE_RATE), voice, seed)


def sing_one(sounds: str, voice: Voice = MAN, pitch: float = 50, length: float = 0.6) -> Wave:
    return sing_syllables(make_syllable(sounds, length=length, pitch=pitch), voice=voice)


def cut(wave: Wave, begin: float, end: float) -> Wave:
    return wave[round(begin * SAMPLE_RATE) : round(end * SAMPLE_RATE)]


def measure_db(wave: Wave) -> float:
    return float(10 * np.log10(np.mean(wave.astype(np.float64) ** 2) + 1e-12))


def measure_band_db(wave: Wave, low: float, high: float) -> float:
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)))) ** 2 / len(wave)
    hertz = np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE)
    return float(10 * np.log10(power[(hertz >= low) & (hertz < high)].sum() + 1e-12))


def measure_pitch(wave: Wave) -> float:
    """MIDI pitch, by autocorrelation."""
    windowed = (wave * np.hanning(len(wave))).astype(np.float64)
    power = np.abs(np.fft.rfft(windowed, 4 * len(wave))) ** 2
    window = np.abs(np.fft.rfft(np.hanning(len(wave)), 4 * len(wave))) ** 2
    alike = np.fft.irfft(power)[:1000] / np.fft.irfft(window)[:1000]
    period = alike[40:] * np.linspace(1, 0.5, 960)  # rather the octave above than the one below
    lag = 40 + int(np.argmax(period))
    before, at, after = alike[lag - 1 : lag + 2]
    exact = lag + 0.5 * (before - after) / (before - 2 * at + after)
    return float(69 + 12 * np.log2(SAMPLE_RATE / exact / 440))


def measure_formants(wave: Wave) -> list[float]:
    """By linear prediction at 12 kHz: a pole per kHz and channel, and two for the source."""
    low = np.fft.irfft(np.fft.rfft(wave)[: len(wave) // 8 + 1], len(wave) // 4)
    emphasised = np.diff(low) * np.hanning(len(low) - 1)
    alike = np.correlate(emphasised, emphasised, "full")[len(emphasised) - 1 :]
    order = 14
    matrix = alike[np.abs(np.subtract.outer(np.arange(order), np.arange(order)))]
    predictor = np.linalg.solve(matrix, alike[1 : order + 1])
    poles = np.roots(np.concatenate([[1], -predictor]))
    poles = poles[poles.imag > 0]
    hertz = np.angle(poles) * 12_000 / (2 * np.pi)
    widths = -np.log(np.abs(poles)) * 12_000 / np.pi
    return sorted(float(at) for at, width in zip(hertz, widths) if width < 500 and at > 150)


def measure_centroid(wave: Wave) -> float:
    power = np.abs(np.fft.rfft(wave)) ** 2
    hertz = np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE)
    return float((power * hertz).sum() / power.sum())


@pytest.mark.parametrize(("voice", "pitch"), SINGERS)
@pytest.mark.parametrize("vowel", ["AA", "IY", "UW", "ER", "MM"])
def test_a_held_vowel_has_the_pitch_of_its_note(voice: Voice, pitch: int, vowel: str) -> None:
    held = cut(sing_one(vowel, voice, pitch), START + 0.05, START + 0.25)
    assert measure_pitch(held) == pytest.approx(pitch, abs=0.10)


@pytest.mark.parametrize("pitch", [33, 45, 64, 76, 84])
def test_also_far_from_where_it_likes_to_be(pitch: int) -> None:
    held = cut(sing_one("AA", pitch=pitch), START + 0.05, START + 0.25)
    assert measure_pitch(held) == pytest.approx(pitch, abs=0.15)


def test_vibrato_comes_late_and_is_as_deep_as_the_voice_has_it() -> None:
    wave = sing_one("AA", MAN._replace(vibrato=0.5), length=2)
    pitches = [
        measure_pitch(cut(wave, begin, begin + 0.05))
        for begin in np.arange(START + 0.7, START + 1.7, 0.02)
    ]
    assert 0.3 < np.std(pitches) * np.sqrt(2) < 0.55
    assert np.mean(pitches) == pytest.approx(50, abs=0.1)


@pytest.mark.parametrize("vowel", [name for name in sorted(VOWELS) if not VOWELS[name].nasal])
def test_a_vowels_formants_are_where_the_table_says(vowel: str) -> None:
    shape = VOWELS[vowel]
    heard = measure_formants(cut(sing_one(vowel, STEADY, 40), START + 0.2, START + 0.4))
    for expected in shape.formants[:2]:
        assert min(abs(at / expected - 1) for at in heard) < 0.12, (expected, heard)


def test_a_womans_formants_are_higher() -> None:
    voice = WOMAN._replace(vibrato=0)
    heard = measure_formants(cut(sing_one("IY", voice, 45), START + 0.2, START + 0.4))
    assert min(abs(at / (1.17 * VOWELS["IY"].formants[1]) - 1) for at in heard) < 0.08


def test_a_diphthong_glides_late_in_a_long_note() -> None:
    wave = sing_one("AY", STEADY, 40, length=2)
    first = VOWELS["AY"].formants
    last = VOWELS["AY"].glide or first
    for at, expected in ((0.3, first), (1.0, first), (1.5, first), (1.85, last)):
        heard = measure_formants(cut(wave, START + at, START + at + 0.1))
        assert min(abs(hertz / expected[1] - 1) for hertz in heard) < 0.15, at


@pytest.mark.parametrize(
    ("voice", "onset"),
    [(MAN, onset) for onset in ("", *sorted(CONSONANTS), "S T R", "B L", "K W")]
    + [(WOMAN, onset) for onset in ("B", "HH", "L", "R", "T", "S", "W")],
)
def test_a_vowel_begins_on_its_note(voice: Voice, onset: str) -> None:
    wave = sing_one(f"{onset} AA", voice)
    steps = np.arange(START - 0.06, START + 0.15, 0.002)
    levels = [measure_band_db(cut(wave, at - 0.008, at + 0.008), 500, 2000) for at in steps]
    open_mouth = measure_band_db(cut(wave, START + 0.11, START + 0.13), 500, 2000)
    shut = np.flatnonzero(np.array(levels) < open_mouth - 9)
    assert steps[shut[-1]] == pytest.approx(START, abs=0.02)


@pytest.mark.parametrize("voice", [MAN, WOMAN])
def test_a_vowel_out_of_silence_begins_on_its_note_too(voice: Voice) -> None:
    wave = sing_syllables(make_syllable("AA", start=1.2), voice=voice)
    loud = measure_db(cut(wave, 1.3, 1.4))
    assert measure_db(cut(wave, 1.17, 1.19)) < loud - 30
    assert measure_db(cut(wave, 1.21, 1.23)) > loud - 10


def test_s_is_higher_than_sh_and_x_lower_than_both() -> None:
    noises = {}
    for name in ("S", "SH", "X"):
        wave = sing_one(f"{name} AA")
        noises[name] = measure_centroid(cut(wave, START - 0.09, START - 0.02))
    assert noises["S"] > 5500
    assert noises["S"] > 1.5 * noises["SH"]
    assert noises["SH"] > 1.5 * noises["X"]


def test_a_velar_burst_follows_its_vowel() -> None:
    centroids = []
    for vowel in ("IY", "AH", "UW"):
        syllable = make_syllable(f"K {vowel}")
        stop = time_phones([syllable])[0]
        centroids.append(measure_centroid(cut(sing_syllables(syllable), stop.opened, stop.free)))
    assert centroids[0] > 1.2 * centroids[1] > 1.4 * centroids[2]


def find_opening(sounds: str) -> float:
    """The Hz of F2 when the first stop opens."""
    syllable = make_syllable(sounds)
    stop = time_phones([syllable])[0]
    return float(articulate([syllable]).formants.sample(np.array([stop.opened]))[0, 1])


@pytest.mark.parametrize(("lips", "palate"), [("P", "K"), ("B", "G")])
def test_a_front_vowel_comes_from_where_its_stop_was_shut(lips: str, palate: str) -> None:
    vowel = VOWELS["EH"].formants[1]
    assert find_opening(f"{lips} EH") < 0.8 * vowel
    assert find_opening(f"{palate} EH") > 1.2 * vowel


@pytest.mark.parametrize("name", ["P", "T", "K", "B", "D", "G", "CH", "JH", "TS", "DZ"])
def test_a_stop_is_shut_and_then_bursts(name: str) -> None:
    syllables = [make_syllable("AA", length=0.5), make_syllable(f"{name} AA", start=START + 0.5)]
    stop = time_phones(syllables)[1]
    assert stop.name == name
    wave = sing_syllables(*syllables)
    shut = cut(wave, stop.opened - 0.025, stop.opened - 0.005)
    vowel = measure_db(cut(wave, START + 0.2, START + 0.3))
    assert measure_db(shut) < vowel - (40 if CONSONANTS[name].voice is None else 12)
    burst = measure_band_db(cut(wave, stop.opened, stop.opened + 0.008), 400, 10_000)
    assert burst > measure_band_db(shut, 400, 10_000) + 15


@pytest.mark.parametrize("name", ["B", "D", "G", "V", "Z"])
def test_a_voiced_obstruent_keeps_the_voice(name: str) -> None:
    syllables = [make_syllable("AA", length=0.5), make_syllable(f"{name} AA", start=START + 0.5)]
    phone = time_phones(syllables)[1]
    middle = cut(sing_syllables(*syllables), phone.begin + 0.015, phone.begin + 0.045)
    assert measure_band_db(middle, 100, 400) > measure_band_db(middle, 600, 1500) + 12


@pytest.mark.parametrize("name", ["M", "N", "NG", "NY"])
def test_a_nasal_is_a_low_murmur(name: str) -> None:
    wave = sing_one(f"{name} AA")
    murmur, vowel = cut(wave, START - 0.06, START - 0.03), cut(wave, START + 0.1, START + 0.13)
    assert measure_band_db(murmur, 100, 500) > measure_band_db(murmur, 700, 4000) + 12
    assert measure_db(murmur) == pytest.approx(measure_db(vowel), abs=9)


def test_a_trill_has_three_taps_and_a_tap_one() -> None:
    for name, taps in (("DX", 1), ("RR", 3)):
        syllables = [make_syllable("AA", length=0.5), make_syllable(f"{name} AA", START + 0.5)]
        phone = time_phones(syllables)[1]
        wave = sing_syllables(*syllables)
        times = np.arange(phone.begin - 0.01, phone.end + 0.01, 0.001)
        levels = [measure_db(cut(wave, at, at + 0.007)) for at in times]
        softer = np.array(levels) < max(levels) - 6
        assert np.count_nonzero(softer[1:] & ~softer[:-1]) == taps


def test_every_sound_of_every_language_is_known() -> None:
    assert VOWELS.keys() == VOWEL_NAMES
    assert CONSONANTS.keys() == CONSONANT_NAMES


@pytest.mark.parametrize("name", sorted(CONSONANTS))
def test_every_consonant_has_a_sound(name: str) -> None:
    syllable = make_syllable(f"{name} AA {name}", length=0.5)
    phones = time_phones([syllable])
    wave = sing_syllables(syllable)
    for phone in (phones[0], phones[-1]):
        assert phone.name == name
        assert measure_db(cut(wave, phone.begin, phone.end)) > -55


@pytest.mark.parametrize("vowel", sorted(VOWELS))
def test_every_vowel_is_about_as_loud_as_any_other(vowel: str) -> None:
    held = cut(sing_one(vowel), START + 0.2, START + 0.6)
    assert measure_db(held) == pytest.approx(-20, abs=4)


def test_vowels_are_sung_into_each_other() -> None:
    wave = sing_syllables(make_syllable("AY", length=0.5), make_syllable("AE M", START + 0.5))
    levels = [measure_db(cut(wave, at, at + 0.02)) for at in np.arange(0.6, 1.2, 0.01)]
    assert min(levels) > max(levels) - 8


def test_a_note_goes_to_the_next_without_a_step() -> None:
    notes = (SungNote(START, 0.5, 50), SungNote(START + 0.5, 0.5, 57))
    melisma = make_syllable("AA")._replace(notes=notes)
    wave = sing_syllables(melisma, voice=STEADY)
    for begin, end, pitch in ((0.3, 0.4, 50), (0.55, 0.65, 57)):
        assert measure_pitch(cut(wave, START + begin, START + end)) == pytest.approx(pitch, abs=0.1)
    hertz = trace_pitch([melisma], np.arange(0, 2, 0.001), 0, np.random.default_rng(1))
    assert (np.diff(hertz[900:1100]) > -0.1).all()
    assert hertz[950] == pytest.approx(147, abs=1)
    assert hertz[985] == pytest.approx(180, abs=15)
    assert hertz[1020] == pytest.approx(220, abs=1)


def test_nothing_is_sung_outside_of_words() -> None:
    first, second = make_syllable("S T AA P"), make_syllable("S T AA P", start=4.0)
    wave = sing_syllables(first, second)
    assert not cut(wave, 0, 0.05).any()
    assert not cut(wave, 1.7, 3.4).any()
    assert not cut(wave, 5.2, 5.5).any()
    assert not sing((), SAMPLE_RATE, MAN, 1).any()
    assert len(sing((), 0, MAN, 1)) == 0


def test_air_is_taken_before_a_phrase() -> None:
    first, second = make_syllable("AA"), make_syllable("AA", start=3.0)
    wave = sing_syllables(first, second)
    breath = measure_db(cut(wave, 2.75, 2.9))
    assert -65 < breath < measure_db(cut(wave, 3.2, 3.4)) - 15
    hurried = sing_syllables(first, make_syllable("AA", start=first.end + 0.13))
    assert not cut(hurried, first.end + 0.04, first.end + 0.1).any()


def test_a_spoken_syllable_falls_and_is_not_held() -> None:
    spoken = make_syllable("AA", length=2.0, spoken=True)
    wave = sing_syllables(spoken)
    early, late = (measure_pitch(cut(wave, at, at + 0.04)) for at in (0.52, 0.80))
    assert early > late + 0.7
    assert late == pytest.approx(50, abs=3)
    assert not cut(wave, 1.2, 2.5).any()


def test_a_high_note_opens_the_mouth() -> None:
    held = cut(sing_one("IY", WOMAN, 76), START + 0.1, START + 0.25)  # E5: 659 Hz
    assert measure_band_db(held, 600, 720) > measure_band_db(held, 1200, 1400) + 12


def test_a_louder_note_is_louder() -> None:
    soft, loud = (sing_syllables(make_syllable("S AA", velocity=value)) for value in (0.4, 1.0))
    assert measure_db(loud) == pytest.approx(measure_db(soft) + 8.4, abs=1)


@pytest.mark.parametrize("voice", [MAN, WOMAN])
def test_same_seed_same_bytes_and_another_seed_another_breath(voice: Voice) -> None:
    line = [make_syllable("SH IY"), make_syllable("S IH NG Z", START + 1)]
    first, again, other = (sing_syllables(*line, voice=voice, seed=seed) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()
    assert first.dtype == np.float32


def test_a_line_of_everything_is_bounded_and_has_no_clicks() -> None:
    rng = np.random.default_rng(0)
    vowels, consonants = sorted(VOWELS), sorted(CONSONANTS)
    line, start = [], 0.3
    for number in range(40):
        onset = tuple(rng.choice(consonants, rng.integers(4)))
        coda = tuple(rng.choice(consonants, rng.integers(4)))
        vowel = str(rng.choice(vowels))
        length = float(rng.uniform(0.02, 0.6))
        notes = (SungNote(start, length, float(rng.uniform(36, 84))),)
        syllable = Syllable(onset, vowel, coda, float(rng.choice([0, 0.6, 1])))
        line.append(SungSyllable(syllable, notes, float(rng.uniform(0, 1)), bool(number % 7 == 0)))
        start += length + float(rng.choice([0, 0, 0, 0.5]))
    wave = sing_syllables(*line, voice=WOMAN)
    assert np.isfinite(wave).all()
    assert np.abs(wave).max() < 0.9
    assert abs(wave.mean()) < 1e-4
    assert np.abs(np.diff(wave)).max() < 0.3


def test_words_that_begin_before_there_is_time_are_sung_all_the_same() -> None:
    wave = sing_syllables(make_syllable("S T R IY T S", start=0.0, length=0.05))
    assert np.isfinite(wave).all()
    assert measure_db(cut(wave, 0, 0.05)) > -40


def test_a_sound_that_is_cut_off_ends_in_silence() -> None:
    wave = sing([make_syllable("S AA", length=60)], round(1.3 * SAMPLE_RATE), MAN, 1)
    assert len(wave) == round(1.3 * SAMPLE_RATE)
    assert measure_db(wave[-480:-240]) > -30
    assert abs(wave[-1]) < 1e-3


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ([make_syllable("AA")._replace(notes=())], "needs a note"),
        ([make_syllable("AA", length=0)], "has a length"),
        ([make_syllable("AA", start=-1)], "starts at 0"),
        ([make_syllable("AA", pitch=float("nan"))], "starts at 0"),
        ([make_syllable("AA", 2), make_syllable("AA", 1)], "in order of time"),
        ([SungSyllable(Syllable((), "XY", (), 1.0), (SungNote(0, 1, 50),), 1, False)], "XY"),
        ([SungSyllable(Syllable(("AA",), "AA", (), 1.0), (SungNote(0, 1, 50),), 1, False)], "AA"),
    ],
)
def test_what_cannot_be_sung_is_refused(line: list[SungSyllable], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        sing(line, SAMPLE_RATE, MAN, 1)


def name_phones(*syllables: SungSyllable) -> dict[str, Phone]:
    return {phone.name: phone for phone in time_phones(syllables)}


def test_a_stop_is_let_go_before_one_of_another_place_and_not_before_its_own() -> None:
    other = name_phones(make_syllable("K AE P", length=0.4), make_syllable("T AX N", START + 0.4))
    own = name_phones(make_syllable("K AE D", length=0.4), make_syllable("T AX N", START + 0.4))
    assert other["P"].rubs
    assert not own["D"].rubs


def test_a_stop_breathes_into_nothing_that_rubs() -> None:
    assert name_phones(make_syllable("OW T S"))["T"].aspiration == 0
    assert name_phones(make_syllable("OW T"))["T"].aspiration > 0


def test_a_voiced_stop_is_shut_for_less_time_behind_a_nasal() -> None:
    behind, alone = (name_phones(make_syllable(f"EH {coda}"))["D"] for coda in ("N D", "D"))
    assert behind.opened - behind.begin < 0.6 * (alone.opened - alone.begin)


def test_r_behind_its_vowel_is_half_a_vowel() -> None:
    wave = sing_syllables(make_syllable("K AA R D", length=0.8))
    phones = name_phones(make_syllable("K AA R D", length=0.8))
    held = cut(wave, phones["R"].begin + 0.03, phones["R"].end - 0.02)
    vowel = cut(wave, phones["AA"].begin + 0.1, phones["AA"].begin + 0.2)
    assert measure_db(held) > measure_db(vowel) - 6
